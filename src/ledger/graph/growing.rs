//! The fold over the store: what it asks is answered from rows, a full block becomes rows, and what the block that is being
//! filled added stands in memory, to be published with each commit.

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

/// The fold of the graph, as of an entry.
pub(in crate::ledger) struct Growing {
    blocks: BlockFold,
    runs: BlockRuns,
    recent: RecentRuns,
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
            recent: RecentRuns::default(),
            tail: Tail::behind(first),
            full: None,
        }
    }

    /// Folds an entry; the last one of a block returns the block.
    pub fn fold(
        &mut self,
        (store, number): (&dyn Store, LedgerNumber),
        (index, entry, refused): (Index, &[u8], bool),
    ) -> Result<Option<FullBlock>, StateError> {
        if self.full.is_some() {
            return Ok(None);
        }
        // Looked at where it is: a kilobyte that is not moved.
        if let Ok(entry) = &Entry::parse(entry) {
            let mut stored = Stored { store, number, recent: &mut self.recent, before: index };
            match self.blocks.take(&mut stored, Placed { index, entry, refused }) {
                Ok(Some(run)) => {
                    self.runs.push(index, run);
                    self.recent.push(Parent { source: entry.facts.source, event_id: entry.facts.event_id }, run);
                }
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
        if full.is_some() {
            self.tail = Tail::behind(Index(index.0.saturating_add(1)));
        }
        Ok(full)
    }

    /// Shows what was added since this was called last.
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
    }

    /// Lets go of what was settled before this was called the last time, which must be durable by now.
    pub fn let_go(&mut self) {
        self.blocks.let_go();
    }

    /// What is shown.
    pub fn tail(&self) -> Tail {
        self.tail.clone()
    }
}

/// The runs of the last `GENERATION` events at least, which are more than those whose commit may not be durable. Few are
/// ever asked for, so nothing is sorted in before somebody asks.
#[derive(Default)]
struct RecentRuns {
    told: Vec<(Parent, NodeId)>,
    by_event: Option<Recent<(Ref, EventId), NodeId>>,
}

impl RecentRuns {
    fn push(&mut self, event: Parent, run: NodeId) {
        if self.told.len() >= 2 * GENERATION {
            self.told.drain(..GENERATION);
        }
        self.told.push((event, run));
    }

    fn get(&mut self, event: &Parent) -> Option<NodeId> {
        let by_event = self.by_event.get_or_insert_with(|| Recent::new(GENERATION));
        for (event, run) in self.told.drain(..) {
            by_event.insert((event.source, event.event_id), run);
        }
        by_event.get(&(event.source, event.event_id)).copied()
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
    recent: &'a mut RecentRuns,
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
        if let Some(run) = self.recent.get(event) {
            return Ok(Some(run));
        }
        let row = self.store.get(keys::event_id(self.number, &event.source, &event.event_id).as_slice())?;
        let index = row.map(|bytes| parse_u64(&bytes)).transpose()?.map(Index);
        // When rows are derived again, the store knows of later entries.
        let Some(index) = index.filter(|index| *index < self.before) else { return Ok(None) };
        Ok(self.row(Row::Runs(index.0 / BLOCK_ENTRIES), BlockRuns::parse)?.and_then(|runs| runs.get(index)))
    }
}
