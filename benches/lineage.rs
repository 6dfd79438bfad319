//! How fast the graph answers, and what it takes: `cargo bench --bench lineage`. A generated graph of a million nodes and
//! a million and a half edges, our passes beside petgraph's algorithms on petgraph's own graph, in turn; then the same with
//! ten million nodes, and how many times as long that took, us, petgraph, and memory itself: reads of as many bytes as the
//! graph has, in order, and of one word for each node, in none. It measures; that the answers are right is tested elsewhere,
//! and only their sizes are compared here. It allocates as the program does.
//!
//! Goals: ancestors and coverage 8 times as fast as petgraph, choke points 15; a trace p99 5 ms; 24 bytes an edge; ten times the
//! nodes 12 times as long.
//!
//! With `LINEAGE_TABLES=FOLDER` it writes the smaller graph and its traces there as tables, for a database to answer the same:
//! `make bench-lineage` does that with PostgreSQL.
//!
//! `cargo bench --bench lineage -- stops` measures instead how soon each query ends that is told to; `-- small` leaves the ten
//! million out.

#[path = "lineage/generic.rs"]
mod generic;
#[path = "lineage/memory.rs"]
mod memory;
#[path = "lineage/stops.rs"]
mod stops;

use deedbook::clock::{Clock, Stopwatch};
use deedbook::lineage::{
    Answer, Bounds, Edge, EdgeKind, EdgeKinds, Gate, Graph, GraphError, Halt, NodeId, NodeKind, Query, Towards, View,
};
use deedbook_verify::words::{Index, TreeSize};
use generic::Generic;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NODES: u32 = 1_000_000;
const ROUNDS: usize = 9;
/// Of ten million nodes, where one round of petgraph's takes seconds.
const ROUNDS_LARGE: usize = 3;
/// How often it is our turn, and petgraph's.
const TURNS: usize = 3;
const TRACES: u64 = 2_000;
const TRACE_ROUNDS: usize = 10;

fn main() -> Result<(), String> {
    let is_told = |what: &str| std::env::args().any(|word| word == what);
    if is_told("stops") {
        return stopped();
    }
    let small = measure(NODES, ROUNDS)?;
    if is_told("small") {
        return Ok(());
    }
    let large = measure(NODES * 10, ROUNDS_LARGE)?;
    for ((name, small), (_, large)) in small.iter().zip(&large) {
        println!("{name}: ten times the nodes take {:.1} times as long", large / small);
    }
    Ok(())
}

/// How soon queries end that are told to, on the log and on a hub.
fn stopped() -> Result<(), String> {
    for nodes in [NODES, NODES * 10] {
        let mut log = Log::new(nodes).map_err(|error| error.to_string())?;
        log.graph.merge();
        let first = *log.versions.first().ok_or("no version")?;
        stops::measure("a log", &log.graph.view(TreeSize(u64::MAX)), (first, log.last))?;
    }
    let (hub, ends) = stops::hub().map_err(|error| error.to_string())?;
    stops::measure("a hub", &hub, ends)
}

/// Names of what was measured with their milliseconds.
type Times = Vec<(String, f64)>;

fn measure(nodes: u32, rounds: usize) -> Result<Times, String> {
    let clock = Clock::system();
    let start = clock.read().boot;
    let mut log = Log::new(nodes).map_err(|error| error.to_string())?;
    let appended = clock.read().boot.0.saturating_sub(start.0);
    log.graph.merge();
    let built = clock.read().boot.0.saturating_sub(start.0);
    let view = log.graph.view(TreeSize(u64::MAX));
    let edges = view.edge_count();
    println!(
        "{} nodes, {edges} edges: {:.2} bytes an edge in all, {:.0} ns to append one, {:.0} with all merges",
        view.node_count(),
        log.graph.bytes() as f64 / edges as f64,
        appended as f64 * 1e3 / edges as f64,
        built as f64 * 1e3 / edges as f64,
    );
    let query = Query::new(&view, Bounds { nodes_max: u64::MAX, stop: &never });
    let traced = traces(&query);
    if let (Some(folder), true) = (std::env::var_os("LINEAGE_TABLES"), nodes == NODES) {
        write_tables(&view, &traced, Path::new(&folder)).map_err(|error| error.to_string())?;
    }
    let mut times = passes(&query, log.last, rounds)?;
    let memory = memory::Words::of(log.graph.bytes());
    times.push(("memory, in order".to_owned(), time(rounds, || memory.in_order())));
    times.push(("memory, in no order".to_owned(), time(rounds, || memory.in_no_order(nodes))));
    println!("  memory itself: {:.1} MB", memory.bytes() as f64 / 1e6);
    for (name, millis) in times.iter().filter(|(name, _)| name.starts_with("memory")) {
        println!("  {name}: {millis:.1} ms");
    }
    Ok(times)
}

