//! T04: roles are given by two, and access is reviewed over all of the period. That access went when somebody left is not
//! decided: no entry says when somebody leaves.

use crate::detail::{ReviewSubject, Roles};
use crate::package::code::PackageRefusal;
use crate::package::computed::governed::by_two;
use crate::package::computed::t13::{Reviews, uncovered};
use crate::package::computed::{Rows, Test, TestId};
use crate::package::exam::{Behind, Seen};
use crate::package::machine::Requests;
use crate::package::row::{Code, RestsOn, Row, RowVerdict, Subject};
use crate::principals::Governors;
use std::sync::Arc;

/// Roles that are given, and reviews of access.
pub struct Access(Reviews);

impl Default for Access {
    fn default() -> Access {
        Access(Reviews::of(ReviewSubject::Access))
    }
}

impl Test for Access {
    fn id(&self) -> TestId {
        TestId::T04
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        self.0.see(seen, rows)?;
        let (before, after) = (seen.before.principals(), seen.after.principals());
        if !seen.in_period || Arc::ptr_eq(before, after) {
            return Ok(());
        }
        for (who, principal) in after.iter() {
            let had = before.get(who).map_or(Roles::NONE, |principal| principal.roles);
            if had.has(principal.roles) {
                continue;
            }
            let bound_here = before.get(who).is_none();
            let two = match principal.bound_by {
                Governors::Two(_) | Governors::Genesis if bound_here => true,
                Governors::One(_) | Governors::BreakGlass(_) if bound_here => false,
                Governors::One(_) | Governors::BreakGlass(_) | Governors::Two(_) | Governors::Genesis => by_two(seen),
            };
            let code = (!two).then_some((RowVerdict::Exception, Code::OrphanGrant));
            let subject = Subject::of(seen.index, seen.entry, seen.leaf);
            let (persons, rests_on) = (&[who], RestsOn::Governors);
            rows.row(&Row { code, persons, rests_on, ..Row::of(subject, "role") })?;
        }
        Ok(())
    }

    fn finish(&mut self, behind: &Behind<'_>, _: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        uncovered(&mut self.0, behind, rows)
    }
}
