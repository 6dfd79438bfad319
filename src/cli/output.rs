//! Standard output: tables for people, JSON lines for programs, colour only on a terminal. Text that others wrote is
//! escaped here, so that no entry can move the cursor, ring the bell or turn the reading direction.

use super::errors::{Failure, Status};
use comfy_table::{ContentArrangement, Table, presets};
use std::io::{IsTerminal, Write};
use std::path::Path;

pub use crate::domain::{escape, escape_line};

/// A colour of the few that carry meaning.
#[derive(Clone, Copy)]
pub enum Colour {
    /// Valid, done.
    Green,
    /// Not valid, refused.
    Red,
    /// Headings.
    Bold,
}

/// Who gets what is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stream {
    /// Standard output: results.
    Results,
    /// The error stream: what is said beside them.
    Remarks,
    /// Nobody.
    Nowhere,
}

/// Where a command writes its result.
#[derive(Clone, Copy)]
pub struct Output {
    json: bool,
    colour: bool,
    stream: Stream,
}

impl Output {
    /// Output for this process.
    pub fn new(json: bool) -> Output {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Output { json, colour: colour && !json, stream: Stream::Results }
    }

    /// Output that nobody sees; the demo uses commands without their words.
    pub fn silent() -> Output {
        Output { json: false, colour: false, stream: Stream::Nowhere }
    }

    /// What a person is to read before there is a result: the error stream has it, so that the result stands alone.
    /// Programs are spared it.
    pub fn beside(self) -> Output {
        if self.json {
            return Output::silent();
        }
        let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Output { json: false, colour, stream: Stream::Remarks }
    }

    /// Whether programs read it.
    pub fn is_json(self) -> bool {
        self.json
    }

    /// Whether nobody sees it.
    pub fn is_silent(self) -> bool {
        self.stream == Stream::Nowhere
    }

    /// Text as it is, with a line feed.
    pub fn line(self, text: &str) -> Result<(), Failure> {
        self.bytes(format!("{text}\n").as_bytes())
    }

    /// Bytes as they are.
    pub fn bytes(self, bytes: &[u8]) -> Result<(), Failure> {
        let written = match self.stream {
            Stream::Results => put(std::io::stdout().lock(), bytes),
            Stream::Remarks => put(std::io::stderr().lock(), bytes),
            Stream::Nowhere => Ok(()),
        };
        let Err(error) = written else { return Ok(()) };
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            // Whoever read the output has enough.
            return Err(Failure::silent(Status::Done));
        }
        Err(Failure::failed(format!("the output cannot be written: {error}"), "check where it goes to"))
    }

    /// One JSON value on one line.
    pub fn value(self, value: &serde_json::Value) -> Result<(), Failure> {
        self.line(&value.to_string())
    }

    /// Text for people, or its JSON for programs.
    pub fn either(self, text: &str, value: impl FnOnce() -> serde_json::Value) -> Result<(), Failure> {
        if self.json { self.value(&value()) } else { self.line(text) }
    }

    /// A table under headings.
    pub fn table(self, headings: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        if !std::io::stdout().is_terminal() {
            table.set_width(u16::MAX);
        }
        table.set_header(headings.iter().map(|heading| self.paint(heading, Colour::Bold)));
        rows.iter().for_each(|row| {
            table.add_row(row.iter().map(|cell| escape_line(cell)));
        });
        self.line(&trimmed(&table.to_string()))
    }

    /// Names and values in two columns.
    pub fn pairs(self, pairs: &[(&str, String)]) -> Result<(), Failure> {
        let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in pairs {
            let value = escape(value).replace('\n', &format!("\n{}", " ".repeat(width + 4)));
            let name = self.paint(&format!("{name:width$}"), Colour::Bold);
            self.line(format!("  {name}  {value}").trim_end())?;
        }
        Ok(())
    }

    /// Names and values in two columns, the names without emphasis: a person reads the values.
    pub fn plain_pairs(self, pairs: &[(&str, String)]) -> Result<(), Failure> {
        let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        pairs.iter().try_for_each(|(name, value)| {
            let line = format!("  {:width$}  {}", escape_line(name), escape_line(value));
            self.line(line.trim_end())
        })
    }

    /// Colours text when a person looks at it.
    pub fn paint(self, text: &str, colour: Colour) -> String {
        let code = match colour {
            Colour::Green => 32,
            Colour::Red => 31,
            Colour::Bold => 1,
        };
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

fn put(mut stream: impl Write, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(bytes).and_then(|()| stream.flush())
}

fn trimmed(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// A number with its noun.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A remark beside the result, on the error stream.
pub fn remark(text: &str) {
    // Nothing can be done about a closed error stream.
    let _ = writeln!(std::io::stderr(), "{}", escape(text));
}

/// Writes a new file; an existing one is never overwritten, for it may be evidence.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    made.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .map_err(|error| Failure::file(path, &error))
}

/// Refuses a file that is there already, before anything is done for it.
pub fn must_be_new(path: &Path) -> Result<(), Failure> {
    match path.symlink_metadata() {
        Ok(_) => Err(Failure::file(path, &std::io::ErrorKind::AlreadyExists.into())),
        Err(_) => Ok(()),
    }
}

/// Reads a file of at most `bytes_max` bytes.
pub fn read_bounded(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    use std::io::Read;
    let bound = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(bound.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(|error| Failure::file(path, &error))?;
    if bytes.len() > bytes_max {
        let message = format!("{}: larger than the limit of {bytes_max} bytes", path.display());
        return Err(Failure::usage(message, "check that it is the right file"));
    }
    Ok(bytes)
}
