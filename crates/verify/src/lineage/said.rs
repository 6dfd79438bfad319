//! What one entry says by itself: the edges that the fold of the log makes at it, each end as far as the entry tells it.
//! A pure function of the entry, the key that signed its frame, and the run that it is of. It may say more than the fold
//! adds, for it does not know what was said before.

use super::key::NodeKey;
use super::kinds::{EdgeKind, NodeKind};
use super::touched::{Touched, touched};
use crate::detail::{
    ApprovalCommand, ApprovalStep, Detail, Document, PostReview, Relation, Resolution, ReviewOutcome, Step, Submission,
    Vote,
};
use crate::entry::Entry;
use crate::facts::{Facts, ObjectClass, ObjectRole, Outcome, Parent};
use crate::hash::request_id;
use crate::kind::{Author, Kind};
use crate::vote::Evidence;
use crate::words::{Digest, KeyId, Ref, SubjectId};
use std::collections::BTreeSet;

/// One end of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The entry tells the node.
    Is(NodeKey),
    /// It has the ref of a principal; other entries tell as what kind that is known.
    Party(Ref),
    /// Some version of a dataset or model, which it does not name.
    VersionOf(NodeKey),
    /// A part of an event that it names as its parent.
    Parent(Parent, Part),
    /// The policies that were asked last about a request.
    PolicyOf(SubjectId),
}

/// What of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The run that it is of.
    Run,
    /// The vote that it is.
    Vote,
    /// Who acts by it.
    Actor,
    /// The key that signed it.
    Signer,
    /// What the command stands for, which ends something.
    Subject,
}

/// A request, and the action that was let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Release {
    pub request: SubjectId,
    pub action: Digest,
}

/// An edge that an entry says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub kind: EdgeKind,
    pub from: End,
    pub to: End,
    /// It holds only if this was released by an entry before.
    pub rests: Option<Release>,
}

/// All that an entry says.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub claims: Vec<Claim>,
    /// Nodes that it names beside the ends of edges.
    pub names: Vec<NodeKey>,
}

/// What an entry says, if it is of this run; `signer` is the producer that signed its frame. Entries that are of no run
/// say the same whatever the run.
pub(super) fn said(entry: &Entry<'_>, signer: Option<KeyId>, run: NodeKey) -> Said {
    let mut said = Said::default();
    let facts = &entry.facts;
    match &facts.detail {
        Detail::Genesis(genesis) => said.genesis(facts, genesis),
        Detail::Step(step) => said.step(facts, step),
        Detail::Approval(command) => said.asked(entry, command, signer),
        Detail::Document(document) => said.document(facts, document, signer),
        Detail::None
        | Detail::KeyEnrolled(_)
        | Detail::KeyRotated { .. }
        | Detail::KeyRevoked { .. }
        | Detail::BodyErased(_)
        | Detail::Imported { .. }
        | Detail::Principal(_)
        | Detail::Policy(_)
        | Detail::CommandRefused { .. }
        | Detail::Keeping(_)
        | Detail::HeartbeatPromised { .. }
        | Detail::SourceGap(_)
        | Detail::Custody { .. }
        | Detail::Oversight(_)
        | Detail::ClockChecked { .. } => match facts.kind.author() {
            Author::Asker => said.governs(facts, signer),
            Author::Witness => said.statement(facts, signer, run),
            Author::Ledger => {}
        },
    }
    said
}

/// The id of the action, and of its request, that a command asks for.
pub(super) fn asked_by(facts: &Facts<'_>) -> SubjectId {
    request_id(&Parent { source: facts.source, event_id: facts.event_id })
}

/// The vote that an entry is, if it is one.
pub(super) fn vote_of(entry: &Entry<'_>) -> NodeKey {
    match (entry.facts.stream, entry.seal.revision) {
        (Some(stream), Some(revision)) => NodeKey::vote(stream, revision),
        _ => NodeKey::event(NodeKind::Vote, &entry.facts),
    }
}

impl Said {
    pub(super) fn add(&mut self, kind: EdgeKind, from: End, to: End) {
        self.claims.push(Claim { kind, from, to, rests: None });
    }

