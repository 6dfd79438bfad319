//! Reads event files on a thread of its own and hands on events ready to be signed. It knows no server and no frame;
//! an error names file and line, and ends the reading.

use super::Format;
use super::documents;
use crate::cli::errors::Failure;
use crate::limits::{BODY_BYTES_MAX, LINE_BYTES_MAX};
use crate::record::line::{self, Event, LineContext, LineError};
use crate::record::openlineage;
use deedbook_verify::hash::RefKey;
use deedbook_verify::words::{LedgerId, Micros, Ref};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Events that wait between reader and sender.
const WAITING_MAX: usize = 64;

/// What the reader needs to make events.
pub struct Recipe {
    /// How the files are written.
    pub format: Format,
    /// The ledger that the events are meant for.
    pub ledger: LedgerId,
    /// Makes pseudonyms.
    pub refs: RefKey,
    /// Makes event ids.
    pub id_key: [u8; 32],
    /// Who signs.
    pub source: Ref,
    /// When a document was taken in that has no time of its own.
    pub occurred: Micros,
}

/// Where an event stands.
#[derive(Clone, Debug)]
pub struct Place {
    file: Arc<str>,
    line: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// An event and where it came from.
pub struct Item {
    /// The event.
    pub event: Event,
    /// Its file and line.
    pub place: Place,
    /// Bytes read so far, of all files.
    pub read_bytes: u64,
}

/// Begins to read. The channel ends behind the last event, or behind the failure.
pub fn start(files: Vec<PathBuf>, recipe: Recipe) -> mpsc::Receiver<Result<Item, Failure>> {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let unread = sender.clone();
    let started = std::thread::Builder::new().name("input".to_owned()).spawn(move || {
        let mut reader = Reading { recipe, sender, read_bytes: 0 };
        for file in &files {
            match reader.file(file) {
                Ok(true) => {}
                Ok(false) => return,
                Err(failure) => {
                    // The receiver is gone only when the command has ended.
                    let _ = reader.sender.blocking_send(Err(failure));
                    return;
                }
            }
        }
    });
    if let Err(error) = started {
        let failure = Failure::failed(format!("no thread to read the input with: {error}"), "check ulimit -u");
        // There is room: nothing was sent yet.
        let _ = unread.try_send(Err(failure));
    }
    receiver
}

/// Bytes of all files together; 0 when one of them is a stream.
pub fn total_bytes(files: &[PathBuf]) -> u64 {
    let lengths: Option<Vec<u64>> = files.iter().map(|file| length(file)).collect();
    lengths.map_or(0, |lengths| lengths.iter().sum())
}

fn length(file: &Path) -> Option<u64> {
    std::fs::metadata(file).ok().filter(std::fs::Metadata::is_file).map(|data| data.len())
}

struct Reading {
    recipe: Recipe,
    sender: mpsc::Sender<Result<Item, Failure>>,
    read_bytes: u64,
}

impl Reading {
    /// Reads one file; false when nobody listens any more.
    fn file(&mut self, path: &Path) -> Result<bool, Failure> {
        if path.as_os_str() == "-" {
            return self.lines("standard input", &mut std::io::stdin().lock());
        }
        let file = File::open(path).map_err(|error| Failure::file(path, &error))?;
        self.lines(&path.display().to_string(), &mut BufReader::with_capacity(64 * 1024, file))
    }

    fn lines(&mut self, name: &str, input: &mut dyn BufRead) -> Result<bool, Failure> {
        if self.recipe.format == Format::Prov {
            return self.documents(name, input);
        }
        let file: Arc<str> = name.into();
        let mut document = Document::default();
        let (mut text, mut number, mut begun) = (Vec::new(), 0u64, 0u64);
        loop {
            if text.is_empty() {
                begun = number.saturating_add(1);
            }
            let bound = bytes_max(self.recipe.format).saturating_add(2).saturating_sub(text.len());
            let before = text.len();
            let read = input
                .take(u64::try_from(bound).unwrap_or(u64::MAX))
                .read_until(b'\n', &mut text)
                .map_err(|error| Failure::usage(format!("{name}: {error}"), "check the file and its disk"))?;
            number = number.saturating_add(1);
            self.read_bytes = self.read_bytes.saturating_add(u64::try_from(read).unwrap_or(0));
            let fresh = text.get(before..).unwrap_or_default();
            let complete = match self.recipe.format {
                Format::Jsonl | Format::Prov => true,
                Format::Openlineage => document.is_complete(fresh),
            };
            let over = bound == read || read == 0;
            if !complete && !over {
                continue;
            }
            let event = strip_line_end(&text);
            if !event.iter().all(u8::is_ascii_whitespace) {
                let place = Place { file: Arc::clone(&file), line: begun };
                let event = self.event(event, &place)?;
                let item = Item { event, place, read_bytes: self.read_bytes };
                if self.sender.blocking_send(Ok(item)).is_err() {
                    return Ok(false);
                }
            }
            if read == 0 {
                return Ok(true);
            }
            text.clear();
            document = Document::default();
        }
    }

