//! What the tests of faults share: a ledger over a store and an anchor in memory that fail when they are told to, with
//! fixed keys and a clock that stands still. It promises nothing itself; `judge` is an outsider over the bytes.

use bytes::Bytes;
use deedbook::audit::{self, AuditPaths};
use deedbook::clock::{Clock, Reading};
use deedbook::domain::{person_ref, source_ref};
use deedbook::ledger::{Birth, HeadKey, HeadRow, Ledger, OpenError, Parts, SequencerKey, write_genesis};
use deedbook::record::{FactsBuilder, FrameBytes, FrameSigner, Position, SigningKey, store_ref_key};
use deedbook::store::keys::{self, LedgerNumber, RowTag};
use deedbook::store::{
    Access, AnchorError, AnchorRecord, AnchorSet, Batch, Direction, Fault, FileAnchor, HeadAnchor, KeyRange, Loaded,
    MemoryStore, Operation, Purged, RocksStore, Rows, Store, StoreError, Visit,
};
use deedbook_verify::hash::RefKey;
use deedbook_verify::kind::Kind;
use deedbook_verify::note::VerifierKey;
use deedbook_verify::replay::Replay;
use deedbook_verify::words::{EventId, Index, LedgerId, Micros, Ref};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};

pub const NUMBER: LedgerNumber = LedgerNumber(1);
pub const ORIGIN: &str = "ledger.example/memory";
pub const START: Reading = Reading { wall: Micros(1_800_000_000_000_000), boot: Micros(5_000_000) };

/// What writes: each is a place where the ledger can be cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WritePoint {
    StoreCommit,
    AnchorAdvance,
    CheckpointRow,
    /// An erasure is being finished: the encrypted bytes go.
    BodyBlocks,
    /// The store is asked to remove keys from its files.
    Purge,
    /// The row that says that an erasure is not finished goes.
    PendingRow,
    /// Rows of the lineage graph are derived from the log.
    LineageRows,
}

/// One write that fails: the one after `skip` others of its kind.
#[derive(Clone, Copy, Debug)]
struct Plan {
    point: WritePoint,
    skip: u64,
    fault: Fault,
}

/// The next write of this kind, when it is the planned one.
fn due(plan: &Mutex<Option<Plan>>, point: WritePoint) -> Option<Fault> {
    let mut plan = plan.lock().unwrap();
    let planned = plan.as_mut().filter(|plan| plan.point == point)?;
    if planned.skip > 0 {
        planned.skip -= 1;
        return None;
    }
    plan.take().map(|plan| plan.fault)
}

/// A `MemoryStore` whose faults strike a kind of batch, so that the head signer's rows do not eat them.
pub struct FaultyStore {
    rows: MemoryStore,
    // What the keys begin with whose rows cannot be read.
    reads_fail: Mutex<Option<Vec<u8>>>,
    // Held over a write, so that a fault strikes the write that it was meant for.
    writing: Mutex<()>,
    plan: Arc<Mutex<Option<Plan>>>,
}

/// What a batch is for, by its first change.
fn point_of(batch: &Batch) -> WritePoint {
    match batch.operations().next() {
        Some(Operation::Put { key, .. }) if key[0] == RowTag::Checkpoint as u8 => WritePoint::CheckpointRow,
        Some(Operation::Delete { key }) if key[0] == RowTag::Body as u8 => WritePoint::BodyBlocks,
        Some(Operation::Delete { key }) if key[0] == RowTag::Pending as u8 => WritePoint::PendingRow,
        Some(Operation::Put { key, .. }) if key[0] == RowTag::Lineage as u8 => WritePoint::LineageRows,
        _ => WritePoint::StoreCommit,
    }
}

impl Rows for FaultyStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        if self.reads_fail.lock().unwrap().as_ref().is_some_and(|prefix| key.starts_with(prefix)) {
            return Err(StoreError::Damaged("injected: a read failed".to_owned()));
        }
        self.rows.get(key)
    }

    fn scan(&self, range: &KeyRange, direction: Direction, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.rows.scan(range, direction, visit)
    }
}

impl Store for FaultyStore {
    fn snapshot(&self) -> Box<dyn Rows + '_> {
        self.rows.snapshot()
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let _writing = self.writing.lock().unwrap();
        if let Some(fault) = due(&self.plan, point_of(batch)) {
            self.rows.fail_after(0, fault);
        }
        self.rows.commit(batch)
    }

    fn checkpoint(&self, folder: &Path) -> Result<(), StoreError> {
        self.rows.checkpoint(folder)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.rows.flush()
    }

    /// A store that fails here stays failed, as an engine does after a failed flush.
    fn purge(&self, range: &KeyRange) -> Result<Purged, StoreError> {
        let _writing = self.writing.lock().unwrap();
        match due(&self.plan, WritePoint::Purge) {
            Some(fault) => {
                self.rows.fail_after(0, fault);
                self.rows.commit(&Batch::new()).map(|()| Purged::NotYet)
            }
            None => self.rows.purge(range),
        }
    }

    fn verify(&self) -> Result<(), StoreError> {
        self.rows.verify()
    }

    fn free_bytes(&self) -> Option<u64> {
        self.rows.free_bytes()
    }
}

