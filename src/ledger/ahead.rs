//! What stands beside the entries of a range, read ahead in pages: an iterator for each page costs less than lookups for
//! each entry. Whether a body was erased is not decided here: what is not found ahead is asked for when it is its turn.

use crate::ledger::bodies::corrupt;
use crate::ledger::error::ReadError;
use crate::ledger::rows::parse_u64;
use crate::limits::{BODIES_AHEAD_BYTES_MAX, BODIES_AHEAD_MAX, ERASED_AHEAD_MAX};
use crate::record::body::BodyKey;
use crate::store::keys::{self, LedgerNumber};
use crate::store::{Direction, Store, StoreError};
use deedbook_verify::words::Index;
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// A reader of a range, from its first index on to its end.
pub(super) struct Ahead<'s> {
    erased: ErasedAhead<'s>,
    bodies: BodiesAhead<'s>,
}

impl<'s> Ahead<'s> {
    /// Nothing is read before it is asked for.
    pub fn new(store: &'s dyn Store, number: LedgerNumber, from: Index, to: Index) -> Ahead<'s> {
        let bodies = BodiesAhead { store, number, to, known_to: from, rows: VecDeque::new() };
        Ahead { erased: ErasedAhead::new(store, number, from, to), bodies }
    }

    /// Which erasure erased a body; indexes ascend.
    pub fn erased(&mut self, index: Index) -> Result<Option<Index>, ReadError> {
        self.erased.of(index)
    }

    /// A body as it is stored, with its key; indexes ascend. None: it could not be read with its page.
    pub fn body(&mut self, index: Index) -> Option<(BodyKey, Vec<u8>)> {
        self.bodies.take(index)
    }
}

/// Bodies of ascending indexes. A page holds what stood there some milliseconds ago, as does a message on its way: whoever
/// reads a body while it is being erased may still see it.
struct BodiesAhead<'s> {
    store: &'s dyn Store,
    number: LedgerNumber,
    to: Index,
    known_to: Index,
    rows: VecDeque<(Index, BodyKey, Vec<u8>)>,
}

impl BodiesAhead<'_> {
    fn take(&mut self, index: Index) -> Option<(BodyKey, Vec<u8>)> {
        if index >= self.known_to {
            self.rows.clear();
            self.known_to = self.to.min(Index(index.0.saturating_add(BODIES_AHEAD_MAX)));
            // What fails here is met again by whoever asks for the body itself, and is told there.
            if self.read(index).is_err() {
                self.rows.clear();
            }
        }
        while self.rows.front().is_some_and(|(read, ..)| *read < index) {
            self.rows.pop_front();
        }
        match self.rows.front() {
            Some((read, ..)) if *read == index => self.rows.pop_front().map(|(_, key, sealed)| (key, sealed)),
            Some(_) | None => None,
        }
    }

    fn read(&mut self, from: Index) -> Result<(), StoreError> {
        let (mut bodies, mut bytes) = (VecDeque::<(Index, Vec<u8>)>::new(), 0usize);
        let (mut end, blocks) = (self.known_to, keys::bodies(self.number, from, self.known_to));
        self.store.scan(&blocks, Direction::Forward, &mut |row, block| {
            let Some(index) = keys::body_index(row) else { return ControlFlow::Continue(()) };
            match bodies.back_mut() {
                Some((last, sealed)) if *last == index => sealed.extend_from_slice(block),
                Some(_) if bytes >= BODIES_AHEAD_BYTES_MAX => {
                    end = index;
                    return ControlFlow::Break(());
                }
                Some(_) | None => bodies.push_back((index, block.to_vec())),
            }
            bytes = bytes.saturating_add(block.len());
            ControlFlow::Continue(())
        })?;
        self.known_to = end;
        let rows = keys::body_keys(self.number, from, end);
        self.store.scan(&rows, Direction::Forward, &mut |row, key| {
            let Some(index) = keys::trailing_u64(row).map(Index) else { return ControlFlow::Continue(()) };
            while bodies.front().is_some_and(|(read, _)| *read < index) {
                bodies.pop_front();
            }
            if bodies.front().is_some_and(|(read, _)| *read == index)
                && let (Some((_, sealed)), Some(key)) = (bodies.pop_front(), BodyKey::from_stored(key))
            {
                self.rows.push_back((index, key, sealed));
            }
            ControlFlow::Continue(())
        })
    }
}

/// Which erasures erased bodies of ascending indexes below `to`: in most ranges there is nothing to find.
struct ErasedAhead<'s> {
    store: &'s dyn Store,
    number: LedgerNumber,
    to: Index,
    known_to: Index,
    rows: VecDeque<(Index, Index)>,
}

impl<'s> ErasedAhead<'s> {
    fn new(store: &'s dyn Store, number: LedgerNumber, from: Index, to: Index) -> ErasedAhead<'s> {
        ErasedAhead { store, number, to, known_to: from, rows: VecDeque::new() }
    }

    fn of(&mut self, index: Index) -> Result<Option<Index>, ReadError> {
        if index >= self.known_to {
            self.read(index)?;
        }
        while self.rows.front().is_some_and(|(erased, _)| *erased < index) {
            self.rows.pop_front();
        }
        Ok(self.rows.front().filter(|(erased, _)| *erased == index).map(|(_, by)| *by))
    }

    fn read(&mut self, from: Index) -> Result<(), ReadError> {
        let (mut found, mut failure) = (VecDeque::new(), None);
        self.store.scan(&keys::erased_rows(self.number, from, self.to), Direction::Forward, &mut |key, value| {
            match (keys::trailing_u64(key), parse_u64(value)) {
                (Some(index), Ok(by)) => found.push_back((Index(index), Index(by))),
                (_, row) => failure = Some(corrupt(row.map_or_else(|error| error.to_string(), |_| "a key".to_owned()))),
            }
            match failure.is_some() || found.len() >= ERASED_AHEAD_MAX {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        })?;
        let whole = found.len() < ERASED_AHEAD_MAX;
        self.known_to = match found.back() {
            Some((last, _)) if !whole => Index(last.0.saturating_add(1)),
            Some(_) | None => self.to,
        };
        self.rows = found;
        failure.map_or(Ok(()), Err)
    }
}
