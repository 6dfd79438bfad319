//! One run: an interval of the log, read from the store in small parts with pauses between them, judged by the code that
//! judges packages, whose files go nowhere. It holds no iterator and no snapshot while it pauses, and states nothing.

use crate::clock::Stopwatch;
use crate::domain::Filter;
use crate::ledger::error::ReadError;
use crate::ledger::interval::Interval;
use crate::ledger::reader::Reader;
use crate::ledger::runs::{Reach, days_us, is_busy};
use crate::limits;
use deedbook_verify::detail::{TestNumber, TestVerdict};
use deedbook_verify::entry::Entry;
use deedbook_verify::note::open_checkpoint;
use deedbook_verify::package::{
    self, Framework, Offered, PROGRAM, PackageCode, PackageRefusal, PackageWriter, Period, Question, Redaction,
    Rendered, Sink, SinkFile, Start, TestId, Verdict,
};
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Digest, Index, Micros, TreeSize};
use std::ops::ControlFlow;
use std::time::Duration;

/// What a run looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The sizes of its checkpoints.
    pub interval: Interval,
    /// The period.
    pub period: Period,
    /// Whether the period was shortened, because the log has more entries in it than a run may take.
    pub shortened: bool,
    /// The checkpoint at its end.
    pub head: TreeHead,
    end: Vec<u8>,
}

/// How one test came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The test.
    pub test: TestNumber,
    /// Its verdict.
    pub verdict: TestVerdict,
    /// Rows.
    pub population: u64,
    /// Exceptions.
    pub exceptions: u64,
    /// Rows that entries do not decide.
    pub indeterminate: u64,
}

/// Why a run has no results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRun {
    /// The ledger stops.
    Stopped,
    /// It could not be made; this says nothing about the log.
    Failed(String),
    /// The log cannot be proved.
    Unproved(String),
}

impl From<ReadError> for NoRun {
    fn from(error: ReadError) -> NoRun {
        let unproved = matches!(error, ReadError::Corrupt(_));
        if unproved { NoRun::Unproved(error.to_string()) } else { NoRun::Failed(error.to_string()) }
    }
}

impl From<PackageRefusal> for NoRun {
    fn from(refusal: PackageRefusal) -> NoRun {
        // What cannot be written, and what this program asked wrongly, is no finding about the log.
        let ours = matches!(refusal.code, PackageCode::Unwritten | PackageCode::Edge | PackageCode::Question);
        if ours { NoRun::Failed(refusal.to_string()) } else { NoRun::Unproved(refusal.to_string()) }
    }
}

/// BLAKE3 of the program's name and version. A run reads its tests against no framework, so no mapping is part of it.
pub fn program() -> Digest {
    let text = format!("{PROGRAM}\ndeedbook {}\n", env!("CARGO_PKG_VERSION"));
    Digest(*blake3::hash(text.as_bytes()).as_bytes())
}

/// What a run looks at now: the last so many days, or as many of them as fit.
pub fn scope(reader: &Reader, reach: Reach, now: Micros) -> Result<Scope, NoRun> {
    let to = Micros(now.0.saturating_add(1));
    let period = Period { from: Micros(to.0.saturating_sub(days_us(reach.days))), to };
    let interval = reader.interval_of(period)?;
    let surplus = interval.ends.0.saturating_sub(interval.begins.0) > reach.entries_max;
    let (interval, period) = if surplus { shorten(reader, reach, (interval.ends, to))? } else { (interval, period) };
    let end = reader.note_of(interval.ends)?;
    let opened = open_checkpoint(&end, reader.verifier_key());
    let head = opened.map_err(|refusal| NoRun::Unproved(refusal.to_string()))?.checkpoint().head;
    Ok(Scope { interval, period, shortened: surplus, head, end })
}

/// The newest entries that fit, from a kept checkpoint on, and the part of their time before which requests had room to
/// begin.
fn shorten(reader: &Reader, reach: Reach, (ends, to): (TreeSize, Micros)) -> Result<(Interval, Period), NoRun> {
    let wanted = TreeSize(ends.0.saturating_sub(reach.entries_max));
    let begins = reader.kept_from(wanted)?.filter(|begins| *begins < ends);
    let none = || NoRun::Failed(format!("no checkpoint is kept among the newest {} entries", reach.entries_max));
    let begins = begins.ok_or_else(none)?;
    let first = reader.entry(Index(begins.0))?;
    let first = Entry::parse(&first).map_err(|malformed| NoRun::Unproved(malformed.to_string()))?.seal.received;
    let lead = limits::EXPORT_LEAD_US.min(to.0.saturating_sub(first.0) / 2);
    let from = Micros(first.0.saturating_add(lead).saturating_add(1));
    Ok((Interval { begins, ends }, Period { from, to: to.max(Micros(from.0.saturating_add(1))) }))
}

