//! Frames: the signed unit of append. One signature admits up to 1,024 events and says, for each, who stated it,
//! in which ledger, epoch and sequence; a header copied elsewhere no longer matches what its signature covers.

use crate::bytes::{Defect, Malformed, Reader};
use crate::facts::Facts;
use crate::hash;
use crate::key::PublicKey;
use crate::limits;
use crate::plant::Bug;
use crate::words::{Epoch, Hash, KeyId, LedgerId, Ref, Sequence};
use std::fmt;

/// The DSSE payload type of frames.
pub const FRAME_TYPE: &str = "application/vnd.deedbook.frame.v1";

/// What a signer signs as. A signature given in one role is void in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignerRole {
    /// The producer that states the events.
    Source,
    /// The ledger's head key; in genesis only.
    Head,
    /// The ledger's sequencer key.
    Sequencer,
}

impl SignerRole {
    /// The byte on the wire.
    pub fn number(self) -> u8 {
        match self {
            SignerRole::Source => 1,
            SignerRole::Head => 2,
            SignerRole::Sequencer => 3,
        }
    }

    fn from_number(number: u8) -> Option<SignerRole> {
        match number {
            1 => Some(SignerRole::Source),
            2 => Some(SignerRole::Head),
            3 => Some(SignerRole::Sequencer),
            _ => None,
        }
    }
}

/// A signer that the header requires. 35 bytes on the wire: role, algorithm, key id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signer {
    /// As what.
    pub role: SignerRole,
    /// Signature algorithm; see `key::ED25519`.
    pub algorithm: u16,
    /// With which key.
    pub key_id: KeyId,
}

/// Wire width of a required signer.
pub const SIGNER_BYTES: usize = 35;

/// A frame header: what the signature covers, without the constant DSSE prefix.
#[derive(Clone, Copy, Debug)]
pub struct FrameHeader<'a> {
    /// The header as signed.
    pub bytes: &'a [u8],
    /// The ledger it is meant for.
    pub ledger: LedgerId,
    /// The source that states all of its events.
    pub source: Ref,
    /// The source's epoch, 0 when unsequenced.
    pub epoch: Epoch,
    /// Sequence of the first event, 0 when unsequenced.
    pub first_sequence: Sequence,
    /// Number of events, 1 to 1,024.
    pub n: u16,
    /// RFC 6962 root over the facts of its events.
    pub root: Hash,
    signers: &'a [u8],
}

impl<'a> FrameHeader<'a> {
    /// Parses ledger id ‖ source ‖ epoch u32 ‖ first sequence u64 ‖ n u16 ‖ root ‖ count u8 ‖ signers.
    pub fn parse(bytes: &'a [u8]) -> Result<FrameHeader<'a>, Malformed> {
        let mut reader = Reader::new(bytes);
        let header = FrameHeader {
            bytes,
            ledger: LedgerId(reader.array("frame ledger id")?),
            source: Ref(reader.array("frame source")?),
            epoch: Epoch(reader.u32("frame epoch")?),
            first_sequence: Sequence(reader.u64("frame first sequence")?),
            n: reader.u16("frame n")?,
            root: Hash(reader.array("frame root")?),
            signers: {
                let count = usize::from(reader.u8("frame signers")?);
                if count == 0 || count > limits::SIGNERS_MAX {
                    return Err(Malformed::new("frame signers", Defect::TooLarge(limits::SIGNERS_MAX)));
                }
                reader.take("frame signers", count * SIGNER_BYTES)?
            },
        };
        reader.finish("frame header")?;
        if header.n == 0 || header.n > limits::FRAME_EVENTS_MAX {
            return Err(Malformed::new("frame n", Defect::TooLarge(usize::from(limits::FRAME_EVENTS_MAX))));
        }
        if header.signers().count() * SIGNER_BYTES != header.signers.len() {
            return Err(Malformed::new("frame signers", Defect::Value));
        }
        if (header.epoch.0 == 0) != (header.first_sequence.0 == 0) {
            return Err(Malformed::new("frame first sequence", Defect::Value));
        }
        if header.first_sequence.0.checked_add(u64::from(header.n)).is_none() {
            return Err(Malformed::new("frame first sequence", Defect::Value));
        }
        Ok(header)
    }

    /// The required signers, in order.
    pub fn signers(&self) -> impl Iterator<Item = Signer> + use<'a> {
        self.signers.chunks_exact(SIGNER_BYTES).filter_map(|chunk| {
            let mut reader = Reader::new(chunk);
            Some(Signer {
                role: SignerRole::from_number(reader.u8("signer").ok()?)?,
                algorithm: reader.u16("signer").ok()?,
                key_id: KeyId(reader.array("signer").ok()?),
            })
        })
    }

