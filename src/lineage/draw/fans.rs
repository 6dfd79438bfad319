//! Folds what fans out: nodes with the same neighbours, and branches that hang on one node alone. The first few are
//! shown; the rest becomes one box that counts them.

use super::cells::{at, put, row};
use super::picture::{Checked, PathMark};
use super::web::{Around, Form, Group, Web};
use crate::limits::PICTURE_HUBS_MAX;
use std::collections::BTreeMap;

/// Whether so many branches are too many when so many are shown: one that is left over is not worth a box.
fn is_wide(branches: usize, shown: usize) -> bool {
    branches > shown * 2
}

/// Whether an item is shown whatever happens: it is asked about, lacks an approval, or a marked path runs through it.
fn is_kept(web: &Web<'_>, checked: &Checked<'_>, around: &Around, item: usize) -> bool {
    let marked = |links: &[usize]| {
        links.iter().any(|link| web.links.get(*link).is_some_and(|link| link.path() != PathMark::Plain))
    };
    let members = web.items.get(item).map_or(&[] as &[usize], |item| &item.members);
    members.iter().any(|place| checked.is_kept(*place))
        || marked(row(&around.into, item))
        || marked(row(&around.out, item))
}

/// Folds nodes of one kind, marked alike, that have the same neighbours by the same kinds of edges.
pub(super) fn fold_twins<'p>(web: Web<'p>, checked: &Checked<'p>, shown: usize) -> Web<'p> {
    let around = web.around();
    let mut twins: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (item, folded) in web.items.iter().enumerate() {
        let node = match (folded.form, folded.members.as_slice()) {
            (Form::Node, [place]) if !is_kept(&web, checked, &around, item) => checked.node(*place),
            _ => None,
        };
        let Some(node) = node else { continue };
        let sides = [row(&around.into, item), row(&around.out, item)].map(|links| {
            let links = links.iter().filter_map(|link| web.links.get(*link));
            links
                .map(|link| (if link.from == item { link.to } else { link.from }, link.kinds().into_keys().collect()))
                .collect::<Vec<(usize, Vec<_>)>>()
        });
        if sides.iter().any(|side| !side.is_empty()) {
            twins.entry((sides, node.kind, node.gate, node.after)).or_default().push(item);
        }
    }
    let mut groups: Vec<Group> = Vec::new();
    for items in twins.into_values().filter(|items| is_wide(items.len(), shown)) {
        let rest = items.get(shown..).unwrap_or_default().to_vec();
        groups.push(Group { form: Form::More { shown, of: items.len() }, items: rest });
    }
    web.fold(&groups)
}

/// Folds branches: parts that would come loose if one node, the hub, were taken away.
pub(super) fn fold_branches<'p>(mut web: Web<'p>, checked: &Checked<'p>, shown: usize) -> Web<'p> {
    for _ in 0..PICTURE_HUBS_MAX {
        let around = web.around();
        let mut hubs: Vec<usize> = (0..web.items.len()).filter(|item| is_wide(degree(&around, *item), shown)).collect();
        hubs.sort_by_key(|item| (usize::MAX - degree(&around, *item), *item));
        hubs.truncate(PICTURE_HUBS_MAX);
        let Some(groups) = hubs.into_iter().find_map(|hub| branches_of(&web, checked, &around, hub, shown)) else {
            break;
        };
        web = web.fold(&groups);
    }
    web
}

fn degree(around: &Around, item: usize) -> usize {
    row(&around.into, item).len() + row(&around.out, item).len()
}

/// The sides of a hub that a branch hangs on.
type Sides = (bool, bool);

/// What to fold around one hub, if there is anything.
fn branches_of(web: &Web<'_>, checked: &Checked<'_>, around: &Around, hub: usize, shown: usize) -> Option<Vec<Group>> {
    let mut branch_of: Vec<Option<usize>> = vec![None; web.items.len()];
    let mut branches: Vec<Vec<usize>> = Vec::new();
    for start in neighbours(web, around, hub) {
        if start == hub || at(&branch_of, start).is_some() {
            continue;
        }
        put(&mut branch_of, start, Some(branches.len()));
        let mut branch = vec![start];
        let mut next = 0;
        while let Some(item) = branch.get(next).copied() {
            next += 1;
            for other in neighbours(web, around, item) {
                if other != hub && at(&branch_of, other).is_none() {
                    put(&mut branch_of, other, Some(branches.len()));
                    branch.push(other);
                }
            }
        }
        branches.push(branch);
    }
    // The largest part is what the hub hangs on, rather than the reverse.
    let largest = (0..branches.len()).max_by_key(|branch| (row(&branches, *branch).len(), usize::MAX - branch))?;
    let mut sides: BTreeMap<Sides, Vec<usize>> = BTreeMap::new();
    for (number, branch) in branches.iter().enumerate() {
        let main = number == largest && branch.len() * 2 > web.items.len();
        let folded = |item: &usize| web.items.get(*item).is_some_and(|item| matches!(item.form, Form::More { .. }));
        if !main && !branch.iter().any(|item| folded(item) || is_kept(web, checked, around, *item)) {
            let touches = |links: &[usize], inward: bool| {
                links
                    .iter()
                    .filter_map(|link| web.links.get(*link))
                    .any(|link| at(&branch_of, if inward { link.from } else { link.to }) == Some(number))
            };
            let side = (touches(row(&around.into, hub), true), touches(row(&around.out, hub), false));
            sides.entry(side).or_default().push(number);
        }
    }
    let mut groups: Vec<Group> = Vec::new();
    for mut numbers in sides.into_values().filter(|numbers| is_wide(numbers.len(), shown)) {
        numbers.sort_by_key(|number| row(&branches, *number).iter().min().copied());
        let rest = numbers.get(shown..).unwrap_or_default();
        let items = rest.iter().flat_map(|number| row(&branches, *number).iter().copied()).collect();
        groups.push(Group { form: Form::More { shown, of: numbers.len() }, items });
    }
    (!groups.is_empty()).then_some(groups)
}

fn neighbours(web: &Web<'_>, around: &Around, item: usize) -> Vec<usize> {
    let of = |links: &[usize], from: bool| -> Vec<usize> {
        links
            .iter()
            .filter_map(|link| web.links.get(*link))
            .map(|link| if from { link.from } else { link.to })
            .collect()
    };
    [of(row(&around.into, item), true), of(row(&around.out, item), false)].concat()
}
