//! Grants: redeemed by the source that asked, for the exact action, before they end; taken back by those who asked, who
//! decide, or who govern.

use crate::approvals::action::{Action, Grant, GrantState, Resolution};
use crate::approvals::command::{Redeem, RevokeGrant};
use crate::approvals::conflicts::ConflictSet;
use crate::approvals::decide::submit::check_actor;
use crate::approvals::decide::{Context, Effect, Judged, Refused, Said};
use crate::approvals::event::Event;
use crate::approvals::panel::Panel;
use crate::approvals::strictness::asks_for_more;
use deedbook_verify::detail::{RefusalReason, Roles};
use deedbook_verify::words::Micros;

/// Decides `grant.redeem_requested`. Every mismatch leaves the grant as it was.
pub(super) fn redeem(action: &Action, redeem: &Redeem, context: &Context<'_>) -> Result<Vec<Effect>, Refused> {
    let grant = action.grant.filter(|grant| grant.id == redeem.grant).ok_or(RefusalReason::GrantNotIssued)?;
    let invoker = action.post_review.map(|review| review.invoker);
    let runs = redeem.actor == action.origin.actor || invoker == Some(redeem.actor.who);
    if context.signer != grant.audience || !runs {
        return Err(RefusalReason::AudienceDiffers.into());
    }
    if redeem.action != action.origin.digest {
        return Err(RefusalReason::ActionDigestMismatch.into());
    }
    check_issued(&grant, context.received)?;
    check_actor(redeem.actor, context)?;
    check_membership(action, context)?;
    if let Some(judged) = context.judged
        && is_forbidden(action, judged)
    {
        let effects = vec![judged.effect(), Event::GrantRevoked.into()];
        return Err(Refused { reason: RefusalReason::PolicyTightened, effects });
    }
    context.clock_is_right()?;
    let policy = context.judged.map(|judged| judged.policy).or(action.evaluated.map(|evaluated| evaluated.policy));
    let policy = policy.ok_or(RefusalReason::PolicyInvalid)?;
    let mut effects: Vec<Effect> = context.judged.map(Judged::effect).into_iter().collect();
    effects.push(Event::GrantRedeemed { policy }.into());
    effects.push(Event::ExecutionStarted.into());
    Ok(effects)
}

/// The grant has uses left, and its time has not passed, whether or not the ledger has come to say so.
fn check_issued(grant: &Grant, received: Micros) -> Result<(), RefusalReason> {
    match grant.state {
        GrantState::Redeemed => Err(RefusalReason::AlreadyRedeemed),
        GrantState::Revoked => Err(RefusalReason::Terminal),
        GrantState::Expired => Err(RefusalReason::Expired),
        GrantState::Issued { .. } if received >= grant.valid_until => Err(RefusalReason::Expired),
        GrantState::Issued { .. } => Ok(()),
    }
}

/// Where the requirement says so, the votes must still satisfy it with the people as they stand now.
fn check_membership(action: &Action, context: &Context<'_>) -> Result<(), RefusalReason> {
    let Some(request) = action.request.as_ref().filter(|request| request.requirement.demands.recheck_membership) else {
        return Ok(());
    };
    if action.approval().is_none() {
        return Ok(());
    }
    let conflicts = ConflictSet::of(action, context.people);
    let panel = Panel::new(&request.requirement, conflicts, context.people, request.escalated);
    if panel.satisfied(request, None).is_some() { Ok(()) } else { Err(RefusalReason::NotEligible) }
}

/// Whether the policies forbid now what was granted: outright, or because they ask for more than was given. What runs
/// by break-glass ran without approval already; only an outright denial stops it.
fn is_forbidden(action: &Action, judged: &Judged<'_>) -> bool {
    match judged.said {
        Said::Deny => true,
        Said::Allow => !judged.permits,
        Said::RequireApproval { .. } if action.post_review.is_some() => false,
        Said::RequireApproval { requirement, .. } => {
            let held = action.request.as_ref().filter(|_| action.approval().is_some());
            !judged.permits || held.is_none_or(|held| asks_for_more(requirement, &held.requirement))
        }
    }
}

/// Decides `approval.cancel_requested`: ends the request, or the grant that came of it.
pub(super) fn cancel(action: &Action, context: &Context<'_>) -> Result<Vec<Effect>, Refused> {
    if !is_insider(action, context) {
        return Err(RefusalReason::NotYours.into());
    }
    if let Some(request) = action.pending() {
        if context.received >= request.expires_at {
            return Err(RefusalReason::Expired.into());
        }
        return Ok(vec![Event::Resolved { resolution: Resolution::Cancelled }.into()]);
    }
    match action.grant {
        Some(grant) if grant.is_issued() => {
            check_issued(&grant, context.received)?;
            Ok(vec![Event::GrantRevoked.into()])
        }
        Some(_) | None => Err(RefusalReason::Terminal.into()),
    }
}

/// Decides `grant.revoke_requested`: by those who asked, by reviewers who could decide the request, by administrators.
pub(super) fn revoke(action: &Action, revoke: &RevokeGrant, context: &Context<'_>) -> Result<Vec<Effect>, Refused> {
    let grant = action.grant.filter(|grant| grant.id == revoke.grant).ok_or(RefusalReason::GrantNotIssued)?;
    let signer = context.in_force(context.signer).ok();
    let governs = signer.is_some_and(|principal| principal.holds(Roles::ADMINISTRATOR));
    let decides = action.request.as_ref().is_some_and(|request| {
        let conflicts = ConflictSet::of(action, context.people);
        let panel = Panel::new(&request.requirement, conflicts, context.people, request.escalated);
        panel.eligible(context.signer).is_some() || request.vote_of(context.signer).is_some()
    });
    if !governs && !decides && !is_insider(action, context) {
        return Err(RefusalReason::NotYours.into());
    }
    match grant.state {
        GrantState::Redeemed => Err(RefusalReason::AlreadyRedeemed.into()),
        GrantState::Revoked | GrantState::Expired | GrantState::Issued { .. } => {
            check_issued(&grant, context.received)?;
            Ok(vec![Event::GrantRevoked.into()])
        }
    }
}

/// Whether the signer is one of those who asked: the source that submitted, the actor, who answers for it, or whoever
/// it is done for.
pub(super) fn is_insider(action: &Action, context: &Context<'_>) -> bool {
    let origin = &action.origin;
    let bound = context.people.get(origin.actor.who).and_then(|actor| actor.responsible);
    let asked = [Some(origin.source), Some(origin.actor.who), origin.responsible, bound];
    asked.contains(&Some(context.signer)) || origin.on_behalf_of.contains(&context.signer)
}
