//! Where a command becomes events. The folds decide on the state behind everything that was built; command and events
//! go into one batch, with the rows of the action. Nothing is changed before the decision stands: a command that is sent
//! back leaves no trace, one that a rule refuses stands in the log with its refusal.

use crate::approvals::{Action, Command, Context, Decided, Effect, Recorded, Refused, Subject, What, apply, decide};
use crate::ledger::admit::CheckedFrame;
use crate::ledger::approval::prepare::{Basis, Prepared};
use crate::ledger::commit::Commit;
use crate::ledger::error::AppendError;
use crate::ledger::place::{OwnPlaces, place_own_events};
use crate::ledger::state::{PlaceError, State, StateError};
use crate::limits;
use crate::record::FactsBuilder;
use crate::store::Store;
use deedbook_verify::detail::{ApprovalCommand, Detail, RefusalReason};
use deedbook_verify::facts::{Facts, Outcome, Parent};
use deedbook_verify::frame::FrameRefusal;
use deedbook_verify::hash::derived_event_id;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{EventId, Index, Micros, Ref, Revision, SubjectId};
use std::sync::Arc;

/// What was decided about a command, and the states that it was decided on.
pub(in crate::ledger) struct Decision {
    action: Option<Arc<Action>>,
    superseded: Option<Arc<Action>>,
    verdict: Result<Decided, Refused>,
}

impl Decision {
    /// The rule that refused it, if one did.
    pub fn refusal(&self) -> Option<RefusalReason> {
        self.verdict.as_ref().err().map(|refused| refused.reason)
    }
}

/// Decides a command; what it rests on must be what is in force here.
pub(in crate::ledger) fn decide_command(
    state: &State,
    store: &dyn Store,
    frame: &CheckedFrame,
    prepared: &Prepared,
    (received, wall): (Micros, Micros),
) -> Result<Decision, PlaceError> {
    let command = &prepared.command;
    let action = current(state, store, command.request())?;
    let superseded = match command.supersedes() {
        Some(id) => current(state, store, id)?,
        None => None,
    };
    if prepared.flaw.is_none() {
        check_basis(state, prepared, action.as_deref())?;
    }
    let begins = matches!(command, Command::Submit(_));
    let stream = frame.events.first().and_then(|event| event.stream);
    let stream = stream.ok_or(AppendError::Frame(FrameRefusal::CountDiffers))?;
    let evidence = check_evidence(state, frame, prepared)?;
    let verdict = match prepared.flaw {
        Some(reason) => Err(Refused::from(reason)),
        None if let Some(reason) = evidence => Err(Refused::from(reason)),
        None if state.actions.deadlines.len() >= limits::ACTIONS_OPEN_MAX && begins => {
            return Err(AppendError::ActionsTooMany.into());
        }
        None => {
            let behind_ms = received.0.saturating_sub(wall.0) / 1_000;
            prepared.with_judged(|judged| {
                let context = Context {
                    people: &state.people,
                    judged,
                    reviewer_permitted: prepared.reviewed.is_none_or(|reviewed| reviewed.permitted),
                    superseded: superseded.as_deref(),
                    review_overdue: command.glass_breaker().is_some_and(|actor| state.actions.owes_review(actor)),
                    received,
                    signer: frame.source,
                    stream,
                    clock_behind: behind_ms > limits::CLOCK_BEHIND_MS_MAX,
                };
                decide(action.as_deref(), command, &context)
            })
        }
    };
    Ok(Decision { action, superseded, verdict })
}

/// Why the evidence of a vote does not hold where the vote is placed. Keys may have been enrolled or have ended since it
/// was prepared, and replay judges by those in force here.
fn check_evidence(
    state: &State,
    frame: &CheckedFrame,
    prepared: &Prepared,
) -> Result<Option<RefusalReason>, PlaceError> {
    let failed = matches!(prepared.flaw, Some(RefusalReason::EvidenceInvalid | RefusalReason::EvidenceNotBuilt));
    if let Some(event) = frame.events.first().filter(|_| failed) {
        let facts = Facts::parse(&event.facts).map_err(StateError::from)?;
        if let Detail::Approval(ApprovalCommand::VoteCast(vote)) = facts.detail
            && state.authority.check_evidence(&vote, state.next_index()).is_ok()
        {
            return Err(AppendError::BasisMoved.into());
        }
    }
    Ok(prepared.reviewer_key.and_then(|key| {
        let tenure = state.authority.keys().tenure(&key);
        let in_force = tenure.is_some_and(|tenure| tenure.in_force(state.next_index()));
        (!in_force).then_some(RefusalReason::EvidenceInvalid)
    }))
}

