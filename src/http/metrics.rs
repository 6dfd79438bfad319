//! `/metrics`: what the metrics of the process are called and how they are rendered. Each is counted where it happens;
//! the gauges are read when somebody asks.

use crate::clock::Clock;
use crate::http::governance;
use crate::ledger::Ledger;
use axum::http::StatusCode;
use deedbook_verify::note::open_checkpoint;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;

/// Upper edges of the latency buckets, in seconds: from a cached read to a stalled disk.
const LATENCY_EDGES_S: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// The same where people are waited for: from ten seconds to a week.
const HUMAN_EDGES_S: [f64; 12] =
    [10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0, 259_200.0, 604_800.0];
const HUMAN: [&str; 2] = ["deedbook_request_decision_seconds", "deedbook_grant_redeem_seconds"];

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// The metrics of this process; several servers in one process share them.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Installs the recorder the first time.
    pub fn install() -> Metrics {
        let install = || {
            let all = [(Matcher::Suffix("_seconds".to_owned()), LATENCY_EDGES_S.as_slice())];
            let human = HUMAN.map(|name| (Matcher::Full(name.to_owned()), HUMAN_EDGES_S.as_slice()));
            let builder = all.into_iter().chain(human).try_fold(PrometheusBuilder::new(), |builder, (names, edges)| {
                // The only failure is an empty list of edges.
                builder.set_buckets_for_metric(names, edges)
            });
            let recorder = builder.unwrap_or_default().build_recorder();
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_err() {
                tracing::warn!("another recorder takes the metrics; /metrics stays empty");
            }
            describe();
            handle
        };
        Metrics(HANDLE.get_or_init(install).clone())
    }

    /// The page.
    pub async fn render(&self, ledger: &Ledger) -> String {
        let status = ledger.status();
        gauge!("deedbook_tree_size").set(approximate(status.head.size.0));
        gauge!("deedbook_queue_bytes").set(approximate(u64::try_from(status.queue_bytes).unwrap_or(u64::MAX)));
        gauge!("deedbook_ready").set(f64::from(u8::from(status.ready)));
        gauge!("deedbook_anchor_members").set(approximate(u64::try_from(status.anchors).unwrap_or(u64::MAX)));
        governance::measure(&ledger.reader().authority(), Clock::system().wall());
        if let Some(size) = checkpoint_size(ledger).await {
            gauge!("deedbook_checkpoint_size").set(approximate(size));
        }
        if let Some(health) = ledger.reader().witness_health() {
            gauge!("deedbook_witnesses_heard").set(approximate(u64::try_from(health.heard).unwrap_or(u64::MAX)));
            gauge!("deedbook_witnessed_size").set(approximate(health.size.map_or(0, |size| size.0)));
            // No age is known until the quorum is met by this process; then it is infinite, and an alert rings.
            let age_s = health.age_ms.map_or(f64::INFINITY, |age| approximate(age) / 1_000.0);
            gauge!("deedbook_witnessed_age_seconds").set(age_s);
        }
        self.0.run_upkeep();
        self.0.render()
    }
}

/// Counts an answer; there are as many series as statuses.
pub fn count_answer(status: StatusCode) {
    counter!("deedbook_http_requests_total", "status" => status.as_str().to_owned()).increment(1);
}

/// The size under the newest checkpoint; none when it cannot be signed, which readiness tells.
async fn checkpoint_size(ledger: &Ledger) -> Option<u64> {
    let reader = ledger.reader();
    let newest = tokio::task::spawn_blocking(move || {
        let note = reader.checkpoint().ok()?;
        open_checkpoint(&note, reader.verifier_key()).ok().map(|opened| opened.checkpoint().head.size.0)
    });
    newest.await.ok().flatten()
}

/// Prometheus counts in floating point; beyond 2^53 entries the last digits are lost.
#[allow(clippy::cast_precision_loss, reason = "the exposition format has no integers")]
fn approximate(value: u64) -> f64 {
    value as f64
}

