//! The words of the graph: nodes, edges, directions, sets of kinds, gates. No adjacency and no query.

use super::kinds::{EdgeKind, NodeKind};
use crate::limits::LINEAGE_NODES_MAX;
use deedbook_verify::words::Index;
use std::fmt;
use std::ops::BitOr;

/// A node, numbered from 0 in the order in which the log first names nodes; below `LINEAGE_NODES_MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    /// The node with this number; none at or beyond `LINEAGE_NODES_MAX`.
    pub const fn new(number: u32) -> Option<NodeId> {
        if number < LINEAGE_NODES_MAX { Some(NodeId(number)) } else { None }
    }

    /// Its number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// A number that stands in a graph, and was one of a node when it was put there.
    pub(super) const fn known(number: u32) -> NodeId {
        NodeId(number)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Cause → effect, said by the entry at `index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Edge {
    /// The entry that made it.
    pub index: Index,
    /// The cause.
    pub from: NodeId,
    /// The effect.
    pub to: NodeId,
    /// Why one leads to the other.
    pub kind: EdgeKind,
}

/// Which way a query goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Towards {
    /// Against the edges, up: what led to it.
    Causes,
    /// Along the edges, down: what it led to.
    Effects,
}

macro_rules! kind_set {
    ($(#[$about:meta])* $name:ident of $kind:ident) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name(u32);

        impl $name {
            /// Every kind.
            pub const ALL: $name = $name::of($kind::ALL);

            /// These kinds.
            pub const fn of(mut kinds: &[$kind]) -> $name {
                let mut set = 0;
                while let [kind, rest @ ..] = kinds {
                    set |= 1 << kind.number();
                    kinds = rest;
                }
                $name(set)
            }

            /// Whether the kind is one of them.
            pub const fn has(self, kind: $kind) -> bool {
                self.0 >> kind.number() & 1 == 1
            }

            /// Those that are in both.
            pub const fn and(self, other: $name) -> $name {
                $name(self.0 & other.0)
            }
        }
    };
}

kind_set!(
    /// A set of kinds of nodes.
    NodeKinds of NodeKind
);
kind_set!(
    /// A set of kinds of edges.
    EdgeKinds of EdgeKind
);

impl EdgeKinds {
    /// Those along which data or authority flows.
    pub const FLOW: EdgeKinds = EdgeKinds::flow(EdgeKind::ALL);

    const fn flow(mut kinds: &[EdgeKind]) -> EdgeKinds {
        let mut set = 0;
        while let [kind, rest @ ..] = kinds {
            set |= (kind.is_flow() as u32) << kind.number();
            kinds = rest;
        }
        EdgeKinds(set)
    }

    /// The set as bits, by the numbers of the kinds.
    pub(super) const fn bits(self) -> u32 {
        self.0
    }
}

/// What is known about the approval of a run: bits of a u16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Gate(u16);

impl Gate {
    /// Nothing is known.
    pub const NONE: Gate = Gate(0);
    /// People approved it.
    pub const APPROVED_HUMAN: Gate = Gate(1);
    /// Policy alone approved it.
    pub const APPROVED_AUTO: Gate = Gate(1 << 1);
    /// Who approved it is who asked, or is linked to them.
    pub const SELF_APPROVED: Gate = Gate(1 << 2);
    /// The approval had expired.
    pub const EXPIRED: Gate = Gate(1 << 3);
    /// The approval was revoked before it ran.
    pub const REVOKED_BEFORE: Gate = Gate(1 << 4);
    /// What ran is not what was approved.
    pub const MISMATCH: Gate = Gate(1 << 5);
    /// Policy asked for no approval.
    pub const NOT_REQUIRED: Gate = Gate(1 << 6);
    /// It ran without the approval that it needed.
    pub const MISSING: Gate = Gate(1 << 7);
    /// It ran by break-glass.
    pub const BREAK_GLASS: Gate = Gate(1 << 8);

    /// What only runs have that the ledger started, and their approvals.
    pub const RELEASED: Gate = Gate(Gate::APPROVED_HUMAN.0 | Gate::APPROVED_AUTO.0 | Gate::BREAK_GLASS.0);

    /// Every flag with its name, in the order of the bits.
    pub const NAMES: &'static [(Gate, &'static str)] = &[
        (Gate::APPROVED_HUMAN, "approved_human"),
        (Gate::APPROVED_AUTO, "approved_auto"),
        (Gate::SELF_APPROVED, "self_approved"),
        (Gate::EXPIRED, "expired"),
        (Gate::REVOKED_BEFORE, "revoked_before"),
        (Gate::MISMATCH, "mismatch"),
        (Gate::NOT_REQUIRED, "not_required"),
        (Gate::MISSING, "missing"),
        (Gate::BREAK_GLASS, "break_glass"),
    ];

    /// From the number in rows; none if it has a bit that no flag has.
    pub const fn from_bits(bits: u16) -> Option<Gate> {
        if bits < 1 << 9 { Some(Gate(bits)) } else { None }
    }

    /// The number in rows.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// From the number that stands in a graph.
    pub(super) const fn known(bits: u16) -> Gate {
        Gate(bits)
    }

    /// Whether all of these flags are set.
    pub const fn has(self, flags: Gate) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Whether any of these flags is set.
    pub const fn has_any(self, flags: Gate) -> bool {
        self.0 & flags.0 != 0
    }

    /// The names of the flags that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Gate::NAMES.iter().filter(move |(flag, _)| self.has(*flag)).map(|(_, name)| *name)
    }
}

impl BitOr for Gate {
    type Output = Gate;

    fn bitor(self, other: Gate) -> Gate {
        Gate(self.0 | other.0)
    }
}

/// Which gates count as an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateRule {
    /// All of these must be set.
    pub needs: Gate,
    /// None of these may be set.
    pub forbids: Gate,
}

impl GateRule {
    /// A person agreed, to what ran, before it ran, and not to their own.
    pub const HUMAN: GateRule = GateRule {
        needs: Gate::APPROVED_HUMAN,
        forbids: Gate(Gate::SELF_APPROVED.0 | Gate::MISMATCH.0 | Gate::EXPIRED.0 | Gate::REVOKED_BEFORE.0),
    };

    /// Whether the gate counts.
    pub const fn passes(self, gate: Gate) -> bool {
        gate.has(self.needs) && !gate.has_any(self.forbids)
    }
}

impl Default for GateRule {
    fn default() -> GateRule {
        GateRule::HUMAN
    }
}
