//! What the server promises about approvals, held against the real ledger: over gRPC and RocksDB, and over the store in
//! memory whose writes fail when they are told to. What the folds decide by themselves is `approvals`'.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a test asks for one kind of entry; a new kind concerns those that ask for it"
)]

pub mod cast;
mod deadlines;
pub mod desk;
mod failures;
pub mod fold;
mod races;
pub mod rows;
mod screen;
mod self_approval;
pub mod track;
mod waiting;
