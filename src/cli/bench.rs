//! `deedbook bench`: the ceilings of the parts and Deedbook's own figures from one run on this machine, as ratios.

mod actions;
mod ceilings;
mod evidence;
mod frames;
mod large;
mod load;
mod policies;
mod server;

use super::client::Client;
use super::errors::Failure;
use super::output::{Output, remark};
use super::producer::{self, Producer};
use crate::api;
use actions::closed;
use clap::Args;
use deedbook_verify::words::{Ref, Sequence};
use frames::{EXPORT, Plan, Prepared, READ, prepare};
use server::ServerProcess;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

/// How long the server may finish what it began before a ceiling is measured again.
const SETTLE: Duration = Duration::from_secs(2);

/// How much to measure.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  deedbook bench --events 200000")]
pub struct BenchArguments {
    /// Events of the throughput runs
    #[arg(long, default_value_t = 300_000)]
    events: u64,
    /// Size of the ledger whose memory, disk, opening, proofs, audit and evidence package are measured
    #[arg(long, default_value_t = 1_000_000)]
    fill: u64,
    /// Requests of which the memory is measured that they cost once they are closed
    #[arg(long, default_value_t = 200_000)]
    requests: usize,
    /// Measure only these, each with its ceiling; may be given more than once
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Folder for the run; must not exist
    #[arg(long, value_name = "DIR", default_value = "./deedbook-bench")]
    folder: std::path::PathBuf,
}

/// One part of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Echo,
    Frames64,
    Frames1,
    Unary,
    UnaryMany,
    Fill,
    Policies,
    Actions,
    Waiting,
    Closed,
    Evidence,
    Exceptions,
}

impl BenchArguments {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

/// One figure beside the ceiling that bounds it.
struct Figure {
    name: &'static str,
    value: f64,
    unit: &'static str,
    ceiling: Option<(&'static str, f64)>,
    goal: Option<&'static str>,
}

/// The middle of some times.
fn median(times: &mut [f64]) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(0.0)
}

/// Measures and prints.
pub fn run(arguments: &BenchArguments, output: Output) -> Result<(), Failure> {
    let folder = &arguments.folder;
    std::fs::create_dir(folder).map_err(|error| Failure::file(folder, &error))?;
    // As every client of ours: one thread, which nobody has to wake but the socket.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| super::no_runtime(&error))?;
    let result = runtime.block_on(measure(arguments, folder));
    std::fs::remove_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    print(&result?, output)
}

async fn measure(arguments: &BenchArguments, folder: &Path) -> Result<Vec<Figure>, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let data = folder.join("data");
    let admin = server::found(&data)?;
    let process = ServerProcess::start(&data)?;
    let mut client = Client::open(&process.address).await?;
    let admin = producer::introduce(&mut client, admin).await?;
    let mut bench = Bench { client: &mut client, admin: &admin, address: &process.address };
    let mut figures = Vec::new();
    if arguments.wants(Part::Echo) {
        let echo = bench.echo(arguments.events).await?;
        figures.push(Figure::ceiling("echo stream, frames of 64", echo, "events/s"));
    }
    // Each figure stands between two measurements of its ceiling: other tenants of the machine change its speed.
    let rocks = || async { ceilings::rocksdb_records_per_second(folder, 3.0) };
    if arguments.wants(Part::Frames64) {
        let frames = bench.prepared("frames-64", arguments.events, 64).await?;
        let (rocks, frames) = between(rocks, bench.stream(frames)).await?;
        figures.push(Figure::ceiling("RocksDB, synced batches of 256 x 600 B", rocks, "records/s"));
        figures.push(Figure::of("frames of 64, one stream", frames, "events/s", ("RocksDB", rocks), ">= 0.30"));
    }
    let verify = || async { ceilings::verifications_per_second(cores, 2.0) };
    if arguments.wants(Part::Frames1) {
        let frames = bench.prepared("frames-1", arguments.events / 3, 1).await?;
        let (verify, frames) = between(verify, bench.stream(frames)).await?;
        figures.push(Figure::ceiling("verify_strict on all cores", verify, "checks/s"));
        figures.push(Figure::of("frames of 1, one stream", frames, "events/s", ("verify", verify), ">= 0.60"));
    }
    if arguments.wants(Part::Unary) {
        let (sync, ack) = bench.unary_beside_syncs(folder).await?;
        figures.push(Figure::ceiling("fdatasync of 4 KiB appended, median", sync * 1e6, "us"));
        figures.push(Figure::of("one unary client, median ack", ack * 1e6, "us", ("fdatasync", sync * 1e6), "<= 5"));
    }
    if arguments.wants(Part::UnaryMany) {
        let (verify, many) = between(verify, bench.unary_many(arguments.events / 6, 64)).await?;
        figures.push(Figure::of("64 unary clients", many, "events/s", ("verify", verify), ">= 0.30 in issue 3"));
    }
    if arguments.wants(Part::Policies) {
        remark("asking a thousand policies");
        figures.extend(policies::measure()?);
    }
    if [Part::Actions, Part::Waiting].into_iter().any(|part| arguments.wants(part)) {
        figures.extend(bench.approvals(arguments, &process).await?);
    }
    if arguments.wants(Part::Closed) {
        figures.extend(closed::measure(folder, arguments.requests).await?);
    }
    // By name alone: it grows the ledger, and the memory of a growing one is `fill`'s to measure.
    for (part, action_type) in [(Part::Evidence, READ), (Part::Exceptions, EXPORT)] {
        if arguments.only.contains(&part) {
            figures.extend(evidence::measure((arguments.fill, action_type), folder, &process, &admin).await?);
        }
    }
    if arguments.wants(Part::Fill) {
        figures.extend(large::measure(arguments.fill, folder, process, &admin).await?);
    }
    Ok(figures)
}