    /// The only signer of an ordinary frame, or none when the header asks for several.
    pub fn sole_signer(&self) -> Option<Signer> {
        let mut signers = self.signers();
        match (signers.next(), signers.next()) {
            (Some(signer), None) => Some(signer),
            _ => None,
        }
    }

    /// The sequence that the event at `offset` must state.
    pub fn sequence_at(&self, offset: u16) -> Sequence {
        match self.epoch.0 {
            0 => Sequence(0),
            _ => Sequence(self.first_sequence.0.saturating_add(u64::from(offset))),
        }
    }

    /// Whether the facts at `offset` agree with this header.
    pub fn agrees(&self, offset: u16, facts: &Facts<'_>) -> Result<(), FrameRefusal> {
        if facts.source != self.source {
            return Err(FrameRefusal::SourceDiffers);
        }
        if facts.epoch != self.epoch {
            return Err(FrameRefusal::EpochDiffers);
        }
        if facts.sequence != self.sequence_at(offset) {
            return Err(FrameRefusal::SequenceDiffers);
        }
        Ok(())
    }
}

/// A signature block: count u8 ‖ (algorithm u16 ‖ key id ‖ length u16 ‖ signature)*.
#[derive(Clone, Copy, Debug)]
pub struct SignatureBlock<'a> {
    /// The block as received.
    pub bytes: &'a [u8],
}

/// One signature of a block.
#[derive(Clone, Copy, Debug)]
pub struct BlockSignature<'a> {
    /// Its algorithm.
    pub algorithm: u16,
    /// The key that made it.
    pub key_id: KeyId,
    /// Its bytes.
    pub bytes: &'a [u8],
}

impl<'a> SignatureBlock<'a> {
    /// Checks form and bounds of the whole block.
    pub fn parse(bytes: &'a [u8]) -> Result<SignatureBlock<'a>, Malformed> {
        let block = SignatureBlock { bytes };
        let mut reader = Reader::new(bytes);
        let count = usize::from(reader.u8("signatures")?);
        if count == 0 || count > limits::SIGNERS_MAX {
            return Err(Malformed::new("signatures", Defect::TooLarge(limits::SIGNERS_MAX)));
        }
        for _ in 0..count {
            block_signature(&mut reader)?;
        }
        reader.finish("signatures")?;
        Ok(block)
    }

    /// The signatures, in order.
    pub fn signatures(&self) -> impl Iterator<Item = BlockSignature<'a>> + use<'a> {
        let mut reader = Reader::new(self.bytes);
        let count = reader.u8("signatures").unwrap_or(0);
        (0..count).map_while(move |_| block_signature(&mut reader).ok())
    }
}

fn block_signature<'a>(reader: &mut Reader<'a>) -> Result<BlockSignature<'a>, Malformed> {
    let algorithm = reader.u16("signature algorithm")?;
    let key_id = KeyId(reader.array("signature key id")?);
    let length = usize::from(reader.u16("signature length")?);
    if length > limits::SIGNATURE_BYTES_MAX {
        return Err(Malformed::new("signature length", Defect::TooLarge(limits::SIGNATURE_BYTES_MAX)));
    }
    Ok(BlockSignature { algorithm, key_id, bytes: reader.take("signature", length)? })
}

/// The bytes that a signer signs: DSSE pre-authentication encoding, v1.
pub fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + payload_type.len() + 64);
    out.extend_from_slice(b"DSSEv1 ");
    push_part(&mut out, payload_type.as_bytes());
    out.push(b' ');
    push_part(&mut out, payload);
    out
}

/// Length in decimal, space, bytes.
fn push_part(out: &mut Vec<u8>, part: &[u8]) {
    let (start, mut rest) = (out.len(), part.len());
    loop {
        out.push(b'0' + u8::try_from(rest % 10).unwrap_or(0));
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
    out.push(b' ');
    out.extend_from_slice(part);
}

/// SHA-256 over signed bytes and signature block: what each seal says of its frame.
pub fn frame_digest(header: &FrameHeader<'_>, block: &SignatureBlock<'_>) -> Hash {
    hash::digest(&[&pre_authentication_encoding(FRAME_TYPE, header.bytes), block.bytes])
}

/// Checks every required signature of a frame; `key_of` knows the keys in force for it.
pub fn check_signatures<'k>(
    header: &FrameHeader<'_>,
    block: &SignatureBlock<'_>,
    key_of: impl Fn(Signer) -> Option<&'k PublicKey>,
) -> Result<(), FrameRefusal> {
    SignatureChecks::of(header, block, key_of)?.judge()
}