/// An action as of the last revision of its stream: whatever else stands in it counts too.
fn current(state: &State, store: &dyn Store, id: SubjectId) -> Result<Option<Arc<Action>>, StateError> {
    let Some(action) = state.actions.get(store, id)? else { return Ok(None) };
    let revision = state.stream_revision(store, action.stream)?;
    if action.revision == revision {
        return Ok(Some(action));
    }
    let mut action = Action::clone(&action);
    action.revision = revision;
    Ok(Some(Arc::new(action)))
}

/// Sends a command back whose evaluation rests on what is not in force any more, or that was prepared before its action
/// was there.
fn check_basis(state: &State, prepared: &Prepared, action: Option<&Action>) -> Result<(), AppendError> {
    let now = Basis { policy: state.policies.in_force().digest(), principals: state.authority.principals().revision() };
    let asks = match prepared.command {
        Command::Submit(_) | Command::Vote(_) | Command::Redeem(_) | Command::BreakGlass(_) => true,
        Command::Cancel(_) | Command::RevokeGrant(_) | Command::Review(_) => false,
    };
    let pending = action.and_then(Action::pending).map(|request| request.requirement_digest);
    if prepared.reviewed.is_some_and(|reviewed| pending.is_some_and(|asked| asked != reviewed.requirement)) {
        return Err(AppendError::BasisMoved);
    }
    match prepared.basis {
        Some(basis) if basis != now => Err(AppendError::BasisMoved),
        None if asks && action.is_some() => Err(AppendError::BasisMoved),
        Some(_) | None => Ok(()),
    }
}

/// Places what follows directly behind the command, and writes what became of its action. Returns where the refusal
/// stands, if there is one.
pub(in crate::ledger) fn place_following(
    state: &mut State,
    store: &dyn Store,
    commit: &mut Commit,
    (frame, command): (&CheckedFrame, &Command),
    (base, revision): (Index, Option<Revision>),
    decision: Decision,
) -> Result<Option<Index>, PlaceError> {
    let event = frame.events.first().map(|event| event.event_id);
    let parent = Parent { source: frame.source, event_id: event.unwrap_or(EventId([0; 16])) };
    let Decision { action: before, superseded, verdict } = decision;
    let what = if verdict.is_ok() { What::Command(command) } else { What::Refused };
    let recorded = Recorded {
        what,
        source: frame.source,
        event: parent.event_id,
        revision: revision.unwrap_or(Revision(0)),
        index: base,
        received: state.received,
    };
    // A refused command that begins no action leaves none; one that is about another's stream leaves that as it is.
    let in_stream =
        before.as_ref().is_none_or(|action| frame.events.first().and_then(|e| e.stream) == Some(action.stream));
    let begun = match (&before, &verdict) {
        (None, Err(_)) => None,
        (Some(action), Err(_)) if !in_stream => Some(Action::clone(action)),
        (action, _) => Some(apply(action.as_deref().cloned(), recorded).map_err(misplaced)?),
    };
    let (reason, effects, of_superseded) = match verdict {
        Ok(decided) => (None, decided.effects, decided.superseded),
        Err(refused) => (Some(refused.reason), refused.effects, Vec::new()),
    };
    let subject = begun.as_ref().map(Action::subject);
    let prior = superseded.as_deref().map(Action::subject);
    let facts = facts_of(parent, state.received, reason, (&effects, subject), (&of_superseded, prior));
    let places = if facts.is_empty() { None } else { Some(place_own_events(state, store, commit, facts)?) };
    let refusal = reason.and(places.as_ref().map(|places| places.first));
    let mut rest = places.iter().flat_map(OwnPlaces::iter).skip(usize::from(reason.is_some()));
    if let Some(mut after) = begun {
        for effect in &effects {
            after = take(state, after, effect, rest.next())?;
        }
        state.actions.put(commit, before.as_deref(), after);
    }
    if let Some(prior) = superseded.filter(|_| !of_superseded.is_empty()) {
        let mut after = Action::clone(&prior);
        for effect in &of_superseded {
            after = take(state, after, effect, rest.next())?;
        }
        state.actions.put(commit, Some(&prior), after);
    }
    Ok(refusal)
}

