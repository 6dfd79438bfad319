//! The promise of the data folder: a flipped bit or a cut file is refused, reported, or without effect. What is read is
//! what was acknowledged, or an error. The last part: the way back from a lost anchor, and what it refuses.

use crate::support::{Rng, scaled};
use crate::support_memory::{block_on, statement};
use deedbook::audit::{self, AuditPaths};
use deedbook::clock::Clock;
use deedbook::domain::person_ref;
use deedbook::ledger::{
    self, Bodies, DataDir, HeadKey, Ledger, OpenError, OpenOptions, Parts, SequencerKey, StoredBody, rebuild_anchor,
};
use deedbook::record::{FrameSigner, Position, SigningKey, load_ref_key};
use deedbook::store::{Access, AnchorSet, FileAnchor, RocksStore, Store};
use deedbook_verify::words::Index;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// An entry and its body, as read.
type Read = (Vec<u8>, Option<Vec<u8>>);

/// A folder that nobody has open.
struct Closed {
    _folder: TempDir,
    dir: DataDir,
    acknowledged: Vec<Read>,
}

/// Opens a folder so that the caller sees when its last thread has let go of it.
fn open(dir: &DataDir) -> (Ledger, Arc<RocksStore>) {
    let store = Arc::new(RocksStore::open(&dir.store(), Access::ReadWrite).unwrap());
    let parts = Parts {
        store: Arc::clone(&store) as Arc<dyn Store>,
        anchors: AnchorSet::new(Box::new(FileAnchor::open(&dir.anchor_file()).unwrap()), Vec::new()),
        clock: Clock::system(),
        head: HeadKey::new(SigningKey::load(&dir.head_key()).unwrap()),
        sequencer: SequencerKey::new(SigningKey::load(&dir.sequencer_key()).unwrap()),
        ref_key: load_ref_key(&dir.ref_key()).unwrap(),
        accept_clock: false,
    };
    (Ledger::from_parts(parts).unwrap(), store)
}

