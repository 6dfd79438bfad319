//! What T10 found of each source, as its files say it: the chart of sources shows it, and judges nothing.

use crate::evidence::paper::rows::TestRow;
use deedbook_verify::calendar::parse_rfc3339;
use deedbook_verify::package::{Folder, RowVerdict, TestId};
use deedbook_verify::words::{Micros, Ref};
use std::io;

/// The stratum of a silence, besides the sources themselves.
const SILENCE: &str = "silence";

/// How a source came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRow {
    /// Its verdict.
    pub verdict: RowVerdict,
    /// Why it is no pass.
    pub code: String,
}

/// Every source of T10's population, those that are no pass first.
pub fn sources(folder: &dyn Folder, mut each: impl FnMut(Ref, SourceRow)) -> io::Result<()> {
    for passing in [false, true] {
        TestRow::population(folder, TestId::T10, |row| {
            if (row.verdict == RowVerdict::Pass) == passing
                && let Some(who) = row.persons.first().and_then(|person| Ref::from_hex(person))
            {
                each(who, SourceRow { verdict: row.verdict, code: row.code });
            }
            true
        })?;
    }
    Ok(())
}

/// When each silence ended that a source broke.
pub fn ended(folder: &dyn Folder, mut each: impl FnMut(Ref, Micros)) -> io::Result<()> {
    TestRow::exceptions(folder, TestId::T10, |row| {
        let who = row.persons.first().and_then(|person| Ref::from_hex(person));
        if row.stratum == SILENCE
            && let (Some(who), Some(until)) = (who, parse_rfc3339(&row.received))
        {
            each(who, until);
        }
        true
    })
}
