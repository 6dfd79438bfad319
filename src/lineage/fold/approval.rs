//! What the ledger says that followed: what policies said, what became of a request, grants, and the runs that they
//! released.

use super::FoldError;
use super::key::NodeKey;
use super::known::{Cause, Lookup, Started, Trace};
use super::step::Step;
use crate::limits::GRANT_USES_MAX;
use crate::lineage::kinds::{EdgeKind, NodeKind};
use crate::lineage::words::{Gate, NodeId};
use deedbook_verify::detail::{Assignment, Detail, Resolution, Step as Followed};
use deedbook_verify::entry::Entry;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Digest, SubjectId};

impl<L: Lookup> Step<'_, L> {
    /// A step of the approval machines. One about an action that the log does not hold adds nothing.
    pub fn followed(&mut self, entry: &Entry<'_>) -> Result<Option<NodeId>, FoldError<L::Error>> {
        let Detail::Step(step) = &entry.facts.detail else { return Ok(None) };
        let request = step.of.request;
        let Some(mut trace) = self.trace(request)? else { return Ok(None) };
        let before = trace.clone();
        let mut run = None;
        match &step.step {
            Followed::Evaluated { policy, .. } => self.evaluated(*policy, &mut trace)?,
            Followed::Opened { .. } | Followed::Blocked { .. } => {
                self.approval(request, &mut trace)?;
            }
            Followed::Resolved { resolution, .. } => self.resolved(entry, request, resolution, &mut trace)?,
            Followed::GrantIssued { grant, audience, .. } => {
                trace.grant = Some((*grant, *audience));
                if trace.approval.is_none() {
                    // Nobody was asked: the policies released it.
                    self.approval(request, &mut trace)?;
                    self.released(request, Gate::APPROVED_AUTO | Gate::NOT_REQUIRED, &mut trace)?;
                }
            }
            Followed::GrantRedeemed { policy, .. } => trace.policy = Some(self.name(NodeKey::policy(*policy))?.id),
            Followed::ExecutionStarted { action, .. } => run = Some(self.started(entry, *action, &mut trace)?),
            Followed::GrantRevoked { .. } => {
                if let Some(approval) = trace.approval {
                    let by = self.ended_by(entry, &trace)?;
                    by.into_iter().for_each(|by| self.edge(by, approval, EdgeKind::Revoked));
                }
                self.released(request, Gate::REVOKED_BEFORE, &mut trace)?;
            }
            Followed::GrantExpired { .. } => self.released(request, Gate::EXPIRED, &mut trace)?,
            Followed::Shown { .. } | Followed::Escalated { .. } => {}
        }
        if trace != before {
            self.fold.tail.traces.put(request, trace);
        }
        Ok(run)
    }

    /// What the policies say is planned by them: the action when it was asked first, later the vote about which they were
    /// asked again. For a run, see `started`.
    fn evaluated(&mut self, policy: Digest, trace: &mut Trace) -> Result<(), FoldError<L::Error>> {
        let policy = self.name(NodeKey::policy(policy))?.id;
        let planned = match (trace.policy, self.fold.carry.cause) {
            (None, _) => Some(trace.action),
            (Some(_), Some(Cause { kind: Kind::VoteCast, node, .. })) => node,
            (Some(_), _) => None,
        };
        trace.policy = Some(policy);
        planned.into_iter().for_each(|planned| self.edge(policy, planned, EdgeKind::PlannedBy));
        Ok(())
    }

    /// The node of what becomes of the request, named when people are asked, or when nobody has to be.
    fn approval(&mut self, request: SubjectId, trace: &mut Trace) -> Result<NodeId, FoldError<L::Error>> {
        if let Some(approval) = trace.approval {
            return Ok(approval);
        }
        let approval = self.name(NodeKey::approval(request))?.id;
        trace.approval = Some(approval);
        self.edge(trace.action, approval, EdgeKind::Reviewed);
        if let Some(policy) = trace.policy {
            self.edge(policy, approval, EdgeKind::PlannedBy);
        }
        Ok(approval)
    }

    /// What holds for runs from here on.
    fn released(&mut self, request: SubjectId, add: Gate, trace: &mut Trace) -> Result<(), FoldError<L::Error>> {
        trace.gate = trace.gate | add;
        self.set_gate(NodeKey::approval(request), add)
    }

    fn resolved(
        &mut self,
        entry: &Entry<'_>,
        request: SubjectId,
        resolution: &Resolution<Assignment<'_>>,
        trace: &mut Trace,
    ) -> Result<(), FoldError<L::Error>> {
        let approval = self.approval(request, trace)?;
        let cause = self.cause_of(entry);
        match resolution {
            Resolution::Approved(votes) => {
                let mut gate = Gate::APPROVED_HUMAN;
                for vote in votes.iter() {
                    if let Some(node) = self.find(NodeKey::vote(trace.stream, vote.vote))? {
                        self.edge(node.id, approval, EdgeKind::Authorized);
                    }
                    let person = self.find(NodeKey::new(NodeKind::Person, vote.person.0))?;
                    if let Some(person) = person
                        && self.is_own(person.id, request, trace)?
                    {
                        gate = gate | Gate::SELF_APPROVED;
                    }
                }
                self.released(request, gate, trace)
            }
            Resolution::Denied => {
                let vote = cause.filter(|cause| cause.kind == Kind::VoteCast).and_then(|cause| cause.node);
                vote.into_iter().for_each(|vote| self.edge(vote, approval, EdgeKind::Authorized));
                Ok(())
            }
            Resolution::BreakGlass => {
                let invoker = cause.and_then(|cause| cause.actor);
                invoker.into_iter().for_each(|person| self.edge(person, approval, EdgeKind::Decided));
                self.released(request, Gate::BREAK_GLASS, trace)
            }
            Resolution::Expired
            | Resolution::Cancelled
            | Resolution::Superseded(_)
            | Resolution::Invalidated
            | Resolution::Unroutable => Ok(()),
        }
    }

    /// A run begins, by whoever redeemed the grant directly before.
    fn started(&mut self, entry: &Entry<'_>, action: Digest, trace: &mut Trace) -> Result<NodeId, FoldError<L::Error>> {
        let cause = self.cause_of(entry);
        let signer = self.signer(cause.and_then(|cause| cause.signer))?;
        let run = self.name(NodeKey::new(NodeKind::Run, entry.facts.event_id.0))?;
        let mut gate = trace.gate;
        // Somebody who knew the event's id in advance may have spoken of the run before it was released: that was not approved.
        if action != trace.digest || !run.is_new {
            gate = gate | Gate::MISMATCH;
        }
        if !gate.has_any(Gate::RELEASED) {
            gate = gate | Gate::MISSING;
        }
        self.caused_once(trace.action, run, EdgeKind::Realised)?;
        let holds = !gate.has_any(Gate::MISMATCH | Gate::MISSING | Gate::EXPIRED | Gate::REVOKED_BEFORE);
        if let Some(approval) = trace.approval.filter(|_| holds) {
            self.edge(approval, run.id, EdgeKind::Authorized);
        }
        if let Some(actor) = cause.and_then(|cause| cause.actor) {
            self.caused_once(actor, run, EdgeKind::Performed)?;
        }
        if let Some(signer) = signer {
            self.edge(signer, run.id, EdgeKind::Performed);
            self.change(run.key, |known| known.latest = Some(signer))?;
        }
        if let Some(policy) = trace.policy {
            self.caused_once(policy, run, EdgeKind::PlannedBy)?;
        }
        self.set_gate(run.key, gate)?;
        let started = Started { event: entry.facts.event_id, run: run.id };
        trace.last = Some(started);
        if trace.open.len() < usize::from(GRANT_USES_MAX) {
            trace.open.push(started);
        }
        Ok(run.id)
    }

    /// The command that something follows from: the last one, if it is named as the parent.
    fn cause_of(&self, entry: &Entry<'_>) -> Option<Cause> {
        self.fold.carry.cause.filter(|cause| entry.facts.parents().any(|parent| parent == cause.command))
    }

    /// Who or what ended a grant: who asked for it, the action that takes its place, the vote or the policies by which
    /// it is forbidden now.
    fn ended_by(&mut self, entry: &Entry<'_>, trace: &Trace) -> Result<Option<NodeId>, FoldError<L::Error>> {
        let Some(cause) = self.cause_of(entry) else { return Ok(None) };
        match (cause.kind, cause.node, trace.policy) {
            (Kind::GrantRedeemRequested, _, Some(policy)) => Ok(Some(policy)),
            (_, Some(node), _) => Ok(Some(node)),
            (_, None, _) => self.signer(cause.signer),
        }
    }
}
