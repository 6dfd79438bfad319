//! A graph that a test can look at, folded from entries; and statements written without a server. It promises nothing
//! itself.

use crate::support::Rng;
use deedbook::lineage::fold::{
    Delta, Fold, FoldError, Head, Known, Link, Links, Memory, NodeKey, Row, Trace, is_refusal_of, take_log,
};
use deedbook::lineage::{EdgeKind, Gate, NodeId, NodeKind};
use deedbook::record::seal::{CheckedFacts, SealFields, write_entry};
use deedbook::record::{FactsBuilder, FrameSigner, Position, SigningKey};
use deedbook_verify::entry::{Entry, SealedFrame};
use deedbook_verify::facts::{Facts, Object, ObjectClass, ObjectRole, Parent};
use deedbook_verify::hash::{Identity, RefKey};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{EventId, Index, LedgerId, Micros, Ref, Revision};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;

/// What stands in a row is read as what it was, and nothing shorter or longer is.
fn reads_back(row: Row, bytes: &[u8]) {
    let read = |bytes: &[u8]| match row {
        Row::Head => Head::parse(bytes).map(|head| head.to_bytes()),
        Row::Node(_) => Known::parse(bytes).map(|known| known.to_bytes()),
        Row::Links(_) => Links::parse(bytes).map(|links| links.to_bytes()),
        Row::Link(_) => Link::parse(bytes).map(|link| link.to_bytes()),
        Row::Trace(_) => Trace::parse(bytes).map(|trace| trace.to_bytes()),
        Row::Page { .. } | Row::Runs(_) => panic!("{row:?} is not written again"),
    };
    assert_eq!(read(bytes).as_deref(), Ok(bytes));
    assert!(read(&[bytes, &[7]].concat()).is_err() && (bytes.is_empty() || read(&bytes[..bytes.len() - 1]).is_err()));
}

/// An edge by the keys of its ends.
pub type Said = (EdgeKind, NodeKey, NodeKey);

/// A log that was folded.
#[derive(Default)]
pub struct Graph {
    pub fold: Fold,
    pub rows: Memory,
    pub delta: Delta,
    pub size: u64,
}

impl Graph {
    pub fn of(log: &[Vec<u8>]) -> Graph {
        let mut graph = Graph::default();
        graph.take(log);
        graph
    }

