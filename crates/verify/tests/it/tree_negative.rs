//! Proofs that prove nothing: every kind of proof under every named mutation, at sizes of every shape.

use crate::naive_tree::byte_leaves;
use crate::tree::{consistency, inclusion};
use deedbook_verify::tree::{ConsistencyProof, Frontier, InclusionProof, ProofRefusal};
use deedbook_verify::words::{Hash, Index, TreeSize};

const SIZES: [usize; 14] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 31, 32, 33, 130];

/// A leaf, a proof and a root.
type Claim = (Hash, InclusionProof, Hash);
type InclusionMutation = (&'static str, fn(&mut Claim));

fn flip(hash: &mut Hash) {
    hash.0[17] ^= 0x40;
}

const INCLUSION: &[InclusionMutation] = &[
    ("swapped-leaf-and-root", |(leaf, _, root)| std::mem::swap(leaf, root)),
    ("truncated-path", |(_, proof, _)| {
        let _ = proof.path.pop();
    }),
    ("first-hash-dropped", |(_, proof, _)| {
        let _ = (!proof.path.is_empty()).then(|| proof.path.remove(0));
    }),
    ("empty-path", |(_, proof, _)| proof.path.clear()),
    ("extended-path", |(_, proof, _)| proof.path.push(Hash([0; 32]))),
    ("extended-by-root", |(_, proof, root)| proof.path.push(*root)),
    ("prepended-leaf", |(leaf, proof, _)| proof.path.insert(0, *leaf)),
    ("reversed-path", |(_, proof, _)| proof.path.reverse()),
    ("index-plus-one", |(_, proof, _)| proof.index.0 += 1),
    ("index-minus-one", |(_, proof, _)| proof.index.0 = proof.index.0.wrapping_sub(1)),
    ("index-xor-high-bit", |(_, proof, _)| proof.index.0 ^= 1 << 63),
    ("index-is-size", |(_, proof, _)| proof.index = Index(proof.size.0)),
    ("size-zero", |(_, proof, _)| proof.size = TreeSize(0)),
    ("size-doubled", |(_, proof, _)| proof.size.0 *= 2),
    ("size-times-four", |(_, proof, _)| proof.size.0 *= 4),
    ("size-xor-high-bit", |(_, proof, _)| proof.size.0 ^= 1 << 63),
    ("leaf-xor", |(leaf, _, _)| flip(leaf)),
    ("root-xor", |(_, _, root)| flip(root)),
    ("root-of-empty-tree", |(_, _, root)| *root = deedbook_verify::hash::empty_root()),
    ("leaf-of-another-index", |(leaf, _, _)| *leaf = deedbook_verify::hash::leaf(b"another")),
];

#[test]
fn mutated_inclusion_proofs_are_refused() {
    let all = byte_leaves(130);
    for size in SIZES {
        for index in 0..size {
            let leaves = &all[..size];
            let root = Hash(crate::naive_tree::root(leaves));
            let claim = (Hash(leaves[index]), inclusion(index, leaves), root);
            for (name, mutate) in INCLUSION {
                let mut mutated = claim.clone();
                mutate(&mut mutated);
                let (leaf, proof, root) = &mutated;
                assert!(mutated == claim || proof.verify(leaf, root).is_err(), "{name}: {index} of {size}");
            }
            for at in 0..claim.1.path.len() {
                let mut proof = claim.1.clone();
                flip(&mut proof.path[at]);
                assert_eq!(proof.verify(&claim.0, &root), Err(ProofRefusal::RootDiffers), "xor {at}: {index}/{size}");
            }
        }
    }
}

type ConsistencyMutation = (&'static str, fn(&mut ConsistencyProof));

const CONSISTENCY: &[ConsistencyMutation] = &[
    ("swapped-roots", |proof| std::mem::swap(&mut proof.old.root, &mut proof.new.root)),
    ("swapped-heads", |proof| std::mem::swap(&mut proof.old, &mut proof.new)),
    ("truncated-path", |proof| {
        let _ = proof.path.pop();
    }),
    ("first-hash-dropped", |proof| {
        let _ = (!proof.path.is_empty()).then(|| proof.path.remove(0));
    }),
    ("empty-path", |proof| proof.path.clear()),
    ("extended-path", |proof| proof.path.push(Hash([0; 32]))),
    ("extended-by-root", |proof| proof.path.push(proof.new.root)),
    ("prepended-old-root", |proof| proof.path.insert(0, proof.old.root)),
    ("reversed-path", |proof| proof.path.reverse()),
    ("old-size-plus-one", |proof| proof.old.size.0 += 1),
    ("old-size-minus-one", |proof| proof.old.size.0 -= 1),
    ("old-size-beyond-new", |proof| proof.old.size.0 = proof.new.size.0 + 1),
    ("old-size-xor-high-bit", |proof| proof.old.size.0 ^= 1 << 63),
    ("new-size-doubled", |proof| proof.new.size.0 *= 4),
    ("new-size-xor-high-bit", |proof| proof.new.size.0 ^= 1 << 63),
    ("old-root-xor", |proof| flip(&mut proof.old.root)),
    ("new-root-xor", |proof| flip(&mut proof.new.root)),
    ("both-roots-old", |proof| proof.new.root = proof.old.root),
    ("both-roots-new", |proof| proof.old.root = proof.new.root),
];

#[test]
fn mutated_consistency_proofs_are_refused() {
    let all = byte_leaves(130);
    for new in SIZES {
        for old in 1..=new {
            let proof = consistency(old, &all[..new]);
            for (name, mutate) in CONSISTENCY {
                let mut mutated = proof.clone();
                mutate(&mut mutated);
                assert!(mutated == proof || mutated.verify().is_err(), "{name}: {old} to {new}");
            }
            for at in 0..proof.path.len() {
                let mut mutated = proof.clone();
                flip(&mut mutated.path[at]);
                assert_eq!(mutated.verify(), Err(ProofRefusal::RootDiffers), "xor {at}: {old} to {new}");
            }
        }
    }
}

#[test]
fn an_empty_tree_has_one_root_and_proves_nothing_more() {
    let mut proof = consistency(0, &byte_leaves(5));
    assert_eq!(proof.verify(), Ok(()));
    proof.old.root = Hash([0; 32]);
    assert_eq!(proof.verify(), Err(ProofRefusal::HeadDiffers));
    let mut proof = consistency(0, &byte_leaves(5));
    proof.path.push(proof.new.root);
    assert_eq!(proof.verify(), Err(ProofRefusal::PathLength));
}

#[test]
fn frontiers_need_one_root_for_each_bit() {
    for (size, roots, holds) in [(0, 0, true), (0, 1, false), (5, 2, true), (5, 1, false), (5, 3, false), (4, 2, false)]
    {
        let made = Frontier::from_parts(TreeSize(size), vec![Hash([0; 32]); roots]);
        assert_eq!(made.is_ok(), holds, "{roots} roots for size {size}");
    }
    assert!(Frontier::from_parts(TreeSize(u64::MAX), vec![Hash([0; 32]); 64]).is_err());
}
