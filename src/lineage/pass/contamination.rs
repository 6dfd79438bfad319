//! Contamination: what a node that is bad since an entry led to afterwards, and where an approval that does not rest on it
//! stood in between.

use super::Query;
use super::coverage::Opening;
use super::spread::{Course, Plain, Step, Visitor};
use crate::lineage::bits::NodeSet;
use crate::lineage::kinds::EdgeKind;
use crate::lineage::stop::{Answer, Cut, Meter};
use crate::lineage::words::{EdgeKinds, NodeId, Towards};
use deedbook_verify::words::Index;

/// Along these a decision rests on who made it and on what it counts. A gate behind them is no second opinion.
const AUTHORITY: EdgeKinds = EdgeKinds::of(&[EdgeKind::Decided, EdgeKind::Authorized]);

/// What a bad node led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contamination {
    reached: NodeSet,
    open: NodeSet,
}

impl Contamination {
    /// All that it led to.
    pub fn reached(&self) -> &NodeSet {
        &self.reached
    }

    /// Those of them to which a path leads on which nobody agreed independently afterwards, ends included.
    pub fn open(&self) -> &NodeSet {
        &self.open
    }

    /// Whether a node was reached, and each path to it has an independent approval since.
    pub fn is_gated(&self, node: NodeId) -> Option<bool> {
        self.reached.contains(node).then(|| !self.open.contains(node))
    }
}

/// Does not come back to where it started, of whose edges only some count.
struct FromBad<'s> {
    bad: u32,
    opening: Opening<'s>,
}

impl Visitor for FromBad<'_> {
    fn follow(&mut self, edge: Step) -> bool {
        self.opening.follow(edge)
    }

    fn admits(&self, node: u32) -> bool {
        node != self.bad
    }
}

impl Query<'_> {
    /// What a node led to by the entries from `since` on, and all that followed from it. What followed counts whatever its
    /// index: who was contaminated may have told late what it read, and too much is named here rather than too little. A
    /// gate is independent if it became known at `since` or later, and rests on no vote or approval that comes from the
    /// node. An answer that was cut lacks nodes, and what it does not name open may be.
    pub fn contamination(&self, node: NodeId, since: Index) -> Answer<Contamination> {
        let mut meter = self.meter();
        let nodes = self.view.node_count();
        let mut found = Contamination { reached: NodeSet::below(nodes), open: NodeSet::below(nodes) };
        let done = self.contaminated(node, since, &mut found, &mut meter);
        self.answer(meter, found, done)
    }

    fn contaminated(
        &self,
        bad: NodeId,
        since: Index,
        found: &mut Contamination,
        meter: &mut Meter<'_>,
    ) -> Result<(), Cut> {
        let gates = self.independent(bad, since, meter)?;
        let mut starts = Vec::new();
        for edge in self.view.effects(bad) {
            meter.steps(1)?;
            let effect = edge.to.number();
            if edge.index >= since && self.filter.edges.has(edge.kind) && edge.to != bad && self.enters(effect) {
                starts.push(effect);
                if !gates.has(effect) {
                    found.open.insert(effect);
                }
            }
        }
        let mut visitor = FromBad { bad: bad.number(), opening: Opening { open: &mut found.open, gates: &gates } };
        self.spread(self.course(Towards::Effects), &starts, &mut found.reached, &mut visitor, meter)?;
        Ok(())
    }

    /// The runs with a gate that counts, became known since, and does not rest on the node.
    fn independent(&self, bad: NodeId, since: Index, meter: &mut Meter<'_>) -> Result<NodeSet, Cut> {
        let mut gates = self.view.approved(self.rule, since, meter)?;
        let mut resting = NodeSet::below(self.view.node_count());
        let course = Course { towards: Towards::Effects, kinds: AUTHORITY };
        self.spread(course, &self.present(&[bad]), &mut resting, &mut Plain, meter)?;
        for run in resting.ascending() {
            gates.remove(run);
        }
        Ok(gates)
    }
}
