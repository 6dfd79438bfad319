//! `deedbook audit PACKAGE`, as an auditor runs it: a package of another's ledger is verified and its policies asked again,
//! from what it discloses; what it withholds is counted, and what the policies did not say is found and named.

use crate::support::process::Serving;
use crate::support::stage::{Stage, text};
use serde_json::{Value, json};
use std::process::Output;

const EVER: [&str; 4] = ["--from", "2020-01-01", "--to", "2030-01-01"];

/// An approved export that ran, one that was denied, and one that waits.
fn story() -> (Stage, Serving) {
    let (stage, server) = Stage::set();
    let id = stage.submit(&server);
    stage.says(&server, "bob", &["approve", &id, "--yes", "--reason", "ticket 7"]);
    stage.says(&server, "agent", &["action", "redeem", &id, "export.json"]);
    stage.says(&server, "agent", &["action", "report", &id, "--status", "succeeded"]);
    let denied = stage.submit(&server);
    stage.says(&server, "bob", &["deny", &denied, "--yes", "--reason", "no"]);
    stage.submit(&server);
    (stage, server)
}

fn export(stage: &Stage, server: &Serving, out: &str, words: &[&str]) {
    let all = [&["export", "--framework", "soc2", "--out", out], &EVER[..], words].concat();
    let vkey = stage.dir.root().join("ledger.vkey");
    stage.done(stage.run(server, "adm", &all).arg("--vkey").arg(vkey));
}

/// Audits a package with the ledger's verifier key, and with these words.
fn audit(stage: &Stage, out: &str, with_refs: bool) -> Output {
    let mut command = stage.command();
    command.args(["audit", out, "--vkey"]).arg(stage.dir.root().join("ledger.vkey"));
    if with_refs {
        command.arg("--ref-key").arg(stage.dir.root().join("keys/ref.key"));
    }
    command.output().unwrap()
}

fn said(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(output)))
}

#[test]
fn a_package_is_replayed_from_what_it_discloses() {
    let (stage, server) = story();
    export(&stage, &server, "whole", &[]);
    export(&stage, &server, "redacted", &["--redact", "bodies"]);
    drop(server);
    let whole = audit(&stage, "whole", true);
    assert!(whole.status.success(), "{}", text(&whole));
    let report = said(&whole);
    assert_eq!((&report["clean"], &report["not_replayed"], &report["actions"]), (&json!(true), &json!([]), &json!(3)));
    let evaluations = report["evaluations"].as_u64().unwrap();
    assert!(evaluations >= 4, "{report}");
    let folder = crate::support::audit(stage.dir.root());
    assert_eq!(
        (folder.evaluations, folder.commands_decided),
        (evaluations, report["commands_decided"].as_u64().unwrap())
    );
    // Nobody who has no ref key, or no bodies, is told that policies said what they are said to have said.
    for (out, with_refs, why) in [("whole", false, "no_ref_key"), ("redacted", true, "body_missing")] {
        let output = audit(&stage, out, with_refs);
        assert!(output.status.success(), "{}", text(&output));
        let report = said(&output);
        let unread = &report["not_replayed"][0];
        assert_eq!(
            (&unread["why"], &unread["commands"], &report["evaluations"]),
            (&json!(why), &json!(evaluations), &json!(0))
        );
        assert!(unread["first"][0].is_u64(), "{report}");
    }
}

#[test]
fn what_does_not_verify_is_not_replayed() {
    let (stage, server) = story();
    export(&stage, &server, "bent", &[]);
    drop(server);
    let path = stage.path("bent/data/entries.bin");
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let output = audit(&stage, "bent", true);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("nothing was replayed"), "{}", text(&output));
    // The key comes from elsewhere, and a package is a folder.
    for (words, wanted) in
        [(&["audit", "bent"][..], "--vkey"), (&["audit", "nowhere", "--vkey", "adm.key.pub"], "nowhere")]
    {
        let output = stage.command().args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", text(&output));
        assert!(text(&output).contains(wanted), "{}", text(&output));
    }
}

/// A server that writes into its log what the policies did not say, and signs it: the tests believe it, the audit does not.
#[cfg(feature = "plant")]
#[test]
fn an_evaluation_that_was_altered_is_found_and_named() {
    let (stage, server) = Stage::set();
    drop(server);
    let mut lying = crate::support::process::serve_command(&stage.dir);
    lying.env("DEEDBOOK_PLANT", deedbook::plant::Bug::EvaluationAltered.name());
    let server = Serving::from_command(lying).unwrap();
    let submitted = stage.says(&server, "agent", &["action", "submit", "export.json"]);
    assert_eq!(submitted["outcome"], "allow");
    export(&stage, &server, "lied", &[]);
    drop(server);
    let output = audit(&stage, "lied", true);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let report = said(&output);
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{report}");
    assert_eq!((&findings[0]["check"], &findings[0]["index"]), (&json!("approval replay"), &submitted["index"]));
    let message = findings[0]["message"].as_str().unwrap();
    assert!(message.contains("by the rules policy.evaluated, approval.opened"), "{message}");
}
