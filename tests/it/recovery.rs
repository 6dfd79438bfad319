//! The promise that the ledger is what its log says, whatever happens in between: random appends, repeats, commands,
//! reads, faults, reopenings and clocks give the answers of a naive model, and the replayed log is the model's.

use crate::recovery_run::{Run, SECOND};
use crate::support::{Rng, cases, parallel, scaled};
use crate::support_memory::{NUMBER, START, World, WritePoint, admin, block_on, body_of, event_id, judge, statement};
use deedbook::clock::Reading;
use deedbook::ledger::{AppendError, Bodies, Ledger, OpenError, ReadError};
use deedbook::record::{FactsBuilder, Position};
use deedbook::store::{Batch, Fault, Store, keys};
use deedbook_verify::detail::Detail;
use deedbook_verify::entry::Entry;
use deedbook_verify::judge::{BodyState, verify_receipt};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Index, Micros};
use std::sync::Arc;

#[test]
fn answers_and_log_are_those_of_the_model() {
    let count = scaled(1_000);
    parallel::run("recovery", count, |number, rng| {
        let mut run = Run::new(rng.fork());
        (0..60).for_each(|_| run.step());
        run.ledger.reader().checkpoint().unwrap();
        run.ledger.close();
        run.compare();
        if number.is_multiple_of(20) {
            run.world.audit_as_files();
        }
    });
    cases("model-runs", count);
}

/// More events than the writer remembers: the first frame still gets its first answer, a known id is still known.
#[test]
fn what_the_writer_forgot_stands_in_the_store() {
    let mut run = Run::new(Rng::seeded("forgotten"));
    let stream = run.world.source("stream 0");
    let batch = |run: &mut Run, count: u64| {
        let event = |id| FactsBuilder::new(Kind::DataAccessed, event_id(id), START.wall).stream(stream);
        let events = (0..count).map(|_| event(run.id())).collect();
        run.world.frame(run.source(1), &run.secrets[1].0, Position::Unsequenced, events)
    };
    let first = batch(&mut run, 3);
    let wanted = run.append(&first).unwrap();
    for _ in 0..2 * deedbook::limits::HEAD_CACHE_ENTRIES_MAX / 1_024 {
        let frame = batch(&mut run, 1_024);
        run.append(&frame).unwrap();
    }
    assert_eq!(run.append(&first).unwrap(), (wanted.0, wanted.1, true));
    let known = run.world.frame(run.source(1), &run.secrets[1].0, Position::Unsequenced, vec![statement(4)]);
    assert!(matches!(run.append(&known), Err(AppendError::EventIdKnown(_))));
    run.ledger.close();
}

#[test]
fn an_accepted_clock_is_on_record_and_received_never_decreases() {
    let mut run = Run::new(Rng::seeded("clock"));
    for behind in [6, 3_600, 86_400] {
        run.ledger.close();
        run.world = run.world.next_process();
        let wall = Micros(run.model.received - behind * SECOND);
        run.world.clock.set(Reading { wall, boot: START.boot });
        assert!(matches!(run.world.try_open(), Err(OpenError::ClockBehind { .. })));
        let size = run.model.entries.len();
        run.ledger = Ledger::from_parts(run.world.parts(Box::new(run.world.anchor.clone()), true)).unwrap();
        run.model.own(Kind::ClockChecked);
        // One that is taken whatever the dice say, so that something is received behind the clock each time.
        let taken = vec![statement(1_000 + behind)];
        let taken = run.world.frame(run.source(1), &run.secrets[1].0, Position::Unsequenced, taken);
        run.send(taken);
        let frame = run.statements();
        run.send(frame);
        let log = judge(run.world.store.as_ref());
        let Detail::ClockChecked { wall: said, .. } = Entry::parse(&log.entries[size]).unwrap().facts.detail else {
            panic!("the entry behind opening is no clock.checked")
        };
        assert_eq!(said, wall);
    }
    run.ledger.close();
    run.compare();
    run.world.audit_as_files();
}

/// A body key that is gone without an event that erased it is damage: reads and the audit say so, and never that the
/// body was erased. The redacted receipt proves all the rest.
#[test]
fn a_lost_body_key_is_damage() {
    let run = Run::new(Rng::seeded("lost key"));
    let events = vec![statement(77), statement(78)];
    let frame = run.world.frame(run.source(1), &run.secrets[1].0, Position::Unsequenced, events);
    let (base, _, _) = run.append(&frame).unwrap();
    let mut lose = Batch::new();
    lose.delete(keys::body_key(NUMBER, Index(base)).as_slice());
    run.world.store.commit(&lose).unwrap();
    let reader = run.ledger.reader();
    assert!(matches!(reader.event(Index(base), Bodies::With), Err(ReadError::Corrupt(_))));
    assert!(matches!(reader.receipt(Index(base), Bodies::With), Err(ReadError::Corrupt(_))));
    for (index, bodies, wanted) in [
        (base, Bodies::Without, BodyState::Redacted),
        (base + 1, Bodies::With, BodyState::Disclosed(body_of(78).len())),
    ] {
        let receipt = reader.receipt(Index(index), bodies).unwrap();
        let proven = verify_receipt(&receipt, reader.verifier_key()).unwrap();
        assert_eq!(proven.body, wanted);
    }
    run.ledger.close();
    let found: Vec<_> = run.world.audit().findings.iter().map(|finding| (finding.index, finding.check)).collect();
    assert_eq!(found, [(Some(Index(base)), "body")]);
}

/// Closed, failed, or its last handle dropped: no thread stays behind, and none keeps the store.
#[test]
fn a_ledger_that_ended_lets_go_of_its_store() {
    for (number, how) in [(1, "closed"), (2, "failed"), (3, "dropped"), (4, "failed, then closed")] {
        let world = World::new(number);
        let before = Arc::strong_count(&world.store);
        let ledger = world.open();
        let frame = |id| world.frame(world.person("admin"), &admin(), Position::Unsequenced, vec![statement(id)]);
        block_on(ledger.append(frame(1))).unwrap();
        if how.starts_with("failed") {
            world.fail(WritePoint::StoreCommit, 0, Fault::Lost);
            assert!(block_on(ledger.append(frame(2))).is_err());
        }
        if how.ends_with("closed") {
            ledger.close();
        }
        drop(ledger);
        let mut waited = 0;
        while Arc::strong_count(&world.store) > before {
            std::thread::sleep(std::time::Duration::from_millis(5));
            waited += 1;
            assert!(waited < 12_000, "{how}: {} hold the store", Arc::strong_count(&world.store) - before);
        }
    }
}
