//! The words of every box, and the columns: how wide each layer is and where it stands.

use super::cells::{at, row};
use super::grid::Grid;
use super::outline::insets;
use super::picture::{Checked, GateMark, PictureNode};
use super::style::{Shape, shape};
use super::text::{Letters, counted, grouped, harmless, shorten, width};
use super::web::{Form, Item, Web};
use crate::lineage::NodeKind;
use std::collections::BTreeMap;

/// What is written on a box and behind it, harmless and in full.
#[derive(Default)]
pub(super) struct Words {
    pub(super) label: String,
    /// Always whole, unless the box is too narrow even for it.
    pub(super) marks: String,
    /// Behind the marks, shortened where it must be.
    pub(super) small: String,
    /// Shown when somebody points at it.
    pub(super) full: String,
}

/// One layer as it is drawn, in pixels.
#[derive(Clone, Copy, Default)]
pub(super) struct Column {
    pub(super) x: i64,
    pub(super) width: i64,
}

const BOX_WIDTH_MIN: i64 = 84;
const BOX_WIDTH_MAX: i64 = 250;
const GAP_MIN: i64 = 46;
const GAP_MAX: i64 = 130;
/// Room of the empty shield on a box.
pub(super) const EMPTY_SHIELD_WIDTH: i64 = 32;

/// The shape of an item, and the node if it is a single one.
pub(super) fn shape_of<'p>(checked: &Checked<'p>, item: &Item) -> (Shape, Option<&'p PictureNode>) {
    match (item.form, item.members.as_slice()) {
        (Form::Node, [place]) => {
            let node = checked.node(*place);
            (node.map_or(Shape::Stack, |node| shape(node.kind)), node)
        }
        _ => (Shape::Stack, None),
    }
}

pub(super) fn words(checked: &Checked<'_>, item: &Item) -> Words {
    let members: Vec<&PictureNode> = item.members.iter().filter_map(|place| checked.node(*place)).collect();
    match (item.form, members.as_slice()) {
        (Form::Node, [node]) => words_of_node(node),
        (Form::Steps { steps }, _) => {
            let counts = counts(&members);
            let full = format!("{} in a row, folded: {counts}\n{}", counted(steps, "step"), names(&members));
            Words { label: counted(steps, "step"), marks: String::new(), small: counts, full }
        }
        (Form::More { shown, of }, _) => {
            let left = of.saturating_sub(shown);
            let kinds: std::collections::BTreeSet<NodeKind> = members.iter().map(|node| node.kind).collect();
            let label = match (kinds.len(), kinds.first()) {
                (1, Some(kind)) if members.len() == left => counted(left, &format!("more {}", kind_words(*kind))),
                _ => counted(left, "more branch").replace("branchs", "branches"),
            };
            let small = format!("{shown} of {} shown", grouped(u64::try_from(of).unwrap_or(u64::MAX)));
            let full = format!("{label}, folded: {}\n{}", counts(&members), names(&members));
            Words { label, marks: String::new(), small, full }
        }
        (Form::Node, _) => Words::default(),
    }
}

fn words_of_node(node: &PictureNode) -> Words {
    let label = harmless(&node.label);
    let mut said = vec![kind_words(node.kind)];
    said.extend(node.words().map(str::to_owned));
    if node.after {
        said.push("after".to_owned());
    }
    if node.unseen > 0 {
        said.push(format!("{} not shown", grouped(node.unseen)));
    }
    let marks = said.join(" · ");
    let small = harmless(&node.sublabel);
    let mut full = format!("{label}\n{marks}");
    if !small.is_empty() {
        full.push_str(&format!(" · {small}"));
    }
    if node.gate == GateMark::Gated {
        full.push_str(" · approved");
    }
    if node.inferred {
        full.push_str(" · inferred or unsigned");
    }
    Words { label, marks, small, full }
}

