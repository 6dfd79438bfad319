//! One enum per question: why a frame was not appended, why the writer stopped, why a read has no answer. Why a ledger
//! does not open stands in `refusal`.

use crate::domain::SubscriptionName;
use crate::limits;
use crate::record::entropy::EntropyError;
use crate::store::StoreError;
use deedbook_verify::bytes::Malformed;
use deedbook_verify::detail::RefusalReason;
use deedbook_verify::frame::FrameRefusal;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Epoch, Index, Revision, Sequence, TreeSize};
use thiserror::Error;

/// An event id that stands in the ledger already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownEvent {
    /// Its place in the frame that was sent.
    pub offset: u16,
    /// Where it stands.
    pub index: Index,
}

/// Why a frame was not appended. Nothing of it is in the log, except where a variant says so.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AppendError {
    /// Some bytes are not what the format allows.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// The frame is not what its signer said, or its signer may not say it.
    #[error("{0}")]
    Frame(#[from] FrameRefusal),
    /// A body does not open its commitment, or is missing, or has no commitment.
    #[error("the body of event {offset} does not open its commitment; send the exact bytes and salt")]
    BodyDiffers {
        /// Its place in the frame.
        offset: u16,
    },
    /// Facts and bodies together are too large.
    #[error("facts and bodies are {bytes} bytes, the limit is {}; send smaller frames", limits::FRAME_BYTES_MAX)]
    FrameTooLarge {
        /// How large they are.
        bytes: usize,
    },
    /// One event id stands twice in the frame.
    #[error("event {offset} has an event id that stands before it in the frame; give each event an id of its own")]
    EventIdTwice {
        /// The second one's place.
        offset: u16,
    },
    /// The kind has no fold yet.
    #[error("kind `{}` is not built yet", .0.name())]
    KindNotBuilt(Kind),
    /// Event ids are known, in another frame.
    #[error("{} event ids of this frame stand in the ledger already; send the others in a frame of their own", .0.len())]
    EventIdKnown(Vec<KnownEvent>),
    /// A stream is not where the producer thinks.
    #[error(
        "event {offset} expects stream revision {expected}, the last is {actual}; read the stream and decide again"
    )]
    RevisionDiffers {
        /// Its place in the frame.
        offset: u16,
        /// What the facts say.
        expected: Revision,
        /// What is so.
        actual: Revision,
    },
    /// The sequence is not the next of its source and epoch.
    #[error("the next sequence of epoch {epoch} is {}; resend from there, or sign a `source.gap`", .last.0.saturating_add(1))]
    SequenceDiffers {
        /// The epoch.
        epoch: Epoch,
        /// The last durable sequence in it.
        last: Sequence,
    },
    /// The epoch is over.
    #[error("the source's last epoch is {last}; go on in it, or begin a greater one at sequence 1")]
    EpochNotNew {
        /// The last epoch.
        last: Epoch,
    },
    /// The checkpoint that the producer saw is not of this ledger.
    #[error(
        "event {offset} saw a checkpoint that this ledger never had; stop, and compare checkpoints with the operator"
    )]
    LastSeenDiffers {
        /// Its place in the frame.
        offset: u16,
    },
    /// A rule refused the command. Command and refusal are in the log.
    #[error("refused by rule {}: command at index {command}, refusal at index {refusal}", .reason.name())]
    Refused {
        /// The rule.
        reason: RefusalReason,
        /// Where the command stands.
        command: Index,
        /// Where its refusal stands.
        refusal: Index,
    },
    /// A command is declared as break-glass and does not say why. Nothing was appended.
    #[error("the body of a break-glass command is JSON with the texts `reason` and `incident`, neither of them blank")]
    GlassUnexplained,
    /// Policies or principals changed between a command's evaluation and its turn. Nothing was appended.
    #[error("policies or principals changed while the command was under way; send the same bytes again")]
    BasisMoved,
    /// As many actions wait for people or time as the server keeps.
    #[error("{} actions wait for people or time already; decide or cancel some", limits::ACTIONS_OPEN_MAX)]
    ActionsTooMany,
    /// The disk is nearly full.
    #[error(
        "{free_bytes} bytes of disk are free, appends need {}; free some, reads go on",
        limits::DISK_FREE_BYTES_MIN
    )]
    DiskLow {
        /// What is free.
        free_bytes: u64,
    },
    /// The wall clock jumped.
    #[error("the wall clock moved {drift_ms} ms against the boot clock; commits pause until it returns")]
    ClockDrift {
        /// How far.
        drift_ms: i64,
    },
    /// The store failed; whether the frame is in the log is not known.
    #[error("the store failed while this frame was under way; resend it after the restart to find out")]
    StorageFailed,
    /// The server is closing; the frame is not in the log.
    #[error("the server is closing; resend the frame after the restart")]
    Closed,
    /// The ledger could not make the frame that must follow.
    #[error("the ledger could not make its own frame: {0}")]
    OwnFrame(String),
}

