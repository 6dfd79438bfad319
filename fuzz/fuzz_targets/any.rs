//! The fuzzer's end of the targets that the tests replay: `DEEDBOOK_FUZZ` names one of them.
#![no_main]

#[path = "../../tests/it/fuzz_targets/mod.rs"]
mod fuzz_targets;

use fuzz_targets::TARGETS;
use std::sync::LazyLock;

static RUN: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let wanted = std::env::var("DEEDBOOK_FUZZ").unwrap_or_default();
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    let target = TARGETS.iter().find(|target| target.name == wanted);
    target.unwrap_or_else(|| panic!("DEEDBOOK_FUZZ={wanted:?} names no target; there are {names:?}")).run
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| (*RUN)(data));
