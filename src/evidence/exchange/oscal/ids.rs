//! Ids inside the documents: controls and objectives as OSCAL writes them, and UUIDs that follow from the package.

use crate::evidence::exchange::about::About;
use deedbook_verify::package::TestId;

/// A control's id as a token: `AC-6(9)` becomes `ac-6.9`, as in NIST's catalog; `Art.12(1)` becomes `art.12.1`.
pub fn control(id: &str) -> String {
    let mut out = String::new();
    for c in id.chars() {
        match c {
            '(' => out.push('.'),
            ')' => {}
            c if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') => out.push(c.to_ascii_lowercase()),
            _ => out.push('-'),
        }
    }
    out
}

/// The id of a control's assessment objective, as in NIST's catalog.
pub fn objective(id: &str) -> String {
    format!("{}_obj", control(id))
}

/// The id of a control's statement.
pub fn statement(id: &str) -> String {
    format!("{}_smt", control(id))
}

/// What has a UUID.
#[derive(Clone, Copy, Debug)]
pub enum Of<'a> {
    /// A document, by its file's name.
    Document(&'a str),
    /// The ledger as a component.
    Ledger,
    /// The program that ran the tests as a component.
    Verifier,
    /// The same as a platform.
    Platform,
    /// The task of running the tests.
    Task,
    /// The one result.
    Result,
    /// What is done for a test.
    Activity(TestId),
    /// What a test found.
    Observation(TestId),
    /// What follows for a control.
    Finding(&'a str),
    /// The requirement of a control.
    Requirement(&'a str),
    /// How the ledger meets it.
    Implementation(&'a str),
    /// What a test found, repeated in the plan of action.
    OpenObservation(TestId),
    /// What follows for a control, repeated there.
    OpenFinding(&'a str),
    /// What is to be done for a control.
    Item(&'a str),
    /// A file of the package.
    File(&'a str),
    /// An agent, by its ref in hex.
    Agent(&'a str),
}

impl About {
    /// The UUID of something in this package's documents.
    pub fn uuid(&self, of: Of<'_>) -> String {
        let name = match of {
            Of::Document(name) => format!("document/{name}"),
            Of::Ledger => "ledger".to_owned(),
            Of::Verifier => "verifier".to_owned(),
            Of::Platform => "platform".to_owned(),
            Of::Task => "task".to_owned(),
            Of::Result => "result".to_owned(),
            Of::Activity(test) => format!("activity/{}", test.name()),
            Of::Observation(test) => format!("observation/{}", test.name()),
            Of::Finding(id) => format!("finding/{id}"),
            Of::Requirement(id) => format!("requirement/{id}"),
            Of::Implementation(id) => format!("implementation/{id}"),
            Of::OpenObservation(test) => format!("open-observation/{}", test.name()),
            Of::OpenFinding(id) => format!("open-finding/{id}"),
            Of::Item(id) => format!("item/{id}"),
            Of::File(path) => format!("file/{path}"),
            Of::Agent(agent) => format!("agent/{agent}"),
        };
        self.space.uuid(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use deedbook_verify::package::{Framework, Mapping};
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_nists_and_no_two_controls_share_one() {
        assert_eq!(objective("AC-6(9)"), "ac-6.9_obj");
        assert_eq!(objective("CM-5"), "cm-5_obj");
        assert_eq!(control("Art.12(1)"), "art.12.1");
        for framework in Framework::ALL {
            let mapping = Mapping::of(*framework);
            let ids: BTreeSet<String> = mapping.controls.iter().map(|known| control(known.id)).collect();
            assert_eq!(ids.len(), mapping.controls.len(), "{}", framework.name());
            assert!(ids.iter().all(|id| id.starts_with(|c: char| c.is_ascii_lowercase())), "{}", framework.name());
        }
    }
}