/// The arithmetic of a frame's signatures, which needs nothing of what stands before the frame and may be done on any
/// thread. That the signatures are those that the header requires, by keys in force, is decided already. The frame is
/// signed only if `judge` says so.
#[derive(Clone, Debug)]
#[must_use = "a frame whose signatures nobody judged is not signed"]
pub struct SignatureChecks {
    signed: Vec<u8>,
    by: Vec<(PublicKey, Vec<u8>)>,
}

impl SignatureChecks {
    /// Pairs each required signer with its key and its signature.
    pub fn of<'k>(
        header: &FrameHeader<'_>,
        block: &SignatureBlock<'_>,
        key_of: impl Fn(Signer) -> Option<&'k PublicKey>,
    ) -> Result<SignatureChecks, FrameRefusal> {
        let (mut signatures, mut by) = (block.signatures(), Vec::with_capacity(1));
        for signer in header.signers() {
            let Some(signature) = signatures.next() else { return Err(FrameRefusal::SignatureMissing) };
            if signature.key_id != signer.key_id || signature.algorithm != signer.algorithm {
                return Err(FrameRefusal::SignerDiffers);
            }
            let Some(key) = key_of(signer) else { return Err(FrameRefusal::KeyNotInForce(signer.key_id)) };
            if signer.algorithm != crate::key::ED25519 || key.id() != signer.key_id {
                return Err(FrameRefusal::SignerDiffers);
            }
            by.push((key.clone(), signature.bytes.to_vec()));
        }
        match signatures.next() {
            None => Ok(SignatureChecks { signed: pre_authentication_encoding(FRAME_TYPE, header.bytes), by }),
            Some(_) => Err(FrameRefusal::SignatureSurplus),
        }
    }

    /// Whether every signature verifies.
    pub fn judge(&self) -> Result<(), FrameRefusal> {
        let verifies = |(key, signature): &(PublicKey, Vec<u8>)| key.accepts(&self.signed, signature);
        if self.by.iter().all(verifies) || Bug::SignatureUnverified.planted() {
            Ok(())
        } else {
            Err(FrameRefusal::SignatureInvalid)
        }
    }
}

/// Why a well-formed frame is not what its signer said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameRefusal {
    /// It names another ledger.
    LedgerDiffers,
    /// Facts name another source than the header.
    SourceDiffers,
    /// Facts name another epoch than the header.
    EpochDiffers,
    /// Facts state another sequence than their place gives them.
    SequenceDiffers,
    /// The facts do not hash to the header's root.
    RootDiffers,
    /// The number of events is not the header's n.
    CountDiffers,
    /// A required signer has no signature.
    SignatureMissing,
    /// There are more signatures than required signers.
    SignatureSurplus,
    /// A signature is by another key or algorithm than the header requires.
    SignerDiffers,
    /// The signer has the wrong role for these events.
    RoleDiffers,
    /// The key was not in force for this source at the frame's first index.
    KeyNotInForce(KeyId),
    /// A signature does not verify.
    SignatureInvalid,
    /// An author signs a kind that others author.
    AuthorDiffers,
    /// A command, or a gap, shares its frame with other events.
    NotAlone,
}

impl fmt::Display for FrameRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            FrameRefusal::LedgerDiffers => "the frame names another ledger",
            FrameRefusal::SourceDiffers => "facts and frame name different sources",
            FrameRefusal::EpochDiffers => "facts and frame name different epochs",
            FrameRefusal::SequenceDiffers => "facts state a sequence that is not their place in the frame",
            FrameRefusal::RootDiffers => "the facts do not hash to the frame's root",
            FrameRefusal::CountDiffers => "the number of events is not the frame's n",
            FrameRefusal::SignatureMissing => "a required signature is missing",
            FrameRefusal::SignatureSurplus => "there are more signatures than required signers",
            FrameRefusal::SignerDiffers => "a signature is by another key than the frame requires",
            FrameRefusal::RoleDiffers => "the signer's role does not fit these events",
            FrameRefusal::KeyNotInForce(id) => {
                return write!(f, "key {id} was not in force for this source at the frame's first index");
            }
            FrameRefusal::SignatureInvalid => "a signature does not verify",
            FrameRefusal::AuthorDiffers => "this kind may not be authored by this signer",
            FrameRefusal::NotAlone => "a command or gap must stand alone in its frame",
        };
        f.write_str(text)
    }
}

impl std::error::Error for FrameRefusal {}
