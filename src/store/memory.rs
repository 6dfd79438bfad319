//! A store in memory that loses and keeps what it is told to: the fault model that RocksDB cannot be asked for.

use crate::store::{Batch, Direction, KeyRange, Operation, Purged, Rows, Store, StoreError, Visit};
use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What happens at a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It reports failure, and nothing was kept.
    Lost,
    /// It reports failure, and everything was kept.
    Persisted,
}

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Default)]
struct State {
    rows: Arc<Map>,
    commits: u64,
    fault: Option<(u64, Fault)>,
    failed: bool,
}

/// An ordered map with commits that can fail. Clones share their rows, as a reopened folder would.
#[derive(Clone, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A poisoned lock means a test thread panicked; the rows themselves are replaced atomically.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the commit after `commits` more successful ones fail.
    pub fn fail_after(&self, commits: u64, fault: Fault) {
        let mut state = self.lock();
        state.fault = Some((state.commits.saturating_add(commits), fault));
    }

    /// The store as the next process finds it: faults are gone, rows are as they were kept.
    pub fn reopen(&self) -> MemoryStore {
        let rows = Arc::clone(&self.lock().rows);
        MemoryStore { state: Arc::new(Mutex::new(State { rows, ..State::default() })) }
    }

    /// Commits that succeeded.
    pub fn commits(&self) -> u64 {
        self.lock().commits
    }

    fn rows(&self) -> MemoryRows {
        MemoryRows(Arc::clone(&self.lock().rows))
    }
}

struct MemoryRows(Arc<Map>);

impl Rows for MemoryRows {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0.get(key).cloned())
    }

    fn scan(&self, range: &KeyRange, direction: Direction, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        if !range.to.is_empty() && range.from >= range.to {
            return Ok(());
        }
        let to = if range.to.is_empty() { Bound::Unbounded } else { Bound::Excluded(range.to.clone()) };
        let mut rows = self.0.range((Bound::Included(range.from.clone()), to));
        let mut next = || match direction {
            Direction::Forward => rows.next(),
            Direction::Backward => rows.next_back(),
        };
        while let Some((key, value)) = next() {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Rows for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.rows().get(key)
    }

    fn scan(&self, range: &KeyRange, direction: Direction, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.rows().scan(range, direction, visit)
    }
}

impl Store for MemoryStore {
    fn snapshot(&self) -> Box<dyn Rows + '_> {
        Box::new(self.rows())
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut state = self.lock();
        let fault = state.fault.filter(|(at, _)| *at == state.commits).map(|(_, fault)| fault);
        if state.failed {
            return Err(StoreError::Failed("the store failed before; reopen it".to_owned()));
        }
        state.failed = fault.is_some();
        if fault == Some(Fault::Lost) {
            return Err(StoreError::Failed("injected: commit lost".to_owned()));
        }
        let rows = Arc::make_mut(&mut state.rows);
        for operation in batch.operations() {
            match operation {
                Operation::Put { key, value } => rows.insert(key.to_vec(), value.to_vec()),
                Operation::Delete { key } => rows.remove(key),
            };
        }
        state.commits = state.commits.saturating_add(1);
        match fault {
            Some(_) => Err(StoreError::Failed("injected: commit kept but reported failed".to_owned())),
            None => Ok(()),
        }
    }

    fn checkpoint(&self, _folder: &Path) -> Result<(), StoreError> {
        Err(StoreError::Failed("a store in memory has no files to copy".to_owned()))
    }

    fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// A deleted row is gone from the map; an old state lives as long as its snapshot.
    fn purge(&self, _range: &KeyRange) -> Result<Purged, StoreError> {
        Ok(Purged::Everywhere)
    }

    fn verify(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn free_bytes(&self) -> Option<u64> {
        None
    }
}
