//! Pictures of lineage as an outsider sees them: the SVG is read back with a parser of others, and boxes and lines are
//! measured. Whether a picture pleases, no test here says.

mod folding;
mod geometry;
mod hostile;
mod marks;
mod sheet;

use crate::support::Rng;
use deedbook::lineage::draw::{Picture, PictureEdge, PictureNode};
use deedbook::lineage::{EdgeKind, NodeKind};
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Hash, TreeSize};

/// A picture of nothing.
fn empty() -> Picture {
    Picture {
        title: "what led to it".to_owned(),
        as_of: TreeHead { size: TreeSize(41_827), root: Hash([0xab; 32]) },
        nodes: Vec::new(),
        edges: Vec::new(),
    }
}

/// Adds a node; its id is its place.
fn add(picture: &mut Picture, kind: NodeKind, label: &str) -> usize {
    let place = picture.nodes.len();
    picture.nodes.push(PictureNode::new(u32::try_from(place).unwrap(), kind, label));
    place
}

/// Adds an edge; returns its place.
fn connect(picture: &mut Picture, from: usize, to: usize, kind: EdgeKind) -> usize {
    picture.edges.push(PictureEdge::new(&picture.nodes[from], &picture.nodes[to], kind));
    picture.edges.len() - 1
}

/// Nodes of every kind and edges of every kind at random; late edges, which may close cycles, only on demand.
fn random(rng: &mut Rng, nodes: u64, edges: u64, late: bool) -> Picture {
    let mut picture = empty();
    for number in 0..nodes {
        let kind = *rng.pick(NodeKind::ALL);
        add(&mut picture, kind, &format!("node {number}"));
    }
    for _ in 0..edges {
        let ends = (rng.below(nodes) as usize, rng.below(nodes) as usize);
        if ends.0 == ends.1 && !late {
            continue;
        }
        let is_late = late && rng.percent(10);
        let (low, high) = (ends.0.min(ends.1), ends.0.max(ends.1));
        let (from, to) = if is_late { (high, low) } else { (low, high) };
        let kind = *rng.pick(EdgeKind::ALL);
        let edge = connect(&mut picture, from, to, kind);
        picture.edges[edge].late = is_late;
    }
    picture
}
