//! Where the data of an action comes from and what it reaches, gathered from the lineage graph for whoever will be asked.
//! It helps people to judge and decides nothing; what is not known in time is said to be missing.

use crate::approvals::{Flow, Reach, Source};
use crate::clock::Stopwatch;
use crate::domain::DatasetText;
use crate::ledger::graph::{LineageAt, LineageError, NodeText};
use crate::ledger::reader::Reader;
use crate::limits;
use crate::lineage::{Bounds, Cut, EdgeKind, Halt, NodeId, NodeKind, NodeKinds, Query, Sources, Stop, Towards};
use crate::record::binding::Binding;
use deedbook_verify::entry::Entry;
use deedbook_verify::words::Index;
use std::collections::BTreeSet;

/// Kinds through which data comes, each with the name under which its things are counted.
const REACH: [(NodeKind, &str); 5] = [
    (NodeKind::DatasetVersion, "versions of datasets"),
    (NodeKind::ModelVersion, "versions of models"),
    (NodeKind::Artifact, "artifacts"),
    (NodeKind::Run, "runs"),
    (NodeKind::Outcome, "outcomes"),
];
const DATA: NodeKinds = NodeKinds::of(&[NodeKind::DatasetVersion, NodeKind::ModelVersion, NodeKind::Artifact]);

/// What was gathered.
#[derive(Clone, Default)]
pub(super) struct Gathered {
    sources: Vec<Named>,
    sources_count: u64,
    reach: Vec<(&'static str, u64)>,
    is_reach_cut: bool,
    open_way: Option<String>,
    gap: Option<String>,
}

#[derive(Clone)]
struct Named {
    name: String,
    classes: String,
    steps: u32,
    is_open: bool,
}

impl Named {
    fn source(&self) -> Source<'_> {
        Source { name: &self.name, classes: &self.classes, steps: self.steps, is_open: self.is_open }
    }
}

impl Gathered {
    /// Asks the graph about what a binding reads and where it goes.
    pub fn of(reader: &Reader, binding: &Binding) -> Gathered {
        let started = Stopwatch::start();
        let late = || (started.seconds() > limits::PRESENTATION_FLOW_MAX.as_secs_f64()).then_some(Halt::Deadline);
        let mut gathered = Gathered::default();
        match reader.lineage(None, &late) {
            Ok(at) => Looker { reader, at, stop: &late }.look(binding, &mut gathered),
            Err(LineageError::Behind { .. }) => gathered.miss("the graph was still being read"),
            Err(error) => gathered.miss(&error.to_string()),
        }
        gathered
    }

    fn miss(&mut self, gap: &str) {
        self.gap.get_or_insert_with(|| gap.to_owned());
    }

    /// Lends it in the form in which it is rendered.
    pub fn with_flow<R>(&self, then: impl FnOnce(Flow<'_>) -> R) -> R {
        let sources: Vec<Source<'_>> = self.sources.iter().map(Named::source).collect();
        then(Flow {
            sources: &sources,
            sources_count: self.sources_count,
            reach: Reach { counts: &self.reach, is_cut: self.is_reach_cut },
            open_way: self.open_way.as_deref(),
            gap: self.gap.as_deref(),
        })
    }
}

struct Looker<'a> {
    reader: &'a Reader,
    at: LineageAt,
    stop: &'a dyn Stop,
}

