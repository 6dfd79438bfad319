//! Event lines (jsonl): one JSON object a line becomes the facts and body of one event. The body is the exact slice
//! of the line, never re-encoded. It knows no key but the two it is handed, and sends nothing.
//!
//! ```json
//! {"kind":"execution.reported","stream":"action/7f","occurred":"2026-01-05T03:00:00Z","facts":{"outcome":"succeeded"},"body":{"exit_code":0}}
//! ```

mod capture;
mod facts;
pub(crate) mod json;
pub mod time;

pub use facts::FACT_NAMES;

use crate::domain::StreamName;
use crate::limits::{BODY_BYTES_MAX, LINE_BYTES_MAX};
use crate::record::FactsBuilder;
use bytes::Bytes;
use deedbook_verify::detail::Gap;
use deedbook_verify::hash::{Identity, RefKey};
use deedbook_verify::kind::{Author, Kind};
use deedbook_verify::words::{EventId, LedgerId, Ref};

/// The names that a line may hold beside `facts`.
pub const LINE_NAMES: &[&str] = &["kind", "stream", "occurred", "facts", "body", "id"];
/// The media type of a line's body.
pub const MEDIA_TYPE: &str = "application/json";
/// Bytes of the facts that every event has, rounded up.
pub(crate) const FACTS_BYTES_FIXED: usize = 400;

/// What a line needs to become facts.
#[derive(Clone, Copy)]
pub struct LineContext<'a> {
    /// The ledger it is meant for: part of the default event id.
    pub ledger: LedgerId,
    /// Makes its pseudonyms.
    pub refs: &'a RefKey,
    /// The signer's `SigningKey::event_id_key`.
    pub id_key: &'a [u8; 32],
}

/// An event that is ready to be signed.
pub struct Event {
    /// Its id, given or made.
    pub id: EventId,
    /// Whether the id was given: then it says nothing of the content.
    pub id_given: bool,
    /// Its facts and body.
    pub builder: FactsBuilder,
    /// What it adds to a frame at most, in bytes of facts and body.
    pub weight_bytes: usize,
    /// What is missing, when it is a `source.gap`, which stands alone in its frame.
    pub gap: Option<Gap>,
}

/// Why a line is no event: the field, what is wrong with it, what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}; {remedy}", if .field.is_empty() { String::new() } else { format!("`{field}` ") })]
pub struct LineError {
    /// The member's path, such as `facts.actor.kind`; empty when the line as a whole is wrong.
    pub field: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

impl LineError {
    pub(crate) fn new(field: &str, problem: impl Into<String>, remedy: impl Into<String>) -> LineError {
        LineError { field: field.to_owned(), problem: problem.into(), remedy: remedy.into() }
    }

    pub(crate) fn whole(problem: impl Into<String>, remedy: impl Into<String>) -> LineError {
        LineError::new("", problem, remedy)
    }

