//! Which policy set is in force in which stream, as folded from commands. What a policy says is not known here.

use crate::principals::Governors;
use crate::words::{Digest, Index, Ref};
use std::collections::BTreeMap;

/// A policy set in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedPolicy {
    /// BLAKE3 of the body that published it.
    pub policy: Digest,
    /// The entry that holds that body.
    pub stated: Index,
    /// The entry by which it is in force: the same, or the vote by which a second administrator agreed.
    pub from: Index,
    /// Who published it.
    pub published_by: Governors,
}

/// The policy sets in force, by stream.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    by_stream: BTreeMap<Ref, PublishedPolicy>,
    revision: u64,
}

impl Policies {
    /// The policy set of a stream, if one is in force.
    pub fn get(&self, stream: Ref) -> Option<&PublishedPolicy> {
        self.by_stream.get(&stream)
    }

    /// All of them, by stream.
    pub fn iter(&self) -> impl Iterator<Item = (Ref, &PublishedPolicy)> {
        self.by_stream.iter().map(|(stream, policy)| (*stream, policy))
    }

    /// How many changes were folded: two states of one ledger are the same if their revisions are.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn publish(&mut self, stream: Ref, policy: PublishedPolicy) {
        self.by_stream.insert(stream, policy);
        self.revision = self.revision.saturating_add(1);
    }

    pub(super) fn retire(&mut self, stream: Ref) {
        self.by_stream.remove(&stream);
        self.revision = self.revision.saturating_add(1);
    }
}
