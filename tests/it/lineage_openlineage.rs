//! What the bodies of OpenLineage events say beyond facts: counts as a consumer must count them, columns in both parts of
//! their facet, and what is odd, which is kept and noted.

use crate::lineage_fold::graph::{Graph, Statements};
use crate::support::not_run;
use deedbook::lineage::NodeKind;
use deedbook::lineage::openlineage::{ColumnEdge, Counts, Event, Name, Notes, Tally};
use deedbook::record::openlineage;
use deedbook_verify::hash::RefKey;
use std::path::{Path, PathBuf};

/// The events of others that lie beside a checkout, where there are any.
fn fixtures() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.join("shared/fixtures/openlineage");
    root.is_dir().then_some(root)
}

fn counts(runs: u64, jobs: u64, datasets: u64, dataset_edges: u64, column_edges: u64) -> Counts {
    Counts { runs, jobs, datasets, dataset_edges, column_edges }
}

fn read(text: &str) -> Event {
    Event::read(text.as_bytes()).unwrap()
}

fn name(namespace: &str, name: &str) -> Name {
    Name { namespace: namespace.to_owned(), name: name.to_owned() }
}

/// Every file of a folder, each one event.
fn events_in(folder: &Path) -> Vec<Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|end| end == "json"))
        .map(|file| std::fs::read(file).unwrap())
        .collect()
}

#[test]
fn the_events_of_others_are_counted_as_their_readme_counts_them() {
    let Some(root) = fixtures() else {
        return not_run("OpenLineage events of others", "they are not beside the checkout");
    };
    let lines = std::fs::read(root.join("marquez/food_delivery.jsonl")).unwrap();
    let food: Vec<Vec<u8>> =
        lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect();
    let scenario = |name: &str| events_in(&root.join("compatibility-tests").join(name));
    let rows = [
        (food, 26, counts(13, 13, 13, 27, 39)),
        (scenario("CLL"), 9, counts(4, 4, 3, 5, 10)),
        (scenario("spark_dataproc_bigquery_shakespare"), 12, counts(3, 3, 2, 3, 4)),
        (scenario("spark_dataproc_simple_producer_test_complete"), 16, counts(7, 6, 2, 7, 2)),
    ];
    for (events, count, expected) in rows {
        assert_eq!(events.len(), count);
        let mut tally = Tally::default();
        for event in events.iter().chain(&events) {
            let event = Event::read(event).unwrap();
            assert!(!event.notes.has(Notes::ODD_FACET) && !event.notes.has(Notes::CUT));
            tally.add(&event);
        }
        assert_eq!(tally.counts(), expected);
        let graph = folded(&events);
        let count = |kind| graph.nodes(kind).len() as u64;
        // A parent run that says nothing itself is a node too; here none is.
        let nodes = [NodeKind::Run, NodeKind::Job, NodeKind::Dataset].map(count);
        assert_eq!(nodes, [expected.runs, expected.jobs, expected.datasets]);
    }
}

/// The graph of events as a gateway would append them.
fn folded(events: &[Vec<u8>]) -> Graph {
    let mut log = Statements::new("gateway");
    for event in events {
        log.say(openlineage::parse(event, &RefKey([3; 32]), &[2; 32]).unwrap().builder);
    }
    let graph = log.graph();
    graph.edges();
    graph
}

#[test]
fn every_event_of_others_becomes_facts_but_the_one_that_must_not() {
    let Some(root) = fixtures() else {
        return not_run("OpenLineage events of others", "they are not beside the checkout");
    };
    let odd = events_in(&root.join("marquez"));
    assert!(odd.len() >= 9, "{}", odd.len());
    folded(&odd);
    let refused = events_in(&root.join("compatibility-tests/simple_run_event"));
    let error = openlineage::parse(&refused[0], &RefKey([3; 32]), &[2; 32]).err().unwrap();
    assert_eq!(error.field, "run.runId");
}

#[test]
fn odd_events_of_others_are_noted() {
    let Some(root) = fixtures() else {
        return not_run("OpenLineage events of others", "they are not beside the checkout");
    };
    let notes = |file: &str| {
        let event = Event::read(&std::fs::read(root.join("marquez").join(file)).unwrap()).unwrap();
        event.notes.names().collect::<Vec<_>>()
    };
    assert_eq!(notes("event_required_no_timezone.json"), ["no_zone"]);
    assert_eq!(notes("event_without_schema_url.json"), ["no_schema"]);
    assert!(notes("event_required_nanoseconds.json").is_empty(), "its time has microseconds, whatever its name says");
    for file in ["event_simple.json", "event_unicode.json", "event_required_only.json"] {
        assert!(!notes(file).contains(&"odd_facet"), "{file}");
    }
}

