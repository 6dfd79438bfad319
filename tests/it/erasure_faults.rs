//! An erasure cut off at each of its writes, lost or kept: either nothing is erased and nobody was told otherwise, or
//! all of it is, and the next process finishes. And an erasure of bodies that stand in commits still under way.

use crate::support::{Rng, scaled};
use crate::support_memory::{
    NUMBER, START, World, WritePoint, admin, all_rows, block_on, event_id, judge, key, scan_all, statement,
};
use deedbook::ledger::{AppendError, Bodies, Ledger, StopReason, StoredBody};
use deedbook::record::{FactsBuilder, FrameBytes, Position, SigningKey};
use deedbook::store::{Fault, Store, keys};
use deedbook_verify::detail::RefusalReason;
use deedbook_verify::erasure::Standing;
use deedbook_verify::kind::Kind;
use deedbook_verify::replay::Replay;
use deedbook_verify::words::Index;
use std::collections::BTreeMap;

struct Bench {
    world: World,
    ledger: Ledger,
    gateway: SigningKey,
}

impl Bench {
    /// A ledger with an enrolled gateway: entries 0 and 1.
    fn set() -> Bench {
        let world = World::new(9);
        let ledger = world.open();
        let gateway = key("gateway", 20);
        block_on(ledger.append(world.enroll(1, &gateway, world.source("gateway")))).unwrap();
        Bench { world, ledger, gateway }
    }

    fn statements(&self, ids: std::ops::Range<u64>) -> FrameBytes {
        self.world.frame(
            self.world.source("gateway"),
            &self.gateway,
            Position::Unsequenced,
            ids.map(statement).collect(),
        )
    }

    fn erasure(&self, id: u64, indexes: impl IntoIterator<Item = u64>) -> FrameBytes {
        let facts = FactsBuilder::new(Kind::BodyErased, event_id(id), START.wall);
        let facts = facts.erased_bodies(indexes.into_iter().map(Index)).body("application/json", "{}".into());
        self.world.frame(self.world.person("admin"), &admin(), Position::Unsequenced, vec![facts])
    }

    fn state(&self, index: u64) -> Option<u64> {
        match self.ledger.reader().event(Index(index), Bodies::With).unwrap().body {
            StoredBody::Erased { by } => Some(by.0),
            StoredBody::Opened { .. } => None,
            body @ (StoredBody::None | StoredBody::Withheld) => panic!("{body:?}"),
        }
    }

    fn until_finished(&self) {
        for _ in 0..5_000 {
            if self.ledger.reader().pending_erasures(1).unwrap().is_empty() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        panic!("an erasure is not finished");
    }
}

/// Whether encrypted bytes of erased bodies may still be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    Allowed,
    Refused,
}

/// Every row that follows from erasures, derived from the entries alone, and compared with those that are stored.
pub fn assert_rows_follow(store: &dyn Store, unfinished: Unfinished) {
    let log = judge(store);
    let (mut replay, mut erased) = (Replay::new(), BTreeMap::new());
    for (entry, at) in log.entries.iter().zip(0u64..) {
        replay.step(entry).unwrap();
        erased.extend(replay.erased().iter().map(|index| (index.0, at)));
    }
    let range = keys::erased_rows(NUMBER, Index(0), Index(u64::MAX));
    let stored = scan_all(store, &range).into_iter();
    let stored: BTreeMap<u64, u64> =
        stored.map(|(key, by)| (keys::trailing_u64(&key).unwrap(), keys::trailing_u64(&by).unwrap())).collect();
    assert_eq!(stored, erased, "the rows of erased bodies");
    for index in 0..log.entries.len() as u64 {
        let held = matches!(replay.bodies().get(Index(index)), Some(Standing::Erasable | Standing::Permanent));
        assert_eq!(store.get(keys::body_key(NUMBER, Index(index)).as_slice()).unwrap().is_some(), held, "key {index}");
        let blocks = scan_all(store, &keys::body_blocks(NUMBER, Index(index)));
        let waits = unfinished == Unfinished::Allowed && erased.contains_key(&index);
        assert!(blocks.is_empty() != held || waits, "blocks of {index}");
    }
}

/// Cuts an erasure off at a write, and lets the next process look.
fn cut_off(point: WritePoint, fault: Fault) {
    let mut bench = Bench::set();
    block_on(bench.ledger.append(bench.statements(10..14))).unwrap();
    let command = bench.erasure(50, [2, 3, 5]);
    bench.world.fail(point, 0, fault);
    let answer = block_on(bench.ledger.append(command.clone()));
    let told = !matches!(point, WritePoint::StoreCommit | WritePoint::AnchorAdvance);
    assert_eq!(answer.is_ok(), told, "{point:?} {fault:?}: {answer:?}");
    assert!(matches!(block_on(bench.ledger.stopped()), StopReason::Failed(_)), "{point:?} {fault:?}");
    bench.ledger.close();
    let kept = point != WritePoint::StoreCommit || fault == Fault::Persisted;
    bench.world = bench.world.next_process();
    bench.ledger = bench.world.open();
    assert!(bench.ledger.reader().pending_erasures(1).unwrap().is_empty(), "opening finishes before it is ready");
    assert_eq!(bench.state(2), kept.then_some(6), "{point:?} {fault:?}: all of it, or nothing");
    assert_eq!(bench.state(4), None);
    assert_rows_follow(bench.world.store.as_ref(), Unfinished::Refused);
    let again = block_on(bench.ledger.append(command)).unwrap();
    assert_eq!((again.first_index, again.repeated), (Index(6), kept));
    bench.until_finished();
    bench.ledger.close();
    assert_rows_follow(bench.world.store.as_ref(), Unfinished::Refused);
    let report = bench.world.audit();
    assert!(report.is_clean(), "{point:?} {fault:?}: {:#?}", report.findings);
    assert_eq!((report.bodies_erased, report.erasures_pending), (3, 0));
}

