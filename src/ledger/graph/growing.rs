//! The writer's part of the graph: each entry is folded as it is placed, and the rows of a block are in the commit of its
//! last entry, so that none of them is behind the log or ahead of it. What the block that is being filled added stands in
//! memory, and is published with each commit.

use crate::ledger::postings::rows_end;
use crate::ledger::recent::Recent;
use crate::ledger::rows::parse_u64;
use crate::ledger::state::{GENERATION, StateError};
use crate::limits;
use crate::lineage::NodeId;
use crate::lineage::fold::{
    BLOCK_ENTRIES, BlockFold, BlockRuns, Delta, FoldError, FullBlock, Head, Known, Link, LinkKey, Links, Lookup,
    NodeKey, Placed, Row, Trace,
};
use crate::plant::Bug;
use crate::store::keys::{self, LedgerNumber};
use crate::store::{Batch, Store};
use deedbook_verify::bytes::Malformed;
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Parent;
use deedbook_verify::words::{EventId, Index, Ref, TreeSize};
use std::sync::Arc;

/// Where the event ids stand that the store may not have yet.
pub(in crate::ledger) type EventIds = Recent<(Ref, EventId), Index>;

/// The fold of the graph. Owned by the writer.
pub(in crate::ledger) struct Growing {
    blocks: BlockFold,
    runs: BlockRuns,
    // Those of blocks whose commit may not be durable.
    recent: Recent<u64, BlockRuns>,
    tail: Tail,
    full: Option<TreeSize>,
}

/// What the block that is being filled added, in parts, one for each commit.
#[derive(Clone, Debug)]
pub(in crate::ledger) struct Tail {
    /// The first entry of the block; rows hold what stands before.
    pub first: Index,
    last: Option<Arc<Part>>,
    // How much of the block stands in parts.
    shown: [usize; 3],
    /// Set when there was no number for another node: the graph holds the entries before this one, for ever.
    pub full: Option<TreeSize>,
}

#[derive(Debug)]
struct Part {
    before: Option<Arc<Part>>,
    delta: Delta,
}

impl Tail {
    fn behind(first: Index) -> Tail {
        Tail { first, last: None, shown: [0; 3], full: None }
    }

    /// The parts, the oldest first.
    pub fn parts(&self) -> Vec<&Delta> {
        let (mut parts, mut next) = (Vec::new(), self.last.as_ref());
        while let Some(part) = next {
            parts.push(&part.delta);
            next = part.before.as_ref();
        }
        parts.reverse();
        parts
    }
}

impl Growing {
    /// Goes on behind the blocks that stand in rows.
    pub fn behind(head: Head) -> Growing {
        let first = crate::lineage::fold::block_start(head.blocks);
        Growing {
            blocks: BlockFold::resume(head),
            runs: BlockRuns::default(),
            recent: Recent::new(GENERATION),
            tail: Tail::behind(first),
            full: None,
        }
    }

    /// Folds an entry; the last one of a block returns the block.
    pub fn fold(
        &mut self,
        (store, number): (&dyn Store, LedgerNumber),
        event_ids: &EventIds,
        (index, entry, refused): (Index, &[u8], bool),
    ) -> Result<Option<FullBlock>, StateError> {
        if self.full.is_some() {
            return Ok(None);
        }
        if let Ok(entry) = Entry::parse(entry) {
            let (runs, recent) = (&self.runs, &self.recent);
            let mut stored = Stored { store, number, event_ids, runs, recent, before: index };
            match self.blocks.take(&mut stored, Placed { index, entry: &entry, refused }) {
                Ok(Some(run)) => self.runs.push(index, run),
                Ok(None) => {}
                Err(FoldError::Lookup(error)) => return Err(error),
                Err(FoldError::Full) => {
                    tracing::error!(%index, "the lineage graph has as many nodes as it can number; it goes no further");
                    self.full = Some(TreeSize(index.0));
                    return Ok(None);
                }
            }
        }
        let full = self.blocks.end(index, &mut self.runs);
        if let Some(block) = &full {
            let weight = usize::try_from(BLOCK_ENTRIES).unwrap_or(usize::MAX);
            self.recent.insert_weighing(weight, block.block, block.runs.clone());
            self.tail = Tail::behind(Index(index.0.saturating_add(1)));
        }
        Ok(full)
    }

