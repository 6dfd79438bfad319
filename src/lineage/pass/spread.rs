//! How passes go through the graph: one sweep in the order of the log, word by word over the bits of what was reached; and
//! what an edge against the order leads back to, by an agenda, until nothing changes any more.

use super::Query;
use crate::lineage::bits::{Agenda, End, NodeSet};
use crate::lineage::graph::View;
use crate::lineage::stop::{Cut, Meter};
use crate::lineage::words::{EdgeKinds, Towards};

/// What a pass does on its way.
pub(super) trait Visitor {
    /// A node's edges are followed next. In a graph that follows the log that is once, and after all edges to it.
    #[inline]
    fn take(&mut self, _node: u32) {}

    /// An edge is followed. Whether something changed at its end, so that its edges are to be followed again if they were.
    #[inline]
    fn follow(&mut self, _edge: Step) -> bool {
        false
    }

    /// Whether a node is entered.
    #[inline]
    fn admits(&self, _node: u32) -> bool {
        true
    }

    /// Whether `mark` does all that `take`, `follow` and `admits` do.
    const IS_MARKING: bool = false;

    /// Follows edges of 64 neighbours, all of which go with the log.
    #[inline]
    fn mark(&mut self, word: usize, edges: impl Iterator<Item = Found>, reached: &mut NodeSet) {
        mark(word, edges, reached, |_, _, is_live| is_live);
    }
}

/// Which of 64 neighbours an edge is found from, the node at its other end, and 1 if it is of a kind that is followed, else 0.
pub(super) type Found = (u8, u32, u64);

/// An edge that is followed.
#[derive(Clone, Copy)]
pub(super) struct Step {
    pub(super) from: u32,
    pub(super) to: u32,
    /// Whether it follows the log, upwards or downwards as the pass goes.
    pub(super) is_onward: bool,
}

/// Only reaches.
pub(super) struct Plain;

impl Visitor for Plain {
    const IS_MARKING: bool = true;
}

/// Keeps to a set.
pub(super) struct Within<'s>(pub(super) &'s NodeSet);

impl Visitor for Within<'_> {
    fn admits(&self, node: u32) -> bool {
        self.0.has(node)
    }

    const IS_MARKING: bool = true;

    #[inline]
    fn mark(&mut self, word: usize, edges: impl Iterator<Item = Found>, reached: &mut NodeSet) {
        mark(word, edges, reached, |_, to, is_live| is_live & self.0.bit(to));
    }
}

/// Keeps to the nodes of a filter beside.
struct Filtered<'q, V> {
    query: &'q Query<'q>,
    visitor: &'q mut V,
}

impl<V: Visitor> Visitor for Filtered<'_, V> {
    fn take(&mut self, node: u32) {
        self.visitor.take(node);
    }

    fn follow(&mut self, edge: Step) -> bool {
        self.visitor.follow(edge)
    }

    fn admits(&self, node: u32) -> bool {
        self.query.enters(node) && self.visitor.admits(node)
    }
}

/// Which way, along what.
#[derive(Clone, Copy)]
pub(super) struct Course {
    pub(super) towards: Towards,
    pub(super) kinds: EdgeKinds,
}

impl Query<'_> {
    /// Along the filter's edges.
    pub(super) fn course(&self, towards: Towards) -> Course {
        Course { towards, kinds: self.filter.edges }
    }

    /// Reaches from the starts on, which are in the set then. Whether no edge that was followed runs against the log.
    pub(super) fn spread(
        &self,
        course: Course,
        starts: &[u32],
        reached: &mut NodeSet,
        visitor: &mut impl Visitor,
        meter: &mut Meter<'_>,
    ) -> Result<bool, Cut> {
        if self.enters_all() {
            return spread(self.view, course, starts, reached, visitor, meter);
        }
        spread(self.view, course, starts, reached, &mut Filtered { query: self, visitor }, meter)
    }
}

fn spread(
    view: &View,
    course: Course,
    starts: &[u32],
    reached: &mut NodeSet,
    visitor: &mut impl Visitor,
    meter: &mut Meter<'_>,
) -> Result<bool, Cut> {
    for start in starts {
        reached.insert(*start);
    }
    let mut late = Vec::new();
    let is_ordered = match course.towards {
        Towards::Causes => sweep::<true, _>(view, course, reached, visitor, &mut late, meter)?,
        Towards::Effects => sweep::<false, _>(view, course, reached, visitor, &mut late, meter)?,
    };
    if !late.is_empty() {
        follow(view, course, &late, reached, visitor, meter)?;
    }
    Ok(is_ordered)
}

/// Nodes among 64 neighbours that were reached, from which on it is faster to go over the edges of all.
const MANY: u32 = 8;

