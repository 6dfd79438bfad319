//! Packages made from a naive ledger: what stood before an interval is gathered straight from the words of EVIDENCE.md,
//! with the recursive tree. Files live in memory, so that a thousand packages can be bent in a second.

use crate::encode::{Key, id16, kind, tag};
use crate::ledger::{Draft, Ledger, enroll, rotate};
use crate::maker::{note, vkey};
use crate::naive_tree::{H, hex, leaf, root, sha256};
use crate::world::{body, plain, rich};
use deedbook_verify::hash::Salt;
use deedbook_verify::note::VerifierKey;
use deedbook_verify::package::{
    BodyShown, Filter, Finished, Folder, Framework, Offered, PackageCode, PackageRefusal, PackageShown, PackageWriter,
    Period, Question, Redaction, Sink, SinkFile, Start, verify_package,
};
use deedbook_verify::words::{Digest, Hash, Index, LedgerId, Micros, TreeSize};
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, LazyLock, Mutex};

/// A package in memory.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct Memory(pub BTreeMap<String, Vec<u8>>);

impl Folder for Memory {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.keys().cloned().collect())
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send>> {
        let bytes = self.0.get(path).cloned().ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(bytes)))
    }
}

type Shared = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

struct Files(Shared);

struct Growing(Shared, String, Vec<u8>);

impl Sink for Files {
    fn create(&mut self, path: &str) -> io::Result<Box<dyn SinkFile>> {
        Ok(Box::new(Growing(Arc::clone(&self.0), path.to_owned(), Vec::new())))
    }
}

impl SinkFile for Growing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.2.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        let Growing(files, path, bytes) = *self;
        assert!(files.lock().unwrap().insert(path.clone(), bytes).is_none(), "{path} twice");
        Ok(())
    }
}

/// What a package is made from besides the ledger.
#[derive(Clone)]
pub struct Plan {
    pub question: Question,
    /// Bodies that are shown, by index.
    pub bodies: BTreeMap<u64, BodyShown>,
    /// Texts of policies, by digest.
    pub policies: BTreeMap<Digest, Vec<u8>>,
}

/// Received time of an entry.
pub fn received(ledger: &Ledger, index: usize) -> u64 {
    u64::from_be_bytes(ledger.placed[index].seal[&tag::RECEIVED].clone().try_into().unwrap())
}

impl Plan {
    /// Everything from `begins` to `ends`; the period is all of it but the first entry, or from genesis on.
    pub fn of(ledger: &Ledger, begins: usize, ends: usize) -> Plan {
        let from = received(ledger, begins) + u64::from(begins > 0);
        let question = Question {
            ledger: LedgerId(ledger.id),
            framework: Framework::Soc2,
            period: Period { from: Micros(from), to: Micros(received(ledger, ends - 1) + 1) },
            begins: TreeSize(begins as u64),
            ends: TreeSize(ends as u64),
            filter: Filter::ALL,
            sample: 3,
            nonce: None,
            redaction: Redaction::None,
        };
        Plan { question, bodies: BTreeMap::new(), policies: BTreeMap::new() }
    }

    pub fn asking(mut self, change: impl FnOnce(&mut Question)) -> Plan {
        change(&mut self.question);
        self
    }

    /// Writes the package.
    pub fn write(&self, ledger: &Ledger) -> Result<Memory, PackageRefusal> {
        self.write_with(ledger, |_| Ok(()))
    }

