//! Entries as they are stored, read, unpacked and parsed on a thread of their own, and handed to the walk and to the fold
//! of the graph some hundred at a time. It judges nothing.

use crate::audit::LEDGER;
use crate::limits::{AUDIT_BATCH_BYTES, AUDIT_BATCH_ENTRIES, ENTRY_BYTES_MAX};
use crate::store::keys;
use crate::store::{Direction, Store, StoreError};
use deedbook_verify::bytes::Malformed;
use deedbook_verify::entry::Entry;
use deedbook_verify::words::Index;
use self_cell::self_cell;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

/// The bytes of consecutive rows.
#[derive(Default)]
struct Packed {
    // The index that the key names, and where the row's bytes end.
    rows: Vec<(Option<u64>, usize)>,
    bytes: Vec<u8>,
}

impl Packed {
    fn take_in(&mut self, key: &[u8], entry: &[u8]) {
        // Of a row that is too long to be an entry, enough to see that it is.
        let entry = entry.get(..ENTRY_BYTES_MAX.saturating_add(1)).unwrap_or(entry);
        self.bytes.extend_from_slice(entry);
        self.rows.push((keys::trailing_u64(key), self.bytes.len()));
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= AUDIT_BATCH_ENTRIES || self.bytes.len() >= AUDIT_BATCH_BYTES
    }

    fn parse(&self) -> Vec<ScannedRow<'_>> {
        let mut from = 0;
        let row = |(index, to): &(Option<u64>, usize)| {
            let bytes = self.bytes.get(from..*to).unwrap_or_default();
            from = *to;
            ScannedRow { index: *index, entry: Entry::parse(bytes) }
        };
        self.rows.iter().map(row).collect()
    }
}

/// A row of the entries.
pub(super) struct ScannedRow<'b> {
    /// The index that its key names.
    pub index: Option<u64>,
    /// What it holds.
    pub entry: Result<Entry<'b>, Malformed>,
}

type Parsed<'b> = Vec<ScannedRow<'b>>;

self_cell!(
    /// Consecutive rows of entries, parsed once for all who look at them.
    pub(super) struct Batch {
        owner: Packed,
        #[covariant]
        dependent: Parsed,
    }
);

impl Batch {
    /// Each row.
    pub fn rows(&self) -> &[ScannedRow<'_>] {
        self.borrow_dependent()
    }
}

/// What the walk receives; an error is the last.
pub(super) type Scanned = Result<Arc<Batch>, StoreError>;

/// Hands on all entries, until the walk takes no more.
pub(super) fn scan(store: &dyn Store, walk: &SyncSender<Scanned>, graph: &SyncSender<Arc<Batch>>) {
    let range = keys::between(keys::entry(LEDGER, Index(0)), keys::entry(LEDGER, Index(u64::MAX)));
    let mut packed = Packed::default();
    let hand_on = |packed: Packed| {
        let batch = Arc::new(Batch::new(packed, Packed::parse));
        // Whoever folds takes all there is.
        let _ = graph.send(Arc::clone(&batch));
        walk.send(Ok(batch)).is_ok()
    };
    let scanned = store.scan(&range, Direction::Forward, &mut |key, entry| {
        packed.take_in(key, entry);
        match !packed.is_full() || hand_on(std::mem::take(&mut packed)) {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    });
    // A walk that ended has said why.
    let _ = hand_on(packed);
    if let Err(error) = scanned {
        let _ = walk.send(Err(error));
    }
}