impl Looker<'_> {
    fn query(&self) -> Query<'_> {
        Query::new(&self.at.view, Bounds { nodes_max: limits::LINEAGE_VISITED_MAX, stop: self.stop })
    }

    fn look(&self, binding: &Binding, gathered: &mut Gathered) {
        let reads: Vec<Vec<NodeId>> = binding.dataset_sources.iter().map(|text| self.versions(text)).collect();
        let read: BTreeSet<NodeId> = reads.iter().filter_map(|versions| versions.first()).copied().collect();
        if read.len() > limits::PRESENTATION_READS_MAX {
            gathered.miss("it reads more than the graph was asked about");
        }
        let targets: Vec<NodeId> = read.into_iter().take(limits::PRESENTATION_READS_MAX).collect();
        self.sources(&targets, gathered);
        let destination = binding.destination.iter().flat_map(|text| self.versions(text));
        let starts: Vec<NodeId> = reads.iter().flatten().copied().chain(destination).collect();
        self.reach(&starts, gathered);
    }

    /// The nearest of what some nodes led to: of what much is made daily, all would take longer with each day.
    fn reach(&self, starts: &[NodeId], gathered: &mut Gathered) {
        let bounds = Bounds { nodes_max: limits::PRESENTATION_REACH_NODES_MAX, stop: self.stop };
        let reached = Query::new(&self.at.view, bounds).trace(starts, Towards::Effects, None);
        gathered.is_reach_cut = reached.cut == Some(Cut::Nodes);
        if reached.cut.is_some_and(|cut| cut != Cut::Nodes) {
            gathered.miss("there was no time for all that it led to");
        }
        let counts = reached.value.counts(&self.at.view);
        let count = |(kind, name)| (name, counts.of(kind));
        gathered.reach = REACH.into_iter().map(count).filter(|(_, count)| *count > 0).collect();
    }

    /// The versions of a dataset that a text names, the latest first; or the one that it names.
    fn versions(&self, text: &str) -> Vec<NodeId> {
        let kind =
            if DatasetText::parse(text).version.is_some() { NodeKind::DatasetVersion } else { NodeKind::Dataset };
        let asked = NodeText { kind, name: text.to_owned() };
        let Ok(node) = self.reader.node_of(&asked, self.stop) else { return Vec::new() };
        let versions = self.at.versions(node, self.stop);
        if versions.is_empty() && kind == NodeKind::DatasetVersion { vec![node] } else { versions }
    }

    fn sources(&self, targets: &[NodeId], gathered: &mut Gathered) {
        let found = self.query().trace(targets, Towards::Causes, None);
        let mut is_cut = found.cut.is_some();
        let mut open: BTreeSet<NodeId> = BTreeSet::new();
        let mut nearest = Vec::new();
        for (steps, layer) in (0u32..).zip(found.value.layers()).skip(1) {
            let is_data = |node: &&NodeId| self.at.view.kind(**node).is_some_and(|kind| DATA.has(kind));
            nearest.extend(layer.iter().filter(is_data).map(|node| (*node, steps)));
        }
        for target in targets {
            let coverage = self.query().coverage(*target);
            is_cut |= coverage.cut.is_some();
            open.extend(nearest.iter().map(|(node, _)| *node).filter(|node| coverage.value.open().contains(*node)));
            if gathered.open_way.is_none() && nearest.iter().any(|(node, _)| open.contains(node)) {
                let way = self.query().unapproved_path(&Sources::Kinds(DATA), *target);
                gathered.open_way = way.value.map(|path| self.way(&path.nodes().collect::<Vec<NodeId>>()));
            }
        }
        if is_cut {
            gathered.miss("there was no time for all that led here");
        }
        gathered.sources_count = u64::try_from(nearest.len()).unwrap_or(u64::MAX);
        nearest.truncate(limits::PRESENTATION_SOURCES_MAX);
        let named = nearest.iter().map(|(node, steps)| Named {
            name: self.name(*node),
            classes: self.classes(*node),
            steps: *steps,
            is_open: open.contains(node),
        });
        gathered.sources = named.collect();
    }

    /// What a node is called; of a version without a name, what it is a version of.
    fn name(&self, node: NodeId) -> String {
        let of = self.at.view.effects(node).find(|edge| edge.kind == EdgeKind::VersionOf).map(|edge| edge.to);
        let abouts = self.reader.describe(std::iter::once(node).chain(of));
        match abouts.as_slice() {
            [(_, version), (_, thing)] if version.called.is_none() && thing.called.is_some() => {
                format!("a version of {}", thing.text())
            }
            [(_, about), ..] => about.text(),
            [] => node.to_string(),
        }
    }

    /// The classes that entries stated which touch a node, as far as they are looked at.
    fn classes(&self, node: NodeId) -> String {
        let view = &self.at.view;
        let indexes: BTreeSet<Index> = view
            .causes(node)
            .chain(view.effects(node))
            .take(limits::PRESENTATION_CLASS_ENTRIES_MAX)
            .map(|edge| edge.index)
            .collect();
        let class = |index| {
            let entry = self.reader.entry(index).ok()?;
            Entry::parse(&entry).ok()?.facts.data_class.map(|class| class.as_str().to_owned())
        };
        let classes: BTreeSet<String> = indexes.into_iter().filter_map(class).collect();
        classes.into_iter().collect::<Vec<String>>().join(" and ")
    }

    /// A path in words; of a long one its ends.
    fn way(&self, nodes: &[NodeId]) -> String {
        let text = |nodes: &[NodeId]| -> Vec<String> { nodes.iter().map(|node| self.name(*node)).collect() };
        match (nodes.first_chunk::<3>(), nodes.last_chunk::<3>()) {
            (Some(first), Some(last)) if nodes.len() > 6 => {
                let between = nodes.len().saturating_sub(6);
                format!("{} → {between} more → {}", text(first).join(" → "), text(last).join(" → "))
            }
            (_, _) => text(nodes).join(" → "),
        }
    }
}
