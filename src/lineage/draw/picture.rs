//! What a picture is made from: nodes, edges and what is said about them. It holds no positions and no graph.

use crate::limits::{
    PICTURE_EDGES_DRAWN_MAX, PICTURE_EDGES_MAX, PICTURE_NODES_DRAWN_MAX, PICTURE_NODES_MAX, PICTURE_PIXELS_MAX,
};
use crate::lineage::{EdgeKind, NodeKind};
use deedbook_verify::tree::TreeHead;
use std::collections::HashMap;
use thiserror::Error;

/// A part of the graph, chosen by a query. At most `PICTURE_NODES_MAX` nodes and `PICTURE_EDGES_MAX` edges.
#[derive(Clone, Debug)]
pub struct Picture {
    /// What the picture answers; foreign text is harmless in it.
    pub title: String,
    /// The log that the answer rests on.
    pub as_of: TreeHead,
    /// The nodes, each id once. Their order has no meaning; the ids have: lower ones are older.
    pub nodes: Vec<PictureNode>,
    /// The edges, cause → effect, between these nodes.
    pub edges: Vec<PictureEdge>,
}

/// One node.
#[derive(Clone, Debug)]
pub struct PictureNode {
    /// Its number in the graph.
    pub id: u32,
    /// What it stands for: decides the shape.
    pub kind: NodeKind,
    /// Its name; foreign text is harmless in it.
    pub label: String,
    /// A second line, after the kind: a version, a time, a verdict. May be empty.
    pub sublabel: String,
    /// What a run's approval is known to be.
    pub gate: GateMark,
    /// What a vote or an approval came to.
    pub verdict: Verdict,
    /// The word for either, where it is not the plain one; may be empty.
    pub said: &'static str,
    /// It is inferred, or nobody signed it: a dashed border.
    pub inferred: bool,
    /// It is younger than the position that was asked about: grey.
    pub after: bool,
    /// The question is about it: a heavy border, and it is never folded.
    pub focus: bool,
    /// Neighbours in the graph that the query left out; shown as a count.
    pub unseen: u64,
}

/// What is known about the approval of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GateMark {
    /// Nothing that the picture is about.
    Silent,
    /// A run that passed a gate: a double border.
    Gated,
    /// A run that was released otherwise than by people: a double border whose inner one is dashed.
    Apart,
    /// A run without the approval that it needed: an empty shield.
    Missing,
}

/// What a vote or an approval came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// It is not said, or the node is neither.
    Silent,
    /// It approves: a tick in the shield.
    Approved,
    /// It does not: a cross in the shield.
    Denied,
    /// Neither of both: policy alone released it, somebody broke the glass, it ended: a bar in the shield.
    Apart,
}

/// One edge.
#[derive(Clone, Copy, Debug)]
pub struct PictureEdge {
    /// The node that it comes from.
    pub from: u32,
    /// The node that it leads to.
    pub to: u32,
    /// Why the one leads to the other.
    pub kind: EdgeKind,
    /// What it leads to acts or decides: what flows there is no data, whatever the kind says.
    pub to_authority: bool,
    /// It came late: the log named its effect before its cause.
    pub late: bool,
    /// It is inferred, or nobody signed it: dashed.
    pub inferred: bool,
    /// It is younger than the position that was asked about: grey.
    pub after: bool,
    /// The path that it is part of.
    pub path: PathMark,
}

/// Paths that a picture points out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathMark {
    /// None.
    Plain,
    /// The path that was asked for.
    Asked,
    /// The path on which no approval stands.
    Unapproved,
}

impl PictureNode {
    /// A node of which nothing more is said.
    pub fn new(id: u32, kind: NodeKind, label: impl Into<String>) -> PictureNode {
        PictureNode {
            id,
            kind,
            label: label.into(),
            sublabel: String::new(),
            gate: GateMark::Silent,
            verdict: Verdict::Silent,
            said: "",
            inferred: false,
            after: false,
            focus: false,
            unseen: 0,
        }
    }
}

impl PictureNode {
    /// What is said of its approval in words, where anything is.
    pub(super) fn words(&self) -> Option<&'static str> {
        let plain = match (self.gate, self.verdict) {
            (GateMark::Missing, _) => "no approval",
            (GateMark::Silent | GateMark::Gated | GateMark::Apart, Verdict::Approved) => "approved",
            (GateMark::Silent | GateMark::Gated | GateMark::Apart, Verdict::Denied) => "denied",
            (GateMark::Apart, Verdict::Silent | Verdict::Apart)
            | (GateMark::Silent | GateMark::Gated, Verdict::Apart) => "without people",
            (GateMark::Silent | GateMark::Gated, Verdict::Silent) => "",
        };
        Some(if self.said.is_empty() { plain } else { self.said }).filter(|words| !words.is_empty())
    }
}

