//! gRPC `deedbook.v1`, both sides: the services that producers, auditors and operators call, and the client that the
//! command line uses. Protobuf is transport only: no byte that is signed or hashed is made here.

pub mod proto;

mod convert;
mod reason;
mod status;
mod annotate;
mod shared;
mod action;
mod append;
mod signed;
mod order;
mod chunk;
mod settle;
mod stream;
mod token;
mod list;
mod range;
mod subscribe;
mod session;
mod consume;
mod subscriptions;
mod ledger_service;
mod proof_service;
mod key_service;
mod subscription_service;
mod erasure_service;
mod lineage_parts;
mod lineage;
mod lineage_pages;
mod lineage_between;
mod lineage_proof;
mod lineage_service;
mod recorded;
mod controls;
mod evidence_service;
mod policy_service;
mod inbox;
mod wait;
mod approval_service;
mod principal_service;
mod corked;
mod incoming;
mod dial;
mod server;
mod client;
pub mod echo;
#[cfg(test)]
mod tests;

pub use chunk::cost as frame_cost;
pub use client::{ClientError, Clients, connect};
pub(crate) use client::{channel, receive};
pub use controls::run_request;
pub use convert::to_frame;
pub use key_service::ref_key_request;
pub use reason::ERROR_DOMAIN;
pub use recorded::{export_request, read_request};
pub use server::{GrpcServer, ServerError};
pub use signed::REQUEST_TYPE;
