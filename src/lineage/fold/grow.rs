//! What was folded goes into the graph in memory.

use super::delta::Delta;
use crate::lineage::graph::{Graph, GraphError};
use deedbook_verify::words::Index;

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
