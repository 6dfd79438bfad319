//! The graph that a document makes, from its facts alone.

use crate::lineage_fold::graph::{Graph, Said, Statements};
use deedbook::lineage::fold::NodeKey;
use deedbook::lineage::prov::{self, Class, Origin, Thing};
use deedbook::lineage::{EdgeKind, NodeKind, names_in};
use deedbook::record::line::Event;
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Outcome;
use deedbook_verify::hash::RefKey;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Micros, Ref};
use std::collections::BTreeSet;

pub const REFS: RefKey = RefKey([3; 32]);
pub const EX: &str = "http://example.org/";

/// The events of a document, from the source of some statements.
pub fn events(log: &Statements, text: &str) -> Vec<Event> {
    let origin = Origin { refs: &REFS, id_key: &[2; 32], source: log.source, occurred: Micros(1_767_582_000_000_000) };
    prov::events(text.as_bytes(), origin).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Appends the events of a document.
pub fn say(log: &mut Statements, text: &str) {
    for event in events(log, text) {
        log.say(event.builder);
    }
}

pub fn of(class: Class, local: &str) -> NodeKey {
    let thing = Thing { class, iri: format!("{EX}{local}") };
    NodeKey::object(thing.class.object(), thing.to_ref(&REFS).unwrap())
}

pub fn entity(local: &str) -> NodeKey {
    of(Class::Artifact, local)
}

pub fn run(local: &str) -> NodeKey {
    of(Class::Run, local)
}

pub fn agent(local: &str) -> NodeKey {
    of(Class::Agent, local)
}

/// The edges of a graph but those of the key that signed.
pub fn edges(graph: &Graph) -> BTreeSet<Said> {
    graph.edges().into_iter().filter(|(_, from, _)| from.kind != NodeKind::Key).collect()
}

pub fn with(sections: &str) -> String {
    format!(r#"{{"prefix":{{"ex":"{EX}"}},{sections}}}"#)
}

fn folded(sections: &str) -> Graph {
    let mut log = Statements::new("gateway");
    say(&mut log, &with(sections));
    log.graph()
}

/// A relation, its attributes, and the edges that it is.
type Row = (&'static str, &'static str, Vec<Said>);

/// Relations of entities and activities.
fn of_runs() -> Vec<Row> {
    use EdgeKind::*;
    let (e1, e2) = (entity("e1"), entity("e2"));
    let (a1, a2) = (run("a1"), run("a2"));
    vec![
        ("wasGeneratedBy", r#""prov:entity":"ex:e1","prov:activity":"ex:a1""#, vec![(Generated, a1, e1)]),
        ("wasGeneratedBy", r#""prov:entity":"ex:e1""#, vec![]),
        (
            "used",
            r#""prov:activity":"ex:a1","prov:entity":"ex:e1","prov:time":"2026-01-05T03:00:00Z""#,
            vec![(Used, e1, a1)],
        ),
        ("wasInformedBy", r#""prov:informed":"ex:a2","prov:informant":"ex:a1""#, vec![(Called, a1, a2)]),
        (
            "wasStartedBy",
            r#""prov:activity":"ex:a2","prov:trigger":"ex:e1","prov:starter":"ex:a1""#,
            vec![(Used, e1, a2), (Called, a1, a2)],
        ),
        (
            "wasEndedBy",
            r#""prov:activity":"ex:a2","prov:trigger":"ex:e1","prov:ender":"ex:a1""#,
            vec![(Influenced, e1, a2), (Influenced, a1, a2)],
        ),
        ("wasInvalidatedBy", r#""prov:entity":"ex:e1","prov:activity":"ex:a1""#, vec![(Revoked, a1, e1)]),
        ("wasDerivedFrom", r#""prov:generatedEntity":"ex:e2","prov:usedEntity":"ex:e1""#, vec![(Derived, e1, e2)]),
        (
            "wasDerivedFrom",
            r#""prov:generatedEntity":"ex:e2","prov:usedEntity":"ex:e1","prov:activity":"ex:a1","prov:usage":"ex:u""#,
            vec![(Derived, e1, e2), (Used, e1, a1), (Generated, a1, e2)],
        ),
    ]
}

/// Relations of agents, and of entities among each other.
fn of_others() -> Vec<Row> {
    use EdgeKind::*;
    let (e1, e2, e3) = (entity("e1"), entity("e2"), entity("e3"));
    let a1 = run("a1");
    let (g1, g2) = (agent("g1"), agent("g2"));
    vec![
        ("wasAttributedTo", r#""prov:entity":"ex:e1","prov:agent":"ex:g1""#, vec![(Performed, g1, e1)]),
        (
            "wasAssociatedWith",
            r#""prov:activity":"ex:a1","prov:agent":"ex:g1","prov:plan":"ex:e1""#,
            vec![(Performed, g1, a1), (PlannedBy, e1, a1)],
        ),
        ("wasAssociatedWith", r#""prov:activity":"ex:a1","prov:plan":"ex:e1""#, vec![(PlannedBy, e1, a1)]),
        ("actedOnBehalfOf", r#""prov:delegate":"ex:g1","prov:responsible":"ex:g2""#, vec![(OnBehalf, g2, g1)]),
        (
            "actedOnBehalfOf",
            r#""prov:delegate":"ex:g1","prov:responsible":"ex:g2","prov:activity":"ex:a1""#,
            vec![(OnBehalf, g2, a1)],
        ),
        ("wasInfluencedBy", r#""prov:influencee":"ex:e2","prov:influencer":"ex:e1""#, vec![(Influenced, e1, e2)]),
        (
            "wasInfluencedBy",
            r#""prov:influencee":"ex:a0","prov:influencer":"ex:g0""#,
            vec![(Influenced, agent("g0"), run("a0"))],
        ),
        (
            "specializationOf",
            r#""prov:specificEntity":"ex:e2","prov:generalEntity":"ex:e1""#,
            vec![(VersionOf, e2, e1)],
        ),
        ("alternateOf", r#""prov:alternate1":"ex:e2","prov:alternate2":"ex:e1""#, vec![(SameAs, e2, e1)]),
        ("hadMember", r#""prov:collection":"ex:e1","prov:entity":"ex:e2""#, vec![(PartOf, e2, e1)]),
        (
            "hadMember",
            r#""prov:collection":"ex:e1","prov:entity":["ex:e2","ex:e3"]"#,
            vec![(PartOf, e2, e1), (PartOf, e3, e1)],
        ),
        (
            "mentionOf",
            r#""prov:specificEntity":"ex:e2","prov:generalEntity":"ex:e1","prov:bundle":"ex:b""#,
            vec![(VersionOf, e2, e1)],
        ),
        ("wasDerivedFrom", r#""prov:generatedEntity":"ex:e1","prov:usedEntity":"ex:e1""#, vec![]),
        ("used", r#""prov:agent":"ex:g1""#, vec![]),
    ]
}

#[test]
fn every_relation_is_these_edges() {
    for (section, attributes, expected) in of_runs().into_iter().chain(of_others()) {
        let declared = r#""activity":{"ex:a0":{}},"agent":{"ex:g0":{}}"#;
        for id in ["_:1", "ex:r"] {
            let graph = folded(&format!(r#"{declared},"{section}":{{"{id}":{{{attributes},"ex:more":[1,"two"]}}}}"#));
            assert_eq!(edges(&graph), expected.iter().copied().collect::<BTreeSet<Said>>(), "{section} {attributes}");
        }
        let bundled = folded(&format!(r#"{declared},"bundle":{{"ex:b":{{"{section}":{{"_:1":{{{attributes}}}}}}}}}"#));
        assert_eq!(
            edges(&bundled),
            expected.iter().copied().collect::<BTreeSet<Said>>(),
            "in a bundle: {section} {attributes}"
        );
    }
}

#[test]
fn what_acts_and_was_made_is_one_thing_seen_twice() {
    let graph = folded(r#""entity":{"ex:x":{}},"agent":{"ex:x":{}}"#);
    assert_eq!(edges(&graph), BTreeSet::from([(EdgeKind::SameAs, entity("x"), agent("x"))]));
}

#[test]
fn causes_are_named_before_effects_whatever_their_order_in_the_document() {
    let graph = folded(
        r#""wasDerivedFrom":{"_:1":{"prov:generatedEntity":"ex:e4","prov:usedEntity":"ex:e3"}},
        "wasGeneratedBy":{"_:1":{"prov:entity":"ex:e3","prov:activity":"ex:a2"},"_:2":{"prov:entity":"ex:e2","prov:activity":"ex:a1"}},
        "used":{"_:1":{"prov:activity":"ex:a2","prov:entity":"ex:e2"},"_:2":{"prov:activity":"ex:a1","prov:entity":"ex:e1"}},
        "wasAssociatedWith":{"_:1":{"prov:activity":"ex:a1","prov:agent":"ex:g"}},"entity":{"ex:e4":{},"ex:e1":{}}"#,
    );
    assert_eq!(edges(&graph).len(), 6);
    for new in &graph.delta.edges {
        assert!(new.edge.from < new.edge.to, "{new:?} came late");
    }
}

#[test]
fn a_circle_is_a_circle() {
    let derived = |id: &str, from: &str, to: &str| {
        format!(r#""{id}":{{"prov:generatedEntity":"ex:{to}","prov:usedEntity":"ex:{from}"}}"#)
    };
    let all = [derived("_:1", "a", "b"), derived("_:2", "b", "c"), derived("_:3", "c", "a")].join(",");
    let graph = folded(&format!(r#""wasDerivedFrom":{{{all}}}"#));
    let expected = [("a", "b"), ("b", "c"), ("c", "a")].map(|(from, to)| (EdgeKind::Derived, entity(from), entity(to)));
    assert_eq!(edges(&graph), BTreeSet::from(expected));
}

#[test]
fn the_key_answers_for_everything_that_the_document_says() {
    let mut log = Statements::new("gateway");
    let key = NodeKey::key(log.key.public().id());
    say(&mut log, &with(r#""used":{"_:1":{"prov:activity":"ex:a1","prov:entity":"ex:e1"}},"activity":{"ex:a2":{}}"#));
    say(&mut log, &with(r#""wasDerivedFrom":{"_:1":{"prov:generatedEntity":"ex:e2","prov:usedEntity":"ex:e1"}}"#));
    say(&mut log, &with(r#""wasGeneratedBy":{"_:1":{"prov:entity":"ex:e3","prov:activity":"ex:a1"}}"#));
    // Said before: it adds nothing, and contaminates nothing.
    say(
        &mut log,
        &with(r#""used":{"_:9":{"prov:activity":"ex:a1","prov:entity":"ex:e1"}}, "entity":{"ex:e1":{"ex:n":1}}"#),
    );
    let graph = log.graph();
    assert_eq!(graph.performed(key, run("a1")), [0, 2]);
    assert_eq!(graph.performed(key, run("a2")), [0]);
    assert_eq!(graph.performed(key, entity("e2")), [1]);
    assert!(graph.performed(key, entity("e1")).is_empty() && graph.performed(key, entity("e3")).is_empty());
    assert!(graph.delta.edges.iter().all(|new| new.edge.index.0 < 3));
}

#[test]
fn of_a_run_that_has_a_gate_no_document_says_more() {
    let mut log = Statements::new("gateway");
    let reported = log.facts(Kind::ExecutionReported).stream(Ref(run("a1").id)).outcome(Outcome::Running);
    log.say(reported);
    say(
        &mut log,
        &with(
            r#""wasGeneratedBy":{"_:1":{"prov:entity":"ex:e1","prov:activity":"ex:a1"}},
            "used":{"_:1":{"prov:activity":"ex:a1","prov:entity":"ex:e2"},"_:2":{"prov:activity":"ex:a2","prov:entity":"ex:e2"}}"#,
        ),
    );
    let graph = log.graph();
    assert_eq!(graph.gate(run("a1")), ["missing"]);
    assert_eq!(edges(&graph), BTreeSet::from([(EdgeKind::Used, entity("e2"), run("a2"))]));
    assert_eq!(graph.performed(NodeKey::key(log.key.public().id()), run("a1")), [0]);
}

#[test]
fn a_large_document_is_many_parts_and_one_graph() {
    let count = 3_000;
    let declared: Vec<String> = (0..count).map(|at| format!(r#""ex:e{at}":{{}}"#)).collect();
    let chain: Vec<String> = (1..count)
        .map(|at| format!(r#""_:{at}":{{"prov:generatedEntity":"ex:e{at}","prov:usedEntity":"ex:e{}"}}"#, at - 1))
        .collect();
    let text = with(&format!(r#""entity":{{{}}},"wasDerivedFrom":{{{}}}"#, declared.join(","), chain.join(",")));
    let mut log = Statements::new("gateway");
    let parts = events(&log, &text);
    assert!(parts.len() > 2, "{} parts", parts.len());
    let ids: BTreeSet<_> = parts.iter().map(|event| event.id.0).collect();
    assert_eq!(ids.len(), parts.len());
    assert_eq!(ids, events(&log, &text).iter().map(|event| event.id.0).collect(), "the same bytes are the same events");
    say(&mut log, &text);
    let graph = log.graph();
    let expected = (1..count).map(|at| (EdgeKind::Derived, entity(&format!("e{}", at - 1)), entity(&format!("e{at}"))));
    assert_eq!(edges(&graph), expected.collect());
    assert!(graph.delta.edges.iter().all(|new| new.edge.from < new.edge.to), "no part makes an edge late");
    // The first part's body names all, also what the others hold.
    let entry = Entry::parse(&log.log[0]).unwrap();
    assert_eq!(names_in(&entry.facts, text.as_bytes(), &REFS).len(), count);
    let later = Entry::parse(&log.log[1]).unwrap();
    assert!(later.facts.commitment.is_none());
    // Whoever goes on in the middle comes to the same.
    let mut again = Graph::default();
    for entry in &log.log {
        again.take(std::slice::from_ref(entry));
        again.reopen();
    }
    assert_eq!(again.delta, graph.delta);
}

#[test]
fn every_name_is_of_a_node_and_every_node_has_one() {
    let text = with(
        r#""entity":{"ex:e\u202e\"<&":{}},"agent":{"ex:p":{"prov:type":{"$":"prov:Person","type":"xsd:QName"}}},
        "wasAssociatedWith":{"_:1":{"prov:activity":"ex:a","prov:agent":"ex:p","prov:plan":"ex:plan"}},
        "bundle":{"ex:b":{"prefix":{"in":"urn:in:"},"entity":{"in:e":{}}}}"#,
    );
    let mut log = Statements::new("gateway");
    say(&mut log, &text);
    let entry = Entry::parse(&log.log[0]).unwrap();
    let names = names_in(&entry.facts, text.as_bytes(), &REFS);
    let graph = log.graph();
    let known: BTreeSet<NodeKey> =
        graph.delta.nodes.iter().map(|new| new.key).filter(|key| key.kind != NodeKind::Key).collect();
    assert_eq!(names.iter().map(|name| name.node).collect::<BTreeSet<_>>(), known);
    let called: BTreeSet<&str> = names.iter().map(|name| name.name.as_str()).collect();
    assert!(called.contains("http://example.org/e\u{202e}\"<&") && called.contains("urn:in:e"), "{called:?}");
}
