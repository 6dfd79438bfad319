//! What was planned is what is done: every test over every entry, by one program.

use super::ids::{self, Of};
use super::{PLAN, SYSTEM, metadata, prop};
use crate::evidence::exchange::about::About;
use deedbook_verify::package::{PROGRAM, TestId};
use serde_json::{Value, json};

/// The assessment plan.
pub fn plan(about: &About) -> Value {
    let ledger = || json!([{"subject-uuid": about.uuid(Of::Ledger), "type": "component"}]);
    let subject = || json!([{"type": "component", "include-subjects": ledger()}]);
    json!({"assessment-plan": {
        "uuid": about.uuid(Of::Document(PLAN)),
        "metadata": metadata(about, "Every computed test over every entry of the interval"),
        "import-ssp": {"href": SYSTEM},
        "local-definitions": {"activities": TestId::ALL.iter().map(|test| activity(about, *test)).collect::<Vec<_>>()},
        "reviewed-controls": reviewed(about),
        "assessment-subjects": subject(),
        "assessment-assets": {
            "components": [{
                "uuid": about.uuid(Of::Verifier),
                "type": "software",
                "title": "deedbook-verify",
                "description": "Judges entries, proofs and packages from bytes and one key.",
                "props": [prop("program", PROGRAM)],
                "status": {"state": "operational"},
            }],
            "assessment-platforms": [{
                "uuid": about.uuid(Of::Platform),
                "title": "deedbook-verify package",
                "uses-components": [{"component-uuid": about.uuid(Of::Verifier)}],
            }],
        },
        "tasks": [{
            "uuid": about.uuid(Of::Task),
            "type": "action",
            "title": "Run every test",
            "timing": {"within-date-range": {"start": about.begins(), "end": about.ends()}},
            "associated-activities": TestId::ALL.iter().map(|test| json!({
                "activity-uuid": about.uuid(Of::Activity(*test)),
                "subjects": subject(),
            })).collect::<Vec<_>>(),
        }],
    }})
}

fn activity(about: &About, test: TestId) -> Value {
    json!({
        "uuid": about.uuid(Of::Activity(test)),
        "title": format!("{} {}", test.name(), test.title()),
        "description": test.asks(),
        "props": [{"name": "method", "value": "TEST"}],
        "remarks": format!("Not shown: {}.", test.limits()),
    })
}

/// All controls and objectives of the mapping.
pub fn reviewed(about: &About) -> Value {
    let all = || about.mapping.controls.iter();
    let controls = all().map(|control| json!({"control-id": ids::control(control.id)}));
    let objectives = all().map(|control| json!({"objective-id": ids::objective(control.id)}));
    json!({
        "control-selections": [{"include-controls": controls.collect::<Vec<_>>()}],
        "control-objective-selections": [{"include-objectives": objectives.collect::<Vec<_>>()}],
    })
}
