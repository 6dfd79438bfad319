//! What a producer hears of a frame: where it stands, once it is durable, or why it does not.

use crate::ledger::error::AppendError;
use deedbook_verify::words::{Hash, Index, SubjectId};
use tokio::sync::oneshot;

/// Where a frame stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Index of its first event.
    pub first_index: Index,
    /// Number of its events.
    pub count: u16,
    /// Leaf hash of each.
    pub leaves: Vec<Hash>,
    /// Whether this is the answer to an earlier sending of the same frame.
    pub repeated: bool,
    /// The request under which a governing command waits for a second administrator, if it still does.
    pub waits: Option<SubjectId>,
}

/// What a producer hears of a frame.
pub(super) type Answer = Result<Placement, AppendError>;

/// A frame that is under way.
pub struct Ticket(pub(super) oneshot::Receiver<Answer>);

impl Ticket {
    /// Waits until the frame is durable or refused.
    pub async fn placement(self) -> Answer {
        self.0.await.unwrap_or(Err(AppendError::StorageFailed))
    }
}
