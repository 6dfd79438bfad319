//! The log: one writer, one synced batch per commit, readers beside it. Who may append what is decided here and
//! nowhere else; what it wrote is judged by `audit`, which does not use this module.

mod dir;
mod error;
mod rows;
mod recent;
mod disk;
mod admit;
mod postings;
mod state;
mod erasure;
mod place;
mod commit;
mod committer;
mod purge;
mod writer;
mod sequencer;
mod head;
mod witnessed;
mod open;
mod anchors;
mod genesis;
mod bodies;
mod reader;
mod list;
mod follow;
mod receipts;
mod tiles;

pub use admit::CheckedFrame;
pub use anchors::add_anchor;
pub use bodies::{Bodies, StoredBody};
pub use dir::DataDir;
pub use error::{AppendError, InitError, KnownEvent, OpenError, ReadError, StopReason};
pub use follow::{Growth, Portion, Stretch};
pub use genesis::{Birth, Initialised, init, write_genesis};
pub use head::{Head, HeadKey};
pub use open::{OpenOptions, Parts, rebuild_anchor};
pub use postings::posting_values;
pub use reader::{Reader, StoredEvent};
pub use rows::{CommitRow, HeadRow, SourceHead, commit_chain};
pub use sequencer::SequencerKey;
pub use tiles::{KeptCheckpoint, SignedCheckpoint};
pub use witnessed::{AskWitnesses, Recollection, WitnessCheck, WitnessHealth};
pub use writer::{Ledger, Placement, Status, Ticket};