impl Words {
    /// The second line, no wider than so many pixels: what is said of the node whole, its own words as far as they fit.
    pub(super) fn second(&self, room: i64) -> String {
        let whole = self.second_whole();
        let marks = format!("{} · ", self.marks);
        let left = room - width(&marks, Letters::Small);
        if width(&whole, Letters::Small) <= room || self.marks.is_empty() || self.small.is_empty() {
            shorten(&whole, Letters::Small, room)
        } else if left < SECOND_WIDTH_MIN {
            shorten(&self.marks, Letters::Small, room)
        } else {
            format!("{marks}{}", shorten(&self.small, Letters::Small, left))
        }
    }

    fn second_whole(&self) -> String {
        let both = !self.marks.is_empty() && !self.small.is_empty();
        format!("{}{}{}", self.marks, if both { " · " } else { "" }, self.small)
    }

    /// The width of both lines in full.
    fn width(&self) -> i64 {
        width(&self.label, Letters::Label).max(width(&self.second_whole(), Letters::Small))
    }
}

/// Less room than this says nothing.
const SECOND_WIDTH_MIN: i64 = 24;

/// The name of a kind in words.
pub(super) fn kind_words(kind: NodeKind) -> String {
    kind.name().replace('_', " ")
}

/// How many there are of each kind.
fn counts(members: &[&PictureNode]) -> String {
    let mut kinds: BTreeMap<NodeKind, usize> = BTreeMap::new();
    for node in members {
        *kinds.entry(node.kind).or_insert(0) += 1;
    }
    let mut kinds: Vec<(NodeKind, usize)> = kinds.into_iter().collect();
    kinds.sort_by_key(|(kind, count)| (usize::MAX - count, *kind));
    kinds.iter().map(|(kind, count)| counted(*count, &kind_words(*kind))).collect::<Vec<_>>().join(", ")
}

/// The first names.
fn names(members: &[&PictureNode]) -> String {
    let mut names: Vec<String> = members.iter().take(NAMES_MAX).map(|node| harmless(&node.label)).collect();
    if members.len() > NAMES_MAX {
        names.push(format!("and {} more", members.len() - NAMES_MAX));
    }
    names.join("\n")
}

/// Names of folded nodes that are listed behind a box.
const NAMES_MAX: usize = 12;

/// Room for text in a box of this width: where it begins, and how wide it may be.
pub(super) fn text_room(shape: Shape, node: Option<&PictureNode>, box_width: i64) -> (i64, i64) {
    let (left, right) = insets(shape);
    let left = if node.is_some_and(|node| node.gate == GateMark::Missing) { left + EMPTY_SHIELD_WIDTH } else { left };
    (left, box_width - left - right)
}

/// Where the columns stand. Between two of them there is more room the more lines change their height there,
/// and the further.
pub(super) fn columns(
    checked: &Checked<'_>,
    web: &Web<'_>,
    grid: &Grid,
    heights: &[i64],
    words: &[Words],
) -> Vec<Column> {
    let mut columns = Vec::with_capacity(grid.layers.len());
    let mut x = 0;
    for layer in &grid.layers {
        let mut width_most = 0;
        let (mut bent, mut steepest) = (0, 0);
        for point in layer {
            if let (Some(item), Some(words)) = (web.items.get(*point), words.get(*point)) {
                let (shape, node) = shape_of(checked, item);
                let (_, room) = text_room(shape, node, 0);
                width_most = width_most.max((words.width() - room).clamp(BOX_WIDTH_MIN, BOX_WIDTH_MAX));
            }
            for next in row(&grid.right, *point) {
                let rise = (at(heights, *next) - at(heights, *point)).abs();
                bent += i64::from(rise > 0);
                steepest = steepest.max(rise);
            }
        }
        columns.push(Column { x, width: width_most });
        x += width_most + (GAP_MIN + 2 * bent + steepest / 16).min(GAP_MAX);
    }
    columns
}
