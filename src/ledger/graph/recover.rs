//! The graph at opening: its rows say how far they go, and the entries behind are folded again. Where they do not go to the
//! last full block, because they were dropped or come from a version without them, they are derived from the log.

use super::growing::{Growing, put_rows};
use crate::ledger::genesis::FIRST_LEDGER;
use crate::ledger::open::damaged;
use crate::ledger::refusal::OpenError;
use crate::ledger::state::{GENERATION, StateError};
use crate::limits::{LINEAGE_CHUNK_ENTRIES, LINEAGE_DROPPED_ROWS_MAX};
use crate::lineage::fold::{BLOCK_ENTRIES, Head, Row, block_start, is_refusal_of};
use crate::store::keys;
use crate::store::{Batch, Direction, Store};
use deedbook_verify::entry::Entry;
use deedbook_verify::words::Index;
use std::ops::ControlFlow;

const _: () = assert!(LINEAGE_CHUNK_ENTRIES.is_multiple_of(BLOCK_ENTRIES), "a chunk ends with a block");
const _: () = assert!(LINEAGE_CHUNK_ENTRIES as usize <= GENERATION, "runs of a chunk are known until it is durable");

/// The fold as of the last entry; writes the rows of full blocks that are not there.
pub(in crate::ledger) fn recover(store: &dyn Store, size: u64) -> Result<Growing, OpenError> {
    let row = store.get(keys::lineage(FIRST_LEDGER, Row::Head.key().as_slice()).as_slice())?;
    let head = match &row {
        Some(bytes) => Head::parse(bytes).map_err(damaged)?,
        None => Head::default(),
    };
    let mut from = block_start(head.blocks);
    if from.0 > size {
        return Err(damaged("the rows of the lineage graph go beyond the log"));
    }
    if row.is_none() {
        drop_rows(store)?;
    }
    if size - from.0 >= BLOCK_ENTRIES {
        tracing::info!(from = from.0, size, "deriving rows of the lineage graph from the log");
    }
    let mut growing = Growing::behind(head);
    while from.0 < size {
        let to = Index(size.min(from.0.saturating_add(LINEAGE_CHUNK_ENTRIES)));
        let mut batch = Batch::new();
        fold_chunk(store, &mut growing, from..to, &mut batch).map_err(damaged)?;
        batch.sort_scattered();
        if !batch.is_empty() {
            // Crash here: the rows say how far they go.
            store.commit(&batch)?;
        }
        growing.show();
        growing.let_go();
        from = to;
    }
    growing.show();
    Ok(growing)
}

/// Folds entries, each looked at with the one behind it: whether a command was refused stands there.
fn fold_chunk(
    store: &dyn Store,
    growing: &mut Growing,
    range: std::ops::Range<Index>,
    batch: &mut Batch,
) -> Result<(), StateError> {
    let behind = Index(range.end.0.saturating_add(1));
    let rows = keys::between(keys::entry(FIRST_LEDGER, range.start), keys::entry(FIRST_LEDGER, behind));
    let mut entries = Vec::new();
    store.scan(&rows, Direction::Forward, &mut |_, value| {
        entries.push(value.to_vec());
        ControlFlow::Continue(())
    })?;
    let next = entries.iter().skip(1).map(Some).chain([None]);
    let indexes = (range.start.0..range.end.0).map(Index);
    for ((bytes, behind), index) in entries.iter().zip(next).zip(indexes) {
        let refused = match (Entry::parse(bytes), behind.map(|behind| Entry::parse(behind))) {
            (Ok(entry), Some(Ok(behind))) => is_refusal_of(&entry.facts, &behind.facts),
            (_, _) => false,
        };
        if let Some(block) = growing.fold((store, FIRST_LEDGER), (index, bytes, refused))? {
            put_rows(&block, FIRST_LEDGER, batch);
        }
    }
    Ok(())
}

/// Without their head, rows may be of entries that are folded again, and would be taken for what stood before them.
fn drop_rows(store: &dyn Store) -> Result<(), OpenError> {
    loop {
        let mut batch = Batch::new();
        store.scan(&keys::lineage_rows(FIRST_LEDGER), Direction::Forward, &mut |key, _| {
            batch.delete(key);
            let has_room = batch.len() < LINEAGE_DROPPED_ROWS_MAX;
            if has_room { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        if batch.is_empty() {
            return Ok(());
        }
        store.commit(&batch)?;
    }
}
