//! The same graph as petgraph keeps it, and the algorithms of petgraph that answer what our passes do: what anybody would write
//! who has petgraph and no log. Nothing of ours is in it.

use deedbook::lineage::{EdgeKind, Gate, NodeId, NodeKind, View};
use deedbook_verify::words::Index;
use petgraph::algo::dominators::simple_fast;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, GraphBase, IntoNeighbors, NodeFiltered, Reversed, Visitable};

pub struct Generic {
    graph: DiGraph<NodeKind, (EdgeKind, Index)>,
    approved: Vec<bool>,
    last: NodeIndex,
}

impl Generic {
    pub fn of(view: &View, last: NodeId) -> Result<Generic, String> {
        let mut graph = DiGraph::new();
        let mut approved = Vec::new();
        for node in (0..view.node_count()).filter_map(NodeId::new) {
            graph.add_node(view.kind(node).ok_or("a node has no kind")?);
            approved.push(view.gate(node).is_some_and(|(gate, _)| gate.has(Gate::APPROVED_HUMAN)));
        }
        for node in (0..view.node_count()).filter_map(NodeId::new) {
            for edge in view.causes(node) {
                graph.add_edge(index(edge.from), index(edge.to), (edge.kind, edge.index));
            }
        }
        Ok(Generic { graph, approved, last: index(last) })
    }

    /// How many nodes lead to the last, itself included.
    pub fn ancestors(&self) -> usize {
        walk(Reversed(&self.graph), self.last)
    }

    /// How many do over a way on which nobody approved anything. With `ancestors` that is coverage, without numbers of paths.
    pub fn unapproved(&self) -> usize {
        let is_open = |node: NodeIndex| !self.approved.get(node.index()).is_some_and(|approved| *approved);
        walk(&NodeFiltered::from_fn(Reversed(&self.graph), is_open), self.last)
    }

    /// Finds what stands on every way to the last.
    pub fn dominators(&self) -> usize {
        simple_fast(Reversed(&self.graph), self.last).root().index()
    }
}

fn walk<G: GraphBase<NodeId = NodeIndex> + IntoNeighbors + Visitable>(graph: G, from: NodeIndex) -> usize {
    let mut walk = Dfs::new(graph, from);
    std::iter::from_fn(|| walk.next(graph)).count()
}

fn index(node: NodeId) -> NodeIndex {
    NodeIndex::new(node.number() as usize)
}
