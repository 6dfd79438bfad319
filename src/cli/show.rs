//! How an event of the log looks: one row of a table, a page of fields, or one JSON object. It reads entries with the
//! verifier's parser and knows no names behind refs.

mod detail;
mod evidence;

pub use evidence::held_range;

use super::errors::Failure;
use crate::api::proto;
use crate::record::line::time;
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Facts;
use deedbook_verify::note::encode_base64;
use serde_json::{Value, json};

/// Headings of the table that `row` fills.
pub const HEADINGS: &[&str] = &["index", "received", "kind", "source", "stream", "rev", "outcome", "action"];

/// One row of a table.
pub fn row(event: &proto::StoredEvent) -> Result<Vec<String>, Failure> {
    let entry = Entry::parse(&event.entry)?;
    let facts = &entry.facts;
    Ok(vec![
        event.index.to_string(),
        time::show(entry.seal.received),
        facts.kind.name().to_owned(),
        short(&facts.source.to_string()),
        facts.stream.map_or_else(String::new, |stream| short(&stream.to_string())),
        entry.seal.revision.map_or_else(String::new, |revision| revision.to_string()),
        match event.refused_by_index {
            // A command states no outcome of its own; whether it had effect stands behind it.
            Some(_) => "refused".to_owned(),
            None => facts.outcome.map_or("", |outcome| outcome.name()).to_owned(),
        },
        facts.action_type.map_or("", |code| code.as_str()).to_owned(),
    ])
}

/// The first digits of a ref: enough to tell a few apart.
fn short(hex: &str) -> String {
    hex.chars().take(8).collect()
}

/// One line of `tail`.
pub fn line(event: &proto::StoredEvent) -> Result<String, Failure> {
    let cells = row(event)?;
    let widths = [6, 27, 20, 8, 8, 3, 9, 0];
    let padded: Vec<String> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
    Ok(padded.join("  ").trim_end().to_owned())
}

/// The JSON object of an event; docs/CLI.md names its members.
pub fn value(event: &proto::StoredEvent) -> Result<Value, Failure> {
    let named = |(name, value): (&str, Value)| (name.to_owned(), value);
    Ok(Value::Object(members(event)?.into_iter().map(named).collect()))
}

/// What there is to say of an event, in the order in which a person wants to read it.
fn members(event: &proto::StoredEvent) -> Result<Vec<(&'static str, Value)>, Failure> {
    let entry = Entry::parse(&event.entry)?;
    let mut out = Vec::new();
    let mut put = |name: &'static str, value: Value| {
        if !value.is_null() {
            out.push((name, value));
        }
    };
    put("index", json!(event.index));
    put("received", json!(time::show(entry.seal.received)));
    facts(&entry.facts, &mut put);
    put("detail", detail::value(&entry.facts.detail));
    put("revision", json!(entry.seal.revision.map(|revision| revision.0)));
    put("leaf", json!(entry.leaf().to_string()));
    put("frame_digest", json!(entry.seal.frame_digest.to_string()));
    put("offset", json!(entry.seal.offset));
    put("frame_events", json!(entry.seal.n));
    put("body_state", json!(body_state(event.body_state())));
    put("erased_by", json!(event.erased_by_index));
    put("refused_by", json!(event.refused_by_index));
    if event.body_state() == proto::BodyState::Opened {
        match std::str::from_utf8(&event.body) {
            Ok(text) => put("body", json!(text)),
            Err(_) => put("body_base64", json!(encode_base64(&event.body))),
        }
    }
    Ok(out)
}

fn facts(facts: &Facts<'_>, put: &mut impl FnMut(&'static str, Value)) {
    let hex = |word: Option<String>| word.map_or(Value::Null, Value::String);
    put("kind", json!(facts.kind.name()));
    put("event_id", json!(facts.event_id.to_string()));
    put("source", json!(facts.source.to_string()));
    put("epoch", json!(facts.epoch.0));
    put("sequence", json!(facts.sequence.0));
    put("stream", hex(facts.stream.map(|word| word.to_string())));
    put("expected_revision", json!(facts.expected_revision.map(|revision| revision.0)));
    put("occurred", json!(time::show(facts.occurred)));
    put("occurred_note", json!(facts.occurred_note));
    put("valid_until", hex(facts.valid_until.map(time::show)));
    if let Some(seen) = facts.last_seen {
        put("last_seen", json!({"size": seen.size.0, "root": seen.root.to_string()}));
    }
    if let Some(actor) = facts.actor {
        put("actor", json!({"kind": actor.kind.name(), "ref": actor.who.to_string()}));
    }
    put("on_behalf_of", list(facts.on_behalf_of().map(|who| json!(who.to_string()))));
    put("responsible", hex(facts.responsible.map(|word| word.to_string())));
    put("action_type", json!(facts.action_type.map(|code| code.as_str())));
    put("action_digest", hex(facts.action_digest.map(|word| word.to_string())));
    put("policy_digest", hex(facts.policy_digest.map(|word| word.to_string())));
    put("outcome", json!(facts.outcome.map(|outcome| outcome.name())));
    put("resource_class", json!(facts.resource_class.map(|code| code.as_str())));
    put("data_class", json!(facts.data_class.map(|code| code.as_str())));
    put("environment", json!(facts.environment.map(|code| code.as_str())));
    put("request_id", hex(facts.request_id.map(|word| word.to_string())));
    put("grant_id", hex(facts.grant_id.map(|word| word.to_string())));
    let parent = |parent: deedbook_verify::facts::Parent| json!({"source": parent.source.to_string(), "event_id": parent.event_id.to_string()});
    put("parents", list(facts.parents().map(parent)));
    let object = |object: deedbook_verify::facts::Object| json!({"class": object.class.name(), "role": object.role.name(), "ref": object.what.to_string()});
    put("objects", list(facts.objects().map(object)));
    put("objects_omitted", json!(facts.objects_omitted));
    put("media_type", json!(facts.media_type));
    // An empty list is not left out: it says that nobody else could sign.
    put(
        "break_glass",
        facts.break_glass.map_or(Value::Null, |it| it.silent().map(|who| json!(who.to_string())).collect()),
    );
}

/// A list, or nothing when it is empty.
fn list(values: impl Iterator<Item = Value>) -> Value {
    let values: Vec<Value> = values.collect();
    if values.is_empty() { Value::Null } else { Value::Array(values) }
}

/// What became of a body, in a word.
pub fn body_state(state: proto::BodyState) -> &'static str {
    match state {
        proto::BodyState::Unspecified => "unknown",
        proto::BodyState::None => "none",
        proto::BodyState::Withheld => "withheld",
        proto::BodyState::Erased => "erased",
        proto::BodyState::Opened => "opened",
    }
}

/// Names and values of one event, for a person.
pub fn pairs(event: &proto::StoredEvent) -> Result<Vec<(&'static str, String)>, Failure> {
    let text = |value: Value| match value.as_array() {
        Some(values) => values.iter().map(plain).collect::<Vec<_>>().join("\n"),
        None => plain(&value),
    };
    Ok(members(event)?.into_iter().map(|(name, value)| (name, text(value))).collect())
}

/// Names and values of a kind's own fields, for a person.
pub fn detail_pairs(facts: &Facts<'_>) -> Vec<(String, String)> {
    match detail::value(&facts.detail) {
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, plain(&value))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Vec::new(),
    }
}

/// A value without the quotes and braces of JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| format!("{name} {}", plain(value))).collect::<Vec<_>>().join(", ")
        }
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join("; "),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}
