//! The Merkle tree as tiles of 256 hashes (C2SP tlog-tiles), and the prover on top of them. Pure: tiles come from a
//! `TileSource`; what is proved is checked with `deedbook_verify`, whose types the prover returns.

mod edge;
mod address;
mod prover;

pub use address::{TileLevel, TilePath, TileSpan, TileWidth};
pub use edge::{Edge, FullTile, root_of_full};
pub use prover::{Prover, ProverError, TileSource, path_of};

/// Hashes in a full tile.
pub const TILE_HASHES: usize = 256;
/// Tree levels that one tile level spans.
pub const TILE_HEIGHT: u32 = 8;