/// Our passes, and petgraph's algorithms for the same, by turns, so that what else the machine does meets both.
fn passes(query: &Query<'_>, last: NodeId, rounds: usize) -> Result<Times, String> {
    let causes = whole(query.ancestors(&[last]))?.len();
    let coverage = whole(query.coverage(last))?;
    println!("  the last has {causes} causes, {} of them open", coverage.open().len());
    let theirs = Generic::of(query.view, last)?;
    if (theirs.ancestors(), theirs.unapproved()) != (causes, coverage.open().len()) {
        return Err("petgraph found something else".to_owned());
    }
    let coverage = || query.coverage(last).value.open().len();
    let dominators = || query.dominators(last).value.map_or(0, |found| found.causes().len());
    let mut times = Times::new();
    let mut both = |name: &str, ours: &dyn Fn() -> usize, theirs: &dyn Fn() -> usize| {
        let (mut our_best, mut their_best) = (f64::MAX, f64::MAX);
        for _ in 0..TURNS {
            our_best = our_best.min(time(rounds / TURNS, ours));
            their_best = their_best.min(time(rounds / TURNS, theirs));
        }
        println!("  {name}: {our_best:.1} ms, petgraph {their_best:.1} ms, {:.1} times", their_best / our_best);
        times.push((name.to_owned(), our_best));
        times.push((format!("{name}, petgraph"), their_best));
    };
    both("ancestors", &|| query.ancestors(&[last]).value.len(), &|| theirs.ancestors());
    both("coverage", &coverage, &|| theirs.ancestors() + theirs.unapproved());
    both("choke points", &dominators, &|| theirs.dominators());
    let counted = time(rounds, || query.coverage_counted(last).value.open().len());
    println!("  coverage with numbers of paths: {counted:.1} ms; petgraph has nothing for that");
    times.push(("coverage with numbers of paths".to_owned(), counted));
    Ok(times)
}

/// A node, and how many nodes are within five edges up and down from it, itself included.
type Traced = (NodeId, usize, usize);

/// Five edges up and five down from nodes all over the graph, again and again; the first time does not count, here or in a
/// database.
fn traces(query: &Query<'_>) -> Vec<Traced> {
    let mut dice = Dice(7);
    let nodes: Vec<NodeId> = (0..TRACES).filter_map(|_| NodeId::new(dice.below(query.view.node_count()))).collect();
    let (mut times, mut traced) = (Vec::<f64>::new(), Vec::new());
    for (at, node) in std::iter::repeat_n(&nodes, TRACE_ROUNDS).flatten().copied().enumerate() {
        if at == nodes.len() {
            times.clear();
        }
        let watch = Stopwatch::start();
        let [up, down] = [Towards::Causes, Towards::Effects].map(|towards| query.trace(&[node], towards, Some(5)));
        times.push(watch.seconds() * 1e6);
        if traced.len() < nodes.len() {
            traced.push((node, up.value.nodes().len(), down.value.nodes().len()));
        }
    }
    times.sort_unstable_by(f64::total_cmp);
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    println!("  traces of 5 edges, up and down: median {:.2} us, p99 {:.2} us", at(50), at(99));
    traced
}

/// `edges.csv`: cause, effect. `traces.csv`: node, nodes above it, nodes below it.
fn write_tables(view: &View, traced: &[Traced], folder: &Path) -> std::io::Result<()> {
    let mut edges = BufWriter::new(File::create(folder.join("edges.csv"))?);
    for node in (0..view.node_count()).filter_map(NodeId::new) {
        for edge in view.causes(node).filter(|edge| EdgeKinds::FLOW.has(edge.kind)) {
            writeln!(edges, "{},{}", edge.from, edge.to)?;
        }
    }
    edges.flush()?;
    let mut traces = BufWriter::new(File::create(folder.join("traces.csv"))?);
    for (node, up, down) in traced {
        writeln!(traces, "{node},{up},{down}")?;
    }
    traces.flush()
}

fn never() -> Option<Halt> {
    None
}

fn whole<T>(answer: Answer<T>) -> Result<T, String> {
    if answer.is_complete() { Ok(answer.value) } else { Err("an answer was cut".to_owned()) }
}

