//! Builds and signs frames: what a producer sends, and what the ledger makes itself.

use crate::limits;
use crate::record::entropy::{self, EntropyError};
use crate::record::facts::FactsBuilder;
use crate::record::keys::SigningKey;
use bytes::Bytes;
use deedbook_verify::bytes::Malformed;
use deedbook_verify::frame::{FRAME_TYPE, SignerRole, pre_authentication_encoding};
use deedbook_verify::hash::{self, Salt};
use deedbook_verify::key::ED25519;
use deedbook_verify::tree::root_of;
use deedbook_verify::words::{Epoch, Hash, LedgerId, Ref, Sequence};
use thiserror::Error;

/// Why a frame cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BuildError {
    /// The facts are not what the format allows.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// A value is longer than its length field can say.
    #[error("field 0x{tag:04x} has {bytes} bytes; at most 65,535 are possible")]
    FieldTooLong {
        /// Its tag.
        tag: u16,
        /// Its length.
        bytes: usize,
    },
    /// There are no events, or more than a frame may hold.
    #[error("a frame holds 1 to {max} events, not {0}; split them", max = limits::FRAME_EVENTS_MAX)]
    Count(usize),
    /// Facts and bodies are more than a frame may hold.
    #[error("facts and bodies of a frame are {0} bytes, the limit is {max}; use smaller frames", max = limits::FRAME_BYTES_MAX)]
    TooLarge(usize),
    /// No randomness for salts.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// One event as it travels: facts, and what opens their commitment.
#[derive(Clone, Debug)]
pub struct EventBytes {
    /// The facts as signed.
    pub facts: Bytes,
    /// Salt and body, if the facts commit to one.
    pub salt_and_body: Option<(Salt, Bytes)>,
}

/// A signed frame as it travels. Nothing about it is checked.
#[derive(Clone, Debug)]
pub struct FrameBytes {
    /// The frame header.
    pub header: Bytes,
    /// The signature block.
    pub signatures: Bytes,
    /// The events, in order.
    pub events: Vec<EventBytes>,
}

impl FrameBytes {
    /// Bytes of facts and bodies together: what the frame limit counts.
    pub fn payload_bytes(&self) -> usize {
        let body = |event: &EventBytes| event.salt_and_body.as_ref().map_or(0, |(_, body)| body.len());
        self.events.iter().map(|event| event.facts.len() + body(event)).sum()
    }
}

/// Where in its source's numbering a frame stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Not numbered; evidence says so.
    Unsequenced,
    /// Numbered: the epoch and the first event's sequence.
    Sequenced {
        /// The epoch, from 1.
        epoch: Epoch,
        /// The first sequence, from 1.
        first: Sequence,
    },
}

impl Position {
    fn epoch(self) -> Epoch {
        match self {
            Position::Unsequenced => Epoch(0),
            Position::Sequenced { epoch, .. } => epoch,
        }
    }

    fn sequence(self, offset: usize) -> Sequence {
        match self {
            Position::Unsequenced => Sequence(0),
            Position::Sequenced { first, .. } => {
                Sequence(first.0.saturating_add(u64::try_from(offset).unwrap_or(u64::MAX)))
            }
        }
    }
}

/// Who signs frames, for which ledger, as which source.
#[derive(Clone, Copy, Debug)]
pub struct FrameSigner<'a> {
    /// The ledger that the frames are meant for.
    pub ledger: LedgerId,
    /// The source that they speak for.
    pub source: Ref,
    /// The key.
    pub key: &'a SigningKey,
}

impl FrameSigner<'_> {
    /// Builds and signs a frame as a producer.
    pub fn sign(&self, at: Position, events: Vec<FactsBuilder>) -> Result<FrameBytes, BuildError> {
        self.sign_as(&[(SignerRole::Source, self.key)], at, events)
    }

    /// Builds and signs a frame with given roles; the ledger's own frames need it.
    pub(crate) fn sign_as(
        &self,
        signers: &[(SignerRole, &SigningKey)],
        at: Position,
        events: Vec<FactsBuilder>,
    ) -> Result<FrameBytes, BuildError> {
        let count = events.len();
        let mut random = vec![0u8; 32 * count];
        entropy::fill(&mut random)?;
        let salts = random.chunks_exact(32).filter_map(|salt| salt.try_into().ok().map(Salt));
        self.sign_salted(signers, at, events.into_iter().zip(salts).collect())
    }

    /// Builds and signs a frame under given salts, which must be random and used once: worked examples need it.
    pub fn sign_salted(
        &self,
        signers: &[(SignerRole, &SigningKey)],
        at: Position,
        events: Vec<(FactsBuilder, Salt)>,
    ) -> Result<FrameBytes, BuildError> {
        let count = events.len();
        let n = u16::try_from(count).ok().filter(|n| (1..=limits::FRAME_EVENTS_MAX).contains(n));
        let n = n.ok_or(BuildError::Count(count))?;
        let mut encoded = Vec::with_capacity(count);
        for (offset, (builder, salt)) in events.into_iter().enumerate() {
            let facts = builder.encode(self.source, at.epoch(), at.sequence(offset), salt)?;
            encoded.push(EventBytes { facts: facts.facts, salt_and_body: facts.body });
        }
        let root = root_of(encoded.iter().map(|event| hash::leaf(&event.facts)));
        let header = self.header(signers, at, n, root);
        let signed = pre_authentication_encoding(FRAME_TYPE, &header);
        let mut block = vec![u8::try_from(signers.len()).unwrap_or(u8::MAX)];
        for (_, key) in signers {
            block.extend_from_slice(&ED25519.to_be_bytes());
            block.extend_from_slice(key.public().id().as_bytes());
            block.extend_from_slice(&64u16.to_be_bytes());
            block.extend_from_slice(&key.sign(&signed));
        }
        let frame = FrameBytes { header: header.into(), signatures: block.into(), events: encoded };
        match frame.payload_bytes() {
            bytes if bytes > limits::FRAME_BYTES_MAX => Err(BuildError::TooLarge(bytes)),
            _ => Ok(frame),
        }
    }

    fn header(&self, signers: &[(SignerRole, &SigningKey)], at: Position, n: u16, root: Hash) -> Vec<u8> {
        let mut header = Vec::with_capacity(256);
        header.extend_from_slice(self.ledger.as_bytes());
        header.extend_from_slice(self.source.as_bytes());
        header.extend_from_slice(&at.epoch().0.to_be_bytes());
        header.extend_from_slice(&at.sequence(0).0.to_be_bytes());
        header.extend_from_slice(&n.to_be_bytes());
        header.extend_from_slice(root.as_bytes());
        header.push(u8::try_from(signers.len()).unwrap_or(u8::MAX));
        for (role, key) in signers {
            header.push(role.number());
            header.extend_from_slice(&ED25519.to_be_bytes());
            header.extend_from_slice(key.public().id().as_bytes());
        }
        header
    }
}
