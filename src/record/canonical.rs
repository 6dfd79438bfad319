//! JSON that has one form: what is hashed, compared or recorded as JSON is read into `Json`, which knows no fractions,
//! and written by RFC 8785 (JCS). Bodies of others are not read with it: they stay opaque bytes.

use crate::limits::JSON_DEPTH_MAX;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

/// A whole number that every JSON implementation reads alike: within ±(2^53 - 1), as RFC 7493 (2.2) asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Whole(i64);

impl Whole {
    const MAX: i64 = (1 << 53) - 1;

    /// Accepts what is within the bounds.
    pub fn new(number: i64) -> Option<Whole> {
        (-Whole::MAX..=Whole::MAX).contains(&number).then_some(Whole(number))
    }

    /// The number.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl From<u32> for Whole {
    fn from(number: u32) -> Whole {
        Whole(i64::from(number))
    }
}

/// A JSON value without fractions, and without a name twice in one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A number.
    Number(Whole),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(BTreeMap<String, Json>),
}

/// Why JSON is not accepted: the member's path, what is wrong with it, what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}; {remedy}", if .field.is_empty() { String::new() } else { format!("`{field}` ") })]
pub struct JsonError {
    /// The member's path, such as `agent.key`; empty when the document as a whole is wrong.
    pub field: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

impl JsonError {
    /// An error about one member, or about the document where `field` is empty.
    pub fn new(field: &str, problem: impl Into<String>, remedy: impl Into<String>) -> JsonError {
        JsonError { field: field.to_owned(), problem: problem.into(), remedy: remedy.into() }
    }
}

impl Json {
    /// Reads a document of at most `bytes_max` bytes and `JSON_DEPTH_MAX` levels. Fractions, exponents, numbers beyond
    /// ±(2^53 - 1) and repeated names are refused, because not every reader agrees on what they mean.
    pub fn parse(bytes: &[u8], bytes_max: usize) -> Result<Json, JsonError> {
        if bytes.len() > bytes_max {
            let problem = format!("the JSON has {} bytes, more than the limit of {bytes_max}", bytes.len());
            return Err(JsonError::new("", problem, "keep large content elsewhere, and its digest here"));
        }
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let parsed = Level { depth_left: JSON_DEPTH_MAX }.deserialize(&mut deserializer);
        parsed.and_then(|json| deserializer.end().map(|()| json)).map_err(|error| {
            JsonError::new("", format!("not JSON that can be hashed: {error}"), "mend it at the place that is named")
        })
    }

    /// Reads a document that must stand in its one form already.
    pub fn parse_canonical(bytes: &[u8], bytes_max: usize) -> Result<Json, JsonError> {
        let json = Json::parse(bytes, bytes_max)?;
        if json.to_bytes() == bytes {
            return Ok(json);
        }
        let remedy = "order names, leave spaces out and escape as RFC 8785 says";
        Err(JsonError::new("", "the JSON does not stand in its canonical form", remedy))
    }

    /// The one form: RFC 8785.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = String::new();
        write(self, &mut out);
        out.into_bytes()
    }

    /// An object of these members; of two of one name the last counts.
    pub fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
        Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The object with one more member, if there is a value for it; what is no object stays as it is.
    #[must_use]
    pub fn with(mut self, name: &str, value: Option<Json>) -> Json {
        if let (Json::Object(members), Some(value)) = (&mut self, value) {
            members.insert(name.to_owned(), value);
        }
        self
    }

    /// A list of texts.
    pub fn texts<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Json {
        Json::List(texts.into_iter().map(|text| Json::Text(text.as_ref().to_owned())).collect())
    }

    /// A text.
    pub fn text(text: impl Into<String>) -> Json {
        Json::Text(text.into())
    }
}

