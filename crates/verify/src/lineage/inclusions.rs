//! Many leaves proved in one tree at once: hashes that several paths would share stand there once, and those that follow
//! from the leaves not at all.

use crate::hash::{self, Children};
use crate::tree::ProofRefusal;
use crate::words::{Hash, Index, TreeSize};

/// The root that some leaves have in a tree of a size. `leaves` ascend by index, each once; `hashes` are the roots of the
/// largest subtrees without any of them, from the first leaf of the tree to the last (RFC 9162, 2.1.1 says what the
/// subtrees are). For given leaves there is one list that fits: one hash more or less is refused.
pub fn root_of_many(size: TreeSize, leaves: &[(Index, Hash)], hashes: &[Hash]) -> Result<Hash, ProofRefusal> {
    let ascends = leaves.is_sorted_by(|(one, _), (two, _)| one < two);
    let lies_inside = leaves.last().is_some_and(|(last, _)| last.0 < size.0);
    if !ascends || !lies_inside {
        return Err(ProofRefusal::OutsideTree);
    }
    let mut rest = hashes.iter();
    let root = subtree(Range { from: 0, count: size.0 }, leaves, &mut rest)?;
    if rest.next().is_some() { Err(ProofRefusal::PathLength) } else { Ok(root) }
}

/// Leaves from one on; at least one.
#[derive(Clone, Copy)]
struct Range {
    from: u64,
    count: u64,
}

/// Each call halves the range, so that calls are at most 64 deep; one that meets no leaf ends at once, so that there are
/// at most two for each level and leaf.
fn subtree(
    range: Range,
    leaves: &[(Index, Hash)],
    rest: &mut std::slice::Iter<'_, Hash>,
) -> Result<Hash, ProofRefusal> {
    let Some((_, first)) = leaves.first() else { return rest.next().copied().ok_or(ProofRefusal::PathLength) };
    let Some(last) = range.count.checked_sub(1).filter(|last| *last > 0) else { return Ok(*first) };
    // The largest power of two below the count.
    let half = 1 << (u64::BITS - 1 - last.leading_zeros());
    let middle = range.from.saturating_add(half);
    let (left, right) = leaves.split_at(leaves.partition_point(|(index, _)| index.0 < middle));
    let left = subtree(Range { from: range.from, count: half }, left, rest)?;
    let right = subtree(Range { from: middle, count: range.count.saturating_sub(half) }, right, rest)?;
    Ok(hash::node(Children { left: &left, right: &right }))
}
