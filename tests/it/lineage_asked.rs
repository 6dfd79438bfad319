//! Lineage as strangers ask for it: by the names that they know, of requests that nobody decided or somebody denied, into
//! files that cannot be written.

use crate::support::process::Serving;
use crate::support::stage::{Stage, text};
use serde_json::{Value, json};

fn asks(stage: &Stage, server: &Serving, words: &[&str]) -> Value {
    stage.says(server, "bob", &[&["lineage"], words].concat())
}

fn append(stage: &Stage, server: &Serving, (format, lines): (&str, &str)) {
    std::fs::write(stage.path("lines"), lines).unwrap();
    stage.done(&mut stage.run(server, "adm", &["append", "--format", format, "lines"]));
}

/// The approval of a request as an answer tells it, and the picture of that answer.
fn approval(stage: &Stage, server: &Serving, (id, picture): (&str, &str)) -> (Value, String) {
    let (svg, dot) = (format!("{picture}.svg"), format!("{picture}.dot"));
    let answer = asks(stage, server, &["impact", &format!("action:{id}"), "--svg", &svg, "--dot", &dot]);
    let node = answer["nodes"].as_array().unwrap().iter().find(|node| node["kind"] == "approval").unwrap().clone();
    let drawn = [svg, dot].map(|file| std::fs::read_to_string(stage.path(&file)).unwrap()).concat();
    (node, drawn)
}

/// A request that waits, one that was denied and one that was approved are told apart, in words and as pictures.
#[test]
fn each_approval_is_what_became_of_it() {
    let (stage, server) = Stage::set();
    let id = stage.submit(&server);
    let (open, drawn) = approval(&stage, &server, (&id, "open"));
    assert_eq!((&open["gate"], &open["approved"]), (&json!([]), &json!(false)));
    assert!(drawn.contains("approval · not given") && !drawn.contains("denied"), "{drawn}");
    stage.says(&server, "bob", &["deny", &id, "--yes", "--reason", "no ticket"]);
    let (denied, drawn) = approval(&stage, &server, (&id, "denied"));
    assert_eq!((&denied["gate"], &denied["approved"]), (&json!(["denied"]), &json!(false)));
    assert!(drawn.contains("approval · denied") && drawn.contains("cross: denied"), "{drawn}");
    // As of then nobody had denied it.
    let size = denied["born_index"].as_u64().unwrap() + 1;
    let then = asks(&stage, &server, &["impact", &format!("action:{id}"), "--as-of", &size.to_string()]);
    assert!(!then["nodes"].to_string().contains("denied"), "{then}");
    let again = stage.submit(&server);
    stage.says(&server, "bob", &["approve", &again, "--yes", "--reason", "ticket 7"]);
    let (approved, drawn) = approval(&stage, &server, (&again, "approved"));
    assert_eq!((&approved["gate"], &approved["approved"]), (&json!(["approved_human"]), &json!(true)));
    assert!(drawn.contains("approval · approved") && drawn.contains("tick: approved"), "{drawn}");
    // A grant that was taken back is no denial.
    stage.says(&server, "agent", &["action", "cancel", &again, "--reason", "not needed"]);
    let (ended, drawn) = approval(&stage, &server, (&again, "ended"));
    assert!(ended["gate"].to_string().contains("revoked_before") && ended["approved"] == false, "{ended}");
    assert!(drawn.contains("approval · revoked") && !drawn.contains("denied"), "{drawn}");
}

