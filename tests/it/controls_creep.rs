//! Permissions beside their use, as the program shows them: a small ledger, planted, and every row of it.

use crate::support::process::Serving;
use crate::support::stage::{Stage, text, today};
use deedbook::domain::dataset_ref;
use deedbook::record::load_ref_key;
use serde_json::Value;
use std::collections::BTreeMap;

/// What is said of each permission of a principal: in force, asked, granted, used, unused.
type Said = (Value, Value, Value, u64, bool);
/// Of each permission and what it is about.
type Rows = BTreeMap<(String, String), Said>;

fn creep(stage: &Stage, server: &Serving, words: &[&str]) -> BTreeMap<String, Rows> {
    let mut found: BTreeMap<String, Rows> = BTreeMap::new();
    for row in stage.done(&mut stage.run(server, "adm", &[&["controls", "creep"], words].concat())) {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        let said = (
            row["in_force"].clone(),
            row["asked"].clone(),
            row["granted"].clone(),
            row["used"].as_u64().unwrap(),
            row["unused"].as_bool().unwrap(),
        );
        assert_eq!(row["last_used"].is_null(), said.3 == 0, "{row}");
        found.entry(text("id")).or_default().insert((text("permission"), text("what")), said);
    }
    found
}

/// The agent asks twice and runs once, and reads a dataset; a service may export, and never does.
fn planted() -> (Stage, Serving) {
    let (stage, server) = Stage::set();
    let out = stage.path("ci.key");
    stage.done(stage.command().args(["key", "new", "--name", "ci", "--out"]).arg(out));
    let words = ["principal", "add", "--kind", "service", "--id", "ci", "--responsible", "alice", "--role", "exporter"];
    stage.says(&server, "adm", &[&words[..], &["--key", "ci.key.pub"]].concat());
    let id = stage.submit(&server);
    stage.says(&server, "bob", &["approve", &id, "--yes", "--reason", "ticket 7"]);
    stage.says(&server, "agent", &["action", "redeem", &id, "export.json"]);
    stage.says(&server, "agent", &["action", "report", &id, "--status", "succeeded"]);
    stage.submit(&server);
    let line = r#"{"kind":"data.accessed","occurred":"2026-01-05T03:00:00Z","facts":{"actor":{"kind":"agent","id":"a1"},
        "datasets":[{"role":"input","name":"orders"}]}}"#;
    std::fs::write(stage.path("read.jsonl"), line.replace('\n', "") + "\n").unwrap();
    stage.done(&mut stage.run(&server, "agent", &["append", "read.jsonl"]));
    (stage, server)
}

#[test]
fn what_is_never_used_stands_out_row_by_row() {
    let (stage, server) = planted();
    let found = creep(&stage, &server, &[]);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["a1", "ci"], "agents and services, and no people");
    let (agent, service) = (&found["a1"], &found["ci"]);
    let of = |rows: &Rows, permission: &str| -> Vec<(String, Said)> {
        let rows = rows.iter().filter(|((kind, _), _)| kind == permission);
        rows.map(|((_, what), said)| (what.clone(), said.clone())).collect()
    };
    let key = ("action".to_owned(), "data.export".to_owned());
    assert_eq!(agent[&key], ("require_approval".into(), 2.into(), 1.into(), 1, false));
    let never: Vec<_> = of(agent, "action").into_iter().filter(|(what, _)| what != "data.export").collect();
    assert_eq!(never.len(), 19, "every other action type of the built-in schema");
    let unasked = (Value::from("never asked"), Value::from(0), Value::from(0), 0, false);
    assert!(never.iter().all(|(_, said)| *said == unasked), "{never:?}");
    // Its key signed requests, redemption, report and statement; nobody can tell keys of one name apart but by their use.
    let keys = of(agent, "key");
    assert!(keys.len() == 1 && keys[0].1.3 >= 4 && !keys[0].1.4, "{keys:?}");
    let refs = load_ref_key(&stage.dir.ref_key()).unwrap();
    let orders = dataset_ref(&refs, "", "orders").unwrap().to_string();
    let touched = of(agent, "dataset");
    assert!(touched.contains(&(orders, (Value::Null, Value::Null, Value::Null, 1, false))), "{touched:?}");
    // The service did nothing: its role and its key are unused, and no action type was asked for.
    assert_eq!(of(service, "role"), [("exporter".to_owned(), ("bound".into(), Value::Null, Value::Null, 0, true))]);
    assert!(of(service, "key")[0].1.4 && of(service, "dataset").is_empty());
    assert!(
        of(service, "action").len() == 20 && of(service, "action").iter().all(|(_, said)| !said.4),
        "never asked is not unused"
    );

    // It exports, and its role is used; in a period before all that, nothing is.
    let export =
        ["export", "--framework", "soc2", "--from", "2020-01-01", "--to", "2030-01-01", "--out", "out", "--vkey"];
    stage.done(stage.run(&server, "ci", &export).arg(stage.dir.root().join("ledger.vkey")));
    let found = creep(&stage, &server, &[]);
    assert_eq!(of(&found["ci"], "role")[0].1, ("bound".into(), Value::Null, Value::Null, 1, false));
    let before = creep(&stage, &server, &["--from", "2020-01-01", "--to", "2020-12-31"]);
    assert!(before["a1"].values().chain(before["ci"].values()).all(|said| said.3 == 0));
    // Whoever is disabled has no permission any more.
    stage.says(&server, "adm", &["principal", "disable", "--kind", "service", "--id", "ci"]);
    assert!(!creep(&stage, &server, &[]).contains_key("ci"));
}

#[test]
fn a_period_that_lies_ahead_is_refused_with_the_limit() {
    let (stage, server) = Stage::set();
    let refused = |words: &[&str]| {
        let output = stage.run(&server, "adm", &[&["controls", "creep"], words].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", text(&output));
        text(&output)
    };
    for (words, flag) in [
        (&["--from", "2126-01-01"][..], "`--from 2126-01-01`"),
        (&["--from", "2126-01-01", "--to", "2126-02-01"], "`--to 2126-02-01`"),
        (&["--from", "2026-01-01", "--to", "2126-02-01T00:00:00Z"], "`--to 2126-02-01T00:00:00Z`"),
    ] {
        let said = refused(words);
        assert!(said.contains(flag) && said.contains("lies ahead") && said.contains("the limit is 20"), "{said}");
    }
    // Today goes on, and may be named.
    let day = today();
    creep(&stage, &server, &["--from", &day, "--to", &day]);
}

#[test]
fn people_read_a_table() {
    let (_stage, server) = planted();
    let mut plain = std::process::Command::new(env!("CARGO_BIN_EXE_deedbook"));
    plain.args(["--server", &format!("http://{}", server.address), "controls", "creep"]);
    let output = plain.output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let table = String::from_utf8(output.stdout).unwrap();
    let line = |word: &str| table.lines().find(|line| line.contains(word)).unwrap_or_else(|| panic!("{word}: {table}"));
    // What was never asked for stands apart, and is not counted as unused.
    assert!(line("service/ci never asked for").contains(": "), "{table}");
    assert!(table.contains("data.share") && !line("exporter").contains("asked"), "{table}");
    assert!(line("exporter").contains("never") && line("service/ci").contains("never"));
    let unused = line("in force now were not used from");
    assert!(unused.starts_with("2 of ") || unused.starts_with("3 of "), "roles and keys alone: {unused}");
    assert!(line("action types were never asked for").starts_with("39 "), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 120), "{table}");
}
