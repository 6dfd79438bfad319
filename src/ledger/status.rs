//! What a ledger says of itself: whether it takes appends, and why not. It decides nothing.

use crate::ledger::error::{AppendError, StopReason};
use crate::ledger::writer::Ledger;
use crate::limits;
use deedbook_verify::tree::TreeHead;

/// How the ledger is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Whether appends are taken.
    pub ready: bool,
    /// Why not.
    pub reason: Option<String>,
    /// Members of the anchor set, witnesses that were heard from included; with one, the roll-back of the whole machine
    /// goes unnoticed.
    pub anchors: usize,
    /// What readers see.
    pub head: TreeHead,
    /// Bytes of frames that wait for the writer or for their sync; at most `QUEUE_BYTES_MAX`.
    pub queue_bytes: usize,
}

impl Ledger {
    /// How the ledger is.
    pub fn status(&self) -> Status {
        let drift_ms = self.shared.clock.read().drift_ms_since(&self.shared.opened);
        let reason = match self.shared.stopped() {
            Some(StopReason::Closed) => Some("the ledger is closed".to_owned()),
            Some(StopReason::Failed(reason)) => Some(reason),
            None if is_adrift(drift_ms) => Some(AppendError::ClockDrift { drift_ms }.to_string()),
            None => self.shared.disk.has_room().err().map(|low| low.to_string()),
        };
        Status {
            ready: reason.is_none(),
            reason,
            anchors: self.shared.anchors.saturating_add(self.reader.witnesses_heard()),
            head: self.shared.published().head,
            queue_bytes: limits::QUEUE_BYTES_MAX.saturating_sub(self.shared.room.available_permits()),
        }
    }
}

/// Whether the clock left the one that runs steadily since opening.
pub(super) fn is_adrift(drift_ms: i64) -> bool {
    drift_ms.unsigned_abs() > limits::CLOCK_DRIFT_MS_MAX
}
