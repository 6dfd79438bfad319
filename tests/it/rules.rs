//! What the ledger refuses: each refusal is the right one and leaves no trace, except that of a command, which stands
//! in the log with its refusal and is answered the same for ever. Keys are judged by index, before and after reopening.

use crate::support::{House, Producer, event_id, now, sequenced, statement};
use bytes::Bytes;
use deedbook::domain::ledger_source;
use deedbook::ledger::{AppendError, Bodies, KnownEvent, Ledger};
use deedbook::limits;
use deedbook::record::{FactsBuilder, FrameBytes, Position};
use deedbook_verify::detail::{Detail, Gap, Lost, RefusalReason};
use deedbook_verify::entry::Entry;
use deedbook_verify::frame::FrameRefusal;
use deedbook_verify::hash::{Salt, derived_event_id};
use deedbook_verify::judge::{Enroller, verify_receipt};
use deedbook_verify::kind::{Author, Kind};
use deedbook_verify::replay::is_built;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Epoch, Hash, Index, LedgerId, Ref, Revision, Sequence, TreeSize};

/// A served house with one producer.
struct Scene {
    house: House,
    ledger: Ledger,
    producer: Producer,
}

impl Scene {
    async fn set() -> Scene {
        let house = House::build();
        let ledger = house.open();
        let producer = house.enrolled(&ledger, &["gateway"]).await.remove(0);
        Scene { house, ledger, producer }
    }

    /// Closes, lets the audit judge, opens again.
    fn reopen(self) -> Scene {
        let Scene { house, ledger, producer } = self;
        house.close(ledger);
        house.assert_clean();
        Scene { ledger: house.open(), house, producer }
    }

    fn size(&self) -> u64 {
        self.ledger.reader().head().size.0
    }

    async fn append(&self, frame: &FrameBytes) -> Index {
        self.ledger.append(frame.clone()).await.unwrap().first_index
    }

    /// The frame is refused for this reason, and nothing has changed.
    async fn check(&self, what: &str, frame: FrameBytes, wanted: AppendError) {
        let before = self.ledger.reader().head();
        assert_eq!(self.ledger.append(frame).await, Err(wanted), "{what}");
        assert_eq!(self.ledger.reader().head(), before, "{what}");
    }
}

fn at(epoch: u32, first: u64) -> Position {
    Position::Sequenced { epoch: Epoch(epoch), first: Sequence(first) }
}

fn grant(kind: Kind, key: &Producer, source: Ref) -> FactsBuilder {
    FactsBuilder::new(kind, event_id(), now()).key_grant(key.key.public(), source)
}

fn revocation(of: &Producer) -> FactsBuilder {
    FactsBuilder::new(Kind::KeyRevoked, event_id(), now()).subject_key_id(of.key.public().id())
}

fn with_body(frame: &FrameBytes, offset: usize, body: Option<(Salt, Bytes)>) -> FrameBytes {
    let mut frame = frame.clone();
    frame.events[offset].salt_and_body = body;
    frame
}

