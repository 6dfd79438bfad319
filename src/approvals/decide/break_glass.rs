//! Break-glass: a person runs something without approval, by their own key, and owes a review by somebody else. It
//! stands in for people, never for a policy that forbids.

use crate::approvals::action::{Action, Resolution, ReviewState};
use crate::approvals::apply::later;
use crate::approvals::command::{Review, Submit};
use crate::approvals::conflicts::ConflictSet;
use crate::approvals::decide::submit::{chain, check_chain};
use crate::approvals::decide::{Context, Effect, Judged, Refused, Said};
use crate::approvals::event::Event;
use crate::limits;
use deedbook_verify::detail::{RefusalReason, Roles};
use deedbook_verify::limits as formats;
use deedbook_verify::requirement::{Demands, Requirement, Risk, Terms};
use deedbook_verify::vote::EvidenceLevel;
use deedbook_verify::words::Ref;
use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};

/// Decides `breakglass.invoked` of a new action.
pub(super) fn decide_new(glass: &Submit, context: &Context<'_>) -> Result<Vec<Effect>, Refused> {
    check_chain(glass, context)?;
    check_invoker(glass, context)?;
    let judged = context.judged.ok_or(RefusalReason::PolicyInvalid)?;
    let requirement = match judged.said {
        Said::RequireApproval { requirement, .. } => requirement.clone(),
        Said::Allow | Said::Deny => one_reviewer()?,
    };
    let conflicts = ConflictSet::of_submission(chain(glass, context), None, context.people);
    let mut frozen = conflicts.to_list();
    frozen.truncate(formats::CONFLICTS_MAX);
    let ttl_s = requirement.grant_ttl_s.get();
    let expires_at = later(context.received, requirement.request_ttl_s.get());
    let opened = Event::Opened { requirement, conflicts: frozen, expires_at };
    let mut effects = vec![judged.effect(), opened.into()];
    effects.extend(release(context.signer, ttl_s, context));
    Ok(effects)
}

/// Decides `breakglass.invoked` of a request that people are asked about already. Their votes stay on record.
pub(super) fn decide_pending(action: &Action, glass: &Submit, context: &Context<'_>) -> Result<Vec<Effect>, Refused> {
    if glass.digest != action.origin.digest {
        return Err(RefusalReason::ActionDigestMismatch.into());
    }
    let Some(request) = action.pending() else { return Err(RefusalReason::Terminal.into()) };
    if context.received >= request.expires_at {
        return Err(RefusalReason::Expired.into());
    }
    check_invoker(glass, context)?;
    let mut effects: Vec<Effect> = context.judged.map(Judged::effect).into_iter().collect();
    effects.extend(release(action.origin.source, request.requirement.grant_ttl_s.get(), context));
    Ok(effects)
}

/// The invoker is a reviewer or an administrator, asks with their own key, and owes no overdue review; the policies do
/// not forbid the action.
fn check_invoker(glass: &Submit, context: &Context<'_>) -> Result<(), RefusalReason> {
    let person = context.person(glass.actor)?;
    if context.signer != glass.actor.who {
        return Err(RefusalReason::AssuranceTooLow);
    }
    if !person.holds(Roles::REVIEWER) && !person.holds(Roles::ADMINISTRATOR) {
        return Err(RefusalReason::NotEligible);
    }
    if context.review_overdue {
        return Err(RefusalReason::ReviewOverdue);
    }
    if context.judged.is_some_and(|judged| matches!(judged.said, Said::Deny)) {
        return Err(RefusalReason::PolicyDenied);
    }
    context.clock_is_right()
}

/// A short grant, for one use.
fn release(audience: Ref, ttl_s: u32, context: &Context<'_>) -> [Effect; 2] {
    let valid_until = later(context.received, ttl_s.min(limits::BREAK_GLASS_GRANT_TTL_S));
    [
        Event::Resolved { resolution: Resolution::BreakGlass }.into(),
        Event::GrantIssued { audience, uses: NonZeroU16::MIN, valid_until }.into(),
    ]
}

/// What stands in the log where the policies ask for nobody: the review needs one person with the role.
fn one_reviewer() -> Result<Requirement, RefusalReason> {
    let seconds = |seconds| NonZeroU32::new(seconds).unwrap_or(NonZeroU32::MIN);
    Requirement::new(Terms {
        distinct_persons_min: NonZeroU8::MIN,
        evidence_floor: EvidenceLevel::Reviewer,
        demands: Demands::default(),
        risk: Risk::new(0).ok_or(RefusalReason::PolicyInvalid)?,
        request_ttl_s: seconds(limits::BREAK_GLASS_GRANT_TTL_S),
        grant_ttl_s: seconds(limits::BREAK_GLASS_GRANT_TTL_S),
        uses: NonZeroU16::MIN,
        reminder_s: None,
        escalate_s: None,
        fallback: None,
        clauses: Vec::new(),
    })
    .map_err(|_| RefusalReason::PolicyInvalid)
}

/// Decides `breakglass.reviewed`: once, by a reviewer with their own key, who is in conflict with nothing of it.
pub(super) fn review(action: &Action, review: &Review, context: &Context<'_>) -> Result<Vec<Effect>, Refused> {
    let owed = action.post_review.ok_or(RefusalReason::RequestUnknown)?;
    let person = context.person(review.actor)?;
    if context.signer != review.actor.who {
        return Err(RefusalReason::AssuranceTooLow.into());
    }
    if let Some(reason) = ConflictSet::of(action, context.people).refusal(review.actor.who) {
        return Err(reason.into());
    }
    if !person.holds(Roles::REVIEWER) {
        return Err(RefusalReason::NotEligible.into());
    }
    match owed.state {
        ReviewState::Open | ReviewState::Overdue => Ok(Vec::new()),
        ReviewState::Decided { .. } => Err(RefusalReason::PostReviewClosed.into()),
    }
}
