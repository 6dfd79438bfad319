//! The fold and the graph together: what a ledger's own log answers to the questions that it is kept for, as of then and
//! as of now.

use super::graph::{Graph, random_statements};
use crate::approvals_server::desk::Desk;
use crate::approvals_server::fold;
use crate::support::{Rng, scaled};
use deedbook::domain::{dataset_ref, version_ref};
use deedbook::lineage::fold::{Delta, NodeKey};
use deedbook::lineage::{Bounds, Edge, Graph as InMemory, Halt, NodeId, NodeKind, NodeKinds, Query, Sources, View};
use deedbook_verify::facts::{Object, ObjectClass, ObjectRole, Outcome};
use deedbook_verify::kind::Kind;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::{Index, Ref, TreeSize};

fn go_on() -> Option<Halt> {
    None
}

/// A log as whoever keeps the graph in memory folds it.
struct Kept {
    delta: Delta,
    view: View,
}

impl Kept {
    fn of(log: &[Vec<u8>]) -> Kept {
        let delta = Graph::of(log).delta;
        let mut graph = InMemory::new(64 * 1024 * 1024);
        delta.add_to(&mut graph).unwrap();
        Kept { delta, view: graph.view(TreeSize(log.len() as u64)) }
    }

    fn id(&self, key: NodeKey) -> NodeId {
        self.delta.nodes.iter().find(|new| new.key == key).unwrap().id
    }

    fn key(&self, id: NodeId) -> NodeKey {
        self.delta.nodes[usize::try_from(id.number()).unwrap()].key
    }

    fn query(&self) -> Query<'_> {
        Query::new(&self.view, Bounds { nodes_max: 1_000_000, stop: &go_on })
    }
}

/// A desk whose customers were loaded by a run from what a shop holds; the gateway that says so.
fn loaded() -> (Desk, [Ref; 2]) {
    let desk = Desk::set();
    let (cast, gateway) = (&desk.cast, desk.cast.gateway("etl"));
    desk.done(cast.enrollment(&cast.person("adm"), &gateway.key, gateway.source));
    let shop = dataset_ref(&cast.refs, "postgres://shop", "orders").unwrap();
    let customers = dataset_ref(&cast.refs, "", "customers").unwrap();
    let version = version_ref(&cast.refs, "dataset_version", customers, "v42").unwrap();
    let object = |class, role, what| Object { class, role, what };
    let objects = [
        object(ObjectClass::Dataset, ObjectRole::Input, shop),
        object(ObjectClass::Dataset, ObjectRole::Output, customers),
        object(ObjectClass::DatasetVersion, ObjectRole::Output, version),
    ];
    let facts = cast.facts(Kind::OpenlineageReceived).stream(Ref([5; 16])).objects(&objects);
    desk.done(cast.sign(&gateway, facts));
    (desk, [shop, version])
}

#[test]
fn an_approved_export_is_covered_and_one_that_ran_all_the_same_is_not() {
    let (desk, [shop, _]) = loaded();
    let (cast, agent) = (&desk.cast, desk.cast.agent("a1"));
    let exported = |runs: bool| {
        let id = desk.export();
        if runs {
            desk.done(desk.vote(&cast.person("bob"), id, Decision::Approve));
            desk.done(desk.redemption(&agent, id));
        }
        desk.done(cast.report(&agent, &desk.seen(id), Outcome::Succeeded));
        let kept = Kept::of(&fold::entries(desk.world.store.as_ref()));
        let outcome = kept.delta.nodes.iter().rfind(|new| new.key.kind == NodeKind::Outcome).unwrap().id;
        (kept, outcome)
    };
    let (kept, outcome) = exported(true);
    let sources = NodeKinds::of(&[NodeKind::DatasetVersion]);
    assert_eq!(kept.query().unapproved_path(&Sources::Kinds(sources), outcome).value, None);
    let first = NodeKey::unnamed_version(NodeKey::object(ObjectClass::Dataset, shop), None).unwrap();
    let coverage = kept.query().coverage(outcome).value;
    assert_eq!(coverage.is_covered(kept.id(first)), Some(true));
    let kinds: Vec<NodeKind> = coverage.causes().iter().map(|node| kept.key(node).kind).collect();
    for kind in
        [NodeKind::Person, NodeKind::Agent, NodeKind::Key, NodeKind::PolicyVersion, NodeKind::Vote, NodeKind::Approval]
    {
        assert!(kinds.contains(&kind), "{kind:?} led to it");
    }

    let (kept, rogue) = exported(false);
    let path = kept.query().unapproved_path(&Sources::Kinds(sources), rogue).value.unwrap();
    let kinds: Vec<NodeKind> = path.nodes().map(|node| kept.key(node).kind).collect();
    assert_eq!(kinds, [NodeKind::DatasetVersion, NodeKind::Action, NodeKind::Run, NodeKind::Outcome]);
    assert_eq!(
        kept.query().unapproved_path(&Sources::Kinds(sources), outcome).value,
        None,
        "the first one stays covered"
    );
}

#[test]
fn what_a_key_added_since_it_was_bad_is_contaminated() {
    let (desk, [_, version]) = loaded();
    let (cast, gateway) = (&desk.cast, desk.cast.gateway("etl"));
    let before = desk.head().size.0;
    let more = Object { class: ObjectClass::Artifact, role: ObjectRole::Output, what: Ref([8; 16]) };
    desk.done(cast.sign(&gateway, cast.facts(Kind::OpenlineageReceived).stream(Ref([5; 16])).objects(&[more])));
    let kept = Kept::of(&fold::entries(desk.world.store.as_ref()));
    let key = kept.id(NodeKey::key(gateway.key.public().id()));
    let reached = |since: u64| {
        let found = kept.query().contamination(key, Index(since)).value;
        let of = |node: NodeKey| found.reached().contains(kept.id(node));
        let version = NodeKey::object(ObjectClass::DatasetVersion, version);
        (of(version), of(NodeKey::object(ObjectClass::Artifact, more.what)))
    };
    assert_eq!(reached(0), (true, true));
    assert_eq!(reached(before), (true, true), "the run said more when the key was bad, and nobody knows what of");
    assert_eq!(reached(before + 1), (false, false));
}

#[test]
fn the_graph_in_memory_is_what_was_folded_as_of_every_position() {
    let mut rng = Rng::seeded("graph in memory");
    for _ in 0..scaled(5) {
        let log = random_statements(&mut rng, 50, false).log;
        let kept = Kept::of(&log);
        for size in 0..=log.len() {
            let prefix = Graph::of(&log[..size]);
            let view = kept.view.as_of(TreeSize(size as u64));
            assert_eq!(view.node_count() as usize, prefix.delta.nodes.len());
            let mut edges: Vec<Edge> = Vec::new();
            for node in &prefix.delta.nodes {
                assert_eq!((view.kind(node.id), view.born(node.id)), (Some(node.key.kind), Some(node.index)));
                edges.extend(view.effects(node.id));
            }
            let mut folded: Vec<Edge> = prefix.delta.edges.iter().map(|new| new.edge).collect();
            edges.sort_unstable();
            folded.sort_unstable();
            assert_eq!(edges, folded);
        }
    }
}
