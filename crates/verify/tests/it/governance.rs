//! Nobody governs alone: each command, each way around it, and what is folded in the end.

use crate::encode::{Fields, Key, id16};
use crate::governed::*;
use crate::governing::governing;
use crate::ledger::{enroll, revoke, rotate, with};
use deedbook_verify::detail::Roles;
use deedbook_verify::principals::Governors;
use deedbook_verify::words::{Index, KeyId, Ref};
use proptest::prelude::*;

fn keys(fold: &Fold) -> Vec<String> {
    let line = |(id, tenure): (&KeyId, &deedbook_verify::authority::Tenure)| format!("{id} {:?}", tenure.until);
    fold.authority.keys().tenures().map(line).collect()
}

/// Everything that governing changes, in words.
fn shape(fold: &Fold) -> String {
    let principals: Vec<_> = fold.authority.principals().iter().collect();
    let policies: Vec<_> = fold.authority.policies().iter().collect();
    format!("{:?} {principals:?} {policies:?} {:?}", keys(fold), fold.authority.keeping())
}

#[test]
fn with_two_administrators_each_governing_command_waits_for_the_other() {
    for (what, facts) in governing() {
        let mut fold = Fold::of_two();
        let before = shape(&fold);
        let (index, waits) = fold.by("alice", facts).unwrap_or_else(|reason| panic!("{what}: {reason}"));
        assert!(waits, "{what} waits");
        assert_eq!(shape(&fold), before, "{what} has no effect yet");
        assert_eq!(fold.vote("alice", index, 1), Err("CONFLICT_REQUESTER"), "{what}");
        assert_eq!(fold.vote("rita", index, 1), Err("NOT_ADMINISTRATOR"), "{what}");
        let mut denied = fold.clone();
        denied.vote("bob", index, 2).unwrap();
        assert_eq!(denied.vote("bob", index, 1), Err("REQUEST_UNKNOWN"), "{what}: one vote decides");
        assert_eq!(shape(&denied), before, "{what}, denied");
        let mut late = fold.clone();
        late.wait_us(WEEK_US);
        assert_eq!(late.vote("bob", index, 1), Err("EXPIRED"), "{what}");
        fold.vote("bob", index, 3).unwrap();
        assert_eq!(shape(&fold), before, "{what}: an abstention decides nothing");
        fold.vote("bob", index, 1).unwrap_or_else(|reason| panic!("{what}, agreed: {reason}"));
        assert!(shape(&fold) != before || what == "erase", "{what} has effect");
        assert_eq!(fold.vote("bob", index, 1), Err("REQUEST_UNKNOWN"), "{what}: one vote decides");
    }
}

#[test]
fn nobody_else_governs_at_all() {
    for (what, facts) in governing() {
        let mut fold = Fold::of_two();
        let mallory = Key::named("stranger");
        // Her own key she may end and rotate.
        if !matches!(what, "rotate a reviewer's key" | "revoke a reviewer's key") {
            assert_eq!(fold.by("rita", facts.clone()), Err("NOT_ADMINISTRATOR"), "{what}");
        }
        let stranger = fold.state(&mallory, id16("stranger"), facts);
        assert!(matches!(stranger, Err("KEY_UNKNOWN" | "NOT_ADMINISTRATOR")), "{what}: {stranger:?}");
    }
}

