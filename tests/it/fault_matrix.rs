//! The promise of the commit: whichever write fails, lost or kept, nobody is told a success, the ledger stops, and the
//! next process finds everything acknowledged and answers what was left open. `anchors` has the anchor's refusals.

use crate::support_memory::{NUMBER, ORIGIN, START, World, WritePoint, block_on, event_id, judge, key, statement};
use deedbook::clock::Reading;
use deedbook::ledger::{AppendError, Bodies, Head, HeadKey, Ledger, Placement, ReadError, StopReason};
use deedbook::record::{FactsBuilder, FrameBytes, Position, SigningKey};
use deedbook::store::Fault;
use deedbook_verify::detail::RefusalReason;
use deedbook_verify::entry::Entry;
use deedbook_verify::kind::Kind;
use deedbook_verify::note::open_checkpoint;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{EventId, Hash, Index, Micros, Ref, TreeSize};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    SingleFrame,
    SeveralFrames,
    WithRefusedCommand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    RecoverSame,
    RecoverDifferent,
    FailAgain,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    point: WritePoint,
    fault: Fault,
    nth: u64,
    shape: Shape,
    then: Then,
}

type Acked = BTreeMap<Index, Hash>;

/// A producer, and what was acknowledged to it.
pub struct Bench {
    gateway: SigningKey,
    acked: Acked,
    next_id: u64,
}

impl Bench {
    pub fn enrolled(world: &World, ledger: &Ledger) -> Bench {
        let mut bench = Bench { gateway: key("gateway", 20), acked: Acked::new(), next_id: 100 };
        let placed = block_on(ledger.append(world.enroll(1, &bench.gateway, world.source("gateway")))).unwrap();
        bench.note(&placed);
        bench
    }

    fn note(&mut self, placed: &Placement) {
        self.acked.extend((placed.first_index.0..).map(Index).zip(placed.leaves.iter().copied()));
    }

    fn statements(&mut self, world: &World, count: u64) -> FrameBytes {
        let events = (self.next_id..self.next_id + count).map(statement).collect();
        self.next_id += count;
        world.frame(world.source("gateway"), &self.gateway, Position::Unsequenced, events)
    }

    /// The gateway may not enroll keys: command and refusal enter the log, without effect.
    fn refused(&mut self, world: &World) -> FrameBytes {
        self.next_id += 1;
        let command = FactsBuilder::new(Kind::KeyEnrolled, event_id(self.next_id - 1), START.wall);
        let command = command.key_grant(key("other", 21).public(), world.source("other"));
        world.frame(world.source("gateway"), &self.gateway, Position::Unsequenced, vec![command])
    }

    fn group(&mut self, world: &World, shape: Shape) -> Vec<FrameBytes> {
        match shape {
            Shape::SingleFrame => vec![self.statements(world, 3)],
            Shape::SeveralFrames => {
                vec![self.statements(world, 1), self.statements(world, 4), self.statements(world, 2)]
            }
            Shape::WithRefusedCommand => {
                vec![self.statements(world, 2), self.refused(world), self.statements(world, 1)]
            }
        }
    }

    /// Sends frames so that one commit holds them all: they queue up while the commit before them waits.
    fn send_together(
        &mut self,
        world: &World,
        ledger: &Ledger,
        frames: &[FrameBytes],
        arm: impl FnOnce(),
    ) -> Vec<Result<Placement, AppendError>> {
        world.anchor.hold();
        let lead = self.statements(world, 1);
        let lead = block_on(ledger.submit(ledger.admit(lead).unwrap())).unwrap();
        world.anchor.until_reached();
        let admitted = frames.iter().map(|frame| ledger.admit(frame.clone()).unwrap());
        let tickets: Vec<_> = admitted.map(|frame| block_on(ledger.submit(frame)).unwrap()).collect();
        arm();
        world.anchor.release();
        self.note(&block_on(lead.placement()).unwrap());
        tickets.into_iter().map(|ticket| block_on(ticket.placement())).collect()
    }

    /// What must be so after any opening: the log replays, and everything acknowledged stands where it was.
    pub fn judge(&self, world: &World) -> Vec<(Ref, EventId)> {
        let log = judge(world.store.as_ref());
        let entries: Vec<Entry<'_>> = log.entries.iter().map(|bytes| Entry::parse(bytes).unwrap()).collect();
        for (index, leaf) in &self.acked {
            let entry = entries.get(usize::try_from(index.0).unwrap());
            assert_eq!(entry.map(Entry::leaf), Some(*leaf), "acknowledged entry {index}");
        }
        entries.iter().map(|entry| (entry.facts.source, entry.facts.event_id)).collect()
    }

