//! A picture as SVG: no script, nothing fetched, system fonts, light ground, one text with all that it needs. Text from
//! outside is escaped, and clipped to its box whatever font it is shown in.

use super::boxes::{box_of_node, text};
use super::cells::{at, row};
use super::columns::{Column, Words, columns, shape_of, text_room, words};
use super::edges::{Ports, Stage, ports};
use super::fold::fold;
use super::grid::Grid;
use super::header::header;
use super::layers::{Layers, Runs, layers};
use super::legend::legend;
use super::order::order;
use super::outline::drawn;
use super::picture::{Checked, PathMark, Picture, PictureError, PictureNode};
use super::place::{Spacing, place};
use super::style::{AFTER, DASHED, FOLDED, Flow, Shape, stroke};
use super::text::{harmless, xml};
use super::web::{Form, Item, Link, Web};
use crate::limits::PICTURE_PIXELS_MAX;

/// An SVG text, and how much of the picture stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// The text.
    pub svg: String,
    /// Nodes with a box of their own.
    pub nodes_drawn: usize,
    /// Nodes that a box counts with others.
    pub nodes_folded: usize,
    /// Edges that are drawn; several between the same two boxes share a line, which names them all.
    pub edges_drawn: usize,
    /// Edges between nodes that were folded into one box.
    pub edges_folded: usize,
}

/// All that is decided before anything is written.
pub(super) struct Layout<'p> {
    pub(super) checked: Checked<'p>,
    pub(super) web: Web<'p>,
    layers: Layers,
    grid: Grid,
    heights: Vec<i64>,
    words: Vec<Words>,
    columns: Vec<Column>,
}

const SPACING: Spacing = Spacing { box_height: 42, between_boxes: 16, beside_line: 12, between_parts: 26 };
/// Around everything.
pub(super) const MARGIN: i64 = 28;
/// No picture is narrower, so that its header and its legend can be read.
const WIDTH_MIN: i64 = 720;

/// Draws a picture. At most `PICTURE_NODES_DRAWN_MAX` boxes; beyond that it folds, and refuses what cannot be folded.
pub fn svg(picture: &Picture) -> Result<Drawing, PictureError> {
    let layout = Layout::of(picture)?;
    let (nodes, edges) = (layout.nodes_drawn(), layout.edges_drawn());
    let drawing = Drawing {
        nodes_drawn: nodes,
        nodes_folded: picture.nodes.len() - nodes,
        edges_drawn: edges,
        edges_folded: layout.web.edges_folded,
        svg: String::new(),
    };
    let right = layout.columns.last().map_or(0, |last| last.x + last.width);
    let wide = (right + 2 * MARGIN).max(WIDTH_MIN);
    let (head, top) = header(picture, &drawing, wide - 2 * MARGIN);
    let lowest = layout.heights.iter().max().copied().unwrap_or(0);
    let below = top + lowest + SPACING.box_height / 2 + MARGIN;
    let (key, key_height) = legend(&layout, wide - 2 * MARGIN);
    let high = below + key_height + MARGIN;
    if wide.max(high) > PICTURE_PIXELS_MAX {
        return Err(PictureError::Sheet { wide, high });
    }
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{high}\" viewBox=\"0 0 {wide} {high}\" \
         role=\"img\">\n<title>{title}</title>\n<style>{STYLE}</style>\n<rect width=\"{wide}\" height=\"{high}\" fill=\"#ffffff\"/>\n{head}\
         <g transform=\"translate({MARGIN} {top})\">\n",
        title = xml(&harmless(&picture.title)),
    );
    layout.write_edges(&mut out);
    layout.write_boxes(&mut out);
    out.push_str(&format!("</g>\n<g transform=\"translate({MARGIN} {below})\">\n{key}</g>\n</svg>\n"));
    Ok(Drawing { svg: out, ..drawing })
}

/// The fonts that systems bring; the widest of them decided the width of the boxes.
const STYLE: &str = "text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','Noto Sans','DejaVu Sans',\
Arial,sans-serif;fill:#1f2937}.t{font-size:18px;font-weight:700}.l{font-size:13px;font-weight:600}.s{font-size:11px}";

