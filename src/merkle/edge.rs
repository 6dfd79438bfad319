//! The growing right edge of the tree: the hashes of each level's last, partial tile. Full tiles leave it for the
//! store in the commit that fills them; what stays is at most 255 hashes a level and is derived again at opening.

use crate::merkle::TILE_HASHES;
use deedbook_verify::hash::{self, Children};
use deedbook_verify::words::Hash;

/// A tile that will never change again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullTile {
    /// Tile level; 0 holds leaf hashes.
    pub level: u8,
    /// Its number within the level.
    pub number: u64,
    /// 256 hashes.
    pub hashes: Vec<Hash>,
}

#[derive(Clone, Debug, Default)]
struct Level {
    full_tiles: u64,
    partial: Vec<Hash>,
}

/// Partial tiles of all levels.
#[derive(Clone, Debug, Default)]
pub struct Edge {
    levels: Vec<Level>,
}

impl Edge {
    /// The edge of the empty tree.
    pub fn new() -> Edge {
        Edge::default()
    }

    /// Appends a leaf hash; tiles that became full are handed to `full`.
    pub fn push(&mut self, leaf: Hash, full: &mut Vec<FullTile>) {
        let (mut carry, mut level) = (leaf, 0u8);
        while let Some(tile) = self.place(level, carry) {
            carry = root_of_full(&tile.hashes);
            full.push(tile);
            level = level.saturating_add(1);
        }
    }

    /// Appends a hash to one level alone, and returns the tile that it makes full. The caller has computed that tile's
    /// root, and appends it to the level above.
    pub fn place(&mut self, level: u8, hash: Hash) -> Option<FullTile> {
        let index = usize::from(level);
        if self.levels.len() <= index {
            self.levels.resize_with(index.saturating_add(1), Level::default);
        }
        let Level { full_tiles, partial } = self.levels.get_mut(index)?;
        partial.push(hash);
        if partial.len() < TILE_HASHES {
            return None;
        }
        let tile = FullTile { level, number: *full_tiles, hashes: std::mem::take(partial) };
        *full_tiles = full_tiles.saturating_add(1);
        Some(tile)
    }

    /// The hashes of a partial tile, if this edge holds that tile.
    pub fn partial(&self, level: u8, number: u64) -> Option<&[Hash]> {
        let level = self.levels.get(usize::from(level))?;
        (level.full_tiles == number).then_some(level.partial.as_slice())
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        let Some(leaves) = self.levels.first() else { return 0 };
        let partial = u64::try_from(leaves.partial.len()).unwrap_or(u64::MAX);
        leaves.full_tiles.saturating_mul(TILE_HASHES as u64).saturating_add(partial)
    }

    /// Sets a level from stored tiles; used at opening, lowest level first.
    pub fn restore_level(&mut self, full_tiles: u64, partial: Vec<Hash>) {
        self.levels.push(Level { full_tiles, partial });
    }
}

/// The root over a power-of-two number of hashes.
pub fn root_of_full(hashes: &[Hash]) -> Hash {
    let mut layer = hashes.to_vec();
    while layer.len() > 1 {
        layer = layer
            .chunks_exact(2)
            .filter_map(|pair| match pair {
                [left, right] => Some(hash::node(Children { left, right })),
                _ => None,
            })
            .collect();
    }
    layer.first().copied().unwrap_or_else(hash::empty_root)
}
