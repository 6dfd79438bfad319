//! The thread that runs the tests: waits until a run is due or asked for, makes it, and has the ledger state what came of it.
//! It writes nothing itself. If we crash at any point, the log has the run or has not; then it is made again.

use crate::ledger::custody::Act;
use crate::ledger::error::ReadError;
use crate::ledger::reader::Reader;
use crate::ledger::runs::exam::{self, Judged, NoRun, Scope};
use crate::ledger::runs::history::RunNote;
use crate::ledger::runs::{Cause, Progress, Reach, RunsStatus, Trouble, WeakLedger, micros};
use crate::ledger::writer::{Ledger, Shared};
use crate::limits;
use deedbook_verify::detail::{Interval, TestNumber, TestResult, TestVerdict};
use deedbook_verify::words::{Index, Micros};
use metrics::{counter, gauge};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

/// Until the ledger stops.
pub(super) fn run(ledger: &WeakLedger) {
    let (shared, reader) = (&ledger.shared, &ledger.reader);
    let opened = shared.clock.wall();
    if let Err(error) = remember(shared, reader) {
        tracing::error!(%error, "past runs of the tests cannot be read");
    }
    while shared.stopped().is_none() {
        match due(shared, opened) {
            Some(cause) => attempt(ledger, cause),
            None => std::thread::park_timeout(limits::TESTS_IDLE),
        }
    }
}

/// Takes up what the newest run said.
fn remember(shared: &Shared, reader: &Reader) -> Result<(), ReadError> {
    let (standings, last) = reader.standings()?;
    let Some(last) = last else { return Ok(()) };
    let results: Vec<TestResult> = standings.iter().map(|standing| standing.result).collect();
    measure(&results, last.recorded, last.note.as_ref());
    let status = &mut shared.runs.lock().status;
    status.last = Some((last.index, last.recorded));
    status.unproved = is_unproved(&last.results);
    Ok(())
}

/// Why a run is to be made now, if one is.
fn due(shared: &Shared, opened: Micros) -> Option<Cause> {
    let now = shared.clock.wall();
    let mut state = shared.runs.lock();
    let last = state.status.last.map(|(_, recorded)| recorded);
    state.status.next = state.status.schedule.map(|schedule| {
        let after = |from: Micros, pause| Micros(from.0.saturating_add(micros(pause)));
        let begun = after(opened, schedule.after_start);
        let due = last.map_or(begun, |last| after(last, schedule.every).max(begun));
        let again = state.status.trouble.as_ref().map(|trouble| after(trouble.at, limits::TESTS_RETRY));
        again.map_or(due, |again| due.max(again))
    });
    let newest = last.max(state.status.trouble.as_ref().map(|trouble| trouble.at));
    let rested = newest.is_none_or(|newest| now.0 >= newest.0.saturating_add(micros(limits::TESTS_ASKED_PAUSE)));
    if state.asked && rested {
        return Some(Cause::Asked);
    }
    state.status.next.filter(|next| *next <= now).map(|_| Cause::Schedule)
}

fn attempt(ledger: &WeakLedger, cause: Cause) {
    let shared = &ledger.shared;
    let started = shared.clock.wall();
    let reach = {
        let mut state = shared.runs.lock();
        state.asked = false;
        state.status.running = Some(Progress { started, done: 0, entries: 0 });
        state.status.schedule.map_or_else(Reach::default, |schedule| schedule.reach)
    };
    gauge!("deedbook_tests_running").set(1.0);
    let made = make(ledger, (cause, reach, started));
    gauge!("deedbook_tests_running").set(0.0);
    let mut state = shared.runs.lock();
    let status = &mut state.status;
    status.running = None;
    match made {
        Ok((index, recorded, unproved)) => {
            (status.last, status.unproved, status.trouble) = (Some((index, recorded)), unproved, None);
        }
        // Opening makes it again.
        Err(NoRun::Stopped) => return,
        Err(NoRun::Failed(what)) => trouble(status, shared.clock.wall(), what, false),
        Err(NoRun::Unproved(what)) => trouble(status, shared.clock.wall(), what, true),
    }
    status.attempts = status.attempts.saturating_add(1);
}

fn trouble(status: &mut RunsStatus, at: Micros, what: String, unproved: bool) {
    counter!("deedbook_tests_failed_total").increment(1);
    if unproved {
        loud(&what);
    } else {
        tracing::error!(%what, "the tests could not be run, or their run not be recorded; it is tried again");
    }
    status.trouble = Some(Trouble { at, what, unproved });
}

/// What must be heard wherever people look.
fn loud(what: &str) {
    gauge!("deedbook_log_unproved").set(1.0);
    tracing::error!(%what, "THE LOG CANNOT BE PROVED: stop writing, keep the data folder, run `deedbook audit`");
}

