//! What changed between two positions, and what a bad node led to.

use super::world::{World, numbers, worlds};
use deedbook::lineage::{CoverageChange, Edge, EdgeKind, GateChange, NodeId};
use deedbook_verify::words::{Index, TreeSize};
use std::collections::BTreeSet;

#[test]
fn differences_are_what_one_view_has_and_the_other_has_not() {
    worlds("lineage_diff", |world, rng| {
        let earlier = TreeSize(rng.below(world.size.0 + 1));
        let target = world.node(rng);
        let answer = world.query().diff(earlier, target);
        assert!(answer.is_complete());
        let (before, after, diff) = (world.view.as_of(earlier), &world.view, answer.value);
        assert_eq!(diff.nodes, before.node_count()..after.node_count());
        let is_added = |edge: &&Edge| (earlier.0..world.size.0).contains(&edge.index.0) && edge.kind.is_flow();
        let mut added: Vec<_> = world.edges.iter().filter(is_added).copied().collect();
        added.sort();
        assert_eq!(diff.edges, added);
        let all = || (0..after.node_count()).map(|number| NodeId::new(number).unwrap());
        let gates = all().map(|run| GateChange {
            run,
            before: before.gate(run).map(|(gate, _)| gate),
            after: after.gate(run).map(|(gate, _)| gate),
        });
        assert_eq!(diff.gates, gates.filter(|change| change.before != change.after).collect::<Vec<_>>());
        let Some(target) = target else { return };
        let then = deedbook::lineage::Query { view: &before, ..world.query() }.coverage(target).value;
        let now = world.query().coverage(target).value;
        let coverage =
            all().map(|node| CoverageChange { node, before: then.is_covered(node), after: now.is_covered(node) });
        assert_eq!(diff.coverage, coverage.filter(|change| change.before != change.after).collect::<Vec<_>>());
    });
}

#[test]
fn contamination_is_what_follows_edge_by_edge() {
    worlds("lineage_contamination", |world, rng| {
        let Some(bad) = world.node(rng) else { return };
        let since = Index(rng.below(world.size.0 + 1));
        let answer = world.query().contamination(bad, since);
        assert!(answer.is_complete());
        let resting = closure(world, bad, |edge| matches!(edge.kind, EdgeKind::Decided | EdgeKind::Authorized));
        let approved = world.approved(world.size, since);
        let is_gated = |node: &NodeId| approved.contains(&node.number()) && !resting.contains(&node.number());
        let follows = |edge: &Edge| edge.kind.is_flow() && (edge.from != bad || edge.index >= since) && edge.to != bad;
        let reached = closure(world, bad, follows);
        let open = closure(world, bad, |edge| follows(edge) && !is_gated(&edge.to));
        assert_eq!(numbers(answer.value.reached()), reached);
        assert_eq!(numbers(answer.value.open()), open);
        for number in &reached {
            let gated = answer.value.is_gated(NodeId::new(*number).unwrap());
            assert_eq!(gated, Some(!open.contains(number)));
        }
    });
}

/// What follows from a node, without it, along such edges: until nothing is added any more.
fn closure(world: &World, start: NodeId, follows: impl Fn(&Edge) -> bool) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    loop {
        let before = found.len();
        for edge in world.edges.iter().filter(|edge| edge.index.0 < world.size.0 && follows(edge)) {
            if edge.from == start || found.contains(&edge.from.number()) {
                found.insert(edge.to.number());
            }
        }
        if found.len() == before {
            return found;
        }
    }
}
