//! The promise of both ports: whatever is sent, by whom and how often, is answered with a status that says what is wrong
//! or ends its own connection, and nothing else. Afterwards the server serves, knows no more and no less than it
//! acknowledged, and the ledger audits clean.

mod call;
mod requests;
mod sockets;

use crate::support::grpc::{Served, append, check, place};
use crate::support::{House, Producer, Rng, cases, event_id, scaled, statement};
use call::{Answer, Caller};
use deedbook::api::proto::{GetRefKeyRequest, ListEventsRequest};
use deedbook::api::{ref_key_request, to_frame};
use deedbook::record::{FactsBuilder, Position};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::Micros;
use std::collections::BTreeMap;
use std::time::Duration;
use tonic::Code;

const TASKS: u64 = 4;
const YEARS_10_MICROS: u64 = 10 * 365 * 24 * 3_600 * 1_000_000;

/// A served ledger with one producer, and the secrets that no answer may hold.
struct Scene {
    house: House,
    served: Served,
    producer: Producer,
    secrets: Vec<String>,
}

impl Scene {
    async fn set() -> Scene {
        let house = House::build();
        let served = Served::start(&house).await;
        let producer = house.enrolled(&served.ledger, &["gateway"]).await.remove(0);
        for _ in 0..3 {
            served.ledger.append(producer.plain(Position::Unsequenced, 3)).await.unwrap();
        }
        let read = |path| std::fs::read_to_string(path).unwrap();
        // PRIVATE, KEY, name, hash and seed; the seed's base64 may hold the separator itself.
        let seed = |text: String| text.trim().splitn(5, '+').last().unwrap().to_owned();
        let dir = &house.dir;
        let mut secrets = [dir.head_key(), dir.sequencer_key(), dir.admin_key()].map(|path| seed(read(path))).to_vec();
        secrets.push(read(dir.ref_key()).trim().to_owned());
        // Where the data stands is the operator's matter, too.
        secrets.push(dir.root().display().to_string());
        assert!(secrets.iter().all(|secret| secret.len() > 10), "a search for so little finds anything");
        Scene { house, served, producer, secrets }
    }

    /// The server takes an event and proves it, as if nothing had been.
    async fn assert_serves(&self) {
        let clients = self.served.clients().await;
        let (first, _) = place(&append(&clients, &self.producer.one(statement())).await.unwrap());
        let placed = self.served.ledger.reader().head().size.0;
        assert!(first < placed && self.served.ledger.status().ready, "{first} of {placed}");
    }

    /// Stops, and lets the audit judge; it checks every signature, so that nothing forged is in the log.
    async fn close(self) {
        self.assert_serves().await;
        self.served.stop().await;
        self.house.assert_clean();
    }
}

