//! The body of `add-checkpoint` (C2SP tlog-witness), taken apart; nothing in it is verified yet.
//!
//! ```text
//! old <size>
//! <base64 consistency hash>      (0 to 63 lines)
//!
//! <signed checkpoint>
//! ```

use crate::limits;
use deedbook_verify::note::{Checkpoint, Note, NoteRefusal, decimal, decode_base64, encode_base64};
use deedbook_verify::words::{Hash, TreeSize};
use std::fmt::Write as _;
use thiserror::Error;

/// Why a body is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// It does not begin with `old <size>`.
    #[error("the first line is not `old <size>`")]
    Old,
    /// A proof line is not one hash.
    #[error("proof line {0} is not 32 bytes in base64")]
    Proof(usize),
    /// More proof lines than C2SP allows.
    #[error("more than {} proof lines", limits::WITNESS_PROOF_LINES_MAX)]
    ProofTooLong,
    /// No blank line before the checkpoint.
    #[error("there is no blank line before the checkpoint")]
    Separator,
    /// The checkpoint is none.
    #[error("{0}")]
    Note(NoteRefusal),
}

/// A request as it stands.
#[derive(Clone, Debug)]
pub struct AddCheckpoint<'a> {
    /// The size that the log thinks the witness cosigned last.
    pub old: TreeSize,
    /// The consistency proof from there.
    pub proof: Vec<Hash>,
    /// The checkpoint with its lines.
    pub note: Note<'a>,
    /// What the note's text says.
    pub checkpoint: Checkpoint,
}

impl<'a> AddCheckpoint<'a> {
    /// Takes a body apart.
    pub fn parse(body: &'a [u8]) -> Result<AddCheckpoint<'a>, Malformed> {
        let split = body.windows(2).position(|pair| pair == b"\n\n").ok_or(Malformed::Separator)?;
        let (head, rest) = body.split_at_checked(split).ok_or(Malformed::Separator)?;
        let note = rest.get(2..).ok_or(Malformed::Separator)?;
        let mut lines = std::str::from_utf8(head).map_err(|_| Malformed::Old)?.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(decimal).ok_or(Malformed::Old)?;
        let mut proof = Vec::new();
        for (before, line) in lines.enumerate() {
            if before >= limits::WITNESS_PROOF_LINES_MAX {
                return Err(Malformed::ProofTooLong);
            }
            let hash = decode_base64(line).and_then(|bytes| bytes.try_into().ok()).map(Hash);
            proof.push(hash.ok_or(Malformed::Proof(before.saturating_add(1)))?);
        }
        let note = Note::parse(note).map_err(Malformed::Note)?;
        let checkpoint = Checkpoint::parse(note.text).map_err(Malformed::Note)?;
        Ok(AddCheckpoint { old: TreeSize(old), proof, note, checkpoint })
    }

    /// Writes a body; for whoever asks.
    pub fn write(old: TreeSize, proof: &[Hash], note: &[u8]) -> Vec<u8> {
        let mut head = format!("old {old}\n");
        for hash in proof {
            // Writing to a String cannot fail.
            let _ = writeln!(head, "{}", encode_base64(&hash.0));
        }
        head.push('\n');
        [head.as_bytes(), note].concat()
    }
}
