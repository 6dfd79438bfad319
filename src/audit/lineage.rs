//! The lineage graph as its rows should have it: folded from the entries that the walk comes by, block by block. Rows of
//! full blocks are summed at once; of rows that later blocks write again, what they say at the end.

use crate::audit::LEDGER;
use crate::audit::report::{AuditError, Report};
use crate::audit::scan::Batch;
use crate::audit::sums::{Sums, Table};
use crate::limits::STORE_VALUE_BYTES_MAX;
use crate::lineage::fold::{BLOCK_ENTRIES, BlockFold, BlockRuns, FoldError, Memory, Placed, Row, is_refusal_of};
use crate::store::keys;
use crate::store::{Direction, Store};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::{Facts, Parent};
use deedbook_verify::kind::Author;
use deedbook_verify::words::Index;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// The fold; a command waits for the entry behind it, where it stands whether it was refused.
#[derive(Default)]
pub(super) struct Lineage {
    fold: BlockFold,
    memory: Memory,
    runs: BlockRuns,
    waiting: Option<(Index, Vec<u8>)>,
    blocks: u64,
    is_full: bool,
}

impl Lineage {
    /// Takes in the next entry.
    pub fn entry(&mut self, index: Index, (entry, bytes): (&Entry<'_>, &[u8]), row: &mut dyn FnMut(Row, &[u8])) {
        self.go_on(Some(&entry.facts), row);
        match entry.facts.kind.author() {
            Author::Asker => self.waiting = Some((index, bytes.to_vec())),
            Author::Witness | Author::Ledger => self.fold(index, entry, false, row),
        }
    }

    /// The last entry is in; what every row that is written again says now.
    pub fn finish(&mut self, row: &mut dyn FnMut(Row, &[u8])) {
        self.go_on(None, row);
        if self.blocks > 0 {
            self.memory.rows(self.blocks, &mut |key, value| row(key, &value));
        }
    }

    /// Folds the command that waited.
    fn go_on(&mut self, behind: Option<&Facts<'_>>, row: &mut dyn FnMut(Row, &[u8])) {
        let Some((index, bytes)) = self.waiting.take() else { return };
        // It was parsed when it came.
        let Ok(entry) = Entry::parse(&bytes) else { return };
        let refused = behind.is_some_and(|behind| is_refusal_of(&entry.facts, behind));
        self.fold(index, &entry, refused, row);
    }

    fn fold(&mut self, index: Index, entry: &Entry<'_>, refused: bool, row: &mut dyn FnMut(Row, &[u8])) {
        if self.is_full {
            return;
        }
        match self.fold.take(&mut self.memory, Placed { index, entry, refused }) {
            Ok(Some(run)) => {
                self.runs.push(index, run);
                self.memory.ran(Parent { source: entry.facts.source, event_id: entry.facts.event_id }, run);
            }
            Ok(None) => {}
            // As the writer: the graph goes no further.
            Err(FoldError::Full) => self.is_full = true,
            Err(FoldError::Lookup(never)) => match never {},
        }
        if let Some(block) = self.fold.end(index, &mut self.runs) {
            self.blocks = block.block.saturating_add(1);
            block.once(STORE_VALUE_BYTES_MAX, row);
            self.memory.take_in(block.settled);
            self.fold.let_go();
        }
    }
}

/// Folds all entries, up to the first that cannot be read, behind which the walk judges nothing either; returns `sums` with
/// the rows of the graph in them.
pub(super) fn sum(entries: &Receiver<Arc<Batch>>, mut sums: Sums) -> Sums {
    let mut lineage = Lineage::default();
    let mut add = |row: Row, value: &[u8]| {
        sums.add(Table::Lineage, keys::lineage(LEDGER, row.key().as_slice()).as_slice(), value);
    };
    let mut reads = true;
    // Whoever sends waits until all is taken, also what is not folded.
    for batch in entries {
        for (index, bytes) in batch.rows() {
            match (index, Entry::parse(bytes)) {
                (Some(index), Ok(entry)) if reads => lineage.entry(Index(index), (&entry, bytes), &mut add),
                (_, _) => reads = false,
            }
        }
    }
    lineage.finish(&mut add);
    sums
}

/// Says which rows differ: folds the log once more, and looks each row up.
pub(super) fn explain(store: &dyn Store, report: &mut Report) -> Result<(), AuditError> {
    let (mut lineage, mut failed) = (Lineage::default(), Ok(()));
    let mut look = |row: Row, value: &[u8]| {
        let stored = store.get(keys::lineage(LEDGER, row.key().as_slice()).as_slice());
        match stored {
            Ok(stored) if stored.as_deref() == Some(value) => {}
            Ok(_) => report.find(None, "lineage row", format!("{} is missing or says something else", said(&row))),
            Err(error) => failed = Err(error),
        }
    };
    let range = keys::between(keys::entry(LEDGER, Index(0)), keys::entry(LEDGER, Index(u64::MAX)));
    store.scan(&range, Direction::Forward, &mut |key, bytes| {
        let (Some(index), Ok(entry)) = (keys::trailing_u64(key), Entry::parse(bytes)) else {
            return ControlFlow::Break(());
        };
        lineage.entry(Index(index), (&entry, bytes), &mut look);
        ControlFlow::Continue(())
    })?;
    lineage.finish(&mut look);
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
