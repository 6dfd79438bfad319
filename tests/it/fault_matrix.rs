//! The promise of the commit: whichever write fails, lost or kept, nobody is told a success, the ledger stops, and the
//! next process finds everything acknowledged and answers what was left open. Then the anchor's refusals, one by one.

use crate::support_memory::{START, World, WritePoint, block_on, event_id, judge, key, statement};
use deedbook::clock::Reading;
use deedbook::ledger::{AppendError, Ledger, OpenError, Placement, ReadError, StopReason};
use deedbook::record::{FactsBuilder, FrameBytes, Position, SigningKey};
use deedbook::store::{Fault, FileAnchor, HeadAnchor};
use deedbook_verify::detail::RefusalReason;
use deedbook_verify::entry::Entry;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{EventId, Hash, Index, Micros, Ref, TreeSize};
use std::collections::BTreeMap;
use std::path::Path;

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
struct Bench {
    gateway: SigningKey,
    acked: Acked,
    next_id: u64,
}

impl Bench {
    fn enrolled(world: &World, ledger: &Ledger) -> Bench {
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
    fn judge(&self, world: &World) -> Vec<(Ref, EventId)> {
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

fn append(world: &World, ledger: &Ledger, bench: &mut Bench, count: u64) {
    let placed = block_on(ledger.append(bench.statements(world, count))).unwrap();
    bench.note(&placed);
}

#[test]
fn an_anchor_ahead_names_what_is_missing() {
    let world = World::new(9);
    let ledger = world.open();
    let mut bench = Bench::enrolled(&world, &ledger);
    let older = world.next_process();
    append(&world, &ledger, &mut bench, 5);
    append(&world, &ledger, &mut bench, 2);
    ledger.close();
    let newest = world.anchor.record();
    match older.with_record(newest).try_open().err() {
        Some(OpenError::EntriesMissing { anchored_commit: 4, anchored_size, commit: 2, size }) => {
            assert_eq!((anchored_size, size), (TreeSize(9), TreeSize(2)));
        }
        other => panic!("{other:?}"),
    }
    // The other way round, the store is ahead by commits that nobody was told of.
    let behind = world.with_record(older.anchor.record());
    let ledger = behind.open();
    ledger.close();
    assert_eq!(behind.anchor.record(), newest, "opening moved the anchor up");
    bench.judge(&behind);
}

#[test]
fn another_history_is_refused() {
    for (ours, theirs) in [(1, 1), (3, 1), (2, 2)] {
        let base = World::new(9);
        let ledger = base.open();
        let mut bench = Bench::enrolled(&base, &ledger);
        ledger.close();
        let mut grown = [ours, theirs].into_iter().map(|commits| {
            let world = base.next_process();
            let ledger = world.open();
            (0..commits).for_each(|_| append(&world, &ledger, &mut bench, 1));
            ledger.close();
            world
        });
        let (one, other) = (grown.next().unwrap(), grown.next().unwrap());
        let record = other.anchor.record();
        match one.with_record(record).try_open().err() {
            Some(OpenError::HistoryDiffers { commit }) => assert_eq!(commit, record.commit),
            other => panic!("{other:?}"),
        }
    }
}

/// What is done to the anchor file; slots are told by what they hold.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Newest,
    Older,
    Both,
    HalfGone,
    Emptied,
    Removed,
}

fn damage(path: &Path, damage: Damage, newest_commit: u64) {
    let mut bytes = std::fs::read(path).unwrap();
    let newest = usize::try_from(newest_commit % 2).unwrap() * 4096;
    match damage {
        Damage::Newest => bytes[newest + 20] ^= 1,
        Damage::Older => bytes[4096 - newest + 4000] ^= 0x80,
        Damage::Both => [20, 4096 + 70].into_iter().for_each(|at| bytes[at] ^= 4),
        Damage::HalfGone => bytes.truncate(4096),
        Damage::Emptied => bytes.clear(),
        Damage::Removed => return std::fs::remove_file(path).unwrap(),
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn damaged_slots() {
    // (damage, commits by which the store is ahead of the anchor, what opening says)
    let table: &[(Damage, u64, &str)] = &[
        (Damage::Newest, 0, "opens"),
        (Damage::Older, 0, "may not be the last acknowledged one"),
        (Damage::Older, 1, "opens"),
        (Damage::Newest, 1, "opens"),
        (Damage::Both, 0, "both slots of the head anchor"),
        (Damage::Both, 1, "both slots of the head anchor"),
        (Damage::Emptied, 0, "both slots of the head anchor"),
        (Damage::HalfGone, 0, "may not be the last acknowledged one"),
        (Damage::HalfGone, 1, "opens"),
        (Damage::Removed, 0, "is missing"),
    ];
    for (what, ahead, says) in table {
        let (folder, world) = (tempfile::tempdir().unwrap(), World::new(9));
        let path = folder.path().join("head.anchor");
        FileAnchor::create(&path, &world.anchor.record()).unwrap();
        let open = |world: &World| -> Result<Ledger, OpenError> {
            Ledger::from_parts(world.parts(Box::new(FileAnchor::open(&path)?), false))
        };
        let ledger = open(&world).unwrap();
        let mut bench = Bench::enrolled(&world, &ledger);
        // Commits 3 and 4: the newest record stands in slot 0, the only one that `HalfGone` leaves.
        (0..2).for_each(|_| append(&world, &ledger, &mut bench, 1));
        ledger.close();
        let record = FileAnchor::open(&path).unwrap().load().unwrap().record;
        let world = world.with_record(record);
        let ledger = world.open();
        (0..*ahead).for_each(|_| append(&world, &ledger, &mut bench, 1));
        ledger.close();
        damage(&path, *what, record.commit);
        let world = world.next_process();
        let answer = open(&world).map(|ledger| ledger.close());
        let said = answer.err().map_or("opens".to_owned(), |error| error.to_string());
        assert!(said.contains(says), "{what:?} with the store {ahead} ahead: {said}");
        if *says == "opens" {
            open(&world.next_process()).unwrap_or_else(|error| panic!("a second time: {error}")).close();
            bench.judge(&world);
        }
    }
}
