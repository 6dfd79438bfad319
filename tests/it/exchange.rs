//! The files of a package that other programs read, as somebody outside makes and checks them: what is in them, that
//! schemas of others accept them, that they name nobody, and that our own checker sees what published ones do not.

mod mutations;
mod schema;
mod schemas;
mod story;

use deedbook::evidence::exchange::oscal;
use deedbook_verify::entry::Entry;
use serde_json::Value;
use std::path::{Path, PathBuf};
use story::Told;

/// The values of a file with one a line.
fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every document of OSCAL in a package.
fn documents(package: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(package.join("data/oscal")).unwrap().map(|file| file.unwrap().path()).collect();
    found.sort();
    found
}

fn document(package: &Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(package.join("data/oscal").join(name)).unwrap()).unwrap()
}

#[test]
fn every_entry_is_an_event_that_leads_back_to_its_leaf() {
    let told = Told::new();
    let package = told.export("fedramp", "package");
    let events = lines(&package.join("data/ocsf/events.jsonl"));
    let summary: Value = serde_json::from_slice(&std::fs::read(package.join("data/package.json")).unwrap()).unwrap();
    let entries = told.entries(&package);
    assert_eq!(summary["entries"]["interval"].as_u64(), Some(entries.len() as u64));
    for (at, (bytes, event)) in entries.iter().zip(&events).enumerate() {
        let entry = Entry::parse(bytes).unwrap();
        let (metadata, unmapped) = (&event["metadata"], &event["unmapped"]);
        assert_eq!(metadata["sequence"], at, "{event}");
        assert_eq!(metadata["uid"], entry.leaf().to_string());
        assert_eq!(metadata["event_code"], entry.facts.kind.name());
        assert_eq!(unmapped["root"], summary["interval"]["root"]);
        let signatures = entry.seal.frame.map_or(0, |frame| frame.block.signatures().count());
        assert_eq!(unmapped["frame"]["signatures"].as_array().map_or(0, Vec::len), signatures);
        let numbers = ["class_uid", "activity_id"].map(|name| event[name].as_u64().unwrap());
        assert_eq!(event["type_uid"], numbers[0] * 100 + numbers[1]);
    }
    let of = |kind: &str| events.iter().filter(|event| event["metadata"]["event_code"] == kind).collect::<Vec<_>>();
    assert_eq!(of("test.result").len(), summary["tests"].as_array().unwrap().len());
    let exceptions: u64 =
        summary["tests"].as_array().unwrap().iter().map(|test| test["exceptions"].as_u64().unwrap()).sum();
    assert!(exceptions > 0, "the story has some");
    assert_eq!(of("test.exception").len() as u64, exceptions);
    assert_eq!(events.len(), entries.len() + of("test.result").len() + of("test.exception").len());
    // A command that was refused says why; the refusal stands behind it.
    let refused = of("grant.redeem_requested").into_iter().find(|event| event["status_id"] == 2).unwrap();
    assert_eq!(refused["status_code"], of("command.refused")[0]["status_code"]);
    let refusals = of("command.refused");
    let refusal = |command: &Value| {
        let at = |event: &&&Value| event["metadata"]["sequence"] == command["unmapped"]["refused"]["refused_at"];
        (*refusals.iter().find(at).unwrap()).clone()
    };
    assert_eq!(refusal(refused)["unmapped"]["refused"]["command"], refused["metadata"]["sequence"]);
    assert_eq!(refusal(refused)["unmapped"]["refused"]["reason"], refused["status_code"]);
    // A vote that was refused is told apart from those that count.
    let votes = of("vote.cast");
    let (counted, void) = votes.iter().partition::<Vec<&Value>, _>(|vote| vote["status_id"] != 2);
    assert_eq!((counted[0]["comment"].as_str(), void.len()), (Some("approve"), 1));
    let reason = void[0]["status_code"].as_str().unwrap();
    assert_eq!(void[0]["comment"], format!("approve, refused: {reason}"));
    assert!(counted.iter().all(|vote| vote["unmapped"]["refused"].is_null()));
    assert_eq!(counted[0]["unmapped"]["stated"]["vote"]["rests_on"], "reviewer");
    let review = &of("review.completed")[0]["unmapped"]["stated"]["review"];
    let said = ["subject", "from", "result"].map(|name| review[name].as_str().unwrap());
    assert_eq!(said, ["log", "2020-01-01T00:00:00.000000Z", "nothing_found"]);
    assert_eq!(of("breakglass.reviewed")[0]["unmapped"]["stated"]["post_review"]["outcome"], "ratified");
    assert_eq!(of("approval.resolved")[0]["disposition_id"], 8, "approved");
    assert_eq!(of("data.accessed")[0]["class_uid"], 6005);
    assert_eq!(of("role.granted")[0]["privileges"], serde_json::json!(["auditor"]));
}

