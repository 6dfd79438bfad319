//! What time alone causes. The commands judge every deadline themselves; what stands here tells those who wait.

use crate::approvals::action::{Action, GrantState, Request, Resolution, ReviewState};
use crate::approvals::apply::later;
use crate::approvals::event::Event;
use deedbook_verify::detail::Escalation;
use deedbook_verify::words::{EventId, Micros};
use std::num::NonZeroU32;

/// An event that a deadline causes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// What it says.
    pub event: Event,
    /// The deadline; the event is valid only if it is received at or after it.
    pub deadline: Micros,
    /// The entry that set the deadline: the event's parent.
    pub set_by: EventId,
}

/// What is due at `now`, by deadline. `now` is the received time of the entry that will say so, for replay asks with
/// that. Each event that is applied makes the next deadline appear; after a long silence one reminder stands for all
/// that were missed, and a request that expired is reminded of no more.
pub fn due(action: &Action, now: Micros) -> Vec<Due> {
    let mut found: Vec<Due> = candidates(action, now).into_iter().flatten().filter(|due| due.deadline <= now).collect();
    found.sort_by_key(|due| due.deadline);
    found
}

/// The next moment at which `due` says something; none: time changes nothing any more.
pub fn next_deadline(action: &Action) -> Option<Micros> {
    candidates(action, Micros(0)).into_iter().flatten().map(|due| due.deadline).min()
}

/// Whether nothing can happen to the action any more except that executions are reported.
pub fn is_closed(action: &Action) -> bool {
    let owed = action.post_review.is_some_and(|review| !matches!(review.state, ReviewState::Decided { .. }));
    let decided = action.blocked || action.request.is_some() || action.grant.is_some();
    decided && action.pending().is_none() && !action.grant.is_some_and(|grant| grant.is_issued()) && !owed
}

fn candidates(action: &Action, now: Micros) -> [Option<Due>; 5] {
    let pending = action.pending();
    let expired = pending.map(|request| Due {
        event: Event::Resolved { resolution: Resolution::Expired },
        deadline: request.expires_at,
        set_by: request.opened,
    });
    let live = pending.filter(|request| now < request.expires_at);
    let grant = action.grant.filter(|grant| matches!(grant.state, GrantState::Issued { .. })).map(|grant| Due {
        event: Event::GrantExpired { deadline: grant.valid_until },
        deadline: grant.valid_until,
        set_by: EventId(grant.id.0),
    });
    let review = action.post_review.filter(|review| review.state == ReviewState::Open).map(|review| Due {
        event: Event::Escalated { escalation: Escalation::ReviewOverdue, deadline: review.due },
        deadline: review.due,
        set_by: review.event,
    });
    [live.and_then(|request| reminder(request, now)), live.and_then(escalation), expired, grant, review]
}

/// The next reminder, or the last of those that are due: every `reminder_s` from the opening on, before expiry.
fn reminder(request: &Request, now: Micros) -> Option<Due> {
    let every = step(request.requirement.reminder_s)?;
    let last = request.reminded.unwrap_or(request.opened_at);
    let missed = now.0.saturating_sub(last.0) / every;
    let deadline = Micros(last.0.saturating_add(every.saturating_mul(missed.max(1))));
    let event = Event::Escalated { escalation: Escalation::Reminder, deadline };
    // An escalation at the same moment reminds too; the two would have one event id.
    let escalates = escalation(request).is_some_and(|due| due.deadline == deadline);
    (deadline < request.expires_at && !escalates).then_some(Due { event, deadline, set_by: request.opened })
}

fn escalation(request: &Request) -> Option<Due> {
    let seconds = request.requirement.escalate_s.filter(|_| !request.escalated)?;
    let deadline = later(request.opened_at, seconds.get());
    let event = Event::Escalated { escalation: Escalation::Escalated, deadline };
    (deadline < request.expires_at).then_some(Due { event, deadline, set_by: request.opened })
}

fn step(seconds: Option<NonZeroU32>) -> Option<u64> {
    seconds.map(|seconds| u64::from(seconds.get()).saturating_mul(1_000_000))
}
