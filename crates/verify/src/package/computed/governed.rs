//! What several tests ask of authority: which policies changed at an entry, and who stood behind a change.

use crate::detail::{Detail, Step};
use crate::entry::Entry;
use crate::governance::Authority;
use crate::package::exam::Seen;
use crate::principals::Governors;
use crate::words::{Digest, Ref};
use std::sync::Arc;

/// Digests of the policy sets that programs of Deedbook were built with: in force where nobody published one. A test
/// holds the last one against the tree. Packages hold the texts of those that were asked, so whoever adds a digest keeps
/// the text of the one before.
pub const BUILT_IN_POLICIES: &[&str] = &["018d02b5acfdb8b4090ad93862724a62863d3196fda0fc3439d8e32d206f6360"];

/// The built-in set that an evaluation names. No entry published it, so that this alone says which one it was.
pub fn built_in_asked(entry: &Entry<'_>) -> Option<Digest> {
    let Detail::Step(step) = &entry.facts.detail else { return None };
    let Step::Evaluated { policy, .. } = &step.step else { return None };
    BUILT_IN_POLICIES.iter().filter_map(|known| Digest::from_hex(known)).find(|known| known == policy)
}

/// A policy set that came into force, or went, at an entry.
pub struct PolicyChange {
    /// The set.
    pub policy: Digest,
    /// Whether two administrators stand behind it.
    pub by_two: bool,
    /// Those who do, as far as it is kept.
    pub persons: Vec<Ref>,
}

/// Whether what takes effect at an entry needed two administrators, and had them: nobody broke the glass with it.
pub fn by_two(seen: &Seen<'_>) -> bool {
    seen.before.needs_two() && seen.before.broken_glass() == seen.after.broken_glass()
}

/// What changed at an entry.
pub fn policy_changes(seen: &Seen<'_>) -> Vec<PolicyChange> {
    let (before, after) = (seen.before.policies(), seen.after.policies());
    if Arc::ptr_eq(before, after) {
        return Vec::new();
    }
    let came = after.iter().filter(|(_, policy)| policy.from == seen.index).map(|(_, policy)| PolicyChange {
        policy: policy.policy,
        by_two: matches!(policy.published_by, Governors::Two(_)),
        persons: policy.published_by.persons().to_vec(),
    });
    let went = before.iter().filter(|(stream, _)| after.get(*stream).is_none()).map(|(_, policy)| PolicyChange {
        policy: policy.policy,
        by_two: by_two(seen),
        persons: Vec::new(),
    });
    came.chain(went).collect()
}

/// Whether a policy set is in force: published in some stream; or built in, where none is published.
pub fn is_in_force(authority: &Authority, policy: Digest) -> bool {
    let mut published = authority.policies().iter().peekable();
    match published.peek() {
        Some(_) => published.any(|(_, in_force)| in_force.policy == policy),
        None => BUILT_IN_POLICIES.iter().any(|known| Digest::from_hex(known) == Some(policy)),
    }
}
