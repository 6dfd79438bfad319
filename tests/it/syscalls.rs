//! F3: system calls that fail. A small life of a ledger (`scenario`) is played again and again in a process of its own;
//! each time one kind of call fails once, or from then on, with EIO or ENOSPC, or the process is killed in it. strace
//! does it: it counts by thread, so the n-th call fails in each thread that makes so many.
//!
//! The scenario must succeed or stop: no hang, no panic, nothing acknowledged after a failed write. Then the folder is
//! opened without faults. If `init` had returned, it opens, whatever failed later; everything acknowledged is there,
//! nothing is there twice, and the audit is clean before and after. If `init` had not returned, opening may be refused.

mod scenario;

use crate::support::process::{is_installed, system};
use crate::support::{House, Rng, audit, cases, not_run, open, scaled};
use deedbook::clock::Stopwatch;
use deedbook::ledger::{Bodies, DataDir, Ledger};
use deedbook_verify::entry::Entry;
use deedbook_verify::hash::leaf;
use deedbook_verify::words::Index;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::ops::ControlFlow;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const NAME: &str = "syscalls::every_failing_call_stops_it_or_is_borne";
const FOLDER: &str = "DEEDBOOK_SCENARIO";
const CALLS: &[&str] = &[
    "openat",
    "write",
    "pwrite64",
    "fdatasync",
    "fsync",
    "rename",
    "renameat",
    "renameat2",
    "ftruncate",
    "unlink",
    "unlinkat",
    "link",
    "linkat",
    "mkdir",
    "mkdirat",
    "mmap",
    "close",
    "fallocate",
    "sync_file_range",
];
/// A scenario that takes longer hangs.
const SECONDS_MAX: f64 = 60.0;
const WORKERS: u64 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Eio,
    Enospc,
    Kill,
}

/// Which calls fail, and how.
#[derive(Clone, Copy, Debug)]
struct Point {
    call: &'static str,
    fault: Fault,
    nth: u64,
    from_then_on: bool,
}

impl Point {
    fn injection(&self) -> String {
        let fault = match self.fault {
            Fault::Eio => "error=EIO",
            Fault::Enospc => "error=ENOSPC",
            Fault::Kill => "signal=SIGKILL",
        };
        format!("inject={}:{fault}:when={}{}", self.call, self.nth, if self.from_then_on { "+" } else { "" })
    }
}

/// What the player was told before it ended.
#[derive(Default)]
struct Told {
    made: bool,
    /// Index, event id, leaf.
    acknowledged: Vec<(u64, [u8; 16], [u8; 32])>,
}

impl Told {
    fn hear(&mut self, said: &[u8]) {
        if said == scenario::MADE {
            self.made = true;
            return;
        }
        assert_eq!(said.len(), scenario::ACKNOWLEDGED_BYTES);
        let index = u64::from_be_bytes(said[..8].try_into().unwrap());
        self.acknowledged.push((index, said[8..24].try_into().unwrap(), said[24..].try_into().unwrap()));
    }
}

/// One run of the scenario.
struct Played {
    folder: TempDir,
    told: Told,
    status: ExitStatus,
    trace: String,
    said: String,
}

/// Starts the player; it waits for the word.
fn player(folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([NAME, "--exact", "--nocapture", "--test-threads=1"]).env(FOLDER, folder).env("RUST_BACKTRACE", "0");
    let said = fs::File::create(folder.join("said")).unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).spawn().unwrap()
}

/// Attaches strace to a process that waits: what was called before is not counted.
fn tracer(folder: &Path, process: u32, filters: &[String]) -> Child {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o"]).arg(folder.join("trace"));
    filters.iter().for_each(|filter| _ = command.args(["-e", filter]));
    let tracer = command.arg("-p").arg(process.to_string()).stdin(Stdio::null()).spawn().unwrap();
    let waited = Stopwatch::start();
    let is_traced = |task: &Path| {
        let status = fs::read_to_string(task.join("status")).unwrap_or_default();
        status.lines().any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"))
    };
    let tasks = format!("/proc/{process}/task");
    while !fs::read_dir(&tasks).unwrap().all(|task| is_traced(&task.unwrap().path())) {
        assert!(waited.seconds() < 20.0, "strace does not attach");
        std::thread::sleep(Duration::from_millis(1));
    }
    tracer
}

