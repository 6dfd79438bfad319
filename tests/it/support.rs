//! What the tests of a whole ledger share: a data folder of their own, enrolled producers, frames, seeded randomness,
//! and the outsider's judgement of what was left on disk. It promises nothing itself.

pub mod consume;
pub mod disk;
pub mod follow;
pub mod grpc;
pub mod http;
pub mod load;
pub mod parallel;
pub mod log;
pub mod process;
pub mod stage;
pub mod volume;
pub mod web;

use bytes::Bytes;
use deedbook::audit::{self, AuditPaths, Report};
use deedbook::clock::{Clock, Stopwatch};
use deedbook::domain::{StreamName, person_ref, source_ref};
use deedbook::ledger::{self, DataDir, InitError, Ledger, OpenError, OpenOptions};
use deedbook::record::{
    FactsBuilder, FrameBytes, FrameSigner, Position, SigningKey, entropy, load_public, load_ref_key,
};
use deedbook::store::AnchorError;
use deedbook_verify::facts::{Actor, ActorKind, Outcome};
use deedbook_verify::hash::RefKey;
use deedbook_verify::kind::{Author, Kind};
use deedbook_verify::note::VerifierKey;
use deedbook_verify::words::{Digest, Epoch, EventId, LedgerId, Micros, Ref, Sequence};
use std::fs::{DirEntry, read_dir, read_link};
use std::io::Write;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// Seeded randomness. The seed is printed, so that a failure can be run again with `DEEDBOOK_TEST_SEED`.
pub struct Rng(u64);

impl Rng {
    /// From the environment, else from the clock.
    pub fn seeded(test: &str) -> Rng {
        let given = std::env::var("DEEDBOOK_TEST_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| Clock::system().wall().0);
        println!("{test}: DEEDBOOK_TEST_SEED={seed}");
        Rng(seed)
    }

    /// From a seed that somebody else chose and printed.
    pub fn from_seed(seed: u64) -> Rng {
        Rng(seed)
    }

    /// Another one that goes its own way; for a task or a part.
    pub fn fork(&mut self) -> Rng {
        Rng(self.next())
    }

    /// SplitMix64.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// From 0 up to, not including, `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }

    /// So many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            bytes.extend_from_slice(&self.next().to_be_bytes());
        }
        bytes.truncate(count);
        bytes
    }
}

/// A count for everyday runs, multiplied by `DEEDBOOK_TEST_SCALE`.
pub fn scaled(count: u64) -> u64 {
    let scale = std::env::var("DEEDBOOK_TEST_SCALE").ok().and_then(|text| text.parse().ok());
    count * scale.unwrap_or(1)
}

/// One machine-readable line for `make torture`, which adds them up: so many cases of a family were run and held.
pub fn cases(family: &str, count: u64) {
    println!("cases: {family} {count}");
}

/// Says past the harness, which swallows what a passing test prints, that something could not be run here, and why.
pub fn not_run(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "NOT RUN: {what}: {why}");
}

/// A fresh event id.
pub fn event_id() -> EventId {
    EventId(entropy::array().unwrap())
}

/// The machine's time.
pub fn now() -> Micros {
    Clock::system().wall()
}

/// A place in the numbering of epoch 1.
pub fn sequenced(first: u64) -> Position {
    Position::Sequenced { epoch: Epoch(1), first: Sequence(first) }
}

/// A ledger in a folder of its own, which goes away with it.
pub struct House {
    pub dir: DataDir,
    pub id: LedgerId,
    pub refs: RefKey,
    pub verifier_key: VerifierKey,
    _folder: Option<TempDir>,
}

impl House {
    /// Makes the ledger.
    pub fn build() -> House {
        let folder = tempfile::tempdir().unwrap();
        let house = House::build_in(folder.path());
        House { _folder: Some(folder), ..house }
    }

    /// Makes the ledger in a folder of the caller's, such as a mounted volume.
    pub fn build_in(folder: &Path) -> House {
        House::try_build_in(folder).unwrap()
    }

