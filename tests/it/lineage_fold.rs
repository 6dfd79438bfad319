//! What the fold of the log into the graph promises: what each kind of entry adds; that it is the same graph from whatever
//! position it is folded on, and in whatever order statements arrive.

mod actions;
mod against_approvals;
mod documented;
pub mod graph;
mod positions;
mod statements;
mod questions;
mod versions;
