//! The computed tests: each reads every entry of the interval and judges all of its population, not a sample. What a test
//! needs and entries do not say makes a row indeterminate, never a pass. EVIDENCE.md has them in words.

mod governed;
mod id;
mod rows;
mod t01;
mod t02;
mod t03;
mod t04;
mod t05;
mod t06;
mod t07;
mod t08;
mod t09;
mod t10;
mod t11;
mod t12;
mod t13;
mod t14;
mod t15;
mod t16;
mod t17;

pub use governed::{BUILT_IN_POLICIES, built_in_asked};
pub use id::{BY_VERIFYING, Basis, FOR_INFORMATION, LISTING, TestId, Verdict};
pub use rows::{Closed, Found, Rows, Tally};

use crate::package::code::PackageRefusal;
use crate::package::exam::{Behind, Seen};
use crate::package::machine::Requests;

/// One computed test. It sees every entry once, in order, and judges those of the period; what stands before it in the
/// interval it may use.
pub trait Test {
    /// Which one.
    fn id(&self) -> TestId;

    /// An entry, and the requests as they stood before it.
    fn see(&mut self, seen: &Seen<'_>, requests: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal>;

    /// The interval is over.
    fn finish(&mut self, behind: &Behind<'_>, requests: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal>;
}

/// Those that this program has, in their order.
pub fn all() -> Vec<Box<dyn Test>> {
    vec![
        Box::<t01::Approved>::default(),
        Box::new(t02::DeniedStays),
        Box::new(t03::Duties),
        Box::<t04::Access>::default(),
        Box::new(t05::BreakGlass),
        Box::new(t06::PolicyChanges),
        Box::new(t07::Terminal),
        Box::<t08::Keys>::default(),
        Box::new(t09::Reads),
        Box::<t10::Capture>::default(),
        Box::new(t11::Time),
        Box::new(t12::Retention),
        Box::<t13::LogReviews>::default(),
        Box::<t14::Movements>::default(),
        Box::new(t15::Content),
        Box::<t16::Reconciled>::default(),
        Box::<t17::Oversight>::default(),
    ]
}
