//! How fast packages are written and verified, beside the ceiling of reading and hashing the same bytes on the same cores
//! in the same run. `cargo bench -p deedbook-verify --bench packages -- [ENTRIES] [BODY_BYTES] [EVENTS_IN_A_FRAME]`; the
//! package stands in a folder of its own under the temporary folder (`TMPDIR`), and goes. The encoder is the tests'.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::disallowed_methods,
    dead_code,
    reason = "a bench of what it made itself, with the helpers of the tests; it times"
)]

#[path = "../tests/it/encode.rs"]
mod encode;
#[path = "../tests/it/ledger.rs"]
mod ledger;
#[path = "../tests/it/maker.rs"]
mod maker;
#[path = "../tests/it/naive_tree.rs"]
mod naive_tree;

use deedbook_verify::hash::Salt;
use deedbook_verify::note::VerifierKey;
use deedbook_verify::package::{
    BodyShown, Directory, Filter, Folder as _, Framework, NewDirectory, Offered, PackageWriter, Period, Question,
    Redaction, verify_package,
};
use deedbook_verify::words::{LedgerId, Micros, TreeSize};
use encode::{Fields, Key, id16, kind, seed, tag};
use ledger::{Draft, Ledger, enroll, event, with};
use sha2::{Digest as _, Sha256};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const STREAMS: u64 = 10_000;

/// A log in memory: entries and, where they have one, bodies.
struct Log {
    ledger: Ledger,
    entries: Vec<Vec<u8>>,
    bodies: Vec<Option<BodyShown>>,
}

impl Log {
    fn of(count: usize, body_bytes: usize, frame: usize) -> Log {
        let mut log = Log { ledger: Ledger::new("ledger.example/bench"), entries: Vec::new(), bodies: Vec::new() };
        let (gate, source) = (Key::named("bench gate"), id16("bench gate"));
        log.ledger.command(enroll("let the gate in", &gate.wire(), &source));
        log.drain(Vec::new());
        let mut sequence = 1;
        while log.entries.len() < count {
            let n = frame.min(count - log.entries.len());
            let (mut events, mut bodies) = (Vec::with_capacity(n), Vec::with_capacity(n));
            for nth in 0..n as u64 {
                let (facts, body) = statement(sequence + nth, log.ledger.received, body_bytes);
                events.push(facts);
                bodies.push(body);
            }
            log.ledger.append(Draft::by(&gate, source, events).at(1, sequence));
            sequence += n as u64;
            log.drain(bodies);
        }
        log
    }

    fn drain(&mut self, bodies: Vec<Option<BodyShown>>) {
        self.entries.extend(self.ledger.placed.drain(..).map(|placed| placed.bytes()));
        self.ledger.frames.clear();
        self.bodies.extend(bodies);
        self.bodies.resize_with(self.entries.len(), || None);
    }

    fn key(&self) -> VerifierKey {
        VerifierKey::parse(&maker::vkey(&self.ledger.name, &self.ledger.head)).unwrap()
    }
}

/// What a gateway reports of a run.
fn statement(number: u64, now: u64, body_bytes: usize) -> (Fields, Option<BodyShown>) {
    let name = number.to_string();
    let mut facts = with(
        event(if number.is_multiple_of(4) { kind::DATA_ACCESSED } else { kind::EXECUTION_REPORTED }, &name),
        &[
            (tag::STREAM, &id16(&format!("run {}", number % STREAMS))),
            (tag::OCCURRED, &now.to_be_bytes()),
            (0x0010, &[&[2], id16("agent").as_slice()].concat()),
            (0x0020, b"dataset.read"),
            (0x0023, &[3]),
            (0x0025, b"internal"),
            (0x0031, &[&[1, 1], id16("orders").as_slice(), &[1, 2], &id16("totals")].concat()),
        ],
    );
    if body_bytes == 0 {
        return (facts, None);
    }
    let (salt, bytes) = (seed(&name), name.bytes().cycle().take(body_bytes).collect::<Vec<u8>>());
    facts.insert(tag::MEDIA_TYPE, b"application/json".to_vec());
    facts.insert(tag::COMMITMENT, encode::commitment(&salt, &bytes));
    (facts, Some(BodyShown::Opened { salt: Salt(salt), bytes }))
}

