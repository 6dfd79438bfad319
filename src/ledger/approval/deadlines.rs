//! When time alone will change an action: in memory for the writer, which sleeps until the first of them, and as rows,
//! from which opening finds them again. Owned by the writer thread.

use crate::ledger::approval::rows::keys_of;
use crate::store::keys::{self, LedgerNumber};
use crate::store::{Store, StoreError};
use deedbook_verify::words::{Micros, SubjectId};
use std::collections::BTreeSet;

/// Every deadline of every action that has one; 24 bytes each, as many as requests and grants are open.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::ledger) struct Deadlines(BTreeSet<(Micros, SubjectId)>);

impl Deadlines {
    /// Finds them again.
    pub fn load(store: &dyn Store, number: LedgerNumber) -> Result<Deadlines, StoreError> {
        Ok(Deadlines(keys_of(store, &keys::deadlines(number), keys::trailing_time_and_id)?))
    }

    /// Moves an action's deadline; it has at most one, the first of what time will do to it.
    pub fn set(&mut self, id: SubjectId, old: Option<Micros>, new: Option<Micros>) {
        if let Some(old) = old {
            self.0.remove(&(old, id));
        }
        if let Some(new) = new {
            self.0.insert((new, id));
        }
    }

    /// The first one.
    pub fn first(&self) -> Option<(Micros, SubjectId)> {
        self.0.first().copied()
    }

    /// The first action whose deadline has come.
    pub fn due(&self, now: Micros) -> Option<SubjectId> {
        self.first().filter(|(at, _)| *at <= now).map(|(_, id)| id)
    }

    /// How many actions wait for time.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Batch, MemoryStore};

    #[test]
    fn they_come_in_their_order_and_are_found_again() {
        let number = LedgerNumber(1);
        let (store, mut live, mut batch) = (MemoryStore::new(), Deadlines::default(), Batch::new());
        for (at, id) in [(30, 1), (10, 2), (20, 3), (10, 1)] {
            let id = SubjectId([id; 16]);
            live.set(id, None, Some(Micros(at)));
            batch.put(keys::deadline(number, Micros(at), &id).as_slice(), &[]);
        }
        store.commit(&batch).expect("commits");
        assert_eq!(Deadlines::load(&store, number), Ok(Deadlines(live.0.clone())));
        assert_eq!(live.first(), Some((Micros(10), SubjectId([1; 16]))));
        assert_eq!(live.due(Micros(9)), None);
        live.set(SubjectId([1; 16]), Some(Micros(10)), Some(Micros(40)));
        assert_eq!(live.due(Micros(10)), Some(SubjectId([2; 16])));
        live.set(SubjectId([2; 16]), Some(Micros(10)), None);
        assert_eq!((live.due(Micros(19)), live.len()), (None, 3));
    }
}
