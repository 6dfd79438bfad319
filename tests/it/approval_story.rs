//! The whole way of an action, from outside, by the program alone: an agent asks, its owner may not agree, another person
//! does, a changed action is refused, the approved one runs once; then what the log and the audit say of it.

use crate::support::process::Serving;
use crate::support::stage::{Stage, text};
use crate::support::{audit, eventually, parallel, web};
use serde_json::Value;

#[test]
fn an_action_waits_for_a_person_other_than_its_owner_and_runs_once_as_approved() {
    let (stage, server) = Stage::set();
    let id = stage.submit(&server);
    let vote = |who: &str| ["approve", &id, "--yes", "--reason", who].map(str::to_owned);
    let redeem = |file: &str| ["action", "redeem", &id, file].map(str::to_owned);
    let words = |words: &[String]| words.iter().map(String::as_str).collect::<Vec<&str>>().join("\u{0}");
    let refusal = |signer: &str, all: &[String]| {
        let all = words(all);
        stage.refusal(&server, signer, &all.split('\u{0}').collect::<Vec<_>>())
    };
    assert_eq!(refusal("alice", &vote("mine")), "CONFLICT_OWNER");
    // Nothing waits for whoever stops and starts the server.
    drop(server);
    let server = Serving::start(&stage.dir);
    assert_eq!(metric(&server, "deedbook_requests_waiting"), Some(1.0), "it still waits");
    let approved = stage.says(&server, "bob", &["approve", &id, "--yes", "--reason", "ticket 7"]);
    assert_eq!((&approved["state"], &approved["grant"]), (&Value::from("approved"), &Value::from("issued")));
    let again = |signer: &str, all: &[&str]| stage.refusal(&server, signer, all);
    assert_eq!(again("agent", &["action", "redeem", &id, "changed.json"]), "ACTION_DIGEST_MISMATCH");
    assert_eq!(again("bob", &["action", "redeem", &id, "export.json"]), "AUDIENCE_DIFFERS");
    let run = stage.says(&server, "agent", &["action", "redeem", &id, "export.json"]);
    assert_eq!((&run["grant"], &run["execution"]), (&Value::from("redeemed"), &Value::from("started")));
    assert_eq!(again("agent", &["action", "redeem", &id, "export.json"]), "ALREADY_REDEEMED");
    assert_eq!(again("bob", &["deny", &id, "--yes", "--reason", "late"]), "TERMINAL");
    let report = ["action", "report", &id, "--status", "succeeded", "--output", "dataset:x"];
    assert_eq!(stage.says(&server, "agent", &report)["execution"], "succeeded");
    for (name, value) in [
        ("deedbook_requests_waiting", 0.0),
        ("deedbook_requests_resolved_total{resolution=\"approved\"}", 1.0),
        ("deedbook_request_decision_seconds_count", 1.0),
        ("deedbook_votes_total{decision=\"approve\"}", 1.0),
        ("deedbook_grant_redeem_seconds_count", 1.0),
        ("deedbook_executions_started_total", 1.0),
    ] {
        assert_eq!(metric(&server, name), Some(value), "{name}");
    }
    assert_eq!(metric(&server, "deedbook_executions_failed_total"), None);
    let kinds = stage.kinds(&server);
    for (kind, count) in
        [("approval.resolved", 1), ("grant.issued", 1), ("execution.started", 1), ("command.refused", 5)]
    {
        assert_eq!(kinds.iter().filter(|found| *found == kind).count(), count, "{kind}: {kinds:?}");
    }
    drop((redeem, server));
    let report = audit(stage.dir.root());
    assert!(report.is_clean(), "{:#?}", report.findings);
    assert_eq!((report.actions, report.commands_decided), (1, 8), "each command about the action is decided again");
    assert_eq!((report.evaluations, report.evaluations_unread), (5, 0));
}

/// A metric of a server's page, if it counted anything.
fn metric(server: &Serving, name: &str) -> Option<f64> {
    let page = web::get(server.http.parse().unwrap(), "/metrics").unwrap().body;
    let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    Some(value.parse().unwrap())
}

