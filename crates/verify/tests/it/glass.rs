//! Governance by break-glass: what the last administrator does alone, how those are removed who stay silent, and each way
//! around it that one of two administrators could try.

use crate::encode::{Fields, Key, id16};
use crate::governed::*;
use crate::governing::governing;
use crate::ledger::{enroll, revoke, rotate, with};
use deedbook_verify::governance::BrokenGlass;
use deedbook_verify::principals::Governors;
use deedbook_verify::words::{Index, Ref};

const ALICE: fn() -> Ref = || Ref(person("alice"));

/// Alice is left: Bob ended his own key.
fn alone() -> Fold {
    let mut fold = Fold::of_two();
    fold.by("bob", revoke("own", &key_of("bob").id())).unwrap();
    fold
}

/// What changes, in words.
fn shape(fold: &Fold) -> String {
    let principals: Vec<_> = fold.authority.principals().iter().collect();
    let policies: Vec<_> = fold.authority.policies().iter().collect();
    let keys: Vec<_> = fold.authority.keys().tenures().map(|(id, tenure)| (id, tenure.until)).collect();
    format!("{principals:?} {policies:?} {keys:?} {:?}", fold.authority.keeping())
}

/// The removals among what governs: those that one may ask for over Bob's silence.
const OF_BOB: [&str; 3] = ["revoke the other's key", "disable the other", "strip the other"];

#[test]
fn the_last_administrator_governs_and_it_is_said_for_ever() {
    for (what, facts) in governing() {
        let mut fold = alone();
        if matches!(what, "rotate the other's key" | "revoke the other's key") {
            assert_eq!(fold.by("alice", declared(facts, &[])), Err("KEY_UNKNOWN"), "{what}: his key has ended");
            continue;
        }
        assert_eq!(fold.by("alice", facts.clone()), Err("SECOND_PERSON_MISSING"), "{what}, undeclared");
        let before = shape(&fold);
        let (at, waits) = fold.by("alice", declared(facts, &[])).unwrap_or_else(|reason| panic!("{what}: {reason}"));
        assert!(!waits && (shape(&fold) != before || what == "erase"), "{what} has effect");
        let glass = BrokenGlass { commands: 1, first: Some(Index(at)), last: Some(Index(at)) };
        assert_eq!(fold.authority.broken_glass(), glass, "{what}");
        // Whoever is made, or given a key, counts as bound by Alice alone; for others it is noted where it happened.
        let changed: Vec<_> = fold.authority.principals().iter().filter(|(_, it)| it.glass_at.is_some()).collect();
        assert!(changed.iter().all(|(_, it)| it.glass_at == Some(Index(at))), "{what}");
        for (who, it) in changed {
            let rekeyed = matches!(what, "enroll for the other" | "enroll for a reviewer" | "rotate a reviewer's key");
            let alone = it.stated == Index(at) || (rekeyed && who != ALICE());
            assert_eq!(it.bound_by == Governors::BreakGlass(ALICE()), alone, "{what}: {it:?}");
        }
        if let Some((_, policy)) = fold.authority.policies().iter().next() {
            assert_eq!(policy.published_by, Governors::BreakGlass(ALICE()));
        }
    }
}

#[test]
fn while_another_can_sign_nothing_takes_effect_alone() {
    for (what, facts) in governing() {
        let mut fold = Fold::of_two();
        let before = shape(&fold);
        assert_eq!(fold.by("alice", declared(facts.clone(), &[])), Err("NOT_ALONE"), "{what}");
        for wrong in [&["alice"][..], &["rita"], &["nobody"], &["alice", "bob"], &["bob", "rita"]] {
            assert_eq!(fold.by("alice", declared(facts.clone(), wrong)), Err("NOT_ALONE"), "{what}, {wrong:?}");
        }
        let asked = fold.by("alice", declared(facts, &["bob"]));
        if !OF_BOB.contains(&what) {
            assert_eq!(asked, Err("REMOVAL_ONLY"), "{what}");
            assert_eq!((shape(&fold), fold.authority.waiting().len()), (before, 0), "{what}");
            continue;
        }
        let (index, waits) = asked.unwrap();
        assert!(waits && shape(&fold) == before, "{what} waits");
        for _ in 0..14 {
            assert_eq!(fold.vote("alice", index, 1), Err("TOO_EARLY"), "{what}");
            assert_eq!(fold.by("alice", declared(publish("p"), &[])), Err("NOT_ALONE"), "{what}");
            fold.wait_us(SILENCE_US / 15);
        }
        assert_eq!((shape(&fold), fold.authority.broken_glass()), (before, BrokenGlass::default()), "{what}");
    }
}