    /// Shows what was added since this was called last, and lets go of what is durable: called when a commit is built,
    /// and so when the one before it is durable.
    pub fn show(&mut self) {
        self.tail.full = self.full;
        let Delta { nodes, edges, gates } = self.blocks.delta();
        let [nodes_shown, edges_shown, gates_shown] = self.tail.shown;
        let delta = Delta {
            nodes: nodes.get(nodes_shown..).unwrap_or_default().to_vec(),
            edges: edges.get(edges_shown..).unwrap_or_default().to_vec(),
            gates: gates.get(gates_shown..).unwrap_or_default().to_vec(),
        };
        if !delta.is_empty() {
            self.tail.shown = [nodes.len(), edges.len(), gates.len()];
            self.tail.last = Some(Arc::new(Part { before: self.tail.last.take(), delta }));
        }
        self.blocks.let_go();
    }

    /// What is shown.
    pub fn tail(&self) -> Tail {
        self.tail.clone()
    }
}

/// Puts the rows of a block.
pub(in crate::ledger) fn put_rows(block: &FullBlock, number: LedgerNumber, batch: &mut Batch) {
    block.once(limits::STORE_VALUE_BYTES_MAX, &mut |row, value| {
        if !Bug::LineagePageDropped.planted() || !matches!(row, Row::Page { .. }) {
            batch.put(keys::lineage(number, row.key().as_slice()).as_slice(), value);
        }
    });
    // Each table ascends within the block: sorting them among other rows would cost more than it saves.
    block.changed(&mut |row, value| batch.put(keys::lineage(number, row.key().as_slice()).as_slice(), value));
}

/// Rows of the store, as of the entry before the one that is folded.
struct Stored<'a> {
    store: &'a dyn Store,
    number: LedgerNumber,
    event_ids: &'a EventIds,
    runs: &'a BlockRuns,
    recent: &'a Recent<u64, BlockRuns>,
    before: Index,
}

impl Stored<'_> {
    fn row<T>(&self, row: Row, parse: fn(&[u8]) -> Result<T, Malformed>) -> Result<Option<T>, StateError> {
        let bytes = self.store.get(keys::lineage(self.number, row.key().as_slice()).as_slice())?;
        Ok(bytes.map(|bytes| parse(&bytes)).transpose()?)
    }
}

impl Lookup for Stored<'_> {
    type Error = StateError;

    fn node(&mut self, key: &NodeKey) -> Result<Option<Known>, StateError> {
        self.row(Row::Node(*key), Known::parse)
    }

    fn links(&mut self, of: NodeId) -> Result<Option<Links>, StateError> {
        self.row(Row::Links(of), Links::parse)
    }

    fn far_link(&mut self, key: &LinkKey) -> Result<Option<Link>, StateError> {
        self.row(Row::Link(*key), Link::parse)
    }

    fn trace(&mut self, request: &deedbook_verify::words::SubjectId) -> Result<Option<Trace>, StateError> {
        self.row(Row::Trace(*request), Trace::parse)
    }

    fn run_of(&mut self, event: &Parent) -> Result<Option<NodeId>, StateError> {
        let index = match self.event_ids.get(&(event.source, event.event_id)) {
            Some(index) => Some(*index),
            None => {
                let row = self.store.get(keys::event_id(self.number, &event.source, &event.event_id).as_slice())?;
                row.map(|bytes| parse_u64(&bytes)).transpose()?.map(Index)
            }
        };
        // When rows are derived again, the store knows of later entries.
        let Some(index) = index.filter(|index| *index < self.before) else { return Ok(None) };
        if index >= rows_end(TreeSize(self.before.0)) {
            return Ok(self.runs.get(index));
        }
        let block = index.0 / BLOCK_ENTRIES;
        if let Some(runs) = self.recent.get(&block) {
            return Ok(runs.get(index));
        }
        Ok(self.row(Row::Runs(block), BlockRuns::parse)?.and_then(|runs| runs.get(index)))
    }
}
