//! Lines from box to box: smooth where the height changes, straight through the layers that they pass, each ending at
//! the borders of its boxes.

use super::cells::{at, put};
use super::columns::Column;
use super::grid::Grid;
use super::layers::Runs;
use super::outline::{reach, recess};
use super::style::{Flow, Shape, Stroke};
use std::collections::{BTreeMap, BTreeSet};

/// What lines are drawn between.
pub(super) struct Stage<'s> {
    pub(super) grid: &'s Grid,
    pub(super) columns: &'s [Column],
    /// The height of the middle of every point.
    pub(super) heights: &'s [i64],
    /// The shape of every item.
    pub(super) shapes: &'s [Option<Shape>],
    pub(super) box_height: i64,
}

/// Where lines touch each item: by item, side (right is true), the point beyond, and whether the line runs
/// back: how far from its middle.
pub(super) type Ports = BTreeMap<(usize, bool, usize, bool), i64>;

/// A line and its head, as path data.
pub(super) struct Line {
    pub(super) line: String,
    pub(super) head: String,
}

/// Spreads the ends of lines over the sides of the boxes, in the order of where they go, as straight as may be. Lines
/// that run together have one end; those that run back have their own.
pub(super) fn ports(stage: &Stage<'_>, runs: &[Runs]) -> Ports {
    let mut sides: BTreeMap<(usize, bool), BTreeSet<End>> = BTreeMap::new();
    for (number, route) in stage.grid.routes.iter().enumerate() {
        let back = at(runs, number) == Runs::Left;
        let mut end = |item: Option<&usize>, right: bool, beyond: Option<&usize>| {
            if let (Some(item), Some(beyond)) = (item, beyond) {
                let rise = at(stage.heights, *beyond) - at(stage.heights, *item);
                sides.entry((*item, right)).or_default().insert((rise, *beyond, back));
            }
        };
        end(route.first(), true, route.get(1));
        end(route.last(), false, route.iter().rev().nth(1));
    }
    let mut ports = Ports::new();
    for ((item, right), ends) in sides {
        let (left_reach, right_reach) = stage.shape(item).map_or((0, 0), reach);
        let reach = if right { right_reach } else { left_reach };
        let last = i64::try_from(ends.len()).unwrap_or(i64::MAX).saturating_sub(1);
        let level = (0..).zip(&ends).find(|(_, (rise, _, _))| *rise == 0).map(|(place, _)| place);
        let mut offsets: Vec<i64> = (0..=last).map(|place| spread(place, last, level, reach)).collect();
        for (place, (rise, beyond, _)) in ends.iter().enumerate() {
            let above =
                place.checked_sub(1).and_then(|above| offsets.get(above)).map_or(-reach, |above| above + SNAP_GAP);
            let below = offsets.get(place + 1).map_or(reach, |below| below - SNAP_GAP);
            if !at(&stage.grid.points, *beyond).is_box && (above..=below).contains(rise) {
                put(&mut offsets, place, *rise);
            }
        }
        for ((_, beyond, back), offset) in ends.into_iter().zip(offsets) {
            ports.insert((item, right, beyond, back), offset);
        }
    }
    ports
}

/// How far from the middle one of several ends stands: a level one in the middle, so that its line is straight, and the
/// others above and below it; or all of them around the middle.
fn spread(place: i64, last: i64, level: Option<i64>, reach: i64) -> i64 {
    match level {
        Some(level) => {
            let most = level.max(last - level);
            ((place - level) * (PORT_GAP * most).min(reach)).checked_div(most).unwrap_or(0)
        }
        None => ((2 * place - last) * (PORT_GAP * last).min(2 * reach)).checked_div(2 * last).unwrap_or(0),
    }
}

/// One end: how far the line rises from the item's middle, the point beyond, and whether the line runs back.
type End = (i64, usize, bool);

/// Between two ends of lines at one side of a box.
const PORT_GAP: i64 = 8;
/// The same, where an end moves so that its line passes the next layer without a bend.
const SNAP_GAP: i64 = 5;
/// Length of a head.
const HEAD: i64 = 8;

