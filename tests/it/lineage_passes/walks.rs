//! Ancestors, descendants and traces.

use super::world::{UNBOUNDED, index_of, long_worlds, numbers, worlds};
use deedbook::lineage::{
    Bounds, Cut, Edge, EdgeKind, EdgeKinds, Filter, Graph, NodeId, NodeKind, NodeKinds, PathCount, Query, Towards,
};
use deedbook_verify::words::{Index, TreeSize};
use petgraph::algo::dijkstra;
use petgraph::graph::NodeIndex;
use petgraph::visit::{Dfs, GraphBase, IntoNeighbors, NodeFiltered, Reversed, Visitable};
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn reach_and_traces_agree_with_petgraph() {
    worlds("lineage_walks", |world, rng| {
        let Some(start) = world.node(rng) else { return };
        let graph = world.flow(world.size);
        let up = dijkstra(Reversed(&graph), index_of(start), None, |_| 1u32);
        let down = dijkstra(&graph, index_of(start), None, |_| 1u32);
        for (towards, theirs) in [(Towards::Causes, up), (Towards::Effects, down)] {
            let theirs: BTreeMap<u32, u32> = theirs.iter().map(|(node, depth)| (node.index() as u32, *depth)).collect();
            let reached = world.query().reach(&[start], towards);
            assert!(reached.is_complete());
            assert_eq!(numbers(&reached.value), theirs.keys().copied().collect());
            assert_eq!((reached.value.len(), reached.value.is_empty()), (theirs.len(), false));

            let depth_max = rng.below(6) as u32;
            let trace = world.query().trace(&[start], towards, Some(depth_max));
            let layers = trace.value.layers().enumerate();
            let ours: BTreeMap<u32, u32> =
                layers.flat_map(|(depth, nodes)| nodes.iter().map(move |node| (node.number(), depth as u32))).collect();
            let near = theirs.iter().filter(|(_, depth)| **depth <= depth_max);
            assert_eq!(ours, near.map(|(node, depth)| (*node, *depth)).collect());
            assert_eq!(ours.len(), trace.value.nodes().len(), "no node comes twice");
            let counts = trace.value.counts(&world.view);
            let is_run = |node: &&u32| world.nodes[**node as usize].0 == NodeKind::Run;
            let runs = ours.keys().filter(|node| **node != start.number()).filter(is_run).count();
            assert_eq!((counts.total(), counts.of(NodeKind::Run)), (ours.len() as u64 - 1, runs as u64));
            let is_cut = theirs.values().any(|depth| *depth > depth_max);
            assert_eq!(trace.cut, is_cut.then_some(Cut::Depth));
        }
    });
}

fn walked<G: GraphBase<NodeId = NodeIndex> + IntoNeighbors + Visitable>(graph: G, start: NodeId) -> BTreeSet<u32> {
    let mut walk = Dfs::new(graph, index_of(start));
    std::iter::from_fn(|| walk.next(graph)).map(|node| node.index() as u32).collect()
}

#[test]
fn passes_that_take_many_nodes_at_once_agree_with_petgraph() {
    long_worlds("lineage_long_walks", |world, rng| {
        let Some(start) = world.node(rng) else { return };
        let last = NodeId::new(world.view.node_count() - 1).unwrap();
        let graph = world.flow(world.size);
        let approved = world.approved(world.size, Index(0));
        let is_open = |node: NodeIndex| !approved.contains(&(node.index() as u32));
        for node in [start, last] {
            let (up, down) = (walked(Reversed(&graph), node), walked(&graph, node));
            let (causes, effects) = (world.query().ancestors(&[node]), world.query().reach(&[node], Towards::Effects));
            assert_eq!((numbers(&causes.value), numbers(&effects.value)), (up.clone(), down));
            let coverage = world.query().coverage(node).value;
            let unapproved = NodeFiltered::from_fn(Reversed(&graph), is_open);
            let open = if is_open(index_of(node)) { walked(&unapproved, node) } else { BTreeSet::new() };
            assert_eq!((numbers(coverage.causes()), numbers(coverage.open())), (up, open));

            let nodes_max = rng.below(u64::from(last.number()) + 2);
            let part = Query::new(&world.view, Bounds { nodes_max, ..UNBOUNDED }).ancestors(&[node]);
            assert!(part.visited <= nodes_max && numbers(&part.value).is_subset(&numbers(&causes.value)));
            assert_eq!(part.cut, (causes.visited > nodes_max).then_some(Cut::Nodes));
        }
        let between = world.query().path_count(start, last).value;
        let counted = world.query().coverage_counted(last).value;
        let theirs = counted.iter().find(|(node, _)| *node == start).and_then(|(_, covered)| covered.paths);
        assert_eq!(between, Some(theirs.unwrap_or(PathCount::Exactly(0))), "{start} to {last}");
    });
}

