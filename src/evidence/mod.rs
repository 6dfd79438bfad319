//! What a package holds for people and for other programs: renderings of the results that the verifier computed. Nothing is
//! judged here: every number is read from the files that `deedbook_verify::package` rendered.

mod rows;
mod results;
pub mod paper;
pub mod exchange;

pub use results::{ControlRow, TestResult};
pub use rows::Rows;
