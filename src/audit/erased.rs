//! What erasures left behind, derived again: each erased body has its row and no key, and no row stands without its
//! erasure. Which erasures count is replay's verdict; who erased what is written a second time here on purpose.

use crate::audit::LEDGER;
use crate::audit::report::{AuditError, Report};
use crate::store::keys;
use crate::store::{Direction, Store};
use deedbook_verify::erasure::Standing;
use deedbook_verify::replay::Replay;
use deedbook_verify::words::Index;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// The erasures that the store says are not finished: few, and gone soon.
pub(super) struct Unfinished(BTreeSet<Index>);

impl Unfinished {
    pub fn read(store: &dyn Store) -> Result<Unfinished, AuditError> {
        let mut commands = BTreeSet::new();
        store.scan(&keys::pending_rows(LEDGER), Direction::Forward, &mut |key, _| {
            commands.extend(keys::trailing_u64(key).map(Index));
            ControlFlow::Continue(())
        })?;
        Ok(Unfinished(commands))
    }

    /// Judges what the last entry erased, by the command that it is or votes on.
    pub fn check(
        &mut self,
        store: &dyn Store,
        replay: &Replay,
        command: Index,
        report: &mut Report,
    ) -> Result<(), AuditError> {
        if replay.erased().is_empty() {
            return Ok(());
        }
        let by = command.0.to_be_bytes();
        let finished = !self.0.remove(&command);
        for index in replay.erased() {
            report.bodies_erased = report.bodies_erased.saturating_add(1);
            if store.get(keys::erased(LEDGER, *index).as_slice())?.as_deref() != Some(&by) {
                report.find(Some(*index), "erased row", format!("it is missing or does not name entry {command}"));
            }
            if store.get(keys::body_key(LEDGER, *index).as_slice())?.is_some() {
                report.find(Some(*index), "erased body", format!("entry {command} erased it, its key is still there"));
            }
            if finished && holds_blocks(store, *index)? {
                report.find(Some(*index), "erased body", "its encrypted bytes are still there".to_owned());
            }
        }
        if !finished {
            report.erasures_pending = report.erasures_pending.saturating_add(1);
        }
        Ok(())
    }

    /// At the end of the walk: what names no erasure, and rows of bodies that nothing erased.
    pub fn finish(self, store: &dyn Store, replay: &Replay, report: &mut Report) -> Result<(), AuditError> {
        for command in self.0 {
            report.find(Some(command), "pending erasure", "the entry erased nothing".to_owned());
        }
        let range = keys::erased_rows(LEDGER, Index(0), Index(u64::MAX));
        store.scan(&range, Direction::Forward, &mut |key, _| {
            let index = keys::trailing_u64(key).map(Index);
            if index.and_then(|index| replay.bodies().get(index)) != Some(Standing::Erased) {
                report.find(index, "erased row", "no entry erased this body".to_owned());
            }
            ControlFlow::Continue(())
        })?;
        Ok(())
    }
}

fn holds_blocks(store: &dyn Store, index: Index) -> Result<bool, AuditError> {
    let mut held = false;
    store.scan(&keys::body_blocks(LEDGER, index), Direction::Forward, &mut |_, _| {
        held = true;
        ControlFlow::Break(())
    })?;
    Ok(held)
}

/// Whether the store says that a body was erased; whether that is so is judged when the walk comes to the erasure.
pub(super) fn is_said(store: &dyn Store, index: Index) -> Result<bool, AuditError> {
    Ok(store.get(keys::erased(LEDGER, index).as_slice())?.is_some())
}
