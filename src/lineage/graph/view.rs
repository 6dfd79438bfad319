//! The graph as of a position, for readers: it shares the segments, and nothing that is appended later changes it.

use super::cursor::Cursor;
use super::half::{Entries, Peer};
use super::segment::Segment;
use crate::lineage::bits::NodeSet;
use crate::lineage::kinds::NodeKind;
use crate::lineage::stop::{Cut, Meter};
use crate::lineage::words::{Edge, Gate, GateRule, NodeId, Towards};
use deedbook_verify::words::{Index, TreeSize};
use std::slice::Iter;
use std::sync::Arc;

/// What the entries before a tree size made.
#[derive(Clone, Debug)]
pub struct View {
    segments: Arc<[Arc<Segment>]>,
    size: TreeSize,
    /// Where the graph in memory ends, if that is before the size.
    held: Option<TreeSize>,
    nodes: u32,
}

impl View {
    pub(super) fn new(segments: Arc<[Arc<Segment>]>, size: TreeSize, full: Option<TreeSize>) -> View {
        let held = full.filter(|full| *full < size);
        let mut view = View { segments, size, held, nodes: 0 };
        let born_before = |segment: &Segment| segment.nodes.born_before(view.end()) as u32;
        view.nodes = view.segments.iter().map(|segment| born_before(segment)).sum();
        view
    }

    /// The same graph as of an earlier size; as of this one if that is not earlier.
    pub fn as_of(&self, size: TreeSize) -> View {
        View::new(Arc::clone(&self.segments), size.min(self.size), self.held)
    }

    /// The tree size that it is as of.
    pub fn size(&self) -> TreeSize {
        self.size
    }

    /// What cuts every answer on this view short: the graph in memory ends before its size.
    pub fn cut(&self) -> Option<Cut> {
        self.held.map(|_| Cut::Budget)
    }

    /// How many nodes there are; they are numbered below that.
    pub fn node_count(&self) -> u32 {
        self.nodes
    }

    /// How many edges there are. As of an earlier position it looks at each edge of a segment.
    pub fn edge_count(&self) -> usize {
        self.segments.iter().map(|segment| segment.edges_before(self.end())).sum()
    }

    /// Whether the node is there yet.
    pub fn contains(&self, node: NodeId) -> bool {
        node.number() < self.nodes
    }

    /// What a node is.
    pub fn kind(&self, node: NodeId) -> Option<NodeKind> {
        let (segment, at) = self.place(node)?;
        segment.nodes.kind(at)
    }

    /// The entry that first named a node.
    pub fn born(&self, node: NodeId) -> Option<Index> {
        let (segment, at) = self.place(node)?;
        segment.nodes.born(at).map(Index)
    }

    /// What is known about the approval of a run at this position, and since which entry.
    pub fn gate(&self, run: NodeId) -> Option<(Gate, Index)> {
        self.segments.iter().rev().find_map(|segment| {
            let known = segment.gates.of(run.number());
            let mut known = known.map(|(index, gate)| (gate, Index(segment.first_index + u64::from(index))));
            known.rfind(|(_, index)| index.0 < self.end())
        })
    }

