//! Microseconds since 1970 as people read them: RFC 3339 in UTC. It reads no times and knows no zones.

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
        }
    }
}