    pub(super) fn is(&mut self, kind: EdgeKind, from: NodeKey, to: NodeKey) {
        self.add(kind, End::Is(from), End::Is(to));
    }

    pub(super) fn signed(&mut self, signer: Option<KeyId>, what: NodeKey) {
        if let Some(signer) = signer {
            self.is(EdgeKind::Performed, NodeKey::key(signer), what);
        }
    }

    fn behalf(&mut self, facts: &Facts<'_>, what: NodeKey) {
        for whom in facts.on_behalf_of().chain(facts.responsible) {
            self.add(EdgeKind::OnBehalf, End::Party(whom), End::Is(what));
        }
    }

    /// A thing that is named, with its version.
    fn thing(&mut self, touched: &Touched) {
        self.names.push(touched.thing);
        let first = NodeKey::unnamed_version(touched.thing, None);
        if let Some(version) = touched.version.or(first) {
            self.is(EdgeKind::VersionOf, version, touched.thing);
        }
    }

    fn reads(&mut self, facts: &Facts<'_>, kind: EdgeKind, by: NodeKey) {
        for touched in touched(facts).filter(|touched| touched.role != ObjectRole::Output) {
            self.thing(&touched);
            let read = match (touched.version, touched.thing.kind) {
                (Some(version), _) => End::Is(version),
                (None, NodeKind::Dataset | NodeKind::Model) => End::VersionOf(touched.thing),
                (None, _) => End::Is(touched.thing),
            };
            self.add(kind, read, End::Is(by));
        }
    }

    fn writes(&mut self, facts: &Facts<'_>, run: NodeKey) {
        for touched in touched(facts).filter(|touched| touched.role == ObjectRole::Output) {
            let unnamed = NodeKey::unnamed_version(touched.thing, Some(run));
            let written = touched.version.or(unnamed).unwrap_or(touched.thing);
            self.names.push(touched.thing);
            self.is(EdgeKind::Generated, run, written);
            if written != touched.thing {
                self.is(EdgeKind::VersionOf, written, touched.thing);
            }
            if let Some(unnamed) = unnamed.filter(|unnamed| *unnamed != written) {
                self.is(EdgeKind::SameAs, unnamed, written);
            }
        }
    }

    fn statement(&mut self, facts: &Facts<'_>, signer: Option<KeyId>, run: NodeKey) {
        if !is_of_run(facts) {
            // What else sources state is about themselves and about reviews.
            let about = (facts.kind == Kind::OpenlineageReceived).then(|| touched(facts));
            return about.into_iter().flatten().for_each(|touched| self.thing(&touched));
        }
        self.names.push(run);
        self.signed(signer, run);
        if let Some(actor) = facts.actor {
            self.is(EdgeKind::Performed, NodeKey::actor(actor), run);
        }
        self.behalf(facts, run);
        if let Some(policy) = facts.policy_digest {
            self.is(EdgeKind::PlannedBy, NodeKey::policy(policy), run);
        }
        for object in facts.objects() {
            let what = NodeKey::object(object.class, object.what);
            match object.class {
                ObjectClass::Job => self.is(EdgeKind::PlannedBy, what, run),
                ObjectClass::Run | ObjectClass::Session => self.is(EdgeKind::PartOf, run, what),
                ObjectClass::Dataset
                | ObjectClass::Model
                | ObjectClass::Artifact
                | ObjectClass::DatasetVersion
                | ObjectClass::ModelVersion
                | ObjectClass::Person
                | ObjectClass::Agent
                | ObjectClass::Service
                | ObjectClass::Team => {}
            }
        }
        for parent in facts.parents() {
            self.add(EdgeKind::Called, End::Parent(parent, Part::Run), End::Is(run));
        }
        self.reads(facts, EdgeKind::Used, run);
        self.writes(facts, run);
        if facts.kind == Kind::ExecutionReported {
            self.reported(facts, run);
        }
    }