    /// The same for a file that is one document, or several in the file of an export.
    fn documents(&mut self, name: &str, input: &mut dyn BufRead) -> Result<bool, Failure> {
        let bytes = documents::whole(name, input)?;
        self.read_bytes = self.read_bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let place = |file: String| Place { file: file.into(), line: 1 };
        let found = documents::texts(&bytes).map_err(|error| refused(&error, &place(name.to_owned())))?;
        let several = found.len() > 1;
        for (number, text) in (1u64..).zip(found) {
            let file = if several { format!("{name}, document {number}") } else { name.to_owned() };
            let place = place(file);
            let events = documents::events(&text, &self.recipe).map_err(|error| refused(&error, &place))?;
            for event in events {
                let item = Item { event, place: place.clone(), read_bytes: self.read_bytes };
                if self.sender.blocking_send(Ok(item)).is_err() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn event(&self, bytes: &[u8], place: &Place) -> Result<Event, Failure> {
        let recipe = &self.recipe;
        let event = match recipe.format {
            Format::Jsonl | Format::Prov => {
                let context = LineContext { ledger: recipe.ledger, refs: &recipe.refs, id_key: &recipe.id_key };
                line::parse(bytes, &context)
            }
            Format::Openlineage => openlineage::parse(bytes, &recipe.refs, &recipe.id_key),
        };
        event.map_err(|error| refused(&error, place))
    }
}

fn refused(error: &LineError, place: &Place) -> Failure {
    let field = if error.field.is_empty() { String::new() } else { format!("`{}` ", error.field) };
    let next = format!("{}, then run the same command again: nothing is appended twice", error.remedy);
    Failure::failed(format!("{place}: {field}{}", error.problem), next)
}

fn bytes_max(format: Format) -> usize {
    match format {
        Format::Jsonl | Format::Prov => LINE_BYTES_MAX,
        Format::Openlineage => BODY_BYTES_MAX,
    }
}

/// The line without its line feed, and without the carriage return before it.
fn strip_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Finds the end of one JSON object that may go over several lines, as pretty-printed events do.
#[derive(Default)]
struct Document {
    depth: u64,
    begun: bool,
    quoted: bool,
    escaped: bool,
}

impl Document {
    /// Takes more bytes; true when no brace is open any more.
    fn is_complete(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            match (self.quoted, self.escaped, byte) {
                (true, true, _) => self.escaped = false,
                (true, false, b'\\') => self.escaped = true,
                (_, false, b'"') => self.quoted = !self.quoted,
                (false, _, b'{' | b'[') => self.depth = self.depth.saturating_add(1),
                (false, _, b'}' | b']') => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            self.begun = self.begun || !byte.is_ascii_whitespace();
        }
        self.depth == 0 && !self.quoted
    }
}

/// Whether a document on lines of its own is read as exactly these bytes.
pub fn stands_alone(document: &[u8]) -> bool {
    let mut reading = Document::default();
    let mut lines = document.split_inclusive(|byte| *byte == b'\n').peekable();
    let (mut complete, mut begun) = (false, false);
    while let Some(line) = lines.next() {
        complete = reading.is_complete(line);
        begun = begun || !line.iter().all(u8::is_ascii_whitespace);
        if complete && lines.peek().is_some() {
            return false;
        }
    }
    complete && begun && !document.ends_with(b"\r") && !document.ends_with(b"\n")
}

/// A place for tests of neighbours.
#[cfg(test)]
pub fn test_place() -> Place {
    Place { file: "test".into(), line: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: Format, text: &str) -> Vec<Result<Item, String>> {
        let (source, occurred) = (Ref([4; 16]), Micros(5));
        let recipe =
            Recipe { format, ledger: LedgerId([1; 32]), refs: RefKey([2; 32]), id_key: [3; 32], source, occurred };
        let (sender, mut receiver) = mpsc::channel(WAITING_MAX);
        let mut reading = Reading { recipe, sender, read_bytes: 0 };
        let failed = reading.lines("events", &mut text.as_bytes()).err();
        drop(reading);
        let mut found = Vec::new();
        while let Ok(item) = receiver.try_recv() {
            found.push(item.map_err(|failure| failure.message));
        }
        found.extend(failed.map(|failure| Err(failure.message)));
        found
    }

    #[test]
    fn lines_keep_their_numbers() {
        let line = r#"{"kind":"data.accessed","occurred":"2026-01-05T03:00:00Z"}"#;
        let found = read(Format::Jsonl, &format!("\n{line}\r\n\n{line}\n{{\"kind\":5}}\n{line}"));
        let places: Vec<String> =
            found.iter().map(|item| item.as_ref().map_or_else(Clone::clone, |item| item.place.to_string())).collect();
        assert_eq!(places.len(), 3, "reading ends at the first error");
        assert_eq!(places[..2], ["events:2", "events:4"]);
        assert!(places[2].starts_with("events:5: `kind` is not text"), "{}", places[2]);
        let ids: Vec<_> = found.iter().flatten().map(|item| item.event.id).collect();
        assert_eq!(ids[0], ids[1], "a carriage return is no part of the line");
    }

    #[test]
    fn openlineage_documents_may_go_over_lines() {
        let one = r#"{"eventTime":"2020-12-28T19:52:00Z","job":{"namespace":"n}\"{","name":"j"}}"#;
        let pretty = "{\n \"eventTime\":\"2020-12-28T19:52:00Z\",\n \"job\":{\"namespace\":\"n\",\"name\":\"j\"}\n}";
        let found = read(Format::Openlineage, &format!("{one}\n{pretty}\n\n{one}"));
        let lines: Vec<u64> = found.iter().flatten().map(|item| item.place.line).collect();
        assert_eq!(lines, [1, 2, 7]);
        assert!(stands_alone(one.as_bytes()) && stands_alone(pretty.as_bytes()));
        for odd in
            ["", " ", "\n", &format!("\n{one}"), &format!("{one}\n"), &format!("{one}\r"), &format!("{one}\n "), "{"]
        {
            assert!(!stands_alone(odd.as_bytes()), "{odd:?}");
        }
        let broken = read(Format::Openlineage, &format!("{one}\n{{\"eventTime\":\n{one}\n"));
        assert!(broken[1].as_ref().is_err_and(|message| message.starts_with("events:2: not one JSON object")));
    }
}
