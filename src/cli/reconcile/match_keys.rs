//! Keys of both sides, and which stand on one side alone. It reads no file and asks no server.

use crate::api::proto;
use crate::cli::errors::Failure;
use crate::domain::StreamName;
use crate::record::line::json;
use deedbook_verify::detail::Window;
use deedbook_verify::entry::Entry;
use deedbook_verify::hash::RefKey;
use deedbook_verify::kind::{Author, Kind};
use deedbook_verify::words::Micros;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::fmt;

/// What a key is on our side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// The event's id, in hex.
    EventId,
    /// The stream that the event is about; the list names it as class/name.
    Stream,
    /// A member of the event's body, which is a JSON object.
    Body(String),
}

/// Reads the flag.
pub fn by(text: &str) -> Result<By, String> {
    match text.split_once(':') {
        None if text == "event-id" => Ok(By::EventId),
        None if text == "stream" => Ok(By::Stream),
        Some(("body", member)) if !member.is_empty() => Ok(By::Body(member.to_owned())),
        _ => Err("use event-id, stream or body:MEMBER".to_owned()),
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            By::EventId => f.write_str("event-id"),
            By::Stream => f.write_str("stream"),
            By::Body(member) => write!(f, "body:{member}"),
        }
    }
}

impl By {
    /// Whether bodies must be read.
    pub fn reads_bodies(&self) -> bool {
        matches!(self, By::Body(_))
    }

    /// A key of the list as it is compared: ids and refs in lower-case hex, members of bodies as they stand.
    pub fn outside_key(&self, text: &str, refs: &RefKey) -> Result<Vec<u8>, String> {
        if text.is_empty() || text.contains('\n') {
            return Err("a key is empty, or has a line feed".to_owned());
        }
        match self {
            By::EventId => Ok(text.to_ascii_lowercase().into_bytes()),
            By::Body(_) => Ok(text.as_bytes().to_vec()),
            By::Stream => {
                let stream = StreamName::parse(text).and_then(|name| name.to_ref(refs));
                stream.map(|stream| stream.to_string().into_bytes()).map_err(|error| format!("`{text}`: {error}"))
            }
        }
    }
}

/// The keys of one side.
#[derive(Debug, Default)]
pub struct Side {
    /// Each key, and whether something with it lies in the period itself.
    keys: BTreeMap<Vec<u8>, bool>,
    /// Rows with a key that was there before.
    pub repeated: u64,
    /// Events in the period whose key could not be read.
    pub unread: u64,
}

impl Side {
    /// Takes a key at a time; what lies beyond the tolerance is left out.
    pub fn take(&mut self, key: Vec<u8>, time: Micros, (window, around): (Window, Window)) {
        if !around.holds(time) {
            return;
        }
        match self.keys.entry(key) {
            Slot::Vacant(slot) => drop(slot.insert(window.holds(time))),
            Slot::Occupied(mut slot) => {
                self.repeated = self.repeated.saturating_add(1);
                *slot.get_mut() |= window.holds(time);
            }
        }
    }

    /// How many keys lie in the period.
    pub fn counted(&self) -> u64 {
        u64::try_from(self.keys.values().filter(|inside| **inside).count()).unwrap_or(u64::MAX)
    }

    /// The keys in the period that the other side does not have, not even around it.
    pub fn missing_in<'a>(&'a self, other: &Side) -> Vec<&'a [u8]> {
        let missing = self.keys.iter().filter(|(key, inside)| **inside && !other.keys.contains_key(*key));
        missing.map(|(key, _)| key.as_slice()).collect()
    }
}

/// The differences as FORMAT.md writes them: a line each, ascending by bytes.
pub fn difference_lines(only_here: &[&[u8]], only_there: &[&[u8]]) -> Vec<u8> {
    // `+` is below `-`; keys come ascending.
    let lines = only_there.iter().map(|key| (b'+', key)).chain(only_here.iter().map(|key| (b'-', key)));
    let mut out = Vec::new();
    for (sign, key) in lines {
        out.push(sign);
        out.extend_from_slice(key);
        out.push(b'\n');
    }
    out
}

