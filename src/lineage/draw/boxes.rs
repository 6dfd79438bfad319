//! One box: its outline, its marks, its two lines of text. Where it stands, others decide.

use super::columns::Words;
use super::outline::{drawn, rounded, shield};
use super::picture::{GateMark, PictureNode, Verdict};
use super::style::{AFTER_INK, Colours, DASHED, FAINT_INK, INK, Shape, colours_of};
use super::text::{Letters, shorten, xml};

/// The box of one node, with all its marks.
pub(super) fn box_of_node(node: &PictureNode, shape: Shape, (width, height): (i64, i64)) -> String {
    let colours = colours_of(node);
    let heavy = if node.focus { 34 } else { 14 };
    let mut out = drawn(shape, (width, height), colours, heavy, node.inferred.then_some(DASHED));
    match node.gate {
        GateMark::Silent => {}
        GateMark::Gated | GateMark::Apart => out.push_str(&format!(
            "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.2\"{}/>",
            rounded(4, 4, width - 8, height - 8, 1),
            colours.border,
            if node.gate == GateMark::Apart { " stroke-dasharray=\"3 2\"" } else { "" },
        )),
        GateMark::Missing => out.push_str(&empty_shield(8, height, colours)),
    }
    let place = match shape {
        Shape::Shield => Some(11),
        Shape::Slip => Some(width - 29),
        Shape::Rounded
        | Shape::Rectangle
        | Shape::Barred
        | Shape::Slanted
        | Shape::Hexagon
        | Shape::Bust
        | Shape::Document
        | Shape::Tag
        | Shape::Signpost
        | Shape::Stack => None,
    };
    if let Some(x) = place {
        out.push_str(&verdict(node.verdict, (x, height / 2), colours));
    }
    out
}

/// A tick, a cross or a bar, 17 pixels wide, around the middle of its left side.
fn verdict(verdict: Verdict, (x, y): (i64, i64), colours: Colours) -> String {
    let data = match verdict {
        Verdict::Silent => return String::new(),
        Verdict::Approved => format!("M{x} {y}l6 7l11 -14"),
        Verdict::Denied => format!("M{} {}l12 12m0 -12l-12 12", x + 2, y - 6),
        Verdict::Apart => format!("M{x} {y}h17"),
    };
    format!("<path d=\"{data}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2.4\"/>", colours.border)
}

/// Where an approval should be and is not.
fn empty_shield(x: i64, height: i64, colours: Colours) -> String {
    format!(
        "<path d=\"{}\" fill=\"#ffffff\" stroke=\"{}\" stroke-width=\"2.0\" stroke-dasharray=\"3 2\"/>",
        shield(x, height / 2 - 15, 26, 30),
        colours.border,
    )
}

/// The two lines of a box of this height, clipped to their room.
pub(super) fn text(words: &Words, shape: Shape, (x, room): (i64, i64), after: bool, height: i64) -> String {
    let (ink, faint) = if after { (AFTER_INK, AFTER_INK) } else { (INK, FAINT_INK) };
    // The front of a stack is lower than a box.
    let raised = if shape == Shape::Stack { 3 } else { 0 };
    let line = |text: &str, class: &str, y: i64, ink: &str| {
        format!("<text class=\"{class}\" y=\"{}\" style=\"fill:{ink}\">{}</text>", y - raised, xml(text))
    };
    format!(
        "<svg x=\"{x}\" width=\"{room}\" height=\"{height}\">{}{}</svg>",
        line(&shorten(&words.label, Letters::Label, room), "l", 18, ink),
        line(&words.second(room), "s", 33, faint),
    )
}