impl Bench<'_> {
    /// Actions that policy decides, and those that wait for people.
    async fn approvals(&mut self, arguments: &BenchArguments, process: &ServerProcess) -> Result<Vec<Figure>, Failure> {
        let stage = self.stage().await?;
        let mut figures = Vec::new();
        if arguments.wants(Part::Actions) {
            remark("64 clients that ask whether they may act");
            let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            let verify = || async { ceilings::verifications_per_second(cores, 2.0) };
            let count = usize::try_from(arguments.events / 20).unwrap_or(usize::MAX);
            let (verify, alone) = between(verify, self.submissions(&stage, count)).await?;
            figures.push(Figure::of(
                "actions allowed, 64 clients",
                alone,
                "actions/s",
                ("verify", verify),
                ">= 5,000/s",
            ));
            let streamed = self.prepared("frames-before", arguments.events, 64).await?;
            let streamed = self.stream(streamed).await?;
            let (asked, beside) = self.submissions_beside_stream(&stage, (count / 2, arguments.events)).await?;
            figures.push(Figure::goal("the same beside a stream", asked, "actions/s", ">= 5,000/s"));
            figures.push(Figure::of("that stream", beside, "events/s", ("its speed alone", streamed), ">= 0.8"));
        }
        if arguments.wants(Part::Waiting) {
            figures.extend(self.waiting(&stage, process).await?);
        }
        Ok(figures)
    }
}

/// The mean of a ceiling before and after a measurement, and the measurement.
async fn between<C: Future<Output = Result<f64, Failure>>>(
    ceiling: impl Fn() -> C,
    measurement: impl Future<Output = Result<f64, Failure>>,
) -> Result<(f64, f64), Failure> {
    let before = ceiling().await?;
    let measured = measurement.await?;
    // What the server still has to merge is its own time, not the ceiling's.
    tokio::time::sleep(SETTLE).await;
    Ok(((before + ceiling().await?) / 2.0, measured))
}

/// A connection and an administrator: what each measurement starts from.
struct Bench<'b> {
    client: &'b mut Client,
    admin: &'b Producer,
    address: &'b str,
}

