//! Receipts that hold, with the report they must give; then every one-byte change of each, in the file and in the
//! decoded `extra`, refused by a named check.

use crate::encode::{Key, id16};
use crate::governed::{founded, key_of, person};
use crate::ledger::{Draft, enroll};
use crate::maker::Receipt;
use crate::vectors_operator::{enrolled_by, forged};
use crate::world::{World, at, plain, receipt_at, receipts, world};
use deedbook_verify::judge::{BodyState, Enroller, Verified, verify_receipt};
use deedbook_verify::kind::Kind;
use deedbook_verify::limits;
use deedbook_verify::note::VerifierKey;
use deedbook_verify::receipt::{Check, Finding};
use deedbook_verify::words::{Index, KeyId};
use std::collections::BTreeMap;

/// What a receipt must report.
struct Expected {
    index: usize,
    kind: Kind,
    signer: KeyId,
    enroller: Enroller,
    body: BodyState,
    /// Beside those that every receipt has.
    limits: &'static [&'static str],
}

const REVOKED: &str = "not shown: whether the signing key was revoked since";
const UNWITNESSED: &str = "not shown: whether others were shown another tree (no witness policy was given)";
const ALONE: &str = "genesis names one administrator: not shown whether a second one ever had to agree";
const AUTHORITY: &str = "enrolling authority not shown";
const COMMAND: &str = "a command: not shown whether it was refused directly behind";
const LEDGER_MADE: &str = "stated by the ledger, not replayed";
const REDACTED: &str = "body redacted: its commitment stands, its content is not shown";

fn expected(world: &World) -> BTreeMap<&'static str, Expected> {
    let id = |key: &crate::encode::Key| KeyId(key.id());
    let (gateway, rotated) = (id(&world.gateway), id(&world.rotated));
    let (admin, sequencer) = (id(&world.ledger.admin), id(&world.ledger.sequencer));
    let row = |index, kind, signer, enroller, body, limits| Expected { index, kind, signer, enroller, body, limits };
    let full = crate::world::body("full").1.len();
    let middle = crate::world::body("five 2").1.len();
    let by_admin = Enroller::Administrator(admin);
    BTreeMap::from([
        ("full", row(at::FULL, Kind::ExecutionReported, admin, Enroller::Genesis, BodyState::Disclosed(full), &[])),
        (
            "redacted",
            row(at::FRAME_OF_FIVE, Kind::ExecutionReported, gateway, by_admin, BodyState::Redacted, &[REDACTED]),
        ),
        ("genesis", row(0, Kind::Genesis, sequencer, Enroller::Genesis, BodyState::None, &[LEDGER_MADE])),
        ("key-enrolled", row(at::ENROLLED, Kind::KeyEnrolled, admin, Enroller::Genesis, BodyState::None, &[COMMAND])),
        (
            "middle-of-a-frame",
            row(at::MIDDLE, Kind::ExecutionReported, gateway, by_admin, BodyState::Disclosed(middle), &[]),
        ),
        (
            "under-a-rotated-key",
            row(
                at::UNDER_ROTATED,
                Kind::DataAccessed,
                rotated,
                Enroller::NotShown(gateway),
                BodyState::None,
                &[AUTHORITY],
            ),
        ),
        (
            "command-refused",
            row(at::REFUSAL, Kind::CommandRefused, sequencer, Enroller::Genesis, BodyState::None, &[LEDGER_MADE]),
        ),
    ])
}

#[test]
fn valid_receipts_report_what_they_prove() {
    let world = world();
    let expected = expected(&world);
    for (name, receipt) in receipts(&world) {
        let found: Verified = verify_receipt(&receipt.file(), &world.key).unwrap_or_else(|e| panic!("{name}: {e}"));
        let wanted = &expected[name];
        assert_eq!(found.ledger.0, world.ledger.id, "{name}");
        assert_eq!(found.index, Index(wanted.index as u64), "{name}");
        assert_eq!((found.kind, found.signer), (wanted.kind, wanted.signer), "{name}");
        assert_eq!((found.enroller, found.body), (wanted.enroller, wanted.body), "{name}");
        assert_eq!(found.limits(), [&[REVOKED, UNWITNESSED, ALONE], wanted.limits].concat(), "{name}");
        assert_eq!(found.head.size.0 as usize, world.ledger.placed.len(), "{name}");
    }
}

/// Roles may be given after genesis, so who was none of its administrators may have become one.
#[test]
fn an_enroller_whose_authority_came_later_is_said_not_to_be_shown() {
    let world = world();
    let (key, source) = forged();
    let reviewer = id16(&format!("{} reviewer", world.ledger.name));
    let by_reviewer = enrolled_by(&world, world.ledger.reviewer(), reviewer, &key, source);
    let admin = world.ledger.admin_source;
    let for_admin = enrolled_by(&world, world.ledger.admin.clone(), admin, &key, admin);
    for (file, signer) in [(by_reviewer, world.ledger.reviewer()), (for_admin, world.ledger.admin.clone())] {
        let found = verify_receipt(&file, &world.key).unwrap();
        assert_eq!(found.enroller, Enroller::NotShown(KeyId(signer.id())));
    }
}