    /// As `build_in`, where it may fail.
    pub fn try_build_in(folder: &Path) -> Result<House, InitError> {
        let dir = DataDir::new(folder.join("data"));
        let made = ledger::init(&dir, "test.example/log", &[], &Clock::system())?;
        let refs = load_ref_key(&dir.ref_key())?;
        Ok(House { dir, id: made.ledger, refs, verifier_key: made.verifier_key, _folder: None })
    }

    /// A ledger that somebody else made, in a folder that stays.
    pub fn of(dir: DataDir, id: LedgerId) -> House {
        let (refs, verifier_key) = (load_ref_key(&dir.ref_key()).unwrap(), load_public(&dir.verifier_key()).unwrap());
        House { dir, id, refs, verifier_key, _folder: None }
    }

    /// Opens it.
    pub fn open(&self) -> Ledger {
        open(&self.dir).unwrap()
    }

    /// Closes it, and waits until the folder is free.
    pub fn close(&self, ledger: Ledger) {
        close(ledger, &self.dir);
    }

    /// The first administrator, who speaks as a person.
    pub fn admin(&self) -> Producer {
        let key = SigningKey::load(&self.dir.admin_key()).unwrap();
        Producer { source: person_ref(&self.refs, "", key.name()).unwrap(), key, ledger: self.id }
    }

    /// A producer with a fresh key, not enrolled yet.
    pub fn producer(&self, name: &str) -> Producer {
        let source = source_ref(&self.refs, name).unwrap();
        Producer { key: SigningKey::generate(name).unwrap(), source, ledger: self.id }
    }

    /// The administrator's command that lets a producer in.
    pub fn enrollment(&self, producer: &Producer) -> FrameBytes {
        let facts = FactsBuilder::new(Kind::KeyEnrolled, event_id(), now());
        let facts = facts.key_grant(producer.key.public(), producer.source);
        self.admin().sign(Position::Unsequenced, vec![facts])
    }

    /// Producers of these names, enrolled.
    pub async fn enrolled(&self, ledger: &Ledger, names: &[&str]) -> Vec<Producer> {
        let mut producers = Vec::new();
        for name in names {
            let producer = self.producer(name);
            ledger.append(self.enrollment(&producer)).await.unwrap();
            producers.push(producer);
        }
        producers
    }

    /// The ref of a stream `class/name`.
    pub fn stream(&self, name: &str) -> Ref {
        StreamName::parse(name).unwrap().to_ref(&self.refs).unwrap()
    }

    /// Lets the audit judge the folder, which no ledger may have open, and insists on a clean report.
    pub fn assert_clean(&self) -> Report {
        let report = audit(self.dir.root());
        assert!(report.is_clean(), "{:#?}", report.findings);
        report
    }
}

/// The audit's report on a folder.
pub fn audit(root: &Path) -> Report {
    audit::run(&AuditPaths::of(root), &[], &|_, _| {}).unwrap()
}

/// Opens a folder.
pub fn open(dir: &DataDir) -> Result<Ledger, OpenError> {
    patiently(|| Ledger::open(dir, OpenOptions::default()))
}

