//! A view holds what was added before its size, whatever was added, sealed and merged since; and petgraph's algorithms run
//! on it as they do on petgraph's own graph.

use super::world::{World, index_of, worlds};
use deedbook::lineage::{Edge, EdgeKind, Graph, NodeId, NodeKind, Towards, View};
use deedbook_verify::words::{Index, TreeSize};
use petgraph::algo::{dominators, has_path_connecting, tarjan_scc, toposort};
use petgraph::visit::{Dfs, EdgeCount, EdgeFiltered, EdgeRef, IntoEdgeReferences, NodeCount, Reversed};

#[test]
fn views_hold_what_was_added_before_their_size() {
    worlds("lineage_views", |world, rng| {
        check(world, &world.view, world.size);
        let earlier = TreeSize(rng.below(world.size.0 + 1));
        check(world, &world.view.as_of(earlier), earlier);
    });
}

/// Numbers of edges that 16 neighbours have together, around what a byte counts, and how they are dealt out among them.
#[test]
fn lists_of_any_length_are_found_again() {
    let sources = 600u32;
    let lengths: Vec<u32> = [0, 1, 16, 254, 255, 256, 257, 599].into_iter().flat_map(dealt).collect();
    let mut graph = Graph::new(usize::MAX);
    let node = |number: usize| NodeId::new(number as u32).unwrap();
    let mut edges = Vec::new();
    for number in 0..sources as usize + lengths.len() {
        let index = Index(edges.len() as u64);
        let made = graph.add_node(NodeKind::Run, index).unwrap();
        for from in 0..number.checked_sub(sources as usize).map_or(0, |at| lengths[at] as usize) {
            let edge = Edge { index: Index(edges.len() as u64), from: node(from), to: made, kind: EdgeKind::Called };
            graph.add_edge(edge).unwrap();
            edges.push(edge);
        }
        if number % 130 == 0 {
            graph.view(TreeSize(edges.len() as u64));
        }
        if number % 390 == 0 {
            graph.merge();
        }
    }
    for _ in 0..2 {
        let whole = graph.view(TreeSize(edges.len() as u64));
        for size in [edges.len(), edges.len() - 300, edges.len() / 2] {
            let view = whole.as_of(TreeSize(size as u64));
            for number in (0..whole.node_count()).map(|number| node(number as usize)) {
                let (causes, effects): (Vec<_>, Vec<_>) =
                    (view.causes(number).collect(), view.effects(number).collect());
                let here = |end: fn(&Edge) -> NodeId| -> Vec<Edge> {
                    edges.iter().take(size).filter(|edge| end(edge) == number).copied().collect()
                };
                assert_eq!((causes, effects), (here(|edge| edge.to), here(|edge| edge.from)));
            }
        }
        graph.merge();
    }
}

/// So many edges among 16: all of the first's, all of the last's, some of each, all but nothing between.
fn dealt(total: u32) -> Vec<u32> {
    let alone = |at: usize| (0..16).map(move |other| if other == at { total } else { 0 });
    let each = (0..16).map(|at| total / 16 + u32::from(at < total % 16));
    alone(0).chain(alone(15)).chain(alone(7)).chain(each).collect()
}

fn check(world: &World, view: &View, size: TreeSize) {
    let nodes: Vec<_> = world.nodes.iter().filter(|(_, born)| born.0 < size.0).collect();
    let edges: Vec<&Edge> = world.edges.iter().filter(|edge| edge.index.0 < size.0).collect();
    assert_eq!((view.size(), view.cut()), (size, None));
    assert_eq!((view.node_count() as usize, view.edge_count()), (nodes.len(), edges.len()));
    for number in 0..world.nodes.len() {
        let node = NodeId::new(number as u32).unwrap();
        let known = view.kind(node).zip(view.born(node));
        assert_eq!(known.as_ref(), nodes.get(number).copied());
        let mut gates = world.gates.iter().filter(|(run, _, index)| *run == node && index.0 < size.0);
        assert_eq!(view.gate(node), gates.next_back().map(|(_, gate, index)| (*gate, *index)));
        let causes: Vec<_> = view.edges(node, Towards::Causes).collect();
        let effects: Vec<_> = view.edges(node, Towards::Effects).collect();
        assert_eq!(causes, edges.iter().filter(|edge| edge.to == node).copied().copied().collect::<Vec<_>>());
        assert_eq!(effects, edges.iter().filter(|edge| edge.from == node).copied().copied().collect::<Vec<_>>());
    }
}

#[test]
fn petgraphs_algorithms_run_on_views_unchanged() {
    worlds("lineage_visitors", |world, rng| {
        let (Some(from), Some(to)) = (world.node(rng), world.node(rng)) else { return };
        let theirs = world.flow(world.size);
        let ours = EdgeFiltered::from_fn(&world.view, |edge| edge.weight().is_flow());
        assert_eq!(NodeCount::node_count(&world.view), theirs.node_count());
        assert_eq!(EdgeCount::edge_count(&world.view), world.view.edge_references().count());
        assert_eq!((&ours).edge_references().count(), theirs.edge_count());
        assert_eq!(toposort(&ours, None).is_ok(), toposort(&theirs, None).is_ok());
        assert_eq!(tarjan_scc(&ours).len(), tarjan_scc(&theirs).len());
        let connected = has_path_connecting(&theirs, index_of(from), index_of(to), None);
        assert_eq!(has_path_connecting(&ours, from, to, None), connected);
        let mut walk = Dfs::new(Reversed(&ours), to);
        let mut their_walk = Dfs::new(Reversed(&theirs), index_of(to));
        let mut seen: Vec<_> = std::iter::from_fn(|| walk.next(Reversed(&ours))).map(NodeId::number).collect();
        let their_seen = std::iter::from_fn(|| their_walk.next(Reversed(&theirs))).map(|node| node.index() as u32);
        let mut their_seen: Vec<_> = their_seen.collect();
        seen.sort_unstable();
        their_seen.sort_unstable();
        assert_eq!(seen, their_seen);
        let dominated = dominators::simple_fast(&ours, from);
        let they_dominated = dominators::simple_fast(&theirs, index_of(from));
        for number in 0..world.view.node_count() {
            let node = NodeId::new(number).unwrap();
            let theirs = they_dominated.immediate_dominator(index_of(node)).map(|node| node.index() as u32);
            assert_eq!(dominated.immediate_dominator(node).map(NodeId::number), theirs);
        }
    });
}
