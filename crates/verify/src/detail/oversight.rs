//! What people say who look after the ledger: that they reviewed it, what becomes of an exception, how it compares with
//! an outside list. Form only. Nobody is refused for saying it: whose word counts, `vouched` judges.

use crate::bytes::{Fields, Malformed, Reader};
use crate::detail::{Detail, Window};
use crate::facts::{Actor, Code, Facts, byte_codes, own_code, value};
use crate::tags;
use crate::tree::TreeHead;
use crate::words::{Digest, Index, Ref};
use std::fmt;

byte_codes! {
    /// What was reviewed: who has access, or what the log says.
    ReviewSubject { Access = 1, "access"; Log = 2, "log"; }
}
byte_codes! {
    /// What a review found.
    ReviewResult { NothingFound = 1, "nothing_found"; Findings = 2, "findings"; }
}
byte_codes! {
    /// What becomes of an exception.
    Disposition { Accepted = 1, "accepted"; Remediated = 2, "remediated"; FalsePositive = 3, "false_positive"; }
}

/// What people say who look after the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oversight<'a> {
    /// `review.completed`
    Reviewed(Review),
    /// `exception.disposed`
    Disposed(Disposal<'a>),
    /// `reconciliation.completed`
    Reconciled(Reconciliation),
}

/// Somebody went through a period of the log, or through who has access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Review {
    /// What was reviewed.
    pub subject: ReviewSubject,
    /// The period, by received time.
    pub window: Window,
    /// What was found.
    pub result: ReviewResult,
    /// Who.
    pub actor: Actor,
    /// The checkpoint that was reviewed: common field `last_seen`, which the server holds against its own tree.
    pub reviewed: TreeHead,
}

/// The number of a computed test, 0 to 99.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TestNumber(u8);

impl TestNumber {
    /// T00: whether the log is whole.
    pub const WHOLE: TestNumber = TestNumber(0);

    /// A number below 100.
    pub fn new(number: u8) -> Option<TestNumber> {
        (number < 100).then_some(TestNumber(number))
    }

    /// Reads `T01`.
    pub fn parse(text: &str) -> Option<TestNumber> {
        let digits = text.strip_prefix('T').filter(|digits| digits.len() == 2)?;
        let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
        TestNumber::new(number)
    }

    /// The number.
    pub fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for TestNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "T{:02}", self.0)
    }
}

/// Somebody says what becomes of an exception of a computed test. Why stands in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disposal<'a> {
    /// The test.
    pub test: TestNumber,
    /// Its exception code.
    pub code: Code<'a>,
    /// The entry at which the exception stands.
    pub index: Index,
    /// What becomes of it.
    pub disposition: Disposition,
    /// Who.
    pub actor: Actor,
}

/// What a source stated in a period, beside what an outside record holds of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconciliation {
    /// The source.
    pub source: Ref,
    /// The period, by the time at which things happened.
    pub window: Window,
    /// What the outside record is called.
    pub outside: Ref,
    /// BLAKE3 of the outside list's bytes, keyed with the ref key.
    pub outside_digest: Digest,
    /// How many keys were compared.
    pub counts: Compared,
    /// BLAKE3 of the differences, keyed with the ref key.
    pub differences: Digest,
    /// Who.
    pub actor: Actor,
    /// The checkpoint up to which the ledger was read: common field `last_seen`.
    pub read_to: TreeHead,
}

/// Distinct keys on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    /// In the ledger.
    pub here: u64,
    /// In the outside record.
    pub there: u64,
    /// In the ledger alone; at most `here`.
    pub only_here: u64,
    /// In the outside record alone; at most `there`.
    pub only_there: u64,
}

impl Compared {
    /// As it stands on the wire.
    pub fn to_bytes(self) -> Vec<u8> {
        [self.here, self.there, self.only_here, self.only_there].into_iter().flat_map(u64::to_be_bytes).collect()
    }

    fn parse(bytes: [u8; 32]) -> Result<Compared, Malformed> {
        let mut reader = Reader::new(&bytes);
        let mut next = || reader.u64(tags::COMPARED.name);
        let compared = Compared { here: next()?, there: next()?, only_here: next()?, only_there: next()? };
        let fits = compared.only_here <= compared.here && compared.only_there <= compared.there;
        if fits { Ok(compared) } else { Err(value(tags::COMPARED)) }
    }
}

/// Without a subject the event says nothing of its own.
pub(super) fn reviewed<'a>(facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<Detail<'a>, Malformed> {
    let Some([subject]) = fields.optional_array(tags::REVIEW_SUBJECT)? else {
        // A window alone would be a review of nothing.
        return Ok(Detail::None);
    };
    Ok(Detail::Oversight(Oversight::Reviewed(Review {
        subject: ReviewSubject::from_number(subject).ok_or(value(tags::REVIEW_SUBJECT))?,
        result: own_code(fields, tags::REVIEW_RESULT, ReviewResult::from_number)?,
        window: Window::required(fields)?,
        actor: facts.need_actor()?,
        reviewed: facts.need_last_seen()?,
    })))
}

/// Without an exception the event says nothing of its own.
pub(super) fn disposed<'a>(facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<Detail<'a>, Malformed> {
    let Some([test, index @ ..]) = fields.optional_array::<9>(tags::EXCEPTION)? else { return Ok(Detail::None) };
    facts.need_body()?;
    let code = fields.required(tags::EXCEPTION_CODE)?;
    let code = std::str::from_utf8(code).ok().and_then(Code::new).ok_or(value(tags::EXCEPTION_CODE))?;
    Ok(Detail::Oversight(Oversight::Disposed(Disposal {
        test: TestNumber::new(test).ok_or(value(tags::EXCEPTION))?,
        code,
        index: Index(u64::from_be_bytes(index)),
        disposition: own_code(fields, tags::DISPOSITION, Disposition::from_number)?,
        actor: facts.need_actor()?,
    })))
}

/// Without a source the event says nothing of its own.
pub(super) fn reconciled<'a>(facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<Detail<'a>, Malformed> {
    let Some(source) = fields.optional_array(tags::RECONCILED_SOURCE)?.map(Ref) else { return Ok(Detail::None) };
    let outside: [u8; 48] = fields.required_array(tags::OUTSIDE_RECORD)?;
    let mut reader = Reader::new(&outside);
    let (name, digest) = (reader.array(tags::OUTSIDE_RECORD.name)?, reader.array(tags::OUTSIDE_RECORD.name)?);
    Ok(Detail::Oversight(Oversight::Reconciled(Reconciliation {
        source,
        outside: Ref(name),
        outside_digest: Digest(digest),
        counts: Compared::parse(fields.required_array(tags::COMPARED)?)?,
        differences: Digest(fields.required_array(tags::DIFFERENCES_DIGEST)?),
        window: Window::required(fields)?,
        actor: facts.need_actor()?,
        read_to: facts.need_last_seen()?,
    })))
}
