//! `deedbook audit PACKAGE`, as an auditor runs it: a package of another's ledger is verified and its policies asked again,
//! from what it discloses; what it withholds is counted, and what the policies did not say is found and named.

use crate::support::process::Serving;
use crate::support::stage::{Stage, text};
use deedbook::record::load_public;
use deedbook_verify::hash::digest;
use deedbook_verify::package::{BUILT_IN_POLICIES, Directory, Manifest, PROGRAM, verify_package};
use serde_json::{Value, json};
use std::path::Path;
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
    assert_eq!((&report["verdict"], &report["commands_undecided"]), (&json!("clean"), &json!(0)));
    assert_eq!((&report["clean"], &report["not_replayed"], &report["actions"]), (&json!(true), &json!([]), &json!(3)));
    let evaluations = report["evaluations"].as_u64().unwrap();
    assert!(evaluations >= 4, "{report}");
    let folder = crate::support::audit(stage.dir.root());
    assert_eq!(
        (folder.evaluations, folder.commands_decided),
        (evaluations, report["commands_decided"].as_u64().unwrap())
    );
    // The policies that were asked are the built-in ones, and the package holds their text.
    let built_in = format!("whole/data/policies/{}.json", BUILT_IN_POLICIES.last().unwrap());
    assert!(std::fs::read_to_string(stage.path(&built_in)).unwrap().contains("data.export"));
    let decided = report["commands_decided"].as_u64().unwrap();
    // Nobody who has no ref key, or no bodies, is told that policies said what they are said to have said.
    for (out, with_refs, why) in [("whole", false, "no_ref_key"), ("redacted", true, "body_missing")] {
        let output = audit(&stage, out, with_refs);
        assert!(output.status.success(), "{}", text(&output));
        let report = said(&output);
        // Nothing was found, and nobody reads that as if all had been looked at.
        assert_eq!((&report["verdict"], &report["clean"]), (&json!("incomplete"), &json!(false)));
        assert_eq!(report["commands_undecided"], json!(evaluations));
        assert_eq!(report["findings"], json!([]));
        let unread = &report["not_replayed"][0];
        assert_eq!(
            (&unread["why"], &unread["commands"], &report["evaluations"]),
            (&json!(why), &json!(evaluations), &json!(0))
        );
        assert!(unread["first"][0].is_u64(), "{report}");
        assert_eq!(report["commands_decided"].as_u64().unwrap() + evaluations, decided, "either or: {report}");
    }
    // People are told in words, and a key of another ledger is the caller's mistake.
    let mut plain = std::process::Command::new(env!("CARGO_BIN_EXE_deedbook"));
    let vkey = stage.dir.root().join("ledger.vkey");
    let output = plain.current_dir(&stage.home).args(["audit", "whole", "--vkey"]).arg(&vkey).output().unwrap();
    assert!(text(&output).contains("not decided again (no_ref_key): policies name people"), "{}", text(&output));
    let last = format!(
        "incomplete: {} of {decided} commands decided again, {evaluations} not: {evaluations} no_ref_key",
        decided - evaluations
    );
    assert!(text(&output).contains("audit: incomplete"), "{}", text(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().last(), Some(last.as_str()));
    // Whoever needs all of it says so.
    for (with_refs, code) in [(false, 1), (true, 0)] {
        let mut command = stage.command();
        command.args(["audit", "whole", "--complete", "--vkey"]).arg(&vkey);
        if with_refs {
            command.arg("--ref-key").arg(stage.dir.ref_key());
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", text(&output));
    }
    let (other, _server) = Stage::set();
    let mut command = stage.command();
    command.args(["audit", "whole", "--vkey"]).arg(&vkey).arg("--ref-key").arg(other.dir.ref_key());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("not of this ledger") && text(&output).contains("or leave --ref-key out"));
}

