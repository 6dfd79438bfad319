//! The promise of the data folder, byte by byte: a flipped bit, a cut or a deleted file is refused at opening, refused
//! at reading, found by the audit, or without effect on anything that can be exported. What is read is what was
//! acknowledged, or an error. Every kind of file has a bar that can fail.

mod cuts;
mod flips;
mod folder;

use crate::support::Rng;
use crate::support::disk::scratch;
use deedbook::store::{Access, Batch, RocksStore, Store, StoreError};
use folder::{Closed, Verdict};

/// The engine's own part, with no anchor beside it: what stands behind a damaged record is not dropped in silence.
#[test]
fn the_engine_itself_refuses_a_damaged_record() {
    let mut rng = Rng::seeded("damaged record");
    for _ in 0..8 {
        let folder = scratch();
        let path = folder.path().join("store");
        let store = RocksStore::open(&path, Access::Create).unwrap();
        for number in 0..40u8 {
            let mut batch = Batch::new();
            batch.put(&[number], &rng.bytes(100));
            store.commit(&batch).unwrap();
        }
        drop(store);
        let log = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
        let log = log.filter(|path| path.extension().is_some_and(|ending| ending == "log")).max().unwrap();
        let mut bytes = std::fs::read(&log).unwrap();
        // A value's byte: nothing but the record's checksum can tell.
        let at = bytes.len() / 2 + usize::try_from(rng.below(50)).unwrap();
        bytes[at] ^= 1 << rng.below(8);
        std::fs::write(&log, &bytes).unwrap();
        let opened = RocksStore::open(&path, Access::ReadWrite).err();
        assert!(matches!(opened, Some(StoreError::Damaged(_))), "bit of byte {at} of {}: {opened:?}", bytes.len());
    }
}

/// The judge's own check: what nobody harmed is worth everything, by every way of reading, and clean.
#[test]
fn an_untouched_folder_exports_and_audits() {
    let closed = Closed::build(600);
    for _ in 0..2 {
        assert_eq!(closed.copy().judge("untouched"), Verdict::Harmless);
    }
}