    /// An answer to a whole frame, first or repeated: a placement, or the refusal of its command.
    fn settle(&mut self, ledger: &Ledger, frame: &FrameBytes, known: bool) {
        match block_on(ledger.append(frame.clone())) {
            Ok(placed) => {
                assert_eq!(placed.repeated, known);
                self.note(&placed);
            }
            Err(AppendError::Refused { reason, command, refusal }) => {
                assert_eq!((reason, refusal.0), (RefusalReason::NotAdministrator, command.0 + 1));
            }
            Err(error) => panic!("resent: {error}"),
        }
    }
}

fn first_id(frame: &FrameBytes) -> EventId {
    deedbook_verify::facts::Facts::parse(&frame.events[0].facts).unwrap().event_id
}

fn assert_stopped(bench: &mut Bench, world: &World, ledger: &Ledger) {
    assert!(matches!(block_on(ledger.stopped()), StopReason::Failed(_)));
    let status = ledger.status();
    assert!(!status.ready && status.reason.is_some(), "{status:?}");
    let late = bench.statements(world, 1);
    assert_eq!(block_on(ledger.append(late)), Err(AppendError::Closed), "after the failure");
    assert!(matches!(ledger.reader().checkpoint(), Err(ReadError::NoCheckpoint(_))), "nothing more is signed");
    ledger.close();
    assert!(matches!(block_on(ledger.stopped()), StopReason::Failed(_)), "closing does not hide the failure");
}

/// Runs into the fault; returns the frames whose fate is open.
fn fail_once(case: Case, bench: &mut Bench, world: &World, ledger: &Ledger) -> Vec<FrameBytes> {
    for _ in 1..case.nth {
        let frames = bench.group(world, case.shape);
        bench.send_together(world, ledger, &frames, || ());
    }
    let frames = bench.group(world, case.shape);
    let arm = || world.fail(case.point, 0, case.fault);
    if case.point == WritePoint::CheckpointRow {
        for placed in bench.send_together(world, ledger, &frames, || ()).iter().flatten() {
            bench.note(placed);
        }
        arm();
        // The head signer may be faster; then it has met the fault.
        assert!(matches!(ledger.reader().checkpoint(), Err(ReadError::Storage(_) | ReadError::NoCheckpoint(_))));
    } else {
        for answer in bench.send_together(world, ledger, &frames, arm) {
            assert_eq!(answer, Err(AppendError::StorageFailed), "the outcome is open, so the answer says so");
        }
    }
    assert_stopped(bench, world, ledger);
    frames
}

fn check(case: Case) {
    let mut world = World::new(9);
    let mut ledger = world.open();
    let mut bench = Bench::enrolled(&world, &ledger);
    let rounds = if case.then == Then::FailAgain { 2 } else { 1 };
    let mut open = Vec::new();
    for _ in 0..rounds {
        open = fail_once(case, &mut bench, &world, &ledger);
        world = world.next_process();
        bench.judge(&world);
        ledger = world.open();
    }
    let stored = bench.judge(&world);
    let kept = case.point != WritePoint::StoreCommit || case.fault == Fault::Persisted;
    for frame in &open {
        let known = stored.contains(&(world.source("gateway"), first_id(frame)));
        assert_eq!(known, kept, "all of a commit is found, or none of it");
        if case.then != Then::RecoverDifferent {
            bench.settle(&ledger, frame, known);
            bench.settle(&ledger, frame, true);
        } else {
            let other = bench.statements(&world, 2);
            bench.settle(&ledger, &other, false);
        }
    }
    ledger.reader().checkpoint().unwrap();
    ledger.close();
    bench.judge(&world);
    if case.nth == 2 {
        world.audit_as_files();
    }
}

#[test]
fn every_write_lost_or_kept() {
    use {Fault::*, Shape::*, Then::*, WritePoint::*};
    for point in [StoreCommit, AnchorAdvance, CheckpointRow] {
        for fault in [Lost, Persisted] {
            for nth in 1..=3 {
                for shape in [SingleFrame, SeveralFrames, WithRefusedCommand] {
                    for then in [RecoverSame, RecoverDifferent, FailAgain] {
                        let case = Case { point, fault, nth, shape, then };
                        println!("{case:?}");
                        check(case);
                    }
                }
            }
        }
    }
}

