//! What entries add to the graph, in the order in which they add it.

use super::key::NodeKey;
use super::known::{Carry, Known, Link, LinkKey, Trace};
use super::links::Links;
use crate::lineage::words::{Edge, Gate, NodeId};
use deedbook_verify::words::{Index, SubjectId};

/// What one or more entries added. Nodes stand in the order of their numbers, edges and gates in that of the log; an
/// edge stands behind the nodes that it joins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delta {
    /// Nodes that were named for the first time.
    pub nodes: Vec<NewNode>,
    /// Edges.
    pub edges: Vec<NewEdge>,
    /// What became known about approvals.
    pub gates: Vec<NewGate>,
}

/// A node that was named for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewNode {
    /// Its number: one more than that of the node before it.
    pub id: NodeId,
    /// Its key.
    pub key: NodeKey,
    /// The entry that named it.
    pub index: Index,
}

/// An edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewEdge {
    /// The edge.
    pub edge: Edge,
    /// Whether the version that was read is the latest that was known, because none was named.
    pub inferred: bool,
}

/// What is known about the approval of a run, or of an approval, from an entry on. It takes the place of what was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewGate {
    /// The run or approval.
    pub node: NodeId,
    /// All that is known now.
    pub gate: Gate,
    /// The entry from which on it holds.
    pub index: Index,
}

impl Delta {
    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.edges.is_empty() && self.gates.is_empty()
    }

    /// Without what stands before an entry.
    pub fn behind(mut self, from: Index) -> Delta {
        self.nodes.drain(..self.nodes.partition_point(|new| new.index < from));
        self.edges.drain(..self.edges.partition_point(|new| new.edge.index < from));
        self.gates.drain(..self.gates.partition_point(|new| new.index < from));
        self
    }

    /// Forgets everything, and keeps the room.
    pub fn clear(&mut self) {
        self.nodes.clear();
        self.edges.clear();
        self.gates.clear();
    }
}

/// What the fold holds and rows do not yet, each list ascending by its key, so that the same entries give the same rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// How many nodes there are.
    pub nodes_count: u32,
    /// What carries over to the next entry.
    pub carry: Carry,
    /// Nodes that are new or changed.
    pub nodes: Vec<(NodeKey, Known)>,
    /// The first links of what is new or changed.
    pub links: Vec<(NodeId, Links)>,
    /// Links beyond those that are new.
    pub far: Vec<(LinkKey, Link)>,
    /// Traces that are new or changed.
    pub traces: Vec<(SubjectId, Trace)>,
}
