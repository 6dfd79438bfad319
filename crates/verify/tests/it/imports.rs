//! What the ledger took in unsigned: accepted as its own word, by its own key and numbering, and in no other way.

use crate::encode::{Fields, id16, seed, tag};
use crate::forged::{check, clock, not_in_force, state};
use crate::ledger::{Draft, event, with};
use crate::maker::Receipt;
use crate::replay::replay;
use crate::world::{World, at, body, world};
use deedbook_verify::bytes::Defect;
use deedbook_verify::detail::Detail;
use deedbook_verify::facts::Facts;
use deedbook_verify::frame::FrameRefusal as F;
use deedbook_verify::judge::verify_receipt;
use deedbook_verify::kind::Author;
use deedbook_verify::replay::ReplayRefusal::{self, *};

const OPENLINEAGE_RECEIVED: u16 = 0x0203;
const PROV_RECEIVED: u16 = 0x0204;

/// An OpenLineage event as a source states it.
fn stated(name: &str) -> Fields {
    let (salt, body) = body(name);
    let commitment = crate::encode::commitment(&salt, &body);
    with(
        event(OPENLINEAGE_RECEIVED, name),
        &[
            (tag::STREAM, &id16(name)),
            (0x0010, &[&[3], id16("caller").as_slice()].concat()),
            (tag::MEDIA_TYPE, b"application/json"),
            (tag::COMMITMENT, &commitment),
        ],
    )
}

/// The same as the ledger states it.
fn imported(name: &str) -> Fields {
    with(stated(name), &[(tag::RULES, &[0, 1])])
}

/// A frame of the ledger's at a place of the caller's.
fn own(world: &mut World, epoch: u32, ahead: u64, events: Vec<Fields>) {
    let first = if epoch == 0 { 0 } else { world.ledger.ledger_sequence + 1 + ahead };
    let signers = vec![(3, world.ledger.sequencer.clone())];
    let source = world.ledger.source;
    world.ledger.append(Draft { ledger: None, source, epoch, first, signers, events });
}

#[test]
fn it_is_the_ledgers_word_and_says_so() {
    let mut world = world();
    let index = world.ledger.append_own((0..3).map(|i| imported(&format!("import {i}"))).collect());
    world.ledger.append_own(vec![clock(1)]);
    replay(&world.ledger.entries()).unwrap();
    let bytes = crate::encode::facts(&world.ledger.placed[index].facts);
    let facts = Facts::parse(&bytes).unwrap();
    assert!(matches!(facts.detail, Detail::Imported { .. }) && facts.author() == Author::Ledger);
    let receipt = Receipt::of(&world.ledger, index + 1, None).disclosing(&body("import 1"));
    let verified = verify_receipt(&receipt.file(), &world.key).unwrap();
    assert_eq!((verified.author, verified.kind.name()), (Author::Ledger, "openlineage.received"));
    let unsigned = "came in unsigned: the ledger attests that it did, no producer does";
    assert!(verified.limits().contains(&unsigned), "{:?}", verified.limits());
    // One that a source signed is that source's.
    let signed = Receipt::of(&world.ledger, at::FRAME_OF_FIVE, Some(at::ENROLLED)).file();
    assert!(!verify_receipt(&signed, &world.key).unwrap().limits().contains(&unsigned));
}

#[test]
fn every_other_way_is_refused() {
    let foreign = |_: &World| {
        Malformed(deedbook_verify::bytes::Malformed { what: "facts", defect: Defect::UnknownCritical(0x0100) })
    };
    check(crate::forgeries! {
        "by the sequencer, without its rules", |_| Frame(F::AuthorDiffers), |w| own(w, 1, 0, vec![stated("x")]);
        "by a source, with the ledger's rules", |_| Frame(F::AuthorDiffers), |w| state(w, 2, 5, vec![imported("x")]);
        "by a source, under the sequencer's role", |w| not_in_force(&w.rotated), |w| {
            let (key, source) = (w.rotated.clone(), w.gateway_source);
            let events = vec![imported("x")];
            w.ledger.append(Draft { ledger: None, source, epoch: 2, first: 5, signers: vec![(3, key)], events });
        };
        "for the source of somebody else", |w| not_in_force(&w.ledger.sequencer), |w| {
            let (key, source) = (w.ledger.sequencer.clone(), w.gateway_source);
            let events = vec![imported("x")];
            w.ledger.append(Draft { ledger: None, source, epoch: 2, first: 5, signers: vec![(3, key)], events });
        };
        "by rules that nobody has", |_| Rules, |w| {
            own(w, 1, 0, vec![with(stated("x"), &[(tag::RULES, &[0, 2])])]);
        };
        "in another epoch", |_| SourceOrder, |w| own(w, 2, 0, vec![imported("x")]);
        "without a number", |_| SourceOrder, |w| own(w, 0, 0, vec![imported("x")]);
        "beyond the next number", |_| SourceOrder, |w| own(w, 1, 1, vec![imported("x")]);
        "in a frame with what a source may state", |_| Frame(F::AuthorDiffers), |w| {
            own(w, 1, 0, vec![imported("x"), stated("y")]);
        };
        "twice", |_| EventIdKnown, |w| {
            w.ledger.append_own(vec![imported("x")]);
            w.ledger.append_own(vec![with(imported("y"), &[(tag::EVENT_ID, &id16("x"))])]);
        };
        "another statement", foreign, |w| {
            own(w, 1, 0, vec![with(event(0x0201, "x"), &[(tag::RULES, &[0, 1])])]);
        };
        "a document of PROV", foreign, |w| {
            own(w, 1, 0, vec![with(event(PROV_RECEIVED, "x"), &[(tag::RULES, &[0, 1])])]);
        };
        "in the place of a refusal", |_| RefusalMissing, |w| {
            let key = seed("nobody's key");
            w.ledger.command(crate::ledger::revoke("owed", &key));
            own(w, 1, 0, vec![imported("x")]);
        };
    });
}

#[test]
fn one_of_another_stream_revision_is_refused() {
    let mut world = world();
    world.ledger.append_own(vec![imported("x")]);
    let placed = world.ledger.placed.last_mut().unwrap();
    placed.seal.insert(tag::REVISION, 2_u64.to_be_bytes().to_vec());
    let found: Result<_, (usize, ReplayRefusal)> = replay(&world.ledger.entries());
    assert_eq!(found.err().map(|(_, refusal)| refusal), Some(StreamOrder));
}