#[test]
fn where_genesis_names_two_administrators_the_second_is_said_not_to_be_shown() {
    let mut ledger = founded(&[("alice", 1), ("bob", 1)]);
    let (gate, source) = (Key::named("gate"), id16("gate"));
    let enrolled =
        ledger.append(Draft::by(&key_of("alice"), person("alice"), vec![enroll("e", &gate.wire(), &source)]));
    let stated = ledger.append(Draft::by(&gate, source, vec![plain("stated")]));
    let vkey = VerifierKey::parse(&crate::maker::vkey(&ledger.name, &ledger.head)).unwrap();
    let found = verify_receipt(&Receipt::of(&ledger, stated, Some(enrolled)).file(), &vkey).unwrap();
    assert_eq!(found.enroller, Enroller::SecondNotShown(KeyId(key_of("alice").id())));
    assert!(found.limits().contains(&"not shown: that a second administrator agreed to the enrollment"));
    assert!(!found.limits().contains(&ALONE), "genesis names two");
}

#[test]
fn every_index_of_the_ledger_has_a_receipt() {
    let world = world();
    for index in 0..world.ledger.placed.len() {
        let file = receipt_at(&world, &world.ledger, index).file();
        assert_eq!(verify_receipt(&file, &world.key).map(|found| found.index.0), Ok(index as u64));
    }
}

#[test]
fn a_file_beyond_the_bound_is_not_read() {
    let refusal = verify_receipt(&vec![b'c'; limits::RECEIPT_BYTES_MAX + 1], &world().key).unwrap_err();
    assert_eq!((refusal.check, refusal.found), (Check::Form, Finding::TooLarge));
}

/// Low bit and high bit flipped, byte dropped, byte doubled, another byte inserted.
fn one_byte_changes(bytes: &[u8], at: usize, other: u8) -> impl Iterator<Item = (&'static str, Vec<u8>)> + '_ {
    let (head, tail) = bytes.split_at(at);
    let here = tail.first().copied();
    let rest = tail.get(1..).unwrap_or(&[]);
    let join = move |middle: &[u8], tail: &[u8]| [head, middle, tail].concat();
    [
        here.map(|byte| ("low bit flipped", join(&[byte ^ 1], rest))),
        here.map(|byte| ("high bit flipped", join(&[byte ^ 0x80], rest))),
        here.map(|_| ("dropped", join(&[], rest))),
        here.map(|byte| ("doubled", join(&[byte], tail))),
        Some(("inserted", join(&[other], tail))),
    ]
    .into_iter()
    .flatten()
}

/// The check: no one-byte change of the file or of its `extra` is accepted, and the refusal names a check.
fn check_every_byte(name: &str) {
    let world = world();
    let (_, receipt) = receipts(&world).into_iter().find(|(found, _)| *found == name).unwrap();
    let (file, extra) = (receipt.file(), receipt.extra());
    let judge = |changed: &[u8], what: &str| match verify_receipt(changed, &world.key) {
        Ok(_) => panic!("{name}: accepted with {what}"),
        Err(refusal) => {
            let text = refusal.to_string();
            assert!(text.starts_with(&format!("check `{}` failed: ", refusal.check.name())), "{text}");
        }
    };
    for at in 0..=file.len() {
        for (what, changed) in one_byte_changes(&file, at, b'\n').filter(|(_, changed)| *changed != file) {
            judge(&changed, &format!("byte {at} of the file {what}"));
        }
    }
    for at in 0..=extra.len() {
        for (what, changed) in one_byte_changes(&extra, at, 0).filter(|(_, changed)| *changed != extra) {
            judge(&receipt.file_with(&changed), &format!("byte {at} of extra {what}"));
        }
    }
}

#[test]
fn every_byte_of_full_counts() {
    check_every_byte("full");
}

#[test]
fn every_byte_of_redacted_counts() {
    check_every_byte("redacted");
}

#[test]
fn every_byte_of_genesis_counts() {
    check_every_byte("genesis");
}

#[test]
fn every_byte_of_key_enrolled_counts() {
    check_every_byte("key-enrolled");
}

#[test]
fn every_byte_of_middle_of_a_frame_counts() {
    check_every_byte("middle-of-a-frame");
}

#[test]
fn every_byte_of_under_a_rotated_key_counts() {
    check_every_byte("under-a-rotated-key");
}

#[test]
fn every_byte_of_command_refused_counts() {
    check_every_byte("command-refused");
}