/// Nesting is bounded when values are read, so recursion is too.
fn write(json: &Json, out: &mut String) {
    match json {
        Json::Null => out.push_str("null"),
        Json::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Json::Number(Whole(number)) => out.push_str(&number.to_string()),
        Json::Text(text) => write_text(text, out),
        Json::List(values) => {
            out.push('[');
            for (position, value) in values.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                write(value, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            // RFC 8785 (3.2.3) orders by UTF-16 units, which differs from the order of UTF-8 beyond U+FFFF.
            let mut members: Vec<(&String, &Json)> = members.iter().collect();
            members.sort_by(|(one, _), (two, _)| one.encode_utf16().cmp(two.encode_utf16()));
            out.push('{');
            for (position, (name, value)) in members.into_iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                write_text(name, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

/// RFC 8785 (3.2.2.2): the two-character escapes where they exist, `\u00xx` for other control characters, no other.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// Reads one value and counts the levels that may still open below it.
#[derive(Clone, Copy)]
struct Level {
    depth_left: usize,
}

impl Level {
    fn below<E: serde::de::Error>(self) -> Result<Level, E> {
        let deeper = self.depth_left.checked_sub(1);
        let too_deep = || E::custom(format!("nested more than {JSON_DEPTH_MAX} levels deep"));
        deeper.map(|depth_left| Level { depth_left }).ok_or_else(too_deep)
    }
}

fn number<E: serde::de::Error>(number: Option<i64>) -> Result<Json, E> {
    let outside = || E::custom("a number beyond 2^53 - 1; write it as text");
    number.and_then(Whole::new).map(Json::Number).ok_or_else(outside)
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Json;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, flag: bool) -> Result<Json, E> {
        Ok(Json::Flag(flag))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Json, E> {
        number(Some(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Json, E> {
        number(i64::try_from(value).ok())
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Json, E> {
        Err(E::custom("a number with a fraction or exponent, or too large; write it as text"))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Json, A::Error> {
        let below = self.below()?;
        let mut list = Vec::new();
        while let Some(value) = values.next_element_seed(below)? {
            list.push(value);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let below = self.below()?;
        let mut members = BTreeMap::new();
        while let Some(name) = map.next_key::<Name>()? {
            match members.entry(name.0) {
                Entry::Occupied(known) => {
                    return Err(A::Error::custom(format!("the name {:?} stands there twice", known.key())));
                }
                Entry::Vacant(place) => {
                    place.insert(map.next_value_seed(below)?);
                }
            }
        }
        Ok(Json::Object(members))
    }
}

#[derive(Deserialize)]
struct Name(String);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Flag),
            any::<i64>().prop_map(|number| Json::Number(Whole(number % (Whole::MAX + 1)))),
            any::<String>().prop_map(Json::Text),
        ];
        leaf.prop_recursive(6, 48, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Json::List),
                prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(Json::Object),
            ]
        })
    }

    fn as_value(json: &Json) -> serde_json::Value {
        serde_json::from_slice(&json.to_bytes()).expect("what is written is JSON")
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_form_is_that_of_another_implementation(json in any_json()) {
            let theirs = serde_json_canonicalizer::to_vec(&as_value(&json)).unwrap();
            prop_assert_eq!(String::from_utf8(json.to_bytes()).unwrap(), String::from_utf8(theirs).unwrap());
        }

        #[test]
        fn what_is_written_reads_back_to_the_same(json in any_json()) {
            let bytes = json.to_bytes();
            prop_assert_eq!(Json::parse_canonical(&bytes, bytes.len()), Ok(json));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(json) = Json::parse(&bytes, 64) {
                prop_assert_eq!(Json::parse_canonical(&json.to_bytes(), 1 << 16), Ok(json));
            }
        }
    }

    #[test]
    fn order_is_that_of_utf16() {
        // RFC 8785, 3.2.3: U+FB33 stands behind U+1F600, whose first unit is D83D.
        let text = "{\"\u{fb33}\":1,\"\u{1f600}\":2,\"\u{20ac}\":3,\"\\r\":4}";
        let json = Json::parse(text.as_bytes(), 100).unwrap();
        let expected = "{\"\\r\":4,\"\u{20ac}\":3,\"\u{1f600}\":2,\"\u{fb33}\":1}";
        assert_eq!(String::from_utf8(json.to_bytes()).unwrap(), expected);
    }

    #[test]
    fn what_readers_disagree_on_is_refused() {
        let refused = |text: &str, why: &str| {
            let error = Json::parse(text.as_bytes(), 1_000).expect_err(text).to_string();
            assert!(error.contains(why), "{text}: {error}");
        };
        for number in ["1.0", "0.5", "1e2", "-0", "-0.0", "18446744073709551616", "1e400"] {
            refused(&format!("{{\"n\":{number}}}"), "number");
        }
        refused("9007199254740992", "2^53");
        refused("-9007199254740992", "2^53");
        assert_eq!(Json::parse(b"9007199254740991", 100), Ok(Json::Number(Whole(Whole::MAX))));
        refused("{\"a\":1,\"\\u0061\":2}", "twice");
        refused("{} {}", "trailing");
        refused("\"\\ud800\"", "hex escape");
        refused(&"[".repeat(JSON_DEPTH_MAX + 2), "levels deep");
        refused(&"x".repeat(1_001), "1000");
        let deepest = format!("{}{}", "[".repeat(JSON_DEPTH_MAX), "]".repeat(JSON_DEPTH_MAX));
        assert!(Json::parse(deepest.as_bytes(), 1_000).is_ok());
    }
}
