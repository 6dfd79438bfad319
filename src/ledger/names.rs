//! Names of principals: what the body of the entry that binds one says of it. Read when it is asked for, so that a name
//! is gone with its body; no copy is kept.

use crate::ledger::error::ReadError;
use crate::ledger::{Bodies, Reader, StoredBody};
use deedbook_verify::principals::Principal;
use deedbook_verify::words::{Index, Ref};

/// The id under which a principal is known, and its name, from the body of `principal.bound`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalName {
    /// The id that its ref was made of.
    pub id: String,
    /// How people call it.
    pub name: Option<String>,
}

impl Reader {
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
