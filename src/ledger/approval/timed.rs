//! What time alone causes: expiry, reminders, escalation, overdue reviews. The commands judge every deadline themselves,
//! so that nothing hangs on how soon the writer comes by here; these events tell those who wait.

use crate::approvals::{Action, Due, Effect, Event, due};
use crate::ledger::approval::follow::{misplaced, take};
use crate::ledger::commit::Commit;
use crate::ledger::place::place_own_events;
use crate::ledger::state::{PlaceError, State};
use crate::store::Store;
use deedbook_verify::detail::Escalation;
use deedbook_verify::facts::Parent;
use deedbook_verify::hash::timed_event_id;
use deedbook_verify::words::{Micros, Ref};

/// Places what has come due, while the commit has room. Each event has a frame of its own, because each has a deadline
/// of its own that replay holds it to.
pub(in crate::ledger) fn place_due(
    state: &mut State,
    store: &dyn Store,
    commit: &mut Commit,
    wall: Micros,
) -> Result<(), PlaceError> {
    let now = state.received.max(wall);
    while commit.has_room()
        && let Some(id) = state.actions.deadlines.due(now)
    {
        let Some(before) = state.actions.get(store, id)? else {
            return Err(misplaced("a deadline without its action"));
        };
        let Some(first) = due(&before, now).into_iter().next() else {
            return Err(misplaced("a deadline that causes nothing"));
        };
        state.received = now;
        let after = place_one(state, store, commit, Action::clone(&before), first)?;
        state.actions.put(commit, Some(&before), after);
    }
    Ok(())
}

fn place_one(
    state: &mut State,
    store: &dyn Store,
    commit: &mut Commit,
    action: Action,
    due: Due,
) -> Result<Action, PlaceError> {
    let subject = action.subject();
    let about = match (&due.event, action.grant) {
        (Event::GrantExpired { .. }, Some(grant)) => grant.id,
        (_, _) => action.id,
    };
    let parent = Parent { source: setter(state, &action, &due), event_id: due.set_by };
    let id = timed_event_id(&about, due.event.kind(), due.deadline);
    let effect = Effect { event: due.event, body: None };
    let facts = effect.to_facts(&subject, id, state.received).parents(&[parent]).valid_until(due.deadline);
    let places = place_own_events(state, store, commit, vec![facts])?;
    let place = places.iter().next();
    take(state, action, &effect, place)
}

/// Who signed the entry that set the deadline: the ledger, or whoever broke the glass.
fn setter(state: &State, action: &Action, due: &Due) -> Ref {
    let review = matches!(due.event, Event::Escalated { escalation: Escalation::ReviewOverdue, .. });
    match action.post_review.filter(|_| review) {
        Some(owed) => owed.invoker,
        None => state.authority.keys().ledger_source(),
    }
}