/// The best of some rounds, in milliseconds: what else the machine does only adds.
fn time(rounds: usize, run: impl Fn() -> usize) -> f64 {
    let clock = Clock::system();
    let mut best = u64::MAX;
    for _ in 0..rounds {
        let start = clock.read().boot;
        std::hint::black_box(run());
        best = best.min(clock.read().boot.0.saturating_sub(start.0));
    }
    best as f64 / 1e3
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) % u64::from(bound.max(1))) as u32
    }

    fn percent(&mut self, chance: u32) -> bool {
        self.below(100) < chance
    }
}

/// What a log of agents and pipelines makes: each run reads a version or two, nine out of ten of them recent, and writes
/// one, sometimes two. Three of five are some agent's; one in twenty was proposed, voted on and approved before. At the end one run reads forty versions.
struct Log {
    graph: Graph,
    agents: Vec<NodeId>,
    versions: Vec<NodeId>,
    last: NodeId,
    index: u64,
    dice: Dice,
}

const RECENT: u32 = 2_000;

impl Log {
    fn new(nodes: u32) -> Result<Log, GraphError> {
        let mut graph = Graph::new(usize::MAX);
        let kind = |at: u32| if at.is_multiple_of(4) { NodeKind::Person } else { NodeKind::Agent };
        let agents: Vec<_> =
            (0..nodes / 1_000).map(|at| graph.add_node(kind(at), Index(0))).collect::<Result<_, _>>()?;
        let first = graph.add_node(NodeKind::DatasetVersion, Index(0))?;
        let mut log = Log { graph, agents, versions: vec![first], last: first, index: 0, dice: Dice(1) };
        while log.graph.nodes() < nodes - 2 {
            log.index += 1;
            let inputs = 1 + u32::from(log.dice.percent(50));
            let outputs = 1 + u32::from(log.dice.percent(20));
            log.run(inputs, outputs)?;
        }
        log.index += 1;
        log.run(40, 1)?;
        Ok(log)
    }

    fn run(&mut self, inputs: u32, outputs: u32) -> Result<(), GraphError> {
        let index = Index(self.index);
        let agent = self.agent();
        let approval = if self.dice.percent(5) { Some(self.approval(agent)?) } else { None };
        let run = self.graph.add_node(NodeKind::Run, index)?;
        if approval.is_some() || self.dice.percent(60) {
            self.edge(agent, run, EdgeKind::Performed)?;
        }
        if let Some((action, approval)) = approval {
            self.edge(action, run, EdgeKind::Realised)?;
            self.edge(approval, run, EdgeKind::Authorized)?;
            self.graph.set_gate(run, Gate::APPROVED_HUMAN, index)?;
        }
        for _ in 0..inputs {
            let known = self.versions.len() as u32;
            let back = if self.dice.percent(90) { known.min(RECENT) } else { known };
            let at = known - 1 - self.dice.below(back);
            let input = self.versions.get(at as usize).copied().unwrap_or(self.last);
            self.edge(input, run, EdgeKind::Used)?;
        }
        for _ in 0..outputs {
            self.last = self.graph.add_node(NodeKind::DatasetVersion, index)?;
            self.versions.push(self.last);
            self.edge(run, self.last, EdgeKind::Generated)?;
        }
        Ok(())
    }

    fn approval(&mut self, agent: NodeId) -> Result<(NodeId, NodeId), GraphError> {
        let index = Index(self.index);
        let person = self.agent();
        let action = self.graph.add_node(NodeKind::Action, index)?;
        self.edge(agent, action, EdgeKind::Proposed)?;
        let vote = self.graph.add_node(NodeKind::Vote, index)?;
        self.edge(action, vote, EdgeKind::Reviewed)?;
        self.edge(person, vote, EdgeKind::Decided)?;
        let approval = self.graph.add_node(NodeKind::Approval, index)?;
        self.edge(vote, approval, EdgeKind::Authorized)?;
        Ok((action, approval))
    }

    /// One of those who act; a few do most.
    fn agent(&mut self) -> NodeId {
        let many = self.agents.len() as u32;
        let among = if self.dice.percent(50) { many.min(20) } else { many };
        let at = self.dice.below(among);
        self.agents.get(at as usize).copied().unwrap_or(self.last)
    }

    fn edge(&mut self, from: NodeId, to: NodeId, kind: EdgeKind) -> Result<(), GraphError> {
        self.graph.add_edge(Edge { index: Index(self.index), from, to, kind })
    }
}
