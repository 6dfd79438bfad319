//! The promise of the `Store` trait, one suite for every backend: ordered rows, batches that apply whole and in order,
//! snapshots that stand still, and everything there again after reopening.

use crate::support::{Rng, scaled};
use deedbook::store::keys::{self, Key, LedgerNumber, prefix};
use deedbook::store::{Access, Batch, Direction, KeyRange, MemoryStore, Operation, RocksStore, Rows, Store};
use deedbook_verify::words::{EventId, Index, Ref};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use tempfile::TempDir;

type Pair = (Vec<u8>, Vec<u8>);
type Model = BTreeMap<Vec<u8>, Vec<u8>>;
/// A value that is put, or none for a deletion.
type Change<'a> = Option<&'a [u8]>;

/// A backend that can be put away and taken up again.
trait Backend {
    fn fresh() -> Self;
    fn store(&self) -> &dyn Store;
    fn reopen(self) -> Self;
}

impl Backend for MemoryStore {
    fn fresh() -> MemoryStore {
        MemoryStore::new()
    }

    fn store(&self) -> &dyn Store {
        self
    }

    fn reopen(self) -> MemoryStore {
        MemoryStore::reopen(&self)
    }
}

struct Rocks {
    store: RocksStore,
    folder: TempDir,
}

impl Backend for Rocks {
    fn fresh() -> Rocks {
        let folder = tempfile::tempdir().unwrap();
        Rocks { store: RocksStore::open(&folder.path().join("store"), Access::Create).unwrap(), folder }
    }

    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn reopen(self) -> Rocks {
        let Rocks { store, folder } = self;
        drop(store);
        Rocks { store: RocksStore::open(&folder.path().join("store"), Access::ReadWrite).unwrap(), folder }
    }
}

fn range(from: &[u8], to: &[u8]) -> KeyRange {
    KeyRange { from: from.to_vec(), to: to.to_vec() }
}