#[test]
fn one_administrator_governs_alone_and_that_is_kept() {
    let mut fold = Fold::new(&[("alice", 1), ("rita", 2)]);
    assert!(!fold.authority.needs_two());
    let (at, waits) = fold.by("alice", bind("carol", 2, Some(&key_of("carol")))).unwrap();
    assert!(!waits);
    let carol = fold.person("carol").unwrap();
    assert_eq!((carol.bound_by, carol.bound_at), (Governors::One(Ref(person("alice"))), Index(at)));
    assert_eq!(fold.person("rita").unwrap().bound_by, Governors::Genesis);
    // Nobody adds a key to a person with a role alone; holders rotate their own.
    let fresh = Key::named("fresh");
    for name in ["alice", "rita", "carol"] {
        assert_eq!(fold.by("alice", enroll("e", &fresh.wire(), &person(name))), Err("NOT_ADMINISTRATOR"), "{name}");
    }
    // Nor does taking rita's role help, whom genesis vouched for; it could be given back behind the key.
    fold.by("alice", strip("rita", 2)).unwrap();
    assert_eq!(fold.by("alice", enroll("e", &fresh.wire(), &person("rita"))), Err("NOT_ADMINISTRATOR"));
    let spare = rotate("r", &fresh.wire(), &person("rita"), &key_of("rita").id());
    assert_eq!(fold.by("alice", spare), Err("NOT_ADMINISTRATOR"));
    let stolen = rotate("r", &fresh.wire(), &person("carol"), &key_of("carol").id());
    assert_eq!(fold.by("alice", stolen.clone()), Err("NOT_ADMINISTRATOR"));
    fold.by("carol", stolen).unwrap();
    assert_eq!(fold.by("alice", revoke("r", &key_of("alice").id())), Err("LAST_ADMINISTRATOR"));
    assert_eq!(fold.by("alice", disable("alice", 1)), Err("LAST_ADMINISTRATOR"));
    assert_eq!(fold.by("alice", strip("alice", 1)), Err("LAST_ADMINISTRATOR"));
    // Whoever shall govern has a key to sign with, or the ledger could never again be governed.
    assert_eq!(fold.by("alice", bind("dave", 1, None)), Err("KEY_UNKNOWN"));
    fold.by("alice", bind("dave", 0, None)).unwrap();
    assert_eq!(fold.by("alice", grant("dave", 1)), Err("KEY_UNKNOWN"));
}

#[test]
fn a_second_administrator_made_by_the_first_alone_is_known_as_such_for_ever() {
    let mut fold = Fold::new(&[("alice", 1)]);
    fold.by("alice", bind("bob", 1, Some(&key_of("bob")))).unwrap();
    assert!(fold.authority.needs_two());
    // Bob, whom Alice made, is no second person to her; what Bob asks she may agree to, and it counts as hers alone.
    assert_eq!(fold.by("alice", bind("carol", 2, Some(&key_of("carol")))), Err("SECOND_PERSON_MISSING"));
    let (index, waits) = fold.by("bob", bind("carol", 2, Some(&key_of("carol")))).unwrap();
    assert!(waits && fold.person("carol").is_none());
    fold.vote("alice", index, 1).unwrap();
    assert_eq!(fold.person("carol").unwrap().bound_by, Governors::One(Ref(person("alice"))));
    assert_eq!(fold.authority.principals().origin(Ref(person("carol"))), Ref(person("alice")));
}

#[test]
fn once_there_were_two_nobody_governs_alone_again() {
    let mut fold = Fold::of_two();
    fold.by("bob", revoke("own", &key_of("bob").id())).unwrap();
    for (what, facts) in governing() {
        let refused = fold.by("alice", facts);
        let wanted = ["SECOND_PERSON_MISSING", "KEY_UNKNOWN"];
        assert!(refused.is_err_and(|reason| wanted.contains(&reason)), "{what}: {refused:?}");
    }
    // A disabled administrator is no second person either, and whoever is left cannot be removed.
    let mut fold = Fold::of_two();
    fold.both(bind("carol", 1, Some(&key_of("carol")))).unwrap();
    fold.both(disable("carol", 1)).unwrap();
    assert_eq!((fold.signs("carol"), fold.by("carol", publish("p"))), (0, Err("NOT_ADMINISTRATOR")));
    let (index, _) = fold.by("alice", strip("bob", 1)).unwrap();
    assert_eq!(fold.vote("carol", index, 1), Err("PRINCIPAL_DISABLED"));
    fold.vote("bob", index, 1).unwrap();
    assert_eq!(fold.by("alice", publish("p")), Err("SECOND_PERSON_MISSING"));
}

#[test]
fn what_concerns_oneself_or_no_governor_takes_one() {
    let mut fold = Fold::of_two();
    let fresh = Key::named("fresh of alice");
    fold.both(enroll("e", &Key::named("gate").wire(), &id16("gate"))).unwrap();
    fold.both(bind_other("agent", 2, &[(0x0012, &person("rita"))])).unwrap();
    for (what, facts) in [
        ("revoke a producer's key", revoke("r", &Key::named("gate").id())),
        ("disable an agent", disable("agent", 2)),
        ("rotate one's own key", rotate("r", &fresh.wire(), &person("alice"), &key_of("alice").id())),
    ] {
        assert!(fold.by("alice", facts).is_ok_and(|(_, waits)| !waits), "{what}");
    }
    let mut fold = Fold::of_two();
    assert!(fold.by("rita", delegate("rita", Some("bob"))).is_ok_and(|(_, waits)| !waits));
    assert_eq!(fold.person("rita").unwrap().delegate, Some(Ref(person("bob"))));
    fold.by("rita", delegate("rita", None)).unwrap();
    assert_eq!(fold.person("rita").unwrap().delegate, None);
    assert_eq!(fold.by("alice", delegate("rita", Some("alice"))), Err("NOT_YOURS"));
    assert_eq!(fold.by("rita", delegate("rita", Some("rita"))), Err("CONFLICT_DELEGATE"));
    assert_eq!(fold.by("rita", delegate("rita", Some("nobody"))), Err("PRINCIPAL_UNKNOWN"));
}

