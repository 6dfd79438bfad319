//! A submission: who asks is known and answered for, the policies say what it takes, and if people are asked, that some
//! of them can agree.

use crate::approvals::action::{Action, Resolution};
use crate::approvals::apply::later;
use crate::approvals::command::Submit;
use crate::approvals::conflicts::{Chain, ConflictSet};
use crate::approvals::decide::grant::is_insider;
use crate::approvals::decide::{Context, Decided, Effect, Refused, Said, Screen};
use crate::approvals::event::Event;
use crate::approvals::panel::Panel;
use crate::limits;
use deedbook_verify::detail::{RefusalReason, Roles};
use deedbook_verify::facts::{Actor, ActorKind};
use deedbook_verify::limits as formats;
use deedbook_verify::requirement::Requirement;
use deedbook_verify::words::Ref;
use std::num::NonZeroU16;

/// Decides `action.submitted`.
pub(super) fn decide(submit: &Submit, context: &Context<'_>) -> Result<Decided, Refused> {
    check_chain(submit, context)?;
    let superseded = superseded(submit, context)?;
    let judged = context.judged.ok_or(RefusalReason::PolicyInvalid)?;
    let mut effects = vec![judged.effect()];
    match judged.said {
        Said::Allow => {
            context.clock_is_right()?;
            let valid_until = later(context.received, limits::ALLOWED_GRANT_TTL_S);
            effects.push(Event::GrantIssued { audience: context.signer, uses: NonZeroU16::MIN, valid_until }.into());
        }
        Said::Deny => effects.push(Event::Blocked { policy: judged.policy }.into()),
        Said::RequireApproval { requirement, screen } => {
            let prior = context.superseded.filter(|_| submit.supersedes.is_some());
            effects.extend(open(submit, requirement, screen, prior, context));
        }
    }
    Ok(Decided { effects, superseded })
}

/// Opens a request, and closes it at once if nobody could satisfy it.
fn open(
    submit: &Submit,
    requirement: &Requirement,
    screen: Screen<'_>,
    prior: Option<&Action>,
    context: &Context<'_>,
) -> Vec<Effect> {
    let conflicts = ConflictSet::of_submission(chain(submit, context), prior, context.people);
    let mut frozen = conflicts.to_list();
    let all_named = frozen.len() <= formats::CONFLICTS_MAX;
    frozen.truncate(formats::CONFLICTS_MAX);
    let expires_at = later(context.received, requirement.request_ttl_s.get());
    let opened = Event::Opened { requirement: requirement.clone(), conflicts: frozen, expires_at };
    let routable = all_named && Panel::new(requirement, conflicts, context.people, false).can_satisfy();
    let next = if routable {
        screen.effect(requirement, expires_at)
    } else {
        Event::Resolved { resolution: Resolution::Unroutable }.into()
    };
    vec![opened.into(), next]
}

/// Whom a submission names.
pub(super) fn chain<'a>(submit: &'a Submit, context: &Context<'_>) -> Chain<'a> {
    let Submit { actor, responsible, on_behalf_of, .. } = submit;
    Chain { source: context.signer, actor: *actor, responsible: *responsible, on_behalf_of }
}

/// The actor is bound and in force, and a person in force answers for it; whoever signed may ask for it; nobody in the
/// chain was disabled.
pub(super) fn check_chain(submit: &Submit, context: &Context<'_>) -> Result<(), RefusalReason> {
    let answers = check_actor(submit.actor, context)?;
    if submit.responsible.is_some_and(|stated| stated != answers) {
        return Err(RefusalReason::ResponsibleDiffers);
    }
    if !may_ask(context.signer, submit.actor.who, answers, context) {
        return Err(RefusalReason::NotYours);
    }
    let gone = |who: &Ref| context.people.get(*who).is_some_and(|principal| principal.disabled);
    if submit.on_behalf_of.iter().any(gone) { Err(RefusalReason::PrincipalDisabled) } else { Ok(()) }
}

/// Whether what was signed by one may be asked for another. An agent asks for itself; people, by their own key or an
/// account of theirs, also for what they answer for. Services and sources that are nobody's are gateways, which relay
/// what others ask; reviewers are shown that they did.
fn may_ask(signer: Ref, actor: Ref, answers: Ref, context: &Context<'_>) -> bool {
    let is_of = |person: Ref| person == actor || person == answers;
    match context.people.get(signer).map(|known| known.kind) {
        Some(ActorKind::Human) => is_of(signer),
        Some(ActorKind::Agent | ActorKind::Team) => signer == actor,
        Some(ActorKind::Service) => true,
        None => {
            let holders = context.people.holders(signer);
            holders.is_empty() || holders.iter().copied().any(is_of)
        }
    }
}

/// The person who answers for an actor that is bound and in force: themselves, or the one it is bound to.
pub(super) fn check_actor(actor: Actor, context: &Context<'_>) -> Result<Ref, RefusalReason> {
    let principal = context.in_force(actor.who)?;
    if principal.kind != actor.kind {
        return Err(RefusalReason::PrincipalUnknown);
    }
    if principal.kind == ActorKind::Human {
        return Ok(actor.who);
    }
    let person = principal.responsible.ok_or(RefusalReason::ResponsibleMissing)?;
    match context.in_force(person) {
        Ok(known) if known.kind == ActorKind::Human => Ok(person),
        Ok(_) | Err(_) => Err(RefusalReason::ResponsibleMissing),
    }
}

/// What becomes of the request that this one takes the place of: its votes do not carry over, its grant ends. Whoever
/// could take it back may do so, and a reviewer who proposes something else instead. What is over stays as it ended.
fn superseded(submit: &Submit, context: &Context<'_>) -> Result<Vec<Effect>, RefusalReason> {
    let Some(named) = submit.supersedes else { return Ok(Vec::new()) };
    let prior = context.superseded.filter(|prior| prior.id == named).ok_or(RefusalReason::RequestUnknown)?;
    let reviewer = context.people.get(context.signer).is_some_and(|known| known.holds(Roles::REVIEWER));
    if !is_insider(prior, context) && !reviewer {
        return Err(RefusalReason::NotYours);
    }
    // What expired already is left to the deadline.
    let ends = |deadline| (context.received < deadline).then_some(());
    let end = if let Some(request) = prior.pending() {
        ends(request.expires_at).map(|()| Event::Resolved { resolution: Resolution::Superseded(submit.id) })
    } else {
        let issued = prior.grant.filter(|grant| grant.is_issued());
        issued.and_then(|grant| ends(grant.valid_until)).map(|()| Event::GrantRevoked)
    };
    Ok(end.map(Effect::from).into_iter().collect())
}
