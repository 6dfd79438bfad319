//! Receipts: C2SP tlog-proof files whose `extra` holds all that is needed to judge one entry offline.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra <base64 of fields 0x0301 to 0x0305>
//! index 5
//! <base64 hash, sibling of the leaf first>
//!
//! <signed checkpoint>
//! ```
//!
//! The profile is strict: every byte of the file is accounted for by some check, and each check has a name.

use crate::bytes::{Fields, LengthWidth, Malformed, Reader};
use crate::hash::Salt;
use crate::limits;
use crate::note::{NoteRefusal, decimal, decode_base64};
use crate::tags;
use crate::words::{Hash, Index};
use std::fmt;

/// The first line.
pub const RECEIPT_HEADER: &str = "c2sp.org/tlog-proof@v1";

/// The checks that a receipt must pass, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The file has the form of a tlog-proof.
    Form,
    /// `extra` has the form of FORMAT.md.
    Extra,
    /// The checkpoint is signed by the given key.
    Checkpoint,
    /// The entry is well-formed.
    Entry,
    /// The entry is in the checkpoint's tree.
    Inclusion,
    /// Genesis is well-formed, signed, and index 0 of the same tree.
    Genesis,
    /// Genesis names the key that signed the checkpoint.
    HeadKey,
    /// The entry's seal, facts and frame agree.
    Frame,
    /// The enrollment of the signing key is in the tree, sound, and before the entry.
    Enrollment,
    /// The frame's signature is by a key that may sign it.
    Signature,
    /// The body opens the commitment.
    Body,
}

impl Check {
    /// The name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Check::Form => "form",
            Check::Extra => "extra",
            Check::Checkpoint => "checkpoint",
            Check::Entry => "entry",
            Check::Inclusion => "inclusion",
            Check::Genesis => "genesis",
            Check::HeadKey => "head key",
            Check::Frame => "frame",
            Check::Enrollment => "enrollment",
            Check::Signature => "signature",
            Check::Body => "body",
        }
    }
}

/// Why a receipt is refused: the check that failed and what it found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptRefusal {
    /// The check.
    pub check: Check,
    /// What it found.
    pub found: Finding,
}

/// What a failed check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A line of the file is not what the format says; lines count from 1.
    Line(usize),
    /// The file is larger than `RECEIPT_BYTES_MAX`.
    TooLarge,
    /// Bytes are malformed.
    Malformed(Malformed),
    /// The note is refused.
    Note(NoteRefusal),
    /// A proof proves nothing.
    Proof(crate::tree::ProofRefusal),
    /// A frame is refused.
    Frame(crate::frame::FrameRefusal),
    /// The rules refuse it, whatever followed genesis.
    Rule(crate::detail::RefusalReason),
    /// Two things that must be equal differ.
    Differs(&'static str),
    /// Something needed is absent.
    Missing(&'static str),
    /// Something stands there that no check needs.
    Surplus(&'static str),
}

impl fmt::Display for ReceiptRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "check `{}` failed: ", self.check.name())?;
        match &self.found {
            Finding::Line(line) => write!(f, "line {line} is not what a receipt has there"),
            Finding::TooLarge => write!(f, "larger than {} bytes", limits::RECEIPT_BYTES_MAX),
            Finding::Malformed(malformed) => write!(f, "{malformed}"),
            Finding::Note(refusal) => write!(f, "{refusal}"),
            Finding::Proof(refusal) => write!(f, "{refusal}"),
            Finding::Frame(refusal) => write!(f, "{refusal}"),
            Finding::Rule(reason) => write!(f, "the rules refuse it: {}", reason.name()),
            Finding::Differs(what) => write!(f, "{what} differs"),
            Finding::Missing(what) => write!(f, "{what} is missing"),
            Finding::Surplus(what) => write!(f, "{what} does not belong there"),
        }
    }
}

impl std::error::Error for ReceiptRefusal {}

impl Check {
    pub(crate) fn malformed(self) -> impl Fn(Malformed) -> ReceiptRefusal {
        move |malformed| ReceiptRefusal { check: self, found: Finding::Malformed(malformed) }
    }

    pub(crate) fn refuse(self, found: Finding) -> ReceiptRefusal {
        ReceiptRefusal { check: self, found }
    }
}

/// An entry with what proves it, as `extra` carries it. Nothing about it is verified yet.
#[derive(Clone, Debug)]
pub struct Proven<'a> {
    /// Its index; the subject's stands in the proof's `index` line instead.
    pub index: Option<Index>,
    /// Its bytes.
    pub entry: &'a [u8],
    /// Header and signature block of its frame, unless the entry is offset 0 and carries them.
    pub frame: Option<(&'a [u8], &'a [u8])>,
    /// Path of its facts in the frame's tree.
    pub frame_path: Vec<Hash>,
    /// Path of its leaf in the ledger's tree; the subject's stands in the proof's hash lines instead.
    pub tree_path: Vec<Hash>,
}

