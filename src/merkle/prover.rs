//! Proofs from tiles: inclusion, consistency and frontiers for any size up to the one that the tiles cover.

use crate::merkle::edge::root_of_full;
use crate::merkle::{TILE_HASHES, TILE_HEIGHT};
use deedbook_verify::hash::{self, Children};
use deedbook_verify::tree::{ConsistencyProof, Frontier, InclusionProof, TreeHead};
use deedbook_verify::words::{Hash, Index, TreeSize};
use std::collections::HashMap;
use std::sync::Arc;
use thiserror::Error;

/// Where the prover gets tiles.
pub trait TileSource {
    /// What goes wrong there.
    type Error;
    /// The hashes of a tile, partial ones as far as they are there; `None` if there is no such tile.
    fn tile(&self, level: u8, number: u64) -> Result<Option<Vec<Hash>>, Self::Error>;
}

/// Why there is no proof.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProverError<E> {
    /// The position or size lies beyond the tree.
    #[error("position outside the tree of {0} entries")]
    OutsideTree(TreeSize),
    /// A tile that must be there is not, or is too short.
    #[error("tile {number} of level {level} is missing or short")]
    TileMissing {
        /// Its level.
        level: u8,
        /// Its number.
        number: u64,
    },
    /// The source failed.
    #[error("{0}")]
    Source(E),
}

/// One half-open range of leaves.
#[derive(Clone, Copy)]
struct Leaves {
    from: u64,
    to: u64,
}

impl Leaves {
    fn count(self) -> u64 {
        self.to - self.from
    }

    /// Splits at the largest power of two below the count (RFC 9162, 2.1.1).
    fn split(self) -> (Leaves, Leaves) {
        let middle = self.from + self.count().next_power_of_two() / 2;
        (Leaves { from: self.from, to: middle }, Leaves { from: middle, to: self.to })
    }
}

/// A prover over one tree; it remembers the tiles of one request.
pub struct Prover<'s, S: TileSource> {
    source: &'s S,
    size: TreeSize,
    tiles: HashMap<(u8, u64), Arc<Vec<Hash>>>,
}

