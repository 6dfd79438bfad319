//! What a package holds for people and for other programs: renderings of the results that the verifier computed. Nothing is
//! judged here: every number is read from the files that `deedbook_verify::package` rendered.

mod hex;
mod rows;
mod results;
pub mod paper;
pub mod exchange;

pub use results::{ControlRow, TestResult};
pub use rows::Rows;

use deedbook_verify::package::{Directory, Finished, PackageRefusal};
use exchange::{Exchange, ExchangeError};

/// Adds all of it to a package whose payload stands in `folder`, and checks what was made.
pub fn add(finished: &mut Finished<'_>, folder: &Directory) -> Result<(), ExchangeError> {
    let documents = render(finished, folder)?;
    exchange::check(&documents, finished, folder)
}

/// Renders all of it; the OSCAL documents, from the bag's folder. The large files are rendered at once, on threads; what
/// names the hashes of all others comes last.
pub fn render(finished: &mut Finished<'_>, folder: &Directory) -> Result<Vec<String>, PackageRefusal> {
    let (rendered, mut exchange) = (finished.rendered().clone(), Exchange::of(finished));
    let mut files = paper::pages(folder, &rendered);
    files.push(exchange.events(folder));
    finished.add_beside(files)?;
    finished.add("VERIFY.md", paper::guide(&rendered).as_bytes())?;
    exchange.add(finished, folder)
}
