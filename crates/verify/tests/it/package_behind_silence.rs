//! Packages that begin behind a removal over somebody's silence: what broke it is brought along, and nothing else may be.

use crate::encode::{Fields, id16, seed, tag};
use crate::governed::*;
use crate::ledger::{Draft, Ledger, event, with};
use crate::package_maker::{Memory, Plan, code, reseal, start, verify};
use crate::world::plain;
use deedbook_verify::package::{PackageCode, Start};
use deedbook_verify::words::Index;

fn by(ledger: &mut Ledger, name: &str, mut facts: Fields) -> usize {
    facts.insert(tag::EVENT_ID, id16(&format!("event {}", ledger.placed.len())).to_vec());
    ledger.append(Draft::by(&key_of(name), person(name), vec![facts]))
}

fn vote(ledger: &mut Ledger, name: &str, on: usize) -> usize {
    let command = crate::encode::facts(&ledger.placed[on].facts);
    let until = ledger.received + 60_000_000;
    let facts = ballot(&ledger.id, &command, until, (person(name), &key_of(name)), 1);
    by(ledger, name, facts)
}

/// What a person asks of their own: a command that governs nothing.
fn asks(ledger: &mut Ledger, name: &str) {
    let stream = id16(&format!("action {}", ledger.placed.len()));
    let facts = with(
        event(0x0100, ""),
        &[
            (tag::STREAM, &stream),
            (0x0010, &[&[1], person(name).as_slice()].concat()),
            (0x0020, b"dataset.read"),
            (0x0021, &seed("action")),
            (0x015f, &[1]),
        ],
    );
    by(ledger, name, body(facts));
    ledger.refuse(1);
}

fn states(ledger: &mut Ledger, name: &str) {
    by(ledger, name, plain("stated"));
}

/// Alice asks for Bob's removal over his silence; something happens; a fortnight later she votes, and it ends so.
fn told(speaks: impl FnOnce(&mut Ledger), refused: bool) -> (Ledger, usize) {
    let mut ledger = founded(&[("alice", 1), ("bob", 1), ("rita", 2)]);
    let at = by(&mut ledger, "alice", declared(disable("bob", 1), &["bob"]));
    states(&mut ledger, "rita");
    speaks(&mut ledger);
    states(&mut ledger, "rita");
    ledger.received += SILENCE_US;
    vote(&mut ledger, "alice", at);
    if refused {
        ledger.refuse(61);
    }
    let begins = ledger.placed.len();
    ledger.received += 1;
    (0..2).for_each(|_| states(&mut ledger, "rita"));
    (ledger, begins)
}

fn bent(ledger: &Ledger, begins: usize, bend: impl FnOnce(&mut Start)) -> Option<PackageCode> {
    let mut package: Memory = Plan::of(ledger, begins, ledger.placed.len()).write(ledger).unwrap();
    let mut before = start(ledger, begins);
    bend(&mut before);
    package.0.insert("data/start.bin".into(), before.to_bytes());
    reseal(&mut package);
    code(ledger, &package)
}

#[test]
fn a_silence_that_an_ordinary_command_broke_stays_broken() {
    let (ledger, begins) = told(
        |ledger| {
            asks(ledger, "bob");
            asks(ledger, "bob");
        },
        true,
    );
    let package = Plan::of(&ledger, begins, ledger.placed.len()).write(&ledger).unwrap();
    verify(&ledger, &package).unwrap_or_else(|refusal| panic!("{refusal}"));
    // Genesis and what is behind it, which is the removal; what is behind that; what Bob asked first; the vote, its refusal.
    let brought: Vec<u64> = start(&ledger, begins).entries.iter().map(|(index, _)| index.0).collect();
    assert_eq!(brought, [0, 1, 2, 3, 8, 9]);
    assert_eq!(bent(&ledger, begins, |_| ()), None);
    let without = bent(&ledger, begins, |start| start.entries.retain(|(index, _)| index.0 != 3));
    assert_eq!(without, Some(PackageCode::Before), "without it the refusal has no reason");
}

#[test]
fn a_silence_that_lasted_is_one() {
    let (ledger, begins) = told(|ledger| states(ledger, "bob"), false);
    let package = Plan::of(&ledger, begins, ledger.placed.len()).write(&ledger).unwrap();
    verify(&ledger, &package).unwrap_or_else(|refusal| panic!("{refusal}"));
    assert!(start(&ledger, begins).entries.iter().all(|(index, _)| index.0 != 3), "a statement is no command");
}

#[test]
fn the_command_directly_behind_the_removal_counts_too() {
    let mut ledger = founded(&[("alice", 1), ("bob", 1), ("rita", 2)]);
    let at = by(&mut ledger, "alice", declared(disable("bob", 1), &["bob"]));
    asks(&mut ledger, "bob");
    ledger.received += SILENCE_US;
    vote(&mut ledger, "alice", at);
    ledger.refuse(61);
    let begins = ledger.placed.len();
    ledger.received += 1;
    (0..2).for_each(|_| states(&mut ledger, "rita"));
    let package = Plan::of(&ledger, begins, ledger.placed.len()).write(&ledger).unwrap();
    verify(&ledger, &package).unwrap_or_else(|refusal| panic!("{refusal}"));
}

#[test]
fn nothing_else_is_brought() {
    let (ledger, begins) = told(
        |ledger| {
            asks(ledger, "bob");
            asks(ledger, "bob");
        },
        true,
    );
    // Bob's second command, and a statement: both are in the tree, and neither belongs there.
    for stray in [5, 7] {
        let found = bent(&ledger, begins, |start| {
            start.entries.push((Index(stray), ledger.entries()[stray as usize].clone()));
            start.entries.sort();
        });
        assert_eq!(found, Some(PackageCode::Before), "{stray}");
    }
}
