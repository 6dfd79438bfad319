//! Past runs, as the log has them: nothing is kept beside it, so there is nothing that could differ from it.

use crate::domain::Filter;
use crate::ledger::bodies::{Bodies, StoredBody};
use crate::ledger::error::ReadError;
use crate::ledger::reader::Reader;
use crate::limits;
use deedbook_verify::detail::{Custody, Detail, Interval, TestNumber, TestResult};
use deedbook_verify::entry::Entry;
use deedbook_verify::kind::Kind;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Digest, Index, Micros};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A run that is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where.
    pub index: Index,
    /// When it was recorded.
    pub recorded: Micros,
    /// What it looked at.
    pub interval: Interval,
    /// The program.
    pub program: Digest,
    /// The checkpoint at the interval's end.
    pub head: TreeHead,
    /// How the tests stood, ascending.
    pub results: Vec<TestResult>,
    /// What its body says; none where that was erased.
    pub note: Option<RunNote>,
}

/// What a run says besides its facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunNote {
    /// When it began.
    pub started: Micros,
    /// When it ended.
    pub finished: Micros,
    /// The first moment of its period.
    pub from: Micros,
    /// The first moment behind it.
    pub to: Micros,
    /// `schedule` or `asked`.
    pub cause: String,
    /// Whether the period is shorter than the schedule says, because it holds too many entries.
    pub shortened: bool,
    /// Why the log cannot be proved, if so.
    pub refusal: Option<String>,
}

impl RunNote {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let refusal = self.refusal.as_ref().map_or(Value::Null, |refusal| json!(refusal));
        let value = json!({
            "started_micros": self.started.0,
            "finished_micros": self.finished.0,
            "from_micros": self.from.0,
            "to_micros": self.to.0,
            "cause": self.cause,
            "shortened": self.shortened,
            "refusal": refusal,
        });
        value.to_string().into_bytes()
    }

    fn parse(bytes: &[u8]) -> Option<RunNote> {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        let micros = |name: &str| Some(Micros(value.get(name)?.as_u64()?));
        Some(RunNote {
            started: micros("started_micros")?,
            finished: micros("finished_micros")?,
            from: micros("from_micros")?,
            to: micros("to_micros")?,
            cause: value.get("cause")?.as_str()?.to_owned(),
            shortened: value.get("shortened")?.as_bool()?,
            refusal: value.get("refusal")?.as_str().map(str::to_owned),
        })
    }
}

/// How a test stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// By the newest run that judged it.
    pub result: TestResult,
    /// That run.
    pub run: Index,
    /// When the verdict was first so, without another one since.
    pub since: Micros,
    /// The run that said so first.
    pub since_run: Index,
    /// Whether it may have been so for longer: the history was not read further back.
    pub since_or_before: bool,
}

impl Reader {
    /// Runs that stand below an index, the newest first: at most `count_max` of them.
    pub fn runs(&self, below: Index, count_max: usize) -> Result<Vec<Run>, ReadError> {
        let filter = Filter { kind: Some(Kind::VerificationRun), ..Filter::default() };
        let size = self.head().size;
        let at = deedbook_verify::words::TreeSize(size.0.min(below.0));
        let all = self.list(&filter, Index(0), at, usize::MAX)?;
        all.iter().rev().take(count_max).map(|index| self.run(*index)).collect()
    }

    fn run(&self, index: Index) -> Result<Run, ReadError> {
        let stored = self.event(index, Bodies::With)?;
        let corrupt = |what: &dyn std::fmt::Display| ReadError::Corrupt(format!("entry {index}: {what}"));
        let entry = Entry::parse(&stored.entry).map_err(|malformed| corrupt(&malformed))?;
        let Detail::Custody { custody: Custody::Verified(run), .. } = &entry.facts.detail else {
            return Err(corrupt(&"it is no run of the tests"));
        };
        let note = if let StoredBody::Opened { body, .. } = &stored.body { RunNote::parse(body) } else { None };
        Ok(Run {
            index,
            recorded: entry.seal.received,
            interval: run.interval,
            program: run.program,
            head: run.head,
            results: run.results().collect(),
            note,
        })
    }

    /// How each test stands, ascending, and the newest run, if there is one.
    pub fn standings(&self) -> Result<(Vec<Standing>, Option<Run>), ReadError> {
        let runs = self.runs(Index(u64::MAX), limits::TESTS_HISTORY_MAX.saturating_add(1))?;
        let cut = runs.len() > limits::TESTS_HISTORY_MAX;
        let mut standings: BTreeMap<TestNumber, (Standing, bool)> = BTreeMap::new();
        for run in runs.iter().take(limits::TESTS_HISTORY_MAX) {
            for result in &run.results {
                let (run, since) = (run.index, run.recorded);
                let fresh = Standing { result: *result, run, since, since_run: run, since_or_before: cut };
                let (standing, goes_on) = standings.entry(result.test).or_insert((fresh, true));
                *goes_on &= standing.result.verdict == result.verdict;
                if *goes_on {
                    (standing.since, standing.since_run) = (since, run);
                } else {
                    standing.since_or_before = false;
                }
            }
        }
        Ok((standings.into_values().map(|(standing, _)| standing).collect(), runs.into_iter().next()))
    }
}
