//! What readiness says of the computed tests: a log that cannot be proved, and runs that cannot be made. It decides nothing:
//! appends are taken all the same, for stopping them would hide what comes next.

use crate::ledger::RunsStatus;
use crate::record::line::time;

/// A line for each.
pub(super) fn warnings(status: &RunsStatus) -> String {
    let mut lines = String::new();
    let unproved = status.trouble.as_ref().filter(|trouble| trouble.unproved);
    if status.unproved || unproved.is_some() {
        let what = unproved.map_or("the newest run of the tests says why", |trouble| trouble.what.as_str());
        lines.push_str(&format!("warning: THE LOG CANNOT BE PROVED ({what}); run `deedbook audit`\n"));
    }
    if let Some(trouble) = status.trouble.as_ref().filter(|trouble| !trouble.unproved) {
        let (at, what) = (time::show(trouble.at), &trouble.what);
        lines
            .push_str(&format!("warning: the tests could not be run, or their run not be recorded, at {at}: {what}\n"));
    }
    lines
}
