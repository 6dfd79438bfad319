//! C2SP signed notes and the tlog-checkpoint text inside them, in a strict profile: canonical base64 and decimals,
//! no extension lines. A checkpoint looks like this, the last line being its signature:
//!
//! ```text
//! ledger.example/a
//! 20852163
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//!
//! — ledger.example/a Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
//! ```

use crate::detail::is_origin;
use crate::hash;
use crate::key::PublicKey;
use crate::limits;
use crate::tree::TreeHead;
use crate::words::{Hash, TreeSize};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// The signature type of Ed25519 log signatures.
const NOTE_ED25519: u8 = 0x01;

/// Why a note, a checkpoint or a verifier key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteRefusal {
    /// Larger than `NOTE_BYTES_MAX` or more than `NOTE_SIGNATURES_MAX` signature lines.
    TooLarge,
    /// Not UTF-8, or control characters other than line feeds.
    Text,
    /// No blank line between text and signatures, or no signature at all.
    Separator,
    /// A signature line is not `— name base64`.
    SignatureLine,
    /// No signature by the given key.
    NoKnownSignature,
    /// The given key's signature does not verify.
    SignatureInvalid,
    /// The text is not origin, size and root.
    Checkpoint,
    /// The verifier key is not `name+hash+base64` of an Ed25519 key.
    VerifierKey,
    /// The checkpoint's origin is not the key's name.
    OriginDiffers,
}

impl fmt::Display for NoteRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoteRefusal::TooLarge => "the note is too large",
            NoteRefusal::Text => "the note is not plain UTF-8 text",
            NoteRefusal::Separator => "the note has no signatures behind a blank line",
            NoteRefusal::SignatureLine => "a signature line is malformed",
            NoteRefusal::NoKnownSignature => {
                "the note has no signature by the given key: it is of another ledger, or altered"
            }
            NoteRefusal::SignatureInvalid => "the note's signature does not verify",
            NoteRefusal::Checkpoint => "the note's text is not a checkpoint of origin, size and root",
            NoteRefusal::VerifierKey => "the verifier key is not `name+hash+base64` of a sound Ed25519 key",
            NoteRefusal::OriginDiffers => "the checkpoint's origin is not the verifier key's name",
        })
    }
}

impl std::error::Error for NoteRefusal {}

/// Canonical padded base64 only: re-encoding the result gives the same text.
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Canonical padded base64.
pub fn encode_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Parses a decimal without sign or leading zeros.
pub fn decimal(text: &str) -> Option<u64> {
    let canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if canonical { text.parse().ok() } else { None }
}

/// A C2SP verifier key: whose signature on a note counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key: PublicKey,
}

impl VerifierKey {
    /// Names a key.
    pub fn new(name: &str, key: PublicKey) -> Result<VerifierKey, NoteRefusal> {
        if is_origin(name) { Ok(VerifierKey { name: name.to_owned(), key }) } else { Err(NoteRefusal::VerifierKey) }
    }

    /// Parses `<name>+<8 hex digits>+<base64(type ‖ key)>`, ignoring white space around it.
    pub fn parse(text: &str) -> Result<VerifierKey, NoteRefusal> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteRefusal::VerifierKey);
        };
        let bytes = decode_base64(key).ok_or(NoteRefusal::VerifierKey)?;
        let Some((&NOTE_ED25519, point)) = bytes.split_first() else { return Err(NoteRefusal::VerifierKey) };
        let point: &[u8; 32] = point.try_into().map_err(|_| NoteRefusal::VerifierKey)?;
        let key = PublicKey::from_ed25519(point).ok_or(NoteRefusal::VerifierKey)?;
        let key = VerifierKey::new(name, key)?;
        if key.id_hex() == id { Ok(key) } else { Err(NoteRefusal::VerifierKey) }
    }

    /// The key's name, which is the ledger's origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key itself.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The 4 bytes that signature lines carry: SHA-256(name ‖ LF ‖ type ‖ key), cut.
    pub fn note_id(&self) -> [u8; 4] {
        let hash = hash::digest(&[self.name.as_bytes(), b"\n", &[NOTE_ED25519], self.key.as_ed25519()]);
        let [a, b, c, d, ..] = hash.0;
        [a, b, c, d]
    }

    fn id_hex(&self) -> String {
        self.note_id().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![NOTE_ED25519];
        bytes.extend_from_slice(self.key.as_ed25519());
        write!(f, "{}+{}+{}", self.name, self.id_hex(), encode_base64(&bytes))
    }
}

