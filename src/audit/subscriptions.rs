//! Rows of persistent subscriptions. They follow from no entry, so nothing can be derived again: each must be
//! well-formed and name no place beyond the log, and nothing may be parked for a subscription that is not there.
//! FORMAT.md's layouts are read here a second time, for this judges what the ledger wrote.

use crate::audit::LEDGER;
use crate::audit::report::{AuditError, Report};
use crate::limits;
use crate::store::keys;
use crate::store::{Direction, Store};
use deedbook_verify::bytes::{Malformed, Reader};
use deedbook_verify::words::TreeSize;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

const WHAT: &str = "subscription row";

/// What the checks need of a row.
struct Row {
    id: [u8; 16],
    position: u64,
    ahead: Vec<u64>,
}

/// Checks every row against the size of the log.
pub(super) fn check(store: &dyn Store, size: TreeSize, report: &mut Report) -> Result<(), AuditError> {
    let mut known = BTreeSet::new();
    let range = keys::subscriptions(LEDGER);
    store.scan(&range, Direction::Forward, &mut |key, value| {
        let name = String::from_utf8_lossy(key.get(range.from.len()..).unwrap_or_default()).into_owned();
        match parse(value) {
            Ok(row) => {
                if row.position > size.0 || row.ahead.last().is_some_and(|last| *last >= size.0) {
                    report.find(None, WHAT, format!("`{name}` stands beyond the log's {size} entries"));
                }
                if row.ahead.windows(2).any(|pair| pair.first() >= pair.last())
                    || row.ahead.first().is_some_and(|first| *first < row.position)
                {
                    report.find(None, WHAT, format!("`{name}` names settled events out of order"));
                }
                known.insert(row.id);
            }
            Err(malformed) => report.find(None, WHAT, format!("`{name}`: {malformed}")),
        }
        ControlFlow::Continue(())
    })?;
    if known.len() > limits::SUBSCRIPTIONS_MAX {
        report.find(None, WHAT, format!("{} subscriptions are stored", known.len()));
    }
    check_parked(store, size, &known, report)
}

/// A row's fields; of the filter only that its parts have their lengths.
fn parse(value: &[u8]) -> Result<Row, Malformed> {
    let mut reader = Reader::new(value);
    let id = reader.array(WHAT)?;
    reader.take(WHAT, 8 + 8 + 4 + 2)?;
    let position = reader.u64(WHAT)?;
    let flags = reader.u8(WHAT)?;
    for (bit, length) in [2, 16, 16, 16, 1, 32, 16].into_iter().enumerate() {
        if flags >> bit & 1 == 1 {
            reader.take(WHAT, length)?;
        }
    }
    if flags >> 7 == 1 {
        let length = usize::from(reader.u8(WHAT)?);
        reader.take(WHAT, length)?;
    }
    let mut ahead = Vec::new();
    while !reader.is_empty() {
        ahead.push(reader.u64(WHAT)?);
    }
    Ok(Row { id, position, ahead })
}

fn check_parked(
    store: &dyn Store,
    size: TreeSize,
    known: &BTreeSet<[u8; 16]>,
    report: &mut Report,
) -> Result<(), AuditError> {
    let range = keys::all_parked(LEDGER);
    store.scan(&range, Direction::Forward, &mut |key, value| {
        let place = key.get(range.from.len()..).and_then(|rest| rest.split_first_chunk::<16>());
        let owned = place.is_some_and(|(id, index)| known.contains(id) && index.len() == 8);
        let inside = keys::trailing_u64(key).is_some_and(|index| index < size.0);
        // State, times and time, then a reason.
        let reason = value.get(13..).and_then(|reason| std::str::from_utf8(reason).ok());
        let whole = value.first().is_some_and(|state| *state <= 1)
            && reason.is_some_and(|reason| !reason.is_empty() && reason.len() <= limits::PARK_REASON_BYTES_MAX);
        if !(owned && inside && whole) {
            report.find(None, "parked row", "it is malformed, beyond the log, or of no subscription".to_owned());
        }
        ControlFlow::Continue(())
    })?;
    Ok(())
}
