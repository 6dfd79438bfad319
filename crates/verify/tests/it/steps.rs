//! Governance and the steps of the approval machines in a log: what waits has no effect until the other's vote, and what
//! the ledger says behind a command must be derived from it, in order, or be due by time.

use crate::approval_facts::examples;
use crate::encode::{self, Fields, Key, id16, tag};
use crate::governed::{ballot, bind, founded, key_of, person};
use crate::ledger::{Draft, Ledger, enroll, event, with};
use crate::naive_tree::sha256;
use crate::replay::replay;
use crate::world::plain;
use deedbook_verify::replay::ReplayRefusal::{self, *};

fn example(kind: u16) -> Fields {
    let mut facts = examples().into_iter().find(|example| example.kind == kind).unwrap().full();
    [tag::SOURCE, tag::EPOCH, tag::SEQUENCE].iter().for_each(|tag| drop(facts.remove(tag)));
    facts
}

fn of_two() -> Ledger {
    founded(&[("alice", 1), ("bob", 1), ("rita", 2)])
}

fn by(ledger: &mut Ledger, name: &str, facts: Fields) -> usize {
    ledger.append(Draft::by(&key_of(name), person(name), vec![facts]))
}

/// A vote of a person on the last entry.
fn vote(ledger: &mut Ledger, name: &str, decision: u8) -> usize {
    let command = encode::facts(&ledger.placed.last().unwrap().facts);
    let until = ledger.received + 60_000_000;
    let mut facts = ballot(&ledger.id, &command, until, (person(name), &key_of(name)), decision);
    facts.insert(tag::EVENT_ID, id16(&format!("vote {}", ledger.placed.len())).to_vec());
    by(ledger, name, facts)
}

fn verdict(ledger: &Ledger) -> Option<(usize, ReplayRefusal)> {
    replay(&ledger.entries()).err()
}

#[test]
fn a_key_signs_from_the_vote_of_the_second_administrator_on() {
    let (gate, source) = (Key::named("gate"), id16("gate"));
    let states = |ledger: &mut Ledger| ledger.append(Draft::by(&gate, source, vec![plain("stated")]));
    let mut asked = of_two();
    by(&mut asked, "alice", enroll("e", &gate.wire(), &source));
    let mut too_early = asked.clone();
    let at = states(&mut too_early);
    assert_eq!(verdict(&too_early).map(|(index, _)| index), Some(at));
    let mut agreed = asked.clone();
    vote(&mut agreed, "bob", 1);
    states(&mut agreed);
    assert_eq!(verdict(&agreed), None);
    for (name, decision, refusal) in [("bob", 2, None), ("bob", 3, None), ("alice", 1, Some(21)), ("rita", 1, Some(1))]
    {
        let mut other = asked.clone();
        vote(&mut other, name, decision);
        if let Some(reason) = refusal {
            other.refuse(reason);
        }
        assert_eq!(verdict(&other), None, "{name} {decision}");
        let at = states(&mut other);
        assert_eq!(verdict(&other).map(|(index, _)| index), Some(at), "{name} {decision}");
    }
    // The ledger can neither call a true vote refused, nor let a false one pass.
    let mut unfounded = asked.clone();
    let at = vote(&mut unfounded, "bob", 1);
    unfounded.refuse(21);
    assert_eq!(verdict(&unfounded), Some((at + 1, RefusalUnfounded)));
    let at = vote(&mut asked, "alice", 1);
    assert_eq!(verdict(&asked), Some((at + 1, RefusalMissing)));
}

#[test]
fn an_erasure_that_waited_is_its_command_s() {
    let mut ledger = of_two();
    by(&mut ledger, "alice", bind("carol", 0, None));
    vote(&mut ledger, "bob", 1);
    let command = by(&mut ledger, "alice", crate::erasure::erase("erase", &[(1, 1)]));
    assert_eq!(replay(&ledger.entries()).unwrap().bodies().erased(), 0);
    vote(&mut ledger, "bob", 1);
    let replayed = replay(&ledger.entries()).unwrap();
    assert_eq!((replayed.bodies().erased(), replayed.erased_by().map(|by| by.0)), (1, Some(command as u64)));
}

