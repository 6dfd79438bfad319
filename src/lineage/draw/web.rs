//! What is drawn: items, each of them one node or several folded into one, and the links between them. Nothing of the
//! input is lost: every node is in one item, every edge in one link or counted as folded.

use super::cells::{at, push};
use super::picture::{Checked, Ends, PathMark};
use crate::lineage::EdgeKind;
use std::collections::BTreeMap;

/// Items and links.
pub(super) struct Web<'p> {
    pub(super) items: Vec<Item>,
    /// In the order of their ends, each pair once.
    pub(super) links: Vec<Link<'p>>,
    /// Edges within items: not drawn.
    pub(super) edges_folded: usize,
}

/// One box.
#[derive(Clone)]
pub(super) struct Item {
    pub(super) form: Form,
    /// Places of its nodes, ascending.
    pub(super) members: Vec<usize>,
}

/// What a box stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// One node.
    Node,
    /// A chain of so many runs and what they handed on.
    Steps { steps: usize },
    /// What is left of like branches, of which some are shown.
    More { shown: usize, of: usize },
}

/// All edges from one item to another.
pub(super) struct Link<'p> {
    pub(super) from: usize,
    pub(super) to: usize,
    /// At least one.
    pub(super) edges: Vec<Ends<'p>>,
}

/// Items that become one.
pub(super) struct Group {
    pub(super) form: Form,
    pub(super) items: Vec<usize>,
}

/// Neighbours of every item, by link.
pub(super) struct Around {
    /// Links that lead to it.
    pub(super) into: Vec<Vec<usize>>,
    /// Links that leave it.
    pub(super) out: Vec<Vec<usize>>,
}

impl Link<'_> {
    pub(super) fn path(&self) -> PathMark {
        self.edges.iter().map(|ends| ends.edge.path).max().unwrap_or(PathMark::Plain)
    }

    /// Whether every edge of it came late.
    pub(super) fn is_late(&self) -> bool {
        self.edges.iter().all(|ends| ends.edge.late)
    }

    pub(super) fn is_inferred(&self) -> bool {
        self.edges.iter().all(|ends| ends.edge.inferred)
    }

    pub(super) fn is_after(&self) -> bool {
        self.edges.iter().all(|ends| ends.edge.after)
    }

    /// The kinds of its edges with their counts.
    pub(super) fn kinds(&self) -> BTreeMap<EdgeKind, usize> {
        let mut kinds = BTreeMap::new();
        for ends in &self.edges {
            *kinds.entry(ends.edge.kind).or_insert(0) += 1;
        }
        kinds
    }
}

impl<'p> Web<'p> {
    /// Every node for itself.
    pub(super) fn of(checked: &Checked<'p>) -> Web<'p> {
        let items: Vec<Item> =
            (0..checked.nodes.len()).map(|place| Item { form: Form::Node, members: vec![place] }).collect();
        let own: Vec<usize> = (0..items.len()).collect();
        let links = link(checked.edges.iter().map(|ends| (ends.from, ends.to, *ends)), &own);
        Web { items, links, edges_folded: 0 }
    }

    pub(super) fn around(&self) -> Around {
        let mut around = Around { into: vec![Vec::new(); self.items.len()], out: vec![Vec::new(); self.items.len()] };
        for (number, link) in self.links.iter().enumerate() {
            push(&mut around.out, link.from, number);
            push(&mut around.into, link.to, number);
        }
        around
    }

    /// Folds each group into one item. Groups share no items.
    pub(super) fn fold(self, groups: &[Group]) -> Web<'p> {
        if groups.is_empty() {
            return self;
        }
        let mut group_of = vec![None; self.items.len()];
        for (number, group) in groups.iter().enumerate() {
            for item in &group.items {
                super::cells::put(&mut group_of, *item, Some(number));
            }
        }
        let mut items: Vec<Item> = Vec::new();
        let mut now_at = vec![0; self.items.len()];
        let mut made: BTreeMap<usize, usize> = BTreeMap::new();
        for (old, item) in self.items.iter().enumerate() {
            let new = match at(&group_of, old) {
                None => {
                    items.push(item.clone());
                    items.len() - 1
                }
                Some(number) => *made.entry(number).or_insert_with(|| {
                    let form = groups.get(number).map_or(Form::Node, |group| group.form);
                    items.push(Item { form, members: Vec::new() });
                    items.len() - 1
                }),
            };
            if at(&group_of, old).is_some()
                && let Some(into) = items.get_mut(new)
            {
                into.members.extend(&item.members);
                into.members.sort_unstable();
            }
            super::cells::put(&mut now_at, old, new);
        }
        let mut edges_folded = self.edges_folded;
        let mut ends = Vec::new();
        for link in self.links {
            let within = at(&group_of, link.from).is_some() && at(&now_at, link.from) == at(&now_at, link.to);
            if within {
                edges_folded += link.edges.len();
            } else {
                ends.extend(link.edges.into_iter().map(|edge| (link.from, link.to, edge)));
            }
        }
        Web { items, links: link(ends.into_iter(), &now_at), edges_folded }
    }
}

/// One link for each pair of items.
fn link<'p>(ends: impl Iterator<Item = (usize, usize, Ends<'p>)>, now_at: &[usize]) -> Vec<Link<'p>> {
    let mut links: BTreeMap<(usize, usize), Vec<Ends<'p>>> = BTreeMap::new();
    for (from, to, edge) in ends {
        links.entry((at(now_at, from), at(now_at, to))).or_default().push(edge);
    }
    links.into_iter().map(|((from, to), edges)| Link { from, to, edges }).collect()
}
