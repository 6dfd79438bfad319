//! The own fields of each kind as JSON. What stands in common fields is not said twice.

use super::evidence;
use crate::record::line::time;
use deedbook_verify::detail::{
    ApprovalCommand, Assignment, Binding, Detail, Judgement, PolicyCommand, PrincipalCommand, Resolution, Roles, Step,
    Submission, Vote,
};
use deedbook_verify::facts::Actor;
use deedbook_verify::requirement::RequirementBytes;
use deedbook_verify::vote::Evidence;
use serde_json::{Value, json};

/// The JSON object of a kind's own fields; nothing when it has none.
pub(super) fn value(detail: &Detail<'_>) -> Value {
    match detail {
        Detail::None => Value::Null,
        Detail::Document(document) => json!({
            "part": document.part, "parts": document.parts, "relations": document.relations().count(),
        }),
        Detail::Genesis(genesis) => json!({
            "origin": genesis.origin,
            "head_key_id": genesis.head_key.id().to_string(),
            "sequencer_key_id": genesis.sequencer_key.id().to_string(),
            "persons": genesis.persons()
                .map(|person| json!({"ref": person.who.to_string(), "key_id": person.key.id().to_string(), "roles": roles(person.roles)}))
                .collect::<Vec<_>>(),
        }),
        Detail::KeyEnrolled(grant) => json!({"key_id": grant.key.id().to_string(), "source": grant.source.to_string()}),
        Detail::KeyRotated { grant, replaces } => json!({
            "key_id": grant.key.id().to_string(), "source": grant.source.to_string(), "replaces": replaces.to_string(),
        }),
        Detail::KeyRevoked { key_id } => json!({"key_id": key_id.to_string()}),
        Detail::BodyErased(bodies) => json!({"erased": bodies.ranges()
            .map(|range| json!({"first": range.first.0, "count": range.count})).collect::<Vec<_>>()}),
        Detail::Approval(command) => approval(command),
        Detail::Principal(command) => principal(command),
        Detail::Policy(PolicyCommand::Published { .. } | PolicyCommand::Retired { .. }) => Value::Null,
        Detail::Step(step) => step_value(&step.step),
        Detail::CommandRefused { reason, .. } => json!({"reason": reason.name()}),
        Detail::Keeping(command) => evidence::keeping(command),
        Detail::HeartbeatPromised { heartbeat_s } => json!({"heartbeat_s": heartbeat_s}),
        Detail::SourceGap(gap) => evidence::gap(gap),
        Detail::Custody { custody, .. } => evidence::custody(custody),
        Detail::Oversight(oversight) => evidence::oversight(oversight),
        Detail::Imported { .. } => json!({"imported": true}),
        Detail::ClockChecked { wall, .. } => json!({"wall": time::show(*wall)}),
    }
}

fn roles(roles: Roles) -> Value {
    json!(roles.names().collect::<Vec<_>>())
}

fn who(who: Actor) -> Value {
    json!({"kind": who.kind.name(), "ref": who.who.to_string()})
}

/// Objects joined; what is null is left out.
pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let present = members.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(present.map(|(name, value)| (name.to_owned(), value)).collect())
}

pub(super) fn hex(word: Option<impl ToString>) -> Value {
    word.map_or(Value::Null, |word| Value::String(word.to_string()))
}

fn approval(command: &ApprovalCommand<'_>) -> Value {
    match command {
        ApprovalCommand::Submitted(submission) | ApprovalCommand::BreakglassInvoked(submission) => {
            submitted(submission)
        }
        ApprovalCommand::VoteCast(vote) => voted(vote),
        ApprovalCommand::BreakglassReviewed(review) => json!({"review": review.outcome.name()}),
        ApprovalCommand::CancelRequested(_)
        | ApprovalCommand::RedeemRequested(_)
        | ApprovalCommand::RevokeRequested(_) => Value::Null,
    }
}

fn submitted(submission: &Submission<'_>) -> Value {
    object([("reversibility", json!(submission.reversibility.name())), ("supersedes", hex(submission.supersedes))])
}

fn voted(vote: &Vote<'_>) -> Value {
    let signature = match vote.evidence {
        Evidence::Operator | Evidence::Idp => None,
        Evidence::Reviewer(signature) => Some(signature.key_id),
    };
    object([
        ("decision", json!(vote.decision.name())),
        ("evidence", json!(vote.evidence.level().name())),
        ("evidence_key_id", hex(signature)),
        ("request_revision", json!(vote.revision.0)),
        ("requirement_digest", json!(vote.requirement.to_string())),
        ("presentation_digest", json!(vote.presentation.to_string())),
    ])
}

