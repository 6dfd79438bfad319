//! What people read in a package: `data/report.html`, `data/workbook.xlsx` and `VERIFY.md`. All three are functions of the
//! files under `data/` and of what the verifier rendered: no clock, no machine, no body of an entry. The verifier judges
//! none of them; they say what `tests/` says.

mod html;
mod words;
mod rows;
mod silences;
mod timeline;
mod findings;
mod people;
mod bars;
mod charts;
mod cover;
mod controls;
mod tests;
mod files;
mod page;
mod zip;
mod sheet;
mod workbook;
mod guide;

pub use guide::guide;
pub use page::report;
pub use workbook::workbook;

use deedbook_verify::package::{Directory, Finished, PackageRefusal};

/// Adds them to a package whose other files stand in this folder.
pub fn add(finished: &mut Finished<'_>, folder: &Directory) -> Result<(), PackageRefusal> {
    let rendered = finished.rendered().clone();
    finished.add_from("data/report.html", |file| file.write_all(report(folder, &rendered)?.as_bytes()))?;
    finished.add_from("data/workbook.xlsx", |file| workbook(folder, &rendered, file))?;
    finished.add("VERIFY.md", guide(&rendered).as_bytes())
}