/// Frames that are wrong whatever the order, each with the reason that names why.
fn wrong_frames(scene: &Scene) -> Vec<(&'static str, FrameBytes, AppendError)> {
    let Scene { house, producer, .. } = scene;
    let good = producer.plain(Position::Unsequenced, 3);
    let (salt, body) = good.events[1].salt_and_body.clone().unwrap();
    let bare = producer.one(statement());
    let twice = event_id();
    let twin = || FactsBuilder::new(Kind::ModelInvoked, twice, now());
    let stranger = house.producer("gateway");
    let mut elsewhere = house.producer("gateway");
    elsewhere.ledger = LedgerId([7; 32]);
    let mut impostor = house.producer("other");
    impostor.key = house.admin().key;
    let mut torn = good.clone();
    torn.events.pop();
    let mut swapped = good.clone();
    swapped.events.swap(0, 1);
    let mut forged = good.clone();
    let mut block = forged.signatures.to_vec();
    *block.last_mut().unwrap() ^= 1;
    forged.signatures = block.into();
    let seen = |size: u64, root: Hash| statement().last_seen(TreeHead { size: TreeSize(size), root });
    let unknown = |producer: &Producer| AppendError::Frame(FrameRefusal::KeyNotInForce(producer.key.public().id()));
    let other_body = Bytes::from_static(b"another");
    // A frame that was small when it was signed.
    let heavy = with_body(&good, 0, Some((salt, Bytes::from(vec![0; limits::FRAME_BYTES_MAX]))));
    let bytes = heavy.payload_bytes();
    vec![
        ("another body", with_body(&good, 1, Some((salt, other_body))), AppendError::BodyDiffers { offset: 1 }),
        (
            "another salt",
            with_body(&good, 2, Some((Salt([9; 32]), body.clone()))),
            AppendError::BodyDiffers { offset: 2 },
        ),
        ("no body", with_body(&good, 1, None), AppendError::BodyDiffers { offset: 1 }),
        ("a surplus body", with_body(&bare, 0, Some((salt, body))), AppendError::BodyDiffers { offset: 0 }),
        ("too large", heavy, AppendError::FrameTooLarge { bytes }),
        (
            "one id twice",
            producer.sign(Position::Unsequenced, vec![statement(), twin(), twin()]),
            AppendError::EventIdTwice { offset: 2 },
        ),
        ("an event less", torn, AppendError::Frame(FrameRefusal::CountDiffers)),
        ("events swapped", swapped, AppendError::Frame(FrameRefusal::RootDiffers)),
        ("a flipped signature", forged, AppendError::Frame(FrameRefusal::SignatureInvalid)),
        ("a stranger's key", stranger.one(statement()), unknown(&stranger)),
        ("another source's key", impostor.one(statement()), unknown(&impostor)),
        ("another ledger", elsewhere.one(statement()), AppendError::Frame(FrameRefusal::LedgerDiffers)),
        ("a root never had", producer.one(seen(1, Hash([5; 32]))), AppendError::LastSeenDiffers { offset: 0 }),
        ("a size never had", producer.one(seen(1 << 40, Hash([5; 32]))), AppendError::LastSeenDiffers { offset: 0 }),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_frame_is_refused_by_name_and_leaves_no_trace() {
    let scene = Scene::set().await;
    for (what, frame, wanted) in wrong_frames(&scene) {
        scene.check(what, frame, wanted).await;
    }
    let seen = scene.ledger.reader().head();
    scene.append(&scene.producer.one(statement().last_seen(seen))).await;
    scene.append(&scene.producer.plain(Position::Unsequenced, 3)).await;
    let scene = scene.reopen();
    for (what, frame, wanted) in wrong_frames(&scene) {
        scene.check(what, frame, wanted).await;
    }
    scene.append(&scene.producer.one(statement().last_seen(seen))).await;
    scene.reopen();
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_without_a_fold_and_kinds_of_the_ledger_are_refused() {
    let scene = Scene::set().await;
    let (mut appended, mut not_built, mut ledgers_own) = (0, 0, 0);
    for kind in Kind::ALL.iter().copied() {
        let commands = matches!(kind, Kind::KeyEnrolled | Kind::KeyRotated | Kind::KeyRevoked | Kind::SourceGap);
        let needs_detail = matches!(kind, Kind::Genesis | Kind::CommandRefused | Kind::ClockChecked);
        if commands || needs_detail || kind == Kind::BodyErased {
            continue;
        }
        let facts = FactsBuilder::new(kind, event_id(), now());
        // Kinds that cannot do without some fields are judged where those are known.
        if facts.content().is_err() {
            continue;
        }
        let frame = scene.producer.one(facts);
        match (kind.author(), is_built(kind)) {
            (Author::Ledger, _) => {
                ledgers_own += 1;
                scene.check(kind.name(), frame, AppendError::Frame(FrameRefusal::AuthorDiffers)).await;
            }
            (Author::Asker, _) | (Author::Witness, false) => {
                not_built += 1;
                scene.check(kind.name(), frame, AppendError::KindNotBuilt(kind)).await;
            }
            (Author::Witness, true) => {
                appended += 1;
                scene.append(&frame).await;
            }
        }
    }
    // Every kind that somebody else may state and that needs no field of its own is built.
    assert!(appended >= 10 && not_built == 0 && ledgers_own >= 1, "{appended} {not_built} {ledgers_own}");
    scene.reopen();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_command_stands_in_the_log_and_is_answered_the_same_for_ever() {
    let mut scene = Scene::set().await;
    let (house, producer) = (&scene.house, &scene.producer);
    let (admin, fresh) = (house.admin(), house.producer("fresh"));
    let own = ledger_source(&house.refs).unwrap();
    let enrolled = Kind::KeyEnrolled;
    let cases = [
        (producer.one(grant(enrolled, &fresh, fresh.source)), RefusalReason::NotAdministrator),
        (admin.one(grant(enrolled, producer, producer.source)), RefusalReason::KeyKnown),
        (admin.one(grant(enrolled, &fresh, admin.source)), RefusalReason::NotAdministrator),
        (admin.one(grant(enrolled, &fresh, own)), RefusalReason::LedgerKey),
        (admin.one(revocation(&fresh)), RefusalReason::KeyUnknown),
        (admin.one(revocation(&admin)), RefusalReason::LastAdministrator),
    ];
    let mut answers = Vec::new();
    for (frame, reason) in &cases {
        let command = Index(scene.size());
        let wanted = AppendError::Refused { reason: *reason, command, refusal: Index(command.0 + 1) };
        assert_eq!(scene.ledger.append(frame.clone()).await, Err(wanted.clone()));
        answers.push((frame, wanted));
        assert_eq!(scene.size(), command.0 + 2);
        let refusal = scene.ledger.reader().event(Index(command.0 + 1), Bodies::Without).unwrap();
        let Entry { facts, .. } = Entry::parse(&refusal.entry).unwrap();
        assert!(matches!(facts.detail, Detail::CommandRefused { reason: found, .. } if found == *reason));
        let parent = facts.parents().next().unwrap();
        assert_eq!(facts.event_id, derived_event_id(&parent, 0));
        let stored = scene.ledger.reader().event(command, Bodies::Without).unwrap();
        let asked = Entry::parse(&stored.entry).unwrap().facts;
        assert_eq!((parent.source, parent.event_id), (asked.source, asked.event_id));
    }
    for _ in 0..2 {
        for (frame, wanted) in &answers {
            scene.check("a repeated command", (*frame).clone(), wanted.clone()).await;
        }
        let outsider = AppendError::Frame(FrameRefusal::KeyNotInForce(fresh.key.public().id()));
        scene.check("a key that was never let in", fresh.one(statement()), outsider).await;
        let Scene { house, ledger, producer } = scene;
        house.close(ledger);
        house.assert_clean();
        scene = Scene { ledger: house.open(), house, producer };
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbering_revisions_and_event_ids_are_judged_by_what_stands_in_the_log() {
    let mut scene = Scene::set().await;
    let stream = scene.house.stream("action/1");
    let on = |expected: u64| statement().stream(stream).expected_revision(Revision(expected));
    let differs = |epoch: u32, last: u64| AppendError::SequenceDiffers { epoch: Epoch(epoch), last: Sequence(last) };
    let revision = |offset: u16, expected: u64, actual: u64| AppendError::RevisionDiffers {
        offset,
        expected: Revision(expected),
        actual: Revision(actual),
    };
    let known = scene.producer.plain(at(2, 1), 3);
    let other = scene.producer.sign(Position::Unsequenced, vec![on(0), statement().stream(stream), on(2)]);
    let (first, second) = (scene.append(&known).await, scene.append(&other).await);
    let id = |frame: &FrameBytes, offset: usize| {
        deedbook_verify::facts::Facts::parse(&frame.events[offset].facts).unwrap().event_id
    };
    let again = |frame: &FrameBytes, offset: usize| FactsBuilder::new(Kind::ModelInvoked, id(frame, offset), now());
    for round in 0..2 {
        let producer = &scene.producer;
        let mixed = vec![statement(), again(&known, 2), again(&other, 0), statement()];
        let found = vec![KnownEvent { offset: 1, index: Index(first.0 + 2) }, KnownEvent { offset: 2, index: second }];
        let part = vec![KnownEvent { offset: 0, index: first }];
        let cases = [
            ("a hole", producer.plain(at(2, 5), 1), differs(2, 3)),
            ("back", producer.plain(at(2, 3), 1), differs(2, 3)),
            ("a new epoch in its middle", producer.plain(at(3, 2), 1), differs(3, 0)),
            ("an old epoch", producer.plain(at(1, 1), 1), AppendError::EpochNotNew { last: Epoch(2) }),
            ("a stale revision", producer.one(on(2)), revision(0, 2, 3)),
            ("a revision to come", producer.one(on(4)), revision(0, 4, 3)),
            ("stale within its frame", producer.sign(Position::Unsequenced, vec![on(3), on(3)]), revision(1, 3, 4)),
            ("known ids", producer.sign(Position::Unsequenced, mixed), AppendError::EventIdKnown(found)),
            ("a known id alone", producer.one(again(&known, 0)), AppendError::EventIdKnown(part)),
        ];
        for (what, frame, wanted) in cases {
            scene.check(&format!("{what}, round {round}"), frame, wanted).await;
        }
        for (frame, index) in [(&known, first), (&other, second)] {
            let placed = scene.ledger.append(frame.clone()).await.unwrap();
            assert!(placed.repeated && placed.first_index == index && placed.count == 3, "{placed:?}");
        }
        // The same id of another source is another event.
        let neighbour = scene.house.enrolled(&scene.ledger, &[["north", "south"][round]]).await.remove(0);
        scene.append(&neighbour.one(again(&known, 0))).await;
        scene = scene.reopen();
    }
    scene.append(&scene.producer.plain(at(2, 4), 2)).await;
    scene.append(&scene.producer.plain(at(7, 1), 1)).await;
    scene.reopen();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_signed_and_closes_exactly_what_was_lost() {
    let scene = Scene::set().await;
    let gap = |from: u64, to: u64| {
        FactsBuilder::new(Kind::SourceGap, event_id(), now()).gap(&Gap {
            lost: Some(Lost { from: Sequence(from), to: Sequence(to) }),
            blind: None,
            reason: None,
        })
    };
    let producer = &scene.producer;
    scene.append(&producer.plain(at(1, 1), 3)).await;
    let differs = AppendError::SequenceDiffers { epoch: Epoch(1), last: Sequence(3) };
    let alone = AppendError::Frame(FrameRefusal::NotAlone);
    scene.check("not where the last ended", producer.sign(at(1, 9), vec![gap(5, 9)]), differs.clone()).await;
    scene.check("not at its own end", producer.sign(at(1, 8), vec![gap(4, 9)]), differs.clone()).await;
    scene.check("in company", producer.sign(at(1, 9), vec![gap(4, 9), statement()]), alone).await;
    scene.check("a jump without it", producer.plain(at(1, 10), 1), differs).await;
    scene.append(&producer.sign(at(1, 9), vec![gap(4, 9)])).await;
    scene.append(&producer.plain(at(1, 10), 2)).await;
    // What was lost at the start of an epoch.
    scene.append(&producer.sign(at(2, 4), vec![gap(1, 4)])).await;
    let scene = scene.reopen();
    scene.append(&scene.producer.plain(at(2, 5), 1)).await;
    scene.reopen();
}

#[tokio::test(flavor = "multi_thread")]
async fn rotation_and_revocation_count_from_their_index_on() {
    let scene = Scene::set().await;
    let (house, old) = (&scene.house, &scene.producer);
    let admin = house.admin();
    let mut new = house.producer("gateway");
    let before = scene.append(&old.plain(sequenced(1), 2)).await;
    // Signed and admitted while the key was in force, but not placed before it ended.
    let early = scene.ledger.admit(old.plain(sequenced(3), 1)).unwrap();
    let rotation = grant(Kind::KeyRotated, &new, old.source).subject_key_id(old.key.public().id());
    let rotated = scene.append(&old.one(rotation)).await;
    let ended = |producer: &Producer| AppendError::Frame(FrameRefusal::KeyNotInForce(producer.key.public().id()));
    assert_eq!(scene.ledger.submit(early).await.unwrap().placement().await, Err(ended(old)));
    scene.check("the old key", old.plain(sequenced(3), 1), ended(old)).await;
    let behind = scene.append(&new.plain(sequenced(3), 1)).await;
    let revoked = scene.append(&admin.one(revocation(&new))).await;
    scene.check("the revoked key", new.plain(sequenced(4), 1), ended(&new)).await;
    new.key = house.producer("gateway").key;
    scene.append(&house.enrollment(&new)).await;
    let third = scene.append(&new.plain(sequenced(4), 1)).await;
    let indexes = [before, rotated, behind, revoked, third];
    let scene = scene.reopen();
    scene.check("the old key, reopened", scene.producer.one(statement()), ended(&scene.producer)).await;
    let (reader, administrator) = (scene.ledger.reader(), Enroller::Administrator(admin.key.public().id()));
    for (index, at) in indexes.into_iter().zip(0..) {
        let receipt = reader.receipt(index, Bodies::With).unwrap();
        let verified = verify_receipt(&receipt, &scene.house.verifier_key).unwrap();
        let wanted = match at {
            0 | 1 | 4 => administrator,
            2 => Enroller::NotShown(scene.producer.key.public().id()),
            _ => Enroller::Genesis,
        };
        assert_eq!((verified.index, verified.enroller), (index, wanted));
    }
    let tenures = reader.keys();
    let tenure = tenures.tenure(&scene.producer.key.public().id()).unwrap();
    assert_eq!((tenure.until, tenure.in_force(before), tenure.in_force(behind)), (Some(rotated), true, false));
    drop(reader);
    scene.reopen();
}