#[test]
fn a_policy_that_is_none_may_be_refused_and_then_changes_nothing() {
    let mut ledger = founded(&[("alice", 1)]);
    let at = by(&mut ledger, "alice", example(0x0130));
    let in_force = |ledger: &Ledger| replay(&ledger.entries()).unwrap().authority().unwrap().policies().iter().count();
    assert_eq!(in_force(&ledger), 1);
    let mut refused = ledger.clone();
    refused.refuse(52);
    assert_eq!(in_force(&refused), 0);
    ledger.refuse(1);
    assert_eq!(verdict(&ledger), Some((at + 1, RefusalUnfounded)));
}

/// A step of the example's kind, as the nth that follows from the last command.
fn step(ledger: &Ledger, kind: u16, nth: u16) -> Fields {
    let command = ledger.placed.iter().rfind(|placed| placed.facts[&tag::KIND][0] == 1).unwrap();
    let (source, id) = (&command.facts[&tag::SOURCE], &command.facts[&tag::EVENT_ID]);
    let own = encode::derived_id(source, id, nth);
    let mut facts = with(example(kind), &[(tag::EVENT_ID, &own), (tag::PARENTS, &[source.as_slice(), id].concat())]);
    if kind == 0x0009 {
        facts.insert(0x0028, own);
    }
    facts
}

fn submitted() -> Ledger {
    let mut ledger = of_two();
    by(&mut ledger, "rita", example(0x0100));
    ledger
}

/// What replay says of a frame of steps behind a submission.
fn behind(steps: &[(u16, u16)], change: impl Fn(&mut Vec<Fields>)) -> Option<ReplayRefusal> {
    let mut ledger = submitted();
    let mut events: Vec<Fields> = steps.iter().map(|(kind, nth)| step(&ledger, *kind, *nth)).collect();
    change(&mut events);
    ledger.append_own(events);
    verdict(&ledger).map(|(_, refusal)| refusal)
}

#[test]
fn steps_stand_directly_behind_their_command_in_order() {
    let nothing = |_: &mut Vec<Fields>| {};
    assert_eq!(verdict(&submitted()), None, "nothing need follow, as far as the form goes");
    for good in [&[(4, 0), (5, 1), (6, 2)][..], &[(4, 0), (9, 1)], &[(4, 0), (14, 1)]] {
        assert_eq!(behind(good, nothing), None, "{good:?}");
    }
    for bad in [&[(4, 1)][..], &[(4, 0), (5, 2)], &[(5, 1), (4, 0)], &[(10, 0)], &[(13, 0)], &[(7, 0)], &[(12, 0)]] {
        assert_eq!(behind(bad, nothing), Some(StepMisplaced), "{bad:?}");
    }
    assert_eq!(behind(&[(4, 0)], |events| drop(events[0].insert(tag::PARENTS, vec![7; 32]))), Some(StepMisplaced));
    assert_eq!(behind(&[(4, 0)], |events| drop(events[0].insert(tag::RULES, vec![0, 2]))), Some(Rules));
    assert_eq!(
        behind(&[(4, 0), (5, 1)], |events| events[1] =
            with(event(0x0012, "c"), &[(tag::RULES, &[0, 1]), (0x0102, &[0; 8])])),
        Some(StepMisplaced)
    );
    let mut late = submitted();
    let steps = vec![step(&late, 4, 0)];
    by(&mut late, "rita", plain("between"));
    late.append_own(steps);
    assert_eq!(verdict(&late).map(|(_, refusal)| refusal), Some(StepMisplaced));
    let mut twice = submitted();
    let (one, two) = (vec![step(&twice, 4, 0)], vec![step(&twice, 5, 1)]);
    twice.append_own(one);
    twice.append_own(two);
    assert_eq!(verdict(&twice).map(|(_, refusal)| refusal), Some(StepMisplaced), "one frame, not two");
}

