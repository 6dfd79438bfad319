//! Durations as annotations write them: ISO 8601 of days, hours, minutes and seconds. A day has 24 hours. Months and
//! years are no fixed number of seconds and are refused.

use crate::limits::POLICY_TTL_S_MAX;
use std::num::NonZeroU32;

/// Reads `PT15M`, `P1D`, `P1DT12H`: 1 second to `POLICY_TTL_S_MAX`.
pub(super) fn parse(text: &str) -> Option<NonZeroU32> {
    let rest = text.strip_prefix('P')?;
    let (days, clock) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((days, clock)) => (days, clock),
        None => (rest, ""),
    };
    let days = units(days, &[('D', 86_400)])?;
    let clock = units(clock, &[('H', 3_600), ('M', 60), ('S', 1)])?;
    let seconds = NonZeroU32::new(days.checked_add(clock)?)?;
    (seconds.get() <= POLICY_TTL_S_MAX).then_some(seconds)
}

/// Numbers with their units, each unit once, in this order.
fn units(mut text: &str, units: &[(char, u32)]) -> Option<u32> {
    let mut total = 0_u32;
    for &(unit, seconds) in units {
        let Some((number, rest)) = text.split_once(unit) else { continue };
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let number: u32 = digits.then(|| number.parse().ok()).flatten()?;
        total = total.checked_add(number.checked_mul(seconds)?)?;
        text = rest;
    }
    text.is_empty().then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let seconds = |text: &str| parse(text).map(NonZeroU32::get);
        assert_eq!(seconds("PT15M"), Some(900));
        assert_eq!(seconds("P1D"), Some(86_400));
        assert_eq!(seconds("P1DT1H1M1S"), Some(90_061));
        assert_eq!(seconds("PT90S"), Some(90));
        assert_eq!(seconds("P90D"), Some(POLICY_TTL_S_MAX));
        for text in [
            "",
            "P",
            "PT",
            "P1",
            "PT0S",
            "15M",
            "P1M",
            "P1Y",
            "PT1M1H",
            "PT1.5H",
            "PT-1H",
            "PT+1H",
            "P91D",
            "PT5000000000S",
            "PT1H1H",
            "P1DT",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
