//! Entries: the Merkle leaves. Entry = version u8 ‖ facts length u16 ‖ facts ‖ seal; the seal is the ledger's half.

use crate::bytes::{Defect, Fields, LengthWidth, Malformed, Reader};
use crate::facts::Facts;
use crate::frame::{FrameHeader, SignatureBlock, frame_digest};
use crate::hash;
use crate::limits;
use crate::tags;
use crate::words::{Hash, Micros, Revision};

/// The entry version that this program reads.
pub const ENTRY_VERSION: u8 = 0x01;

/// What the ledger adds to facts.
#[derive(Clone, Copy, Debug)]
pub struct Seal<'a> {
    /// Server time; never decreases along the log.
    pub received: Micros,
    /// Place in the stream, present exactly when facts name a stream.
    pub revision: Option<Revision>,
    /// SHA-256 over signed bytes and signature block of the frame.
    pub frame_digest: Hash,
    /// Place in the frame, from 0.
    pub offset: u16,
    /// Number of events in the frame.
    pub n: u16,
    /// Header and signatures, carried by offset 0 alone.
    pub frame: Option<SealedFrame<'a>>,
}

/// The frame that offset 0 carries for all.
#[derive(Clone, Copy, Debug)]
pub struct SealedFrame<'a> {
    /// What was signed.
    pub header: FrameHeader<'a>,
    /// By whom.
    pub block: SignatureBlock<'a>,
}

impl<'a> SealedFrame<'a> {
    /// Parses both halves.
    pub fn parse(header: &'a [u8], block: &'a [u8]) -> Result<SealedFrame<'a>, Malformed> {
        Ok(SealedFrame { header: FrameHeader::parse(header)?, block: SignatureBlock::parse(block)? })
    }

    /// What the seals of this frame's entries must carry.
    pub fn digest(&self) -> Hash {
        frame_digest(&self.header, &self.block)
    }
}

impl<'a> Seal<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Seal<'a>, Malformed> {
        let mut fields = Fields::new("seal", LengthWidth::U16, bytes);
        let received = Micros(u64::from_be_bytes(fields.required_array(tags::RECEIVED)?));
        let revision = fields.optional_array(tags::REVISION)?.map(|bytes| Revision(u64::from_be_bytes(bytes)));
        let frame_digest = Hash(fields.required_array(tags::FRAME_DIGEST)?);
        let offset = u16::from_be_bytes(fields.required_array(tags::OFFSET)?);
        let n = u16::from_be_bytes(fields.required_array(tags::FRAME_SIZE)?);
        let header = fields.optional(tags::FRAME_HEADER)?;
        let block = fields.optional(tags::SIGNATURES)?;
        fields.finish()?;
        let frame = match (offset, header, block) {
            (0, Some(header), Some(block)) => Some(SealedFrame::parse(header, block)?),
            (0, _, _) => return Err(Malformed::new("frame_header", Defect::Missing)),
            (_, None, None) => None,
            (_, _, _) => return Err(Malformed::new("frame_header", Defect::Value)),
        };
        if offset >= n {
            return Err(Malformed::new("offset", Defect::Value));
        }
        if let Some(frame) = &frame
            && (frame.digest() != frame_digest || frame.header.n != n)
        {
            return Err(Malformed::new("frame_digest", Defect::Value));
        }
        Ok(Seal { received, revision, frame_digest, offset, n, frame })
    }
}

/// A parsed entry. Its form is right; whether its ledger should hold it is `replay`'s question.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The leaf's bytes.
    pub bytes: &'a [u8],
    /// The producer's half.
    pub facts: Facts<'a>,
    /// The ledger's half.
    pub seal: Seal<'a>,
}

impl<'a> Entry<'a> {
    /// Parses an entry, and checks that the seal agrees with the facts and with the frame that it carries.
    pub fn parse(bytes: &'a [u8]) -> Result<Entry<'a>, Malformed> {
        if bytes.len() > limits::ENTRY_BYTES_MAX {
            return Err(Malformed::new("entry", Defect::TooLarge(limits::ENTRY_BYTES_MAX)));
        }
        let mut reader = Reader::new(bytes);
        if reader.u8("entry version")? != ENTRY_VERSION {
            return Err(Malformed::new("entry version", Defect::Value));
        }
        let length = usize::from(reader.u16("facts length")?);
        let facts = Facts::parse(reader.take("facts", length)?)?;
        let seal = Seal::parse(reader.rest())?;
        if facts.stream.is_some() != seal.revision.is_some() || seal.revision == Some(Revision(0)) {
            return Err(Malformed::new("revision", Defect::Value));
        }
        Ok(Entry { bytes, facts, seal })
    }

    /// The Merkle leaf hash.
    pub fn leaf(&self) -> Hash {
        hash::leaf(self.bytes)
    }
}
