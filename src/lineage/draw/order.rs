//! Seeks the order within the layers that lets the fewest steps cross: sweeps by barycentre, then exchanges of
//! neighbours. It keeps the best order that it saw, and the parts of a grid one above the other.

use super::cells::{at, put, row};
use super::grid::Grid;
use crate::limits::{PICTURE_EXCHANGES_MAX, PICTURE_SWEEPS, PICTURE_VAIN_SWEEPS_MAX};

/// Reorders the layers of a grid. It starts once from the order that it finds, and once from the reverse of each part:
/// what one start cannot leave, the other may never enter.
pub(super) fn order(grid: &mut Grid) {
    let first = grid.layers.clone();
    let (mut best, mut fewest) = (first.clone(), crossings(grid));
    for turned in [false, true] {
        grid.layers.clone_from(&first);
        if turned {
            for layer in &mut grid.layers {
                layer.reverse();
                layer.sort_by_key(|point| at(&grid.part, *point));
            }
        }
        let mut vain = 0;
        for sweep in 0..PICTURE_SWEEPS {
            if fewest == 0 || vain >= PICTURE_VAIN_SWEEPS_MAX {
                break;
            }
            vain += 1;
            let rightward = (sweep % 2 == 0) != turned;
            let count = grid.layers.len();
            for step in 1..count {
                let layer = if rightward { step } else { count - 1 - step };
                by_barycentre(grid, layer, rightward, sweep % 4 >= 2);
            }
            exchange(grid);
            let now = crossings(grid);
            if now < fewest {
                fewest = now;
                vain = 0;
                best.clone_from(&grid.layers);
            }
        }
    }
    grid.layers = best;
}

/// The place of every point in its layer.
pub(super) fn places(grid: &Grid) -> Vec<usize> {
    let mut places = vec![0; grid.points.len()];
    for layer in &grid.layers {
        for (place, point) in layer.iter().enumerate() {
            put(&mut places, *point, place);
        }
    }
    places
}

/// Sorts one layer by where its points' neighbours stand; a point without neighbours keeps its place. Of points that
/// are equal, every other sweep takes the lower first, so that a bad order among them is left sometime.
fn by_barycentre(grid: &mut Grid, layer: usize, rightward: bool, turned: bool) {
    let beside = if rightward { layer.checked_sub(1) } else { Some(layer + 1) };
    let mut place = vec![0; grid.points.len()];
    for (number, point) in beside.map_or(&[] as &[usize], |beside| row(&grid.layers, beside)).iter().enumerate() {
        put(&mut place, *point, number);
    }
    let points = row(&grid.layers, layer).to_vec();
    let neighbours = |point: usize| row(if rightward { &grid.left } else { &grid.right }, point);
    let mut moving: Vec<(usize, usize, usize, usize)> = Vec::new();
    for (number, point) in points.iter().enumerate() {
        let near = neighbours(*point);
        let sum: usize = near.iter().map(|other| at(&place, *other)).sum();
        if let Some(mean) = (sum * MEAN_SCALE).checked_div(near.len()) {
            let tie = if turned { points.len() - number } else { number };
            moving.push((at(&grid.part, *point), mean, tie, *point));
        }
    }
    moving.sort_unstable();
    let mut moving = moving.into_iter().map(|(_, _, _, point)| point);
    let sorted = points
        .iter()
        .map(|point| if neighbours(*point).is_empty() { *point } else { moving.next().unwrap_or(*point) })
        .collect();
    put(&mut grid.layers, layer, sorted);
}

/// A mean of places is kept in thousandths, so that no rounding of floats decides an order.
const MEAN_SCALE: usize = 1_000;

/// Exchanges neighbours while that removes crossings.
fn exchange(grid: &mut Grid) {
    let mut places = places(grid);
    for _ in 0..PICTURE_EXCHANGES_MAX {
        let mut better = false;
        for layer in 0..grid.layers.len() {
            for upper in 0..row(&grid.layers, layer).len().saturating_sub(1) {
                let (a, b) = (at(row(&grid.layers, layer), upper), at(row(&grid.layers, layer), upper + 1));
                if at(&grid.part, a) != at(&grid.part, b) {
                    continue;
                }
                let mut gain: i64 = 0;
                for side in [&grid.left, &grid.right] {
                    gain += crossed(&places, row(side, a), row(side, b)) - crossed(&places, row(side, b), row(side, a));
                }
                if gain > 0 {
                    better = true;
                    if let Some(points) = grid.layers.get_mut(layer) {
                        points.swap(upper, upper + 1);
                    }
                    put(&mut places, a, upper + 1);
                    put(&mut places, b, upper);
                }
            }
        }
        if !better {
            break;
        }
    }
}

/// How often steps to these neighbours cross when the first point stands above the second.
fn crossed(places: &[usize], upper: &[usize], lower: &[usize]) -> i64 {
    let mut count = 0;
    for a in upper {
        count += lower.iter().filter(|b| at(places, *a) > at(places, **b)).count();
    }
    i64::try_from(count).unwrap_or(i64::MAX / 4)
}

/// How often steps cross.
pub(super) fn crossings(grid: &Grid) -> u64 {
    let places = places(grid);
    let mut total = 0;
    for layer in &grid.layers {
        let mut ends: Vec<usize> = Vec::new();
        for point in layer {
            let mut of_point: Vec<usize> = row(&grid.right, *point).iter().map(|other| at(&places, *other)).collect();
            of_point.sort_unstable();
            ends.extend(of_point);
        }
        total += inversions(&ends);
    }
    total
}

/// Pairs that stand in the wrong order, counted with a Fenwick tree.
fn inversions(values: &[usize]) -> u64 {
    let size = values.iter().max().map_or(0, |most| most + 1);
    let mut sums: Vec<u64> = vec![0; size + 1];
    let mut total = 0;
    for (seen, value) in (0_u64..).zip(values) {
        let mut not_above = 0;
        let mut node = value + 1;
        while node > 0 {
            not_above += at(&sums, node);
            node &= node - 1;
        }
        total += seen - not_above;
        let mut node = value + 1;
        while node <= size {
            let sum = at(&sums, node) + 1;
            put(&mut sums, node, sum);
            node += node & node.wrapping_neg();
        }
    }
    total
}