impl<'s, S: TileSource> Prover<'s, S> {
    /// A prover for the tree of this size, which the source must cover.
    pub fn new(source: &'s S, size: TreeSize) -> Prover<'s, S> {
        Prover { source, size, tiles: HashMap::new() }
    }

    /// Proves that a leaf is in the tree.
    pub fn inclusion(&mut self, index: Index) -> Result<InclusionProof, ProverError<S::Error>> {
        if index.0 >= self.size.0 {
            return Err(ProverError::OutsideTree(self.size));
        }
        let mut path = Vec::new();
        let mut range = Leaves { from: 0, to: self.size.0 };
        while range.count() > 1 {
            let (left, right) = range.split();
            let (next, sibling) = if index.0 < right.from { (left, right) } else { (right, left) };
            path.push(self.root_of(sibling)?);
            range = next;
        }
        path.reverse();
        Ok(InclusionProof { index, size: self.size, path })
    }

    /// What proves several leaves together: the roots of the largest subtrees that hold none of them, from left to right,
    /// as `deedbook_verify::lineage::root_of_many` takes them. `indexes` ascend, each once; there is at least one.
    pub fn inclusions(&mut self, indexes: &[Index]) -> Result<Vec<Hash>, ProverError<S::Error>> {
        if indexes.is_empty() || indexes.last().is_some_and(|last| last.0 >= self.size.0) {
            return Err(ProverError::OutsideTree(self.size));
        }
        let mut hashes = Vec::new();
        let mut ranges = vec![(Leaves { from: 0, to: self.size.0 }, indexes)];
        while let Some((range, inside)) = ranges.pop() {
            if inside.is_empty() {
                hashes.push(self.root_of(range)?);
            } else if range.count() > 1 {
                let (left, right) = range.split();
                let (below, beyond) = inside.split_at(inside.partition_point(|index| index.0 < right.from));
                ranges.extend([(right, beyond), (left, below)]);
            }
        }
        Ok(hashes)
    }

    /// Proves that this tree extends an older one (RFC 9162, 2.1.4.1).
    pub fn consistency(&mut self, old: TreeSize) -> Result<ConsistencyProof, ProverError<S::Error>> {
        if old > self.size {
            return Err(ProverError::OutsideTree(self.size));
        }
        let heads = (self.head(old)?, self.head(self.size)?);
        let mut path = Vec::new();
        if old.0 != 0 && old != self.size {
            let mut range = Leaves { from: 0, to: self.size.0 };
            let mut whole = true;
            while range.to != old.0 {
                let (left, right) = range.split();
                if old.0 <= left.to {
                    path.push(self.root_of(right)?);
                    range = left;
                } else {
                    path.push(self.root_of(left)?);
                    range = right;
                    whole = false;
                }
            }
            if !whole {
                path.push(self.root_of(range)?);
            }
            path.reverse();
        }
        Ok(ConsistencyProof { old: heads.0, new: heads.1, path })
    }

    /// Size and root of a prefix of the tree.
    pub fn head(&mut self, size: TreeSize) -> Result<TreeHead, ProverError<S::Error>> {
        Ok(self.frontier(size)?.head())
    }

    /// The roots from which a verifier can go on appending.
    pub fn frontier(&mut self, size: TreeSize) -> Result<Frontier, ProverError<S::Error>> {
        if size > self.size {
            return Err(ProverError::OutsideTree(self.size));
        }
        let (mut roots, mut from) = (Vec::new(), 0);
        for bit in (0..u64::BITS).rev().filter(|bit| size.0 >> bit & 1 == 1) {
            let to = from + (1 << bit);
            roots.push(self.root_of(Leaves { from, to })?);
            from = to;
        }
        Frontier::from_parts(size, roots).map_err(|_| ProverError::OutsideTree(self.size))
    }

    fn root_of(&mut self, range: Leaves) -> Result<Hash, ProverError<S::Error>> {
        if range.count() == 0 {
            return Ok(hash::empty_root());
        }
        if range.count().is_power_of_two() {
            return self.perfect(range);
        }
        let (left, right) = range.split();
        let (left, right) = (self.root_of(left)?, self.root_of(right)?);
        Ok(hash::node(Children { left: &left, right: &right }))
    }

    /// The root of an aligned range of 2^h leaves: a run of 2^(h mod 8) hashes in a tile of level h / 8.
    fn perfect(&mut self, range: Leaves) -> Result<Hash, ProverError<S::Error>> {
        let height = range.count().trailing_zeros();
        let level = u8::try_from(height / TILE_HEIGHT).map_err(|_| ProverError::OutsideTree(self.size))?;
        let first = range.from >> (u32::from(level) * TILE_HEIGHT);
        let number = first / TILE_HASHES as u64;
        let start = usize::try_from(first % TILE_HASHES as u64).map_err(|_| ProverError::OutsideTree(self.size))?;
        let tile = self.tile(level, number)?;
        let run = tile.get(start..start + (1 << (height % TILE_HEIGHT)));
        run.map(root_of_full).ok_or(ProverError::TileMissing { level, number })
    }

    fn tile(&mut self, level: u8, number: u64) -> Result<Arc<Vec<Hash>>, ProverError<S::Error>> {
        if let Some(tile) = self.tiles.get(&(level, number)) {
            return Ok(Arc::clone(tile));
        }
        let hashes = self.source.tile(level, number).map_err(ProverError::Source)?;
        let tile = Arc::new(hashes.ok_or(ProverError::TileMissing { level, number })?);
        self.tiles.insert((level, number), Arc::clone(&tile));
        Ok(tile)
    }
}

/// The path of one leaf among few, all in memory: a frame's facts.
pub fn path_of(leaves: &[Hash], index: usize) -> Vec<Hash> {
    let (mut path, mut rest, mut at) = (Vec::new(), leaves, index);
    while rest.len() > 1 {
        let (left, right) = rest.split_at(rest.len().next_power_of_two() / 2);
        let in_left = at < left.len();
        path.push(deedbook_verify::tree::root_of((if in_left { right } else { left }).iter().copied()));
        at = if in_left { at } else { at - left.len() };
        rest = if in_left { left } else { right };
    }
    path.reverse();
    path
}
