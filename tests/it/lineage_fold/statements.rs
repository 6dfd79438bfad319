//! What statements add: the run, who performed it and for whom, what it is a run of and a part of, what it called.

use super::graph::{Graph, Statements, dataset, node, refer};
use deedbook::lineage::fold::NodeKey;
use deedbook::lineage::{EdgeKind, NodeKind};
use deedbook::record::SigningKey;
use deedbook_verify::facts::{Actor, ActorKind, Object, ObjectClass, ObjectRole, Outcome, Parent};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Digest, EventId, Ref};
use std::sync::Arc;

fn object(class: ObjectClass, role: ObjectRole, name: &str) -> Object {
    Object { class, role, what: refer(class.name(), name) }
}

fn key_node(key: &SigningKey) -> NodeKey {
    NodeKey::key(key.public().id())
}

#[test]
fn an_agent_reads_asks_a_model_and_reports_in_one_stream() {
    let mut log = Statements::new("gateway");
    let stream = refer("action", "morning");
    let agent = Actor { kind: ActorKind::Agent, who: refer("agent", "bot") };
    let (person, owner) = (refer("person", "u-1042"), refer("person", "u-7"));
    let said = |log: &Statements, kind, objects: &[Object]| {
        log.facts(kind).stream(stream).actor(agent).on_behalf_of(&[person]).responsible(owner).objects(objects)
    };
    let read = dataset(ObjectRole::Input, "orders@7");
    log.say(said(&log, Kind::DataAccessed, &read));
    let model = [
        object(ObjectClass::Model, ObjectRole::Used, "large"),
        Object { class: ObjectClass::ModelVersion, role: ObjectRole::Used, what: refer("model_version", "large@2") },
        object(ObjectClass::Session, ObjectRole::Used, "chat"),
        object(ObjectClass::Artifact, ObjectRole::Input, "prompt"),
    ];
    log.say(said(&log, Kind::ModelInvoked, &model).policy_digest(Digest([7; 32])));
    let written = [object(ObjectClass::Artifact, ObjectRole::Output, "report")];
    for outcome in [Outcome::Running, Outcome::Succeeded, Outcome::Succeeded] {
        log.say(said(&log, Kind::ExecutionReported, &written).outcome(outcome));
    }
    let graph = log.graph();
    let run = NodeKey::new(NodeKind::Run, stream.0);
    assert_eq!(graph.nodes(NodeKind::Run), [run]);
    let version = NodeKey::new(NodeKind::ModelVersion, refer("model_version", "large@2").0);
    let used = [super::graph::version("orders", "7"), version, node(ObjectClass::Artifact, "prompt")];
    assert_eq!(graph.causes(EdgeKind::Used, run), used);
    assert_eq!(graph.causes(EdgeKind::Performed, run), [key_node(&log.key), NodeKey::actor(agent)]);
    let behalf = [person, owner].map(|who: Ref| NodeKey::new(NodeKind::Person, who.0));
    assert_eq!(graph.causes(EdgeKind::OnBehalf, run), behalf);
    assert_eq!(graph.causes(EdgeKind::PlannedBy, run), [NodeKey::policy(Digest([7; 32]))]);
    assert_eq!(graph.effects(EdgeKind::PartOf, run), [node(ObjectClass::Session, "chat")]);
    let outcome = NodeKey::new(NodeKind::Outcome, run.id);
    assert_eq!(graph.effects(EdgeKind::Generated, run), [node(ObjectClass::Artifact, "report"), outcome]);
    assert_eq!(graph.gate(run), ["missing"], "no grant released it");
    graph.edges();
}

#[test]
fn events_without_a_stream_are_runs_of_their_own() {
    let mut log = Statements::new("gateway");
    let first = log.say(log.facts(Kind::DataAccessed).objects(&dataset(ObjectRole::Input, "orders@7")));
    let other = Parent { source: log.source, event_id: EventId([9; 16]) };
    let parents = [Parent { source: log.source, event_id: first }, other];
    let second = log.say(log.facts(Kind::ModelInvoked).parents(&parents));
    let graph = log.graph();
    let run = |event| {
        let parent = Parent { source: log.source, event_id: event };
        NodeKey::new(NodeKind::Run, deedbook_verify::hash::request_id(&parent).0)
    };
    assert_eq!(graph.nodes(NodeKind::Run), [run(first), run(second)]);
    assert_eq!(graph.causes(EdgeKind::Called, run(second)), [run(first)], "a parent that is not in the log is none");
    assert!(graph.gate(run(first)).is_empty());
    let mut elsewhere = Statements::new("another-gateway");
    elsewhere.say(elsewhere.facts(Kind::DataAccessed));
    assert_ne!(elsewhere.graph().nodes(NodeKind::Run)[0], run(first), "event ids are unique for one source alone");
}

