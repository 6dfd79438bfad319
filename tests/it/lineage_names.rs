//! The names that bodies say are of nodes that the fold makes of the facts, and no node of data goes without one.

use crate::approvals_server::desk::Desk;
use crate::approvals_server::fold;
use crate::lineage_fold::graph::{Graph, Statements};
use crate::support_memory::{World, block_on};
use deedbook::domain::Caller;
use deedbook::ledger::{Bodies, LineageError, NodeText, StoredBody};
use deedbook::limits::LINEAGE_FOUND_MAX;
use deedbook::lineage::fold::NodeKey;
use deedbook::lineage::{Cut, Halt, NodeId, NodeKind, NodeName, names_in};
use deedbook::record::openlineage;
use deedbook_verify::entry::Entry;
use deedbook_verify::hash::RefKey;
use deedbook_verify::words::Index;
use std::collections::BTreeSet;

const REFS: RefKey = RefKey([3; 32]);

/// Folds OpenLineage events, and takes the names out of their bodies.
fn folded(events: &[String]) -> (Graph, Vec<NodeName>) {
    let mut log = Statements::new("gateway");
    let mut names = Vec::new();
    for event in events {
        log.say(openlineage::parse(event.as_bytes(), &REFS, &[2; 32]).unwrap().builder);
        let entry = Entry::parse(log.log.last().unwrap()).unwrap();
        names.extend(names_in(&entry.facts, event.as_bytes(), &REFS));
    }
    (log.graph(), names)
}

fn shown(names: &[NodeName], kind: NodeKind) -> BTreeSet<String> {
    let of_kind = names.iter().filter(|name| name.node.kind == kind);
    let text = |name: &NodeName| format!("{}|{}|{}", name.namespace, name.name, name.version.as_deref().unwrap_or("-"));
    of_kind.map(text).collect()
}

#[test]
fn every_named_thing_of_an_event_is_a_node_and_the_reverse() {
    let run = "43d7db3b-8984-4cda-b237-8c6919b3667";
    let (graph, names) = folded(&[
        format!(
            r#"{{"eventTime":"2026-01-05T03:00:00Z","run":{{"runId":"{run}0","facets":{{"parent":{{"run":{{"runId":"{run}1"}}}}}}}},
            "job":{{"namespace":"n","name":"j\u202e"}},"inputs":[{{"namespace":"s3://b","name":"Key.é","facets":{{"version":{{"datasetVersion":"7"}},
            "symlinks":{{"identifiers":[{{"namespace":"hive","name":"orders"}}]}}}}}}],"outputs":[{{"namespace":"n","name":"out"}}]}}"#
        ),
        r#"{"eventTime":"2026-01-05T03:00:00Z","dataset":{"namespace":"n","name":"d","facets":{"version":{"datasetVersion":"1"}}}}"#.to_owned(),
        r#"{"eventTime":"2026-01-05T03:00:00Z","job":{"namespace":"n","name":"declared"}}"#.to_owned(),
    ]);
    let known: BTreeSet<NodeKey> = graph.delta.nodes.iter().map(|new| new.key).collect();
    assert!(names.iter().all(|name| known.contains(&name.node)));
    let named: BTreeSet<NodeKey> = names.iter().map(|name| name.node).collect();
    let nameless: Vec<NodeKind> = known.difference(&named).map(|key| key.kind).collect();
    // The version that was written without a name, the key, and the run that nobody numbered.
    assert_eq!(nameless, [NodeKind::DatasetVersion, NodeKind::Key, NodeKind::Run]);
    let of = |kind| shown(&names, kind).into_iter().collect::<Vec<_>>();
    assert_eq!(of(NodeKind::Dataset), ["hive|orders|-", "n|d|-", "n|out|-", "s3://b|Key.é|-"]);
    assert_eq!(of(NodeKind::DatasetVersion), ["n|d|1", "s3://b|Key.é|7"]);
    assert_eq!(of(NodeKind::Job), ["n|declared|-", "n|j\u{202e}|-"]);
    assert_eq!(of(NodeKind::Run), [format!("|{run}0|-"), format!("|{run}1|-")]);
}