/// Opening writes too: the anchor always, and a clock entry when it is told to accept a clock that stands behind.
#[test]
fn faults_while_opening() {
    for fault in [Fault::Lost, Fault::Persisted] {
        for point in [WritePoint::StoreCommit, WritePoint::AnchorAdvance] {
            for skip in 0..2 {
                let world = World::new(9);
                let ledger = world.open();
                let bench = Bench::enrolled(&world, &ledger);
                ledger.close();
                let world = world.next_process();
                world.clock.set(Reading { wall: Micros(START.wall.0 - 60_000_000), boot: START.boot });
                world.fail(point, skip, fault);
                let opened = Ledger::from_parts(world.parts(Box::new(world.anchor.clone()), true));
                let meets = point == WritePoint::AnchorAdvance || skip == 0;
                assert_eq!(opened.is_err(), meets, "{point:?} {fault:?} {skip}");
                opened.iter().for_each(Ledger::close);
                let world = world.next_process();
                world.clock.set(START);
                let ledger = world.open();
                ledger.close();
                bench.judge(&world);
                world.audit_as_files();
            }
        }
    }
}

pub fn append(world: &World, ledger: &Ledger, bench: &mut Bench, count: u64) {
    let placed = block_on(ledger.append(bench.statements(world, count))).unwrap();
    bench.note(&placed);
}

/// While the anchor has not moved, the commit is in the store and nobody sees it.
#[test]
fn readers_see_nothing_that_is_not_anchored() {
    let world = World::new(9);
    let ledger = world.open();
    let mut bench = Bench::enrolled(&world, &ledger);
    let before = ledger.reader().head();
    world.anchor.hold();
    let frame = bench.statements(&world, 3);
    let ticket = block_on(ledger.submit(ledger.admit(frame).unwrap())).unwrap();
    world.anchor.until_reached();
    assert_eq!(ledger.reader().head(), before);
    assert!(ledger.reader().event(Index(before.size.0), Bodies::Without).is_err());
    world.anchor.release();
    bench.note(&block_on(ticket.placement()).unwrap());
    assert_eq!(ledger.reader().head().size.0, before.size.0 + 3);
    ledger.close();
    bench.judge(&world);
}

/// A lookup that fails stops the writer; taken for "not there", a repeated frame would be placed twice.
#[test]
fn a_failed_read_is_no_absence() {
    let world = World::new(9);
    let ledger = world.open();
    let mut bench = Bench::enrolled(&world, &ledger);
    let frame = bench.statements(&world, 2);
    bench.note(&block_on(ledger.append(frame.clone())).unwrap());
    ledger.close();
    // The next process remembers nothing, so that it has to ask the store.
    let world = world.next_process();
    let ledger = world.open();
    world.fail_reads_of(&[]);
    assert_eq!(block_on(ledger.append(frame.clone())), Err(AppendError::StorageFailed));
    assert!(matches!(block_on(ledger.stopped()), StopReason::Failed(_)));
    ledger.close();
    let world = world.next_process();
    let ledger = world.open();
    bench.settle(&ledger, &frame, true);
    ledger.close();
    bench.judge(&world);
}

/// Whoever asks late, with an older head in hand, gets the newest checkpoint; and so does the next process.
#[test]
fn no_smaller_size_is_ever_signed() {
    let world = World::new(9);
    let load = || Head::load(HeadKey::new(key(ORIGIN, 1)), world.store.as_ref(), NUMBER).unwrap();
    let (head, mut largest) = (load(), 0);
    for size in [3, 2, 7, 6, 1, 7, 9, 8] {
        let asked = TreeHead { size: TreeSize(size), root: Hash([u8::try_from(size).unwrap(); 32]) };
        largest = largest.max(size);
        for head in [&head, &load()] {
            let note = head.checkpoint(asked, START.wall, world.store.as_ref(), NUMBER).unwrap();
            let opened = open_checkpoint(&note, key(ORIGIN, 1).verifier_key()).unwrap();
            assert_eq!(opened.checkpoint().head.size, TreeSize(largest), "asked for {size}");
        }
    }
}
