//! Stacked bars along the days of a period, in whole numbers throughout, so that every machine draws the same bytes.

use crate::evidence::paper::html::{Count, day, put};
use crate::evidence::paper::timeline::{Bin, Timeline};
use std::fmt::Write as _;

/// One part of each bar.
pub struct Series {
    /// Its class in the style sheet.
    pub class: &'static str,
    /// What it counts.
    pub name: &'static str,
    /// How many.
    pub of: fn(&Bin) -> u64,
}

/// A chart.
pub struct Bars<'a> {
    /// The days and their counts.
    pub line: &'a Timeline,
    /// From the bottom up.
    pub series: &'a [Series],
    /// What is counted, for who hears the page.
    pub what: &'static str,
}

const LEFT: u64 = 52;
const TOP: u64 = 12;
const WIDTH: u64 = 700;
const HEIGHT: u64 = 150;
/// Days that are named below.
const NAMED: usize = 6;

impl Bars<'_> {
    /// Draws it.
    pub fn render(&self, out: &mut String) {
        let bins = &self.line.bins;
        let total = |bin: &Bin| self.series.iter().fold(0u64, |sum, series| sum.saturating_add((series.of)(bin)));
        let most = bins.iter().map(total).max().unwrap_or(0);
        let scale = round_up(most);
        let (bottom, right) = (TOP.saturating_add(HEIGHT), LEFT.saturating_add(WIDTH));
        put!(
            out,
            "<div class=\"scroll wide\"><svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}: at most {} in a bar\">\n",
            right.saturating_add(8),
            bottom.saturating_add(24),
            self.what,
            Count(most)
        );
        for (value, y) in ticks(scale) {
            put!(
                out,
                "<path class=\"axis\" d=\"M{LEFT} {y}H{right}\"/><text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n",
                LEFT.saturating_sub(6),
                y.saturating_add(4),
                Count(value)
            );
        }
        for (at, bin) in bins.iter().enumerate() {
            self.bar(out, (at, bin), scale);
        }
        self.days(out, bottom.saturating_add(17));
        out.push_str("</svg></div>\n");
    }

    /// Left edge and width of a bar, in tenths of a unit.
    fn place(&self, at: usize) -> (u64, u64) {
        let bins = u64::try_from(self.line.bins.len()).unwrap_or(1).max(1);
        let each = WIDTH.saturating_mul(10) / bins;
        let at = u64::try_from(at).unwrap_or(0);
        // A period of a few days has slim bars all the same.
        let (wide, inset) = (each.saturating_mul(8) / 10, each / 10);
        let slim = wide.min(480);
        let inset = inset.saturating_add(wide.saturating_sub(slim) / 2);
        (LEFT.saturating_mul(10).saturating_add(at.saturating_mul(each)).saturating_add(inset), slim)
    }

    fn bar(&self, out: &mut String, (at, bin): (usize, &Bin), scale: u64) {
        let (x, wide) = self.place(at);
        let mut below = 0u64;
        for series in self.series {
            let count = (series.of)(bin);
            if count == 0 {
                continue;
            }
            let height = |count: u64| tenths(count, scale);
            // What is there is seen, however small.
            let tall = height(below.saturating_add(count)).saturating_sub(height(below)).max(10);
            let y = TOP.saturating_add(HEIGHT).saturating_mul(10).saturating_sub(height(below)).saturating_sub(tall);
            put!(
                out,
                "<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{}: {} {}</title></rect>\n",
                series.class,
                Tenths(x),
                Tenths(y),
                Tenths(wide),
                Tenths(tall),
                day(self.line.days.start(at)),
                Count(count),
                series.name
            );
            below = below.saturating_add(count);
        }
    }

    fn days(&self, out: &mut String, y: u64) {
        let bins = self.line.bins.len();
        for at in (0..bins).step_by(bins.div_ceil(NAMED).max(1)) {
            let (x, wide) = self.place(at);
            let middle = x.saturating_add(wide / 2);
            put!(
                out,
                "<text x=\"{}\" y=\"{y}\" text-anchor=\"middle\">{}</text>\n",
                Tenths(middle),
                day(self.line.days.start(at))
            );
        }
    }
}

/// What the axis names, and where: the ends, and the middle where that is a whole number.
fn ticks(scale: u64) -> impl Iterator<Item = (u64, u64)> {
    let bottom = TOP.saturating_add(HEIGHT);
    let middle = scale.is_multiple_of(2).then_some((scale / 2, bottom.saturating_sub(HEIGHT / 2)));
    [(0, bottom)].into_iter().chain(middle).chain([(scale, TOP)])
}

/// A length on paper in tenths of a unit.
struct Tenths(u64);

impl std::fmt::Display for Tenths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

fn tenths(count: u64, scale: u64) -> u64 {
    let tall = u128::from(count).saturating_mul(u128::from(HEIGHT.saturating_mul(10)));
    u64::try_from(tall / u128::from(scale.max(1))).unwrap_or(0)
}

/// The next number of 1, 2, 4, 6, 8, 10, 20 and so on: what has a middle, but for 1.
fn round_up(most: u64) -> u64 {
    let mut step = 1u64;
    loop {
        for nice in [1u64, 2, 4, 6, 8].map(|factor| step.saturating_mul(factor)) {
            if nice >= most {
                return nice;
            }
        }
        step = step.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_names_whole_numbers_and_each_once() {
        let named = |most| ticks(round_up(most)).map(|(value, _)| value).collect::<Vec<u64>>();
        assert_eq!([0, 1, 2, 3, 5].map(named), [vec![0, 1], vec![0, 1], vec![0, 1, 2], vec![0, 2, 4], vec![0, 3, 6]]);
    }

    #[test]
    fn scales_end_at_round_numbers() {
        let ends = [0, 1, 2, 3, 7, 11, 99, 101, 5_001].map(round_up);
        assert_eq!(ends, [1, 1, 2, 4, 8, 20, 100, 200, 6_000]);
        assert_eq!(round_up(u64::MAX), u64::MAX);
    }
}
