//! Cut and deleted files. The write-ahead log is cut at every record and inside the last ones: below the anchor, opening
//! refuses and names the range that is missing; at or above it, the ledger is exactly what those records say.

use super::flips::FileKind;
use super::folder::{Closed, Held, Verdict, append, parts};
use crate::support::{Rng, cases, disk, parallel, scaled};
use crate::support_memory::NUMBER;
use deedbook::ledger::{CommitRow, DataDir, HeadRow, Ledger, OpenError};
use deedbook::store::keys::{self, Key};
use deedbook::store::{
    Access, AnchorRecord, Batch, Direction, FileAnchor, KeyRange, Operation, Purged, RocksStore, Rows, Store,
    StoreError, Visit,
};
use deedbook_verify::hash::leaf;
use deedbook_verify::tree::root_of;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A synced record of the log: where it ends, and the commit that it was, unless it was a checkpoint's.
#[derive(Clone, Copy, Debug)]
struct Record {
    end: u64,
    commit: Option<AnchorRecord>,
}

/// A store that notes how long its log is after each batch.
struct Measured {
    store: RocksStore,
    dir: DataDir,
    records: Mutex<Vec<Record>>,
}

fn written(batch: &Batch, key: &Key) -> Option<Vec<u8>> {
    batch.operations().find_map(|operation| match operation {
        Operation::Put { key: found, value } if found == key.as_slice() => Some(value.to_vec()),
        Operation::Put { .. } | Operation::Delete { .. } => None,
    })
}

fn commit_of(batch: &Batch) -> Option<AnchorRecord> {
    let head = HeadRow::parse(&written(batch, &keys::head(NUMBER))?).unwrap();
    let row = CommitRow::parse(&written(batch, &keys::commit(head.commit)).unwrap()).unwrap();
    Some(AnchorRecord { commit: head.commit, size: head.head.size, chain: row.chain })
}

/// The newest log, which the engine writes.
fn log_of(dir: &DataDir) -> PathBuf {
    let files = fs::read_dir(dir.store()).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| FileKind::of(path) == Some(FileKind::Log)).max().unwrap()
}

impl Rows for Measured {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key)
    }

    fn scan(&self, range: &KeyRange, direction: Direction, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.store.scan(range, direction, visit)
    }
}

impl Store for Measured {
    fn snapshot(&self) -> Box<dyn Rows + '_> {
        self.store.snapshot()
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut records = self.records.lock().unwrap();
        self.store.commit(batch)?;
        records.push(Record { end: fs::metadata(log_of(&self.dir)).unwrap().len(), commit: commit_of(batch) });
        Ok(())
    }

    fn checkpoint(&self, folder: &Path) -> Result<(), StoreError> {
        self.store.checkpoint(folder)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.store.flush()
    }

    fn purge(&self, range: &KeyRange) -> Result<Purged, StoreError> {
        self.store.purge(range)
    }

    fn verify(&self) -> Result<(), StoreError> {
        self.store.verify()
    }

    fn free_bytes(&self) -> Option<u64> {
        self.store.free_bytes()
    }
}

/// Entries that stand in tables, and those in the log, a commit and a record for each.
const SETTLED: u64 = 10;
const LOGGED: u64 = 48;

/// A folder whose newest entries are in the log alone.
struct Logged {
    closed: Closed,
    base: AnchorRecord,
    records: Vec<Record>,
}