fn play(filters: &[String]) -> Played {
    let folder = tempfile::tempdir().unwrap();
    let oracle = UnixDatagram::bind(folder.path().join(scenario::ORACLE)).unwrap();
    oracle.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut child = player(folder.path());
    let mut message = [0; 128];
    let length = oracle.recv(&mut message).unwrap();
    assert_eq!(&message[..length], scenario::READY);
    let mut tracer = tracer(folder.path(), child.id(), filters);
    oracle.send_to(scenario::GO, folder.path().join(scenario::PLAYER)).unwrap();
    oracle.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let (mut told, waited) = (Told::default(), Stopwatch::start());
    let status = loop {
        let ended = child.try_wait().unwrap();
        // What it said before it ended lies in the socket.
        while let Ok(length) = oracle.recv(&mut message) {
            told.hear(&message[..length]);
        }
        if let Some(status) = ended {
            break status;
        }
        if waited.seconds() > SECONDS_MAX {
            let _ = child.kill();
            panic!("{filters:?}: the scenario hangs");
        }
    };
    tracer.wait().unwrap();
    let read = |name: &str| String::from_utf8_lossy(&fs::read(folder.path().join(name)).unwrap()).into_owned();
    let (trace, said) = (read("trace"), read("said"));
    Played { folder, told, status, trace, said }
}

/// How often each call is made, by the thread that makes it most often.
fn count_calls() -> BTreeMap<&'static str, u64> {
    let played = play(&[format!("trace={}", CALLS.join(","))]);
    assert!(played.status.success() && played.told.made, "{}: {}", played.status, played.said);
    judge(&played);
    let mut counts: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for line in played.trace.lines() {
        let call = line.split_once(' ').and_then(|(thread, rest)| Some((thread, rest.trim_start().split_once('(')?.0)));
        if let Some(call) = call {
            *counts.entry(call).or_default() += 1;
        }
    }
    let most = |call: &str| counts.iter().filter(|((_, found), _)| *found == call).map(|(_, count)| *count).max();
    CALLS.iter().filter_map(|call| Some((*call, most(call)?))).collect()
}

/// Every point, each call and fault having its turn, in random order within.
fn points(counts: &BTreeMap<&'static str, u64>, rng: &mut Rng) -> Vec<Point> {
    let mut piles: Vec<Vec<Point>> = Vec::new();
    for (call, count) in counts {
        for fault in [Fault::Eio, Fault::Enospc, Fault::Kill] {
            let mut pile: Vec<Point> = Vec::new();
            for nth in 1..=*count {
                let from_then_on = fault != Fault::Kill && rng.percent(30);
                let at = usize::try_from(rng.below(pile.len() as u64 + 1)).unwrap();
                pile.insert(at, Point { call, fault, nth, from_then_on });
            }
            piles.push(pile);
        }
    }
    let mut points = Vec::new();
    while piles.iter().any(|pile| !pile.is_empty()) {
        points.extend(piles.iter_mut().filter_map(Vec::pop));
    }
    points
}

/// The scenario ended well, or as a process must that cannot go on.
fn judge_end(point: &Point, played: &Played) {
    let ended = match (played.status.code(), played.status.signal()) {
        (Some(0 | 1 | 70), _) => true,
        (_, Some(9)) => point.fault == Fault::Kill,
        // Memory that cannot be had ends the process; so does a thread of the engine that cannot be started.
        (_, Some(6)) => point.call == "mmap",
        // Rust's library holds that closing a folder cannot fail, and ends the thread, which ends an opening.
        (Some(101), _) => point.call == "close" && played.said.contains("unexpected error during closedir"),
        _ => false,
    };
    assert!(ended, "{point:?}: {}\n{}\n{}", played.status, played.said, played.trace);
}