impl Stage<'_> {
    fn shape(&self, item: usize) -> Option<Shape> {
        self.shapes.get(item).copied().flatten()
    }

    fn column(&self, point: usize) -> Column {
        at(self.columns, at(&self.grid.points, point).layer)
    }

    /// The line of a link.
    pub(super) fn line(&self, ports: &Ports, route: &[usize], runs: Runs, stroke: Stroke) -> Line {
        let mut stops: Vec<(i64, i64)> = Vec::new();
        for (place, point) in route.iter().enumerate() {
            let column = self.column(*point);
            let height = at(self.heights, *point);
            let before = place.checked_sub(1).and_then(|before| route.get(before));
            let behind = route.get(place + 1);
            let touch = |right: bool, beyond: usize| {
                let offset = ports.get(&(*point, right, beyond, runs == Runs::Left)).copied().unwrap_or(0);
                let (left_in, right_in) =
                    self.shape(*point).map_or((0, 0), |shape| recess(shape, self.box_height, offset));
                let x = if right { column.x + column.width - right_in } else { column.x + left_in };
                (x, height + offset)
            };
            match (before, behind) {
                (None, Some(behind)) => stops.push(touch(true, *behind)),
                (Some(before), None) => stops.push(touch(false, *before)),
                _ => stops.extend([(column.x, height), (column.x + column.width, height)]),
            }
        }
        let rightward = runs != Runs::Left;
        if !rightward {
            stops.reverse();
        }
        let tip = stops.last().copied().unwrap_or_default();
        let head = head(stroke, tip, rightward);
        if let Some(last) = stops.last_mut() {
            last.0 += if rightward { -neck(stroke) } else { neck(stroke) };
        }
        Line { line: smooth(&stops), head }
    }

    /// The line from an item to itself, at its right upper corner.
    pub(super) fn loop_line(&self, item: usize) -> Line {
        let column = self.column(item);
        let (right, middle) = (column.x + column.width, at(self.heights, item));
        let top = middle - self.box_height / 2;
        let (x, y) = (right - 18, middle - 8);
        let line = format!("M{right} {y}C{} {y} {} {} {x} {}V{top}", right + 20, x + 4, top - 14, top - 7);
        Line { line, head: format!("M{x} {top}l-3 -6h6Z") }
    }
}

/// How much of a line its head covers.
fn neck(stroke: Stroke) -> i64 {
    match stroke.flow {
        Flow::Data => HEAD - 1,
        Flow::Beside => HEAD + 2,
        Flow::Authority | Flow::End => 1,
    }
}

/// The head of a line, with its tip at the border of a box.
fn head(stroke: Stroke, (x, y): (i64, i64), rightward: bool) -> String {
    let s = if rightward { -1 } else { 1 };
    let half = if stroke.width_tenths > 20 { 6 } else { 4 };
    match stroke.flow {
        Flow::Data => format!("M{x} {y}L{0} {1}V{2}Z", x + s * HEAD, y - half, y + half),
        Flow::Authority => format!("M{0} {1}L{x} {y}L{0} {2}", x + s * (HEAD - 1), y - half, y + half),
        Flow::Beside => {
            format!("M{x} {y}L{0} {1}L{2} {y}L{0} {3}Z", x + s * (HEAD / 2 + 1), y - 4, x + s * (HEAD + 2), y + 4)
        }
        Flow::End => format!("M{0} {1}V{2}M{x} {y}H{0}", x + s * 3, y - 6, y + 6),
    }
}

/// A line through stops that always comes and goes level.
fn smooth(stops: &[(i64, i64)]) -> String {
    let mut out = String::new();
    let mut here: Option<(i64, i64)> = None;
    for (x, y) in stops.iter().copied() {
        out.push_str(&match here {
            None => format!("M{x} {y}"),
            Some((_, level)) if level == y => format!("H{x}"),
            Some((from, level)) => {
                let middle = (from + x) / 2;
                format!("C{middle} {level} {middle} {y} {x} {y}")
            }
        });
        here = Some((x, y));
    }
    out
}
