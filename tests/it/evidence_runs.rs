//! The computed tests as a server runs them, seen through what stands in the log afterwards: when they run, what they say, what
//! becomes worse once, what survives a restart, and a log that cannot be proved.

use crate::support::grpc::Served;
use crate::support::process::Serving;
use crate::support::stage::{Stage, text};
use crate::support::web;
use crate::support::{House, Producer, event_id, eventually, now, sequenced, statement};
use deedbook::ledger::{Act, Ledger, Reach, Run, Schedule};
use deedbook::limits::{TESTS_ENTRIES_MAX, TESTS_HISTORY_MAX};
use deedbook::record::FactsBuilder;
use deedbook::store::keys::{self, LedgerNumber};
use deedbook::store::{Access, Batch, RocksStore, Rows, Store};
use deedbook_verify::detail::{Interval, TestNumber, TestResult, TestVerdict};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Digest, Index, Micros};
use serde_json::Value;
use std::time::Duration;

const T11: u8 = 11;

/// Has the tests run, and waits; the run as the log has it.
fn run(ledger: &Ledger) -> Run {
    let before = ledger.run_tests().unwrap();
    eventually("a run of the tests", || (ledger.tests_status().attempts > before).then_some(()));
    let status = ledger.tests_status();
    assert_eq!(status.trouble, None, "{status:?}");
    newest(ledger).unwrap()
}

fn newest(ledger: &Ledger) -> Option<Run> {
    ledger.reader().runs(Index(u64::MAX), 1).unwrap().pop()
}

fn result(run: &Run, test: u8) -> TestResult {
    *run.results.iter().find(|result| result.test.number() == test).unwrap()
}

/// A statement of something that happened three hours ago: more than the clocks may differ.
fn skewed(producer: &Producer) -> deedbook::record::FrameBytes {
    let then = Micros(now().0 - 3 * 3_600 * 1_000_000);
    producer.one(FactsBuilder::new(Kind::ExecutionReported, event_id(), then))
}

/// A schedule that makes a run at once where one is due.
fn at_once(every: Duration) -> Schedule {
    Schedule { every, after_start: Duration::ZERO, reach: Reach::default() }
}

