//! T07: every request ends, and every run that was started is reported to have ended.

use crate::detail::Verdict;
use crate::package::code::PackageRefusal;
use crate::package::computed::{Rows, Test, TestId};
use crate::package::exam::{Behind, Seen};
use crate::package::machine::{Granted, Request, Requests};
use crate::package::row::{Code, Row, RowVerdict};
use crate::words::{Index, Micros};

/// Time for a report that a run ended.
const COMPLETION_US: u64 = 24 * 3_600 * 1_000_000;

/// Requests, judged once all of the interval is known.
pub struct Terminal;

impl Test for Terminal {
    fn id(&self) -> TestId {
        TestId::T07
    }

    fn see(&mut self, _: &Seen<'_>, _: &Requests, _: &mut Rows) -> Result<(), PackageRefusal> {
        Ok(())
    }

    fn finish(&mut self, behind: &Behind<'_>, requests: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        for request in requests.in_order().into_iter().filter(|request| behind.judges(&request.subject)) {
            let found = judge(request, behind.last_received);
            let known = found.map_or(request.subject.received, |(.., known)| known);
            let code = found.map(|(verdict, code, _)| (verdict, code));
            let ended = request.ended.as_ref().map(|ended| ended.subject.index);
            let compared: Vec<Index> = ended.into_iter().chain(request.runs().map(|run| run.index)).collect();
            let stratum = request
                .ended
                .as_ref()
                .map_or_else(|| request.verdict.map_or("not evaluated", Verdict::name), |ended| ended.code.name());
            rows.row(&Row { code, compared: &compared, known, ..Row::of(request.subject, stratum) })?;
        }
        Ok(())
    }
}

/// Why a request is no pass, and from when on that could be seen.
fn judge(request: &Request, now: Micros) -> Option<(RowVerdict, Code, Micros)> {
    let by = |due: Micros, code| match now > due {
        true => Some((RowVerdict::Exception, code, due)),
        false => Some((RowVerdict::Indeterminate, Code::NotDue, due)),
    };
    if request.ended.is_none() && request.grants.is_empty() {
        let dangling = Some((RowVerdict::Exception, Code::Dangling, request.subject.received));
        return match request.verdict {
            Some(Verdict::Deny) => None,
            // Nothing followed in the commit of the request, so nothing will.
            Some(Verdict::Allow) | None => dangling,
            Some(Verdict::RequireApproval) => request.valid_until.map_or(dangling, |due| by(due, Code::Dangling)),
        };
    }
    request.grants.iter().find_map(|grant| {
        let runs = u64::try_from(grant.runs.len()).unwrap_or(u64::MAX);
        let started = grant.runs.last().map(|run| Micros(run.received.0.saturating_add(COMPLETION_US)));
        match started {
            Some(due) if grant.completions < runs => by(due, Code::NoCompletion),
            Some(_) => None,
            None => judge_unused(grant, now),
        }
    })
}

/// A grant that nothing ran under ends by itself.
fn judge_unused(grant: &Granted, now: Micros) -> Option<(RowVerdict, Code, Micros)> {
    let over = grant.over.is_some() || now >= grant.valid_until;
    if over { None } else { Some((RowVerdict::Indeterminate, Code::NotDue, grant.valid_until)) }
}
