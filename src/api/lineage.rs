//! Lineage as messages: the question's words checked, the query run on a view of the graph, the answer told with names. It
//! decides nothing: what an answer is, `crate::lineage` says.

use crate::api::convert;
use crate::api::lineage_parts::{Parts, parts};
use crate::api::proto;
use crate::api::reason::Fault;
use crate::ledger::{Called, LineageAt, NodeAbout, NodeText, Reader};
use crate::limits;
use crate::lineage::fold::NodeKey;
use crate::lineage::{
    Answer, Bounds, Cut, Edge, EdgeKind, EdgeKinds, Filter, Gate, NodeId, NodeKind, NodeKinds, Query, Stop,
};
use bytes::Bytes;
use deedbook_verify::words::{Index, Ref, TreeSize};
use std::collections::{BTreeMap, BTreeSet};

/// A question that was understood: the graph, and what is walked on.
pub(super) struct Asked<'r> {
    reader: &'r Reader,
    at: LineageAt,
    filter: Filter,
    visited_max: u64,
    stop: &'r dyn Stop,
}

/// Where a question ends.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub node: NodeId,
    /// How many versions what was named has; 0: it was named itself.
    versions: u64,
}

/// What an answer names beside its nodes and edges.
#[derive(Default)]
pub(super) struct Marks {
    pub target: Option<Target>,
    pub depths: BTreeMap<NodeId, u32>,
    pub covered: BTreeMap<NodeId, bool>,
    pub paths: BTreeMap<NodeId, String>,
    pub parts: Parts,
}

impl Marks {
    /// Nothing but where the question ends.
    pub fn ending(target: Target) -> Marks {
        Marks { target: Some(target), ..Marks::default() }
    }
}

