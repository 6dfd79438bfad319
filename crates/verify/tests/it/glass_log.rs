//! Break-glass in a whole log: replay finds what the fold found, nobody can add, drop or change a declaration, nor call a
//! silence one that was broken or too short; and receipts say what was declared so.

use crate::encode::{self, Fields, Key, id16, tag};
use crate::governed::*;
use crate::ledger::{Draft, Ledger, enroll, revoke};
use crate::maker::Receipt;
use crate::replay::replay;
use crate::world::plain;
use deedbook_verify::judge::{Glass, verify_receipt};
use deedbook_verify::note::VerifierKey;
use deedbook_verify::replay::ReplayRefusal;
use deedbook_verify::words::Ref;

fn of_two() -> Ledger {
    founded(&[("alice", 1), ("bob", 1), ("rita", 2)])
}

fn by(ledger: &mut Ledger, name: &str, mut facts: Fields) -> usize {
    facts.insert(tag::EVENT_ID, id16(&format!("event {}", ledger.placed.len())).to_vec());
    ledger.append(Draft::by(&key_of(name), person(name), vec![facts]))
}

fn vote(ledger: &mut Ledger, name: &str, on: usize, decision: u8) -> usize {
    let command = encode::facts(&ledger.placed[on].facts);
    let until = ledger.received + 60_000_000;
    let facts = ballot(&ledger.id, &command, until, (person(name), &key_of(name)), decision);
    by(ledger, name, facts)
}

fn verdict(ledger: &Ledger) -> Option<(usize, ReplayRefusal)> {
    replay(&ledger.entries()).err()
}

/// Alice asks for Bob's removal over his silence.
fn asked() -> (Ledger, usize) {
    let mut ledger = of_two();
    let at = by(&mut ledger, "alice", declared(disable("bob", 1), &["bob"]));
    (ledger, at)
}

#[test]
fn replay_finds_a_silence_that_was_long_enough() {
    let (mut ledger, at) = asked();
    let mut early = ledger.clone();
    let voted = vote(&mut early, "alice", at, 1);
    assert_eq!(verdict(&early), Some((voted + 1, ReplayRefusal::RefusalMissing)), "an operator cannot call it over");
    early.refuse(60);
    assert_eq!(verdict(&early), None);
    let mut broken = ledger.clone();
    // A command of Bob's that is refused shows that he is there, and so does one about an action.
    by(&mut broken, "bob", retire("p"));
    broken.refuse(52);
    broken.received += SILENCE_US;
    let voted = vote(&mut broken, "alice", at, 1);
    assert_eq!(verdict(&broken), Some((voted + 1, ReplayRefusal::RefusalMissing)));
    broken.refuse(61);
    assert_eq!(verdict(&broken), None);
    // What his source states is no command.
    ledger.append(Draft::by(&key_of("bob"), person("bob"), vec![plain("stated")]));
    ledger.received += SILENCE_US;
    let voted = vote(&mut ledger, "alice", at, 1);
    let mut refused = ledger.clone();
    refused.refuse(61);
    assert_eq!(verdict(&refused), Some((voted + 1, ReplayRefusal::RefusalUnfounded)), "nor a true one broken");
    let fresh = Key::named("fresh");
    let bound = by(&mut ledger, "alice", declared(bind("carol", 1, Some(&fresh)), &[]));
    let replayed = replay(&ledger.entries()).unwrap();
    let authority = replayed.authority().unwrap();
    assert_eq!(authority.broken_glass().commands, 2);
    let carol = authority.principals().get(Ref(person("carol"))).unwrap();
    assert_eq!((carol.bound_by.alone(), carol.bound_at.0), (Some(Ref(person("alice"))), bound as u64));
}

#[test]
fn a_declaration_can_be_neither_dropped_nor_added_nor_changed() {
    let (mut ledger, at) = asked();
    ledger.received += SILENCE_US;
    vote(&mut ledger, "alice", at, 1);
    let undeclared = by(&mut ledger, "alice", declared(publish("p"), &[]));
    assert_eq!(verdict(&ledger), None);
    let wire = |silent: &[&str]| silent.iter().flat_map(|name| person(name)).collect::<Vec<u8>>();
    let changes = [
        (at, None),
        (at, Some(vec![])),
        (at, Some(wire(&["rita"]))),
        (undeclared, None),
        (undeclared, Some(wire(&["bob"]))),
    ];
    for (index, change) in changes {
        let mut altered = ledger.clone();
        let facts = &mut altered.placed[index].facts;
        match change {
            Some(silent) => drop(facts.insert(0x01f0, silent)),
            None => drop(facts.remove(&0x01f0)),
        }
        assert!(verdict(&altered).is_some(), "altered at {index}");
        // Not even somebody with the operator's keys can make it fit: the asker signed it.
        altered.reseal(altered.placed[index].frame, &[]);
        assert!(verdict(&altered).is_some(), "resealed at {index}");
    }
    // Nor added: Bob is there, and what Alice signed without it waits for him.
    let mut plain = of_two();
    let asked = by(&mut plain, "alice", body(disable("bob", 1)));
    plain.placed[asked].facts.insert(0x01f0, vec![]);
    assert!(verdict(&plain).is_some());
}

#[test]
fn receipts_say_what_was_declared_so() {
    let mut ledger = of_two();
    by(&mut ledger, "bob", revoke("own", &key_of("bob").id()));
    let (gate, source) = (Key::named("gate"), id16("gate"));
    let enrolled = by(&mut ledger, "alice", declared(enroll("e", &gate.wire(), &source), &[]));
    let stated = ledger.append(Draft::by(&gate, source, vec![plain("stated")]));
    assert_eq!(verdict(&ledger), None);
    let vkey = VerifierKey::parse(&crate::maker::vkey(&ledger.name, &ledger.head)).unwrap();
    let judged = |at: usize, by: Option<usize>| verify_receipt(&Receipt::of(&ledger, at, by).file(), &vkey).unwrap();
    let (key, command) = (judged(stated, Some(enrolled)), judged(enrolled, None));
    assert_eq!(key.glass, Glass { declared: false, key: true });
    assert_eq!(command.glass, Glass { declared: true, key: false });
    assert!(key.limits().iter().any(|limit| limit.contains("let in by break-glass")));
    assert!(command.limits().iter().any(|limit| limit.contains("declared as break-glass")));
    assert_eq!(judged(1, None).glass, Glass::default());
}