/// Asks until there is an answer; one that does not come within a minute never will.
pub fn eventually<T>(what: &str, ask: impl Fn() -> Option<T>) -> T {
    let asking = deedbook::clock::Stopwatch::start();
    while asking.seconds() < 60.0 {
        if let Some(answer) = ask() {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("waited for a minute in vain: {what}")
}

/// Opens, and tries again for a while when the anchor is said to be in use: a test that starts a program forks, and the
/// child holds every lock of this process until it is that program.
pub fn patiently<T>(open: impl Fn() -> Result<T, OpenError>) -> Result<T, OpenError> {
    for _ in 0..500 {
        match open() {
            Err(OpenError::Anchor(AnchorError::InUse(_))) => std::thread::sleep(Duration::from_millis(10)),
            opened => return opened,
        }
    }
    open()
}

/// Closes a ledger, and waits until its folder is free: the threads that end behind it hold the store a moment longer.
pub fn close(ledger: Ledger, dir: &DataDir) {
    ledger.close();
    drop(ledger);
    let lock = dir.store().join("LOCK");
    let is_lock =
        |fd: std::io::Result<DirEntry>| fd.is_ok_and(|fd| read_link(fd.path()).is_ok_and(|open| open == lock));
    let waited = Stopwatch::start();
    while read_dir("/proc/self/fd").is_ok_and(|mut open| open.any(is_lock)) {
        assert!(waited.seconds() < 20.0, "somebody still holds a handle or a reader");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Who signs: a key and the source that it speaks for.
pub struct Producer {
    pub key: SigningKey,
    pub source: Ref,
    pub ledger: LedgerId,
}

impl Producer {
    /// A signed frame.
    pub fn sign(&self, at: Position, events: Vec<FactsBuilder>) -> FrameBytes {
        FrameSigner { ledger: self.ledger, source: self.source, key: &self.key }.sign(at, events).unwrap()
    }

    /// A signed frame of one event.
    pub fn one(&self, event: FactsBuilder) -> FrameBytes {
        self.sign(Position::Unsequenced, vec![event])
    }

    /// A signed frame of so many plain events.
    pub fn plain(&self, at: Position, count: usize) -> FrameBytes {
        self.sign(at, (0..count).map(|number| statement().body("text/plain", body_of(number))).collect())
    }
}

fn body_of(number: usize) -> Bytes {
    Bytes::from(format!("event {number}\n"))
}

/// The plainest event that there is.
pub fn statement() -> FactsBuilder {
    FactsBuilder::new(Kind::ExecutionReported, event_id(), now())
}

/// The words from which random events are made and by which they are looked for.
pub struct Palette {
    pub kinds: Vec<Kind>,
    pub actors: Vec<Ref>,
    pub streams: Vec<Ref>,
    pub actions: Vec<&'static str>,
    pub outcomes: Vec<Outcome>,
    pub policies: Vec<Digest>,
}

impl Palette {
    pub fn of(house: &House) -> Palette {
        let witnessed = |kind: &&Kind| kind.author() == Author::Witness && **kind != Kind::SourceGap;
        Palette {
            kinds: Kind::ALL.iter().filter(witnessed).copied().collect(),
            actors: ["mia", "otto", "crawler"].map(|name| person_ref(&house.refs, "idp", name).unwrap()).to_vec(),
            streams: ["action/1", "action/2", "run/3", "run/3/x"].map(|name| house.stream(name)).to_vec(),
            actions: vec!["dataset.export", "payment.release", "model.deploy"],
            outcomes: vec![Outcome::Started, Outcome::Succeeded, Outcome::Denied],
            policies: vec![Digest([1; 32]), Digest([2; 32])],
        }
    }

    /// A random event: each property present in some cases only.
    pub fn event(&self, rng: &mut Rng) -> FactsBuilder {
        let mut event = FactsBuilder::new(*rng.pick(&self.kinds), event_id(), Micros(now().0 - rng.below(1_000_000)));
        if rng.percent(70) {
            event = event.actor(Actor { kind: ActorKind::Agent, who: *rng.pick(&self.actors) });
        }
        if rng.percent(50) {
            event = event.stream(*rng.pick(&self.streams));
        }
        if rng.percent(50) {
            event = event.action_type(rng.pick::<&str>(&self.actions));
        }
        if rng.percent(60) {
            event = event.outcome(*rng.pick(&self.outcomes));
        }
        if rng.percent(30) {
            event = event.policy_digest(*rng.pick(&self.policies));
        }
        if rng.percent(75) {
            let length = if rng.percent(2) { 70_000 + rng.below(70_000) } else { rng.below(600) };
            event = event.body("application/octet-stream", rng.bytes(usize::try_from(length).unwrap()).into());
        }
        event
    }
}
