//! What led to what: a graph folded from the log. Pure, like the folds of approvals: no IO, no clock, so that the server,
//! the auditor's replay and the tests run the same code.
//!
//! Nodes are numbered in the order in which the log first names them, and edges are stored cause → effect with the index
//! that made them, so nearly every edge runs from a lower number to a higher one: the graph as of a position is a prefix,
//! and the heavy queries are single passes. The few that do not are kept apart.

mod kinds;
pub mod draw;

pub use kinds::{EdgeKind, NodeKind};
