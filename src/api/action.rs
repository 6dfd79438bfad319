//! An action as a message, and the reads behind it. It decides nothing: every field is the fold's.

use crate::api::convert;
use crate::api::proto;
use crate::api::reason::Fault;
use crate::api::shared::Shared;
use crate::approvals::{Action, ExecutionState, Grant, GrantState, Request, RequestState, Resolution, ReviewState};
use crate::ledger::{About, ReadError, Reader, SeenAction};
use bytes::Bytes;
use deedbook_verify::detail::{ReviewOutcome, Verdict};
use deedbook_verify::facts::{Facts, Parent};
use deedbook_verify::hash::request_id;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Digest, SubjectId};

/// The action that a command is about: the one it names, or the one it begins.
pub fn subject(facts: &[u8]) -> Option<SubjectId> {
    let facts = Facts::parse(facts).ok()?;
    let begins = matches!(facts.kind, Kind::ActionSubmitted | Kind::BreakglassInvoked);
    if begins && facts.request_id.is_none() {
        let command = Parent { source: facts.source, event_id: facts.event_id };
        return Some(request_id(&command));
    }
    facts.request_id
}

/// An action, if there is one.
async fn find(shared: &Shared, id: SubjectId) -> Result<Option<SeenAction>, Fault> {
    shared.read(move |reader: &Reader| reader.action(id)).await
}

/// An action that must be there.
pub async fn read(shared: &Shared, id: SubjectId) -> Result<SeenAction, Fault> {
    let found = find(shared, id).await?;
    found.ok_or_else(|| Fault::from(ReadError::NotFound { what: "action" }).with("request_id", id))
}

/// `GetRequest`.
pub async fn get(shared: &Shared, request: proto::GetRequestRequest) -> Result<proto::GetRequestResponse, Fault> {
    let id = SubjectId(convert::array("request_id", &request.request_id)?);
    let seen = read(shared, id).await?;
    let both =
        move |reader: &Reader| Ok::<_, ReadError>((reader.presentation(&seen)?, reader.about(&seen.action)?, seen));
    let (presentation, about, seen) = shared.read(both).await?;
    let action = Some(message_about(&seen, about));
    let presentation = presentation.map(|shown| proto::Presentation {
        text: Bytes::from(shown.text),
        digest: digest(shown.shown.digest),
        complete: shown.shown.complete,
        revision: shown.shown.revision.0,
    });
    Ok(proto::GetRequestResponse { action, presentation })
}

/// The message, with what the action is about.
pub fn message_about(seen: &SeenAction, about: Option<About>) -> proto::Action {
    let About { resource, destination } = about.unwrap_or_else(|| About { resource: String::new(), destination: None });
    proto::Action { resource, destination: destination.unwrap_or_default(), ..message(seen) }
}

/// The message.
pub fn message(seen: &SeenAction) -> proto::Action {
    let action = &seen.action;
    let request = action.request.as_ref();
    proto::Action {
        request_id: Bytes::copy_from_slice(action.id.as_bytes()),
        revision: action.revision.0,
        index: action.origin.index.0,
        action_digest: digest(action.origin.digest),
        action_type: action.origin.action_type.clone(),
        actor: convert::reference(action.origin.actor.who),
        actor_name: seen.name(action.origin.actor.who),
        verdict: verdict(action).into(),
        policy_digest: action.evaluated.map(|evaluated| digest(evaluated.policy)).unwrap_or_default(),
        state: request.map_or(proto::RequestState::Unspecified, state).into(),
        requirement: request.map(|request| requirement(seen, request)),
        expires_micros: request.map_or(0, |request| request.expires_at.0),
        votes: request.map(|request| votes(seen, request)).unwrap_or_default(),
        conflicts: request.map(|request| conflicts(seen, request)).unwrap_or_default(),
        grant: action.grant.as_ref().map(grant),
        execution: execution(action).into(),
        post_review: review(action).into(),
        received_micros: action.origin.received.0,
        resource: String::new(),
        destination: String::new(),
        source: convert::reference(action.origin.source),
    }
}

fn digest(digest: Digest) -> Bytes {
    Bytes::copy_from_slice(digest.as_bytes())
}