impl Bench<'_> {
    async fn producer(&mut self, name: &str) -> Result<Producer, Failure> {
        server::producer(self.client, self.admin, name).await
    }

    async fn echo(&mut self, events: u64) -> Result<f64, Failure> {
        remark("signing frames, then measuring the echo stream");
        let producer = self.producer("echo").await?;
        let prepared =
            prepare(&producer, Plan { events, frame_events: 64, first: Some(Sequence(1)), action_type: EXPORT })?;
        ceilings::echo_events_per_second(&prepared).await
    }

    /// Frames of a new producer, signed before any clock starts.
    async fn prepared(&mut self, name: &str, events: u64, frame_events: u16) -> Result<(Ref, Prepared), Failure> {
        let first = Some(Sequence(1));
        self.planned(name, Plan { events, frame_events, first, action_type: EXPORT }).await
    }

    async fn planned(&mut self, name: &str, plan: Plan) -> Result<(Ref, Prepared), Failure> {
        remark(&format!("signing {} events, then streaming them ({name})", plan.events));
        let producer = self.producer(name).await?;
        Ok((producer.source, prepare(&producer, plan)?))
    }

    async fn stream(&mut self, (source, prepared): (Ref, Prepared)) -> Result<f64, Failure> {
        let count = prepared.events;
        Ok(count as f64 / load::stream(self.client, source, prepared).await?)
    }

    /// Median of fdatasyncs and of acknowledgements, a few of each in turn.
    async fn unary_beside_syncs(&mut self, folder: &Path) -> Result<(f64, f64), Failure> {
        const ROUNDS: u64 = 10;
        const ROUND_CALLS: u64 = 200;
        remark("one unary client, and the disk in turn");
        let producer = self.producer("unary-one").await?;
        let clients = api::connect(self.address).await?;
        let (mut syncs, mut acks) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let prepared =
                prepare(&producer, Plan { events: ROUND_CALLS, frame_events: 1, first: None, action_type: EXPORT })?;
            syncs.extend(ceilings::fdatasync_times(folder, ROUND_CALLS)?);
            acks.extend(load::unary_latencies(clients.clone(), prepared).await?);
        }
        Ok((median(&mut syncs), median(&mut acks)))
    }

    async fn unary_many(&mut self, events: u64, callers: usize) -> Result<f64, Failure> {
        remark("64 unary clients");
        let producer = self.producer("unary-many").await?;
        let prepared = prepare(&producer, Plan { events, frame_events: 1, first: None, action_type: EXPORT })?;
        let mut clients = Vec::new();
        for _ in 0..4 {
            clients.push(api::connect(self.address).await?);
        }
        Ok(events as f64 / load::unary_many(&clients, callers, prepared).await?)
    }
}

impl Figure {
    fn ceiling(name: &'static str, value: f64, unit: &'static str) -> Figure {
        Figure { name, value, unit, ceiling: None, goal: None }
    }

    fn goal(name: &'static str, value: f64, unit: &'static str, goal: &'static str) -> Figure {
        Figure { name, value, unit, ceiling: None, goal: Some(goal) }
    }

    fn of(
        name: &'static str,
        value: f64,
        unit: &'static str,
        ceiling: (&'static str, f64),
        goal: &'static str,
    ) -> Figure {
        Figure { name, value, unit, ceiling: Some(ceiling), goal: Some(goal) }
    }
}

fn print(figures: &[Figure], output: Output) -> Result<(), Failure> {
    if output.is_json() {
        for figure in figures {
            let ratio = figure.ceiling.map(|(_, ceiling)| figure.value / ceiling);
            output.line(
                &serde_json::json!({
                    "name": figure.name, "value": figure.value, "unit": figure.unit,
                    "ceiling": figure.ceiling.map(|(name, _)| name), "ratio": ratio, "goal": figure.goal,
                })
                .to_string(),
            )?;
        }
        return Ok(());
    }
    for figure in figures {
        let value = format!("{:.0} {}", figure.value, figure.unit);
        let beside = match (figure.ceiling, figure.goal) {
            (Some((name, ceiling)), Some(goal)) => {
                format!("{:>6.2} of {name} (goal {goal})", figure.value / ceiling)
            }
            (None, Some(goal)) => format!("       (goal {goal})"),
            (_, None) => String::new(),
        };
        output.line(&format!("{:<42} {:>20} {beside}", figure.name, value))?;
    }
    Ok(())
}
