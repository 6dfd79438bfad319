//! A vote: cast by a person in time, on what is shown now. Denials end the request; approvals count for people without
//! conflict, and the policies are heard again before the last one releases anything.

use crate::approvals::action::{Action, Request, Resolution, Shown, Vote};
use crate::approvals::apply::later;
use crate::approvals::command::CastVote;
use crate::approvals::conflicts::ConflictSet;
use crate::approvals::decide::submit::check_actor;
use crate::approvals::decide::{Context, Effect, Judged, Refused, Said};
use crate::approvals::event::Event;
use crate::approvals::panel::Panel;
use crate::approvals::strictness::strictest;
use crate::limits;
use deedbook_verify::detail::{RefusalReason, Roles};
use deedbook_verify::facts::ActorKind;
use deedbook_verify::requirement::Requirement;
use deedbook_verify::vote::{Decision, EvidenceLevel};
use deedbook_verify::words::{Ref, Revision};
use std::num::NonZeroU16;

/// Decides `vote.cast`.
pub(super) fn decide(action: &Action, vote: &CastVote, context: &Context<'_>) -> Result<Vec<Effect>, Refused> {
    let request = action.request.as_ref().ok_or(RefusalReason::RequestUnknown)?;
    let person = context.person(vote.actor)?;
    check_time(request, vote, context)?;
    let shown = check_binding(action, request, vote)?;
    check_relay(action, vote, context)?;
    if !context.reviewer_permitted {
        return Err(RefusalReason::PolicyDenied.into());
    }
    match vote.decision {
        Decision::Deny => {
            if !person.holds(Roles::REVIEWER) {
                return Err(RefusalReason::NotEligible.into());
            }
            if request.requirement.demands.rationale_to_deny && !vote.has_rationale {
                return Err(RefusalReason::RationaleRequired.into());
            }
            Ok(vec![resolved(Resolution::Denied)])
        }
        Decision::Abstain => {
            let panel = panel(action, &request.requirement, request, context);
            if panel.eligible(vote.actor.who).is_none() {
                return Err(RefusalReason::NotEligible.into());
            }
            // An approval is taken back by a denial alone.
            let approved = request.current_approvals().any(|held| held.person == vote.actor.who);
            if approved { Err(RefusalReason::VoteFinal.into()) } else { Ok(Vec::new()) }
        }
        Decision::Approve => approve(action, request, shown, vote, context),
    }
}

fn resolved(resolution: Resolution) -> Effect {
    Event::Resolved { resolution }.into()
}

fn panel<'a>(action: &Action, requirement: &'a Requirement, request: &Request, context: &Context<'a>) -> Panel<'a> {
    let conflicts = ConflictSet::of(action, context.people);
    Panel::new(requirement, conflicts, context.people, request.escalated)
}

/// The request is pending and neither it nor the vote has expired. Deadlines are judged here, whether or not the
/// ledger has come to say so.
fn check_time(request: &Request, vote: &CastVote, context: &Context<'_>) -> Result<(), RefusalReason> {
    if let Some(resolution) = request.resolution() {
        let denied = request.vote_of(vote.actor.who).is_some_and(|held| held.decision == Decision::Deny);
        return Err(match resolution {
            Resolution::Denied if denied && vote.decision != Decision::Deny => RefusalReason::VoteFinal,
            Resolution::Expired => RefusalReason::Expired,
            Resolution::Approved(_)
            | Resolution::Denied
            | Resolution::Cancelled
            | Resolution::Superseded(_)
            | Resolution::Invalidated
            | Resolution::Unroutable
            | Resolution::BreakGlass => RefusalReason::Terminal,
        });
    }
    let late = context.received >= request.expires_at || context.received >= vote.valid_until;
    if late { Err(RefusalReason::Expired) } else { Ok(()) }
}

/// The vote binds this action, and what is shown of it now.
fn check_binding(action: &Action, request: &Request, vote: &CastVote) -> Result<Shown, RefusalReason> {
    if vote.action != action.origin.digest {
        return Err(RefusalReason::ActionDigestMismatch);
    }
    let bound = |shown: &Shown| {
        vote.presentation == shown.digest
            && vote.requirement == request.requirement_digest
            && (shown.revision..=action.revision).contains(&vote.revision)
    };
    request.shown.filter(bound).ok_or(RefusalReason::StalePresentation)
}

