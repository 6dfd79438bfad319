//! The shortest path, and the shortest on which nobody approved anything.

use super::Query;
use crate::lineage::bits::NodeSet;
use crate::lineage::seen::Seen;
use crate::lineage::stop::{Answer, Cut, Meter};
use crate::lineage::words::{Edge, NodeId, NodeKinds, Towards};
use deedbook_verify::words::Index;

/// Edges, each from where the one before leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Where it starts; where it ends too, when it has no edges.
    pub start: NodeId,
    /// Its edges.
    pub edges: Vec<Edge>,
}

impl Path {
    /// Its nodes, one more than its edges.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        std::iter::once(self.start).chain(self.edges.iter().map(|edge| edge.to))
    }
}

/// Where paths may start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sources {
    /// At these nodes.
    Nodes(Vec<NodeId>),
    /// At any node of these kinds but the target.
    Kinds(NodeKinds),
}

impl Query<'_> {
    /// The path of the fewest edges from one node to another. Of several, the one whose edges stand first in the log, the
    /// first edge counting most. An answer that was cut may have missed it, and then has none.
    pub fn shortest_path(&self, from: NodeId, to: NodeId) -> Answer<Option<Path>> {
        self.shortest_path_from(&Sources::Nodes(vec![from]), to)
    }

    /// The same from any of several sources: of paths of one length from the source that the log names first.
    pub fn shortest_path_from(&self, sources: &Sources, to: NodeId) -> Answer<Option<Path>> {
        let mut meter = self.meter();
        let open = NodeSet::below(0);
        let found = self.shortest(sources, to, &open, &mut meter);
        self.answer_path(meter, found)
    }

    /// The shortest path from any source to a node on which nobody approved anything: no node of it, ends included, has a
    /// gate that counts. Of several, from the source that the log names first, then as `shortest_path`. An answer that was
    /// cut may have missed it, and then has none: it says nothing about approval.
    pub fn unapproved_path(&self, sources: &Sources, to: NodeId) -> Answer<Option<Path>> {
        let mut meter = self.meter();
        let approved = self.view.approved(self.rule, Index(0), &mut meter);
        let found = approved.and_then(|approved| self.shortest(sources, to, &approved, &mut meter));
        self.answer_path(meter, found)
    }

    fn answer_path(&self, meter: Meter<'_>, found: Result<Option<Path>, Cut>) -> Answer<Option<Path>> {
        let done = found.as_ref().map(|_| ()).map_err(|cut| *cut);
        self.answer(meter, found.unwrap_or_default(), done)
    }

    /// By layers from the target up, until one holds a source; then down through them.
    fn shortest(
        &self,
        sources: &Sources,
        to: NodeId,
        closed: &NodeSet,
        meter: &mut Meter<'_>,
    ) -> Result<Option<Path>, Cut> {
        if !self.view.contains(to) || closed.has(to.number()) {
            return Ok(None);
        }
        let mut named = NodeSet::below(self.view.node_count());
        if let Sources::Nodes(nodes) = sources {
            meter.each(nodes, |source| _ = named.insert(source.number()))?;
        }
        let is_source = |node: u32| match sources {
            Sources::Nodes(_) => named.has(node),
            Sources::Kinds(kinds) => {
                node != to.number() && self.view.kind(NodeId::known(node)).is_some_and(|kind| kinds.has(kind))
            }
        };
        let mut seen = Seen::below(self.view.node_count());
        let cursor = self.view.cursor(Towards::Causes);
        seen.insert(to.number());
        let mut layers = vec![vec![to.number()]];
        while let Some(layer) = layers.last() {
            let mut first: Option<u32> = None;
            meter.each(layer, |node| {
                if is_source(*node) {
                    first = Some(first.map_or(*node, |first| first.min(*node)));
                }
            })?;
            if let Some(source) = first {
                layers.pop();
                return self.down(source, &layers, meter).map(Some);
            }
            let mut next = Vec::new();
            for node in layer {
                let mut add = |cause| next.extend((!closed.has(cause)).then_some(cause));
                self.onward(*node, &cursor, &mut seen, meter, &mut add)?;
            }
            if next.is_empty() {
                return Ok(None);
            }
            layers.push(next);
        }
        Ok(None)
    }

    /// From a source through the layers, the last first, each time by the edge that stands first in the log.
    fn down(&self, source: u32, layers: &[Vec<u32>], meter: &mut Meter<'_>) -> Result<Path, Cut> {
        let mut path = Path { start: NodeId::known(source), edges: Vec::with_capacity(layers.len()) };
        let mut within = NodeSet::below(self.view.node_count());
        let mut at = path.start;
        for layer in layers.iter().rev() {
            meter.each(layer, |node| _ = within.insert(*node))?;
            let mut first: Option<Edge> = None;
            for edge in self.view.effects(at) {
                meter.steps(1)?;
                if first.is_some_and(|first| first.index < edge.index) {
                    break;
                }
                if self.filter.edges.has(edge.kind) && within.contains(edge.to) {
                    first = Some(first.map_or(edge, |first| first.min(edge)));
                }
            }
            meter.each(layer, |node| _ = within.remove(*node))?;
            let Some(edge) = first else { break };
            path.edges.push(edge);
            at = edge.to;
        }
        Ok(path)
    }
}
