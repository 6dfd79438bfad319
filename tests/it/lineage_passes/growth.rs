//! A graph while it grows: what readers hold stays as it was, merges change nothing that can be seen, and a budget ends it
//! cleanly.

use super::world::UNBOUNDED;
use crate::support::Rng;
use deedbook::lineage::{Cut, Edge, EdgeKind, Gate, Graph, GraphError, NodeId, NodeKind, Query, Towards, View};
use deedbook_verify::words::{Index, TreeSize};

fn node(number: u64) -> NodeId {
    NodeId::new(number as u32).unwrap()
}

/// Appends what an entry of an ordinary log makes: a run that reads some of what there is, and what it writes.
fn append(graph: &mut Graph, index: u64, rng: &mut Rng) -> Result<(), GraphError> {
    let entry = Index(index);
    let known = u64::from(graph.nodes());
    let run = graph.add_node(NodeKind::Run, entry)?;
    for _ in 0..(1 + rng.below(3)).min(known) {
        let reach = if rng.percent(90) { 300.min(known) } else { known };
        let near = 1 + rng.below(reach);
        graph.add_edge(Edge { index: entry, from: node(known - near), to: run, kind: EdgeKind::Used })?;
    }
    let made = graph.add_node(NodeKind::DatasetVersion, entry)?;
    graph.add_edge(Edge { index: entry, from: run, to: made, kind: EdgeKind::Generated })?;
    if rng.percent(10) {
        graph.set_gate(run, Gate::APPROVED_HUMAN, entry)?;
    }
    Ok(())
}

