//! T11: stated times lie close to the ledger's, and say their zone. What was imported states times of others and is left
//! out; so are entries that the ledger makes, whose time is the ledger's.

use crate::detail::Detail;
use crate::facts::Facts;
use crate::kind::{Author, Kind};
use crate::package::code::PackageRefusal;
use crate::package::computed::{Rows, Test, TestId};
use crate::package::exam::{Behind, Seen};
use crate::package::machine::Requests;
use crate::package::row::{Code, Row, RowVerdict, Subject};

/// How far a producer's time may lie from the ledger's: an hour.
const SKEW_US: u64 = 3_600 * 1_000_000;
/// The bit of `occurred_note` that says: no zone was given.
const NO_ZONE: u8 = 1;

/// Times of commands and statements.
pub struct Time;

impl Test for Time {
    fn id(&self) -> TestId {
        TestId::T11
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        let facts = &seen.entry.facts;
        let states_time = facts.author() != Author::Ledger && !of_others(facts);
        let checks_clock = matches!(facts.detail, Detail::ClockChecked { .. });
        if !seen.in_period || !(states_time || checks_clock) {
            return Ok(());
        }
        rows.counted();
        let code = if checks_clock {
            Some(Code::ClockBehind)
        } else if facts.occurred.0.abs_diff(seen.entry.seal.received.0) > SKEW_US {
            Some(Code::Skew)
        } else if facts.occurred_note.is_some_and(|note| note & NO_ZONE != 0) {
            Some(Code::NoZone)
        } else {
            None
        };
        let Some(code) = code.map(|code| (RowVerdict::Exception, code)) else { return Ok(()) };
        let subject = Subject::of(seen.index, seen.entry, seen.leaf);
        rows.besides(&Row { code: Some(code), persons: &[facts.source], ..Row::of(subject, facts.kind.name()) })
    }

    fn finish(&mut self, _: &Behind<'_>, _: &Requests, _: &mut Rows) -> Result<(), PackageRefusal> {
        Ok(())
    }
}

/// Documents of others say when others saw something.
fn of_others(facts: &Facts<'_>) -> bool {
    matches!(facts.kind, Kind::OpenlineageReceived | Kind::ProvReceived)
}
