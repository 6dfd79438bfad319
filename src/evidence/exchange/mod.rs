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
use deedbook_verify::package::{Directory, Finished, Framework, PackageRefusal};
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

/// Adds all of them to a package whose payload stands in `folder`, and checks what was made. A million entries take no more
/// memory than a thousand.
pub fn add(finished: &mut Finished<'_>, folder: &Directory) -> Result<(), ExchangeError> {
    let documents = render(finished, folder)?;
    // Nothing that does not hold together gets the name of a package: this is the check that an auditor can repeat.
    let paths = documents.iter().map(|name| folder.0.join(name));
    match oscal::check_knowing(paths, finished.files()).problems.into_iter().next() {
        Some(problem) => Err(ExchangeError::Problem(problem)),
        None => Ok(()),
    }
}

/// Renders all of them; the OSCAL documents, from the bag's folder.
pub fn render(finished: &mut Finished<'_>, folder: &Directory) -> Result<Vec<String>, PackageRefusal> {
    let about = About::of(finished);
    let agents = ocsf::add(finished, &about, folder)?;
    if about.rendered.question.framework == Framework::Fedramp {
        fedramp::add(finished, &about, folder)?;
    }
    oscal::add(finished, &about, &agents)
}