    /// Goes on with the next entries; they end where a commit ended.
    pub fn take(&mut self, log: &[Vec<u8>]) {
        let first = Index(self.size);
        let entries = log.iter().map(Vec::as_slice);
        let mut taken = |rows: &mut Memory, _: Index, entry: &Entry<'_>, run: Option<NodeId>| {
            let event = Parent { source: entry.facts.source, event_id: entry.facts.event_id };
            run.into_iter().for_each(|run| rows.ran(event, run));
        };
        let folded: Result<(), FoldError<Infallible>> =
            take_log(&mut self.fold, &mut self.rows, first, entries, &mut self.delta, &mut taken);
        folded.unwrap();
        self.size += log.len() as u64;
    }

    /// Writes what is new to rows, and goes on as the next process would.
    pub fn reopen(&mut self) {
        let settled = self.fold.settle();
        self.fold = Fold::resume(settled.nodes_count, settled.carry);
        self.rows.take_in(settled);
        self.rows.rows(self.size, &mut |row, bytes| reads_back(row, &bytes));
    }

    fn key(&self, node: NodeId) -> NodeKey {
        self.delta.nodes[usize::try_from(node.number()).unwrap()].key
    }

    /// The edges, each once; that none is there twice is seen here. Who says more of a run performed it again.
    pub fn edges(&self) -> BTreeSet<Said> {
        let mut said = BTreeSet::new();
        for new in &self.delta.edges {
            let edge = (new.edge.kind, self.key(new.edge.from), self.key(new.edge.to));
            assert!(said.insert(edge) || edge.0 == EdgeKind::Performed, "{edge:?} stands there twice");
        }
        said
    }

    pub fn has(&self, kind: EdgeKind, from: NodeKey, to: NodeKey) -> bool {
        self.edges().contains(&(kind, from, to))
    }

    /// The nodes from which edges of a kind lead here, in the order of the log, each once.
    pub fn causes(&self, kind: EdgeKind, to: NodeKey) -> Vec<NodeKey> {
        let edges = self.delta.edges.iter().map(|new| new.edge).filter(|edge| edge.kind == kind);
        let mut causes: Vec<NodeKey> = Vec::new();
        for cause in edges.filter(|edge| self.key(edge.to) == to).map(|edge| self.key(edge.from)) {
            if !causes.contains(&cause) {
                causes.push(cause);
            }
        }
        causes
    }

    /// The indexes at which somebody was said to perform a run.
    pub fn performed(&self, by: NodeKey, run: NodeKey) -> Vec<u64> {
        let edges = self.delta.edges.iter().map(|new| new.edge).filter(|edge| edge.kind == EdgeKind::Performed);
        edges.filter(|edge| (self.key(edge.from), self.key(edge.to)) == (by, run)).map(|edge| edge.index.0).collect()
    }

    pub fn effects(&self, kind: EdgeKind, from: NodeKey) -> Vec<NodeKey> {
        let edges = self.delta.edges.iter().map(|new| new.edge).filter(|edge| edge.kind == kind);
        edges.filter(|edge| self.key(edge.from) == from).map(|edge| self.key(edge.to)).collect()
    }

    pub fn inferred(&self) -> usize {
        self.delta.edges.iter().filter(|new| new.inferred).count()
    }

    /// What is known about an approval at the end.
    pub fn gate(&self, node: NodeKey) -> Vec<&'static str> {
        self.gate_before(node, u64::MAX)
    }

    pub fn gate_before(&self, node: NodeKey, size: u64) -> Vec<&'static str> {
        let mut gates = self.delta.gates.iter().filter(|new| self.key(new.node) == node && new.index.0 < size);
        gates.next_back().map_or(Gate::NONE, |new| new.gate).names().collect()
    }

    pub fn nodes(&self, kind: NodeKind) -> Vec<NodeKey> {
        self.delta.nodes.iter().map(|new| new.key).filter(|key| key.kind == kind).collect()
    }

    /// What the entries before a position added.
    pub fn as_of(&self, size: u64) -> Delta {
        let mut delta = self.delta.clone();
        delta.nodes.retain(|new| new.index.0 < size);
        delta.edges.retain(|new| new.edge.index.0 < size);
        delta.gates.retain(|new| new.index.0 < size);
        delta
    }
}

/// The sizes at which a commit may have ended: not between a command and its refusal.
pub fn ends(log: &[Vec<u8>]) -> Vec<usize> {
    let parsed: Vec<Entry<'_>> = log.iter().map(|bytes| Entry::parse(bytes).unwrap()).collect();
    let splits = |at: &usize| match (parsed.get(at.wrapping_sub(1)), parsed.get(*at)) {
        (Some(before), Some(behind)) => is_refusal_of(&before.facts, &behind.facts),
        _ => false,
    };
    (0..=log.len()).filter(|at| !splits(at)).collect()
}

pub const REFS: RefKey = RefKey([3; 32]);

pub fn refer(class: &str, name: &str) -> Ref {
    REFS.make(Identity { class, namespace: "n", name }).unwrap()
}

/// The node of something that facts name.
pub fn node(class: ObjectClass, name: &str) -> NodeKey {
    NodeKey::object(class, refer(class.name(), name))
}

/// The node of a named version.
pub fn version(dataset: &str, version: &str) -> NodeKey {
    NodeKey::object(ObjectClass::DatasetVersion, version_ref(dataset, version))
}

pub fn version_ref(dataset: &str, version: &str) -> Ref {
    refer("dataset_version", &format!("{dataset}@{version}"))
}