#[test]
fn principals_are_what_the_rules_let_them_be() {
    let mut fold = Fold::new(&[("alice", 1), ("rita", 2)]);
    let mut refused = |what: &str, facts: Fields, reason: &str| {
        assert_eq!(fold.by("alice", facts).map(|_| ()), Err(reason), "{what}");
    };
    refused("known", bind("rita", 0, None), "PRINCIPAL_KNOWN");
    refused("an agent of nobody", bind_other("agent", 2, &[]), "RESPONSIBLE_MISSING");
    refused("an agent of a stranger", bind_other("agent", 2, &[(0x0012, &person("nobody"))]), "RESPONSIBLE_MISSING");
    refused("a reviewing agent", bind_other("agent", 2, &[(0x0012, &person("rita")), (0x0172, &[2])]), "NON_HUMAN");
    refused("a governing team", bind_other("team", 4, &[(0x0172, &[1])]), "NON_HUMAN");
    refused("in no team", bind_other("p", 1, &[(0x0171, &person("team"))]), "PRINCIPAL_UNKNOWN");
    refused("with a known key", bind("p", 2, Some(&key_of("rita"))), "KEY_KNOWN");
    refused("link nobody", link("nobody", "chat"), "PRINCIPAL_UNKNOWN");
    refused("disable nobody", disable("nobody", 1), "PRINCIPAL_UNKNOWN");
    refused("disable as another kind", disable("rita", 2), "PRINCIPAL_UNKNOWN");
    refused("grant nobody", grant("nobody", 2), "PRINCIPAL_UNKNOWN");
    refused("retire what is not in force", retire("p"), "POLICY_INVALID");
    fold.by("alice", bind_other("team", 4, &[])).unwrap();
    fold.by("alice", bind_other("agent", 2, &[(0x0012, &person("rita")), (0x0171, &person("team"))])).unwrap();
    assert_eq!(fold.authority.principals().members(Ref(person("team"))).count(), 1);
    fold.by("alice", link("rita", "chat")).unwrap();
    assert_eq!(fold.by("alice", link("alice", "chat")), Err("PRINCIPAL_KNOWN"));
    assert_eq!(fold.authority.principals().of_account(Ref(id16("chat"))), Some(Ref(person("rita"))));
    fold.by("alice", publish("p")).unwrap();
    assert!(fold.authority.policies().get(Ref(id16("policy/default"))).is_some());
    fold.by("alice", retire("p")).unwrap();
    assert!(fold.authority.policies().get(Ref(id16("policy/default"))).is_none());
    fold.by("alice", grant("rita", 16)).unwrap();
    fold.by("alice", strip("rita", 2)).unwrap();
    assert_eq!(fold.person("rita").unwrap().roles, Roles::EXPORTER);
    fold.by("alice", disable("rita", 1)).unwrap();
    assert_eq!(fold.by("alice", disable("rita", 1)), Err("PRINCIPAL_DISABLED"));
    assert_eq!(fold.by("alice", grant("rita", 2)), Err("PRINCIPAL_DISABLED"));
    assert_eq!(fold.by("alice", enroll("e", &Key::named("x").wire(), &person("rita"))), Err("PRINCIPAL_DISABLED"));
    assert_eq!(fold.by("alice", bind("rita", 2, None)), Err("PRINCIPAL_KNOWN"));
}

