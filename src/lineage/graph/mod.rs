//! The graph in memory, as whoever appends to it holds it: sealed segments, and a little that waits to be sealed. Readers
//! get views, which share the segments and are never changed by what is appended later. It is a copy of what stands in
//! the log: nothing rests on it, and a crash costs only that it is folded again.
//!
//! Edges that run against the order of the log stand among the others. A pass that needs the order notices the first one
//! that it meets, and then takes the general way.

mod packed;
mod ends;
mod keys;
mod half;
mod nodes;
mod gates;
mod segment;
mod view;
mod cursor;

pub(super) use cursor::Cursor;
pub use view::{Edges, KindCounts, View};

use super::kinds::NodeKind;
use super::words::{Edge, Gate, NodeId};
use crate::limits::{LINEAGE_MERGE_INLINE_MAX, LINEAGE_NODES_MAX, LINEAGE_PENDING_MAX};
use deedbook_verify::words::{Index, TreeSize};
use segment::{Pending, Segment};
use std::ops::Range;
use std::sync::Arc;

/// Why something is not in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// What is appended follows the log.
    #[error("entry {index} stands before entry {last}, which is in the graph already")]
    OutOfOrder {
        /// The index that was given.
        index: Index,
        /// The last one that is in.
        last: Index,
    },
    /// Edges and gates are of nodes that are in.
    #[error("node {0} is not in the graph")]
    UnknownNode(NodeId),
    /// There is no room, and from here on the graph stays as it is.
    #[error(
        "the lineage graph is full at entry {size}: it takes {bytes_max} bytes, give it more; or it has {LINEAGE_NODES_MAX} nodes"
    )]
    Full {
        /// It holds all that the entries before this one made, and nothing later.
        size: TreeSize,
        /// What it may take.
        bytes_max: usize,
    },
}

/// The graph, to be appended to in the order of the log.
#[derive(Debug)]
pub struct Graph {
    segments: Vec<Arc<Segment>>,
    segments_bytes: usize,
    pending: Pending,
    nodes: u32,
    last: u64,
    bytes_max: usize,
    full: Option<TreeSize>,
}

impl Graph {
    /// An empty one, which takes so many bytes at most; a merge takes as much again as what it merges while it runs.
    pub fn new(bytes_max: usize) -> Graph {
        let (segments, pending) = (Vec::new(), Pending::default());
        Graph { segments, segments_bytes: 0, pending, nodes: 0, last: 0, bytes_max, full: None }
    }

    /// Adds the next node, which the entry `born` is the first to name.
    pub fn add_node(&mut self, kind: NodeKind, born: Index) -> Result<NodeId, GraphError> {
        self.advance(born)?;
        if self.nodes >= LINEAGE_NODES_MAX {
            return Err(self.fill(born));
        }
        let node = NodeId::known(self.nodes);
        self.nodes += 1;
        self.pending.kinds.push(kind);
        self.pending.born.push(born.0);
        Ok(node)
    }

    /// Adds an edge. Each is added once: whoever folds knows which there are.
    pub fn add_edge(&mut self, edge: Edge) -> Result<(), GraphError> {
        self.advance(edge.index)?;
        self.known(edge.from)?;
        self.known(edge.to)?;
        self.pending.edges.push(edge);
        Ok(())
    }

    /// What is known about the approval of a run from the entry `since` on; it takes the place of what was known before.
    pub fn set_gate(&mut self, run: NodeId, gate: Gate, since: Index) -> Result<(), GraphError> {
        self.advance(since)?;
        self.known(run)?;
        self.pending.gates.push((run.number(), since.0, gate));
        Ok(())
    }

    /// The graph as of a tree size: what the entries before it made. What waits is sealed if it belongs there, which takes
    /// two milliseconds at most; afterwards no reader keeps whoever appends waiting.
    pub fn view(&mut self, size: TreeSize) -> View {
        if self.pending.indexes().is_some_and(|(first, _)| first < size.0) {
            self.seal();
        }
        View::new(self.segments.as_slice().into(), size, self.full)
    }

    /// What it takes in memory, in bytes. Segments that only views or merges still hold are theirs.
    pub fn bytes(&self) -> usize {
        self.segments_bytes + self.segments.capacity() * size_of::<Arc<Segment>>() + self.pending.bytes()
    }

    /// How many nodes it has.
    pub fn nodes(&self) -> u32 {
        self.nodes
    }

    /// A merge that is too large to be made while others wait, if one is due. It is run anywhere, and then installed;
    /// without it queries are right and become slow.
    pub fn merge_due(&self) -> Option<Merge> {
        let parts = self.segments.get(self.unbalanced()?)?;
        Some(Merge { parts: parts.to_vec() })
    }

