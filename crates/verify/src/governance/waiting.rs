//! What waits for a second administrator, or for the end of a silence: the command's own facts, who asked, until when.

use crate::bytes::Malformed;
use crate::facts::Facts;
use crate::governance::{Silence, Stated};
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
    /// What it takes to be carried out by its asker alone, where it is declared so.
    pub silence: Option<Silence>,
    silent: Vec<Ref>,
    facts: Vec<u8>,
}

impl Waiting {
    /// Of a command as it stands. One that waits for a silence may be carried out for as long behind its end as others
    /// may be agreed to.
    pub(super) fn new(request: SubjectId, stated: &Stated<'_>, asker: Ref, silence: Option<Silence>) -> Waiting {
        let from = silence.map_or(stated.received, |silence| silence.until);
        Waiting {
            request,
            index: stated.index,
            asker,
            signer: stated.signer,
            expires: Micros(from.0.saturating_add(limits::GOVERNANCE_TTL_US)),
            silence,
            silent: stated.facts.break_glass.iter().flat_map(|declared| declared.silent()).collect(),
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

    /// Whether it names somebody as silent.
    pub fn names_as_silent(&self, who: Ref) -> bool {
        self.silent.binary_search(&who).is_ok()
    }

    /// Those whom it names as silent, ascending.
    pub fn silent(&self) -> &[Ref] {
        &self.silent
    }

    pub(super) fn is_unbroken(&self) -> bool {
        self.silence.is_some_and(|silence| silence.broken_at.is_none())
    }

    pub(super) fn break_silence(&mut self, at: Index) {
        if let Some(silence) = &mut self.silence {
            silence.broken_at = silence.broken_at.or(Some(at));
        }
    }

    /// Whether its time has passed; at `expires` it has.
    pub fn is_over(&self, now: Micros) -> bool {
        now >= self.expires
    }
}