    /// Whoever signed for a part of a document answers for its runs, and for what no run of it leads to.
    fn document(&mut self, facts: &Facts<'_>, document: &Document<'_>, signer: Option<KeyId>) {
        let things: Vec<NodeKey> = facts.objects().map(|object| NodeKey::object(object.class, object.what)).collect();
        let runs = things.iter().copied().filter(|thing| thing.kind == NodeKind::Run);
        let mut answered: BTreeSet<NodeKey> = runs.collect();
        for Relation { kind, cause, effect } in document.relations() {
            let ends = things.get(usize::from(cause)).zip(things.get(usize::from(effect)));
            // Relations have the numbers of edges.
            let (Some((cause, effect)), Some(kind)) = (ends, EdgeKind::from_number(kind.number())) else { continue };
            self.is(kind, *cause, *effect);
            if cause.kind != NodeKind::Run && kind.is_flow() {
                answered.insert(*effect);
            }
        }
        self.names.extend(things);
        answered.into_iter().for_each(|thing| self.signed(signer, thing));
    }

    fn reported(&mut self, facts: &Facts<'_>, run: NodeKey) {
        if let Some(request) = facts.request_id {
            self.is(EdgeKind::Realised, NodeKey::action(request), run);
        }
        match facts.outcome {
            Some(Outcome::Succeeded | Outcome::Failed | Outcome::Aborted | Outcome::Denied) => {
                self.is(EdgeKind::Generated, run, NodeKey::new(NodeKind::Outcome, run.id));
            }
            Some(Outcome::Started | Outcome::Running | Outcome::Other | Outcome::Allowed) | None => {}
        }
    }

    fn step(&mut self, facts: &Facts<'_>, step: &ApprovalStep<'_>) {
        let request = step.of.request;
        let (action, approval) = (NodeKey::action(request), NodeKey::approval(request));
        match &step.step {
            Step::Evaluated { policy, .. } => {
                let policy = NodeKey::policy(*policy);
                for parent in facts.parents() {
                    if request_id(&parent) == request {
                        self.is(EdgeKind::PlannedBy, policy, action);
                    }
                    self.add(EdgeKind::PlannedBy, End::Is(policy), End::Parent(parent, Part::Vote));
                }
            }
            Step::Blocked { policy, .. } => {
                self.opened(request);
                self.is(EdgeKind::PlannedBy, NodeKey::policy(*policy), approval);
            }
            Step::Opened { .. } | Step::GrantIssued { .. } => self.opened(request),
            Step::Resolved { resolution, .. } => {
                self.opened(request);
                match resolution {
                    Resolution::Approved(votes) => {
                        for vote in votes.iter() {
                            self.is(EdgeKind::Authorized, NodeKey::vote(step.of.stream, vote.vote), approval);
                        }
                    }
                    Resolution::Denied => self.of_parents(facts, EdgeKind::Authorized, Part::Vote, approval),
                    Resolution::BreakGlass => self.of_parents(facts, EdgeKind::Decided, Part::Actor, approval),
                    Resolution::Expired
                    | Resolution::Cancelled
                    | Resolution::Superseded(_)
                    | Resolution::Invalidated
                    | Resolution::Unroutable => {}
                }
            }
            Step::GrantRedeemed { policy, .. } => self.names.push(NodeKey::policy(*policy)),
            Step::ExecutionStarted { action: digest, .. } => {
                let run = NodeKey::new(NodeKind::Run, facts.event_id.0);
                self.is(EdgeKind::Realised, action, run);
                let rests = Some(Release { request, action: *digest });
                let (from, to) = (End::Is(approval), End::Is(run));
                self.claims.push(Claim { kind: EdgeKind::Authorized, from, to, rests });
                self.of_parents(facts, EdgeKind::Performed, Part::Actor, run);
                self.of_parents(facts, EdgeKind::Performed, Part::Signer, run);
                self.add(EdgeKind::PlannedBy, End::PolicyOf(request), End::Is(run));
            }
            Step::GrantRevoked { .. } => {
                self.of_parents(facts, EdgeKind::Revoked, Part::Subject, approval);
                self.add(EdgeKind::Revoked, End::PolicyOf(request), End::Is(approval));
            }
            Step::GrantExpired { .. } | Step::Shown { .. } | Step::Escalated { .. } => {}
        }
    }

