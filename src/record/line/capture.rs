//! What an event line says of its source itself: for how long it is silent at most, and what is missing. It checks that
//! each name stands with its kind, and that a gap names something.

use super::json;
use super::{LineError, time};
use crate::record::FactsBuilder;
use deedbook_verify::detail::{Gap, GapReason, Lost, Window};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Micros, Sequence};
use serde_json::value::RawValue;
use std::num::NonZeroU32;

/// The names that this part knows.
pub(super) const NAMES: &[&str] = &["gap_from", "gap_to", "gap_since", "gap_until", "gap_reason", "heartbeat_s"];

/// What was found so far.
#[derive(Default)]
pub(super) struct Capture {
    from: Option<Sequence>,
    to: Option<Sequence>,
    since: Option<Micros>,
    until: Option<Micros>,
    reason: Option<GapReason>,
    heartbeat_s: Option<NonZeroU32>,
}

impl Capture {
    /// Takes a name's value; the name is one of `NAMES`.
    pub fn take(&mut self, name: &str, raw: &RawValue, path: &str) -> Result<(), LineError> {
        match name {
            "gap_from" => self.from = Some(Sequence(json::number(raw, path)?)),
            "gap_to" => self.to = Some(Sequence(json::number(raw, path)?)),
            "gap_since" => self.since = Some(moment(raw, path)?),
            "gap_until" => self.until = Some(moment(raw, path)?),
            "gap_reason" => self.reason = Some(reason(raw, path)?),
            _ => self.heartbeat_s = Some(seconds(raw, path)?),
        }
        Ok(())
    }

    /// Puts it into the facts; a `source.gap` answers what is missing.
    pub fn apply(self, builder: FactsBuilder, kind: Kind) -> Result<(FactsBuilder, Option<Gap>), LineError> {
        if kind == Kind::SourceGap {
            let gap = self.gap()?;
            return Ok((builder.gap(&gap), Some(gap)));
        }
        let of_gap = [
            ("facts.gap_from", self.from.is_some()),
            ("facts.gap_to", self.to.is_some()),
            ("facts.gap_since", self.since.is_some()),
            ("facts.gap_until", self.until.is_some()),
            ("facts.gap_reason", self.reason.is_some()),
        ];
        if let Some((stray, _)) = of_gap.iter().find(|(_, given)| *given) {
            return Err(LineError::new(stray, "belongs to source.gap alone", "leave it out"));
        }
        match (self.heartbeat_s, kind) {
            (None, _) => Ok((builder, None)),
            (Some(seconds), Kind::SourceOpened | Kind::SourceHeartbeat) => Ok((builder.heartbeat_s(seconds), None)),
            (Some(_), _) => {
                let problem = "belongs to source.opened and source.heartbeat alone";
                Err(LineError::new("facts.heartbeat_s", problem, "leave it out"))
            }
        }
    }

    fn gap(&self) -> Result<Gap, LineError> {
        let missing = |field: &str| {
            let remedy = "a gap names gap_from and gap_to, or gap_since and gap_until, or all four";
            LineError::new(field, "is missing", remedy)
        };
        let lost = match (self.from, self.to) {
            (None, None) => None,
            (Some(from), Some(to)) if from < to => Some(Lost { from, to }),
            (Some(_), Some(_)) => {
                let remedy = "gap_to is the first sequence not lost";
                return Err(LineError::new("facts.gap_to", "is not above gap_from", remedy));
            }
            (None, Some(_)) => return Err(missing("facts.gap_from")),
            (Some(_), None) => return Err(missing("facts.gap_to")),
        };
        let blind = match (self.since, self.until) {
            (None, None) => None,
            (Some(from), Some(until)) if from < until => Some(Window { from, until }),
            (Some(_), Some(_)) => {
                let remedy = "gap_until is when the source saw again";
                return Err(LineError::new("facts.gap_until", "is not later than gap_since", remedy));
            }
            (None, Some(_)) => return Err(missing("facts.gap_since")),
            (Some(_), None) => return Err(missing("facts.gap_until")),
        };
        if lost.is_none() && blind.is_none() {
            return Err(missing("facts.gap_from"));
        }
        Ok(Gap { lost, blind, reason: self.reason })
    }
}

fn moment(raw: &RawValue, path: &str) -> Result<Micros, LineError> {
    let moment = time::zoned(&json::text(raw, path)?).map_err(|defect| LineError::time(path, defect))?;
    Ok(moment.micros)
}

fn seconds(raw: &RawValue, path: &str) -> Result<NonZeroU32, LineError> {
    let seconds = u32::try_from(json::number(raw, path)?).ok().and_then(NonZeroU32::new);
    seconds.ok_or_else(|| LineError::new(path, "is no number of seconds from 1 to 4294967295", "write seconds"))
}

fn reason(raw: &RawValue, path: &str) -> Result<GapReason, LineError> {
    GapReason::from_name(&json::text(raw, path)?).ok_or_else(|| {
        let known: Vec<&str> = GapReason::ALL.iter().map(|reason| reason.name()).collect();
        LineError::new(path, "is no registered word", format!("use one of: {}", known.join(", ")))
    })
}