/// Judges the interval. `told` hears how many entries were taken in.
pub fn judge(reader: &Reader, scope: &Scope, told: &mut dyn FnMut(u64)) -> Result<Vec<Judged>, NoRun> {
    let Interval { begins, ends } = scope.interval;
    let question = Question {
        ledger: reader.ledger_id(),
        framework: Framework::Soc2,
        period: scope.period,
        begins,
        ends,
        // Nothing reads the list of entries, so it holds the one that no interval has twice.
        filter: package::Filter::parse("kind = genesis").map_err(|refusal| NoRun::Failed(refusal.to_string()))?,
        sample: 0,
        nonce: None,
        redaction: Redaction::Bodies,
    };
    let before: Option<(Vec<u8>, Start)> = match begins.0 {
        0 => None,
        _ => Some((reader.note_of(begins)?, reader.start_of(begins)?)),
    };
    let offered = Offered {
        question,
        key: reader.verifier_key(),
        start: before.as_ref().map(|(note, start)| (note.as_slice(), start)),
        end: &scope.end,
    };
    let mut nowhere = Nowhere;
    let mut writer = PackageWriter::begin(offered, &mut nowhere)?;
    let mut next = begins;
    while next < ends {
        let watch = Stopwatch::start();
        let until = TreeSize(ends.0.min(next.0.saturating_add(limits::TESTS_BATCH_ENTRIES)));
        for entry in batch(reader, next, until)? {
            writer.push(&entry, None)?;
        }
        told(until.0.saturating_sub(begins.0));
        pause(reader, until.0.saturating_sub(next.0), watch.seconds())?;
        next = until;
    }
    let policy = |digest: Digest| match reader.policy_source(Some(digest)) {
        Ok((_, source, _)) => Ok(Some(source.to_bytes())),
        Err(ReadError::NotFound { .. }) => Ok(None),
        Err(error) => Err(std::io::Error::other(error.to_string())),
    };
    let finished = writer.finish(policy)?;
    Ok(judged(finished.rendered()))
}

/// Entries of a part, in memory: the store's iterator ends with this call.
fn batch(reader: &Reader, from: TreeSize, to: TreeSize) -> Result<Vec<Vec<u8>>, NoRun> {
    let mut entries = Vec::new();
    reader.select(&Filter::default(), Index(from.0)..Index(to.0), &mut |_, entry| {
        entries.push(entry);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(entries)
}

/// Rests, so that a run costs a part of a core, and less of it while the writer has work.
fn pause(reader: &Reader, entries: u64, spent_s: f64) -> Result<(), NoRun> {
    let busy = is_busy(&reader.shared);
    let rate = if busy { limits::TESTS_ENTRIES_PER_SECOND_BUSY } else { limits::TESTS_ENTRIES_PER_SECOND };
    let whole = Duration::from_micros(entries.saturating_mul(1_000_000).checked_div(rate).unwrap_or(0));
    let left = whole.saturating_sub(Duration::try_from_secs_f64(spent_s).unwrap_or_default());
    // Woken when the ledger stops; whoever wakes it otherwise costs it a part of its rest.
    if entries == limits::TESTS_BATCH_ENTRIES && !left.is_zero() {
        std::thread::park_timeout(left);
    }
    if reader.shared.stopped().is_some() { Err(NoRun::Stopped) } else { Ok(()) }
}

/// Every test that a run can decide: T18 is performed by whoever verifies a package.
fn judged(rendered: &Rendered) -> Vec<Judged> {
    let decided = rendered.tests.iter().filter(|(id, ..)| *id != TestId::T18);
    let judged = decided.filter_map(|(id, verdict, population, exceptions)| {
        let test = TestNumber::new(id.number())?;
        let (verdict, population, exceptions) = (stated(*verdict), *population, *exceptions);
        let indeterminate = rendered.indeterminate.get(id).copied().unwrap_or(0);
        Some(Judged { test, verdict, population, exceptions, indeterminate })
    });
    judged.collect()
}

fn stated(verdict: Verdict) -> TestVerdict {
    match verdict {
        Verdict::Pass => TestVerdict::Pass,
        Verdict::NotOperated => TestVerdict::NotOperated,
        Verdict::Indeterminate => TestVerdict::Indeterminate,
        Verdict::Fail => TestVerdict::Fail,
    }
}

/// Takes every file and keeps none.
struct Nowhere;

impl Sink for Nowhere {
    fn create(&mut self, _: &str) -> std::io::Result<Box<dyn SinkFile>> {
        Ok(Box::new(Nowhere))
    }
}

impl SinkFile for Nowhere {
    fn write(&mut self, _: &[u8]) -> std::io::Result<()> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> std::io::Result<()> {
        Ok(())
    }
}
