//! `LineageService`. Each method runs its query on a thread that may block, which stops when the caller's time is over or
//! the caller is gone; what was found by then is the answer, and says that it was cut.

use crate::api::convert;
use crate::api::lineage::{Asked, Marks, count_message, node_kind};
use crate::api::lineage_between::{choke_points, cut};
use crate::api::lineage_pages;
use crate::api::lineage_proof;
use crate::api::proto::lineage_service_server::LineageService;
use crate::api::proto::{self, Reason};
use crate::api::reason::Fault;
use crate::api::shared::{Shared, deadline};
use crate::clock::Stopwatch;
use crate::ledger::{LineageError, Reader};
use crate::limits;
use crate::lineage::{Answer, Halt, NodeId, NodeKind, NodeKinds, Path, PathCount, Sources, Stop, Towards};
use deedbook_verify::words::TreeSize;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

/// Where an unapproved path may start unless the caller says.
const DATA: NodeKinds = NodeKinds::of(&[NodeKind::DatasetVersion, NodeKind::ModelVersion, NodeKind::Artifact]);

/// The service.
pub struct Lineages {
    shared: Arc<Shared>,
}

/// Tells a query that nobody waits for it any more.
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Lineages {
    /// Serves a ledger.
    pub fn new(shared: Arc<Shared>) -> Lineages {
        Lineages { shared }
    }

    /// Runs a question, which is told when nobody waits for its answer any more.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        metadata: &MetadataMap,
        work: impl FnOnce(&Reader, &dyn Stop) -> Result<T, Fault> + Send + 'static,
    ) -> Result<Response<T>, Status> {
        let limit = deadline(metadata).unwrap_or(limits::LINEAGE_QUERY_MAX).min(limits::LINEAGE_QUERY_MAX);
        // The answer takes its time too, and shall come before the caller gives up.
        let seconds = limit.as_secs_f64() * 0.8;
        let (gone, watch) = (Arc::new(AtomicBool::new(false)), Stopwatch::start());
        let told = Gone(Arc::clone(&gone));
        let asked = self.shared.read(move |reader: &Reader| {
            let stop = move || match gone.load(Ordering::Relaxed) {
                true => Some(Halt::Cancelled),
                false => (watch.seconds() > seconds).then_some(Halt::Deadline),
            };
            work(reader, &stop)
        });
        let answer = self.shared.answer(metadata, asked).await;
        drop(told);
        answer
    }
}

impl From<LineageError> for Fault {
    fn from(error: LineageError) -> Fault {
        let message = error.to_string();
        match error {
            LineageError::Behind { folded, size } => {
                Fault::new(Reason::LineageBehind, message).with("folded", folded).with("tree_size", size)
            }
            LineageError::Full { size, .. } => Fault::new(Reason::LineageFull, message).with("folded", size),
            LineageError::NodeUnknown(_) => Fault::new(Reason::NodeUnknown, message),
            LineageError::NodeAmbiguous { nodes, .. } => {
                Fault::new(Reason::NodeAmbiguous, message).with("nodes", nodes.join(" "))
            }
            LineageError::Halted { halt: Halt::Deadline, .. } => Fault::new(Reason::DeadlineExceeded, message),
            LineageError::Halted { halt: Halt::Cancelled, .. } => Fault::new(Reason::Cancelled, message),
            LineageError::Read(error) => error.into(),
        }
    }
}

/// Nodes of a set, those that `first` names before the others.
fn ordered(nodes: impl Iterator<Item = NodeId>, first: impl Fn(NodeId) -> bool) -> Vec<NodeId> {
    let (mut front, back): (Vec<NodeId>, Vec<NodeId>) = nodes.partition(|node| first(*node));
    front.extend(back);
    front
}

fn path_message(path: &Path) -> proto::LineagePath {
    proto::LineagePath { nodes: path.nodes().map(NodeId::number).collect() }
}

