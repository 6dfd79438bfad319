//! Controls of a framework and the tests that speak to them: data in `mappings/`, in one strict form, with a revision
//! that changes whenever a row does. It holds words of ours, not of the frameworks; those have the last word.

use crate::note::decimal;
use crate::package::computed::{BY_VERIFYING, FOR_INFORMATION, LISTING, TestId};
use crate::package::line::Lines;
use crate::package::question::Framework;

/// One control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// What the framework calls it.
    pub id: &'static str,
    /// Tests that speak to it; none: entries are listed, and nothing is judged.
    pub tests: Vec<TestId>,
    /// What it is about, in our words.
    pub asks: &'static str,
    /// What its population is.
    pub population: &'static str,
    /// When it passes.
    pub passes_when: &'static str,
}

impl Control {
    /// The word where it has no verdict, because no test of the package judges it.
    pub fn unjudged(&self) -> &'static str {
        match self.tests.as_slice() {
            [] => LISTING,
            [TestId::T17, ..] => FOR_INFORMATION,
            [_, ..] => BY_VERIFYING,
        }
    }
}

/// A framework's controls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// Which edition of the framework it was read from.
    pub title: &'static str,
    /// Counts up with every change.
    pub revision: u64,
    /// In the order of the file.
    pub controls: Vec<Control>,
}

impl Mapping {
    /// The one that this program has. Every file of the tree is in form, by a test; one that were not would have no control.
    pub fn of(framework: Framework) -> Mapping {
        Mapping::parse(text(framework)).unwrap_or(Mapping { title: "", revision: 0, controls: Vec::new() })
    }

    /// Reads a file.
    fn parse(text: &'static str) -> Option<Mapping> {
        let mut lines = Lines::new(text);
        if lines.next()? != "deedbook.controls/1" {
            return None;
        }
        let (title, revision) = (lines.word("title")?, decimal(lines.word("revision")?)?);
        let mut controls = Vec::new();
        while !lines.is_spent() {
            if !lines.next()?.is_empty() {
                return None;
            }
            controls.push(Control {
                id: lines.word("control")?,
                tests: tests(lines.word("tests")?)?,
                asks: lines.word("asks")?,
                population: lines.word("population")?,
                passes_when: lines.word("passes-when")?,
            });
        }
        Some(Mapping { title, revision, controls })
    }
}

fn tests(words: &str) -> Option<Vec<TestId>> {
    if words == "none" { Some(Vec::new()) } else { words.split(' ').map(TestId::from_name).collect() }
}

fn text(framework: Framework) -> &'static str {
    match framework {
        Framework::Soc2 => include_str!("../../mappings/soc2.txt"),
        Framework::Fedramp => include_str!("../../mappings/fedramp.txt"),
        Framework::Iso27001 => include_str!("../../mappings/iso27001.txt"),
        Framework::Iso42001 => include_str!("../../mappings/iso42001.txt"),
        Framework::EuAiAct => include_str!("../../mappings/eu-ai-act.txt"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_mapping_is_in_form_and_names_each_control_once() {
        for framework in Framework::ALL {
            let mapping = Mapping::parse(text(*framework)).unwrap_or_else(|| panic!("{}", framework.name()));
            assert!(!mapping.title.is_empty() && mapping.revision > 0 && mapping.controls.len() > 3);
            let ids: BTreeSet<&str> = mapping.controls.iter().map(|control| control.id).collect();
            assert_eq!(ids.len(), mapping.controls.len(), "{}", framework.name());
            for control in &mapping.controls {
                assert!(control.tests.is_sorted_by(|one, two| one < two), "{}", control.id);
                assert!(text(*framework).is_ascii(), "plain text");
            }
        }
    }
}