    pub(crate) fn time(field: &str, defect: time::TimeDefect) -> LineError {
        LineError::new(field, defect.to_string(), "write RFC 3339 with a zone, such as 2026-01-05T03:00:00Z")
    }
}

/// Reads one line, without its line feed.
pub fn parse(line: &[u8], context: &LineContext<'_>) -> Result<Event, LineError> {
    if line.len() > LINE_BYTES_MAX {
        let problem = format!("the line has {} bytes, more than the limit of {LINE_BYTES_MAX}", line.len());
        return Err(LineError::whole(problem, "keep large content elsewhere, and its digest in the body"));
    }
    let members = json::document(line)?;
    members.only("", LINE_NAMES)?;
    let kind = statement(&members.required("", "kind")?)?;
    let moment =
        time::zoned(&members.required("", "occurred")?).map_err(|defect| LineError::time("occurred", defect))?;
    let given = members.optional("", "id")?;
    let id_given = given.is_some();
    let id = match given {
        None => keyed_id(context.id_key, &[context.ledger.as_bytes(), line]),
        Some(text) => EventId::from_hex(&text)
            .ok_or_else(|| LineError::new("id", "is not 32 hex digits", "leave it out to have one made"))?,
    };
    let mut builder = FactsBuilder::new(kind, id, moment.micros);
    if moment.note != 0 {
        builder = builder.occurred_note(moment.note);
    }
    let stream = members.optional("", "stream")?;
    if let Some(stream) = &stream {
        builder = builder.stream(stream_ref(stream, context)?);
    }
    // No fact takes more than twice its text on the wire.
    let mut weight_bytes = FACTS_BYTES_FIXED;
    let mut gap = None;
    if let Some(raw) = members.get("facts") {
        let facts = json::object(raw, "facts")?;
        if facts.get("expected_revision").is_some() && stream.is_none() {
            return Err(LineError::new("stream", "is missing", "an expected revision needs the stream it is about"));
        }
        weight_bytes = weight_bytes.saturating_add(raw.get().len().saturating_mul(2));
        (builder, gap) = facts::apply(builder, kind, &facts, context)?;
    } else if kind == Kind::SourceGap {
        return Err(LineError::new(
            "facts",
            "is missing",
            "a gap names gap_from and gap_to, or gap_since and gap_until",
        ));
    }
    if let Some(raw) = members.get("body") {
        let body = raw.get().as_bytes();
        if body.len() > BODY_BYTES_MAX {
            let problem = format!("has {} bytes, more than the limit of {BODY_BYTES_MAX}", body.len());
            return Err(LineError::new("body", problem, "keep large content elsewhere, and its digest in the body"));
        }
        weight_bytes = weight_bytes.saturating_add(body.len());
        builder = builder.body(MEDIA_TYPE, Bytes::copy_from_slice(body));
    }
    Ok(Event { id, id_given, builder, weight_bytes, gap })
}

/// Only what a producer may state comes in by lines.
fn statement(name: &str) -> Result<Kind, LineError> {
    let Some(kind) = Kind::from_name(name) else {
        let known: Vec<&str> =
            Kind::ALL.iter().filter(|kind| kind.author() == Author::Witness).map(|kind| kind.name()).collect();
        return Err(LineError::new("kind", "is no known kind", format!("use one of: {}", known.join(", "))));
    };
    match kind.author() {
        Author::Witness => Ok(kind),
        Author::Ledger => {
            let problem = format!("says {name}, which only the ledger itself makes");
            Err(LineError::new("kind", problem, "leave the line out"))
        }
        Author::Asker => {
            let problem = format!("says {name}, which is a command, not a statement");
            let remedy = match name {
                "key.enrolled" => "use `deedbook key enroll`",
                "key.rotated" => "use `deedbook key rotate`",
                "key.revoked" => "use `deedbook key revoke`",
                _ => "append takes statements only; this version has no command for it",
            };
            Err(LineError::new("kind", problem, remedy))
        }
    }
}

fn stream_ref(text: &str, context: &LineContext<'_>) -> Result<Ref, LineError> {
    let name = StreamName::parse(text);
    name.and_then(|name| name.to_ref(context.refs))
        .map_err(|error| LineError::new("stream", format!("is not usable: {error}"), "write class/name"))
}

pub(crate) fn make_ref(context: &LineContext<'_>, path: &str, identity: Identity<'_>) -> Result<Ref, LineError> {
    let too_long = || LineError::new(path, "holds a name of more than 65535 bytes", "name it by something shorter");
    context.refs.make(identity).ok_or_else(too_long)
}

/// The first 16 bytes of BLAKE3 keyed with an id key, over the parts in order.
pub(crate) fn keyed_id(key: &[u8; 32], parts: &[&[u8]]) -> EventId {
    let mut hasher = blake3::Hasher::new_keyed(key);
    parts.iter().for_each(|part| {
        hasher.update(part);
    });
    let mut id = [0u8; EventId::BYTES];
    id.iter_mut().zip(hasher.finalize().as_bytes()).for_each(|(to, from)| *to = *from);
    EventId(id)
}

#[cfg(test)]
mod tests;
