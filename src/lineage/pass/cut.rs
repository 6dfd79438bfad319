//! The fewest runs whose approval would stand on every path from some sources to a target, or of those that are approved
//! the fewest that do. A smallest vertex cut, by as large a flow.

use super::Query;
use super::region::{Region, Reversed};
use crate::lineage::bits::NodeSet;
use crate::lineage::kinds::NodeKind;
use crate::lineage::stop::{Answer, Cut, Meter};
use crate::lineage::words::NodeId;
use deedbook_verify::words::Index;
use std::collections::VecDeque;

/// Which runs may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutBy {
    /// Those that have an approval that counts.
    Approved,
    /// Any.
    Runs,
}

/// The fewest that are needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fewest {
    /// There is no path.
    Apart,
    /// These, in the order of the log; of several choices the one nearest to the sources.
    Nodes(Vec<NodeId>),
    /// None are enough: a path has no run that may be taken.
    NoneEnough,
}

impl Query<'_> {
    /// The fewest runs on every path from any of the sources to the target, ends included. An answer that was cut has none.
    pub fn fewest(&self, sources: &[NodeId], target: NodeId, by: CutBy) -> Answer<Option<Fewest>> {
        let mut meter = self.meter();
        let found = self.cut_between(sources, target, by, &mut meter);
        let done = found.as_ref().map(|_| ()).map_err(|cut| *cut);
        self.answer(meter, found.ok(), done)
    }

    fn cut_between(&self, sources: &[NodeId], target: NodeId, by: CutBy, meter: &mut Meter<'_>) -> Result<Fewest, Cut> {
        let approved = match by {
            CutBy::Approved => self.view.approved(self.rule, Index(0), meter)?,
            CutBy::Runs => NodeSet::below(0),
        };
        let may_cut = |node: NodeId| match by {
            CutBy::Approved => approved.contains(node),
            CutBy::Runs => self.view.kind(node) == Some(NodeKind::Run),
        };
        let Some(region) = self.region(Some(sources), target, meter)?.filter(|region| !region.sources.is_empty())
        else {
            return Ok(Fewest::Apart);
        };
        let mut taken = Vec::with_capacity(region.len());
        for number in 0..region.len() as u32 {
            meter.steps(1)?;
            taken.push(region.node(number).is_some_and(may_cut));
        }
        let may_cut = taken;
        if has_free_way(&region, &may_cut, meter)? {
            return Ok(Fewest::NoneEnough);
        }
        let causes = region.effects.reversed(meter)?;
        let mut flow = Flow::new(&region, &causes, &may_cut, meter)?;
        while flow.level(meter)? {
            flow.fill(meter)?;
        }
        let mut nodes = Vec::new();
        for number in 0..region.len() as u32 {
            meter.steps(1)?;
            nodes.extend(region.node(number).filter(|_| flow.cuts(number)));
        }
        Ok(Fewest::Nodes(nodes))
    }
}

/// Whether a path has no run that may be taken. Otherwise as many units flow as there are such runs, at most.
fn has_free_way(region: &Region, may_cut: &[bool], meter: &mut Meter<'_>) -> Result<bool, Cut> {
    let mut seen = Vec::with_capacity(may_cut.len());
    meter.each(may_cut, |may| seen.push(*may))?;
    let mut free: Vec<u32> = Vec::new();
    let mut enter = |number: u32, free: &mut Vec<u32>| {
        if let Some(seen) = seen.get_mut(number as usize).filter(|seen| !**seen) {
            *seen = true;
            free.push(number);
        }
    };
    region.sources.iter().for_each(|source| enter(*source, &mut free));
    while let Some(number) = free.pop() {
        if number == region.target {
            return Ok(true);
        }
        for next in region.effects.of(number) {
            meter.steps(1)?;
            enter(*next, &mut free);
        }
    }
    Ok(false)
}

/// Either side of a node: what arrives, what goes on. Between them one unit passes through a run that may be taken, any
/// number through all else.
#[derive(Clone, Copy)]
enum Side {
    In(u32),
    Out(u32),
}

impl Side {
    fn place(self) -> usize {
        match self {
            Side::In(number) => number as usize * 2,
            Side::Out(number) => number as usize * 2 + 1,
        }
    }
}

/// What one more unit on a way changes.
#[derive(Clone, Copy)]
enum Arc {
    Through(u32, i32),
    Along(u32, i32),
}

/// A side that no way of this round comes to.
const UNREACHED: u32 = u32::MAX;

/// Dinitz' algorithm: rounds of shortest ways, all of one length in each.
struct Flow<'r> {
    region: &'r Region,
    causes: &'r Reversed,
    may_cut: &'r [bool],
    /// Units through each node, and along each edge.
    through: Vec<u32>,
    along: Vec<u32>,
    /// By side: its distance from the sources in this round, and the arcs that lead nowhere any more.
    levels: Vec<u32>,
    spent: Vec<u32>,
}

