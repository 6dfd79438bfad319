//! Points in layers: one for each item, and one in each layer that a link only passes. Between points there are only
//! steps to the next layer. A grid knows no coordinates.

use super::cells::{at, push, put, row};
use super::layers::{Layers, Runs};
use super::picture::PictureError;
use super::style::{Tone, tone};
use super::web::Web;
use crate::limits::{PICTURE_BENDS_MAX, PICTURE_TRUNK_LINKS_MIN};
use std::collections::HashMap;

/// Points, their order in the layers, and their steps.
pub(super) struct Grid {
    /// Items first, by their number; then the points between.
    pub(super) points: Vec<Point>,
    /// The points of each layer, from top to bottom.
    pub(super) layers: Vec<Vec<usize>>,
    /// The points to the left of each, in the next layer.
    pub(super) left: Vec<Vec<usize>>,
    /// The points to the right of each, in the next layer.
    pub(super) right: Vec<Vec<usize>>,
    /// For each link its points from left to right; none for one that leads from an item to itself.
    pub(super) routes: Vec<Vec<usize>>,
    /// Parts that hang together, by point; the parts stand one above the other.
    pub(super) part: Vec<usize>,
}

/// A place in a layer.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Point {
    /// Its layer.
    pub(super) layer: usize,
    /// Whether it is a box, rather than a bend.
    pub(super) is_box: bool,
}

impl Grid {
    pub(super) fn of(web: &Web<'_>, layers: &Layers) -> Result<Grid, PictureError> {
        let points = layers.of.iter().map(|layer| Point { layer: *layer, is_box: true }).collect();
        let mut grid = Grid {
            points,
            layers: vec![Vec::new(); layers.count],
            left: Vec::new(),
            right: Vec::new(),
            routes: Vec::new(),
            part: Vec::new(),
        };
        let trunks = Trunks::of(web, layers);
        let mut bends: HashMap<(Trunk, usize), usize> = HashMap::new();
        let mut passed = 0;
        for (number, link) in web.links.iter().enumerate() {
            let (from, to) = match at(&layers.runs, number) {
                Runs::Right => (link.from, link.to),
                Runs::Left => (link.to, link.from),
                Runs::Round => {
                    grid.routes.push(Vec::new());
                    continue;
                }
            };
            let trunk = trunks.trunk(number, from, to, tone(link));
            let mut route = vec![from];
            for layer in at(&layers.of, from) + 1..at(&layers.of, to) {
                passed += 1;
                let next = grid.points.len();
                let bend = *bends.entry((trunk, layer)).or_insert(next);
                if bend == next {
                    grid.points.push(Point { layer, is_box: false });
                }
                route.push(bend);
            }
            route.push(to);
            grid.routes.push(route);
            if passed > PICTURE_BENDS_MAX {
                return Err(PictureError::Tangled { bends: passed, max: PICTURE_BENDS_MAX });
            }
        }
        grid.connect();
        grid.find_parts();
        grid.place_first();
        Ok(grid)
    }

    /// Steps between neighbouring layers, each once.
    fn connect(&mut self) {
        self.left = vec![Vec::new(); self.points.len()];
        self.right = vec![Vec::new(); self.points.len()];
        let mut steps: Vec<(usize, usize)> = Vec::new();
        for route in &self.routes {
            steps.extend(route.iter().copied().zip(route.iter().skip(1).copied()));
        }
        steps.sort_unstable();
        steps.dedup();
        for (from, to) in steps {
            push(&mut self.right, from, to);
            push(&mut self.left, to, from);
        }
    }

    fn find_parts(&mut self) {
        let mut part_of: Vec<Option<usize>> = vec![None; self.points.len()];
        for start in 0..self.points.len() {
            let mut open = vec![start];
            while let Some(point) = open.pop() {
                if at(&part_of, point).is_none() {
                    // A part is called by the first of its points.
                    put(&mut part_of, point, Some(start));
                    open.extend(row(&self.left, point));
                    open.extend(row(&self.right, point));
                }
            }
        }
        self.part = part_of.into_iter().flatten().collect();
    }

    /// A first order: as a walk along the steps comes by, part after part.
    fn place_first(&mut self) {
        let mut seen = vec![false; self.points.len()];
        let mut starts: Vec<usize> = (0..self.points.len()).collect();
        starts.sort_by_key(|point| (at(&self.part, *point), at(&self.points, *point).layer, *point));
        for start in starts {
            let mut open = vec![start];
            while let Some(point) = open.pop() {
                if at(&seen, point) {
                    continue;
                }
                put(&mut seen, point, true);
                push(&mut self.layers, at(&self.points, point).layer, point);
                open.extend(row(&self.right, point).iter().rev());
            }
        }
    }
}

/// What shares its bends: one link, or the links of one item that go far.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Trunk {
    Link(usize),
    From(usize, Tone),
    Into(usize, Tone),
}

/// Which items have many long links: these run together as far as they can, which spares the eye as many lines.
struct Trunks {
    far_out: Vec<usize>,
    far_in: Vec<usize>,
}

impl Trunks {
    fn of(web: &Web<'_>, layers: &Layers) -> Trunks {
        let mut trunks = Trunks { far_out: vec![0; web.items.len()], far_in: vec![0; web.items.len()] };
        for (number, link) in web.links.iter().enumerate() {
            let (from, to) = match at(&layers.runs, number) {
                Runs::Right => (link.from, link.to),
                Runs::Left => (link.to, link.from),
                Runs::Round => continue,
            };
            if at(&layers.of, to) > at(&layers.of, from) + 1 {
                let (out, into) = (at(&trunks.far_out, from) + 1, at(&trunks.far_in, to) + 1);
                put(&mut trunks.far_out, from, out);
                put(&mut trunks.far_in, to, into);
            }
        }
        trunks
    }

    fn trunk(&self, number: usize, from: usize, to: usize, tone: Tone) -> Trunk {
        let (out, into) = (at(&self.far_out, from), at(&self.far_in, to));
        if out.max(into) < PICTURE_TRUNK_LINKS_MIN {
            Trunk::Link(number)
        } else if out >= into {
            Trunk::From(from, tone)
        } else {
            Trunk::Into(to, tone)
        }
    }
}
