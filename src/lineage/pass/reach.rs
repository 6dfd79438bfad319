//! Reachability: everything that led to some nodes, or that they led to.

use super::Query;
use crate::lineage::bits::NodeSet;
use crate::lineage::stop::{Answer, Cut, Meter};
use crate::lineage::words::{NodeId, Towards};

impl Query<'_> {
    /// The nodes, and all that led to them. A part of an answer lacks nodes, and names no wrong ones.
    pub fn ancestors(&self, nodes: &[NodeId]) -> Answer<NodeSet> {
        self.reach(nodes, Towards::Causes)
    }

    /// The nodes, and all that they led to. A part of an answer lacks nodes, and names no wrong ones.
    pub fn descendants(&self, nodes: &[NodeId]) -> Answer<NodeSet> {
        self.reach(nodes, Towards::Effects)
    }

    /// The nodes, and all that can be reached from them in one direction.
    pub fn reach(&self, nodes: &[NodeId], towards: Towards) -> Answer<NodeSet> {
        let mut meter = self.meter();
        let (reached, done, _) = self.reached(&self.present(nodes), towards, None, &mut meter);
        self.answer(meter, reached, done)
    }

    /// The same, within a set if there is one, with whether every edge that was met follows the log.
    pub(super) fn reached(
        &self,
        starts: &[u32],
        towards: Towards,
        within: Option<&NodeSet>,
        meter: &mut Meter<'_>,
    ) -> (NodeSet, Result<(), Cut>, bool) {
        let mut reached = NodeSet::below(self.view.node_count());
        let starts: Vec<_> = starts.iter().filter(|start| within.is_none_or(|set| set.has(**start))).copied().collect();
        for start in &starts {
            reached.insert(*start);
        }
        let (done, is_ordered) = self
            .spread(towards, &starts, meter, |_, peer| within.is_none_or(|set| set.has(peer)) && reached.insert(peer));
        (reached, done, is_ordered)
    }
}
