//! What a witness decides, from a request and what it remembers: a pure function, so that a test can try every case.

use crate::plant::Bug;
use crate::witness::request::{AddCheckpoint, Malformed};
use deedbook_verify::note::VerifierKey;
use deedbook_verify::tree::{ConsistencyProof, ProofRefusal, TreeHead};
use deedbook_verify::words::TreeSize;
use thiserror::Error;

/// Why a checkpoint is not cosigned; the status codes are those of C2SP tlog-witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The body is no request. 400.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// No log of this origin is known here. 404.
    #[error("this witness does not know the log of this origin")]
    UnknownOrigin,
    /// No signature of the log's key, or one that does not verify. 403.
    #[error("the checkpoint has no valid signature of the log's key")]
    NotSigned,
    /// The old size is above the checkpoint's. 400.
    #[error("the old size is above the checkpoint's size")]
    OldAboveSize,
    /// The old size is not the one that was cosigned last. 409, with that size.
    #[error("the size that was cosigned last is {last}")]
    SizeDiffers {
        /// The one that was; 0 if none was.
        last: TreeSize,
    },
    /// The proof does not lead from what was cosigned last to this checkpoint. 422.
    #[error("not consistent with what was cosigned last: {0}")]
    Inconsistent(ProofRefusal),
}

/// Whether the checkpoint extends what was cosigned last; `keys` are those of its origin, `last` is what was.
pub fn judge(request: &AddCheckpoint<'_>, keys: &[VerifierKey], last: Option<TreeHead>) -> Result<(), Refusal> {
    if keys.is_empty() {
        return Err(Refusal::UnknownOrigin);
    }
    let text = request.note.text.as_bytes();
    let mut signed = false;
    for line in &request.note.signatures {
        let Some(key) = keys.iter().find(|key| line.is_by(key)) else { continue };
        if !key.key().accepts(text, &line.signature) {
            return Err(Refusal::NotSigned);
        }
        signed = true;
    }
    if !signed {
        return Err(Refusal::NotSigned);
    }
    let new = request.checkpoint.head;
    if request.old > new.size {
        return Err(Refusal::OldAboveSize);
    }
    let empty = TreeHead { size: TreeSize(0), root: deedbook_verify::hash::empty_root() };
    let old = last.unwrap_or(empty);
    if Bug::WitnessSmallerSize.planted() && new.size < old.size {
        return Ok(());
    }
    if request.old != old.size {
        return Err(Refusal::SizeDiffers { last: old.size });
    }
    let proof = ConsistencyProof { old, new, path: request.proof.clone() };
    proof.verify().map_err(Refusal::Inconsistent)
}