fn verdict(action: &Action) -> proto::PolicyVerdict {
    match action.evaluated.map(|evaluated| evaluated.verdict) {
        None => proto::PolicyVerdict::Unspecified,
        Some(Verdict::Allow) => proto::PolicyVerdict::Allow,
        Some(Verdict::Deny) => proto::PolicyVerdict::Deny,
        Some(Verdict::RequireApproval) => proto::PolicyVerdict::RequireApproval,
    }
}

fn state(request: &Request) -> proto::RequestState {
    let RequestState::Resolved(resolved) = &request.state else { return proto::RequestState::Open };
    match resolved.resolution {
        Resolution::Approved(_) => proto::RequestState::Approved,
        Resolution::Denied => proto::RequestState::Denied,
        Resolution::Expired => proto::RequestState::Expired,
        Resolution::Cancelled => proto::RequestState::Cancelled,
        Resolution::Superseded(_) => proto::RequestState::Superseded,
        Resolution::Invalidated => proto::RequestState::Invalidated,
        Resolution::Unroutable => proto::RequestState::Unroutable,
        Resolution::BreakGlass => proto::RequestState::BreakGlass,
    }
}

fn requirement(seen: &SeenAction, request: &Request) -> proto::Requirement {
    let terms = &request.requirement;
    let clauses = terms.clauses.iter().map(|clause| proto::RequirementClause {
        team: convert::reference(clause.team),
        team_name: seen.name(clause.team),
        persons_min: clause.persons_min.get().into(),
    });
    proto::Requirement {
        distinct_persons_min: terms.distinct_persons_min.get().into(),
        clauses: clauses.collect(),
        request_ttl_s: terms.request_ttl_s.get(),
        grant_ttl_s: terms.grant_ttl_s.get(),
        uses: terms.uses.get().into(),
        risk: terms.risk.percent().into(),
        digest: digest(request.requirement_digest),
    }
}

fn votes(seen: &SeenAction, request: &Request) -> Vec<proto::RequestVote> {
    let shown = request.shown.map(|shown| shown.revision);
    let vote = |vote: &crate::approvals::Vote| proto::RequestVote {
        person: convert::reference(vote.person),
        person_name: seen.name(vote.person),
        decision: vote.decision.name().to_owned(),
        revision: vote.revision.0,
        current: Some(vote.shown) == shown,
    };
    request.votes.iter().map(vote).collect()
}

fn conflicts(seen: &SeenAction, request: &Request) -> Vec<proto::RequestConflict> {
    let conflict = |conflict: &deedbook_verify::detail::Conflict| proto::RequestConflict {
        person: convert::reference(conflict.person),
        person_name: seen.name(conflict.person),
        reason: conflict.reason.name().to_owned(),
    };
    request.conflicts.iter().map(conflict).collect()
}

fn grant(grant: &Grant) -> proto::Grant {
    let (state, uses_left) = match grant.state {
        GrantState::Issued { left } => (proto::GrantState::Issued, left.get()),
        GrantState::Redeemed => (proto::GrantState::Redeemed, 0),
        GrantState::Expired => (proto::GrantState::Expired, 0),
        GrantState::Revoked => (proto::GrantState::Revoked, 0),
    };
    proto::Grant {
        id: Bytes::copy_from_slice(grant.id.as_bytes()),
        state: state.into(),
        audience: convert::reference(grant.audience),
        expires_micros: grant.valid_until.0,
        uses_left: uses_left.into(),
    }
}

/// The newest execution's.
fn execution(action: &Action) -> proto::ExecutionState {
    match action.executions.last().map(|execution| execution.state) {
        None => proto::ExecutionState::Unspecified,
        Some(ExecutionState::Started) => proto::ExecutionState::Started,
        Some(ExecutionState::Succeeded) => proto::ExecutionState::Succeeded,
        Some(ExecutionState::Failed) => proto::ExecutionState::Failed,
        Some(ExecutionState::Unknown) => proto::ExecutionState::Unknown,
    }
}

fn review(action: &Action) -> proto::PostReviewState {
    match action.post_review.map(|review| review.state) {
        None => proto::PostReviewState::Unspecified,
        Some(ReviewState::Open) => proto::PostReviewState::Open,
        Some(ReviewState::Overdue) => proto::PostReviewState::Overdue,
        Some(ReviewState::Decided { outcome: ReviewOutcome::Ratified, .. }) => proto::PostReviewState::Ratified,
        Some(ReviewState::Decided { outcome: ReviewOutcome::Repudiated, .. }) => proto::PostReviewState::Repudiated,
    }
}
