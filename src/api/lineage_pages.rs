//! The whole graph as pages: node by node in the order of their numbers, each edge with the later of its ends. A page token
//! says at which node to go on, and behind how many of its edges.

use crate::api::convert;
use crate::api::lineage::{Asked, Marks, edge_message};
use crate::api::proto;
use crate::api::reason::Fault;
use crate::api::token::{Place, TokenKey};
use crate::ledger::Reader;
use crate::limits::{LINEAGE_PAGE_EDGES_MAX, LINEAGE_PAGE_NODES_MAX, LINEAGE_POLL_STEPS};
use crate::lineage::{Edge, NodeId, Stop, View};

const METHOD: &str = "ListLineage";

/// Where a page begins: at a node, behind so many of its edges. Only before the first edge is the node itself on the page.
#[derive(Clone, Copy)]
struct From {
    node: u32,
    edges: u64,
}

/// One page.
pub(super) fn page(
    reader: &Reader,
    stop: &dyn Stop,
    request: &proto::ListLineageRequest,
    tokens: &TokenKey,
) -> Result<proto::ListLineageResponse, Fault> {
    let (size, from) = match request.page_token.as_str() {
        "" => (request.as_of_size, From { node: 0, edges: 0 }),
        token => {
            let place = tokens.open(METHOD, &[], token)?;
            let cursor: [u8; 12] = convert::array("page_token", &place.cursor)?;
            let [a, b, c, d, edges @ ..] = cursor;
            (place.size.0, From { node: u32::from_be_bytes([a, b, c, d]), edges: u64::from_be_bytes(edges) })
        }
    };
    let scope = proto::LineageScope { as_of_size: size, ..proto::LineageScope::default() };
    let asked = Asked::new(reader, Some(scope), stop)?;
    let at = asked.at();
    if at.view.cut().is_some() {
        let message = "the graph has no room for all that there was at that size; serve with more `--lineage-mib`";
        return Err(Fault::new(proto::Reason::LineageFull, message).with("folded", at.view.size()));
    }
    let (nodes, edges, next) = gather(&at.view, from, MOST, stop);
    let seal = |next: From| {
        let cursor = [next.node.to_be_bytes().as_slice(), &next.edges.to_be_bytes()].concat();
        tokens.seal(METHOD, &[], &Place { size: at.head.size, cursor })
    };
    Ok(proto::ListLineageResponse {
        as_of: Some(convert::head(at.head)),
        nodes_count: at.view.node_count(),
        nodes: asked.nodes(&nodes, &Marks::default()),
        edges: edges.into_iter().map(edge_message).collect(),
        next_page_token: next.map(seal).unwrap_or_default(),
    })
}

/// What a page holds at most.
#[derive(Clone, Copy)]
struct Most {
    nodes: usize,
    edges: usize,
}

const MOST: Most = Most { nodes: LINEAGE_PAGE_NODES_MAX, edges: LINEAGE_PAGE_EDGES_MAX };

/// Nodes and edges up to the bounds of a page, or up to when the caller's time is over; and where to go on.
fn gather(view: &View, from: From, most: Most, stop: &dyn Stop) -> (Vec<NodeId>, Vec<Edge>, Option<From>) {
    let (mut nodes, mut edges, mut steps) = (Vec::new(), Vec::new(), 0u32);
    let mut at = from;
    while let Some(node) = NodeId::new(at.node).filter(|node| view.contains(*node)) {
        if nodes.len() >= most.nodes {
            return (nodes, edges, Some(at));
        }
        if at.edges == 0 {
            nodes.push(node);
        }
        let earlier = view.causes(node).filter(|edge| edge.from < node);
        let late = view.effects(node).filter(|edge| edge.to < node);
        for edge in earlier.chain(late).skip(usize::try_from(at.edges).unwrap_or(usize::MAX)) {
            steps = steps.wrapping_add(1);
            let halted = steps.is_multiple_of(LINEAGE_POLL_STEPS) && stop.poll().is_some();
            if halted || edges.len() >= most.edges {
                if at.edges == 0 {
                    // The next page begins with the node itself.
                    nodes.pop();
                }
                return (nodes, edges, Some(at));
            }
            edges.push(edge);
            at.edges = at.edges.saturating_add(1);
        }
        at = From { node: at.node.saturating_add(1), edges: 0 };
    }
    (nodes, edges, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lineage::{EdgeKind, Graph, Halt, NodeKind};
    use deedbook_verify::words::{Index, TreeSize};

    /// A hub in the middle, with edges from before and to what came later, some of them against the order of the log.
    fn hub() -> (View, Vec<Edge>) {
        let mut graph = Graph::new(usize::MAX);
        let nodes: Vec<NodeId> = (0..60).map(|at| graph.add_node(NodeKind::Run, Index(at)).unwrap()).collect();
        let hub = nodes[30];
        let ends = nodes.iter().filter(|node| **node != hub).flat_map(|node| [(*node, hub), (hub, *node)]);
        let edges: Vec<Edge> = (60..)
            .zip(ends)
            .map(|(index, (from, to))| Edge { from, to, kind: EdgeKind::Called, index: Index(index) })
            .collect();
        edges.iter().for_each(|edge| graph.add_edge(*edge).unwrap());
        (graph.view(TreeSize(500)), edges)
    }

    #[test]
    fn pages_hold_each_node_and_edge_once_and_edges_behind_their_ends() {
        let (view, edges) = hub();
        for (nodes_max, edges_max) in [(1, 1), (7, 3), (60, 2), (2, 1_000), (1_000, 1_000)] {
            let most = Most { nodes: nodes_max, edges: edges_max };
            let (mut seen, mut found, mut next) = (Vec::new(), Vec::new(), Some(From { node: 0, edges: 0 }));
            while let Some(from) = next {
                let (page_nodes, page_edges, after) = gather(&view, from, most, &|| None);
                assert!(page_nodes.len() <= nodes_max && page_edges.len() <= edges_max);
                seen.extend(page_nodes);
                assert!(page_edges.iter().all(|edge| seen.contains(&edge.from) && seen.contains(&edge.to)));
                found.extend(page_edges);
                next = after;
            }
            assert_eq!(seen.iter().map(|node| node.number()).collect::<Vec<u32>>(), (0..60).collect::<Vec<u32>>());
            found.sort_by_key(|edge| edge.index);
            assert_eq!(found, edges, "{nodes_max} nodes, {edges_max} edges");
        }
    }

    #[test]
    fn a_caller_whose_time_is_over_gets_what_there_is() {
        let mut graph = Graph::new(usize::MAX);
        let first = graph.add_node(NodeKind::Run, Index(0)).unwrap();
        let hub = graph.add_node(NodeKind::Run, Index(1)).unwrap();
        for index in 2..20_000 {
            graph.add_edge(Edge { from: first, to: hub, kind: EdgeKind::Called, index: Index(index) }).unwrap();
        }
        let from = From { node: 0, edges: 0 };
        let (nodes, edges, next) = gather(&graph.view(TreeSize(30_000)), from, MOST, &|| Some(Halt::Deadline));
        assert_eq!((nodes.len(), edges.len()), (2, LINEAGE_POLL_STEPS as usize - 1));
        assert_eq!(next.map(|next| (next.node, next.edges)), Some((1, edges.len() as u64)));
    }
}
