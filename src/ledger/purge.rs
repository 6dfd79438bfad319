//! Finishing erasures: the commit that erased a body deleted its key, but the key still lies in logs and tables. Here
//! it leaves them, off the ack path, and so do the encrypted bytes. It decides nothing: the commit did.
//!
//! A row names each erasure that is not finished. Whatever happens in between, it is there until no file holds a key,
//! and opening starts again from it; every step may be done twice.

use crate::ledger::state::StateError;
use crate::ledger::writer::Shared;
use crate::limits;
use crate::store::keys::{self, LedgerNumber};
use crate::store::{Batch, Direction, Purged, Store, StoreError};
use deedbook_verify::detail::Detail;
use deedbook_verify::entry::Entry;
use deedbook_verify::erasure::BodyRange;
use deedbook_verify::words::Index;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

/// How a round of work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    /// Nothing is left to do.
    Done,
    /// Some erasures are finished; more may wait.
    Finished,
    /// Something keeps old files: the same again, later.
    NotYet,
    /// The ledger stops; opening goes on from here.
    Stopped,
}

/// Wakes the thread that finishes erasures.
#[derive(Default)]
pub(super) struct Wake {
    due: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Wake {
    /// Called when the commit of an erasure is durable.
    pub fn erased(&self) {
        self.due.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Called when the ledger stops.
    pub fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

/// Starts the thread, before anybody can submit a frame.
pub(super) fn spawn(shared: Arc<Shared>, number: LedgerNumber) -> std::io::Result<JoinHandle<()>> {
    let wake = Arc::clone(&shared);
    let handle = std::thread::Builder::new().name("eraser".to_owned()).spawn(move || run(&shared, number))?;
    let _first = wake.wake_eraser.thread.set(handle.thread().clone());
    Ok(handle)
}

fn run(shared: &Shared, number: LedgerNumber) {
    let stopped = || shared.stopped().is_some();
    let mut pause = limits::PURGE_PAUSE_FIRST;
    while !stopped() {
        if !shared.wake_eraser.due.swap(false, Ordering::SeqCst) {
            // Woken by an erasure, and when the ledger stops.
            std::thread::park();
            continue;
        }
        match round(shared.store.as_ref(), number, &stopped) {
            Ok(Round::Done | Round::Stopped) => pause = limits::PURGE_PAUSE_FIRST,
            Ok(Round::Finished) => {
                pause = limits::PURGE_PAUSE_FIRST;
                shared.wake_eraser.due.store(true, Ordering::SeqCst);
            }
            Ok(Round::NotYet) => {
                shared.wake_eraser.due.store(true, Ordering::SeqCst);
                pause = rest(pause);
            }
            // The engine's state after a failed flush or compaction is unknown: opening finds out.
            Err(error) => shared.fail(error.to_string()),
        }
    }
}

/// Waits, and says how long to wait the next time.
fn rest(pause: Duration) -> Duration {
    std::thread::park_timeout(pause);
    pause.saturating_mul(2).min(limits::PURGE_PAUSE_MAX)
}

/// Finishes every erasure that the last process left behind, before anybody reads.
pub(super) fn finish_all(store: &dyn Store, number: LedgerNumber) -> Result<(), StateError> {
    let (mut pause, mut tries) = (limits::PURGE_PAUSE_FIRST, 0usize);
    loop {
        match round(store, number, &|| false)? {
            Round::Done | Round::Stopped => return Ok(()),
            Round::Finished => tries = 0,
            Round::NotYet if tries >= limits::PURGE_OPENING_TRIES_MAX => {
                let message = "an erasure cannot be finished: the engine keeps files that it no longer uses".to_owned();
                return Err(StoreError::Failed(message).into());
            }
            Round::NotYet => {
                tries = tries.saturating_add(1);
                pause = rest(pause);
            }
        }
    }
}

/// Finishes the oldest erasures together.
fn round(store: &dyn Store, number: LedgerNumber, stopped: &dyn Fn() -> bool) -> Result<Round, StateError> {
    let commands = pending(store, number, limits::PURGE_COMMANDS_MAX)?;
    let mut ranges = Vec::new();
    for command in &commands {
        ranges.extend(erased_by(store, number, *command)?);
    }
    if delete_blocks(store, number, &ranges, stopped)? == Round::Stopped {
        return Ok(Round::Stopped);
    }
    let span = ranges.iter().map(|range| range.first).min().zip(ranges.iter().map(|range| range.end()).max());
    let Some((from, to)) = span else { return Ok(Round::Done) };
    if stopped() {
        return Ok(Round::Stopped);
    }
    // Crash here: keys lie in files still, and the pending rows say so.
    if store.purge(&keys::body_keys(number, from, to))? == Purged::NotYet {
        return Ok(Round::NotYet);
    }
    if stopped() {
        return Ok(Round::Stopped);
    }
    let mut batch = Batch::new();
    commands.iter().for_each(|command| batch.delete(keys::pending(number, *command).as_slice()));
    // Crash here: all is done but for the rows that say that it is not; opening does it again, which changes nothing.
    store.commit(&batch)?;
    metrics::counter!("deedbook_erasures_finished_total").increment(u64::try_from(commands.len()).unwrap_or(0));
    Ok(Round::Finished)
}

/// The oldest erasures that are not finished.
pub(super) fn pending(store: &dyn Store, number: LedgerNumber, count_max: usize) -> Result<Vec<Index>, StateError> {
    let mut commands = Vec::new();
    store.scan(&keys::pending_rows(number), Direction::Forward, &mut |key, _| {
        commands.extend(keys::trailing_u64(key).map(Index));
        if commands.len() >= count_max { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(commands)
}

fn erased_by(store: &dyn Store, number: LedgerNumber, command: Index) -> Result<Vec<BodyRange>, StateError> {
    let damaged = || StoreError::Damaged(format!("entry {command} is to be an erasure that is not finished"));
    let bytes = store.get(keys::entry(number, command).as_slice())?.ok_or_else(damaged)?;
    let Detail::BodyErased(bodies) = Entry::parse(&bytes)?.facts.detail else { return Err(damaged().into()) };
    Ok(bodies.ranges().collect())
}

/// Deletes the encrypted bytes, which nobody can open any more, to give the disk back. No file needs to be free of them
/// at any time, so the engine drops them when it likes.
fn delete_blocks(
    store: &dyn Store,
    number: LedgerNumber,
    ranges: &[BodyRange],
    stopped: &dyn Fn() -> bool,
) -> Result<Round, StateError> {
    let (mut batch, mut rest) = (Batch::new(), ranges.iter());
    let mut next = rest.next();
    while let Some(range) = next {
        let mut whole = true;
        store.scan(&keys::bodies(number, range.first, range.end()), Direction::Forward, &mut |key, _| {
            batch.delete(key);
            whole = batch.len() < limits::PURGE_BATCH_ROWS_MAX;
            if whole { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        // A range that filled the batch is looked at again: what is left of it goes with the next.
        next = if whole { rest.next() } else { Some(range) };
        if batch.is_empty() || (whole && next.is_some()) {
            continue;
        }
        if stopped() {
            return Ok(Round::Stopped);
        }
        // Crash here: some blocks are gone. Readers ask for the erasure when a body does not open.
        store.commit(&batch)?;
        batch = Batch::new();
    }
    Ok(Round::Done)
}