/// Whether an event of a kind is of what a source saw, not of the source itself.
fn is_seen(kind: Kind) -> bool {
    let of_itself = matches!(
        kind,
        Kind::SourceOpened
            | Kind::SourceHeartbeat
            | Kind::SourceGap
            | Kind::SourceClosed
            | Kind::ReviewCompleted
            | Kind::ExceptionDisposed
            | Kind::ReconciliationCompleted
    );
    kind.author() == Author::Witness && !of_itself
}

/// One of our events as it is compared.
pub struct Own {
    /// Its key; none: it cannot be read.
    pub key: Option<Vec<u8>>,
    /// When it happened.
    pub time: Micros,
}

/// One of our events; none: it is not compared.
pub fn own(event: &proto::StoredEvent, by: &By, only: Option<Kind>) -> Result<Option<Own>, Failure> {
    let facts = Entry::parse(&event.entry)?.facts;
    if !only.map_or(is_seen(facts.kind), |only| facts.kind == only) {
        return Ok(None);
    }
    let key = match by {
        By::EventId => Some(facts.event_id.to_string().into_bytes()),
        By::Stream => facts.stream.map(|stream| stream.to_string().into_bytes()),
        By::Body(member) => member_of(&event.body, member),
    };
    Ok(Some(Own { key, time: facts.occurred }))
}

/// A member of a JSON object as it is compared: text without its quotes, everything else as it is written.
fn member_of(body: &[u8], member: &str) -> Option<Vec<u8>> {
    let members = json::document(body).ok()?;
    let raw = members.get(member)?;
    let text = json::text(raw, member).map_or_else(|_| raw.get().to_owned(), |text| text.into_owned());
    (!text.is_empty() && !text.contains('\n')).then(|| text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: u64, until: u64) -> Window {
        Window { from: Micros(from), until: Micros(until) }
    }

    fn side(rows: &[(&str, u64)]) -> Side {
        let mut side = Side::default();
        rows.iter().for_each(|(key, at)| {
            side.take(key.as_bytes().to_vec(), Micros(*at), (window(100, 200), window(90, 210)));
        });
        side
    }

    #[test]
    fn a_key_near_the_edge_is_found_on_the_other_side_and_not_counted_twice() {
        let here = side(&[("a", 100), ("b", 199), ("c", 205), ("d", 150), ("d", 160), ("far", 300)]);
        let there = side(&[("a", 95), ("b", 201), ("c", 199), ("e", 150)]);
        assert_eq!((here.counted(), there.counted(), here.repeated), (3, 2, 1));
        let (only_here, only_there) = (here.missing_in(&there), there.missing_in(&here));
        assert_eq!(
            (only_here.as_slice(), only_there.as_slice()),
            ([b"d".as_slice()].as_slice(), [b"e".as_slice()].as_slice())
        );
        assert_eq!(difference_lines(&only_here, &only_there), b"+e\n-d\n");
        let mut sorted: Vec<&[u8]> = vec![b"-d\n", b"+e\n"];
        sorted.sort_unstable();
        assert_eq!(sorted.concat(), b"+e\n-d\n");
    }

    #[test]
    fn keys_are_read_from_bodies_as_they_are_compared() {
        assert_eq!(member_of(br#"{"id":"a\u0062","n":7}"#, "id"), Some(b"ab".to_vec()));
        assert_eq!(member_of(br#"{"id":"ab","n":7}"#, "n"), Some(b"7".to_vec()));
        for (body, member) in
            [(r#"{"id":""}"#, "id"), ("[1]", "id"), ("", "id"), (r#"{"id":1}"#, "x"), (r#"{"id":"a\nb"}"#, "id")]
        {
            assert_eq!(member_of(body.as_bytes(), member), None, "{body}");
        }
        assert_eq!(by("body:x"), Ok(By::Body("x".to_owned())));
        assert!(by("body:").is_err() && by("x").is_err() && by("event-id:x").is_err());
    }
}
