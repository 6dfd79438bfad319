//! What people and agents ask about actions: submissions, votes, break-glass and its review.

use super::FoldError;
use super::key::NodeKey;
use super::known::{Link, Lookup, Trace};
use super::step::{Named, Step};
use crate::lineage::kinds::EdgeKind;
use crate::lineage::words::{Gate, NodeId};
use deedbook_verify::detail::{ApprovalCommand, PostReview, ReviewOutcome, Submission, Vote};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::{ObjectRole, Parent};
use deedbook_verify::hash::request_id;
use deedbook_verify::lineage::touched;
use deedbook_verify::vote::Evidence;
use deedbook_verify::words::SubjectId;

/// What a command stands for, and who acts by it.
type Asked = (Option<NodeId>, Option<NodeId>);

impl<L: Lookup> Step<'_, L> {
    /// A command about an action that was not refused.
    pub fn asked(&mut self, entry: &Entry<'_>, command: &ApprovalCommand<'_>) -> Result<Asked, FoldError<L::Error>> {
        let facts = &entry.facts;
        match command {
            ApprovalCommand::Submitted(submission) => self.submitted(entry, submission),
            ApprovalCommand::BreakglassInvoked(submission) => match facts.request_id {
                None => self.submitted(entry, submission),
                Some(_) => {
                    let invoker = self.name(NodeKey::actor(submission.actor))?.id;
                    Ok((Some(invoker), Some(invoker)))
                }
            },
            ApprovalCommand::VoteCast(vote) => self.voted(entry, vote),
            ApprovalCommand::BreakglassReviewed(review) => self.reviewed(entry, review),
            ApprovalCommand::RedeemRequested(redemption) => {
                let actor = self.name(NodeKey::actor(redemption.actor))?.id;
                Ok((Some(actor), Some(actor)))
            }
            ApprovalCommand::CancelRequested(_) | ApprovalCommand::RevokeRequested(_) => {
                let actor = match facts.actor {
                    Some(actor) => Some(self.name(NodeKey::actor(actor))?.id),
                    None => self.known_party(facts.source)?.map(|party| party.id),
                };
                let who = match actor {
                    Some(actor) => Some(actor),
                    None => self.signer(self.fold.carry.signer)?,
                };
                Ok((who, actor))
            }
        }
    }

    /// A new action, behind those who ask and what it is to read.
    fn submitted(&mut self, entry: &Entry<'_>, submission: &Submission<'_>) -> Result<Asked, FoldError<L::Error>> {
        let facts = &entry.facts;
        let id = request_id(&Parent { source: facts.source, event_id: facts.event_id });
        let actor = self.name(NodeKey::actor(submission.actor))?.id;
        let signer = self.signer(self.fold.carry.signer)?;
        let mut behalf = Vec::new();
        for whom in facts.on_behalf_of().chain(facts.responsible) {
            behalf.push(self.party(whom)?.id);
        }
        let mut reads = Vec::new();
        for touched in touched(facts).filter(|touched| touched.role != ObjectRole::Output) {
            reads.extend(self.reads(&touched, None, EdgeKind::Proposed)?);
        }
        let action = self.name(NodeKey::action(id))?;
        self.caused_once(actor, action, EdgeKind::Proposed)?;
        for whom in behalf {
            self.caused_once(whom, action, EdgeKind::OnBehalf)?;
        }
        if let Some(signer) = signer {
            self.edge(signer, action.id, EdgeKind::Performed);
        }
        for read in reads {
            self.read(read, action, EdgeKind::Proposed)?;
        }
        if let Some(prior) = submission.supersedes
            && let Some(prior) = self.trace(prior)?
        {
            self.edge(prior.action, action.id, EdgeKind::Superseded);
        }
        let trace = Trace {
            action: action.id,
            stream: submission.stream,
            digest: submission.action,
            actor,
            policy: None,
            approval: None,
            gate: Gate::NONE,
            grant: None,
            last: None,
            open: Vec::new(),
        };
        self.fold.tail.traces.put(id, trace);
        Ok((Some(action.id), Some(actor)))
    }

    /// A vote, about an action or about what somebody wants to govern; each is a node of its own, abstentions too.
    fn voted(&mut self, entry: &Entry<'_>, vote: &Vote<'_>) -> Result<Asked, FoldError<L::Error>> {
        let action = self.find(NodeKey::action(vote.request))?.map(|known| known.id);
        let person = self.name(NodeKey::actor(vote.actor))?.id;
        let signer = match vote.evidence {
            Evidence::Reviewer(signature) => Some(signature.key_id),
            Evidence::Operator | Evidence::Idp => self.fold.carry.signer,
        };
        let node = self.decision(entry, action, person, signer)?;
        Ok((Some(node.id), Some(person)))
    }

    /// What somebody says of a break-glass. Repudiated, it ends what the break-glass stood for.
    fn reviewed(&mut self, entry: &Entry<'_>, review: &PostReview) -> Result<Asked, FoldError<L::Error>> {
        let trace = self.trace(review.of.request)?;
        let person = self.name(NodeKey::actor(review.actor))?.id;
        let action = trace.as_ref().map(|trace| trace.action);
        let node = self.decision(entry, action, person, self.fold.carry.signer)?;
        if let (ReviewOutcome::Repudiated, Some(approval)) = (review.outcome, trace.and_then(|trace| trace.approval)) {
            self.edge(node.id, approval, EdgeKind::Revoked);
        }
        Ok((Some(node.id), Some(person)))
    }

    /// A decision by a person about an action.
    fn decision(
        &mut self,
        entry: &Entry<'_>,
        action: Option<NodeId>,
        person: NodeId,
        signer: Option<deedbook_verify::words::KeyId>,
    ) -> Result<Named, FoldError<L::Error>> {
        let signer = self.signer(signer)?;
        let key = match (entry.facts.stream, entry.seal.revision) {
            (Some(stream), Some(revision)) => NodeKey::vote(stream, revision),
            _ => NodeKey::event(crate::lineage::kinds::NodeKind::Vote, &entry.facts),
        };
        let node = self.name(key)?;
        if let Some(action) = action {
            self.edge(action, node.id, EdgeKind::Reviewed);
        }
        self.edge(person, node.id, EdgeKind::Decided);
        if let Some(signer) = signer {
            self.edge(signer, node.id, EdgeKind::Performed);
        }
        Ok(node)
    }

    /// Whether a person who approved asked for the action, or answers for who did: as the submission says, or as the
    /// actor was bound.
    pub fn is_own(&mut self, person: NodeId, id: SubjectId, trace: &Trace) -> Result<bool, FoldError<L::Error>> {
        let action = Named { id: trace.action, key: NodeKey::action(id), is_new: false, latest: None };
        // The key is not looked at: links go by number.
        let actor = Named { id: trace.actor, ..action };
        let mut linked = |of: Named, kind| -> Result<bool, FoldError<L::Error>> {
            let link: Option<Link> = self.link(of, kind, person)?;
            Ok(link.is_some())
        };
        Ok(person == trace.actor
            || linked(action, EdgeKind::Proposed)?
            || linked(action, EdgeKind::OnBehalf)?
            || linked(actor, EdgeKind::OnBehalf)?)
    }
}
