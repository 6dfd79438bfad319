//! The outlines of boxes as SVG paths, each within its box, whose left upper corner is 0, 0.

use super::style::{Colours, Shape};

/// Room that an outline takes from the text of a box: at the left and at the right, in pixels.
pub(super) fn insets(shape: Shape) -> (i64, i64) {
    match shape {
        Shape::Rounded => (12, 12),
        Shape::Rectangle => (11, 11),
        Shape::Barred => (17, 15),
        Shape::Slanted => (17, 17),
        Shape::Hexagon => (19, 19),
        Shape::Bust => (48, 12),
        Shape::Shield => (47, 10),
        Shape::Slip => (13, 36),
        Shape::Document => (11, 20),
        Shape::Tag => (30, 12),
        Shape::Signpost => (12, 24),
        Shape::Stack => (12, 18),
    }
}

/// How far inside its box's left and right side an outline runs, so far above or below its middle.
pub(super) fn recess(shape: Shape, height: i64, offset: i64) -> (i64, i64) {
    let far = offset.abs();
    match shape {
        Shape::Hexagon => (SLANT * 2 * far / height, SLANT * 2 * far / height),
        Shape::Slanted => (SLANT * (height / 2 - offset) / height, SLANT * (height / 2 + offset) / height),
        Shape::Signpost => (0, (SLANT + 2) * 2 * far / height),
        Shape::Bust => (far * far / height, 0),
        Shape::Shield
        | Shape::Rounded
        | Shape::Rectangle
        | Shape::Barred
        | Shape::Slip
        | Shape::Document
        | Shape::Tag
        | Shape::Stack => (0, 0),
    }
}

/// How far from its middle a box takes the ends of edges, at the left and the right.
pub(super) fn reach(shape: Shape) -> (i64, i64) {
    match shape {
        Shape::Bust | Shape::Shield => (8, 12),
        Shape::Rounded
        | Shape::Rectangle
        | Shape::Barred
        | Shape::Slanted
        | Shape::Hexagon
        | Shape::Slip
        | Shape::Document
        | Shape::Tag
        | Shape::Signpost
        | Shape::Stack => (14, 14),
    }
}

const SLANT: i64 = 10;

/// The outline, in parts: path data, and whether it is filled with the ground.
pub(super) fn outline(shape: Shape, w: i64, h: i64) -> Vec<(String, bool)> {
    let (middle, s) = (h / 2, SLANT);
    match shape {
        Shape::Rounded => vec![(rounded(0, 0, w, h, 12), true)],
        Shape::Rectangle => vec![(rounded(0, 0, w, h, 1), true)],
        Shape::Barred => {
            vec![(rounded(0, 0, w, h, 1), true), (format!("M5 0V{h}M{0} 0V{h}", w - 5), false)]
        }
        Shape::Slanted => vec![(format!("M{s} 0H{w}L{} {h}H0Z", w - s), true)],
        Shape::Hexagon => vec![(format!("M0 {middle}L{s} 0H{0}L{w} {middle}L{0} {h}H{s}Z", w - s), true)],
        Shape::Bust => {
            let r = h / 2;
            vec![
                (rounded(r, 4, w - r, h - 8, 5), true),
                (format!("M0 {r}a{r} {r} 0 1 0 {h} 0a{r} {r} 0 1 0 -{h} 0Z"), true),
                (
                    format!(
                        "M{0} {1}a6 6 0 1 0 12 0a6 6 0 1 0 -12 0M{2} {3}q0 -11 11 -11t11 11",
                        r - 6,
                        r - 6,
                        r - 11,
                        r + 14
                    ),
                    false,
                ),
            ]
        }
        Shape::Shield => {
            vec![(rounded(19, 4, w - 19, h - 8, 5), true), (shield(0, 0, 38, h), true)]
        }
        Shape::Slip => vec![(format!("M7 0H{0}L{w} 7V{1}L{0} {h}H7L0 {1}V7Z", w - 7, h - 7), true)],
        Shape::Document => {
            let fold = w - 12;
            vec![(format!("M0 0H{fold}L{w} 12V{h}H0Z"), true), (format!("M{fold} 0V12H{w}"), false)]
        }
        Shape::Tag => {
            let hole = format!("M14 {}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0", middle);
            vec![(format!("M0 {}L12 0H{w}V{h}H12L0 {}Z", middle - 12, middle + 12), true), (hole, false)]
        }
        Shape::Signpost => vec![(format!("M0 0H{0}L{w} {middle}L{0} {h}H0Z", w - s - 2), true)],
        Shape::Stack => vec![
            (rounded(6, 6, w - 6, h - 6, 4), true),
            (rounded(3, 3, w - 6, h - 6, 4), true),
            (rounded(0, 0, w - 6, h - 6, 4), true),
        ],
    }
}

/// A shield: the place of an approval, whether it is there or not.
pub(super) fn shield(x: i64, y: i64, w: i64, h: i64) -> String {
    let (half, shoulder) = (w / 2, h / 8);
    format!(
        "M{x} {top}Q{q} {top} {m} {y}Q{p} {top} {r} {top}V{side}C{r} {low} {p} {lower} {m} {bottom}C{q} {lower} {x} {low} {x} {side}Z",
        top = y + shoulder,
        q = x + half / 2,
        m = x + half,
        p = x + half + half / 2,
        r = x + w,
        side = y + h / 2,
        low = y + h * 3 / 4,
        lower = y + h * 15 / 16,
        bottom = y + h,
    )
}

/// A rectangle with round corners.
pub(super) fn rounded(x: i64, y: i64, w: i64, h: i64, r: i64) -> String {
    format!(
        "M{} {y}h{wide}a{r} {r} 0 0 1 {r} {r}v{high}a{r} {r} 0 0 1 -{r} {r}h-{wide}a{r} {r} 0 0 1 -{r} -{r}v-{high}a{r} {r} 0 0 1 {r} -{r}Z",
        x + r,
        wide = w - 2 * r,
        high = h - 2 * r,
    )
}

/// An outline as SVG elements.
pub(super) fn drawn(
    shape: Shape,
    (w, h): (i64, i64),
    colours: Colours,
    width_tenths: i64,
    dash: Option<&str>,
) -> String {
    let dash = dash.map(|dash| format!(" stroke-dasharray=\"{dash}\"")).unwrap_or_default();
    let mut out = String::new();
    for (data, filled) in outline(shape, w, h) {
        let ground = if filled { colours.ground } else { "none" };
        out.push_str(&format!(
            "<path d=\"{data}\" fill=\"{ground}\" stroke=\"{}\" stroke-width=\"{}.{}\"{dash}/>",
            colours.border,
            width_tenths / 10,
            width_tenths % 10,
        ));
    }
    out
}