impl<'r> Flow<'r> {
    fn new(
        region: &'r Region,
        causes: &'r Reversed,
        may_cut: &'r [bool],
        meter: &mut Meter<'_>,
    ) -> Result<Flow<'r>, Cut> {
        let through = meter.filled(0, region.len())?;
        let along = meter.filled(0, region.effects.items().len())?;
        Ok(Flow { region, causes, may_cut, through, along, levels: Vec::new(), spent: Vec::new() })
    }

    /// How many arcs leave a side, passable or not.
    fn arcs(&self, side: Side) -> u32 {
        1 + match side {
            Side::In(number) => self.causes.owners.of(number).len() as u32,
            Side::Out(number) => self.region.effects.of(number).len() as u32,
        }
    }

    /// An arc of a side, if another unit can go there: through the node forwards or back, along an edge or back along it.
    fn arc(&self, side: Side, arc: u32) -> Option<(Side, Arc)> {
        match (side, arc.checked_sub(1)) {
            (Side::In(number), None) => {
                let is_free =
                    !self.may_cut.get(number as usize).is_some_and(|may| *may) || at(&self.through, number) == 0;
                is_free.then_some((Side::Out(number), Arc::Through(number, 1)))
            }
            (Side::Out(number), None) => {
                (at(&self.through, number) > 0).then_some((Side::In(number), Arc::Through(number, -1)))
            }
            (Side::In(number), Some(cause)) => {
                let (cause, place) = self.causes.at(number, cause)?;
                (at(&self.along, place) > 0).then_some((Side::Out(cause), Arc::Along(place, -1)))
            }
            (Side::Out(number), Some(effect)) => {
                let place = self.region.effects.range(number).start as u32 + effect;
                let next = self.region.effects.items().get(place as usize)?;
                Some((Side::In(*next), Arc::Along(place, 1)))
            }
        }
    }

    /// Finds the distances of a round. Whether a way leads to the target.
    fn level(&mut self, meter: &mut Meter<'_>) -> Result<bool, Cut> {
        self.levels = meter.filled(UNREACHED, self.region.len() * 2)?;
        self.spent = meter.filled(0, self.region.len() * 2)?;
        let mut queue: VecDeque<_> = self.region.sources.iter().map(|source| (Side::In(*source), 0)).collect();
        while let Some((side, level)) = queue.pop_front() {
            meter.steps(1)?;
            let Some(slot) = self.levels.get_mut(side.place()).filter(|slot| **slot == UNREACHED) else { continue };
            *slot = level;
            for arc in 0..self.arcs(side) {
                meter.steps(1)?;
                let next = self.arc(side, arc).map(|(next, _)| next);
                queue.extend(next.filter(|next| self.level_of(*next) == UNREACHED).map(|next| (next, level + 1)));
            }
        }
        Ok(self.level_of(Side::Out(self.region.target)) != UNREACHED)
    }

    /// Sends units along the ways of the round until none is left.
    fn fill(&mut self, meter: &mut Meter<'_>) -> Result<(), Cut> {
        for source in &self.region.sources {
            let start = Side::In(*source);
            if self.level_of(start) != 0 {
                continue;
            }
            let (mut way, mut side) = (Vec::new(), start);
            loop {
                meter.steps(1)?;
                if side.place() == Side::Out(self.region.target).place() {
                    way.drain(..).for_each(|(_, arc)| self.send(arc));
                    side = start;
                    continue;
                }
                let arc = at(&self.spent, side.place() as u32);
                if arc < self.arcs(side) {
                    let onward =
                        self.arc(side, arc).filter(|(next, _)| self.level_of(*next) == self.level_of(side) + 1);
                    match onward {
                        Some((next, arc)) => {
                            way.push((side, arc));
                            side = next;
                        }
                        None => change(&mut self.spent, side.place() as u32, 1),
                    }
                    continue;
                }
                let Some((before, _)) = way.pop() else { break };
                side = before;
                change(&mut self.spent, side.place() as u32, 1);
            }
        }
        Ok(())
    }

    fn send(&mut self, arc: Arc) {
        match arc {
            Arc::Through(number, by) => change(&mut self.through, number, by),
            Arc::Along(place, by) => change(&mut self.along, place, by),
        }
    }

    fn level_of(&self, side: Side) -> u32 {
        self.levels.get(side.place()).copied().unwrap_or(UNREACHED)
    }

    /// After the last round: whether it is a run whose one side was reached and whose other was not.
    fn cuts(&self, number: u32) -> bool {
        self.level_of(Side::In(number)) != UNREACHED && self.level_of(Side::Out(number)) == UNREACHED
    }
}

fn at(list: &[u32], place: u32) -> u32 {
    list.get(place as usize).copied().unwrap_or_default()
}

fn change(list: &mut [u32], place: u32, by: i32) {
    if let Some(number) = list.get_mut(place as usize) {
        *number = number.saturating_add_signed(by);
    }
}
