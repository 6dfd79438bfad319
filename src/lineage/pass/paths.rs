//! How many paths there are between two nodes, and the shortest of them by name. A path is a row of edges, so two edges
//! between the same nodes make two paths.

use super::Query;
use super::path::Path;
use super::region::Region;
use crate::limits::{LINEAGE_EDGES_MAX, LINEAGE_PATHS_MAX};
use crate::lineage::stop::{Answer, Cut, Meter};
use crate::lineage::words::NodeId;
use std::collections::VecDeque;
use std::fmt;

/// How many paths there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathCount {
    /// So many.
    Exactly(u128),
    /// More than 128 bits count.
    Beyond,
    /// A way leads round in a circle, so that there is no end to them.
    Endless,
}

impl PathCount {
    /// From a sum that stops at the largest number.
    pub(super) const fn of(sum: u128) -> PathCount {
        if sum == u128::MAX { PathCount::Beyond } else { PathCount::Exactly(sum) }
    }
}

impl fmt::Display for PathCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathCount::Exactly(count) => count.fmt(f),
            PathCount::Beyond => f.write_str(">= 10^38"),
            PathCount::Endless => f.write_str("endless"),
        }
    }
}

impl Query<'_> {
    /// How many paths lead from one node to another; one, of no edges, from a node to itself. An answer that was cut has
    /// none.
    pub fn path_count(&self, from: NodeId, to: NodeId) -> Answer<Option<PathCount>> {
        let mut meter = self.meter();
        let counted = self.count_between(from, to, &mut meter);
        let done = counted.map(|_| ());
        self.answer(meter, counted.ok(), done)
    }

    fn count_between(&self, from: NodeId, to: NodeId, meter: &mut Meter<'_>) -> Result<PathCount, Cut> {
        let Some(region) = self.region(Some(&[from]), to, meter)? else { return Ok(PathCount::Exactly(0)) };
        let counts = counts(&region, meter)?;
        let source = region.sources.first().and_then(|source| counts.get(*source as usize));
        Ok(source.copied().unwrap_or(PathCount::Exactly(0)))
    }

    /// The shortest paths from one node to another on which no node comes twice, the fewest edges first, those of equal
    /// length in the order of the log; so many, and `LINEAGE_PATHS_MAX`, at most, of so many edges each at most. An answer
    /// that was cut has the shortest ones.
    pub fn paths(&self, from: NodeId, to: NodeId, paths_max: usize, edges_max: u32) -> Answer<Vec<Path>> {
        let mut meter = self.meter();
        let mut found = Vec::new();
        let paths_max = paths_max.min(LINEAGE_PATHS_MAX);
        let done = self.search_paths((from, to), (paths_max, edges_max), &mut found, &mut meter);
        self.answer(meter, found, done)
    }

    /// Deepens from the shortest length on: no way is taken that cannot end within the length, so that each walk that is
    /// begun ends in a path of that length or a shorter one, which was found before.
    fn search_paths(
        &self,
        (from, to): (NodeId, NodeId),
        (paths_max, edges_max): (usize, u32),
        found: &mut Vec<Path>,
        meter: &mut Meter<'_>,
    ) -> Result<(), Cut> {
        let Some(region) = self.region(Some(&[from]), to, meter)? else { return Ok(()) };
        let Some(source) = region.sources.first().copied() else { return Ok(()) };
        let distances = distances(&region, meter)?;
        let mut search = Search { region: &region, distances, on_path: meter.filled(false, region.len())? };
        let mut edges_left = LINEAGE_EDGES_MAX;
        let mut length = search.distance(source);
        while let Some(exactly) = length {
            if exactly > edges_max {
                return Err(Cut::Depth);
            }
            length = search.paths_of(source, exactly, meter, |steps, meter| {
                if found.len() >= paths_max || edges_left < steps.len() {
                    return Err(Cut::Answer);
                }
                edges_left -= steps.len();
                let edges = steps.iter().filter_map(|step| self.edge_of(&region, *step, meter).transpose());
                found.push(Path { start: from, edges: edges.collect::<Result<_, _>>()? });
                Ok(())
            })?;
        }
        Ok(())
    }
}

