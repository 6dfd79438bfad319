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
    let (nodes, edges, next) = gather(&at.view, from, stop);
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

/// Nodes and edges up to the bounds of a page, or up to when the caller's time is over; and where to go on.
fn gather(view: &View, from: From, stop: &dyn Stop) -> (Vec<NodeId>, Vec<Edge>, Option<From>) {
    let (mut nodes, mut edges, mut steps) = (Vec::new(), Vec::new(), 0u32);
    let mut at = from;
    while let Some(node) = NodeId::new(at.node).filter(|node| view.contains(*node)) {
        if nodes.len() >= LINEAGE_PAGE_NODES_MAX {
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
            if halted || edges.len() >= LINEAGE_PAGE_EDGES_MAX {
                return (nodes, edges, Some(at));
            }
            edges.push(edge);
            at.edges = at.edges.saturating_add(1);
        }
        at = From { node: at.node.saturating_add(1), edges: 0 };
    }
    (nodes, edges, None)
}
