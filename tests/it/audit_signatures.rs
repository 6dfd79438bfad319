//! Signatures are judged beside the walk, which goes on meanwhile. A forged one must come to the same report as if the
//! walk had ended there: what stands behind it was not judged, and nothing is said of it.

use crate::support::{House, audit, close, sequenced, statement};
use deedbook::audit::Finding;
use deedbook::limits::AUDIT_PART_ENTRIES;
use deedbook::record::Position;
use deedbook::store::keys::{self, LedgerNumber};
use deedbook::store::{Access, Batch, RocksStore, Rows as _, Store as _};
use deedbook_verify::entry::Entry;
use deedbook_verify::frame::{SignatureBlock, frame_digest};
use deedbook_verify::replay::{Replay, ReplayRefusal};
use deedbook_verify::words::Index;

const FRAME_EVENTS: u64 = 512;

/// Bytes with the first occurrence of some replaced by as many others.
fn substitute(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

/// An entry that is its whole frame, with one bit of its signature flipped and the frame digest to match.
fn forged(bytes: &[u8]) -> Vec<u8> {
    let entry = Entry::parse(bytes).unwrap();
    let frame = entry.seal.frame.unwrap();
    let mut block = frame.block.bytes.to_vec();
    *block.last_mut().unwrap() ^= 1;
    let digest = frame_digest(&frame.header, &SignatureBlock::parse(&block).unwrap());
    let bytes = substitute(bytes, frame.block.bytes, &block);
    substitute(&bytes, &entry.seal.frame_digest.0, &digest.0)
}

/// Frames, a frame of one event in the second part, and frames again; its index.
fn house() -> (House, Index) {
    let house = House::build();
    let ledger = house.open();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let [producer, other] = runtime.block_on(house.enrolled(&ledger, &["gateway", "other"])).try_into().ok().unwrap();
    let frames = AUDIT_PART_ENTRIES / FRAME_EVENTS + 1;
    let mut alone = Index(0);
    for number in 0..frames * 2 {
        if number == frames {
            let frame = other.sign(Position::Unsequenced, vec![statement().body("text/plain", "a claim".into())]);
            alone = runtime.block_on(ledger.append(frame)).unwrap().first_index;
        }
        let events = (0..FRAME_EVENTS).map(|_| statement().body("text/plain", "what happened".into()));
        let frame = producer.sign(sequenced(number * FRAME_EVENTS + 1), events.collect());
        runtime.block_on(ledger.append(frame)).unwrap();
    }
    close(ledger, &house.dir);
    (house, alone)
}

#[test]
fn behind_a_forged_signature_nothing_is_judged() {
    let (house, alone) = house();
    let clean = house.assert_clean();
    assert!(alone.0 > AUDIT_PART_ENTRIES && clean.entries > alone.0 + AUDIT_PART_ENTRIES);
    let key = keys::entry(LedgerNumber(1), alone);
    let store = RocksStore::open(&house.dir.store(), Access::ReadWrite).unwrap();
    let changed = forged(&store.get(key.as_slice()).unwrap().unwrap());
    let mut batch = Batch::new();
    batch.put(key.as_slice(), &changed);
    // A body behind it that does not open is no finding: the walk does not come to it.
    batch.put(keys::body(LedgerNumber(1), Index(alone.0 + 1), 0).as_slice(), b"garbage");
    store.commit(&batch).unwrap();
    drop(store);
    let report = audit(house.dir.root());
    let refused = Finding { index: Some(alone), check: "replay", message: "a signature does not verify".to_owned() };
    let of_entries: Vec<&Finding> = report.findings.iter().filter(|finding| finding.index.is_some()).collect();
    assert_eq!(of_entries, [&refused], "{:#?}", report.findings);
    // Genesis and the enrollments have no bodies.
    let without = clean.entries - clean.bodies_opened;
    assert_eq!((report.entries, report.bodies_opened), (alone.0, alone.0 - without));
    assert_eq!(report.head.map(|head| head.size.0), Some(alone.0));
    let again = audit(house.dir.root());
    assert_eq!(again.findings, report.findings, "the same folder, the same words");
}

#[test]
fn a_check_that_was_deferred_decides_as_it_would_have_at_once() {
    let (house, alone) = house();
    let store = RocksStore::open(&house.dir.store(), Access::ReadOnly).unwrap();
    let entries: Vec<Vec<u8>> = (0..=alone.0)
        .map(|index| store.get(keys::entry(LedgerNumber(1), Index(index)).as_slice()).unwrap().unwrap())
        .collect();
    let honest = entries.last().unwrap().clone();
    for (bytes, verifies) in [(honest.clone(), true), (forged(&honest), false)] {
        let (mut at_once, mut deferring) = (Replay::without_ids(), Replay::without_ids());
        let mut checks = Vec::new();
        for entry in &entries[..entries.len() - 1] {
            at_once.step(entry).unwrap();
            let entry = Entry::parse(entry).unwrap();
            deferring.step_deferring(&entry, |deferred| checks.push(deferred)).unwrap();
        }
        assert!(checks.len() > 10 && checks.iter().all(|checks| checks.judge().is_ok()));
        let judged = at_once.step(&bytes).map(|_| ());
        let mut last = None;
        deferring.step_deferring(&Entry::parse(&bytes).unwrap(), |deferred| last = Some(deferred)).unwrap();
        assert_eq!(judged, last.unwrap().judge().map_err(ReplayRefusal::from));
        assert_eq!(judged.is_ok(), verifies);
    }
}
