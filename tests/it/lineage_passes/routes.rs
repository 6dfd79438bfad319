//! Shortest paths, numbers of paths, the first paths, and unapproved ones.

use super::world::{World, index_of, worlds};
use deedbook::lineage::{Edge, NodeId, NodeKinds, Path, PathCount, Sources};
use deedbook_verify::words::Index;
use petgraph::algo::{all_simple_paths, astar, is_cyclic_directed};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::NodeFiltered;
use std::collections::BTreeSet;
use std::hash::RandomState;

/// Graphs with more paths between two nodes than this are left out.
const PATHS_MAX: usize = 3_000;

#[test]
fn shortest_paths_are_petgraphs_and_of_those_the_first_in_the_log() {
    worlds("lineage_shortest", |world, rng| {
        let (Some(from), Some(to)) = (world.node(rng), world.node(rng)) else { return };
        let graph = world.flow(world.size);
        let theirs = astar(&graph, index_of(from), |node| node == index_of(to), |_| 1u32, |_| 0);
        let ours = world.query().shortest_path(from, to);
        assert!(ours.is_complete());
        assert_eq!(ours.value.as_ref().map(|path| path.edges.len() as u32), theirs.map(|(length, _)| length));
        let Some(path) = ours.value else { return };
        check_path(&path, from, to);
        let length = path.edges.len();
        let all = every_walk(world, &graph, from, to, length);
        assert_eq!(Some(&path.edges), all.iter().min_by_key(|edges| in_log_order(edges)));
    });
}

fn in_log_order(edges: &[Edge]) -> Vec<(Index, u32, u8)> {
    edges.iter().map(|edge| (edge.index, edge.to.number(), edge.kind.number())).collect()
}

/// All walks of one length.
fn every_walk(
    world: &World,
    graph: &DiGraph<deedbook::lineage::NodeKind, usize>,
    from: NodeId,
    to: NodeId,
    length: usize,
) -> Vec<Vec<Edge>> {
    let mut walks = vec![Vec::new()];
    for _ in 0..length {
        let longer = |walk: &Vec<Edge>| {
            let at = walk.last().map_or(from, |edge: &Edge| edge.to);
            let next: Vec<_> = graph.edges(index_of(at)).map(|edge| world.edges[*edge.weight()]).collect();
            let walk = walk.clone();
            next.into_iter().map(move |edge| [walk.as_slice(), &[edge]].concat())
        };
        walks = walks.iter().flat_map(longer).collect();
    }
    walks.retain(|walk| walk.last().map_or(from, |edge| edge.to) == to);
    walks
}

fn check_path(path: &Path, from: NodeId, to: NodeId) {
    assert_eq!(path.start, from);
    assert_eq!(path.nodes().last(), Some(to));
    for (edge, before) in path.edges.iter().zip(path.nodes()) {
        assert_eq!(edge.from, before);
    }
}

#[test]
fn numbers_of_paths_and_the_first_of_them_are_petgraphs() {
    worlds("lineage_paths", |world, rng| {
        let (Some(from), Some(to)) = (world.node(rng), world.node(rng)) else { return };
        if from == to {
            return;
        }
        let graph = world.flow(world.size);
        let paths = all_simple_paths::<Vec<_>, _, RandomState>(&graph, index_of(from), index_of(to), 0, None);
        let mut theirs: Vec<Vec<NodeIndex>> = paths.take(PATHS_MAX + 1).collect();
        if theirs.len() > PATHS_MAX {
            return;
        }
        let counted = world.query().path_count(from, to);
        let expected = if is_cyclic_directed(&between(&graph, from, to)) {
            PathCount::Endless
        } else {
            PathCount::Exactly(theirs.len() as u128)
        };
        assert_eq!((counted.value, counted.cut), (Some(expected), None));

        let wanted = 1 + rng.below(40) as usize;
        let found = world.query().paths(from, to, wanted, u32::MAX);
        assert_eq!(found.value.len(), wanted.min(theirs.len()));
        assert_eq!(found.is_complete(), theirs.len() <= wanted);
        found.value.iter().for_each(|path| check_path(path, from, to));
        let distinct: BTreeSet<_> = found.value.iter().map(|path| &path.edges).collect();
        assert_eq!(distinct.len(), found.value.len());
        theirs.sort_by_key(Vec::len);
        let their_lengths: Vec<_> = theirs.iter().take(wanted).map(|path| path.len() - 1).collect();
        assert_eq!(found.value.iter().map(|path| path.edges.len()).collect::<Vec<_>>(), their_lengths);
        let their_paths: BTreeSet<Vec<u32>> =
            theirs.iter().map(|path| path.iter().map(|node| node.index() as u32).collect()).collect();
        for path in &found.value {
            assert!(their_paths.contains(&path.nodes().map(NodeId::number).collect::<Vec<_>>()));
        }
    });
}

/// The nodes on ways from one to another, with the edges between them.
fn between<N: Clone, E: Clone>(graph: &DiGraph<N, E>, from: NodeId, to: NodeId) -> DiGraph<N, E> {
    let leads = |one, other| petgraph::algo::has_path_connecting(graph, one, other, None);
    let is_between = |node| leads(index_of(from), node) && leads(node, index_of(to));
    graph.filter_map(|node, kind| is_between(node).then(|| kind.clone()), |_, edge| Some(edge.clone()))
}

#[test]
fn unapproved_paths_are_those_that_are_left_without_approvals() {
    worlds("lineage_unapproved", |world, rng| {
        let Some(to) = world.node(rng) else { return };
        let graph = world.flow(world.size);
        let approved = world.approved(world.size, Index(0));
        let open = NodeFiltered::from_fn(&graph, |node| !approved.contains(&(node.index() as u32)));
        let length_from = |from: NodeId| {
            let is_open = !approved.contains(&from.number()) && !approved.contains(&to.number());
            let found = astar(&open, index_of(from), |node| node == index_of(to), |_| 1u32, |_| 0);
            found.map(|(length, _)| (length, from)).filter(|_| is_open)
        };
        let from = world.some(rng);
        let theirs = from.iter().copied().filter_map(length_from).min();
        check_unapproved(world, &Sources::Nodes(from), to, theirs);

        let kinds = NodeKinds::of(&[*rng.pick(deedbook::lineage::NodeKind::ALL), world.nodes[0].0]);
        let of_kinds = (0..world.view.node_count()).map(|number| NodeId::new(number).unwrap());
        let of_kinds = of_kinds.filter(|node| *node != to && kinds.has(world.view.kind(*node).unwrap()));
        check_unapproved(world, &Sources::Kinds(kinds), to, of_kinds.filter_map(length_from).min());
    });
}

fn check_unapproved(world: &World, sources: &Sources, to: NodeId, theirs: Option<(u32, NodeId)>) {
    let ours = world.query().unapproved_path(sources, to);
    assert!(ours.is_complete());
    let approved = world.approved(world.size, Index(0));
    assert_eq!(ours.value.as_ref().map(|path| (path.edges.len() as u32, path.start)), theirs);
    if let Some(path) = &ours.value {
        check_path(path, path.start, to);
        assert!(path.nodes().all(|node| !approved.contains(&node.number())));
        let steps = world.query().approvals_along(path).value;
        assert!(steps.iter().all(|step| !step.is_approved && step.gate == world.view.gate(step.node)));
        assert_eq!(steps.len(), path.edges.len() + 1);
    }
}
