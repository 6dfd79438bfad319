//! Names of principals: what the body of the entry that binds one says of it. The ids that decisions and answers need
//! again and again are remembered until a principal changes or any body is erased, so that a name is gone with its body.

use crate::domain::principal_ref;
use crate::ledger::error::ReadError;
use crate::ledger::{Bodies, Reader, StoredBody};
use crate::limits;
use deedbook_verify::principals::Principal;
use deedbook_verify::words::{Index, Ref};
use foldhash::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The id under which a principal is known, and its name, from the body of `principal.bound`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalName {
    /// The id that its ref was made of.
    pub id: String,
    /// How people call it.
    pub name: Option<String>,
}

/// What ids rest on: they are asked for anew when it is another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Basis {
    /// How often the principals changed.
    principals: u64,
    /// How many bodies were erased.
    erasures: u64,
}

/// An id; none: there is none to tell.
type Told = Option<Arc<str>>;

/// Ids that were read, and what they rest on.
#[derive(Debug, Default)]
pub(super) struct KnownIds(Mutex<(Basis, HashMap<Ref, Told>)>);

impl KnownIds {
    fn get(&self, basis: Basis, who: Ref) -> Option<Told> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0 != basis {
            *known = (basis, HashMap::default());
        }
        known.1.get(&who).cloned()
    }

    /// Remembers an id, unless what it rests on has changed while it was read.
    fn put(&self, basis: Basis, who: Ref, id: Told) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0 == basis && known.1.len() < limits::KNOWN_IDS_MAX {
            known.1.insert(who, id);
        }
    }
}

impl Reader {
    /// The id that somebody was bound under, where it is the one that their ref was made of: a body cannot give them
    /// another's. None where it is not known, was erased, or cannot be read: people see the ref then.
    pub(in crate::ledger) fn id_of(&self, who: Ref) -> Option<Arc<str>> {
        let published = self.shared.published();
        let principals = published.authority.principals();
        let basis = Basis { principals: principals.revision(), erasures: published.erasures };
        if let Some(known) = self.shared.ids.get(basis, who) {
            return known;
        }
        let principal = principals.get(who)?;
        // What cannot be read is not remembered: the next one tries again.
        let name = self.principal_name(principal).ok()?;
        let is_theirs = |id: &str| principal_ref(self.ref_key(), principal.kind, id).is_ok_and(|made| made == who);
        let id = name.map(|name| name.id).filter(|id| is_theirs(id)).map(Arc::from);
        self.shared.ids.put(basis, who, id.clone());
        id
    }

    /// What a principal is called; none for persons of genesis, for an erased body, and for one that says nothing.
    pub fn principal_name(&self, principal: &Principal) -> Result<Option<PrincipalName>, ReadError> {
        if principal.stated == Index(0) {
            return Ok(None);
        }
        match self.event(principal.stated, Bodies::With)?.body {
            StoredBody::Opened { body, .. } => Ok(read(&body)),
            StoredBody::None | StoredBody::Withheld | StoredBody::Erased { .. } => Ok(None),
        }
    }

    /// The same, by ref; none for a ref that nobody is bound to.
    pub fn name_of(&self, who: Ref) -> Result<Option<PrincipalName>, ReadError> {
        match self.authority().principals().get(who) {
            Some(principal) => self.principal_name(principal),
            None => Ok(None),
        }
    }
}

fn read(body: &[u8]) -> Option<PrincipalName> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = |name: &str| body.get(name)?.as_str().map(str::to_owned);
    Some(PrincipalName { id: text("id")?, name: text("name") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_says_the_id_and_perhaps_a_name() {
        let named = |id: &str, name: Option<&str>| Some(PrincipalName { id: id.into(), name: name.map(str::to_owned) });
        assert_eq!(read(br#"{"id":"ann","name":"Ann B."}"#), named("ann", Some("Ann B.")));
        assert_eq!(read(br#"{"id":"ann"}"#), named("ann", None));
        for nothing in [&b""[..], b"{}", b"[]", b"{\"id\":7}", b"\xff"] {
            assert_eq!(read(nothing), None);
        }
    }
}
