//! Questions about all paths between nodes: what stands on every one of them, and the fewest runs that do.

use crate::api::lineage::{Asked, Marks};
use crate::api::proto;
use crate::api::reason::Fault;
use crate::limits;
use crate::lineage::{CutBy, Fewest, NodeId};

/// Where paths begin, by several names.
fn sources(asked: &Asked<'_>, named: &[String]) -> Result<Vec<NodeId>, Fault> {
    if named.is_empty() || named.len() > limits::LINEAGE_STARTS_MAX {
        let message = format!("names {} nodes, not 1 to {}", named.len(), limits::LINEAGE_STARTS_MAX);
        return Err(Fault::field("from", message));
    }
    let mut sources = Vec::new();
    for from in named {
        sources.extend(asked.starts("from", from)?);
    }
    Ok(sources)
}

/// The fewest runs on every path.
pub(super) fn cut(
    asked: &Asked<'_>,
    request: &proto::FindLineageCutRequest,
) -> Result<proto::FindLineageCutResponse, Fault> {
    let (sources, to) = (sources(asked, &request.from)?, asked.target("to", &request.to)?);
    let by = if request.approved { CutBy::Approved } else { CutBy::Runs };
    let found = asked.query().fewest(&sources, to.node, by);
    let (nodes, reached, enough) = match &found.value {
        Some(Fewest::Nodes(nodes)) => (nodes.as_slice(), true, true),
        Some(Fewest::NoneEnough) => ([].as_slice(), true, false),
        Some(Fewest::Apart) | None => ([].as_slice(), false, false),
    };
    let answer = Some(asked.tell(&found, nodes, &Marks::ending(to)));
    Ok(proto::FindLineageCutResponse { answer, reached, enough })
}

/// The nodes on every path.
pub(super) fn choke_points(
    asked: &Asked<'_>,
    request: &proto::ListChokePointsRequest,
) -> Result<proto::ListChokePointsResponse, Fault> {
    let sources = sources(asked, &request.from)?;
    let to = asked.target("to", &request.to)?;
    let found = asked.query().choke_points(&sources, to.node);
    let nodes: Vec<NodeId> = found.value.iter().flatten().map(|point| point.node).collect();
    let reached = found.value.is_some();
    Ok(proto::ListChokePointsResponse { answer: Some(asked.tell(&found, &nodes, &Marks::ending(to))), reached })
}
