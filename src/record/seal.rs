//! Writes the ledger's half of an entry behind the facts. The layout is the verifier's to judge; see `entry`.

use deedbook_verify::entry::ENTRY_VERSION;
use deedbook_verify::tags;
use deedbook_verify::words::{Hash, Micros, Revision};

/// What the ledger says of one event.
#[derive(Clone, Copy, Debug)]
pub struct SealFields<'a> {
    /// Server time.
    pub received: Micros,
    /// Place in the stream, if facts name one.
    pub revision: Option<Revision>,
    /// Digest of the frame.
    pub frame_digest: Hash,
    /// Place in the frame.
    pub offset: u16,
    /// Size of the frame.
    pub n: u16,
    /// Header and signature block; written at offset 0 only.
    pub frame: (&'a [u8], &'a [u8]),
}

/// Facts that the verifier's parser accepted: at most `FACTS_BYTES_MAX`, so their length fits a u16.
#[derive(Clone, Copy, Debug)]
pub struct CheckedFacts<'a>(&'a [u8]);

impl<'a> CheckedFacts<'a> {
    /// Takes the bytes of parsed facts.
    pub fn of(facts: &deedbook_verify::facts::Facts<'a>) -> CheckedFacts<'a> {
        CheckedFacts(facts.bytes)
    }

    /// Takes bytes that admission parsed before; `None` if they cannot have been.
    pub fn admitted(bytes: &'a [u8]) -> Option<CheckedFacts<'a>> {
        (bytes.len() <= crate::limits::FACTS_BYTES_MAX).then_some(CheckedFacts(bytes))
    }
}

/// Appends the entry to `out`.
pub fn write_entry(out: &mut Vec<u8>, facts: CheckedFacts<'_>, seal: &SealFields<'_>) {
    out.push(ENTRY_VERSION);
    out.extend_from_slice(&length(facts.0));
    out.extend_from_slice(facts.0);
    field(out, tags::RECEIVED.number, &seal.received.0.to_be_bytes());
    if let Some(revision) = seal.revision {
        field(out, tags::REVISION.number, &revision.0.to_be_bytes());
    }
    field(out, tags::FRAME_DIGEST.number, seal.frame_digest.as_bytes());
    field(out, tags::OFFSET.number, &seal.offset.to_be_bytes());
    field(out, tags::FRAME_SIZE.number, &seal.n.to_be_bytes());
    if seal.offset == 0 {
        field(out, tags::FRAME_HEADER.number, seal.frame.0);
        field(out, tags::SIGNATURES.number, seal.frame.1);
    }
}

fn field(out: &mut Vec<u8>, tag: u16, value: &[u8]) {
    out.extend_from_slice(&tag.to_be_bytes());
    out.extend_from_slice(&length(value));
    out.extend_from_slice(value);
}

/// Every value here is bounded far below a u16 by the parsers that admitted it.
fn length(value: &[u8]) -> [u8; 2] {
    debug_assert!(value.len() <= usize::from(u16::MAX), "admission bounds every field");
    u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes()
}
