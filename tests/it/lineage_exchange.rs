//! Lineage in the formats of others, by the program alone: what goes out, comes in elsewhere and goes out again is the same
//! bytes; what cannot go out is said.

use crate::approvals_server::track::Track;
use crate::support::process::Serving;
use crate::support::stage::{Stage, text};
use deedbook::limits::LINEAGE_OUT_ACTIONS_MAX;
use deedbook_verify::vote::Decision;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Events of a run and its job, one over several lines, with odd spacing, numbers, escapes and times.
const EVENTS: &str = concat!(
    r#"{"eventType":"START","eventTime":"2026-01-05T03:00:00.123456789Z","producer":"https://example.org/jobs","schemaURL":"s","run":{"runId":"00000000-0000-4000-8000-000000000001"},"job":{"namespace":"shop","name":"dAily \u00e9é"},"inputs":[{"namespace":"shop","name":"orders","facets":{"x":{"n":1.0,"m":1e2}}}]}"#,
    "\n{\n  \"eventType\" : \"COMPLETE\",\r\n  \"eventTime\": \"2026-01-05T03:00:01\",\n\n  \"run\": {\"runId\":\"00000000-0000-4000-8000-000000000001\"},\n  \"job\": {\"namespace\":\"shop\",\"name\":\"x}{\"}\n}\n",
    r#"  {"eventTime":"2026-01-05T03:00:02+01:00","job":{"namespace":"shop","name":"daily"}} "#,
    "\n",
    r#"{"eventTime":"2026-01-05T03:00:03Z","dataset":{"namespace":"shop","name":"orders"}}"#,
    "\n",
);

/// What the program says of an export.
fn export(stage: &Stage, server: &Serving, out: &str, more: &[&str]) -> Value {
    stage.says(server, "bob", &[&["lineage", "export", "--format", "openlineage", "--out", out], more].concat())
}

fn import(stage: &Stage, server: &Serving, file: &Path) -> Vec<Value> {
    stage.done(stage.run(server, "adm", &["lineage", "import", "--format", "openlineage"]).arg(file))
}

fn read(stage: &Stage, name: &str) -> String {
    String::from_utf8(std::fs::read(stage.path(name)).unwrap()).unwrap()
}

/// Every event file of others beside the checkout, but the one that must be refused.
fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("shared/fixtures/openlineage");
    let folders = ["marquez", "compatibility-tests/CLL", "compatibility-tests/spark_dataproc_bigquery_shakespare"];
    let more = "compatibility-tests/spark_dataproc_simple_producer_test_complete";
    let entries = folders.iter().chain([&more]).filter_map(|folder| std::fs::read_dir(root.join(folder)).ok());
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "json" || end == "jsonl"));
    files.sort();
    files
}

#[test]
fn what_came_in_goes_out_and_comes_in_elsewhere_byte_for_byte() {
    let (stage, server) = Stage::set();
    std::fs::write(stage.path("in.jsonl"), EVENTS).unwrap();
    assert_eq!(import(&stage, &server, &stage.path("in.jsonl")).len(), 4);
    let said = export(&stage, &server, "one.jsonl", &[]);
    assert_eq!(read(&stage, "one.jsonl"), EVENTS);
    let rest = json!({"received": said["received"], "erased": said["erased"], "unreadable": said["unreadable"]});
    assert_eq!(rest, json!({"received": 4, "erased": 0, "unreadable": 0}));
    let stats = stage.says(&server, "bob", &["lineage", "stats"]);
    assert_eq!(said["as_of"], stats["as_of"], "the root was computed from the entries");
    for file in fixtures() {
        import(&stage, &server, &file);
    }
    export(&stage, &server, "whole.jsonl", &[]);
    again_elsewhere(&stage, &read(&stage, "whole.jsonl"));
    // As of the first four events, the file is the first one.
    let size = said["as_of"]["size"].to_string();
    assert_eq!(export(&stage, &server, "then.jsonl", &["--as-of", &size]), json_with(&said, "then.jsonl"));
    assert_eq!(read(&stage, "then.jsonl"), EVENTS);
}

