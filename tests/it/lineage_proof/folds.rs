//! The fold and the verifier told apart: each edge that the fold makes, from everything that people, agents, policies, time
//! and pipelines leave in a log, is said by its entry, as the verifier reads it by itself.

use crate::approvals_server::cast::Who;
use crate::approvals_server::desk::Desk;
use crate::approvals_server::fold;
use crate::approvals_server::rows::random_desk;
use crate::lineage_fold::graph::{Graph, dataset, refer};
use crate::support::{Rng, cases, parallel, scaled};
use deedbook::ledger::ProofEdge;
use deedbook::lineage::fold::NodeKey;
use deedbook::lineage::prov::{self, Origin};
use deedbook::lineage::{EdgeKind, Halt, NodeKind};
use deedbook::record::{FactsBuilder, FrameSigner, Position};
use deedbook_verify::facts::{Actor, ActorKind, Object, ObjectClass, ObjectRole, Outcome, Parent};
use deedbook_verify::kind::Kind;
use deedbook_verify::lineage::{Gap, LineageShown, ShownEdge, Standing, verify_lineage};
use deedbook_verify::words::{Digest, Index};
use std::collections::{BTreeMap, BTreeSet};

pub fn never() -> Option<Halt> {
    None
}

/// What is asked to be proved: nodes with the entries that name them, and edges.
pub type Answer = (BTreeMap<NodeKey, Index>, BTreeSet<ProofEdge>);

/// Everything that the fold makes of a ledger's log.
pub fn everything(desk: &Desk) -> (Graph, Answer) {
    let graph = Graph::of(&fold::entries(desk.world.store.as_ref()));
    let key = |place: u32| graph.delta.nodes[usize::try_from(place).unwrap()].key;
    let nodes = graph.delta.nodes.iter().map(|new| (new.key, new.index)).collect();
    let edges = graph.delta.edges.iter().map(|new| {
        let (from, to) = (key(new.edge.from.number()), key(new.edge.to.number()));
        ProofEdge { index: new.edge.index, from, to, kind: new.edge.kind }
    });
    let edges = edges.collect();
    (graph, (nodes, edges))
}

pub fn bundle(desk: &Desk, (nodes, edges): &Answer) -> Vec<u8> {
    desk.ledger.reader().lineage_proof(nodes, edges, &never).unwrap()
}

/// All of it is shown; only what rests on entries before is cited and not derived, and each for its own reason.
fn check(desk: &Desk) -> LineageShown {
    let (graph, answer) = everything(desk);
    let shown = verify_lineage(&bundle(desk, &answer), desk.ledger.reader().verifier_key());
    let shown = shown.unwrap_or_else(|refusal| panic!("{refusal}"));
    let told: BTreeSet<ProofEdge> = shown
        .edges
        .iter()
        .map(|edge| ProofEdge { index: edge.index, from: edge.from, to: edge.to, kind: edge.kind })
        .collect();
    assert_eq!((told, shown.nodes.len()), (answer.1.clone(), answer.0.len()));
    let key = |place: u32| graph.delta.nodes[usize::try_from(place).unwrap()].key;
    let inferred: BTreeSet<_> = graph
        .delta
        .edges
        .iter()
        .filter(|new| new.inferred)
        .map(|new| (new.edge.index, key(new.edge.from.number()), key(new.edge.to.number())))
        .collect();
    let last = Index(shown.head.size.0 - 1);
    for edge in &shown.edges {
        let is_inferred = inferred.contains(&(edge.index, edge.from, edge.to));
        match edge.standing {
            Standing::Cited(Gap::Version) => assert!(is_inferred, "{edge:?}"),
            // Whom nobody named by kind before, the fold takes for a person, and who gets a key for a source.
            Standing::Cited(Gap::Principal) => {
                let taken_for = [NodeKind::Person, NodeKind::Source].contains(&edge.from.kind);
                assert!(taken_for && matches!(edge.kind, EdgeKind::OnBehalf | EdgeKind::Proposed), "{edge:?}");
            }
            Standing::Cited(Gap::Refusal) => assert_eq!(edge.index, last, "{edge:?}"),
            // Nobody here writes into a stream that is called as a released run.
            Standing::Cited(Gap::Run) => panic!("{edge:?}"),
            // An entry may name a dataset with a version, and without one besides.
            Standing::Derived | Standing::Joined => {}
        }
    }
    shown
}

