//! An entry, a frame, a signature copied into another ledger, source, epoch, position or role is refused; so is a
//! frame taken apart.

use crate::encode::{self, Key, id16, seed, tag};
use crate::forged::{check, clock, not_in_force, state};
use crate::forgeries;
use crate::ledger::{Draft, Frame as Signed, Ledger, enroll, with};
use crate::world::{World, at, plain};
use deedbook_verify::frame::FrameRefusal as F;
use deedbook_verify::replay::ReplayRefusal::*;

/// Facts and frame that begin at an index.
fn frame_at(world: &World, index: usize) -> (Vec<encode::Fields>, Signed) {
    let frame = world.ledger.placed[index].frame;
    let placed = world.ledger.placed.iter().filter(|placed| placed.frame == frame);
    (placed.map(|placed| placed.facts.clone()).collect(), world.ledger.frames[frame].clone())
}

/// Places the frame at an index a second time, its header changed, under its old signature.
fn copy(world: &mut World, index: usize, change: impl Fn(&mut Signed)) {
    let (events, mut frame) = frame_at(world, index);
    change(&mut frame);
    let events = events.into_iter().map(|facts| agreeing(facts, &frame)).collect();
    world.ledger.place(events, frame);
    let last = world.ledger.frames.len() - 1;
    world.ledger.reseal(last, &[]);
}

/// Facts made to agree with a header, under another event id.
fn agreeing(facts: encode::Fields, frame: &Signed) -> encode::Fields {
    let header = &frame.header;
    let more = [(tag::SOURCE, header.source.to_vec()), (tag::EPOCH, header.epoch.to_be_bytes().to_vec())];
    let facts = with(facts, &[(more[0].0, &more[0].1), (more[1].0, &more[1].1)]);
    with(facts, &[(tag::SEQUENCE, &header.first.to_be_bytes()), (tag::EVENT_ID, &id16("copy"))])
}

#[test]
fn frames_copied_elsewhere() {
    check(forgeries! {
        "frame-of-another-ledger", |_| Frame(F::LedgerDiffers), |w| {
            let (events, frame) = frame_at(w, at::ADMIN_STATEMENT);
            w.ledger = Ledger::founded(&w.ledger.name, |facts| { facts.insert(0x0110, vec![1; 32]); }, [2, 3]);
            w.ledger.place(events, frame);
        };
        "ledger-id-replaced", |_| Frame(F::LedgerDiffers), |w| {
            copy(w, at::ADMIN_STATEMENT, |frame| frame.header.ledger = seed("another"));
        };
        "ledger-id-of-genesis", |_| Frame(F::LedgerDiffers), |w| {
            copy(w, at::ADMIN_STATEMENT, |frame| frame.header.ledger = [0; 32]);
        };
        "source-replaced", |w| not_in_force(&w.ledger.admin), |w| {
            let source = w.gateway_source;
            copy(w, at::ADMIN_STATEMENT, |frame| frame.header.source = source);
        };
        "epoch-replaced", |_| Frame(F::SignatureInvalid), |w| copy(w, 18, |frame| {
            (frame.header.epoch, frame.header.first) = (3, 1);
        });
        "sequence-replaced", |_| Frame(F::SignatureInvalid), |w| copy(w, 18, |frame| frame.header.first = 5);
        "unsequenced-frame-in-a-sequence", |_| Frame(F::SignatureInvalid), |w| copy(w, at::ADMIN_STATEMENT, |frame| {
            (frame.header.epoch, frame.header.first) = (1, 1);
        });
        "unsequenced-frame-again", |_| EventIdKnown, |w| {
            let (events, frame) = frame_at(w, at::ADMIN_STATEMENT);
            w.ledger.place(events, frame);
        };
        "sequenced-frame-again", |_| EventIdKnown, |w| {
            let (events, frame) = frame_at(w, 18);
            w.ledger.place(events, frame);
        };
        "command-again", |_| EventIdKnown, |w| {
            let (events, frame) = frame_at(w, at::ENROLLED);
            w.ledger.place(events, frame);
        };
        "refusal-again", |_| EventIdKnown, |w| {
            let (events, frame) = frame_at(w, at::REFUSAL);
            w.ledger.place(events, frame);
        };
        "frame-moved-before-its-enrollment", |w| not_in_force(&w.gateway), |w| {
            w.ledger.placed.swap(1, 2);
        };
    });
}

