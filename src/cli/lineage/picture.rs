//! An answer as a picture. What is drawn is what the answer names; what the answer lacks, its title says.

use super::Scope;
use crate::api::proto;
use crate::cli::errors::Failure;
use crate::cli::output::{counted, remark, write_new};
use crate::cli::producer::word;
use crate::lineage::draw::{GateMark, PathMark, Picture, PictureEdge, PictureNode, Verdict, dot, svg};
use crate::lineage::{EdgeKind, NodeKind};
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Hash, TreeSize};

/// What the picture points out.
pub enum Marked<'a> {
    /// Nothing.
    Nothing,
    /// Where a trace began.
    Start,
    /// The node that was asked about.
    Node(&'a str),
    /// The paths.
    Asked,
    /// The path without approval.
    Unapproved,
}

/// Writes the files that the flags ask for.
pub fn write(scope: &Scope, answer: &proto::LineageAnswer, title: &str, marked: Marked<'_>) -> Result<(), Failure> {
    if scope.svg.is_none() && scope.dot.is_none() {
        return Ok(());
    }
    if answer.nodes.is_empty() {
        remark("nothing was found, so nothing is drawn");
        return Ok(());
    }
    let picture = picture(answer, title, &marked)?;
    let refused = |error: &dyn std::fmt::Display| Failure::failed(error.to_string(), "the answer itself stands above");
    if let Some(path) = &scope.svg {
        let drawing = svg(&picture).map_err(|error| refused(&error))?;
        write_new(path, drawing.svg.as_bytes())?;
        let folded = match drawing.nodes_folded {
            0 => String::new(),
            count => format!(", counted {count} more"),
        };
        remark(&format!(
            "drew {}{folded}: {}",
            counted(u64::try_from(drawing.nodes_drawn).unwrap_or(u64::MAX), "node", "nodes"),
            path.display()
        ));
    }
    if let Some(path) = &scope.dot {
        write_new(path, dot(&picture).map_err(|error| refused(&error))?.as_bytes())?;
    }
    Ok(())
}

fn picture(answer: &proto::LineageAnswer, title: &str, marked: &Marked<'_>) -> Result<Picture, Failure> {
    let head = answer.as_of.clone().unwrap_or_default();
    let as_of = TreeHead { size: TreeSize(head.size), root: Hash(word(&head.root, "as_of.root")?) };
    let nodes: Vec<PictureNode> = answer.nodes.iter().filter_map(|found| node(found, marked)).collect();
    let path = match marked {
        Marked::Nothing | Marked::Start | Marked::Node(_) => PathMark::Plain,
        Marked::Asked => PathMark::Asked,
        Marked::Unapproved => PathMark::Unapproved,
    };
    let edge = |edge: &proto::LineageEdge| {
        let kind = EdgeKind::from_name(&edge.kind)?;
        let ends = nodes.iter().find(|node| node.id == edge.from).zip(nodes.iter().find(|node| node.id == edge.to));
        let late = is_late(edge, kind);
        ends.map(|(from, to)| PictureEdge { late, path, ..PictureEdge::new(from, to, kind) })
    };
    let edges = answer.edges.iter().filter_map(edge).collect();
    let cut = if answer.complete { "" } else { " (not whole)" };
    Ok(Picture { title: format!("{title}{cut}"), as_of, nodes, edges })
}

/// Whether data came late. Decisions are named when they are asked for; that votes come later says nothing.
pub fn is_late(edge: &proto::LineageEdge, kind: EdgeKind) -> bool {
    matches!(kind, EdgeKind::Used | EdgeKind::Generated | EdgeKind::Derived) && edge.from > edge.to
}

/// A node as it is drawn.
pub fn node(found: &proto::LineageNode, marked: &Marked<'_>) -> Option<PictureNode> {
    let kind = NodeKind::from_name(&found.kind)?;
    let label = match (found.name.as_str(), kind) {
        ("", _) => short(&found.text),
        // What is done, and on what; a run that has a gate carried out an action.
        (name, NodeKind::Action) => format!("{} {name}", found.namespace),
        (name, NodeKind::Run) if !found.gate.is_empty() && !found.namespace.is_empty() => {
            format!("{} {name}", found.namespace)
        }
        (name, _) => name.to_owned(),
    };
    let (gate, verdict, said) = approval(found, kind, matches!(marked, Marked::Unapproved));
    // What coverage and contamination are about; an approval of its own says more of a node.
    let said = match found.covered {
        Some(true) if said.is_empty() => "covered",
        Some(false) if said.is_empty() => "open",
        Some(_) | None => said,
    };
    let focus = match marked {
        Marked::Start => found.depth == 0,
        Marked::Node(asked) => *asked == found.text,
        Marked::Nothing | Marked::Asked | Marked::Unapproved => false,
    };
    let sublabel = if found.version.is_empty() { format!("entry {}", found.born_index) } else { found.version.clone() };
    Some(PictureNode { sublabel, gate, verdict, said, focus, ..PictureNode::new(found.id, kind, label) })
}

/// What is known of the approval of a run or request, as a mark and as a word; of runs on an unapproved path, what they
/// have instead of one.
fn approval(found: &proto::LineageNode, kind: NodeKind, is_unapproved: bool) -> (GateMark, Verdict, &'static str) {
    let has = |flag: &&str| found.gate.iter().any(|name| name == flag);
    // What speaks against an approval says more than that there was one.
    let words = [
        ("denied", "denied"),
        ("mismatch", "not what was approved"),
        ("self_approved", "approved by who asked"),
        ("revoked_before", "revoked"),
        ("expired", "expired"),
        ("missing", "no approval"),
        ("break_glass", "break-glass"),
        ("approved_auto", "by policy"),
        ("not_required", "by policy"),
    ];
    let said = words.iter().find(|(flag, _)| has(flag)).map_or("", |(_, words)| words);
    let approved = found.approved;
    if kind == NodeKind::Run {
        return match said {
            _ if approved => (GateMark::Gated, Verdict::Silent, ""),
            _ if is_unapproved || has(&"missing") => (GateMark::Missing, Verdict::Silent, said),
            "" => (GateMark::Silent, Verdict::Silent, ""),
            _ => (GateMark::Apart, Verdict::Silent, said),
        };
    }
    let verdict = match said {
        _ if kind != NodeKind::Approval => (Verdict::Silent, ""),
        _ if approved => (Verdict::Approved, ""),
        _ if has(&"denied") => (Verdict::Denied, ""),
        "" => (Verdict::Silent, "not given"),
        _ => (Verdict::Apart, said),
    };
    (GateMark::Silent, verdict.0, verdict.1)
}

/// A key's first digits.
fn short(text: &str) -> String {
    match text.split_once(':') {
        Some((_, key)) => key.chars().take(8).collect(),
        None => text.to_owned(),
    }
}
