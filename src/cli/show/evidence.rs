//! The own fields of sources, reviews, dispositions, reconciliations, retention and holds as JSON. What stands in common
//! fields is not said twice.

use super::detail::object;
use crate::record::line::time;
use deedbook_verify::detail::{Custody, Gap, HeldRange, Interval, KeepingCommand, Oversight, TestResult, Window};
use serde_json::{Value, json};

/// What is missing; `from` and `to` are numbers.
pub(super) fn gap(gap: &Gap) -> Value {
    object([
        ("from", gap.lost.map_or(Value::Null, |lost| json!(lost.from.0))),
        ("to", gap.lost.map_or(Value::Null, |lost| json!(lost.to.0))),
        ("window", gap.blind.map_or(Value::Null, window)),
        ("gap_reason", gap.reason.map_or(Value::Null, |reason| json!(reason.name()))),
    ])
}

fn window(window: Window) -> Value {
    json!({"from": time::show(window.from), "until": time::show(window.until)})
}

/// What is kept, for how long; a held range without an end has none.
pub(super) fn keeping(command: &KeepingCommand<'_>) -> Value {
    match command {
        KeepingCommand::Retention { days, .. } => json!({"retention_days": days}),
        KeepingCommand::HoldPlaced { held, .. } => {
            json!({"held": held.ranges().map(|range| held_range(&range)).collect::<Vec<_>>()})
        }
        KeepingCommand::HoldReleased { hold } => json!({"hold": hold.to_string()}),
    }
}

/// One range of a hold.
pub fn held_range(range: &HeldRange) -> Value {
    let end = if range.end == HeldRange::NO_END { Value::Null } else { json!(range.end.0) };
    object([("first", json!(range.first.0)), ("end", end)])
}

/// What somebody says who looks after the ledger.
pub(super) fn oversight(oversight: &Oversight<'_>) -> Value {
    match oversight {
        Oversight::Reviewed(review) => json!({
            "review_subject": review.subject.name(), "review_result": review.result.name(),
            "window": window(review.window),
        }),
        Oversight::Disposed(disposal) => json!({
            "test": disposal.test.to_string(), "exception_code": disposal.code.as_str(),
            "exception_index": disposal.index.0, "disposition": disposal.disposition.name(),
        }),
        Oversight::Reconciled(reconciliation) => {
            let counts = reconciliation.counts;
            json!({
                "reconciled_source": reconciliation.source.to_string(),
                "outside_record": reconciliation.outside.to_string(),
                "outside_digest": reconciliation.outside_digest.to_string(),
                "here": counts.here, "there": counts.there,
                "only_here": counts.only_here, "only_there": counts.only_there,
                "differences_digest": reconciliation.differences.to_string(),
                "window": window(reconciliation.window),
            })
        }
    }
}

fn interval(interval: Interval) -> Value {
    json!({"first": interval.first.0, "end": interval.end.0})
}

/// What the ledger did, or let be done, with its own entries.
pub(super) fn custody(custody: &Custody<'_>) -> Value {
    match custody {
        Custody::Read(read) => json!({"interval": interval(read.interval), "disclosed": read.disclosed}),
        Custody::Exported(export) => json!({
            "interval": interval(export.interval), "disclosed": export.disclosed,
            "question_digest": export.question.to_string(), "package_digest": export.package.to_string(),
        }),
        Custody::Verified(run) => json!({
            "interval": interval(run.interval), "program_digest": run.program.to_string(),
            "results": run.results().map(result).collect::<Vec<_>>(),
        }),
    }
}

fn result(result: TestResult) -> Value {
    object([
        ("test", json!(result.test.to_string())),
        ("test_verdict", json!(result.verdict.name())),
        ("before", result.before.map_or(Value::Null, |before| json!(before.name()))),
        ("population", json!(result.population)),
        ("exceptions", json!(result.exceptions)),
        ("indeterminate", json!(result.indeterminate)),
    ])
}