/// A source that states what pipelines did.
pub struct Gateway<'d> {
    desk: &'d Desk,
    who: Who,
    said: Vec<Parent>,
}

impl<'d> Gateway<'d> {
    pub fn enrolled(desk: &'d Desk) -> Gateway<'d> {
        let (who, adm) = (desk.cast.gateway("pipelines"), desk.cast.person("adm"));
        desk.done(desk.cast.enrollment(&adm, &who.key, who.source));
        Gateway { desk, who, said: Vec::new() }
    }

    /// One frame.
    pub fn say(&mut self, events: Vec<FactsBuilder>) {
        let source = self.who.source;
        self.said.extend(events.iter().map(|facts| Parent { source, event_id: facts.event_id() }));
        let signer = FrameSigner { ledger: self.desk.cast.ledger, source, key: &self.who.key };
        self.desk.done(signer.sign(Position::Unsequenced, events).unwrap());
    }

    pub fn run(&self, kind: Kind, run: &str, inputs: &[String], outputs: &[String]) -> FactsBuilder {
        let job = Object { class: ObjectClass::Job, role: ObjectRole::Used, what: refer("job", "etl") };
        let inputs = inputs.iter().flat_map(|text| dataset(ObjectRole::Input, text));
        let outputs = outputs.iter().flat_map(|text| dataset(ObjectRole::Output, text));
        let objects: Vec<Object> = std::iter::once(job).chain(inputs).chain(outputs).collect();
        self.desk.cast.facts(kind).stream(refer("run", run)).objects(&objects)
    }

    /// A statement with all that one may say, of a run or of a dataset, with versions and without.
    fn random(&self, rng: &mut Rng, at: u64) -> FactsBuilder {
        let text = |rng: &mut Rng| {
            let name = rng.below(5);
            if rng.percent(40) { format!("d{name}@{}", rng.below(3)) } else { format!("d{name}") }
        };
        if rng.percent(15) {
            let name = format!("d{}", rng.below(5));
            let facts = self.desk.cast.facts(Kind::OpenlineageReceived);
            return facts.stream(refer("dataset", &name)).objects(&dataset(ObjectRole::Output, &name));
        }
        let kinds = [Kind::OpenlineageReceived, Kind::DataAccessed, Kind::ModelInvoked, Kind::ExecutionReported];
        let inputs: Vec<String> = (0..rng.below(4)).map(|_| text(rng)).collect();
        let outputs: Vec<String> = (0..rng.below(3)).map(|_| text(rng)).collect();
        let run = format!("run {}", rng.below(1 + at / 2));
        let mut facts = self.run(*rng.pick(&kinds), &run, &inputs, &outputs);
        if rng.percent(30) {
            let agent = Actor { kind: ActorKind::Agent, who: refer("agent", "bot") };
            let (person, owner) = (refer("person", "u-1042"), self.desk.cast.person("alice").source);
            facts = facts.actor(agent).on_behalf_of(&[person]).responsible(owner).policy_digest(Digest([7; 32]));
        }
        if rng.percent(30) && !self.said.is_empty() {
            facts = facts.parents(&[*rng.pick(&self.said)]);
        }
        if rng.percent(30) { facts.outcome(Outcome::Succeeded) } else { facts }
    }
}

#[test]
fn every_edge_of_pipelines_is_shown_whatever_frame_it_came_in() {
    let runs = scaled(8);
    parallel::run("lineage proofs of pipelines", runs, |_, rng| {
        let desk = Desk::set();
        let mut gateway = Gateway::enrolled(&desk);
        for at in 0..12 {
            let events = (0..1 + rng.below(5)).map(|event| gateway.random(rng, at * 5 + event)).collect();
            gateway.say(events);
        }
        check(&desk);
    });
    cases("lineage-proofs-pipelines", runs);
}

/// A document of somebody else's, with a relation of each kind; some name what nothing declares.
const DOCUMENT: &str = r#"{"prefix":{"ex":"http://example.org/"},
    "entity":{"ex:e1":{},"ex:e2":{},"ex:all":{}},"activity":{"ex:a1":{},"ex:a2":{}},
    "agent":{"ex:p":{"prov:type":"prov:Person"},"ex:o":{"prov:type":"prov:Organization"},"ex:bot":{}},
    "used":{"_:1":{"prov:activity":"ex:a1","prov:entity":"ex:e1"}},
    "wasGeneratedBy":{"_:2":{"prov:entity":"ex:e2","prov:activity":"ex:a1"}},
    "wasDerivedFrom":{"_:3":{"prov:generatedEntity":"ex:e2","prov:usedEntity":"ex:e1"}},
    "wasInformedBy":{"_:4":{"prov:informed":"ex:a2","prov:informant":"ex:a1"}},
    "wasAssociatedWith":{"_:5":{"prov:activity":"ex:a1","prov:agent":"ex:bot","prov:plan":"ex:plan"}},
    "wasAttributedTo":{"_:6":{"prov:entity":"ex:e2","prov:agent":"ex:o"}},
    "actedOnBehalfOf":{"_:7":{"prov:delegate":"ex:bot","prov:responsible":"ex:p"}},
    "wasInfluencedBy":{"_:8":{"prov:influencee":"ex:e2","prov:influencer":"ex:p"}},
    "specializationOf":{"_:9":{"prov:specificEntity":"ex:e2","prov:generalEntity":"ex:all"}},
    "hadMember":{"_:10":{"prov:collection":"ex:all","prov:entity":"ex:e1"}}}"#;

