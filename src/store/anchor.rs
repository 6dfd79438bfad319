//! The head anchor: what was acknowledged, kept outside the engine. Two slots in one file, written alternately and
//! synced, so that a torn write spoils at most the slot that was being written.
//!
//! If we crash before a slot is synced, the store is ahead of the anchor by commits that nobody was told of; opening
//! checks them against the kept commit rows and moves the anchor up.

use deedbook_verify::words::{Hash, TreeSize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use thiserror::Error;

/// Bytes of one slot.
pub const SLOT_BYTES: usize = 4096;
const MAGIC: &[u8; 16] = b"deedbook anchor1";

/// What an anchor holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnchorRecord {
    /// Number of the last acknowledged commit.
    pub commit: u64,
    /// Entries that were acknowledged with it, to tell the operator what is missing.
    pub size: TreeSize,
    /// The commit chain at that number.
    pub chain: Hash,
}

/// Why an anchor cannot answer.
#[derive(Debug, Error)]
pub enum AnchorError {
    /// It is there, and is never overwritten.
    #[error("there is a head anchor at {0} already; it is never overwritten")]
    Exists(PathBuf),
    /// The anchor is not there.
    #[error("the head anchor {0} is missing; if it was lost, run `deedbook anchor rebuild --checkpoint FILE`")]
    Missing(PathBuf),
    /// Neither slot is sound.
    #[error("both slots of the head anchor {0} are damaged; run `deedbook anchor rebuild --checkpoint FILE`")]
    Damaged(PathBuf),
    /// Another process holds it.
    #[error("the data folder is in use: another process holds its head anchor {0}; stop the other process first")]
    InUse(PathBuf),
    /// Under its path there is another file now, or none.
    #[error(
        "the head anchor {0} was moved or replaced while it was in use: another copy of this ledger may be served; find \
         out which copy goes on before you start one again"
    )]
    Replaced(PathBuf),
    /// Somebody else moved it.
    #[error(
        "the head anchor {path} is not at commit {expected} as this process left it: another process writes this \
         ledger; find out which one goes on before you start one again"
    )]
    Moved {
        /// Which.
        path: PathBuf,
        /// Where it should have stood.
        expected: u64,
    },
    /// The file system failed.
    #[error("head anchor {path}: {error}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
}

/// What loading found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The newest sound slot.
    pub record: AnchorRecord,
    /// Whether the other slot was damaged: then the newest acknowledged commit may be one further.
    pub one_slot_damaged: bool,
}

/// A place that remembers the last acknowledged commit.
pub trait HeadAnchor: Send + Sync {
    /// What operators know it by: its path.
    fn place(&self) -> String;
    /// The newest record.
    fn load(&self) -> Result<Loaded, AnchorError>;
    /// Compare-and-swap: from the record that the caller last saw to the next; returns when durable.
    fn advance(&self, from: &AnchorRecord, to: &AnchorRecord) -> Result<(), AnchorError>;
}

/// An anchor in a file. It is locked (flock) for as long as this lives, so a process that is merely stopped still holds
/// it: no second one can acknowledge anything beside it, even if the engine's own lock file was deleted, or if the two
/// serve different copies of the folder with one anchor in common.
pub struct FileAnchor {
    path: PathBuf,
    file: Mutex<File>,
}

impl FileAnchor {
    /// Creates the file with both slots at `record`; refuses to overwrite.
    pub fn create(path: &Path, record: &AnchorRecord) -> Result<FileAnchor, AnchorError> {
        let io = |error| AnchorError::Io { path: path.to_owned(), error };
        let made = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path);
        let mut file = made.map_err(|error| match error.kind() == ErrorKind::AlreadyExists {
            true => AnchorError::Exists(path.to_owned()),
            false => io(error),
        })?;
        lock(&file, path)?;
        let slot = record.to_slot();
        file.write_all(&slot).and_then(|()| file.write_all(&slot)).and_then(|()| file.sync_all()).map_err(io)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
        Ok(FileAnchor { path: path.to_owned(), file: Mutex::new(file) })
    }

    /// Opens an existing file to own it: refused while another process, or another opening in this one, has it.
    pub fn open(path: &Path) -> Result<FileAnchor, AnchorError> {
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|error| cannot_open(path, error))?;
        lock(&file, path)?;
        Ok(FileAnchor { path: path.to_owned(), file: Mutex::new(file) })
    }

    /// Reads a file that another process may own; needs no right to write.
    pub fn peek(path: &Path) -> Result<Loaded, AnchorError> {
        let mut file = File::open(path).map_err(|error| cannot_open(path, error))?;
        newest(&slots(&mut file, path)?, path)
    }

    fn io(&self) -> impl Fn(std::io::Error) -> AnchorError {
        |error| AnchorError::Io { path: self.path.clone(), error }
    }

    /// Insists that the path still leads to the file that is held here: else whoever opens the path sees another one.
    fn check_path(&self, file: &File) -> Result<(), AnchorError> {
        let held = file.metadata().map_err(self.io())?;
        match std::fs::metadata(&self.path) {
            Ok(named) if (named.dev(), named.ino()) == (held.dev(), held.ino()) => Ok(()),
            Ok(_) => Err(AnchorError::Replaced(self.path.clone())),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(AnchorError::Replaced(self.path.clone())),
            Err(error) => Err(self.io()(error)),
        }
    }

    fn write_slot(&self, file: &File, slot: u64, record: &AnchorRecord) -> Result<(), AnchorError> {
        file.write_all_at(&record.to_slot(), slot * SLOT_BYTES as u64).map_err(self.io())?;
        file.sync_data().map_err(self.io())
    }
}

