//! Logs that somebody with every key of the server could write, each refused by replay for its reason.

use crate::encode::{self, Key, id16, kind, tag};
use crate::ledger::{Draft, Ledger, enroll, event, revoke, rotate, with};
use crate::replay::replay;
use crate::world::{World, plain, rich, world};
use deedbook_verify::bytes::Defect;
use deedbook_verify::frame::FrameRefusal as F;
use deedbook_verify::kind::Kind;
use deedbook_verify::replay::ReplayRefusal::{self, *};
use deedbook_verify::words::KeyId;

/// A forgery: what is done to the world's ledger, and what replay must say.
pub struct Row {
    pub name: &'static str,
    pub make: fn(&mut World),
    pub refusal: fn(&World) -> ReplayRefusal,
}

/// The one check: the log was good before, and is refused for this reason now.
pub fn check(rows: &[Row]) {
    let mut wrong = Vec::new();
    for row in rows {
        let mut world = world();
        (row.make)(&mut world);
        let (found, wanted) =
            (replay(&world.ledger.entries()).err().map(|(_, refusal)| refusal), (row.refusal)(&world));
        if found.as_ref() != Some(&wanted) {
            wrong.push(format!("{}: {found:?}, not {wanted:?}", row.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A table of forgeries: name, refusal, what is done.
#[macro_export]
macro_rules! forgeries {
    ($($name:literal, $refusal:expr, $make:expr;)+) => {
        &[$($crate::forged::Row { name: $name, make: $make, refusal: $refusal }),+]
    };
}

pub fn not_in_force(key: &Key) -> ReplayRefusal {
    Frame(F::KeyNotInForce(KeyId(key.id())))
}

/// A sequenced statement of the gateway's source, under its present key; epoch 2 goes on at 5.
pub fn state(world: &mut World, epoch: u32, first: u64, events: Vec<encode::Fields>) {
    let draft = Draft::by(&world.rotated, world.gateway_source, events);
    world.ledger.append(draft.at(epoch, first));
}

pub fn gap(from: u64, to: u64) -> encode::Fields {
    with(event(kind::SOURCE_GAP, "gap"), &[(tag::GAP_FROM, &from.to_be_bytes()), (tag::GAP_TO, &to.to_be_bytes())])
}

pub fn clock(rules: u8) -> encode::Fields {
    with(event(kind::CLOCK_CHECKED, "c"), &[(tag::RULES, &[0, rules]), (0x0102, &[0; 8])])
}

/// Changes a field of the last entry.
fn last(world: &mut World, tag: u16, value: &[u8]) {
    let placed = world.ledger.placed.last_mut().unwrap();
    let half = if tag & 0x0f00 == 0x0200 { &mut placed.seal } else { &mut placed.facts };
    half.insert(tag, value.to_vec());
}

/// Changes facts of the last frame, which stands alone, and signs it again as its signer would.
fn restate(world: &mut World, key: &Key, tag: u16, value: &[u8]) {
    last(world, tag, value);
    let frame = world.ledger.frames.len() - 1;
    world.ledger.reseal(frame, std::slice::from_ref(key));
}

fn refusal_with(world: &mut World, tag: u16, value: &[u8]) {
    let (key, source) = (world.rotated.clone(), world.gateway_source);
    let command = revoke("refused", &Key::named("nobody").id());
    world.ledger.append(Draft::by(&key, source, vec![command]));
    world.ledger.refuse(4);
    let sequencer = world.ledger.sequencer.clone();
    restate(world, &sequencer, tag, value);
}

#[test]
fn keys_out_of_their_time_or_place() {
    check(forgeries! {
        "used-before-enrollment", |_| not_in_force(&Key::named("new")), |w| {
            let (key, source) = (Key::named("new"), id16("new"));
            w.ledger.append(Draft::by(&key, source, vec![plain("early")]));
            w.ledger.command(enroll("enroll new", &key.wire(), &source));
        };
        "used-after-rotation", |w| not_in_force(&w.gateway), |w| {
            w.ledger.append(Draft::by(&w.gateway, w.gateway_source, vec![plain("late")]));
        };
        "used-after-revocation", |w| not_in_force(&w.rotated), |w| {
            w.ledger.command(revoke("revoke", &w.rotated.id()));
            state(w, 2, 5, vec![plain("late")]);
        };
        "used-though-its-enrollment-was-refused", |_| not_in_force(&Key::named("intruder")), |w| {
            w.ledger.append(Draft::by(&Key::named("intruder"), id16("intruder"), vec![plain("in")]));
        };
        "used-for-another-source", |w| not_in_force(&w.ledger.admin), |w| {
            w.ledger.append(Draft::by(&w.ledger.admin.clone(), w.gateway_source, vec![plain("for another")]));
        };
        "sequencer-as-source", |w| not_in_force(&w.ledger.sequencer), |w| {
            w.ledger.append(Draft::by(&w.ledger.sequencer.clone(), w.ledger.source, vec![plain("own")]));
        };
        "head-as-sequencer", |w| not_in_force(&w.ledger.head), |w| {
            w.ledger.sequencer = w.ledger.head.clone();
            w.ledger.append_own(vec![clock(1)]);
        };
        "unknown-key", |_| not_in_force(&Key::named("nobody")), |w| {
            w.ledger.append(Draft::by(&Key::named("nobody"), w.gateway_source, vec![plain("who")]));
        };
    });
}

#[test]
fn streams_and_sources_out_of_order() {
    check(forgeries! {
        "revision-skipped", |_| StreamOrder, |w| {
            w.ledger.append(Draft::by(&w.ledger.admin.clone(), w.ledger.admin_source, vec![rich("r", "even")]));
            last(w, tag::REVISION, &6_u64.to_be_bytes());
        };
        "revision-repeated", |_| StreamOrder, |w| {
            w.ledger.append(Draft::by(&w.ledger.admin.clone(), w.ledger.admin_source, vec![rich("r", "even")]));
            last(w, tag::REVISION, &4_u64.to_be_bytes());
        };
        "expected-revision-stale", |_| StreamOrder, |w| {
            state(w, 2, 5, vec![with(rich("r", "even"), &[(tag::EXPECTED, &3_u64.to_be_bytes())])]);
        };
        "expected-a-new-stream", |_| StreamOrder, |w| {
            state(w, 2, 5, vec![with(rich("r", "even"), &[(tag::EXPECTED, &0_u64.to_be_bytes())])]);
        };
        "sequence-gap-without-source-gap", |_| SourceOrder, |w| state(w, 2, 6, vec![plain("s")]);
        "sequence-repeated", |_| SourceOrder, |w| state(w, 2, 4, vec![plain("s")]);
        "epoch-of-the-past", |_| SourceOrder, |w| state(w, 1, 8, vec![plain("s")]);
        "epoch-begun-in-the-middle", |_| SourceOrder, |w| state(w, 3, 2, vec![plain("s")]);
        "gap-from-too-late", |_| SourceOrder, |w| state(w, 2, 9, vec![gap(6, 9)]);
        "gap-from-too-early", |_| SourceOrder, |w| state(w, 2, 9, vec![gap(4, 9)]);
        "gap-to-elsewhere", |_| SourceOrder, |w| state(w, 2, 9, vec![gap(5, 8)]);
        "gap-unsequenced", |_| SourceOrder, |w| state(w, 0, 0, vec![gap(5, 9)]);
        "gap-in-company", |_| Frame(F::NotAlone), |w| state(w, 2, 9, vec![gap(5, 9), plain("company")]);
        "event-id-again", |_| EventIdKnown, |w| state(w, 2, 5, vec![plain("tail 3")]);
        "event-id-twice-in-a-frame", |_| EventIdKnown, |w| state(w, 2, 5, vec![plain("t"), plain("t")]);
        "ledger-sequence-skipped", |_| SourceOrder, |w| {
            w.ledger.ledger_sequence += 1;
            refusal_with(w, tag::REASON, &[0, 4]);
        };
        "ledger-in-another-epoch", |_| SourceOrder, |w| {
            let clock = clock(1);
            let signers = vec![(3, w.ledger.sequencer.clone())];
            let (source, events) = (w.ledger.source, vec![clock]);
            w.ledger.append(Draft { ledger: None, source, epoch: 2, first: 1, signers, events });
        };
        "ledger-unsequenced", |_| SourceOrder, |w| {
            let clock = clock(1);
            let signers = vec![(3, w.ledger.sequencer.clone())];
            let (source, events) = (w.ledger.source, vec![clock]);
            w.ledger.append(Draft { ledger: None, source, epoch: 0, first: 0, signers, events });
        };
        "received-decreases", |_| ReceivedDecreases, |w| {
            state(w, 2, 5, vec![plain("s")]);
            last(w, tag::RECEIVED, &1_767_582_000_000_000_u64.to_be_bytes());
        };
        "received-differs-within-a-frame", |_| FrameOrder, |w| {
            state(w, 2, 5, vec![plain("s"), plain("t")]);
            last(w, tag::RECEIVED, &u64::MAX.to_be_bytes());
        };
    });
}

#[test]
fn refusals_missing_unfounded_or_altered() {
    check(forgeries! {
        "refusal-missing", |_| RefusalMissing, |w| {
            let command = revoke("refused", &Key::named("nobody").id());
            state(w, 2, 5, vec![command]);
            state(w, 2, 6, vec![plain("after")]);
        };
        "refusal-missing-at-the-end", |_| RefusalMissing, |w| {
            state(w, 2, 5, vec![revoke("refused", &Key::named("nobody").id())]);
        };
        "refusal-of-an-accepted-command", |_| RefusalUnfounded, |w| {
            w.ledger.command(enroll("enroll new", &Key::named("new").wire(), &id16("new")));
            w.ledger.refuse(1);
        };
        "refusal-of-a-statement", |_| RefusalUnfounded, |w| {
            state(w, 2, 5, vec![plain("s")]);
            w.ledger.refuse(1);
        };
        "refusal-twice", |_| RefusalUnfounded, |w| {
            state(w, 2, 5, vec![revoke("refused", &Key::named("nobody").id())]);
            let refusal = w.ledger.refusal(4);
            let again = with(refusal.clone(), &[(tag::EVENT_ID, &id16("again"))]);
            w.ledger.append_own(vec![refusal, again]);
        };
        "refusal-of-another-command", |_| RefusalMissing, |w| refusal_with(w, tag::PARENTS, &[7; 32]);
        "refusal-of-two-commands", |_| RefusalMissing, |w| refusal_with(w, tag::PARENTS, &[7; 64]);
        "refusal-with-another-id", |_| RefusalMissing, |w| refusal_with(w, tag::EVENT_ID, &[7; 16]);
        "refusal-for-another-reason", |_| RefusalMissing, |w| refusal_with(w, tag::REASON, &[0, 1]);
        "refusal-by-other-rules", |_| Rules, |w| refusal_with(w, tag::RULES, &[0, 2]);
        "clock-by-other-rules", |_| Rules, |w| {
            w.ledger.append_own(vec![clock(2)]);
        };
        "genesis-by-other-rules", |_| Rules, |w| {
            w.ledger = Ledger::founded("a", |facts| { facts.insert(tag::RULES, vec![0, 2]); }, [2, 3]);
        };
        "kind-of-the-ledger-not-built", |_| KindNotBuilt(Kind::LedgerSealed), |w| {
            w.ledger.append_own(vec![with(event(0x0002, "p"), &[(tag::RULES, &[0, 1])])]);
        };
    });
}

/// A command of the given signer, refused with the given reason: accepted with the right one, with no other.
fn check_reason(name: &str, right: u16, command: impl Fn(&mut World)) {
    for reason in 1..=6 {
        let mut world = world();
        command(&mut world);
        world.ledger.refuse(reason);
        let found = replay(&world.ledger.entries()).err().map(|(_, refusal)| refusal);
        assert_eq!(found, (reason != right).then_some(RefusalMissing), "{name}: reason {reason}");
    }
}

#[test]
fn each_reason_has_its_commands() {
    let mut one = [0; 32];
    one[0] = 1;
    let by_admin = |facts: encode::Fields| {
        move |w: &mut World| {
            w.ledger.command(facts.clone());
        }
    };
    for (name, point) in [("order one", one), ("order four", [0; 32]), ("no point", [2; 32])] {
        check_reason(name, 2, by_admin(enroll("weak", &encode::wire_of(&point), &id16("weak"))));
        check_reason(name, 2, move |w| {
            let (key, source) = (w.rotated.clone(), w.gateway_source);
            let facts = rotate("weak", &encode::wire_of(&point), &source, &key.id());
            w.ledger.append(Draft::by(&key, source, vec![facts]));
        });
    }
    let new = Key::named("new").wire();
    check_reason("enrolled twice", 3, by_admin(enroll("k", &Key::named("gateway").wire(), &id16("other"))));
    check_reason("revoked twice", 4, by_admin(revoke("k", &Key::named("gateway").id())));
    check_reason("unknown", 4, by_admin(revoke("k", &Key::named("nobody").id())));
    let elsewhere = rotate("k", &new, &id16("elsewhere"), &Key::named("gateway 2").id());
    check_reason("rotated to another source", 4, by_admin(elsewhere));
    check_reason("last administrator", 5, |w| {
        w.ledger.command(revoke("k", &w.ledger.admin.id()));
    });
    check_reason("head key revoked", 6, |w| {
        w.ledger.command(revoke("k", &w.ledger.head.id()));
    });
    check_reason("sequencer rotated", 6, |w| {
        let facts = rotate("k", &Key::named("new").wire(), &w.ledger.source, &w.ledger.sequencer.id());
        w.ledger.command(facts);
    });
    check_reason("enrolled for the ledger", 6, |w| {
        w.ledger.command(enroll("k", &Key::named("new").wire(), &w.ledger.source));
    });
    check_reason("enrolled for an administrator", 1, |w| {
        w.ledger.command(enroll("k", &Key::named("new").wire(), &w.ledger.admin_source));
    });
    check_reason("enrolled by a source", 1, |w| {
        state(w, 2, 5, vec![enroll("k", &Key::named("new").wire(), &w.gateway_source)]);
    });
    check_reason("another's key revoked by a reviewer", 1, |w| {
        let source = id16(&format!("{} reviewer", w.ledger.name));
        w.ledger.append(Draft::by(&w.ledger.reviewer(), source, vec![revoke("k", &w.rotated.id())]));
    });
}

/// A ledger with two administrators; the second signs what `command` makes of the first one's key and source. Answers
/// how many keys are in force then.
fn second_administrator(command: fn(&Ledger) -> encode::Fields, refusal: Option<u16>) -> usize {
    let second = Key::named("second administrator");
    let mut ledger = Ledger::founded(
        "two",
        |facts| {
            let first = facts[&0x0114][..51].to_vec();
            let person = [id16("second").as_slice(), &Key::named("second administrator").wire(), &[3]].concat();
            facts.insert(0x0114, [first, person].concat());
        },
        [2, 3],
    );
    let facts = command(&ledger);
    ledger.append(Draft::by(&second, id16("second"), vec![facts]));
    refusal.into_iter().for_each(|reason| {
        ledger.refuse(reason);
    });
    let replay = replay(&ledger.entries()).unwrap_or_else(|found| panic!("{refusal:?}: {found:?}"));
    replay.keys().unwrap().tenures().filter(|(_, tenure)| tenure.until.is_none()).count()
}

#[test]
fn an_administrator_does_not_take_the_place_of_another() {
    // Head, sequencer and the two persons. What the second one asks for waits, and changes nothing.
    let waits: [fn(&Ledger) -> encode::Fields; 3] = [
        |first| enroll("e", &Key::named("k").wire(), &first.admin_source),
        |first| rotate("r", &Key::named("k").wire(), &first.admin_source, &first.admin.id()),
        |first| revoke("r", &first.admin.id()),
    ];
    waits.iter().for_each(|command| assert_eq!(second_administrator(*command, None), 4));
    let elsewhere = |first: &Ledger| rotate("r", &Key::named("k").wire(), &id16("second"), &first.admin.id());
    assert_eq!(second_administrator(elsewhere, Some(4)), 4);
    assert_eq!(second_administrator(|_| revoke("r", &Key::named("second administrator").id()), None), 3);
    let own =
        |_: &Ledger| rotate("r", &Key::named("k").wire(), &id16("second"), &Key::named("second administrator").id());
    assert_eq!(second_administrator(own, None), 4);
}

#[test]
fn malformed_frames_are_named() {
    let mut world = world();
    state(&mut world, 2, 5, vec![plain("s")]);
    for n in [0_u16, 1_025, u16::MAX] {
        let mut ledger = world.ledger.clone();
        let frame = ledger.frames.len() - 1;
        ledger.frames[frame].header.n = n;
        ledger.reseal(frame, std::slice::from_ref(&world.rotated));
        match replay(&ledger.entries()).err() {
            Some((19, Malformed(malformed))) => {
                assert_eq!((malformed.what, malformed.defect), ("frame n", Defect::TooLarge(1_024)), "{n}");
            }
            other => panic!("n = {n}: {other:?}"),
        }
    }
}
