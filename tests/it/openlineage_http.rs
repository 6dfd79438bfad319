//! OpenLineage over HTTP, from outside and over a socket: what comes in, as what, what is refused, what a crash leaves;
//! and always the audit over the folder, and the verifier over receipts.

mod bounds;
mod crashes;

use crate::support::grpc::Served;
use crate::support::web::{WebAnswer, ask_with};
use crate::support::{House, statement};
use deedbook::api::proto::GetLineageStatsRequest;
use deedbook::domain::{Caller, caller_ref};
use deedbook::ledger::{AppendError, Bodies, StoredBody, StoredEvent};
use deedbook::record::{FactsBuilder, Position};
use deedbook_verify::detail::Detail;
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::{Actor, ActorKind, Facts, ObjectClass, Outcome};
use deedbook_verify::frame::FrameRefusal;
use deedbook_verify::hash::Identity;
use deedbook_verify::judge::verify_receipt;
use deedbook_verify::kind::{Author, Kind};
use deedbook_verify::words::{Epoch, Index, Micros};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

pub const ONE: &str = "/api/v1/lineage";
pub const BATCH: &str = "/api/v1/lineage/batch";
pub const JSON: (&str, &str) = ("Content-Type", "application/json");

/// The run id of a number.
pub fn run_id(run: u64) -> String {
    format!("00000000-0000-4000-8000-{run:012}")
}

/// A run event, written with the spacing of no serialiser.
pub fn event(run: u64, kind: &str) -> String {
    let run = run_id(run);
    format!(
        r#"{{ "eventType":"{kind}" ,"eventTime":"2026-01-05T03:00:00.5Z","producer":"https://example.org/jobs","schemaURL":"s",
 "run":{{"runId":"{run}"}}, "job":{{"namespace":"shop","name":"daily é"}},"inputs":[{{"namespace":"shop","name":"orders"}}],
 "outputs":[{{"namespace":"shop","name":"report","facets":{{"n":{{"n":1.0}}}}}}]}}"#
    )
}

pub fn send(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &[u8]) -> WebAnswer {
    ask_with(address, ("POST", path), headers, body).unwrap()
}

pub fn post(address: SocketAddr, path: &str, body: &str) -> (u16, Value) {
    said(&send(address, path, &[JSON], body.as_bytes()))
}

