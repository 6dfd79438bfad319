//! The witness and what it remembers: one file for each log, the checkpoint that it cosigned last. Checking and storing
//! are one step under the log's lock, and a cosignature leaves only after its checkpoint is durable.
//!
//! A witness that forgets can be made to cosign a second history, so an empty folder is never taken for a new witness:
//! making one is asked for in words, and a folder belongs to one key for ever.

use crate::clock::Clock;
use crate::limits;
use crate::plant::Bug;
use crate::record::keys::{hex, write_new};
use crate::record::{CosigningKey, KeyFileError};
use crate::witness::judge::{Refusal, judge};
use crate::witness::request::AddCheckpoint;
use deedbook_verify::cosign::CosignerKey;
use deedbook_verify::hash;
use deedbook_verify::note::{Checkpoint, Note, SignatureLine, VerifierKey};
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::Seconds;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use thiserror::Error;

/// Why a witness does not start, or cannot go on.
#[derive(Debug, Error)]
pub enum StateError {
    /// The key.
    #[error("{0}")]
    Key(#[from] KeyFileError),
    /// The folder holds no witness's memory.
    #[error(
        "{0} holds no witness's memory; if its volume is not mounted, mount it; for a key that never cosigned, start \
         once with `--new`"
    )]
    Absent(PathBuf),
    /// A new memory was asked for where something stands.
    #[error("{0} is not empty; a new witness starts with an empty folder and a key that never cosigned")]
    NotEmpty(PathBuf),
    /// The memory is of another key.
    #[error("{0} is the memory of another key; each witness's key has one memory, for ever")]
    OtherKey(PathBuf),
    /// Another process has it.
    #[error("{0} is in use by another process; a witness's memory has one owner")]
    InUse(PathBuf),
    /// What is remembered is damaged.
    #[error("{0} is damaged; this witness may have forgotten what it cosigned: retire its key, start with a new one")]
    Damaged(PathBuf),
    /// There is no log to witness.
    #[error("name at least one log's verifier key")]
    NoLogs,
    /// The file system failed.
    #[error("{path}: {error}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
}

/// What a witness is made of.
pub struct WitnessOptions {
    /// Where it remembers.
    pub folder: PathBuf,
    /// What it cosigns with, and nothing else does.
    pub key: CosigningKey,
    /// The keys of the logs; keys of one name are one log's.
    pub logs: Vec<VerifierKey>,
    /// Make the memory: for a key that never cosigned.
    pub new: bool,
    /// The times of cosignatures.
    pub clock: Clock,
}

/// What a request comes to.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// The cosignature's line.
    Cosigned(String),
    /// Why not.
    Refused(Refusal),
    /// Memory failed now or before: nothing is cosigned any more, and the process must end.
    Failed,
}

/// What is known of one log.
struct Log {
    keys: Vec<VerifierKey>,
    last: Mutex<Option<Remembered>>,
}

/// The checkpoint that was cosigned last: its tree, and the note with the cosignature.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Remembered {
    head: TreeHead,
    note: String,
}

/// A witness.
pub struct Witness {
    folder: PathBuf,
    key: CosigningKey,
    clock: Clock,
    // By the hex of SHA-256 of the origin, which is its place in URLs and folder.
    logs: BTreeMap<String, Log>,
    failed: AtomicBool,
    // Holds the lock.
    _owner: File,
}

/// A log's place: lower-case hex of SHA-256(origin).
fn place_of(origin: &str) -> String {
    hex(&hash::digest(&[origin.as_bytes()]).0)
}

impl Witness {
    /// Loads, or makes, the memory.
    pub fn open(options: WitnessOptions) -> Result<Witness, StateError> {
        let WitnessOptions { folder, key, logs, new, clock } = options;
        if logs.is_empty() {
            return Err(StateError::NoLogs);
        }
        if new {
            make(&folder, key.cosigner_key())?;
        }
        let owner = own(&folder, key.cosigner_key())?;
        let mut known: BTreeMap<String, Log> = BTreeMap::new();
        for log in logs {
            let fresh = || Log { keys: Vec::new(), last: Mutex::new(None) };
            known.entry(place_of(log.name())).or_insert_with(fresh).keys.push(log);
        }
        for (place, log) in &mut known {
            let remembered = load(&folder.join(format!("{place}.checkpoint")), &log.keys, key.cosigner_key())?;
            log.last = Mutex::new(remembered);
        }
        Ok(Witness { folder, key, clock, logs: known, failed: AtomicBool::new(false), _owner: owner })
    }

    /// What is given to those who shall trust this witness.
    pub fn cosigner_key(&self) -> &CosignerKey {
        self.key.cosigner_key()
    }

