//! The lineage graph of a running ledger: folded from the log when somebody first asks, and brought up to date by whoever
//! asks next. It is held in memory alone and in no row: nothing rests on it, a crash costs only that it is folded again,
//! and a ledger that nobody asks about lineage pays nothing.

mod memory;
mod names;
mod node;

pub use names::Called;
pub use node::{NodeAbout, NodeText};

use crate::ledger::bodies::{Bodies, StoredBody};
use crate::ledger::error::ReadError;
use crate::ledger::reader::{Reader, StoredEvent};
use crate::limits::{LINEAGE_CHUNK_ENTRIES, LINEAGE_GRAPH_BYTES_MAX, LINEAGE_MEMORY_BYTES_MAX};
use crate::lineage::fold::{Delta, Fold, NodeKey, Placed};
use crate::lineage::openlineage::Counts;
use crate::lineage::{EdgeKind, Graph, GraphError, NodeKind, Stop, View};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Parent;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Index, TreeSize};
use memory::Memory;
use names::Named;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};
use thiserror::Error;

/// Why lineage could not be told.
#[derive(Debug, Error)]
pub enum LineageError {
    /// Folding takes longer than the caller has; what was folded stays.
    #[error("the graph is being folded: {folded} of {size} entries are in it")]
    Behind {
        /// Entries that are in it.
        folded: TreeSize,
        /// Entries that there are.
        size: TreeSize,
    },
    /// What the fold must remember has no room.
    #[error("the graph has no room beyond entry {size}: it takes {LINEAGE_MEMORY_BYTES_MAX} bytes at most")]
    Full {
        /// It holds the entries before this one.
        size: TreeSize,
    },
    /// Nothing is called that.
    #[error("the log names no node `{0}`")]
    NodeUnknown(String),
    /// Several things are called that.
    #[error("several nodes are called `{text}`: {}", .nodes.join(", "))]
    NodeAmbiguous {
        /// What was asked for.
        text: String,
        /// Some of them, as they can be asked for.
        nodes: Vec<String>,
    },
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// The graph as of a position.
#[derive(Clone, Debug)]
pub struct LineageAt {
    /// The graph.
    pub view: View,
    /// The tree that it was folded from.
    pub head: TreeHead,
}

/// How much is in the graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineageCounts {
    /// Nodes by kind.
    pub nodes: BTreeMap<NodeKind, u64>,
    /// Edges by kind.
    pub edges: BTreeMap<EdgeKind, u64>,
    /// OpenLineage, as its bodies tell it that were not erased.
    pub openlineage: Counts,
}

/// The graph, and all that is needed to go on with it. One caller folds at a time; queries run on views beside it.
pub(in crate::ledger) struct Lineage(Mutex<State>);

struct State {
    fold: Fold,
    graph: Graph,
    memory: Memory,
    named: Named,
    /// Entries whose bodies say names.
    naming: Vec<Index>,
    keys: Vec<NodeKey>,
    edges: BTreeMap<EdgeKind, u64>,
    folded: TreeSize,
    /// How many bodies were erased when names were read.
    erasures: u64,
}

impl Default for Lineage {
    fn default() -> Lineage {
        Lineage(Mutex::new(State {
            fold: Fold::default(),
            graph: Graph::new(LINEAGE_GRAPH_BYTES_MAX),
            memory: Memory::default(),
            named: Named::default(),
            naming: Vec::new(),
            keys: Vec::new(),
            edges: BTreeMap::new(),
            folded: TreeSize(0),
            erasures: 0,
        }))
    }
}

impl Reader {
    /// The graph as of a size, or of the published one, brought up to date first. Blocking: folding takes some
    /// microseconds an entry, and goes on with the next call if `stop` ends this one.
    pub fn lineage(&self, size: Option<TreeSize>, stop: &dyn Stop) -> Result<LineageAt, LineageError> {
        let mut state = self.graph();
        let head = self.head();
        state.catch_up(self, head.size, stop)?;
        state.read_names_again(self, stop)?;
        match size.filter(|size| *size < head.size) {
            Some(size) => Ok(LineageAt { view: state.graph.view(size), head: self.head_at(size)? }),
            None => Ok(LineageAt { view: state.graph.view(head.size), head }),
        }
    }