const DAY: Duration = Duration::from_secs(24 * 3_600);

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_that_worsens_is_recorded_once() {
    let house = House::build();
    let ledger = house.open();
    let producer = house.enrolled(&ledger, &["gateway"]).await.remove(0);
    ledger.append(producer.one(statement())).await.unwrap();
    let first = run(&ledger);
    assert_eq!((result(&first, T11).verdict, result(&first, T11).before), (TestVerdict::Pass, None));
    assert_eq!(result(&first, 0).verdict, TestVerdict::Pass);
    assert_eq!(result(&first, 0).population, first.interval.end.0);
    assert_eq!((first.interval.first, first.head.size), (Index(0), first.interval.end));
    assert!(first.results.iter().all(|result| result.test.number() != 18), "whoever verifies performs it");
    let note = first.note.clone().unwrap();
    assert!(note.cause == "asked" && !note.shortened && note.refusal.is_none() && note.started <= note.finished);

    ledger.append(skewed(&producer)).await.unwrap();
    let second = run(&ledger);
    let worse = |run: &Run| run.results.iter().filter(|result| result.is_worse()).map(|it| it.test.number()).collect();
    let worse: [Vec<u8>; 2] = [worse(&first), worse(&second)];
    assert_eq!(worse[0], Vec::<u8>::new());
    assert!(worse[1].contains(&T11), "{:?}", worse[1]);
    assert_eq!((result(&second, T11).before, result(&second, T11).exceptions), (Some(TestVerdict::Pass), 1));

    // The next one finds it as it was left, also after a restart.
    let third = run(&ledger);
    house.close(ledger);
    house.assert_clean();
    let ledger = house.open();
    let fourth = run(&ledger);
    for later in [&third, &fourth] {
        assert_eq!(
            (result(later, T11).verdict, result(later, T11).before),
            (TestVerdict::Fail, Some(TestVerdict::Fail))
        );
        assert!(!result(later, T11).is_worse());
    }
    let all = ledger.reader().runs(Index(u64::MAX), 10).unwrap();
    assert_eq!(
        all.iter().map(|run| run.index).collect::<Vec<_>>(),
        [&fourth, &third, &second, &first].map(|run| run.index)
    );
    assert_eq!(all.iter().filter(|run| result(run, T11).is_worse()).count(), 1, "once");
    let (standings, last) = ledger.reader().standings().unwrap();
    let standing = standings.iter().find(|standing| standing.result.test.number() == T11).unwrap();
    assert_eq!((standing.since_run, standing.since), (second.index, second.recorded));
    assert!(!standing.since_or_before && last == Some(fourth));
    house.close(ledger);
    house.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_made_when_it_is_due_whatever_happens_in_between() {
    let house = House::build();
    let ledger = house.open();
    house.enrolled(&ledger, &["gateway"]).await;
    // Closed at once: it was made, or it is made when the folder is opened again.
    ledger.schedule_tests(at_once(DAY)).unwrap();
    house.close(ledger);
    let ledger = house.open();
    ledger.schedule_tests(at_once(DAY)).unwrap();
    let first = eventually("the run that was due", || newest(&ledger));
    assert_eq!(first.note.unwrap().cause, "schedule");
    eventually("the next one's time", || {
        let status = ledger.tests_status();
        let due = first.recorded.0 + DAY.as_micros() as u64;
        (status.last.is_some() && status.next == Some(Micros(due))).then_some(())
    });
    house.close(ledger);
    // The last one is fresh: none is made.
    let ledger = house.open();
    ledger.schedule_tests(at_once(DAY)).unwrap();
    eventually("the history", || ledger.tests_status().next);
    assert_eq!((ledger.tests_status().attempts, newest(&ledger).unwrap().index), (0, first.index));
    house.close(ledger);
    // The last one is old, and so one is made; but not before the server had its time to start.
    let ledger = house.open();
    ledger.schedule_tests(Schedule { after_start: DAY, ..at_once(Duration::from_millis(1)) }).unwrap();
    let next = eventually("the schedule", || ledger.tests_status().next);
    assert!(next.0 > now().0 + 1_000_000 && newest(&ledger).unwrap().index == first.index);
    house.close(ledger);
    let ledger = house.open();
    ledger.schedule_tests(at_once(Duration::from_millis(1))).unwrap();
    eventually("another run", || newest(&ledger).filter(|run| run.index > first.index));
    house.close(ledger);
    house.assert_clean();
}

/// A run takes the newest entries that it may, from a kept checkpoint on, and says that it left others out.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_log_is_not_read_whole() {
    let house = House::build();
    let ledger = house.open();
    let producer = house.enrolled(&ledger, &["gateway"]).await.remove(0);
    for round in 0..40u64 {
        ledger.append(producer.plain(sequenced(1 + round * 20), 20)).await.unwrap();
        ledger.reader().checkpoint().unwrap();
    }
    let reach = Reach { entries_max: 100, ..Reach::default() };
    assert_eq!(Reach::default().entries_max, TESTS_ENTRIES_MAX);
    ledger.schedule_tests(Schedule { reach, ..at_once(DAY) }).unwrap();
    let run = eventually("a run", || newest(&ledger));
    let entries = run.interval.end.0 - run.interval.first.0;
    assert!((60..=100).contains(&entries), "{entries}");
    let note = run.note.clone().unwrap();
    assert!(note.shortened && note.from > Micros(0) && note.from < note.to);
    assert_eq!((result(&run, 0).verdict, result(&run, 0).population), (TestVerdict::Pass, entries));
    house.close(ledger);
    house.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_is_read_back_so_far_and_no_further() {
    let house = House::build();
    let ledger = house.open();
    let head = ledger.reader().head();
    let interval = Interval { first: Index(0), end: head.size };
    let test = TestNumber::new(1).unwrap();
    let verified = |verdict, before, exceptions| {
        let results = vec![TestResult { test, verdict, before, population: 5, exceptions, indeterminate: 0 }];
        Act::Verified { interval, program: Digest([3; 32]), head, results }
    };
    let (pass, fail) = (TestVerdict::Pass, TestVerdict::Fail);
    let mut places = Vec::new();
    for number in 0..TESTS_HISTORY_MAX {
        let act = if number == 0 { verified(fail, None, 1) } else { verified(pass, Some(pass), 0) };
        places.push(ledger.record(Ledger::act_id().unwrap(), &act, None).await.unwrap());
    }
    let standing = ledger.reader().standings().unwrap().0.remove(0);
    assert_eq!((standing.since_run, standing.since_or_before), (places[1], false), "it was otherwise before");
    ledger.record(Ledger::act_id().unwrap(), &verified(pass, Some(pass), 0), None).await.unwrap();
    let standing = ledger.reader().standings().unwrap().0.remove(0);
    assert_eq!((standing.since_run, standing.since_or_before), (places[1], true), "what came before is not read");
    assert_eq!(ledger.reader().runs(Index(u64::MAX), 7).unwrap().len(), 7);
    house.close(ledger);
    house.assert_clean();
}

/// Somebody changed an entry by the store's own means, in the middle of the log, where opening does not look.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_proved_is_loud() {
    let house = House::build();
    let ledger = house.open();
    let producer = house.enrolled(&ledger, &["gateway"]).await.remove(0);
    ledger.append(producer.plain(sequenced(1), 600)).await.unwrap();
    assert_eq!(result(&run(&ledger), 0).verdict, TestVerdict::Pass);
    house.close(ledger);
    let store = RocksStore::open(&house.dir.store(), Access::ReadWrite).unwrap();
    let key = keys::entry(LedgerNumber(1), Index(99));
    let mut entry = store.get(key.as_slice()).unwrap().unwrap();
    entry[30] ^= 1;
    let mut batch = Batch::new();
    batch.put(key.as_slice(), &entry);
    store.commit(&batch).unwrap();
    drop(store);
    let served = Served::start(&house).await;
    let found = run(&served.ledger);
    assert_eq!(found.results.len(), 1, "nothing can be said of the other tests");
    let whole = result(&found, 0);
    assert_eq!((whole.verdict, whole.before, whole.is_worse()), (TestVerdict::Fail, Some(TestVerdict::Pass), true));
    let refusal = found.note.unwrap().refusal.unwrap();
    assert!(refusal.contains("data/entries.bin"), "{refusal}");
    let ready = served.browser().get("/readyz").text();
    assert!(ready.contains("THE LOG CANNOT BE PROVED"), "{ready}");
    // The other tests keep the verdicts that they had.
    let (standings, _) = served.ledger.reader().standings().unwrap();
    assert!(standings.len() > 10 && standings[0].result.verdict == TestVerdict::Fail);
    served.stop().await;
}

