//! The fold of a log that was read back, by the pure functions alone, and what a store must hold because of it: the
//! action rows, when time changes them, which wait for people, who owes an overdue review.

use crate::support_memory::{NUMBER, scan_all};
use deedbook::approvals::{Action, Command, Event, Recorded, RequestState, What, apply, next_deadline};
use deedbook::store::Store;
use deedbook::store::keys;
use deedbook_verify::detail::Detail;
use deedbook_verify::entry::Entry;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Index, SubjectId};
use std::collections::{BTreeMap, BTreeSet};

pub type Actions = BTreeMap<SubjectId, Action>;

/// Every entry of a store.
pub fn entries(store: &dyn Store) -> Vec<Vec<u8>> {
    let range = keys::between(keys::entry(NUMBER, Index(0)), keys::entry(NUMBER, Index(u64::MAX)));
    scan_all(store, &range).into_iter().map(|(_, bytes)| bytes).collect()
}

/// Folds a log.
pub fn fold(log: &[Vec<u8>]) -> Actions {
    let mut actions = Actions::new();
    let entries: Vec<Entry<'_>> = log.iter().map(|bytes| Entry::parse(bytes).unwrap()).collect();
    for (at, entry) in entries.iter().enumerate() {
        let facts = &entry.facts;
        let refused =
            entries.get(at + 1).is_some_and(|next| matches!(next.facts.detail, Detail::CommandRefused { .. }));
        if let Some(command) = Command::from_facts(facts) {
            let id = command.request();
            let what = if refused { What::Refused } else { What::Command(&command) };
            step(&mut actions, id, (at, entry), what);
        } else if let Some(event) = Event::from_facts(facts).unwrap() {
            step(&mut actions, facts.request_id.unwrap(), (at, entry), What::Event(&event));
        } else if let (Kind::ExecutionReported, Some(id)) = (facts.kind, facts.request_id) {
            let named = facts.parents().next().map(|parent| parent.event_id);
            let known = |action: &Action| action.executions.iter().any(|run| Some(run.id) == named);
            let execution = named.filter(|_| actions.get(&id).is_some_and(known));
            let what = What::Report { outcome: facts.outcome, grant: facts.grant_id, execution };
            step(&mut actions, id, (at, entry), what);
        }
    }
    actions
}

/// An entry that stands in another stream, or before the first of its own, changes nothing.
fn step(actions: &mut Actions, id: SubjectId, (at, entry): (usize, &Entry<'_>), what: What<'_>) {
    let before = actions.remove(&id);
    let begins = matches!(what, What::Command(_));
    let fits = before.as_ref().map_or(begins, |action| Some(action.stream) == entry.facts.stream);
    if !fits {
        actions.extend(before.map(|action| (id, action)));
        return;
    }
    let recorded = Recorded {
        what,
        source: entry.facts.source,
        event: entry.facts.event_id,
        revision: entry.seal.revision.unwrap(),
        index: Index(at as u64),
        received: entry.seal.received,
    };
    let kept = before.clone();
    let after = apply(before, recorded).unwrap_or_else(|error| panic!("entry {at}: {error}"));
    // A report that changes nothing leaves the action as it was.
    let moved = !matches!(what, What::Report { .. }) || kept.as_ref().is_none_or(|kept| !after.says_what(kept));
    actions.extend(if moved { Some((id, after)) } else { kept.map(|kept| (id, kept)) });
}

/// The rows of a store are those that its log calls for, byte for byte, and no others.
pub fn assert_rows(store: &dyn Store) {
    let actions = fold(&entries(store));
    let key = |key: keys::Key| key.as_slice().to_vec();
    let (mut rows, mut deadlines, mut inbox, mut overdue) =
        (BTreeMap::new(), BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (id, action) in &actions {
        rows.insert(key(keys::action(NUMBER, id)), action.to_bytes());
        deadlines.extend(next_deadline(action).map(|at| key(keys::deadline(NUMBER, at, id))));
        let pending = action.request.as_ref().filter(|request| request.state == RequestState::Pending);
        inbox.extend(pending.map(|request| key(keys::inbox(NUMBER, request.expires_at, id))));
        overdue.extend(action.overdue_review().map(|person| key(keys::overdue(NUMBER, &person, id))));
    }
    let stored = |range| scan_all(store, &range).into_iter();
    let kept = |range| stored(range).map(|(key, _)| key).collect::<BTreeSet<_>>();
    let kept_rows: BTreeMap<_, _> = stored(keys::actions(NUMBER)).collect();
    for (key, row) in &rows {
        let read = |bytes: Option<&Vec<u8>>| bytes.map(|bytes| Action::from_bytes(bytes).unwrap());
        assert_eq!(read(kept_rows.get(key)), read(Some(row)), "an action as stored, and as folded from the log");
    }
    assert!(kept_rows == rows, "{} action rows, {} by the log", kept_rows.len(), rows.len());
    assert_eq!(kept(keys::deadlines(NUMBER)), deadlines, "deadline rows");
    assert_eq!(kept(keys::inbox_rows(NUMBER)), inbox, "inbox rows");
    assert_eq!(kept(keys::overdue_rows(NUMBER)), overdue, "overdue rows");
}
