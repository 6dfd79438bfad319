//! Reachability: everything that led to some nodes, or that they led to.

use super::Query;
use super::spread::Plain;
use crate::lineage::bits::NodeSet;
use crate::lineage::stop::Answer;
use crate::lineage::words::{NodeId, Towards};

impl Query<'_> {
    /// The nodes, and all that led to them. A part of an answer lacks nodes, and names no wrong ones.
    pub fn ancestors(&self, nodes: &[NodeId]) -> Answer<NodeSet> {
        self.reach(nodes, Towards::Causes)
    }

    /// The nodes, and all that can be reached from them in one direction.
    pub fn reach(&self, nodes: &[NodeId], towards: Towards) -> Answer<NodeSet> {
        let mut meter = self.meter();
        let mut reached = NodeSet::below(self.view.node_count());
        let done = self.spread(self.course(towards), &self.present(nodes), &mut reached, &mut Plain, &mut meter);
        self.answer(meter, reached, done.map(|_| ()))
    }
}