/// All that a view holds, in one number.
fn sum(view: &View) -> u64 {
    let mut sum = u64::from(view.node_count());
    let mut add = |number: u64| sum = (sum.rotate_left(7) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for number in 0..view.node_count() {
        let node = NodeId::new(number).unwrap();
        add(view.born(node).unwrap().0 << 8 | u64::from(view.kind(node).unwrap().number()));
        add(view.gate(node).map_or(0, |(gate, since)| u64::from(gate.bits()) << 32 ^ since.0));
        for edge in view.edges(node, Towards::Causes).chain(view.edges(node, Towards::Effects)) {
            add(edge.index.0);
            add(u64::from(edge.from.number()) << 32 | u64::from(edge.to.number()));
            add(u64::from(edge.kind.number()));
        }
    }
    sum
}

#[test]
fn readers_keep_what_they_have_while_segments_are_sealed_and_merged_beside() {
    let mut rng = Rng::seeded("lineage_growth");
    let mut graph = Graph::new(usize::MAX);
    let mut held = Vec::new();
    let entries = 40_000;
    for index in 0..entries {
        append(&mut graph, index, &mut rng).unwrap();
        if index % 8_000 == 4_321 {
            let view = graph.view(TreeSize(index + 1));
            held.push((sum(&view), view));
        }
        if index % 10_000 == 9_999
            && let Some(merge) = graph.merge_due()
        {
            // It runs beside while others append.
            let merging = std::thread::spawn(move || merge.run());
            let due = graph.nodes();
            while graph.nodes() < due + 50 {
                append(&mut graph, index, &mut rng).unwrap();
            }
            graph.install(merging.join().unwrap().unwrap());
        }
    }
    let before = sum(&graph.view(TreeSize(entries)));
    graph.merge();
    assert!(graph.merge_due().is_none());
    let whole = graph.view(TreeSize(entries));
    assert_eq!(sum(&whole), before, "a merge changes nothing that can be seen");
    assert!(held.len() > 3);
    for (before, view) in &held {
        assert_eq!(sum(view), *before, "what was appended later is not in an earlier view");
    }
    let (_, earlier) = held.last().unwrap();
    let reached = Query::new(earlier, UNBOUNDED).ancestors(&[node(u64::from(earlier.node_count()) - 1)]);
    let as_of = whole.as_of(earlier.size());
    assert_eq!(Query::new(&as_of, UNBOUNDED).ancestors(&[node(u64::from(as_of.node_count()) - 1)]), reached);
}

#[test]
fn a_merge_whose_parts_are_gone_is_dropped() {
    let mut rng = Rng::seeded("lineage_gone");
    let mut graph = Graph::new(usize::MAX);
    let mut index = 0;
    let merge = loop {
        append(&mut graph, index, &mut rng).unwrap();
        index += 1;
        if let Some(merge) = graph.merge_due() {
            break merge;
        }
    };
    graph.merge();
    let before = sum(&graph.view(TreeSize(index)));
    graph.install(merge.run().unwrap());
    assert_eq!(sum(&graph.view(TreeSize(index))), before);
}

#[test]
fn a_spent_budget_ends_the_graph_between_two_entries() {
    let mut rng = Rng::seeded("lineage_budget");
    let seed = rng.next();
    let (mut whole, mut bounded) = (Graph::new(usize::MAX), Graph::new(600_000));
    let (mut one, mut other) = (Rng::from_seed(seed), Rng::from_seed(seed));
    let mut index = 0;
    let full = loop {
        append(&mut whole, index, &mut one).unwrap();
        match append(&mut bounded, index, &mut other) {
            Ok(()) => assert!(bounded.bytes() <= 600_000 + 20 * 16_384 * 4),
            Err(full) => break full,
        }
        index += 1;
    };
    let size = TreeSize(index);
    assert_eq!(full, GraphError::Full { size, bytes_max: 600_000 });
    assert!(full.to_string().contains("600000 bytes"), "{full}");
    assert_eq!(bounded.add_node(NodeKind::Run, Index(index + 9)), Err(full), "it stays as it is");
    assert_eq!(sum(&bounded.view(size)), sum(&whole.view(size)));
    let later = bounded.view(TreeSize(index + 10));
    let answer = Query::new(&later, UNBOUNDED).ancestors(&[node(0)]);
    assert_eq!((answer.is_complete(), answer.cut), (false, Some(Cut::Budget)));
    assert_eq!(sum(&later), sum(&whole.view(size)), "half of an entry is not shown");
    let earlier = later.as_of(TreeSize(index - 1));
    assert!(Query::new(&earlier, UNBOUNDED).ancestors(&[node(0)]).is_complete());
}

#[test]
fn what_does_not_follow_the_log_is_refused() {
    let mut graph = Graph::new(usize::MAX);
    let run = graph.add_node(NodeKind::Run, Index(7)).unwrap();
    let error = graph.add_node(NodeKind::Run, Index(6)).unwrap_err();
    assert_eq!(error, GraphError::OutOfOrder { index: Index(6), last: Index(7) });
    let to_nowhere = Edge { index: Index(7), from: run, to: node(1), kind: EdgeKind::Called };
    assert_eq!(graph.add_edge(to_nowhere), Err(GraphError::UnknownNode(node(1))));
    assert_eq!(graph.set_gate(node(1), Gate::MISSING, Index(7)), Err(GraphError::UnknownNode(node(1))));
    assert_eq!(graph.view(TreeSize(9)).edge_count(), 0);
}

#[test]
fn a_log_of_many_billion_entries_has_its_nodes_far_apart() {
    let mut graph = Graph::new(usize::MAX);
    let far = |at: u64| Index(at * 3_000_000_000);
    for at in 0..200 {
        let run = graph.add_node(NodeKind::Run, far(at)).unwrap();
        if at > 0 {
            graph.add_edge(Edge { index: far(at), from: node(at - 1), to: run, kind: EdgeKind::Called }).unwrap();
        }
    }
    graph.merge();
    let view = graph.view(TreeSize(u64::MAX));
    for at in 0..200 {
        assert_eq!(view.born(node(at)), Some(far(at)));
        assert_eq!(view.causes(node(at)).map(|edge| edge.index).next(), (at > 0).then(|| far(at)));
        assert_eq!(view.as_of(TreeSize(far(at).0)).node_count() as u64, at);
        assert_eq!(view.as_of(TreeSize(far(at).0 + 1)).edge_count() as u64, at);
    }
    assert_eq!(Query::new(&view, UNBOUNDED).ancestors(&[node(199)]).value.len(), 200);
}

#[test]
fn an_edge_takes_24_bytes_with_its_share_of_the_nodes() {
    let mut rng = Rng::seeded("lineage_bytes");
    let mut graph = Graph::new(usize::MAX);
    for index in 0..200_000 {
        append(&mut graph, index, &mut rng).unwrap();
    }
    graph.merge();
    let edges = graph.view(TreeSize(200_000)).edge_count();
    let bytes = graph.bytes() as f64 / edges as f64;
    assert!(bytes <= 24.0, "{bytes} bytes for each of {edges} edges of {} nodes", graph.nodes());
}
