//! What the results refer to, cut down to what they need: a catalog of the mapped controls in our words, the profile that
//! takes all of them, and a system of one component, the ledger. It is no security plan of anybody's system.

use super::ids::{self, Of};
use super::{CATALOG, PROFILE, SYSTEM, metadata, prop};
use crate::evidence::exchange::about::About;
use deedbook_verify::package::Control;
use serde_json::{Value, json};

/// The catalog.
pub fn catalog(about: &About) -> Value {
    let title =
        format!("Controls that computed tests speak to, in other words than the framework's: {}", about.mapping.title);
    json!({"catalog": {
        "uuid": about.uuid(Of::Document(CATALOG)),
        "metadata": metadata(about, &title),
        "controls": about.mapping.controls.iter().map(control).collect::<Vec<_>>(),
    }})
}

fn control(control: &Control) -> Value {
    json!({
        "id": ids::control(control.id),
        "title": format!("{}: {}", control.id, control.asks),
        "props": [{"name": "label", "value": control.id}],
        "parts": [
            {"id": ids::statement(control.id), "name": "statement", "prose": control.asks},
            {
                "id": ids::objective(control.id),
                "name": "assessment-objective",
                "prose": format!("Passes when: {}.", control.passes_when),
            },
        ],
    })
}

/// The profile.
pub fn profile(about: &About) -> Value {
    let ids: Vec<String> = about.mapping.controls.iter().map(|control| ids::control(control.id)).collect();
    json!({"profile": {
        "uuid": about.uuid(Of::Document(PROFILE)),
        "metadata": metadata(about, "Every control of the catalog beside this file"),
        "imports": [{"href": CATALOG, "include-controls": [{"with-ids": ids}]}],
        "merge": {"as-is": true},
    }})
}

/// The system.
pub fn system(about: &About) -> Value {
    let question = &about.rendered.question;
    let requirements = about.mapping.controls.iter().map(|control| requirement(about, control));
    json!({"system-security-plan": {
        "uuid": about.uuid(Of::Document(SYSTEM)),
        "metadata": metadata(about, "A ledger of agents' actions, as far as the results refer to it"),
        "import-profile": {"href": PROFILE},
        "system-characteristics": {
            "system-ids": [{"identifier-type": "urn:deedbook:ledger", "id": question.ledger.to_string()}],
            "system-name": "Deedbook ledger",
            "description": "A signed register of what agents did, to which data, under whose approval. The operator's own \
                plan describes the system around it.",
            "system-information": {"information-types": [{
                "title": "Records of agents' actions",
                "description": "Signed entries with pseudonyms and digests; bodies are held apart.",
            }]},
            "status": {"state": "other", "remarks": "The operator's own plan says it."},
            "authorization-boundary": {"description": "The operator's own plan says it."},
        },
        "system-implementation": {"components": [ledger(about)]},
        "control-implementation": {
            "description": "What the ledger does for each control; the operator's own plan says the rest.",
            "implemented-requirements": requirements.collect::<Vec<_>>(),
        },
    }})
}

/// The ledger as a component.
fn ledger(about: &About) -> Value {
    json!({
        "uuid": about.uuid(Of::Ledger),
        "type": "this-system",
        "title": "Deedbook ledger",
        "description": about.tied(),
        "props": [prop("ledger-id", about.rendered.question.ledger)],
        "status": {"state": "operational"},
    })
}

fn requirement(about: &About, control: &Control) -> Value {
    json!({
        "uuid": about.uuid(Of::Requirement(control.id)),
        "control-id": ids::control(control.id),
        "by-components": [{
            "component-uuid": about.uuid(Of::Ledger),
            "uuid": about.uuid(Of::Implementation(control.id)),
            "description": format!("Keeps the population: {}.", control.population),
        }],
    })
}
