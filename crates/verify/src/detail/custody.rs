//! What the ledger says of its own keeping: who read what, what left it as evidence, how its tests stood. Form only: the
//! ledger states these, and nobody can state them for it.

use crate::bytes::{Defect, Fields, Malformed, Reader};
use crate::detail::{Detail, Rules, TestNumber};
use crate::facts::{Actor, Facts, byte_codes, list, value};
use crate::limits;
use crate::tags;
use crate::tree::TreeHead;
use crate::words::{Digest, Index, TreeSize};

/// Wire width of a test's result: test, verdict, the verdict before, and three counts.
pub const RESULT_BYTES: usize = 27;

byte_codes! {
    /// How a computed test stands; each is worse than those before it.
    TestVerdict { Pass = 1, "pass"; NotOperated = 2, "not_operated"; Indeterminate = 3, "indeterminate"; Fail = 4, "fail"; }
}

/// What the ledger says of its own keeping.
#[derive(Clone, Copy, Debug)]
pub enum Custody<'a> {
    /// `log.read`
    Read(LogRead),
    /// `evidence.exported`
    Exported(Export),
    /// `verification.run`
    Verified(Verification<'a>),
}

/// Neighbouring entries: from one up to, not including, another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The first.
    pub first: Index,
    /// How many entries stand before the end; at least as many as before the first.
    pub end: TreeSize,
}

impl Interval {
    /// As it stands on the wire.
    pub fn to_bytes(self) -> Vec<u8> {
        [self.first.0.to_be_bytes(), self.end.0.to_be_bytes()].concat()
    }

    fn parse(fields: &mut Fields<'_>) -> Result<Interval, Malformed> {
        let bytes: [u8; 16] = fields.required_array(tags::INTERVAL)?;
        let mut reader = Reader::new(&bytes);
        let (first, end) = (reader.u64(tags::INTERVAL.name)?, reader.u64(tags::INTERVAL.name)?);
        if first <= end { Ok(Interval { first: Index(first), end: TreeSize(end) }) } else { Err(value(tags::INTERVAL)) }
    }
}

/// Somebody who showed who they are read a part of the log as evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRead {
    /// What was read.
    pub interval: Interval,
    /// How many bodies of it were disclosed.
    pub disclosed: u64,
    /// Who.
    pub actor: Actor,
}

/// An evidence package left the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Export {
    /// What it covers.
    pub interval: Interval,
    /// How many bodies it discloses.
    pub disclosed: u64,
    /// BLAKE3 of the question, keyed with the ref key.
    pub question: Digest,
    /// BLAKE3 of the package's manifest.
    pub package: Digest,
    /// The checkpoint that it ends at: common field `last_seen`, whose size is the interval's end.
    pub head: TreeHead,
    /// Who.
    pub actor: Actor,
}

/// The computed tests ran.
#[derive(Clone, Copy, Debug)]
pub struct Verification<'a> {
    /// Over what.
    pub interval: Interval,
    /// BLAKE3 of the program's name and version, and of the mapping that it ran.
    pub program: Digest,
    /// The checkpoint that it ends at: common field `last_seen`, whose size is the interval's end.
    pub head: TreeHead,
    results: &'a [u8],
}

/// How one test stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestResult {
    /// The test.
    pub test: TestNumber,
    /// Its verdict.
    pub verdict: TestVerdict,
    /// Its verdict in the run before; none: there was no such run.
    pub before: Option<TestVerdict>,
    /// What it looked at.
    pub population: u64,
    /// Exceptions; at least 1 when it fails.
    pub exceptions: u64,
    /// What could not be judged.
    pub indeterminate: u64,
}

impl TestResult {
    /// Whether it stands worse than in the run before.
    pub fn is_worse(&self) -> bool {
        self.before.is_some_and(|before| self.verdict.number() > before.number())
    }

    /// As it stands on the wire.
    pub fn to_bytes(self) -> Vec<u8> {
        let codes = [self.test.number(), self.verdict.number(), self.before.map_or(0, TestVerdict::number)];
        let counts = [self.population, self.exceptions, self.indeterminate].map(u64::to_be_bytes);
        [codes.as_slice(), counts.as_flattened()].concat()
    }

    fn parse(chunk: &[u8]) -> Option<TestResult> {
        let mut reader = Reader::new(chunk);
        let what = tags::TEST_RESULTS.name;
        let mut byte = || reader.u8(what).ok();
        let (test, verdict, before) = (TestNumber::new(byte()?)?, TestVerdict::from_number(byte()?)?, byte()?);
        let before = if before == 0 { None } else { Some(TestVerdict::from_number(before)?) };
        let mut count = || reader.u64(what).ok();
        let (population, exceptions, indeterminate) = (count()?, count()?, count()?);
        Some(TestResult { test, verdict, before, population, exceptions, indeterminate })
    }
}

impl<'a> Verification<'a> {
    /// The results, ascending by test.
    pub fn results(&self) -> impl Iterator<Item = TestResult> + use<'a> {
        self.results.chunks_exact(RESULT_BYTES).filter_map(TestResult::parse)
    }
}

pub(super) fn read<'a>(rules: Rules, facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<Detail<'a>, Malformed> {
    let (interval, disclosed) = (Interval::parse(fields)?, disclosed(fields)?);
    let custody = Custody::Read(LogRead { interval, disclosed, actor: facts.need_actor()? });
    Ok(Detail::Custody { rules, custody })
}

pub(super) fn exported<'a>(rules: Rules, facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<Detail<'a>, Malformed> {
    let (interval, disclosed) = (Interval::parse(fields)?, disclosed(fields)?);
    let export = Export {
        interval,
        disclosed,
        question: Digest(fields.required_array(tags::QUESTION_DIGEST)?),
        package: Digest(fields.required_array(tags::PACKAGE_DIGEST)?),
        head: head_of(facts, interval)?,
        actor: facts.need_actor()?,
    };
    Ok(Detail::Custody { rules, custody: Custody::Exported(export) })
}

pub(super) fn verified<'a>(rules: Rules, facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<Detail<'a>, Malformed> {
    let interval = Interval::parse(fields)?;
    let program = Digest(fields.required_array(tags::PROGRAM_DIGEST)?);
    let results = list(fields, tags::TEST_RESULTS, RESULT_BYTES, limits::TESTS_MAX)?;
    if results.is_empty() {
        return Err(Malformed::new(tags::TEST_RESULTS.name, Defect::Missing));
    }
    let run = Verification { interval, program, head: head_of(facts, interval)?, results };
    let ascending = run.results().zip(run.results().skip(1)).all(|(one, two)| one.test < two.test);
    let sound = |result: &TestResult| (result.verdict == TestVerdict::Fail) == (result.exceptions > 0);
    let whole = run.results().filter(sound).count() * RESULT_BYTES == results.len();
    let custody = Custody::Verified(run);
    if ascending && whole { Ok(Detail::Custody { rules, custody }) } else { Err(value(tags::TEST_RESULTS)) }
}

fn disclosed(fields: &mut Fields<'_>) -> Result<u64, Malformed> {
    fields.required_array(tags::DISCLOSED).map(u64::from_be_bytes)
}

/// The head at the end of an interval; another size is another tree's.
fn head_of(facts: &Facts<'_>, interval: Interval) -> Result<TreeHead, Malformed> {
    let head = facts.need_last_seen()?;
    if head.size == interval.end { Ok(head) } else { Err(value(tags::LAST_SEEN)) }
}