/// Makes the manifests of a package anew, as whoever altered it can.
pub fn sealed_again(folder: &Path) {
    let read = |path: &str| std::fs::read(folder.join(path)).unwrap();
    let listed = |manifest: &str| Manifest::parse(manifest, &read(manifest)).unwrap();
    let again = |manifest: Manifest| {
        let there = manifest.0.into_keys().filter(|path| folder.join(path).exists());
        Manifest(there.map(|path| (path.clone(), digest(&[&read(&path)]))).collect())
    };
    let payload = again(listed("manifest-sha256.txt"));
    let bytes: usize = payload.0.keys().map(|path| read(path).len()).sum();
    let info = format!("Bag-Software-Agent: {PROGRAM}\nPayload-Oxum: {bytes}.{}\n", payload.0.len());
    std::fs::write(folder.join("bag-info.txt"), info).unwrap();
    std::fs::write(folder.join("manifest-sha256.txt"), payload.to_text()).unwrap();
    let tags = again(listed("tagmanifest-sha256.txt"));
    std::fs::write(folder.join("tagmanifest-sha256.txt"), tags.to_text()).unwrap();
}

#[test]
fn files_for_people_and_other_programs_are_rendered_again_and_compared() {
    let (stage, server) = story();
    export(&stage, &server, "bent", &[]);
    drop(server);
    let folder = stage.path("bent");
    let clean = said(&audit(&stage, "bent", true));
    let files: Vec<&Value> = clean["files"].as_array().unwrap().iter().collect();
    assert!(files.len() >= 8 && files.iter().all(|file| file["rendered"] == "same"), "{clean}");
    // Nobody who signed is asked any more.
    std::fs::remove_dir_all(folder.join("custody")).unwrap();
    std::fs::remove_file(folder.join("tagmanifest-sha256.txt.dsse")).unwrap();
    let altered = [
        ("VERIFY.md", "differs"),
        ("data/ocsf/events.jsonl", "differs"),
        ("data/oscal/assessment-results.json", "differs"),
        ("data/oscal/poam.json", "missing"),
        ("data/report.html", "differs"),
        ("data/workbook.xlsx", "differs"),
    ];
    for (path, how) in altered {
        let path = folder.join(path);
        let mut bytes = std::fs::read(&path).unwrap();
        match how {
            "missing" => std::fs::remove_file(&path).unwrap(),
            _ => {
                let last = bytes.len() - 2;
                bytes[last] ^= 1;
                std::fs::write(&path, bytes).unwrap();
            }
        }
    }
    sealed_again(&folder);
    let key = load_public(&stage.dir.root().join("ledger.vkey")).unwrap();
    let shown = verify_package(&Directory(folder.clone()), &key).unwrap();
    assert!(shown.unjudged.contains(&"VERIFY.md".to_owned()), "{:?}", shown.unjudged);
    let output = audit(&stage, "bent", true);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let report = said(&output);
    let found = report["files"].as_array().unwrap().iter().filter(|file| file["rendered"] != "same");
    let found: Vec<_> =
        found.map(|file| (file["file"].as_str().unwrap(), file["rendered"].as_str().unwrap())).collect();
    assert_eq!(found, altered);
    let named = |path: &str| {
        let findings = report["findings"].as_array().unwrap().iter();
        findings.filter(|finding| finding["message"].as_str().unwrap().starts_with(path)).count()
    };
    assert!(altered.iter().all(|(path, _)| named(path) == 1), "{report}");
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
    // Programs read the code, as `deedbook-verify` has it.
    let words = ["audit", "bent", "--json", "--vkey"];
    let error = said(&stage.command().args(words).arg(stage.dir.root().join("ledger.vkey")).output().unwrap());
    assert_eq!((&error["error"]["reason"], &error["error"]["file"]), (&"ENTRY".into(), &"data/entries.bin".into()));
    // A data folder is no package, and is audited otherwise.
    let output = stage.command().arg("audit").arg(stage.dir.root()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("audit --data "), "{}", text(&output));
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