/// The facts of everything that follows, in order; each has its id from the command and its ordinal.
fn facts_of(
    parent: Parent,
    received: Micros,
    reason: Option<RefusalReason>,
    (effects, subject): (&[Effect], Option<Subject>),
    (of_superseded, prior): (&[Effect], Option<Subject>),
) -> Vec<FactsBuilder> {
    let mut ids = (0u16..).map(|ordinal| derived_event_id(&parent, ordinal));
    let mut next = || ids.next().unwrap_or(EventId([0; 16]));
    let mut facts = Vec::new();
    if let Some(reason) = reason {
        facts.push(FactsBuilder::new(Kind::CommandRefused, next(), received).reason(reason));
    }
    for (effects, subject) in [(effects, subject), (of_superseded, prior)] {
        let Some(subject) = subject else { continue };
        facts.extend(effects.iter().map(|effect| effect.to_facts(&subject, next(), received)));
    }
    facts.into_iter().map(|facts| facts.parents(&[parent])).collect()
}

/// Folds an event of the ledger's that was just placed.
pub(super) fn take(
    state: &State,
    action: Action,
    effect: &Effect,
    place: Option<(Index, EventId, Option<Revision>)>,
) -> Result<Action, PlaceError> {
    let (index, event, revision) = place.ok_or_else(|| misplaced("an event that was not placed"))?;
    let recorded = Recorded {
        what: What::Event(&effect.event),
        source: state.authority.keys().ledger_source(),
        event,
        revision: revision.unwrap_or(Revision(0)),
        index,
        received: state.received,
    };
    apply(Some(action), recorded).map_err(misplaced)
}

/// The folds refuse what they themselves decided: a defect of this program. Command and events stand in the batch, which
/// must not be made durable.
pub(super) fn misplaced(error: impl std::fmt::Display) -> PlaceError {
    PlaceError::Fatal(StateError::Store(crate::store::StoreError::Failed(format!(
        "an action cannot be folded: {error}"
    ))))
}

/// What an `execution.reported` says of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ledger) struct Report {
    request: SubjectId,
    grant: Option<SubjectId>,
    outcome: Option<Outcome>,
    execution: Option<EventId>,
}

impl Report {
    /// Reads it off facts; none: they report about no action.
    pub fn of(facts: &Facts<'_>) -> Option<Report> {
        let request = facts.request_id.filter(|_| facts.kind == Kind::ExecutionReported)?;
        let execution = facts.parents().next().map(|parent| parent.event_id);
        Some(Report { request, grant: facts.grant_id, outcome: facts.outcome, execution })
    }
}

/// Folds a report into its action. A statement is never refused: one that fits nothing changes nothing, and writes no row,
/// or whoever may append could have large rows written for small entries.
pub(in crate::ledger) fn take_report(
    state: &mut State,
    store: &dyn Store,
    commit: &mut Commit,
    report: Report,
    (source, event, stream): (Ref, EventId, Option<Ref>),
    (index, revision): (Index, Option<Revision>),
) -> Result<(), PlaceError> {
    let Some(before) = state.actions.get(store, report.request)? else { return Ok(()) };
    let (Some(revision), true) = (revision, stream == Some(before.stream)) else { return Ok(()) };
    let known = before.executions.iter().any(|run| Some(run.id) == report.execution);
    let what =
        What::Report { outcome: report.outcome, grant: report.grant, execution: report.execution.filter(|_| known) };
    let recorded = Recorded { what, source, event, revision, index, received: state.received };
    let after = apply(Some(Action::clone(&before)), recorded).map_err(misplaced)?;
    if !after.says_what(&before) {
        state.actions.put(commit, Some(&before), after);
    }
    Ok(())
}
