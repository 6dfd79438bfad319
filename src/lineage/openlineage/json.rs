//! JSON taken apart without being understood: a value stays the text that it is until somebody asks for its members. It
//! goes only as deep as it is asked, so that no facet can make it recurse.

use crate::record::line::json::{self, Name};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The members of an object in the order of the text. One that stands twice is no error here: events are what they are.
pub(super) struct Members<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// The value of a member that is there and not null; of several with one name the first.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        let member = self.0.iter().find(|(known, _)| known == name);
        member.map(|(_, raw)| *raw).filter(|raw| raw.get() != "null")
    }

    /// The text of a member.
    pub fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        text(self.get(name)?)
    }

    /// A facet that was not deleted, of those in the member `facets`.
    pub fn facet(&self, name: &str) -> Option<Members<'a>> {
        let facet = object(object(self.get("facets")?)?.get(name)?)?;
        let deleted = facet.get("_deleted").is_some_and(|raw| raw.get() == "true");
        (!deleted).then_some(facet)
    }
}

/// A value as an object.
pub(super) fn object(raw: &RawValue) -> Option<Members<'_>> {
    serde_json::from_str(raw.get()).ok().map(|json::Members(members)| Members(members))
}

/// A whole document as an object.
pub(super) fn document(bytes: &[u8]) -> Option<Members<'_>> {
    serde_json::from_slice(bytes).ok().map(|json::Members(members)| Members(members))
}

/// A value as a list.
pub(super) fn list(raw: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(raw.get()).ok()
}

/// A value as text.
pub(super) fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Name<'_>>(raw.get()).ok().map(|Name(text)| text)
}