    /// Puts a merged segment in the place of its parts. One whose parts are gone is dropped.
    pub fn install(&mut self, merged: Merged) {
        let Merged { parts, whole } = merged;
        let is_same = |window: &[Arc<Segment>]| window.iter().zip(&parts).all(|(here, part)| Arc::ptr_eq(here, part));
        let Some(at) = self.segments.windows(parts.len().max(1)).position(is_same) else { return };
        self.replace(at..at + parts.len(), whole);
    }

    /// Makes every merge that is due. For replays and tests; a server runs them beside.
    pub fn merge(&mut self) {
        while let Some(merged) = self.merge_due().and_then(Merge::run) {
            self.install(merged);
        }
    }

    /// Goes on to an entry, or says why nothing of it can be added.
    fn advance(&mut self, index: Index) -> Result<(), GraphError> {
        if let Some(size) = self.full {
            return Err(GraphError::Full { size, bytes_max: self.bytes_max });
        }
        if index.0 < self.last {
            return Err(GraphError::OutOfOrder { index, last: Index(self.last) });
        }
        self.last = index.0;
        let is_wide = self.pending.indexes().is_some_and(|(first, _)| index.0 - first > u64::from(u32::MAX));
        if self.pending.len() >= LINEAGE_PENDING_MAX || is_wide {
            self.seal();
        }
        if self.bytes() > self.bytes_max { Err(self.fill(index)) } else { Ok(()) }
    }

    /// From now on it stays as it is; an entry of which a part is in does not count.
    fn fill(&mut self, index: Index) -> GraphError {
        let size = TreeSize(index.0);
        self.full = Some(size);
        GraphError::Full { size, bytes_max: self.bytes_max }
    }

    fn known(&self, node: NodeId) -> Result<(), GraphError> {
        if node.number() < self.nodes { Ok(()) } else { Err(GraphError::UnknownNode(node)) }
    }

    fn seal(&mut self) {
        let first_node = self.nodes - self.pending.kinds.len() as u32;
        let Some(segment) = Segment::seal(&mut self.pending, first_node) else { return };
        let end = self.segments.len();
        self.replace(end..end, segment);
        while let Some(range) = self.unbalanced_before(self.segments.len(), LINEAGE_MERGE_INLINE_MAX) {
            let parts: Vec<_> = self.segments.get(range.clone()).unwrap_or_default().iter().map(Arc::as_ref).collect();
            let Some(whole) = Segment::merge(&parts) else { return };
            self.replace(range, whole);
        }
    }

    fn replace(&mut self, range: Range<usize>, whole: Segment) {
        self.segments_bytes += whole.bytes();
        let gone = self.segments.splice(range, [Arc::new(whole)]);
        self.segments_bytes -= gone.map(|part| part.bytes()).sum::<usize>();
    }

    /// The segments that should become one and are too heavy to be merged while others wait. Those at the end that such a
    /// merge may still take are left out, or it would take parts of this one away.
    fn unbalanced(&self) -> Option<Range<usize>> {
        let settled = self.segments.iter().rposition(|segment| segment.weight() * 3 >= LINEAGE_MERGE_INLINE_MAX * 2)?;
        self.unbalanced_before(settled + 1, usize::MAX)
    }

    /// From the first segment on that is not twice as heavy as all behind it together. Each edge is so merged as often as
    /// the graph doubles, and views have few segments.
    fn unbalanced_before(&self, end: usize, weight_max: usize) -> Option<Range<usize>> {
        let (mut behind, mut last_index, mut first) = (0, None, None);
        for (at, segment) in self.segments.iter().enumerate().take(end).rev() {
            let span = *last_index.get_or_insert(segment.last_index) - segment.first_index;
            if behind + segment.weight() > weight_max || span > u64::from(u32::MAX) {
                break;
            }
            if behind > 0 && segment.weight() < 2 * behind {
                first = Some(at);
            }
            behind += segment.weight();
        }
        first.map(|first| first..end)
    }
}

/// Segments that are to become one.
#[derive(Debug)]
pub struct Merge {
    parts: Vec<Arc<Segment>>,
}

/// A segment that may take the place of its parts.
#[derive(Debug)]
pub struct Merged {
    parts: Vec<Arc<Segment>>,
    whole: Segment,
}

impl Merge {
    /// Merges; a million edges take a tenth of a second. Nothing when there is nothing to gain.
    pub fn run(self) -> Option<Merged> {
        let parts: Vec<_> = self.parts.iter().map(Arc::as_ref).collect();
        let whole = Segment::merge(&parts)?;
        Some(Merged { parts: self.parts, whole })
    }
}
