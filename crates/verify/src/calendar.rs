//! Microseconds since 1970 as people read them: RFC 3339 in UTC, in one form. It knows no zones.

use crate::words::Micros;

const SECOND: u64 = 1_000_000;
const DAY: u64 = 86_400 * SECOND;
/// The first microsecond of the year 10000, which RFC 3339 cannot write.
const END: u64 = 2_932_897 * DAY;
/// Days from the first of March of the year 0 to 1970: years that begin in March have their leap day last.
const MARCH_0_TO_1970: u64 = 719_468;
/// Days of 400 years, after which the calendar repeats.
const ERA: u64 = 146_097;

/// `2026-01-05T03:00:00.123456Z`; the number itself where the calendar ends.
pub fn rfc3339(micros: Micros) -> String {
    if micros.0 >= END {
        return micros.to_string();
    }
    let (days, rest) = (micros.0 / DAY + MARCH_0_TO_1970, micros.0 % DAY);
    let (era, day_of_era) = (days / ERA, days % ERA);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months from March on have 31, 30, 31, 30, 31 days, twice over.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (seconds, micros) = (rest / SECOND, rest % SECOND);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// Writes what `rfc3339` gives, over and over: the day is kept, and nothing is allocated.
#[cfg(feature = "package")]
#[derive(Default)]
pub struct Clockface {
    day: Option<u64>,
    date: String,
}

#[cfg(feature = "package")]
impl Clockface {
    /// Appends the text to bytes.
    pub fn write(&mut self, micros: Micros, out: &mut Vec<u8>) {
        let day = micros.0 / DAY;
        if self.day != Some(day) {
            self.date = rfc3339(Micros(day.saturating_mul(DAY)));
            self.day = Some(day);
        }
        // Where the calendar ends there is no date to keep.
        let Some(date) = self.date.get(..11).filter(|_| micros.0 < END) else {
            out.extend_from_slice(micros.to_string().as_bytes());
            return;
        };
        let rest = micros.0 % DAY;
        let (seconds, micros) = (rest / SECOND, rest % SECOND);
        out.extend_from_slice(date.as_bytes());
        put::<2>(out, seconds / 3_600);
        out.push(b':');
        put::<2>(out, seconds / 60 % 60);
        out.push(b':');
        put::<2>(out, seconds % 60);
        out.push(b'.');
        put::<6>(out, micros);
        out.push(b'Z');
    }
}

/// A number of so many digits.
#[cfg(feature = "package")]
fn put<const DIGITS: usize>(out: &mut Vec<u8>, value: u64) {
    let (mut digits, mut rest) = ([b'0'; DIGITS], value);
    for digit in digits.iter_mut().rev() {
        *digit = b'0'.saturating_add(u8::try_from(rest % 10).unwrap_or(0));
        rest /= 10;
    }
    out.extend_from_slice(&digits);
}

/// Reads exactly what `rfc3339` writes, `2026-01-05T03:00:00.123456Z`; nothing else.
#[cfg(feature = "package")]
pub fn parse_rfc3339(text: &str) -> Option<Micros> {
    let number = |from: usize, to: usize| crate::calendar::digits(text.get(from..to)?);
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second, micros) = (number(11, 13)?, number(14, 16)?, number(17, 19)?, number(20, 26)?);
    // Years that begin in March; the writing below refuses what no calendar has.
    let year_from_march = if month <= 2 { year.checked_sub(1)? } else { year };
    let month_from_march = if month <= 2 { month.saturating_add(9) } else { month.saturating_sub(3) };
    let day_of_year = (153 * month_from_march + 2) / 5 + day.checked_sub(1)?;
    let (era, year_of_era) = (year_from_march / 400, year_from_march % 400);
    let days = era * ERA + 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let seconds = (hour * 60 + minute) * 60 + second;
    let micros = Micros(days.checked_sub(MARCH_0_TO_1970)? * DAY + seconds * SECOND + micros);
    (rfc3339(micros) == text).then_some(micros)
}

/// A number of at most six digits.
#[cfg(feature = "package")]
fn digits(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_are_easily_missed() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399_999_999, "2000-02-28T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (951_868_800_000_000, "2000-03-01T00:00:00.000000Z"),
            (1_767_582_000_123_456, "2026-01-05T03:00:00.123456Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
            (END - 1, "9999-12-31T23:59:59.999999Z"),
            (END, "253402300800000000"),
            (u64::MAX, "18446744073709551615"),
        ] {
            assert_eq!(rfc3339(Micros(micros)), text);
            #[cfg(feature = "package")]
            assert_eq!(parse_rfc3339(text), text.ends_with('Z').then_some(Micros(micros)));
            #[cfg(feature = "package")]
            {
                let (mut face, mut out) = (Clockface::default(), Vec::new());
                [micros, micros].iter().for_each(|micros| face.write(Micros(*micros), &mut out));
                assert_eq!(String::from_utf8(out).unwrap(), text.repeat(2));
            }
        }
    }

    #[cfg(feature = "package")]
    #[test]
    fn what_is_no_time_is_not_read() {
        for text in [
            "",
            "2026-02-29T00:00:00.000000Z",
            "2026-01-05T24:00:00.000000Z",
            "2026-01-05T03:00:60.000000Z",
            "2026-13-01T00:00:00.000000Z",
            "2026-00-10T00:00:00.000000Z",
            "1969-12-31T23:59:59.999999Z",
            "0000-01-01T00:00:00.000000Z",
            "2026-01-05 03:00:00.000000Z",
            "2026-01-05T03:00:00Z",
            "2026-01-05T03:00:00.000000+00:00",
            "2026-01-05T03:00:00.000000Z ",
            "20é6-01-05T03:00:00.00000Z",
            "+026-01-05T03:00:00.000000Z",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }
}
