//! Gives every point its height, so that what hangs in a row is drawn in a row: Brandes and Köpf, "Fast and simple
//! horizontal coordinate assignment" (2001), turned by a quarter. Points are aligned in four ways (from the left or the
//! right, from the top or the bottom); the mean of the two middle heights is taken, which keeps every distance that all
//! four keep, and every line that is straight in all four.

use super::cells::{at, push, put, row};
use super::grid::Grid;
use super::order::places;
use std::collections::HashSet;

/// How far points stand apart, in pixels.
#[derive(Clone, Copy)]
pub(super) struct Spacing {
    /// The height of a box.
    pub(super) box_height: i64,
    /// Between two boxes.
    pub(super) between_boxes: i64,
    /// Between a line that passes and what is beside it.
    pub(super) beside_line: i64,
    /// Between parts that do not hang together.
    pub(super) between_parts: i64,
}

/// From which side one alignment starts.
#[derive(Clone, Copy)]
struct Way {
    rightward: bool,
    downward: bool,
}

/// The height of every point's middle, from 0 down. Neighbours in a layer keep their distance.
pub(super) fn place(grid: &Grid, spacing: Spacing) -> Vec<i64> {
    let places = places(grid);
    let conflicts = conflicts(grid, &places);
    let mut heights: Vec<(Way, Vec<i64>)> = Vec::new();
    for rightward in [true, false] {
        for downward in [true, false] {
            let way = Way { rightward, downward };
            let roots = align(grid, &places, &conflicts, way);
            heights.push((way, compact(grid, spacing, &roots, way)));
        }
    }
    let middle = middle(&heights);
    let first = (0..middle.len()).map(|point| at(&middle, point) - half(grid, spacing, point)).min().unwrap_or(0);
    middle.into_iter().map(|height| height - first).collect()
}

fn half(grid: &Grid, spacing: Spacing, point: usize) -> i64 {
    if at(&grid.points, point).is_box { spacing.box_height / 2 } else { 0 }
}

/// The least distance between the middles of two neighbours.
fn distance(grid: &Grid, spacing: Spacing, upper: usize, lower: usize) -> i64 {
    let boxes = at(&grid.points, upper).is_box && at(&grid.points, lower).is_box;
    let gap = match (at(&grid.part, upper) == at(&grid.part, lower), boxes) {
        (false, _) => spacing.between_parts,
        (true, true) => spacing.between_boxes,
        (true, false) => spacing.beside_line,
    };
    half(grid, spacing, upper) + gap + half(grid, spacing, lower)
}

/// Steps that cross a step between two bends. Long lines have the right of way: the others are not aligned.
fn conflicts(grid: &Grid, places: &[usize]) -> HashSet<(usize, usize)> {
    let is_bend = |point: usize| !at(&grid.points, point).is_box;
    let mut found = HashSet::new();
    for layer in grid.layers.iter().skip(1) {
        let mut from = 0;
        let mut pending = 0;
        for (number, point) in layer.iter().enumerate() {
            let inner = row(&grid.left, *point).iter().find(|other| is_bend(*point) && is_bend(**other));
            let last = number + 1 == layer.len();
            if inner.is_none() && !last {
                continue;
            }
            let until = inner.map_or(usize::MAX, |other| at(places, *other));
            for behind in layer.get(pending..=number).unwrap_or_default() {
                for other in row(&grid.left, *behind) {
                    let place = at(places, *other);
                    let both = is_bend(*behind) && is_bend(*other);
                    if (place < from || place > until) && !both {
                        found.insert((*other, *behind));
                    }
                }
            }
            from = if inner.is_some() { until } else { from };
            pending = number + 1;
        }
    }
    found
}

