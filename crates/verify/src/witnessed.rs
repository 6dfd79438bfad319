//! Checkpoints under a policy: signed by a log that it lists, and cosigned by enough of its witnesses. A signature of
//! a known key that does not verify refuses the whole note; lines of unknown keys are listed and not looked at.

use crate::note::{Checkpoint, Note, NoteRefusal, VerifierKey};
use crate::plant::Bug;
use crate::policy::Policy;
use crate::words::Seconds;

/// A witness of the policy that cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// Its name in the policy; octets that are no UTF-8 are replaced.
    pub witness: String,
    /// Its key's name on signature lines.
    pub key_name: String,
    /// When, by the witness's own clock.
    pub time: Seconds,
}

/// A checkpoint that satisfies a policy. Only `open_witnessed` makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessedCheckpoint {
    checkpoint: Checkpoint,
    log: VerifierKey,
    cosigned: Vec<Cosigned>,
    ignored: Vec<String>,
}

impl WitnessedCheckpoint {
    /// Origin, size and root.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The key of the policy that signed it as the log.
    pub fn log(&self) -> &VerifierKey {
        &self.log
    }

    /// The witnesses that cosigned, in the note's order; more than the quorum needs, if there are more.
    pub fn cosigned(&self) -> &[Cosigned] {
        &self.cosigned
    }

    /// Names on signature lines that were not looked at, because their keys are not known to the policy.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }
}

/// Opens a checkpoint under a policy.
pub fn open_witnessed(note: &[u8], policy: &Policy) -> Result<WitnessedCheckpoint, NoteRefusal> {
    let note = Note::parse(note)?;
    let (mut log, mut ignored) = (None, Vec::new());
    let (mut cosigned, mut positions) = (Vec::new(), Vec::new());
    for line in &note.signatures {
        let witness = policy.witnesses().iter().position(|witness| witness.key.claims(line));
        if let Some(known) = policy.logs().iter().find(|log| line.is_by(&log.key)) {
            if log.is_some() || !known.key.key().accepts(note.text.as_bytes(), &line.signature) {
                return Err(NoteRefusal::SignatureInvalid);
            }
            log = Some(known.key.clone());
        } else if let Some((position, witness)) = witness.and_then(|at| Some((at, policy.witnesses().get(at)?))) {
            let opened = witness.key.open(note.text, line)?;
            if positions.contains(&position) && !Bug::CosignatureTwice.planted() {
                return Err(NoteRefusal::CosignatureInvalid);
            }
            positions.push(position);
            cosigned.push(Cosigned {
                witness: String::from_utf8_lossy(&witness.name).into_owned(),
                key_name: witness.key.name().to_owned(),
                time: opened.time(),
            });
        } else {
            ignored.push(line.name.to_owned());
        }
    }
    let log = log.ok_or(NoteRefusal::NoKnownSignature)?;
    let checkpoint = Checkpoint::parse(note.text)?;
    if checkpoint.origin != log.name() {
        return Err(NoteRefusal::OriginDiffers);
    }
    if !policy.is_met_by(&positions) {
        return Err(NoteRefusal::QuorumNotMet { cosigned: positions.len(), witnesses: policy.witnesses().len() });
    }
    Ok(WitnessedCheckpoint { checkpoint, log, cosigned, ignored })
}