fn stats(reader: &Reader, stop: &dyn Stop) -> Result<proto::GetLineageStatsResponse, Fault> {
    let at = reader.lineage(None, stop)?;
    let counts = reader.lineage_counts();
    Ok(proto::GetLineageStatsResponse {
        as_of: Some(convert::head(at.head)),
        nodes: counts.nodes.iter().map(|(kind, count)| count_message(kind.name(), *count)).collect(),
        edges: counts.edges.iter().map(|(kind, count)| count_message(kind.name(), *count)).collect(),
        openlineage_runs: counts.openlineage.runs,
        openlineage_jobs: counts.openlineage.jobs,
        openlineage_datasets: counts.openlineage.datasets,
        openlineage_dataset_edges: counts.openlineage.dataset_edges,
        openlineage_column_edges: counts.openlineage.column_edges,
    })
}

fn trace(asked: &Asked<'_>, request: &proto::TraceLineageRequest) -> Result<proto::TraceLineageResponse, Fault> {
    let (towards, starts, mut marks) = match request.up {
        true => {
            let target = asked.target("node", &request.node)?;
            (Towards::Causes, vec![target.node], Marks::ending(target))
        }
        false => (Towards::Effects, asked.starts("node", &request.node)?, Marks::default()),
    };
    let depth = Some(request.depth_max).filter(|depth| *depth > 0);
    let found = asked.query().trace(&starts, towards, depth);
    for (depth, layer) in (0u32..).zip(found.value.layers()) {
        marks.depths.extend(layer.iter().map(|node| (*node, depth)));
    }
    Ok(proto::TraceLineageResponse { answer: Some(asked.tell_parts(&found, found.value.nodes(), marks)) })
}

fn paths(
    asked: &Asked<'_>,
    request: &proto::FindLineagePathsRequest,
) -> Result<proto::FindLineagePathsResponse, Fault> {
    let target = asked.target("to", &request.to)?;
    let (to, starts) = (target.node, asked.starts("from", &request.from)?);
    let latest = starts.first().copied();
    let nearest = asked.query().shortest_path_from(&Sources::Nodes(starts), to);
    // Where none has a path, the latest stands for all.
    let from = nearest.value.as_ref().map(|path| path.start).or(latest);
    let from = from.ok_or_else(|| Fault::field("from", "names no node"))?;
    let found: Answer<Vec<Path>> = match request.paths_max {
        0 => nearest.map(|path| path.into_iter().collect()),
        count => {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            asked.query().paths(from, to, count, u32::MAX)
        }
    };
    let count = asked.query().path_count(from, to).value.as_ref().map(PathCount::to_string);
    let mut seen = BTreeSet::new();
    let nodes = found.value.iter().flat_map(Path::nodes).filter(|node| seen.insert(*node)).collect::<Vec<NodeId>>();
    let edges: BTreeSet<_> = found.value.iter().flat_map(|path| path.edges.iter().copied()).collect();
    let answer = asked.told(&found, &nodes, edges.into_iter().collect(), None, &Marks::ending(target));
    let paths = found.value.iter().map(path_message).collect();
    Ok(proto::FindLineagePathsResponse { answer: Some(answer), paths, count: count.unwrap_or_default() })
}

fn unapproved(
    asked: &Asked<'_>,
    request: &proto::FindUnapprovedPathRequest,
) -> Result<proto::FindUnapprovedPathResponse, Fault> {
    let target = asked.target("to", &request.to)?;
    let to = target.node;
    let starts = match request.from.as_str() {
        "" => None,
        from => Some(asked.starts("from", from)?),
    };
    let causes = asked.query().ancestors(&[to]);
    let reached = match &starts {
        Some(starts) => starts.iter().any(|start| causes.value.contains(*start)),
        None => causes.value.iter().any(|cause| cause != to && asked.kind(cause).is_some_and(|kind| DATA.has(kind))),
    };
    let found = asked.query().unapproved_path(&starts.map_or(Sources::Kinds(DATA), Sources::Nodes), to);
    let nodes: Vec<NodeId> = found.value.iter().flat_map(Path::nodes).collect();
    let edges = found.value.iter().flat_map(|path| path.edges.iter().copied()).collect();
    let answer = asked.told(&found, &nodes, edges, causes.cut, &Marks::ending(target));
    Ok(proto::FindUnapprovedPathResponse { answer: Some(answer), found: found.value.is_some(), reached })
}