fn json_with(said: &Value, out: &str) -> Value {
    let mut said = said.clone();
    said["out"] = Value::from(out);
    said
}

/// The events that stand for other entries, as (type, job, kind of the entry).
fn made(text: &str) -> Vec<Value> {
    let events = serde_json::Deserializer::from_str(text).into_iter::<Value>().map(Result::unwrap);
    events.filter(|event| event["producer"] == "urn:deedbook:export:1").collect()
}

fn outline(events: &[Value]) -> Vec<[String; 3]> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let row = |event: &Value| {
        [&event["eventType"], &event["job"]["name"], &event["run"]["facets"]["deedbook_entry"]["kind"]].map(text)
    };
    events.iter().map(row).collect()
}

/// An export that bob approved, one that he denied, one that waits, and an access that a source states.
fn story() -> (Stage, Serving, [String; 3]) {
    let (stage, server) = Stage::set();
    let ids = [0; 3].map(|_| stage.submit(&server));
    stage.says(&server, "bob", &["approve", &ids[0], "--yes", "--reason", "ticket 7"]);
    stage.says(&server, "agent", &["action", "redeem", &ids[0], "export.json"]);
    stage.says(&server, "bob", &["deny", &ids[1], "--yes", "--reason", "no"]);
    let report = ["action", "report", &ids[0], "--status", "succeeded", "--output", "dataset:{lake}copy@7"];
    stage.says(&server, "agent", &report);
    let access = json!({"kind": "data.accessed", "stream": "session/1", "occurred": "2026-01-05T03:00:00Z",
        "facts": {"outcome": "succeeded", "actor": {"kind": "agent", "id": "a1"},
            "datasets": [{"namespace": "shop", "name": "orders", "role": "input"}, {"name": "unheard", "role": "output"}],
            "models": [{"name": "gpt", "role": "used"}], "sessions": [{"name": "s1"}]}});
    std::fs::write(stage.path("in.jsonl"), EVENTS).unwrap();
    import(&stage, &server, &stage.path("in.jsonl"));
    std::fs::write(stage.path("access.jsonl"), format!("{access}\n")).unwrap();
    stage.done(&mut stage.run(&server, "adm", &["append", "access.jsonl"]));
    (stage, server, ids)
}

#[test]
fn approvals_and_executions_go_out_as_runs_with_standard_facets() {
    let (stage, server, ids) = story();
    let said = export(&stage, &server, "out.jsonl", &[]);
    let text = read(&stage, "out.jsonl");
    let events = made(&text);
    assert_eq!((&said["made"], &said["received"]), (&json!(events.len()), &json!(4)));
    let (action, approval) = ("a1.data.export", "approval/data.export");
    let wanted = [
        ["OTHER", action, "action.submitted"],
        ["START", approval, "approval.opened"],
        ["OTHER", action, "action.submitted"],
        ["START", approval, "approval.opened"],
        ["OTHER", action, "action.submitted"],
        ["START", approval, "approval.opened"],
        ["RUNNING", approval, "vote.cast"],
        ["COMPLETE", approval, "approval.resolved"],
        ["START", action, "execution.started"],
        ["RUNNING", approval, "vote.cast"],
        ["COMPLETE", approval, "approval.resolved"],
        ["ABORT", action, "approval.resolved"],
        ["COMPLETE", action, "execution.reported"],
        ["COMPLETE", "data.accessed", "data.accessed"],
    ];
    assert_eq!(outline(&events), wanted.map(|row| row.map(str::to_owned)));
    let facet = |at: usize, name: &str| events[at]["run"]["facets"][name].clone();
    // One action is one run, from waiting to its end; its approval is the run that it depends on.
    let run = |at: usize| events[at]["run"]["runId"].as_str().unwrap();
    assert!(run(0) == run(8) && run(0) == run(12) && run(2) == run(11) && run(0) != run(2) && run(1) == run(7));
    let upstream = &facet(8, "jobDependencies")["upstream"][0];
    assert_eq!(
        (upstream["run"]["runId"].as_str(), &upstream["status_trigger_rule"]),
        (Some(run(1)), &json!("EXECUTE_ON_SUCCESS"))
    );
    assert_eq!(upstream["job"], events[1]["job"]);
    assert_eq!(
        (&facet(7, "deedbook_approval")["resolution"], &facet(10, "deedbook_approval")["resolution"]),
        (&json!("approved"), &json!("denied"))
    );
    assert_eq!(
        (&facet(6, "deedbook_vote")["decision"], &facet(6, "deedbook_vote")["name"]),
        (&json!("approve"), &json!("bob"))
    );
    assert_eq!(
        (&facet(0, "deedbook_action")["request"], &facet(0, "deedbook_actor")["name"]),
        (&json!(ids[0]), &json!("a1"))
    );
    let read = &events[0]["inputs"][0];
    assert_eq!((&read["name"], &read["facets"]["version"]["datasetVersion"]), (&json!("customers"), &json!("v42")));
    let wrote = &events[12]["outputs"][0];
    assert_eq!(
        (&wrote["namespace"], &wrote["name"], &wrote["facets"]["version"]["datasetVersion"]),
        (&json!("lake"), &json!("copy"), &json!("7"))
    );
    // What a source states by ref has the name that OpenLineage gave it, and else the ref.
    let access = &events[13];
    let names: Vec<&str> =
        access["inputs"].as_array().unwrap().iter().map(|input| input["name"].as_str().unwrap()).collect();
    assert_eq!(names[0], "orders");
    assert!(names[1].starts_with("model/") && access["outputs"][0]["name"].as_str().unwrap().starts_with("dataset/"));
    assert_eq!(access["inputs"][1]["facets"]["datasetType"]["datasetType"], "MODEL");
    assert_eq!(facet(13, "parent")["job"]["name"], "session");
    each_names_its_entry(&stage, &server, &events);
    again_elsewhere(&stage, &text);
}

