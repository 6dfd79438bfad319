//! The verifier judged from outside: an encoder, a ledger and a Merkle tree written a second time, naively, straight
//! from the layout, and everything that the verifier must accept or refuse built with them. Fixed seeds throughout.
//! `UPDATE_VECTORS=1 cargo test -p deedbook-verify` rewrites the files in `tests/vectors`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests judge by panicking, and index into what they built themselves"
)]

mod encode;
mod governed;
mod governing;
#[cfg(feature = "plant")]
mod plant_driver;
mod ledger;
mod maker;
mod naive_tree;
#[cfg(feature = "package")]
mod package_maker;
#[cfg(feature = "package")]
mod quarter;
mod world;

mod approval_facts;
mod ballots;
#[cfg(feature = "package")]
mod built_in;
mod bundles;
mod copies;
mod documents;
mod cosign;
mod erasure;
mod evidence_facts;
mod fields;
mod forged;
mod glass;
mod glass_log;
mod glass_model;
mod governance;
mod imports;
mod keeping;
mod no_panic;
mod note;
mod objects;
#[cfg(feature = "package")]
mod package_behind_silence;
#[cfg(feature = "package")]
mod package_program;
#[cfg(feature = "package")]
mod package_spoiled;
#[cfg(feature = "package")]
mod packages;
#[cfg(feature = "package")]
mod planted;
#[cfg(feature = "package")]
mod planted_forged;
#[cfg(feature = "package")]
mod planted_movement;
#[cfg(feature = "package")]
mod planted_oversight;
#[cfg(feature = "package")]
mod planted_stated;
mod plants;
mod policy;
mod receipts;
mod replay;
mod seeds;
mod steps;
mod tree;
mod tree_negative;
mod vectors;
mod vectors_operator;
mod vectors_outsider;
mod witnessed;
