//! The promise of `Store::purge`: what was deleted in a range is in no file any more, whatever level it had sunk to,
//! and nothing else has changed; while somebody holds an old state, it says so.

use crate::support::disk::files_with;
use crate::support::{Rng, scaled};
use deedbook::store::keys::{self, LedgerNumber};
use deedbook::store::{Access, Batch, KeyRange, MemoryStore, Purged, RocksStore, Store};
use deedbook_verify::words::Index;
use std::collections::BTreeMap;
use std::path::Path;

const NUMBER: LedgerNumber = LedgerNumber(1);

/// Values of 32 random bytes under the keys of bodies, as the store of a ledger holds them.
type Model = BTreeMap<u64, Vec<u8>>;

fn key(index: u64) -> keys::Key {
    keys::body_key(NUMBER, Index(index))
}

fn all() -> KeyRange {
    keys::body_keys(NUMBER, Index(0), Index(u64::MAX))
}

/// Puts keys in batches, with flushes now and then, so that they lie in logs, memtables and tables.
fn put(store: &dyn Store, rng: &mut Rng, indexes: std::ops::Range<u64>, model: &mut Model) {
    let mut batch = Batch::new();
    for index in indexes {
        let value = rng.bytes(32);
        batch.put(key(index).as_slice(), &value);
        // Neighbours in other families, which stay.
        batch.put(keys::entry(NUMBER, Index(index)).as_slice(), &index.to_be_bytes());
        model.insert(index, value);
        if rng.percent(10) {
            store.commit(&batch).unwrap();
            batch = Batch::new();
        }
        if rng.percent(2) {
            store.flush().unwrap();
        }
    }
    store.commit(&batch).unwrap();
}

fn delete(store: &dyn Store, indexes: &[u64]) {
    let mut batch = Batch::new();
    indexes.iter().for_each(|index| batch.delete(key(*index).as_slice()));
    store.commit(&batch).unwrap();
}

fn check(store: &dyn Store, model: &Model, gone: &Model) {
    for (index, value) in model {
        assert_eq!(store.get(key(*index).as_slice()).unwrap().as_ref(), Some(value), "{index}");
        assert!(store.get(keys::entry(NUMBER, Index(*index)).as_slice()).unwrap().is_some());
    }
    for index in gone.keys() {
        assert_eq!(store.get(key(*index).as_slice()).unwrap(), None, "{index}");
        assert!(store.get(keys::entry(NUMBER, Index(*index)).as_slice()).unwrap().is_some());
    }
}

fn purging_changes_no_answer(store: &dyn Store) {
    let (mut rng, mut model, mut gone) = (Rng::seeded("purge"), Model::new(), Model::new());
    for round in 0..4 {
        put(store, &mut rng, round * 100..round * 100 + 100, &mut model);
        let indexes: Vec<u64> = (0..20).map(|_| rng.below(round * 100 + 100)).collect();
        delete(store, &indexes);
        gone.extend(indexes.iter().filter_map(|index| Some((*index, model.remove(index)?))));
        check(store, &model, &gone);
        assert_eq!(store.purge(&all()).unwrap(), Purged::Everywhere);
        check(store, &model, &gone);
    }
    // Nothing was deleted since, nothing is in a memtable: once more costs nothing.
    assert_eq!(store.purge(&all()).unwrap(), Purged::Everywhere);
    assert_eq!(store.purge(&keys::body_keys(NUMBER, Index(5_000), Index(5_001))).unwrap(), Purged::Everywhere);
    check(store, &model, &gone);
}

#[test]
fn purging_changes_no_answer_in_memory() {
    purging_changes_no_answer(&MemoryStore::new());
}

#[test]
fn purging_changes_no_answer_of_the_engine() {
    let folder = tempfile::tempdir().unwrap();
    purging_changes_no_answer(&RocksStore::open(&folder.path().join("store"), Access::Create).unwrap());
}

fn holds(folder: &Path, value: &[u8]) -> bool {
    !files_with(folder, value).is_empty()
}

