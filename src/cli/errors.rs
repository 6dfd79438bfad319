//! How a command ends: an exit code that programs read, a sentence that people read, and the next step. It never
//! carries what stood in a secret file.

use super::output::escape;
use crate::record::{BuildError, KeyFileError};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

/// The exit codes, the same for every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Done,
    /// It was tried and failed, or something is not valid.
    Failed,
    /// The command line is wrong, or a file cannot be read.
    Usage,
    /// The server refused it by rule; the refusal is on record where the rule says so.
    Refused,
    /// Storage failed; the program must be started anew.
    Storage,
    /// What a command that was run ended with.
    OfCommand(u8),
}

impl Status {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Status::Done => 0,
            Status::Failed => 1,
            Status::Usage => 2,
            Status::Refused => 3,
            Status::Storage => 70,
            Status::OfCommand(code) => code,
        }
    }
}

/// Why a command did not end with `Done`.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub status: Status,
    /// What happened; empty when there is nothing left to say.
    pub message: String,
    /// What to do next; empty when the message says it.
    pub next: String,
    /// The server's reason, by its name in error.proto.
    pub reason: Option<String>,
    /// What the server said besides, such as `refusal_index`.
    pub facts: BTreeMap<String, String>,
}

impl Failure {
    fn new(status: Status, message: impl Into<String>, next: impl Into<String>) -> Failure {
        let (reason, facts) = (None, BTreeMap::new());
        Failure { status, message: message.into(), next: next.into(), reason, facts }
    }

    /// Tried and failed.
    pub fn failed(message: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure::new(Status::Failed, message, next)
    }

    /// A wrong command line or an unreadable file.
    pub fn usage(message: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure::new(Status::Usage, message, next)
    }

    /// Refused by rule.
    pub fn refused(message: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure::new(Status::Refused, message, next)
    }

    /// Storage failed.
    pub fn storage(message: impl Into<String>, next: impl Into<String>) -> Failure {
        Failure::new(Status::Storage, message, next)
    }

    /// A command that was run ended with a status of its own, which is ours too.
    pub fn of_command(code: i32) -> Failure {
        Failure::new(Status::OfCommand(u8::try_from(code).unwrap_or(1)), "", "")
    }

    /// Ends with a code and no word, because the output said it already.
    pub fn silent(status: Status) -> Failure {
        Failure::new(status, "", "")
    }

    /// A file that cannot be read or written.
    pub fn file(path: &Path, error: &std::io::Error) -> Failure {
        let hints = [
            (ErrorKind::NotFound, "check the path"),
            (ErrorKind::AlreadyExists, "name another file, or move this one away"),
            (ErrorKind::PermissionDenied, "check who owns the file and its folder"),
        ];
        let next = hints
            .iter()
            .find(|(kind, _)| *kind == error.kind())
            .map_or("check the file and its disk", |(_, hint)| hint);
        Failure::usage(format!("{}: {error}", path.display()), next)
    }

    /// Names the place in front of the message.
    #[must_use]
    pub fn at(self, place: &str) -> Failure {
        Failure { message: format!("{place}: {}", self.message), ..self }
    }

    /// Says how many good events stood in the same frame as the malformed one, and so were not sent.
    #[must_use]
    pub fn with_unsent(self, events: usize) -> Failure {
        if events == 0 {
            return self;
        }
        Failure {
            message: format!("{}; {events} good events before it in its frame were not sent", self.message),
            ..self
        }
    }

    /// The JSON object for programs; docs/CLI.md names its members.
    pub fn value(&self) -> serde_json::Value {
        let mut error = serde_json::Map::new();
        for (name, value) in &self.facts {
            error.insert(name.clone(), json!(value));
        }
        error.insert("reason".to_owned(), json!(self.reason));
        error.insert("message".to_owned(), json!(self.message));
        error.insert("next".to_owned(), json!(self.next));
        json!({"error": error})
    }

