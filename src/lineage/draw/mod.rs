//! Pictures of a small part of the graph: an SVG text to look at and a DOT text for other programs. Pure: a picture in,
//! a text out, and the same picture gives the same bytes.
//!
//! The SVG is laid out in layers from left to right, cause before effect: what is long or wide is folded (`fold`), layers
//! are chosen (`layers`), edges over several layers become chains of points (`grid`), the order in each layer is sought
//! that crosses least (`order`), points get their height (`place`), and all is written (`svg`). It asks no graph and
//! knows no storage; what is in a picture, and what is marked in it, its caller decides.

mod picture;
mod web;
mod fold;
mod fans;
mod layers;
mod grid;
mod order;
mod place;
mod style;
mod outline;
mod text;
mod columns;
mod edges;
mod boxes;
mod header;
mod legend;
mod svg;
mod dot;
mod cells;

pub use dot::{DOT_CLOSING, dot, dot_edge, dot_node, dot_opening};
pub use picture::{GateMark, PathMark, Picture, PictureEdge, PictureError, PictureNode, Verdict};
pub use svg::{Drawing, svg};