impl PictureEdge {
    /// An edge of which nothing more is said.
    pub fn new(from: &PictureNode, to: &PictureNode, kind: EdgeKind) -> PictureEdge {
        PictureEdge {
            from: from.id,
            to: to.id,
            kind,
            to_authority: is_authority(to.kind),
            late: false,
            inferred: false,
            after: false,
            path: PathMark::Plain,
        }
    }
}

/// Why there is no picture.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PictureError {
    /// More nodes or edges than are even looked at.
    #[error(
        "a picture is made from at most {PICTURE_NODES_MAX} nodes and {PICTURE_EDGES_MAX} edges, not {nodes} and {edges}; \
         ask for fewer steps or for one kind, or export as DOT"
    )]
    Input {
        /// The nodes that were given.
        nodes: usize,
        /// The edges that were given.
        edges: usize,
    },
    /// Too much is left when all that can be folded is folded.
    #[error(
        "{nodes} nodes and {edges} edges are left after folding, and a picture stays readable up to \
         {PICTURE_NODES_DRAWN_MAX} and {PICTURE_EDGES_DRAWN_MAX}; ask for fewer steps or for one kind, or export as DOT"
    )]
    Large {
        /// Nodes after folding.
        nodes: usize,
        /// Edges after folding.
        edges: usize,
    },
    /// Edges would cross more layers than can be drawn.
    #[error(
        "edges of this part pass {bends} layers, and at most {max} are drawn; ask for fewer steps or for one kind, or export as DOT"
    )]
    Tangled {
        /// The layers that they pass, added up.
        bends: usize,
        /// The bound.
        max: usize,
    },
    /// The picture would be larger than programs show.
    #[error(
        "the picture would be {wide} pixels wide and {high} high, and at most {PICTURE_PIXELS_MAX} are drawn; ask for \
         fewer steps or for one kind, or export as DOT"
    )]
    Sheet {
        /// Its width in pixels.
        wide: i64,
        /// Its height in pixels.
        high: i64,
    },
    /// Two nodes have one id.
    #[error("node {0} is in the picture twice")]
    Twice(u32),
    /// An edge leads to a node that is not there.
    #[error("an edge names node {0}, which is not in the picture")]
    Absent(u32),
}

/// Whether a node of this kind acts, or says who may.
fn is_authority(kind: NodeKind) -> bool {
    match kind {
        NodeKind::Agent
        | NodeKind::Service
        | NodeKind::Source
        | NodeKind::Person
        | NodeKind::Team
        | NodeKind::Key
        | NodeKind::Policy
        | NodeKind::PolicyVersion => true,
        NodeKind::Dataset
        | NodeKind::DatasetVersion
        | NodeKind::Model
        | NodeKind::ModelVersion
        | NodeKind::Artifact
        | NodeKind::Session
        | NodeKind::Job
        | NodeKind::Run
        | NodeKind::Action
        | NodeKind::Vote
        | NodeKind::Approval
        | NodeKind::Outcome => false,
    }
}

/// A picture whose edges are known to lead somewhere: nodes in the order of their ids, ends by place in that order.
pub(super) struct Checked<'p> {
    pub(super) nodes: Vec<&'p PictureNode>,
    pub(super) edges: Vec<Ends<'p>>,
}

/// An edge, with the places of its ends.
#[derive(Clone, Copy)]
pub(super) struct Ends<'p> {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) edge: &'p PictureEdge,
}

impl<'p> Checked<'p> {
    pub(super) fn of(picture: &'p Picture) -> Result<Checked<'p>, PictureError> {
        let (nodes, edges) = (picture.nodes.len(), picture.edges.len());
        if nodes > PICTURE_NODES_MAX || edges > PICTURE_EDGES_MAX {
            return Err(PictureError::Input { nodes, edges });
        }
        let mut nodes: Vec<&PictureNode> = picture.nodes.iter().collect();
        nodes.sort_by_key(|node| node.id);
        let mut places = HashMap::with_capacity(nodes.len());
        for (place, node) in nodes.iter().enumerate() {
            if places.insert(node.id, place).is_some() {
                return Err(PictureError::Twice(node.id));
            }
        }
        let place = |id: u32| places.get(&id).copied().ok_or(PictureError::Absent(id));
        let mut edges = Vec::with_capacity(picture.edges.len());
        for edge in &picture.edges {
            edges.push(Ends { from: place(edge.from)?, to: place(edge.to)?, edge });
        }
        // The order in which a query found its edges shall not show.
        edges.sort_by_key(|ends| {
            let edge = ends.edge;
            (ends.from, ends.to, edge.kind, edge.path, edge.late, edge.inferred, edge.after)
        });
        Ok(Checked { nodes, edges })
    }

    pub(super) fn node(&self, place: usize) -> Option<&'p PictureNode> {
        self.nodes.get(place).copied()
    }

    /// Nodes that are shown whatever is folded: what is asked about, and what lacks an approval.
    pub(super) fn is_kept(&self, place: usize) -> bool {
        self.node(place).is_some_and(|node| node.focus || node.gate == GateMark::Missing)
    }
}
