//! The calls of `LineageService`, as commands see them.

use super::Client;
use crate::api::{ClientError, proto};

/// One call each.
macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident = $rpc:ident, $request:ident => $response:ident;)+) => {
        impl Client {
            $(
                $(#[$doc])*
                pub async fn $name(&mut self, request: proto::$request) -> Result<proto::$response, ClientError> {
                    Ok(self.clients.lineage.$rpc(request).await?.into_inner())
                }
            )+
        }
    };
}

calls! {
    /// How much there is.
    lineage_stats = get_lineage_stats, GetLineageStatsRequest => GetLineageStatsResponse;
    /// What led there, or what it led to.
    lineage_trace = trace_lineage, TraceLineageRequest => TraceLineageResponse;
    /// Paths.
    lineage_paths = find_lineage_paths, FindLineagePathsRequest => FindLineagePathsResponse;
    /// The path without approval.
    lineage_unapproved = find_unapproved_path, FindUnapprovedPathRequest => FindUnapprovedPathResponse;
    /// Coverage.
    lineage_coverage = get_lineage_coverage, GetLineageCoverageRequest => GetLineageCoverageResponse;
    /// Choke points.
    lineage_choke_points = list_choke_points, ListChokePointsRequest => ListChokePointsResponse;
    /// The fewest that cut.
    lineage_cut = find_lineage_cut, FindLineageCutRequest => FindLineageCutResponse;
    /// What proves an answer.
    lineage_proof = prove_lineage, ProveLineageRequest => ProveLineageResponse;
    /// Contamination.
    lineage_contamination = get_contamination, GetContaminationRequest => GetContaminationResponse;
    /// Differences.
    lineage_diff = diff_lineage, DiffLineageRequest => DiffLineageResponse;
    /// A page of the whole graph.
    lineage_list = list_lineage, ListLineageRequest => ListLineageResponse;
    /// By name.
    lineage_search = search_lineage, SearchLineageRequest => SearchLineageResponse;
}