#[test]
fn a_key_let_in_before_its_person_speaks_for_nobody() {
    let mut fold = Fold::new(&[("alice", 1)]);
    // Alice prepares a key of her own for Carol's ref, before anybody else governs.
    fold.by("alice", enroll("e", &Key::named("alice again").wire(), &person("carol"))).unwrap();
    assert_eq!(fold.by("alice", bind("carol", 2, None)), Err("KEY_KNOWN"));
    fold.by("alice", revoke("r", &Key::named("alice again").id())).unwrap();
    fold.by("alice", bind("carol", 2, Some(&key_of("carol")))).unwrap();
}

#[test]
fn a_vote_must_be_the_persons_own_on_exactly_this() {
    let base = {
        let mut fold = Fold::of_two();
        let (index, _) = fold.by("alice", bind("mallory", 1, Some(&Key::named("mallory")))).unwrap();
        (fold, index)
    };
    let (fold, index) = base;
    let good = fold.ballot("bob", index, 1);
    let with_field = |tag: u16, value: &[u8]| with(good.clone(), &[(tag, value)]);
    let flipped = |tag: u16| {
        let mut facts = good.clone();
        facts.get_mut(&tag).unwrap()[20] ^= 1;
        facts
    };
    let forged = ballot(&fold.ledger, fold.facts_at(index), fold.now + WEEK_US, (person("bob"), &key_of("alice")), 1);
    let other_ledger = ballot(&[9; 32], fold.facts_at(index), fold.now + WEEK_US, (person("bob"), &key_of("bob")), 1);
    let past = ballot(&fold.ledger, fold.facts_at(index), fold.now, (person("bob"), &key_of("bob")), 1);
    let cases = [
        ("as bob, signed by alice", forged, "EVIDENCE_INVALID"),
        ("for another ledger", other_ledger, "EVIDENCE_INVALID"),
        ("past", past, "EXPIRED"),
        ("attested by the operator", with_field(0x0158, &[1]), "ASSURANCE_TOO_LOW"),
        ("by an identity provider", with_field(0x0158, &[2]), "EVIDENCE_NOT_BUILT"),
        ("another decision", with_field(0x0157, &[2]), "EVIDENCE_INVALID"),
        ("another action", flipped(0x0021), "EVIDENCE_INVALID"),
        ("another presentation", flipped(0x0154), "EVIDENCE_INVALID"),
        ("another requirement", flipped(0x0152), "EVIDENCE_INVALID"),
        ("a bent signature", flipped(0x0158), "EVIDENCE_INVALID"),
        ("as an agent", with_field(0x0010, &[&[2], person("bob").as_slice()].concat()), "NON_HUMAN"),
        ("as nobody", with_field(0x0010, &[&[1], person("nobody").as_slice()].concat()), "PRINCIPAL_UNKNOWN"),
        ("as alice", with_field(0x0010, &[&[1], person("alice").as_slice()].concat()), "EVIDENCE_INVALID"),
        ("on nothing", with_field(0x0027, &[3; 16]), "REQUEST_UNKNOWN"),
    ];
    for (what, facts, reason) in cases {
        // Whoever relays it makes no difference.
        for relay in ["alice", "bob", "rita"] {
            assert_eq!(fold.clone().by(relay, facts.clone()).map(|_| ()), Err(reason), "{what}, relayed by {relay}");
        }
    }
    assert!(fold.clone().by("alice", good).is_ok(), "a true vote counts whoever relays it");
}

#[test]
fn what_was_asked_must_still_hold_when_somebody_agrees() {
    let mut fold = Fold::of_two();
    let key = Key::named("gate");
    let (one, _) = fold.by("alice", enroll("e", &key.wire(), &id16("gate"))).unwrap();
    let (two, _) = fold.by("bob", enroll("e", &key.wire(), &id16("gate"))).unwrap();
    fold.vote("bob", one, 1).unwrap();
    assert_eq!(fold.vote("alice", two, 1), Err("KEY_KNOWN"));
    // Whoever asked has ended their key since.
    let (three, _) = fold.by("alice", publish("p")).unwrap();
    let next = Key::named("alice next");
    fold.by("alice", rotate("r", &next.wire(), &person("alice"), &key_of("alice").id())).unwrap();
    assert_eq!(fold.vote("bob", three, 1), Err("KEY_UNKNOWN"));
    assert!(fold.authority.policies().iter().next().is_none());
}

