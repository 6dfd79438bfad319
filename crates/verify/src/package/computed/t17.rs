//! T17: how people decide. For information: no row is an exception, and no control rests on it.

use crate::detail::{ApprovalCommand, Detail};
use crate::package::code::PackageRefusal;
use crate::package::computed::{Rows, Test, TestId};
use crate::package::csv::Line;
use crate::package::exam::{Behind, Seen};
use crate::package::machine::Requests;
use crate::package::row::{Code, RestsOn, Row, RowVerdict, Subject};
use crate::vote::Decision;
use crate::words::{Index, Ref};
use std::collections::BTreeMap;

const SECOND_US: u64 = 1_000_000;
/// An approval so soon after what it is about was shown is counted apart: 10 seconds.
const QUICK_US: u64 = 10 * SECOND_US;

/// What one person decided; 8 bytes stay for each vote.
#[derive(Default)]
struct Decider {
    approved: u64,
    denied: u64,
    abstained: u64,
    quick: u64,
    /// From what was shown last to the vote.
    times_us: Vec<u64>,
}

/// Votes on actions, by person.
#[derive(Default)]
pub struct Oversight {
    deciders: BTreeMap<Ref, Decider>,
}

impl Test for Oversight {
    fn id(&self) -> TestId {
        TestId::T17
    }

    fn see(&mut self, seen: &Seen<'_>, requests: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        let Detail::Approval(ApprovalCommand::VoteCast(vote)) = &seen.entry.facts.detail else { return Ok(()) };
        if !seen.in_period || seen.refused.is_some() || vote.stream.is_none() {
            return Ok(());
        }
        let decider = self.deciders.entry(vote.actor.who).or_default();
        let request = requests.get(vote.request);
        let shown = request.and_then(|request| request.shown);
        let took_us = shown.map(|shown| seen.entry.seal.received.0.saturating_sub(shown.0));
        let (count, stratum) = match vote.decision {
            Decision::Approve => (&mut decider.approved, "approve"),
            Decision::Deny => (&mut decider.denied, "deny"),
            Decision::Abstain => (&mut decider.abstained, "abstain"),
        };
        *count = count.saturating_add(1);
        if vote.decision == Decision::Approve && took_us.is_some_and(|took_us| took_us < QUICK_US) {
            decider.quick = decider.quick.saturating_add(1);
        }
        decider.times_us.extend(took_us);
        let compared: Vec<Index> = request.map(|request| request.subject.index).into_iter().collect();
        rows.row(&Row {
            code: took_us.is_none().then_some((RowVerdict::Indeterminate, Code::BeforeInterval)),
            compared: &compared,
            persons: &[vote.actor.who],
            rests_on: RestsOn::from(vote.evidence.level()),
            ..Row::of(Subject::of(seen.index, seen.entry, seen.leaf), stratum)
        })
    }

    fn finish(&mut self, _: &Behind<'_>, _: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        let mut table = COLUMNS.to_vec();
        let mut line = Line::default();
        for (person, decider) in &mut self.deciders {
            decider.render(*person, &mut line);
            table.extend_from_slice(line.end());
        }
        rows.table("approvers.csv", table);
        let sum = |count: fn(&Decider) -> u64| self.deciders.values().map(count).fold(0, u64::saturating_add);
        let (denied, quick) = (sum(|decider| decider.denied), sum(|decider| decider.quick));
        let decided = denied.saturating_add(sum(|decider| decider.approved));
        rows.note(format!("{denied} of {decided} decisions said no"));
        rows.note(format!("{quick} approvals came within 10 seconds of what they are about being shown"));
        Ok(())
    }
}

/// The head of `approvers.csv`. Times in seconds, to the microsecond.
const COLUMNS: &[u8] =
    b"person,approved,denied,abstained,denied_per_thousand,approved_within_10_s,fastest_s,median_s,slowest_s\r\n";

impl Decider {
    fn render(&mut self, person: Ref, line: &mut Line) {
        self.times_us.sort_unstable();
        let decided = self.approved.saturating_add(self.denied);
        let rate = self.denied.saturating_mul(1_000).checked_div(decided);
        let times = &self.times_us;
        let middle = times.len().saturating_sub(1) / 2;
        line.clear();
        line.hex(&person.0);
        [self.approved, self.denied, self.abstained].into_iter().for_each(|count| line.numbers([count].into_iter()));
        line.numbers(rate.into_iter());
        line.numbers([self.quick].into_iter());
        for time in [times.first(), times.get(middle), times.last()] {
            match time {
                Some(time_us) => line.plain(&format!("{}.{:06}", time_us / SECOND_US, time_us % SECOND_US)),
                None => line.plain(""),
            }
        }
    }
}