    /// The lines for the error stream, foreign text escaped.
    pub fn lines(&self) -> Option<String> {
        if self.message.is_empty() {
            return None;
        }
        let message = escape(&self.message);
        Some(if self.next.is_empty() {
            format!("deedbook: {message}")
        } else {
            format!("deedbook: {message}\nnext: {}", escape(&self.next))
        })
    }
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Failure {
        let next = match &error {
            KeyFileError::Io { error, .. } if error.kind() == ErrorKind::AlreadyExists => {
                "name another file; keys are never overwritten"
            }
            KeyFileError::Io { .. } => "check the path",
            KeyFileError::Permissions { .. }
            | KeyFileError::Form { .. }
            | KeyFileError::OtherHalf { .. }
            | KeyFileError::Name(_) => "",
            KeyFileError::Entropy(_) => "look at the system's log",
        };
        Failure::usage(error.to_string(), next)
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Failure {
        Failure::failed(format!("the events do not make a frame: {error}"), "correct the field that is named")
    }
}

impl From<crate::record::entropy::EntropyError> for Failure {
    fn from(error: crate::record::entropy::EntropyError) -> Failure {
        Failure::failed(error.to_string(), "look at the system's log")
    }
}

impl From<crate::domain::NameError> for Failure {
    fn from(error: crate::domain::NameError) -> Failure {
        Failure::usage(error.to_string(), "correct the name")
    }
}

impl From<deedbook_verify::bytes::Malformed> for Failure {
    fn from(malformed: deedbook_verify::bytes::Malformed) -> Failure {
        let message = format!("the server sent an entry that this program cannot read: {malformed}");
        Failure::failed(message, "run `deedbook audit` on the data folder, and compare program versions")
    }
}

impl From<crate::ledger::OpenError> for Failure {
    fn from(error: crate::ledger::OpenError) -> Failure {
        use crate::ledger::OpenError;
        use crate::store::{AnchorError, StoreError};
        let message = error.to_string();
        match error {
            OpenError::ClockBehind { .. } | OpenError::WitnessesSilent(_) => Failure::refused(message, ""),
            OpenError::AnchorSound { .. } => {
                let next = "restore the newest copy of the store; only if there is none, repeat this with --force";
                Failure::refused(message, next)
            }
            OpenError::Checkpoint(_) => Failure::failed(message, "bring the newest checkpoint of this ledger"),
            OpenError::Key(error) => Failure::from(error),
            OpenError::AnchorFolder { error, .. } if error.kind() == ErrorKind::NotFound => {
                Failure::usage(message, "make the folder above it, or mount the volume that it shall stand on")
            }
            OpenError::AnchorFolder { .. } => Failure::usage(message, "check who owns the folder above it"),
            OpenError::Anchor(AnchorError::Exists(_)) => Failure::usage(
                message,
                "if it is this ledger's, serve with `--anchor FOLDER`; else name another folder",
            ),
            OpenError::Store(StoreError::Absent(_)) => {
                Failure::usage(message, "name the folder of a ledger with --data")
            }
            // Both say themselves whom to stop.
            OpenError::Store(StoreError::InUse(_)) | OpenError::Anchor(AnchorError::InUse(_)) => {
                Failure::failed(message, "")
            }
            OpenError::Store(_)
            | OpenError::Anchor(_)
            | OpenError::EntriesMissing { .. }
            | OpenError::HistoryDiffers { .. }
            | OpenError::WitnessSawMore { .. }
            | OpenError::WitnessSawOther { .. }
            | OpenError::SecondAnchorMissing(_)
            | OpenError::AnchorDoubtful { .. }
            | OpenError::Damaged(_)
            | OpenError::Read(_)
            | OpenError::Append(_)
            | OpenError::Thread(_) => {
                Failure::storage(message, "if the message names no way out, run `deedbook audit`")
            }
        }
    }
}
