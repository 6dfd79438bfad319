//! The legend: what occurs in a picture, and nothing else.

use super::boxes::box_of_node;
use super::columns::kind_words;
use super::outline::drawn;
use super::picture::{GateMark, PathMark, PictureNode, Verdict};
use super::style::{ALARM, ASKED, DASHED, DOTTED, FAINT_INK, FOLDED, Flow, SAMPLE, Shape, shape};
use super::svg::Layout;
use super::text::{Letters, width, xml};
use super::web::Form;
use crate::lineage::NodeKind;
use std::collections::BTreeSet;

/// One entry: a sample 34 pixels wide and 21 high, and what it means.
struct Entry {
    sample: String,
    words: String,
}

const SAMPLE_WIDTH: i64 = 34;
const ROW_HEIGHT: i64 = 30;

/// The legend for so many pixels of room, and its height.
pub(super) fn legend(layout: &Layout<'_>, room: i64) -> (String, i64) {
    let entries: Vec<Entry> = [kinds(layout), marks(layout), lines(layout)].into_iter().flatten().collect();
    let mut out = format!("<path d=\"M0 0H{room}\" stroke=\"#d1d5db\" stroke-width=\"1.0\"/>\n");
    let (mut x, mut y) = (0, 14);
    for entry in &entries {
        let wide = SAMPLE_WIDTH + 8 + width(&entry.words, Letters::Small) + 22;
        if x > 0 && x + wide > room {
            (x, y) = (0, y + ROW_HEIGHT);
        }
        out.push_str(&format!(
            "<g transform=\"translate({x} {y})\">{}<text class=\"s\" x=\"{}\" y=\"14\" style=\"fill:{FAINT_INK}\">{}</text></g>\n",
            entry.sample,
            SAMPLE_WIDTH + 8,
            xml(&entry.words),
        ));
        x += wide;
    }
    (out, if entries.is_empty() { 0 } else { y + ROW_HEIGHT })
}

/// A box at half its size.
fn half_size(inner: &str) -> String {
    format!("<g transform=\"scale(0.5)\">{inner}</g>")
}

fn shown_nodes<'l>(layout: &'l Layout<'_>) -> impl Iterator<Item = &'l PictureNode> {
    let single = layout.web.items.iter().filter(|item| item.form == Form::Node);
    single.flat_map(|item| &item.members).filter_map(|place| layout.checked.node(*place))
}

/// Kinds that look alike share an entry.
fn kinds(layout: &Layout<'_>) -> Vec<Entry> {
    let kinds: BTreeSet<NodeKind> = shown_nodes(layout).map(|node| node.kind).collect();
    let mut entries: Vec<Entry> = Vec::new();
    for kind in kinds {
        let sample = half_size(&box_of_node(&PictureNode::new(0, kind, ""), shape(kind), BOX));
        match entries.iter_mut().find(|entry| entry.sample == sample) {
            Some(entry) => entry.words = format!("{}, {}", entry.words, kind_words(kind)),
            None => entries.push(Entry { sample, words: kind_words(kind) }),
        }
    }
    entries
}

/// The size of a sample before it is halved.
const BOX: (i64, i64) = (66, 42);

fn marks(layout: &Layout<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut add = |occurs: bool, sample: String, words: &str| {
        if occurs {
            entries.push(Entry { sample: half_size(&sample), words: words.to_owned() });
        }
    };
    let run = PictureNode::new(0, NodeKind::Run, "");
    let sample = |node: PictureNode| box_of_node(&node, Shape::Rectangle, BOX);
    let any = |test: &dyn Fn(&PictureNode) -> bool| shown_nodes(layout).any(test);
    let gated = PictureNode { gate: GateMark::Gated, ..run.clone() };
    add(any(&|node| node.gate == GateMark::Gated), sample(gated), "double border: approved");
    let apart = PictureNode { gate: GateMark::Apart, ..run.clone() };
    add(any(&|node| node.gate == GateMark::Apart), sample(apart), "dashed inner border: released without people");
    let missing = PictureNode { gate: GateMark::Missing, ..run.clone() };
    add(any(&|node| node.gate == GateMark::Missing), sample(missing), "empty shield: no approval by people");
    let focus = PictureNode { focus: true, ..run.clone() };
    add(any(&|node| node.focus), sample(focus), "heavy border: asked about");
    for (verdict, words) in [
        (Verdict::Approved, "tick: approved"),
        (Verdict::Denied, "cross: denied"),
        (Verdict::Apart, "bar: released without people, or ended"),
    ] {
        let shown = PictureNode { verdict, ..PictureNode::new(0, NodeKind::Approval, "") };
        add(any(&|node| node.verdict == verdict), box_of_node(&shown, Shape::Shield, BOX), words);
    }
    let after = PictureNode { after: true, ..run };
    add(any(&|node| node.after), sample(after), "grey: after the position");
    let dashed = drawn(Shape::Rectangle, BOX, SAMPLE, 14, Some(DASHED));
    let inferred_link = layout.web.links.iter().any(|link| link.is_inferred());
    add(inferred_link || any(&|node| node.inferred), dashed, "dashed: inferred or unsigned");
    let folded = layout.web.items.iter().any(|item| item.form != Form::Node);
    add(folded, drawn(Shape::Stack, BOX, FOLDED, 12, None), "folded: counted, not drawn");
    entries
}

fn lines(layout: &Layout<'_>) -> Vec<Entry> {
    let links = &layout.web.links;
    let flows: BTreeSet<Flow> = links.iter().flat_map(|link| &link.edges).map(|ends| Flow::of(ends.edge)).collect();
    let mut entries: Vec<Entry> = flows
        .into_iter()
        .map(|flow| Entry { sample: line(flow.colour(), "1.5", None, head(flow)), words: flow.words().to_owned() })
        .collect();
    let plain = head(Flow::Data);
    if links.iter().any(|link| link.is_late()) {
        entries.push(Entry {
            sample: line(Flow::Data.colour(), "1.5", Some(DOTTED), plain),
            words: "dotted: came late".to_owned(),
        });
    }
    for (path, colour, words) in [
        (PathMark::Asked, ASKED, "thick: path asked for"),
        (PathMark::Unapproved, ALARM.border, "thick red: unapproved path"),
    ] {
        if links.iter().any(|link| link.path() == path) {
            entries.push(Entry {
                sample: line(colour, if path == PathMark::Asked { "2.6" } else { "3.8" }, None, plain),
                words: words.to_owned(),
            });
        }
    }
    entries
}

/// A line across a sample, with a head.
fn line(colour: &str, width: &str, dash: Option<&str>, head: (&str, &str)) -> String {
    let dash = dash.map(|dash| format!(" stroke-dasharray=\"{dash}\"")).unwrap_or_default();
    let (head, ground) = head;
    let ground = if ground == "own" { colour } else { ground };
    format!(
        "<g fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"><path d=\"M0 10H25\"{dash}/><path d=\"{head}\" fill=\"{ground}\"/></g>"
    )
}

/// The head of a flow at the end of a sample, and its ground.
fn head(flow: Flow) -> (&'static str, &'static str) {
    match flow {
        Flow::Data => ("M33 10L25 6V14Z", "own"),
        Flow::Authority => ("M25 10H33M26 6L33 10L26 14", "none"),
        Flow::Beside => ("M34 10L29 6L24 10L29 14Z", "#ffffff"),
        Flow::End => ("M25 10H33M31 4V16", "none"),
    }
}