#[test]
fn of_many_who_redeem_a_grant_at_once_one_wins_and_the_others_are_on_record() {
    let (stage, server) = Stage::set();
    let id = stage.submit(&server);
    stage.says(&server, "bob", &["approve", &id, "--yes", "--reason", "ticket 7"]);
    let (stage, server, id) = (&stage, &server, id.as_str());
    let codes = parallel::run("redeem a grant", 12, |_, _| {
        let output = stage.run(server, "agent", &["action", "redeem", id, "export.json"]).output().unwrap();
        output.status.code()
    });
    assert_eq!(codes.iter().filter(|code| **code == Some(0)).count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == Some(3)).count(), codes.len() - 1, "{codes:?}");
    let kinds = stage.kinds(server);
    assert_eq!(kinds.iter().filter(|kind| *kind == "grant.redeemed").count(), 1);
    assert_eq!(kinds.iter().filter(|kind| *kind == "command.refused").count(), codes.len() - 1);
}

#[test]
fn a_command_behind_the_gate_runs_when_a_person_agrees_and_not_otherwise() {
    let (stage, server) = Stage::set();
    let gate = |file: &str| {
        let wrote = ["--output", "s3://partner/x@1"];
        let words = [&["exec", "export.json"][..], &wrote, &["--", "touch", file]].concat();
        let mut command = stage.run(&server, "agent", &words);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    let waiting = || {
        let inbox = || stage.done(&mut stage.run(&server, "bob", &["approvals", "list"])).pop();
        let action = eventually("a request waits", inbox);
        action["request_id"].as_str().unwrap().to_owned()
    };
    let child = gate("ran");
    let id = waiting();
    let shown = stage.says(&server, "bob", &["approvals", "show", &id]);
    assert!(shown["presentation"].as_str().unwrap().contains("params.command[0]\t\"touch\""), "{shown}");
    stage.says(&server, "bob", &["approve", &id, "--yes", "--reason", "fine"]);
    assert!(child.wait_with_output().unwrap().status.success());
    assert!(stage.path("ran").exists());
    says_who_and_what(&stage, &server);
    let child = gate("never");
    stage.says(&server, "bob", &["deny", &waiting(), "--yes", "--reason", "no"]);
    let denied = child.wait_with_output().unwrap();
    assert_eq!(denied.status.code(), Some(3), "{}", text(&denied));
    assert!(text(&denied).contains("did not run: denied by bob: no"), "{}", text(&denied));
    assert!(!stage.path("never").exists());
}

/// The report of a run says who acted and what it wrote, so that the test of data movement decides it.
fn says_who_and_what(stage: &Stage, server: &Serving) {
    let reported = stage.says(server, "agent", &["list", "--kind", "execution.reported"]);
    let asked = stage.says(server, "agent", &["list", "--kind", "action.submitted"]);
    assert_eq!(reported["actor"], asked["actor"]);
    let written: Vec<&str> =
        reported["objects"].as_array().unwrap().iter().map(|it| it["class"].as_str().unwrap()).collect();
    assert_eq!(written, ["dataset", "dataset_version"]);
    let whole = ["export", "--framework", "soc2", "--from", "2020-01-01", "--to", "2030-01-01", "--out", "moved"];
    stage.done(stage.run(server, "adm", &whole).arg("--vkey").arg(stage.dir.root().join("ledger.vkey")));
    let rows = std::fs::read_to_string(stage.path("moved/data/tests/T14/population.csv")).unwrap();
    assert_eq!(rows.lines().count(), 2, "{rows}");
    assert!(rows.lines().nth(1).unwrap().contains(",pass,"), "{rows}");
    // What is no dataset is refused before anything is asked, let alone run.
    let output =
        stage.run(server, "agent", &["exec", "export.json", "--output", "", "--", "touch", "never"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
}

#[test]
fn the_screen_says_whether_one_administrator_governs_alone() {
    let (stage, server) = Stage::set();
    let id = stage.submit(&server);
    let alone = || stage.says(&server, "bob", &["approvals", "show", &id])["governed_alone"].clone();
    assert_eq!(alone(), true);
    stage.says(&server, "adm", &["principal", "grant", "--kind", "human", "--id", "bob", "--role", "administrator"]);
    assert_eq!(alone(), false);
}
