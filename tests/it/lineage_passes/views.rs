//! A view holds what was added before its size, whatever was added, sealed and merged since; and petgraph's algorithms run
//! on it as they do on petgraph's own graph.

use super::world::{World, index_of, worlds};
use deedbook::lineage::{Edge, NodeId, Towards, View};
use deedbook_verify::words::TreeSize;
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
