//! Why replay refuses an entry: names and sentences alone, no judgement.

use crate::bytes::Malformed;
use crate::frame::FrameRefusal;
use crate::kind::Kind;
use std::fmt;

/// Why an entry does not belong where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayRefusal {
    /// Its bytes are not an entry.
    Malformed(Malformed),
    /// Its frame is not what its signer said.
    Frame(FrameRefusal),
    /// Index 0 is not a genesis, or a genesis stands elsewhere.
    Genesis,
    /// The received time decreased.
    ReceivedDecreases,
    /// It is not the next event of the frame before it, or starts a frame inside another.
    FrameOrder,
    /// Its sequence does not follow the last of its source.
    SourceOrder,
    /// Its source stated an event with this id before. Without sequences nothing else tells a frame from its copy.
    EventIdKnown,
    /// Its stream revision is not the next, or not the expected one.
    StreamOrder,
    /// A refused command is not followed by its refusal, or the refusal states another reason.
    RefusalMissing,
    /// A command is said to be refused which the rules accept.
    RefusalUnfounded,
    /// A step of the approval machines that follows neither from the command before it nor from a deadline.
    StepMisplaced,
    /// The rules by which it was made are not known here.
    Rules,
    /// A kind whose fold this program does not have.
    KindNotBuilt(Kind),
}

impl fmt::Display for ReplayRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayRefusal::Malformed(malformed) => write!(f, "{malformed}"),
            ReplayRefusal::Frame(refusal) => write!(f, "{refusal}"),
            ReplayRefusal::Genesis => f.write_str("genesis must be index 0, sound, and nowhere else"),
            ReplayRefusal::ReceivedDecreases => f.write_str("the received time decreases"),
            ReplayRefusal::FrameOrder => f.write_str("the entry is not the next one of its frame"),
            ReplayRefusal::SourceOrder => f.write_str("the sequence does not follow the last of its source"),
            ReplayRefusal::EventIdKnown => f.write_str("its source stated an event with this id before"),
            ReplayRefusal::StreamOrder => f.write_str("the stream revision is not the next or not the expected one"),
            ReplayRefusal::RefusalMissing => {
                f.write_str("a command that the rules refuse is not followed by its refusal")
            }
            ReplayRefusal::RefusalUnfounded => f.write_str("a command that the rules accept is said to be refused"),
            ReplayRefusal::StepMisplaced => {
                f.write_str("the step follows neither from the command before it nor from a deadline")
            }
            ReplayRefusal::Rules => f.write_str("the entry was made by rules that this program does not have"),
            ReplayRefusal::KindNotBuilt(kind) => write!(f, "this program has no fold for `{}`", kind.name()),
        }
    }
}

impl std::error::Error for ReplayRefusal {}

impl From<Malformed> for ReplayRefusal {
    fn from(malformed: Malformed) -> ReplayRefusal {
        ReplayRefusal::Malformed(malformed)
    }
}

impl From<FrameRefusal> for ReplayRefusal {
    fn from(refusal: FrameRefusal) -> ReplayRefusal {
        ReplayRefusal::Frame(refusal)
    }
}
