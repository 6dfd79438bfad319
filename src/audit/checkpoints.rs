//! Signed checkpoints, compared as the walk comes to their sizes: those that the ledger stored, and those that the
//! auditor kept elsewhere. Only the latter tell whether this is the history that others were shown: whoever can write to
//! the folder can delete the former.

use crate::audit::LEDGER;
use crate::audit::report::{AuditError, Report};
use crate::store::keys;
use crate::store::{Direction, Store};
use deedbook_verify::cosign::has_form;
use deedbook_verify::note::{Note, VerifierKey, open_checkpoint};
use deedbook_verify::replay::Replay;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::TreeSize;
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// The check that findings about kept checkpoints name.
const KEPT: &str = "kept checkpoint";

/// A checkpoint that the auditor kept, not yet opened.
#[derive(Clone, Debug)]
pub struct KeptCheckpoint {
    /// What findings call it: its file.
    pub name: String,
    /// The signed note.
    pub note: Vec<u8>,
}

/// Where a checkpoint comes from.
enum Origin {
    Stored,
    Kept { name: String },
}

struct Signed {
    head: TreeHead,
    origin: Origin,
}

/// Checkpoints with right signatures that the walk has not come to, in ascending order of size: 72 bytes each.
pub(super) struct Checkpoints {
    ahead: VecDeque<Signed>,
}

impl Checkpoints {
    /// Opens all of them with the ledger's verifier key; what does not open is a finding.
    pub fn read(
        store: &dyn Store,
        key: &VerifierKey,
        kept: &[KeptCheckpoint],
        report: &mut Report,
    ) -> Result<Checkpoints, AuditError> {
        let mut signed = Vec::new();
        store.scan(&keys::checkpoints(LEDGER), Direction::Forward, &mut |row, value| {
            let size = keys::trailing_u64(row);
            let note = value.split_first_chunk::<8>().map_or(value, |(_, note)| note);
            match open_checkpoint(note, key) {
                Ok(opened) if Some(opened.checkpoint().head.size.0) == size => {
                    check_cosignatures(note, key, report);
                    signed.push(Signed { head: opened.checkpoint().head, origin: Origin::Stored });
                }
                Ok(_) => report.find(None, "checkpoint", "it stands under another size than its own".to_owned()),
                Err(refusal) => report.find(None, "checkpoint", refusal.to_string()),
            }
            ControlFlow::Continue(())
        })?;
        for KeptCheckpoint { name, note } in kept {
            match open_checkpoint(note, key) {
                Ok(opened) => {
                    signed.push(Signed { head: opened.checkpoint().head, origin: Origin::Kept { name: name.clone() } });
                }
                Err(refusal) => report.find(None, KEPT, format!("{refusal}: {name}")),
            }
        }
        signed.sort_by_key(|signed| signed.head.size);
        Ok(Checkpoints { ahead: signed.into() })
    }

    /// Compares those of the size that replay has come to.
    pub fn compare(&mut self, replay: &Replay, report: &mut Report) {
        let size = replay.head_size();
        while let Some(Signed { head, origin }) = self.ahead.pop_front_if(|next| next.head.size <= size) {
            match (head == replay.head(), origin) {
                (true, Origin::Stored) => report.checkpoints = report.checkpoints.saturating_add(1),
                (true, Origin::Kept { .. }) => report.checkpoints_kept = report.checkpoints_kept.saturating_add(1),
                (false, Origin::Stored) => {
                    report.find(None, "checkpoint", format!("another root was signed for size {size}"));
                }
                (false, Origin::Kept { name }) => {
                    let text =
                        format!("the log has another root at the size of a kept checkpoint: {name}, size {size}");
                    report.find(None, KEPT, text);
                }
            }
        }
    }

    /// Those beyond the last entry that was judged; `whole` says whether that is the last of the log.
    pub fn finish(self, size: TreeSize, whole: bool, report: &mut Report) {
        let mut stored = false;
        for Signed { head, origin } in self.ahead {
            match origin {
                // One says it; a log that was cut may have thousands.
                Origin::Stored if stored || !whole => {}
                Origin::Stored => {
                    stored = true;
                    report.find(None, "checkpoint", format!("size {} was signed, the log ends before it", head.size));
                }
                Origin::Kept { name } => {
                    let what = match whole {
                        true => "the log ends before the size of a kept checkpoint",
                        false => "the audit did not come to the size of a kept checkpoint",
                    };
                    report.find(None, KEPT, format!("{what}: {name}, size {}; it came to {size}", head.size));
                }
            }
        }
    }
}

/// What stands beside the ledger's own signature must have the form of cosignatures.
fn check_cosignatures(note: &[u8], key: &VerifierKey, report: &mut Report) {
    let Ok(note) = Note::parse(note) else { return };
    for line in note.signatures.iter().filter(|line| !line.is_by(key)) {
        match has_form(line) {
            true => report.cosignatures = report.cosignatures.saturating_add(1),
            false => report.find(None, "checkpoint", format!("the line of {} is no cosignature", line.name)),
        }
    }
}
