//! What a package holds for people: renderings of the results that the verifier computed, as a page, a workbook and a
//! guide. Nothing is judged here: every number is read from the files that `deedbook_verify::package` rendered.

mod rows;
mod results;
pub mod paper;

pub use results::{ControlRow, TestResult};
pub use rows::Rows;
