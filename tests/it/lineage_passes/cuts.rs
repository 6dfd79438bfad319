//! The fewest approvals that separate.

use super::world::{index_of, worlds};
use deedbook::lineage::{CutBy, Fewest, NodeKind};
use deedbook_verify::words::Index;
use petgraph::algo::{dinics, has_path_connecting};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{EdgeRef, NodeFiltered};
use std::collections::BTreeSet;

/// More than there are nodes.
const UNBOUNDED: u32 = 1_000;

#[test]
fn the_fewest_that_separate_are_as_many_as_flows_through() {
    worlds("lineage_fewest", |world, rng| {
        let Some(target) = world.node(rng) else { return };
        let sources = world.some(rng);
        let graph = world.flow(world.size);
        let approved = world.approved(world.size, Index(0));
        for by in [CutBy::Approved, CutBy::Runs] {
            let may_cut = |node: NodeIndex| match by {
                CutBy::Approved => approved.contains(&(node.index() as u32)),
                CutBy::Runs => graph[node] == NodeKind::Run,
            };
            // Each node as two, with what may pass through it between them.
            let mut split = DiGraph::<(), u32>::new();
            let sides: Vec<_> = graph.node_indices().map(|_| (split.add_node(()), split.add_node(()))).collect();
            for node in graph.node_indices() {
                let (arrives, leaves) = sides[node.index()];
                split.add_edge(arrives, leaves, if may_cut(node) { 1 } else { UNBOUNDED });
            }
            for edge in graph.edge_references() {
                split.add_edge(sides[edge.source().index()].1, sides[edge.target().index()].0, UNBOUNDED);
            }
            let start = split.add_node(());
            let distinct: BTreeSet<_> = sources.iter().copied().collect();
            for source in &distinct {
                split.add_edge(start, sides[index_of(*source).index()].0, UNBOUNDED);
            }
            let (flow, _) = dinics(&split, start, sides[index_of(target).index()].1);

            let is_linked = |without: &[NodeIndex]| {
                let rest = NodeFiltered::from_fn(&graph, |node| !without.contains(&node));
                let mut ends = sources.iter().map(|source| index_of(*source)).filter(|end| !without.contains(end));
                !without.contains(&index_of(target))
                    && ends.any(|end| has_path_connecting(&rest, end, index_of(target), None))
            };
            match world.query().fewest(&sources, target, by).value.unwrap() {
                Fewest::Apart => assert!(!is_linked(&[])),
                Fewest::NoneEnough => assert!(flow >= UNBOUNDED),
                Fewest::Nodes(nodes) => {
                    assert_eq!(nodes.len() as u32, flow);
                    let nodes: Vec<_> = nodes.into_iter().map(index_of).collect();
                    assert!(nodes.iter().all(|node| may_cut(*node)));
                    assert!(is_linked(&[]) && !is_linked(&nodes));
                }
            }
        }
    });
}
