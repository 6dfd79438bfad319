//! What stands on every path to a target, as a tree: the parent of a node is the first node that each of its paths to the
//! target goes through. In the order of the log that is one pass; where an edge runs against it, the method of Cooper,
//! Harvey and Kennedy ("A Simple, Fast Dominance Algorithm", 2001) on a copy of the region.

use super::region::Region;
use crate::limits::LINEAGE_NODES_MAX;
use crate::lineage::stop::{Cut, Meter};
use std::cmp::Ordering;
use std::hint::{black_box, select_unpredictable};

/// No node, in lists of parents; nodes are numbered below `LINEAGE_NODES_MAX`.
const NONE: u32 = u32::MAX;

/// Steps from parent to parent before jumps are taken.
const STEPS_NEAR: usize = 64;

/// A node's parent, and in the low five bits its mark: of the nodes right below the hub that the parent is, or stands under,
/// which one, or 0 if the parent is the hub. Two nodes whose marks differ join at the hub; of others nothing is known. All
/// zeros as long as no path from the node was met. There is one for each node of a view, so its bytes count.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Spot(u32);

const MARK_BITS: u32 = 5;
const MARK_MASK: u32 = (1 << MARK_BITS) - 1;

const _: () = assert!(LINEAGE_NODES_MAX <= 1 << (32 - MARK_BITS), "a node and a mark fit in 32 bits");

impl Spot {
    const NONE: Spot = Spot(0);

    #[inline]
    const fn under(parent: u32, mark: u32) -> Spot {
        Spot(parent << MARK_BITS | mark)
    }

    #[inline]
    const fn parent(self) -> u32 {
        self.0 >> MARK_BITS
    }

    #[inline]
    const fn mark(self) -> u32 {
        self.0 & MARK_MASK
    }
}

/// The tree while it grows from its root. Where two paths join is mostly a few parents away. For where it is not, a node
/// also has one ancestor farther up, chosen so that the common ancestor of two is found in logarithmic time (Myers, "An
/// applicative random-access stack", 1983): a table written a hundred thousand times by one agent would take billions of
/// steps otherwise.
pub(super) struct Tree {
    spots: Vec<Spot>,
    /// An ancestor, and the depth from 1; the depth is 0 until somebody asks, and there is no room for any until then.
    far: Vec<[u32; 2]>,
    root: u32,
    /// A node, the root at first, that all paths go through that are still to be met.
    hub: u32,
    /// What a node becomes that is first met from the one that was settled last.
    under: Spot,
    climbed: Vec<u32>,
}

impl Tree {
    pub(super) fn new(len: usize, root: u32, meter: &mut Meter<'_>) -> Result<Tree, Cut> {
        let (spots, far) = (meter.filled(Spot::NONE, len)?, Vec::new());
        let under = Spot::under(root, 0);
        let mut tree = Tree { spots, far, root, hub: root, under, climbed: Vec::new() };
        tree.set_parent(root, root);
        Ok(tree)
    }

    /// The node's parent, unless it is the root or nothing leads from it to the root.
    pub(super) fn parent(&self, node: u32) -> Option<u32> {
        Some(self.spot(node)).filter(|spot| *spot != Spot::NONE && node != self.root).map(Spot::parent)
    }

    /// Reads what is known of nodes that are met soon, so that memory is waited for once, for all of them.
    #[inline]
    pub(super) fn read_ahead(&self, nodes: impl Iterator<Item = u32>) {
        black_box(nodes.fold(0, |sum, node| sum ^ self.spot(node).0));
    }

    /// All that `node` goes on to was met, and what is met next goes on to it.
    #[inline]
    pub(super) fn settle(&mut self, node: u32) {
        let mark = self.spot(node).mark();
        let mark = select_unpredictable(mark == 0, (node | 16) & MARK_MASK, mark);
        self.under = Spot::under(node, select_unpredictable(node == self.hub, 0, mark));
    }

    /// Everything that is still to be met goes through this node.
    #[inline]
    pub(super) fn set_hub(&mut self, node: u32) {
        self.hub = node;
    }

    /// A path from `node` goes on to the one that was settled last. 1 if none was met before, else 0. Numbers grow towards the
    /// root here. It branches only where paths join below the hub.
    #[inline]
    pub(super) fn meet(&mut self, node: u32) -> u32 {
        let spot = self.spot(node);
        let is_first = spot == Spot::NONE;
        let met = select_unpredictable(is_first, self.under, Spot::under(self.hub, 0));
        let met = if spot.mark() == self.under.mark() { self.join(spot) } else { met };
        self.set_spot(node, met);
        u32::from(is_first)
    }

