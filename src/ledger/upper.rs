//! The upper tiles that proofs lately needed, kept in memory. A proof needs one tile of each level: of the leaves there is
//! one for each 256 entries, and it is read; those above are few, never change, and are asked for again and again, and
//! each read of the store may have to wait for an index, a filter and a block.

use crate::ledger::recent::Recent;
use crate::limits::UPPER_TILES_MAX;
use deedbook_verify::words::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// By level and number.
type Tiles = Recent<(u8, u64), Arc<[Hash]>>;

/// Full tiles above the leaves, shared by all readers of a ledger.
#[derive(Clone)]
pub(super) struct UpperTiles(Arc<Mutex<Tiles>>);

impl UpperTiles {
    pub fn new() -> UpperTiles {
        UpperTiles(Arc::new(Mutex::new(Recent::new(UPPER_TILES_MAX / 2))))
    }

    /// The tile, from memory or as `read` finds it. Tiles of the leaves are read each time.
    pub fn get<E>(
        &self,
        (level, number): (u8, u64),
        read: impl FnOnce() -> Result<Option<Vec<Hash>>, E>,
    ) -> Result<Option<Vec<Hash>>, E> {
        if level == 0 {
            return read();
        }
        // Whoever held it left a map that is whole: a value goes in at once or not at all.
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tile) = known().get(&(level, number)) {
            return Ok(Some(tile.to_vec()));
        }
        let tile = read()?;
        if let Some(tile) = &tile {
            known().insert((level, number), Arc::from(tile.as_slice()));
        }
        Ok(tile)
    }
}
