//! Whose word counts for reviews, dispositions and reconciliations. Nobody is refused for stating one, so a reader asks
//! here. It knows nothing of what was reviewed.

use crate::detail::Roles;
use crate::facts::{ActorKind, Facts};
use crate::principals::Principals;
use crate::words::Ref;
use std::fmt;

/// Why a statement of oversight does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unvouched {
    /// It names no person as who says it.
    NoPerson,
    /// Another source than the person's own signed it.
    NotTheirs,
    /// The person is not bound.
    Unknown,
    /// The person is disabled.
    Disabled,
    /// The person has none of the roles administrator, reviewer and auditor.
    NoRole,
}

impl fmt::Display for Unvouched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unvouched::NoPerson => "no person says it",
            Unvouched::NotTheirs => "it is not signed by the person's own key",
            Unvouched::Unknown => "the person is not bound",
            Unvouched::Disabled => "the person is disabled",
            Unvouched::NoRole => "the person is no administrator, reviewer or auditor",
        })
    }
}

/// The person whose word it is, by the principals as they stand at the statement.
///
/// A person's ref is the source that their own keys sign for, so a frame of that source is signed by them.
pub fn vouched_by(principals: &Principals, facts: &Facts<'_>) -> Result<Ref, Unvouched> {
    let actor = facts.actor.filter(|actor| actor.kind == ActorKind::Human).ok_or(Unvouched::NoPerson)?;
    if facts.source != actor.who {
        return Err(Unvouched::NotTheirs);
    }
    let person = principals.get(actor.who).filter(|it| it.kind == ActorKind::Human).ok_or(Unvouched::Unknown)?;
    if !person.is_enabled() {
        return Err(Unvouched::Disabled);
    }
    let looks_after = Roles::ADMINISTRATOR.with(Roles::REVIEWER).with(Roles::AUDITOR);
    if person.roles.meets(looks_after) { Ok(actor.who) } else { Err(Unvouched::NoRole) }
}
