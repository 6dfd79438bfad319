//! T06: a change of policy has two administrators behind it.

use crate::package::code::PackageRefusal;
use crate::package::computed::governed::policy_changes;
use crate::package::computed::{Rows, Test, TestId};
use crate::package::exam::{Behind, Seen};
use crate::package::machine::Requests;
use crate::package::row::{Code, RestsOn, Row, RowVerdict, Subject};

/// Policy sets that come into force, or go.
pub struct PolicyChanges;

impl Test for PolicyChanges {
    fn id(&self) -> TestId {
        TestId::T06
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        if !seen.in_period {
            return Ok(());
        }
        for change in policy_changes(seen) {
            let subject = Subject::of(seen.index, seen.entry, seen.leaf);
            let code = (!change.by_two).then_some((RowVerdict::Exception, Code::GovernedAlone));
            let (policy, persons, rests_on) = (Some(change.policy), &change.persons, RestsOn::Governors);
            rows.row(&Row { code, policy, persons, rests_on, ..Row::of(subject, "policy") })?;
        }
        Ok(())
    }

    fn finish(&mut self, _: &Behind<'_>, _: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        rows.note("facts of a policy name no test of it: that it was tested is not judged".to_owned());
        Ok(())
    }
}
