//! Coverage, and what stands on every path.

use super::world::{index_of, long_worlds, node_of, numbers, worlds};
use deedbook::lineage::{NodeId, PathCount};
use deedbook_verify::words::Index;
use petgraph::algo::{all_simple_paths, dominators, has_path_connecting};
use petgraph::graph::NodeIndex;
use petgraph::visit::{Dfs, NodeFiltered, Reversed};
use std::collections::BTreeSet;
use std::hash::RandomState;

#[test]
fn coverage_of_every_cause_is_what_its_paths_say_one_by_one() {
    worlds("lineage_coverage", |world, rng| {
        let Some(target) = world.node(rng) else { return };
        let graph = world.flow(world.size);
        let approved = world.approved(world.size, Index(0));
        let answer = world.query().coverage_counted(target);
        assert!(answer.is_complete());
        let coverage = answer.value;
        let uncounted = world.query().coverage(target).value;
        assert_eq!((uncounted.causes(), uncounted.open()), (coverage.causes(), coverage.open()));
        assert!(uncounted.iter().all(|(_, covered)| covered.paths.is_none()));
        let mut walk = Dfs::new(Reversed(&graph), index_of(target));
        let causes: BTreeSet<NodeIndex> = std::iter::from_fn(|| walk.next(Reversed(&graph))).collect();
        assert_eq!(numbers(coverage.causes()), causes.iter().map(|node| node.index() as u32).collect());
        assert_eq!(coverage.iter().count(), causes.len());
        let open = NodeFiltered::from_fn(&graph, |node| !approved.contains(&(node.index() as u32)));
        let is_open = |node: NodeIndex| {
            let ends = [node.index() as u32, target.number()];
            !ends.iter().any(|end| approved.contains(end)) && has_path_connecting(&open, node, index_of(target), None)
        };
        for (node, covered) in coverage.iter() {
            assert_eq!(covered.is_covered, !is_open(index_of(node)));
            assert_eq!(coverage.is_covered(node), Some(covered.is_covered));
            assert_eq!(covered.paths, world.query().path_count(node, target).value, "{node} to {target}");
            if node != target && covered.paths != Some(PathCount::Endless) {
                let theirs =
                    all_simple_paths::<Vec<_>, _, RandomState>(&graph, index_of(node), index_of(target), 0, None);
                assert_eq!(covered.paths, Some(PathCount::Exactly(theirs.count() as u128)));
            }
        }
    });
}

#[test]
fn what_stands_on_every_path_is_what_petgraph_says() {
    worlds("lineage_choke_points", |world, rng| {
        let Some(target) = world.node(rng) else { return };
        let graph = world.flow(world.size);
        let theirs = dominators::simple_fast(Reversed(&graph), index_of(target));
        let ours = world.query().dominators(target).value.unwrap();
        for number in 0..world.view.node_count() {
            let node = NodeId::new(number).unwrap();
            assert_eq!(ours.next(node), theirs.immediate_dominator(index_of(node)).map(node_of), "{node} to {target}");
        }
        let sources = world.some(rng);
        let leads = |without: Option<NodeIndex>| {
            let rest = NodeFiltered::from_fn(&graph, |node| Some(node) != without);
            let mut sources = sources.iter().map(|source| index_of(*source));
            sources.any(|source| Some(source) != without && has_path_connecting(&rest, source, index_of(target), None))
        };
        let points = world.query().choke_points(&sources, target).value;
        assert_eq!(points.is_some(), leads(None));
        let Some(points) = points else { return };
        let ours: BTreeSet<NodeId> = points.iter().map(|point| point.node).collect();
        let others = graph.node_indices().filter(|node| !sources.contains(&node_of(*node)));
        let cuts = others.filter(|node| *node == index_of(target) || !leads(Some(*node)));
        assert_eq!(ours, cuts.map(node_of).collect());
        let approved = world.approved(world.size, Index(0));
        assert!(points.iter().all(|point| point.is_approved == approved.contains(&point.node.number())));
    });
}

#[test]
fn what_stands_on_every_path_of_a_long_log_is_what_petgraph_says() {
    long_worlds("lineage_long_choke_points", |world, rng| {
        let Some(target) = world.node(rng) else { return };
        let graph = world.flow(world.size);
        for target in [target, NodeId::new(world.view.node_count() - 1).unwrap()] {
            let theirs = dominators::simple_fast(Reversed(&graph), index_of(target));
            let ours = world.query().dominators(target).value.unwrap();
            for number in 0..world.view.node_count() {
                let node = NodeId::new(number).unwrap();
                assert_eq!(
                    ours.next(node),
                    theirs.immediate_dominator(index_of(node)).map(node_of),
                    "{node} to {target}"
                );
            }
        }
    });
}
