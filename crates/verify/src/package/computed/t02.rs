//! T02: what was denied, expired, withdrawn or blocked never ran.

use crate::detail::{ResolutionCode, Verdict};
use crate::package::code::PackageRefusal;
use crate::package::computed::{Rows, Test, TestId};
use crate::package::exam::{Behind, Seen};
use crate::package::machine::{Request, Requests};
use crate::package::row::{Code, Row, RowVerdict, Subject};
use crate::words::Index;

/// Denied requests, judged once all of the interval is known.
pub struct DeniedStays;

impl Test for DeniedStays {
    fn id(&self) -> TestId {
        TestId::T02
    }

    fn see(&mut self, _: &Seen<'_>, _: &Requests, _: &mut Rows) -> Result<(), PackageRefusal> {
        Ok(())
    }

    fn finish(&mut self, behind: &Behind<'_>, requests: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        for request in requests.in_order() {
            let Some((subject, stratum)) = denied(request).filter(|(subject, _)| behind.judges(subject)) else {
                continue;
            };
            let ran: Vec<Index> = request
                .runs()
                .chain(&request.claimed)
                .map(|run| run.index)
                .filter(|index| *index > subject.index)
                .collect();
            let code = (!ran.is_empty()).then_some((RowVerdict::Exception, Code::RanAfterDenial));
            let policy = request.policy.map(|(_, policy)| policy);
            rows.row(&Row { code, compared: &ran, policy, ..Row::of(subject, stratum) })?;
        }
        Ok(())
    }
}

/// The entry by which a request was denied for good, and how.
fn denied(request: &Request) -> Option<(Subject, &'static str)> {
    match &request.ended {
        Some(ended) if matches!(ended.code, ResolutionCode::Approved | ResolutionCode::BreakGlass) => None,
        Some(ended) => Some((ended.subject, ended.code.name())),
        None => (request.verdict == Some(Verdict::Deny)).then_some((request.subject, "blocked")),
    }
}
