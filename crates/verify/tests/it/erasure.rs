//! Erasures in a log: what the rules accept is folded, what they refuse must be followed by its refusal and no other,
//! and the field has one form for one set of bodies.

use crate::encode::{self, Fields, Key, id16, kind, tag};
use crate::ledger::{Draft, Ledger, enroll, event, with};
use crate::replay::replay;
use crate::world::{body, plain, rich};
use deedbook_verify::bytes::Defect;
use deedbook_verify::detail::Detail;
use deedbook_verify::erasure::{BodyRange, Standing};
use deedbook_verify::facts::Facts;
use deedbook_verify::replay::ReplayRefusal;
use deedbook_verify::words::Index;

/// Facts that name ranges of bodies: first index, count.
pub fn erase(name: &str, ranges: &[(u64, u16)]) -> Fields {
    let wire = |(first, count): &(u64, u16)| [first.to_be_bytes().as_slice(), &count.to_be_bytes()].concat();
    let bodies: Vec<u8> = ranges.iter().flat_map(wire).collect();
    let (salt, body) = body(name);
    let commitment = encode::commitment(&salt, &body);
    let facts = with(event(kind::BODY_ERASED, name), &[(tag::ERASED_BODIES, &bodies)]);
    with(facts, &[(tag::MEDIA_TYPE, b"application/json"), (tag::COMMITMENT, &commitment)])
}

/// Genesis, an enrollment with a body, six statements with bodies (2 to 7), one without (8).
fn ledger() -> (Ledger, Key) {
    let mut ledger = Ledger::new("ledger.example/erasure");
    let (key, source) = (Key::named("gateway"), id16("gateway"));
    let (salt, why) = body("why");
    let enrollment = with(
        enroll("enroll", &key.wire(), &source),
        &[(tag::MEDIA_TYPE, b"text/plain"), (tag::COMMITMENT, &encode::commitment(&salt, &why))],
    );
    ledger.command(enrollment);
    let statements = (0..6).map(|i| rich(&format!("statement {i}"), "stream")).collect();
    ledger.append(Draft::by(&key, source, statements));
    ledger.append(Draft::by(&key, source, vec![plain("bare")]));
    (ledger, key)
}

#[test]
fn what_is_accepted_is_erased_and_stays_erased() {
    let (mut ledger, _) = ledger();
    let first = ledger.command(erase("first", &[(2, 2), (6, 1)]));
    let again = ledger.command(erase("again", &[(3, 2)]));
    let none = ledger.command(erase("none", &[(2, 1)]));
    let entries = ledger.entries();
    let mut steps = deedbook_verify::replay::Replay::new();
    let mut erased = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        steps.step(entry).unwrap();
        erased.extend(steps.erased().iter().map(|body| (index, body.0)));
    }
    assert_eq!(erased, [(first, 2), (first, 3), (first, 6), (again, 4)]);
    assert_eq!(steps.bodies().erased(), 4);
    let standing = |index: u64| steps.bodies().get(Index(index)).unwrap();
    use Standing::{Erasable, Erased, NoBody, Permanent};
    let wanted = [NoBody, Permanent, Erased, Erased, Erased, Erasable, Erased, Erasable, NoBody];
    assert_eq!((0..9).map(standing).collect::<Vec<_>>(), wanted);
    assert_eq!(standing(none as u64), Permanent);
    assert_eq!(steps.bodies().get(Index(none as u64 + 1)), None);
}

