//! What the ledger states of its own keeping: in its place, once for each act, under the sequencer's key, judged by replay and
//! audit; and nobody else can state it.

use crate::support::{House, event_id, now, sequenced};
use deedbook::ledger::{Act, AppendError, Bodies, Ledger, StoredBody};
use deedbook::record::FactsBuilder;
use deedbook_verify::detail::{Custody, Detail, Interval, TestNumber, TestResult, TestVerdict};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::{Actor, ActorKind};
use deedbook_verify::frame::FrameRefusal;
use deedbook_verify::kind::Kind;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Digest, Hash, Index, Ref, TreeSize};

const RITA: Actor = Actor { kind: ActorKind::Human, who: Ref([7; 16]) };

fn interval(first: u64, end: TreeSize) -> Interval {
    Interval { first: Index(first), end }
}

fn result(test: u8, verdict: TestVerdict, before: Option<TestVerdict>, exceptions: u64) -> TestResult {
    let test = TestNumber::new(test).unwrap();
    TestResult { test, verdict, before, population: 9, exceptions, indeterminate: 1 }
}

/// One act of each kind, over what stands there.
fn acts(ledger: &Ledger) -> [Act; 3] {
    let head = ledger.reader().head();
    let all = interval(0, head.size);
    let (question, package, program) = (Digest([1; 32]), Digest([2; 32]), Digest([3; 32]));
    let results = vec![
        result(0, TestVerdict::Pass, None, 0),
        result(1, TestVerdict::Fail, Some(TestVerdict::Pass), 2),
        result(9, TestVerdict::NotOperated, Some(TestVerdict::Indeterminate), 0),
    ];
    [
        Act::Read { interval: all, disclosed: 2, actor: RITA },
        Act::Exported { interval: all, disclosed: 0, question, package, head, actor: RITA },
        Act::Verified { interval: all, program, head, results },
    ]
}

fn detail_at<T>(ledger: &Ledger, index: Index, read: impl FnOnce(Kind, Custody<'_>) -> T) -> T {
    let stored = ledger.reader().event(index, Bodies::Without).unwrap();
    let entry = Entry::parse(&stored.entry).unwrap();
    let Detail::Custody { custody, .. } = entry.facts.detail else { panic!("{:?}", entry.facts.detail) };
    read(entry.facts.kind, custody)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_stands_once_in_its_place_and_is_judged_like_every_entry() {
    let house = House::build();
    let ledger = house.open();
    let producer = house.enrolled(&ledger, &["gateway"]).await.remove(0);
    ledger.append(producer.plain(sequenced(1), 3)).await.unwrap();
    let mut placed = Vec::new();
    for act in acts(&ledger) {
        let id = Ledger::act_id().unwrap();
        let note = br#"{"question":"Q1"}"#.as_slice();
        let index = ledger.record(id, &act, Some(note.into())).await.unwrap();
        let before = ledger.reader().head();
        assert_eq!(ledger.record(id, &act, Some(note.into())).await, Ok(index), "the same act again");
        assert_eq!(ledger.reader().head(), before);
        let stored = ledger.reader().event(index, Bodies::With).unwrap();
        assert!(matches!(stored.body, StoredBody::Opened { .. }), "{:?}", stored.body);
        placed.push((act, index));
    }
    let [read, exported, verified] = placed.as_slice() else { panic!() };
    detail_at(&ledger, read.1, |kind, custody| {
        let Custody::Read(read) = custody else { panic!("{custody:?}") };
        assert_eq!((kind, read.actor, read.disclosed, read.interval.first), (Kind::LogRead, RITA, 2, Index(0)));
    });
    detail_at(&ledger, exported.1, |kind, custody| {
        let Custody::Exported(export) = custody else { panic!("{custody:?}") };
        assert_eq!((kind, export.head.size), (Kind::EvidenceExported, export.interval.end));
        assert_eq!((export.question, export.package), (Digest([1; 32]), Digest([2; 32])));
    });
    detail_at(&ledger, verified.1, |kind, custody| {
        let Custody::Verified(run) = custody else { panic!("{custody:?}") };
        let worse: Vec<String> = run.results().filter(TestResult::is_worse).map(|it| it.test.to_string()).collect();
        assert_eq!((kind, run.results().count(), worse), (Kind::VerificationRun, 3, vec!["T01".to_owned()]));
    });
    // An act among appends, and after it was opened again.
    ledger.append(producer.plain(sequenced(4), 2)).await.unwrap();
    house.close(ledger);
    house.assert_clean();
    let ledger = house.open();
    for act in acts(&ledger) {
        ledger.record(Ledger::act_id().unwrap(), &act, None).await.unwrap();
    }
    house.close(ledger);
    house.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_that_is_not_of_this_history_or_form_is_not_stated() {
    let house = House::build();
    let ledger = house.open();
    let producer = house.enrolled(&ledger, &["gateway"]).await.remove(0);
    let head = ledger.reader().head();
    let (digest, all) = (Digest([1; 32]), interval(0, head.size));
    let exported =
        |interval, head| Act::Exported { interval, disclosed: 0, question: digest, package: digest, head, actor: RITA };
    let verified = |results| Act::Verified { interval: all, program: digest, head, results };
    let forged = TreeHead { size: head.size, root: Hash([5; 32]) };
    let ahead = TreeHead { size: TreeSize(head.size.0 + 9), root: head.root };
    let fails = result(1, TestVerdict::Fail, None, 1);
    let wrong = [
        exported(all, forged),
        exported(interval(0, ahead.size), ahead),
        exported(interval(0, TreeSize(head.size.0 - 1)), head),
        Act::Read { interval: interval(3, TreeSize(2)), disclosed: 0, actor: RITA },
        verified(Vec::new()),
        verified(vec![fails, fails]),
        verified(vec![TestResult { exceptions: 0, ..fails }]),
        verified(vec![TestResult { verdict: TestVerdict::Pass, ..fails }]),
    ];
    for act in wrong {
        let refused = ledger.record(Ledger::act_id().unwrap(), &act, None).await;
        let expected = matches!(refused, Err(AppendError::OwnFrame(_) | AppendError::LastSeenDiffers { .. }));
        assert!(expected, "{act:?}: {refused:?}");
        assert_eq!(ledger.reader().head(), head, "{act:?}");
    }
    // The sequencer alone signs such kinds.
    let facts = FactsBuilder::new(Kind::LogRead, event_id(), now()).interval(all).disclosed(0).actor(RITA);
    let refused = ledger.append(producer.one(facts)).await;
    assert_eq!(refused, Err(AppendError::Frame(FrameRefusal::AuthorDiffers)));
    house.close(ledger);
    house.assert_clean();
}
