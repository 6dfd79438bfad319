//! `data/oscal/`: assessment results in OSCAL 1.2.2, and beside them the plan, the system, the profile and the catalog that
//! they refer to, cut down to what they need; where something is not satisfied, a plan of action. Texts of controls are our
//! own; ids are the frameworks'. The results are those of the package, said in another language.

mod ids;
mod controls;
mod plan;
mod results;
mod actions;
mod check;

pub use check::{Code, Known, NotChecked, Problem, Report, check, check_knowing};

use super::about::About;
use super::json;
use super::ocsf::Agents;
use deedbook_verify::calendar::rfc3339;
use deedbook_verify::package::{Finished, PROGRAM, PackageRefusal};
use serde_json::{Value, json};

/// The version of the models.
const OSCAL: &str = "1.2.2";

/// A document's name in its folder, and how others refer to it.
const CATALOG: &str = "catalog.json";
const PROFILE: &str = "profile.json";
const SYSTEM: &str = "ssp.json";
const PLAN: &str = "assessment-plan.json";
const RESULTS: &str = "assessment-results.json";
const ACTIONS: &str = "poam.json";

/// Adds the documents; what they are called, from the bag's folder.
pub fn add(finished: &mut Finished<'_>, about: &About, agents: &Agents) -> Result<Vec<String>, PackageRefusal> {
    let mut documents = vec![
        (CATALOG, controls::catalog(about)),
        (PROFILE, controls::profile(about)),
        (SYSTEM, controls::system(about)),
        (PLAN, plan::plan(about)),
        (RESULTS, results::results(about, agents, finished.files())),
    ];
    documents.extend(actions::actions(about).map(|actions| (ACTIONS, actions)));
    let mut names = Vec::new();
    for (name, document) in documents {
        let path = format!("data/oscal/{name}");
        finished.add(&path, &json::document(&document))?;
        names.push(path);
    }
    Ok(names)
}

/// What stands at the head of each document.
fn metadata(about: &About, title: &str) -> Value {
    json!({
        "title": title,
        "last-modified": rfc3339(about.last()),
        "version": PROGRAM,
        "oscal-version": OSCAL,
        "remarks": about.tied(),
    })
}

/// A property under our own namespace.
fn prop(name: &str, value: impl std::fmt::Display) -> Value {
    json!({"ns": super::about::NAMESPACE, "name": name, "value": value.to_string()})
}