    /// What becomes of a request has a node from here on.
    fn opened(&mut self, request: SubjectId) {
        let (action, approval) = (NodeKey::action(request), NodeKey::approval(request));
        self.is(EdgeKind::Reviewed, action, approval);
        self.add(EdgeKind::PlannedBy, End::PolicyOf(request), End::Is(approval));
    }

    fn of_parents(&mut self, facts: &Facts<'_>, kind: EdgeKind, part: Part, to: NodeKey) {
        facts.parents().for_each(|parent| self.add(kind, End::Parent(parent, part), End::Is(to)));
    }

    fn asked(&mut self, entry: &Entry<'_>, command: &ApprovalCommand<'_>, signer: Option<KeyId>) {
        let facts = &entry.facts;
        match command {
            ApprovalCommand::Submitted(submission) => self.submitted(facts, submission, signer),
            ApprovalCommand::BreakglassInvoked(submission) => match facts.request_id {
                None => self.submitted(facts, submission, signer),
                Some(_) => self.names.push(NodeKey::actor(submission.actor)),
            },
            ApprovalCommand::VoteCast(vote) => self.voted(entry, vote, signer),
            ApprovalCommand::BreakglassReviewed(review) => self.reviewed(entry, review, signer),
            ApprovalCommand::RedeemRequested(redemption) => self.names.push(NodeKey::actor(redemption.actor)),
            ApprovalCommand::CancelRequested(_) | ApprovalCommand::RevokeRequested(_) => {
                self.names.extend(facts.actor.map(NodeKey::actor));
                self.names.extend(signer.map(NodeKey::key));
            }
        }
    }

    fn submitted(&mut self, facts: &Facts<'_>, submission: &Submission<'_>, signer: Option<KeyId>) {
        let action = NodeKey::action(asked_by(facts));
        self.is(EdgeKind::Proposed, NodeKey::actor(submission.actor), action);
        self.behalf(facts, action);
        self.signed(signer, action);
        self.reads(facts, EdgeKind::Proposed, action);
        if let Some(prior) = submission.supersedes {
            self.is(EdgeKind::Superseded, NodeKey::action(prior), action);
        }
    }

    fn voted(&mut self, entry: &Entry<'_>, vote: &Vote<'_>, signer: Option<KeyId>) {
        let node = vote_of(entry);
        self.is(EdgeKind::Reviewed, NodeKey::action(vote.request), node);
        self.is(EdgeKind::Decided, NodeKey::actor(vote.actor), node);
        let signer = match vote.evidence {
            Evidence::Reviewer(signature) => Some(signature.key_id),
            Evidence::Operator | Evidence::Idp => signer,
        };
        self.signed(signer, node);
    }

    fn reviewed(&mut self, entry: &Entry<'_>, review: &PostReview, signer: Option<KeyId>) {
        let (node, request) = (vote_of(entry), review.of.request);
        self.is(EdgeKind::Reviewed, NodeKey::action(request), node);
        self.is(EdgeKind::Decided, NodeKey::actor(review.actor), node);
        self.signed(signer, node);
        if review.outcome == ReviewOutcome::Repudiated {
            self.is(EdgeKind::Revoked, node, NodeKey::approval(request));
        }
    }
}

/// Whether a statement is about a run. An OpenLineage event may be about a dataset.
pub(super) fn is_of_run(facts: &Facts<'_>) -> bool {
    let is_stream = |class| facts.objects().any(|object| object.class == class && Some(object.what) == facts.stream);
    let of_runs = [Kind::ExecutionReported, Kind::DataAccessed, Kind::ModelInvoked, Kind::ProvReceived];
    let is_document = matches!(facts.detail, Detail::Document(_));
    of_runs.contains(&facts.kind) && !is_document
        || (facts.kind == Kind::OpenlineageReceived && !is_stream(ObjectClass::Dataset))
}
