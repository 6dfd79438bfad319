//! The folds of approvals as an outsider sees them: commands, time and restarts in, events and refusals out. No ledger
//! and no policy engine here; what the folds make of a real log is tested with the ledger.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "each invariant asks for one kind of line; a new kind concerns those that ask for it"
)]

mod desk;
mod edge_cases;
mod interleavings;
mod invariants;
mod model;
mod people;
mod presentation;
mod quorum;
mod rows;
