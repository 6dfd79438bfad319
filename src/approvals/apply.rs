//! The fold: what a recorded entry changes. It never decides; an entry that fits no state is an error for whoever
//! recorded it, and changes nothing.

use crate::approvals::action::{
    Action, Evaluated, Execution, ExecutionState, Grant, GrantState, Origin, PostReview, Request, RequestState,
    Resolved, ReviewState, Shown, Vote,
};
use crate::approvals::command::{CastVote, Command, Submit};
use crate::approvals::event::{Event, Judgement};
use crate::approvals::strictness::strictest;
use crate::limits;
use deedbook_verify::detail::Escalation;
use deedbook_verify::facts::Outcome;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::{Digest, EventId, Index, Micros, Ref, Revision, SubjectId};
use std::num::NonZeroU16;
use thiserror::Error;

/// An entry of the action's stream, at its place.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a> {
    /// What it says.
    pub what: What<'a>,
    /// The source that signed it.
    pub source: Ref,
    /// Its event id.
    pub event: EventId,
    /// Its revision in the stream.
    pub revision: Revision,
    /// Its index.
    pub index: Index,
    /// When it was received.
    pub received: Micros,
}

/// What an entry of the stream says.
#[derive(Clone, Copy, Debug)]
pub enum What<'a> {
    /// A command that was not refused.
    Command(&'a Command),
    /// A command that was refused. The `command.refused` behind it, where it stands in the stream, is `Other`.
    Refused,
    /// Something that the ledger made.
    Event(&'a Event),
    /// `execution.reported`.
    Report {
        /// How it went, if it says so.
        outcome: Option<Outcome>,
        /// The grant that it names.
        grant: Option<SubjectId>,
        /// The execution that it names: a parent that is an `execution.started` of this action.
        execution: Option<EventId>,
    },
    /// Anything else that a producer put into the stream.
    Other,
}

/// An entry that fits no state: the log was written by a fold that is not this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{what} fits no state of the action")]
pub struct Misplaced {
    /// The entry's kind.
    pub what: &'static str,
}

fn misplaced<T>(what: &'static str) -> Result<T, Misplaced> {
    Err(Misplaced { what })
}

/// Folds one entry. Only a submission or a break-glass of a new action stands on no action.
pub fn apply(action: Option<Action>, recorded: Recorded<'_>) -> Result<Action, Misplaced> {
    let mut action = match (action, recorded.what) {
        (None, What::Command(Command::Submit(submit))) => submitted(submit, recorded),
        (None, What::Command(Command::BreakGlass(glass))) if glass.request.is_none() => {
            let mut action = submitted(&glass.action, recorded);
            action.post_review = Some(owed_review(glass.action.actor.who, recorded));
            action
        }
        (None, _) => return misplaced("an entry before the action's first"),
        (Some(mut action), what) => {
            match what {
                What::Command(command) => action.take_command(command, recorded)?,
                What::Event(event) => action.take_event(event, recorded)?,
                What::Refused => action.refusals = action.refusals.saturating_add(1),
                What::Report { outcome, grant, execution } => {
                    action.take_report(outcome, grant, execution, recorded.source);
                }
                What::Other => {}
            }
            action
        }
    };
    action.revision = recorded.revision;
    Ok(action)
}

fn submitted(submit: &Submit, recorded: Recorded<'_>) -> Action {
    Action {
        id: submit.id,
        stream: submit.stream,
        revision: recorded.revision,
        origin: Origin {
            source: recorded.source,
            event: recorded.event,
            index: recorded.index,
            received: recorded.received,
            actor: submit.actor,
            on_behalf_of: submit.on_behalf_of.clone(),
            responsible: submit.responsible,
            action_type: submit.action_type.clone(),
            digest: submit.digest,
            reversibility: submit.reversibility,
            supersedes: submit.supersedes,
        },
        evaluated: None,
        blocked: false,
        request: None,
        grant: None,
        executions: Vec::new(),
        post_review: None,
        refusals: 0,
    }
}

fn owed_review(invoker: Ref, recorded: Recorded<'_>) -> PostReview {
    let due = later(recorded.received, limits::POST_REVIEW_S);
    PostReview { invoker, event: recorded.event, due, state: ReviewState::Open }
}

/// A time so many seconds later; the last of all times where there is none.
pub(super) fn later(time: Micros, seconds: u32) -> Micros {
    Micros(time.0.saturating_add(u64::from(seconds).saturating_mul(1_000_000)))
}

impl Action {
    fn take_command(&mut self, command: &Command, recorded: Recorded<'_>) -> Result<(), Misplaced> {
        match command {
            Command::Submit(_) => return misplaced("action.submitted"),
            Command::BreakGlass(glass) => {
                if glass.request.is_none() || self.pending().is_none() {
                    return misplaced("breakglass.invoked");
                }
                self.post_review = Some(owed_review(glass.action.actor.who, recorded));
            }
            Command::Vote(vote) => match self.request.as_mut() {
                Some(request) if request.state == RequestState::Pending => request.take_vote(vote, recorded.revision),
                Some(_) | None => return misplaced("vote.cast"),
            },
            Command::Review(review) => match self.post_review.as_mut() {
                Some(owed) => owed.state = ReviewState::Decided { outcome: review.outcome, by: review.actor.who },
                None => return misplaced("breakglass.reviewed"),
            },
            // What follows from these stands in events of their own.
            Command::Cancel(_) | Command::Redeem(_) | Command::RevokeGrant(_) => {}
        }
        Ok(())
    }

    fn take_event(&mut self, event: &Event, recorded: Recorded<'_>) -> Result<(), Misplaced> {
        match event {
            Event::Evaluated { policy, judgement } => self.take_evaluation(*policy, judgement),
            Event::Opened { requirement, conflicts, expires_at } => {
                if self.request.is_some() {
                    return misplaced("approval.opened");
                }
                self.request = Some(Request {
                    requirement: requirement.clone(),
                    requirement_digest: requirement.digest(),
                    opened: recorded.event,
                    opened_at: recorded.received,
                    expires_at: *expires_at,
                    conflicts: conflicts.clone(),
                    shown: None,
                    votes: Vec::new(),
                    reminded: None,
                    escalated: false,
                    state: RequestState::Pending,
                });
            }
            Event::Shown { requirement, presentation, complete } => match self.pending_mut() {
                Some(request) if request.requirement_digest == *requirement => {
                    let shown = Shown { digest: *presentation, complete: *complete, revision: recorded.revision };
                    request.shown = Some(shown);
                }
                Some(_) | None => return misplaced("presentation.shown"),
            },
            Event::Escalated { escalation, deadline } => self.take_escalation(*escalation, *deadline)?,
            Event::Resolved { resolution } => match self.pending_mut() {
                Some(request) => {
                    let resolved = Resolved { resolution: resolution.clone(), at: recorded.received };
                    request.state = RequestState::Resolved(resolved);
                }
                None => return misplaced("approval.resolved"),
            },
            Event::GrantIssued { audience, uses, valid_until } => {
                if self.grant.is_some() || self.pending().is_some() {
                    return misplaced("grant.issued");
                }
                let (id, state) = (SubjectId(recorded.event.0), GrantState::Issued { left: *uses });
                self.grant = Some(Grant { id, audience: *audience, uses: *uses, valid_until: *valid_until, state });
            }
            Event::GrantRedeemed { .. } => self.end_grant("grant.redeemed", GrantEnd::Used)?,
            Event::GrantRevoked => self.end_grant("grant.revoked", GrantEnd::Revoked)?,
            Event::GrantExpired { .. } => self.end_grant("grant.expired", GrantEnd::Expired)?,
            Event::ExecutionStarted => {
                let spent = self.grant.map_or(0, |grant| grant.uses.get() - grant.left());
                if self.executions.len() >= usize::from(spent) {
                    return misplaced("execution.started");
                }
                let state = ExecutionState::Started;
                self.executions.push(Execution { id: recorded.event, started: recorded.received, state });
            }
            Event::Blocked { .. } => {
                if self.blocked || self.request.is_some() || self.grant.is_some() {
                    return misplaced("action.blocked");
                }
                self.blocked = true;
            }
        }
        Ok(())
    }

    fn pending_mut(&mut self) -> Option<&mut Request> {
        self.request.as_mut().filter(|request| request.state == RequestState::Pending)
    }

    /// While a request is pending, what it takes is the strictest of all that the policies said; a requirement that
    /// rises has to be shown anew, and votes on what was shown before stop counting.
    fn take_evaluation(&mut self, policy: Digest, judgement: &Judgement) {
        self.evaluated = Some(Evaluated { verdict: judgement.verdict(), policy });
        let Some(request) = self.pending_mut() else { return };
        let Judgement::RequireApproval(said) = judgement else { return };
        if let Some(raised) = strictest(&request.requirement, said).filter(|raised| *raised != request.requirement) {
            request.requirement_digest = raised.digest();
            request.requirement = raised;
            request.shown = None;
        }
    }

    fn take_escalation(&mut self, escalation: Escalation, deadline: Micros) -> Result<(), Misplaced> {
        match escalation {
            Escalation::Reminder | Escalation::Escalated => {
                let Some(request) = self.pending_mut() else { return misplaced("approval.escalated") };
                // An escalation reminds too: the next reminder counts from the later of both.
                request.reminded = request.reminded.max(Some(deadline));
                request.escalated |= escalation == Escalation::Escalated;
            }
            Escalation::ReviewOverdue => match self.post_review.as_mut() {
                Some(review) if review.state == ReviewState::Open => review.state = ReviewState::Overdue,
                Some(_) | None => return misplaced("approval.escalated"),
            },
        }
        Ok(())
    }

    fn end_grant(&mut self, what: &'static str, end: GrantEnd) -> Result<(), Misplaced> {
        let Some(grant) = self.grant.as_mut() else { return misplaced(what) };
        let GrantState::Issued { left } = grant.state else { return misplaced(what) };
        grant.state = match end {
            GrantEnd::Used => {
                NonZeroU16::new(left.get() - 1).map_or(GrantState::Redeemed, |left| GrantState::Issued { left })
            }
            GrantEnd::Revoked => GrantState::Revoked,
            GrantEnd::Expired => GrantState::Expired,
        };
        Ok(())
    }

    /// A report moves an execution on when it comes from whoever may run it. One that has ended stays as it ended;
    /// one that names no execution is about the oldest that has not.
    fn take_report(
        &mut self,
        outcome: Option<Outcome>,
        grant: Option<SubjectId>,
        execution: Option<EventId>,
        source: Ref,
    ) {
        if self.grant.is_none_or(|own| own.audience != source || grant.is_some_and(|named| named != own.id)) {
            return;
        }
        let state = match outcome {
            Some(Outcome::Succeeded) => ExecutionState::Succeeded,
            Some(Outcome::Failed | Outcome::Aborted | Outcome::Denied) => ExecutionState::Failed,
            Some(Outcome::Other) => ExecutionState::Unknown,
            Some(Outcome::Started | Outcome::Running | Outcome::Allowed) | None => return,
        };
        let open = |run: &&mut Execution| {
            matches!(run.state, ExecutionState::Started | ExecutionState::Unknown)
                && execution.is_none_or(|named| named == run.id)
        };
        if let Some(run) = self.executions.iter_mut().find(open) {
            run.state = state;
        }
    }
}

/// How a use of a grant, or the grant, ends.
enum GrantEnd {
    Used,
    Revoked,
    Expired,
}

impl Grant {
    /// Uses that are left.
    fn left(&self) -> u16 {
        match self.state {
            GrantState::Issued { left } => left.get(),
            GrantState::Redeemed => 0,
            GrantState::Expired | GrantState::Revoked => self.uses.get(),
        }
    }
}

impl Request {
    /// Takes a vote on what is shown now. A person's later vote takes the place of an earlier one, unless it repeats
    /// an approval that still counts. Abstentions change nothing. Of approvals the fold keeps `APPROVALS_KEPT_MAX`;
    /// a further one counts when it completes the quorum, and is cast again when it did not.
    pub(super) fn take_vote(&mut self, vote: &CastVote, revision: Revision) {
        let Some(shown) = self.shown else { return };
        let person = vote.actor.who;
        let repeats = self.vote_of(person).is_some_and(|held| {
            held.decision == Decision::Approve && vote.decision == Decision::Approve && held.shown == shown.revision
        });
        if vote.decision == Decision::Abstain || repeats {
            return;
        }
        self.votes.retain(|held| held.person != person);
        if vote.decision == Decision::Deny || self.votes.len() < limits::APPROVALS_KEPT_MAX {
            let (decision, level) = (vote.decision, vote.level);
            self.votes.push(Vote { person, decision, revision, shown: shown.revision, level });
        }
    }
}
