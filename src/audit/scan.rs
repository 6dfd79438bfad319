//! Entries as they are stored, read and unpacked on a thread of their own, and handed to the walk and to the fold of the
//! graph some hundred at a time. It judges nothing.

use crate::audit::LEDGER;
use crate::limits::{AUDIT_BATCH_BYTES, AUDIT_BATCH_ENTRIES, ENTRY_BYTES_MAX};
use crate::store::keys;
use crate::store::{Direction, Store, StoreError};
use deedbook_verify::words::Index;
use std::ops::ControlFlow;
use std::sync::Arc;
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
pub(super) type Scanned = Result<Arc<Batch>, StoreError>;

/// Hands on all entries, until the walk takes no more.
pub(super) fn scan(store: &dyn Store, walk: &SyncSender<Scanned>, graph: &SyncSender<Arc<Batch>>) {
    let range = keys::between(keys::entry(LEDGER, Index(0)), keys::entry(LEDGER, Index(u64::MAX)));
    let mut batch = Batch::default();
    let hand_on = |batch: Batch| {
        let batch = Arc::new(batch);
        // Whoever folds takes all there is.
        let _ = graph.send(Arc::clone(&batch));
        walk.send(Ok(batch)).is_ok()
    };
    let scanned = store.scan(&range, Direction::Forward, &mut |key, entry| {
        batch.take_in(key, entry);
        match !batch.is_full() || hand_on(std::mem::take(&mut batch)) {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    });
    // A walk that ended has said why.
    let _ = hand_on(batch);
    if let Err(error) = scanned {
        let _ = walk.send(Err(error));
    }
}
