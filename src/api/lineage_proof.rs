//! `ProveLineage`: an answer's nodes and edges as messages, into what the ledger proves. It judges no proof.

use crate::api::lineage::{Asked, edge_kind};
use crate::api::proto::{self, Reason};
use crate::api::reason::Fault;
use crate::api::shared::late;
use crate::ledger::{LineageProofError, ProofEdge, Reader};
use crate::limits;
use crate::lineage::Stop;
use crate::lineage::fold::NodeKey;
use bytes::Bytes;
use deedbook_verify::words::Index;
use std::collections::{BTreeMap, BTreeSet};

/// The bundle of what an answer named.
pub(super) fn prove(
    reader: &Reader,
    stop: &dyn Stop,
    request: &proto::ProveLineageRequest,
) -> Result<proto::ProveLineageResponse, Fault> {
    bounded("nodes", request.nodes.len(), limits::BUNDLE_NODES_MAX)?;
    bounded("edges", request.edges.len(), limits::BUNDLE_EDGES_MAX)?;
    let asked = Asked::new(reader, None, stop)?;
    let ends = request.edges.iter().flat_map(|edge| [edge.from, edge.to]);
    let ids: BTreeSet<u32> = request.nodes.iter().copied().chain(ends).collect();
    bounded("nodes", ids.len(), limits::BUNDLE_NODES_MAX)?;
    let keys = asked.named_by("nodes", ids)?;
    let nodes: BTreeMap<NodeKey, Index> = keys.values().copied().collect();
    let mut edges = BTreeSet::new();
    for edge in &request.edges {
        let kind = edge_kind("edges.kind", &edge.kind)?;
        if let (Some((from, _)), Some((to, _))) = (keys.get(&edge.from), keys.get(&edge.to)) {
            edges.insert(ProofEdge { index: Index(edge.index), from: *from, to: *to, kind });
        }
    }
    if nodes.is_empty() {
        return Err(Fault::field("nodes", "names no node: there is nothing to prove"));
    }
    let bundle = reader.lineage_proof(&nodes, &edges, stop)?;
    Ok(proto::ProveLineageResponse { bundle: Bytes::from(bundle) })
}

fn bounded(what: &'static str, count: usize, max: usize) -> Result<(), Fault> {
    if count > max { Err(LineageProofError::TooLarge { what, max }.into()) } else { Ok(()) }
}

impl From<LineageProofError> for Fault {
    fn from(error: LineageProofError) -> Fault {
        let message = error.to_string();
        match error {
            LineageProofError::TooLarge { what, max } => {
                Fault::new(Reason::LineageProofTooLarge, message).with("what", what).with("max", max)
            }
            LineageProofError::NodeMissing(_) => Fault::field("edges", message),
            LineageProofError::Halted(_) => late(),
            LineageProofError::Read(error) => error.into(),
        }
    }
}
