//! Gives every item its layer: each link leads at least one layer to the right, except those that would close a cycle.

use super::cells::{at, push, put, row};
use super::web::{Link, Web};

/// Where items stand from left to right.
pub(super) struct Layers {
    /// The layer of each item, from 0.
    pub(super) of: Vec<usize>,
    /// How many there are.
    pub(super) count: usize,
    /// For each link, how it runs.
    pub(super) runs: Vec<Runs>,
}

/// How a link runs through the layers.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) enum Runs {
    /// From a lower layer to a higher one.
    #[default]
    Right,
    /// Against the layers: it would close a cycle.
    Left,
    /// From an item to itself.
    Round,
}

/// What does not run in a circle.
struct Acyclic {
    /// The items that each leads to.
    out: Vec<Vec<usize>>,
    /// The items that lead to each.
    into: Vec<Vec<usize>>,
}

/// Causes left of their effects, each item as close as it may stand to what it has most links with.
pub(super) fn layers(web: &Web<'_>) -> Layers {
    let items = web.items.len();
    let mut acyclic = Acyclic { out: vec![Vec::new(); items], into: vec![Vec::new(); items] };
    let mut runs = vec![Runs::Right; web.links.len()];
    // What the log told in its order comes first, so that a cycle is broken at an edge that came late.
    let mut turns: Vec<(usize, &Link<'_>)> = web.links.iter().enumerate().collect();
    turns.sort_by_key(|(number, link)| (link.is_late(), link.from > link.to, *number));
    for (number, link) in turns {
        let (from, to, run) = if link.from == link.to {
            put(&mut runs, number, Runs::Round);
            continue;
        } else if acyclic.leads(link.to, link.from) {
            (link.to, link.from, Runs::Left)
        } else {
            (link.from, link.to, Runs::Right)
        };
        put(&mut runs, number, run);
        push(&mut acyclic.out, from, to);
        push(&mut acyclic.into, to, from);
    }
    let of = acyclic.layers();
    let count = of.iter().max().map_or(0, |last| last + 1);
    Layers { of, count, runs }
}

impl Acyclic {
    fn leads(&self, from: usize, to: usize) -> bool {
        let mut seen = vec![false; self.out.len()];
        let mut open = vec![from];
        while let Some(item) = open.pop() {
            if item == to {
                return true;
            }
            if !at(&seen, item) {
                put(&mut seen, item, true);
                open.extend(row(&self.out, item));
            }
        }
        false
    }

    /// Items such that causes come first; among those that are free, the oldest.
    fn order(&self) -> Vec<usize> {
        let mut waits: Vec<usize> = self.into.iter().map(Vec::len).collect();
        let mut free: std::collections::BTreeSet<usize> =
            (0..waits.len()).filter(|item| at(&waits, *item) == 0).collect();
        let mut order = Vec::with_capacity(waits.len());
        while let Some(item) = free.pop_first() {
            order.push(item);
            for then in row(&self.out, item) {
                let left = at(&waits, *then).saturating_sub(1);
                put(&mut waits, *then, left);
                if left == 0 {
                    free.insert(*then);
                }
            }
        }
        order
    }

    fn layers(&self) -> Vec<usize> {
        let order = self.order();
        let mut layer = vec![0_usize; self.out.len()];
        for item in &order {
            let own = row(&self.into, *item).iter().map(|before| at(&layer, *before) + 1).max().unwrap_or(0);
            put(&mut layer, *item, own);
        }
        // Whoever has more links to the right moves there, so that people and policies stand beside what they decide.
        for _ in 0..SHIFTS {
            for item in order.iter().rev() {
                let (into, out) = (row(&self.into, *item), row(&self.out, *item));
                let right = out.iter().map(|then| at(&layer, *then).saturating_sub(1)).min();
                if let Some(right) = right
                    && out.len() > into.len()
                {
                    let right = right.max(at(&layer, *item));
                    put(&mut layer, *item, right);
                }
            }
        }
        let first = layer.iter().min().copied().unwrap_or(0);
        layer.iter().map(|own| own - first).collect()
    }
}

/// Passes in which items move to the right; each lets go of what stands left of it.
const SHIFTS: usize = 4;