impl<'r> Asked<'r> {
    /// Understands the scope, and brings the graph up to date.
    pub fn new(reader: &'r Reader, scope: Option<proto::LineageScope>, stop: &'r dyn Stop) -> Result<Asked<'r>, Fault> {
        let scope = scope.unwrap_or_default();
        let head = reader.head();
        let size = Some(TreeSize(scope.as_of_size)).filter(|size| size.0 > 0);
        if let Some(beyond) = size.filter(|size| *size > head.size) {
            let message = format!("the question is about size {beyond}, the log has {}", head.size);
            return Err(Fault::new(proto::Reason::OutsideTree, message).with("tree_size", head.size));
        }
        let filter = Filter {
            nodes: nodes_of("scope.node_kinds", &scope.node_kinds)?.unwrap_or(NodeKinds::ALL),
            edges: edges_of("scope.edge_kinds", &scope.edge_kinds)?.unwrap_or(EdgeKinds::FLOW),
        };
        let visited_max = match scope.visited_max {
            0 => limits::LINEAGE_VISITED_MAX,
            visited => visited.min(limits::LINEAGE_VISITED_MAX),
        };
        Ok(Asked { reader, at: reader.lineage(size, stop)?, filter, visited_max, stop })
    }

    /// The query.
    pub fn query(&self) -> Query<'_> {
        let bounds = Bounds { nodes_max: self.visited_max, stop: self.stop };
        Query { filter: self.filter, ..Query::new(&self.at.view, bounds) }
    }

    /// The graph that is asked.
    pub fn at(&self) -> &LineageAt {
        &self.at
    }

    /// The tree size that is answered as of.
    pub fn size(&self) -> TreeSize {
        self.at.head.size
    }

    /// An index below that.
    pub fn index(&self, field: &'static str, index: u64) -> Result<Index, Fault> {
        if index >= self.size().0 {
            return Err(Fault::field(field, format!("{index} is no entry of a log of {}", self.size())));
        }
        Ok(Index(index))
    }

    /// The node that a field names, which must be in the graph as of the position.
    pub fn node(&self, field: &'static str, text: &str) -> Result<NodeId, Fault> {
        let wrong = || {
            let kinds: Vec<&str> = NodeKind::ALL.iter().map(|kind| kind.name()).collect();
            Fault::field(field, format!("is not KIND:NAME, such as `dataset:orders`; kinds are {}", kinds.join(", ")))
        };
        let node = self.reader.node_of(&NodeText::parse(text).ok_or_else(wrong)?, self.stop)?;
        if !self.at.view.contains(node) {
            return Err(Fault::field(field, format!("`{text}` is named by no entry before {}", self.at.view.size())));
        }
        Ok(node)
    }

    /// Where a question ends that a field names: of a dataset, model or policy its latest version, for nothing flows into
    /// the name itself.
    pub fn target(&self, field: &'static str, text: &str) -> Result<Target, Fault> {
        let named = self.node(field, text)?;
        let versions = self.versions(named);
        let node = versions.first().copied().unwrap_or(named);
        Ok(Target { node, versions: u64::try_from(versions.len()).unwrap_or(u64::MAX) })
    }

    /// Where a question begins: of a dataset, model or policy all its versions, the latest first, at most
    /// `LINEAGE_STARTS_MAX`.
    pub fn starts(&self, field: &'static str, text: &str) -> Result<Vec<NodeId>, Fault> {
        let node = self.node(field, text)?;
        let versions = self.versions(node);
        Ok(if versions.is_empty() { vec![node] } else { versions })
    }

    fn versions(&self, node: NodeId) -> Vec<NodeId> {
        self.at.versions(node, self.stop)
    }

    /// The kind of a node.
    pub fn kind(&self, node: NodeId) -> Option<NodeKind> {
        self.at.view.kind(node)
    }

    /// Whether nobody waits any more.
    pub fn is_over(&self) -> bool {
        self.stop.poll().is_some()
    }

    /// The ref of somebody, as facts have it.
    pub fn reference(&self, node: NodeId) -> Option<Ref> {
        let (_, about) = self.reader.describe([node]).into_iter().next()?;
        Some(Ref(about.key.id))
    }

    /// The keys of nodes by their numbers, each with the entry that names it first; all of them must be in the graph.
    pub fn named_by(
        &self,
        field: &'static str,
        ids: impl IntoIterator<Item = u32>,
    ) -> Result<BTreeMap<u32, (NodeKey, Index)>, Fault> {
        let mut nodes = Vec::new();
        for id in ids {
            let node = NodeId::new(id).filter(|node| self.at.view.contains(*node));
            nodes.push(node.ok_or_else(|| Fault::field(field, format!("the log names no node {id}")))?);
        }
        let described = self.reader.describe(nodes);
        Ok(described
            .into_iter()
            .filter_map(|(node, about)| Some((node.number(), (about.key, self.at.view.born(node)?))))
            .collect())
    }

    /// As `tell`, with the part that everybody played.
    pub fn tell_parts<T>(&self, found: &Answer<T>, nodes: &[NodeId], mut marks: Marks) -> proto::LineageAnswer {
        let (edges, cut) = self.edges_between(self.named(nodes));
        marks.parts = parts(self, self.reader, &edges);
        self.told(found, nodes, edges, cut, &marks)
    }

    /// An answer of nodes, with the edges between them that the question follows.
    pub fn tell<T>(&self, found: &Answer<T>, nodes: &[NodeId], marks: &Marks) -> proto::LineageAnswer {
        let named = self.named(nodes);
        let (edges, cut) = self.edges_between(named);
        self.told(found, nodes, edges, cut, marks)
    }

    /// An answer of nodes and edges.
    pub fn told<T>(
        &self,
        found: &Answer<T>,
        nodes: &[NodeId],
        edges: Vec<Edge>,
        cut: Option<Cut>,
        marks: &Marks,
    ) -> proto::LineageAnswer {
        let named = self.named(nodes);
        let cut = found.cut.or(cut).or((named.len() < nodes.len()).then_some(Cut::Answer));
        let mut counts: BTreeMap<NodeKind, u64> = BTreeMap::new();
        for kind in nodes.iter().filter_map(|node| self.kind(*node)) {
            *counts.entry(kind).or_default() += 1;
        }
        proto::LineageAnswer {
            as_of: Some(convert::head(self.at.head)),
            complete: cut.is_none(),
            truncated_by: cut.map(Cut::name).unwrap_or_default().to_owned(),
            visited: found.visited,
            nodes: self.nodes(named, marks),
            edges: edges.into_iter().take(limits::LINEAGE_EDGES_MAX).map(edge_message).collect(),
            counts: counts.into_iter().map(|(kind, count)| count_message(kind.name(), count)).collect(),
            target: marks.target.and_then(|target| self.nodes(&[target.node], &Marks::default()).pop()),
            target_versions: marks.target.map_or(0, |target| target.versions),
        }
    }

    /// Those that an answer has room for.
    fn named<'n>(&self, nodes: &'n [NodeId]) -> &'n [NodeId] {
        nodes.get(..limits::LINEAGE_ANSWER_NODES_MAX).unwrap_or(nodes)
    }

    /// Nodes as messages, in order.
    pub fn nodes(&self, nodes: &[NodeId], marks: &Marks) -> Vec<proto::LineageNode> {
        let described = self.reader.describe(nodes.iter().copied());
        described.into_iter().map(|(node, about)| self.node_message(node, about, marks)).collect()
    }

    fn node_message(&self, node: NodeId, about: NodeAbout, marks: &Marks) -> proto::LineageNode {
        let gate = self.at.view.gate(node).map(|(gate, _)| gate);
        let text = about.text();
        // Ids of runs are for programs: what one carries out tells people more, and `text` still has the id.
        let called = self.called_as_job(node).or(about.called).or_else(|| self.called_as_asset(node));
        let called = called.unwrap_or_default();
        proto::LineageNode {
            id: node.number(),
            kind: about.key.kind.name().to_owned(),
            key: Bytes::copy_from_slice(&about.key.to_bytes()),
            text,
            namespace: called.namespace,
            name: called.name,
            version: called.version.unwrap_or_default(),
            born_index: self.at.view.born(node).map_or(0, |index| index.0),
            gate: gate_names(gate).chain(self.denied(node, gate)).map(str::to_owned).collect(),
            approved: gate.is_some_and(|gate| self.query().rule.passes(gate)),
            depth: marks.depths.get(&node).copied().unwrap_or(0),
            covered: marks.covered.get(&node).copied(),
            paths: marks.paths.get(&node).cloned().unwrap_or_default(),
            parts: marks.parts.get(&node).cloned().unwrap_or_default(),
        }
    }

    /// `denied` of an approval that a vote decided against: a vote leads to it, and nothing released it.
    fn denied(&self, node: NodeId, gate: Option<Gate>) -> Option<&'static str> {
        let is_released = gate.is_some_and(|gate| gate.has_any(Gate::RELEASED));
        if is_released || self.kind(node)? != NodeKind::Approval {
            return None;
        }
        let causes = self.at.view.causes(node).take(limits::LINEAGE_JOB_LOOKS_MAX);
        let is_vote = |edge: &Edge| edge.kind == EdgeKind::Authorized && self.kind(edge.from) == Some(NodeKind::Vote);
        causes.into_iter().any(|edge| is_vote(&edge)).then_some("denied")
    }

    /// What a version that nobody named is a version of. Its first effects are looked at: that it is one was said when it
    /// was first named.
    fn called_as_asset(&self, node: NodeId) -> Option<Called> {
        if !matches!(self.kind(node)?, NodeKind::DatasetVersion | NodeKind::ModelVersion) {
            return None;
        }
        let asset = self.at.view.effects(node).take(8).find(|edge| edge.kind == EdgeKind::VersionOf)?.to;
        self.reader.describe([asset]).into_iter().next()?.1.called
    }

    /// The job or action that a run carries out. Its first causes are looked at, for those are named with it.
    fn called_as_job(&self, node: NodeId) -> Option<Called> {
        if self.kind(node)? != NodeKind::Run {
            return None;
        }
        let is_job = |edge: &Edge| {
            let is_planned = edge.kind == EdgeKind::PlannedBy && self.kind(edge.from) == Some(NodeKind::Job);
            is_planned || edge.kind == EdgeKind::Realised
        };
        let causes = self.at.view.causes(node).take(limits::LINEAGE_JOB_LOOKS_MAX);
        let jobs: Vec<NodeId> = causes.filter(is_job).map(|edge| edge.from).collect();
        self.reader.describe(jobs).into_iter().find_map(|(_, about)| about.called)
    }

    /// The edges between some nodes that the question follows, in the order of the log; and what cut them.
    fn edges_between(&self, nodes: &[NodeId]) -> (Vec<Edge>, Option<Cut>) {
        let among: BTreeSet<NodeId> = nodes.iter().copied().collect();
        let (mut edges, mut looked) = (Vec::new(), 0u32);
        for node in nodes {
            for edge in self.at.view.causes(*node) {
                looked = looked.wrapping_add(1);
                if looked.is_multiple_of(limits::LINEAGE_POLL_STEPS)
                    && let Some(halt) = self.stop.poll()
                {
                    return (edges, Some(halt.into()));
                }
                if self.filter.edges.has(edge.kind) && among.contains(&edge.from) {
                    edges.push(edge);
                }
                if edges.len() > limits::LINEAGE_EDGES_MAX {
                    return (edges, Some(Cut::Answer));
                }
            }
        }
        edges.sort_unstable_by_key(|edge| (edge.index, edge.from, edge.to, edge.kind));
        (edges, None)
    }
}