#[derive(Clone, Copy)]
struct AnchorState {
    record: AnchorRecord,
    failed: bool,
    held: bool,
    waiting: bool,
}

/// An anchor in memory; clones share it. While it is held, the commit under way waits in it.
#[derive(Clone)]
pub struct MemoryAnchor {
    state: Arc<(Mutex<AnchorState>, Condvar)>,
    plan: Arc<Mutex<Option<Plan>>>,
}

impl MemoryAnchor {
    fn new(record: AnchorRecord, plan: Arc<Mutex<Option<Plan>>>) -> MemoryAnchor {
        let state = AnchorState { record, failed: false, held: false, waiting: false };
        MemoryAnchor { state: Arc::new((Mutex::new(state), Condvar::new())), plan }
    }

    pub fn record(&self) -> AnchorRecord {
        self.state.0.lock().unwrap().record
    }

    /// Makes the next advance wait.
    pub fn hold(&self) {
        self.state.0.lock().unwrap().held = true;
    }

    /// Returns when an advance waits.
    pub fn until_reached(&self) {
        let state = self.state.0.lock().unwrap();
        drop(self.state.1.wait_while(state, |state| !state.waiting).unwrap());
    }

    pub fn release(&self) {
        self.state.0.lock().unwrap().held = false;
        self.state.1.notify_all();
    }
}

impl HeadAnchor for MemoryAnchor {
    fn place(&self) -> String {
        "memory".to_owned()
    }

    fn load(&self) -> Result<Loaded, AnchorError> {
        Ok(Loaded { record: self.record(), one_slot_damaged: false })
    }

    fn advance(&self, from: &AnchorRecord, to: &AnchorRecord) -> Result<(), AnchorError> {
        let fault = due(&self.plan, WritePoint::AnchorAdvance);
        let mut state = self.state.0.lock().unwrap();
        state.waiting = true;
        self.state.1.notify_all();
        state = self.state.1.wait_while(state, |state| state.held).unwrap();
        state.waiting = false;
        let failure =
            |path: &str| AnchorError::Io { path: PathBuf::from(path), error: std::io::Error::other("injected") };
        if state.failed {
            return Err(failure("failed before"));
        }
        assert!(from == to || state.record == *from, "the anchor moves from where it stands");
        state.failed = fault.is_some();
        if fault != Some(Fault::Lost) {
            state.record = *to;
        }
        fault.map_or(Ok(()), |_| Err(failure("memory")))
    }
}

/// A ledger's store, anchor, keys and clock, open or not.
pub struct World {
    pub store: Arc<FaultyStore>,
    pub anchor: MemoryAnchor,
    pub clock: Clock,
    pub id: LedgerId,
    pub refs: RefKey,
    plan: Arc<Mutex<Option<Plan>>>,
}

pub fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(name, &[seed; 32]).unwrap()
}

pub fn admin() -> SigningKey {
    key("admin", 3)
}

impl World {
    /// A ledger that has its genesis and nothing else. Two of one nonce are the same ledger.
    pub fn new(nonce: u8) -> World {
        World::born(nonce, &[admin().verifier_key().clone()], &[])
    }

    /// The same with other people in its genesis.
    pub fn born(nonce: u8, admins: &[VerifierKey], reviewers: &[(String, VerifierKey)]) -> World {
        let (rows, refs) = (MemoryStore::new(), RefKey([7; 32]));
        let head = key(ORIGIN, 1);
        let birth = Birth {
            origin: ORIGIN,
            head: &head,
            sequencer: key("sequencer", 2),
            ref_key: &refs,
            reviewers,
            admins,
            nonce: [nonce; 32],
            now: START.wall,
        };
        let (id, record) = write_genesis(birth, &rows).unwrap();
        World::of(rows, record, Clock::manual(START), id)
    }

    fn of(rows: MemoryStore, record: AnchorRecord, clock: Clock, id: LedgerId) -> World {
        let plan = Arc::new(Mutex::new(None));
        let (reads_fail, writing) = (Mutex::default(), Mutex::new(()));
        let store = Arc::new(FaultyStore { rows, reads_fail, writing, plan: Arc::clone(&plan) });
        let anchor = MemoryAnchor::new(record, Arc::clone(&plan));
        World { store, anchor, clock, id, refs: RefKey([7; 32]), plan }
    }

    /// Makes one write fail: the one after `skip` others of its kind.
    pub fn fail(&self, point: WritePoint, skip: u64, fault: Fault) {
        *self.plan.lock().unwrap() = Some(Plan { point, skip, fault });
    }

    /// Makes every read of one row fail whose key begins like this.
    pub fn fail_reads_of(&self, prefix: &[u8]) {
        *self.store.reads_fail.lock().unwrap() = Some(prefix.to_vec());
    }

    /// The world as the next process finds it: faults are gone, rows and record are as they were kept. What this one
    /// still does has no effect there.
    pub fn next_process(&self) -> World {
        World::of(self.store.rows.reopen(), self.anchor.record(), self.clock.clone(), self.id)
    }

