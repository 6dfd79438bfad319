//! What changed between two positions: what was added, which approvals, and which causes of a node became covered or open.

use super::Query;
use crate::limits::LINEAGE_EDGES_MAX;
use crate::lineage::bits::NodeSet;
use crate::lineage::graph::View;
use crate::lineage::stop::{Answer, Cut, Meter};
use crate::lineage::words::{Edge, Gate, NodeId};
use deedbook_verify::words::{Index, TreeSize};
use std::ops::Range;

/// A run of which something else is known about its approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateChange {
    /// Which.
    pub run: NodeId,
    /// What was known then, if anything was.
    pub before: Option<Gate>,
    /// What is known now.
    pub after: Option<Gate>,
}

/// A cause of the target whose paths to it are covered otherwise than they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoverageChange {
    /// Which.
    pub node: NodeId,
    /// Whether it was covered; none if it did not lead to the target.
    pub before: Option<bool>,
    /// Whether it is.
    pub after: Option<bool>,
}

/// What is in the later view and not in the earlier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// The numbers of the nodes that were added.
    pub nodes: Range<u32>,
    /// The edges that were added, in the order of the log.
    pub edges: Vec<Edge>,
    /// Runs of which something else is known, in the order of the log.
    pub gates: Vec<GateChange>,
    /// Causes of the target that are covered otherwise, in the order of the log; a cause that the earlier view has not is
    /// one.
    pub coverage: Vec<CoverageChange>,
}

impl Query<'_> {
    /// What changed since an earlier size; nothing, if that is not earlier. Coverage is compared for a target, if there is
    /// one. Of edges, gates and coverage at most `LINEAGE_EDGES_MAX` each are named. An answer that was cut lacks some, and
    /// names no wrong ones.
    pub fn diff(&self, earlier: TreeSize, target: Option<NodeId>) -> Answer<Diff> {
        let mut meter = self.meter();
        let before = self.view.as_of(earlier);
        let nodes = before.node_count()..self.view.node_count();
        let mut diff = Diff { nodes, ..Diff::default() };
        let since = Index(before.size().0);
        let done = self.added(since, &mut diff, &mut meter);
        let done = done.and_then(|()| self.regated(&before, since, &mut diff, &mut meter));
        let done = done.and_then(|()| match target {
            Some(target) => self.recovered(&before, target, &mut diff, &mut meter),
            None => Ok(()),
        });
        self.answer(meter, diff, done)
    }

    fn added(&self, since: Index, diff: &mut Diff, meter: &mut Meter<'_>) -> Result<(), Cut> {
        let mut is_full = false;
        let done = self.view.each_since(since, meter, |edge| {
            if !self.filter.edges.has(edge.kind) {
                return;
            }
            if diff.edges.len() < LINEAGE_EDGES_MAX { diff.edges.push(edge) } else { is_full = true }
        });
        // At most `LINEAGE_EDGES_MAX`, which takes a few milliseconds.
        diff.edges.sort_unstable();
        done?;
        if is_full { Err(Cut::Answer) } else { Ok(()) }
    }

    fn regated(&self, before: &View, since: Index, diff: &mut Diff, meter: &mut Meter<'_>) -> Result<(), Cut> {
        let mut runs = NodeSet::below(self.view.node_count());
        for run in self.view.gated_since(since) {
            meter.steps(1)?;
            runs.insert(run.number());
        }
        for run in runs.iter() {
            meter.node()?;
            let known = |view: &View| view.gate(run).map(|(gate, _)| gate);
            let change = GateChange { run, before: known(before), after: known(self.view) };
            if change.before == change.after {
                continue;
            }
            if diff.gates.len() >= LINEAGE_EDGES_MAX {
                return Err(Cut::Answer);
            }
            diff.gates.push(change);
        }
        Ok(())
    }

    fn recovered(&self, before: &View, target: NodeId, diff: &mut Diff, meter: &mut Meter<'_>) -> Result<(), Cut> {
        let earlier = Query { view: before, ..*self };
        let (mut then, mut now) = (earlier.empty_coverage(), self.empty_coverage());
        earlier.cover(target, &mut then, meter)?;
        self.cover(target, &mut now, meter)?;
        // What led to the target still does.
        for node in now.causes().iter() {
            meter.steps(1)?;
            let change = CoverageChange { node, before: then.is_covered(node), after: now.is_covered(node) };
            if change.before == change.after {
                continue;
            }
            if diff.coverage.len() >= LINEAGE_EDGES_MAX {
                return Err(Cut::Answer);
            }
            diff.coverage.push(change);
        }
        Ok(())
    }
}