pub fn said(answer: &WebAnswer) -> (u16, Value) {
    (answer.status, serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{answer:?}")))
}

pub fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

pub fn web(served: &Served) -> SocketAddr {
    served.server.addresses().http
}

pub fn stored(served: &Served, index: u64) -> (Vec<u8>, Vec<u8>) {
    let StoredEvent { entry, body, .. } = served.ledger.reader().event(Index(index), Bodies::With).unwrap();
    let StoredBody::Opened { body, .. } = body else { panic!("{body:?}") };
    (entry.to_vec(), body)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_comes_in_once_byte_for_byte_as_the_ledgers_own_word() {
    let house = House::build();
    let served = Served::start(&house).await;
    let address = web(&served);
    let texts = [
        event(1, "START"),
        event(1, "COMPLETE"),
        r#"{"eventTime":"2026-01-05T03:00:01Z","job":{"namespace":"shop","name":"daily é"}}"#.to_owned(),
        r#"{"eventTime":"2026-01-05T03:00:02Z","dataset":{"namespace":"shop","name":"orders"}}"#.to_owned(),
    ];
    for (text, index) in texts.iter().zip(1..) {
        let (status, answer) = post(address, ONE, text);
        assert_eq!((status, &answer["index"], &answer["state"]), (201, &json!(index), &json!("appended")), "{answer}");
        let again = send(address, ONE, &[JSON, ("Content-Encoding", "gzip")], &gzip(&format!("\n {text}\r\n")));
        let expected = json!({"index": index, "event_id": answer["event_id"], "state": "known"});
        assert_eq!(said(&again), (200, expected), "spaces around it are no part of it");
        let (entry, body) = stored(&served, index);
        assert_eq!(body, text.as_bytes());
        check_facts(&house, &Entry::parse(&entry).unwrap(), index);
    }
    let run = house.refs.make(Identity { class: "run", namespace: "", name: &run_id(1) });
    let (entry, _) = stored(&served, 2);
    let complete = Entry::parse(&entry).unwrap();
    assert_eq!((complete.facts.stream, complete.facts.outcome), (run, Some(Outcome::Succeeded)));
    assert_eq!(complete.seal.revision.unwrap().0, 2, "both are of one run");
    assert_eq!(complete.facts.occurred, Micros(1_767_582_000_500_000));
    let datasets = complete.facts.objects().filter(|object| object.class == ObjectClass::Dataset);
    assert_eq!(datasets.count(), 2);
    let receipt = served.ledger.reader().receipt(Index(2), Bodies::With).unwrap();
    let verified = verify_receipt(&receipt, &house.verifier_key).unwrap();
    assert_eq!(verified.author, Author::Ledger);
    assert!(verified.limits().iter().any(|limit| limit.starts_with("came in unsigned")), "{:?}", verified.limits());
    let metrics = served.browser().get("/metrics").text();
    for wanted in ["{result=\"appended\"} ", "{result=\"known\"} "] {
        assert!(metrics.contains(&format!("deedbook_openlineage_events_total{wanted}")), "{metrics}");
    }
    served.stop().await;
    assert_eq!(house.assert_clean().head.unwrap().size.0, 5);
}

/// What every such entry is: of the ledger's source, numbered, by somebody whom the server cannot name.
fn check_facts(house: &House, entry: &Entry<'_>, sequence: u64) {
    let facts: &Facts<'_> = &entry.facts;
    assert_eq!((facts.kind, facts.author()), (Kind::OpenlineageReceived, Author::Ledger));
    assert!(matches!(facts.detail, Detail::Imported { .. }));
    let ledger = deedbook::domain::ledger_source(&house.refs).unwrap();
    assert_eq!((facts.source, facts.epoch, facts.sequence.0), (ledger, Epoch(1), sequence + 1));
    let who = caller_ref(&house.refs, Caller::Anonymous).unwrap();
    assert_eq!(facts.actor, Some(Actor { kind: ActorKind::Service, who }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_tells_callers_apart_and_is_stored_nowhere() {
    let house = House::build();
    let served = Served::start(&house).await;
    let token = "a-token-that-nobody-checks";
    let headers = [JSON, ("Authorization", &format!("bearer  {token}"))];
    assert_eq!(send(web(&served), ONE, &headers, event(1, "START").as_bytes()).status, 201);
    let basic = [JSON, ("Authorization", "Basic dTpw")];
    assert_eq!(send(web(&served), ONE, &basic, event(2, "START").as_bytes()).status, 201);
    let actors: Vec<_> = [1, 2]
        .iter()
        .map(|index| Entry::parse(&stored(&served, *index).0).unwrap().facts.actor.map(|actor| actor.who))
        .collect();
    let refs = [Caller::Bearer(token), Caller::Anonymous].map(|caller| caller_ref(&house.refs, caller).ok());
    assert_eq!(actors, refs);
    // The ref is of no principal's class: a token that is called like an agent is not that agent.
    let agent = deedbook::domain::principal_ref(&house.refs, ActorKind::Service, token).unwrap();
    assert_ne!(refs[0], Some(agent));
    let entries: Vec<u8> = [1, 2].iter().flat_map(|index| stored(&served, *index).0).collect();
    assert!(!entries.windows(token.len()).any(|window| window == token.as_bytes()));
    served.stop().await;
    house.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_takes_what_is_an_event_and_names_the_rest() {
    let house = House::build();
    let served = Served::start(&house).await;
    let address = web(&served);
    let (first, second) = (event(1, "START"), event(2, "FAIL"));
    let bad = event(3, "START").replace(&run_id(3), "run-3");
    let batch = format!("[{first},\n {bad} , 7,{second},{first}, {{}} ]");
    let (status, answer) = post(address, BATCH, &batch);
    let summary = json!({"received": 6, "successful": 3, "failed": 3, "retriable": 0, "non_retriable": 3});
    assert_eq!((status, &answer["status"], &answer["summary"]), (200, &json!("partial_success"), &summary));
    let failed = answer["failed_events"].as_array().unwrap();
    let named: Vec<_> =
        failed.iter().map(|failed| (failed["index"].as_u64().unwrap(), failed["field"].as_str())).collect();
    assert_eq!(named, [(1, Some("run.runId")), (2, None), (5, Some("eventTime"))]);
    assert!(failed[0]["reason"].as_str().unwrap().contains("is no UUID"), "{answer}");
    assert_eq!([1, 2].map(|index| stored(&served, index).1), [first.as_bytes(), second.as_bytes()]);
    assert_eq!(served.ledger.reader().head().size.0, 3);
    let (status, answer) = post(address, BATCH, &format!("[{second},{}]", event(4, "OTHER")));
    assert_eq!((status, &answer["status"], &answer["summary"]["successful"]), (200, &json!("success"), &json!(2)));
    assert_eq!(post(address, BATCH, "[]").1["summary"]["received"], 0);
    assert_eq!(served.ledger.reader().head().size.0, 4);
    // Events that fill several frames of the ledger's.
    let pad = "x".repeat(600_000);
    let large: Vec<String> = (10..15).map(|run| event(run, "START").replace("\"s\"", &format!("\"{pad}\""))).collect();
    let (status, answer) = post(address, BATCH, &format!("[{}]", large.join(",")));
    assert_eq!((status, &answer["summary"]["successful"]), (200, &json!(5)), "{answer}");
    for (text, index) in large.iter().zip(4..) {
        assert_eq!(stored(&served, index).1, text.as_bytes());
    }
    served.stop().await;
    house.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_events_are_taken_and_noted_and_one_is_refused_by_name() {
    let house = House::build();
    let served = Served::start(&house).await;
    let job = r#""job":{"namespace":"n","name":"j"}"#;
    let rows = [
        (format!(r#"{{"eventTime":"2026-01-05T03:00:00",{job}}}"#), Some(1)),
        (format!(r#"{{"eventTime":"2026-01-05T03:00:00.123456789Z",{job}}}"#), Some(2)),
        (format!(r#"{{"eventTime":"2026-01-05T03:00:00.1234567",{job}}}"#), Some(3)),
        (format!(r#"{{"eventTime":"2026-01-05T03:00:00Z","eventType":"ODD","run":null,{job}}}"#), None),
    ];
    for ((text, note), index) in rows.iter().zip(1..) {
        assert_eq!(post(web(&served), ONE, text).0, 201, "{text}");
        let (entry, body) = stored(&served, index);
        assert_eq!((Entry::parse(&entry).unwrap().facts.occurred_note, body), (*note, text.clone().into_bytes()));
    }
    let (status, answer) = post(web(&served), ONE, &event(1, "START").replace(&run_id(1), "run-1\\u001b[31m"));
    assert_eq!((status, &answer["error"]["reason"]), (400, &json!("FIELD_INVALID")), "{answer}");
    assert_eq!(answer["error"]["field"], "run.runId");
    assert!(!answer.to_string().contains('\u{1b}'), "{answer}");
    served.stop().await;
    house.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_can_say_what_the_ledger_says_of_posts() {
    let house = House::build();
    let served = Served::start(&house).await;
    let gateway = house.enrolled(&served.ledger, &["gateway"]).await.remove(0);
    let own = FactsBuilder::new(Kind::OpenlineageReceived, crate::support::event_id(), crate::support::now());
    let refused = served.ledger.append(gateway.one(own.clone().imported())).await;
    assert_eq!(refused, Err(AppendError::Frame(FrameRefusal::AuthorDiffers)));
    let mixed = gateway.sign(Position::Unsequenced, vec![statement(), own.clone().imported()]);
    assert_eq!(served.ledger.append(mixed).await, Err(AppendError::Frame(FrameRefusal::AuthorDiffers)));
    served.ledger.append(gateway.one(own)).await.unwrap();
    served.stop().await;
    house.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_in_is_in_the_graph() {
    let house = House::build();
    let served = Served::start(&house).await;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let file = file.join("shared/fixtures/openlineage/marquez/food_delivery.jsonl");
    let (text, wanted) = match std::fs::read_to_string(&file) {
        Ok(text) => (text, [13, 13, 13]),
        Err(_) => ([event(1, "START"), event(1, "COMPLETE")].map(|text| text.replace('\n', "")).join("\n"), [1, 1, 2]),
    };
    let (_, answer) = post(web(&served), BATCH, &format!("[{}]", text.trim().replace('\n', ",")));
    assert_eq!(answer["status"], "success", "{answer}");
    let mut client = served.clients().await.lineage;
    let stats = client.get_lineage_stats(GetLineageStatsRequest {}).await.unwrap().into_inner();
    assert_eq!([stats.openlineage_runs, stats.openlineage_jobs, stats.openlineage_datasets], wanted);
    served.stop().await;
    house.assert_clean();
}
