//! The objects of facts, written from FORMAT.md with numbers as literals: what may stand where, and what may not.

use crate::encode::{self, id16};
use crate::ledger::event;
use deedbook_verify::bytes::{Defect, Malformed};
use deedbook_verify::facts::{Facts, ObjectClass};

/// Facts of an `openlineage.received` with these classes and roles, in order.
fn facts_with(objects: &[(u8, u8)]) -> Vec<u8> {
    let mut facts = event(0x0203, "objects");
    for (tag, value) in [(0x0003, id16("source").to_vec()), (0x0004, vec![0; 4]), (0x0005, vec![0; 8])] {
        facts.entry(tag).or_insert(value);
    }
    let object = |(at, (class, role)): (usize, &(u8, u8))| {
        [[*class, *role].as_slice(), id16(&format!("object {at}")).as_slice()].concat()
    };
    facts.insert(0x0031, objects.iter().enumerate().flat_map(object).collect());
    encode::facts(&facts)
}

#[test]
fn objects_that_may_stand_so() {
    let rows: &[&[(u8, u8)]] = &[
        &[(1, 1), (1, 2), (1, 3), (2, 1), (3, 2)],
        &[(1, 1), (4, 1), (1, 1), (4, 1), (1, 2)],
        &[(2, 3), (5, 3), (1, 2), (4, 2)],
        &[(6, 3), (7, 3), (8, 3), (1, 1), (4, 1)],
    ];
    for objects in rows {
        let bytes = facts_with(objects);
        let facts = Facts::parse(&bytes).unwrap();
        let read: Vec<(u8, u8)> = facts.objects().map(|object| (object.class.number(), object.role.number())).collect();
        assert_eq!(read, *objects);
    }
    assert_eq!(ObjectClass::from_number(13), None);
}

#[test]
fn objects_that_may_not() {
    let rows: &[(&str, &[(u8, u8)])] = &[
        ("an unknown class", &[(1, 1), (13, 1)]),
        ("a person outside of a document", &[(9, 3)]),
        ("an agent outside of a document", &[(10, 3)]),
        ("a service outside of a document", &[(11, 3)]),
        ("a team outside of a document", &[(12, 3)]),
        ("an unknown role", &[(1, 4)]),
        ("a version in front", &[(4, 1), (1, 1)]),
        ("a version behind another", &[(1, 1), (4, 1), (4, 1)]),
        ("a version in another role", &[(1, 1), (4, 2)]),
        ("a dataset's version behind a model", &[(2, 1), (4, 1)]),
        ("a model's version behind a dataset", &[(1, 1), (5, 1)]),
        ("a version of an artifact", &[(3, 1), (4, 1)]),
        ("a version of a job", &[(6, 3), (4, 3)]),
        ("a job as input", &[(6, 1)]),
        ("a run as output", &[(7, 2)]),
        ("a session as input", &[(8, 1)]),
    ];
    for (what, objects) in rows {
        let refused = Facts::parse(&facts_with(objects)).map(|_| ());
        assert_eq!(refused, Err(Malformed { what: "objects", defect: Defect::Value }), "{what}");
    }
}