    /// Whether memory failed.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    /// `add-checkpoint`. Blocks while the disk syncs.
    pub fn add_checkpoint(&self, body: &[u8]) -> Answer {
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(malformed) => return Answer::Refused(malformed.into()),
        };
        let place = place_of(&request.checkpoint.origin);
        let Some(log) = self.logs.get(&place) else { return Answer::Refused(Refusal::UnknownOrigin) };
        // From the check to the durable file nobody else looks at this log: the sizes that it cosigns only grow.
        let mut last = log.last.lock().unwrap_or_else(PoisonError::into_inner);
        if self.has_failed() {
            return Answer::Failed;
        }
        if let Err(refusal) = judge(&request, &log.keys, last.as_ref().map(|last| last.head)) {
            return Answer::Refused(refusal);
        }
        let time = Seconds(self.clock.wall().0 / 1_000_000);
        if time == Seconds(0) {
            // A cosignature without a time says nothing; the machine's clock stands before 1970.
            return self.fail("the wall clock stands before 1970");
        }
        let line = self.key.cosign(request.note.text, time);
        let remembered = Remembered { head: request.checkpoint.head, note: with_line(&request, &log.keys, &line) };
        if let Err(error) = self.remember(&place, &remembered) {
            return self.fail(&error.to_string());
        }
        *last = Some(remembered);
        Answer::Cosigned(line)
    }

    /// The newest checkpoint of a log with our cosignature, for monitors; the log is named by its place.
    pub fn newest(&self, place: &str) -> Option<String> {
        let last = self.logs.get(place)?.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().map(|last| last.note.clone())
    }

    fn fail(&self, reason: &str) -> Answer {
        tracing::error!(%reason, "this witness cannot remember: stopping, nothing more is cosigned");
        self.failed.store(true, Ordering::SeqCst);
        Answer::Failed
    }

    /// Makes a checkpoint the remembered one of its log.
    fn remember(&self, place: &str, remembered: &Remembered) -> std::io::Result<()> {
        if Bug::WitnessForgets.planted() {
            return Ok(());
        }
        let (old, new) = (self.folder.join(format!("{place}.checkpoint")), self.folder.join(format!("{place}.new")));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(remembered.note.as_bytes())?;
        // Crash before this returns: the old file stands, and nobody was told of the new one.
        file.sync_all()?;
        // Crash here: the old file stands still.
        std::fs::rename(&new, &old)?;
        // Crash before this returns: either file is found. Nobody was told, and the larger one was signed by the log.
        File::open(&self.folder)?.sync_all()
        // Crash after this: the new file is found, whether or not the cosignature reached anybody.
    }
}

/// The text, the log's own lines and ours: lines of others are not kept, for we do not know what they say.
fn with_line(request: &AddCheckpoint<'_>, keys: &[VerifierKey], line: &str) -> String {
    let of_log = |line: &&SignatureLine<'_>| keys.iter().any(|key| line.is_by(key));
    let mut note = format!("{}\n", request.note.text);
    for line in request.note.signatures.iter().filter(of_log) {
        note.push_str(line.line);
        note.push('\n');
    }
    note.push_str(line);
    note
}

/// An empty folder with the key's public half in it, which is written last.
fn make(folder: &Path, key: &CosignerKey) -> Result<(), StateError> {
    let io = |error| StateError::Io { path: folder.to_owned(), error };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io)?;
    if std::fs::read_dir(folder).map_err(io)?.next().is_some() {
        return Err(StateError::NotEmpty(folder.to_owned()));
    }
    // Crash before this returns: the folder is empty, or holds the marker of this key.
    Ok(write_new(&folder.join("witness.vkey"), format!("{key}\n").as_bytes(), 0o644)?)
}

/// Takes the folder for this process, if it is this key's.
fn own(folder: &Path, key: &CosignerKey) -> Result<File, StateError> {
    let path = folder.join("witness.vkey");
    let mut file = match OpenOptions::new().read(true).write(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(StateError::Absent(folder.to_owned())),
        Err(error) => return Err(StateError::Io { path, error }),
    };
    if file.try_lock().is_err() {
        return Err(StateError::InUse(folder.to_owned()));
    }
    let mut text = String::new();
    let read = Read::by_ref(&mut file).take(limits::WITNESS_BODY_BYTES_MAX as u64).read_to_string(&mut text);
    match read.ok().and_then(|_| CosignerKey::parse(&text).ok()) {
        None => Err(StateError::Damaged(path)),
        Some(found) if found != *key => Err(StateError::OtherKey(folder.to_owned())),
        Some(_) => Ok(file),
    }
}

/// What was cosigned last, if anything was. A file that the log and we did not both sign is damage.
fn load(path: &Path, keys: &[VerifierKey], key: &CosignerKey) -> Result<Option<Remembered>, StateError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StateError::Io { path: path.to_owned(), error }),
    };
    let mut bytes = Vec::new();
    let read = file.take(limits::WITNESS_BODY_BYTES_MAX as u64).read_to_end(&mut bytes);
    read.map_err(|error| StateError::Io { path: path.to_owned(), error })?;
    remembered(&bytes, keys, key).map(Some).ok_or(StateError::Damaged(path.to_owned()))
}

fn remembered(bytes: &[u8], keys: &[VerifierKey], key: &CosignerKey) -> Option<Remembered> {
    let note = Note::parse(bytes).ok()?;
    let checkpoint = Checkpoint::parse(note.text).ok()?;
    let ours = note.signatures.iter().find(|line| key.claims(line))?;
    key.open(note.text, ours).ok()?;
    let signed = |line: &SignatureLine<'_>| {
        keys.iter().any(|key| line.is_by(key) && key.key().accepts(note.text.as_bytes(), &line.signature))
    };
    // All keys of a log have its origin as their name.
    let of_this_log = keys.iter().all(|key| key.name() == checkpoint.origin);
    if !of_this_log || !note.signatures.iter().any(signed) {
        return None;
    }
    Some(Remembered { head: checkpoint.head, note: String::from_utf8(bytes.to_vec()).ok()? })
}