fn principal(command: &PrincipalCommand<'_>) -> Value {
    let about = ("principal", who(command.who()));
    match command {
        PrincipalCommand::Bound(binding) => bound(binding),
        PrincipalCommand::Linked { account, .. } => object([about, ("account", json!(account.to_string()))]),
        PrincipalCommand::Disabled { .. } => object([about]),
        PrincipalCommand::Granted { roles: set, .. } | PrincipalCommand::Revoked { roles: set, .. } => {
            object([about, ("roles", roles(*set))])
        }
        PrincipalCommand::Delegated { delegate, .. } => object([about, ("delegate", hex(*delegate))]),
    }
}

fn bound(binding: &Binding<'_>) -> Value {
    let teams: Vec<String> = binding.teams().map(|team| team.to_string()).collect();
    object([
        ("principal", who(binding.who)),
        ("key_id", hex(binding.key.map(|key| key.id()))),
        ("teams", if teams.is_empty() { Value::Null } else { json!(teams) }),
        ("roles", binding.roles.map_or(Value::Null, roles)),
    ])
}

/// The terms of a requirement, in the words of FORMAT.md.
fn requirement(bytes: RequirementBytes<'_>) -> Value {
    let Ok(terms) = bytes.read() else { return Value::Null };
    let clauses = terms.clauses.iter();
    let clause = |clause: &deedbook_verify::requirement::Clause| json!({"team": clause.team.to_string(), "persons_min": clause.persons_min.get()});
    object([
        ("digest", json!(bytes.digest().to_string())),
        ("distinct_persons_min", json!(terms.distinct_persons_min.get())),
        ("evidence_floor", json!(terms.evidence_floor.name())),
        ("rationale_to_approve", json!(terms.demands.rationale_to_approve)),
        ("rationale_to_deny", json!(terms.demands.rationale_to_deny)),
        ("complete_presentation", json!(terms.demands.complete_presentation)),
        ("recheck_membership", json!(terms.demands.recheck_membership)),
        ("risk", json!(terms.risk.percent())),
        ("request_ttl_s", json!(terms.request_ttl_s.get())),
        ("grant_ttl_s", json!(terms.grant_ttl_s.get())),
        ("uses", json!(terms.uses.get())),
        ("reminder_s", json!(terms.reminder_s.map(std::num::NonZeroU32::get))),
        ("escalate_s", json!(terms.escalate_s.map(std::num::NonZeroU32::get))),
        ("fallback", hex(terms.fallback)),
        ("clauses", json!(clauses.map(clause).collect::<Vec<_>>())),
    ])
}

fn step_value(step: &Step<'_>) -> Value {
    match step {
        Step::Evaluated { judgement, .. } => {
            let wanted = match judgement {
                Judgement::Allow | Judgement::Deny => Value::Null,
                Judgement::RequireApproval(bytes) => requirement(*bytes),
            };
            object([("verdict", json!(judgement.verdict().name())), ("requirement", wanted)])
        }
        Step::Opened { requirement: bytes, conflicts, .. } => {
            let conflict = |it: deedbook_verify::detail::Conflict| json!({"person": it.person.to_string(), "reason": it.reason.name()});
            let conflicts: Vec<Value> = conflicts.iter().map(conflict).collect();
            object([("requirement", requirement(*bytes)), ("conflicts", json!(conflicts))])
        }
        Step::Shown { requirement, presentation, complete, .. } => object([
            ("requirement_digest", json!(requirement.to_string())),
            ("presentation_digest", json!(presentation.to_string())),
            ("complete", json!(complete)),
        ]),
        Step::Escalated { escalation, .. } => object([("escalation", json!(escalation.name()))]),
        Step::Resolved { resolution, .. } => resolved(resolution),
        Step::GrantIssued { audience, uses, .. } => {
            object([("audience", json!(audience.to_string())), ("uses", json!(uses.get()))])
        }
        Step::GrantRedeemed { .. }
        | Step::ExecutionStarted { .. }
        | Step::GrantRevoked { .. }
        | Step::GrantExpired { .. }
        | Step::Blocked { .. } => Value::Null,
    }
}

fn resolved(resolution: &Resolution<Assignment<'_>>) -> Value {
    let how = ("resolution", json!(resolution.code().name()));
    match resolution {
        Resolution::Approved(votes) => {
            let vote = |it: deedbook_verify::detail::Assigned| json!({"clause": it.clause, "person": it.person.to_string(), "vote_revision": it.vote.0});
            object([how, ("assignment", json!(votes.iter().map(vote).collect::<Vec<_>>()))])
        }
        Resolution::Superseded(by) => object([how, ("successor", json!(by.to_string()))]),
        Resolution::Denied
        | Resolution::Expired
        | Resolution::Cancelled
        | Resolution::Invalidated
        | Resolution::Unroutable
        | Resolution::BreakGlass => object([how]),
    }
}
