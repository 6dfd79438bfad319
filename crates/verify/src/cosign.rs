//! C2SP tlog-cosignature, version `cosignature/v1` (Ed25519, type 0x04): what a witness says of a checkpoint. It says
//! that, as of a time by its own clock, this is the largest tree of that origin that it saw, and that it extends all
//! trees that it saw before. It says nothing of what the entries state.
//!
//! A cosignature's signature bytes are time u64 ‖ 64 bytes of Ed25519 over
//!
//! ```text
//! cosignature/v1
//! time 1679315147
//! <the checkpoint's text, with its final line feed>
//! ```

use crate::bytes::Reader;
use crate::key::PublicKey;
use crate::note::{self, Checkpoint, NoteId, NoteRefusal, SignatureLine};
use crate::words::Seconds;
use std::fmt;

/// The signature type of Ed25519 cosignatures.
pub const COSIGNER_ED25519: u8 = 0x04;

/// The greatest time that a cosignature may carry.
const TIME_MAX: u64 = i64::MAX as u64;

/// A witness's key under its name. The signed message does not name the witness, so a key serves one witness only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CosignerKey {
    name: String,
    key: PublicKey,
}

impl CosignerKey {
    /// Names a key.
    pub fn new(name: &str, key: PublicKey) -> Result<CosignerKey, NoteRefusal> {
        let named = note::VerifierKey::new(name, key).map_err(|_| NoteRefusal::CosignerKey)?;
        Ok(CosignerKey { name: named.name().to_owned(), key: named.key().clone() })
    }

    /// Parses `<name>+<8 hex digits>+<base64(0x04 ‖ key)>`, ignoring white space around it.
    pub fn parse(text: &str) -> Result<CosignerKey, NoteRefusal> {
        let (name, key) = note::parse_key(text, COSIGNER_ED25519).ok_or(NoteRefusal::CosignerKey)?;
        Ok(CosignerKey { name, key })
    }

    /// The witness's name on signature lines.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key itself.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The 4 bytes that signature lines carry.
    pub fn note_id(&self) -> NoteId {
        note::note_id(&self.name, COSIGNER_ED25519, &self.key)
    }

    /// Whether a signature line claims to be of this key: name and id must both match.
    pub fn claims(&self, line: &SignatureLine<'_>) -> bool {
        line.name == self.name && line.id == self.note_id()
    }

    /// Verifies a line that claims to be of this key, over a checkpoint's text.
    pub fn open(&self, text: &str, line: &SignatureLine<'_>) -> Result<Cosignature, NoteRefusal> {
        let invalid = NoteRefusal::CosignatureInvalid;
        let checkpoint = Checkpoint::parse(text)?;
        let mut reader = Reader::new(&line.signature);
        let time = reader.u64("time").map_err(|_| invalid)?;
        let sound = self.claims(line)
            && time != 0
            && time <= TIME_MAX
            && self.key.accepts(message(text, Seconds(time)).as_bytes(), reader.rest());
        if !sound {
            return Err(invalid);
        }
        Ok(Cosignature { id: line.id, time: Seconds(time), checkpoint, line: line.line.to_owned() })
    }

    /// Builds the signature line of a cosignature; the caller signed `message`.
    pub fn line(&self, time: Seconds, signature: &[u8; 64]) -> String {
        let blob = [self.note_id().as_slice(), &time.0.to_be_bytes(), signature].concat();
        format!("\u{2014} {} {}\n", self.name, note::encode_base64(&blob))
    }
}

impl fmt::Display for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&note::show_key(&self.name, COSIGNER_ED25519, &self.key))
    }
}

/// What a cosigner signs for a checkpoint's text.
pub fn message(text: &str, time: Seconds) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// Whether a line has the form of an Ed25519 cosignature, whoever its cosigner is: a time that is allowed, and 64 bytes.
pub fn has_form(line: &SignatureLine<'_>) -> bool {
    let mut reader = Reader::new(&line.signature);
    let time = reader.u64("time").unwrap_or(0);
    time != 0 && time <= TIME_MAX && reader.rest().len() == 64
}

/// A cosignature that was verified over its checkpoint. Only `CosignerKey::open` makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    id: NoteId,
    time: Seconds,
    checkpoint: Checkpoint,
    line: String,
}

impl Cosignature {
    /// When, by the witness's own clock.
    pub fn time(&self) -> Seconds {
        self.time
    }

    /// Of what.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The signature line, without its line feed.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Whether a line of a note is an earlier or later word of the same witness.
    pub fn is_by_cosigner_of(&self, other: &SignatureLine<'_>) -> bool {
        self.id == other.id && self.line.split(' ').nth(1) == Some(other.name)
    }
}
