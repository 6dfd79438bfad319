//! The part of the graph between some sources and a target, copied out and numbered anew from 0 in the order of the log:
//! for passes that go over it again and again, or whose way is not that of the log.

use super::Query;
use super::spread::{Plain, Within};
use crate::lineage::bits::{NodeSet, Ranks};
use crate::lineage::stop::{Cut, Meter};
use crate::lineage::words::{Edge, NodeId, Towards};
use std::ops::Range;

/// Lists of numbers by number.
#[derive(Debug, Default)]
pub(super) struct Lists {
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Lists {
    pub(super) fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    pub(super) fn items(&self) -> &[u32] {
        &self.items
    }

    pub(super) fn range(&self, at: u32) -> Range<usize> {
        match self.starts.get(at as usize..).and_then(|starts| starts.first_chunk()) {
            Some([start, end]) => *start as usize..*end as usize,
            None => 0..0,
        }
    }

    pub(super) fn of(&self, at: u32) -> &[u32] {
        self.items.get(self.range(at)).unwrap_or_default()
    }

    /// The other way round: by item, where it stands and in whose list.
    pub(super) fn reversed(&self, meter: &mut Meter<'_>) -> Result<Reversed, Cut> {
        let mut starts = meter.filled(0u32, self.len() + 1)?;
        for item in &self.items {
            meter.steps(1)?;
            if let Some(count) = starts.get_mut(*item as usize + 1) {
                *count += 1;
            }
        }
        let (mut sum, mut free) = (0, Vec::with_capacity(starts.len()));
        for start in &mut starts {
            meter.steps(1)?;
            sum += *start;
            *start = sum;
            free.push(sum);
        }
        let (mut owners, mut places) = (meter.filled(0, self.items.len())?, meter.filled(0, self.items.len())?);
        for owner in 0..self.len() as u32 {
            for place in self.range(owner) {
                meter.steps(1)?;
                let item = self.items.get(place).copied().unwrap_or_default();
                let Some(slot) = free.get_mut(item as usize) else { continue };
                if let (Some(to_owner), Some(to_place)) =
                    (owners.get_mut(*slot as usize), places.get_mut(*slot as usize))
                {
                    (*to_owner, *to_place) = (owner, place as u32);
                }
                *slot += 1;
            }
        }
        Ok(Reversed { owners: Lists { starts, items: owners }, places })
    }
}

pub(super) struct Reversed {
    /// By item, in whose lists it stands.
    pub(super) owners: Lists,
    /// Beside each of these, at which place.
    places: Vec<u32>,
}

impl Reversed {
    /// In whose list an item stands for the so-manieth time, and at which place.
    pub(super) fn at(&self, item: u32, time: u32) -> Option<(u32, u32)> {
        let at = self.owners.range(item).nth(time as usize)?;
        self.owners.items.get(at).copied().zip(self.places.get(at).copied())
    }
}

pub(super) struct Region {
    /// The node of each number.
    nodes: Vec<u32>,
    /// The effects of each, as the graph has them.
    pub(super) effects: Lists,
    /// Where paths start, and where they end.
    pub(super) sources: Vec<u32>,
    pub(super) target: u32,
}

impl Region {
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn node(&self, number: u32) -> Option<NodeId> {
        self.nodes.get(number as usize).map(|node| NodeId::known(*node))
    }
}

impl Query<'_> {
    /// Everything on a way from a source to the target; from anywhere, if there are no sources. None when there is no way.
    pub(super) fn region(
        &self,
        sources: Option<&[NodeId]>,
        target: NodeId,
        meter: &mut Meter<'_>,
    ) -> Result<Option<Region>, Cut> {
        let mut above = NodeSet::below(self.view.node_count());
        self.spread(self.course(Towards::Causes), &self.present(&[target]), &mut above, &mut Plain, meter)?;
        let Some(sources) = sources else { return self.copied(&above, &[], target, meter) };
        let mut between = NodeSet::below(self.view.node_count());
        let starts: Vec<_> = self.present(sources).into_iter().filter(|source| above.has(*source)).collect();
        self.spread(self.course(Towards::Effects), &starts, &mut between, &mut Within(&above), meter)?;
        self.copied(&between, sources, target, meter)
    }

    /// A set that holds every node between its nodes and the target.
    pub(super) fn copied(
        &self,
        set: &NodeSet,
        sources: &[NodeId],
        target: NodeId,
        meter: &mut Meter<'_>,
    ) -> Result<Option<Region>, Cut> {
        let ranks = Ranks::of(set);
        let Some(target) = ranks.rank(target.number()) else { return Ok(None) };
        let mut nodes = Vec::with_capacity(ranks.len());
        let mut effects = Lists { starts: Vec::with_capacity(ranks.len() + 1), items: Vec::new() };
        let mut cursor = self.view.cursor(Towards::Effects);
        for node in set.ascending() {
            meter.node()?;
            nodes.push(node);
            effects.starts.push(effects.items.len() as u32);
            let inside = |peer: u32| effects.items.extend(ranks.rank(peer));
            cursor.each(node, self.filter.edges, meter, inside)?;
        }
        effects.starts.push(effects.items.len() as u32);
        let sources = sources.iter().filter_map(|source| ranks.rank(source.number())).collect();
        Ok(Some(Region { nodes, effects, sources, target }))
    }

    /// The edge that stands at a place of the list of a number's effects.
    pub(super) fn edge_of(
        &self,
        region: &Region,
        (number, place): (u32, usize),
        meter: &mut Meter<'_>,
    ) -> Result<Option<Edge>, Cut> {
        let Some(node) = region.node(number) else { return Ok(None) };
        let mut left = place;
        for edge in self.view.effects(node).filter(|edge| self.filter.edges.has(edge.kind)) {
            meter.steps(1)?;
            if region.nodes.binary_search(&edge.to.number()).is_ok() {
                if left == 0 {
                    return Ok(Some(edge));
                }
                left -= 1;
            }
        }
        Ok(None)
    }
}
