//! The promise of `merkle`: whatever the size, every proof from tiles is the one that RFC 6962 defines, every root is
//! the frontier's, and proofs convince both `deedbook_verify` and the published crate `ct-merkle`.

use crate::support::{Rng, scaled};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use deedbook::merkle::{Edge, FullTile, Prover, ProverError, TILE_HASHES, TileSource, path_of};
use deedbook_verify::hash;
use deedbook_verify::tree::{Frontier, InclusionProof};
use deedbook_verify::words::{Hash, Index, TreeSize};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::convert::Infallible;

/// RFC 6962 section 2.1 word by word, over its own hashing. Roots of large ranges are remembered; nothing else is.
pub struct Oracle {
    pub leaves: Vec<[u8; 32]>,
    roots: HashMap<(usize, usize), [u8; 32]>,
}

pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// The largest power of two smaller than `n`, for `n` > 1.
fn split(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

impl Oracle {
    fn new(count: u64) -> Oracle {
        let leaves = (0..count).map(|index| sha256(&[&[0], &index.to_be_bytes()])).collect();
        Oracle::of(leaves)
    }

    /// More leaves may be pushed at any time.
    pub fn of(leaves: Vec<[u8; 32]>) -> Oracle {
        Oracle { leaves, roots: HashMap::new() }
    }

    /// MTH of a range.
    pub fn root(&mut self, from: usize, to: usize) -> [u8; 32] {
        match to - from {
            0 => sha256(&[]),
            1 => self.leaves[from],
            n => {
                if let Some(root) = self.roots.get(&(from, to)) {
                    return *root;
                }
                let middle = from + split(n);
                let (left, right) = (self.root(from, middle), self.root(middle, to));
                let root = sha256(&[&[1], &left, &right]);
                self.roots.insert((from, to), root);
                root
            }
        }
    }

    /// PATH(m, D[n]).
    pub fn path(&mut self, m: usize, from: usize, to: usize) -> Vec<[u8; 32]> {
        if to - from <= 1 {
            return Vec::new();
        }
        let middle = from + split(to - from);
        let (mut path, sibling) = match m < middle {
            true => (self.path(m, from, middle), self.root(middle, to)),
            false => (self.path(m, middle, to), self.root(from, middle)),
        };
        path.push(sibling);
        path
    }

    /// SUBPROOF(m, D[n], b), positions absolute.
    pub fn subproof(&mut self, m: usize, from: usize, to: usize, known: bool) -> Vec<[u8; 32]> {
        if m == to {
            return if known { Vec::new() } else { vec![self.root(from, to)] };
        }
        let middle = from + split(to - from);
        let (mut path, sibling) = match m <= middle {
            true => (self.subproof(m, from, middle, known), self.root(middle, to)),
            false => (self.subproof(m, middle, to, false), self.root(from, middle)),
        };
        path.push(sibling);
        path
    }
}

/// Tiles as the ledger keeps them: full ones stored, partial ones in the edge.
#[derive(Default)]
struct Tiles {
    full: HashMap<(u8, u64), Vec<Hash>>,
    edge: Edge,
    frontier: Frontier,
}

impl Tiles {
    fn grow_to(&mut self, size: u64, oracle: &Oracle) {
        for index in self.edge.size()..size {
            let leaf = Hash(oracle.leaves[usize::try_from(index).unwrap()]);
            let mut full: Vec<FullTile> = Vec::new();
            self.edge.push(leaf, &mut full);
            self.frontier.push(leaf);
            for tile in full {
                assert_eq!(tile.hashes.len(), TILE_HASHES);
                assert!(self.full.insert((tile.level, tile.number), tile.hashes).is_none(), "a tile is full once");
            }
        }
    }
}

impl TileSource for Tiles {
    type Error = Infallible;

    fn tile(&self, level: u8, number: u64) -> Result<Option<Vec<Hash>>, Infallible> {
        let partial = self.edge.partial(level, number).map(<[Hash]>::to_vec);
        Ok(partial.or_else(|| self.full.get(&(level, number)).cloned()))
    }
}

fn hashes(path: Vec<[u8; 32]>) -> Vec<Hash> {
    path.into_iter().map(Hash).collect()
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap()
}

/// The tree of `size`, proved from tiles that reach at least so far.
fn check(tiles: &Tiles, oracle: &mut Oracle, size: u64, positions: &[u64]) {
    let mut prover = Prover::new(tiles, TreeSize(size));
    let root = Hash(oracle.root(0, index(size)));
    assert_eq!(prover.head(TreeSize(size)).unwrap().root, root, "root of {size}");
    for &position in positions.iter().filter(|position| **position < size) {
        let proof = prover.inclusion(Index(position)).unwrap();
        assert_eq!(proof.path, hashes(oracle.path(index(position), 0, index(size))), "path of {position} in {size}");
        proof.verify(&Hash(oracle.leaves[index(position)]), &root).unwrap();
    }
    for &old in positions.iter().filter(|old| **old <= size) {
        let proof = prover.consistency(TreeSize(old)).unwrap();
        let wanted = if old == 0 { Vec::new() } else { oracle.subproof(index(old), 0, index(size), true) };
        assert_eq!(proof.path, hashes(wanted), "from {old} to {size}");
        assert_eq!((proof.old.root, proof.new.root), (Hash(oracle.root(0, index(old))), root));
        proof.verify().unwrap();
        let mut frontier = prover.frontier(TreeSize(old)).unwrap();
        assert_eq!(frontier.head(), proof.old);
        if size - old <= 600 {
            (old..size).for_each(|leaf| frontier.push(Hash(oracle.leaves[index(leaf)])));
            assert_eq!(frontier.root(), root, "the interval from {old} to {size}");
        }
    }
    for beyond in [size, size + 1, u64::MAX] {
        assert_eq!(prover.inclusion(Index(beyond)), Err(ProverError::OutsideTree(TreeSize(size))));
    }
    assert_eq!(prover.consistency(TreeSize(size + 1)), Err(ProverError::OutsideTree(TreeSize(size))));
    assert_eq!(prover.frontier(TreeSize(size + 1)), Err(ProverError::OutsideTree(TreeSize(size))));
}

#[test]
fn every_small_tree() {
    let mut oracle = Oracle::new(70);
    let mut tiles = Tiles::default();
    let positions: Vec<u64> = (0..=70).collect();
    for size in 0..=70 {
        tiles.grow_to(size, &oracle);
        check(&tiles, &mut oracle, size, &positions);
    }
}

#[test]
fn random_sizes_across_tile_borders() {
    const LARGEST: u64 = 70_000;
    let mut rng = Rng::seeded("prover");
    let mut oracle = Oracle::new(LARGEST);
    let mut tiles = Tiles::default();
    let borders = [255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 65_792, 65_793, LARGEST];
    let mut sizes: Vec<u64> = (0..scaled(40)).map(|_| rng.below(LARGEST)).chain(borders).collect();
    sizes.sort_unstable();
    for size in sizes {
        tiles.grow_to(size, &oracle);
        assert_eq!(tiles.frontier.root(), Hash(oracle.root(0, index(size))), "the frontier at {size}");
        let near = [0, 1, size / 2, size.saturating_sub(1), size];
        let positions: Vec<u64> = (0..12).map(|_| rng.below(size + 1)).chain(near).chain(borders).collect();
        check(&tiles, &mut oracle, size, &positions);
    }
    // Trees that the tiles have outgrown are proved from the full tiles.
    for _ in 0..scaled(40) {
        let size = rng.below(LARGEST);
        let positions: Vec<u64> = (0..6).map(|_| rng.below(size + 1)).collect();
        check(&tiles, &mut oracle, size, &positions);
    }
    assert!(tiles.full.contains_key(&(1, 0)), "the first tile of level 1 is full at 65,536");
}

#[test]
fn a_missing_tile_is_named() {
    let oracle = Oracle::new(600);
    let mut tiles = Tiles::default();
    tiles.grow_to(600, &oracle);
    tiles.full.remove(&(0, 1));
    let missing = Err(ProverError::TileMissing { level: 0, number: 1 });
    assert_eq!(Prover::new(&tiles, TreeSize(600)).inclusion(Index(300)), missing);
    let short = tiles.full.get_mut(&(0, 0)).unwrap();
    short.truncate(255);
    let short = Err(ProverError::TileMissing { level: 0, number: 0 });
    assert_eq!(Prover::new(&tiles, TreeSize(600)).inclusion(Index(3)), short);
}

#[test]
fn paths_inside_a_frame() {
    let mut oracle = Oracle::new(1_024);
    for n in (1..40).chain([255, 256, 257, 1_023, 1_024]) {
        let leaves: Vec<Hash> = oracle.leaves.iter().take(n).copied().map(Hash).collect();
        for at in 0..n {
            assert_eq!(path_of(&leaves, at), hashes(oracle.path(at, 0, n)), "{at} of {n}");
        }
    }
}

#[test]
fn ct_merkle_agrees() {
    let mut rng = Rng::seeded("ct-merkle");
    let oracle = Oracle::new(1_400);
    let (mut tiles, mut theirs) = (Tiles::default(), MemoryBackedTree::<Sha256, Vec<u8>>::new());
    let sizes = [1, 2, 3, 7, 8, 255, 256, 257, 500, 1_023, 1_025, 1_400];
    for size in sizes {
        tiles.grow_to(size, &oracle);
        (theirs.len()..size).for_each(|leaf| theirs.push(leaf.to_be_bytes().to_vec()));
        let root = tiles.frontier.root();
        assert_eq!(root.0.as_slice(), theirs.root().as_bytes().as_slice(), "root of {size}");
        let mut prover = Prover::new(&tiles, TreeSize(size));
        for _ in 0..20 {
            let at = rng.below(size);
            let ours = prover.inclusion(Index(at)).unwrap();
            let bytes: Vec<u8> = ours.path.iter().flat_map(|hash| hash.0).collect();
            assert_eq!(bytes, theirs.prove_inclusion(index(at)).as_bytes(), "path of {at} in {size}");
            let proof = ct_merkle::InclusionProof::<Sha256>::try_from_bytes(bytes).unwrap();
            theirs.root().verify_inclusion(&at.to_be_bytes().to_vec(), at, &proof).unwrap();
            let old = at + 1;
            let bytes: Vec<u8> =
                prover.consistency(TreeSize(old)).unwrap().path.iter().flat_map(|hash| hash.0).collect();
            assert_eq!(bytes, theirs.prove_consistency(index(size - old)).as_bytes(), "from {old} to {size}");
        }
    }
}

#[test]
fn a_proof_of_another_leaf_proves_nothing() {
    let mut oracle = Oracle::new(300);
    let mut tiles = Tiles::default();
    tiles.grow_to(300, &oracle);
    let root = Hash(oracle.root(0, 300));
    let proof = Prover::new(&tiles, TreeSize(300)).inclusion(Index(17)).unwrap();
    for (number, leaf) in oracle.leaves.iter().enumerate() {
        assert_eq!(proof.verify(&Hash(*leaf), &root).is_ok(), number == 17);
        let moved = InclusionProof { index: Index(number as u64), ..proof.clone() };
        assert_eq!(moved.verify(&Hash(oracle.leaves[17]), &root).is_ok(), number == 17);
    }
    assert_eq!(hash::empty_root(), Hash(oracle.root(0, 0)));
}
