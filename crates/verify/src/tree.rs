//! Merkle proofs of RFC 9162: inclusion (2.1.3.2), consistency (2.1.4.2), and frontiers, which prove intervals.

use crate::hash::{self, Children};
use crate::limits;
use crate::plant::Bug;
use crate::words::{Hash, Index, TreeSize};
use std::fmt;

/// A tree's state: its size and root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// Number of leaves.
    pub size: TreeSize,
    /// RFC 6962 root.
    pub root: Hash,
}

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofRefusal {
    /// The index is not below the tree size, or the older size is above the newer.
    OutsideTree,
    /// The path has another length than these positions need.
    PathLength,
    /// The hashes lead to another root.
    RootDiffers,
    /// The sizes are equal and the roots are not, or an empty tree has a root that is not the empty one.
    HeadDiffers,
}

impl fmt::Display for ProofRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProofRefusal::OutsideTree => "the position lies outside the tree",
            ProofRefusal::PathLength => "the path has the wrong number of hashes",
            ProofRefusal::RootDiffers => "the path leads to another root",
            ProofRefusal::HeadDiffers => "two tree heads of one size differ",
        })
    }
}

impl std::error::Error for ProofRefusal {}

fn join(left: &Hash, right: &Hash) -> Hash {
    hash::node(Children { left, right })
}

/// An inclusion proof: sibling hashes from the leaf up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// The leaf's position.
    pub index: Index,
    /// The tree it is in.
    pub size: TreeSize,
    /// Sibling of the leaf first, child of the root last.
    pub path: Vec<Hash>,
}

impl InclusionProof {
    /// The root that this proof gives to a leaf.
    pub fn root(&self, leaf: &Hash) -> Result<Hash, ProofRefusal> {
        if self.index.0 >= self.size.0 {
            return Err(ProofRefusal::OutsideTree);
        }
        let (mut low, mut high) = (self.index.0, self.size.0 - 1);
        let mut root = *leaf;
        for sibling in &self.path {
            if high == 0 {
                return Err(ProofRefusal::PathLength);
            }
            if low & 1 == 1 || low == high {
                root = join(sibling, &root);
                while low & 1 == 0 && low != 0 {
                    low >>= 1;
                    high >>= 1;
                }
            } else {
                root = join(&root, sibling);
            }
            low >>= 1;
            high >>= 1;
        }
        if high == 0 || Bug::TreeSizeIgnored.planted() { Ok(root) } else { Err(ProofRefusal::PathLength) }
    }

    /// Whether the leaf is in the tree with this root.
    pub fn verify(&self, leaf: &Hash, root: &Hash) -> Result<(), ProofRefusal> {
        if self.root(leaf)? == *root { Ok(()) } else { Err(ProofRefusal::RootDiffers) }
    }
}

/// A consistency proof between two heads of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// The earlier head.
    pub old: TreeHead,
    /// The later head.
    pub new: TreeHead,
    /// RFC 9162 proof hashes; empty when the sizes are equal or the earlier tree is empty.
    pub path: Vec<Hash>,
}

impl ConsistencyProof {
    /// Whether the later tree extends the earlier one.
    pub fn verify(&self) -> Result<(), ProofRefusal> {
        let (old, new) = (self.old, self.new);
        if old.size > new.size {
            return Err(ProofRefusal::OutsideTree);
        }
        if old.size.0 == 0 && old.root != hash::empty_root() {
            return Err(ProofRefusal::HeadDiffers);
        }
        if old.size == new.size && old.root != new.root {
            return Err(ProofRefusal::HeadDiffers);
        }
        if old.size == new.size || old.size.0 == 0 {
            return if self.path.is_empty() { Ok(()) } else { Err(ProofRefusal::PathLength) };
        }
        self.verify_proper()
    }

    /// RFC 9162, 2.1.4.2, for 0 < old < new.
    fn verify_proper(&self) -> Result<(), ProofRefusal> {
        let mut hashes = self.path.iter();
        let seed = if self.old.size.0.is_power_of_two() {
            self.old.root
        } else {
            *hashes.next().ok_or(ProofRefusal::PathLength)?
        };
        let (mut low, mut high) = (self.old.size.0 - 1, self.new.size.0 - 1);
        while low & 1 == 1 {
            low >>= 1;
            high >>= 1;
        }
        let (mut old_root, mut new_root) = (seed, seed);
        for sibling in hashes {
            if high == 0 {
                return Err(ProofRefusal::PathLength);
            }
            if low & 1 == 1 || low == high {
                old_root = join(sibling, &old_root);
                new_root = join(sibling, &new_root);
                while low & 1 == 0 && low != 0 {
                    low >>= 1;
                    high >>= 1;
                }
            } else {
                new_root = join(&new_root, sibling);
            }
            low >>= 1;
            high >>= 1;
        }
        if high != 0 {
            return Err(ProofRefusal::PathLength);
        }
        if old_root == self.old.root && new_root == self.new.root { Ok(()) } else { Err(ProofRefusal::RootDiffers) }
    }
}

/// The roots of the maximal complete subtrees of a tree, largest first: all that is needed to append to it.
/// An interval proof is a frontier that folds to the start head, every entry of the interval, and the end head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    roots: Vec<Hash>,
}

impl Default for Frontier {
    fn default() -> Frontier {
        Frontier::new()
    }
}

impl Frontier {
    /// The frontier of the empty tree.
    pub fn new() -> Frontier {
        Frontier { size: 0, roots: Vec::new() }
    }

    /// A frontier as stored or received; there must be one root for each bit that is set in the size.
    pub fn from_parts(size: TreeSize, roots: Vec<Hash>) -> Result<Frontier, ProofRefusal> {
        if usize::try_from(size.0.count_ones()) == Ok(roots.len()) && roots.len() <= limits::PATH_HASHES_MAX {
            Ok(Frontier { size: size.0, roots })
        } else {
            Err(ProofRefusal::PathLength)
        }
    }

    /// Number of leaves so far.
    pub fn size(&self) -> TreeSize {
        TreeSize(self.size)
    }

    /// The subtree roots, largest first.
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// Appends a leaf hash.
    pub fn push(&mut self, leaf: Hash) {
        self.push_noting(leaf, |_, _| ());
    }

    /// The same, and says the root of each larger subtree that the leaf completes: of 2^height leaves, lowest first.
    pub fn push_noting(&mut self, leaf: Hash, mut completed: impl FnMut(u32, &Hash)) {
        let mut node = leaf;
        for height in 1..=self.size.trailing_ones() {
            match self.roots.pop() {
                Some(sibling) => node = join(&sibling, &node),
                None => break,
            }
            completed(height, &node);
        }
        self.roots.push(node);
        self.size = self.size.saturating_add(1);
    }

    /// The root of the tree so far.
    pub fn root(&self) -> Hash {
        let mut roots = self.roots.iter().rev();
        match roots.next() {
            None => hash::empty_root(),
            Some(smallest) => roots.fold(*smallest, |right, root| join(root, &right)),
        }
    }

    /// Size and root together.
    pub fn head(&self) -> TreeHead {
        TreeHead { size: self.size(), root: self.root() }
    }
}

/// The RFC 6962 root over leaf hashes; a frame's root over its facts.
pub fn root_of(leaves: impl IntoIterator<Item = Hash>) -> Hash {
    let mut frontier = Frontier::new();
    leaves.into_iter().for_each(|leaf| frontier.push(leaf));
    frontier.root()
}