fn close(ledger: Ledger, store: Arc<RocksStore>) {
    ledger.close();
    drop(ledger);
    while Arc::strong_count(&store) > 1 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

fn append(dir: &DataDir, ledger: &Ledger, ids: std::ops::Range<u64>) {
    let (admin, refs) = (SigningKey::load(&dir.admin_key()).unwrap(), load_ref_key(&dir.ref_key()).unwrap());
    let source = person_ref(&refs, "", "admin").unwrap();
    let signer = FrameSigner { ledger: ledger.reader().ledger_id(), source, key: &admin };
    let stream = person_ref(&refs, "", "a stream").unwrap();
    let first: Vec<u64> = ids.clone().step_by(20).collect();
    for first in first {
        let events = (first..(first + 20).min(ids.end)).map(|id| statement(id).stream(stream)).collect();
        block_on(ledger.append(signer.sign(Position::Unsequenced, events).unwrap())).unwrap();
    }
}

/// Everything that reads; where a read fails, none.
fn read_all(ledger: &Ledger, count: usize) -> Vec<Option<Read>> {
    let reader = ledger.reader();
    let read = |index: usize| {
        let event = reader.event(Index(index as u64), Bodies::With).ok()?;
        let body = match event.body {
            StoredBody::Opened { body, .. } => Some(body),
            StoredBody::None | StoredBody::Withheld => None,
        };
        Some((event.entry, body))
    };
    (0..count).map(read).collect()
}

impl Closed {
    /// Some 600 entries: half of them in table files, half in the log only.
    fn build(entries: u64) -> Closed {
        let folder = tempfile::tempdir().unwrap();
        let dir = DataDir::new(folder.path().join("data"));
        ledger::init(&dir, "bits.example/log", &[], &Clock::system()).unwrap();
        for half in [0..entries / 2, entries / 2..entries] {
            let (ledger, store) = open(&dir);
            append(&dir, &ledger, half);
            ledger.reader().checkpoint().unwrap();
            close(ledger, store);
        }
        let closed = Closed { _folder: folder, dir, acknowledged: Vec::new() };
        // Opening moves the log into tables, so the reading is done on a copy.
        let copy = closed.copy();
        let (ledger, store) = open(&copy.dir);
        let read = read_all(&ledger, usize::try_from(entries + 1).unwrap());
        close(ledger, store);
        Closed { acknowledged: read.into_iter().map(Option::unwrap).collect(), ..closed }
    }

    fn copy(&self) -> Closed {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("data");
        copy_folder(self.dir.root(), &to);
        Closed { _folder: folder, dir: DataDir::new(to), acknowledged: self.acknowledged.clone() }
    }

    /// The files that hold the log, with those of the engine and the anchor.
    fn data_files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = [self.dir.store(), self.dir.anchor()]
            .iter()
            .flat_map(|folder| fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()))
            .filter(|path| fs::metadata(path).unwrap().len() > 0)
            .collect();
        files.sort();
        files
    }

    /// What the folder is worth after damage.
    fn judge(&self, what: &str) -> Verdict {
        let report = audit::run(&AuditPaths::of(self.dir.root()), &|_, _| {});
        let clean = report.as_ref().is_ok_and(|report| report.is_clean());
        let ledger = match Ledger::open(&self.dir, OpenOptions::default()) {
            Ok(ledger) => ledger,
            Err(_) => return if clean { Verdict::OpenRefuses } else { Verdict::BothRefuse },
        };
        let read = read_all(&ledger, self.acknowledged.len());
        let mut missing = 0;
        for (index, (read, acknowledged)) in read.iter().zip(&self.acknowledged).enumerate() {
            match read {
                Some(read) => assert_eq!(read, acknowledged, "{what}: entry {index} reads as something else"),
                None => missing += 1,
            }
        }
        let mut ranged = 0;
        let everything = Index(self.acknowledged.len() as u64);
        let range = ledger.reader().range(Index(0), everything, Bodies::Without, &mut |event| {
            assert_eq!(event.entry, self.acknowledged[ranged].0, "{what}: entry {ranged} in a range");
            ranged += 1;
            ControlFlow::Continue(())
        });
        assert!(range.is_err() || ranged == self.acknowledged.len(), "{what}: a range ends early without an error");
        ledger.close();
        assert!(!clean || missing == 0, "{what}: opens, audits clean, and {missing} entries do not read");
        if clean { Verdict::Harmless } else { Verdict::AuditReports }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    BothRefuse,
    OpenRefuses,
    AuditReports,
    Harmless,
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() {
            copy_folder(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

/// Files of the engine that hold no rows; what happens to them need not be noticed.
fn holds_data(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    name.ends_with(".sst") || name.ends_with(".log") || name.ends_with(".anchor") || name.starts_with("MANIFEST")
}

/// Damages fresh copies, one after the other, and counts what became of them.
fn damage(closed: &Closed, rounds: u64, rng: &mut Rng, harm: fn(&mut Vec<u8>, &mut Rng) -> String) {
    let mut verdicts = Vec::new();
    for round in 0..rounds {
        let copy = closed.copy();
        let files = copy.data_files();
        let data: Vec<PathBuf> = files.iter().filter(|path| holds_data(path)).cloned().collect();
        let path = if round % 6 == 0 { rng.pick(&files) } else { rng.pick(&data) };
        let mut bytes = fs::read(path).unwrap();
        let done = harm(&mut bytes, rng);
        fs::write(path, bytes).unwrap();
        let what = format!("{} {done}", path.file_name().unwrap().display());
        let verdict = copy.judge(&what);
        println!("{what}: {verdict:?}");
        verdicts.push(verdict);
    }
    let noticed = verdicts.iter().filter(|verdict| **verdict != Verdict::Harmless).count();
    assert!(noticed * 3 > verdicts.len(), "only {noticed} of {} were noticed: {verdicts:?}", verdicts.len());
}

#[test]
fn flipped_bits() {
    let mut rng = Rng::seeded("flipped bits");
    damage(&Closed::build(600), scaled(60), &mut rng, |bytes, rng| {
        let at = usize::try_from(rng.below(bytes.len() as u64)).unwrap();
        let bit = rng.below(8);
        bytes[at] ^= 1 << bit;
        format!("bit {bit} of byte {at} of {}", bytes.len())
    });
}

#[test]
fn cut_files() {
    let mut rng = Rng::seeded("cut files");
    damage(&Closed::build(600), scaled(20), &mut rng, |bytes, rng| {
        let length = bytes.len();
        bytes.truncate(usize::try_from(rng.below(length as u64)).unwrap());
        format!("cut from {length} to {}", bytes.len())
    });
}

#[test]
fn what_is_deleted_is_missed() {
    let closed = Closed::build(60);
    assert_eq!(closed.copy().judge("untouched"), Verdict::Harmless);
    for path in closed.data_files().iter().filter(|path| holds_data(path)) {
        let copy = closed.copy();
        let inside = path.strip_prefix(closed.dir.root()).unwrap();
        fs::remove_file(copy.dir.root().join(inside)).unwrap();
        let verdict = copy.judge(&format!("{} deleted", inside.display()));
        assert_eq!(verdict, Verdict::BothRefuse, "{} deleted", inside.display());
    }
}

fn rebuild(closed: &Closed, note: &[u8]) -> Result<u64, String> {
    match rebuild_anchor(&closed.dir, note) {
        Ok(record) => Ok(record.size.0),
        Err(OpenError::Checkpoint(message)) => Err(message),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_lost_anchor_is_rebuilt_from_a_checkpoint_only() {
    let closed = Closed::build(40);
    let older = closed.copy();
    let (ledger, store) = open(&closed.dir);
    let first = ledger.reader().checkpoint().unwrap();
    append(&closed.dir, &ledger, 90_000..90_007);
    let newest = ledger.reader().checkpoint().unwrap();
    let size = ledger.reader().head().size.0;
    close(ledger, store);
    let other = Closed::build(2);
    let (stranger, store) = open(&other.dir);
    let foreign = stranger.reader().checkpoint().unwrap();
    close(stranger, store);
    let mut forged = newest.clone();
    let last = forged.len() - 10;
    forged[last] ^= 1;
    for removed in [true, false] {
        // (folder, checkpoint, the size that the new anchor vouches for, or the refusal)
        let table: &[(&Closed, &[u8], Result<u64, &str>)] = &[
            (&closed, &newest, Ok(size)),
            (&closed, &first, Ok(size)),
            (&older, &first, Ok(size - 7)),
            (&older, &newest, Err("acknowledged entries are missing")),
            (&closed, &foreign, Err("no signature by the given key")),
            (&closed, &forged, Err("signature")),
            (&closed, b"", Err("")),
        ];
        for (number, (folder, note, wanted)) in table.iter().enumerate() {
            let copy = folder.copy();
            let anchor = copy.dir.anchor_file();
            if removed {
                fs::remove_file(&anchor).unwrap()
            } else {
                fs::write(&anchor, [0u8; 8192]).unwrap()
            }
            assert!(matches!(Ledger::open(&copy.dir, OpenOptions::default()), Err(OpenError::Anchor(_))));
            match (rebuild(&copy, note), wanted) {
                (Ok(size), Ok(wanted)) => {
                    assert_eq!(size, *wanted, "row {number}");
                    assert_eq!(copy.judge("rebuilt"), Verdict::Harmless, "row {number}");
                }
                (Err(message), Err(wanted)) => {
                    assert!(message.contains(wanted), "row {number}: {message}");
                    assert!(Ledger::open(&copy.dir, OpenOptions::default()).is_err(), "row {number}");
                }
                other => panic!("row {number}: {other:?}"),
            }
        }
    }
}
