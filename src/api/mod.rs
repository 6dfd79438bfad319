//! gRPC `deedbook.v1`, both sides: the services that producers, auditors and operators call, and the client that the
//! command line uses. Protobuf is transport only: no byte that is signed or hashed is made here.

pub mod proto;

mod annotate;
mod append;
mod chunk;
mod client;
mod convert;
pub mod echo;
mod incoming;
mod key_service;
mod ledger_service;
mod list;
mod order;
mod proof_service;
mod range;
mod reason;
mod server;
mod settle;
mod shared;
mod status;
mod stream;
#[cfg(test)]
mod tests;
mod token;

pub use chunk::cost as frame_cost;
pub(crate) use client::channel;
pub use client::{ClientError, Clients, connect};
pub use convert::to_frame;
pub use key_service::{REQUEST_TYPE, ref_key_request};
pub use reason::ERROR_DOMAIN;
pub use server::{GrpcServer, ServerError};
