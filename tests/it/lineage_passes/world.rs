//! A random log of nodes, edges and gates, the graph that it makes, and what petgraph is given of it.

use crate::support::{Rng, cases, parallel, scaled};
use deedbook::lineage::{Bounds, Edge, EdgeKind, Gate, GateRule, Graph, Halt, NodeId, NodeKind, NodeSet, Query, View};
use deedbook_verify::words::{Index, TreeSize};
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::BTreeSet;

/// Everyday graphs of each test; `make torture` plays 10,000.
const GRAPHS: u64 = 100;

pub struct World {
    pub nodes: Vec<(NodeKind, Index)>,
    pub edges: Vec<Edge>,
    pub gates: Vec<(NodeId, Gate, Index)>,
    pub size: TreeSize,
    pub view: View,
}

/// How edges run against the order in which nodes are named.
#[derive(Clone, Copy)]
enum Shape {
    /// Never, among those that flow.
    Ordered,
    /// As a log that was shuffled has them: some, without circles.
    Shuffled,
    /// Any way.
    Circular,
}

/// Runs a case for each of many worlds.
pub fn worlds(name: &str, case: impl Fn(&World, &mut Rng) + Sync) {
    let count = scaled(GRAPHS);
    parallel::run(name, count, |number, rng| {
        let shape = match number % 3 {
            0 => Shape::Ordered,
            1 => Shape::Shuffled,
            _ => Shape::Circular,
        };
        let nodes = 2 + rng.below(22);
        let edges = rng.below(nodes * 2);
        case(&World::random(shape, (nodes, edges), rng), rng);
    });
    cases("lineage-graphs", count);
}

/// The same with logs so long that passes take many nodes at once, up to eight edges a node; two of three follow the log.
pub fn long_worlds(name: &str, case: impl Fn(&World, &mut Rng) + Sync) {
    let count = scaled(GRAPHS / 2);
    parallel::run(name, count, |number, rng| {
        let shape = if number % 3 == 0 { Shape::Shuffled } else { Shape::Ordered };
        let nodes = 65 + rng.below(700);
        let dense = 1 + rng.below(8);
        let edges = rng.below(nodes * dense);
        case(&World::random(shape, (nodes, edges), rng), rng);
    });
    cases("lineage-graphs", count);
}

const GATES: [Gate; 6] = [
    Gate::APPROVED_HUMAN,
    Gate::APPROVED_AUTO,
    Gate::REVOKED_BEFORE,
    Gate::MISMATCH,
    Gate::MISSING,
    Gate::NOT_REQUIRED,
];

impl World {
    fn random(shape: Shape, (nodes_len, edges_len): (u64, u64), rng: &mut Rng) -> World {
        let mut seen = BTreeSet::new();
        let ranks: Vec<u64> = (0..nodes_len).map(|_| rng.next()).collect();
        let mut graph = Graph::new(usize::MAX);
        let (mut nodes, mut edges, mut gates) = (Vec::new(), Vec::<Edge>::new(), Vec::new());
        let mut index = rng.below(3);
        let mut left = (nodes_len, edges_len);
        while left != (0, 0) {
            index += rng.below(3);
            let here = Index(index);
            if left.1 == 0 || nodes.len() < 2 || (left.0 > 0 && rng.percent(45)) {
                if left.0 == 0 {
                    break;
                }
                left.0 -= 1;
                let kind = if rng.percent(40) { NodeKind::Run } else { *rng.pick(NodeKind::ALL) };
                let node = graph.add_node(kind, here).unwrap();
                assert_eq!(node.number() as usize, nodes.len());
                nodes.push((kind, here));
            } else {
                left.1 -= 1;
                if let Some(edge) = random_edge(shape, &ranks, nodes.len() as u64, here, rng)
                    && seen.insert(edge)
                {
                    graph.add_edge(edge).unwrap();
                    edges.push(edge);
                }
            }
            if rng.percent(if nodes_len > 64 { 3 } else { 25 }) {
                let run = NodeId::new(rng.below(nodes.len() as u64) as u32).unwrap();
                let gate = if rng.percent(60) { Gate::APPROVED_HUMAN } else { *rng.pick(&GATES) | *rng.pick(&GATES) };
                graph.set_gate(run, gate, here).unwrap();
                gates.push((run, gate, here));
            }
            match rng.below(nodes_len.max(12)) {
                0 => drop(graph.view(TreeSize(rng.below(index + 2)))),
                1 => graph.merge(),
                _ => {}
            }
        }
        let end = index + 1;
        let whole = graph.view(TreeSize(end + rng.below(3)));
        let size = if rng.percent(50) { whole.size() } else { TreeSize(rng.below(end + 1)) };
        let view = if rng.percent(50) { whole.as_of(size) } else { graph.view(size) };
        World { nodes, edges, gates, size, view }
    }

