//! Inclusion, consistency and frontiers against the naive oracle at every size up to 130, against `ct-merkle`, and
//! against vectors that others published.

use crate::naive_tree::{self as oracle, H, byte_leaves, hex, unhex};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use deedbook_verify::tree::{ConsistencyProof, Frontier, InclusionProof, TreeHead, root_of};
use deedbook_verify::words::{Hash, Index, TreeSize};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

pub const SIZE_MAX: usize = 130;

pub fn hashes(path: &[H]) -> Vec<Hash> {
    path.iter().map(|hash| Hash(*hash)).collect()
}

pub fn head(leaves: &[H]) -> TreeHead {
    TreeHead { size: TreeSize(leaves.len() as u64), root: Hash(oracle::root(leaves)) }
}

pub fn inclusion(index: usize, leaves: &[H]) -> InclusionProof {
    let (index, size) = (Index(index as u64), TreeSize(leaves.len() as u64));
    InclusionProof { index, size, path: hashes(&oracle::path(usize::try_from(index.0).unwrap(), leaves)) }
}

pub fn consistency(old: usize, leaves: &[H]) -> ConsistencyProof {
    ConsistencyProof { old: head(&leaves[..old]), new: head(leaves), path: hashes(&oracle::consistency(old, leaves)) }
}

/// `ct-merkle`'s tree over the same leaf inputs.
fn published(n: usize) -> MemoryBackedTree<Sha256, Vec<u8>> {
    let mut tree = MemoryBackedTree::new();
    (0..n).for_each(|i| tree.push(vec![u8::try_from(i).unwrap()]));
    tree
}

fn flat(path: &[Hash]) -> Vec<u8> {
    path.iter().flat_map(|hash| hash.0).collect()
}

#[test]
fn every_inclusion_proof_of_every_size_holds() {
    let all = byte_leaves(SIZE_MAX);
    for size in 0..=SIZE_MAX {
        let leaves = &all[..size];
        let (root, theirs) = (head(leaves).root, published(size));
        assert_eq!(theirs.root().as_bytes().as_slice(), root.0, "root of {size}");
        for index in 0..size {
            let proof = inclusion(index, leaves);
            assert_eq!(proof.verify(&Hash(leaves[index]), &root), Ok(()), "{index} of {size}");
            assert_eq!(theirs.prove_inclusion(index).as_bytes(), flat(&proof.path), "{index} of {size}");
        }
    }
}

#[test]
fn every_consistency_proof_of_every_pair_holds() {
    let all = byte_leaves(SIZE_MAX);
    for new in 0..=SIZE_MAX {
        let theirs = published(new);
        for old in 0..=new {
            let proof = consistency(old, &all[..new]);
            assert_eq!(proof.verify(), Ok(()), "{old} to {new}");
            if old > 0 && old < new {
                assert_eq!(theirs.prove_consistency(new - old).as_bytes(), flat(&proof.path), "{old} to {new}");
            }
        }
    }
}

#[test]
fn frontiers_fold_to_the_roots_of_every_interval() {
    let all = byte_leaves(SIZE_MAX);
    let mut grown = Frontier::new();
    for start in 0..=SIZE_MAX {
        assert_eq!(grown.head(), head(&all[..start]), "{start}");
        assert_eq!(root_of(hashes(&all[..start])), Hash(oracle::root(&all[..start])));
        let mut resumed = Frontier::from_parts(grown.size(), grown.roots().to_vec()).unwrap();
        assert_eq!(resumed, grown);
        for end in start..SIZE_MAX {
            resumed.push(Hash(all[end]));
            assert_eq!(resumed.head(), head(&all[..=end]), "{start}..{end}");
        }
        if start < SIZE_MAX {
            grown.push(Hash(all[start]));
        }
    }
}

/// transparency-dev/merkle, testonly/constants.go: leaf inputs, and the root of each size from 0.
const LEAF_INPUTS: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