fn coverage(
    asked: &Asked<'_>,
    request: &proto::GetLineageCoverageRequest,
) -> Result<proto::GetLineageCoverageResponse, Fault> {
    let target = asked.target("node", &request.node)?;
    let (node, mut marks) = (target.node, Marks::ending(target));
    let found = asked.query().coverage_counted(node);
    for (cause, covered) in found.value.iter() {
        marks.covered.insert(cause, covered.is_covered);
        marks.paths.extend(covered.paths.map(|paths| (cause, paths.to_string())));
    }
    // The way from a node to itself has no step on which anybody could agree: the target is no cause.
    let causes = found.value.causes().iter().filter(|cause| *cause != node);
    let nodes = ordered(causes, |cause| found.value.open().contains(cause));
    let open = nodes.iter().filter(|cause| found.value.open().contains(**cause)).count() as u64;
    let covered = (nodes.len() as u64).saturating_sub(open);
    Ok(proto::GetLineageCoverageResponse { answer: Some(asked.tell(&found, &nodes, &marks)), open, covered })
}

fn contamination(
    asked: &Asked<'_>,
    request: &proto::GetContaminationRequest,
) -> Result<proto::GetContaminationResponse, Fault> {
    let since = asked.index("since_index", request.since_index)?;
    let (mut marks, mut visited, mut cut) = (Marks::default(), 0u64, None);
    for start in asked.starts("node", &request.node)? {
        let found = asked.query().contamination(start, since);
        for node in found.value.reached().iter() {
            // Gated is what is gated from every version.
            let gated = found.value.is_gated(node).unwrap_or(false);
            marks.covered.entry(node).and_modify(|all| *all &= gated).or_insert(gated);
        }
        (visited, cut) = (visited.saturating_add(found.visited), cut.or(found.cut));
    }
    let is_open = |node: NodeId| marks.covered.get(&node) == Some(&false);
    let nodes = ordered(marks.covered.keys().copied(), is_open);
    let open = nodes.iter().filter(|node| is_open(**node)).count() as u64;
    let gated = (nodes.len() as u64).saturating_sub(open);
    let found = Answer { value: (), cut, visited };
    Ok(proto::GetContaminationResponse { answer: Some(asked.tell(&found, &nodes, &marks)), open, gated })
}

fn diff(asked: &Asked<'_>, request: &proto::DiffLineageRequest) -> Result<proto::DiffLineageResponse, Fault> {
    let target = match request.node.as_str() {
        "" => None,
        node => Some(asked.target("node", node)?),
    };
    let (earlier, later) = (TreeSize(request.earlier_size), asked.size());
    if earlier >= later {
        return Err(Fault::field(
            "earlier_size",
            format!("{earlier} is not before {later}, which it is compared with"),
        ));
    }
    let found = asked.query().diff(earlier, target.map(|target| target.node));
    let nodes: Vec<NodeId> = found.value.nodes.clone().filter_map(NodeId::new).collect();
    let runs: Vec<NodeId> = found.value.gates.iter().map(|change| change.run).collect();
    let mut marks = Marks::default();
    for change in &found.value.coverage {
        marks.covered.extend(change.after.map(|after| (change.node, after)));
    }
    let changed: Vec<NodeId> = found.value.coverage.iter().map(|change| change.node).collect();
    let ending = Marks { target, ..Marks::default() };
    let answer = asked.told(&found, &nodes, found.value.edges.clone(), None, &ending);
    Ok(proto::DiffLineageResponse {
        answer: Some(answer),
        gates_changed: asked.nodes(&runs, &marks),
        coverage_changed: asked.nodes(&changed, &marks),
    })
}

