//! What `EvidenceService` says of the computed tests that run beside the log: messages of what the ledger knows. It judges
//! nothing, and runs nothing itself.

use crate::api::convert;
use crate::api::proto;
use crate::api::reason::Fault;
use crate::api::shared::Shared;
use crate::api::signed;
use crate::api::token::Place;
use crate::ledger::{ReadError, Reader, Run, RunNote, RunsStatus, Standing};
use bytes::Bytes;
use deedbook_verify::detail::{Roles, TestResult, TestVerdict};
use deedbook_verify::words::{Index, LedgerId, Micros, TreeSize};
use prost::Message as _;

const LIST: &str = "ListRuns";
const RUN: &str = "RunTests";

/// What somebody signs who has the tests run.
pub fn run_request(ledger: LedgerId, time: Micros) -> Vec<u8> {
    signed::signed_bytes(ledger, RUN, time, &[])
}

/// How the tests stand.
pub async fn standing(shared: &Shared) -> Result<proto::GetControlsResponse, Fault> {
    let status = shared.ledger.tests_status();
    let (standings, last) = shared.read(Reader::standings).await?;
    let RunsStatus { schedule, running, trouble, next, attempts, .. } = status;
    Ok(proto::GetControlsResponse {
        tests: standings.iter().map(test_standing).collect(),
        last_run: last.map(run),
        running: running.map(|running| proto::RunProgress {
            started_micros: running.started.0,
            done: running.done,
            entries: running.entries,
        }),
        trouble: trouble.map(|trouble| proto::RunTrouble {
            at_micros: trouble.at.0,
            what: trouble.what,
            unproved: trouble.unproved,
        }),
        schedule: schedule.map(|schedule| proto::RunSchedule {
            every_s: schedule.every.as_secs(),
            over_days: schedule.reach.days.into(),
            next_micros: next.map_or(0, |next| next.0),
        }),
        attempts,
    })
}

/// A page of past runs.
pub async fn list(shared: &Shared, request: proto::ListRunsRequest) -> Result<proto::ListRunsResponse, Fault> {
    let count = convert::page_size(request.page_size)?;
    let arguments = proto::ListRunsRequest { page_token: String::new(), page_size: 0 }.encode_to_vec();
    let place = match request.page_token.as_str() {
        "" => {
            let size = shared.ledger.reader().head().size;
            Place { size, cursor: size.0.to_be_bytes().to_vec() }
        }
        token => shared.tokens.open(LIST, &arguments, token)?,
    };
    let (size, below) = (place.size, convert::index_cursor(&place.cursor)?);
    let read = move |reader: &Reader| -> Result<_, ReadError> {
        Ok((reader.runs(below, count.saturating_add(1))?, reader.head_at(TreeSize(size.0))?))
    };
    let (mut runs, head) = shared.read(read).await?;
    let more = runs.len() > count;
    runs.truncate(count);
    let token =
        |last: Index| shared.tokens.seal(LIST, &arguments, &Place { size, cursor: last.0.to_be_bytes().to_vec() });
    let next_page_token = runs.last().filter(|_| more).map(|run| token(run.index)).unwrap_or_default();
    let as_of = Some(convert::head(head));
    Ok(proto::ListRunsResponse { runs: runs.into_iter().map(run).collect(), next_page_token, as_of })
}

/// Has the tests run.
pub fn start(shared: &Shared, request: proto::RunTestsRequest) -> Result<proto::RunTestsResponse, Fault> {
    let signed = signed::judge(shared, request.by, RUN, &[])?;
    let allowed = Roles::AUDITOR.with(Roles::EXPORTER).with(Roles::ADMINISTRATOR);
    signed::with_role(&shared.ledger.reader(), signed.source, allowed)?;
    Ok(proto::RunTestsResponse { attempts: shared.ledger.run_tests()? })
}

fn test_standing(standing: &Standing) -> proto::TestStanding {
    proto::TestStanding {
        result: Some(result(&standing.result)),
        run_index: standing.run.0,
        since_micros: standing.since.0,
        since_index: standing.since_run.0,
        since_or_before: standing.since_or_before,
    }
}

fn run(run: Run) -> proto::Run {
    proto::Run {
        index: run.index.0,
        recorded_micros: run.recorded.0,
        sizes: Some(proto::Sizes { begins: run.interval.first.0, ends: run.interval.end.0 }),
        root: Bytes::copy_from_slice(run.head.root.as_bytes()),
        program_digest: Bytes::copy_from_slice(run.program.as_bytes()),
        results: run.results.iter().map(result).collect(),
        note: run.note.map(note),
    }
}

fn note(note: RunNote) -> proto::RunNote {
    proto::RunNote {
        started_micros: note.started.0,
        finished_micros: note.finished.0,
        from_micros: note.from.0,
        to_micros: note.to.0,
        cause: note.cause,
        shortened: note.shortened,
        refusal: note.refusal.unwrap_or_default(),
    }
}

fn result(result: &TestResult) -> proto::TestResult {
    proto::TestResult {
        test: result.test.number().into(),
        verdict: verdict(result.verdict).into(),
        before: result.before.map_or(proto::TestVerdict::Unspecified, verdict).into(),
        population: result.population,
        exceptions: result.exceptions,
        indeterminate: result.indeterminate,
    }
}

fn verdict(verdict: TestVerdict) -> proto::TestVerdict {
    match verdict {
        TestVerdict::Pass => proto::TestVerdict::Pass,
        TestVerdict::NotOperated => proto::TestVerdict::NotOperated,
        TestVerdict::Indeterminate => proto::TestVerdict::Indeterminate,
        TestVerdict::Fail => proto::TestVerdict::Fail,
    }
}
