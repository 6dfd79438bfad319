//! The gates of a segment: what became known about approvals, and from which index on. By node, then in the order of the
//! log; the last before a position holds there.

use crate::lineage::words::Gate;
use std::mem::size_of_val;

#[derive(Debug, Default)]
pub(super) struct Gates {
    nodes: Box<[u32]>,
    indexes: Box<[u32]>,
    gates: Box<[u16]>,
}

impl Gates {
    /// From (node, index, gate) in the order of the log.
    pub(super) fn seal(mut gates: Vec<(u32, u32, Gate)>) -> Gates {
        gates.sort_by_key(|(node, _, _)| *node);
        Gates {
            nodes: gates.iter().map(|(node, _, _)| *node).collect(),
            indexes: gates.iter().map(|(_, index, _)| *index).collect(),
            gates: gates.iter().map(|(_, _, gate)| gate.bits()).collect(),
        }
    }

    pub(super) fn merge(parts: &[(&Gates, u32)]) -> Gates {
        let shifted = |(gates, shift): &(&Gates, u32)| -> Vec<_> {
            gates.iter().map(|(node, index, gate)| (node, index + shift, gate)).collect()
        };
        Gates::seal(parts.iter().flat_map(shifted).collect())
    }

    /// Node, index and gate of each.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, u32, Gate)> {
        let gates = self.gates.iter().map(|bits| Gate::known(*bits));
        self.nodes.iter().zip(&self.indexes).zip(gates).map(|((node, index), gate)| (*node, *index, gate))
    }

    /// What became known of one node.
    pub(super) fn of(&self, node: u32) -> impl DoubleEndedIterator<Item = (u32, Gate)> {
        let start = self.nodes.partition_point(|other| *other < node);
        let end = self.nodes.partition_point(|other| *other <= node);
        let indexes = self.indexes.get(start..end).unwrap_or_default();
        let gates = self.gates.get(start..end).unwrap_or_default();
        indexes.iter().zip(gates).map(|(index, bits)| (*index, Gate::known(*bits)))
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val::<[u32]>(&self.nodes) + size_of_val::<[u32]>(&self.indexes) + size_of_val::<[u16]>(&self.gates)
    }
}
