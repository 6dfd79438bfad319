//! The keys of rows about actions: their folds, when time changes them, who is asked, who owes a review.

use super::{Key, LedgerNumber, RowTag, prefix, trailing_u64};
use crate::store::KeyRange;
use deedbook_verify::words::{Micros, Ref, SubjectId};

/// The fold of an action's stream.
pub fn action(ledger: LedgerNumber, id: &SubjectId) -> Key {
    Key::new(RowTag::Action, ledger).with(id.as_bytes())
}

/// The folds of all actions.
pub fn actions(ledger: LedgerNumber) -> KeyRange {
    prefix(Key::new(RowTag::Action, ledger).as_slice())
}

/// When time will change an action.
pub fn deadline(ledger: LedgerNumber, at: Micros, id: &SubjectId) -> Key {
    Key::new(RowTag::Deadline, ledger).with(&at.0.to_be_bytes()).with(id.as_bytes())
}

/// All deadlines.
pub fn deadlines(ledger: LedgerNumber) -> KeyRange {
    prefix(Key::new(RowTag::Deadline, ledger).as_slice())
}

/// A request that waits for people, by its expiry.
pub fn inbox(ledger: LedgerNumber, expires: Micros, id: &SubjectId) -> Key {
    Key::new(RowTag::Inbox, ledger).with(&expires.0.to_be_bytes()).with(id.as_bytes())
}

/// All requests that wait for people.
pub fn inbox_rows(ledger: LedgerNumber) -> KeyRange {
    prefix(Key::new(RowTag::Inbox, ledger).as_slice())
}

/// A break-glass whose review is overdue, by who owes it.
pub fn overdue(ledger: LedgerNumber, person: &Ref, id: &SubjectId) -> Key {
    Key::new(RowTag::Overdue, ledger).with(person.as_bytes()).with(id.as_bytes())
}

/// Every break-glass whose review is overdue.
pub fn overdue_rows(ledger: LedgerNumber) -> KeyRange {
    prefix(Key::new(RowTag::Overdue, ledger).as_slice())
}

/// The person and the action id that keys of overdue reviews end with.
pub fn trailing_person(key: &[u8]) -> Option<(Ref, SubjectId)> {
    let (rest, id) = key.split_last_chunk::<16>()?;
    Some((Ref(*rest.last_chunk::<16>()?), SubjectId(*id)))
}

/// The time and the action id that deadline and inbox keys end with.
pub fn trailing_time_and_id(key: &[u8]) -> Option<(Micros, SubjectId)> {
    let (rest, id) = key.split_last_chunk::<16>()?;
    Some((Micros(trailing_u64(rest)?), SubjectId(*id)))
}
