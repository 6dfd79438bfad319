//! What follows, as facts, held against what the log says that followed: byte for byte but for the bodies, whose
//! commitments are judged elsewhere. The ids, parents and order of consequences are written a second time on purpose.

use crate::approvals::{
    Action, Decided, EVALUATION_MEDIA_TYPE, Effect, Event, PRESENTATION_MEDIA_TYPE, Refused, Subject, due,
};
use crate::audit::actions::CHECK;
use crate::audit::actions::asked::Asked;
use crate::audit::actions::judged::{Verdict, about};
use crate::audit::report::Report;
use crate::record::FactsBuilder;
use deedbook_verify::detail::{Detail, Escalation};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::{Facts, Parent};
use deedbook_verify::hash::{Salt, derived_event_id, timed_event_id};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{EventId, Index, Micros, Ref};

/// Where an event of the ledger's stands.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The ledger's own source.
    pub ledger: Ref,
    /// The received time of its entry.
    pub received: Micros,
}

/// Holds what the log says against what follows; one finding for a command at most.
pub(super) fn compare(asked: &Asked, verdict: &Verdict, report: &mut Report) {
    let expected = expected(asked, verdict);
    let kinds: Vec<Kind> = expected.iter().map(|(kind, _)| *kind).collect();
    let stored: Vec<(Index, Kind)> = asked.followed.iter().filter_map(kind_of).collect();
    let refusal = |reason: Option<&'static str>| reason.map_or(String::new(), |reason| format!("{reason}, "));
    if !stored.iter().map(|(_, kind)| *kind).eq(kinds.iter().copied()) {
        let rules = refusal(verdict.as_ref().err().map(|refused| refused.reason.name()));
        let log = refusal(asked.refusal().map(|reason| reason.name()));
        let message = format!(
            "{}: by the rules {rules}{} follows, in the log {log}{}",
            about(asked),
            in_words(kinds.into_iter()),
            in_words(stored.iter().map(|(_, kind)| *kind))
        );
        return report.find(Some(asked.index), CHECK, message);
    }
    for ((index, bytes), (kind, facts)) in asked.followed.iter().zip(expected) {
        let Ok(entry) = Entry::parse(bytes) else { continue };
        if !matches(facts, &entry.facts) {
            let difference = difference(verdict, &entry.facts);
            let message = format!(
                "{}: this {} is not what follows from entry {}{difference}",
                about(asked),
                kind.name(),
                asked.index
            );
            return report.find(Some(*index), CHECK, message);
        }
    }
}

/// What policies said by the log, and by the policies themselves, where that is the difference.
fn difference(verdict: &Verdict, stored: &Facts<'_>) -> String {
    if let Detail::CommandRefused { reason, .. } = &stored.detail {
        let rules = verdict.as_ref().err().map_or("nothing", |refused| refused.reason.name());
        return format!(": it says {}, the rules say {rules}", reason.name());
    }
    let effects = match verdict {
        Ok(decided) => &decided.effects,
        Err(refused) => &refused.effects,
    };
    let verdict_of = |event: &Event| {
        let Event::Evaluated { judgement, .. } = event else { return None };
        Some(judgement.verdict())
    };
    let made = effects.iter().find_map(|effect| verdict_of(&effect.event));
    let said = Event::from_facts(stored).ok().flatten().as_ref().and_then(verdict_of);
    match (said, made) {
        (Some(said), Some(made)) => format!(": it says {}, the policies say {}", said.name(), made.name()),
        (_, _) => String::new(),
    }
}

fn kind_of((index, bytes): &(Index, Vec<u8>)) -> Option<(Index, Kind)> {
    Some((*index, Entry::parse(bytes).ok()?.facts.kind))
}

fn in_words(kinds: impl Iterator<Item = Kind>) -> String {
    let names: Vec<&str> = kinds.map(Kind::name).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// Everything that follows, in order: the refusal, the consequences in the action's stream, those of the action whose
/// place it takes.
fn expected(asked: &Asked, verdict: &Verdict) -> Vec<(Kind, FactsBuilder)> {
    let empty: &[Effect] = &[];
    let (reason, effects, of_superseded) = match verdict {
        Ok(Decided { effects, superseded }) => (None, effects.as_slice(), superseded.as_slice()),
        Err(Refused { reason, effects }) => (Some(*reason), effects.as_slice(), empty),
    };
    let subject = match verdict {
        Ok(_) => asked.begun().ok().flatten().as_ref().map(Action::subject),
        Err(_) => asked.known.before.as_ref().map(Action::subject),
    };
    let prior = asked.known.superseded.as_ref().map(Action::subject);
    let mut ids = (0u16..).map(|ordinal| derived_event_id(&asked.parent, ordinal));
    let mut next = || ids.next().unwrap_or(EventId([0; 16]));
    let mut facts = Vec::new();
    if let Some(reason) = reason {
        let refused = FactsBuilder::new(Kind::CommandRefused, next(), asked.received).reason(reason);
        facts.push((Kind::CommandRefused, refused));
    }
    for (effects, subject) in [(effects, subject), (of_superseded, prior)] {
        let Some(subject) = subject else { continue };
        facts.extend(effects.iter().map(|effect| {
            let bare = effect.event.to_facts(&subject, next(), asked.received);
            (effect.event.kind(), bare)
        }));
    }
    facts.into_iter().map(|(kind, facts)| (kind, facts.parents(&[asked.parent]))).collect()
}

/// What time causes first at this moment.
pub(super) fn timed_facts(action: &Action, place: Place) -> Option<FactsBuilder> {
    let due = due(action, place.received).into_iter().next()?;
    let subject: Subject = action.subject();
    let about = match (&due.event, action.grant) {
        (Event::GrantExpired { .. }, Some(grant)) => grant.id,
        (_, _) => action.id,
    };
    let review = matches!(due.event, Event::Escalated { escalation: Escalation::ReviewOverdue, .. });
    let source = action.post_review.filter(|_| review).map_or(place.ledger, |owed| owed.invoker);
    let parent = Parent { source, event_id: due.set_by };
    let id = timed_event_id(&about, due.event.kind(), due.deadline);
    let facts = due.event.to_facts(&subject, id, place.received);
    Some(facts.parents(&[parent]).valid_until(due.deadline))
}

/// Whether these are the stored facts, whatever body those state.
pub(super) fn matches(facts: FactsBuilder, stored: &Facts<'_>) -> bool {
    let media_type =
        if stored.kind == Kind::PresentationShown { PRESENTATION_MEDIA_TYPE } else { EVALUATION_MEDIA_TYPE };
    let with_body =
        stored.commitment.filter(|_| [Kind::PolicyEvaluated, Kind::PresentationShown].contains(&stored.kind));
    let facts = match &with_body {
        Some(commitment) => facts.committed(media_type, commitment),
        None => facts,
    };
    facts.matches(stored, Salt([0; 32]))
}