/// Whatever kind a thing is of, its name finds it, also where no body says it.
#[test]
fn everything_is_found_by_its_name() {
    let (stage, server) = Stage::set();
    let line = json!({"kind": "model.invoked", "stream": "call/1", "occurred": "2026-01-05T10:00:00Z", "facts": {
        "models": [{"role": "used", "namespace": "lab", "name": "opus", "version": "5"}],
        "artifacts": [{"role": "output", "name": "report.pdf"}],
        "jobs": [{"namespace": "etl", "name": "nightly"}], "sessions": [{"name": "chat-1"}],
        "datasets": [{"role": "input", "namespace": "pg", "name": "t1", "version": "3"}]}});
    append(&stage, &server, ("jsonl", &line.to_string()));
    for (name, kind) in [
        ("model:{lab}opus@5", "model_version"),
        ("model_version:{lab}opus@5", "model_version"),
        ("artifact:report.pdf", "artifact"),
        ("job:{etl}nightly", "job"),
        ("session:chat-1", "session"),
        ("dataset:{pg}t1@3", "dataset_version"),
    ] {
        let found = asks(&stage, &server, &["trace", name, "--up", "--depth", "1"]);
        assert_eq!(found["target"]["kind"], kind, "{name}: {found}");
    }
    // A model stands for all its versions where a question begins.
    let down = asks(&stage, &server, &["impact", "model:{lab}opus"]);
    assert_eq!(down["counts"]["run"], 1, "{down}");
    let nobody = stage.run(&server, "bob", &["lineage", "explain", "model:{lab}haiku"]).output().unwrap();
    assert!(text(&nobody).contains("NODE_UNKNOWN") && text(&nobody).contains("found whole alone"), "{}", text(&nobody));
}

/// Names of datasets may hold what marks a version, and what no screen shows; two of one name are told apart.
#[test]
fn odd_names_are_asked_for_as_they_are_shown() {
    let (stage, server) = Stage::set();
    let event = |run: u8, name: &str| {
        json!({"eventType": "COMPLETE", "eventTime": "2026-01-05T03:00:00Z", "producer": "https://example.org/jobs",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {"runId": format!("00000000-0000-4000-8000-0000000000{run:02}")},
            "job": {"namespace": "shop", "name": "mails"}, "inputs": [],
            "outputs": [{"namespace": "mail", "name": name}]})
        .to_string()
    };
    let lines = [event(1, "list/user@example.com"), event(2, "two\nlines"), event(3, "two\\nlines")].join("\n");
    append(&stage, &server, ("openlineage", &lines));
    let found = asks(&stage, &server, &["search", "user@", "--kind", "dataset"]);
    let name = found["nodes"][0]["node"].as_str().unwrap();
    assert_eq!(name, "dataset:{mail}list/user@example.com");
    let answer = asks(&stage, &server, &["explain", name]);
    assert_eq!(answer["counts"]["run"], 1, "{answer}");
    // The key as an answer has it, with and without the digits of its kind.
    let key = found["nodes"][0]["key"].as_str().unwrap();
    for digits in [key, &key[2..]] {
        let by_key = asks(&stage, &server, &["explain", &format!("dataset:{digits}")]);
        assert_eq!(by_key["nodes"], answer["nodes"], "{digits}");
    }
    let command = stage.run(&server, "bob", &["lineage", "search", "lines", "--kind", "dataset"]);
    let words = command.get_args().filter(|word| *word != "--json");
    let plain =
        std::process::Command::new(command.get_program()).args(words).env("DEEDBOOK_LOG", "off").output().unwrap();
    let said = String::from_utf8(plain.stdout).unwrap();
    assert!(said.contains("two\\u{a}lines") && said.contains("two\\nlines"), "{said}");
}

/// An answer stands, whatever becomes of its picture; and nothing is asked for the sake of a file that is there.
#[test]
fn an_answer_does_not_depend_on_its_files() {
    let (stage, server) = Stage::set();
    let id = stage.submit(&server);
    let node = format!("action:{id}");
    let output = stage.run(&server, "bob", &["lineage", "explain", &node, "--svg", "no/where.svg"]).output().unwrap();
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(output.status.code(), Some(2));
    assert!(lines[0]["complete"] == true && lines[1]["error"]["message"].to_string().contains("no/where.svg"));
    std::fs::write(stage.path("there.proof"), "mine").unwrap();
    let words = ["lineage", "explain", &node, "--svg", "new.svg", "--proof", "there.proof"];
    let output = stage.run(&server, "bob", &words).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("there.proof") && !stage.path("new.svg").exists(), "{}", text(&output));
    assert_eq!(std::fs::read_to_string(stage.path("there.proof")).unwrap(), "mine");
}