impl<'a> Proven<'a> {
    pub(crate) fn parse(what: &'static str, bytes: &'a [u8]) -> Result<Proven<'a>, Malformed> {
        let mut fields = Fields::new(what, LengthWidth::U32, bytes);
        let index = fields.optional_array(tags::PROVEN_INDEX)?.map(|bytes| Index(u64::from_be_bytes(bytes)));
        let entry = fields.required(tags::PROVEN_ENTRY)?;
        let header = fields.optional(tags::PROVEN_FRAME_HEADER)?;
        let block = match header {
            Some(_) => Some(fields.required(tags::PROVEN_SIGNATURES)?),
            None => None,
        };
        let frame_path = path(fields.optional(tags::PROVEN_FRAME_PATH)?)?;
        let tree_path = path(fields.optional(tags::PROVEN_TREE_PATH)?)?;
        // A receipt has no room for what nobody checks: here unknown fields are refused even when not critical.
        if !fields.is_spent()? {
            return Err(Malformed::new(what, crate::bytes::Defect::Trailing));
        }
        Ok(Proven { index, entry, frame: header.zip(block), frame_path, tree_path })
    }
}

fn path(bytes: Option<&[u8]>) -> Result<Vec<Hash>, Malformed> {
    let Some(bytes) = bytes else { return Ok(Vec::new()) };
    if bytes.is_empty() || bytes.len() > limits::PATH_HASHES_MAX * Hash::BYTES {
        return Err(Malformed::new("path", crate::bytes::Defect::Length(bytes.len())));
    }
    let mut reader = Reader::new(bytes);
    let mut hashes = Vec::with_capacity(bytes.len() / Hash::BYTES);
    while !reader.is_empty() {
        hashes.push(Hash(reader.array("path")?));
    }
    Ok(hashes)
}

/// The parsed `extra`.
#[derive(Clone, Debug)]
pub struct Extra<'a> {
    /// The entry that the receipt is about.
    pub subject: Proven<'a>,
    /// Genesis, unless it is the subject.
    pub genesis: Option<Proven<'a>>,
    /// The enrollment of the subject's signing key, unless genesis names it.
    pub enrollment: Option<Proven<'a>>,
    /// Salt and body, unless redacted.
    pub body: Option<(Salt, &'a [u8])>,
}

impl<'a> Extra<'a> {
    /// Parses the decoded bytes of the `extra` line.
    pub fn parse(bytes: &'a [u8]) -> Result<Extra<'a>, Malformed> {
        let mut fields = Fields::new("extra", LengthWidth::U32, bytes);
        let subject = Proven::parse("subject", fields.required(tags::EXTRA_SUBJECT)?)?;
        let genesis = fields.optional(tags::EXTRA_GENESIS)?.map(|b| Proven::parse("genesis", b)).transpose()?;
        let enrollment =
            fields.optional(tags::EXTRA_ENROLLMENT)?.map(|b| Proven::parse("enrollment", b)).transpose()?;
        let salt = fields.optional_array(tags::EXTRA_SALT)?.map(Salt);
        let body = match salt {
            Some(salt) => Some((salt, fields.required(tags::EXTRA_BODY)?)),
            None => None,
        };
        if !fields.is_spent()? {
            return Err(Malformed::new("extra", crate::bytes::Defect::Trailing));
        }
        Ok(Extra { subject, genesis, enrollment, body })
    }
}

/// A receipt file taken apart; nothing is verified yet.
#[derive(Clone, Debug)]
pub struct ReceiptFile<'a> {
    /// Decoded `extra`.
    pub extra: Vec<u8>,
    /// The subject's index.
    pub index: Index,
    /// The subject's path.
    pub path: Vec<Hash>,
    /// The checkpoint, verbatim.
    pub note: &'a str,
}

impl<'a> ReceiptFile<'a> {
    /// Splits the file into its lines, strictly.
    pub fn parse(bytes: &'a [u8]) -> Result<ReceiptFile<'a>, ReceiptRefusal> {
        if bytes.len() > limits::RECEIPT_BYTES_MAX {
            return Err(Check::Form.refuse(Finding::TooLarge));
        }
        let bad = |line: usize| Check::Form.refuse(Finding::Line(line));
        let text = std::str::from_utf8(bytes).map_err(|_| bad(1))?;
        let (proof, note) = text.split_once("\n\n").ok_or(bad(4))?;
        let mut lines = proof.split('\n');
        if lines.next() != Some(RECEIPT_HEADER) {
            return Err(bad(1));
        }
        let extra = lines.next().and_then(|line| line.strip_prefix("extra ")).and_then(decode_base64).ok_or(bad(2))?;
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(decimal).ok_or(bad(3))?;
        let mut path = Vec::new();
        for (count, line) in lines.enumerate() {
            let hash = decode_base64(line).and_then(|bytes| bytes.try_into().ok()).map(Hash);
            if count >= limits::PATH_HASHES_MAX {
                return Err(bad(count + 4));
            }
            path.push(hash.ok_or(bad(count + 4))?);
        }
        Ok(ReceiptFile { extra, index: Index(index), path, note })
    }
}
