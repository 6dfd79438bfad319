//! Our checker against what passes through every published one (evidence reference, section 4): one change each, one code
//! each, found by the program as an auditor calls it.

use super::document;
use super::story::Told;
use deedbook::evidence::exchange::oscal::{Code, check};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

type Mutation = (Code, &'static str, fn(&mut Value));

const RESULTS: &str = "assessment-results.json";

fn result(document: &mut Value) -> &mut Value {
    &mut document["assessment-results"]["results"][0]
}

fn nowhere() -> Value {
    json!("00000000-0000-4000-8000-000000000000")
}

const MUTATIONS: &[Mutation] = &[
    (Code::ObservationUnknown, RESULTS, |document| {
        result(document)["findings"][0]["related-observations"][0]["observation-uuid"] = nowhere();
    }),
    (Code::ActorUnknown, RESULTS, |document| {
        result(document)["observations"][0]["origins"][0]["actors"][0]["actor-uuid"] = nowhere();
    }),
    (Code::TargetUnknown, RESULTS, |document| {
        result(document)["findings"][0]["target"]["target-id"] = json!("zz-99_obj");
    }),
    (Code::MethodUnknown, RESULTS, |document| result(document)["observations"][0]["methods"] = json!(["GUESS"])),
    (Code::HashAlgorithm, RESULTS, |document| {
        let resource = &mut document["assessment-results"]["back-matter"]["resources"][0];
        resource["rlinks"][0]["hashes"][0]["algorithm"] = json!("MD5");
    }),
    (Code::TimeOrder, RESULTS, |document| result(document)["end"] = json!("2019-12-31T23:59:59+00:00")),
    (Code::FileHash, RESULTS, |document| {
        let resource = &mut document["assessment-results"]["back-matter"]["resources"][0];
        resource["rlinks"][0]["hashes"][0]["value"] = json!("0".repeat(64));
    }),
    (Code::UuidTwice, RESULTS, |document| {
        // The last one is T18's, which no finding of the story is left without.
        let first = result(document)["observations"][0]["uuid"].clone();
        document["assessment-results"]["uuid"] = first;
    }),
    // What some published checkers see, and what is open besides.
    (Code::LinkUnknown, RESULTS, |document| {
        result(document)["observations"][0]["relevant-evidence"][0]["href"] =
            json!("#00000000-0000-4000-8000-000000000000");
    }),
    (Code::HashForm, RESULTS, |document| {
        let resource = &mut document["assessment-results"]["back-matter"]["resources"][0];
        resource["rlinks"][0]["hashes"][0]["value"] = json!("00ff");
    }),
    (Code::FileMissing, RESULTS, |document| {
        let resource = &mut document["assessment-results"]["back-matter"]["resources"][0];
        resource["rlinks"][0]["href"] = json!("../nothing.csv");
    }),
    (Code::TimeForm, RESULTS, |document| result(document)["start"] = json!("2020-01-01T00:00:00")),
    (Code::ReferenceUnknown, RESULTS, |document| {
        result(document)["observations"][0]["subjects"][0]["subject-uuid"] = nowhere();
    }),
    (Code::ControlUnknown, "assessment-plan.json", |document| {
        let selection = &mut document["assessment-plan"]["reviewed-controls"]["control-selections"][0];
        selection["include-controls"][0]["control-id"] = json!("zz-99");
    }),
    (Code::ImportMissing, "profile.json", |document| document["profile"]["imports"][0]["href"] = json!("none.json")),
    (Code::Document, "poam.json", |document| *document = json!({"poam": {}})),
];

#[test]
fn each_mutation_has_its_own_code() {
    let told = Told::new();
    let package = told.export("fedramp", "package");
    let mut seen = BTreeSet::new();
    for (code, name, mutate) in MUTATIONS {
        let path = package.join("data/oscal").join(name);
        let kept = std::fs::read(&path).unwrap();
        let mut changed = document(&package, name);
        mutate(&mut changed);
        std::fs::write(&path, changed.to_string()).unwrap();
        let codes: Vec<Code> = check([path.clone()]).problems.iter().map(|problem| problem.code).collect();
        assert_eq!(codes, [*code], "{name}");
        std::fs::write(&path, kept).unwrap();
        assert_eq!(check([path]).problems, []);
        seen.insert(*code);
    }
    assert_eq!(seen.len(), Code::ALL.len(), "a code without its mutation");
    // The other side of the seventh: the file changes, and the document does not.
    let file = package.join("data/tests/T01/result.json");
    std::fs::write(&file, "{}").unwrap();
    let found = check([package.join("data/oscal").join(RESULTS)]).problems;
    assert!(matches!(found.as_slice(), [one] if one.code == Code::FileHash && one.found.contains("T01")), "{found:?}");
    said(&told, &package);
}

/// What the program says, and how it ends.
fn said(told: &Told, package: &Path) {
    let run = |file: &str| {
        let output = told.stage.command().args(["oscal", "check"]).arg(package.join("data/oscal").join(file)).output();
        let output = output.unwrap();
        (output.status.code(), serde_json::from_slice::<Value>(&output.stdout).unwrap())
    };
    let (code, said) = run("catalog.json");
    assert_eq!((code, said), (Some(0), json!({"documents": 1, "problems": [], "not_checked": []})));
    let (code, said) = run(RESULTS);
    assert_eq!((code, &said["problems"][0]["code"]), (Some(1), &json!("FILE_HASH")));
    assert_eq!(run("none.json").0, Some(2));
}

/// Documents of others lead elsewhere: what is not looked at is said, and nothing is fetched or read outside.
#[test]
fn what_leads_elsewhere_is_named_and_not_followed() {
    let home = tempfile::TempDir::new().unwrap();
    let inner = home.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    std::fs::write(home.path().join("secret"), "x").unwrap();
    let hash = json!([{"algorithm": "SHA-256", "value": "0".repeat(64)}]);
    let link = |href: &str| json!({"href": href, "hashes": hash});
    let sha3 = json!({"href": "own.json", "hashes": [{"algorithm": "SHA3-256", "value": "0".repeat(64)}]});
    let links = [link("https://example.org/x"), link("../secret"), link("/etc/hostname"), sha3];
    let uuid = "11111111-1111-4111-8111-111111111111";
    let results = json!({"assessment-results": {
        "uuid": uuid,
        "import-ap": {"href": "https://example.org/plan.json"},
        "results": [{"findings": [{"target": {"type": "objective-id", "target-id": "ac-1_obj"}}]}],
        "back-matter": {"resources": [{"uuid": "22222222-2222-4222-8222-222222222222", "rlinks": links}]},
    }});
    let path = inner.join("own.json");
    std::fs::write(&path, results.to_string()).unwrap();
    let report = check([path.clone()]);
    assert_eq!(report.problems, []);
    assert_eq!(report.not_checked.len(), 6, "{:?}", report.not_checked);
    // Imports that lead in a circle end.
    let profile = json!({"profile": {"uuid": uuid, "imports": [{"href": "own.json"}]}});
    std::fs::write(&path, profile.to_string()).unwrap();
    assert_eq!(check([path.clone()]).problems, []);
    for text in ["", "[]", "{\"assessment-results\":", "\u{0}", &"[".repeat(100_000)] {
        std::fs::write(&path, text).unwrap();
        let found = check([path.clone()]).problems;
        assert!(matches!(found.as_slice(), [one] if one.code == Code::Document), "{text:.20}");
    }
}