fn describe() {
    describe_counter!("deedbook_events_appended_total", "Events appended, repeats not counted");
    describe_counter!("deedbook_frames_appended_total", "Frames appended by callers of this API");
    describe_counter!("deedbook_frames_repeated_total", "Frames that stood in the log already");
    describe_counter!("deedbook_erasures_finished_total", "Erasures whose keys are in no file of the store any more");
    describe_counter!("deedbook_refusals_total", "Errors answered, by the reason of error.proto");
    describe_counter!("deedbook_grpc_requests_total", "gRPC calls that ended, by method and code");
    describe_counter!("deedbook_http_requests_total", "Pages asked for over HTTP, by the status of the answer");
    describe_counter!(
        "deedbook_openlineage_events_total",
        "OpenLineage events that were posted, by what became of them"
    );
    describe_approvals();
    describe_tests();
    describe_histogram!("deedbook_append_seconds", Unit::Seconds, "From hand-over to durable answer, by frame");
    describe_histogram!("deedbook_commit_seconds", Unit::Seconds, "Synced batch and anchor, by commit");
    describe_gauge!("deedbook_tree_size", "Entries that readers see");
    describe_gauge!("deedbook_witnesses_heard", "Witnesses of the policy that answered since the start");
    describe_gauge!("deedbook_witnessed_size", "Entries under the newest checkpoint that met the quorum, 0 for none");
    describe_gauge!(
        "deedbook_witnessed_age_seconds",
        Unit::Seconds,
        "Since that quorum was met; +Inf before the first"
    );
    describe_counter!("deedbook_cosignatures_total", "Cosignatures collected, by witness");
    describe_counter!("deedbook_witness_failures_total", "Attempts without a cosignature, by witness and reason");
    describe_gauge!("deedbook_checkpoint_size", "Entries under the newest signed checkpoint");
    describe_gauge!("deedbook_queue_bytes", Unit::Bytes, "Frames that wait for the writer or for their sync");
    describe_gauge!("deedbook_subscribers", "Subscribers and consumers that are connected");
    describe_gauge!("deedbook_ready", "1 while appends are taken");
    describe_gauge!("deedbook_anchor_members", "Places that hold the head anchor");
}

fn describe_tests() {
    describe_gauge!(
        "deedbook_test_verdict",
        "How a computed test stands: 0 pass, 1 not operated, 2 indeterminate, 3 fail"
    );
    describe_gauge!("deedbook_test_exceptions", "Exceptions of a computed test in its newest run");
    describe_counter!("deedbook_test_verdicts_worsened_total", "Verdicts that became worse from a run to the next");
    describe_gauge!("deedbook_log_unproved", "1 once a run could not prove the log, until one can");
    describe_gauge!("deedbook_tests_running", "1 while the computed tests run");
    describe_gauge!("deedbook_tests_last_run_timestamp_seconds", Unit::Seconds, "When the newest run was recorded");
    describe_gauge!("deedbook_tests_last_run_duration_seconds", Unit::Seconds, "How long it took");
    describe_counter!("deedbook_tests_failed_total", "Runs that could not be made or not be recorded");
}

fn describe_approvals() {
    describe_gauge!("deedbook_requests_waiting", "Requests that wait for people");
    describe_counter!("deedbook_requests_opened_total", "Requests that people were asked about");
    describe_counter!("deedbook_requests_resolved_total", "Requests that ended, by resolution");
    describe_counter!("deedbook_requests_escalated_total", "Requests that went to the fallback team too");
    describe_histogram!(
        "deedbook_request_decision_seconds",
        Unit::Seconds,
        "From asking people to the end of the request, however it ended"
    );
    describe_histogram!(
        "deedbook_grant_redeem_seconds",
        Unit::Seconds,
        "From the decision to the start of what it released"
    );
    describe_counter!("deedbook_votes_total", "Votes that count, by decision");
    describe_counter!("deedbook_executions_started_total", "Executions that a grant released");
    describe_counter!("deedbook_executions_failed_total", "Executions that were reported as failed");
    describe_counter!("deedbook_grants_expired_total", "Grants that nobody redeemed in time");
    describe_gauge!("deedbook_governance_silences_waiting", "Removals that wait for an administrator's silence");
    describe_gauge!(
        "deedbook_governance_broken_glass",
        "Commands ever governed by break-glass, one administrator alone"
    );
    describe_gauge!("deedbook_reviews_overdue", "Reviews after a break-glass that are overdue");
}