/// By leaf, so that a receipt can be asked for and compared.
fn each_names_its_entry(stage: &Stage, server: &Serving, events: &[Value]) {
    for event in events {
        let entry = &event["run"]["facets"]["deedbook_entry"];
        let shown = stage.says(server, "bob", &["get", &entry["index"].to_string()]);
        assert_eq!(
            (&shown["leaf"], &shown["kind"], &shown["source"]),
            (&entry["leaf"], &entry["kind"], &entry["source"])
        );
    }
}

/// The same log gives the same bytes, and whoever imports them gets them back.
fn again_elsewhere(stage: &Stage, text: &str) {
    std::fs::write(stage.path("carried.jsonl"), text).unwrap();
    let (other, elsewhere) = Stage::set();
    import(&other, &elsewhere, &stage.path("carried.jsonl"));
    export(&other, &elsewhere, "again.jsonl", &[]);
    assert_eq!(read(&other, "again.jsonl"), text);
}

#[test]
fn without_names_the_refs_stand_there_and_an_erasure_takes_the_names() {
    let (stage, server, _) = story();
    export(&stage, &server, "named.jsonl", &[]);
    let nobody = |out: &str| {
        let words = ["lineage", "export", "--format", "openlineage", "--out", out];
        stage.done(stage.command().args(["--server", &format!("http://{}", server.address)]).args(words));
        made(&read(&stage, out))
    };
    let (named, bare) = (made(&read(&stage, "named.jsonl")), nobody("bare.jsonl"));
    assert_eq!(outline(&named), outline(&bare));
    assert!(bare[13]["inputs"][0]["name"].as_str().unwrap().starts_with("dataset/"));
    assert_eq!(named[0]["inputs"], bare[0]["inputs"], "these stand in the entry's own body");
    let index = named[0]["run"]["facets"]["deedbook_entry"]["index"].to_string();
    stage.says(&server, "adm", &["erase", &index, "--yes", "--reason", "asked for"]);
    export(&stage, &server, "erased.jsonl", &[]);
    let erased = made(&read(&stage, "erased.jsonl"));
    let kinds = |events: &[Value]| outline(events).into_iter().map(|[kind, _, of]| [kind, of]).collect::<Vec<_>>();
    assert_eq!(kinds(&erased), kinds(&named));
    let run = |events: &[Value], at: usize| events[at]["run"]["runId"].clone();
    assert!((0..14).all(|at| run(&erased, at) == run(&named, at)), "no id rests on a body");
    assert!(erased[8]["job"]["name"].as_str().unwrap().ends_with(".data.export"));
    assert_ne!(erased[8]["job"], named[8]["job"]);
    let input = |events: &[Value]| events[8]["inputs"][0]["name"].clone();
    assert_eq!(input(&erased), "customers", "another request says so still");
    assert!(input(&nobody("both.jsonl")).as_str().unwrap().starts_with("dataset/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_more_actions_than_are_remembered_the_first_entries_are_read_again() {
    let track = Track::set().await;
    let (first, denied) = (track.export().await, track.export().await);
    for _ in 0..LINEAGE_OUT_ACTIONS_MAX {
        track.export().await;
    }
    let (agent, voter) = (track.cast.agent("a1"), track.voters().remove(0));
    track.done(track.vote(&voter, first, Decision::Approve)).await;
    track.done(track.vote(&voter, denied, Decision::Deny)).await;
    let (seen, head) = (track.seen(first), track.served.ledger.reader().head());
    track.done(track.cast.redemption(&agent, &seen, seen.action.origin.digest, head)).await;
    let (folder, server) = (tempfile::tempdir().unwrap(), format!("http://{}", track.served.address));
    let out = folder.path().join("out.jsonl");
    let mut command = Command::new(env!("CARGO_BIN_EXE_deedbook"));
    command.args(["lineage", "export", "--format", "openlineage", "--server", &server, "--out"]).arg(&out);
    let done = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(done.status.success(), "{}", text(&done));
    let events = made(&std::fs::read_to_string(folder.path().join("out.jsonl")).unwrap());
    let of = |id: deedbook_verify::words::SubjectId| {
        let mine = |event: &&Value| event["run"]["facets"]["deedbook_action"]["request"] == id.to_string();
        events.iter().filter(mine).cloned().collect::<Vec<Value>>()
    };
    let types = |events: &[Value]| outline(events).into_iter().map(|[kind, _, _]| kind).collect::<Vec<String>>();
    let (first, denied) = (of(first), of(denied));
    assert_eq!(types(&first), ["OTHER", "START", "RUNNING", "COMPLETE", "START"]);
    assert_eq!(types(&denied), ["OTHER", "START", "RUNNING", "COMPLETE", "ABORT"]);
    for (waits, later) in [(&first[0], &first[4]), (&denied[0], &denied[4])] {
        assert_eq!((&waits["job"], &waits["run"]["runId"]), (&later["job"], &later["run"]["runId"]));
    }
    assert_eq!(first[4]["inputs"], first[0]["inputs"]);
    assert!(first[4]["run"]["facets"]["jobDependencies"]["upstream"].is_array(), "people were asked: {}", first[4]);
    track.judge().await;
}

#[test]
fn erased_bodies_are_counted_and_files_are_kept() {
    let (stage, server) = Stage::set();
    std::fs::write(stage.path("in.jsonl"), EVENTS).unwrap();
    let places = import(&stage, &server, &stage.path("in.jsonl"));
    let index = places[0]["index"].to_string();
    stage.says(&server, "adm", &["erase", &index, "--yes", "--reason", "asked for"]);
    let said = export(&stage, &server, "out.jsonl", &[]);
    assert_eq!((&said["received"], &said["erased"]), (&json!(3), &json!(1)));
    assert_eq!(read(&stage, "out.jsonl"), EVENTS.split_once('\n').unwrap().1);
    let words = ["lineage", "export", "--format", "openlineage", "--out", "out.jsonl"];
    let again = stage.run(&server, "bob", &words).output().unwrap();
    assert_eq!(again.status.code(), Some(2), "{}", text(&again));
    let beyond =
        stage.run(&server, "bob", &[&words[..5], &["beyond.jsonl", "--as-of", "9999"]].concat()).output().unwrap();
    assert!(text(&beyond).contains("OUTSIDE_TREE"), "{}", text(&beyond));
    assert!(!stage.path("beyond.jsonl").exists() && !stage.path("beyond.jsonl.partial").exists());
}
