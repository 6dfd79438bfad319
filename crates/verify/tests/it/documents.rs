//! The parts of a document, written from FORMAT.md with numbers as literals: what may stand in one, and what may not.

use crate::encode::{self, Fields, id16};
use crate::ledger::event;
use deedbook_verify::bytes::{Defect, Malformed};
use deedbook_verify::detail::Detail;
use deedbook_verify::facts::Facts;

const PARENTS: u16 = 0x0030;
const OBJECTS: u16 = 0x0031;
const MEDIA_TYPE: u16 = 0x0040;
const COMMITMENT: u16 = 0x0041;
const PART: u16 = 0x0148;
const RELATIONS: u16 = 0x0149;

/// The first part of one or more: an artifact, a run, a person, an agent, a service and a team.
fn part(part: u16, parts: u16) -> Fields {
    let mut facts = event(0x0204, "document");
    for (tag, value) in [(0x0003, id16("source").to_vec()), (0x0004, vec![0; 4]), (0x0005, vec![0; 8])] {
        facts.insert(tag, value);
    }
    let object = |class: u8| [[class, 3].as_slice(), id16(&format!("object {class}")).as_slice()].concat();
    facts.insert(OBJECTS, [3, 7, 9, 10, 11, 12].into_iter().flat_map(object).collect());
    facts.insert(PART, [part.to_be_bytes(), parts.to_be_bytes()].concat());
    facts.insert(RELATIONS, [[1, 0, 0, 0, 1], [6, 0, 2, 0, 1], [19, 0, 5, 0, 4]].concat());
    if part == 0 {
        facts.insert(MEDIA_TYPE, b"application/json".to_vec());
        facts.insert(COMMITMENT, [[1].as_slice(), &[7; 32]].concat());
    } else {
        facts.insert(PARENTS, [id16("source"), id16("first")].concat());
    }
    facts
}

#[test]
fn parts_that_are_well_formed() {
    for (number, parts) in [(0, 1), (0, 3), (2, 3), (65_534, 65_535)] {
        let bytes = encode::facts(&part(number, parts));
        let facts = Facts::parse(&bytes).unwrap();
        let Detail::Document(document) = facts.detail else { panic!("{:?}", facts.detail) };
        assert_eq!((document.part, document.parts), (number, parts));
        let said: Vec<[u8; 5]> = document.relations().map(|relation| relation.to_bytes()).collect();
        assert_eq!(said, [[1, 0, 0, 0, 1], [6, 0, 2, 0, 1], [19, 0, 5, 0, 4]]);
    }
    let mut plain = part(0, 1);
    plain.remove(&RELATIONS);
    assert!(Facts::parse(&encode::facts(&plain)).is_ok(), "a document may say nothing of its things");
    plain.remove(&OBJECTS);
    assert!(Facts::parse(&encode::facts(&plain)).is_ok(), "or name none");
    plain.remove(&PART);
    let bytes = encode::facts(&plain);
    assert!(matches!(Facts::parse(&bytes).unwrap().detail, Detail::None), "without a part it is no document");
}

#[test]
fn parts_that_are_not() {
    type Change = fn(&mut Fields);
    let rows: &[(&str, &str, (u16, u16), Change)] = &[
        ("no parts at all", "document_part", (0, 0), |_| {}),
        ("a part beyond the last", "document_part", (3, 3), |_| {}),
        ("a first part without a body", "commitment", (0, 2), |facts| {
            facts.remove(&MEDIA_TYPE);
            facts.remove(&COMMITMENT);
        }),
        ("a further part with a body", "commitment", (1, 2), |facts| {
            facts.insert(MEDIA_TYPE, b"application/json".to_vec());
            facts.insert(COMMITMENT, [[1].as_slice(), &[7; 32]].concat());
        }),
        ("a first part with a parent", "parents", (0, 2), |facts| {
            facts.insert(PARENTS, [id16("source"), id16("first")].concat());
        }),
        ("a further part without one", "parents", (1, 2), |facts| {
            facts.remove(&PARENTS);
        }),
        ("a further part with two", "parents", (1, 2), |facts| {
            facts.insert(PARENTS, [id16("source"), id16("first"), id16("source"), id16("other")].concat());
        }),
        ("a relation of an unknown kind", "relations", (0, 1), |facts| {
            facts.insert(RELATIONS, vec![5, 0, 0, 0, 1]);
        }),
        ("an approval", "relations", (0, 1), |facts| {
            facts.insert(RELATIONS, vec![12, 0, 0, 0, 1]);
        }),
        ("a relation to nothing", "relations", (0, 1), |facts| {
            facts.insert(RELATIONS, vec![1, 0, 0, 0, 6]);
        }),
        ("a relation to itself", "relations", (0, 1), |facts| {
            facts.insert(RELATIONS, vec![1, 0, 1, 0, 1]);
        }),
        ("a dataset", "objects", (0, 1), |facts| {
            facts.insert(OBJECTS, [&[1, 3], id16("d").as_slice(), &[3, 3], &id16("a"), &[7, 3], &id16("r")].concat());
            facts.insert(RELATIONS, vec![1, 0, 1, 0, 2]);
        }),
        ("an artifact as input", "objects", (0, 1), |facts| {
            facts.insert(OBJECTS, [&[3, 1], id16("a").as_slice()].concat());
            facts.remove(&RELATIONS);
        }),
        ("a job", "objects", (0, 1), |facts| {
            facts.insert(OBJECTS, [&[6, 3], id16("j").as_slice()].concat());
            facts.remove(&RELATIONS);
        }),
        ("a person as output", "objects", (0, 1), |facts| {
            facts.insert(OBJECTS, [&[9, 2], id16("p").as_slice()].concat());
            facts.remove(&RELATIONS);
        }),
    ];
    for (what, field, (number, parts), change) in rows {
        let mut facts = part(*number, *parts);
        change(&mut facts);
        let refused = Facts::parse(&encode::facts(&facts)).map(|_| ()).unwrap_err();
        assert_eq!(refused.what, *field, "{what}: {refused}");
    }
}

#[test]
fn lists_of_relations_have_whole_elements_and_a_bound() {
    let mut half = part(0, 1);
    half.insert(RELATIONS, vec![1, 0, 0, 0]);
    let refused = Facts::parse(&encode::facts(&half)).map(|_| ()).unwrap_err();
    assert_eq!(refused, Malformed { what: "relations", defect: Defect::Length(4) });
    let mut many = part(0, 1);
    many.insert(RELATIONS, [1, 0, 0, 0, 1].repeat(1_025));
    assert!(Facts::parse(&encode::facts(&many)).is_err(), "1,024 relations are the most");
    for kind in [0x0200_u16, 0x0203] {
        let mut other = part(0, 1);
        other.insert(0x0001, kind.to_be_bytes().to_vec());
        other.remove(&OBJECTS);
        assert!(Facts::parse(&encode::facts(&other)).is_err(), "a part of no document of kind {kind:04x}");
    }
}