#[test]
fn an_erasure_cut_off_at_any_write_is_finished_or_never_was() {
    use WritePoint::{AnchorAdvance, BodyBlocks, PendingRow, Purge, StoreCommit};
    for point in [StoreCommit, AnchorAdvance, BodyBlocks, Purge, PendingRow] {
        for fault in [Fault::Lost, Fault::Persisted] {
            println!("{point:?} {fault:?}");
            cut_off(point, fault);
        }
    }
}

/// Finishing fails while opening too: the ledger does not open, and the next try finishes.
#[test]
fn opening_that_cannot_finish_fails_and_the_next_one_goes_on() {
    for point in [WritePoint::BodyBlocks, WritePoint::Purge, WritePoint::PendingRow] {
        for fault in [Fault::Lost, Fault::Persisted] {
            let mut bench = Bench::set();
            block_on(bench.ledger.append(bench.statements(10..14))).unwrap();
            bench.world.fail(WritePoint::BodyBlocks, 0, Fault::Lost);
            block_on(bench.ledger.append(bench.erasure(50, [2, 3]))).unwrap();
            block_on(bench.ledger.stopped());
            bench.ledger.close();
            bench.world = bench.world.next_process();
            bench.world.fail(point, 0, fault);
            assert!(bench.world.try_open().is_err(), "{point:?} {fault:?}");
            bench.world = bench.world.next_process();
            bench.ledger = bench.world.open();
            assert_rows_follow(bench.world.store.as_ref(), Unfinished::Refused);
            bench.ledger.close();
        }
    }
}

/// The commit before waits in the anchor; bodies, their erasure, a refusal and a second erasure share the next one.
#[test]
fn bodies_that_are_not_durable_yet_are_erased_in_their_own_commit() {
    let bench = Bench::set();
    bench.world.anchor.hold();
    let submit = |frame: FrameBytes| block_on(bench.ledger.submit(bench.ledger.admit(frame).unwrap())).unwrap();
    let lead = submit(bench.statements(10..13));
    bench.world.anchor.until_reached();
    let mut tickets = vec![submit(bench.statements(20..24)), submit(bench.erasure(50, [2, 4, 5, 8]))];
    tickets.push(submit(bench.erasure(51, [9, 10])));
    tickets.push(submit(bench.erasure(52, [4, 6, 8])));
    bench.world.anchor.release();
    assert_eq!(block_on(lead.placement()).unwrap().first_index, Index(2));
    let answers: Vec<_> = tickets.into_iter().map(|ticket| block_on(ticket.placement())).collect();
    assert_eq!(answers[1].as_ref().unwrap().first_index, Index(9));
    let refused = AppendError::Refused { reason: RefusalReason::BodyAhead, command: Index(10), refusal: Index(11) };
    assert_eq!(answers[2].clone().err(), Some(refused), "its own index is not before it");
    assert_eq!(answers[3].as_ref().unwrap().first_index, Index(12));
    let wanted = [(2, Some(9)), (3, None), (4, Some(9)), (5, Some(9)), (6, Some(12)), (7, None), (8, Some(9))];
    for (index, by) in wanted {
        assert_eq!(bench.state(index), by, "entry {index}");
    }
    bench.until_finished();
    bench.ledger.close();
    assert_rows_follow(bench.world.store.as_ref(), Unfinished::Refused);
    bench.world.audit_as_files();
}

/// Random erasures over a growing log, with reopenings: what is erased is what a naive set says.
#[test]
fn random_erasures_agree_with_a_set() {
    let mut rng = Rng::seeded("random erasures");
    for _ in 0..scaled(10) {
        let (mut bench, mut erased, mut id) = (Bench::set(), BTreeMap::new(), 100);
        let mut bodies = Vec::new();
        for _ in 0..40 {
            let size = bench.ledger.reader().head().size.0;
            match rng.below(10) {
                0..4 => {
                    let count = 1 + rng.below(6);
                    block_on(bench.ledger.append(bench.statements(id..id + count))).unwrap();
                    bodies.extend(size..size + count);
                    id += count;
                }
                4..9 if !bodies.is_empty() => {
                    let named: std::collections::BTreeSet<u64> =
                        (0..1 + rng.below(5)).map(|_| *rng.pick(&bodies)).collect();
                    id += 1;
                    block_on(bench.ledger.append(bench.erasure(id, named.clone()))).unwrap();
                    named.into_iter().for_each(|index| {
                        erased.entry(index).or_insert(size);
                    });
                }
                _ => {
                    bench.ledger.close();
                    bench.world = bench.world.next_process();
                    bench.ledger = bench.world.open();
                }
            }
        }
        for index in &bodies {
            assert_eq!(bench.state(*index), erased.get(index).copied(), "entry {index}");
        }
        bench.until_finished();
        bench.ledger.close();
        assert_rows_follow(bench.world.store.as_ref(), Unfinished::Refused);
        assert!(all_rows(bench.world.store.as_ref()).len() > bodies.len());
        bench.world.audit_as_files();
    }
}
