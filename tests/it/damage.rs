//! The promise of the data folder, byte by byte: a flipped bit, a cut or a deleted file is refused at opening, refused
//! at reading, found by the audit, or without effect on anything that can be exported. What is read is what was
//! acknowledged, or an error. Every kind of file has a bar that can fail.

mod cuts;
mod flips;
mod folder;

use crate::support::Rng;
use crate::support::disk::scratch;
use deedbook::store::{Access, Batch, RocksStore, Store, StoreError};
use folder::{Closed, Held, Verdict};
use std::path::{Path, PathBuf};

/// The engine's own part, with no anchor beside it: a value that was changed is refused, and what stands behind it is
/// not dropped in silence.
#[test]
fn the_engine_itself_refuses_a_damaged_record() {
    let mut rng = Rng::seeded("damaged record");
    for _ in 0..8 {
        let folder = scratch();
        let path = folder.path().join("store");
        let store = RocksStore::open(&path, Access::Create).unwrap();
        let values: Vec<Vec<u8>> = (0..40).map(|_| rng.bytes(100)).collect();
        for (number, value) in (0..40u8).zip(&values) {
            let mut batch = Batch::new();
            batch.put(&[number], value);
            store.commit(&batch).unwrap();
        }
        drop(store);
        let log = newest_log(&path);
        let mut bytes = std::fs::read(&log).unwrap();
        // A value's byte: nothing but the record's checksum can tell.
        let value = &values[usize::try_from(rng.below(40)).unwrap()];
        let at = bytes.windows(value.len()).position(|window| window == value).unwrap();
        let at = at + usize::try_from(rng.below(100)).unwrap();
        bytes[at] ^= 1 << rng.below(8);
        std::fs::write(&log, &bytes).unwrap();
        let opened = RocksStore::open(&path, Access::ReadWrite).err();
        assert!(matches!(opened, Some(StoreError::Damaged(_))), "bit of byte {at} of {}: {opened:?}", bytes.len());
    }
}

/// A length that reaches past the end of the file is what an unfinished write looks like, so the engine takes it for
/// one and drops what stands behind it. The anchor knows how much was acknowledged, and opening refuses.
#[test]
fn a_length_past_the_end_is_refused_by_the_anchor() {
    let closed = Closed::founded();
    let held = Held::open(&closed.dir);
    folder::append(&closed.dir, &held.ledger, 0..20, 1);
    held.close();
    let closed = closed.exported();
    let bytes = std::fs::read(newest_log(&closed.dir.store())).unwrap();
    // What stands behind the last entry was acknowledged to nobody: a signed head is made again.
    let entry = &closed.export.events.last().unwrap().0;
    let last = bytes.windows(entry.len()).rposition(|window| window == entry).unwrap();
    let headers: Vec<usize> = headers_of_last_block(&bytes).into_iter().filter(|at| *at < last).collect();
    assert!(headers.len() >= 5, "{} records in the last block", headers.len());
    for at in headers {
        let harmed = closed.copy();
        let log = newest_log(&harmed.dir.store());
        let mut bytes = std::fs::read(&log).unwrap();
        bytes[at + 5] ^= 0x80;
        std::fs::write(&log, &bytes).unwrap();
        assert_eq!(harmed.judge(&format!("length of the record at byte {at}")), Verdict::OpenRefuses);
    }
}

fn newest_log(store: &Path) -> PathBuf {
    let files = std::fs::read_dir(store).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|ending| ending == "log")).max().unwrap()
}

/// Where the records of the log's last block begin: checksum of four bytes, length of two, type, payload.
fn headers_of_last_block(log: &[u8]) -> Vec<usize> {
    let mut at = log.len() / 32_768 * 32_768;
    let mut headers = Vec::new();
    while at + 7 <= log.len() {
        headers.push(at);
        at += 7 + (usize::from(log[at + 4]) | (usize::from(log[at + 5]) << 8));
    }
    assert_eq!(at, log.len(), "the log's records end where it ends");
    headers
}

/// The judge's own check: what nobody harmed is worth everything, by every way of reading, and clean.
#[test]
fn an_untouched_folder_exports_and_audits() {
    let closed = Closed::build(600);
    for _ in 0..2 {
        assert_eq!(closed.copy().judge("untouched"), Verdict::Harmless);
    }
}