    /// The edges that lead to a node, in the order of the log.
    pub fn causes(&self, node: NodeId) -> Edges<'_> {
        self.edges(node, Towards::Causes)
    }

    /// The edges that lead from a node, in the order of the log.
    pub fn effects(&self, node: NodeId) -> Edges<'_> {
        self.edges(node, Towards::Effects)
    }

    /// The edges of a node in one direction, in the order of the log.
    pub fn edges(&self, node: NodeId, towards: Towards) -> Edges<'_> {
        Edges { view: self, node, towards, segments: self.segments.iter(), entries: None }
    }

    /// The fast way to edges, which passes take.
    pub(in crate::lineage) fn cursor(&self, towards: Towards) -> Cursor<'_> {
        Cursor::new(self, towards)
    }

    /// The runs whose gates count as approvals at this position, of those that became known at `since` or later.
    pub(in crate::lineage) fn approved(
        &self,
        rule: GateRule,
        since: Index,
        meter: &mut Meter<'_>,
    ) -> Result<NodeSet, Cut> {
        let mut approved = NodeSet::below(self.nodes);
        for segment in self.segments.iter() {
            let (limit, start) = (segment.limit(self.end()), segment.limit(since.0));
            let is_whole = segment.last_index < self.end();
            for (node, index, gate) in segment.gates.iter().filter(|(_, index, _)| is_whole || *index < limit) {
                meter.steps(1)?;
                if rule.passes(gate) && index >= start {
                    approved.insert(node);
                } else {
                    approved.remove(node);
                }
            }
        }
        Ok(approved)
    }

    /// Calls with each edge that entries from `since` on made, in no order.
    pub(in crate::lineage) fn each_since(
        &self,
        since: Index,
        meter: &mut Meter<'_>,
        mut call: impl FnMut(Edge),
    ) -> Result<(), Cut> {
        for segment in self.segments.iter().filter(|segment| segment.last_index >= since.0) {
            for (node, entries) in segment.half(Towards::Causes).iter() {
                for (peer, index) in entries {
                    meter.steps(1)?;
                    let index = Index(segment.first_index + u64::from(index));
                    let is_in = since <= index && index.0 < self.end();
                    is_in.then(|| edge(node, Towards::Causes, peer, index)).flatten().into_iter().for_each(&mut call);
                }
            }
        }
        Ok(())
    }

    /// Gates that became known from `since` on: of which nodes.
    pub(in crate::lineage) fn gated_since(&self, since: Index) -> impl Iterator<Item = NodeId> {
        let segments = self.segments.iter().filter(move |segment| segment.last_index >= since.0);
        segments.flat_map(move |segment| {
            let index = |index: u32| segment.first_index + u64::from(index);
            let known = segment.gates.iter().filter(move |(_, at, _)| (since.0..self.end()).contains(&index(*at)));
            known.map(|(node, _, _)| NodeId::known(node))
        })
    }

    pub(super) fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().map(Arc::as_ref)
    }

    /// The first index that is not in it.
    pub(super) fn end(&self) -> u64 {
        self.held.unwrap_or(self.size).0
    }

    fn place(&self, node: NodeId) -> Option<(&Segment, usize)> {
        let node = node.number();
        let within = |segment: &&Arc<Segment>| {
            node.checked_sub(segment.first_node).is_some_and(|at| (at as usize) < segment.nodes.len())
        };
        let segment = self.segments.iter().find(within).filter(|_| node < self.nodes)?;
        Some((segment, (node - segment.first_node) as usize))
    }
}

fn edge(node: u32, towards: Towards, peer: Peer, index: Index) -> Option<Edge> {
    let (node, other, kind) = (NodeId::known(node), NodeId::known(peer.node()), peer.kind()?);
    Some(match towards {
        Towards::Causes => Edge { from: other, to: node, kind, index },
        Towards::Effects => Edge { from: node, to: other, kind, index },
    })
}

/// The edges of a node in one direction, in the order of the log.
#[derive(Clone, Debug)]
pub struct Edges<'v> {
    view: &'v View,
    node: NodeId,
    towards: Towards,
    segments: Iter<'v, Arc<Segment>>,
    /// The first index of a segment, and what is left of its entries.
    entries: Option<(u64, Entries<'v>)>,
}

impl Iterator for Edges<'_> {
    type Item = Edge;

    fn next(&mut self) -> Option<Edge> {
        loop {
            if let Some((first_index, entries)) = &mut self.entries {
                let next = entries.next().map(|(peer, index)| (peer, Index(*first_index + u64::from(index))));
                if let Some((peer, index)) = next.filter(|(_, index)| index.0 < self.view.end()) {
                    return edge(self.node.number(), self.towards, peer, index);
                }
            }
            let segment = self.segments.next()?;
            self.entries = Some((segment.first_index, segment.half(self.towards).of(self.node.number())));
        }
    }
}

/// Numbers of nodes by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KindCounts([u64; 32]);

impl KindCounts {
    /// How many of this kind.
    pub fn of(&self, kind: NodeKind) -> u64 {
        self.0.get(usize::from(kind.number())).copied().unwrap_or_default()
    }

    /// How many in all.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The kinds of which there are any, with how many.
    pub fn iter(&self) -> impl Iterator<Item = (NodeKind, u64)> {
        NodeKind::ALL.iter().map(|kind| (*kind, self.of(*kind))).filter(|(_, count)| *count > 0)
    }

    pub(in crate::lineage) fn add(&mut self, kind: NodeKind) {
        if let Some(count) = self.0.get_mut(usize::from(kind.number())) {
            *count += 1;
        }
    }
}
