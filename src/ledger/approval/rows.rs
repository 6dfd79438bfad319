//! The rows of actions: the fold of each, when time will change it, whether it waits for people. Written in the commit
//! of the entries that they follow from; found again at opening. Owned by the writer thread.

use crate::approvals::{Action, Request, RequestState, next_deadline};
use crate::ledger::approval::deadlines::Deadlines;
use crate::ledger::approval::meters;
use crate::ledger::commit::Commit;
use crate::ledger::recent::Recent;
use crate::ledger::state::StateError;
use crate::plant::Bug;
use crate::store::keys::{self, LedgerNumber};
use crate::store::{Direction, KeyRange, Store, StoreError};
use deedbook_verify::words::{Micros, Ref, SubjectId};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What the writer knows of actions: those that it changed lately, and of all others what time will do.
pub(in crate::ledger) struct ActionStates {
    number: LedgerNumber,
    recent: Recent<SubjectId, Arc<Action>>,
    pub deadlines: Deadlines,
    // Who owes an overdue review, and of which action; few, or the operator has other troubles.
    overdue: BTreeSet<(Ref, SubjectId)>,
}

impl ActionStates {
    /// Finds again what time will do and who owes a review.
    pub fn load(store: &dyn Store, number: LedgerNumber, entries_max: usize) -> Result<ActionStates, StoreError> {
        let overdue = keys_of(store, &keys::overdue_rows(number), keys::trailing_person)?;
        let deadlines = Deadlines::load(store, number)?;
        let waiting = keys_of(store, &keys::inbox_rows(number), keys::trailing_time_and_id)?;
        meters::opened(waiting.len(), overdue.len());
        Ok(ActionStates { number, recent: Recent::new(entries_max), deadlines, overdue })
    }

    /// A ledger without actions.
    pub fn empty(number: LedgerNumber, entries_max: usize) -> ActionStates {
        let recent = Recent::new(entries_max);
        ActionStates { number, recent, deadlines: Deadlines::default(), overdue: BTreeSet::new() }
    }

    /// An action as it stands behind everything that was built.
    pub fn get(&self, store: &dyn Store, id: SubjectId) -> Result<Option<Arc<Action>>, StateError> {
        if let Some(action) = self.recent.get(&id) {
            return Ok(Some(Arc::clone(action)));
        }
        Ok(read(store, self.number, id)?.map(Arc::new))
    }

    /// Whether somebody owes an overdue review of an action other than this one.
    pub fn owes_review(&self, person: Ref) -> bool {
        let from = (person, SubjectId([0; 16]));
        let to = (person, SubjectId([0xff; 16]));
        self.overdue.range(from..=to).next().is_some()
    }

    /// Writes what became of an action; equal states write nothing.
    pub fn put(&mut self, commit: &mut Commit, before: Option<&Action>, mut after: Action) {
        if before == Some(&after) {
            return;
        }
        if Bug::GrantNotSpent.planted() {
            after.grant = before.and_then(|before| before.grant).or(after.grant);
        }
        let (number, id) = (self.number, after.id);
        if !Bug::ActionRowDropped.planted() {
            commit.put_row(keys::action(number, &id), &after.to_bytes());
        }
        let (old, new) = (before.and_then(next_deadline), next_deadline(&after));
        if old != new {
            old.into_iter().for_each(|at| commit.delete_row(keys::deadline(number, at, &id)));
            new.into_iter().for_each(|at| commit.put_row(keys::deadline(number, at, &id), &[]));
            self.deadlines.set(id, old, new);
        }
        let (old, new) = (before.and_then(waits_until), waits_until(&after));
        if old != new {
            old.into_iter().for_each(|at| commit.delete_row(keys::inbox(number, at, &id)));
            new.into_iter().for_each(|at| commit.put_row(keys::inbox(number, at, &id), &[]));
        }
        let (old, new) = (before.and_then(Action::overdue_review), after.overdue_review());
        if old != new {
            if let Some(person) = old {
                self.overdue.remove(&(person, id));
                commit.delete_row(keys::overdue(number, &person, &id));
            }
            if let Some(person) = new {
                self.overdue.insert((person, id));
                commit.put_row(keys::overdue(number, &person, &id), &[]);
            }
        }
        meters::observe(before, &after);
        commit.touch_action(id);
        self.recent.insert(id, Arc::new(after));
    }
}

/// The expiry of a request that waits for people.
fn waits_until(action: &Action) -> Option<Micros> {
    let waits = |request: &&Request| request.state == RequestState::Pending;
    action.request.as_ref().filter(waits).map(|request| request.expires_at)
}

/// What the keys of some rows say.
pub(super) fn keys_of<T: Ord>(
    store: &dyn Store,
    range: &KeyRange,
    read: impl Fn(&[u8]) -> Option<T>,
) -> Result<BTreeSet<T>, StoreError> {
    let (mut found, mut foreign) = (BTreeSet::new(), false);
    store.scan(range, Direction::Forward, &mut |key, _| match read(key) {
        Some(row) => {
            found.insert(row);
            ControlFlow::Continue(())
        }
        None => {
            foreign = true;
            ControlFlow::Break(())
        }
    })?;
    if foreign { Err(StoreError::Damaged("the key of an action's row is not one".to_owned())) } else { Ok(found) }
}

/// A stored action.
pub(super) fn read(store: &dyn Store, number: LedgerNumber, id: SubjectId) -> Result<Option<Action>, StoreError> {
    let row = store.get(keys::action(number, &id).as_slice())?;
    row.map(|bytes| Action::from_bytes(&bytes).map_err(|defect| StoreError::Damaged(defect.to_string()))).transpose()
}