/// Makes a run and has it stated: where it stands, when that was, and whether it says that the log cannot be proved.
fn make(ledger: &WeakLedger, (cause, reach, started): (Cause, Reach, Micros)) -> Result<(Index, Micros, bool), NoRun> {
    let (shared, reader) = (&ledger.shared, &ledger.reader);
    let scope = exam::scope(reader, reach, started)?;
    let entries = scope.interval.ends.0.saturating_sub(scope.interval.begins.0);
    let mut told = |done| shared.runs.lock().status.running = Some(Progress { started, done, entries });
    let (judged, refusal) = match exam::judge(reader, &scope, &mut told) {
        Ok(judged) => (judged, None),
        Err(NoRun::Unproved(why)) => (vec![unproved(entries)], Some(why)),
        Err(other) => return Err(other),
    };
    if let Some(why) = &refusal {
        loud(why);
    }
    let results = compared(reader, judged)?;
    let note = note(&scope, (cause, started, shared.clock.wall()), refusal.as_ref());
    let interval = Interval { first: Index(scope.interval.begins.0), end: scope.interval.ends };
    let (program, head) = (exam::program(), scope.head);
    let act = Act::Verified { interval, program, head, results: results.clone() };
    let stated = ledger.upgrade().ok_or(NoRun::Stopped).and_then(|ledger| state(&ledger, &act, &note));
    let index = match (stated, refusal) {
        (Ok(index), _) => index,
        (Err(NoRun::Failed(what)), Some(why)) => return Err(NoRun::Unproved(format!("{why}; and {what}"))),
        (Err(other), _) => return Err(other),
    };
    let recorded = reader.runs(Index(index.0.saturating_add(1)), 1)?.first().map_or(note.finished, |run| run.recorded);
    measure(&results, recorded, Some(&note));
    tell(&results, index);
    Ok((index, recorded, is_unproved(&results)))
}

/// T00 of a log that does not hold; nothing can be said of the other tests.
fn unproved(entries: u64) -> Judged {
    let (test, verdict) = (TestNumber::WHOLE, TestVerdict::Fail);
    Judged { test, verdict, population: entries, exceptions: 1, indeterminate: 0 }
}

fn is_unproved(results: &[TestResult]) -> bool {
    results.iter().any(|result| result.test == TestNumber::WHOLE && result.verdict == TestVerdict::Fail)
}

/// Beside each verdict the one before, by the newest run that had one.
fn compared(reader: &Reader, judged: Vec<Judged>) -> Result<Vec<TestResult>, NoRun> {
    let (standings, _) = reader.standings()?;
    let before: BTreeMap<TestNumber, TestVerdict> =
        standings.iter().map(|standing| (standing.result.test, standing.result.verdict)).collect();
    let result = |judged: Judged| {
        let Judged { test, verdict, population, exceptions, indeterminate } = judged;
        TestResult { test, verdict, before: before.get(&test).copied(), population, exceptions, indeterminate }
    };
    Ok(judged.into_iter().map(result).collect())
}

fn note(scope: &Scope, (cause, started, finished): (Cause, Micros, Micros), refusal: Option<&String>) -> RunNote {
    RunNote {
        started,
        finished,
        from: scope.period.from,
        to: scope.period.to,
        cause: cause.name().to_owned(),
        shortened: scope.shortened,
        refusal: refusal.cloned(),
    }
}

fn state(ledger: &Ledger, act: &Act, note: &RunNote) -> Result<Index, NoRun> {
    let not_recorded = |error| NoRun::Failed(format!("the run was not recorded: {error}"));
    let id = Ledger::act_id().map_err(not_recorded)?;
    wait_for(ledger.record(id, act, Some(note.to_bytes().into()))).map_err(not_recorded)
}

/// Says what became worse: once, for the next run finds it as it is.
fn tell(results: &[TestResult], index: Index) {
    for result in results.iter().filter(|result| result.is_worse()) {
        let (test, verdict) = (result.test.to_string(), result.verdict.name());
        counter!("deedbook_test_verdicts_worsened_total", "test" => test.clone()).increment(1);
        let exceptions = result.exceptions;
        tracing::warn!(%test, %verdict, exceptions, run = index.0, "a test stands worse than before");
    }
}

/// Sets the gauges.
fn measure(results: &[TestResult], recorded: Micros, note: Option<&RunNote>) {
    let count = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    for result in results {
        let rank = f64::from(result.verdict.number().saturating_sub(TestVerdict::Pass.number()));
        gauge!("deedbook_test_verdict", "test" => result.test.to_string()).set(rank);
        gauge!("deedbook_test_exceptions", "test" => result.test.to_string()).set(count(result.exceptions));
    }
    gauge!("deedbook_log_unproved").set(f64::from(u8::from(is_unproved(results))));
    gauge!("deedbook_tests_last_run_timestamp_seconds").set(count(recorded.0 / 1_000_000));
    if let Some(note) = note {
        let seconds = count(note.finished.0.saturating_sub(note.started.0) / 1_000) / 1_000.0;
        gauge!("deedbook_tests_last_run_duration_seconds").set(seconds);
    }
}

/// Waits for the writer on a thread that has no runtime.
fn wait_for<T>(work: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let (mut work, mut context) = (pin!(work), Context::from_waker(&waker));
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
            return done;
        }
        std::thread::park();
    }
}