#[test]
fn openlineage_runs_have_a_job_a_parent_and_no_two_nodes() {
    let mut log = Statements::new("gateway");
    let job = object(ObjectClass::Job, ObjectRole::Used, "etl");
    let parent = object(ObjectClass::Run, ObjectRole::Used, "parent");
    for (outcome, at) in [(Outcome::Started, 0), (Outcome::Running, 1), (Outcome::Succeeded, 2)] {
        let mut objects = vec![job, parent];
        if at > 0 {
            objects.extend(dataset(ObjectRole::Input, "in"));
        }
        if at > 1 {
            objects.extend(dataset(ObjectRole::Output, "out"));
        }
        log.say(log.facts(Kind::OpenlineageReceived).stream(refer("run", "r")).outcome(outcome).objects(&objects));
    }
    let own = object(ObjectClass::Run, ObjectRole::Used, "self");
    log.say(log.facts(Kind::OpenlineageReceived).stream(refer("run", "self")).objects(&[own]));
    let graph = log.graph();
    let run = node(ObjectClass::Run, "r");
    assert_eq!(graph.nodes(NodeKind::Run), [node(ObjectClass::Run, "parent"), run, node(ObjectClass::Run, "self")]);
    assert_eq!(graph.causes(EdgeKind::PlannedBy, run), [node(ObjectClass::Job, "etl")]);
    assert_eq!(graph.effects(EdgeKind::PartOf, run), [node(ObjectClass::Run, "parent")]);
    assert!(graph.effects(EdgeKind::PartOf, node(ObjectClass::Run, "self")).is_empty());
    assert_eq!((graph.causes(EdgeKind::Used, run).len(), graph.effects(EdgeKind::Generated, run).len()), (1, 1));
    assert!(graph.nodes(NodeKind::Outcome).is_empty() && graph.gate(run).is_empty());
    graph.edges();
}

#[test]
fn openlineage_events_about_jobs_and_datasets() {
    let mut log = Statements::new("gateway");
    log.say(
        log.facts(Kind::OpenlineageReceived).stream(refer("dataset", "d")).objects(&dataset(ObjectRole::Used, "d@3")),
    );
    assert_eq!(log.graph().nodes(NodeKind::Run), []);
    assert!(log.graph().has(EdgeKind::VersionOf, super::graph::version("d", "3"), node(ObjectClass::Dataset, "d")));
    let job = object(ObjectClass::Job, ObjectRole::Used, "etl");
    let mut objects = vec![job];
    objects.extend(dataset(ObjectRole::Input, "d"));
    objects.extend(dataset(ObjectRole::Output, "e"));
    log.say(log.facts(Kind::OpenlineageReceived).stream(job.what).objects(&objects));
    let graph = log.graph();
    let run = NodeKey::new(NodeKind::Run, job.what.0);
    assert_eq!(graph.nodes(NodeKind::Run), [run], "the run that nobody numbered");
    assert_eq!(graph.causes(EdgeKind::PlannedBy, run), [node(ObjectClass::Job, "etl")]);
    assert_eq!(graph.effects(EdgeKind::Generated, run).len(), 1);
}

#[test]
fn a_key_answers_for_whatever_it_added_to_a_run() {
    let mut log = Statements::new("gateway");
    let first = Arc::clone(&log.key);
    let second = Statements::new("its-next-key").key;
    let says: [(&Arc<SigningKey>, &[&str]); 6] =
        [(&first, &[]), (&second, &[]), (&first, &["a"]), (&first, &["a"]), (&second, &["b"]), (&first, &["b"])];
    for (key, outputs) in says {
        log.key = Arc::clone(key);
        log.run("r", &[], outputs);
    }
    let graph: Graph = log.graph();
    let run = node(ObjectClass::Run, "r");
    assert_eq!(graph.performed(key_node(&first), run), [0, 2]);
    assert_eq!(graph.performed(key_node(&second), run), [1, 4], "what it says again adds nothing");
}

#[test]
fn statements_about_the_source_itself_add_nothing() {
    let mut log = Statements::new("gateway");
    for kind in [
        Kind::SourceOpened,
        Kind::SourceHeartbeat,
        Kind::SourceClosed,
        Kind::ReviewCompleted,
        Kind::ExceptionDisposed,
        Kind::ReconciliationCompleted,
    ] {
        log.say(log.facts(kind).objects(&dataset(ObjectRole::Input, "d")));
    }
    assert!(log.graph().delta.is_empty());
}
