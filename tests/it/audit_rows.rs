//! Every table of derived rows, tampered with in a closed folder: a row that is missing, altered or one too many is
//! found and named, whatever table it is of. So are bodies and body keys that no entry accounts for.

use crate::support::{House, audit, close, scaled, sequenced, statement};
use deedbook::audit::Report;
use deedbook::ledger::DataDir;
use deedbook::record::Position;
use deedbook::store::keys::{self, LedgerNumber, RowTag};
use deedbook::store::{Access, Batch, Direction, KeyRange, RocksStore, Rows, Store};
use deedbook_verify::words::Index;
use std::ops::ControlFlow;

/// More than two blocks of postings, some in streams, one event alone in its frame.
fn house() -> House {
    let house = House::build();
    let ledger = house.open();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let [producer] = runtime.block_on(house.enrolled(&ledger, &["gateway"])).try_into().ok().unwrap();
    for frame in 0..12u64 {
        let stream = house.stream(&format!("action/{}", frame % 5));
        let events = (0..50).map(|_| statement().stream(stream).body("text/plain", "what happened".into()));
        let frame = producer.sign(sequenced(frame * 50 + 1), events.collect());
        runtime.block_on(ledger.append(frame)).unwrap();
    }
    runtime.block_on(ledger.append(producer.sign(Position::Unsequenced, vec![statement()]))).unwrap();
    close(ledger, &house.dir);
    house
}

pub type Row = (Vec<u8>, Vec<u8>);

/// The rows of a kind, as stored.
pub fn rows(dir: &DataDir, tag: RowTag) -> Vec<Row> {
    let store = RocksStore::open(&dir.store(), Access::ReadOnly).unwrap();
    let range = KeyRange { from: vec![tag as u8], to: vec![tag as u8 + 1] };
    let mut found = Vec::new();
    store
        .scan(&range, Direction::Forward, &mut |key, value| {
            found.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
    found
}

/// Changes rows of a closed folder behind everybody's back.
pub fn change(dir: &DataDir, change: impl FnOnce(&mut Batch)) {
    let store = RocksStore::open(&dir.store(), Access::ReadWrite).unwrap();
    let mut batch = Batch::new();
    change(&mut batch);
    store.commit(&batch).unwrap();
}

/// The checks that found something, each once.
fn found(report: &Report) -> Vec<&'static str> {
    let mut checks: Vec<&str> = report.findings.iter().map(|finding| finding.check).collect();
    checks.dedup();
    checks
}

#[test]
fn a_derived_row_that_is_missing_altered_or_too_many_is_named() {
    let house = house();
    assert_eq!(found(&audit(house.dir.root())), Vec::<&str>::new());
    let tables = [
        (RowTag::EventId, "event id row"),
        (RowTag::Stream, "stream row"),
        (RowTag::StreamHead, "stream head"),
        (RowTag::SourceHead, "source head"),
        (RowTag::Posting, "posting row"),
        (RowTag::Lineage, "lineage row"),
    ];
    for (tag, name) in tables {
        let stored = rows(&house.dir, tag);
        assert!(stored.len() > 1, "{name}");
        for number in 0..scaled(3) {
            let (key, value) = &stored[(number * 7) as usize % stored.len()];
            let mut altered = value.clone();
            *altered.last_mut().unwrap() ^= 1;
            let mut surplus = key.clone();
            *surplus.last_mut().unwrap() ^= 0x80;
            let surplus_known = stored.iter().any(|(key, _)| *key == surplus);
            check(&house.dir, name, "missing", |batch| batch.delete(key), |batch| batch.put(key, value));
            check(&house.dir, name, "altered", |batch| batch.put(key, &altered), |batch| batch.put(key, value));
            if !surplus_known {
                check(&house.dir, name, "surplus", |batch| batch.put(&surplus, value), |batch| batch.delete(&surplus));
            }
        }
    }
    assert_eq!(found(&audit(house.dir.root())), Vec::<&str>::new(), "everything was put back");
}

/// Breaks, audits, and puts back.
fn check(dir: &DataDir, name: &str, how: &str, breaks: impl FnOnce(&mut Batch), mends: impl FnOnce(&mut Batch)) {
    change(dir, breaks);
    let report = audit(dir.root());
    // What is read through the row may fall with it, so that other checks may speak too.
    assert!(found(&report).contains(&name), "{name} {how}: {:?}", report.findings);
    change(dir, mends);
}

#[test]
fn two_rows_that_trade_their_values_are_both_found() {
    let house = house();
    let stored = rows(&house.dir, RowTag::EventId);
    let [(one, first), (two, second), ..] = stored.as_slice() else { panic!("two event ids") };
    change(&house.dir, |batch| {
        batch.put(one, second);
        batch.put(two, first);
    });
    let report = audit(house.dir.root());
    assert_eq!(report.findings.iter().filter(|finding| finding.check == "event id row").count(), 2);
}

#[test]
fn bodies_and_keys_of_no_entry_are_found() {
    let number = LedgerNumber(1);
    for (name, index) in [("body", 0u64), ("body key", 0), ("body", 602), ("body key", 602)] {
        let house = house();
        let key = match name {
            "body" => keys::body(number, Index(index), 0),
            _ => keys::body_key(number, Index(index)),
        };
        change(&house.dir, |batch| batch.put(key.as_slice(), &[7; 32]));
        assert_eq!(found(&audit(house.dir.root())), [name], "of entry {index}");
    }
}

#[test]
fn a_body_that_is_cut_lost_or_foreign_is_found() {
    let house = house();
    let bodies = rows(&house.dir, RowTag::Body);
    let keys = rows(&house.dir, RowTag::BodyKey);
    let (second, last) = (&bodies[1], bodies.last().unwrap());
    let of = |row: &Row| Some(Index(u64::from_be_bytes(row.0[5..13].try_into().unwrap())));
    let cases: Vec<(&str, Row, Option<Vec<u8>>)> = vec![
        ("lost", second.clone(), None),
        ("cut", last.clone(), Some(last.1[..last.1.len() - 1].to_vec())),
        ("another's", second.clone(), Some(bodies[0].1.clone())),
        ("another's key", keys[3].clone(), Some(keys[4].1.clone())),
        ("a lost key", keys[5].clone(), None),
        ("a short key", keys[6].clone(), Some(vec![1; 31])),
    ];
    for (name, row, value) in cases {
        change(&house.dir, |batch| match &value {
            Some(value) => batch.put(&row.0, value),
            None => batch.delete(&row.0),
        });
        let report = audit(house.dir.root());
        let findings: Vec<_> = report.findings.iter().map(|finding| (finding.check, finding.index)).collect();
        assert_eq!(findings, [("body", of(&row))], "{name}");
        assert_eq!(report.bodies_opened, bodies.len() as u64 - 1, "{name}");
        change(&house.dir, |batch| batch.put(&row.0, &row.1));
    }
}
