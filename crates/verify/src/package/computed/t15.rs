//! T15: a record says what, when, where, by which source, with which outcome, and who acted. The format cannot leave out
//! kind, times and source; outcome and actor it can, and those are asked of reports about runs, data and models. One that names
//! a request says by it who acted.

use crate::kind::Kind;
use crate::package::code::PackageRefusal;
use crate::package::computed::{Rows, Test, TestId};
use crate::package::exam::{Behind, Seen};
use crate::package::machine::Requests;
use crate::package::row::{Code, Row, RowVerdict, Subject};

/// Content of reports.
pub struct Content;

impl Test for Content {
    fn id(&self) -> TestId {
        TestId::T15
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        let facts = &seen.entry.facts;
        let reports = matches!(facts.kind, Kind::ExecutionReported | Kind::DataAccessed | Kind::ModelInvoked);
        if !seen.in_period || !reports {
            return Ok(());
        }
        rows.counted();
        // A report of a run that was asked for names the request, whose command says who acts.
        let says_who = facts.actor.is_some() || facts.request_id.is_some();
        let blank = match (says_who, facts.outcome) {
            (true, Some(_)) => return Ok(()),
            (false, _) => "actor",
            (true, None) => "outcome",
        };
        let subject = Subject::of(seen.index, seen.entry, seen.leaf);
        let code = Some((RowVerdict::Exception, Code::Blank));
        rows.besides(&Row { code, persons: &[facts.source], ..Row::of(subject, blank) })
    }

    fn finish(&mut self, _: &Behind<'_>, _: &Requests, _: &mut Rows) -> Result<(), PackageRefusal> {
        Ok(())
    }
}
