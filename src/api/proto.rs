//! The messages, clients and servers that `build.rs` generates from `proto/deedbook/v1`. Nothing here is written by
//! hand; the meaning of each field stands in the .proto files.

#![allow(missing_docs, reason = "generated; the .proto files document it")]
#![allow(clippy::all, clippy::allow_attributes_without_reason, reason = "generated")]

tonic::include_proto!("deedbook.v1");

/// The descriptors of the package, for reflection.
pub(crate) const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/deedbook.v1.bin"));
