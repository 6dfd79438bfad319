//! What stands on every path to a target, as a tree: the parent of a node is the first node that each of its paths to the
//! target goes through. In the order of the log that is one pass; where an edge runs against it, the method of Cooper,
//! Harvey and Kennedy ("A Simple, Fast Dominance Algorithm", 2001) on a copy of the region.

use super::region::Region;
use crate::lineage::stop::{Cut, Meter};

/// No node, in lists of parents; nodes are numbered below `LINEAGE_NODES_MAX`.
const NONE: u32 = u32::MAX;

/// The tree while it grows from its root. Every node knows its parent and one ancestor farther up, chosen so that the
/// common ancestor of two nodes is found in logarithmic time (Myers, "An applicative random-access stack", 1983): a table
/// written a hundred thousand times by one agent would take billions of steps otherwise.
pub(super) struct Tree {
    /// Parent, ancestor farther up, and depth from 1. All are 0 as long as nothing is known: memory that no node of the
    /// region is in is never touched.
    spots: Vec<[u32; 3]>,
    root: u32,
}

impl Tree {
    pub(super) fn new(len: usize, root: u32) -> Tree {
        let mut tree = Tree { spots: vec![[0; 3]; len], root };
        tree.set(root, [root, root, 1]);
        tree
    }

    /// The node's parent, unless it is the root or nothing leads from it to the root.
    pub(super) fn parent(&self, node: u32) -> Option<u32> {
        let [parent, _, depth] = self.spot(node);
        (depth > 1).then_some(parent)
    }

    /// A path from `node` goes on to `next`, which has its place already. The first that is met counts `is_first`.
    #[inline]
    pub(super) fn meet(&mut self, node: u32, next: u32, is_first: bool) {
        let parent = if is_first {
            next
        } else {
            let [parent, ..] = self.spot(node);
            if parent == self.root || parent == next {
                return;
            }
            self.common(parent, next)
        };
        self.set(node, [parent, 0, 0]);
    }

    /// All that `node` leads to was met: it gets its place.
    #[inline]
    pub(super) fn place(&mut self, node: u32) {
        if node == self.root {
            return;
        }
        let [parent, ..] = self.spot(node);
        let [_, far, depth] = self.spot(parent);
        let [_, farther, far_depth] = self.spot(far);
        let [_, _, farther_depth] = self.spot(farther);
        let jump = if depth - far_depth == far_depth - farther_depth { farther } else { parent };
        self.set(node, [parent, jump, depth + 1]);
    }

    /// The deepest node above both, or one of them.
    #[inline]
    pub(super) fn common(&self, one: u32, other: u32) -> u32 {
        let (mut one, mut other) = (one, other);
        let (mut spot, mut other_spot) = (self.spot(one), self.spot(other));
        if spot[2] < other_spot[2] {
            std::mem::swap(&mut one, &mut other);
            std::mem::swap(&mut spot, &mut other_spot);
        }
        while spot[2] > other_spot[2] {
            let jump = self.spot(spot[1]);
            (one, spot) = if jump[2] >= other_spot[2] { (spot[1], jump) } else { (spot[0], self.spot(spot[0])) };
        }
        while one != other {
            let is_near = spot[1] == other_spot[1];
            (one, other) = if is_near { (spot[0], other_spot[0]) } else { (spot[1], other_spot[1]) };
            (spot, other_spot) = (self.spot(one), self.spot(other));
        }
        one
    }

    #[inline]
    fn spot(&self, node: u32) -> [u32; 3] {
        self.spots.get(node as usize).copied().unwrap_or_default()
    }

    #[inline]
    fn set(&mut self, node: u32, spot: [u32; 3]) {
        if let Some(slot) = self.spots.get_mut(node as usize) {
            *slot = spot;
        }
    }
}

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
    for number in order.iter().rev().filter(|number| **number != region.target) {
        tree.meet(*number, get(&parents, *number), true);
        tree.place(*number);
    }
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
