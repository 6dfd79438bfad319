//! T12: what was erased was old enough and not held. The rules of the log refuse any other erasure, and T00 applies them;
//! what they rest on must stand in the interval.

use crate::detail::Detail;
use crate::package::code::PackageRefusal;
use crate::package::computed::{Rows, Test, TestId};
use crate::package::exam::{Behind, Seen};
use crate::package::machine::Requests;
use crate::package::row::{Code, RestsOn, Row, RowVerdict, Subject};
use crate::words::Index;

/// Erasures.
pub struct Retention;

impl Test for Retention {
    fn id(&self) -> TestId {
        TestId::T12
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        let Detail::BodyErased(bodies) = &seen.entry.facts.detail else { return Ok(()) };
        if !seen.in_period || seen.refused.is_some() {
            return Ok(());
        }
        let unknown = bodies.ranges().next().is_some_and(|range| range.first < seen.begins);
        let code = unknown.then_some((RowVerdict::Indeterminate, Code::BeforeInterval));
        let compared: Vec<Index> = bodies.ranges().map(|range| range.first).collect();
        let subject = Subject::of(seen.index, seen.entry, seen.leaf);
        let rests_on = RestsOn::Governors;
        rows.row(&Row { code, compared: &compared, rests_on, ..Row::of(subject, "erasure") })
    }

    fn finish(&mut self, behind: &Behind<'_>, _: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        let keeping = behind.authority.keeping();
        let (rules, holds) = (keeping.retention().count(), keeping.holds().count());
        rows.note(format!("{rules} rules of retention and {holds} holds are in force at the end"));
        Ok(())
    }
}
