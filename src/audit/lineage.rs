//! The lineage graph as its rows should have it: folded from the entries that the walk comes by, block by block. Rows of
//! full blocks are summed at once; of rows that later blocks write again, what they say at the end.

use crate::audit::LEDGER;
use crate::audit::recent::Before;
use crate::audit::report::{AuditError, Report};
use crate::audit::scan::Batch;
use crate::audit::sums::{Sums, Table};
use crate::limits::STORE_VALUE_BYTES_MAX;
use crate::lineage::fold::{BLOCK_ENTRIES, BlockFold, BlockRuns, FoldError, Placed, Row, is_refusal_of};
use crate::store::keys;
use crate::store::{Direction, Store, StoreError};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::{Facts, Parent};
use deedbook_verify::kind::Author;
use deedbook_verify::words::Index;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// The fold; a command waits for the entry behind it, where it stands whether it was refused.
struct Lineage<'s> {
    fold: BlockFold,
    before: Before<'s>,
    runs: BlockRuns,
    waiting: Option<(Index, Vec<u8>)>,
    blocks: u64,
    is_full: bool,
}

impl<'s> Lineage<'s> {
    fn new(store: &'s dyn Store) -> Lineage<'s> {
        Lineage {
            fold: BlockFold::default(),
            before: Before::new(store),
            runs: BlockRuns::default(),
            waiting: None,
            blocks: 0,
            is_full: false,
        }
    }

    /// Takes in the next entry.
    fn entry(&mut self, index: Index, entry: &Entry<'_>, row: &mut dyn FnMut(Row, &[u8])) -> Result<(), StoreError> {
        self.go_on(Some(&entry.facts), row)?;
        match entry.facts.kind.author() {
            Author::Asker => self.waiting = Some((index, entry.bytes.to_vec())),
            Author::Witness | Author::Ledger => self.fold(index, entry, false, row)?,
        }
        Ok(())
    }

    /// The last entry is in; what every row that is written again says now.
    fn finish(&mut self, row: &mut dyn FnMut(Row, &[u8])) -> Result<(), StoreError> {
        self.go_on(None, row)?;
        if self.blocks > 0 {
            self.before.rows(self.blocks, &mut |key, value| row(key, &value));
        }
        Ok(())
    }

    /// Folds the command that waited.
    fn go_on(&mut self, behind: Option<&Facts<'_>>, row: &mut dyn FnMut(Row, &[u8])) -> Result<(), StoreError> {
        let Some((index, bytes)) = self.waiting.take() else { return Ok(()) };
        // It was parsed when it came.
        let Ok(entry) = Entry::parse(&bytes) else { return Ok(()) };
        let refused = behind.is_some_and(|behind| is_refusal_of(&entry.facts, behind));
        self.fold(index, &entry, refused, row)
    }

    fn fold(
        &mut self,
        index: Index,
        entry: &Entry<'_>,
        refused: bool,
        row: &mut dyn FnMut(Row, &[u8]),
    ) -> Result<(), StoreError> {
        if self.is_full {
            return Ok(());
        }
        self.before.at = index;
        match self.fold.take(&mut self.before, Placed { index, entry, refused }) {
            Ok(Some(run)) => {
                self.runs.push(index, run);
                self.before.ran(Parent { source: entry.facts.source, event_id: entry.facts.event_id }, run);
            }
            Ok(None) => {}
            // As the writer: the graph goes no further.
            Err(FoldError::Full) => self.is_full = true,
            Err(FoldError::Lookup(error)) => return Err(error),
        }
        if let Some(block) = self.fold.end(index, &mut self.runs) {
            self.blocks = block.block.saturating_add(1);
            block.once(STORE_VALUE_BYTES_MAX, row);
            self.before.take_in(block.settled);
            self.fold.let_go();
        }
        Ok(())
    }
}

/// Folds all entries, up to the first that cannot be read, behind which the walk judges nothing either; returns `sums` with
/// the rows of the graph in them.
pub(super) fn sum(store: &dyn Store, entries: &Receiver<Arc<Batch>>, mut sums: Sums) -> Result<Sums, AuditError> {
    let mut lineage = Lineage::new(store);
    let mut add = |row: Row, value: &[u8]| {
        sums.add(Table::Lineage, keys::lineage(LEDGER, row.key().as_slice()).as_slice(), value);
    };
    let mut reads = true;
    // Whoever sends waits until all is taken, also what is not folded.
    for batch in entries {
        for row in batch.rows() {
            match (row.index, &row.entry) {
                (Some(index), Ok(entry)) if reads => lineage.entry(Index(index), entry, &mut add)?,
                (_, _) => reads = false,
            }
        }
    }
    lineage.finish(&mut add)?;
    Ok(sums)
}

/// Says which rows differ: folds the log once more, and looks each row up.
pub(super) fn explain(store: &dyn Store, report: &mut Report) -> Result<(), AuditError> {
    let (mut lineage, mut failed) = (Lineage::new(store), Ok(()));
    let mut look = |row: Row, value: &[u8]| {
        let stored = store.get(keys::lineage(LEDGER, row.key().as_slice()).as_slice());
        match stored {
            Ok(stored) if stored.as_deref() == Some(value) => {}
            Ok(_) => report.find(None, "lineage row", format!("{} is missing or says something else", said(&row))),
            Err(error) => failed = Err(error),
        }
    };
    let range = keys::between(keys::entry(LEDGER, Index(0)), keys::entry(LEDGER, Index(u64::MAX)));
    let mut read = Ok(());
    store.scan(&range, Direction::Forward, &mut |key, bytes| {
        let (Some(index), Ok(entry)) = (keys::trailing_u64(key), Entry::parse(bytes)) else {
            return ControlFlow::Break(());
        };
        read = lineage.entry(Index(index), &entry, &mut look);
        if read.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    read?;
    lineage.finish(&mut look)?;
    Ok(failed?)
}

fn said(row: &Row) -> String {
    match row {
        Row::Head => "the head of its rows".to_owned(),
        Row::Page { block, part } => format!("part {part} of the page of block {block}, entries {}", entries(*block)),
        Row::Runs(block) => format!("the row of runs of block {block}, entries {}", entries(*block)),
        Row::Node(key) => format!("that of {} {:032x}", key.kind.name(), u128::from_be_bytes(key.id)),
        Row::Links(of) => format!("what node {of} was said to have done"),
        Row::Link(key) => format!("what node {} was said to have done to node {}", key.of, key.to),
        Row::Trace(request) => format!("the trace of action {request}"),
    }
}

fn entries(block: u64) -> String {
    let first = block.saturating_mul(BLOCK_ENTRIES);
    format!("{first} to {}", first.saturating_add(BLOCK_ENTRIES - 1))
}
