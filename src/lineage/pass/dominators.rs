//! What stands on every path to a target, as a tree: the parent of a node is the first node that each of its paths to the
//! target goes through. In the order of the log that is one pass; where an edge runs against it, the method of Cooper,
//! Harvey and Kennedy ("A Simple, Fast Dominance Algorithm", 2001) on a copy of the region.

use super::region::Region;
use crate::lineage::stop::{Cut, Meter};

/// No node yet. It is never handed out.
const NONE: u32 = u32::MAX;

/// The tree while it grows from its root. Every node knows its parent and one ancestor farther up, chosen so that the
/// common ancestor of two nodes is found in logarithmic time (Myers, "An applicative random-access stack", 1983): a table
/// written a hundred thousand times by one agent would take billions of steps otherwise.
pub(super) struct Tree {
    parents: Vec<u32>,
    jumps: Vec<u32>,
    depths: Vec<u32>,
}

impl Tree {
    pub(super) fn new(len: usize, root: u32) -> Tree {
        let mut tree = Tree { parents: vec![NONE; len], jumps: vec![NONE; len], depths: vec![0; len] };
        tree.set(root, root, root, 0);
        tree
    }

    /// The node's parent, unless it is the root or nothing leads from it.
    pub(super) fn parent(&self, node: u32) -> Option<u32> {
        let parent = get(&self.parents, node);
        (parent != NONE && parent != node).then_some(parent)
    }

    /// A path from `node` goes on to `next`, which has its place already.
    #[inline]
    pub(super) fn meet(&mut self, node: u32, next: u32) {
        let parent = get(&self.parents, node);
        let parent = if parent == NONE { next } else { self.common(parent, next) };
        if let Some(slot) = self.parents.get_mut(node as usize) {
            *slot = parent;
        }
    }

    /// All that `node` leads to was met: it gets its place.
    #[inline]
    pub(super) fn place(&mut self, node: u32) {
        let parent = get(&self.parents, node);
        if parent == NONE || parent == node {
            return;
        }
        let jump = get(&self.jumps, parent);
        let depth = |node| get(&self.depths, node);
        let is_even = depth(parent) - depth(jump) == depth(jump) - depth(get(&self.jumps, jump));
        let jump = if is_even { get(&self.jumps, jump) } else { parent };
        self.set(node, parent, jump, depth(parent) + 1);
    }

    /// The deepest node above both, or one of them.
    #[inline]
    pub(super) fn common(&self, mut one: u32, mut other: u32) -> u32 {
        if get(&self.depths, one) < get(&self.depths, other) {
            std::mem::swap(&mut one, &mut other);
        }
        let depth = get(&self.depths, other);
        while get(&self.depths, one) > depth {
            let jump = get(&self.jumps, one);
            one = if get(&self.depths, jump) >= depth { jump } else { get(&self.parents, one) };
        }
        while one != other {
            let (jump, other_jump) = (get(&self.jumps, one), get(&self.jumps, other));
            (one, other) = if jump == other_jump {
                (get(&self.parents, one), get(&self.parents, other))
            } else {
                (jump, other_jump)
            };
        }
        one
    }

    fn set(&mut self, node: u32, parent: u32, jump: u32, depth: u32) {
        let at = node as usize;
        if let (Some(parents), Some(jumps), Some(depths)) =
            (self.parents.get_mut(at), self.jumps.get_mut(at), self.depths.get_mut(at))
        {
            (*parents, *jumps, *depths) = (parent, jump, depth);
        }
    }
}

#[inline]
fn get(list: &[u32], at: u32) -> u32 {
    list.get(at as usize).copied().unwrap_or(NONE)
}

/// The tree of a region in which edges run either way. Every number of it leads to the target.
pub(super) fn dominators(region: &Region, meter: &mut Meter<'_>) -> Result<Tree, Cut> {
    let causes = region.effects.reversed(meter)?.owners;
    let order = postorder(region.target, &causes, meter)?;
    let mut positions = vec![NONE; region.len()];
    for (position, number) in order.iter().enumerate() {
        if let Some(slot) = positions.get_mut(*number as usize) {
            *slot = position as u32;
        }
    }
    let mut parents = vec![NONE; region.len()];
    if let Some(root) = parents.get_mut(region.target as usize) {
        *root = region.target;
    }
    let mut has_changed = true;
    while std::mem::take(&mut has_changed) {
        for number in order.iter().rev().filter(|number| **number != region.target) {
            let mut parent = NONE;
            for next in region.effects.of(*number) {
                meter.steps(1)?;
                if get(&parents, *next) != NONE {
                    parent =
                        if parent == NONE { *next } else { intersect(&parents, &positions, parent, *next, meter)? };
                }
            }
            if let Some(slot) = parents.get_mut(*number as usize).filter(|slot| **slot != parent) {
                *slot = parent;
                has_changed = true;
            }
        }
    }
    let mut tree = Tree::new(region.len(), region.target);
    tree.parents = parents;
    order.iter().rev().for_each(|number| tree.place(*number));
    Ok(tree)
}

fn intersect(parents: &[u32], positions: &[u32], one: u32, other: u32, meter: &mut Meter<'_>) -> Result<u32, Cut> {
    let (mut one, mut other) = (one, other);
    while one != other {
        meter.steps(1)?;
        if get(positions, one) < get(positions, other) {
            one = get(parents, one);
        } else {
            other = get(parents, other);
        }
    }
    Ok(one)
}

/// Numbers in the order in which a walk from the root leaves them.
fn postorder(root: u32, lists: &super::region::Lists, meter: &mut Meter<'_>) -> Result<Vec<u32>, Cut> {
    let mut seen = vec![false; lists.len()];
    let mut order = Vec::with_capacity(lists.len());
    let mut walk = vec![(root, lists.range(root))];
    if let Some(root) = seen.get_mut(root as usize) {
        *root = true;
    }
    while let Some((number, places)) = walk.last_mut() {
        meter.steps(1)?;
        let Some(place) = places.next() else {
            order.push(*number);
            walk.pop();
            continue;
        };
        let next = get(lists.items(), place as u32);
        if let Some(seen) = seen.get_mut(next as usize).filter(|seen| !**seen) {
            *seen = true;
            walk.push((next, lists.range(next)));
        }
    }
    Ok(order)
}