struct Search<'r> {
    region: &'r Region,
    /// Edges to the target, at least.
    distances: Vec<u32>,
    on_path: Vec<bool>,
}

impl Search<'_> {
    fn distance(&self, number: u32) -> Option<u32> {
        self.distances.get(number as usize).copied()
    }

    fn mark(&mut self, number: u32, on_path: bool) {
        if let Some(mark) = self.on_path.get_mut(number as usize) {
            *mark = on_path;
        }
    }

    /// Calls with each path of exactly this length, as (number, place among its effects). The next length that a path may
    /// have, if there is one.
    fn paths_of(
        &mut self,
        source: u32,
        exactly: u32,
        meter: &mut Meter<'_>,
        mut call: impl FnMut(&[(u32, usize)], &mut Meter<'_>) -> Result<(), Cut>,
    ) -> Result<Option<u32>, Cut> {
        let mut beyond: Option<u32> = None;
        let mut steps = vec![(source, 0usize)];
        self.mark(source, true);
        if source == self.region.target {
            call(&[], meter)?;
            return Ok(None);
        }
        while let Some((number, place)) = steps.last_mut() {
            meter.steps(1)?;
            let Some(next) = self.region.effects.of(*number).get(*place).copied() else {
                let number = *number;
                self.mark(number, false);
                steps.pop();
                if let Some((_, place)) = steps.last_mut() {
                    *place += 1;
                }
                continue;
            };
            let length = steps.len() as u32 + self.distance(next).unwrap_or_default();
            let is_on_path = self.on_path.get(next as usize).copied().unwrap_or_default();
            if !is_on_path && length <= exactly && next != self.region.target {
                self.mark(next, true);
                steps.push((next, 0));
                continue;
            }
            if !is_on_path && length > exactly {
                beyond = Some(beyond.map_or(length, |beyond| beyond.min(length)));
            } else if next == self.region.target && length == exactly {
                call(&steps, meter)?;
            }
            if let Some((_, place)) = steps.last_mut() {
                *place += 1;
            }
        }
        Ok(beyond)
    }
}

/// The fewest edges from each number to the target.
fn distances(region: &Region, meter: &mut Meter<'_>) -> Result<Vec<u32>, Cut> {
    let causes = region.effects.reversed(meter)?.owners;
    let mut distances = meter.filled(u32::MAX, region.len())?;
    let mut queue = VecDeque::from([(region.target, 0)]);
    while let Some((number, distance)) = queue.pop_front() {
        meter.steps(1)?;
        let Some(known) = distances.get_mut(number as usize).filter(|known| **known == u32::MAX) else { continue };
        *known = distance;
        queue.extend(causes.of(number).iter().map(|cause| (*cause, distance + 1)));
    }
    Ok(distances)
}

/// The paths from each number to the target, each counted when those of all its effects are.
pub(super) fn counts(region: &Region, meter: &mut Meter<'_>) -> Result<Vec<PathCount>, Cut> {
    let causes = region.effects.reversed(meter)?.owners;
    let mut waiting = Vec::with_capacity(region.len());
    for number in 0..region.len() as u32 {
        meter.steps(1)?;
        waiting.push(region.effects.of(number).len() as u32);
    }
    let mut sums = meter.filled(0u128, region.len())?;
    let mut counts = meter.filled(PathCount::Endless, region.len())?;
    if let Some(target) = sums.get_mut(region.target as usize) {
        *target = 1;
    }
    let is_free = |number: &u32| waiting.get(*number as usize) == Some(&0);
    let mut free: Vec<u32> = Some(region.target).filter(is_free).into_iter().collect();
    while let Some(number) = free.pop() {
        let Some(sum) = sums.get(number as usize).copied() else { continue };
        if let Some(count) = counts.get_mut(number as usize) {
            *count = PathCount::of(sum);
        }
        for cause in causes.of(number) {
            meter.steps(1)?;
            let (Some(cause_sum), Some(waiting)) = (sums.get_mut(*cause as usize), waiting.get_mut(*cause as usize))
            else {
                continue;
            };
            *cause_sum = cause_sum.saturating_add(sum);
            *waiting -= 1;
            if *waiting == 0 {
                free.push(*cause);
            }
        }
    }
    Ok(counts)
}
