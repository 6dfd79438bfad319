//! Queries end when they are told to, a bounded number of steps later, on hubs too; and what they have by then is right.

use super::world::{UNBOUNDED, numbers, worlds};
use deedbook::lineage::{
    Answer, Bounds, Cut, CutBy, Edge, EdgeKind, Gate, Graph, Halt, NodeId, NodeKind, Query, Sources, Towards, View,
};
use deedbook_verify::words::{Index, TreeSize};
use std::cell::Cell;

/// A look at the clock comes at least so often: `LINEAGE_POLL_STEPS`, and one part of a hub's edges.
const STEPS_MAX: u64 = 4_096 + 1_024;

const HUB_EDGES: u64 = 1_000_000;
const TARGETS: u64 = 1_000;

fn node(number: u64) -> NodeId {
    NodeId::new(number as u32).unwrap()
}

/// One source, whose million edges lead to a thousand runs, and one that all of these lead to.
fn hub() -> View {
    let mut graph = Graph::new(usize::MAX);
    let source = graph.add_node(NodeKind::Dataset, Index(0)).unwrap();
    for _ in 0..TARGETS {
        graph.add_node(NodeKind::Run, Index(0)).unwrap();
    }
    let end = graph.add_node(NodeKind::Outcome, Index(0)).unwrap();
    for index in 0..HUB_EDGES {
        let to = node(1 + index % TARGETS);
        graph.add_edge(Edge { index: Index(index), from: source, to, kind: EdgeKind::Used }).unwrap();
    }
    for run in 0..TARGETS {
        let edge = Edge { index: Index(HUB_EDGES), from: node(1 + run), to: end, kind: EdgeKind::Generated };
        graph.add_edge(edge).unwrap();
        graph.set_gate(node(1 + run), Gate::APPROVED_HUMAN, Index(HUB_EDGES)).unwrap();
    }
    graph.merge();
    graph.view(TreeSize(HUB_EDGES + 1))
}

/// Every query on the hub, by name; each answers what cut it.
fn queries(query: Query<'_>) -> Vec<(&'static str, Option<Cut>)> {
    let (source, end) = (node(0), node(TARGETS + 1));
    fn cut<T>(answer: Answer<T>) -> Option<Cut> {
        answer.cut
    }
    vec![
        ("descendants", cut(query.reach(&[source], Towards::Effects))),
        ("ancestors", cut(query.ancestors(&[end]))),
        ("trace", cut(query.trace(&[source], Towards::Effects, None))),
        ("shortest", cut(query.shortest_path(source, end))),
        ("unapproved", cut(query.unapproved_path(&Sources::Nodes(vec![source]), node(1)))),
        ("count", cut(query.path_count(source, end))),
        ("paths", cut(query.paths(source, end, 1, 2))),
        ("coverage", cut(query.coverage(end))),
        ("counted", cut(query.coverage_counted(end))),
        ("dominators", cut(query.dominators(end))),
        ("choke points", cut(query.choke_points(&[source], end))),
        ("fewest", cut(query.fewest(&[source], end, CutBy::Runs))),
        ("diff", cut(query.diff(TreeSize(0), Some(end)))),
        ("contamination", cut(query.contamination(source, Index(0)))),
    ]
}

#[test]
fn a_hub_of_a_million_edges_stalls_no_query() {
    let view = hub();
    let polls = Cell::new(0u64);
    let count = || {
        polls.set(polls.get() + 1);
        None::<Halt>
    };
    let counted = queries(Query::new(&view, Bounds { nodes_max: u64::MAX, stop: &count }));
    for (name, cut) in &counted {
        let is_full = matches!(*name, "paths" | "diff");
        assert_eq!(*cut, is_full.then_some(Cut::Answer), "{name}");
    }
    // All but one of them look at each edge of the hub.
    assert!(polls.get() >= 12 * HUB_EDGES / STEPS_MAX, "{}", polls.get());

    let runs: Vec<_> = (1..=TARGETS).map(node).collect();
    for stop_at in [1, 2, 20, 100] {
        let polls = Cell::new(0u64);
        let cancelled = || {
            polls.set(polls.get() + 1);
            (polls.get() >= stop_at).then_some(Halt::Cancelled)
        };
        let query = Query::new(&view, Bounds { nodes_max: u64::MAX, stop: &cancelled });
        let (source, end) = (node(0), node(TARGETS + 1));
        let run = |name: &str, cut: Option<Cut>| {
            assert_eq!(cut, Some(Cut::Cancelled), "{name} stopped at {stop_at}");
            assert_eq!(polls.replace(0), stop_at, "{name} goes on after it was stopped");
        };
        let found = query.reach(&[source], Towards::Effects);
        assert!(found.value.len() as u64 <= stop_at * STEPS_MAX);
        run("descendants", found.cut);
        run("ancestors", query.ancestors(&runs).cut);
        run("trace", query.trace(&[source], Towards::Effects, None).cut);
        run("coverage", query.coverage(end).cut);
        run("counted", query.coverage_counted(end).cut);
        run("dominators", query.dominators(end).cut);
        run("choke points", query.choke_points(&[source], end).cut);
        run("count", query.path_count(source, end).cut);
        run("paths", query.paths(source, end, 1, 2).cut);
        run("fewest", query.fewest(&[source], end, CutBy::Runs).cut);
        run("diff", query.diff(TreeSize(0), Some(end)).cut);
        run("contamination", query.contamination(source, Index(0)).cut);
    }
}

