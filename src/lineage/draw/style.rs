//! Which shape and which colours a thing has. Colour never says anything alone: shape, border, dash or a word says it too.

use super::picture::{GateMark, PathMark, PictureEdge, PictureNode, Verdict};
use super::web::Link;
use crate::lineage::{EdgeKind, NodeKind};

/// The outline of a box.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Shape {
    /// Entities: datasets, models, artifacts.
    Rounded,
    /// Runs.
    Rectangle,
    /// Jobs and sessions: a rectangle with bars at its sides.
    Barred,
    /// Actions as they were proposed: a slanted rectangle.
    Slanted,
    /// Agents, services, sources.
    Hexagon,
    /// People and teams: a head in a circle.
    Bust,
    /// Approvals: a shield.
    Shield,
    /// Votes: a slip with its corners cut.
    Slip,
    /// Policies: a sheet with a folded corner.
    Document,
    /// Keys: a label with a hole.
    Tag,
    /// Outcomes: a signpost.
    Signpost,
    /// Several nodes in one.
    Stack,
}

/// The colours of a box: its ground and its border.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Colours {
    pub(super) ground: &'static str,
    pub(super) border: &'static str,
}

pub(super) const INK: &str = "#1f2937";
pub(super) const FAINT_INK: &str = "#4b5563";
/// What is younger than the position that was asked about.
pub(super) const AFTER: Colours = Colours { ground: "#f3f4f6", border: "#9ca3af" };
pub(super) const AFTER_INK: &str = "#6b7280";
/// What lacks an approval.
pub(super) const ALARM: Colours = Colours { ground: "#fef2f2", border: "#c81e1e" };
/// What was decided against.
const DENIED: Colours = Colours { ground: "#f5f1ee", border: "#7a4a3a" };
/// The path that was asked for.
pub(super) const ASKED: &str = "#1d4ed8";
pub(super) const FOLDED: Colours = Colours { ground: "#f8fafc", border: "#64748b" };
/// Parts of the legend.
pub(super) const SAMPLE: Colours = Colours { ground: "#ffffff", border: "#374151" };

pub(super) fn shape(kind: NodeKind) -> Shape {
    match kind {
        NodeKind::Dataset
        | NodeKind::DatasetVersion
        | NodeKind::Model
        | NodeKind::ModelVersion
        | NodeKind::Artifact => Shape::Rounded,
        NodeKind::Policy | NodeKind::PolicyVersion => Shape::Document,
        NodeKind::Agent | NodeKind::Service | NodeKind::Source => Shape::Hexagon,
        NodeKind::Person | NodeKind::Team => Shape::Bust,
        NodeKind::Key => Shape::Tag,
        NodeKind::Session | NodeKind::Job => Shape::Barred,
        NodeKind::Run => Shape::Rectangle,
        NodeKind::Action => Shape::Slanted,
        NodeKind::Vote => Shape::Slip,
        NodeKind::Approval => Shape::Shield,
        NodeKind::Outcome => Shape::Signpost,
    }
}

/// The colours of a node.
pub(super) fn colours_of(node: &PictureNode) -> Colours {
    match (node.gate, node.verdict) {
        _ if node.after => AFTER,
        (GateMark::Missing, _) => ALARM,
        (GateMark::Silent | GateMark::Gated | GateMark::Apart, Verdict::Denied) => DENIED,
        (
            GateMark::Silent | GateMark::Gated | GateMark::Apart,
            Verdict::Silent | Verdict::Approved | Verdict::Apart,
        ) => colours(node.kind),
    }
}

