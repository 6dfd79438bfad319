//! The nodes of a segment: their kinds, and the indexes of the entries that first named them. Indexes never decrease, so
//! that those below a position are a prefix; they are kept as differences in blocks of 64, mostly two bytes each.

use crate::lineage::kinds::NodeKind;
use std::mem::size_of_val;

#[derive(Debug, Default)]
pub(super) struct Nodes {
    kinds: Box<[NodeKind]>,
    /// The index of the first node of each block.
    bases: Box<[u64]>,
    later: Later,
}

/// How much later than the first of its block.
#[derive(Debug)]
enum Later {
    Narrow(Box<[u16]>),
    Wide(Box<[u32]>),
    Whole(Box<[u64]>),
}

impl Default for Later {
    fn default() -> Later {
        Later::Narrow(Box::default())
    }
}

const BLOCK: usize = 64;

impl Nodes {
    /// From kinds and indexes in the order of the log.
    pub(super) fn seal(kinds: Vec<NodeKind>, born: impl Iterator<Item = u64> + Clone) -> Nodes {
        let bases: Box<[u64]> = born.clone().step_by(BLOCK).collect();
        let later = |bases: &[u64]| {
            let bases = bases.to_vec();
            born.clone().enumerate().map(move |(at, born)| born - bases.get(at / BLOCK).copied().unwrap_or_default())
        };
        let latest = later(&bases).max().unwrap_or_default();
        let later = if latest <= u64::from(u16::MAX) {
            Later::Narrow(later(&bases).map(|later| later as u16).collect())
        } else if latest <= u64::from(u32::MAX) {
            Later::Wide(later(&bases).map(|later| later as u32).collect())
        } else {
            Later::Whole(later(&bases).collect())
        };
        Nodes { kinds: kinds.into_boxed_slice(), bases, later }
    }

    pub(super) fn merge(parts: &[&Nodes]) -> Nodes {
        let kinds: Vec<_> = parts.iter().flat_map(|part| part.kinds.iter().copied()).collect();
        Nodes::seal(kinds, parts.iter().flat_map(|part| (0..part.len()).filter_map(|at| part.born(at))))
    }

    pub(super) fn len(&self) -> usize {
        self.kinds.len()
    }

    pub(super) fn kind(&self, at: usize) -> Option<NodeKind> {
        self.kinds.get(at).copied()
    }

    /// The index of the entry that first named it.
    pub(super) fn born(&self, at: usize) -> Option<u64> {
        let later = match &self.later {
            Later::Narrow(later) => u64::from(*later.get(at)?),
            Later::Wide(later) => u64::from(*later.get(at)?),
            Later::Whole(later) => *later.get(at)?,
        };
        Some(self.bases.get(at / BLOCK)? + later)
    }

    /// How many were named by entries before this one.
    pub(super) fn born_before(&self, index: u64) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.born(middle).is_some_and(|born| born < index) { low = middle + 1 } else { high = middle }
        }
        low
    }

    pub(super) fn bytes(&self) -> usize {
        let later = match &self.later {
            Later::Narrow(later) => size_of_val::<[u16]>(later),
            Later::Wide(later) => size_of_val::<[u32]>(later),
            Later::Whole(later) => size_of_val::<[u64]>(later),
        };
        size_of_val::<[NodeKind]>(&self.kinds) + size_of_val::<[u64]>(&self.bases) + later
    }
}
