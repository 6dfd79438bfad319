//! The schemas of NIST and FedRAMP, where they lie beside the checkout, against everything that is made. Events of OCSF are
//! held against its schema by `make interop`.

use super::schema::Schema;
use super::story::Told;
use super::{documents, lines};
use crate::support::not_run;
use deedbook_verify::package::{Framework, Mapping};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn fixtures(what: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.join("shared/fixtures").join(what);
    if !root.is_dir() {
        not_run(&format!("schemas of {what}"), "they are not beside the checkout");
        return None;
    }
    Some(root)
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn nists_schema_accepts_every_document_of_every_framework() {
    let Some(root) = fixtures("oscal") else { return };
    let schema = Schema::new(read(&root.join("oscal_complete_schema-1.2.2.json")), []);
    let told = Told::new();
    let (mut kept, mut count) = (Value::Null, 0);
    for framework in Framework::ALL {
        let package = told.export(framework.name(), framework.name());
        for path in documents(&package) {
            let document = read(&path);
            assert_eq!(schema.errors(&document), Vec::<String>::new(), "{}", path.display());
            count += 1;
            if path.ends_with("assessment-results.json") {
                kept = document;
            }
        }
    }
    assert!(count >= 5 * Framework::ALL.len());
    // It refuses what the published ones refuse, too.
    let changes: [(&str, Value); 5] = [
        ("/assessment-results/results/0/findings/0/target/type", json!("target")),
        ("/assessment-results/results/0/findings/0/target/status/state", json!("fine")),
        ("/assessment-results/uuid", json!("00000000-0000-1000-8000-000000000000")),
        ("/assessment-results/results/0/start", json!("2026-01-01T00:00:00")),
        ("/assessment-results/results/0/observations", json!([])),
    ];
    for (pointer, value) in changes {
        let mut changed = kept.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        assert!(!schema.errors(&changed).is_empty(), "{pointer}");
    }
}

/// The published schemas name definitions without the `#` that JSON pointers need.
fn fedramp_schema(root: &Path, name: &str) -> Value {
    let text = std::fs::read_to_string(root.join(name)).unwrap();
    serde_json::from_str(&text.replace(".json/$defs/", ".json#/$defs/")).unwrap()
}

#[test]
fn fedramps_schemas_accept_fragment_and_drafts() {
    let Some(root) = fixtures("fedramp") else { return };
    let schema = |name: &str| {
        let common = fedramp_schema(&root, "fedramp-common-definitions-schema-2026-06-24.json");
        Schema::new(fedramp_schema(&root, name), [common])
    };
    let told = Told::new();
    let package = told.export("fedramp", "package");
    let records = schema("fedramp-security-decision-record-schema-2026-06-24.json");
    let fragment = read(&package.join("data/fedramp/sdr-fragment.json"));
    assert_eq!(records.errors(&fragment), Vec::<String>::new());
    let mut changed = fragment.clone();
    changed["keySecurityIndicators"][0]["ksiEvidence"][0]["evidenceType"] = json!("Proof");
    assert_eq!(records.errors(&changed).len(), 1);
    let notices = schema("fedramp-significant-change-notifications-schema-2026-06-24.json");
    let drafts = lines(&package.join("data/fedramp/scn.jsonl"));
    assert!(!drafts.is_empty());
    drafts.iter().for_each(|draft| assert_eq!(notices.errors(draft), Vec::<String>::new()));
    assert!(!notices.errors(&json!({"changeType": "Routine"})).is_empty());
}

/// The schema takes any id; the rules know which there are.
#[test]
fn every_indicator_is_one_of_fedramps() {
    let Some(root) = fixtures("fedramp") else { return };
    let rules = read(&root.join("fedramp-consolidated-rules.json"));
    let mut known = BTreeSet::new();
    for theme in rules["KSI"].as_object().unwrap().values() {
        known.extend(theme["indicators"].as_object().into_iter().flat_map(|all| all.keys().cloned()));
    }
    assert!(known.len() > 30, "{known:?}");
    let mapping = Mapping::of(Framework::Fedramp);
    let ours = mapping.controls.iter().map(|control| control.id).filter(|id| id.starts_with("KSI-"));
    ours.for_each(|id| assert!(known.contains(id), "{id}"));
}
