//! Where on a path somebody agreed.

use super::{Path, Query};
use crate::lineage::kinds::{EdgeKind, NodeKind};
use crate::lineage::stop::{Answer, Cut, Meter};
use crate::lineage::words::{Edge, Gate, NodeId};
use deedbook_verify::words::Index;

/// A node of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which.
    pub node: NodeId,
    /// What is known about its approval, and since which entry.
    pub gate: Option<(Gate, Index)>,
    /// Whether that counts as one.
    pub is_approved: bool,
    /// The edges from the approvals that released it, in the order of the log.
    pub approvals: Vec<Edge>,
}

impl Query<'_> {
    /// Each node of a path with what is known about its approval. An answer that was cut has the first ones.
    pub fn approvals_along(&self, path: &Path) -> Answer<Vec<Step>> {
        let mut meter = self.meter();
        let mut steps = Vec::new();
        let done = path.nodes().try_for_each(|node| {
            steps.push(self.step_of(node, &mut meter)?);
            Ok(())
        });
        self.answer(meter, steps, done)
    }

    fn step_of(&self, node: NodeId, meter: &mut Meter<'_>) -> Result<Step, Cut> {
        meter.node()?;
        let mut approvals = Vec::new();
        for edge in self.view.causes(node) {
            meter.steps(1)?;
            if edge.kind == EdgeKind::Authorized && self.view.kind(edge.from) == Some(NodeKind::Approval) {
                approvals.push(edge);
            }
        }
        let gate = self.view.gate(node);
        let is_approved = gate.is_some_and(|(gate, _)| self.rule.passes(gate));
        Ok(Step { node, gate, is_approved, approvals })
    }
}