    /// Where what has a spot joins what is under the one that was settled last, if both have the same mark.
    #[cold]
    fn join(&mut self, spot: Spot) -> Spot {
        if spot == Spot::NONE {
            return self.under;
        }
        let joined = self.nearest(spot.parent(), self.under.parent());
        Spot::under(joined, if joined == self.hub { 0 } else { spot.mark() })
    }

    /// The same as `common`, where numbers grow towards the root.
    fn nearest(&mut self, mut one: u32, mut other: u32) -> u32 {
        for _ in 0..STEPS_NEAR {
            match one.cmp(&other) {
                Ordering::Less => one = self.above(one),
                Ordering::Equal => return one,
                Ordering::Greater => other = self.above(other),
            }
        }
        self.common(one, other)
    }

    /// Gives a node its parent for good.
    #[inline]
    pub(super) fn set_parent(&mut self, node: u32, parent: u32) {
        self.set_spot(node, Spot::under(parent, MARK_MASK));
    }

    /// The deepest node above both, or one of them. Both have their parents for good.
    pub(super) fn common(&mut self, mut one: u32, mut other: u32) -> u32 {
        let (mut far, mut other_far) = (self.climb(one), self.climb(other));
        if far[1] < other_far[1] {
            std::mem::swap(&mut one, &mut other);
            std::mem::swap(&mut far, &mut other_far);
        }
        while far[1] > other_far[1] {
            let jump = self.climb(far[0]);
            (one, far) = if jump[1] >= other_far[1] {
                (far[0], jump)
            } else {
                let parent = self.above(one);
                (parent, self.climb(parent))
            };
        }
        while one != other {
            (one, other) =
                if far[0] == other_far[0] { (self.above(one), self.above(other)) } else { (far[0], other_far[0]) };
            (far, other_far) = (self.climb(one), self.climb(other));
        }
        one
    }

    /// A node's ancestor farther up and its depth; what was not asked yet is found out on the way, once for each node.
    fn climb(&mut self, node: u32) -> [u32; 2] {
        if self.far.is_empty() {
            self.far = vec![[0; 2]; self.spots.len()];
            self.set_far(self.root, [self.root, 1]);
        }
        let mut at = node;
        while self.far_of(at)[1] == 0 {
            self.climbed.push(at);
            at = self.above(at);
        }
        while let Some(node) = self.climbed.pop() {
            let parent = self.above(node);
            let [jump, depth] = self.far_of(parent);
            let [farther, jump_depth] = self.far_of(jump);
            let [_, farther_depth] = self.far_of(farther);
            let jump = if depth - jump_depth == jump_depth - farther_depth { farther } else { parent };
            self.set_far(node, [jump, depth + 1]);
        }
        self.far_of(node)
    }

    /// The parent; the root's is itself, and so is that of what leads nowhere.
    #[inline]
    fn above(&self, node: u32) -> u32 {
        Some(self.spot(node)).filter(|spot| *spot != Spot::NONE).map_or(self.root, Spot::parent)
    }

    #[inline]
    fn spot(&self, node: u32) -> Spot {
        self.spots.get(node as usize).copied().unwrap_or(Spot::NONE)
    }

    #[inline]
    fn set_spot(&mut self, node: u32, spot: Spot) {
        if let Some(slot) = self.spots.get_mut(node as usize) {
            *slot = spot;
        }
    }

    fn far_of(&self, node: u32) -> [u32; 2] {
        self.far.get(node as usize).copied().unwrap_or([self.root, 1])
    }

    fn set_far(&mut self, node: u32, far: [u32; 2]) {
        if let Some(slot) = self.far.get_mut(node as usize) {
            *slot = far;
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
    let mut positions = meter.filled(NONE, region.len())?;
    for (position, number) in order.iter().enumerate() {
        meter.steps(1)?;
        if let Some(slot) = positions.get_mut(*number as usize) {
            *slot = position as u32;
        }
    }
    let mut parents = meter.filled(NONE, region.len())?;
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
    let mut tree = Tree::new(region.len(), region.target, meter)?;
    for number in order.iter().rev().filter(|number| **number != region.target) {
        meter.steps(1)?;
        tree.set_parent(*number, get(&parents, *number));
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
    let mut seen = meter.filled(false, lists.len())?;
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
