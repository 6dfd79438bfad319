//! Entries as they are stored, read and unpacked on a thread of their own, and handed to the walk some hundred at a time.
//! It judges nothing.

use crate::audit::LEDGER;
use crate::limits::{AUDIT_BATCH_BYTES, AUDIT_BATCH_ENTRIES, ENTRY_BYTES_MAX};
use crate::store::keys;
use crate::store::{Direction, Store, StoreError};
use deedbook_verify::words::Index;
use std::ops::ControlFlow;
use std::sync::mpsc::SyncSender;

/// Consecutive rows of entries.
#[derive(Default)]
pub(super) struct Batch {
    // The index that the key names, and where the row's bytes end.
    rows: Vec<(Option<u64>, usize)>,
    bytes: Vec<u8>,
}

impl Batch {
    fn take_in(&mut self, key: &[u8], entry: &[u8]) {
        // Of a row that is too long to be an entry, enough to see that it is.
        let entry = entry.get(..ENTRY_BYTES_MAX.saturating_add(1)).unwrap_or(entry);
        self.bytes.extend_from_slice(entry);
        self.rows.push((keys::trailing_u64(key), self.bytes.len()));
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= AUDIT_BATCH_ENTRIES || self.bytes.len() >= AUDIT_BATCH_BYTES
    }

    /// Each row's index and bytes.
    pub fn rows(&self) -> impl Iterator<Item = (Option<u64>, &[u8])> {
        let mut from = 0;
        self.rows.iter().map(move |(index, to)| {
            let row = self.bytes.get(from..*to).unwrap_or_default();
            from = *to;
            (*index, row)
        })
    }
}

/// What the walk receives; an error is the last.
pub(super) type Scanned = Result<Batch, StoreError>;

/// Hands on all entries, until nobody takes them.
pub(super) fn scan(store: &dyn Store, batches: &SyncSender<Scanned>) {
    let range = keys::between(keys::entry(LEDGER, Index(0)), keys::entry(LEDGER, Index(u64::MAX)));
    let mut batch = Batch::default();
    let scanned = store.scan(&range, Direction::Forward, &mut |key, entry| {
        batch.take_in(key, entry);
        match !batch.is_full() || batches.send(Ok(std::mem::take(&mut batch))).is_ok() {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    });
    // A walk that ended has said why.
    let _ = batches.send(Ok(batch));
    if let Err(error) = scanned {
        let _ = batches.send(Err(error));
    }
}
