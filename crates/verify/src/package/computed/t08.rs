//! T08: keys are let in by two, or by their holder's own rotation, and do not grow old. Use outside a key's time is
//! refused by the rules of the log, which T00 applies.

use crate::frame::SignerRole;
use crate::package::code::PackageRefusal;
use crate::package::computed::governed::by_two;
use crate::package::computed::{Rows, Test, TestId};
use crate::package::exam::{Behind, Seen};
use crate::package::machine::Requests;
use crate::package::row::{Code, RestsOn, Row, RowVerdict, Subject};
use crate::words::{Index, Micros};
use std::sync::Arc;

/// How old a key may be: 365 days.
const AGE_US: u64 = 365 * 24 * 3_600 * 1_000_000;

/// Keys that are let in, and those in force at the end.
#[derive(Default)]
pub struct Keys;

impl Test for Keys {
    fn id(&self) -> TestId {
        TestId::T08
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        if !seen.in_period || seen.index == Index(0) || Arc::ptr_eq(seen.before.keys(), seen.after.keys()) {
            return Ok(());
        }
        for (_, tenure) in seen.after.keys().tenures().filter(|(_, tenure)| tenure.from == seen.index) {
            // Once two govern, what takes effect without break-glass was agreed to, or is a holder's own rotation.
            let code = (!by_two(seen)).then_some((RowVerdict::Exception, Code::GovernedAlone));
            let subject = Subject::of(seen.index, seen.entry, seen.leaf);
            let (persons, compared, rests_on) = (&[tenure.source], &[tenure.stated], RestsOn::Governors);
            rows.row(&Row { code, persons, compared, rests_on, ..Row::of(subject, "let in") })?;
        }
        Ok(())
    }

    fn finish(&mut self, behind: &Behind<'_>, _: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        let in_force = behind.authority.keys().tenures();
        let in_force = in_force.filter(|(_, tenure)| tenure.until.is_none() && tenure.role == SignerRole::Source);
        for (key, tenure) in in_force {
            let Some(subject) = behind.let_in.get(key).copied() else {
                rows.leaves_open("it is not known since when some keys are in force");
                continue;
            };
            let known = Micros(subject.received.0.saturating_add(AGE_US));
            let old = behind.last_received > known;
            let code = old.then_some((RowVerdict::Exception, Code::StaleKey));
            let (persons, rests_on) = (&[tenure.source], RestsOn::Governors);
            rows.row(&Row { code, persons, rests_on, known, ..Row::of(subject, "in force") })?;
        }
        Ok(())
    }
}
