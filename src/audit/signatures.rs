//! The arithmetic of signatures, beside the walk: it takes a third of an audit, and needs nothing of what the walk knows.
//! Whose signature a frame needs, and with which key, replay has decided before.

use crate::audit::bodies::Chunk;
use crate::limits::AUDIT_CHECKS_PER_THREAD_MIN;
use deedbook_verify::frame::SignatureChecks;
use deedbook_verify::words::Index;
use std::num::NonZero;
use std::sync::mpsc::{Receiver, SyncSender};

/// Where signatures are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signatures {
    /// Beside the walk, which meanwhile goes on; whether one does not verify is known, and not what stood before it.
    Beside,
    /// In the walk, which ends at the first that does not verify.
    AtOnce,
}

/// Whether what was judged beside the walk verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verified {
    All,
    NotAll,
}

/// What a walk hands on of consecutive entries.
pub(super) struct Part {
    /// One of each frame that begins here.
    pub checks: Vec<SignatureChecks>,
    /// Their bodies.
    pub chunk: Chunk,
}

impl Part {
    /// No entry yet, from this one on.
    pub fn at(from: Index) -> Part {
        Part { checks: Vec::new(), chunk: Chunk::at(from) }
    }
}

/// Whether all signatures verify. Ends at the first part with one that does not, so that nobody takes parts any more.
pub(super) fn verify(parts: &Receiver<Part>, chunks: &SyncSender<Chunk>) -> Verified {
    for part in parts {
        if !all_verify(&part.checks) {
            return Verified::NotAll;
        }
        if chunks.send(part.chunk).is_err() {
            // Reading bodies failed, which its own result says.
            break;
        }
    }
    Verified::All
}

/// On as many threads as are worth it: in frames of one event there is a signature for each.
fn all_verify(checks: &[SignatureChecks]) -> bool {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = checks.len().div_ceil(cores).max(AUDIT_CHECKS_PER_THREAD_MIN);
    let verify = |checks: &[SignatureChecks]| checks.iter().all(|checks| checks.judge().is_ok());
    let (first, rest) = checks.split_at(share.min(checks.len()));
    std::thread::scope(|scope| {
        let others: Vec<_> = rest.chunks(share).map(|checks| scope.spawn(move || verify(checks))).collect();
        let first = verify(first);
        // A thread that ended early has verified nothing.
        others.into_iter().map(|other| other.join().unwrap_or(false)).fold(first, |all, one| all && one)
    })
}
