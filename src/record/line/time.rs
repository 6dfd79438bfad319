//! Points of time as producers write them, read into microseconds. It never reads a clock.

use deedbook_verify::words::Micros;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The time named no zone and was read as UTC.
pub const NOTE_NO_ZONE: u8 = 1;
/// Digits beyond microseconds were cut.
pub const NOTE_CUT: u8 = 2;

/// Digits of a fraction that microseconds can hold.
const FRACTION_DIGITS_MAX: usize = 6;
/// Characters of a time; the longest honest ones have about 40.
const TIME_BYTES_MAX: usize = 64;

/// A point of time, and what was done to the text to get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Microseconds since 1970 UTC.
    pub micros: Micros,
    /// `NOTE_NO_ZONE` and `NOTE_CUT`, or 0.
    pub note: u8,
}

/// Why a text is no point of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeDefect {
    /// Not of the form of RFC 3339.
    #[error("is no time of the form 2026-01-05T03:00:00Z")]
    Form,
    /// No zone, where one is needed.
    #[error("names no zone")]
    Zone,
    /// Before 1970, or beyond what the calendar holds.
    #[error("lies before 1970 or after 9999")]
    Range,
}

/// Reads RFC 3339; the zone must be there.
pub fn zoned(text: &str) -> Result<Moment, TimeDefect> {
    let moment = lenient(text)?;
    if moment.note & NOTE_NO_ZONE != 0 { Err(TimeDefect::Zone) } else { Ok(moment) }
}

/// Reads RFC 3339; a time without a zone is read as UTC, and noted.
pub fn lenient(text: &str) -> Result<Moment, TimeDefect> {
    let (date, rest) = text.split_once(['T', 't', ' ']).ok_or(TimeDefect::Form)?;
    if text.len() > TIME_BYTES_MAX || !text.is_ascii() || !is_shaped(date, "dddd-dd-dd") {
        return Err(TimeDefect::Form);
    }
    let zone_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (time, zone) = rest.split_at_checked(zone_at).ok_or(TimeDefect::Form)?;
    let (whole, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let digits = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !is_shaped(whole, "dd:dd:dd") || !digits {
        return Err(TimeDefect::Form);
    }
    let kept: String = fraction.chars().take(FRACTION_DIGITS_MAX).collect();
    let mut note = if kept.len() < fraction.len() { NOTE_CUT } else { 0 };
    let civil: DateTime = format!("{date}T{whole}.{kept}").parse().map_err(|_| TimeDefect::Form)?;
    let utc = TimeZone::UTC.to_timestamp(civil).map_err(|_| TimeDefect::Range)?.as_microsecond();
    let offset_minutes = match zone {
        "" => {
            note |= NOTE_NO_ZONE;
            0
        }
        "Z" | "z" => 0,
        offset => offset_minutes(offset).ok_or(TimeDefect::Form)?,
    };
    let micros = utc.checked_sub(offset_minutes.saturating_mul(60_000_000)).ok_or(TimeDefect::Range)?;
    let micros = u64::try_from(micros).map_err(|_| TimeDefect::Range)?;
    Ok(Moment { micros: Micros(micros), note })
}

/// Whether a text has digits where the shape has `d`, and the shape's own characters elsewhere.
fn is_shaped(text: &str, shape: &str) -> bool {
    let fits = |(byte, wanted): (u8, u8)| if wanted == b'd' { byte.is_ascii_digit() } else { byte == wanted };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}

/// `+hh:mm` or `-hh:mm` in minutes.
fn offset_minutes(text: &str) -> Option<i64> {
    let (sign, rest) = if let Some(rest) = text.strip_prefix('+') { (1, rest) } else { (-1, text.strip_prefix('-')?) };
    let (hours, minutes) = rest.split_once(':').filter(|_| is_shaped(rest, "dd:dd"))?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// The text of a point of time, in UTC with microseconds; the number itself where the calendar ends. The auditor's
/// program writes it in the same words.
pub fn show(micros: Micros) -> String {
    deedbook_verify::calendar::rfc3339(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_times() {
        let at = |micros, note| Ok(Moment { micros: Micros(micros), note });
        assert_eq!(zoned("1970-01-01T00:00:00Z"), at(0, 0));
        assert_eq!(zoned("1970-01-01T02:00:00.000001+02:00"), at(1, 0));
        assert_eq!(zoned("1969-12-31T22:00:01-02:00"), at(1_000_000, 0));
        assert_eq!(zoned("2026-01-05T03:00:00.123456789Z"), at(1_767_582_000_123_456, NOTE_CUT));
        assert_eq!(zoned("2026-01-05T03:00:00.1Z"), at(1_767_582_000_100_000, 0));
        assert_eq!(lenient("2026-01-05T03:00:00"), at(1_767_582_000_000_000, NOTE_NO_ZONE));
        assert_eq!(lenient("2026-01-05T03:00:00.0000000"), at(1_767_582_000_000_000, NOTE_NO_ZONE | NOTE_CUT));
        assert_eq!(zoned("2026-01-05T03:00:00"), Err(TimeDefect::Zone));
        assert_eq!(zoned("1969-12-31T23:59:59Z"), Err(TimeDefect::Range));
        for text in [
            "",
            "now",
            "2026-01-05",
            "2026-1-5T03:00:00Z",
            "2026-13-05T03:00:00Z",
            "2026-02-30T03:00:00Z",
            "2026-01-05T24:00:00Z",
            "2026-01-05T03:00Z",
            "2026-01-05T03:00:00.Z",
            "2026-01-05T03:00:00+2:00",
            "2026-01-05T03:00:00Z[UTC]",
            "２026-01-05T03:00:00Z",
        ] {
            assert_eq!(zoned(text), Err(TimeDefect::Form), "{text}");
        }
    }

    #[test]
    fn shown_in_utc() {
        // Another calendar agrees, from 1970 to 9999.
        for step in 0..50_000u64 {
            let micros = step * 5_068_045_999_999;
            let theirs = jiff::Timestamp::from_microsecond(i64::try_from(micros).unwrap());
            assert_eq!(show(Micros(micros)), format!("{:.6}", theirs.unwrap()));
        }
        assert_eq!(show(Micros(1_767_582_000_123_456)), "2026-01-05T03:00:00.123456Z");
        assert_eq!(show(Micros(u64::MAX)), u64::MAX.to_string());
    }
}
