//! From the verifier's facts to what the folds read, and back. Form was checked by the verifier; nothing is judged here.

use crate::approvals::action::Action;
use crate::approvals::command::{BreakGlass, Cancel, CastVote, Command, Redeem, Review, RevokeGrant, Submit};
use crate::approvals::decide::Effect;
use crate::approvals::event::{Event, Judgement};
use crate::record::FactsBuilder;
use deedbook_verify::bytes::Malformed;
use deedbook_verify::detail::{
    ApprovalCommand, Detail, Judgement as JudgementFacts, OfRequest, Step, Submission, Vote,
};
use deedbook_verify::facts::{Facts, Parent};
use deedbook_verify::hash::request_id;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Digest, EventId, Micros, Ref, SubjectId};

/// The media type of a presentation.
pub const PRESENTATION_MEDIA_TYPE: &str = "text/vnd.deedbook.presentation";
/// The media type of the recorded inputs of an evaluation.
pub const EVALUATION_MEDIA_TYPE: &str = "application/vnd.deedbook.question+json";

/// What every event of an action names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The action's stream.
    pub stream: Ref,
    /// The request, whose id is the action's.
    pub request: SubjectId,
    /// The digest of the exact action.
    pub action: Digest,
    /// The grant, where one was issued.
    pub grant: Option<SubjectId>,
}

impl Action {
    /// What the action's events name.
    pub fn subject(&self) -> Subject {
        let grant = self.grant.map(|grant| grant.id);
        Subject { stream: self.stream, request: self.id, action: self.origin.digest, grant }
    }
}

impl Submit {
    /// What the events behind the action's first command name.
    pub fn subject(&self) -> Subject {
        Subject { stream: self.stream, request: self.id, action: self.digest, grant: None }
    }
}

impl Command {
    /// The command that these facts state; none: they are no command of the approval machines, or a vote on a
    /// governance request, which the verifier folds itself.
    pub fn from_facts(facts: &Facts<'_>) -> Option<Command> {
        let Detail::Approval(command) = facts.detail else { return None };
        Some(match command {
            ApprovalCommand::Submitted(submission) => Command::Submit(submit(facts, &submission)),
            ApprovalCommand::VoteCast(vote) => Command::Vote(cast_vote(facts, &vote)?),
            ApprovalCommand::CancelRequested(OfRequest { request, .. }) => Command::Cancel(Cancel { request }),
            ApprovalCommand::RedeemRequested(redemption) => Command::Redeem(Redeem {
                request: redemption.of.request,
                grant: redemption.of.grant,
                action: redemption.action,
                actor: redemption.actor,
            }),
            ApprovalCommand::RevokeRequested(of) => {
                Command::RevokeGrant(RevokeGrant { request: of.request, grant: of.grant })
            }
            ApprovalCommand::BreakglassInvoked(submission) => {
                let mut action = submit(facts, &submission);
                action.id = facts.request_id.unwrap_or(action.id);
                Command::BreakGlass(BreakGlass { action, request: facts.request_id })
            }
            ApprovalCommand::BreakglassReviewed(review) => {
                Command::Review(Review { request: review.of.request, actor: review.actor, outcome: review.outcome })
            }
        })
    }

    /// The action whose place it takes.
    pub fn supersedes(&self) -> Option<SubjectId> {
        if let Command::Submit(submit) = self { submit.supersedes } else { None }
    }

    /// Who breaks the glass with it.
    pub fn glass_breaker(&self) -> Option<Ref> {
        if let Command::BreakGlass(glass) = self { Some(glass.action.actor.who) } else { None }
    }

    /// The action that it is about.
    pub fn request(&self) -> SubjectId {
        match self {
            Command::Submit(submit) => submit.id,
            Command::Vote(vote) => vote.request,
            Command::Cancel(cancel) => cancel.request,
            Command::Redeem(redeem) => redeem.request,
            Command::RevokeGrant(revoke) => revoke.request,
            Command::BreakGlass(glass) => glass.action.id,
            Command::Review(review) => review.request,
        }
    }
}

fn submit(facts: &Facts<'_>, submission: &Submission<'_>) -> Submit {
    Submit {
        id: request_id(&Parent { source: facts.source, event_id: facts.event_id }),
        stream: submission.stream,
        actor: submission.actor,
        on_behalf_of: facts.on_behalf_of().collect(),
        responsible: facts.responsible,
        action_type: submission.action_type.as_str().to_owned(),
        digest: submission.action,
        reversibility: submission.reversibility,
        supersedes: submission.supersedes,
    }
}

fn cast_vote(facts: &Facts<'_>, vote: &Vote<'_>) -> Option<CastVote> {
    vote.stream?;
    Some(CastVote {
        request: vote.request,
        actor: vote.actor,
        decision: vote.decision,
        action: vote.action,
        requirement: vote.requirement,
        presentation: vote.presentation,
        revision: vote.revision,
        level: vote.evidence.level(),
        valid_until: vote.valid_until,
        has_rationale: facts.commitment.is_some(),
    })
}