impl<'p> Layout<'p> {
    fn of(picture: &'p Picture) -> Result<Layout<'p>, PictureError> {
        let checked = Checked::of(picture)?;
        let web = fold(&checked)?;
        let layers = layers(&web);
        let mut grid = Grid::of(&web, &layers)?;
        order(&mut grid);
        let heights = place(&grid, SPACING);
        let words: Vec<Words> = web.items.iter().map(|item| words(&checked, item)).collect();
        let columns = columns(&checked, &web, &grid, &heights, &words);
        Ok(Layout { checked, web, layers, grid, heights, words, columns })
    }

    fn nodes_drawn(&self) -> usize {
        self.web.items.iter().filter(|item| item.form == Form::Node).count()
    }

    fn edges_drawn(&self) -> usize {
        self.web.links.iter().map(|link| link.edges.len()).sum()
    }

    /// Whether a link is grey: it, or what stands at an end of it, is younger than the position that was asked about.
    pub(super) fn is_after(&self, link: &Link<'_>) -> bool {
        let end = |item: usize| {
            let members = self.web.items.get(item).map_or(&[] as &[usize], |item| &item.members);
            members.iter().all(|place| self.checked.node(*place).is_some_and(|node| node.after))
        };
        link.is_after() || end(link.from) || end(link.to)
    }

    /// Lines, what is pointed out last, so that nothing is drawn over it.
    fn write_edges(&self, out: &mut String) {
        let shapes: Vec<Option<Shape>> =
            self.web.items.iter().map(|item| Some(shape_of(&self.checked, item).0)).collect();
        let stage = Stage {
            grid: &self.grid,
            columns: &self.columns,
            heights: &self.heights,
            shapes: &shapes,
            box_height: SPACING.box_height,
        };
        let ports = ports(&stage, &self.layers.runs);
        for path in [PathMark::Plain, PathMark::Asked, PathMark::Unapproved] {
            for (number, link) in self.web.links.iter().enumerate().filter(|(_, link)| link.path() == path) {
                self.write_edge(out, &stage, &ports, number, link);
            }
        }
    }

    fn write_edge(&self, out: &mut String, stage: &Stage<'_>, ports: &Ports, number: usize, link: &Link<'_>) {
        let stroke = stroke(link, self.is_after(link));
        let runs = at(&self.layers.runs, number);
        let line = match runs {
            Runs::Round => stage.loop_line(link.from),
            Runs::Right | Runs::Left => stage.line(ports, row(&self.grid.routes, number), runs, stroke),
        };
        let width = format!("{}.{}", stroke.width_tenths / 10, stroke.width_tenths % 10);
        let dash = stroke.dash.map(|dash| format!(" stroke-dasharray=\"{dash}\"")).unwrap_or_default();
        let ground = match stroke.flow {
            Flow::Data => stroke.colour,
            Flow::Beside => "#ffffff",
            Flow::Authority | Flow::End => "none",
        };
        out.push_str(&format!(
            "<g data-from=\"{from}\" data-to=\"{to}\" data-edges=\"{count}\" fill=\"none\" stroke=\"{colour}\" \
             stroke-width=\"{width}\"><title>{title}</title><path d=\"{line}\"{dash}/>\
             <path d=\"{head}\" fill=\"{ground}\" stroke-width=\"1.3\"/></g>\n",
            from = self.id(link.from),
            to = self.id(link.to),
            count = link.edges.len(),
            colour = stroke.colour,
            title = xml(&self.edge_words(link)),
            line = line.line,
            head = line.head,
        ));
    }

    /// The id of an item in the text: that of its oldest node.
    fn id(&self, item: usize) -> String {
        let node =
            self.web.items.get(item).and_then(|item| item.members.first()).and_then(|place| self.checked.node(*place));
        node.map_or_else(String::new, |node| format!("n{}", node.id))
    }

    fn edge_words(&self, link: &Link<'_>) -> String {
        let label = |item: usize| self.words.get(item).map_or("", |words| words.label.as_str());
        let kinds: Vec<String> = link
            .kinds()
            .into_iter()
            .map(|(kind, count)| match count {
                1 => kind.name().replace('_', " "),
                _ => format!("{} ×{count}", kind.name().replace('_', " ")),
            })
            .collect();
        let late = if link.is_late() { " · came late" } else { "" };
        let inferred = if link.is_inferred() { " · inferred or unsigned" } else { "" };
        format!("{}{late}{inferred}\n{} → {}", kinds.join(", "), label(link.from), label(link.to))
    }

    fn write_boxes(&self, out: &mut String) {
        for (number, item) in self.web.items.iter().enumerate() {
            let column = at(&self.columns, at(&self.grid.points, number).layer);
            let y = at(&self.heights, number) - SPACING.box_height / 2;
            if let Some(words) = self.words.get(number) {
                let (shape, node) = shape_of(&self.checked, item);
                out.push_str(&format!(
                    "<g id=\"{id}\" data-box=\"{x} {y} {w} {h}\" transform=\"translate({x} {y})\"><title>{full}</title>{drawn}{text}</g>\n",
                    id = self.id(number),
                    x = column.x,
                    w = column.width,
                    h = SPACING.box_height,
                    full = xml(&words.full),
                    drawn = self.drawn_box(item, shape, node, column.width),
                    text = text(words, shape, text_room(shape, node, column.width), node.is_some_and(|node| node.after), SPACING.box_height),
                ));
            }
        }
    }

    fn drawn_box(&self, item: &Item, shape: Shape, node: Option<&PictureNode>, width: i64) -> String {
        let size = (width, SPACING.box_height);
        match node {
            Some(node) => box_of_node(node, shape, size),
            None => {
                let members = item.members.iter().filter_map(|place| self.checked.node(*place));
                let after = members.clone().all(|node| node.after);
                let inferred = members.clone().all(|node| node.inferred);
                drawn(shape, size, if after { AFTER } else { FOLDED }, 12, inferred.then_some(DASHED))
            }
        }
    }
}