fn status(stage: &Stage, server: &Serving) -> Value {
    stage.says(server, "adm", &["controls", "status"])
}

#[test]
fn the_program_shows_how_the_tests_stand_and_runs_them() {
    let (stage, server) = Stage::set();
    let none = status(&stage, &server);
    assert_eq!((&none["last_run"], none["tests"].as_array().unwrap().len()), (&Value::Null, 0));
    assert_eq!(none["schedule"]["every_s"], 24 * 3_600);
    let refused = stage.run(&server, "bob", &["controls", "run"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused));
    assert!(text(&refused).contains("ROLE_MISSING"), "{}", text(&refused));
    let ran = stage.says(&server, "adm", &["controls", "run"]);
    assert_eq!(stage.kinds(&server).last().map(String::as_str), Some("verification.run"));
    let stood = status(&stage, &server);
    assert_eq!(stood["tests"], ran["tests"]);
    assert_eq!(stood["last_run"]["results"].as_array().unwrap().len(), stood["tests"].as_array().unwrap().len());
    let whole = &stood["tests"][0];
    assert_eq!((&whole["test"], &whole["test_verdict"]), (&Value::from("T00"), &Value::from("pass")));
    assert_eq!(whole["run_index"], whole["since_index"]);
    let soc2 = stage.says(&server, "adm", &["controls", "status", "--framework", "soc2"]);
    let named = |id: &str| soc2["controls"].as_array().unwrap().iter().any(|control| control["control"] == id);
    assert!(named("CC6.1") && named("CC8.1"));
    stage.says(&server, "adm", &["controls", "run"]);
    let runs = stage.done(&mut stage.run(&server, "adm", &["controls", "runs", "--limit", "5"]));
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[1], stood["last_run"]);
    let metrics = web::get(server.http.parse().unwrap(), "/metrics").unwrap().body;
    for line in ["deedbook_test_verdict{test=\"T00\"} 0", "deedbook_log_unproved 0", "deedbook_tests_running 0"] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in {metrics}");
    }
    assert!(metrics.contains("deedbook_tests_last_run_timestamp_seconds 1"), "{metrics}");
    // For people.
    let mut plain = std::process::Command::new(env!("CARGO_BIN_EXE_deedbook"));
    let table = plain.args(["--server", &format!("http://{}", server.address), "controls", "status"]).output().unwrap();
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(
        table.contains("T01") && table.contains("approval before execution") && table.contains("every 24 hours"),
        "{table}"
    );
}
