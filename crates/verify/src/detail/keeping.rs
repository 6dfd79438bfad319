//! How long bodies must be kept, and which must not go at all for the time being. Form only: what follows for erasures
//! is decided by `keeping`, who may say so by `governance`.

use crate::bytes::{Defect, Fields, Malformed, Reader};
use crate::facts::{Code, Facts, list, value};
use crate::limits;
use crate::tags;
use crate::words::{Index, SubjectId};

/// Wire width of held entries: the first, and the first behind them.
pub const HELD_RANGE_BYTES: usize = 16;

/// What is said about keeping bodies.
#[derive(Clone, Copy, Debug)]
pub enum KeepingCommand<'a> {
    /// `retention.set`
    Retention {
        /// The data class that it is for; none: every body whose class has no rule of its own.
        class: Option<Code<'a>>,
        /// For how many whole days bodies are kept; 0: not by this rule.
        days: u16,
    },
    /// `hold.placed`
    HoldPlaced {
        /// Bodies of this data class alone; none: of any.
        class: Option<Code<'a>>,
        /// The entries whose bodies are held.
        held: HeldEntries<'a>,
    },
    /// `hold.released`
    HoldReleased {
        /// The hold: the request id of the command that placed it.
        hold: SubjectId,
    },
}

/// Neighbouring entries, some of which may not have been written yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldRange {
    /// The first of them.
    pub first: Index,
    /// The first behind them; the highest number: there is no end.
    pub end: Index,
}

impl HeldRange {
    /// What a range without an end ends at.
    pub const NO_END: Index = Index(u64::MAX);

    /// As it stands on the wire.
    pub fn to_bytes(self) -> Vec<u8> {
        [self.first.0.to_be_bytes(), self.end.0.to_be_bytes()].concat()
    }

    fn parse(chunk: &[u8]) -> Option<HeldRange> {
        let mut reader = Reader::new(chunk);
        let (first, end) = (reader.u64("held_entries").ok()?, reader.u64("held_entries").ok()?);
        Some(HeldRange { first: Index(first), end: Index(end) })
    }
}

/// The entries that one hold names: ascending ranges that do not touch.
#[derive(Clone, Copy, Debug)]
pub struct HeldEntries<'a>(&'a [u8]);

impl<'a> HeldEntries<'a> {
    fn parse(fields: &mut Fields<'a>) -> Result<HeldEntries<'a>, Malformed> {
        let bytes = list(fields, tags::HELD_ENTRIES, HELD_RANGE_BYTES, limits::HELD_RANGES_MAX)?;
        if bytes.is_empty() {
            return Err(Malformed::new(tags::HELD_ENTRIES.name, Defect::Missing));
        }
        let (held, mut behind) = (HeldEntries(bytes), None);
        for range in held.ranges() {
            let apart = behind.is_none_or(|behind| range.first > behind);
            if range.first >= range.end || !apart {
                return Err(value(tags::HELD_ENTRIES));
            }
            behind = Some(range.end);
        }
        Ok(held)
    }

    /// The ranges, in ascending order.
    pub fn ranges(self) -> impl Iterator<Item = HeldRange> + use<'a> {
        self.0.chunks_exact(HELD_RANGE_BYTES).filter_map(HeldRange::parse)
    }
}

pub(super) fn retention<'a>(facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<KeepingCommand<'a>, Malformed> {
    facts.need_body()?;
    let days = u16::from_be_bytes(fields.required_array(tags::RETENTION_DAYS)?);
    Ok(KeepingCommand::Retention { class: facts.data_class, days })
}

pub(super) fn placed<'a>(facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<KeepingCommand<'a>, Malformed> {
    facts.need_body()?;
    Ok(KeepingCommand::HoldPlaced { class: facts.data_class, held: HeldEntries::parse(fields)? })
}

pub(super) fn released<'a>(facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<KeepingCommand<'a>, Malformed> {
    facts.need_body()?;
    Ok(KeepingCommand::HoldReleased { hold: SubjectId(fields.required_array(tags::HOLD)?) })
}
