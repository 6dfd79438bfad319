//! The fold beside the writer: entries are handed over in parts as they are placed, and a thread folds them while the
//! writer places the next. Whoever closes a commit folds what is left, so that the rows of each block are in the commit of
//! its last entry, and a commit of few entries wakes nobody. Without the thread all of it is folded then: so genesis is,
//! and whatever opening writes.
//!
//! Whoever holds the fold takes the oldest part, so entries are folded in their order whoever it is.

use super::growing::{Growing, Tail, put_rows};
use crate::ledger::commit::Before;
use crate::ledger::error::ReadError;
use crate::ledger::state::StateError;
use crate::limits::{LINEAGE_PART_BYTES, LINEAGE_PART_ENTRIES, LINEAGE_PARTS_KEPT_MAX};
use crate::store::keys::LedgerNumber;
use crate::store::{Batch, Store};
use deedbook_verify::words::Index;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// The writer's way to the fold. Dropped, it ends the thread.
pub(in crate::ledger) struct FoldBeside {
    desk: Arc<Desk>,
    filling: Part,
    tail: Tail,
}

/// What writer and thread share. Who takes both locks takes the fold first.
struct Desk {
    fold: Mutex<Folding>,
    queue: Mutex<Queue>,
    more: Condvar,
}

struct Folding {
    growing: Growing,
    number: LedgerNumber,
    /// Of blocks that became full since the last commit was closed.
    rows: Batch,
    /// Why an entry could not be folded; none is, behind it.
    failed: Option<StateError>,
    /// How many commits were closed, and how many when the fold let go of something last.
    closed: u64,
    let_go: u64,
}

/// As many entries as a commit has, at most.
#[derive(Default)]
struct Queue {
    parts: VecDeque<Part>,
    spare: Vec<Part>,
    thread_waits: bool,
    has_ended: bool,
}

/// Entries that follow each other.
#[derive(Default)]
struct Part {
    bytes: Vec<u8>,
    entries: Vec<Handed>,
}

struct Handed {
    index: Index,
    end: usize,
    refused: bool,
}

impl FoldBeside {
    /// Goes on with a fold, without a thread.
    pub fn new(growing: Growing, number: LedgerNumber) -> FoldBeside {
        let tail = growing.tail();
        let fold = Mutex::new(Folding { growing, number, rows: Batch::new(), failed: None, closed: 0, let_go: 0 });
        let desk = Desk { fold, queue: Mutex::default(), more: Condvar::new() };
        FoldBeside { desk: Arc::new(desk), filling: Part::default(), tail }
    }

    /// Starts the thread.
    pub fn spawn(&self, store: Arc<dyn Store>) -> std::io::Result<JoinHandle<()>> {
        let desk = Arc::clone(&self.desk);
        std::thread::Builder::new().name("lineage".to_owned()).spawn(move || desk.run(store.as_ref()))
    }

    /// Hands over the next entry.
    pub fn push(&mut self, index: Index, entry: &[u8], refused: bool) {
        self.filling.bytes.extend_from_slice(entry);
        self.filling.entries.push(Handed { index, end: self.filling.bytes.len(), refused });
        if self.filling.entries.len() >= LINEAGE_PART_ENTRIES || self.filling.bytes.len() >= LINEAGE_PART_BYTES {
            self.filling = self.desk.hand_over(std::mem::take(&mut self.filling));
        }
    }

    /// Folds what is left, and puts the rows of blocks that are full. Called when a commit is closed.
    pub fn close(&mut self, store: &dyn Store, batch: &mut Batch, before: Before) -> Result<(), StateError> {
        let mut fold = self.desk.fold.lock().map_err(|_| broken())?;
        while let Some(part) = self.desk.next() {
            fold.take(store, &part);
            self.desk.give_back(part);
        }
        fold.take(store, &self.filling);
        self.filling.clear();
        if let Some(error) = &fold.failed {
            return Err(error.clone());
        }
        batch.append_all(&fold.rows);
        fold.rows.clear();
        fold.growing.show();
        fold.let_go(before);
        self.tail = fold.growing.tail();
        Ok(())
    }

    /// What the entries behind the last full block added, as of the last commit that was closed.
    pub fn tail(&self) -> Tail {
        self.tail.clone()
    }
}

impl Drop for FoldBeside {
    fn drop(&mut self) {
        self.desk.queue().has_ended = true;
        self.desk.more.notify_all();
    }
}

/// The thread panicked with the fold in its hands: what it holds may be of half an entry.
fn broken() -> StateError {
    StateError::Read(ReadError::Corrupt("the fold of the lineage graph broke off; see the log for why".to_owned()))
}

impl Desk {
    fn run(&self, store: &dyn Store) {
        while self.wait() {
            let Ok(mut fold) = self.fold.lock() else { return };
            while let Some(part) = self.next() {
                fold.take(store, &part);
                self.give_back(part);
            }
        }
    }

    /// Waits until there is a part; false: there will be none.
    fn wait(&self) -> bool {
        let mut queue = self.queue();
        while queue.parts.is_empty() && !queue.has_ended {
            queue.thread_waits = true;
            queue = self.more.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.thread_waits = false;
        !queue.has_ended
    }

    /// Returns an empty part for the one that is full.
    fn hand_over(&self, part: Part) -> Part {
        let mut queue = self.queue();
        queue.parts.push_back(part);
        let spare = queue.spare.pop().unwrap_or_default();
        let wakes = std::mem::take(&mut queue.thread_waits);
        drop(queue);
        if wakes {
            self.more.notify_one();
        }
        spare
    }

    /// For whoever holds the fold.
    fn next(&self) -> Option<Part> {
        self.queue().parts.pop_front()
    }

    fn give_back(&self, mut part: Part) {
        part.clear();
        let mut queue = self.queue();
        if queue.spare.len() < LINEAGE_PARTS_KEPT_MAX && part.bytes.capacity() <= 4 * LINEAGE_PART_BYTES {
            queue.spare.push(part);
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Folding {
    /// What was settled in commits that are durable is in rows, and need not be kept at hand.
    fn let_go(&mut self, before: Before) {
        let in_flight = match before {
            Before::Durable => 0,
            Before::Syncing => 1,
        };
        if self.closed.saturating_sub(in_flight) >= self.let_go {
            self.growing.let_go();
            self.let_go = self.closed.saturating_add(1);
        }
        self.closed = self.closed.saturating_add(1);
    }

    fn take(&mut self, store: &dyn Store, part: &Part) {
        for (index, entry, refused) in part.entries() {
            if self.failed.is_some() {
                return;
            }
            match self.growing.fold((store, self.number), (index, entry, refused)) {
                Ok(Some(block)) => put_rows(&block, self.number, &mut self.rows),
                Ok(None) => {}
                Err(error) => self.failed = Some(error),
            }
        }
    }
}

impl Part {
    fn entries(&self) -> impl Iterator<Item = (Index, &[u8], bool)> {
        let mut rest = self.bytes.as_slice();
        let mut start = 0usize;
        self.entries.iter().map(move |handed| {
            let (entry, behind) = rest.split_at_checked(handed.end.saturating_sub(start)).unwrap_or((rest, &[]));
            (rest, start) = (behind, handed.end);
            (handed.index, entry, handed.refused)
        })
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
    }
}
