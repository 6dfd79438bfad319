//! The actions as the log has them so far, each as the bytes of its row, and the rows that follow from them: what the
//! server wrote with every commit is derived here from the last state alone.

use crate::approvals::{Action, RequestState, next_deadline};
use crate::audit::LEDGER;
use crate::audit::sums::{Sums, Table};
use crate::store::keys;
use deedbook_verify::replay::Replay;
use deedbook_verify::words::{Ref, Revision, SubjectId};
use foldhash::HashMap;
use std::collections::BTreeSet;

/// Takes a row that follows from an action: whose, of which table, its key and value.
type Visit<'v> = dyn FnMut(SubjectId, Table, keys::Key, &[u8]) + 'v;

/// Every action.
#[derive(Default)]
pub(in crate::audit) struct States {
    rows: HashMap<SubjectId, Box<[u8]>>,
    // Who owes an overdue review, and of which action.
    overdue: BTreeSet<(Ref, SubjectId)>,
}

impl States {
    /// How many there are.
    pub fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// An action as the last entry of its stream that the fold reads left it.
    pub fn get(&self, id: SubjectId) -> Option<Action> {
        // These are this program's own bytes: they can be read.
        self.rows.get(&id).and_then(|row| Action::from_bytes(row).ok())
    }

    /// The same, with the revision that its stream had before an entry with this stream and revision.
    pub fn current(&self, id: SubjectId, own: Option<(Ref, Revision)>, replay: &Replay) -> Option<Action> {
        let mut action = self.get(id)?;
        let last = match own {
            Some((stream, revision)) if stream == action.stream => Some(Revision(revision.0.saturating_sub(1))),
            Some(_) | None => replay.streams().get(&action.stream).copied(),
        };
        action.revision = last.unwrap_or(action.revision);
        Some(action)
    }

    /// Whether somebody owes an overdue review.
    pub fn owes_review(&self, person: Ref) -> bool {
        self.overdue.range((person, SubjectId([0; 16]))..=(person, SubjectId([0xff; 16]))).next().is_some()
    }

    /// Keeps what became of an action.
    pub fn put(&mut self, after: &Action) {
        if let Some(owed) = self.get(after.id).and_then(|before| before.overdue_review()) {
            self.overdue.remove(&(owed, after.id));
        }
        self.overdue.extend(after.overdue_review().map(|person| (person, after.id)));
        self.rows.insert(after.id, after.to_bytes().into());
    }

    /// Sums the rows that follow.
    pub fn sum(&self, sums: &mut Sums) {
        self.each_row(&mut |_, table, key, value| sums.add(table, key.as_slice(), value));
    }

    /// Every row that follows: of each action, of its next deadline, of its place in the inbox, of a review it is owed.
    pub fn each_row(&self, visit: &mut Visit<'_>) {
        for (id, row) in &self.rows {
            visit(*id, Table::Actions, keys::action(LEDGER, id), row);
            let Ok(action) = Action::from_bytes(row) else { continue };
            if let Some(at) = next_deadline(&action) {
                visit(*id, Table::Deadlines, keys::deadline(LEDGER, at, id), &[]);
            }
            if let Some(request) = action.request.as_ref().filter(|request| request.state == RequestState::Pending) {
                visit(*id, Table::Inbox, keys::inbox(LEDGER, request.expires_at, id), &[]);
            }
            if let Some(person) = action.overdue_review() {
                visit(*id, Table::Overdue, keys::overdue(LEDGER, &person, id), &[]);
            }
        }
    }
}
