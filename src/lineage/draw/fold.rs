//! Makes a picture small enough to be read: chains become one box of n steps, wide fans show their first branches and
//! count the rest. What is asked about, what lacks an approval, and marked paths are never folded.

use super::cells::{at, put, row};
use super::fans::{fold_branches, fold_twins};
use super::picture::{Checked, GateMark, PathMark, PictureError};
use super::web::{Around, Form, Group, Web};
use crate::limits::{PICTURE_EDGES_DRAWN_MAX, PICTURE_FOLDS, PICTURE_NODES_DRAWN_MAX, PICTURE_WHOLE_NODES_MAX};
use crate::lineage::NodeKind;

/// Folds until the picture fits.
pub(super) fn fold<'p>(checked: &Checked<'p>) -> Result<Web<'p>, PictureError> {
    let mut left = (checked.nodes.len(), checked.edges.len());
    for (shown, chain) in PICTURE_FOLDS {
        let mut web = Web::of(checked);
        if web.items.len() > PICTURE_WHOLE_NODES_MAX {
            web = fold_chains(web, checked, chain);
        }
        web = fold_twins(web, checked, shown);
        web = fold_branches(web, checked, shown);
        if fits(&web) {
            return Ok(web);
        }
        left = (web.items.len(), web.links.len());
    }
    Err(PictureError::Large { nodes: left.0, edges: left.1 })
}

fn fits(web: &Web<'_>) -> bool {
    web.items.len() <= PICTURE_NODES_DRAWN_MAX && web.links.len() <= PICTURE_EDGES_DRAWN_MAX
}

/// Folds chains of runs, and of what each hands to the next, in which nothing joins and nothing leaves; those of at least
/// so many nodes.
fn fold_chains<'p>(web: Web<'p>, checked: &Checked<'p>, nodes_min: usize) -> Web<'p> {
    let around = web.around();
    let next: Vec<Option<usize>> =
        (0..web.items.len()).map(|item| next_in_chain(&web, checked, &around, item)).collect();
    let mut follows = vec![false; next.len()];
    for item in next.iter().flatten() {
        put(&mut follows, *item, true);
    }
    let mut groups = Vec::new();
    for start in (0..next.len()).filter(|item| !at(&follows, *item)) {
        let mut chain = vec![start];
        let mut here = start;
        while let Some(then) = at(&next, here) {
            chain.push(then);
            here = then;
        }
        let steps =
            chain.iter().filter(|item| checked.node(**item).is_some_and(|node| node.kind == NodeKind::Run)).count();
        if chain.len() >= nodes_min && steps > 0 {
            groups.push(Group { form: Form::Steps { steps }, items: chain });
        }
    }
    web.fold(&groups)
}

/// The item that follows within a chain, if both are of the kind that chains are made of.
fn next_in_chain(web: &Web<'_>, checked: &Checked<'_>, around: &Around, item: usize) -> Option<usize> {
    let [link] = row(&around.out, item) else { return None };
    let then = web.links.get(*link)?.to;
    let alike = checked.node(item)?.after == checked.node(then)?.after;
    (then != item && alike && is_step(web, checked, around, item) && is_step(web, checked, around, then))
        .then_some(then)
}

/// Whether an item may disappear in a chain.
fn is_step(web: &Web<'_>, checked: &Checked<'_>, around: &Around, item: usize) -> bool {
    let ([before], [behind]) = (row(&around.into, item), row(&around.out, item)) else { return false };
    let plain =
        [before, behind].iter().all(|link| web.links.get(**link).is_some_and(|link| link.path() == PathMark::Plain));
    let Some(node) = checked.node(item) else { return false };
    let kind = matches!(node.kind, NodeKind::Run | NodeKind::Dataset | NodeKind::DatasetVersion | NodeKind::Artifact);
    plain && kind && node.gate == GateMark::Silent && !node.focus && node.unseen == 0
}
