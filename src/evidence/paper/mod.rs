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
mod stated;
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

use deedbook_verify::package::{Adding, Directory, Rendered};

/// The report and the workbook of a package whose other files stand in this folder, each to be rendered on a thread.
pub fn pages<'a>(folder: &'a Directory, rendered: &'a Rendered) -> Vec<(&'static str, Adding<'a>)> {
    let page: Adding<'a> = Box::new(move |file| file.write_all(report(folder, rendered)?.as_bytes()));
    let book: Adding<'a> = Box::new(move |file| workbook(folder, rendered, file));
    vec![("data/report.html", page), ("data/workbook.xlsx", book)]
}
