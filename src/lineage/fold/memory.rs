//! For whoever keeps the whole graph in memory: nothing is settled, so that the fold answers for nodes, links and traces
//! itself, and the runs of events stand here.

use super::delta::Delta;
use super::key::NodeKey;
use super::known::{Known, Link, LinkKey, Lookup, Trace};
use crate::lineage::graph::{Graph, GraphError};
use crate::lineage::words::NodeId;
use deedbook_verify::facts::Parent;
use deedbook_verify::words::{EventId, Index, Ref, SubjectId};
use foldhash::HashMap;
use std::convert::Infallible;

/// The runs of events, 36 bytes of each statement; nothing else, because the fold was never settled.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    runs: HashMap<(Ref, EventId), NodeId>,
}

impl Memory {
    /// Takes what `Fold::take` returned for an event's entry.
    pub fn put_run(&mut self, source: Ref, event: EventId, run: Option<NodeId>) {
        if let Some(run) = run {
            self.runs.insert((source, event), run);
        }
    }
}

impl Lookup for Memory {
    type Error = Infallible;

    fn node(&mut self, _: &NodeKey) -> Result<Option<Known>, Infallible> {
        Ok(None)
    }

    fn link(&mut self, _: &LinkKey) -> Result<Option<Link>, Infallible> {
        Ok(None)
    }

    fn trace(&mut self, _: &SubjectId) -> Result<Option<Trace>, Infallible> {
        Ok(None)
    }

    fn run_of(&mut self, event: &Parent) -> Result<Option<NodeId>, Infallible> {
        Ok(self.runs.get(&(event.source, event.event_id)).copied())
    }
}

impl Delta {
    /// Adds everything to a graph that holds all that was added before, in the order of the log.
    pub fn add_to(&self, graph: &mut Graph) -> Result<(), GraphError> {
        let (mut edges, mut gates) = (self.edges.iter().peekable(), self.gates.iter().peekable());
        let mut add_before = |graph: &mut Graph, end: Option<Index>| -> Result<(), GraphError> {
            let stands_before = |index: Index| end.is_none_or(|end| index < end);
            loop {
                let edge = edges.peek().map(|new| new.edge.index).filter(|index| stands_before(*index));
                let gate = gates.peek().map(|new| new.index).filter(|index| stands_before(*index));
                let edge_is_first = match (edge, gate) {
                    (None, None) => return Ok(()),
                    (Some(edge), Some(gate)) => edge <= gate,
                    (Some(_), None) => true,
                    (None, Some(_)) => false,
                };
                if edge_is_first {
                    edges.next().map_or(Ok(()), |new| graph.add_edge(new.edge))?;
                } else {
                    gates.next().map_or(Ok(()), |new| graph.set_gate(new.node, new.gate, new.index))?;
                }
            }
        };
        for node in &self.nodes {
            add_before(graph, Some(node.index))?;
            graph.add_node(node.key.kind, node.index)?;
        }
        add_before(graph, None)
    }
}
