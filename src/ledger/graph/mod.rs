//! The lineage graph of a running ledger. Its rows grow with the log (`growing`), in the commit of the entries that they
//! follow from. Whoever asks about lineage reads pages into memory, in order, as far as they were not read before; what stands
//! behind the last full block is published with each commit. A ledger that nobody asks holds no graph in memory.

mod growing;
mod beside;
mod recover;
mod pages;
mod names;
mod node;

pub(in crate::ledger) use beside::FoldBeside;
pub(in crate::ledger) use growing::{Growing, Tail};
pub use names::Called;
pub use node::{NodeAbout, NodeText};
pub(in crate::ledger) use recover::recover;

use crate::ledger::error::ReadError;
use crate::ledger::reader::Reader;
use crate::ledger::state::Published;
use crate::ledger::writer::Ledger;
use crate::limits::{
    LINEAGE_BYTES_DEFAULT, LINEAGE_CHUNK_ENTRIES, LINEAGE_KEY_BYTES, LINEAGE_LOCK_PAUSE, LINEAGE_POLL_STEPS,
    LINEAGE_STARTS_MAX,
};
use crate::lineage::fold::{BLOCK_ENTRIES, Delta, NodeKey};
use crate::lineage::openlineage::Counts;
use crate::lineage::{EdgeKind, Graph, GraphError, Halt, NodeId, NodeKind, Stop, View};
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Index, TreeSize};
use foldhash::HashMap;
use names::Named;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use thiserror::Error;