impl Logged {
    fn build() -> Logged {
        let closed = Closed::founded();
        let held = Held::open(&closed.dir);
        append(&closed.dir, &held.ledger, 0..SETTLED, 1);
        held.close();
        let base = FileAnchor::peek(&closed.dir.anchor_file()).unwrap().record;
        let store = RocksStore::open(&closed.dir.store(), Access::ReadWrite).unwrap();
        let store = Arc::new(Measured { store, dir: closed.dir.clone(), records: Mutex::new(Vec::new()) });
        let ledger = Ledger::from_parts(parts(&closed.dir, Arc::clone(&store) as Arc<dyn Store>)).unwrap();
        append(&closed.dir, &ledger, SETTLED..SETTLED + LOGGED, 1);
        ledger.close();
        drop(ledger);
        while Arc::strong_count(&store) > 1 {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let records = store.records.lock().unwrap().clone();
        drop(store);
        assert!(records.windows(2).all(|pair| pair[0].end < pair[1].end), "one log: {records:?}");
        assert_eq!(records.last().unwrap().end, fs::metadata(log_of(&closed.dir)).unwrap().len());
        Logged { closed: closed.exported(), base, records }
    }

    fn commits(&self) -> Vec<AnchorRecord> {
        std::iter::once(self.base).chain(self.records.iter().filter_map(|record| record.commit)).collect()
    }

    /// The last commit whose record is whole in a log of this length.
    fn survivor(&self, length: u64) -> AnchorRecord {
        let whole = self.records.iter().filter(|record| record.end <= length);
        whole.filter_map(|record| record.commit).next_back().unwrap_or(self.base)
    }

    /// Where each record ends, and the start.
    fn boundaries(&self) -> Vec<u64> {
        std::iter::once(0).chain(self.records.iter().map(|record| record.end)).collect()
    }

    /// Every length that ends inside the last three commits.
    fn last_lengths(&self) -> Vec<u64> {
        let commits: Vec<u64> = self.records.iter().filter(|r| r.commit.is_some()).map(|record| record.end).collect();
        let end = self.records.last().unwrap().end;
        (commits[commits.len() - 4] + 1..end).collect()
    }

    /// Cuts the log, with an anchor that knows one of the last commits, and judges what is left.
    fn cut_log(&self, length: u64, anchored: AnchorRecord) -> bool {
        let copy = self.closed.copy();
        let what = format!("log cut to {length}, anchor at commit {}", anchored.commit);
        disk::cut(&log_of(&copy.dir), length);
        fs::remove_file(copy.dir.anchor_file()).unwrap();
        FileAnchor::create(&copy.dir.anchor_file(), &anchored).unwrap();
        let survivor = self.survivor(length);
        let ledger = match copy.open() {
            Ok(ledger) => ledger,
            Err(OpenError::EntriesMissing { anchored_commit, anchored_size, commit, size, .. }) => {
                assert!(survivor.commit < anchored.commit, "{what}: refused although nothing is missing");
                assert_eq!((anchored_commit, anchored_size), (anchored.commit, anchored.size), "{what}");
                assert_eq!((commit, size), (survivor.commit, survivor.size), "{what}");
                return true;
            }
            Err(error) => panic!("{what}: {error}"),
        };
        assert!(survivor.commit >= anchored.commit, "{what}: opens without what the anchor knows");
        let head = ledger.reader().head();
        assert_eq!(head.size, survivor.size, "{what}");
        let events = &self.closed.export.events[..usize::try_from(head.size.0).unwrap()];
        assert_eq!(head.root, root_of(events.iter().map(|(entry, _)| leaf(entry))), "{what}");
        // It goes on from there, and what it wrote is whole.
        append(&copy.dir, &ledger, 1_000..1_001, 1);
        assert_eq!(ledger.reader().head().size.0, head.size.0 + 1, "{what}");
        ledger.close();
        false
    }
}

#[derive(Clone, Debug)]
enum Case {
    CutLog(u64),
    Cut(PathBuf),
    Deleted(PathBuf),
}

/// What is noticed of files that are cut elsewhere, at least, in a hundred. A manifest may end behind a whole record.
fn cut_percent_min(kind: FileKind) -> u64 {
    match kind {
        FileKind::Table | FileKind::Current | FileKind::Anchor | FileKind::Log => 100,
        FileKind::Manifest => 60,
        // One in four is not the server's.
        FileKind::SecretKey => 40,
        FileKind::PublicKey
        | FileKind::Options
        | FileKind::Identity
        | FileKind::Diary
        | FileKind::Receipt
        | FileKind::Checkpoint => 0,
    }
}

/// Whether a folder without this file must be refused.
fn is_needed(file: &Path) -> bool {
    match FileKind::of(file).unwrap() {
        FileKind::Log | FileKind::Table | FileKind::Manifest | FileKind::Current | FileKind::Anchor => true,
        FileKind::SecretKey => !file.ends_with("admin.key"),
        FileKind::PublicKey => file.ends_with("ledger.vkey"),
        FileKind::Options | FileKind::Identity | FileKind::Diary | FileKind::Receipt | FileKind::Checkpoint => false,
    }
}

/// Every record and every file; the rest of the count inside the last records, all of it where the count suffices, and
/// in the other files.
fn plan(logged: &Logged, count: usize, rng: &mut Rng) -> Vec<Case> {
    let files = logged.closed.files();
    let mut plan: Vec<Case> = logged.boundaries().into_iter().map(Case::CutLog).collect();
    plan.extend(files.iter().cloned().map(Case::Deleted));
    let lengths = logged.last_lengths();
    let others: Vec<&PathBuf> = files.iter().filter(|file| FileKind::of(file) != Some(FileKind::Log)).collect();
    let inside = ((count - plan.len()) * 3 / 4).min(lengths.len());
    // Evenly spread, from a random start.
    let step = lengths.len() as u64;
    let start = rng.below(step);
    let spread = (0..inside as u64).map(|number| (start + number * step / inside as u64) % step);
    plan.extend(spread.map(|at| Case::CutLog(lengths[usize::try_from(at).unwrap()])));
    while plan.len() < count {
        plan.push(Case::Cut((*rng.pick(&others)).clone()));
    }
    plan
}

/// Kind, whether it was the log at a record, whether it was noticed.
fn run(logged: &Logged, case: &Case, rng: &mut Rng) -> (FileKind, bool) {
    let commits = logged.commits();
    match case {
        Case::CutLog(length) => {
            let anchored = *rng.pick(&commits[commits.len() - 4..]);
            (FileKind::Log, logged.cut_log(*length, anchored))
        }
        Case::Deleted(file) => {
            let copy = logged.closed.copy();
            fs::remove_file(copy.dir.root().join(file)).unwrap();
            let verdict = copy.judge(&format!("{} deleted", file.display()));
            let wanted = if is_needed(file) { Verdict::OpenRefuses } else { Verdict::Harmless };
            assert_eq!(verdict, wanted, "{} deleted", file.display());
            (FileKind::of(file).unwrap(), verdict != Verdict::Harmless)
        }
        Case::Cut(file) => {
            let copy = logged.closed.copy();
            let path = copy.dir.root().join(file);
            let length = rng.below(fs::metadata(&path).unwrap().len());
            disk::cut(&path, length);
            let verdict = copy.judge(&format!("{} cut to {length}", file.display()));
            (FileKind::of(file).unwrap(), verdict != Verdict::Harmless)
        }
    }
}

#[test]
fn cut_and_deleted_files() {
    let logged = Logged::build();
    let count = scaled(500);
    let plan = plan(&logged, usize::try_from(count).unwrap(), &mut Rng::seeded("plan of cuts"));
    let outcomes = parallel::run("cut files", count, |number, rng| {
        let case = &plan[usize::try_from(number).unwrap()];
        (matches!(case, Case::Cut(_)), run(&logged, case, rng))
    });
    let log: Vec<bool> = outcomes.iter().filter(|(_, (kind, _))| *kind == FileKind::Log).map(|o| o.1.1).collect();
    let refused = log.iter().filter(|refused| **refused).count();
    println!("the log: {refused} of {} refused, the others exact", log.len());
    assert!(refused > log.len() / 8 && refused < log.len(), "both sides of the anchor: {refused} of {}", log.len());
    let mut kinds: Vec<FileKind> = outcomes.iter().filter(|(cut, _)| *cut).map(|(_, (kind, _))| *kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        let of_kind: Vec<bool> = outcomes.iter().filter(|(cut, (k, _))| *cut && *k == kind).map(|o| o.1.1).collect();
        let noticed = of_kind.iter().filter(|noticed| **noticed).count();
        println!("cuts in {kind:?}: {noticed} of {} noticed", of_kind.len());
        let percent = cut_percent_min(kind);
        assert!(noticed as u64 * 100 >= of_kind.len() as u64 * percent, "{kind:?}: wanted {percent} in 100");
    }
    cases("truncations", count);
}