/// The text of a checkpoint: what its signature covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The ledger's name.
    pub origin: String,
    /// Its tree.
    pub head: TreeHead,
}

impl Checkpoint {
    /// Three lines, nothing else.
    pub fn parse(text: &str) -> Result<Checkpoint, NoteRefusal> {
        let mut lines = text.strip_suffix('\n').ok_or(NoteRefusal::Checkpoint)?.split('\n');
        let (Some(origin), Some(size), Some(root), None) = (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(NoteRefusal::Checkpoint);
        };
        let root = decode_base64(root).and_then(|bytes| bytes.try_into().ok()).map(Hash);
        match (is_origin(origin), decimal(size), root) {
            (true, Some(size), Some(root)) => {
                Ok(Checkpoint { origin: origin.to_owned(), head: TreeHead { size: TreeSize(size), root } })
            }
            _ => Err(NoteRefusal::Checkpoint),
        }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.head.size, encode_base64(&self.head.root.0))
    }
}

/// Builds the signature line of a log signature; the caller signed the note's text.
pub fn signature_line(key: &VerifierKey, signature: &[u8; 64]) -> String {
    let mut bytes = key.note_id().to_vec();
    bytes.extend_from_slice(signature);
    format!("\u{2014} {} {}\n", key.name, encode_base64(&bytes))
}

/// A checkpoint whose signature was verified. Only `open_checkpoint` makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCheckpoint {
    checkpoint: Checkpoint,
    ignored: Vec<String>,
}

impl VerifiedCheckpoint {
    /// Origin, size and root.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Names on signature lines that were not looked at, because their keys are not known here.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }
}

/// Opens a signed checkpoint with the ledger's verifier key.
pub fn open_checkpoint(note: &[u8], key: &VerifierKey) -> Result<VerifiedCheckpoint, NoteRefusal> {
    if note.len() > limits::NOTE_BYTES_MAX {
        return Err(NoteRefusal::TooLarge);
    }
    let note = std::str::from_utf8(note).map_err(|_| NoteRefusal::Text)?;
    if note.chars().any(|c| c.is_control() && c != '\n') {
        return Err(NoteRefusal::Text);
    }
    let (body, signatures) = note.rsplit_once("\n\n").ok_or(NoteRefusal::Separator)?;
    let text = format!("{body}\n");
    let lines = signatures.strip_suffix('\n').filter(|lines| !lines.is_empty()).ok_or(NoteRefusal::Separator)?;
    let (mut known, mut ignored) = (false, Vec::new());
    for (count, line) in lines.split('\n').enumerate() {
        if count >= limits::NOTE_SIGNATURES_MAX {
            return Err(NoteRefusal::TooLarge);
        }
        let (name, id, signature) = signature_parts(line)?;
        if name != key.name || id != key.note_id() {
            ignored.push(name.to_owned());
        } else if known || !key.key.accepts(text.as_bytes(), &signature) {
            return Err(NoteRefusal::SignatureInvalid);
        } else {
            known = true;
        }
    }
    if !known {
        return Err(NoteRefusal::NoKnownSignature);
    }
    let checkpoint = Checkpoint::parse(&text)?;
    if checkpoint.origin == key.name {
        Ok(VerifiedCheckpoint { checkpoint, ignored })
    } else {
        Err(NoteRefusal::OriginDiffers)
    }
}

fn signature_parts(line: &str) -> Result<(&str, [u8; 4], Vec<u8>), NoteRefusal> {
    let rest = line.strip_prefix("\u{2014} ").ok_or(NoteRefusal::SignatureLine)?;
    let (name, blob) = rest.split_once(' ').ok_or(NoteRefusal::SignatureLine)?;
    let blob = decode_base64(blob).ok_or(NoteRefusal::SignatureLine)?;
    let (id, signature) = blob.split_first_chunk::<4>().ok_or(NoteRefusal::SignatureLine)?;
    if !is_origin(name) || signature.is_empty() {
        return Err(NoteRefusal::SignatureLine);
    }
    Ok((name, *id, signature.to_vec()))
}
