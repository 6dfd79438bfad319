//! petgraph's visitor traits on a view, so that its algorithms run on the graph unchanged. The traits that number edges,
//! or hand out their weights to be changed, make no sense here and are not there.

use super::bits::NodeSet;
use super::graph::{Edges, View};
use super::kinds::{EdgeKind, NodeKind};
use super::words::{Edge, NodeId, Towards};
use petgraph::visit::{
    Data, EdgeCount, EdgeRef, GraphBase, GraphProp, IntoEdgeReferences, IntoEdges, IntoEdgesDirected, IntoNeighbors,
    IntoNeighborsDirected, IntoNodeIdentifiers, NodeCompactIndexable, NodeCount, NodeIndexable, VisitMap, Visitable,
};
use petgraph::{Directed, Direction};
use std::iter::Map;
use std::ops::Range;

impl From<Direction> for Towards {
    fn from(direction: Direction) -> Towards {
        match direction {
            Direction::Incoming => Towards::Causes,
            Direction::Outgoing => Towards::Effects,
        }
    }
}

impl GraphBase for View {
    type EdgeId = Edge;
    type NodeId = NodeId;
}

impl GraphProp for View {
    type EdgeType = Directed;
}

impl Data for View {
    type NodeWeight = NodeKind;
    type EdgeWeight = EdgeKind;
}

/// An edge as petgraph sees it; its weight is its kind, and itself its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeReference(Edge);

impl EdgeRef for EdgeReference {
    type NodeId = NodeId;
    type EdgeId = Edge;
    type Weight = EdgeKind;

    fn source(&self) -> NodeId {
        self.0.from
    }

    fn target(&self) -> NodeId {
        self.0.to
    }

    fn weight(&self) -> &EdgeKind {
        &self.0.kind
    }

    fn id(&self) -> Edge {
        self.0
    }
}

/// The nodes at the other ends of a node's edges.
#[derive(Clone, Debug)]
pub struct Neighbors<'v>(Edges<'v>, Towards);

impl Iterator for Neighbors<'_> {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        let edge = self.0.next()?;
        Some(match self.1 {
            Towards::Causes => edge.from,
            Towards::Effects => edge.to,
        })
    }
}

impl<'v> IntoNeighbors for &'v View {
    type Neighbors = Neighbors<'v>;

    fn neighbors(self, node: NodeId) -> Neighbors<'v> {
        self.neighbors_directed(node, Direction::Outgoing)
    }
}

impl<'v> IntoNeighborsDirected for &'v View {
    type NeighborsDirected = Neighbors<'v>;

    fn neighbors_directed(self, node: NodeId, direction: Direction) -> Neighbors<'v> {
        Neighbors(View::edges(self, node, direction.into()), direction.into())
    }
}

/// References to edges.
pub type EdgeReferences<'v> = Map<Edges<'v>, fn(Edge) -> EdgeReference>;

impl<'v> IntoEdges for &'v View {
    type Edges = EdgeReferences<'v>;

    fn edges(self, node: NodeId) -> EdgeReferences<'v> {
        self.edges_directed(node, Direction::Outgoing)
    }
}

impl<'v> IntoEdgesDirected for &'v View {
    type EdgesDirected = EdgeReferences<'v>;

    fn edges_directed(self, node: NodeId, direction: Direction) -> EdgeReferences<'v> {
        View::edges(self, node, direction.into()).map(EdgeReference)
    }
}

/// References to all edges, by the nodes that they come from.
#[derive(Clone, Debug)]
pub struct AllEdges<'v> {
    view: &'v View,
    nodes: Range<u32>,
    edges: Option<Edges<'v>>,
}

impl Iterator for AllEdges<'_> {
    type Item = EdgeReference;

    fn next(&mut self) -> Option<EdgeReference> {
        loop {
            if let Some(edge) = self.edges.as_mut().and_then(Iterator::next) {
                return Some(EdgeReference(edge));
            }
            self.edges = Some(self.view.effects(NodeId::known(self.nodes.next()?)));
        }
    }
}

impl<'v> IntoEdgeReferences for &'v View {
    type EdgeRef = EdgeReference;
    type EdgeReferences = AllEdges<'v>;

    fn edge_references(self) -> AllEdges<'v> {
        AllEdges { view: self, nodes: 0..View::node_count(self), edges: None }
    }
}

impl IntoNodeIdentifiers for &View {
    type NodeIdentifiers = Map<Range<u32>, fn(u32) -> NodeId>;

    fn node_identifiers(self) -> Self::NodeIdentifiers {
        (0..View::node_count(self)).map(NodeId::known)
    }
}

impl NodeCount for View {
    fn node_count(&self) -> usize {
        View::node_count(self) as usize
    }
}

impl EdgeCount for View {
    fn edge_count(&self) -> usize {
        View::edge_count(self)
    }
}

impl NodeIndexable for View {
    fn node_bound(&self) -> usize {
        View::node_count(self) as usize
    }

    fn to_index(&self, node: NodeId) -> usize {
        node.number() as usize
    }

    fn from_index(&self, index: usize) -> NodeId {
        NodeId::known(index as u32)
    }
}

impl NodeCompactIndexable for View {}

impl VisitMap<NodeId> for NodeSet {
    fn visit(&mut self, node: NodeId) -> bool {
        self.insert(node.number())
    }

    fn is_visited(&self, node: &NodeId) -> bool {
        self.contains(*node)
    }

    fn unvisit(&mut self, node: NodeId) -> bool {
        self.remove(node.number())
    }
}

impl Visitable for View {
    type Map = NodeSet;

    fn visit_map(&self) -> NodeSet {
        NodeSet::below(View::node_count(self))
    }

    fn reset_map(&self, map: &mut NodeSet) {
        map.clear();
        if map.bound() < View::node_count(self) {
            *map = self.visit_map();
        }
    }
}
