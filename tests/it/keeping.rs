//! Retention and holds on a served ledger, by the program alone: what they forbid is refused and erases nothing, over a
//! restart too; two administrators govern them; and the audit finds an erasure that was let pass against them.

use crate::support::process::Serving;
use crate::support::stage::{Stage, text};
use deedbook::ledger::DataDir;
use serde_json::{Value, json};
use tempfile::TempDir;

const LINES: &str = r#"{"kind":"data.accessed","occurred":"2026-01-05T03:00:00Z","facts":{"data_class":"personal","actor":{"kind":"human","id":"carol"}},"body":{"n":1}}
{"kind":"data.accessed","occurred":"2026-01-05T03:00:01Z","facts":{"data_class":"telemetry"},"body":{"n":2}}
{"kind":"data.accessed","occurred":"2026-01-05T03:00:02Z","body":{"n":3}}
"#;

/// A producer's three bodies: of class `personal`, `telemetry`, and none. Answers the first index.
fn three(stage: &Stage, server: &Serving) -> u64 {
    let key = stage.path("gate.key");
    stage.done(stage.command().args(["key", "new", "--name", "gate", "--out"]).arg(&key));
    stage.done(stage.run(server, "adm", &["key", "enroll", "--source", "gate"]).arg(stage.path("gate.key.pub")));
    std::fs::write(stage.path("three.jsonl"), LINES).unwrap();
    stage.done(&mut stage.run(server, "gate", &["append", "three.jsonl"]))[0]["index"].as_u64().unwrap()
}

fn hold(stage: &Stage, server: &Serving, words: &[&str]) -> Value {
    stage.says(server, "adm", &[&["hold", "place", "--reason", "matter 9"], words].concat())
}

#[test]
fn what_is_held_or_must_be_kept_is_not_erased() {
    let (stage, server) = Stage::set();
    let first = three(&stage, &server);
    let [one, two, three] = [first, first + 1, first + 2].map(|index| index.to_string());
    let erase = |server: &Serving, index: &str| {
        stage.refusal(server, "adm", &["erase", "--yes", "--reason", "request 7", index])
    };
    let held = hold(&stage, &server, &[&format!("{one}-{two}"), "--class", "personal"]);
    assert_eq!((&held["waits_as"], &held["held"]), (&Value::Null, &json!([{"first": first, "end": first + 2}])));
    let named = hold(&stage, &server, &["--actor", "person/carol"]);
    assert_eq!(named["held"], json!([{"first": first, "end": first + 1}]));
    assert_eq!(erase(&server, &one), "BODY_HELD");
    let set = |days: &str, class: &[&str]| {
        stage.says(&server, "adm", &[&["retention", "set", "--days", days, "--reason", "policy"], class].concat())
    };
    assert_eq!(set("30", &[])["data_class"], Value::Null);
    assert_eq!(set("0", &["--class", "telemetry"])["retention_days"], 0);
    assert_eq!(erase(&server, &three), "RETENTION_NOT_PASSED");
    assert_eq!(stage.says(&server, "adm", &["erase", "--yes", "--reason", "exempt", &two])["erased"], 1);
    drop(server);
    let server = Serving::start(&stage.dir);
    let rules = stage.done(&mut stage.run(&server, "adm", &["retention", "list"]));
    let days: Vec<(&Value, &Value)> = rules.iter().map(|rule| (&rule["data_class"], &rule["retention_days"])).collect();
    assert_eq!(days, [(&Value::Null, &json!(30)), (&json!("telemetry"), &json!(0))]);
    let holds = stage.done(&mut stage.run(&server, "adm", &["hold", "list"]));
    assert_eq!(holds.len(), 2);
    assert_eq!(erase(&server, &one), "BODY_HELD");
    for hold in [&held, &named] {
        assert_eq!(erase(&server, &one), "BODY_HELD");
        let id = hold["hold"].as_str().unwrap();
        stage.says(&server, "adm", &["hold", "release", id, "--reason", "closed"]);
        assert_eq!(stage.refusal(&server, "adm", &["hold", "release", id, "--reason", "closed"]), "HOLD_UNKNOWN");
    }
    assert_eq!(erase(&server, &one), "RETENTION_NOT_PASSED");
    stage.says(&server, "adm", &["retention", "set", "--days", "0", "--reason", "policy"]);
    for index in [&one, &three] {
        assert_eq!(stage.says(&server, "adm", &["erase", "--yes", "--reason", "request 7", index])["erased"], 1);
    }
    assert_eq!(
        stage.refusal(&server, "alice", &["retention", "set", "--days", "1", "--reason", "x"]),
        "NOT_ADMINISTRATOR"
    );
    for words in [
        &["hold", "place", "--reason", " ", "1"][..],
        &["hold", "place", "--reason", "x", "3-1"],
        &["hold", "place", "--reason", "x"],
    ] {
        let output = stage.run(&server, "adm", words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", text(&output));
    }
    let nobody =
        stage.run(&server, "adm", &["hold", "place", "--reason", "x", "--actor", "person/nobody"]).output().unwrap();
    assert_eq!(nobody.status.code(), Some(1), "{}", text(&nobody));
    drop(server);
    let report = crate::support::audit(stage.dir.root());
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    assert_eq!(report.bodies_erased, 3);
}

#[test]
fn two_administrators_set_lift_and_are_shown_what_for() {
    let home = TempDir::new().unwrap();
    let stage = Stage { dir: DataDir::new(home.path().join("data")), home };
    for name in ["adm", "bea"] {
        let out = stage.path(&format!("{name}.key"));
        stage.done(stage.command().args(["key", "new", "--name", name, "--out"]).arg(out));
    }
    let mut init = stage.command();
    init.args(["init", "--origin", "test.example/keeping", "--data"]).arg(stage.dir.root());
    for admin in ["adm", "bea"] {
        init.arg("--admin").arg(stage.path(&format!("{admin}.key.pub")));
    }
    stage.done(&mut init);
    let server = Serving::start(&stage.dir);
    let agreed = |asked: &Value| {
        let id = asked["waits_as"].as_str().unwrap();
        let output = stage.run(&server, "bea", &["approve", id, "--yes"]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        text(&output)
    };
    let list = |what: &str| stage.done(&mut stage.run(&server, "bea", &[what, "list"]));
    let asked = stage.says(
        &server,
        "adm",
        &["retention", "set", "--class", "payment", "--days", "2555", "--reason", "tax law"],
    );
    assert!(list("retention").is_empty(), "nothing is in force before the other one agrees");
    let shown = agreed(&asked);
    for line in ["retention_days: 2555", "data_class: payment", "reason: tax law"] {
        assert!(shown.contains(line), "{line} is missing: {shown}");
    }
    assert_eq!(list("retention")[0]["retention_days"], 2_555);
    let asked = hold(&stage, &server, &["1-"]);
    let shown = agreed(&asked);
    assert!(shown.contains("data_class: whatever is stated"), "{shown}");
    let held = &list("hold")[0];
    assert_eq!((&held["hold"], &held["held"]), (&asked["hold"], &json!([{"first": 1}])));
    let id = asked["hold"].as_str().unwrap();
    agreed(&stage.says(&server, "adm", &["hold", "release", id, "--reason", "closed"]));
    assert!(list("hold").is_empty());
    drop(server);
    let report = crate::support::audit(stage.dir.root());
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}
