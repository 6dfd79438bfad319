//! The computed tests as the server runs them: by a schedule and when somebody asks, over the newest part of the log, by the
//! code that judges packages. What came of them is stated in the log as `verification.run`; the log is the history, so that
//! nothing is lost whenever we crash. A run that was interrupted was none, and is made again.

mod history;
mod exam;
mod worker;

pub use history::{Run, RunNote, Standing};

use crate::ledger::error::AppendError;
use crate::ledger::reader::Reader;
use crate::ledger::threads::Threads;
use crate::ledger::writer::{Ledger, Shared};
use crate::limits;
use deedbook_verify::words::{Index, Micros};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::Thread;
use std::time::Duration;

/// How often the tests run, and over what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// From one run to the next.
    pub every: Duration,
    /// How long after the start a run is made that is due then.
    pub after_start: Duration,
    /// What a run looks at.
    pub reach: Reach,
}

/// How far a run looks back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Days.
    pub days: u16,
    /// Entries, at most: what is older is left out, and the run says so.
    pub entries_max: u64,
}

impl Default for Reach {
    fn default() -> Reach {
        Reach { days: limits::TESTS_OVER_DAYS_DEFAULT, entries_max: limits::TESTS_ENTRIES_MAX }
    }
}

/// Why a run is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It was due.
    Schedule,
    /// Somebody asked.
    Asked,
}

impl Cause {
    fn name(self) -> &'static str {
        match self {
            Cause::Schedule => "schedule",
            Cause::Asked => "asked",
        }
    }
}

/// A run under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// When it began.
    pub started: Micros,
    /// Entries that it has taken in.
    pub done: u64,
    /// Entries that it will.
    pub entries: u64,
}

/// What a run came to that is not in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// When.
    pub at: Micros,
    /// What.
    pub what: String,
    /// Whether it shows that the log cannot be proved; otherwise the run could not be made, or not be recorded.
    pub unproved: bool,
}

/// How the runs stand.
#[derive(Clone, Debug, Default)]
pub struct RunsStatus {
    /// The schedule, if there is one.
    pub schedule: Option<Schedule>,
    /// The run under way.
    pub running: Option<Progress>,
    /// What the last attempt met, if it did not end in the log.
    pub trouble: Option<Trouble>,
    /// The newest run in the log, and when it was recorded.
    pub last: Option<(Index, Micros)>,
    /// Whether the newest run could not prove the log.
    pub unproved: bool,
    /// When the next is due, if there is a schedule.
    pub next: Option<Micros>,
    /// Counts attempts, whatever came of them.
    pub attempts: u64,
}

/// What the threads know of runs.
#[derive(Default)]
pub(super) struct Runs {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    status: RunsStatus,
    asked: bool,
    thread: Option<Thread>,
}

impl Runs {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger {
    /// Runs the tests by a schedule, until the ledger is closed.
    pub fn schedule_tests(&self, schedule: Schedule) -> std::io::Result<()> {
        self.shared.runs.lock().status.schedule = Some(schedule);
        self.start_tests_thread()
    }

    /// Has the tests run as soon as may be, in the background; how many attempts there were before. While a run is under way
    /// another one follows it.
    pub fn run_tests(&self) -> Result<u64, AppendError> {
        self.start_tests_thread().map_err(|error| AppendError::OwnFrame(error.to_string()))?;
        let mut state = self.shared.runs.lock();
        state.asked = true;
        if let Some(thread) = &state.thread {
            thread.unpark();
        }
        Ok(state.status.attempts.saturating_add(u64::from(state.status.running.is_some())))
    }

    /// How the runs stand.
    pub fn tests_status(&self) -> RunsStatus {
        self.shared.runs.lock().status.clone()
    }

    fn start_tests_thread(&self) -> std::io::Result<()> {
        let mut state = self.shared.runs.lock();
        if state.thread.is_some() {
            return Ok(());
        }
        let (shared, reader) = (Arc::clone(&self.shared), self.reader.clone());
        let ledger = WeakLedger { shared, reader, threads: Arc::downgrade(&self.threads) };
        let handle = std::thread::Builder::new().name("tests".to_owned()).spawn(move || worker::run(&ledger))?;
        state.thread = Some(handle.thread().clone());
        drop(state);
        self.threads.adopt(handle);
        Ok(())
    }
}

/// What the thread keeps of a ledger: it does not keep it open.
pub(super) struct WeakLedger {
    shared: Arc<Shared>,
    reader: Reader,
    threads: Weak<Threads>,
}

impl WeakLedger {
    /// The ledger, unless nobody holds it any more.
    fn upgrade(&self) -> Option<Ledger> {
        let threads = self.threads.upgrade()?;
        Some(Ledger { shared: Arc::clone(&self.shared), reader: self.reader.clone(), threads })
    }
}

/// Days as a duration of microseconds.
fn days_us(days: u16) -> u64 {
    u64::from(days).saturating_mul(24 * 3_600 * 1_000_000)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Whether something waits for the writer.
fn is_busy(shared: &Shared) -> bool {
    shared.room.available_permits() < limits::QUEUE_BYTES_MAX
}
