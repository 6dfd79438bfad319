//! What the server promises about approvals, held against the real ledger: over gRPC and RocksDB, and over the store in
//! memory whose writes fail when they are told to. What the folds decide by themselves is `approvals`'.

mod cast;
mod desk;
mod fold;
mod races;
mod self_approval;
mod track;
