//! Somebody with the data folder and no key: changes entries, and makes every row and the anchor agree with them, as
//! well as that can be done without signing. It goes through the store's own interface, so that every checksum is right.

use crate::books::Books;
use crate::verdict::Lab;
use deedbook::ledger::{CommitRow, HeadRow, commit_chain};
use deedbook::store::keys::{self, LedgerNumber};
use deedbook::store::{Access, AnchorRecord, Batch, Direction, FileAnchor, RocksStore, Rows as _, Store as _};
use deedbook_verify::entry::Entry;
use deedbook_verify::frame::{FrameHeader, frame_digest};
use deedbook_verify::hash;
use deedbook_verify::tree::Frontier;
use deedbook_verify::words::{Hash, Index};
use std::ops::ControlFlow;

const LEDGER: LedgerNumber = LedgerNumber(1);

/// The entries of a closed ledger, in order.
pub fn entries(books: &Books) -> Lab<Vec<Vec<u8>>> {
    let store = RocksStore::open(&books.dir.store(), Access::ReadOnly)?;
    let range = keys::between(keys::entry(LEDGER, Index(0)), keys::entry(LEDGER, Index(u64::MAX)));
    let mut entries = Vec::new();
    store.scan(&range, Direction::Forward, &mut |_, value| {
        entries.push(value.to_vec());
        ControlFlow::Continue(())
    })?;
    Ok(entries)
}

/// Puts other entries in the place of the same number of entries: with root, commit chain and anchor that agree, and
/// without the checkpoints that do not.
pub fn rewrite(books: &Books, entries: &[Vec<u8>]) -> Lab<()> {
    let store = RocksStore::open(&books.dir.store(), Access::ReadWrite)?;
    let required =
        |key: keys::Key| -> Lab<Vec<u8>> { store.get(key.as_slice())?.ok_or_else(|| "a row is gone".into()) };
    let (mut batch, mut tree) = (Batch::new(), Frontier::new());
    for (bytes, index) in entries.iter().zip(0..) {
        batch.put(keys::entry(LEDGER, Index(index)).as_slice(), bytes);
        tree.push(hash::leaf(bytes));
    }
    let last = entries.last().ok_or("no entries")?;
    let received = Entry::parse(last)?.seal.received;
    let head = HeadRow { head: tree.head(), received, ..HeadRow::parse(&required(keys::head(LEDGER))?)? };
    batch.put(keys::head(LEDGER).as_slice(), &head.to_bytes());
    let before = CommitRow::parse(&required(keys::commit(head.commit - 1))?)?;
    let touched = vec![(books.id, head.head)];
    let commit = CommitRow { chain: commit_chain(&before.chain, head.commit, &touched), touched };
    batch.put(keys::commit(head.commit).as_slice(), &commit.to_bytes());
    store.scan(&keys::checkpoints(LEDGER), Direction::Forward, &mut |key, _| {
        batch.delete(key);
        ControlFlow::Continue(())
    })?;
    store.commit(&batch)?;
    std::fs::remove_file(books.dir.anchor_file())?;
    let record = AnchorRecord { commit: head.commit, size: head.head.size, chain: commit.chain };
    FileAnchor::create(&books.dir.anchor_file(), &record)?;
    Ok(())
}

/// An entry that is its whole frame, with other facts: everything is computed anew but the producer's signature.
pub fn with_facts(bytes: &[u8], from: &[u8], to: &[u8]) -> Lab<Vec<u8>> {
    let entry = Entry::parse(bytes)?;
    let frame = entry.seal.frame.ok_or("the entry is not the first of its frame")?;
    let facts = substitute(entry.facts.bytes, from, to)?;
    let old_root = hash::leaf(entry.facts.bytes);
    let header = substitute(frame.header.bytes, &old_root.0, &hash::leaf(&facts).0)?;
    let digest = frame_digest(&FrameHeader::parse(&header)?, &frame.block);
    let bytes = substitute(bytes, entry.facts.bytes, &facts)?;
    let bytes = substitute(&bytes, frame.header.bytes, &header)?;
    substitute(&bytes, &entry.seal.frame_digest.0, &digest.0)
}

/// An entry with another received time, which is the ledger's to state.
pub fn with_received(bytes: &[u8], received: u64) -> Lab<Vec<u8>> {
    let entry = Entry::parse(bytes)?;
    let facts = bytes.get(..3 + entry.facts.bytes.len()).ok_or("an entry without facts")?;
    let seal = bytes.get(facts.len()..).ok_or("an entry without seal")?;
    let seal = substitute(seal, &entry.seal.received.0.to_be_bytes(), &received.to_be_bytes())?;
    Ok([facts, &seal].concat())
}

/// The root over entries.
pub fn root(entries: &[Vec<u8>]) -> Hash {
    deedbook_verify::tree::root_of(entries.iter().map(|bytes| hash::leaf(bytes)))
}

/// Bytes with the first occurrence of some replaced by as many others.
pub fn substitute(bytes: &[u8], from: &[u8], to: &[u8]) -> Lab<Vec<u8>> {
    let at = bytes.windows(from.len()).position(|window| window == from).ok_or("nothing to replace")?;
    let behind = bytes.get(at + from.len()..).ok_or("nothing behind")?;
    let before = bytes.get(..at).ok_or("nothing before")?;
    if from.len() == to.len() { Ok([before, to, behind].concat()) } else { Err("another length".into()) }
}
