//! Deedbook: a signed, provable register of what AI agents did, to which data, and under whose approval.
//!
//! The modules stand in reading order, each importing only from those above it; ARCHITECTURE.md draws the map and
//! `tests/it/tidy.rs` enforces it. What an auditor trusts is not here but in the crate `deedbook_verify`.

pub mod limits;
pub mod plant;
pub mod clock;
pub mod domain;
pub mod record;
pub mod store;
pub mod approvals;
pub mod lineage;
pub mod merkle;
pub mod witness;
pub mod policy;
pub mod ledger;
pub mod evidence;
pub mod audit;
pub mod cosign;
pub mod api;
pub mod http;
pub mod app;
pub mod cli;
