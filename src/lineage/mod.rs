//! What led to what: a graph folded from the log. Pure, like the folds of approvals: no IO, no clock, so that the server,
//! the auditor's replay and the tests run the same code.
//!
//! Nodes are numbered in the order in which the log first names them, and edges are stored cause → effect with the index
//! that made them, so nearly every edge runs from a lower number to a higher one: the graph as of a position is a prefix,
//! and the heavy queries are single passes. A pass that meets one of the few that do not takes the general way.

mod words;
pub mod fold;
pub mod openlineage;
pub mod prov;
mod names;
mod bits;
mod seen;
mod stop;
mod graph;
mod visit;
mod pass;
pub mod draw;

use deedbook_verify::lineage as kinds;

pub use bits::NodeSet;
pub use graph::{Edges, Graph, GraphError, KindCounts, Merge, Merged, View};
pub use kinds::{EdgeKind, NodeKind};
pub use names::{NodeName, names_in};
pub use pass::{
    ChokePoint, Contamination, Coverage, CoverageChange, Covered, CutBy, Diff, Dominators, Fewest, Filter, GateChange,
    Path, PathCount, Query, Sources, Step, Trace,
};
pub use stop::{Answer, Bounds, Cut, Halt, Stop};
pub use visit::{AllEdges, EdgeReference, EdgeReferences, Neighbors};
pub use words::{Edge, EdgeKinds, Gate, GateRule, NodeId, NodeKinds, Towards};