fn gate_names(gate: Option<Gate>) -> impl Iterator<Item = &'static str> {
    gate.into_iter().flat_map(Gate::names)
}

/// An edge as a message.
pub(super) fn edge_message(edge: Edge) -> proto::LineageEdge {
    let (from, to) = (edge.from.number(), edge.to.number());
    proto::LineageEdge { from, to, kind: edge.kind.name().to_owned(), index: edge.index.0 }
}

/// A count as a message.
pub(super) fn count_message(kind: &str, count: u64) -> proto::LineageCount {
    proto::LineageCount { kind: kind.to_owned(), count }
}

/// A kind of nodes by name.
pub(super) fn node_kind(field: &'static str, name: &str) -> Result<NodeKind, Fault> {
    NodeKind::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = NodeKind::ALL.iter().map(|kind| kind.name()).collect();
        Fault::field(field, format!("`{name}` is no kind of nodes; there are {}", known.join(", ")))
    })
}

/// A kind of edges by name.
pub(super) fn edge_kind(field: &'static str, name: &str) -> Result<EdgeKind, Fault> {
    EdgeKind::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = EdgeKind::ALL.iter().map(|kind| kind.name()).collect();
        Fault::field(field, format!("`{name}` is no kind of edges; there are {}", known.join(", ")))
    })
}

fn nodes_of(field: &'static str, names: &[String]) -> Result<Option<NodeKinds>, Fault> {
    let kinds: Vec<NodeKind> = names.iter().map(|name| node_kind(field, name)).collect::<Result<_, Fault>>()?;
    Ok((!kinds.is_empty()).then(|| NodeKinds::of(&kinds)))
}

fn edges_of(field: &'static str, names: &[String]) -> Result<Option<EdgeKinds>, Fault> {
    let kinds: Vec<EdgeKind> = names.iter().map(|name| edge_kind(field, name)).collect::<Result<_, Fault>>()?;
    Ok((!kinds.is_empty()).then(|| EdgeKinds::of(&kinds)))
}