fn scan(rows: &dyn Rows, range: &KeyRange, direction: Direction, limit: usize) -> Vec<Pair> {
    let mut found = Vec::new();
    let mut visit = |key: &[u8], value: &[u8]| {
        found.push((key.to_vec(), value.to_vec()));
        if found.len() == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    rows.scan(range, direction, &mut visit).unwrap();
    found
}

fn expected(model: &Model, range: &KeyRange, direction: Direction, limit: usize) -> Vec<Pair> {
    let inside = |key: &Vec<u8>| *key >= range.from && (range.to.is_empty() || *key < range.to);
    let mut rows: Vec<Pair> = model.iter().filter(|(k, _)| inside(k)).map(|(k, v)| (k.clone(), v.clone())).collect();
    if direction == Direction::Backward {
        rows.reverse();
    }
    rows.truncate(limit);
    rows
}

/// Every range over the edges, both ways, whole and cut short, must answer as the model does.
fn check(rows: &dyn Rows, model: &Model, edges: &[&[u8]]) {
    for key in model.keys().map(Vec::as_slice).chain(edges.iter().copied()) {
        assert_eq!(rows.get(key).unwrap().as_ref(), model.get(key), "get {key:02x?}");
    }
    let between = edges.iter().flat_map(|from| edges.iter().map(|to| range(from, to)));
    let ranges: Vec<KeyRange> = between.chain(edges.iter().map(|edge| prefix(edge))).collect();
    for range in ranges {
        for direction in [Direction::Forward, Direction::Backward] {
            for limit in [usize::MAX, 1, 2] {
                let (found, wanted) = (scan(rows, &range, direction, limit), expected(model, &range, direction, limit));
                assert_eq!(found, wanted, "{range:02x?} {direction:?} up to {limit}");
            }
        }
    }
}

/// Keys at every edge of the order: empty value, byte 0xff, prefixes of each other; and where a backend may divide it,
/// around the rows that are written in the order of their keys.
const EDGES: &[&[u8]] = &[
    b"",
    b"\x00",
    b"\x01",
    b"\x0f\xff",
    b"\x10",
    b"\x10\xff",
    b"\x11",
    b"\x12\x00",
    b"\x12\xff\xff",
    b"\x13",
    b"\x14",
    b"a",
    b"a\x00",
    b"a\xff",
    b"a\xff\xff",
    b"ab",
    b"b",
    b"\xfe\xff",
    b"\xff",
    b"\xff\xff\x01",
];

fn reads_answer_as_a_map<B: Backend>() {
    let backend = B::fresh();
    check(backend.store(), &Model::new(), EDGES);
    let (mut batch, mut model) = (Batch::new(), Model::new());
    for (number, key) in (0u8..).zip(EDGES.iter().filter(|key| !key.is_empty())) {
        batch.put(key, &vec![number; usize::from(number)]);
        model.insert(key.to_vec(), vec![number; usize::from(number)]);
    }
    backend.store().commit(&batch).unwrap();
    check(backend.store(), &model, EDGES);
    let backend = backend.reopen();
    check(backend.store(), &model, EDGES);
    backend.store().flush().unwrap();
    backend.store().verify().unwrap();
    check(backend.store(), &model, EDGES);
    check(backend.reopen().store(), &model, EDGES);
}

fn batches_apply_in_order<B: Backend>() {
    let backend = B::fresh();
    let (put, delete) = (Some(b"old".as_slice()), None);
    let table: &[(&[Change<'_>], Change<'_>)] = &[
        (&[put, Some(b"new")], Some(b"new")),
        (&[put, delete], None),
        (&[delete, put], put),
        (&[put, delete, Some(b"")], Some(b"")),
        (&[delete, delete], None),
        (&[], None),
    ];
    for (number, (operations, result)) in (0u8..).zip(table) {
        let key = [b'k', number];
        let mut batch = Batch::new();
        for operation in *operations {
            match operation {
                Some(value) => batch.put(&key, value),
                None => batch.delete(&key),
            }
        }
        backend.store().commit(&batch).unwrap();
        assert_eq!(backend.store().get(&key).unwrap().as_deref(), *result, "row {number}");
    }
    let all = scan(backend.store(), &range(b"", b""), Direction::Forward, usize::MAX);
    let backend = backend.reopen();
    assert_eq!(scan(backend.store(), &range(b"", b""), Direction::Forward, usize::MAX), all, "after reopening");
}

/// Scattered changes come after those put, in the order of their keys, whatever the order in which they were made.
fn scattered_changes_apply<B: Backend>() {
    let mut batch = Batch::new();
    batch.scatter(b"z", b"1");
    batch.put(b"m", b"2");
    batch.scatter(b"a", b"3");
    batch.scatter(b"z", b"4");
    batch.sort_scattered();
    let keys: Vec<_> = batch.operations().map(|(Operation::Put { key, .. } | Operation::Delete { key })| key).collect();
    assert_eq!((keys, batch.len()), (vec![b"m".as_slice(), b"a", b"z", b"z"], 4));
    let backend = B::fresh();
    backend.store().commit(&batch).unwrap();
    let rows = [(b"a".to_vec(), b"3".to_vec()), (b"m".to_vec(), b"2".to_vec()), (b"z".to_vec(), b"4".to_vec())];
    assert_eq!(scan(backend.store(), &range(b"", b""), Direction::Forward, usize::MAX), rows);
}

fn many_answer_as_one<B: Backend>() {
    let backend = B::fresh();
    let ledger = LedgerNumber(1);
    let ids: Vec<Key> = (0..100).map(|id| keys::event_id(ledger, &Ref([7; 16]), &EventId([id; 16]))).collect();
    let entries: Vec<Key> = (0..100).map(|index| keys::entry(ledger, Index(index))).collect();
    let mut batch = Batch::new();
    for (number, key) in (0u8..).zip(ids.iter().chain(&entries)).filter(|(number, _)| number % 3 == 0) {
        batch.put(key.as_slice(), &[number]);
    }
    backend.store().commit(&batch).unwrap();
    let mixed: Vec<Key> = ids.iter().zip(&entries).flat_map(|(id, entry)| [*entry, *id]).collect();
    let agree = |store: &dyn Store| {
        for keys in [&[][..], &ids, &entries, &mixed, &[ids[3], ids[3], ids[4]]] {
            let one: Vec<_> = keys.iter().map(|key| store.get(key.as_slice()).unwrap()).collect();
            assert_eq!(store.get_many(keys).unwrap(), one);
        }
    };
    agree(backend.store());
    backend.store().flush().unwrap();
    agree(backend.reopen().store());
}

fn snapshots_stand_still<B: Backend>() {
    let backend = B::fresh();
    let mut batch = Batch::new();
    batch.put(b"a", b"1");
    batch.put(b"b", b"1");
    backend.store().commit(&batch).unwrap();
    let model: Model = [(b"a".to_vec(), b"1".to_vec()), (b"b".to_vec(), b"1".to_vec())].into();
    let snapshot = backend.store().snapshot();
    let mut batch = Batch::new();
    batch.put(b"a", b"2");
    batch.delete(b"b");
    batch.put(b"c", b"2");
    backend.store().commit(&batch).unwrap();
    check(snapshot.as_ref(), &model, &[b"", b"a", b"b", b"c"]);
    drop(snapshot);
    let model: Model = [(b"a".to_vec(), b"2".to_vec()), (b"c".to_vec(), b"2".to_vec())].into();
    check(backend.store(), &model, &[b"", b"a", b"b", b"c"]);
}

/// A writer sets all keys to one number; whatever a reader sees in one snapshot has one number.
fn commits_appear_whole<B: Backend + Sync>() {
    let backend = B::fresh();
    let rounds = 200 * scaled(1);
    let write = |number: u64| {
        let mut batch = Batch::new();
        (0..16u8).for_each(|key| batch.put(&[key], &number.to_be_bytes()));
        backend.store().commit(&batch).unwrap();
    };
    write(0);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| (1..=rounds).for_each(write));
        let mut newest = 0;
        while !writer.is_finished() {
            let snapshot = backend.store().snapshot();
            let rows = scan(snapshot.as_ref(), &range(b"", b""), Direction::Forward, usize::MAX);
            let number = u64::from_be_bytes(rows[0].1.as_slice().try_into().unwrap());
            assert_eq!(rows.len(), 16, "no key is missing");
            assert!(rows.iter().all(|(_, value)| *value == number.to_be_bytes()), "half a batch is seen");
            assert!(number >= newest, "reads went backwards");
            newest = number;
        }
    });
}