#[test]
fn bindings_name_the_action_its_people_and_its_sources() {
    let desk = Desk::set();
    let (cast, agent) = (&desk.cast, desk.cast.agent("a1"));
    let id = desk.submit(&agent, &cast.wish(&agent, "data.export", &[&cast.person("alice")]));
    let (glass, frame) = cast.glass(&cast.person("bob"), &cast.wish(&cast.person("bob"), "data.export", &[]), None);
    desk.done(frame);
    let log = fold::entries(desk.world.store.as_ref());
    let known: BTreeSet<NodeKey> = Graph::of(&log).delta.nodes.iter().map(|new| new.key).collect();
    let mut names = Vec::new();
    for (bytes, index) in log.iter().zip(0u64..) {
        let stored = desk.ledger.reader().event(Index(index), Bodies::With).unwrap();
        let StoredBody::Opened { body, .. } = stored.body else { continue };
        names.extend(names_in(&Entry::parse(bytes).unwrap().facts, &body, &cast.refs));
    }
    assert!(names.iter().all(|name| known.contains(&name.node)));
    let of = |kind| shown(&names, kind).into_iter().collect::<Vec<_>>();
    assert_eq!(of(NodeKind::Person), ["|alice|-", "|bob|-", "|carol|-"]);
    assert_eq!(of(NodeKind::Agent), ["|a1|-"]);
    assert_eq!(
        (of(NodeKind::Dataset), of(NodeKind::DatasetVersion)),
        (vec!["|customers|-".to_owned()], vec!["|customers|v42".to_owned()])
    );
    assert_eq!(of(NodeKind::Action), ["data.export|dataset:customers|-"]);
    let actions: BTreeSet<NodeKey> =
        names.iter().map(|name| name.node).filter(|node| node.kind == NodeKind::Action).collect();
    assert_eq!(actions, [NodeKey::action(id), NodeKey::action(glass)].into());
}

/// Whoever has no time left hears so, and of the names that were looked at no more than one answer holds.
#[test]
fn looking_for_a_name_ends_in_time() {
    let world = World::new(21);
    let ledger = world.open();
    let event = |name: &str| {
        let said = format!(r#"{{"eventTime":"2026-01-05T03:00:00Z","dataset":{{"namespace":"n","name":"{name}"}}}}"#);
        ledger.read_openlineage(said.as_bytes(), Caller::Anonymous).unwrap()
    };
    let many = LINEAGE_FOUND_MAX + 30;
    let names: Vec<String> = (0..many).map(|at| format!("Table {at:04}")).collect();
    block_on(ledger.import(names.iter().map(|name| event(name)).collect())).unwrap();
    let (reader, never, over) = (ledger.reader(), || None, || Some(Halt::Deadline));
    reader.lineage(None, &never).unwrap();
    let ids: Vec<NodeId> = names
        .iter()
        .map(|name| NodeText { kind: NodeKind::Dataset, name: name.clone() })
        .map(|text| reader.node_of(&text, &never).unwrap())
        .collect();
    let first = reader.search_nodes(None, "tABLE", &never);
    assert_eq!((first.value.as_slice(), first.cut), (&ids[..LINEAGE_FOUND_MAX], Some(Cut::Answer)));
    let some = reader.search_nodes(Some(NodeKind::Dataset), "table 001", &never);
    assert_eq!((some.value.as_slice(), some.cut), (&ids[10..20], None));
    assert_eq!(reader.search_nodes(Some(NodeKind::Job), "table", &never).value, []);
    let halted = reader.search_nodes(None, "table", &over);
    assert_eq!((halted.value.as_slice(), halted.cut), (&[][..], Some(Cut::Deadline)));
    // By a part of its name, and with no time: the key of the whole name would have been found without looking.
    let part = NodeText { kind: NodeKind::Dataset, name: names[7].clone() };
    let error = reader.node_of(&part, &over).unwrap_err();
    assert!(matches!(error, LineageError::Halted { halt: Halt::Deadline, .. }), "{error:?}");
    let whole = NodeText { kind: NodeKind::Dataset, name: format!("{{n}}{}", names[7]) };
    assert_eq!(reader.node_of(&whole, &over).unwrap(), ids[7]);
    ledger.close();
}
