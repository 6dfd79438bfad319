//! The plan of action: one item for each control that is not satisfied. It says what is open; what will be done about it is
//! the operator's to add.

use super::ids::Of;
use super::results::{decided, finding, observation};
use super::{ACTIONS, SYSTEM, metadata, prop};
use crate::evidence::exchange::about::About;
use deedbook_verify::package::{Control, Verdict};
use serde_json::{Value, json};

/// The document; none: nothing is open.
pub fn actions(about: &About) -> Option<Value> {
    let open: Vec<(&Control, Verdict)> = decided(about).filter(|(_, verdict)| *verdict != Verdict::Pass).collect();
    if open.is_empty() {
        return None;
    }
    let items = open.iter().map(|(control, verdict)| item(about, control, *verdict));
    let findings = open.iter().map(|(control, verdict)| {
        finding(about, control, *verdict, (Of::OpenFinding(control.id), Of::OpenObservation))
    });
    let tests = about.tests().filter(|(test, ..)| open.iter().any(|(control, _)| control.tests.contains(test)));
    let observations = tests.map(|found| observation(about, found, Of::OpenObservation(found.0)));
    Some(json!({"plan-of-action-and-milestones": {
        "uuid": about.uuid(Of::Document(ACTIONS)),
        "metadata": metadata(about, "What is not satisfied"),
        "import-ssp": {"href": SYSTEM},
        "observations": observations.collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
        "poam-items": items.collect::<Vec<_>>(),
    }}))
}

fn item(about: &About, control: &Control, verdict: Verdict) -> Value {
    json!({
        "uuid": about.uuid(Of::Item(control.id)),
        "title": format!("{}: {}", control.id, control.asks),
        "description": format!("{}. The operator says what will be done, by whom and until when.", verdict.name()),
        "props": [prop("verdict", verdict.name())],
        "related-findings": [{"finding-uuid": about.uuid(Of::OpenFinding(control.id))}],
    })
}
