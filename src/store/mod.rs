//! Ordered bytes on disk: two traits, so that faults can be injected and a larger engine can take RocksDB's place.
//! It must never know what an entry means; `keys` knows only how rows are found.

pub mod keys;
mod order;
mod batch;
mod anchor;
mod framing;
mod memory;
mod rocks;

pub use anchor::{AnchorError, AnchorRecord, AnchorSet, FileAnchor, HeadAnchor, Loaded, SLOT_BYTES};
pub use batch::{Batch, Operation};
pub use framing::recycled_in;
pub use memory::{Fault, MemoryStore};
pub use rocks::{Access, RocksStore};

use std::ops::ControlFlow;
use std::path::Path;
use thiserror::Error;

/// Why the store did not do what was asked. Every variant says what the caller must do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Stored bytes are damaged. Stop, and restore or repair.
    #[error("the store is damaged: {0}; stop the server, keep the folder, and restore the newest sound copy")]
    Damaged(String),
    /// The outcome of a write is unknown. Stop, and let opening find out.
    #[error("the store failed: {0}; restart, opening recovers what was durable")]
    Failed(String),
    /// Another process owns the data folder.
    #[error("the data folder is in use: {0}; stop the other process first")]
    InUse(String),
    /// The folder's path leads to another folder now, or to none.
    #[error(
        "the data folder was moved or replaced while it was in use: {0}; another copy of this ledger may be served, find \
         out which one goes on before you start one again"
    )]
    Replaced(String),
    /// The folder has no store.
    #[error("there is no ledger at {0}; make one with `deedbook init`")]
    Absent(String),
}

/// A half-open range of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// First key in the range.
    pub from: Vec<u8>,
    /// First key behind it.
    pub to: Vec<u8>,
}

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Ascending keys.
    Forward,
    /// Descending keys.
    Backward,
}

/// How far deleted rows are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purged {
    /// No file of the store holds them.
    Everywhere,
    /// A reader or snapshot keeps an old state, or rows were deleted meanwhile: ask again.
    NotYet,
}

/// What a scan calls for each row; `Break` ends it.
pub type Visit<'v> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'v;

/// Reads of one consistent state.
pub trait Rows {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
    /// The values of many keys, in their order.
    fn get_many(&self, keys: &[keys::Key]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        keys.iter().map(|key| self.get(key.as_slice())).collect()
    }
    /// Visits the rows of a range in order.
    fn scan(&self, range: &KeyRange, direction: Direction, visit: &mut Visit<'_>) -> Result<(), StoreError>;
}

/// A store. Owned by one process; commits and reads may come from any thread.
pub trait Store: Rows + Send + Sync {
    /// A state that later commits do not change.
    fn snapshot(&self) -> Box<dyn Rows + '_>;
    /// Applies all of a batch or none of it, and returns only when it is durable. After an error the outcome is
    /// unknown, and the caller must stop using the store.
    fn commit(&self, batch: &Batch) -> Result<(), StoreError>;
    /// Writes a consistent copy into a folder that does not exist yet.
    fn checkpoint(&self, folder: &Path) -> Result<(), StoreError>;
    /// Makes everything that was recovered durable again, outside the write-ahead log.
    fn flush(&self) -> Result<(), StoreError>;
    /// Removes what was deleted in a range from every file of the store, old states included: log, tables of all
    /// levels, files that are no longer used. Durable when it returns `Everywhere`. Bytes are unlinked, not overwritten.
    fn purge(&self, range: &KeyRange) -> Result<Purged, StoreError>;
    /// Reads every stored byte against its checksum.
    fn verify(&self) -> Result<(), StoreError>;
    /// How often the engine's work beside the commits, such as merging files, has failed since it was opened. Commits
    /// may still succeed then, until its memory is full and they wait for ever. Zero where there is no such work.
    fn background_failures(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
    /// Free bytes on the volume, if it has one.
    fn free_bytes(&self) -> Option<u64>;
}
