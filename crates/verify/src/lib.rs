//! `deedbook-verify`: what an auditor reads and runs. It judges receipts, proofs, checkpoints and whole logs from
//! bytes and one verifier key. It has no server code, no signer, no async, no protobuf and no clock; it panics on no
//! input; its bounds stand in [`limits`], its tables in `docs/FORMAT.md`.

pub mod limits;
pub mod plant;
pub mod words;
pub mod calendar;
pub mod bytes;
pub mod hash;
pub mod key;
pub mod kind;
pub mod tags;
pub mod facts;
pub mod vote;
pub mod requirement;
pub mod detail;
pub mod frame;
pub mod entry;
pub mod tree;
pub mod note;
pub mod cosign;
pub mod policy;
pub mod witnessed;
pub mod authority;
pub mod principals;
pub mod vouched;
pub mod keeping;
pub mod erasure;
pub mod governance;
pub mod replay;
pub mod receipt;
pub mod verdict;
pub mod judge;
pub mod lineage;
#[cfg(feature = "package")]
pub mod package;
