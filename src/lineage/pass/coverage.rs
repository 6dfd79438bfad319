//! For every cause of a node at once: whether each path from there to it has an approval, and how many paths there are.

use super::Query;
use super::paths::{PathCount, counts};
use super::spread::{Followed, Found, Step, Visitor, mark};
use crate::lineage::bits::NodeSet;
use crate::lineage::stop::{Answer, Cut, Meter};
use crate::lineage::words::{NodeId, Towards};
use deedbook_verify::words::Index;
use std::hint::black_box;

/// What paths from one cause to the target have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Covered {
    /// Whether an approval stands on each of them, ends included.
    pub is_covered: bool,
    /// How many there are, if they were counted.
    pub paths: Option<PathCount>,
}

/// The causes of a target, with whether and how their paths to it are covered.
#[derive(Clone, Debug)]
pub struct Coverage {
    causes: NodeSet,
    open: NodeSet,
    counts: Counts,
}

/// How many paths lead from each cause to the target.
#[derive(Clone, Debug)]
enum Counts {
    None,
    /// By number of the node, sums that stop at the largest number.
    Sums(Vec<u128>),
    /// By rank among the causes.
    Ranked(Vec<PathCount>),
}

impl Coverage {
    /// The target and all its causes.
    pub fn causes(&self) -> &NodeSet {
        &self.causes
    }

    /// Those of them from which a path without an approval leads to the target; the target itself, unless it is approved.
    pub fn open(&self) -> &NodeSet {
        &self.open
    }

    /// Whether a node leads to the target, and is covered.
    pub fn is_covered(&self, node: NodeId) -> Option<bool> {
        self.causes.contains(node).then(|| !self.open.contains(node))
    }

    /// Every cause in the order of the log, with what its paths have.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, Covered)> {
        self.causes.iter().enumerate().map(|(rank, node)| {
            let paths = match &self.counts {
                Counts::None => None,
                Counts::Sums(sums) => sums.get(node.number() as usize).map(|sum| PathCount::of(*sum)),
                Counts::Ranked(counts) => counts.get(rank).copied(),
            };
            (node, Covered { is_covered: !self.open.contains(node), paths })
        })
    }
}

/// Marks what can be reached over a way that no gate stands on.
pub(super) struct Opening<'s> {
    pub(super) open: &'s mut NodeSet,
    pub(super) gates: &'s NodeSet,
}

impl Opening<'_> {
    /// Marks the end of an edge if `is_live` is 1.
    #[inline]
    fn pass(&mut self, from: u32, to: u32, is_live: u64) {
        let is_open = is_live & self.open.bit(from) & !self.gates.bit(to);
        self.open.insert_bit(to, is_open);
    }
}

impl Visitor for Opening<'_> {
    #[inline]
    fn follow(&mut self, edge: Step) -> bool {
        self.open.has(edge.from) && !self.gates.has(edge.to) && self.open.insert(edge.to)
    }

    const IS_MARKING: bool = true;

    #[inline]
    fn mark(&mut self, word: usize, edges: impl Iterator<Item = Found>, reached: &mut NodeSet) {
        mark(word, edges, reached, |from, to, is_live| {
            self.pass(from, to, is_live);
            is_live
        });
    }
}

/// Counts paths beside. Each sum is whole when its node is taken, as long as edges follow the log.
struct Counting<'s> {
    opening: Opening<'s>,
    sums: Vec<u128>,
    taken: u128,
    followed: Followed,
}

impl Visitor for Counting<'_> {
    #[inline]
    fn take(&mut self, node: u32) {
        self.taken = self.sums.get(node as usize).copied().unwrap_or_default();
    }

    #[inline]
    fn follow(&mut self, edge: Step) -> bool {
        if let Some(sum) = self.sums.get_mut(edge.to as usize) {
            *sum = sum.saturating_add(self.taken);
        }
        self.opening.follow(edge)
    }

    const IS_MARKING: bool = true;

    #[inline]
    fn mark(&mut self, word: usize, edges: impl Iterator<Item = Found>, reached: &mut NodeSet) {
        let followed = self.followed.mark(word, edges, reached);
        // Reads the sums first, so that memory is waited for once, for all of them.
        let read = |sum: u64, [_, to]: &[u32; 2]| sum ^ self.sums.get(*to as usize).map_or(0, |known| *known as u64);
        black_box(followed.iter().fold(0, read));
        for [from, to] in followed {
            self.opening.pass(*from, *to, 1);
            let sum = self.sums.get(*from as usize).copied().unwrap_or_default();
            if let Some(slot) = self.sums.get_mut(*to as usize) {
                *slot = slot.saturating_add(sum);
            }
        }
    }
}

impl Query<'_> {
    /// Coverage of all causes of a target, without numbers of paths. An answer that was cut lacks causes, and names none
    /// open that is covered; what it does not name open may be.
    pub fn coverage(&self, target: NodeId) -> Answer<Coverage> {
        let mut meter = self.meter();
        let mut coverage = self.empty_coverage();
        let done = self.cover(target, &mut coverage, &mut meter);
        self.answer(meter, coverage, done)
    }

    /// The same with the number of paths from each cause, for which it takes 16 bytes for every node of the view while it
    /// runs. An answer that was cut has no numbers.
    pub fn coverage_counted(&self, target: NodeId) -> Answer<Coverage> {
        let mut meter = self.meter();
        let mut coverage = self.empty_coverage();
        let done = self.cover_counted(target, &mut coverage, &mut meter);
        self.answer(meter, coverage, done)
    }

    pub(super) fn empty_coverage(&self) -> Coverage {
        let nodes = self.view.node_count();
        Coverage { causes: NodeSet::below(nodes), open: NodeSet::below(nodes), counts: Counts::None }
    }

    pub(super) fn cover(&self, target: NodeId, coverage: &mut Coverage, meter: &mut Meter<'_>) -> Result<(), Cut> {
        let gates = self.view.approved(self.rule, Index(0), meter)?;
        let starts = self.open_starts(target, &gates, coverage);
        let mut opening = Opening { open: &mut coverage.open, gates: &gates };
        self.spread(self.course(Towards::Causes), &starts, &mut coverage.causes, &mut opening, meter)?;
        Ok(())
    }

    fn cover_counted(&self, target: NodeId, coverage: &mut Coverage, meter: &mut Meter<'_>) -> Result<(), Cut> {
        let gates = self.view.approved(self.rule, Index(0), meter)?;
        let starts = self.open_starts(target, &gates, coverage);
        let mut sums = meter.filled(0u128, self.view.node_count() as usize)?;
        if let Some(sum) = starts.first().and_then(|start| sums.get_mut(*start as usize)) {
            *sum = 1;
        }
        let opening = Opening { open: &mut coverage.open, gates: &gates };
        let mut counting = Counting { opening, sums, taken: 0, followed: Followed::default() };
        let course = self.course(Towards::Causes);
        let is_ordered = self.spread(course, &starts, &mut coverage.causes, &mut counting, meter)?;
        coverage.counts = if is_ordered {
            Counts::Sums(counting.sums)
        } else {
            let region = self.copied(&coverage.causes, &[], target, meter)?;
            Counts::Ranked(region.map_or(Ok(Vec::new()), |region| counts(&region, meter))?)
        };
        Ok(())
    }

    /// Where a pass for coverage starts: at the target, which is open if it is not approved.
    fn open_starts(&self, target: NodeId, gates: &NodeSet, coverage: &mut Coverage) -> Vec<u32> {
        let starts = self.present(&[target]);
        for start in starts.iter().filter(|start| !gates.has(**start)) {
            coverage.open.insert(*start);
        }
        starts
    }
}
