//! `--proof` from outside, by the programs alone: every question that can be proved is, and both verifiers say the same of
//! the file, with nothing but it and the ledger's key.

use crate::support::stage::{Stage, text};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;

/// The auditor's program, if it was built beside this one.
fn auditor() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_BIN_EXE_deedbook")).with_file_name("deedbook-verify");
    beside.is_file().then_some(beside)
}

fn judged(stage: &Stage, file: &str) -> Value {
    let vkey = stage.dir.root().join("ledger.vkey");
    let shown = stage.done(stage.command().args(["verify", "--vkey"]).arg(&vkey).arg(file)).remove(0);
    if let Some(auditor) = auditor() {
        let mut command = Command::new(auditor);
        command.current_dir(stage.home.path()).args(["lineage", "--json", "--vkey"]).arg(vkey).arg(file);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(said, shown, "both verifiers");
    }
    shown
}

#[test]
fn every_answer_can_be_proved_offline() {
    let (stage, server) = Stage::set();
    let id = stage.submit(&server);
    stage.says(&server, "bob", &["approve", &id, "--yes", "--reason", "ticket 7"]);
    stage.says(&server, "agent", &["action", "redeem", &id, "export.json"]);
    let report = ["action", "report", &id, "--status", "succeeded", "--output", "dataset:partner-copy"];
    stage.says(&server, "agent", &report);
    let vkey = stage.dir.root().join("ledger.vkey");
    let vkey = vkey.to_str().unwrap();
    let asked: [&[&str]; 12] = [
        &["explain", "dataset:partner-copy"],
        &["impact", "dataset:customers@v42"],
        &["trace", "agent:a1", "--down"],
        &["path", "dataset:customers@v42", "dataset:partner-copy"],
        &["paths", "dataset:customers@v42", "dataset:partner-copy"],
        &["coverage", "dataset:partner-copy"],
        &["choke-points", "--from", "dataset:customers@v42", "dataset:partner-copy"],
        &["cut", "--from", "dataset:customers@v42", "dataset:partner-copy"],
        &["diff", "3", "--node", "dataset:partner-copy"],
        &["contamination", "agent:a1"],
        &["search", "customers"],
        &["unapproved", "dataset:partner-copy", "--edge", "used", "--edge", "generated", "--kind", "run"],
    ];
    for (place, words) in asked.into_iter().enumerate() {
        let file = format!("{place}.lineage-proof");
        let words = [&["lineage"], words, &["--proof", &file, "--vkey", vkey]].concat();
        let answer = stage.says(&server, "bob", &words);
        let named = answer["nodes"].as_array().unwrap();
        if named.is_empty() {
            assert!(!stage.path(&file).exists(), "{words:?}");
            continue;
        }
        let shown = judged(&stage, &file);
        assert_eq!((&shown["valid"], shown["key_from"].as_str()), (&json!(true), Some(vkey)));
        let edges = answer["edges"].as_array().unwrap();
        assert_eq!(shown["edges"].as_array().unwrap().len(), edges.len(), "{words:?}");
        // The answer's own words for nodes and edges are those of the proof; a difference joins older nodes too.
        let key = |id: &Value| {
            let node = named.iter().find(|node| node["id"] == *id)?;
            Some(format!("{}:{}", node["kind"].as_str().unwrap(), &node["key"].as_str().unwrap()[2..]))
        };
        for edge in edges {
            let (Some(from), Some(to)) = (key(&edge["from"]), key(&edge["to"])) else {
                assert_eq!(words[1], "diff");
                continue;
            };
            let said = (from, &edge["kind"], to, &edge["index"]);
            let found = shown["edges"].as_array().unwrap().iter().any(|shown| {
                (shown["from"] == said.0 && shown["to"] == said.2)
                    && (&shown["kind"], &shown["index"]) == (said.1, said.3)
            });
            assert!(found, "{said:?} of {words:?}");
        }
    }
    // All of the export follows from entries; what led there that nobody named a version of is said to rest on more.
    let explained = judged(&stage, "0.lineage-proof");
    let standing =
        |wanted: &str| explained["edges"].as_array().unwrap().iter().filter(|edge| edge["standing"] == wanted).count();
    assert!(standing("derived") > 10 && standing("joined") >= 5 && standing("cited") == 0, "{explained}");
    let limits = explained["limits"].as_array().unwrap();
    assert!(limits.iter().any(|limit| limit.as_str().unwrap().contains("left edges and nodes out")), "{limits:?}");
}

#[test]
fn a_proof_that_was_changed_or_is_of_something_else_is_named() {
    let (stage, server) = Stage::set();
    let id = stage.submit(&server);
    let node = format!("action:{id}");
    stage.says(&server, "bob", &["lineage", "explain", &node, "--proof", "asked.lineage-proof"]);
    let again = stage.run(&server, "bob", &["lineage", "explain", &node, "--proof", "asked.lineage-proof"]).output();
    assert!(!again.unwrap().status.success(), "a file that is there is not overwritten");
    let mut bytes = std::fs::read(stage.path("asked.lineage-proof")).unwrap();
    let end = bytes.len() - 1;
    bytes[end] = 3;
    std::fs::write(stage.path("changed.lineage-proof"), &bytes).unwrap();
    std::fs::write(stage.path("cut.lineage-proof"), &bytes[..end]).unwrap();
    let vkey = stage.dir.root().join("ledger.vkey");
    for (file, check) in [("changed.lineage-proof", "edge"), ("cut.lineage-proof", "form")] {
        let output = stage.command().args(["verify", "--vkey"]).arg(&vkey).arg(file).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&said["valid"], &said["check"]), (&json!(false), &json!(check)), "{said}");
    }
    std::fs::write(
        stage.path("other.vkey"),
        "ledger.example/x+0f8b5bc4+AXVCLjKTPTDTGqbz3DMPC0eYCiyCmbNP9jFxxSbgK9hM\n",
    )
    .unwrap();
    let other = stage.command().args(["verify", "--vkey", "other.vkey", "asked.lineage-proof"]).output().unwrap();
    assert!(!other.status.success(), "{}", text(&other));
}
