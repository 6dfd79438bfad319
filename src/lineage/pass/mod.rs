//! The queries. Each is asked of a view, within bounds, and says what a part of its answer still means. Nodes are taken in
//! the order of the log wherever that makes one pass enough; a pass that needs the order and meets an edge against it
//! takes the general way, with the same answer.

mod region;
mod reach;
mod trace;
mod path;
mod paths;
mod coverage;
mod dominators;
mod choke;
mod cut;
mod diff;
mod contamination;
mod approvals;

pub use approvals::Step;
pub use choke::{ChokePoint, Dominators};
pub use contamination::Contamination;
pub use coverage::{Coverage, Covered};
pub use cut::{CutBy, Fewest};
pub use diff::{CoverageChange, Diff, GateChange};
pub use path::{Path, Sources};
pub use paths::PathCount;
pub use trace::Trace;

use super::bits::{Agenda, End};
use super::graph::View;
use super::stop::{Answer, Bounds, Cut, Meter};
use super::words::{EdgeKinds, GateRule, NodeId, NodeKinds, Towards};

/// What a query walks on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The kinds of edges that it follows.
    pub edges: EdgeKinds,
    /// The kinds of nodes that it enters. Where it begins is taken whatever it is; a query with a target begins there.
    pub nodes: NodeKinds,
}

impl Default for Filter {
    /// Along whatever data or authority flows, through everything.
    fn default() -> Filter {
        Filter { edges: EdgeKinds::FLOW, nodes: NodeKinds::ALL }
    }
}

/// A question about a view. Nodes that are not in the view lead nowhere.
#[derive(Clone, Copy)]
pub struct Query<'q> {
    /// The graph as of a position.
    pub view: &'q View,
    /// What is walked on.
    pub filter: Filter,
    /// Which gates count as approvals.
    pub rule: GateRule,
    /// How long and how far.
    pub bounds: Bounds<'q>,
}

impl<'q> Query<'q> {
    /// One along all flow, where people's approvals count.
    pub fn new(view: &'q View, bounds: Bounds<'q>) -> Query<'q> {
        Query { view, filter: Filter::default(), rule: GateRule::default(), bounds }
    }

    fn meter(&self) -> Meter<'q> {
        Meter::new(self.bounds)
    }

    fn answer<T>(&self, meter: Meter<'_>, value: T, done: Result<(), Cut>) -> Answer<T> {
        meter.answer(value, done, self.view.cut())
    }

    /// The numbers of those that are in the view.
    fn present(&self, nodes: &[NodeId]) -> Vec<u32> {
        nodes.iter().filter(|node| self.view.contains(**node)).map(|node| node.number()).collect()
    }

    #[inline]
    fn enters(&self, node: u32) -> bool {
        self.filter.nodes == NodeKinds::ALL
            || self.view.kind(NodeId::known(node)).is_some_and(|kind| self.filter.nodes.has(kind))
    }

    /// Takes nodes from the starts on, each before those that it leads to as far as edges follow the log, and tells `enter`
    /// of each edge (from where, to where) until it says no more that the node at its end is to be taken, again perhaps.
    /// Whether no edge that was followed runs against the log.
    fn spread(
        &self,
        towards: Towards,
        starts: &[u32],
        meter: &mut Meter<'_>,
        enter: impl FnMut(u32, u32) -> bool,
    ) -> (Result<(), Cut>, bool) {
        let end = match towards {
            Towards::Causes => End::Highest,
            Towards::Effects => End::Lowest,
        };
        let mut agenda = Agenda::below(self.view.node_count(), end);
        starts.iter().for_each(|start| agenda.push(*start));
        self.spread_on(towards, self.filter.edges, agenda, meter, enter)
    }

    fn spread_on(
        &self,
        towards: Towards,
        kinds: EdgeKinds,
        mut agenda: Agenda,
        meter: &mut Meter<'_>,
        mut enter: impl FnMut(u32, u32) -> bool,
    ) -> (Result<(), Cut>, bool) {
        let mut is_ordered = true;
        while let Some(node) = agenda.pop() {
            let taken = meter.node().and_then(|()| {
                self.view.each(node, towards, kinds, meter, |peer| {
                    if !self.enters(peer) {
                        return;
                    }
                    is_ordered &= match towards {
                        Towards::Causes => peer < node,
                        Towards::Effects => peer > node,
                    };
                    if enter(node, peer) {
                        agenda.push(peer);
                    }
                })
            });
            if taken.is_err() {
                return (taken, is_ordered);
            }
        }
        (Ok(()), is_ordered)
    }
}
