//! What producers and the ledger write: facts, frames, seals, encrypted bodies, key files. Parsing is the verifier's;
//! this module must never know storage, network or policy, because gateways are to embed it.

pub mod entropy;
pub mod keys;
mod cosigner;
pub mod facts;
pub mod frame;
pub mod seal;
pub mod body;
pub mod line;
pub mod canonical;
pub mod members;
pub mod binding;
pub mod objects;
pub mod action;
pub mod openlineage;

pub use cosigner::CosigningKey;
pub use facts::{FactsBuilder, WhyAlone};
pub use frame::{BuildError, EventBytes, FrameBytes, FrameSigner, Position};
pub use keys::{KeyFileError, SigningKey, load_public, load_ref_key, store_ref_key};