    /// What it holds as of a size, for petgraph: all nodes, and the edges that flow, with their places in `edges`.
    pub fn flow(&self, size: TreeSize) -> DiGraph<NodeKind, usize> {
        let mut graph = DiGraph::new();
        for (kind, born) in &self.nodes {
            if born.0 < size.0 {
                graph.add_node(*kind);
            }
        }
        for (at, edge) in self.edges.iter().enumerate() {
            if edge.index.0 < size.0 && edge.kind.is_flow() {
                graph.add_edge(index_of(edge.from), index_of(edge.to), at);
            }
        }
        graph
    }

    /// The nodes whose gates count as of a size, of those that became known at `since` or later.
    pub fn approved(&self, size: TreeSize, since: Index) -> BTreeSet<u32> {
        let mut approved = BTreeSet::new();
        for (node, gate, index) in self.gates.iter().filter(|(_, _, index)| index.0 < size.0) {
            if GateRule::HUMAN.passes(*gate) && *index >= since {
                approved.insert(node.number());
            } else {
                approved.remove(&node.number());
            }
        }
        approved
    }

    /// A question without bounds about the view.
    pub fn query(&self) -> Query<'_> {
        Query::new(&self.view, UNBOUNDED)
    }

    /// A random node of the view.
    pub fn node(&self, rng: &mut Rng) -> Option<NodeId> {
        let count = u64::from(self.view.node_count());
        (count > 0).then(|| NodeId::new(rng.below(count) as u32).unwrap())
    }

    /// One to three of them.
    pub fn some(&self, rng: &mut Rng) -> Vec<NodeId> {
        (0..=rng.below(3)).filter_map(|_| self.node(rng)).collect()
    }
}

fn random_edge(shape: Shape, ranks: &[u64], nodes: u64, index: Index, rng: &mut Rng) -> Option<Edge> {
    // Near ones mostly, so that there are long paths.
    let one = rng.below(nodes);
    let other = if rng.percent(70) { (one + 1 + rng.below(4)) % nodes } else { rng.below(nodes) };
    let kind = *rng.pick(EdgeKind::ALL);
    let (from, to) = match shape {
        _ if !kind.is_flow() => (one, other),
        Shape::Ordered => (one.min(other), one.max(other)),
        Shape::Shuffled if ranks[one as usize] > ranks[other as usize] => (other, one),
        Shape::Shuffled | Shape::Circular => (one, other),
    };
    let (from, to) = (NodeId::new(from as u32).unwrap(), NodeId::new(to as u32).unwrap());
    (from != to || matches!(shape, Shape::Circular)).then_some(Edge { index, from, to, kind })
}

pub const UNBOUNDED: Bounds<'static> = Bounds { nodes_max: u64::MAX, stop: &never };

fn never() -> Option<Halt> {
    None
}

pub fn index_of(node: NodeId) -> NodeIndex {
    NodeIndex::new(node.number() as usize)
}

pub fn node_of(index: NodeIndex) -> NodeId {
    NodeId::new(index.index() as u32).unwrap()
}

pub fn numbers(set: &NodeSet) -> BTreeSet<u32> {
    set.iter().map(NodeId::number).collect()
}