/// Why lineage could not be told.
#[derive(Debug, Error)]
pub enum LineageError {
    /// Reading takes longer than the caller has; what was read stays.
    #[error("the graph is being read: {folded} of {size} entries are in it")]
    Behind {
        /// Entries that are in it.
        folded: TreeSize,
        /// Entries that there are.
        size: TreeSize,
    },
    /// The graph has no room for more.
    #[error(
        "the graph has no room beyond entry {size}: it takes {bytes_max} bytes at most; serve with more `--lineage-mib`"
    )]
    Full {
        /// It holds the entries before this one.
        size: TreeSize,
        /// What it may take.
        bytes_max: usize,
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
    /// Its names were not looked through in time.
    #[error(
        "there was no time to look for `{text}` among all names: ask with more time, by the whole name or by the key"
    )]
    Halted {
        /// What was asked for.
        text: String,
        /// Why it ended.
        halt: Halt,
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

impl LineageAt {
    /// The versions of a dataset, model or policy, the latest first, at most `LINEAGE_STARTS_MAX`; none of anything else.
    pub fn versions(&self, of: NodeId, stop: &dyn Stop) -> Vec<NodeId> {
        let mut versions = BTreeSet::new();
        for (looked, edge) in (0u32..).zip(self.view.causes(of)) {
            if looked.is_multiple_of(LINEAGE_POLL_STEPS) && stop.poll().is_some() {
                break;
            }
            if edge.kind == EdgeKind::VersionOf {
                versions.insert(edge.from);
            }
            if versions.len() > LINEAGE_STARTS_MAX {
                versions.pop_first();
            }
        }
        versions.into_iter().rev().collect()
    }
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

/// The graph as far as somebody asked. One caller reads at a time; queries run on views beside it.
pub(in crate::ledger) struct Lineage(Mutex<State>);

struct State {
    graph: Graph,
    bytes_max: usize,
    named: Named,
    keys: Vec<NodeKey>,
    ids: HashMap<NodeKey, NodeId>,
    edges: BTreeMap<EdgeKind, u64>,
    folded: TreeSize,
    /// Where its room ended: nothing is read any more, and whoever asks hears of it at once.
    full: Option<TreeSize>,
    /// Names of bodies before this entry were read.
    named_to: Index,
    /// How many bodies were erased when they were.
    erasures: u64,
}

impl Default for Lineage {
    fn default() -> Lineage {
        Lineage(Mutex::new(State::within(LINEAGE_BYTES_DEFAULT)))
    }
}

impl Ledger {
    /// What the lineage graph may take in memory, its nodes' keys as much again. What was read is read anew.
    pub fn lineage_within(&self, bytes_max: usize) {
        *self.reader().graph() = State::within(bytes_max);
    }
}

impl State {
    fn within(bytes_max: usize) -> State {
        State {
            graph: Graph::new(bytes_max),
            bytes_max,
            named: Named::default(),
            keys: Vec::new(),
            ids: HashMap::default(),
            edges: BTreeMap::new(),
            folded: TreeSize(0),
            full: None,
            named_to: Index(0),
            erasures: 0,
        }
    }
}

impl Reader {
    /// The graph as of a size, or of the published one, brought up to date first. Blocking: the first call after a start reads
    /// all pages, at most a microsecond an entry, and the next goes on if `stop` ends this one.
    pub fn lineage(&self, size: Option<TreeSize>, stop: &dyn Stop) -> Result<LineageAt, LineageError> {
        let mut state = self.graph_within(stop)?;
        let published = self.shared.published();
        let head = published.head;
        state.catch_up(self, &published, stop)?;
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

    /// Waits for whoever reads pages, but no longer than the caller has.
    fn graph_within(&self, stop: &dyn Stop) -> Result<MutexGuard<'_, State>, LineageError> {
        loop {
            match self.shared.lineage.0.try_lock() {
                Ok(state) => return Ok(state),
                Err(TryLockError::Poisoned(poisoned)) => return Ok(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) if stop.poll().is_some() => {
                    return Err(LineageError::Behind { folded: TreeSize(0), size: self.head().size });
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(LINEAGE_LOCK_PAUSE),
            }
        }
    }

    fn graph(&self) -> MutexGuard<'_, State> {
        self.shared.lineage.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Reads what is published and not in the graph yet.
    fn catch_up(&mut self, reader: &Reader, published: &Published, stop: &dyn Stop) -> Result<(), LineageError> {
        let (size, tail) = (published.head.size, &published.lineage);
        if let Some(size) = self.full {
            return Err(LineageError::Full { size, bytes_max: self.bytes_max });
        }
        while self.folded.0 < tail.first.0 {
            if stop.poll().is_some() {
                return Err(LineageError::Behind { folded: self.folded, size });
            }
            let first = self.folded.0 / BLOCK_ENTRIES;
            let last = tail.first.0 / BLOCK_ENTRIES;
            let to = last.min(first.saturating_add(LINEAGE_CHUNK_ENTRIES / BLOCK_ENTRIES));
            for delta in pages::read(reader, first..to)? {
                self.put(delta)?;
            }
            self.folded = TreeSize(to.saturating_mul(BLOCK_ENTRIES));
            self.graph.merge();
        }
        if let Some(size) = tail.full {
            return Err(LineageError::Full { size, bytes_max: self.bytes_max });
        }
        if self.folded < size {
            for delta in tail.parts() {
                self.put(delta.clone())?;
            }
            self.folded = size;
            self.graph.merge();
        }
        self.read_names(reader, published, stop)
    }

    /// Adds what stands at or behind the last entry that is in the graph.
    fn put(&mut self, delta: Delta) -> Result<(), LineageError> {
        let from = Index(self.folded.0);
        let delta = delta.behind(from);
        let has_room = self.keys.len().saturating_add(delta.nodes.len()) <= self.bytes_max / LINEAGE_KEY_BYTES;
        let added = if has_room { delta.add_to(&mut self.graph).map_err(|_: GraphError| ()) } else { Err(()) };
        if added.is_err() {
            let size = *self.full.insert(TreeSize(from.0));
            return Err(LineageError::Full { size, bytes_max: self.bytes_max });
        }
        for node in &delta.nodes {
            self.keys.push(node.key);
            self.ids.insert(node.key, node.id);
        }
        for new in &delta.edges {
            *self.edges.entry(new.edge.kind).or_insert(0) += 1;
        }
        Ok(())
    }
}