    /// How much the graph holds, as far as it was folded last.
    pub fn lineage_counts(&self) -> LineageCounts {
        let state = self.graph();
        let mut nodes = BTreeMap::new();
        for key in &state.keys {
            *nodes.entry(key.kind).or_insert(0u64) += 1;
        }
        LineageCounts { nodes, edges: state.edges.clone(), openlineage: state.named.counts() }
    }

    fn graph(&self) -> MutexGuard<'_, State> {
        self.shared.lineage.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Folds what is published and not in the graph yet.
    fn catch_up(&mut self, reader: &Reader, size: TreeSize, stop: &dyn Stop) -> Result<(), LineageError> {
        while self.folded < size {
            if stop.poll().is_some() {
                return Err(LineageError::Behind { folded: self.folded, size });
            }
            if self.memory.bytes() > LINEAGE_MEMORY_BYTES_MAX {
                return Err(LineageError::Full { size: self.folded });
            }
            let to = size.0.min(self.folded.0.saturating_add(LINEAGE_CHUNK_ENTRIES));
            let (mut delta, mut naming) = (Delta::default(), Vec::new());
            let (mut failed, mut folded) = (false, self.folded.0);
            reader.range(Index(self.folded.0), Index(to), Bodies::Without, &mut |event| {
                failed = self.take(&event, &mut delta, &mut naming).is_none();
                folded = event.index.0.saturating_add(1);
                if failed { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            if failed || self.put(&delta).is_err() {
                return Err(LineageError::Full { size: self.folded });
            }
            self.memory.take_in(self.fold.settle());
            self.folded = TreeSize(folded);
            self.graph.merge();
            for index in &naming {
                self.name(reader, *index)?;
            }
            self.naming.extend(naming);
        }
        Ok(())
    }

    /// Folds one entry; none: there are as many nodes as can be numbered. An entry that this program cannot read adds
    /// nothing.
    fn take(&mut self, event: &StoredEvent, delta: &mut Delta, naming: &mut Vec<Index>) -> Option<()> {
        let Ok(entry) = Entry::parse(&event.entry) else { return Some(()) };
        let placed = Placed { index: event.index, entry: &entry, refused: event.refused.is_some() };
        let run = self.fold.take(&mut self.memory, placed, delta).ok()?;
        if let Some(run) = run {
            self.memory.ran(Parent { source: entry.facts.source, event_id: entry.facts.event_id }, run);
        }
        if Named::reads(entry.facts.kind) {
            naming.push(event.index);
        }
        Some(())
    }

    fn put(&mut self, delta: &Delta) -> Result<(), GraphError> {
        delta.add_to(&mut self.graph)?;
        self.keys.extend(delta.nodes.iter().map(|node| node.key));
        for new in &delta.edges {
            *self.edges.entry(new.edge.kind).or_insert(0) += 1;
        }
        Ok(())
    }

    fn name(&mut self, reader: &Reader, index: Index) -> Result<(), ReadError> {
        let event = reader.event(index, Bodies::With)?;
        if let (StoredBody::Opened { body, .. }, Ok(entry)) = (&event.body, Entry::parse(&event.entry)) {
            self.named.read(&entry.facts, body, reader.ref_key());
        }
        Ok(())
    }

    /// Forgets all names and reads them again, if a body was erased since: its names are not said any more.
    fn read_names_again(&mut self, reader: &Reader, stop: &dyn Stop) -> Result<(), LineageError> {
        let erasures = reader.shared.published().erasures;
        if self.erasures == erasures {
            return Ok(());
        }
        self.named = Named::default();
        for place in 0..self.naming.len() {
            if place % 1_024 == 0 && stop.poll().is_some() {
                return Err(LineageError::Behind { folded: TreeSize(0), size: self.folded });
            }
            if let Some(index) = self.naming.get(place).copied() {
                self.name(reader, index)?;
            }
        }
        self.erasures = erasures;
        Ok(())
    }
}
