//! The one integration test binary. Each further file directly under `tests/` would link RocksDB once more, so new
//! tests are modules of this one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unreachable,
    reason = "a test says what is wrong by failing; its helpers are no `#[test]` functions, which clippy.toml covers"
)]

#[allow(dead_code, reason = "the verifier's tests use all of it")]
#[path = "../../crates/verify/tests/it/encode.rs"]
mod encode;
#[allow(dead_code, reason = "the verifier's tests use all of it")]
#[path = "../../crates/verify/tests/it/governed.rs"]
mod governed;
#[allow(dead_code, reason = "the verifier's tests use all of it")]
#[path = "../../crates/verify/tests/it/ledger.rs"]
mod ledger;
#[allow(dead_code, reason = "the verifier's tests use all of it")]
#[path = "../../crates/verify/tests/it/maker.rs"]
mod maker;
#[allow(dead_code, reason = "the verifier's tests use all of it")]
#[path = "../../crates/verify/tests/it/naive_tree.rs"]
mod naive_tree;
#[allow(dead_code, reason = "the verifier's tests use all of it")]
#[path = "../../crates/verify/tests/it/package_maker.rs"]
mod package_maker;
#[allow(dead_code, reason = "the verifier's tests use all of it")]
#[path = "../../crates/verify/tests/it/quarter.rs"]
mod quarter;
#[allow(dead_code, reason = "the verifier's tests use all of it")]
#[path = "../../crates/verify/tests/it/world.rs"]
mod world;

mod action_endings;
mod append_command;
mod approval_story;
mod approvals;
mod approvals_server;
mod audit_actions;
mod audit_subscriptions;
mod concurrency;
mod demo;
mod dev_stage;
mod disk_full;
mod erasure;
mod policies;
mod policy_command;
mod policy_past;
mod erasure_faults;
mod controls_creep;
mod evidence_runs;
mod export;
mod export_paper;
mod export_custody;
mod export_lacks;
mod exchange;
mod keeping;
mod oversight;
mod custody;
mod consume;
mod consume_model;
mod field_failures;
mod kill;
mod lineage_asked;
mod lineage_command;
mod lineage_exchange;
mod lineage_draw;
mod lineage_passes;
mod lineage_rows;
mod lineage_fold;
mod lineage_names;
mod lineage_openlineage;
mod openlineage_http;
mod lineage_prov;
mod lineage_proof;
mod rules;
mod spine;
mod stranger;
mod streams;
mod subscribe;
mod subscribe_stalled;
mod tiles;
mod tile_paths;
mod tile_oracles;
mod subscription_command;
mod support;
mod tidy;
mod format_doc;
mod promises;
mod readme;
mod support_example;
mod damage;
mod anchors;
mod audit_package;
mod audit_rows;
mod audit_kept;
mod audit_signatures;
mod fault_matrix;
mod fuzz_targets;
mod governed_ledger;
mod fuzz_corpus;
#[cfg(feature = "plant")]
#[path = "../../crates/verify/tests/it/plant_driver.rs"]
mod plant_driver;
mod planted_quarter;
mod plants;
mod power;
mod prover;
mod recovery;
mod recovery_model;
mod recovery_run;
mod store_conformance;
mod store_purge;
mod support_memory;
mod syscalls;
mod two_owners;
mod wire;
mod witness;
mod witnessed;
mod witness_programs;
mod second_administrator;
mod break_glass;
mod second_folder;
