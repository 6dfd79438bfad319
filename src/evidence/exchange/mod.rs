//! Files that other programs read: OCSF events, OSCAL documents, FedRAMP fragments. Their bytes follow from the files
//! under `data/` that are written and proved by then, and from what the package says; from no clock and no machine. They
//! name nobody: refs stand where a person would.

mod json;
mod uuid;
mod table;
mod about;
mod ocsf;
mod fedramp;
pub mod oscal;

use about::About;
use deedbook_verify::package::{Adding, Directory, Finished, Framework, PackageRefusal};
use ocsf::Agents;
use oscal::Problem;

/// Why the files could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The package's own files cannot be read, or the new ones not written.
    #[error(transparent)]
    Package(#[from] PackageRefusal),
    /// What was made does not hold together.
    #[error("{0}")]
    Problem(Problem),
}

/// The files on their way.
pub struct Exchange {
    about: About,
    agents: Agents,
}

impl Exchange {
    /// Of a package whose payload is rendered.
    pub fn of(finished: &Finished<'_>) -> Exchange {
        Exchange { about: About::of(finished), agents: Agents::default() }
    }

    /// The events, to be rendered on a thread. A million entries take no more memory than a thousand.
    pub fn events<'a>(&'a mut self, folder: &'a Directory) -> (&'static str, Adding<'a>) {
        let Exchange { about, agents } = self;
        let about: &About = about;
        (ocsf::EVENTS_FILE, Box::new(move |file| ocsf::write(file, (about, agents), folder)))
    }

    /// Adds the others, which name every file that is there by then; the OSCAL documents, from the bag's folder.
    pub fn add(self, finished: &mut Finished<'_>, folder: &Directory) -> Result<Vec<String>, PackageRefusal> {
        let Exchange { about, agents } = self;
        if about.rendered.question.framework == Framework::Fedramp {
            fedramp::add(finished, &about, folder)?;
        }
        oscal::add(finished, &about, &agents)
    }
}

/// Checks documents that were made. Nothing that does not hold together gets the name of a package: this is the check that an
/// auditor can repeat.
pub fn check(documents: &[String], finished: &Finished<'_>, folder: &Directory) -> Result<(), ExchangeError> {
    let paths = documents.iter().map(|name| folder.0.join(name));
    match oscal::check_knowing(paths, finished.files()).problems.into_iter().next() {
        Some(problem) => Err(ExchangeError::Problem(problem)),
        None => Ok(()),
    }
}