/// What every error must be like: named, with a reason of ours, in words that are safe to show and tell no secret.
fn judge(what: &str, answer: &Answer, secrets: &[String]) {
    let shown = answer.shown();
    for secret in secrets {
        assert!(!shown.contains(secret), "{what}: a secret in {shown}");
    }
    let status = answer.status.as_ref().unwrap_or_else(|| panic!("{what}: no status: {shown}"));
    if status.code() == Code::Ok {
        return;
    }
    let message = status.message();
    assert!(!message.is_empty() && message.len() < 4_096, "{what}: {message}");
    assert!(!message.chars().any(char::is_control), "{what}: {message:?}");
    if answer.reason().is_none() && what.contains("odd deadline") {
        // The transport met the deadline before the service did; proto/deedbook/v1/error.proto says so.
        assert!(matches!(status.code(), Code::Cancelled | Code::DeadlineExceeded), "{what}: {status:?}");
        return;
    }
    let (reason, domain) = answer.reason().unwrap_or_else(|| panic!("{what}: no ErrorInfo in {status:?}"));
    assert_eq!(domain, "deedbook.v1", "{what}: {reason}");
    let server_failed = matches!(status.code(), Code::Internal | Code::Unknown | Code::DataLoss | Code::Unavailable);
    assert!(!server_failed, "{what}: the caller's fault is said to be the server's: {status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_not_what_they_should_be() {
    let scene = Scene::set().await;
    let (mut rng, count) = (Rng::seeded("bad calls"), scaled(2_000));
    let mut tasks = Vec::new();
    for _ in 0..TASKS {
        let (mut rng, caller) = (rng.fork(), Caller::connect(&scene.served.address).await);
        let (secrets, frames) = (scene.secrets.clone(), requests::Frames::of(&scene.house, &scene.producer));
        tasks.push(tokio::spawn(async move {
            let mut codes = BTreeMap::<String, u64>::new();
            for number in 0..count / TASKS {
                let request = frames.request(&mut rng);
                let what = format!("call {number}: {}", request.what);
                let answer = caller.call(request).await;
                judge(&what, &answer, &secrets);
                *codes.entry(answer.name()).or_default() += 1;
            }
            codes
        }));
    }
    let mut codes = BTreeMap::<String, u64>::new();
    for task in tasks {
        task.await.unwrap().into_iter().for_each(|(code, count)| *codes.entry(code).or_default() += count);
    }
    println!("{codes:?}");
    assert!(codes.len() >= 5, "too few kinds of answers: {codes:?}");
    assert!(codes.get("InvalidArgument").is_some_and(|found| *found > count / 4), "{codes:?}");
    scene.close().await;
    cases("wire-calls", count);
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_that_speak_something_else() {
    let scene = Scene::set().await;
    let (mut rng, count) = (Rng::seeded("bad sockets"), scaled(600));
    let addresses = [scene.served.address.clone(), scene.served.server.addresses().http.to_string()];
    let mut tasks = Vec::new();
    for _ in 0..TASKS {
        let (mut rng, addresses, secrets) = (rng.fork(), addresses.clone(), scene.secrets.clone());
        tasks.push(tokio::spawn(async move {
            for _ in 0..count / TASKS {
                let answer = sockets::talk(&addresses, &mut rng).await;
                secrets.iter().for_each(|secret| assert!(!answer.contains(secret), "a secret in {answer}"));
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    scene.close().await;
    cases("wire-sockets", count);
}

/// Connections that say a little and then nothing, and calls that never end, take places but not the server.
#[tokio::test(flavor = "multi_thread")]
async fn slow_callers_hold_nobody_up() {
    let scene = Scene::set().await;
    let http = scene.served.server.addresses().http.to_string();
    let mut slow = Vec::new();
    for _ in 0..60 {
        slow.push(sockets::stalled(&scene.served.address, &mut Rng::from_seed(1)).await);
        slow.push(sockets::stalled(&http, &mut Rng::from_seed(2)).await);
    }
    for _ in 0..20 {
        let answered = tokio::time::timeout(Duration::from_secs(10), scene.assert_serves()).await;
        assert!(answered.is_ok(), "a call waits behind the slow ones");
    }
    let livez = tokio::time::timeout(Duration::from_secs(10), sockets::get(&http, "/livez")).await.unwrap();
    assert!(livez.starts_with("HTTP/1.1 200"), "{livez}");
    drop(slow);
    scene.close().await;
}

/// Well-formed calls by the wrong caller, at the wrong time, or once too often.
#[tokio::test(flavor = "multi_thread")]
async fn callers_who_may_not() {
    let scene = Scene::set().await;
    let clients = scene.served.clients().await;
    let (house, producer) = (&scene.house, &scene.producer);
    // The same frame, a hundred times at once: one place, one first answer.
    let frame = producer.plain(Position::Unsequenced, 2);
    let mut tasks = Vec::new();
    for _ in 0..100 {
        let (clients, frame) = (clients.clone(), frame.clone());
        tasks.push(tokio::spawn(async move { place(&append(&clients, &frame).await.unwrap()) }));
    }
    let mut places = Vec::new();
    for task in tasks {
        places.push(task.await.unwrap());
    }
    places.dedup();
    assert_eq!(places.len(), 1, "{places:?}");
    // What a producer says of the time is its own claim; the ledger's time is the ledger's.
    let now = crate::support::now().0;
    for wild in [now + YEARS_10_MICROS, now - YEARS_10_MICROS, 0, u64::MAX] {
        let event = FactsBuilder::new(Kind::ExecutionReported, event_id(), Micros(wild));
        append(&clients, &producer.one(event)).await.unwrap();
        let mut key = clients.key.clone();
        let signed = ref_key_request(house.id, Micros(wild));
        let request = GetRefKeyRequest {
            key_id: producer.key.public().id().0.to_vec().into(),
            time_micros: wild,
            signature: producer.key.sign(&signed).to_vec().into(),
        };
        let error = key.get_ref_key(request).await.unwrap_err();
        check(&error.into(), "UNAUTHENTICATED", "REQUEST_TIME_OUTSIDE");
    }
    let stranger = house.producer("gateway");
    let error = append(&clients, &stranger.one(statement())).await.unwrap_err();
    check(&error, "PERMISSION_DENIED", "KEY_NOT_IN_FORCE");
    let revoked = house.enrolled(&scene.served.ledger, &["short"]).await.remove(0);
    let last = revoked.one(statement());
    append(&clients, &last).await.unwrap();
    let end = FactsBuilder::new(Kind::KeyRevoked, event_id(), crate::support::now());
    append(&clients, &house.admin().one(end.subject_key_id(revoked.key.public().id()))).await.unwrap();
    let error = append(&clients, &revoked.one(statement())).await.unwrap_err();
    check(&error, "PERMISSION_DENIED", "KEY_NOT_IN_FORCE");
    assert!(append(&clients, &last).await.is_ok(), "what stands keeps its answer");
    // Foreign text comes back escaped or not at all.
    let evil = "\u{1b}[2J\u{202e}kind\r\nx";
    let list = ListEventsRequest { kind: evil.to_owned(), ..ListEventsRequest::default() };
    let error = clients.ledger.clone().list_events(list).await.unwrap_err();
    assert!(!error.message().contains(['\u{1b}', '\u{202e}', '\r']), "{error:?}");
    let long = ListEventsRequest { kind: "\u{e9}".repeat(500_000), ..ListEventsRequest::default() };
    let error = clients.ledger.clone().list_events(long).await.unwrap_err();
    assert!(error.message().len() < 2_000 && error.message().ends_with('…'), "{} bytes", error.message().len());
    check(&error.into(), "INVALID_ARGUMENT", "FIELD_INVALID");
    let token = ListEventsRequest { page_token: evil.repeat(400), ..ListEventsRequest::default() };
    let error = clients.ledger.clone().list_events(token).await.unwrap_err();
    check(&error.into(), "INVALID_ARGUMENT", "PAGE_TOKEN_INVALID");
    let mut heavy = to_frame(producer.one(statement()));
    heavy.header = vec![0; 3 * 1024 * 1024].into();
    let request = deedbook::api::proto::AppendRequest { frame: Some(heavy) };
    let error = clients.ledger.clone().append(request).await.unwrap_err();
    check(&error.into(), "OUT_OF_RANGE", "MESSAGE_TOO_LARGE");
    scene.close().await;
}