#[test]
fn who_stays_silent_is_removed_after_a_fortnight_to_the_microsecond() {
    for what in OF_BOB {
        let facts = governing().into_iter().find(|(name, _)| *name == what).unwrap().1;
        let mut fold = Fold::of_two();
        let (index, _) = fold.by("alice", declared(facts, &["bob"])).unwrap();
        let asked = fold.now - 1;
        fold.now = asked + SILENCE_US - 1;
        assert_eq!(fold.vote("alice", index, 1), Err("TOO_EARLY"), "{what}");
        let mut late = fold.clone();
        late.now = asked + SILENCE_US + WEEK_US;
        assert_eq!(late.vote("alice", index, 1), Err("EXPIRED"), "{what}");
        // Nobody carries it out in her place.
        assert_eq!(fold.clone().vote("rita", index, 1), Err("NOT_ADMINISTRATOR"), "{what}");
        assert_eq!(fold.now, asked + SILENCE_US);
        let (at, _) = fold.vote("alice", index, 1).unwrap();
        assert_eq!(fold.authority.broken_glass().last, Some(Index(at)), "{what}");
        assert_eq!(fold.person("bob").unwrap().glass_at, Some(Index(at)), "{what}");
        assert_eq!(fold.vote("alice", index, 1), Err("REQUEST_UNKNOWN"), "{what}: once");
        // From here on nobody else can sign, and she recovers: somebody whom genesis names becomes the second one.
        let (promoted, waits) = fold.by("alice", declared(grant("rita", 1), &[])).unwrap();
        assert!(!waits, "{what}");
        let rita = fold.person("rita").unwrap();
        assert_eq!((rita.bound_by, rita.glass_at), (Governors::Genesis, Some(Index(promoted))), "{what}");
        assert_eq!(fold.by("alice", declared(publish("p"), &[])), Err("NOT_ALONE"), "{what}: there are two again");
        let (bound, _) = fold.by("alice", bind("carol", 2, Some(&key_of("carol")))).unwrap();
        fold.vote("rita", bound, 1).unwrap();
        let two = Governors::Two([ALICE(), Ref(person("rita"))]);
        assert_eq!((fold.person("carol").unwrap().bound_by, fold.authority.broken_glass().commands), (two, 2));
    }
}

