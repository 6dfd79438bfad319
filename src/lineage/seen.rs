//! What a walk has seen: a small table while that is little, so that a question about a few nodes costs nothing that grows
//! with the graph; a bit for every node once it is much.

use super::bits::NodeSet;

/// Nodes in the table at most: a table twice as long takes 16 KiB, as bits of 130,000 nodes do.
const FEW_MAX: usize = 2_048;
/// At first: a walk of 128 nodes makes room once, and clearing as much takes as long as one look into memory.
const SLOTS_MIN: usize = 256;
/// No node: they are numbered below `LINEAGE_NODES_MAX`.
const FREE: u32 = u32::MAX;

pub(super) struct Seen {
    nodes: u32,
    len: usize,
    /// As many as a power of two, at most half of them taken: each node stands in the first free one from its own on.
    slots: Vec<u32>,
    many: Option<NodeSet>,
}

impl Seen {
    /// Nothing yet, of nodes with numbers below this.
    pub(super) fn below(nodes: u32) -> Seen {
        Seen { nodes, len: 0, slots: vec![FREE; SLOTS_MIN], many: None }
    }

    /// Sees a node; whether for the first time. One that cannot be is none.
    #[inline]
    pub(super) fn insert(&mut self, node: u32) -> bool {
        match &mut self.many {
            Some(many) => many.insert(node),
            None => node < self.nodes && self.insert_few(node),
        }
    }

    fn insert_few(&mut self, node: u32) -> bool {
        let at = self.place(node);
        match self.slots.get_mut(at) {
            Some(slot) if *slot == FREE => *slot = node,
            _ => return false,
        }
        self.len += 1;
        if self.len * 2 > self.slots.len() {
            self.grow();
        }
        true
    }

    /// Where a node stands, or would.
    fn place(&self, node: u32) -> usize {
        let mask = self.slots.len() - 1;
        // Neighbours come far from each other (Knuth, "Sorting and Searching", 6.4).
        let mut at = (node.wrapping_mul(0x9e37_79b1) >> 7) as usize & mask;
        while self.slots.get(at).is_some_and(|slot| *slot != FREE && *slot != node) {
            at = (at + 1) & mask;
        }
        at
    }

    #[cold]
    fn grow(&mut self) {
        let longer = vec![FREE; self.slots.len() * 4];
        let before = std::mem::replace(&mut self.slots, longer);
        let seen = before.into_iter().filter(|slot| *slot != FREE);
        if self.len > FEW_MAX {
            let mut many = NodeSet::below(self.nodes);
            seen.for_each(|node| _ = many.insert(node));
            (self.many, self.slots) = (Some(many), Vec::new());
            return;
        }
        for node in seen {
            let at = self.place(node);
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = node;
            }
        }
    }
}
