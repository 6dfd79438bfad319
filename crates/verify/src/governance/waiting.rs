//! What waits for a second administrator: the command's own facts, who asked, and until when.

use crate::bytes::Malformed;
use crate::facts::Facts;
use crate::governance::Stated;
use crate::hash;
use crate::limits;
use crate::words::{Digest, Index, KeyId, Micros, Ref, SubjectId};

/// What a vote on a waiting command must name: both follow from the command's facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matter {
    /// SHA-256(0x00 ‖ facts): what an action digest is to an action.
    pub action: Digest,
    /// BLAKE3 of the facts: what a person is shown follows from them.
    pub presentation: Digest,
}

impl Matter {
    /// Of the command with these facts.
    pub fn of(facts: &[u8]) -> Matter {
        Matter { action: Digest(hash::leaf(facts).0), presentation: Digest(*blake3::hash(facts).as_bytes()) }
    }
}

/// A governing command that has no effect yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its request.
    pub request: SubjectId,
    /// The command's index.
    pub index: Index,
    /// The administrator who asked.
    pub asker: Ref,
    /// The key that they signed with.
    pub signer: KeyId,
    /// From when on it cannot take effect any more.
    pub expires: Micros,
    facts: Vec<u8>,
}

impl Waiting {
    pub(super) fn new(request: SubjectId, stated: &Stated<'_>, asker: Ref) -> Waiting {
        Waiting {
            request,
            index: stated.index,
            asker,
            signer: stated.signer,
            expires: Micros(stated.received.0.saturating_add(limits::GOVERNANCE_TTL_US)),
            facts: stated.facts.bytes.to_vec(),
        }
    }

    /// The command's facts, byte for byte.
    pub fn facts(&self) -> &[u8] {
        &self.facts
    }

    /// The command.
    pub fn command(&self) -> Result<Facts<'_>, Malformed> {
        Facts::parse(&self.facts)
    }

    /// What a vote on it must name.
    pub fn matter(&self) -> Matter {
        Matter::of(&self.facts)
    }

    /// Whether its time has passed; at `expires` it has.
    pub fn is_over(&self, now: Micros) -> bool {
        now >= self.expires
    }
}