/// Evidence of level operator is the word of whoever relays the vote: of the person's own key, or of a service that is
/// bound as a principal and did not submit the action itself. A gateway that relays for agents cannot vote for people.
fn check_relay(action: &Action, vote: &CastVote, context: &Context<'_>) -> Result<(), RefusalReason> {
    match vote.level {
        EvidenceLevel::Reviewer => Ok(()),
        EvidenceLevel::Idp => Err(RefusalReason::EvidenceNotBuilt),
        EvidenceLevel::Operator => {
            let service = |relay: Ref| context.in_force(relay).is_ok_and(|known| known.kind == ActorKind::Service);
            let own = context.signer == vote.actor.who;
            let relayed = context.signer != action.origin.source && service(context.signer);
            if own || relayed { Ok(()) } else { Err(RefusalReason::EvidenceInvalid) }
        }
    }
}

fn approve(
    action: &Action,
    request: &Request,
    shown: Shown,
    vote: &CastVote,
    context: &Context<'_>,
) -> Result<Vec<Effect>, Refused> {
    let person = vote.actor.who;
    let panel = panel(action, &request.requirement, request, context);
    if let Some(reason) = panel.conflict(person) {
        return Err(reason.into());
    }
    if panel.eligible(person).is_none() {
        return Err(RefusalReason::NotEligible.into());
    }
    if vote.level < request.requirement.evidence_floor {
        return Err(RefusalReason::AssuranceTooLow.into());
    }
    if request.requirement.demands.rationale_to_approve && !vote.has_rationale {
        return Err(RefusalReason::RationaleRequired.into());
    }
    if request.requirement.demands.complete_presentation && !shown.complete {
        return Err(RefusalReason::PresentationIncomplete.into());
    }
    if check_actor(action.origin.actor, context).is_err() {
        return Ok(vec![resolved(Resolution::Invalidated)]);
    }
    let mut effects = Vec::new();
    if let Some(judged) = context.judged {
        effects.push(judged.effect());
        if let Some(end) = hear_policies(action, request, judged, context) {
            effects.push(end);
            return Ok(effects);
        }
    }
    effects.extend(count(action, request, shown, vote, &panel, context)?);
    Ok(effects)
}

/// What the policies change: they forbid it now, or ask for more. Where they ask for the same or less, what counts is
/// what they asked before, and nothing comes of it.
fn hear_policies(action: &Action, request: &Request, judged: &Judged<'_>, context: &Context<'_>) -> Option<Effect> {
    let (requirement, screen) = match judged.said {
        Said::Allow => return None,
        Said::Deny => return Some(resolved(Resolution::Invalidated)),
        Said::RequireApproval { requirement, screen } => (requirement, screen),
    };
    let Some(raised) = strictest(&request.requirement, requirement) else {
        return Some(resolved(Resolution::Unroutable));
    };
    if raised == request.requirement {
        return None;
    }
    let conflicts = ConflictSet::of(action, context.people);
    let routable = Panel::new(&raised, conflicts, context.people, request.escalated).can_satisfy();
    Some(if routable { screen.effect(&raised, request.expires_at) } else { resolved(Resolution::Unroutable) })
}

/// Counts the votes with this one.
fn count(
    action: &Action,
    request: &Request,
    shown: Shown,
    vote: &CastVote,
    panel: &Panel<'_>,
    context: &Context<'_>,
) -> Result<Vec<Effect>, RefusalReason> {
    let revision = Revision(action.revision.0.saturating_add(1));
    let mut with = request.clone();
    with.take_vote(vote, revision);
    let (person, decision, level) = (vote.actor.who, Decision::Approve, vote.level);
    let unkept = Vote { person, decision, revision, shown: shown.revision, level };
    let further = with.vote_of(person).is_none().then_some(unkept);
    let Some(slots) = panel.satisfied(&with, further) else {
        let lost = !panel.can_satisfy();
        return Ok(lost.then(|| resolved(Resolution::Unroutable)).into_iter().collect());
    };
    context.clock_is_right()?;
    let grant = Event::GrantIssued {
        audience: action.origin.source,
        uses: request.requirement.uses.min(USES_MAX),
        valid_until: later(context.received, request.requirement.grant_ttl_s.get()),
    };
    Ok(vec![resolved(Resolution::Approved(slots)), grant.into()])
}

const USES_MAX: NonZeroU16 = match NonZeroU16::new(limits::GRANT_USES_MAX) {
    Some(uses) => uses,
    None => NonZeroU16::MIN,
};
