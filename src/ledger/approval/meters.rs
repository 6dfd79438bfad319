//! What is measured of approvals: how many wait, how long people take, how requests end. Counted where the writer folds
//! an action, from the state before and the state after; who decided is in the log and in no metric.

use crate::approvals::{Action, ExecutionState, GrantState, Request, RequestState, Resolution};
use deedbook_verify::words::Micros;

/// Gauges start from what waits when a ledger opens.
pub(super) fn opened(waiting: usize, overdue: usize) {
    metrics::gauge!("deedbook_requests_waiting").increment(small(waiting));
    metrics::gauge!("deedbook_reviews_overdue").increment(small(overdue));
}

/// An action went from one state to another.
pub(super) fn observe(before: Option<&Action>, after: &Action) {
    let (old, new) = (before.and_then(|action| action.request.as_ref()), after.request.as_ref());
    if let Some(new) = new {
        observe_request(old, new);
    }
    let runs = before.map_or(0, |action| action.executions.len());
    for run in after.executions.iter().skip(runs) {
        metrics::counter!("deedbook_executions_started_total").increment(1);
        if let Some(approved) = new.and_then(resolved_at) {
            seconds("deedbook_grant_redeem_seconds", approved, run.started);
        }
    }
    let ended = |action: &Action| action.executions.iter().filter(|run| run.state == ExecutionState::Failed).count();
    let failed = ended(after).saturating_sub(before.map_or(0, ended));
    if failed > 0 {
        metrics::counter!("deedbook_executions_failed_total").increment(u64::try_from(failed).unwrap_or(u64::MAX));
    }
    let expired = |action: &Action| action.grant.is_some_and(|grant| grant.state == GrantState::Expired);
    if expired(after) && !before.is_some_and(expired) {
        metrics::counter!("deedbook_grants_expired_total").increment(1);
    }
    let owed = |action: &Action| f64::from(u8::from(action.overdue_review().is_some()));
    let change = owed(after) - before.map_or(0.0, owed);
    if change != 0.0 {
        metrics::gauge!("deedbook_reviews_overdue").increment(change);
    }
}

fn observe_request(old: Option<&Request>, new: &Request) {
    if old.is_none() {
        metrics::counter!("deedbook_requests_opened_total").increment(1);
        metrics::gauge!("deedbook_requests_waiting").increment(1.0);
    }
    for vote in new.votes.iter().filter(|vote| !old.is_some_and(|old| old.votes.contains(vote))) {
        metrics::counter!("deedbook_votes_total", "decision" => vote.decision.name()).increment(1);
    }
    if new.escalated && !old.is_some_and(|old| old.escalated) {
        metrics::counter!("deedbook_requests_escalated_total").increment(1);
    }
    let waited = old.is_none_or(|old| old.state == RequestState::Pending);
    if let (RequestState::Resolved(resolved), true) = (&new.state, waited) {
        metrics::gauge!("deedbook_requests_waiting").decrement(1.0);
        metrics::counter!("deedbook_requests_resolved_total", "resolution" => resolution_name(&resolved.resolution))
            .increment(1);
        seconds("deedbook_request_decision_seconds", new.opened_at, resolved.at);
    }
}

fn resolved_at(request: &Request) -> Option<Micros> {
    match &request.state {
        RequestState::Resolved(resolved) => Some(resolved.at),
        RequestState::Pending => None,
    }
}

fn resolution_name(resolution: &Resolution) -> &'static str {
    match resolution {
        Resolution::Approved(_) => "approved",
        Resolution::Denied => "denied",
        Resolution::Expired => "expired",
        Resolution::Cancelled => "cancelled",
        Resolution::Superseded(_) => "superseded",
        Resolution::Invalidated => "invalidated",
        Resolution::Unroutable => "unroutable",
        Resolution::BreakGlass => "break_glass",
    }
}

#[allow(clippy::cast_precision_loss, reason = "a metric; the instants themselves stand in the log")]
fn seconds(name: &'static str, from: Micros, to: Micros) {
    metrics::histogram!(name).record(to.0.saturating_sub(from.0) as f64 / 1e6);
}

#[allow(clippy::cast_precision_loss, reason = "at most ACTIONS_OPEN_MAX")]
fn small(count: usize) -> f64 {
    count as f64
}
