//! The assessment results: an observation for each test, a finding for each control that tests decide, and every file of
//! the package as evidence, by its hash. A control that did not operate has an observation and no finding: OSCAL's findings
//! are satisfied or not, and it is neither.

use super::ids::{self, Of};
use super::plan::reviewed;
use super::{PLAN, RESULTS, metadata, prop};
use crate::evidence::exchange::about::About;
use crate::evidence::exchange::ocsf::Agents;
use deedbook_verify::calendar::rfc3339;
use deedbook_verify::package::{Control, TestId, Verdict, Written};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A test as the package has it: verdict, rows, exceptions.
pub type Found = (TestId, Verdict, u64, u64);

/// The document.
pub fn results(about: &About, agents: &Agents, files: &BTreeMap<String, Written>) -> Value {
    let findings: Vec<Value> = decided(about)
        .map(|(control, verdict)| finding(about, control, verdict, (Of::Finding(control.id), Of::Observation)))
        .collect();
    let mut result = json!({
        "uuid": about.uuid(Of::Result),
        "title": "Computed tests over every entry of the interval",
        "description": about.tied(),
        "start": about.begins(),
        "end": about.ends(),
        "props": totals(about, agents),
        "reviewed-controls": reviewed(about),
        "observations": about.tests().map(|found| {
            let mut observation = observation(about, found, Of::Observation(found.0));
            put(&mut observation, "relevant-evidence", evidence(about, found.0, files));
            put(&mut observation, "origins", origins(about));
            observation
        }).collect::<Vec<_>>(),
        "remarks": format!("Not shown: {}.", about.rendered.not_shown().join("; ")),
    });
    if !findings.is_empty() {
        put(&mut result, "findings", Value::Array(findings));
    }
    if !agents.refs.is_empty() {
        let components: Vec<Value> = agents.refs.iter().map(|agent| component(about, &agent.to_string())).collect();
        put(&mut result, "local-definitions", json!({"components": components}));
    }
    json!({"assessment-results": {
        "uuid": about.uuid(Of::Document(RESULTS)),
        "metadata": metadata(about, "What computed tests found"),
        "import-ap": {"href": PLAN},
        "results": [result],
        "back-matter": {"resources": files.iter().map(|(path, file)| resource(about, path, file)).collect::<Vec<_>>()},
    }})
}

/// Sets a member of an object.
pub fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

fn totals(about: &About, agents: &Agents) -> Value {
    let rendered = &about.rendered;
    let counts = &rendered.counts;
    json!([
        prop("merkle-root", rendered.root),
        prop("tree-size", rendered.question.ends),
        prop("interval-begins", rendered.question.begins),
        prop("entries", counts.entries),
        prop("entries-of-the-period", counts.in_period),
        prop("cut-at-head", rendered.is_cut()),
        prop("agents-named", agents.refs.len()),
        prop("more-agents-acted", agents.more),
    ])
}

/// An agent: OSCAL has no party for it.
fn component(about: &About, agent: &str) -> Value {
    json!({
        "uuid": about.uuid(Of::Agent(agent)),
        "type": "software",
        "title": format!("Agent {agent}"),
        "description": "An agent that acted in the interval, by its pseudonym in the ledger.",
        "props": [prop("ref", agent)],
        "status": {"state": "other", "remarks": "The ledger does not say whether it still runs."},
    })
}

/// What a test found.
pub fn observation(about: &About, (test, verdict, rows, exceptions): Found, id: Of<'_>) -> Value {
    json!({
        "uuid": about.uuid(id),
        "title": format!("{} {}", test.name(), test.title()),
        "description": format!("{}: {rows} rows, {exceptions} exceptions. Asked: {}.", test.word(verdict), test.asks()),
        "props": [
            prop("test", test.name()),
            prop("verdict", test.word(verdict)),
            prop("rows", rows),
            prop("exceptions", exceptions),
        ],
        "methods": ["TEST"],
        "types": ["control-objective"],
        "subjects": [{"subject-uuid": about.uuid(Of::Ledger), "type": "component"}],
        "collected": rfc3339(about.last()),
        "remarks": format!("Not shown: {}.", test.limits()),
    })
}

fn origins(about: &About) -> Value {
    json!([{"actors": [{"type": "assessment-platform", "actor-uuid": about.uuid(Of::Platform)}]}])
}

/// The files that a test rests on and makes.
fn evidence(about: &About, test: TestId, files: &BTreeMap<String, Written>) -> Value {
    let folder = format!("data/tests/{}/", test.name());
    let of_test = files.keys().filter(|path| path.starts_with(&folder) || *path == "data/entries.bin");
    let evidence = of_test.map(|path| json!({"href": format!("#{}", about.uuid(Of::File(path))), "description": path}));
    Value::Array(evidence.collect())
}

/// A file of the package: this document stands two folders below the bag.
fn resource(about: &About, path: &str, file: &Written) -> Value {
    let href = format!("../{}", path.strip_prefix("data/").unwrap_or(path));
    json!({
        "uuid": about.uuid(Of::File(path)),
        "title": path,
        "rlinks": [{"href": href, "hashes": [{"algorithm": "SHA-256", "value": file.sha256.to_string()}]}],
    })
}

/// Controls of which tests say that they are satisfied or not, in the order of the mapping.
pub fn decided(about: &About) -> impl Iterator<Item = (&Control, Verdict)> {
    about.mapping.controls.iter().filter_map(|control| {
        let verdict = about.verdict(control.id)?;
        (verdict != Verdict::NotOperated).then_some((control, verdict))
    })
}

/// How a verdict reads as a finding's status.
fn status(verdict: Verdict) -> Value {
    let (state, reason) = match verdict {
        Verdict::Pass => ("satisfied", "pass"),
        Verdict::Fail => ("not-satisfied", "fail"),
        Verdict::Indeterminate | Verdict::NotOperated => ("not-satisfied", "other"),
    };
    json!({"state": state, "reason": reason, "remarks": verdict.name()})
}

/// What follows for a control.
pub fn finding(
    about: &About,
    control: &Control,
    verdict: Verdict,
    (id, observed): (Of<'_>, impl Fn(TestId) -> Of<'static>),
) -> Value {
    let related = control.tests.iter().map(|test| json!({"observation-uuid": about.uuid(observed(*test))}));
    json!({
        "uuid": about.uuid(id),
        "title": format!("{}: {}", control.id, control.asks),
        "description": format!(
            "{}. Population: {}. Passes when: {}.",
            verdict.name(),
            control.population,
            control.passes_when
        ),
        "target": {
            "type": "objective-id",
            "target-id": ids::objective(control.id),
            "status": status(verdict),
        },
        "related-observations": related.collect::<Vec<_>>(),
    })
}