/// What somebody does, and whether it went as it should.
type Sign = (&'static str, fn(&mut Fold) -> bool);

#[test]
fn any_command_of_theirs_shows_that_they_are_not_silent() {
    let asked = || {
        let mut fold = Fold::of_two();
        let (index, _) = fold.by("alice", declared(disable("bob", 1), &["bob"])).unwrap();
        fold.wait_us(SILENCE_US / 4);
        (fold, index)
    };
    let signs: [Sign; 4] = [
        ("asks for something", |fold| fold.by("bob", publish("p")).is_ok()),
        ("is refused something", |fold| fold.by("bob", retire("p")).is_err()),
        ("says who decides for him", |fold| fold.by("bob", delegate("bob", Some("rita"))).is_ok()),
        ("rotates his key", |fold| {
            let next = Key::named("bob's next");
            fold.by("bob", rotate("r", &next.wire(), &person("bob"), &key_of("bob").id())).is_ok()
        }),
    ];
    for (what, sign) in signs {
        let (mut fold, index) = asked();
        assert!(sign(&mut fold), "{what}");
        let broken = fold.authority.waiting().values().find(|waiting| waiting.index.0 == index).unwrap();
        assert_eq!(broken.silence.unwrap().broken_at, Some(Index(index + 1)), "{what}");
        fold.wait_us(SILENCE_US);
        assert_eq!(fold.vote("alice", index, 1), Err("NOT_SILENT"), "{what}");
        assert!(fold.person("bob").unwrap().is_enabled(), "{what}");
    }
    // An abstention is a command too; a statement of his source is none, for a machine may hold that key.
    let (mut fold, index) = asked();
    fold.vote("bob", index, 3).unwrap();
    fold.wait_us(SILENCE_US);
    assert_eq!(fold.vote("alice", index, 1), Err("NOT_SILENT"));
    // A denial ends it, and so does she who asked; what he agrees to is no break-glass.
    for denier in ["bob", "alice"] {
        let (mut fold, index) = asked();
        fold.vote(denier, index, 2).unwrap();
        fold.wait_us(SILENCE_US);
        assert_eq!(fold.vote("alice", index, 1), Err("REQUEST_UNKNOWN"), "denied by {denier}");
    }
    let (mut fold, index) = asked();
    fold.vote("bob", index, 1).unwrap();
    let bob = fold.person("bob").unwrap();
    assert!(!bob.is_enabled() && bob.glass_at.is_none());
    assert_eq!(fold.authority.broken_glass(), BrokenGlass::default());
}

#[test]
fn one_of_many_who_speaks_is_enough() {
    let mut fold = Fold::new(&[("alice", 1), ("bob", 1), ("carol", 1), ("rita", 2)]);
    assert_eq!(fold.by("alice", declared(disable("bob", 1), &["bob"])), Err("NOT_ALONE"), "Carol can agree");
    let (of_bob, _) = fold.by("alice", declared(disable("bob", 1), &["bob", "carol"])).unwrap();
    let (of_carol, _) = fold.by("alice", declared(disable("carol", 1), &["bob", "carol"])).unwrap();
    let mut both_silent = fold.clone();
    both_silent.wait_us(SILENCE_US);
    both_silent.vote("alice", of_bob, 1).unwrap();
    both_silent.vote("alice", of_carol, 1).unwrap();
    assert!(both_silent.by("alice", declared(publish("p"), &[])).is_ok_and(|(_, waits)| !waits));
    fold.by("carol", publish("p")).unwrap();
    fold.wait_us(SILENCE_US);
    for index in [of_bob, of_carol] {
        assert_eq!(fold.vote("alice", index, 1), Err("NOT_SILENT"));
    }
    // Whoever came meanwhile was not asked to be silent.
    let mut fold = Fold::new(&[("alice", 1), ("bob", 1), ("dora", 1)]);
    let (of_bob, _) = fold.by("alice", declared(disable("bob", 1), &["bob", "dora"])).unwrap();
    let (strip_dora, _) = fold.by("alice", declared(strip("dora", 1), &["bob", "dora"])).unwrap();
    fold.wait_us(SILENCE_US);
    fold.vote("alice", strip_dora, 1).unwrap();
    let (again, _) = fold.by("alice", declared(revoke("r", &key_of("bob").id()), &["bob"])).unwrap();
    fold.vote("alice", of_bob, 1).unwrap();
    fold.by("alice", declared(bind("eve", 1, Some(&key_of("eve"))), &[])).unwrap();
    fold.wait_us(SILENCE_US);
    assert_eq!(fold.vote("alice", again, 1), Err("NOT_ALONE"), "Eve can sign");
}

#[test]
fn glass_is_not_broken_where_there_is_none() {
    let mut single = Fold::new(&[("alice", 1), ("rita", 2)]);
    assert_eq!(single.by("alice", declared(publish("p"), &[])), Err("GLASS_NOT_NEEDED"));
    let mut fold = Fold::of_two();
    fold.both(enroll("e", &Key::named("gate").wire(), &id16("gate"))).unwrap();
    let next = Key::named("next");
    for facts in
        [revoke("r", &Key::named("gate").id()), rotate("r", &next.wire(), &person("alice"), &key_of("alice").id())]
    {
        assert_eq!(fold.by("alice", declared(facts, &["bob"])), Err("GLASS_NOT_NEEDED"));
    }
    // Nobody but an administrator breaks it, alone or not.
    let mut fold = alone();
    for (what, facts) in governing() {
        if !matches!(
            what,
            "rotate a reviewer's key" | "revoke a reviewer's key" | "rotate the other's key" | "revoke the other's key"
        ) {
            assert_eq!(fold.by("rita", declared(facts, &[])), Err("NOT_ADMINISTRATOR"), "{what}");
        }
    }
    assert_eq!(fold.by("alice", declared(disable("alice", 1), &[])), Err("LAST_ADMINISTRATOR"));
    assert_eq!(fold.by("alice", declared(strip("alice", 1), &[])), Err("LAST_ADMINISTRATOR"));
}

#[test]
fn a_key_that_one_alone_let_in_makes_no_second_person() {
    let mut fold = alone();
    let hers = Key::named("bob, as Alice has him");
    fold.by("alice", declared(enroll("e", &hers.wire(), &person("bob")), &[])).unwrap();
    assert_eq!(fold.person("bob").unwrap().bound_by, Governors::BreakGlass(ALICE()));
    // To what Alice asks he may not agree, and what he asks and she agrees to is hers alone.
    assert_eq!(fold.by("alice", bind("carol", 2, None)), Err("SECOND_PERSON_MISSING"));
    let (index, waits) = fold.state(&hers, person("bob"), bind("carol", 2, None)).unwrap();
    assert!(waits);
    fold.vote("alice", index, 1).unwrap();
    assert_eq!(fold.person("carol").unwrap().bound_by, Governors::One(ALICE()));
    // A key of her own she may add: that makes nobody else.
    let mut fold = alone();
    let spare = Key::named("alice's spare");
    fold.by("alice", declared(enroll("e", &spare.wire(), &person("alice")), &[])).unwrap();
    assert_eq!(fold.person("alice").unwrap().bound_by, Governors::Genesis);
}

#[test]
fn two_who_made_each_other_are_one() {
    // Bob made Alice; later Alice, the last one, gives Bob a key.
    let mut fold = Fold::new(&[("bob", 1), ("rita", 2)]);
    fold.by("bob", bind("alice", 1, Some(&key_of("alice")))).unwrap();
    fold.by("bob", revoke("own", &key_of("bob").id())).unwrap();
    let hers = Key::named("bob, as Alice has him");
    fold.by("alice", declared(enroll("e", &hers.wire(), &person("bob")), &[])).unwrap();
    let principals = fold.authority.principals();
    assert_eq!(principals.origin(Ref(person("alice"))), principals.origin(Ref(person("bob"))));
    assert_eq!(fold.by("alice", publish("p")), Err("SECOND_PERSON_MISSING"));
    assert_eq!(fold.state(&hers, person("bob"), publish("p")), Err("SECOND_PERSON_MISSING"));
    // With somebody who is another it goes on, and what the circle does together is one person's.
    fold.state(&hers, person("bob"), revoke("own", &hers.id())).unwrap();
    fold.by("alice", declared(grant("rita", 1), &[])).unwrap();
    fold.both_of(["alice", "rita"], bind("dave", 1, Some(&key_of("dave")))).unwrap();
    let origin = Ref(person("alice")).min(Ref(person("bob")));
    assert_eq!(fold.authority.principals().origin(Ref(person("alice"))), origin);
    assert_eq!(fold.person("dave").unwrap().bound_by, Governors::Two([ALICE(), Ref(person("rita"))]));
}

#[test]
fn whose_key_was_ended_with_their_consent_is_gone() {
    for facts in [revoke("r", &key_of("bob").id()), disable("bob", 1), strip("bob", 1)] {
        let mut fold = Fold::of_two();
        fold.both(facts).unwrap();
        assert!(
            fold.by("alice", declared(bind("carol", 1, Some(&key_of("carol"))), &[])).is_ok_and(|(_, waits)| !waits)
        );
        assert_eq!(fold.person("carol").unwrap().bound_by, Governors::BreakGlass(ALICE()));
        assert!(fold.authority.needs_two(), "and it takes two for ever");
    }
}

#[test]
fn a_declaration_has_one_form() {
    let parse = |facts: Fields| {
        let facts = with(facts, &[(0x0003, &[1; 16]), (0x0004, &[0; 4]), (0x0005, &[0; 8])]);
        let bytes = crate::encode::facts(&facts);
        deedbook_verify::facts::Facts::parse(&bytes).map(|_| ()).map_err(|error| error.what)
    };
    let of = |value: &[u8]| with(body(disable("bob", 1)), &[(0x01f0, value)]);
    let many = |count: u8| (0..count).flat_map(|n| [n; 16]).collect::<Vec<u8>>();
    for good in [vec![], many(1), many(2), many(64)] {
        assert_eq!(parse(of(&good)), Ok(()));
    }
    let twice = [[7; 16], [7; 16]].concat();
    let falling = [[7; 16], [6; 16]].concat();
    for bad in [vec![0; 15], vec![0; 17], many(65), twice, falling] {
        assert_eq!(parse(of(&bad)), Err("break_glass"), "{} bytes", bad.len());
    }
    assert_eq!(parse(with(disable("bob", 1), &[(0x01f0, &[])])), Err("commitment"), "a reason must stand in the body");
    for other in [delegate("bob", None), crate::ledger::event(0x0210, "opened")] {
        assert!(parse(with(body(other), &[(0x01f0, &[])])).is_err(), "another kind carries none");
    }
    for (what, facts) in governing() {
        assert_eq!(parse(declared(facts, &["bob"])), Ok(()), "{what}");
    }
}
