//! A picture as DOT, for Graphviz and what reads its language: nothing folded, nothing placed. The lines are offered one
//! by one too, so that a whole graph can be written without being held.

use super::columns::kind_words;
use super::header::root_digits;
use super::picture::{Checked, GateMark, PathMark, Picture, PictureEdge, PictureError, PictureNode};
use super::style::{AFTER, AFTER_INK, ALARM, ASKED, Flow, colours_of};
use super::text::{grouped, harmless};
use crate::lineage::NodeKind;

/// What closes a DOT text.
pub const DOT_CLOSING: &str = "}\n";

/// A whole picture as DOT, nodes in the order of their ids. Refuses what `svg` refuses as input; folds nothing.
pub fn dot(picture: &Picture) -> Result<String, PictureError> {
    let checked = Checked::of(picture)?;
    let mut out = dot_opening(picture);
    for node in &checked.nodes {
        out.push_str(&dot_node(node));
    }
    for ends in &checked.edges {
        out.push_str(&dot_edge(ends.edge));
    }
    out.push_str(DOT_CLOSING);
    Ok(out)
}

/// What opens a DOT text: title and position; nodes and edges of the picture are not looked at.
pub fn dot_opening(picture: &Picture) -> String {
    let place = format!("as of size {} · root {}…", grouped(picture.as_of.size.0), root_digits(picture));
    format!(
        "digraph lineage {{\n  graph [rankdir=LR, labelloc=t, fontname=\"sans-serif\", label={}];\n  \
         node [fontname=\"sans-serif\", fontsize=11, style=filled];\n  edge [fontname=\"sans-serif\", fontsize=9];\n",
        quoted(&[&harmless(&picture.title), &place]),
    )
}

/// The line of one node.
pub fn dot_node(node: &PictureNode) -> String {
    let mut kind = kind_words(node.kind);
    for (marked, words) in [
        (node.words().is_some(), node.words().unwrap_or_default()),
        (node.words().is_none() && node.gate == GateMark::Gated, "approved"),
        (node.after, "after"),
        (node.inferred, "inferred or unsigned"),
    ] {
        if marked {
            kind.push_str(" · ");
            kind.push_str(words);
        }
    }
    if node.unseen > 0 {
        kind.push_str(&format!(" · {} not shown", grouped(node.unseen)));
    }
    let mut lines = vec![harmless(&node.label), kind];
    if !node.sublabel.is_empty() {
        lines.insert(1, harmless(&node.sublabel));
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let colours = colours_of(node);
    let (shape, mut style) = shape(node.kind);
    if node.inferred {
        style = match style {
            "filled" => "filled,dashed",
            _ => "filled,rounded,dashed",
        };
    }
    let is_double = matches!(node.gate, GateMark::Gated | GateMark::Apart);
    let double = if is_double { ", peripheries=2" } else { "" };
    let heavy = if node.focus { ", penwidth=3" } else { "" };
    let ink = if node.after { format!(", fontcolor=\"{AFTER_INK}\"") } else { String::new() };
    format!(
        "  n{} [label={}, shape={shape}, style=\"{style}\", fillcolor=\"{}\", color=\"{}\"{double}{heavy}{ink}];\n",
        node.id,
        quoted(&lines),
        colours.ground,
        colours.border,
    )
}

/// The line of one edge.
pub fn dot_edge(edge: &PictureEdge) -> String {
    let flow = Flow::of(edge);
    let (colour, width) = match edge.path {
        PathMark::Unapproved => (ALARM.border, 4),
        PathMark::Asked => (ASKED, 3),
        PathMark::Plain if edge.after => (AFTER.border, 1),
        PathMark::Plain => (flow.colour(), 1),
    };
    let head = match flow {
        Flow::Data => "normal",
        Flow::Authority => "vee",
        Flow::Beside => "ediamond",
        Flow::End => "tee",
    };
    let (style, late) = match (edge.inferred, edge.late) {
        (true, true) => ("dashed", " · late"),
        (true, false) => ("dashed", ""),
        (false, true) => ("dotted", " · late"),
        (false, false) => ("solid", ""),
    };
    let label = format!("{}{late}", edge.kind.name().replace('_', " "));
    format!(
        "  n{} -> n{} [label={}, color=\"{colour}\", penwidth={width}, style={style}, arrowhead={head}];\n",
        edge.from,
        edge.to,
        quoted(&[&label]),
    )
}

/// Graphviz has no shield: an approval is a house upside down, which is the nearest to one.
fn shape(kind: NodeKind) -> (&'static str, &'static str) {
    match kind {
        NodeKind::Dataset
        | NodeKind::DatasetVersion
        | NodeKind::Model
        | NodeKind::ModelVersion
        | NodeKind::Artifact => ("box", "filled,rounded"),
        NodeKind::Policy | NodeKind::PolicyVersion => ("note", "filled"),
        NodeKind::Agent | NodeKind::Service | NodeKind::Source => ("hexagon", "filled"),
        NodeKind::Person | NodeKind::Team => ("egg", "filled"),
        NodeKind::Key => ("tab", "filled"),
        NodeKind::Session => ("folder", "filled"),
        NodeKind::Job => ("component", "filled"),
        NodeKind::Run => ("box", "filled"),
        NodeKind::Action => ("parallelogram", "filled"),
        NodeKind::Vote => ("octagon", "filled"),
        NodeKind::Approval => ("invhouse", "filled"),
        NodeKind::Outcome => ("cds", "filled"),
    }
}

/// Lines in a quoted string of DOT, where a backslash would begin an escape of its own.
fn quoted(lines: &[&str]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| line.replace('\\', "\\\\").replace('"', "\\\"")).collect();
    format!("\"{}\"", lines.join("\\n"))
}
