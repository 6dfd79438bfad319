//! Reachability by depth: first what is one edge away, then two, and so on.

use super::Query;
use crate::lineage::graph::{Cursor, KindCounts, View};
use crate::lineage::seen::Seen;
use crate::lineage::stop::{Answer, Cut, Meter};
use crate::lineage::words::{NodeId, Towards};

/// Nodes by their distance in edges from where the trace started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    nodes: Vec<NodeId>,
    /// Where each layer ends.
    ends: Vec<usize>,
}

/// What most walks of a few edges find: room for it is made once, for making more takes as long as a node.
const NODES_USUAL: usize = 128;
const LAYERS_USUAL: usize = 8;

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
        let mut trace = Trace { nodes: Vec::with_capacity(NODES_USUAL), ends: Vec::with_capacity(LAYERS_USUAL) };
        let done = self.traced(nodes, towards, depth_max, &mut trace, &mut meter);
        self.answer(meter, trace, done)
    }

    fn traced(
        &self,
        nodes: &[NodeId],
        towards: Towards,
        depth_max: Option<u32>,
        trace: &mut Trace,
        meter: &mut Meter<'_>,
    ) -> Result<(), Cut> {
        let mut seen = Seen::below(self.view.node_count());
        let cursor = self.view.cursor(towards);
        trace.nodes.extend(nodes.iter().filter(|node| self.view.contains(**node) && seen.insert(node.number())));
        let mut layer = 0..trace.nodes.len();
        while !layer.is_empty() {
            trace.ends.push(layer.end);
            let is_last = depth_max.is_some_and(|depth_max| trace.ends.len() > depth_max as usize);
            for at in layer.clone() {
                let Some(node) = trace.nodes.get(at).copied() else { break };
                let mut is_more = false;
                let done = self.onward(node.number(), &cursor, &mut seen, meter, |peer| {
                    is_more = true;
                    if !is_last {
                        trace.nodes.push(NodeId::known(peer));
                    }
                });
                let done = done.and(if is_last && is_more { Err(Cut::Depth) } else { Ok(()) });
                if done.is_err() {
                    // What was found of the next layer is a part of it.
                    trace.ends.extend((trace.nodes.len() > layer.end).then_some(trace.nodes.len()));
                    return done;
                }
            }
            layer = layer.end..trace.nodes.len();
        }
        Ok(())
    }

    /// Calls with each node that a node leads to and that was not seen before.
    #[inline]
    pub(super) fn onward(
        &self,
        node: u32,
        cursor: &Cursor<'_>,
        seen: &mut Seen,
        meter: &mut Meter<'_>,
        mut call: impl FnMut(u32),
    ) -> Result<(), Cut> {
        meter.node()?;
        cursor.each_far(node, self.filter.edges, meter, |peer| {
            if seen.insert(peer) && self.enters(peer) {
                call(peer);
            }
        })
    }
}