/// What a walk has seen is kept in other ways, the more it is.
#[test]
fn traces_over_few_and_over_many_nodes_see_each_once() {
    for runs in [1u32, 31, 32, 33, 127, 128, 129, 2_047, 2_048, 2_049, 10_000] {
        let mut graph = Graph::new(usize::MAX);
        let source = graph.add_node(NodeKind::Dataset, Index(0)).unwrap();
        let all: Vec<_> = (0..runs).map(|_| graph.add_node(NodeKind::Run, Index(0)).unwrap()).collect();
        let end = graph.add_node(NodeKind::Dataset, Index(0)).unwrap();
        for (from, to) in all.iter().flat_map(|run| [(source, *run), (source, *run), (*run, end)]) {
            graph.add_edge(Edge { index: Index(0), from, to, kind: EdgeKind::Used }).unwrap();
        }
        let view = graph.view(TreeSize(1));
        let query = Query::new(&view, UNBOUNDED);
        for (start, towards, other) in [(source, Towards::Effects, end), (end, Towards::Causes, source)] {
            let trace = query.trace(&[start], towards, None);
            let mut layers: Vec<_> = trace.value.layers().map(<[NodeId]>::to_vec).collect();
            layers.iter_mut().for_each(|layer| layer.sort_unstable());
            assert_eq!((layers, trace.cut), (vec![vec![start], all.clone(), vec![other]], None));
            let short = query.trace(&[start], towards, Some(1));
            assert_eq!((short.value.nodes().len() as u32, short.cut), (1 + runs, Some(Cut::Depth)));
        }
        let path = query.shortest_path(source, end).value.unwrap();
        assert_eq!(path.nodes().collect::<Vec<_>>(), [source, all[0], end]);
    }
}

#[test]
fn filters_bound_what_is_walked_on() {
    worlds("lineage_filters", |world, rng| {
        let Some(start) = world.node(rng) else { return };
        let nodes = NodeKinds::of(&[NodeKind::Run, *rng.pick(NodeKind::ALL), *rng.pick(NodeKind::ALL)]);
        let filter = Filter { edges: EdgeKinds::ALL, nodes };
        let query = Query { filter, ..world.query() };
        let mut graph = world.flow(world.size);
        for edge in world.edges.iter().filter(|edge| !edge.kind.is_flow() && edge.index.0 < world.size.0) {
            graph.add_edge(index_of(edge.from), index_of(edge.to), 0);
        }
        let entered =
            NodeFiltered::from_fn(&graph, |node| node == index_of(start) || nodes.has(world.nodes[node.index()].0));
        let theirs = dijkstra(&entered, index_of(start), None, |_| 1u32);
        let ours = query.reach(&[start], Towards::Effects).value;
        assert_eq!(numbers(&ours), theirs.keys().map(|node| node.index() as u32).collect());
        assert_eq!(query.trace(&[start], Towards::Effects, None).value.nodes().len(), theirs.len());
    });
}

#[test]
fn nodes_of_a_later_position_lead_nowhere() {
    worlds("lineage_absent", |world, _| {
        let absent = NodeId::new(world.view.node_count()).unwrap();
        assert!(world.query().ancestors(&[absent]).value.is_empty());
        assert!(world.query().trace(&[absent], Towards::Effects, None).value.nodes().is_empty());
        assert_eq!(world.query().shortest_path(absent, absent).value, None);
        assert!(world.query().coverage(absent).value.causes().is_empty());
        assert!(world.query().dominators(absent).value.is_none());
    });
}
