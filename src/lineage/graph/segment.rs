//! A sealed stretch of the log: the nodes, edges and gates that its entries made, sorted, never changed again. Readers
//! share it; two neighbours may be merged into one that takes their place.

use super::gates::Gates;
use super::half::{Half, Peer};
use super::nodes::Nodes;
use crate::lineage::kinds::NodeKind;
use crate::lineage::words::{Edge, Gate, Towards};

/// Segments that are merged at once.
const PARTS_MAX: usize = 4;

#[derive(Debug)]
pub(super) struct Segment {
    /// The number of its first node.
    pub(super) first_node: u32,
    /// The index that entries count from.
    pub(super) first_index: u64,
    /// The last index of any node, edge or gate.
    pub(super) last_index: u64,
    pub(super) nodes: Nodes,
    pub(super) gates: Gates,
    /// By the effect, its causes.
    causes: Half,
    /// By the cause, its effects.
    effects: Half,
}

/// What waits to be sealed, in the order of the log.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) kinds: Vec<NodeKind>,
    pub(super) born: Vec<u64>,
    pub(super) edges: Vec<Edge>,
    pub(super) gates: Vec<(u32, u64, Gate)>,
}

impl Pending {
    /// The first and the last index of anything.
    pub(super) fn indexes(&self) -> Option<(u64, u64)> {
        let edge = |edge: Option<&Edge>| edge.map(|edge| edge.index.0);
        let gate = |gate: Option<&(u32, u64, Gate)>| gate.map(|(_, index, _)| *index);
        let firsts = [self.born.first().copied(), edge(self.edges.first()), gate(self.gates.first())];
        let lasts = [self.born.last().copied(), edge(self.edges.last()), gate(self.gates.last())];
        Some((firsts.into_iter().flatten().min()?, lasts.into_iter().flatten().max()?))
    }

    /// The most of anything that waits.
    pub(super) fn len(&self) -> usize {
        self.kinds.len().max(self.edges.len()).max(self.gates.len())
    }

    pub(super) fn bytes(&self) -> usize {
        self.kinds.capacity() * size_of::<NodeKind>()
            + self.born.capacity() * size_of::<u64>()
            + self.edges.capacity() * size_of::<Edge>()
            + self.gates.capacity() * size_of::<(u32, u64, Gate)>()
    }
}

impl Segment {
    /// Sorts what waits, and leaves nothing there but its room. Nothing when nothing waits.
    pub(super) fn seal(pending: &mut Pending, first_node: u32) -> Option<Segment> {
        let (first_index, last_index) = pending.indexes()?;
        let later = |index: u64| (index - first_index) as u32;
        let causes = pending.edges.iter();
        let causes =
            causes.map(|edge| (edge.to.number(), Peer::new(edge.from.number(), edge.kind), later(edge.index.0)));
        let effects = pending.edges.iter();
        let effects =
            effects.map(|edge| (edge.from.number(), Peer::new(edge.to.number(), edge.kind), later(edge.index.0)));
        let gates = pending.gates.iter().map(|(node, index, gate)| (*node, later(*index), *gate));
        let segment = Segment {
            first_node,
            first_index,
            last_index,
            nodes: Nodes::seal(pending.kinds.clone(), pending.born.iter().copied()),
            gates: Gates::seal(gates.collect()),
            causes: Half::seal(causes.collect(), Towards::Causes),
            effects: Half::seal(effects.collect(), Towards::Effects),
        };
        pending.kinds.clear();
        pending.born.clear();
        pending.edges.clear();
        pending.gates.clear();
        Some(segment)
    }

    /// Neighbours as one. Nothing when there are none, or when they span more of the log than 32 bits count. Many are made
    /// few first, since each key is looked for in every part.
    pub(super) fn merge(parts: &[&Segment]) -> Option<Segment> {
        if parts.len() > PARTS_MAX {
            let (early, late) = parts.split_at(parts.len() / 2);
            return Segment::merge(&[&Segment::merge(early)?, &Segment::merge(late)?]);
        }
        let (first, last) = (parts.first()?, parts.last()?);
        let (first_index, last_index) = (first.first_index, last.last_index);
        u32::try_from(last_index - first_index).ok()?;
        let shift = |part: &Segment| (part.first_index - first_index) as u32;
        let gates: Vec<_> = parts.iter().map(|part| (&part.gates, shift(part))).collect();
        let causes: Vec<_> = parts.iter().map(|part| (&part.causes, shift(part))).collect();
        let effects: Vec<_> = parts.iter().map(|part| (&part.effects, shift(part))).collect();
        let nodes: Vec<_> = parts.iter().map(|part| &part.nodes).collect();
        Some(Segment {
            first_node: first.first_node,
            first_index,
            last_index,
            nodes: Nodes::merge(&nodes),
            gates: Gates::merge(&gates),
            causes: Half::merge(&causes),
            effects: Half::merge(&effects),
        })
    }

    /// The edges that lead to a node, or from it, as they are found from there.
    #[inline]
    pub(super) fn half(&self, towards: Towards) -> &Half {
        match towards {
            Towards::Causes => &self.causes,
            Towards::Effects => &self.effects,
        }
    }

    /// How much of it lies before an index, as its entries count; all of it when that is more than they can.
    pub(super) fn limit(&self, end: u64) -> u32 {
        u32::try_from(end.saturating_sub(self.first_index)).unwrap_or(u32::MAX)
    }

    /// Its edges before an index.
    pub(super) fn edges_before(&self, end: u64) -> usize {
        if self.last_index < end {
            return self.causes.len();
        }
        self.causes.len_below(self.limit(end))
    }

    /// What merging it costs.
    pub(super) fn weight(&self) -> usize {
        self.nodes.len() + self.causes.len()
    }

    pub(super) fn bytes(&self) -> usize {
        size_of::<Segment>() + self.nodes.bytes() + self.gates.bytes() + self.causes.bytes() + self.effects.bytes()
    }
}