#[test]
fn what_is_refused_needs_the_right_refusal_and_erases_nothing() {
    let (base, key) = ledger();
    let own = base.placed.len() as u64;
    let cases: &[(&[(u64, u16)], u16)] = &[
        (&[(own, 1)], 7),
        (&[(2, 1), (own + 9, 1)], 7),
        (&[(0, 1), (u64::MAX - 1, 1)], 7),
        (&[(0, 1)], 8),
        (&[(7, 2)], 8),
        (&[(1, 1)], 9),
        (&[(1, 2)], 9),
        (&[(0, 2)], 8),
    ];
    for (ranges, reason) in cases {
        let mut ledger = base.clone();
        let command = ledger.command(erase("refused", ranges));
        assert_eq!(replay(&ledger.entries()).err(), Some((command + 1, ReplayRefusal::RefusalMissing)), "{ranges:?}");
        for wrong in (1..=13).filter(|wrong| wrong != reason) {
            let mut ledger = ledger.clone();
            ledger.refuse(wrong);
            let found = replay(&ledger.entries()).err();
            assert_eq!(found, Some((command + 1, ReplayRefusal::RefusalMissing)), "{ranges:?} refused with {wrong}");
        }
        ledger.refuse(*reason);
        assert_eq!(replay(&ledger.entries()).unwrap().bodies().erased(), 0, "{ranges:?}");
    }
    let mut ledger = base.clone();
    ledger.append(Draft::by(&key, id16("gateway"), vec![erase("by a producer", &[(2, 1)])]));
    ledger.refuse(1);
    assert_eq!(replay(&ledger.entries()).unwrap().bodies().erased(), 0);
    let mut ledger = base.clone();
    let command = ledger.command(erase("accepted", &[(2, 1)]));
    ledger.refuse(9);
    assert_eq!(replay(&ledger.entries()).err(), Some((command + 1, ReplayRefusal::RefusalUnfounded)));
}

#[test]
fn one_set_of_bodies_has_one_form() {
    let parse = |ranges: &[(u64, u16)]| {
        let mut facts = erase("form", ranges);
        let rest = [(tag::SOURCE, vec![1; 16]), (tag::EPOCH, vec![0; 4]), (tag::SEQUENCE, vec![0; 8])];
        facts.extend(rest);
        if ranges.is_empty() {
            facts.remove(&tag::ERASED_BODIES);
        }
        let bytes = encode::facts(&facts);
        Facts::parse(&bytes).map(|facts| {
            let Detail::BodyErased(bodies) = facts.detail else { panic!("another kind") };
            bodies.indexes().map(|index| index.0).collect::<Vec<u64>>()
        })
    };
    assert_eq!(parse(&[(3, 2), (9, 1)]), Ok(vec![3, 4, 9]));
    assert_eq!(parse(&[(0, 1_024)]).map(|all| all.len()), Ok(1_024));
    let singles: Vec<(u64, u16)> = (0..1_024).map(|index| (index * 2, 1)).collect();
    assert_eq!(parse(&singles).map(|all| all.len()), Ok(1_024));
    let value: &[&[(u64, u16)]] =
        &[&[(3, 0)], &[(3, 2), (5, 1)], &[(3, 2), (4, 1)], &[(9, 1), (3, 1)], &[(3, 1), (3, 1)], &[(u64::MAX, 1)]];
    for ranges in value {
        assert_eq!(
            parse(ranges).map_err(|malformed| (malformed.what, malformed.defect)),
            Err(("erased_bodies", Defect::Value))
        );
    }
    let too_many: Vec<(u64, u16)> = (0..1_025).map(|index| (index * 2, 1)).collect();
    for ranges in [&[(0, 1_025)][..], &[(0, 1_000), (2_000, 25)], &too_many] {
        let defect = parse(ranges).unwrap_err();
        assert_eq!((defect.what, defect.defect), ("erased_bodies", Defect::TooLarge(1_024)));
    }
    assert_eq!(parse(&[]).unwrap_err().defect, Defect::Missing);
}

#[test]
fn the_fewest_ranges_cover_indexes() {
    let cover = |indexes: &[u64]| {
        let ranges = BodyRange::cover(indexes.iter().copied().map(Index));
        ranges.into_iter().map(|range| (range.first.0, range.count)).collect::<Vec<_>>()
    };
    assert_eq!(cover(&[]), []);
    assert_eq!(cover(&[4]), [(4, 1)]);
    assert_eq!(cover(&[1, 2, 3, 7, 9, 10]), [(1, 3), (7, 1), (9, 2)]);
}
