//! Why a ledger does not open, and why one was not made: what an operator reads first, so each names the thing and the
//! way out. It decides nothing.

use crate::ledger::error::{AppendError, ReadError};
use crate::record::{BuildError, KeyFileError};
use crate::store::{AnchorError, StoreError};
use deedbook_verify::words::TreeSize;
use std::path::PathBuf;
use thiserror::Error;

/// Why a ledger does not open.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A key file is missing or bad.
    #[error("{0}")]
    Key(#[from] KeyFileError),
    /// The store refuses.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The anchor refuses.
    #[error("{0}")]
    Anchor(#[from] AnchorError),
    /// Acknowledged entries are gone.
    #[error(
        "acknowledged entries are missing: the anchor {anchor} knows commit {anchored_commit} with {anchored_size} \
         entries, the store has commit {commit} with {size}; restore the newest copy, do not serve this one"
    )]
    EntriesMissing {
        /// Which anchor.
        anchor: String,
        /// What the anchor knows.
        anchored_commit: u64,
        /// Entries with it.
        anchored_size: TreeSize,
        /// What the store has.
        commit: u64,
        /// Entries with it.
        size: TreeSize,
    },
    /// The store has another history than the anchor.
    #[error(
        "the store's history differs from that of the anchor {anchor} at commit {commit}; this is another or a \
         rolled-back copy"
    )]
    HistoryDiffers {
        /// Which anchor.
        anchor: String,
        /// Where.
        commit: u64,
    },
    /// A witness saw more than was recovered.
    #[error(
        "acknowledged entries are missing: witness `{witness}` cosigned a tree of {seen} entries, the store has {size}; \
         restore the newest copy, do not serve this one"
    )]
    WitnessSawMore {
        /// Its name in the policy.
        witness: String,
        /// What it saw.
        seen: TreeSize,
        /// What the store has.
        size: TreeSize,
    },
    /// A witness saw another history.
    #[error(
        "the store's history differs from the one that witness `{witness}` cosigned at {seen} entries: this is another \
         copy, or a rolled-back one that was written to; find the copy that was cosigned, do not serve this one"
    )]
    WitnessSawOther {
        /// Its name in the policy.
        witness: String,
        /// Where.
        seen: TreeSize,
    },
    /// Too few witnesses answered, and the operator requires them.
    #[error(
        "the witnesses that answered do not make up the policy's quorum ({0}); bring them back, or open without \
         `--require-witness`, which cannot notice that this machine was rolled back"
    )]
    WitnessesSilent(String),
    /// A further anchor is not where it should be.
    #[error(
        "the head anchor {0} is missing: if its volume is not mounted, mount it; if it is new, make it with `deedbook \
         anchor add --data DIR --anchor FOLDER`"
    )]
    SecondAnchorMissing(PathBuf),
    /// One anchor slot is damaged and nothing newer than the other was recovered.
    #[error(
        "one slot of the head anchor {anchor} is damaged and commit {commit} may not be the last acknowledged one; check \
         against a published checkpoint and run `deedbook anchor rebuild --checkpoint FILE`"
    )]
    AnchorDoubtful {
        /// Which anchor; all of them if there are several.
        anchor: String,
        /// The recovered commit.
        commit: u64,
    },
    /// The wall clock stands behind the log.
    #[error(
        "the wall clock is {behind_ms} ms behind the last received time; set it, or open with `serve --accept-clock`"
    )]
    ClockBehind {
        /// How far.
        behind_ms: u64,
    },
    /// What is stored does not add up.
    #[error("the store is damaged: {0}; run `deedbook audit`")]
    Damaged(String),
    /// A read failed while opening.
    #[error("{0}")]
    Read(#[from] ReadError),
    /// The ledger could not append what opening requires.
    #[error("{0}")]
    Append(#[from] AppendError),
    /// A thread could not be started.
    #[error("could not start a thread: {0}")]
    Thread(std::io::Error),
    /// The checkpoint given for a rebuild is not of this ledger.
    #[error("{0}")]
    Checkpoint(String),
    /// An anchor that is to be replaced is sound, and refuses this store.
    #[error(
        "the head anchor {anchor} is sound, and rebuilding it would forget commit {commit} with {size} entries, which it \
         knows to be acknowledged: {refusal}"
    )]
    AnchorSound {
        /// Which anchor.
        anchor: String,
        /// What it knows.
        commit: u64,
        /// Entries with it.
        size: TreeSize,
        /// Why it refuses.
        refusal: Box<OpenError>,
    },
    /// A folder for an anchor cannot be made.
    #[error("{path}: {error}")]
    AnchorFolder {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
}

/// Why a ledger was not made.
#[derive(Debug, Error)]
pub enum InitError {
    /// A whole ledger is there already.
    #[error(
        "there is a ledger in {0} already: `deedbook serve --data {0}` serves it; for another one name another folder"
    )]
    LedgerThere(PathBuf),
    /// Something is there already.
    #[error("{0} is not empty; name a new folder, or delete what an interrupted `init` left there")]
    NotEmpty(PathBuf),
    /// The origin cannot be a checkpoint's first line.
    #[error("origin `{0}`: use a schema-less URL such as ledger.example/main, without spaces or `+`")]
    Origin(String),
    /// A person cannot stand in genesis so.
    #[error("`{0}`: every administrator and every reviewer needs a key and a name of their own")]
    Administrator(String),
    /// A key file.
    #[error("{0}")]
    Key(#[from] KeyFileError),
    /// The genesis frame.
    #[error("{0}")]
    Build(#[from] BuildError),
    /// The store.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The anchor.
    #[error("{0}")]
    Anchor(#[from] AnchorError),
    /// A folder.
    #[error("{path}: {error}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// Genesis does not pass the ledger's own checks.
    #[error("genesis is not sound: {0}")]
    Genesis(String),
}
