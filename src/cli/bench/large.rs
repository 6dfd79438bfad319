//! What grows with the ledger: the server's memory, the disk, and how long opening, a proof and an audit take.

use super::frames::Plan;
use super::server::ServerProcess;
use super::{Bench, Figure, ceilings, median};
use crate::audit::AuditPaths;
use crate::cli::audit;
use crate::cli::client::Client;
use crate::cli::errors::Failure;
use crate::cli::output::remark;
use crate::cli::producer::Producer;
use crate::clock::Stopwatch;
use crate::ledger::{DataDir, Ledger, OpenOptions, Reader};
use crate::record::entropy;
use deedbook_verify::words::{Index, Sequence};
use std::path::Path;
use std::time::Duration;

/// Events that are signed and streamed at once.
const PART_EVENTS: u64 = 100_000;
/// Proofs that are timed, each of another entry.
const PROOFS: u64 = 20_000;
/// How long the engine may merge what filling left behind: 5 million entries leave it work for some seconds.
const REST: Duration = Duration::from_secs(20);

/// Grows the ledger to a number of entries about actions of a type, with one producer for each part.
pub(super) async fn fill(bench: &mut Bench<'_>, (entries, action_type): (u64, &'static str)) -> Result<(), Failure> {
    while bench.client.ledger().await?.head.map_or(0, |head| head.size) < entries {
        let name = format!("part-{}", bench.client.ledger().await?.head.map_or(0, |head| head.size));
        let plan = Plan { events: PART_EVENTS, frame_events: 64, first: Some(Sequence(1)), action_type };
        let prepared = bench.planned(&name, plan).await?;
        bench.stream(prepared).await?;
    }
    Ok(())
}

/// Grows the ledger to a number of entries and measures it.
pub(super) async fn measure(
    entries: u64,
    folder: &Path,
    process: ServerProcess,
    admin: &Producer,
) -> Result<Vec<Figure>, Failure> {
    let mut client = Client::open(&process.address).await?;
    let (mut part, mut resident) = (0, [0u64; 2]);
    loop {
        let size = client.ledger().await?.head.map_or(0, |head| head.size);
        // What the engine merges at a moment comes and goes with 100 MiB; flat is what the two largest values are.
        let [first, second] = &mut resident;
        let half = if size <= entries / 2 { first } else { second };
        *half = process.resident_bytes().unwrap_or(0).max(*half);
        if size >= entries {
            break;
        }
        part += 1;
        let mut bench = Bench { client: &mut client, admin, address: &process.address };
        let prepared = bench.prepared(&format!("fill-{part}"), PART_EVENTS, 64).await?;
        bench.stream(prepared).await?;
    }
    let [first, second] = resident.map(|bytes| bytes as f64 / 1_048_576.0);
    process.stop();
    let data = folder.join("data");
    let mut openings = Vec::new();
    for _ in 0..3 {
        let again = ServerProcess::start(&data)?;
        openings.push(again.opening_seconds);
        again.stop();
    }
    let proofs = proof_times(&data)?;
    let mut figures = vec![
        Figure::ceiling("entries in the ledger, at least", entries as f64, "entries"),
        Figure::ceiling("largest resident memory, first half of it", first, "MiB"),
        Figure::ceiling("largest resident memory, second half", second, "MiB"),
        Figure::ceiling("opening it, median of 3", median(&mut openings) * 1e3, "ms"),
        Figure::ceiling("inclusion proof after opening, 99 of 100", proofs.opened * 1e6, "us"),
        Figure::ceiling("inclusion proof at rest, 99 of 100", proofs.at_rest * 1e6, "us"),
    ];
    figures.extend(audited(&data)?);
    Ok(figures)
}

/// How long inclusion proofs take, right after opening, while the engine may be merging files, and once it is at rest.
struct ProofTimes {
    opened: f64,
    at_rest: f64,
}

fn proof_times(data: &Path) -> Result<ProofTimes, Failure> {
    remark("proving random entries");
    let ledger = Ledger::open(&DataDir::new(data), OpenOptions::default())?;
    let reader = ledger.reader();
    let opened = proof_p99(&reader)?;
    std::thread::sleep(REST);
    let at_rest = proof_p99(&reader)?;
    ledger.close();
    Ok(ProofTimes { opened, at_rest })
}

/// The time within which 99 of 100 inclusion proofs of random entries are made.
fn proof_p99(reader: &Reader) -> Result<f64, Failure> {
    let size = reader.head().size;
    let mut times = Vec::new();
    for _ in 0..PROOFS {
        let index = u64::from_be_bytes(entropy::array()?) % size.0.max(1);
        let started = Stopwatch::start();
        reader.inclusion(Index(index), size).map_err(|error| Failure::failed(error.to_string(), "audit the folder"))?;
        times.push(started.seconds());
    }
    times.sort_unstable_by(f64::total_cmp);
    Ok(times.get(times.len() * 99 / 100).copied().unwrap_or(0.0))
}

/// How fast the audit goes, and the disk beside what it holds.
fn audited(data: &Path) -> Result<Vec<Figure>, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let arithmetic = || ceilings::audit_arithmetic_per_second(cores, 2.0);
    let before = arithmetic()?;
    let started = Stopwatch::start();
    let report = audit::judge(&AuditPaths::of(data), &[])?;
    let seconds = started.seconds();
    if !report.is_clean() {
        return Err(Failure::failed("the audit found something in the ledger just made", "report this"));
    }
    let arithmetic = (before + arithmetic()?) / 2.0;
    let audited = report.entries as f64 / seconds;
    let held = report.entry_bytes.saturating_add(report.body_bytes) as f64;
    Ok(vec![
        Figure::ceiling("an audit's arithmetic on all cores", arithmetic, "entries/s"),
        Figure::of("audit of it", audited, "entries/s", ("arithmetic", arithmetic), "300,000 entries/s in issue 3"),
        Figure::ceiling("bytes of its entries and bodies", held / 1_048_576.0, "MiB"),
        Figure::ceiling("its store on disk", disk_bytes(&DataDir::new(data).store())? / 1_048_576.0, "MiB"),
    ])
}

fn disk_bytes(folder: &Path) -> Result<f64, Failure> {
    let failed = |error: std::io::Error| Failure::file(folder, &error);
    let mut bytes = 0u64;
    for file in std::fs::read_dir(folder).map_err(failed)? {
        bytes = bytes.saturating_add(file.and_then(|file| file.metadata()).map_err(failed)?.len());
    }
    Ok(bytes as f64)
}
