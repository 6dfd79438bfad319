//! What identifies a node: its kind, and 16 bytes that follow from facts. The same thing has the same key, whoever names
//! it and in whatever order; numbers are given by the fold.

use super::kinds::NodeKind;
use crate::facts::{Actor, ActorKind, Facts, ObjectClass, Parent};
use crate::hash;
use crate::words::{Digest, Hash, KeyId, Ref, Revision, SubjectId};
use std::fmt;

/// A node's key: kind u8 ‖ 16 bytes.
///
/// The 16 bytes are, by kind: the ref that stands in facts (datasets, models, artifacts, jobs, sessions, principals,
/// sources, policies, runs that are a stream, versions that were named); the subject id (actions, approvals); the event id
/// (runs that the ledger started); the first half of the digest (policy versions) or of the key id (keys); what
/// `request_id` makes of source and event id (runs without a stream, votes about governance); a hash of dataset and run
/// (versions that were not named) or of stream and revision (votes). An outcome has the bytes of its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeKey {
    /// Of what kind.
    pub kind: NodeKind,
    /// What tells it from others of its kind.
    pub id: [u8; 16],
}

impl std::hash::Hash for NodeKey {
    /// As two numbers: hashers take those faster than bytes of some length.
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u128(u128::from_be_bytes(self.id));
        state.write_u8(self.kind.number());
    }
}

impl NodeKey {
    /// Width in bytes.
    pub const BYTES: usize = 17;

    /// A key from its parts.
    pub const fn new(kind: NodeKind, id: [u8; 16]) -> NodeKey {
        NodeKey { kind, id }
    }

    /// As it stands in rows.
    pub fn to_bytes(self) -> [u8; NodeKey::BYTES] {
        let mut out = [self.kind.number(); NodeKey::BYTES];
        if let Some(id) = out.last_chunk_mut() {
            *id = self.id;
        }
        out
    }

    /// From a row; none if the kind is unknown.
    pub fn from_bytes(bytes: [u8; NodeKey::BYTES]) -> Option<NodeKey> {
        let [kind, id @ ..] = bytes;
        Some(NodeKey { kind: NodeKind::from_number(kind)?, id })
    }

    /// Whoever acts.
    pub fn actor(actor: Actor) -> NodeKey {
        let kind = match actor.kind {
            ActorKind::Human => NodeKind::Person,
            ActorKind::Agent => NodeKind::Agent,
            ActorKind::Service => NodeKind::Service,
            ActorKind::Team => NodeKind::Team,
        };
        NodeKey::new(kind, actor.who.0)
    }

    /// A signing key.
    pub fn key(id: KeyId) -> NodeKey {
        NodeKey::new(NodeKind::Key, first_half(&id.0))
    }

    /// A published text of policies.
    pub fn policy(digest: Digest) -> NodeKey {
        NodeKey::new(NodeKind::PolicyVersion, first_half(&digest.0))
    }

    /// A thing that facts name among their objects.
    pub fn object(class: ObjectClass, what: Ref) -> NodeKey {
        let kind = match class {
            ObjectClass::Dataset => NodeKind::Dataset,
            ObjectClass::DatasetVersion => NodeKind::DatasetVersion,
            ObjectClass::Model => NodeKind::Model,
            ObjectClass::ModelVersion => NodeKind::ModelVersion,
            ObjectClass::Artifact => NodeKind::Artifact,
            ObjectClass::Job => NodeKind::Job,
            ObjectClass::Run => NodeKind::Run,
            ObjectClass::Session => NodeKind::Session,
            ObjectClass::Person => NodeKind::Person,
            ObjectClass::Agent => NodeKind::Agent,
            ObjectClass::Service => NodeKind::Service,
            ObjectClass::Team => NodeKind::Team,
        };
        NodeKey::new(kind, what.0)
    }

    /// An action, by the id of its request.
    pub fn action(id: SubjectId) -> NodeKey {
        NodeKey::new(NodeKind::Action, id.0)
    }

    /// What became of the request of an action.
    pub fn approval(id: SubjectId) -> NodeKey {
        NodeKey::new(NodeKind::Approval, id.0)
    }

    /// A vote about an action, by its place in the action's stream.
    pub fn vote(stream: Ref, revision: Revision) -> NodeKey {
        let parts = [b"deedbook.lineage.vote/1\0".as_slice(), &stream.0, &revision.0.to_be_bytes()];
        NodeKey::new(NodeKind::Vote, first_half(&hash::digest(&parts).0))
    }

    /// The run that a statement is of when no grant released it: its stream, or the event itself if it names none.
    pub fn stated_run(facts: &Facts<'_>) -> NodeKey {
        match facts.stream {
            Some(stream) => NodeKey::new(NodeKind::Run, stream.0),
            None => NodeKey::event(NodeKind::Run, facts),
        }
    }

    /// What an event stands for that has nothing but its id. Event ids are unique for a source alone.
    pub fn event(kind: NodeKind, facts: &Facts<'_>) -> NodeKey {
        let parent = Parent { source: facts.source, event_id: facts.event_id };
        NodeKey::new(kind, hash::request_id(&parent).0)
    }

    /// What versions of a thing of this kind are; none if it has none that are nodes by themselves.
    pub const fn version_of(kind: NodeKind) -> Option<NodeKind> {
        match kind {
            NodeKind::Dataset => Some(NodeKind::DatasetVersion),
            NodeKind::Model => Some(NodeKind::ModelVersion),
            NodeKind::DatasetVersion
            | NodeKind::ModelVersion
            | NodeKind::Artifact
            | NodeKind::Policy
            | NodeKind::PolicyVersion
            | NodeKind::Agent
            | NodeKind::Service
            | NodeKind::Person
            | NodeKind::Team
            | NodeKind::Source
            | NodeKind::Key
            | NodeKind::Session
            | NodeKind::Job
            | NodeKind::Run
            | NodeKind::Action
            | NodeKind::Vote
            | NodeKind::Approval
            | NodeKind::Outcome => None,
        }
    }

    /// The version of a dataset or model that a run wrote without naming it; without a run, the one that was there first.
    /// None: nothing of that kind has versions.
    pub fn unnamed_version(of: NodeKey, run: Option<NodeKey>) -> Option<NodeKey> {
        let kind = NodeKey::version_of(of.kind)?;
        let run = run.map(NodeKey::to_bytes);
        let run = run.as_ref().map_or([].as_slice(), |run| run.as_slice());
        let hash: Hash = hash::digest(&[b"deedbook.lineage.version/1\0".as_slice(), &of.to_bytes(), run]);
        Some(NodeKey::new(kind, first_half(&hash.0)))
    }
}

impl fmt::Display for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:032x}", self.kind.name(), u128::from_be_bytes(self.id))
    }
}

fn first_half(bytes: &[u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    half
}