#[test]
fn roots_are_those_of_transparency_dev() {
    let leaves: Vec<Hash> = LEAF_INPUTS.iter().map(|input| deedbook_verify::hash::leaf(&unhex(input))).collect();
    for (size, root) in ROOTS.iter().enumerate() {
        assert_eq!(root_of(leaves[..size].iter().copied()).to_string(), *root, "size {size}");
    }
    let c2sp = deedbook_verify::note::encode_base64(&deedbook_verify::hash::empty_root().0);
    assert_eq!(c2sp, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

/// draft-ietf-plants-merkle-tree-certs, appendix C.1: one SHA-256 over a text line for every valid input.
fn accumulated(mut each: impl FnMut(&mut dyn FnMut(String, &[H]))) -> String {
    let mut hasher = Sha256::new();
    each(&mut |line, path| {
        hasher.update(path.iter().fold(line, |line, hash| format!("{line} {}", hex(hash))) + "\n");
    });
    hex(&hasher.finalize())
}

#[test]
fn accumulated_vectors_of_the_mtc_draft() {
    let all = byte_leaves(SIZE_MAX);
    let subtrees = |end: usize| (0..=end).filter(move |&start| oracle::is_subtree(start, end)).map(move |s| (s, end));
    let hashes_of = accumulated(|add| {
        for (start, end) in (0..=SIZE_MAX).flat_map(subtrees) {
            let root = root_of(hashes(&all[start..end]));
            add(format!("[{start}, {end})"), &[root.0]);
        }
    });
    assert_eq!(hashes_of, "b82806ad4265bb151c1119c0f4db437bb4d1a1f887b3a7fba1cd4ebf552e3e81");
    let inclusions = accumulated(|add| {
        for (start, end) in (0..=SIZE_MAX).flat_map(subtrees) {
            let (leaves, root) = (&all[start..end], Hash(oracle::root(&all[start..end])));
            for (offset, leaf) in leaves.iter().enumerate() {
                let (index, proof) = (start + offset, inclusion(offset, leaves));
                assert_eq!(proof.verify(&Hash(*leaf), &root), Ok(()));
                add(format!("{index} [{start}, {end})"), &proof.path.iter().map(|hash| hash.0).collect::<Vec<_>>());
            }
        }
    });
    assert_eq!(inclusions, "ac2a8f989e44d99e399db448050ff5f19757df53cfb716aa81015d3955d8163f");
    let consistencies = accumulated(|add| {
        for n in 0..=SIZE_MAX {
            for (start, end) in (0..=n).flat_map(subtrees) {
                let empty = start == end;
                let path = if empty { Vec::new() } else { oracle::subtree_proof(start, end, &all[..n], true) };
                add(format!("[{start}, {end}) {n}"), &path);
                if start == 0 {
                    let proof = ConsistencyProof { old: head(&all[..end]), new: head(&all[..n]), path: hashes(&path) };
                    assert_eq!(proof.verify(), Ok(()), "{end} to {n}");
                }
            }
        }
    });
    assert_eq!(consistencies, "10fa99b37bf9bf9ffa26b412fbd98bd75363256d0b75d61bc4538b9c9c5a0a74");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_trees_agree_with_the_oracle(seed in any::<[u8; 32]>(), size in 1_usize..600, at in any::<(u32, u32)>()) {
        let leaves: Vec<H> = (0..size).map(|i| oracle::sha256(&[&seed, &i.to_be_bytes()])).collect();
        let (index, old) = (at.0 as usize % size, at.1 as usize % (size + 1));
        let proof = inclusion(index, &leaves);
        prop_assert_eq!(proof.verify(&Hash(leaves[index]), &head(&leaves).root), Ok(()));
        prop_assert!(proof.verify(&Hash(seed), &head(&leaves).root).is_err());
        prop_assert_eq!(consistency(old, &leaves).verify(), Ok(()));
        let frontier = root_of(hashes(&leaves));
        prop_assert_eq!(frontier, Hash(oracle::root(&leaves)));
    }

    #[test]
    fn random_paths_prove_nothing(path in prop::collection::vec(any::<[u8; 32]>(), 0..70), index: u64, size: u64) {
        let leaf = Hash([7; 32]);
        let proof = InclusionProof { index: Index(index), size: TreeSize(size), path: hashes(&path) };
        prop_assert!(size == 1 || proof.verify(&leaf, &leaf).is_err());
        let old = TreeHead { size: TreeSize(index), root: leaf };
        let new = TreeHead { size: TreeSize(size), root: Hash([8; 32]) };
        let proof = ConsistencyProof { old, new, path: hashes(&path) };
        prop_assert!(index == 0 || proof.verify().is_err());
    }
}