#[test]
fn signatures_and_roles_copied() {
    check(forgeries! {
        "signature-of-another-frame", |_| Frame(F::SignatureInvalid), |w| {
            w.ledger.append(Draft::by(&w.ledger.admin.clone(), w.ledger.admin_source, vec![plain("s")]));
            let (_, other) = frame_at(w, at::ADMIN_STATEMENT);
            let last = w.ledger.frames.len() - 1;
            w.ledger.frames[last].block = other.block;
            w.ledger.reseal(last, &[]);
        };
        "signature-of-another-signer", |_| Frame(F::SignerDiffers), |w| {
            w.ledger.append(Draft::by(&w.ledger.admin.clone(), w.ledger.admin_source, vec![plain("s")]));
            let (last, reviewer) = (w.ledger.frames.len() - 1, w.ledger.reviewer());
            w.ledger.reseal(last, &[reviewer]);
        };
        "signature-surplus", |_| Frame(F::SignatureSurplus), |w| {
            w.ledger.append(Draft::by(&w.ledger.admin.clone(), w.ledger.admin_source, vec![plain("s")]));
            let (last, admin) = (w.ledger.frames.len() - 1, w.ledger.admin.clone());
            w.ledger.reseal(last, &[admin.clone(), admin]);
        };
        "signature-missing", |_| Frame(F::SignatureMissing), |w| {
            w.ledger = Ledger::new("a");
            let head = w.ledger.head.clone();
            w.ledger.reseal(0, &[head]);
        };
        "role-of-head", |_| Frame(F::AuthorDiffers), |w| {
            copy(w, at::ADMIN_STATEMENT, |frame| frame.header.signers[0].0 = 2);
        };
        "role-of-sequencer", |_| Frame(F::AuthorDiffers), |w| {
            copy(w, at::ADMIN_STATEMENT, |frame| frame.header.signers[0].0 = 3);
        };
        "role-of-source", |_| Frame(F::AuthorDiffers), |w| {
            copy(w, at::REFUSAL, |frame| frame.header.signers[0].0 = 1);
        };
        "two-required-signers", |_| Frame(F::RoleDiffers), |w| {
            copy(w, at::ADMIN_STATEMENT, |frame| frame.header.signers.push(frame.header.signers[0]));
        };
        "sequencer-role-by-an-administrator", |w| not_in_force(&w.ledger.admin), |w| {
            let refusal = w.ledger.refusal(1);
            let signers = vec![(3, w.ledger.admin.clone())];
            let source = w.ledger.admin_source;
            w.ledger.append(Draft { ledger: None, source, epoch: 0, first: 0, signers, events: vec![refusal] });
        };
        "statement-by-the-sequencer", |_| Frame(F::AuthorDiffers), |w| { w.ledger.append_own(vec![plain("s")]); };
        "command-by-the-sequencer", |_| Frame(F::AuthorDiffers), |w| {
            w.ledger.append_own(vec![enroll("e", &Key::named("new").wire(), &id16("new"))]);
        };
        "refusal-by-an-administrator", |_| Frame(F::AuthorDiffers), |w| {
            let refusal = w.ledger.refusal(1);
            w.ledger.command(refusal);
        };
        "command-before-a-statement", |_| Frame(F::NotAlone), |w| {
            let command = enroll("e", &Key::named("new").wire(), &id16("new"));
            w.ledger.append(Draft::by(&w.ledger.admin.clone(), w.ledger.admin_source, vec![command, plain("s")]));
        };
        "command-behind-a-statement", |_| Frame(F::AuthorDiffers), |w| {
            let command = enroll("e", &Key::named("new").wire(), &id16("new"));
            w.ledger.append(Draft::by(&w.ledger.admin.clone(), w.ledger.admin_source, vec![plain("s"), command]));
        };
        "ledger-made-behind-a-statement", |_| Frame(F::AuthorDiffers), |w| {
            let clock = clock(1);
            state(w, 2, 5, vec![plain("s"), clock]);
        };
    });
}

#[test]
fn frames_taken_apart() {
    check(forgeries! {
        "entry-between", |_| FrameOrder, |w| {
            let last = w.ledger.placed.last().unwrap().clone();
            w.ledger.placed.insert(at::MIDDLE, last);
        };
        "offsets-swapped", |_| FrameOrder, |w| w.ledger.placed.swap(4, 5);
        "offset-dropped", |_| FrameOrder, |w| { w.ledger.placed.remove(at::MIDDLE); };
        "offset-twice", |_| FrameOrder, |w| {
            let middle = w.ledger.placed[at::MIDDLE].clone();
            w.ledger.placed.insert(at::MIDDLE, middle);
        };
        "first-offset-dropped", |_| FrameOrder, |w| { w.ledger.placed.remove(at::FRAME_OF_FIVE); };
        "offset-of-another-frame", |_| FrameOrder, |w| {
            let other = w.ledger.placed[at::FULL + 1].clone();
            w.ledger.placed[4] = other;
        };
        "cut-short-at-the-end", |_| FrameOrder, |w| w.ledger.placed.truncate(at::MIDDLE);
        "facts-exchanged", |_| Frame(F::RootDiffers), |w| {
            let facts = &mut w.ledger.placed[at::MIDDLE].facts;
            facts.insert(tag::OCCURRED, vec![1; 8]);
        };
        "no-genesis", |_| Genesis, |w| { w.ledger.placed.remove(0); };
        "genesis-twice", |_| Genesis, |w| {
            let genesis = w.ledger.placed[0].clone();
            w.ledger.placed.insert(1, genesis);
        };
        "genesis-roles-swapped", |_| Frame(F::RoleDiffers), |w| w.ledger = Ledger::founded("a", |_| {}, [3, 2]);
        "genesis-for-a-ledger", |_| Frame(F::LedgerDiffers), |w| {
            let signers = [w.ledger.head.clone(), w.ledger.sequencer.clone()];
            w.ledger.frames[0].header.ledger = [1; 32];
            w.ledger.reseal(0, &signers);
        };
        "genesis-with-one-key-twice", |_| Genesis, |w| {
            let key = Key::named("a head").wire();
            w.ledger = Ledger::founded("a", move |facts| { facts.insert(0x0113, key.clone()); }, [2, 3]);
        };
        "genesis-with-a-weak-person", |_| Genesis, |w| w.ledger = Ledger::founded("a", |facts| {
            facts.insert(0x0114, [id16("p").as_slice(), &encode::wire_of(&[0; 32]), &[1]].concat());
        }, [2, 3]);
    });
}
