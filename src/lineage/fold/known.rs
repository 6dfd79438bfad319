//! What the fold knows of what stands before an entry, and how it asks for it. Rows and their layout are the caller's.

use super::key::NodeKey;
use super::links::Links;
use crate::lineage::kinds::EdgeKind;
use crate::lineage::words::{Gate, NodeId};
use deedbook_verify::facts::Parent;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Digest, EventId, KeyId, Ref, SubjectId};

/// A node that was named before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its number.
    pub id: NodeId,
    /// Of a dataset, model or policy the latest version; of a run the key that signed for it last.
    pub latest: Option<NodeId>,
    /// What is known of its approval; of runs and approvals.
    pub gate: Gate,
    /// Whether it is a run whose outcome was named. Nothing else leads to an outcome, so that it has no row of its own.
    pub has_outcome: bool,
}

/// Names what a run or action was said to have done before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkKey {
    /// The run, action, vote or principal.
    pub of: NodeId,
    /// What it did.
    pub kind: EdgeKind,
    /// To what: the other end of the edge, or the dataset or model of which that is a version.
    pub to: NodeId,
}

/// What was said before, so that it adds nothing again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The other end of the edge.
    pub node: NodeId,
    /// The latest version before this one, where the edge is a write.
    pub before: Option<NodeId>,
}

/// What the fold keeps of an action. It is a part of what `approvals` knows; see the module's page for why it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The action.
    pub action: NodeId,
    /// Its stream.
    pub stream: Ref,
    /// What was asked.
    pub digest: Digest,
    /// Who acts.
    pub actor: NodeId,
    /// The policies that were asked last.
    pub policy: Option<NodeId>,
    /// What became of the request.
    pub approval: Option<NodeId>,
    /// What holds for a run that starts now.
    pub gate: Gate,
    /// The grant, and the source that may redeem it.
    pub grant: Option<(SubjectId, Ref)>,
    /// The run that was started last.
    pub last: Option<Started>,
    /// Runs whose end nobody reported, the oldest first; at most `GRANT_USES_MAX`.
    pub open: Vec<Started>,
}

/// A run that the ledger started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    /// The event that started it.
    pub event: EventId,
    /// The run.
    pub run: NodeId,
}

/// What carries over from one entry to the next: who signed the frame that is being read, and the last command, behind
/// which stands what followed from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carry {
    /// The key that signed the frame.
    pub signer: Option<KeyId>,
    /// The last command.
    pub cause: Option<Cause>,
}

/// A command, as what follows from it needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Its source and event id.
    pub command: Parent,
    /// Its kind.
    pub kind: Kind,
    /// What it stands for in the graph: an action, a vote; of other commands, who asked. None: it was refused.
    pub node: Option<NodeId>,
    /// Who acts by it.
    pub actor: Option<NodeId>,
    /// The key that signed it.
    pub signer: Option<KeyId>,
}

/// Asks for what stands before the entries that the fold still holds itself.
///
/// An entry of one run that was never named asks for about as many nodes as it names things, and for nothing else; one of
/// a known run for its links besides, once. All of it may be answered from a batch that was read ahead.
pub trait Lookup {
    /// Why it cannot be answered.
    type Error;

    /// The node with this key.
    fn node(&mut self, key: &NodeKey) -> Result<Option<Known>, Self::Error>;

    /// The first links of something.
    fn links(&mut self, of: NodeId) -> Result<Option<Links>, Self::Error>;

    /// A link beyond the first ones.
    fn far_link(&mut self, key: &LinkKey) -> Result<Option<Link>, Self::Error>;

    /// What is kept of an action, by the id of its request.
    fn trace(&mut self, request: &SubjectId) -> Result<Option<Trace>, Self::Error>;

    /// The run of an event, as `Fold::take` returned it for the event's entry; also for entries taken since the last
    /// `Fold::settle`.
    fn run_of(&mut self, event: &Parent) -> Result<Option<NodeId>, Self::Error>;
}