/// Strings points together that shall have one height; returns the first of each string, by point.
fn align(grid: &Grid, places: &[usize], conflicts: &HashSet<(usize, usize)>, way: Way) -> Vec<usize> {
    let mut root: Vec<usize> = (0..grid.points.len()).collect();
    let mut taken = vec![false; grid.points.len()];
    let count = grid.layers.len();
    for step in 1..count {
        let layer = if way.rightward { step } else { count - 1 - step };
        let points = row(&grid.layers, layer);
        let mut border: Option<usize> = None;
        for number in 0..points.len() {
            let point = at(points, if way.downward { number } else { points.len() - 1 - number });
            let mut near = row(if way.rightward { &grid.left } else { &grid.right }, point).to_vec();
            near.sort_by_key(|other| at(places, *other));
            let mut middles = [near.len().saturating_sub(1) / 2, near.len() / 2];
            if !way.downward {
                middles.reverse();
            }
            for other in middles.iter().filter_map(|middle| near.get(*middle).copied()) {
                let place = at(places, other);
                let free = border.is_none_or(|border| if way.downward { border < place } else { border > place });
                let step = if way.rightward { (other, point) } else { (point, other) };
                if at(&root, point) == point && free && !at(&taken, other) && !conflicts.contains(&step) {
                    put(&mut taken, other, true);
                    let first = at(&root, other);
                    put(&mut root, point, first);
                    border = Some(place);
                }
            }
        }
    }
    root
}

/// Heights such that each string is straight and all is as close as it may be.
fn compact(grid: &Grid, spacing: Spacing, root: &[usize], way: Way) -> Vec<i64> {
    let mut below: Vec<Vec<(usize, i64)>> = vec![Vec::new(); grid.points.len()];
    let mut waits = vec![0_usize; grid.points.len()];
    for layer in &grid.layers {
        for (upper, lower) in layer.iter().zip(layer.iter().skip(1)) {
            let apart = distance(grid, spacing, *upper, *lower);
            let (first, then) = if way.downward { (*upper, *lower) } else { (*lower, *upper) };
            push(&mut below, at(root, first), (at(root, then), apart));
            let more = at(&waits, at(root, then)) + 1;
            put(&mut waits, at(root, then), more);
        }
    }
    let mut order: Vec<usize> =
        (0..grid.points.len()).filter(|point| at(root, *point) == *point && at(&waits, *point) == 0).collect();
    let mut height = vec![0_i64; grid.points.len()];
    let mut next = 0;
    while let Some(block) = order.get(next).copied() {
        next += 1;
        for (other, apart) in row(&below, block) {
            let least = at(&height, *other).max(at(&height, block) + apart);
            put(&mut height, *other, least);
            let left = at(&waits, *other).saturating_sub(1);
            put(&mut waits, *other, left);
            if left == 0 {
                order.push(*other);
            }
        }
    }
    for block in order.iter().rev() {
        if let Some(most) = row(&below, *block).iter().map(|(other, apart)| at(&height, *other) - apart).min() {
            let most = most.max(at(&height, *block));
            put(&mut height, *block, most);
        }
    }
    let sign = if way.downward { 1 } else { -1 };
    (0..grid.points.len()).map(|point| sign * at(&height, at(root, point))).collect()
}

/// Lays the four upon the narrowest of them, and takes the mean of the two middle heights.
fn middle(heights: &[(Way, Vec<i64>)]) -> Vec<i64> {
    let span = |heights: &[i64]| {
        let ends = (heights.iter().min().copied().unwrap_or(0), heights.iter().max().copied().unwrap_or(0));
        (ends.1 - ends.0, ends)
    };
    let Some((_, (top, bottom))) = heights.iter().map(|(_, heights)| span(heights)).min() else { return Vec::new() };
    let shifted: Vec<Vec<i64>> = heights
        .iter()
        .map(|(way, heights)| {
            let (own_top, own_bottom) = span(heights).1;
            let shift = if way.downward { top - own_top } else { bottom - own_bottom };
            heights.iter().map(|height| height + shift).collect()
        })
        .collect();
    let points = shifted.first().map_or(0, Vec::len);
    (0..points)
        .map(|point| {
            let mut four: Vec<i64> = shifted.iter().map(|heights| at(heights, point)).collect();
            four.sort_unstable();
            (at(&four, 1) + at(&four, 2)).div_euclid(2)
        })
        .collect()
}