/// A dataset, `NAME` or `NAME@VERSION`, in a role.
pub fn dataset(role: ObjectRole, text: &str) -> Vec<Object> {
    let (name, version) = text.split_once('@').map_or((text, None), |(name, version)| (name, Some(version)));
    let mut objects = vec![Object { class: ObjectClass::Dataset, role, what: refer("dataset", name) }];
    let class = ObjectClass::DatasetVersion;
    objects.extend(version.map(|version| Object { class, role, what: version_ref(name, version) }));
    objects
}

/// Entries that one source states, each in a frame of its own.
pub struct Statements {
    pub log: Vec<Vec<u8>>,
    pub key: Arc<SigningKey>,
    pub source: Ref,
    revisions: BTreeMap<Ref, u64>,
}

impl Statements {
    pub fn new(name: &str) -> Statements {
        let key = SigningKey::from_seed(name, blake3::hash(name.as_bytes()).as_bytes()).unwrap();
        Statements { log: Vec::new(), key: Arc::new(key), source: refer("source", name), revisions: BTreeMap::new() }
    }

    pub fn facts(&self, kind: Kind) -> FactsBuilder {
        let id = u128::try_from(self.log.len()).unwrap().to_be_bytes();
        FactsBuilder::new(kind, EventId(id), Micros(1_767_582_000_000_000))
    }

    /// An OpenLineage event of a run, with its inputs and outputs as `dataset` takes them.
    pub fn run(&mut self, run: &str, inputs: &[&str], outputs: &[&str]) -> NodeKey {
        self.say(self.run_facts(run, inputs, outputs));
        node(ObjectClass::Run, run)
    }

    pub fn run_facts(&self, run: &str, inputs: &[&str], outputs: &[&str]) -> FactsBuilder {
        let job = Object { class: ObjectClass::Job, role: ObjectRole::Used, what: refer("job", "etl") };
        let inputs = inputs.iter().flat_map(|text| dataset(ObjectRole::Input, text));
        let outputs = outputs.iter().flat_map(|text| dataset(ObjectRole::Output, text));
        let objects: Vec<Object> = std::iter::once(job).chain(inputs).chain(outputs).collect();
        self.facts(Kind::OpenlineageReceived).stream(refer("run", run)).objects(&objects)
    }

    pub fn say(&mut self, facts: FactsBuilder) -> EventId {
        let id = facts.event_id();
        let key = Arc::clone(&self.key);
        let signer = FrameSigner { ledger: LedgerId([1; 32]), source: self.source, key: &key };
        let frame = signer.sign(Position::Unsequenced, vec![facts]).unwrap();
        let facts = Facts::parse(&frame.events[0].facts).unwrap();
        let revision = facts.stream.map(|stream| {
            let last = self.revisions.entry(stream).or_default();
            *last += 1;
            Revision(*last)
        });
        let seal = SealFields {
            received: Micros(1_767_582_000_000_000),
            revision,
            frame_digest: SealedFrame::parse(&frame.header, &frame.signatures).unwrap().digest(),
            offset: 0,
            n: 1,
            frame: (&frame.header, &frame.signatures),
        };
        let mut entry = Vec::new();
        write_entry(&mut entry, CheckedFacts::of(&facts), &seal);
        self.log.push(entry);
        id
    }

    pub fn graph(&self) -> Graph {
        Graph::of(&self.log)
    }
}

/// A log of runs that read and write a few datasets, some by version, some not, many things said more than once.
pub fn random_statements(rng: &mut Rng, count: u64, is_stated: bool) -> Statements {
    let mut statements = Statements::new("gateway");
    for at in 0..count {
        let run = format!("run {}", rng.below(1 + at / 2));
        let text = |rng: &mut Rng| {
            let name = rng.below(6);
            if is_stated || rng.percent(40) { format!("d{name}@{}", rng.below(4)) } else { format!("d{name}") }
        };
        let (reads, writes) = (rng.below(4), rng.below(3));
        let inputs: Vec<String> = (0..reads).map(|_| text(rng)).collect();
        let outputs: Vec<String> = (0..writes).map(|_| text(rng)).collect();
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
        statements.run(&run, &inputs, &outputs);
    }
    statements
}