#[test]
fn every_edge_of_a_document_is_shown() {
    let desk = Desk::set();
    let mut gateway = Gateway::enrolled(&desk);
    for (place, more) in [DOCUMENT, &DOCUMENT.replace("ex:e1", "ex:e3")].into_iter().enumerate() {
        let (refs, source, occurred) = (&desk.cast.refs, gateway.who.source, desk.cast.clock.wall());
        let id_key = [u8::try_from(place).unwrap(); 32];
        let events = prov::events(more.as_bytes(), Origin { refs, id_key: &id_key, source, occurred }).unwrap();
        events.into_iter().for_each(|event| gateway.say(vec![event.builder]));
    }
    let shown = check(&desk);
    for kind in [EdgeKind::Derived, EdgeKind::Influenced, EdgeKind::PartOf, EdgeKind::VersionOf, EdgeKind::Called] {
        let derived = |edge: &&ShownEdge| edge.kind == kind && edge.standing == Standing::Derived;
        assert!(shown.edges.iter().any(|edge| derived(&edge)), "{kind:?}");
    }
}

#[test]
fn every_edge_of_what_people_agents_and_time_did_is_shown() {
    let runs = scaled(6);
    parallel::run("lineage proofs", runs, |_, rng| {
        check(&random_desk(rng, 40));
    });
    cases("lineage-proofs", runs);
}

#[test]
fn every_edge_of_approvals_and_governance_is_shown() {
    let desk = Desk::governed();
    let shown = check(&desk);
    for kind in [EdgeKind::Authorized, EdgeKind::Decided, EdgeKind::Realised, EdgeKind::Revoked, EdgeKind::Reviewed] {
        assert!(shown.edges.iter().any(|edge| edge.kind == kind), "{kind:?}");
    }
}