#[test]
fn our_own_events_are_counted() {
    let event = |run: &str, kind: &str| {
        format!(
            r#"{{"eventType":"{kind}","eventTime":"2026-01-05T03:00:00Z","schemaURL":"s","run":{{"runId":"{run}"}},
            "job":{{"namespace":"n","name":"j"}},"inputs":[{{"namespace":"n","name":"a"}},{{"namespace":"n","name":"a"}}],
            "outputs":[{{"namespace":"n","name":"a"}},{{"namespace":"n","name":"b","facets":{{"columnLineage":{{"fields":{{
            "x":{{"inputFields":[{{"namespace":"n","name":"a","field":"y"}},{{"namespace":"m","name":"c","field":"y"}}]}}}},
            "dataset":[{{"namespace":"n","name":"a","field":"z"}}]}}}}}}]}}"#
        )
    };
    let mut tally = Tally::default();
    ["r1", "r2", "r1"].into_iter().for_each(|run| tally.add(&read(&event(run, "COMPLETE"))));
    assert_eq!(tally.counts(), counts(2, 1, 2, 3, 2), "what is only a column's source is no dataset");
    tally.add(&read(r#"{"eventTime":"2026-01-05T03:00:00Z","schemaURL":"s","dataset":{"namespace":"n","name":"d"}}"#));
    assert_eq!(tally.counts(), counts(2, 1, 2, 3, 2), "nor is one that an event is about");
    let edges = read(&event("r1", "START")).columns;
    let edge = |column: Option<&str>, from: Name, from_column: &str| ColumnEdge {
        dataset: 3,
        column: column.map(str::to_owned),
        from,
        from_column: from_column.to_owned(),
    };
    let expected =
        [edge(Some("x"), name("n", "a"), "y"), edge(Some("x"), name("m", "c"), "y"), edge(None, name("n", "a"), "z")];
    assert_eq!(edges, expected);
}

#[test]
fn names_versions_and_aliases_stand_there_verbatim() {
    let event = read(
        r#"{"eventTime":"2026-01-05T03:00:00Z","schemaURL":"s","run":{"runId":"R","facets":{"parent":{"run":{"runId":"no uuid"}}}},
        "job":{"namespace":" n ","name":"\u202ejob\n"},
        "inputs":[{"namespace":"N","name":"A.b.C","facets":{"version":{"datasetVersion":"7"},
          "symlinks":{"identifiers":[{"namespace":"hive","name":"a","type":"TABLE"}]}}}],
        "outputs":[{"namespace":"N","name":"é","facets":{"version":{"_deleted":true,"datasetVersion":"8"}}}]}"#,
    );
    assert_eq!((event.run.as_deref(), event.parent.as_deref()), (Some("R"), Some("no uuid")));
    assert_eq!(event.job, Some(name(" n ", "\u{202e}job\n")));
    assert_eq!(
        (event.inputs.as_slice(), event.outputs.as_slice()),
        ([name("N", "A.b.C")].as_slice(), [name("N", "é")].as_slice())
    );
    assert_eq!(
        (event.versions.as_slice(), event.aliases.as_slice()),
        ([(0, "7".to_owned())].as_slice(), [(0, name("hive", "a"))].as_slice())
    );
    assert_eq!(event.notes, Notes::default());
}

#[test]
fn what_is_odd_is_kept_and_noted() {
    let rows = [
        (r#"{"eventTime":"2026-01-05T03:00:00"}"#, vec!["no_zone", "no_schema"]),
        (r#"{"eventTime":"2026-01-05T03:00:00.123456789-07:00","schemaURL":"s"}"#, vec!["nanoseconds"]),
        (r#"{"eventTime":"2026-01-05T03:00:00Z","schemaURL":null}"#, vec!["no_schema"]),
        (
            r#"{"eventTime":"2026-01-05T03:00:00Z","schemaURL":"s","outputs":[{"namespace":"n","name":"d","facets":{"columnLineage":7}}]}"#,
            vec![],
        ),
        (
            r#"{"eventTime":"2026-01-05T03:00:00Z","schemaURL":"s","outputs":[{"namespace":"n","name":"d","facets":{"columnLineage":{"fields":[]}}}]}"#,
            vec!["odd_facet"],
        ),
        (
            r#"{"eventTime":"2026-01-05T03:00:00Z","schemaURL":"s","outputs":[{"namespace":"n","name":"d","facets":{"columnLineage":{"fields":{"x":{}}}}}]}"#,
            vec!["odd_facet"],
        ),
        (
            r#"{"eventTime":"2026-01-05T03:00:00Z","schemaURL":"s","inputs":[{"namespace":"n","name":"d","facets":{"version":{},"symlinks":{}}},7,{}]}"#,
            vec!["odd_facet"],
        ),
    ];
    for (text, notes) in rows {
        assert_eq!(read(text).notes.names().collect::<Vec<_>>(), notes, "{text}");
    }
    for text in ["", "[]", "7", "{"] {
        assert_eq!(Event::read(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn no_event_is_too_deep_or_too_long() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let event = read(&format!(
        r#"{{"eventTime":"2026-01-05T03:00:00Z","schemaURL":"s","run":{{"runId":"r","facets":{{"deep":{deep}}}}}}}"#
    ));
    assert_eq!((event.run.as_deref(), event.notes), (Some("r"), Notes::default()));
    let many = |count: usize, one: &str| vec![one; count].join(",");
    let inputs = many(1_100, r#"{"namespace":"n","name":"d"}"#);
    let event = read(&format!(r#"{{"eventTime":"2026-01-05T03:00:00Z","schemaURL":"s","inputs":[{inputs}]}}"#));
    assert_eq!((event.inputs.len(), event.notes), (1_024, Notes::CUT));
    let fields = many(20_000, r#"{"namespace":"n","name":"d","field":"f"}"#);
    let event = read(&format!(
        r#"{{"eventTime":"2026-01-05T03:00:00Z","schemaURL":"s","outputs":[{{"namespace":"n","name":"o","facets":{{"columnLineage":{{"fields":{{"x":{{"inputFields":[{fields}]}}}}}}}}}}]}}"#
    ));
    assert_eq!((event.columns.len(), event.notes), (16_384, Notes::CUT));
}