fn colours(kind: NodeKind) -> Colours {
    let (ground, border) = match kind {
        NodeKind::Dataset | NodeKind::DatasetVersion => ("#e6f0fb", "#2b6cb0"),
        NodeKind::Model | NodeKind::ModelVersion => ("#f0e9fb", "#6b46c1"),
        NodeKind::Artifact => ("#e3f5f3", "#23787a"),
        NodeKind::Policy | NodeKind::PolicyVersion => ("#fdf8dc", "#8a6d0b"),
        NodeKind::Agent | NodeKind::Service | NodeKind::Source => ("#fff0df", "#b45f14"),
        NodeKind::Person | NodeKind::Team => ("#fce9f1", "#a62f72"),
        NodeKind::Key => ("#f1ede6", "#6b5b45"),
        NodeKind::Session | NodeKind::Job => ("#f1f5f9", "#475569"),
        NodeKind::Run => ("#ffffff", "#1f2937"),
        NodeKind::Action => ("#eef1f6", "#475569"),
        NodeKind::Vote => ("#eef8f0", "#3c7d52"),
        NodeKind::Approval => ("#dcf3e2", "#1f7a3d"),
        NodeKind::Outcome => ("#e2e8f0", "#0f172a"),
    };
    Colours { ground, border }
}

/// What runs along an edge. Each has its own head.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Flow {
    /// Data: a filled head.
    Data,
    /// Authority: an open head.
    Authority,
    /// Neither: a version, a part, another name. A hollow diamond.
    Beside,
    /// The end of a decision: a bar.
    End,
}

impl Flow {
    pub(super) fn of(edge: &PictureEdge) -> Flow {
        match edge.kind {
            EdgeKind::Generated if edge.to_authority => Flow::Authority,
            EdgeKind::Used
            | EdgeKind::Generated
            | EdgeKind::Derived
            | EdgeKind::Previous
            | EdgeKind::Called
            | EdgeKind::Influenced => Flow::Data,
            EdgeKind::Performed
            | EdgeKind::OnBehalf
            | EdgeKind::PlannedBy
            | EdgeKind::Proposed
            | EdgeKind::Reviewed
            | EdgeKind::Decided
            | EdgeKind::Authorized
            | EdgeKind::Realised => Flow::Authority,
            EdgeKind::VersionOf | EdgeKind::PartOf | EdgeKind::SameAs => Flow::Beside,
            EdgeKind::Revoked | EdgeKind::Superseded => Flow::End,
        }
    }

    pub(super) fn colour(self) -> &'static str {
        match self {
            Flow::Data => "#3f5f82",
            Flow::Authority => "#8a5a2b",
            Flow::Beside => "#8b95a1",
            Flow::End => "#374151",
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Flow::Data => "data flows",
            Flow::Authority => "authority: who, by what rule",
            Flow::Beside => "version, part, other name",
            Flow::End => "ends or replaces",
        }
    }
}

/// What lines have in common that may run together: flow, marked path, whether they came late, are inferred, are after.
pub(super) type Tone = (Flow, PathMark, [bool; 3]);

/// The tone of a link.
pub(super) fn tone(link: &Link<'_>) -> Tone {
    (flow(link), link.path(), [link.is_late(), link.is_inferred(), link.is_after()])
}

fn flow(link: &Link<'_>) -> Flow {
    link.edges.iter().map(|ends| Flow::of(ends.edge)).min().unwrap_or(Flow::Data)
}

/// How a line is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stroke {
    pub(super) flow: Flow,
    pub(super) path: PathMark,
    pub(super) colour: &'static str,
    /// In tenths of a pixel.
    pub(super) width_tenths: i64,
    pub(super) dash: Option<&'static str>,
}

/// Dashes of what is inferred or unsigned.
pub(super) const DASHED: &str = "6 3.5";
/// Dots of what came late.
pub(super) const DOTTED: &str = "1.5 3.5";

/// The line of a link; `after` if it or an end of it is younger than the position that was asked about.
pub(super) fn stroke(link: &Link<'_>, after: bool) -> Stroke {
    let flow = flow(link);
    let path = link.path();
    let (colour, width_tenths) = match path {
        PathMark::Unapproved => (ALARM.border, 38),
        PathMark::Asked => (ASKED, 26),
        PathMark::Plain if after => (AFTER.border, 12),
        PathMark::Plain => (flow.colour(), if flow == Flow::Data { 15 } else { 12 }),
    };
    let dash = match (link.is_inferred(), link.is_late()) {
        (true, _) => Some(DASHED),
        (false, true) => Some(DOTTED),
        (false, false) => None,
    };
    Stroke { flow, path, colour, width_tenths, dash }
}
