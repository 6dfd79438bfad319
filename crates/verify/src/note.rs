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
    /// A cosigner's key is not `name+hash+base64` of an Ed25519 cosigner, type 0x04.
    CosignerKey,
    /// A known witness's cosignature does not verify.
    CosignatureInvalid,
    /// Too few witnesses cosigned for the policy's quorum.
    QuorumNotMet {
        /// How many of the policy's witnesses did.
        cosigned: usize,
        /// How many the policy knows.
        witnesses: usize,
    },
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
            NoteRefusal::CosignerKey => "the key is not `name+hash+base64` of an Ed25519 cosigner (type 0x04)",
            NoteRefusal::CosignatureInvalid => "a known witness's cosignature does not verify",
            NoteRefusal::QuorumNotMet { cosigned, witnesses } => {
                return write!(
                    f,
                    "the policy's quorum is not met: {cosigned} of its {witnesses} witnesses cosigned this checkpoint"
                );
            }
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
        let (name, key) = parse_key(text, NOTE_ED25519).ok_or(NoteRefusal::VerifierKey)?;
        VerifierKey::new(&name, key)
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
    pub fn note_id(&self) -> NoteId {
        note_id(&self.name, NOTE_ED25519, &self.key)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_key(&self.name, NOTE_ED25519, &self.key))
    }
}

/// What a signature line says of its key.
pub type NoteId = [u8; 4];

pub(crate) fn note_id(name: &str, kind: u8, key: &PublicKey) -> NoteId {
    let hash = hash::digest(&[name.as_bytes(), b"\n", &[kind], key.as_ed25519()]);
    let [a, b, c, d, ..] = hash.0;
    [a, b, c, d]
}

pub(crate) fn show_key(name: &str, kind: u8, key: &PublicKey) -> String {
    let id: String = note_id(name, kind, key).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut bytes = vec![kind];
    bytes.extend_from_slice(key.as_ed25519());
    format!("{name}+{id}+{}", encode_base64(&bytes))
}

/// Whose signature lines stand in a note, or in a file that holds one, by the names that the lines give themselves.
/// Nothing is verified: it is for words about a signature that is missing.
pub fn signers(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let named = text.lines().filter_map(|line| line.strip_prefix("\u{2014} ")?.split(' ').next());
    named.take(limits::NOTE_SIGNATURES_MAX).map(str::to_owned).collect()
}

/// Name and key of a C2SP verifier key of one type; the text must be the one that `show_key` writes.
pub(crate) fn parse_key(text: &str, kind: u8) -> Option<(String, PublicKey)> {
    let text = text.trim();
    let (name, rest) = text.split_once('+')?;
    let (_, key) = rest.split_once('+')?;
    let bytes = decode_base64(key)?;
    let (found, point) = bytes.split_first()?;
    let key = PublicKey::from_ed25519(point.try_into().ok()?)?;
    (*found == kind && is_origin(name) && show_key(name, kind, &key) == text).then(|| (name.to_owned(), key))
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

/// A note taken apart: its text, and the lines that claim to sign it. No signature is verified yet.
#[derive(Clone, Debug)]
pub struct Note<'a> {
    /// What signatures cover, its final line feed included.
    pub text: &'a str,
    /// At least one, at most `NOTE_SIGNATURES_MAX`.
    pub signatures: Vec<SignatureLine<'a>>,
}

impl<'a> Note<'a> {
    /// Splits a note at its last blank line (C2SP signed-note).
    pub fn parse(note: &'a [u8]) -> Result<Note<'a>, NoteRefusal> {
        if note.len() > limits::NOTE_BYTES_MAX {
            return Err(NoteRefusal::TooLarge);
        }
        let note = std::str::from_utf8(note).map_err(|_| NoteRefusal::Text)?;
        if note.chars().any(|c| c.is_control() && c != '\n') {
            return Err(NoteRefusal::Text);
        }
        let (body, signatures) = note.rsplit_once("\n\n").ok_or(NoteRefusal::Separator)?;
        let text = note.get(..body.len().saturating_add(1)).ok_or(NoteRefusal::Separator)?;
        let lines = signatures.strip_suffix('\n').filter(|lines| !lines.is_empty()).ok_or(NoteRefusal::Separator)?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() >= limits::NOTE_SIGNATURES_MAX {
                return Err(NoteRefusal::TooLarge);
            }
            signatures.push(SignatureLine::parse(line)?);
        }
        Ok(Note { text, signatures })
    }
}

/// One signature line: `— <name> <base64(id ‖ signature)>`.
#[derive(Clone, Debug)]
pub struct SignatureLine<'a> {
    /// The line without its line feed.
    pub line: &'a str,
    /// The key's name.
    pub name: &'a str,
    /// What tells keys of one name apart.
    pub id: NoteId,
    /// The rest; not empty.
    pub signature: Vec<u8>,
}

impl<'a> SignatureLine<'a> {
    /// Parses a line without its line feed.
    pub fn parse(line: &'a str) -> Result<SignatureLine<'a>, NoteRefusal> {
        let rest = line.strip_prefix("\u{2014} ").ok_or(NoteRefusal::SignatureLine)?;
        let (name, blob) = rest.split_once(' ').ok_or(NoteRefusal::SignatureLine)?;
        let blob = decode_base64(blob).ok_or(NoteRefusal::SignatureLine)?;
        let (id, signature) = blob.split_first_chunk::<4>().ok_or(NoteRefusal::SignatureLine)?;
        if !is_origin(name) || signature.is_empty() {
            return Err(NoteRefusal::SignatureLine);
        }
        Ok(SignatureLine { line, name, id: *id, signature: signature.to_vec() })
    }

    /// Whether the line claims to be of this key.
    pub fn is_by(&self, key: &VerifierKey) -> bool {
        self.name == key.name && self.id == key.note_id()
    }
}

/// Opens a signed checkpoint with the ledger's verifier key.
pub fn open_checkpoint(note: &[u8], key: &VerifierKey) -> Result<VerifiedCheckpoint, NoteRefusal> {
    let note = Note::parse(note)?;
    let (mut known, mut ignored) = (false, Vec::new());
    for line in &note.signatures {
        if !line.is_by(key) {
            ignored.push(line.name.to_owned());
        } else if known || !key.key.accepts(note.text.as_bytes(), &line.signature) {
            return Err(NoteRefusal::SignatureInvalid);
        } else {
            known = true;
        }
    }
    if !known {
        return Err(NoteRefusal::NoKnownSignature);
    }
    let checkpoint = Checkpoint::parse(note.text)?;
    if checkpoint.origin == key.name {
        Ok(VerifiedCheckpoint { checkpoint, ignored })
    } else {
        Err(NoteRefusal::OriginDiffers)
    }
}
