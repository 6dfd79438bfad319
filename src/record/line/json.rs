//! Reading JSON without re-encoding it: an object becomes its members in order, each value still the text that stood
//! in the line. It knows no fact name; every error carries the path of the member that caused it.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

use super::LineError;

/// The members of an object in the order of the text, names decoded, values raw.
pub(crate) struct Members<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

/// Text; borrowed when it has no escapes.
#[derive(Deserialize)]
pub(crate) struct Name<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(Name(name)) = map.next_key::<Name<'de>>()? {
                    members.push((name, map.next_value::<&'de RawValue>()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// Reads a whole line or document as one object.
pub(crate) fn document(bytes: &[u8]) -> Result<Members<'_>, LineError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        LineError::whole(format!("byte {} is not UTF-8", error.valid_up_to()), "write the line as UTF-8")
    })?;
    let members: Members<'_> = serde_json::from_str(text).map_err(|error| {
        LineError::whole(format!("not one JSON object: {error}"), "check quotes, commas and braces")
    })?;
    members.without_repetition("")
}

/// Reads a value as an object.
pub(crate) fn object<'a>(raw: &'a RawValue, path: &str) -> Result<Members<'a>, LineError> {
    let members: Members<'a> =
        serde_json::from_str(raw.get()).map_err(|_| LineError::new(path, "is not an object", "write `{…}`"))?;
    members.without_repetition(path)
}

/// Reads a value as a list of at most `count_max` values.
pub(crate) fn list<'a>(raw: &'a RawValue, path: &str, count_max: usize) -> Result<Vec<&'a RawValue>, LineError> {
    let values: Vec<&'a RawValue> =
        serde_json::from_str(raw.get()).map_err(|_| LineError::new(path, "is not a list", "write `[…]`"))?;
    if values.len() > count_max {
        let problem = format!("holds {} elements, more than the limit of {count_max}", values.len());
        return Err(LineError::new(path, problem, "spread them over several events"));
    }
    Ok(values)
}

/// Reads a value as text.
pub(crate) fn text<'a>(raw: &'a RawValue, path: &str) -> Result<Cow<'a, str>, LineError> {
    let name: Result<Name<'a>, _> = serde_json::from_str(raw.get());
    name.map(|Name(text)| text).map_err(|_| LineError::new(path, "is not text", "write it in double quotes"))
}

/// Reads a value as a number without sign, fraction or exponent.
pub(crate) fn number(raw: &RawValue, path: &str) -> Result<u64, LineError> {
    raw.get()
        .parse()
        .map_err(|_| LineError::new(path, "is not a whole number below 2^64", "write digits only, without quotes"))
}

/// The path of a member inside an object.
pub(crate) fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

impl<'a> Members<'a> {
    /// Two members of one name leave open which one counts, so neither does.
    fn without_repetition(self, path: &str) -> Result<Members<'a>, LineError> {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_ref()).collect();
        names.sort_unstable();
        let twice = names.iter().zip(names.iter().skip(1)).find(|(one, next)| one == next);
        match twice {
            Some((name, _)) => Err(LineError::new(&below(path, name), "stands there twice", "keep one of the two")),
            None => Ok(self),
        }
    }

    /// The value of a member.
    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, raw)| *raw)
    }

    /// Refuses members that are not in `known`, naming the first.
    pub(crate) fn only(&self, path: &str, known: &[&str]) -> Result<(), LineError> {
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_ref())) {
            None => Ok(()),
            Some((name, _)) => {
                let remedy = format!("use one of: {}", known.join(", "));
                Err(LineError::new(&below(path, name), "is no known name", remedy))
            }
        }
    }

    /// The text of a member that must be there.
    pub(crate) fn required(&self, path: &str, name: &str) -> Result<Cow<'a, str>, LineError> {
        let path = below(path, name);
        let raw = self.get(name).ok_or_else(|| LineError::new(&path, "is missing", "add it"))?;
        text(raw, &path)
    }

    /// The text of a member that may be absent.
    pub(crate) fn optional(&self, path: &str, name: &str) -> Result<Option<Cow<'a, str>>, LineError> {
        self.get(name).map(|raw| text(raw, &below(path, name))).transpose()
    }
}
