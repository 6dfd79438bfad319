//! What readiness and metrics say of governance by break-glass: whoever is to be removed over their silence should hear of
//! it wherever people look. It decides nothing.

use crate::record::line::time;
use deedbook_verify::governance::{Authority, Waiting};
use deedbook_verify::words::Micros;
use metrics::gauge;

/// Removals that wait for somebody's silence, and that nobody has spoken against.
fn silences(authority: &Authority, now: Micros) -> impl Iterator<Item = &Waiting> {
    let waits = move |waiting: &&Waiting| {
        !waiting.is_over(now) && waiting.silence.is_some_and(|silence| silence.broken_at.is_none())
    };
    authority.waiting().values().filter(waits)
}

/// One line for each.
pub(super) fn warnings(authority: &Authority, now: Micros) -> String {
    let line = |waiting: &Waiting| {
        let until = waiting.silence.map_or(waiting.expires, |silence| silence.until);
        format!(
            "warning: an administrator asks to remove another over their silence (index {}); from {} on they can do it \
             alone, unless the other signs any command before: `deedbook deny {}`\n",
            waiting.index,
            time::show(until),
            waiting.request
        )
    };
    silences(authority, now).map(line).collect()
}

/// Sets the gauges.
pub(super) fn measure(authority: &Authority, now: Micros) {
    let small = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    gauge!("deedbook_governance_silences_waiting").set(small(silences(authority, now).count()));
    let commands = u32::try_from(authority.broken_glass().commands).unwrap_or(u32::MAX);
    gauge!("deedbook_governance_broken_glass").set(f64::from(commands));
}