impl HeadAnchor for FileAnchor {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn load(&self) -> Result<Loaded, AnchorError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        newest(&slots(&mut file, &self.path)?, &self.path)
    }

    /// From a record to itself, as at opening, both slots are written, so that none stays damaged; the newest sound
    /// one last, because until the other is synced it is all there is.
    fn advance(&self, from: &AnchorRecord, to: &AnchorRecord) -> Result<(), AnchorError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        self.check_path(&file)?;
        let slots = slots(&mut file, &self.path)?;
        if from != to {
            // The lock already keeps others out; where a file system does not honour it, this finds them.
            if newest(&slots, &self.path)?.record != *from {
                return Err(AnchorError::Moved { path: self.path.clone(), expected: from.commit });
            }
            return self.write_slot(&file, to.commit % 2, to);
        }
        let commit_in = |slot: usize| slots.get(slot).copied().flatten().map(|record| record.commit);
        let last = if commit_in(0) > commit_in(1) { 0 } else { 1 };
        self.write_slot(&file, 1 - last, to)?;
        self.write_slot(&file, last, to)
    }
}

fn cannot_open(path: &Path, error: std::io::Error) -> AnchorError {
    match error.kind() == ErrorKind::NotFound {
        true => AnchorError::Missing(path.to_owned()),
        false => AnchorError::Io { path: path.to_owned(), error },
    }
}

fn lock(file: &File, path: &Path) -> Result<(), AnchorError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => AnchorError::InUse(path.to_owned()),
        TryLockError::Error(error) => AnchorError::Io { path: path.to_owned(), error },
    })
}

/// What each slot holds, if it is sound.
fn slots(file: &mut File, path: &Path) -> Result<Vec<Option<AnchorRecord>>, AnchorError> {
    let io = |error| AnchorError::Io { path: path.to_owned(), error };
    let mut bytes = Vec::with_capacity(SLOT_BYTES * 2);
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    file.take((SLOT_BYTES * 2) as u64).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes.chunks(SLOT_BYTES).map(AnchorRecord::from_slot).collect())
}

fn newest(slots: &[Option<AnchorRecord>], path: &Path) -> Result<Loaded, AnchorError> {
    let newest = slots.iter().flatten().max_by_key(|record| record.commit).copied();
    let record = newest.ok_or(AnchorError::Damaged(path.to_owned()))?;
    Ok(Loaded { record, one_slot_damaged: slots.iter().flatten().count() < 2 })
}

impl AnchorRecord {
    /// A slot that holds it: magic, commit, size, chain, their BLAKE3, zeros.
    pub fn to_slot(&self) -> [u8; SLOT_BYTES] {
        let mut slot = [0u8; SLOT_BYTES];
        let content =
            [MAGIC.as_slice(), &self.commit.to_be_bytes(), &self.size.0.to_be_bytes(), self.chain.as_bytes()].concat();
        let check = blake3::hash(&content);
        slot.iter_mut().zip(content.iter().chain(check.as_bytes())).for_each(|(to, from)| *to = *from);
        slot
    }

    /// What a slot holds, if it is sound to the last byte.
    pub fn from_slot(slot: &[u8]) -> Option<AnchorRecord> {
        let (content, rest) = slot.split_at_checked(MAGIC.len() + 8 + 8 + 32)?;
        let (check, padding) = rest.split_first_chunk::<32>()?;
        let sound = slot.len() == SLOT_BYTES && padding.iter().all(|byte| *byte == 0);
        if !sound || blake3::hash(content) != *check {
            return None;
        }
        let (commit, rest) = content.strip_prefix(MAGIC)?.split_first_chunk::<8>()?;
        let (size, chain) = rest.split_first_chunk::<8>()?;
        Some(AnchorRecord {
            commit: u64::from_be_bytes(*commit),
            size: TreeSize(u64::from_be_bytes(*size)),
            chain: Hash(chain.try_into().ok()?),
        })
    }
}

/// Several anchors that are advanced together. At opening the store must agree with each of them: one that lags behind
/// still tells that the history before it was replaced.
pub struct AnchorSet {
    members: Vec<Box<dyn HeadAnchor>>,
}

impl AnchorSet {
    /// Takes at least one member.
    pub fn new(first: Box<dyn HeadAnchor>, others: Vec<Box<dyn HeadAnchor>>) -> AnchorSet {
        AnchorSet { members: std::iter::once(first).chain(others).collect() }
    }

    /// Number of members; with one alone, the roll-back of the whole machine goes unnoticed.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Never true; a set has a first member.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

impl AnchorSet {
    /// What each member holds, by its place.
    pub fn load_all(&self) -> Result<Vec<(String, Loaded)>, AnchorError> {
        self.members.iter().map(|member| Ok((member.place(), member.load()?))).collect()
    }

    /// Advances one member after the other; returns when all are durable.
    pub fn advance(&self, from: &AnchorRecord, to: &AnchorRecord) -> Result<(), AnchorError> {
        self.members.iter().try_for_each(|member| member.advance(from, to))
    }
}
