//! Why a bundle is refused, each reason by its own name.

use super::key::NodeKey;
use super::kinds::EdgeKind;
use crate::bytes::Malformed;
use crate::note::NoteRefusal;
use crate::receipt::ReceiptRefusal;
use crate::tree::ProofRefusal;
use crate::words::{Index, TreeSize};
use std::fmt;

/// Why a bundle proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineageRefusal {
    /// It does not begin as a bundle does.
    NoBundle,
    /// Its bytes are malformed.
    Form(Malformed),
    /// The checkpoint is not signed as it must be.
    Checkpoint(NoteRefusal),
    /// The checkpoint is older than an entry.
    Older {
        /// The entry.
        index: Index,
        /// Entries of the checkpoint's tree.
        size: TreeSize,
    },
    /// An entry is malformed, or not signed by a key that may sign it.
    Entry {
        /// Which.
        index: Index,
        /// What is wrong with it.
        refusal: ReceiptRefusal,
    },
    /// The entries are not those of the checkpoint's tree.
    Inclusion(ProofRefusal),
    /// The bundle does not hold genesis, which says whose the keys are.
    NoGenesis,
    /// An edge does not follow from its entry.
    Edge {
        /// The entry.
        index: Index,
        /// The cause.
        from: NodeKey,
        /// Why one shall lead to the other.
        kind: EdgeKind,
        /// The effect.
        to: NodeKey,
        /// Why not.
        fault: EdgeFault,
    },
}

/// Why an edge does not follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeFault {
    /// The entry says no such thing.
    NotSaid,
    /// The entry says it together with one before, which the bundle does not hold.
    OtherMissing,
    /// The entry is a command, and was refused.
    Refused,
}

impl LineageRefusal {
    /// The name of the check that failed.
    pub fn check(&self) -> &'static str {
        match self {
            LineageRefusal::NoBundle | LineageRefusal::Form(_) => "form",
            LineageRefusal::Checkpoint(_) => "checkpoint",
            LineageRefusal::Older { .. } => "age",
            LineageRefusal::Entry { refusal, .. } => refusal.check.name(),
            LineageRefusal::Inclusion(_) => "inclusion",
            LineageRefusal::NoGenesis => "genesis",
            LineageRefusal::Edge { .. } => "edge",
        }
    }
}

impl fmt::Display for LineageRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LineageRefusal::NoBundle => f.write_str("this is no lineage proof: its first line is another"),
            LineageRefusal::Form(malformed) => write!(f, "check `form` failed: {malformed}"),
            LineageRefusal::Checkpoint(refusal) => write!(f, "check `checkpoint` failed: {refusal}"),
            LineageRefusal::Older { index, size } => {
                write!(f, "check `age` failed: entry {index} is not among the {size} that the checkpoint covers")
            }
            LineageRefusal::Entry { index, refusal } => write!(f, "entry {index}: {refusal}"),
            LineageRefusal::Inclusion(refusal) => {
                write!(f, "check `inclusion` failed: not the entries of this tree: {refusal}")
            }
            LineageRefusal::NoGenesis => f.write_str("check `genesis` failed: entry 0 is missing"),
            LineageRefusal::Edge { index, from, kind, to, fault } => {
                let why = match fault {
                    EdgeFault::NotSaid => "does not say",
                    EdgeFault::OtherMissing => "does not say by itself, and what it rests on is missing, that",
                    EdgeFault::Refused => "was refused, and so does not say",
                };
                write!(f, "check `edge` failed: entry {index} {why} {from} {} {to}", kind.name())
            }
        }
    }
}

impl std::error::Error for LineageRefusal {}
