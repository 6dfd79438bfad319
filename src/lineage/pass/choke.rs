//! Choke points: the nodes, and the approvals among them, that stand on every path from some sources to a target.

use super::Query;
use super::dominators::{Tree, dominators};
use crate::lineage::bits::{NodeSet, Ranks};
use crate::lineage::stop::{Answer, Cut, Meter};
use crate::lineage::words::{NodeId, Towards};
use deedbook_verify::words::Index;

/// A node on every path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChokePoint {
    /// Which.
    pub node: NodeId,
    /// Whether its gate counts as an approval.
    pub is_approved: bool,
}

/// What stands on every path to a target, for all its causes at once.
pub struct Dominators {
    causes: NodeSet,
    nodes: Vec<u32>,
    tree: Tree,
}

impl Dominators {
    /// The target and all its causes.
    pub fn causes(&self) -> &NodeSet {
        &self.causes
    }

    /// The first node that every path from this one to the target goes through; none for the target, and for what does not
    /// lead there.
    pub fn next(&self, node: NodeId) -> Option<NodeId> {
        self.tree.parent(self.number(node)?).and_then(|parent| self.node(parent))
    }

    /// The nodes but the sources that stand on every path from any of them to the target, which is the last. None when no
    /// source leads there; sources that do not are left out.
    pub fn on_every_path(&self, sources: &[NodeId]) -> Option<Vec<NodeId>> {
        let numbers = sources.iter().filter_map(|source| self.number(*source));
        let first = numbers.reduce(|one, other| self.tree.common(one, other))?;
        let chain = std::iter::successors(Some(first), |number| self.tree.parent(*number));
        Some(chain.filter_map(|number| self.node(number)).filter(|node| !sources.contains(node)).collect())
    }

    fn number(&self, node: NodeId) -> Option<u32> {
        let at = self.nodes.binary_search(&node.number()).ok()?;
        u32::try_from(at).ok()
    }

    fn node(&self, number: u32) -> Option<NodeId> {
        self.nodes.get(number as usize).map(|node| NodeId::known(*node))
    }
}

impl Query<'_> {
    /// What stands on every path to a target. An answer that was cut has none.
    pub fn dominators(&self, target: NodeId) -> Answer<Option<Dominators>> {
        let mut meter = self.meter();
        let found = self.dominated(target, &mut meter);
        let done = found.as_ref().map(|_| ()).map_err(|cut| *cut);
        self.answer(meter, found.ok().flatten(), done)
    }

    /// The nodes on every path from some sources to a target, approved or not, the nearest to the sources first and the
    /// target last. None when no path leads there, or the answer was cut.
    pub fn choke_points(&self, sources: &[NodeId], target: NodeId) -> Answer<Option<Vec<ChokePoint>>> {
        let mut meter = self.meter();
        let found = self.dominated(target, &mut meter).and_then(|dominators| {
            let approved = self.view.approved(self.rule, Index(0), &mut meter)?;
            let point = |node: NodeId| ChokePoint { node, is_approved: approved.contains(node) };
            let nodes = dominators.and_then(|dominators| dominators.on_every_path(sources));
            Ok(nodes.map(|nodes| nodes.into_iter().map(point).collect()))
        });
        let done = found.as_ref().map(|_| ()).map_err(|cut| *cut);
        self.answer(meter, found.unwrap_or_default(), done)
    }

    fn dominated(&self, target: NodeId, meter: &mut Meter<'_>) -> Result<Option<Dominators>, Cut> {
        let starts = self.present(&[target]);
        let (causes, done, is_ordered) = self.reached(&starts, Towards::Causes, None, meter);
        done?;
        if starts.is_empty() {
            return Ok(None);
        }
        let tree = if is_ordered {
            self.tree_in_order(&causes, meter)?
        } else {
            let Some(region) = self.copied(&causes, &[], target, meter)? else { return Ok(None) };
            dominators(&region, meter)?
        };
        let nodes = causes.ascending().collect();
        Ok(Some(Dominators { causes, nodes, tree }))
    }

    /// All that a node leads to has its place when the node is taken, since it comes later in the log. The target is the
    /// last of its causes.
    fn tree_in_order(&self, causes: &NodeSet, meter: &mut Meter<'_>) -> Result<Tree, Cut> {
        let ranks = Ranks::of(causes);
        let mut tree = Tree::new(ranks.len(), (ranks.len() as u32).saturating_sub(1));
        for (rank, node) in (0..ranks.len() as u32).rev().zip(causes.ascending().rev()) {
            tree.place(rank);
            self.view.each(node, Towards::Causes, self.filter.edges, meter, |cause| {
                if let Some(cause) = ranks.rank(cause) {
                    tree.meet(cause, rank);
                }
            })?;
        }
        Ok(tree)
    }
}
