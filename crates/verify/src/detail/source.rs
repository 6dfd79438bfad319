//! What a source says of itself: how long it is silent at most, and what is missing. Form only: whether it kept its
//! promise is decided by whoever reads its entries from the opening to the closing.

use crate::bytes::{Defect, Fields, Malformed, Reader};
use crate::detail::Detail;
use crate::facts::{byte_codes, value};
use crate::tags;
use crate::words::{Micros, Sequence};
use std::num::NonZeroU32;

byte_codes! {
    /// Why something is missing.
    GapReason {
        Restart = 1, "restart"; Lost = 2, "lost"; Overload = 3, "overload"; Outage = 4, "outage";
        Maintenance = 5, "maintenance";
    }
}

/// A period: from a moment on, up to but not including another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first microsecond of it.
    pub from: Micros,
    /// The first microsecond behind it; later than `from`.
    pub until: Micros,
}

impl Window {
    /// As it stands on the wire.
    pub fn to_bytes(self) -> [u8; 16] {
        let mut out = [0u8; 16];
        let (from, until) = (self.from.0.to_be_bytes(), self.until.0.to_be_bytes());
        out.iter_mut().zip(from.into_iter().chain(until)).for_each(|(to, from)| *to = from);
        out
    }

    /// Whether a moment is in it.
    pub fn holds(self, at: Micros) -> bool {
        self.from <= at && at < self.until
    }

    pub(super) fn optional(fields: &mut Fields<'_>) -> Result<Option<Window>, Malformed> {
        let Some(bytes) = fields.optional_array::<16>(tags::WINDOW)? else { return Ok(None) };
        let mut reader = Reader::new(&bytes);
        let window = Window { from: Micros(reader.u64("window")?), until: Micros(reader.u64("window")?) };
        if window.from < window.until { Ok(Some(window)) } else { Err(value(tags::WINDOW)) }
    }

    pub(super) fn required(fields: &mut Fields<'_>) -> Result<Window, Malformed> {
        Window::optional(fields)?.ok_or(Malformed::new(tags::WINDOW.name, Defect::Missing))
    }
}

/// Numbers that were given out and lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The first lost sequence.
    pub from: Sequence,
    /// The first sequence that is not lost; also the event's own.
    pub to: Sequence,
}

/// Something is missing: numbers, or a time in which the source saw nothing, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Numbers that were given out and lost.
    pub lost: Option<Lost>,
    /// When the source saw nothing; what happened then has no numbers.
    pub blind: Option<Window>,
    /// Why.
    pub reason: Option<GapReason>,
}

/// The promise of an opening or a heartbeat; without one the event says nothing of its own.
pub(super) fn promise<'a>(fields: &mut Fields<'a>) -> Result<Detail<'a>, Malformed> {
    let Some(seconds) = fields.optional_array(tags::HEARTBEAT_S)?.map(u32::from_be_bytes) else {
        return Ok(Detail::None);
    };
    let heartbeat_s = NonZeroU32::new(seconds).ok_or(value(tags::HEARTBEAT_S))?;
    Ok(Detail::HeartbeatPromised { heartbeat_s })
}

/// A gap names what is missing: numbers or a time.
pub(super) fn gap<'a>(fields: &mut Fields<'a>) -> Result<Detail<'a>, Malformed> {
    let sequence = |bytes: [u8; 8]| Sequence(u64::from_be_bytes(bytes));
    let missing = |tag: crate::bytes::Tag| Malformed::new(tag.name, Defect::Missing);
    let from = fields.optional_array(tags::GAP_FROM)?.map(sequence);
    let to = fields.optional_array(tags::GAP_TO)?.map(sequence);
    let reason = match fields.optional_array(tags::GAP_REASON)? {
        None => None,
        Some([reason]) => Some(GapReason::from_number(reason).ok_or(value(tags::GAP_REASON))?),
    };
    let blind = Window::optional(fields)?;
    let lost = match (from, to) {
        (None, None) if blind.is_some() => None,
        (None, _) => return Err(missing(tags::GAP_FROM)),
        (Some(_), None) => return Err(missing(tags::GAP_TO)),
        (Some(from), Some(to)) if from < to => Some(Lost { from, to }),
        (Some(_), Some(_)) => return Err(value(tags::GAP_TO)),
    };
    Ok(Detail::SourceGap(Gap { lost, blind, reason }))
}
