//! Erasure from outside: afterwards no file of the data folder holds key, salt or body, while everything else of the
//! entry still proves. What the rules refuse is on record and erases nothing.

mod ahead;

use crate::support::disk::{copy_of, files_with};
use crate::support::grpc::{Served, check};
use crate::support::process::Serving;
use crate::support::{House, Producer, Rng, audit, event_id, now, sequenced, statement};
use deedbook::api::proto::{self, EraseBodiesRequest, GetEventRequest, GetReceiptRequest, ListPendingErasuresRequest};
use deedbook::api::to_frame;
use deedbook::clock::Stopwatch;
use deedbook::ledger::{AppendError, Bodies, DataDir, Ledger, StoredBody};
use deedbook::record::{FactsBuilder, FrameBytes, Position};
use deedbook::store::keys::{self, LedgerNumber};
use deedbook::store::{Access, Batch, RocksStore, Rows, Store};
use deedbook_verify::detail::{Detail, RefusalReason};
use deedbook_verify::entry::Entry;
use deedbook_verify::judge::{BodyState, verify_receipt};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Index, Ref};
use std::path::Path;
use std::time::Duration;

const NUMBER: LedgerNumber = LedgerNumber(1);

/// The administrator's command that erases bodies.
pub fn erasure(by: &Producer, indexes: impl IntoIterator<Item = u64>) -> FrameBytes {
    let facts = FactsBuilder::new(Kind::BodyErased, event_id(), now());
    let facts = facts.erased_bodies(indexes.into_iter().map(Index));
    by.one(facts.body("application/json", r#"{"reason":"request 118"}"#.into()))
}

/// Bytes that must be nowhere once a body is erased.
struct Secret {
    index: u64,
    salt: Vec<u8>,
    body: Vec<u8>,
    key: Vec<u8>,
}

/// The secrets of a frame's events, the keys read beside the running ledger as an audit reads.
fn secrets(dir: &DataDir, frame: &FrameBytes, first: u64) -> Vec<Secret> {
    // The server may delete a file between the manifest and its opening; then it is read again.
    let open = |_| RocksStore::open(&dir.store(), Access::ReadOnly).ok();
    let store = (0..100).find_map(open).unwrap();
    let secret = |(index, event): (u64, &deedbook::record::EventBytes)| {
        let (salt, body) = event.salt_and_body.clone().unwrap();
        let key = store.get(keys::body_key(NUMBER, Index(index)).as_slice()).unwrap().unwrap();
        Secret { index, salt: salt.0.to_vec(), body: body[..body.len().min(64)].to_vec(), key }
    };
    (first..).zip(&frame.events).map(secret).collect()
}

/// Nothing of these is in any file below the folder; the key of what was kept is, so the search can find.
fn assert_gone(root: &Path, erased: &[Secret], kept: &Secret) {
    for secret in erased {
        for (what, bytes) in [("key", &secret.key), ("salt", &secret.salt), ("body", &secret.body)] {
            let found = files_with(root, bytes);
            assert!(found.is_empty(), "the {what} of entry {} is in {found:?}", secret.index);
        }
    }
    assert!(!files_with(root, &kept.key).is_empty(), "the search finds nothing at all");
}

/// Waits until the ledger says that its erasures are finished.
fn until_finished(ledger: &Ledger) {
    let waited = Stopwatch::start();
    while !ledger.reader().pending_erasures(1).unwrap().is_empty() {
        assert!(waited.seconds() < 30.0, "an erasure is not finished");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn bodies_of(rng: &mut Rng, lengths: &[usize]) -> Vec<FactsBuilder> {
    let body = |length: &usize| rng.bytes(*length);
    lengths.iter().map(body).map(|body| statement().body("application/octet-stream", body.into())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_holds_what_was_erased_and_all_else_still_proves() {
    let (house, mut rng) = (House::build(), Rng::seeded("erasure"));
    let ledger = house.open();
    let producer = house.enrolled(&ledger, &["gateway"]).await.remove(0);
    let frame = producer.sign(sequenced(1), bodies_of(&mut rng, &[600, 200_000, 40, 64 * 1024 - 48, 600]));
    let first = ledger.append(frame.clone()).await.unwrap().first_index.0;
    let mut erased = secrets(&house.dir, &frame, first);
    assert!(erased.iter().all(|secret| !files_with(house.dir.root(), &secret.key).is_empty()), "keys are in files");
    let kept = erased.remove(2);
    let command = erasure(&house.admin(), erased.iter().map(|secret| secret.index));
    let by = ledger.append(command.clone()).await.unwrap().first_index;
    let judge = |ledger: &Ledger| {
        let reader = ledger.reader();
        for secret in &erased {
            for bodies in [Bodies::With, Bodies::Without] {
                let event = reader.event(Index(secret.index), bodies).unwrap();
                assert!(matches!(event.body, StoredBody::Erased { by: found } if found == by), "{:?}", event.body);
            }
            let receipt = reader.receipt(Index(secret.index), Bodies::With).unwrap();
            let verified = verify_receipt(&receipt, &house.verifier_key).unwrap();
            assert_eq!((verified.index.0, verified.body), (secret.index, BodyState::Redacted));
        }
        let receipt = reader.receipt(Index(kept.index), Bodies::With).unwrap();
        assert_eq!(verify_receipt(&receipt, &house.verifier_key).unwrap().body, BodyState::Disclosed(40));
        let mut states = Vec::new();
        let mut note = |event: deedbook::ledger::StoredEvent| {
            states.push(matches!(event.body, StoredBody::Erased { .. }));
            std::ops::ControlFlow::Continue(())
        };
        reader.range(Index(first), Index(first + 5), Bodies::Without, &mut note).unwrap();
        assert_eq!(states, [true, true, false, true, true]);
    };
    judge(&ledger);
    until_finished(&ledger);
    assert_gone(house.dir.root(), &erased, &kept);
    judge(&ledger);
    assert!(ledger.append(command).await.unwrap().repeated, "the same command again gets the first answer");
    // Another command for the same bodies is no error, and changes nothing.
    ledger.append(erasure(&house.admin(), first..first + 2)).await.unwrap();
    judge(&ledger);
    house.close(ledger);
    assert_gone(house.dir.root(), &erased, &kept);
    let report = house.assert_clean();
    assert_eq!((report.bodies_erased, report.erasures_pending, report.bodies_opened), (4, 0, 3));
    let ledger = house.open();
    assert_gone(house.dir.root(), &erased, &kept);
    judge(&ledger);
    house.close(ledger);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_rules_refuse_is_on_record_and_erases_nothing() {
    let house = House::build();
    let ledger = house.open();
    let producer = house.enrolled(&ledger, &["gateway"]).await.remove(0);
    let admin = house.admin();
    let plain = ledger.append(producer.plain(sequenced(1), 3)).await.unwrap().first_index.0;
    let bare = ledger.append(producer.one(statement())).await.unwrap().first_index.0;
    let other = house.producer("other");
    let enrollment = FactsBuilder::new(Kind::KeyEnrolled, event_id(), now());
    let enrollment = enrollment.key_grant(other.key.public(), other.source).body("text/plain", "why".into());
    let enrolled = ledger.append(admin.one(enrollment)).await.unwrap().first_index.0;
    let earlier = ledger.append(erasure(&admin, [plain + 2])).await.unwrap().first_index.0;
    let size = || ledger.reader().head().size.0;
    let ahead = size() + 100;
    // (who, which bodies, the reason; none stands for the command's own index)
    let cases: Vec<(&Producer, Vec<u64>, RefusalReason)> = vec![
        (&producer, vec![plain], RefusalReason::NotAdministrator),
        (&producer, vec![ahead], RefusalReason::NotAdministrator),
        (&admin, vec![plain, ahead], RefusalReason::BodyAhead),
        (&admin, vec![0, ahead], RefusalReason::BodyAhead),
        (&admin, vec![u64::MAX - 1], RefusalReason::BodyAhead),
        (&admin, vec![plain, bare], RefusalReason::NoBody),
        (&admin, vec![0], RefusalReason::NoBody),
        (&admin, vec![plain, enrolled], RefusalReason::BodyPermanent),
        (&admin, vec![earlier], RefusalReason::BodyPermanent),
        (&admin, vec![bare, enrolled], RefusalReason::NoBody),
    ];
    for (who, indexes, reason) in cases {
        let command = Index(size());
        let frame = erasure(who, indexes.clone());
        let wanted = AppendError::Refused { reason, command, refusal: Index(command.0 + 1) };
        assert_eq!(ledger.append(frame.clone()).await, Err(wanted.clone()), "{indexes:?}");
        assert_eq!(ledger.append(frame).await, Err(wanted), "again");
        assert_eq!(size(), command.0 + 2);
        let refusal = ledger.reader().event(Index(command.0 + 1), Bodies::Without).unwrap();
        let facts = Entry::parse(&refusal.entry).unwrap().facts;
        assert!(matches!(facts.detail, Detail::CommandRefused { reason: found, .. } if found == reason));
        for index in [plain, plain + 1, enrolled] {
            let event = ledger.reader().event(Index(index), Bodies::With).unwrap();
            assert!(matches!(event.body, StoredBody::Opened { .. }), "{:?}", event.body);
        }
    }
    // Its own index is not before the command either.
    let frame = erasure(&admin, [size()]);
    let refused = ledger.append(frame).await;
    assert!(matches!(refused, Err(AppendError::Refused { reason: RefusalReason::BodyAhead, .. })), "{refused:?}");
    until_finished(&ledger);
    house.close(ledger);
    let report = house.assert_clean();
    assert_eq!(report.bodies_erased, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_erases_says_so_and_serves_redacted_receipts() {
    let house = House::build();
    let served = Served::start(&house).await;
    let producer = house.enrolled(&served.ledger, &["gateway"]).await.remove(0);
    let first = served.ledger.append(producer.plain(sequenced(1), 3)).await.unwrap().first_index.0;
    let mut clients = served.clients().await;
    let erase = |frame: FrameBytes| EraseBodiesRequest { frame: Some(to_frame(frame)) };
    let error = clients.erasure.erase_bodies(erase(erasure(&producer, [first]))).await.unwrap_err();
    check(&error.into(), "PERMISSION_DENIED", "NOT_ADMINISTRATOR");
    let error = clients.erasure.erase_bodies(erase(erasure(&house.admin(), [0]))).await.unwrap_err();
    check(&error.into(), "FAILED_PRECONDITION", "NO_BODY");
    let error = clients.erasure.erase_bodies(erase(producer.plain(sequenced(4), 1))).await.unwrap_err();
    check(&error.into(), "INVALID_ARGUMENT", "KIND_DIFFERS");
    let answer = clients.erasure.erase_bodies(erase(erasure(&house.admin(), [first, first + 1]))).await.unwrap();
    let by = answer.into_inner().placement.unwrap().first_index;
    for (index, wanted) in [(first, proto::BodyState::Erased), (first + 2, proto::BodyState::Opened)] {
        let which = Some(proto::get_event_request::Which::Index(index));
        let request = GetEventRequest { which, view: proto::EventView::Full.into() };
        let event = clients.ledger.get_event(request).await.unwrap().into_inner().event.unwrap();
        assert_eq!(event.body_state(), wanted);
        assert_eq!(event.erased_by_index, (wanted == proto::BodyState::Erased).then_some(by));
        assert_eq!(event.body.is_empty(), wanted == proto::BodyState::Erased);
        let request = GetReceiptRequest { index, redacted: false, witnessed: false };
        let receipt = clients.proof.get_receipt(request).await.unwrap().into_inner();
        assert_eq!(receipt.body_state(), wanted);
        verify_receipt(&receipt.receipt, &house.verifier_key).unwrap();
    }
    until_finished(&served.ledger);
    let pending = clients.erasure.list_pending_erasures(ListPendingErasuresRequest {}).await.unwrap().into_inner();
    assert_eq!(pending.indexes, [0u64; 0]);
    drop(clients);
    served.stop().await;
    assert_eq!(house.assert_clean().bodies_erased, 2);
}

/// Killed at any moment behind the answer, the next process finishes what this one began.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_leaves_nothing_behind_that_opening_does_not_finish() {
    let (house, mut rng) = (House::build(), Rng::seeded("killed erasure"));
    let ledger = house.open();
    let producer = house.enrolled(&ledger, &["gateway"]).await.remove(0);
    house.close(ledger);
    let (mut erased, mut sequence) = (Vec::new(), 1);
    for _ in 0..crate::support::scaled(6) {
        let server = Serving::start(&house.dir);
        let mut clients = deedbook::api::connect(&server.address).await.unwrap();
        let frame = producer.sign(sequenced(sequence), bodies_of(&mut rng, &[300, 300, 300]));
        sequence += 3;
        let placed = crate::support::grpc::append(&clients, &frame).await.unwrap();
        let mut secrets = secrets(&house.dir, &frame, placed.placement.unwrap().first_index);
        let kept = secrets.pop().unwrap();
        let command = erasure(&house.admin(), secrets.iter().map(|secret| secret.index));
        clients.erasure.erase_bodies(EraseBodiesRequest { frame: Some(to_frame(command)) }).await.unwrap();
        tokio::time::sleep(Duration::from_micros(rng.below(30_000))).await;
        server.kill();
        erased.extend(secrets);
        let ledger = house.open();
        assert!(ledger.reader().pending_erasures(1).unwrap().is_empty(), "opening finishes before it is ready");
        assert_gone(house.dir.root(), &erased, &kept);
        house.close(ledger);
        let report = house.assert_clean();
        assert_eq!((report.bodies_erased, report.erasures_pending), (erased.len() as u64, 0));
    }
}

/// What an intruder, or a fault, may do to the rows of an erasure; the index that the audit must name; what it says.
fn tamper(store: &RocksStore, case: &str, erased: Index, kept: Index, command: Index) -> (Index, &'static str) {
    let mut batch = Batch::new();
    let at = command.0.to_be_bytes();
    let found = match case {
        "a key put back" => {
            batch.put(keys::body_key(NUMBER, erased).as_slice(), &[7; 32]);
            (erased, "its key is still there")
        }
        "encrypted bytes put back" => {
            batch.put(keys::body(NUMBER, erased, 0).as_slice(), &[7; 80]);
            (erased, "its encrypted bytes are still there")
        }
        "the row of an erased body removed" => {
            batch.delete(keys::erased(NUMBER, erased).as_slice());
            (erased, "nothing erased it")
        }
        "the row of an erased body names another entry" => {
            batch.put(keys::erased(NUMBER, erased).as_slice(), &0u64.to_be_bytes());
            (erased, "does not name entry")
        }
        "a body made to look erased" => {
            batch.put(keys::erased(NUMBER, kept).as_slice(), &at);
            batch.delete(keys::body_key(NUMBER, kept).as_slice());
            (kept, "no entry erased this body")
        }
        "a body without body made to look erased" => {
            batch.put(keys::erased(NUMBER, Index(0)).as_slice(), &at);
            (Index(0), "no entry erased this body")
        }
        "a pending erasure that is none" => {
            batch.put(keys::pending(NUMBER, kept).as_slice(), &[]);
            (kept, "the entry erased nothing")
        }
        other => panic!("{other}"),
    };
    store.commit(&batch).unwrap();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_tampered_with_are_found() {
    let house = House::build();
    let ledger = house.open();
    let producer = house.enrolled(&ledger, &["gateway"]).await.remove(0);
    let first = ledger.append(producer.plain(sequenced(1), 3)).await.unwrap().first_index.0;
    let command = ledger.append(erasure(&house.admin(), [first])).await.unwrap().first_index;
    until_finished(&ledger);
    house.close(ledger);
    house.assert_clean();
    let cases = [
        "a key put back",
        "encrypted bytes put back",
        "the row of an erased body removed",
        "the row of an erased body names another entry",
        "a body made to look erased",
        "a body without body made to look erased",
        "a pending erasure that is none",
    ];
    for (number, case) in cases.into_iter().enumerate() {
        let copy = copy_of(&house.dir, &format!("tampered-{number}"));
        let store = RocksStore::open(&copy.store(), Access::ReadWrite).unwrap();
        let (index, said) = tamper(&store, case, Index(first), Index(first + 1), command);
        drop(store);
        let report = audit(copy.root());
        let names = report.findings.iter().any(|found| found.index == Some(index) && found.message.contains(said));
        assert!(names, "{case}: {:#?}", report.findings);
    }
}

/// Who is named where in facts, so that `--actor` must find it.
fn naming(person: Ref, turn: usize) -> FactsBuilder {
    use deedbook_verify::facts::{Actor, ActorKind};
    let agent = Actor { kind: ActorKind::Agent, who: Ref([9; 16]) };
    let body = bytes::Bytes::from(format!("{{\"turn\":{turn},\"name\":\"Ann Example\"}}"));
    let event = statement();
    match turn % 4 {
        0 => event.actor(Actor { kind: ActorKind::Human, who: person }),
        1 => event.actor(agent).on_behalf_of(&[Ref([8; 16]), person]),
        2 => event.actor(agent).responsible(person),
        _ => event.actor(agent).on_behalf_of(&[Ref([8; 16])]),
    }
    .body("application/json", body)
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_bodies_of_one_person_go_with_one_command_line() {
    let house = House::build();
    let ledger = house.open();
    let producer = house.enrolled(&ledger, &["gateway"]).await.remove(0);
    let person = deedbook::domain::person_ref(&house.refs, "", "ann").unwrap();
    let frames = 14;
    for frame in 0..frames {
        let events = (0..1_000).map(|turn| naming(person, frame * 1_000 + turn)).collect();
        ledger.append(producer.sign(Position::Unsequenced, events)).await.unwrap();
    }
    // Facts that name the person, without a body: nothing to erase there.
    let bare = deedbook_verify::facts::Actor { kind: deedbook_verify::facts::ActorKind::Human, who: person };
    ledger.append(producer.one(statement().actor(bare))).await.unwrap();
    house.close(ledger);
    let server = Serving::start(&house.dir);
    let erase = || {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_deedbook"))
            .args(["erase", "--json", "--reason", "request 118", "--actor", "person/ann", "--server"])
            .arg(format!("http://{}", server.address))
            .arg("--signer")
            .arg(house.dir.admin_key())
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let said = erase();
    assert_eq!((&said["erased"], &said["erased_before"], &said["finished"]), (&10_500.into(), &0.into(), &true.into()));
    assert_eq!(said["commands"].as_array().unwrap().len(), 10_500usize.div_ceil(1_024));
    let again = erase();
    assert_eq!((&again["erased"], &again["erased_before"]), (&0.into(), &10_500.into()));
    server.kill();
    let report = house.assert_clean();
    assert_eq!((report.bodies_erased, report.erasures_pending), (10_500, 0));
}

#[test]
fn the_command_line_refuses_an_empty_reason_and_names_the_rule() {
    let house = House::build();
    let server = Serving::start(&house.dir);
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_deedbook"))
            .args(arguments)
            .arg("--server")
            .arg(format!("http://{}", server.address))
            .arg("--signer")
            .arg(house.dir.admin_key())
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = run(&["erase", "--reason", "  ", "1"]);
    assert!(code == Some(2) && said.contains("the reason is empty"), "{said}");
    let (code, said) = run(&["erase", "--reason", "request 118", "0"]);
    assert!(code == Some(3) && said.contains("NO_BODY"), "{said}");
    let (code, said) = run(&["erase", "--reason", "request 118", "7000"]);
    assert!(code == Some(3) && said.contains("BODY_AHEAD"), "{said}");
    let (code, said) = run(&["erase", "--reason", "request 118"]);
    assert!(code == Some(2), "{said}");
}