/// Nodes that an edge against the log leads to, and that were new there or changed, are left over in `late`.
fn sweep<const UP: bool, V: Visitor>(
    view: &View,
    course: Course,
    reached: &mut NodeSet,
    visitor: &mut V,
    late: &mut Vec<u32>,
    meter: &mut Meter<'_>,
) -> Result<bool, Cut> {
    let mut is_ordered = true;
    let mut cursor = view.cursor(course.towards);
    let words = reached.words_len();
    for step in 0..words {
        let word = if UP { words - 1 - step } else { step };
        let are_many = V::IS_MARKING && reached.word(word).count_ones() >= MANY && meter.has_room(64);
        if are_many && let Some(lot) = cursor.lot(word as u32) {
            meter.steps(lot.len() as u32)?;
            let edges = lot.edges(course.kinds);
            if UP {
                visitor.mark(word, edges.rev(), reached)
            } else {
                visitor.mark(word, edges, reached)
            }
            meter.nodes(u64::from(reached.word(word).count_ones()));
            continue;
        }
        let mut left = u64::MAX;
        loop {
            let bits = reached.word(word) & left;
            if bits == 0 {
                break;
            }
            let bit = if UP { 63 - bits.leading_zeros() } else { bits.trailing_zeros() };
            // What comes before it in the order of the pass was taken, or is late.
            left = if UP { (1 << bit) - 1 } else { !(u64::MAX >> (63 - bit)) };
            let from = word as u32 * 64 + bit;
            meter.node()?;
            visitor.take(from);
            cursor.each(from, course.kinds, meter, |to| {
                if !visitor.admits(to) {
                    return;
                }
                let is_onward = if UP { to < from } else { to > from };
                let is_new = reached.insert(to);
                let has_changed = visitor.follow(Step { from, to, is_onward });
                if !is_onward {
                    is_ordered = false;
                    if is_new || has_changed {
                        late.push(to);
                    }
                }
            })?;
        }
    }
    Ok(is_ordered)
}

/// Reaches over edges of 64 neighbours, those whose start was reached by the time that it comes to them. Calls with the start,
/// the end, and 1 if the edge is followed, else 0; what comes back is 1 if its end is entered, else 0. Nothing here branches
/// on that, for which way it goes cannot be foretold.
#[inline]
pub(super) fn mark(
    word: usize,
    edges: impl Iterator<Item = Found>,
    reached: &mut NodeSet,
    mut call: impl FnMut(u32, u32, u64) -> u64,
) {
    let base = word as u32 * 64;
    for (neighbour, to, is_of_kind) in edges {
        let is_live = is_of_kind & reached.word(word) >> (neighbour % 64);
        let is_entered = call(base | u32::from(neighbour), to, is_live);
        reached.insert_bit(to, is_entered);
    }
}

/// Room for the edges of 64 neighbours that are followed.
#[derive(Default)]
pub(super) struct Followed(Vec<[u32; 2]>);

impl Followed {
    /// Reaches over edges of 64 neighbours, and hands out those that are followed, start and end: what is done with them then
    /// may take long, or branch.
    #[inline]
    pub(super) fn mark(
        &mut self,
        word: usize,
        edges: impl Iterator<Item = Found>,
        reached: &mut NodeSet,
    ) -> &[[u32; 2]] {
        self.0.resize(self.0.len().max(edges.size_hint().0), [0; 2]);
        let mut len = 0;
        mark(word, edges, reached, |from, to, is_live| {
            if let Some(slot) = self.0.get_mut(len) {
                *slot = [from, to];
            }
            len += is_live as usize;
            is_live
        });
        self.0.get(..len).unwrap_or_default()
    }
}

/// The general way.
fn follow(
    view: &View,
    course: Course,
    starts: &[u32],
    reached: &mut NodeSet,
    visitor: &mut impl Visitor,
    meter: &mut Meter<'_>,
) -> Result<(), Cut> {
    let mut cursor = view.cursor(course.towards);
    let is_up = course.towards == Towards::Causes;
    let mut agenda = Agenda::below(view.node_count(), if is_up { End::Highest } else { End::Lowest });
    starts.iter().for_each(|node| agenda.push(*node));
    while let Some(from) = agenda.pop() {
        meter.node()?;
        visitor.take(from);
        cursor.each(from, course.kinds, meter, |to| {
            if !visitor.admits(to) {
                return;
            }
            let is_onward = if is_up { to < from } else { to > from };
            let is_new = reached.insert(to);
            if visitor.follow(Step { from, to, is_onward }) || is_new {
                agenda.push(to);
            }
        })?;
    }
    Ok(())
}
