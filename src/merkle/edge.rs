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
        let mut carry = leaf;
        let mut level_number = 0u8;
        loop {
            let index = usize::from(level_number);
            if self.levels.len() <= index {
                self.levels.push(Level::default());
            }
            let Some(level) = self.levels.get_mut(index) else { return };
            level.partial.push(carry);
            if level.partial.len() < TILE_HASHES {
                return;
            }
            let hashes = std::mem::take(&mut level.partial);
            carry = root_of_full(&hashes);
            full.push(FullTile { level: level_number, number: level.full_tiles, hashes });
            level.full_tiles = level.full_tiles.saturating_add(1);
            level_number = level_number.saturating_add(1);
        }
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
