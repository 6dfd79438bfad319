//! `data/ocsf/events.jsonl`: every entry of the interval, in its order, as an event of OCSF 1.8.0; behind them what each test
//! found, and each exception, as Compliance Findings. One line each. An entry's line holds what its facts say and where it
//! stands in the log, so that whoever reads it elsewhere can come back and ask for the proof; no body, no name.

mod class;
mod event;
mod finding;
mod shape;
mod stated;
mod unmapped;

use super::about::About;
use crate::limits::EXCHANGE_AGENTS_MAX;
use deedbook_verify::detail::{Detail, RefusalReason};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::ActorKind;
use deedbook_verify::kind::Author;
use deedbook_verify::package::{Directory, Entries};
use deedbook_verify::words::{Hash, Index, Ref};
use event::Writer;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io;

/// Where they stand.
pub const EVENTS_FILE: &str = "data/ocsf/events.jsonl";

/// Agents that acted in the interval.
#[derive(Debug, Default)]
pub struct Agents {
    /// The first of them, by their refs.
    pub refs: BTreeSet<Ref>,
    /// Whether there were more.
    pub more: bool,
}

impl Agents {
    fn note(&mut self, entry: &Entry<'_>) {
        let Some(actor) = entry.facts.actor.filter(|actor| actor.kind == ActorKind::Agent) else { return };
        if self.refs.len() < EXCHANGE_AGENTS_MAX {
            self.refs.insert(actor.who);
        } else if !self.refs.contains(&actor.who) {
            self.more = true;
        }
    }
}

/// An entry that waits for the one behind it: a command may be refused there.
struct Held {
    bytes: Vec<u8>,
    at: (Index, Hash),
}

/// Writes the file, and takes note of who acted.
pub fn write(file: &mut dyn io::Write, (about, agents): (&About, &mut Agents), folder: &Directory) -> io::Result<()> {
    let mut lines = Lines { file, line: Vec::new() };
    entries(&mut lines, about, folder, agents)?;
    finding::write(&mut lines, about, folder)
}

fn entries(lines: &mut Lines<'_>, about: &About, folder: &Directory, agents: &mut Agents) -> io::Result<()> {
    let mut writer = Writer::new(about);
    let (mut held, mut next): (Option<Held>, _) = (None, about.rendered.question.begins.0);
    let mut entries = Entries::open(folder, Index(next)).map_err(io::Error::other)?;
    while let Some(block) = entries.next_block() {
        for (bytes, (hashes, _)) in block.entries() {
            let at = (Index(next), hashes.leaf);
            next = next.saturating_add(1);
            let entry = Entry::parse(bytes).map_err(io::Error::other)?;
            agents.note(&entry);
            if let Some(held) = held.take() {
                let command = Entry::parse(&held.bytes).map_err(io::Error::other)?;
                lines.push(&writer.event(held.at, &command, refusal(&entry)))?;
            }
            if entry.facts.author() == Author::Asker {
                held = Some(Held { bytes: bytes.to_vec(), at });
            } else {
                lines.push(&writer.event(at, &entry, None))?;
            }
        }
    }
    if let Some(held) = held {
        let command = Entry::parse(&held.bytes).map_err(io::Error::other)?;
        lines.push(&writer.event(held.at, &command, None))?;
    }
    // They were proved when they were written; these are the same bytes, or nothing counts.
    let read = entries.finish().map_err(io::Error::other)?;
    match about.rendered.files.get("data/entries.bin") == Some(&read.entries) {
        true => Ok(()),
        false => Err(io::Error::new(io::ErrorKind::InvalidData, "data/entries.bin changed")),
    }
}

/// Why the command before it had no effect, if this is what the entry says.
fn refusal(entry: &Entry<'_>) -> Option<RefusalReason> {
    if let Detail::CommandRefused { reason, .. } = entry.facts.detail { Some(reason) } else { None }
}

/// The file, line by line.
struct Lines<'f> {
    file: &'f mut dyn io::Write,
    line: Vec<u8>,
}

impl Lines<'_> {
    fn push(&mut self, event: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, event)?;
        self.line.push(b'\n');
        self.file.write_all(&self.line)
    }
}
