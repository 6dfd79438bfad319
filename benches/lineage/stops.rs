//! How soon a query ends that is told to, by the clock: each is stopped at several moments of its run, and what passes from
//! then until it has returned, and let go of all that it held, is measured. The promise is 50 ms.

use deedbook::clock::Clock;
use deedbook::lineage::{
    Bounds, Cut, CutBy, Edge, EdgeKind, Gate, Graph, GraphError, Halt, NodeId, NodeKind, Query, Sources, Towards, View,
};
use deedbook_verify::words::{Index, TreeSize};

const PROMISED_US: u64 = 50_000;
const HUB_EDGES: u32 = 1_000_000;
/// Hundredths of a query's whole run at which it is stopped.
const MOMENTS: [u64; 8] = [0, 1, 10, 25, 50, 75, 90, 99];

/// A name, and a query that says what cut it.
type Asked = (&'static str, fn(&Query<'_>, NodeId, NodeId) -> Option<Cut>);

const QUERIES: [Asked; 14] = [
    ("descendants", |query, from, _| query.reach(&[from], Towards::Effects).cut),
    ("ancestors", |query, _, to| query.ancestors(&[to]).cut),
    ("trace down", |query, from, _| query.trace(&[from], Towards::Effects, None).cut),
    ("trace up", |query, _, to| query.trace(&[to], Towards::Causes, None).cut),
    ("shortest path", |query, from, to| query.shortest_path(from, to).cut),
    ("unapproved path", |query, from, to| query.unapproved_path(&Sources::Nodes(vec![from]), to).cut),
    ("number of paths", |query, from, to| query.path_count(from, to).cut),
    ("paths", |query, from, to| query.paths(from, to, 1_000, u32::MAX).cut),
    ("coverage", |query, _, to| query.coverage_counted(to).cut),
    ("choke points", |query, from, to| query.choke_points(&[from], to).cut),
    ("dominators", |query, _, to| query.dominators(to).cut),
    ("cut", |query, from, to| query.fewest(&[from], to, CutBy::Runs).cut),
    ("contamination", |query, from, _| query.contamination(from, Index(0)).cut),
    ("diff", |query, _, to| query.diff(TreeSize(1), Some(to)).cut),
];

/// Stops each query of a graph at each moment; says the longest that one went on.
pub fn measure(what: &str, view: &View, (from, to): (NodeId, NodeId)) -> Result<(), String> {
    let clock = Clock::system();
    let now = || clock.read().boot.0;
    println!(
        "{what}: {} nodes, {} edges; stopped at {} moments each",
        view.node_count(),
        view.edge_count(),
        MOMENTS.len()
    );
    let mut longest = 0;
    for (name, ask) in QUERIES {
        let run = |due: u64| {
            let stop = || (now() >= due).then_some(Halt::Cancelled);
            let query = Query::new(view, Bounds { nodes_max: u64::MAX, stop: &stop });
            let cut = ask(&query, from, to);
            (now(), cut)
        };
        let start = now();
        let whole = run(u64::MAX).0.saturating_sub(start);
        let (mut worst, mut stopped) = (0, 0);
        for hundredth in MOMENTS {
            let due = now().saturating_add(whole * hundredth / 100);
            let (ended, cut) = run(due);
            if cut == Some(Cut::Cancelled) {
                (worst, stopped) = (worst.max(ended.saturating_sub(due)), stopped + 1);
            }
        }
        println!(
            "  {name}: {:.1} ms whole, {:.2} ms after it was told to stop ({stopped} stops)",
            ms(whole),
            ms(worst)
        );
        longest = longest.max(worst);
    }
    println!("  the longest: {:.2} ms", ms(longest));
    if longest > PROMISED_US { Err(format!("a query went on for {} us", longest)) } else { Ok(()) }
}

fn ms(micros: u64) -> f64 {
    micros as f64 / 1e3
}

/// A key that signed for a million runs, each of which wrote a part of one dataset.
pub fn hub() -> Result<(View, (NodeId, NodeId)), GraphError> {
    let mut graph = Graph::new(usize::MAX);
    let key = graph.add_node(NodeKind::Key, Index(0))?;
    let mut runs = Vec::new();
    for at in 0..HUB_EDGES {
        let index = Index(u64::from(at));
        let run = graph.add_node(NodeKind::Run, index)?;
        graph.add_edge(Edge { index, from: key, to: run, kind: EdgeKind::Performed })?;
        if at % 3 == 0 {
            graph.set_gate(run, Gate::APPROVED_HUMAN, index)?;
        }
        runs.push(run);
    }
    let index = Index(u64::from(HUB_EDGES));
    let end = graph.add_node(NodeKind::DatasetVersion, index)?;
    for run in runs {
        graph.add_edge(Edge { index, from: run, to: end, kind: EdgeKind::Generated })?;
    }
    graph.merge();
    Ok((graph.view(TreeSize(u64::MAX)), (key, end)))
}