impl AppendError {
    /// Whether sending the same bytes again can succeed.
    pub fn retryable(&self) -> bool {
        match self {
            AppendError::DiskLow { .. }
            | AppendError::BasisMoved
            | AppendError::ActionsTooMany
            | AppendError::ClockDrift { .. }
            | AppendError::StorageFailed
            | AppendError::Closed
            | AppendError::OwnFrame(_) => true,
            AppendError::Malformed(_)
            | AppendError::Frame(_)
            | AppendError::BodyDiffers { .. }
            | AppendError::FrameTooLarge { .. }
            | AppendError::EventIdTwice { .. }
            | AppendError::KindNotBuilt(_)
            | AppendError::EventIdKnown(_)
            | AppendError::RevisionDiffers { .. }
            | AppendError::SequenceDiffers { .. }
            | AppendError::EpochNotNew { .. }
            | AppendError::LastSeenDiffers { .. }
            | AppendError::GlassUnexplained
            | AppendError::Refused { .. } => false,
        }
    }
}

/// Why the writer stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// It was closed, and everything that was accepted is durable.
    Closed,
    /// The store or the anchor failed; the process must exit with status 70 and recover by reopening.
    Failed(String),
}

/// Why a read has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    /// There is no such thing.
    #[error("no such {what}")]
    NotFound {
        /// What was asked for.
        what: &'static str,
    },
    /// The position lies beyond the tree.
    #[error("the tree has {size} entries; ask for a position below that")]
    OutsideTree {
        /// Its size.
        size: TreeSize,
    },
    /// Stored bytes are damaged.
    #[error("stored bytes are damaged: {0}; run `deedbook audit`")]
    Corrupt(String),
    /// The store failed.
    #[error("{0}")]
    Storage(#[from] StoreError),
    /// A witnessed checkpoint is wanted, and the server knows no witnesses.
    #[error("this server has no witness policy; serve with `--witness-policy FILE`, or leave `witnessed` out")]
    NoWitnessPolicy,
    /// The witnesses did not cosign in time.
    #[error(
        "no checkpoint of at least {wanted} entries met the witness policy's quorum in time, the newest that did has \
         {newest}; see `/readyz` and `/metrics`, and ask again"
    )]
    NotWitnessed {
        /// Entries that it must have.
        wanted: TreeSize,
        /// Entries of the newest one; 0 if there is none.
        newest: TreeSize,
    },
    /// Checkpoints cannot be signed any more; the server is stopping.
    #[error("no checkpoint can be signed: {0}")]
    NoCheckpoint(String),
    /// The checkpoint of a size was never signed, or is not kept.
    #[error("no checkpoint of {size} entries is kept; {}", nearest(*below, *above))]
    CheckpointNotKept {
        /// The size that was asked for.
        size: TreeSize,
        /// The largest below of which there is one.
        below: Option<TreeSize>,
        /// The smallest above.
        above: Option<TreeSize>,
    },
}

/// Of which sizes checkpoints are kept around one of which none is.
fn nearest(below: Option<TreeSize>, above: Option<TreeSize>) -> String {
    match (below, above) {
        (Some(below), Some(above)) => format!("the nearest kept have {below} and {above} entries"),
        (Some(newest), None) => format!("the newest has {newest} entries"),
        (None, Some(oldest)) => format!("the oldest kept has {oldest} entries"),
        (None, None) => "none was signed yet".to_owned(),
    }
}

/// Why a persistent subscription did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SubscriptionError {
    /// There is one of this name.
    #[error("there is a subscription `{0}` already")]
    Exists(SubscriptionName),
    /// There is none of this name.
    #[error("there is no subscription `{0}`")]
    Unknown(SubscriptionName),
    /// There are as many as are kept.
    #[error("there are {} subscriptions already", limits::SUBSCRIPTIONS_MAX)]
    TooMany,
    /// Somebody has the seat.
    #[error("subscription `{name}` is consumed by somebody else; its lease is {lease_ms} ms")]
    Consumed {
        /// Which.
        name: SubscriptionName,
        /// After what time without settling the seat is free at the latest.
        lease_ms: u32,
    },
    /// There is no room for more parked events; nothing was parked.
    #[error("a subscription keeps at most {} parked events; nothing was parked", limits::PARKED_MAX)]
    ParkedTooMany,
    /// The event is not parked.
    #[error("the event at index {0} is not parked")]
    NotParked(Index),
    /// The disk is nearly full; nothing was written.
    #[error("{free_bytes} bytes of disk are free, settling needs {}", limits::DISK_FREE_BYTES_MIN)]
    DiskLow {
        /// What is free.
        free_bytes: u64,
    },
    /// The store failed; what was not settled durably is delivered again.
    #[error("the store failed; what was not settled durably is delivered again after the restart")]
    StorageFailed,
    /// The server is closing; the same holds.
    #[error("the server is closing; what was not settled durably is delivered again")]
    Closed,
    /// No randomness for an id.
    #[error("{0}")]
    Entropy(#[from] EntropyError),
    /// A row could not be read.
    #[error("{0}")]
    Read(#[from] ReadError),
}