#[test]
fn so_much_waits_and_no_more() {
    let mut fold = Fold::of_two();
    for n in 0..1_024 {
        let facts = enroll("e", &Key::named(&format!("gate {n}")).wire(), &id16("gate"));
        fold.by("alice", facts).unwrap();
    }
    let one_more = enroll("e", &Key::named("one more").wire(), &id16("gate"));
    assert_eq!(fold.by("alice", one_more.clone()), Err("TOO_MANY_PENDING"));
    fold.wait_us(WEEK_US);
    assert!(fold.by("alice", one_more).is_ok());
    assert_eq!(fold.authority.waiting().len(), 1);
}

/// What one administrator of two could try, alone: a command of any kind, or a vote on what waits, in anybody's name.
#[derive(Clone, Debug)]
enum Try {
    Command(usize),
    Own(usize),
    Vote { voter: usize, signed_by: usize, which: usize, decision: u8 },
    Wait,
}

fn attempt() -> impl Strategy<Value = Try> {
    let vote = (0..3_usize, 0..3_usize, 0..8_usize, 1..4_u8);
    prop_oneof![
        6 => (0..64_usize).prop_map(Try::Command),
        2 => (0..3_usize).prop_map(Try::Own),
        6 => vote.prop_map(|(voter, signed_by, which, decision)| Try::Vote { voter, signed_by, which, decision }),
        1 => Just(Try::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Alice has her own keys and those that she asked for; she never gets another person, role, key or policy in.
    #[test]
    fn one_of_two_cannot_make_up_a_second_person(tries in proptest::collection::vec(attempt(), 1..40)) {
        let mut fold = Fold::of_two();
        let (mut alice, mut waiting) = (key_of("alice"), Vec::new());
        for (n, attempt) in tries.into_iter().enumerate() {
            match attempt {
                Try::Command(which) => {
                    let all = governing();
                    let (_, facts) = all[which % all.len()].clone();
                    if let Ok((index, waits)) = fold.state(&alice, person("alice"), facts) {
                        prop_assert!(waits);
                        waiting.push(index);
                    }
                }
                Try::Own(0) => {
                    let next = Key::named(&format!("alice {n}"));
                    let facts = rotate("r", &next.wire(), &person("alice"), &alice.id());
                    if fold.state(&alice, person("alice"), facts).is_ok() {
                        alice = next;
                    }
                }
                Try::Own(1) => {
                    let _ = fold.state(&alice, person("alice"), delegate("alice", Some("bob")));
                }
                Try::Own(_) => {
                    let _ = fold.state(&alice, person("alice"), delegate("bob", Some("alice")));
                }
                Try::Vote { voter, signed_by, which, decision } => {
                    let Some(index) = waiting.get(which) else { continue };
                    let voter = person(["alice", "bob", "mallory"][voter]);
                    let key = [alice.clone(), Key::named("fresh"), Key::named("mallory")][signed_by].clone();
                    let facts = ballot(&fold.ledger, fold.facts_at(*index), fold.now + WEEK_US, (voter, &key), decision);
                    let _ = fold.state(&alice, person("alice"), facts);
                }
                Try::Wait => fold.wait_us(WEEK_US / 2),
            }
            let persons: Vec<_> = fold.authority.principals().iter().map(|(who, it)| (who, it.roles.bits())).collect();
            let mut wanted = vec![(Ref(person("alice")), 1), (Ref(person("bob")), 1), (Ref(person("rita")), 2)];
            wanted.sort_unstable();
            prop_assert_eq!(persons, wanted);
            prop_assert!(fold.authority.policies().iter().next().is_none());
            for name in ["bob", "rita"] {
                prop_assert_eq!(fold.signs(name), 1);
            }
            prop_assert_eq!(fold.signs("alice"), 1);
            let sources = fold.authority.keys().tenures().filter(|(_, tenure)| tenure.until.is_none()).count();
            prop_assert_eq!(sources, 5);
        }
    }
}

#[test]
fn two_states_tell_by_their_revisions_whether_they_differ() {
    let mut fold = Fold::of_two();
    let kept = fold.authority.principals().clone();
    fold.both(bind("carol", 2, None)).unwrap();
    assert_eq!((kept.revision(), kept.len()), (0, 3), "a snapshot stays as it was");
    assert_eq!((fold.authority.principals().revision(), fold.authority.principals().len()), (1, 4));
    let carol = fold.person("carol").unwrap();
    assert_eq!(carol.bound_by, Governors::Two([Ref(person("alice")), Ref(person("bob"))]));
    assert!(carol.stated < carol.bound_at, "bound by the vote, stated by the command");
}
