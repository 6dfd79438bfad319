//! The queries. Each is asked of a view, within bounds, and says what a part of its answer still means. Nodes are taken in
//! the order of the log wherever that makes one pass enough; a pass that needs the order and meets an edge against it
//! takes the general way, with the same answer.

mod spread;
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

use super::graph::View;
use super::stop::{Answer, Bounds, Cut, Meter};
use super::words::{EdgeKinds, GateRule, NodeId, NodeKinds};

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

    /// Whether every node is entered.
    fn enters_all(&self) -> bool {
        self.filter.nodes == NodeKinds::ALL
    }

    fn enters(&self, node: u32) -> bool {
        self.enters_all() || self.view.kind(NodeId::known(node)).is_some_and(|kind| self.filter.nodes.has(kind))
    }
}
