//! Choke points: the nodes, and the approvals among them, that stand on every path from some sources to a target.

use super::Query;
use super::dominators::{Tree, dominators};
use super::spread::{Followed, Found, Step, Visitor, mark};
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
    tree: Tree,
    /// The numbers of the tree's nodes, where they are not those of the graph.
    ranks: Option<Ranks>,
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
    /// source leads there; sources that do not are left out. What is looked up on the way is remembered.
    pub fn on_every_path(&mut self, sources: &[NodeId]) -> Option<Vec<NodeId>> {
        let numbers: Vec<_> = sources.iter().filter_map(|source| self.number(*source)).collect();
        let first = numbers.into_iter().reduce(|one, other| self.tree.common(one, other))?;
        let chain = std::iter::successors(Some(first), |number| self.tree.parent(*number));
        Some(chain.filter_map(|number| self.node(number)).filter(|node| !sources.contains(node)).collect())
    }

    fn number(&self, node: NodeId) -> Option<u32> {
        let node = Some(node).filter(|node| self.causes.contains(*node))?.number();
        self.ranks.as_ref().map_or(Some(node), |ranks| ranks.rank(node))
    }

    fn node(&self, number: u32) -> Option<NodeId> {
        let node = self.ranks.as_ref().map_or(Some(number), |ranks| ranks.node(number))?;
        Some(NodeId::known(node))
    }
}

/// Builds the tree on the way up, as long as edges follow the log: all that a node leads to has its place then when the
/// node is taken.
struct Planting {
    tree: Tree,
    /// Nodes that are reached and not taken.
    waiting: u32,
    followed: Followed,
    is_ordered: bool,
}

impl Visitor for Planting {
    #[inline]
    fn take(&mut self, node: u32) {
        if self.is_ordered {
            self.waiting -= 1;
            if self.waiting == 0 {
                self.tree.set_hub(node);
            }
            self.tree.settle(node);
        }
    }

    #[inline]
    fn follow(&mut self, edge: Step) -> bool {
        self.is_ordered &= edge.is_onward;
        if self.is_ordered {
            self.waiting += self.tree.meet(edge.to);
        }
        false
    }

    const IS_MARKING: bool = true;

    #[inline]
    fn mark(&mut self, word: usize, edges: impl Iterator<Item = Found>, reached: &mut NodeSet) {
        if !self.is_ordered {
            return mark(word, edges, reached, |_, _, is_live| is_live);
        }
        let followed = self.followed.mark(word, edges, reached);
        self.tree.read_ahead(followed.iter().map(|[_, to]| *to));
        // A hub among them is not noticed: what joins below it is found by climbing.
        for [from, to] in followed {
            self.tree.settle(*from);
            self.waiting += self.tree.meet(*to);
        }
        self.waiting -= reached.word(word).count_ones();
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
        let found = self.dominated(target, &mut meter).and_then(|mut dominators| {
            let approved = self.view.approved(self.rule, Index(0), &mut meter)?;
            let point = |node: NodeId| ChokePoint { node, is_approved: approved.contains(node) };
            let nodes = dominators.as_mut().and_then(|dominators| dominators.on_every_path(sources));
            Ok(nodes.map(|nodes| nodes.into_iter().map(point).collect()))
        });
        let done = found.as_ref().map(|_| ()).map_err(|cut| *cut);
        self.answer(meter, found.unwrap_or_default(), done)
    }

    fn dominated(&self, target: NodeId, meter: &mut Meter<'_>) -> Result<Option<Dominators>, Cut> {
        let starts = self.present(&[target]);
        let nodes = self.view.node_count();
        let mut causes = NodeSet::below(nodes);
        let tree = Tree::new(nodes as usize, target.number(), meter)?;
        let mut planting = Planting { tree, waiting: 1, followed: Followed::default(), is_ordered: true };
        let course = self.course(Towards::Causes);
        let is_ordered = self.spread(course, &starts, &mut causes, &mut planting, meter)?;
        if is_ordered {
            let tree = planting.tree;
            return Ok((!starts.is_empty()).then_some(Dominators { causes, tree, ranks: None }));
        }
        let Some(region) = self.copied(&causes, &[], target, meter)? else { return Ok(None) };
        let ranks = Some(Ranks::of(&causes));
        Ok(Some(Dominators { causes, tree: dominators(&region, meter)?, ranks }))
    }
}
