//! For every cause of a node at once: whether each path from there to it has an approval, and how many paths there are.

use super::Query;
use super::paths::{PathCount, counts};
use crate::lineage::bits::{NodeSet, Ranks};
use crate::lineage::stop::{Answer, Cut, Meter};
use crate::lineage::words::{NodeId, Towards};
use deedbook_verify::words::Index;

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
    counts: Vec<PathCount>,
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
            let covered = Covered { is_covered: !self.open.contains(node), paths: self.counts.get(rank).copied() };
            (node, covered)
        })
    }
}

impl Query<'_> {
    /// Coverage of all causes of a target. An answer that was cut lacks causes, names none open that is covered, and has no
    /// counts; what it does not name open may be.
    pub fn coverage(&self, target: NodeId) -> Answer<Coverage> {
        let mut meter = self.meter();
        let mut coverage = self.empty_coverage();
        let done = self.cover(target, &mut coverage, &mut meter);
        self.answer(meter, coverage, done)
    }

    fn cover(&self, target: NodeId, coverage: &mut Coverage, meter: &mut Meter<'_>) -> Result<(), Cut> {
        let is_ordered = self.cover_uncounted(target, coverage, meter)?;
        coverage.counts = if is_ordered {
            self.counts_in_order(target, &coverage.causes, meter)?
        } else {
            let region = self.copied(&coverage.causes, &[], target, meter)?;
            region.map_or(Ok(Vec::new()), |region| counts(&region, meter))?
        };
        Ok(())
    }

    /// Without counts. Whether every edge on the way follows the log.
    pub(super) fn cover_uncounted(
        &self,
        target: NodeId,
        coverage: &mut Coverage,
        meter: &mut Meter<'_>,
    ) -> Result<bool, Cut> {
        let approved = self.view.approved(self.rule, Index(0), meter)?;
        let Coverage { causes, open, .. } = coverage;
        let starts = self.present(&[target]);
        for start in &starts {
            causes.insert(*start);
            if !approved.has(*start) {
                open.insert(*start);
            }
        }
        let (done, is_ordered) = self.spread(Towards::Causes, &starts, meter, |node, cause| {
            let is_new = causes.insert(cause);
            // A node is taken again when it turns out to be open later: only after an edge against the log.
            let opens = open.has(node) && !approved.has(cause) && open.insert(cause);
            is_new || opens
        });
        done.map(|()| is_ordered)
    }

    /// Each count is whole when its node is taken, since all its effects come later in the log.
    fn counts_in_order(&self, target: NodeId, causes: &NodeSet, meter: &mut Meter<'_>) -> Result<Vec<PathCount>, Cut> {
        let ranks = Ranks::of(causes);
        let mut sums = vec![0u128; ranks.len()];
        if let Some(sum) = ranks.rank(target.number()).and_then(|rank| sums.get_mut(rank as usize)) {
            *sum = 1;
        }
        for (rank, node) in (0..ranks.len()).rev().zip(causes.ascending().rev()) {
            let sum = sums.get(rank).copied().unwrap_or_default();
            self.view.each(node, Towards::Causes, self.filter.edges, meter, |cause| {
                if let Some(other) = ranks.rank(cause).and_then(|rank| sums.get_mut(rank as usize)) {
                    *other = other.saturating_add(sum);
                }
            })?;
        }
        Ok(sums.into_iter().map(PathCount::of).collect())
    }

    pub(super) fn empty_coverage(&self) -> Coverage {
        let nodes = self.view.node_count();
        Coverage { causes: NodeSet::below(nodes), open: NodeSet::below(nodes), counts: Vec::new() }
    }
}