fn large_values_survive<B: Backend>() {
    let mut rng = Rng::seeded("large values");
    let (mut batch, mut model) = (Batch::new(), Model::new());
    for (number, size) in (0u8..).zip([0, 1, 65_535, 65_536, 1 << 20, 5 << 20]) {
        let value = rng.bytes(size);
        let stored = batch.put_with(&[number], |out| out.extend_from_slice(&value));
        assert_eq!(stored, value);
        model.insert(vec![number], value);
    }
    let backend = B::fresh();
    backend.store().commit(&batch).unwrap();
    let backend = backend.reopen();
    assert!(scan(backend.store(), &range(b"", b""), Direction::Forward, usize::MAX).into_iter().eq(model));
}

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<(Vec<u8>, Option<Vec<u8>>)>),
    Scan(Vec<u8>, Vec<u8>),
    Reopen,
}

/// Short keys over few bytes, so that they meet.
fn any_key() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(0u8), Just(1), Just(0x10), Just(0x11), Just(0x12), Just(0x13), Just(0xfe), Just(0xff)];
    proptest::collection::vec(byte, 1..4)
}

fn any_step() -> impl Strategy<Value = Step> {
    let operation = (any_key(), proptest::option::weighted(0.7, proptest::collection::vec(any::<u8>(), 0..40)));
    prop_oneof![
        6 => proptest::collection::vec(operation, 0..12).prop_map(Step::Commit),
        3 => (any_key(), any_key()).prop_map(|(from, to)| Step::Scan(from, to)),
        1 => Just(Step::Reopen),
    ]
}

fn random_batches_agree<B: Backend>(cases: u64) {
    let seed = Rng::seeded("random batches").bytes(32);
    let config =
        Config { cases: u32::try_from(scaled(cases)).unwrap(), failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let steps = proptest::collection::vec(any_step(), 1..24);
    let outcome = runner.run(&steps, |steps| {
        let (mut backend, mut model) = (B::fresh(), Model::new());
        for step in steps {
            match step {
                Step::Commit(operations) => commit(backend.store(), &mut model, &operations),
                Step::Scan(from, to) => check(backend.store(), &model, &[&from, &to, b""]),
                Step::Reopen => backend = backend.reopen(),
            }
        }
        check(backend.store(), &model, &[b"", b"\xff", b"\x01"]);
        Ok(())
    });
    outcome.unwrap();
}

fn commit(store: &dyn Store, model: &mut Model, operations: &[(Vec<u8>, Option<Vec<u8>>)]) {
    let mut batch = Batch::new();
    for (key, value) in operations {
        match value {
            Some(value) => {
                batch.put(key, value);
                model.insert(key.clone(), value.clone());
            }
            None => {
                batch.delete(key);
                model.remove(key);
            }
        }
    }
    assert_eq!(batch.len(), operations.len());
    store.commit(&batch).unwrap();
}

macro_rules! for_every_backend {
    ($($test:ident),+ $(,)?) => {
        mod memory {
            $(#[test] fn $test() { super::$test::<super::MemoryStore>(); })+
            #[test] fn random_batches_agree() { super::random_batches_agree::<super::MemoryStore>(400); }
        }
        mod rocks {
            $(#[test] fn $test() { super::$test::<super::Rocks>(); })+
            #[test] fn random_batches_agree() { super::random_batches_agree::<super::Rocks>(24); }
        }
    };
}

for_every_backend!(
    reads_answer_as_a_map,
    batches_apply_in_order,
    scattered_changes_apply,
    many_answer_as_one,
    snapshots_stand_still,
    commits_appear_whole,
    large_values_survive,
);