fn write(log: &Log, folder: &Path) {
    let ends = log.entries.len();
    let leaves: Vec<_> = log.entries.iter().map(|entry| naive_tree::leaf(entry)).collect();
    let root = naive_tree::root(&leaves);
    let end = maker::note(&log.ledger.name, ends as u64, &root, &log.ledger.head).into_bytes();
    let question = Question {
        ledger: LedgerId(log.ledger.id),
        framework: Framework::Soc2,
        period: Period { from: Micros(0), to: Micros(log.ledger.received + 1) },
        begins: TreeSize(0),
        ends: TreeSize(ends as u64),
        filter: Filter::ALL,
        sample: 25,
        nonce: None,
        redaction: Redaction::None,
    };
    let key = log.key();
    let mut sink = NewDirectory::create(folder.to_owned()).unwrap();
    forget_peak();
    let (before, started) = (resident("VmRSS"), Instant::now());
    let mut writer = PackageWriter::begin(Offered { question, key: &key, start: None, end: &end }, &mut sink).unwrap();
    for (entry, body) in log.entries.iter().zip(&log.bodies) {
        writer.push(entry, body.as_ref()).unwrap();
    }
    writer.finish(|_| Ok(None)).unwrap().seal().unwrap();
    said("written", ends, started.elapsed(), resident("VmHWM").saturating_sub(before));
}

fn said(what: &str, entries: usize, took: Duration, kib: u64) {
    let rate = entries as f64 / took.as_secs_f64();
    println!("{what:<28} {:>8.2} s  {rate:>12.0} entries/s  {:>6} MiB more", took.as_secs_f64(), kib / 1024);
}

/// A line of `/proc/self/status`, in KiB; 0 where there is none.
fn resident(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Reads and hashes every file, the largest first, on as many threads as there are cores.
fn ceiling(folder: &Path) -> (u64, Duration) {
    let mut files: Vec<(u64, PathBuf)> = Directory(folder.to_owned())
        .list()
        .unwrap()
        .into_iter()
        .map(|path| folder.join(path))
        .map(|path| (path.metadata().unwrap().len(), path))
        .collect();
    files.sort();
    let bytes = files.iter().map(|(bytes, _)| bytes).sum();
    let (queue, started) = (std::sync::Mutex::new(files), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, std::num::NonZero::get) {
            scope.spawn(|| {
                loop {
                    let Some((_, path)) = queue.lock().unwrap().pop() else { return };
                    let (mut file, mut buffer) = (std::fs::File::open(path).unwrap(), vec![0; 256 * 1024]);
                    let mut hasher = Sha256::new();
                    loop {
                        let count = file.read(&mut buffer).unwrap();
                        if count == 0 {
                            break;
                        }
                        hasher.update(&buffer[..count]);
                    }
                    std::hint::black_box(hasher.finalize());
                }
            });
        }
    });
    (bytes, started.elapsed())
}

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let of = |place: usize, otherwise: usize| numbers.get(place).copied().unwrap_or(otherwise);
    let (count, body_bytes, frame) = (of(0, 1_000_000), of(1, 200), of(2, 64));
    println!("{count} entries with bodies of {body_bytes} bytes, frames of {frame}");
    let folder = std::env::temp_dir().join(format!("deedbook-bench-{}", std::process::id()));
    let log = Log::of(count, body_bytes, frame);
    write(&log, &folder);
    let key = log.key();
    drop(log);
    for _ in 0..3 {
        let (bytes, took) = ceiling(&folder);
        let rate = bytes as f64 / took.as_secs_f64() / 1e6;
        said(&format!("ceiling ({rate:.0} MB/s)"), count, took, 0);
        forget_peak();
        let (before, started) = (resident("VmRSS"), Instant::now());
        let shown = verify_package(&Directory(folder.clone()), &key).unwrap();
        let counts = shown.rendered.counts;
        assert_eq!((counts.entries, counts.in_period, counts.listed), (count as u64, count as u64, count as u64));
        said("verified", count, started.elapsed(), resident("VmHWM").saturating_sub(before));
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
