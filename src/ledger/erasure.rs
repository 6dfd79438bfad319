//! Erasure as the writer sees it: what stands at the indexes that a `body.erased` names, in memory or in the store.
//! Whether they may be erased is the verifier's judgement; what remains to be done afterwards is `purge`'s work.

use crate::ledger::rows::parse_u64;
use crate::ledger::state::{State, StateError};
use crate::store::keys::{self, Key};
use crate::store::{Store, StoreError};
use deedbook_verify::entry::Entry;
use deedbook_verify::erasure::{ErasedBodies, Standing, Stood};
use deedbook_verify::words::Index;
use std::collections::VecDeque;

/// Entries that are read together: at most 4 MiB.
const ENTRIES_READ_MAX: usize = 128;

/// The standings of the newest entries, built or durable: two commits may be under way whose entries the store does
/// not show yet.
pub(super) struct NewestBodies {
    first: Index,
    stood: VecDeque<Stood>,
    entries_max: usize,
}

impl NewestBodies {
    /// Nothing yet; the next entry stands at `next`.
    pub fn new(next: Index, entries_max: usize) -> NewestBodies {
        NewestBodies { first: next, stood: VecDeque::new(), entries_max }
    }

    /// Takes in the next entry.
    pub fn push(&mut self, stood: Stood) {
        if self.stood.len() >= self.entries_max && self.stood.pop_front().is_some() {
            self.first = Index(self.first.0.saturating_add(1));
        }
        self.stood.push_back(stood);
    }

    /// A body is erased.
    pub fn erase(&mut self, index: Index) {
        if let Some(stood) = self.place(index).and_then(|place| self.stood.get_mut(place)) {
            stood.standing = Standing::Erased;
        }
    }

    fn get(&self, index: Index) -> Option<Stood> {
        self.stood.get(self.place(index)?).copied()
    }

    fn place(&self, index: Index) -> Option<usize> {
        usize::try_from(index.0.checked_sub(self.first.0)?).ok()
    }
}

/// What stands at each named index, all of them before the next one. The store is asked for what is not remembered.
pub(super) fn standings(state: &State, store: &dyn Store, bodies: ErasedBodies<'_>) -> Result<Vec<Stood>, StateError> {
    let remembered = |index: Index| match state.erased.get(&index) {
        Some(()) => Some(Stood::ERASED),
        None => state.bodies.get(index),
    };
    let forgotten: Vec<Index> = bodies.indexes().filter(|index| remembered(*index).is_none()).collect();
    let mut stored = Vec::with_capacity(forgotten.len());
    for indexes in forgotten.chunks(ENTRIES_READ_MAX) {
        read(state, store, indexes, &mut stored)?;
    }
    let mut stored = stored.into_iter();
    let missing = || StateError::Store(StoreError::Damaged("a standing is missing".to_owned()));
    bodies.indexes().map(|index| remembered(index).or_else(|| stored.next()).ok_or_else(missing)).collect()
}

fn read(state: &State, store: &dyn Store, indexes: &[Index], out: &mut Vec<Stood>) -> Result<(), StateError> {
    let rows = |key: &dyn Fn(Index) -> Key| {
        let keys: Vec<Key> = indexes.iter().map(|index| key(*index)).collect();
        store.get_many(&keys)
    };
    let erased = rows(&|index| keys::erased(state.number, index))?;
    let entries = rows(&|index| keys::entry(state.number, index))?;
    for ((index, erased), entry) in indexes.iter().zip(erased).zip(entries) {
        let stood = match (erased, entry) {
            (Some(by), Some(_)) => parse_u64(&by).map(|_| Stood::ERASED)?,
            (None, Some(bytes)) => {
                let entry = Entry::parse(&bytes)?;
                Stood::of(&entry.facts, entry.seal.received)
            }
            (_, None) => return Err(StoreError::Damaged(format!("entry {index} is missing")).into()),
        };
        out.push(stood);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_entries_are_remembered_and_no_others() {
        let mut newest = NewestBodies::new(Index(10), 3);
        for standing in [Standing::NoBody, Standing::Erasable, Standing::Permanent, Standing::Erasable] {
            newest.push(Stood { standing, ..Stood::NOTHING });
        }
        let all = |newest: &NewestBodies| {
            (9..15).map(|index| newest.get(Index(index)).map(|stood| stood.standing)).collect::<Vec<_>>()
        };
        let (erasable, permanent) = (Some(Standing::Erasable), Some(Standing::Permanent));
        assert_eq!(all(&newest), [None, None, erasable, permanent, erasable, None]);
        newest.erase(Index(11));
        newest.erase(Index(9));
        newest.erase(Index(99));
        assert_eq!(all(&newest), [None, None, Some(Standing::Erased), permanent, erasable, None]);
    }
}
