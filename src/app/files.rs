//! File descriptors: a server makes sure of all that it may ever need before it opens anything, because without one the
//! engine fails in the middle of its work, and a runtime cannot even be told to stop.

use crate::limits::FILES_NEEDED;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use thiserror::Error;

/// Why there are not enough.
#[derive(Debug, Error)]
#[error(
    "this process may open {has} files, the server needs {FILES_NEEDED}; raise the hard limit (`ulimit -Hn`, or \
     `LimitNOFILE` of its unit) and start again"
)]
pub struct TooFewFiles {
    /// The hard limit.
    pub has: u64,
}

/// Raises the soft limit as far as the server needs; refuses if the hard limit is below that.
pub fn secure_files() -> Result<(), TooFewFiles> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // No number means no limit.
    if current.is_none_or(|current| current >= FILES_NEEDED) {
        return Ok(());
    }
    let has = maximum.unwrap_or(u64::MAX);
    let raised =
        has >= FILES_NEEDED && setrlimit(Resource::Nofile, Rlimit { current: Some(FILES_NEEDED), maximum }).is_ok();
    if raised { Ok(()) } else { Err(TooFewFiles { has }) }
}
