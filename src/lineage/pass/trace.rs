//! Reachability by depth: first what is one edge away, then two, and so on.

use super::Query;
use crate::lineage::bits::NodeSet;
use crate::lineage::graph::{KindCounts, View};
use crate::lineage::stop::{Answer, Cut, Meter};
use crate::lineage::words::{NodeId, Towards};

/// Nodes by their distance in edges from where the trace started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    nodes: Vec<NodeId>,
    /// Where each layer ends.
    ends: Vec<usize>,
}

impl Trace {
    /// The layers, the start being the first; none is empty.
    pub fn layers(&self) -> impl Iterator<Item = &[NodeId]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.nodes.get(start..*end).unwrap_or_default())
    }

    /// All nodes, the nearest first.
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// How many nodes of each kind it found, beside where it started.
    pub fn counts(&self, view: &View) -> KindCounts {
        let mut counts = KindCounts::default();
        let found = self.nodes.iter().skip(self.ends.first().copied().unwrap_or_default());
        found.filter_map(|node| view.kind(*node)).for_each(|kind| counts.add(kind));
        counts
    }
}

impl Query<'_> {
    /// What can be reached from the nodes in one direction over so many edges at most, by distance. An answer that was cut
    /// has the nearest nodes: all layers but the last are whole.
    pub fn trace(&self, nodes: &[NodeId], towards: Towards, depth_max: Option<u32>) -> Answer<Trace> {
        let mut meter = self.meter();
        let mut seen = NodeSet::below(self.view.node_count());
        let mut layer: Vec<u32> = self.present(nodes).into_iter().filter(|node| seen.insert(*node)).collect();
        let mut trace = Trace::default();
        let mut done = Ok(());
        while !layer.is_empty() {
            let is_last = depth_max.is_some_and(|depth_max| trace.ends.len() > depth_max as usize);
            if is_last {
                done = Err(Cut::Depth);
                break;
            }
            trace.nodes.extend(layer.iter().map(|node| NodeId::known(*node)));
            trace.ends.push(trace.nodes.len());
            let mut next = Vec::new();
            done = self.next_layer(&layer, towards, &mut seen, &mut meter, &mut next);
            if done.is_err() {
                trace.nodes.extend(next.iter().map(|node| NodeId::known(*node)));
                trace.ends.extend((!next.is_empty()).then_some(trace.nodes.len()));
                break;
            }
            layer = next;
        }
        self.answer(meter, trace, done)
    }

    /// What one layer leads to that was not seen before.
    pub(super) fn next_layer(
        &self,
        layer: &[u32],
        towards: Towards,
        seen: &mut NodeSet,
        meter: &mut Meter<'_>,
        next: &mut Vec<u32>,
    ) -> Result<(), Cut> {
        let mut cursor = self.view.cursor(towards);
        for node in layer {
            meter.node()?;
            cursor.each(*node, self.filter.edges, meter, |peer| {
                if !seen.has(peer) && self.enters(peer) && seen.insert(peer) {
                    next.push(peer);
                }
            })?;
        }
        Ok(())
    }
}