#[test]
fn a_deadline_and_a_bound_of_nodes_are_said_and_what_was_found_is_right() {
    worlds("lineage_bounds", |world, rng| {
        let (Some(start), Some(end)) = (world.node(rng), world.node(rng)) else { return };
        let over = || Some(Halt::Deadline);
        let late = Query::new(&world.view, Bounds { nodes_max: u64::MAX, stop: &over });
        assert_eq!(late.reach(&[start], Towards::Effects).cut, Some(Cut::Deadline));
        assert_eq!(late.coverage(end).cut, Some(Cut::Deadline));

        let nodes_max = rng.below(12);
        let bounded = Query::new(&world.view, Bounds { nodes_max, ..UNBOUNDED });
        let (part, whole) =
            (bounded.reach(&[start], Towards::Effects), world.query().reach(&[start], Towards::Effects));
        assert!(part.visited <= nodes_max);
        assert_eq!(part.cut, (whole.visited > nodes_max).then_some(Cut::Nodes));
        assert!(numbers(&part.value).is_subset(&numbers(&whole.value)));
        let (part, whole) = (bounded.coverage(end), world.query().coverage(end));
        assert!(part.visited <= nodes_max && (part.is_complete() || part.cut == Some(Cut::Nodes)));
        assert!(numbers(part.value.open()).is_subset(&numbers(whole.value.open())));
        let (part, whole) = (bounded.contamination(start, Index(0)), world.query().contamination(start, Index(0)));
        assert!(numbers(part.value.open()).is_subset(&numbers(whole.value.open())));
        let (part, whole) = (bounded.paths(start, end, 9, 9), world.query().paths(start, end, 9, 9));
        assert!(whole.value.starts_with(&part.value));
        let (part, whole) = (bounded.shortest_path(start, end), world.query().shortest_path(start, end));
        assert!(part.value == whole.value || (part.value.is_none() && part.cut == Some(Cut::Nodes)));
    });
}

/// A table that one agent writes again and again: each path from the agent joins the others as late as it can.
#[test]
fn a_table_written_many_times_by_one_agent_has_its_choke_points_found() {
    const WRITES: u64 = 20_000;
    let mut graph = Graph::new(usize::MAX);
    let agent = graph.add_node(NodeKind::Agent, Index(0)).unwrap();
    let mut version = None;
    for index in 1..=WRITES {
        let index = Index(index);
        let run = graph.add_node(NodeKind::Run, index).unwrap();
        graph.add_edge(Edge { index, from: agent, to: run, kind: EdgeKind::Performed }).unwrap();
        let next = graph.add_node(NodeKind::DatasetVersion, index).unwrap();
        graph.add_edge(Edge { index, from: run, to: next, kind: EdgeKind::Generated }).unwrap();
        if let Some(from) = version {
            graph.add_edge(Edge { index, from, to: next, kind: EdgeKind::Previous }).unwrap();
        }
        version = Some(next);
    }
    let view = graph.view(TreeSize(WRITES + 1));
    let last = version.unwrap();
    let query = Query::new(&view, UNBOUNDED);
    let points = query.choke_points(&[agent], last).value.unwrap();
    assert_eq!(points.iter().map(|point| point.node).collect::<Vec<_>>(), [last]);
    let from_first = query.choke_points(&[node(1)], last).value.unwrap();
    assert_eq!(from_first.len() as u64, WRITES, "every version of the table");
    assert_eq!(query.path_count(agent, last).value.unwrap().to_string(), WRITES.to_string());
}

/// Forty pairs of ways, one behind the other, are 2^40 paths; two hundred are more than can be counted.
#[test]
fn numbers_of_paths_beyond_all_bounds_are_said_to_be() {
    let mut graph = Graph::new(usize::MAX);
    let mut at = graph.add_node(NodeKind::Dataset, Index(0)).unwrap();
    let mut counts = Vec::new();
    for index in (0..200).map(Index) {
        let one = graph.add_node(NodeKind::Run, index).unwrap();
        let other = graph.add_node(NodeKind::Run, index).unwrap();
        let join = graph.add_node(NodeKind::Dataset, index).unwrap();
        for run in [one, other] {
            graph.add_edge(Edge { index, from: at, to: run, kind: EdgeKind::Used }).unwrap();
            graph.add_edge(Edge { index, from: run, to: join, kind: EdgeKind::Generated }).unwrap();
        }
        at = join;
        let view = graph.view(TreeSize(index.0 + 1));
        counts.push(Query::new(&view, UNBOUNDED).path_count(node(0), at).value.unwrap().to_string());
    }
    assert_eq!((counts[0].as_str(), counts[39].as_str()), ("2", "1099511627776"));
    assert_eq!((counts[126].as_str(), counts[199].as_str()), ((1u128 << 127).to_string().as_str(), ">= 10^38"));
    let view = graph.view(TreeSize(200));
    let coverage = Query::new(&view, UNBOUNDED).coverage_counted(at).value;
    let (_, first) = coverage.iter().next().unwrap();
    assert_eq!(first.paths.unwrap().to_string(), ">= 10^38");
    let paths = Query::new(&view, UNBOUNDED).paths(node(0), at, 5, 400);
    assert_eq!((paths.value.len(), paths.cut), (5, Some(Cut::Answer)));
}