#[test]
fn a_command_of_the_machines_is_refused_for_their_reasons_alone() {
    for reason in (1..=13).chain(20..=56) {
        let mut ledger = submitted();
        ledger.refuse(reason);
        let of_others = reason < 20 || [45, 48].contains(&reason);
        // Evidence is what a vote brings; a submission has none that could fail.
        let founded = !of_others && ![55, 56].contains(&reason);
        assert_eq!(verdict(&ledger).map(|(_, refusal)| refusal), (!founded).then_some(RefusalUnfounded), "{reason}");
    }
}

#[test]
fn a_vote_whose_evidence_fails_must_be_refused() {
    let mut ledger = of_two();
    let at = by(&mut ledger, "rita", with(example(0x0101), &[(0x0010, &[&[1], person("rita").as_slice()].concat())]));
    assert_eq!(verdict(&ledger), Some((at + 1, RefusalMissing)), "the example's signature is none");
    let mut refused = ledger.clone();
    refused.refuse(55);
    assert_eq!(verdict(&refused), None);
    let mut earlier = ledger.clone();
    earlier.refuse(41);
    assert_eq!(verdict(&earlier), None, "another rule may come first");
    let resolved = step(&ledger, 8, 0);
    ledger.append_own(vec![resolved]);
    assert_eq!(verdict(&ledger), Some((at + 1, RefusalMissing)));
    let mut attested = of_two();
    let at = by(&mut attested, "rita", with(example(0x0101), &[(0x0158, &[1])]));
    assert_eq!(verdict(&attested), Some((at + 1, RefusalMissing)), "nobody's word counts for a person yet");
    let mut unfounded = attested.clone();
    unfounded.refuse(55);
    assert_eq!(verdict(&unfounded), Some((at + 1, RefusalUnfounded)));
    attested.refuse(56);
    assert_eq!(verdict(&attested), None);
}

/// An entry that time alone causes.
fn timed(kind: u16, deadline: u64) -> Fields {
    let subject = id16(if kind == 0x000c { "example" } else { "request" });
    let parts = [b"deedbook.timed/1\0".as_slice(), &subject, &kind.to_be_bytes(), &deadline.to_be_bytes()];
    let id = &sha256(&parts)[..16];
    let mut facts =
        with(example(kind), &[(tag::EVENT_ID, id), (0x000a, &deadline.to_be_bytes()), (tag::PARENTS, &[9; 32])]);
    if kind == 0x0008 {
        facts.insert(0x0159, vec![3]);
        facts.remove(&0x015a);
    }
    facts
}

#[test]
fn what_time_causes_is_due_and_has_its_id() {
    let judge = |change: &dyn Fn(&mut Fields), kind: u16, early: u64| {
        let mut ledger = of_two();
        let mut facts = timed(kind, ledger.received + 1_000 + early);
        change(&mut facts);
        ledger.append_own(vec![facts]);
        verdict(&ledger).map(|(_, refusal)| refusal)
    };
    for kind in [0x0007, 0x0008, 0x000c] {
        assert_eq!(judge(&|_| {}, kind, 0), None, "{kind:#06x}");
        assert_eq!(judge(&|_| {}, kind, 1), Some(StepMisplaced), "{kind:#06x} before its time");
        assert_eq!(judge(&|facts| drop(facts.insert(tag::EVENT_ID, vec![1; 16])), kind, 0), Some(StepMisplaced));
        assert_eq!(judge(&|facts| drop(facts.remove(&tag::PARENTS)), kind, 0), Some(StepMisplaced));
    }
    let denied = |facts: &mut Fields| drop(facts.insert(0x0159, vec![2]));
    assert_eq!(judge(&denied, 0x0008, 0), Some(StepMisplaced), "time denies nothing");
    assert_eq!(judge(&|facts| drop(facts.remove(&0x000a)), 0x0008, 0), Some(StepMisplaced));
}
