//! Votes: what a person signs when they decide, and the evidence that it was they. Whether a vote counts is decided
//! elsewhere.

use crate::bytes::{Defect, Malformed, Reader};
use crate::facts::byte_codes;
use crate::limits;
use crate::words::{Digest, KeyId, LedgerId, Micros, Revision, SubjectId};

/// What a vote digest is prefixed with, its zero byte included.
pub const VOTE_CONTEXT: &[u8] = b"deedbook.vote/1\0";

byte_codes! {
    /// What a person decided.
    Decision { Approve = 1, "approve"; Deny = 2, "deny"; Abstain = 3, "abstain"; }
}
byte_codes! {
    /// How strongly a vote is bound to the person, weakest first.
    EvidenceLevel { Operator = 1, "operator"; Idp = 2, "idp"; Reviewer = 3, "reviewer"; }
}

impl PartialOrd for EvidenceLevel {
    fn partial_cmp(&self, other: &EvidenceLevel) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EvidenceLevel {
    fn cmp(&self, other: &EvidenceLevel) -> std::cmp::Ordering {
        self.number().cmp(&other.number())
    }
}

/// Everything that a vote binds. Its digest is what the person signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// The ledger that the request stands in.
    pub ledger: LedgerId,
    /// The request.
    pub request: SubjectId,
    /// The revision of the request's stream that the person saw; 0 for a governance request.
    pub revision: Revision,
    /// The action.
    pub action: Digest,
    /// What the approval needs.
    pub requirement: Digest,
    /// What the person was shown.
    pub presentation: Digest,
    /// What they decided.
    pub decision: Decision,
    /// Until when the vote may be taken.
    pub valid_until: Micros,
}

impl Ballot {
    /// BLAKE3 over `deedbook.vote/1` ‖ 0x00 ‖ ledger id ‖ request ‖ revision u64 ‖ action, requirement and presentation
    /// digests ‖ decision u8 ‖ valid-until u64.
    pub fn digest(&self) -> Digest {
        let mut hasher = blake3::Hasher::new();
        hasher.update(VOTE_CONTEXT);
        hasher.update(&self.ledger.0);
        hasher.update(&self.request.0);
        hasher.update(&self.revision.0.to_be_bytes());
        for digest in [&self.action, &self.requirement, &self.presentation] {
            hasher.update(&digest.0);
        }
        hasher.update(&[self.decision.number()]);
        hasher.update(&self.valid_until.0.to_be_bytes());
        Digest(*hasher.finalize().as_bytes())
    }
}

/// What a vote rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence<'a> {
    /// The relaying service says so.
    Operator,
    /// An identity provider's token, which is the vote's body.
    Idp,
    /// The person's own signature over the vote digest.
    Reviewer(ReviewerSignature<'a>),
}

/// A person's signature over a vote digest: algorithm u16 ‖ key id ‖ length u16 ‖ signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReviewerSignature<'a> {
    /// Its algorithm; see `key::ED25519`.
    pub algorithm: u16,
    /// The key that made it.
    pub key_id: KeyId,
    /// Its bytes.
    pub bytes: &'a [u8],
}

impl<'a> Evidence<'a> {
    /// Reads level u8 and, for a reviewer's signature, the signature. One piece of evidence has one form.
    pub fn parse(bytes: &'a [u8]) -> Result<Evidence<'a>, Malformed> {
        let what = "evidence";
        let mut reader = Reader::new(bytes);
        let level = EvidenceLevel::from_number(reader.u8(what)?).ok_or(Malformed::new(what, Defect::Value))?;
        let evidence = match level {
            EvidenceLevel::Operator => Evidence::Operator,
            EvidenceLevel::Idp => Evidence::Idp,
            EvidenceLevel::Reviewer => {
                let algorithm = reader.u16(what)?;
                let key_id = KeyId(reader.array(what)?);
                let length = usize::from(reader.u16(what)?);
                if length > limits::SIGNATURE_BYTES_MAX {
                    return Err(Malformed::new(what, Defect::TooLarge(limits::SIGNATURE_BYTES_MAX)));
                }
                Evidence::Reviewer(ReviewerSignature { algorithm, key_id, bytes: reader.take(what, length)? })
            }
        };
        reader.finish(what)?;
        Ok(evidence)
    }

    /// The wire bytes. What is longer than `SIGNATURE_BYTES_MAX` does not parse.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![self.level().number()];
        if let Evidence::Reviewer(signature) = self {
            out.extend(signature.algorithm.to_be_bytes());
            out.extend(signature.key_id.0);
            out.extend(u16::try_from(signature.bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
            out.extend(signature.bytes);
        }
        out
    }

    /// Its level.
    pub fn level(&self) -> EvidenceLevel {
        match self {
            Evidence::Operator => EvidenceLevel::Operator,
            Evidence::Idp => EvidenceLevel::Idp,
            Evidence::Reviewer(_) => EvidenceLevel::Reviewer,
        }
    }
}
