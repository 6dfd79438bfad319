//! What a ledger says of itself: whether it takes appends, and why not. It decides nothing.

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
