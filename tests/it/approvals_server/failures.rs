//! Whatever fails, nothing is approved by it: policies that cannot be evaluated, clocks that jump, a disk that is full,
//! writes that are lost or kept while nobody is told.

mod clock;
mod policy;
mod writes;

use super::desk::Desk;
use deedbook::approvals::GrantState;
use deedbook_verify::words::SubjectId;

impl Desk {
    /// Neither approved nor granted, nor has anything started.
    fn assert_not_approved(&self, id: SubjectId, what: &str) {
        let Some(seen) = self.ledger.reader().action(id).unwrap() else { return };
        let action = seen.action;
        let granted = action.grant.is_some_and(|grant| matches!(grant.state, GrantState::Issued { .. }));
        assert!(action.approval().is_none() && !granted && action.executions.is_empty(), "{what}: {action:?}");
    }
}