#[test]
fn what_is_made_holds_together_and_names_nobody() {
    let told = Told::new();
    let package = told.export("fedramp", "package");
    let report = oscal::check(documents(&package));
    assert_eq!((report.problems, report.not_checked, report.documents), (vec![], vec![], 6));
    let results = document(&package, "assessment-results.json");
    let result = &results["assessment-results"]["results"][0];
    let verdict = |control: &str| {
        let csv = std::fs::read_to_string(package.join("data/controls.csv")).unwrap();
        let row = csv.lines().find(|row| row.starts_with(&format!("{control},"))).unwrap().to_owned();
        row.split(',').nth(1).unwrap().to_owned()
    };
    let finding = |control: &str| {
        let target = format!("{}_obj", control.to_ascii_lowercase());
        let findings = result["findings"].as_array().unwrap();
        findings.iter().find(|finding| finding["target"]["target-id"] == target).map(|found| &found["target"]["status"])
    };
    let mut seen = std::collections::BTreeSet::new();
    for control in ["AC-5", "AU-9", "AC-4", "AU-12", "AC-3", "SI-7", "CA-7", "KSI-IAM-SNU", "KSI-INR-RPI", "AU-2"] {
        let (verdict, found) = (verdict(control), finding(control));
        let wanted = match verdict.as_str() {
            "pass" => Some(("satisfied", "pass")),
            "fail" => Some(("not-satisfied", "fail")),
            "indeterminate" => Some(("not-satisfied", "other")),
            _ => None,
        };
        let found = found.map(|status| (status["state"].as_str().unwrap(), status["reason"].as_str().unwrap()));
        assert_eq!(found, wanted, "{control}: {verdict}");
        seen.insert(verdict);
    }
    assert!(["pass", "fail", "indeterminate"].iter().all(|verdict| seen.contains(*verdict)), "{seen:?}");
    assert_eq!(result["observations"].as_array().unwrap().len(), 19);
    assert_eq!(result["local-definitions"]["components"].as_array().unwrap().len(), 1, "one agent acted");
    // Every file of the package stands among the evidence with its hash.
    let manifest = std::fs::read_to_string(package.join("manifest-sha256.txt")).unwrap();
    let resources = results["assessment-results"]["back-matter"]["resources"].as_array().unwrap();
    for line in manifest.lines().filter(|line| !line.contains("data/oscal/")) {
        let (hash, path) = line.split_once("  ").unwrap();
        let resource = resources.iter().find(|resource| resource["title"] == path).unwrap_or_else(|| panic!("{path}"));
        assert_eq!(resource["rlinks"][0]["hashes"][0]["value"], hash);
    }
    for folder in ["oscal", "fedramp", "ocsf"] {
        for file in std::fs::read_dir(package.join("data").join(folder)).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for name in ["alice", "bob", "carol", "\"adm\"", "shop.orders", "ticket 7"] {
                assert!(!text.contains(name), "{folder}: {name}");
            }
        }
    }
}

#[test]
fn the_fragments_of_fedramp_say_what_the_package_says() {
    let told = Told::new();
    let package = told.export("fedramp", "package");
    let fragment: Value =
        serde_json::from_slice(&std::fs::read(package.join("data/fedramp/sdr-fragment.json")).unwrap()).unwrap();
    let mapping = deedbook_verify::package::Mapping::of(deedbook_verify::package::Framework::Fedramp);
    let ids: Vec<&str> =
        mapping.controls.iter().map(|control| control.id).filter(|id| id.starts_with("KSI-")).collect();
    let indicators = fragment["keySecurityIndicators"].as_array().unwrap();
    assert_eq!(indicators.iter().map(|one| one["ksiId"].as_str().unwrap()).collect::<Vec<_>>(), ids);
    let manifest = std::fs::read_to_string(package.join("manifest-sha256.txt")).unwrap();
    for evidence in indicators.iter().flat_map(|indicator| indicator["ksiEvidence"].as_array().unwrap()) {
        let text = evidence["evidenceText"].as_str().unwrap();
        let mut words = text.split(' ');
        let (path, digest) = (words.next().unwrap(), words.nth(1).unwrap().trim_end_matches(':'));
        assert!(manifest.contains(&format!("{digest}  {path}\n")), "{text}");
    }
    let drafts = lines(&package.join("data/fedramp/scn.jsonl"));
    assert_eq!(drafts.len(), 1, "one policy set was published");
    assert!(drafts[0]["changeDescription"].as_str().unwrap().contains("policy.published"));
    assert!(!told.export("soc2", "other").join("data/fedramp").exists());
}