/// Opens what a run left, and holds it against what the player was told.
fn judge(played: &Played) {
    let dir = DataDir::new(played.folder.path().join("data"));
    if played.told.made {
        assert_clean(&dir, "as the fault left it", played);
    }
    let ledger = match open(&dir) {
        Ok(ledger) => ledger,
        Err(_) if !played.told.made => return,
        Err(error) => panic!("does not open: {error}\n{}\n{}", played.said, played.trace),
    };
    check_entries(&ledger, &played.told);
    let house = House::of(dir, ledger.reader().ledger_id());
    scenario::goes_on(&house, &ledger);
    house.close(ledger);
    assert_clean(&house.dir, "after going on", played);
}

fn assert_clean(dir: &DataDir, when: &str, played: &Played) {
    let report = audit(dir.root());
    assert!(report.is_clean(), "{when}: {:#?}\n{}\n{}", report.findings, played.said, played.trace);
}

fn check_entries(ledger: &Ledger, told: &Told) {
    let (mut stored, mut ids) = (BTreeMap::new(), HashSet::new());
    let mut visit = |event: deedbook::ledger::StoredEvent| {
        let facts = Entry::parse(&event.entry).unwrap().facts;
        assert!(ids.insert((facts.source, facts.event_id)), "{:?} is there twice", facts.event_id);
        stored.insert(event.index.0, (facts.event_id.0, leaf(&event.entry).0));
        ControlFlow::Continue(())
    };
    ledger.reader().range(Index(0), Index(u64::MAX), Bodies::With, &mut visit).unwrap();
    for (index, id, leaf) in &told.acknowledged {
        assert_eq!(stored.get(index), Some(&(*id, *leaf)), "acknowledged entry {index}");
    }
}

#[test]
fn every_failing_call_stops_it_or_is_borne() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        scenario::run(Path::new(&folder));
    }
    if let Some(why) = missing() {
        return not_run("failing system calls", &why);
    }
    let mut rng = Rng::seeded("syscalls");
    let counts = count_calls();
    let all = points(&counts, &mut rng);
    let sample = usize::try_from(scaled(400)).unwrap().min(all.len());
    // The engine locked itself up when it could not start a thread while it opened: its first mappings are all tried.
    let opening = (1..=20).map(|nth| Point { call: "mmap", fault: Fault::Eio, nth, from_then_on: true });
    let points: Vec<Point> = opening.chain(all.iter().copied().take(sample)).collect();
    let sample = points.len();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let (hit, ends) = (std::sync::atomic::AtomicU64::new(0), std::sync::Mutex::new(BTreeMap::new()));
    let work = || {
        while let Some(point) = points.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
            let played = play(&[format!("trace={}", point.call), point.injection()]);
            judge_end(point, &played);
            judge(&played);
            let injected = played.trace.contains("(INJECTED)") || played.status.signal() == Some(9);
            hit.fetch_add(u64::from(injected), std::sync::atomic::Ordering::Relaxed);
            *ends.lock().unwrap().entry(played.status.to_string()).or_insert(0u64) += 1;
        }
    };
    std::thread::scope(|scope| (0..WORKERS).for_each(|_| _ = scope.spawn(work)));
    let hit = hit.into_inner();
    println!("{hit} of {sample} faults struck, of {} in all, {counts:?}, {:?}", all.len(), ends.into_inner().unwrap());
    assert!(hit * 10 >= sample as u64 * 9, "too few faults struck: {hit} of {sample}");
    cases("syscalls", sample as u64);
}

/// What this machine lacks for it.
fn missing() -> Option<String> {
    if !is_installed("strace") {
        return Some("strace is missing; install the package strace".to_owned());
    }
    let traced = system("strace", &["-qq", "-e", "trace=none", "true"].map(AsRef::as_ref));
    traced.err().map(|error| format!("strace may not trace here: {}", error.trim()))
}
