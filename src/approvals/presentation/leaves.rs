//! Takes JSON apart into its values, each with its path and exactly as it is written: numbers are not read, members
//! that occur twice are both there. It judges nothing.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Levels that are taken apart; what lies deeper is shown as it is written. Each level reads its text once more.
const DEPTH_MAX: usize = 16;

/// A value that holds no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The member of the outermost object that it stands in.
    pub member: String,
    /// Its path, such as `params.columns[0]`; names that are no plain words stand in quotes.
    pub path: String,
    /// As it is written.
    pub token: String,
}

/// The values of a JSON object, in its order; none: it is no JSON object.
pub fn leaves(text: &str) -> Option<Vec<Leaf>> {
    let Members(members) = serde_json::from_str(text).ok()?;
    let mut found = Vec::new();
    for (member, value) in members {
        walk(&member, word(&member), value, DEPTH_MAX, &mut found);
    }
    Some(found)
}

fn walk(member: &str, path: String, value: &RawValue, depth: usize, found: &mut Vec<Leaf>) {
    let text = value.get();
    let parts: Option<Vec<(String, &RawValue)>> = match text.bytes().next() {
        Some(b'{') if depth > 0 => serde_json::from_str(text).ok().map(|Members(members)| {
            members.into_iter().map(|(name, value)| (format!("{path}.{}", word(&name)), value)).collect()
        }),
        Some(b'[') if depth > 0 => serde_json::from_str(text).ok().map(|elements: Vec<&RawValue>| {
            elements.into_iter().enumerate().map(|(at, value)| (format!("{path}[{at}]"), value)).collect()
        }),
        Some(_) | None => None,
    };
    match parts {
        Some(parts) if !parts.is_empty() => {
            parts.into_iter().for_each(|(path, value)| walk(member, path, value, depth - 1, found));
        }
        Some(_) | None => found.push(Leaf { member: member.to_owned(), path, token: text.to_owned() }),
    }
}

/// A name as it stands in a path.
fn word(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
    if !name.is_empty() && name.chars().all(plain) { name.to_owned() } else { format!("{name:?}") }
}

/// The members of an object in their order, doubled ones included.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members<'de>, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<String, &RawValue>()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each)
    }
}