impl Event {
    /// The event that these facts state; none: they are no step of the approval machines.
    pub fn from_facts(facts: &Facts<'_>) -> Result<Option<Event>, Malformed> {
        let Detail::Step(step) = facts.detail else { return Ok(None) };
        Ok(Some(match step.step {
            Step::Evaluated { policy, judgement, .. } => Event::Evaluated {
                policy,
                judgement: match judgement {
                    JudgementFacts::Allow => Judgement::Allow,
                    JudgementFacts::Deny => Judgement::Deny,
                    JudgementFacts::RequireApproval(requirement) => Judgement::RequireApproval(requirement.read()?),
                },
            },
            Step::Opened { requirement, conflicts, valid_until, .. } => Event::Opened {
                requirement: requirement.read()?,
                conflicts: conflicts.iter().collect(),
                expires_at: valid_until,
            },
            Step::Shown { requirement, presentation, complete, .. } => {
                Event::Shown { requirement, presentation, complete }
            }
            Step::Resolved { resolution, .. } => {
                Event::Resolved { resolution: resolution.map(|votes| votes.iter().collect()) }
            }
            Step::Escalated { escalation, deadline } => Event::Escalated { escalation, deadline },
            Step::GrantIssued { audience, uses, valid_until, .. } => Event::GrantIssued { audience, uses, valid_until },
            Step::GrantRedeemed { policy, .. } => Event::GrantRedeemed { policy },
            Step::ExecutionStarted { .. } => Event::ExecutionStarted,
            Step::GrantRevoked { .. } => Event::GrantRevoked,
            Step::GrantExpired { deadline, .. } => Event::GrantExpired { deadline },
            Step::Blocked { policy, .. } => Event::Blocked { policy },
        }))
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Event::Evaluated { .. } => Kind::PolicyEvaluated,
            Event::Opened { .. } => Kind::ApprovalOpened,
            Event::Shown { .. } => Kind::PresentationShown,
            Event::Escalated { .. } => Kind::ApprovalEscalated,
            Event::Resolved { .. } => Kind::ApprovalResolved,
            Event::GrantIssued { .. } => Kind::GrantIssued,
            Event::GrantRedeemed { .. } => Kind::GrantRedeemed,
            Event::ExecutionStarted => Kind::ExecutionStarted,
            Event::GrantRevoked => Kind::GrantRevoked,
            Event::GrantExpired { .. } => Kind::GrantExpired,
            Event::Blocked { .. } => Kind::ActionBlocked,
        }
    }

    /// Its facts, but for what the frame and the sequencer add. `id` is the event's, and that of the grant it issues.
    pub fn to_facts(&self, subject: &Subject, id: EventId, occurred: Micros) -> FactsBuilder {
        let facts = FactsBuilder::new(self.kind(), id, occurred).stream(subject.stream).request_id(subject.request);
        let exact = |facts: FactsBuilder| facts.action_digest(subject.action);
        let granted = |facts: FactsBuilder| match subject.grant {
            Some(grant) => facts.grant_id(grant),
            None => facts,
        };
        match self {
            Event::Evaluated { policy, judgement } => {
                let facts = exact(facts).policy_digest(*policy);
                match judgement {
                    Judgement::Allow => facts.judgement(JudgementFacts::Allow),
                    Judgement::Deny => facts.judgement(JudgementFacts::Deny),
                    Judgement::RequireApproval(requirement) => facts.approval_required(requirement),
                }
            }
            Event::Opened { requirement, conflicts, expires_at } => exact(facts)
                .requirement(requirement)
                .requirement_digest(requirement.digest())
                .conflicts(conflicts)
                .valid_until(*expires_at),
            Event::Shown { requirement, presentation, complete } => {
                exact(facts).requirement_digest(*requirement).presentation_digest(*presentation).complete(*complete)
            }
            Event::Escalated { escalation, deadline } => facts.escalation(*escalation).valid_until(*deadline),
            Event::Resolved { resolution } => exact(facts).resolution(resolution),
            Event::GrantIssued { audience, uses, valid_until } => {
                exact(facts).grant_id(SubjectId(id.0)).audience(*audience, *uses).valid_until(*valid_until)
            }
            Event::GrantRedeemed { policy } => granted(exact(facts)).policy_digest(*policy),
            Event::ExecutionStarted => granted(exact(facts)),
            Event::GrantRevoked => granted(facts),
            Event::GrantExpired { deadline } => granted(facts).valid_until(*deadline),
            Event::Blocked { policy } => exact(facts).policy_digest(*policy),
        }
    }
}

impl Effect {
    /// The event's facts with its body.
    pub fn to_facts(&self, subject: &Subject, id: EventId, occurred: Micros) -> FactsBuilder {
        let facts = self.event.to_facts(subject, id, occurred);
        match (&self.event, &self.body) {
            (Event::Shown { .. }, Some(body)) => facts.body(PRESENTATION_MEDIA_TYPE, body.clone()),
            (_, Some(body)) => facts.body(EVALUATION_MEDIA_TYPE, body.clone()),
            (_, None) => facts,
        }
    }
}

#[cfg(test)]
mod tests;