    /// Writes the package with files that nobody judges.
    pub fn write_with(
        &self,
        ledger: &Ledger,
        more: impl FnOnce(&mut Finished<'_>) -> Result<(), PackageRefusal>,
    ) -> Result<Memory, PackageRefusal> {
        let (begins, ends) = (self.question.begins.0 as usize, self.question.ends.0 as usize);
        let leaves = ledger.leaves();
        let signed = |size: usize| note(&ledger.name, size as u64, &root(&leaves[..size]), &ledger.head).into_bytes();
        let (start_note, end_note, before) = (signed(begins), signed(ends), start(ledger, begins));
        let (files, key) = (Shared::default(), key(ledger));
        let mut sink = Files(Arc::clone(&files));
        let start = (begins > 0).then_some((start_note.as_slice(), &before));
        let offered = Offered { question: self.question.clone(), key: &key, start, end: &end_note };
        let mut writer = PackageWriter::begin(offered, &mut sink)?;
        for index in begins..ends {
            writer.push(&ledger.placed[index].bytes(), self.bodies.get(&(index as u64)))?;
        }
        let mut finished = writer.finish(|digest| Ok(self.policies.get(&digest).cloned()))?;
        more(&mut finished)?;
        finished.seal()?;
        let written = files.lock().unwrap().clone();
        Ok(Memory(written))
    }
}

/// The ledger's verifier key.
pub fn key(ledger: &Ledger) -> VerifierKey {
    VerifierKey::parse(&vkey(&ledger.name, &ledger.head)).unwrap()
}

pub fn verify(ledger: &Ledger, package: &Memory) -> Result<PackageShown, PackageRefusal> {
    verify_package(package, &key(ledger))
}

pub fn code(ledger: &Ledger, package: &Memory) -> Option<PackageCode> {
    verify(ledger, package).err().map(|refusal| refusal.code)
}

/// Kinds that govern, by their numbers.
const GOVERNING: [u16; 16] = [
    0x0001, 0x0110, 0x0111, 0x0112, 0x0120, 0x0121, 0x0122, 0x0123, 0x0124, 0x0125, 0x0130, 0x0131, 0x0140, 0x0141,
    0x0142, 0x0143,
];

fn governs(ledger: &Ledger, index: usize) -> bool {
    let facts = &ledger.placed[index].facts;
    let kind = u16::from_be_bytes(facts[&tag::KIND].clone().try_into().unwrap());
    GOVERNING.contains(&kind) || kind == 0x0101 && !facts.contains_key(&tag::STREAM)
}

/// The first command behind a removal over silence that somebody signed whom it names, unless it was refused.
fn broken(ledger: &Ledger, index: usize) -> Option<usize> {
    let facts = |index: usize| &ledger.placed[index].facts;
    let silent: Vec<&[u8]> = facts(index).get(&0x01f0)?.chunks(16).collect();
    let refused =
        index + 1 < ledger.placed.len() && facts(index + 1)[&tag::KIND] == kind::COMMAND_REFUSED.to_be_bytes();
    let breaks = |at: &usize| facts(*at)[&tag::KIND][0] == 1 && silent.contains(&facts(*at)[&tag::SOURCE].as_slice());
    if refused { None } else { (index + 1..ledger.placed.len()).find(breaks) }
}

/// What stood before an index.
pub fn start(ledger: &Ledger, begins: usize) -> Start {
    let leaves = ledger.leaves();
    let broken: Vec<usize> = (0..begins).filter_map(|index| broken(ledger, index)).collect();
    let taken: Vec<usize> = (0..begins)
        .filter(|index| governs(ledger, *index) || *index > 0 && governs(ledger, index - 1) || broken.contains(index))
        .collect();
    let mut frontier = Vec::new();
    let mut rest = &leaves[..begins];
    while !rest.is_empty() {
        let (head, tail) = rest.split_at(1 << rest.len().ilog2());
        frontier.push(Hash(root(head)));
        rest = tail;
    }
    let mut hashes = Vec::new();
    if begins > 0 {
        without(&leaves[..begins], 0, &taken, &mut hashes);
    }
    let entries = taken.iter().map(|index| (Index(*index as u64), ledger.placed[*index].bytes())).collect();
    Start { frontier, hashes, entries }
}

/// Roots of the largest subtrees that hold none of the leaves that are taken.
fn without(leaves: &[H], first: usize, taken: &[usize], hashes: &mut Vec<Hash>) {
    if !taken.iter().any(|index| (first..first + leaves.len()).contains(index)) {
        hashes.push(Hash(root(leaves)));
    } else if leaves.len() > 1 {
        let mut half = 1;
        while half * 2 < leaves.len() {
            half *= 2;
        }
        without(&leaves[..half], first, taken, hashes);
        without(&leaves[half..], first + half, taken, hashes);
    }
}

/// Makes manifests and counts agree with the files again, as somebody does who changes a file on purpose.
pub fn reseal(package: &mut Memory) {
    let lines = |package: &Memory, takes: &dyn Fn(&str) -> bool| -> String {
        let taken = package.0.iter().filter(|(path, _)| takes(path));
        taken.map(|(path, bytes)| format!("{}  {path}\n", hex(&sha256(&[bytes])))).collect()
    };
    let payload = lines(package, &|path| path.starts_with("data/"));
    let bytes: usize =
        package.0.iter().filter(|(path, _)| path.starts_with("data/")).map(|(_, bytes)| bytes.len()).sum();
    let info = format!("Bag-Software-Agent: deedbook.evidence/1\nPayload-Oxum: {bytes}.{}\n", payload.lines().count());
    package.0.insert("bag-info.txt".into(), info.into_bytes());
    package.0.insert("manifest-sha256.txt".into(), payload.into_bytes());
    let tags = lines(package, &|path| {
        !path.starts_with("data/") && !path.starts_with("tagmanifest") && !path.starts_with("custody/")
    });
    package.0.insert("tagmanifest-sha256.txt".into(), tags.into_bytes());
}

/// Takes the file of entries apart.
pub fn entries_of(package: &Memory) -> Vec<Vec<u8>> {
    let (mut rest, mut entries) = (package.0["data/entries.bin"].as_slice(), Vec::new());
    while let Some((length, tail)) = rest.split_first_chunk::<2>() {
        let (entry, tail) = tail.split_at(usize::from(u16::from_be_bytes(*length)));
        entries.push(entry.to_vec());
        rest = tail;
    }
    entries
}

/// And puts it together.
pub fn put_entries(package: &mut Memory, entries: &[Vec<u8>]) {
    let record = |entry: &Vec<u8>| [&u16::try_from(entry.len()).unwrap().to_be_bytes(), entry.as_slice()].concat();
    package.0.insert("data/entries.bin".into(), entries.iter().flat_map(record).collect());
    reseal(package);
}

/// Rows of a file, each cut at its commas; without the head.
pub fn rows(package: &Memory, path: &str) -> Vec<Vec<String>> {
    let text = String::from_utf8(package.0[path].clone()).unwrap();
    assert!(text.ends_with("\r\n"), "{path}");
    text.split("\r\n")
        .skip(1)
        .filter(|line| !line.is_empty())
        .map(|line| line.split(',').map(str::to_owned).collect())
        .collect()
}

/// The leaf hash of an entry's bytes, in hex.
pub fn leaf_hex(bytes: &[u8]) -> String {
    hex(&leaf(bytes))
}

/// How often, times `DEEDBOOK_TEST_SCALE`.
pub fn scaled(count: u32) -> u32 {
    let scale = std::env::var("DEEDBOOK_TEST_SCALE").ok().and_then(|text| text.parse().ok());
    count * scale.unwrap_or(1)
}

/// From `DEEDBOOK_TEST_SEED`, else always the same.
pub fn seed() -> u64 {
    std::env::var("DEEDBOOK_TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(6)
}

/// A ledger with frames of all sizes, sequenced and not, a rotation, a refused command, bodies.
pub fn busy() -> Ledger {
    let mut ledger = Ledger::new("ledger.example/busy");
    let (gate, other, source) = (Key::named("busy gate"), Key::named("busy gate 2"), id16("busy gate"));
    ledger.command(enroll("let the gate in", &gate.wire(), &source));
    let mut sequence = 1;
    for round in 0..9u64 {
        let frame: Vec<_> = (0..=round % 4)
            .map(|nth| rich(&format!("{round} {nth}"), if nth % 2 == 0 { "even" } else { "odd" }))
            .collect();
        let count = frame.len() as u64;
        ledger.append(Draft::by(&gate, source, frame).at(1, sequence));
        sequence += count;
        ledger.append(Draft::by(&gate, source, vec![plain(&format!("unsequenced {round}"))]));
        if round == 3 {
            ledger.append(Draft::by(&gate, source, vec![enroll("in vain", &other.wire(), &id16("x"))]));
            ledger.refuse(1);
        }
    }
    ledger.append(Draft::by(&gate, source, vec![rotate("rotate", &other.wire(), &source, &gate.id())]));
    for nth in 0..4 {
        ledger.append(Draft::by(&other, source, vec![plain(&format!("after {nth}"))]).at(2, 1 + nth));
    }
    ledger
}

pub static BUSY: LazyLock<Ledger> = LazyLock::new(busy);

/// Where commits may end: where frames begin, but for refusals, which stand in the commit of their command.
pub fn edges(ledger: &Ledger) -> Vec<usize> {
    let refuses = |index: usize| ledger.placed[index].facts[&tag::KIND] == kind::COMMAND_REFUSED.to_be_bytes();
    let begins = ledger.frames.iter().map(|frame| frame.base).filter(|base| !refuses(*base));
    begins.chain([ledger.placed.len()]).collect()
}

/// A package with everything: a start, disclosed bodies.
pub fn full() -> (Plan, Memory) {
    let edges = edges(&BUSY);
    let mut plan = Plan::of(&BUSY, edges[4], edges[18]);
    for index in edges[4]..edges[18] {
        let facts = &BUSY.placed[index].facts;
        if let (Some(_), Some((salt, bytes))) = (facts.get(&tag::COMMITMENT), body_of(index)) {
            let shown = match index % 3 {
                // The first is opened, so that tests know where its salt stands.
                _ if plan.bodies.is_empty() => BodyShown::Opened { salt: Salt(salt), bytes },
                0 => BodyShown::Opened { salt: Salt(salt), bytes },
                1 => BodyShown::Erased,
                _ => continue,
            };
            plan.bodies.insert(index as u64, shown);
        }
    }
    let package = plan.write(&BUSY).unwrap();
    (plan, package)
}

pub fn body_of(index: usize) -> Option<(H, Vec<u8>)> {
    let facts = &BUSY.placed[index].facts;
    let names = (0..9).flat_map(|round| (0..4).map(move |nth| format!("{round} {nth}")));
    names.into_iter().find(|name| id16(name).as_slice() == facts[&tag::EVENT_ID]).map(|name| body(&name))
}