    /// The same with an anchor that knows something else.
    pub fn with_record(&self, record: AnchorRecord) -> World {
        World::of(self.store.rows.reopen(), record, self.clock.clone(), self.id)
    }

    pub fn parts(&self, anchor: Box<dyn HeadAnchor>, accept_clock: bool) -> Parts {
        Parts {
            store: Arc::clone(&self.store) as Arc<dyn Store>,
            anchors: AnchorSet::new(anchor, Vec::new()),
            clock: self.clock.clone(),
            head: HeadKey::new(key(ORIGIN, 1)),
            sequencer: SequencerKey::new(key("sequencer", 2)),
            ref_key: self.refs.clone(),
            accept_clock,
        }
    }

    pub fn try_open(&self) -> Result<Ledger, OpenError> {
        Ledger::from_parts(self.parts(Box::new(self.anchor.clone()), false))
    }

    pub fn open(&self) -> Ledger {
        self.try_open().unwrap()
    }

    pub fn source(&self, name: &str) -> Ref {
        source_ref(&self.refs, name).unwrap()
    }

    pub fn person(&self, name: &str) -> Ref {
        person_ref(&self.refs, "", name).unwrap()
    }

    pub fn frame(&self, source: Ref, key: &SigningKey, at: Position, events: Vec<FactsBuilder>) -> FrameBytes {
        FrameSigner { ledger: self.id, source, key }.sign(at, events).unwrap()
    }

    /// The administrator enrolls a key.
    pub fn enroll(&self, id: u64, key: &SigningKey, source: Ref) -> FrameBytes {
        let command = FactsBuilder::new(Kind::KeyEnrolled, event_id(id), START.wall).key_grant(key.public(), source);
        self.frame(self.person("admin"), &admin(), Position::Unsequenced, vec![command])
    }

    /// Writes the rows into a folder as RocksDB has them, and lets the audit judge it.
    pub fn audit_as_files(&self) {
        let report = self.audit();
        assert!(report.is_clean(), "audit: {:#?}", report.findings);
    }

    /// What the audit says of the same rows in a folder.
    pub fn audit(&self) -> audit::Report {
        let folder = crate::support::disk::scratch();
        let paths = AuditPaths::of(folder.path());
        std::fs::create_dir_all(paths.anchor.parent().unwrap()).unwrap();
        std::fs::write(&paths.verifier_key, format!("{}\n", key(ORIGIN, 1).verifier_key())).unwrap();
        std::fs::create_dir_all(paths.ref_key.parent().unwrap()).unwrap();
        store_ref_key(&paths.ref_key, &self.refs).unwrap();
        FileAnchor::create(&paths.anchor, &self.anchor.record()).unwrap();
        let mut batch = Batch::new();
        for (key, value) in all_rows(self.store.as_ref()) {
            batch.put(&key, &value);
        }
        RocksStore::open(&paths.store, Access::Create).unwrap().commit(&batch).unwrap();
        audit::run(&paths, &[], &|_, _| {}).unwrap()
    }
}

pub fn event_id(number: u64) -> EventId {
    let mut id = [0xe1; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    EventId(id)
}

/// A statement with a body.
pub fn statement(id: u64) -> FactsBuilder {
    FactsBuilder::new(Kind::DataAccessed, event_id(id), START.wall).body("text/plain", Bytes::from(body_of(id)))
}

pub fn body_of(id: u64) -> Vec<u8> {
    format!("body of event {id}").into_bytes()
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub fn all_rows(rows: &dyn Store) -> Vec<(Vec<u8>, Vec<u8>)> {
    scan_all(rows, &KeyRange { from: Vec::new(), to: Vec::new() })
}

pub fn scan_all(rows: &dyn Store, range: &KeyRange) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    let mut visit = |key: &[u8], value: &[u8]| {
        found.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    rows.scan(range, Direction::Forward, &mut visit).unwrap();
    found
}

/// A log that an outsider has replayed.
pub struct Log {
    pub entries: Vec<Vec<u8>>,
    pub replay: Replay,
}

/// Replays every stored entry from genesis on; it must end clean and at the stored head.
pub fn judge(store: &dyn Store) -> Log {
    let range = keys::between(keys::entry(NUMBER, Index(0)), keys::entry(NUMBER, Index(u64::MAX)));
    let (mut entries, mut replay) = (Vec::new(), Replay::new());
    for (key, bytes) in scan_all(store, &range) {
        let index = replay.head_size().0;
        assert_eq!(keys::trailing_u64(&key), Some(index), "entries are gapless");
        replay.step(&bytes).unwrap_or_else(|refusal| panic!("entry {index}: {refusal}"));
        entries.push(bytes);
    }
    replay.finish().unwrap();
    let row = store.get(keys::head(NUMBER).as_slice()).unwrap().unwrap();
    assert_eq!(HeadRow::parse(&row).unwrap().head, replay.head(), "the head row is that of the entries");
    Log { entries, replay }
}
