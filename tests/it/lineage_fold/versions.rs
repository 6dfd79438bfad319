//! Versions: those that are named, those that follow from what was known, and what must not come of it: cycles, doubles,
//! causes that were none.

use super::graph::{Graph, Statements, node, version};
use deedbook::lineage::fold::NodeKey;
use deedbook::lineage::{EdgeKind, NodeKind};
use deedbook_verify::facts::ObjectClass;

fn written(dataset: &str, run: NodeKey) -> NodeKey {
    NodeKey::unnamed_version(node(ObjectClass::Dataset, dataset), Some(run)).unwrap()
}

fn first(dataset: &str) -> NodeKey {
    NodeKey::unnamed_version(node(ObjectClass::Dataset, dataset), None).unwrap()
}

#[test]
fn a_read_without_a_version_is_of_the_latest() {
    let mut log = Statements::new("gateway");
    let early = log.run("early", &["orders"], &[]);
    let writer = log.run("writer", &[], &["orders"]);
    let late = log.run("late", &["orders"], &[]);
    let graph = log.graph();
    assert_eq!(graph.causes(EdgeKind::Used, early), [first("orders")]);
    assert_eq!(graph.effects(EdgeKind::Generated, writer), [written("orders", writer)]);
    assert_eq!(graph.causes(EdgeKind::Used, late), [written("orders", writer)]);
    assert_eq!(graph.inferred(), 2);
    let versions = [first("orders"), written("orders", writer)];
    assert_eq!(graph.causes(EdgeKind::VersionOf, node(ObjectClass::Dataset, "orders")), versions);
}

#[test]
fn what_a_run_says_again_adds_nothing() {
    let mut log = Statements::new("gateway");
    log.run("r", &["a", "b@7", "a"], &["c", "d@1"]);
    log.run("other", &[], &["a"]);
    let before = (log.graph().delta.nodes.len(), log.graph().delta.edges.len());
    for _ in 0..3 {
        log.run("r", &["a", "b@7"], &["c", "d@1", "d@1", "c"]);
    }
    let graph = log.graph();
    assert_eq!((graph.delta.nodes.len(), graph.delta.edges.len()), before);
    graph.edges();
}

#[test]
fn a_run_that_rewrites_a_dataset_reads_what_was_there() {
    for events in [vec![(true, true)], vec![(false, true), (true, false)], vec![(false, true), (true, true)]] {
        let mut log = Statements::new("gateway");
        let before = log.run("before", &[], &["orders"]);
        let mut merge = None;
        for (reads, writes) in &events {
            let inputs: &[&str] = if *reads { &["orders"] } else { &[] };
            let outputs: &[&str] = if *writes { &["orders"] } else { &[] };
            merge = Some(log.run("merge", inputs, outputs));
        }
        let (graph, merge) = (log.graph(), merge.unwrap());
        assert_eq!(graph.causes(EdgeKind::Used, merge), [written("orders", before)], "{events:?}");
        assert_eq!(graph.effects(EdgeKind::Generated, merge), [written("orders", merge)], "{events:?}");
    }
}

#[test]
fn a_version_that_is_read_before_it_is_written_has_its_writer_late() {
    let mut log = Statements::new("gateway");
    let reader = log.run("reader", &["orders@7"], &[]);
    let writer = log.run("writer", &[], &["orders@7"]);
    let graph = log.graph();
    assert_eq!(graph.causes(EdgeKind::Used, reader), [version("orders", "7")]);
    assert_eq!(graph.effects(EdgeKind::Generated, writer), [version("orders", "7")]);
    assert_eq!((graph.inferred(), graph.nodes(NodeKind::DatasetVersion).len()), (0, 1));
    let late: Vec<_> =
        graph.delta.edges.iter().filter(|new| new.edge.kind.is_flow() && new.edge.from > new.edge.to).collect();
    assert_eq!(late.len(), 1, "only the write runs against the order");
    assert_eq!(late[0].edge.kind, EdgeKind::Generated);
}

#[test]
fn a_version_that_gets_its_name_later_is_the_same() {
    let mut log = Statements::new("gateway");
    let run = log.run("r", &[], &["orders"]);
    let reader = log.run("reader", &["orders"], &[]);
    log.run("r", &[], &["orders@7"]);
    let after = log.run("after", &["orders"], &[]);
    let graph = log.graph();
    assert!(graph.has(EdgeKind::SameAs, written("orders", run), version("orders", "7")));
    assert_eq!(graph.causes(EdgeKind::Used, reader), [written("orders", run)]);
    assert_eq!(graph.causes(EdgeKind::Used, after), [version("orders", "7")]);
    let named_first = {
        let mut log = Statements::new("gateway");
        log.run("r", &["x@1"], &["orders@7"]);
        log.run("r", &["x"], &["orders"]);
        log.graph()
    };
    assert_eq!(named_first.nodes(NodeKind::DatasetVersion), [version("x", "1"), version("orders", "7")]);
}

#[test]
fn a_version_that_is_only_known_by_being_read_is_the_latest_of_a_dataset_that_has_none() {
    let mut log = Statements::new("gateway");
    log.run("one", &["orders@7"], &[]);
    let two = log.run("two", &["orders"], &[]);
    assert_eq!(log.graph().causes(EdgeKind::Used, two), [version("orders", "7")]);
    log.run("three", &["orders@8"], &[]);
    let four = log.run("four", &["orders"], &[]);
    assert_eq!(log.graph().causes(EdgeKind::Used, four), [version("orders", "7")], "reading makes nothing newer");
}

#[test]
fn nothing_leads_to_itself_and_causes_stand_before_effects() {
    let mut log = Statements::new("gateway");
    let run = log.run("r", &["a@1"], &["a@1"]);
    let graph = log.graph();
    assert_eq!((graph.causes(EdgeKind::Used, run).len(), graph.effects(EdgeKind::Generated, run).len()), (1, 1));
    let mut log = Statements::new("gateway");
    for (run, inputs, outputs) in
        [("a", vec!["x"], vec!["y"]), ("b", vec!["y"], vec!["z"]), ("c", vec!["z"], vec!["x"])]
    {
        log.run(run, &inputs, &outputs);
    }
    let graph: Graph = log.graph();
    assert!(graph.delta.edges.iter().all(|new| !new.edge.kind.is_flow() || new.edge.from < new.edge.to));
    assert_eq!(graph.nodes(NodeKind::Run).len(), 3);
}