fn search(
    reader: &Reader,
    stop: &dyn Stop,
    request: &proto::SearchLineageRequest,
) -> Result<proto::SearchLineageResponse, Fault> {
    let kind = match request.kind.as_str() {
        "" => None,
        kind => Some(node_kind("kind", kind)?),
    };
    let asked = Asked::new(reader, None, stop)?;
    let Answer { value: nodes, cut, visited } = reader.search_nodes(kind, &request.letters, stop);
    let answer = Answer { visited, value: (), cut };
    Ok(proto::SearchLineageResponse { answer: Some(asked.told(&answer, &nodes, Vec::new(), None, &Marks::default())) })
}

/// One method that understands its scope and answers by a function.
macro_rules! asks {
    ($self:ident, $request:ident, $work:expr) => {{
        let (metadata, _, request) = $request.into_parts();
        $self
            .ask(&metadata, move |reader, stop| {
                let asked = Asked::new(reader, request.scope.clone(), stop)?;
                $work(&asked, &request)
            })
            .await
    }};
}

#[tonic::async_trait]
impl LineageService for Lineages {
    async fn get_lineage_stats(
        &self,
        request: Request<proto::GetLineageStatsRequest>,
    ) -> Result<Response<proto::GetLineageStatsResponse>, Status> {
        self.ask(request.metadata(), stats).await
    }

    async fn trace_lineage(
        &self,
        request: Request<proto::TraceLineageRequest>,
    ) -> Result<Response<proto::TraceLineageResponse>, Status> {
        asks!(self, request, trace)
    }

    async fn find_lineage_paths(
        &self,
        request: Request<proto::FindLineagePathsRequest>,
    ) -> Result<Response<proto::FindLineagePathsResponse>, Status> {
        asks!(self, request, paths)
    }

    async fn find_unapproved_path(
        &self,
        request: Request<proto::FindUnapprovedPathRequest>,
    ) -> Result<Response<proto::FindUnapprovedPathResponse>, Status> {
        asks!(self, request, unapproved)
    }

    async fn get_lineage_coverage(
        &self,
        request: Request<proto::GetLineageCoverageRequest>,
    ) -> Result<Response<proto::GetLineageCoverageResponse>, Status> {
        asks!(self, request, coverage)
    }

    async fn list_choke_points(
        &self,
        request: Request<proto::ListChokePointsRequest>,
    ) -> Result<Response<proto::ListChokePointsResponse>, Status> {
        asks!(self, request, choke_points)
    }

    async fn find_lineage_cut(
        &self,
        request: Request<proto::FindLineageCutRequest>,
    ) -> Result<Response<proto::FindLineageCutResponse>, Status> {
        asks!(self, request, cut)
    }

    async fn prove_lineage(
        &self,
        request: Request<proto::ProveLineageRequest>,
    ) -> Result<Response<proto::ProveLineageResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.ask(&metadata, move |reader, stop| lineage_proof::prove(reader, stop, &request)).await
    }

    async fn get_contamination(
        &self,
        request: Request<proto::GetContaminationRequest>,
    ) -> Result<Response<proto::GetContaminationResponse>, Status> {
        asks!(self, request, contamination)
    }

    async fn diff_lineage(
        &self,
        request: Request<proto::DiffLineageRequest>,
    ) -> Result<Response<proto::DiffLineageResponse>, Status> {
        asks!(self, request, diff)
    }

    async fn search_lineage(
        &self,
        request: Request<proto::SearchLineageRequest>,
    ) -> Result<Response<proto::SearchLineageResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.ask(&metadata, move |reader, stop| search(reader, stop, &request)).await
    }

    async fn list_lineage(
        &self,
        request: Request<proto::ListLineageRequest>,
    ) -> Result<Response<proto::ListLineageResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let tokens = self.shared.tokens.clone();
        self.ask(&metadata, move |reader, stop| lineage_pages::page(reader, stop, &request, &tokens)).await
    }
}