/// Keys in a fresh table, in tables that were merged and sank, and in the log alone: deleted, then in no file.
#[test]
fn deleted_rows_are_in_no_file_from_whatever_level() {
    let (mut rng, folder) = (Rng::seeded("purge files"), tempfile::tempdir().unwrap());
    let path = folder.path().join("store");
    let mut store = RocksStore::open(&path, Access::Create).unwrap();
    let (mut model, mut erased) = (Model::new(), Model::new());
    for round in 0..scaled(6) {
        put(&store, &mut rng, round * 300..round * 300 + 300, &mut model);
        let mut sample: Vec<u64> = (0..8).map(|_| rng.below(round * 300 + 300)).collect();
        // Flushed, because in the log a key may lie across two blocks, with a header between its halves.
        store.flush().unwrap();
        assert!(
            sample.iter().filter_map(|index| model.get(index)).all(|value| holds(&path, value)),
            "keys are in files"
        );
        // Others are in the log and in no table; of them nothing can be said before.
        let fresh = 1_000_000 + round * 10;
        put(&store, &mut rng, fresh..fresh + 10, &mut model);
        sample.extend([fresh, fresh + 9]);
        delete(&store, &sample);
        erased.extend(sample.iter().filter_map(|index| Some((*index, model.remove(index)?))));
        if rng.percent(50) {
            drop(store);
            store = RocksStore::open(&path, Access::ReadWrite).unwrap();
        }
        let (from, to) = (*sample.iter().min().unwrap(), sample.iter().max().unwrap() + 1);
        assert_eq!(store.purge(&keys::body_keys(NUMBER, Index(from), Index(to))).unwrap(), Purged::Everywhere);
        assert!(erased.values().all(|value| !holds(&path, value)), "round {round}");
        assert!(model.values().take(20).all(|value| holds(&path, value)), "the search finds what is kept");
    }
    drop(store);
    assert!(erased.values().all(|value| !holds(&path, value)), "closed");
    let store = RocksStore::open(&path, Access::ReadWrite).unwrap();
    assert!(erased.values().all(|value| !holds(&path, value)), "reopened");
    check(&store, &model, &erased);
}

#[test]
fn a_snapshot_delays_purging_and_is_named_not_ignored() {
    let (mut rng, folder) = (Rng::seeded("purge snapshot"), tempfile::tempdir().unwrap());
    let path = folder.path().join("store");
    let store = RocksStore::open(&path, Access::Create).unwrap();
    let mut model = Model::new();
    put(&store, &mut rng, 0..50, &mut model);
    let snapshot = store.snapshot();
    delete(&store, &[7]);
    assert_eq!(store.purge(&all()).unwrap(), Purged::NotYet);
    assert_eq!(snapshot.get(key(7).as_slice()).unwrap().as_ref(), model.get(&7), "the snapshot stands still");
    assert!(holds(&path, &model[&7]));
    drop(snapshot);
    assert_eq!(store.purge(&all()).unwrap(), Purged::Everywhere);
    assert!(!holds(&path, &model[&7]));
}

/// While others write, purging goes on: what it was asked for is gone in the end.
#[test]
fn purging_beside_writers_comes_to_an_end() {
    let (mut rng, folder) = (Rng::seeded("purge beside"), tempfile::tempdir().unwrap());
    let path = folder.path().join("store");
    let store = RocksStore::open(&path, Access::Create).unwrap();
    let mut model = Model::new();
    put(&store, &mut rng, 0..200, &mut model);
    let mut others = rng.fork();
    std::thread::scope(|scope| {
        let store = &store;
        let writer = scope.spawn(move || put(store, &mut others, 1_000..3_000, &mut Model::new()));
        delete(store, &[3, 90, 150]);
        let mut tries = 0;
        while store.purge(&keys::body_keys(NUMBER, Index(3), Index(151))).unwrap() == Purged::NotYet {
            tries += 1;
            assert!(tries < 100, "it never ends");
        }
        assert!([3, 90, 150].iter().all(|index| !holds(&path, &model[index])));
        writer.join().unwrap();
    });
}
