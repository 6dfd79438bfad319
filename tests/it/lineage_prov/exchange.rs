//! PROV-JSON through a ledger and a second one, by the program alone.

use super::graph::{EX, with};
use crate::support::audit;
use crate::support::process::Serving;
use crate::support::stage::{Stage, text};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A document with every section, with bundles, and with names that want to be more than names.
fn everything() -> String {
    with(
        r#"
  "entity": {"ex:e1": {"prov:type": [{"$": "1", "type": "xsd:int"}, {"$": "un lieu", "lang": "fr"}, 2.50, true]},
             "ex:\"];}<script>\u202e": {"prov:label": "\\N\"]; node [label=x"}},
  "activity": {"ex:a1": {"prov:startTime": "2026-01-05T03:00:00.123456789+01:00"}},
  "agent": {"ex:p": {"prov:type": {"$": "prov:Person", "type": "xsd:QName"}}},
  "used": {"_:u": {"prov:activity": "ex:a1", "prov:entity": "ex:e1"}},
  "wasGeneratedBy": {"ex:g": [{"prov:entity": "ex:e2", "prov:activity": "ex:a1"}, {"prov:entity": "ex:e2"}]},
  "wasAssociatedWith": {"_:w": {"prov:activity": "ex:a1", "prov:agent": "ex:p"}},
  "wasDerivedFrom": {"_:d": {"prov:generatedEntity": "ex:\"];}<script>\u202e", "prov:usedEntity": "ex:e2"}},
  "bundle": {"ex:b": {"prefix": {"doc": "urn:doc:"}, "entity": {"doc:e": {}, "ex:e2": {}},
                      "alternateOf": {"_:1": {"prov:alternate1": "doc:e", "prov:alternate2": "ex:e2"}}}}"#,
    )
}

fn import(stage: &Stage, server: &Serving, file: &Path) -> Vec<Value> {
    stage.done(stage.run(server, "adm", &["lineage", "import", "--format", "prov"]).arg(file))
}

fn export(stage: &Stage, server: &Serving, format: &str, out: &str, more: &[&str]) -> Value {
    stage.says(server, "bob", &[&["lineage", "export", "--format", format, "--out", out], more].concat())
}

fn read(stage: &Stage, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(stage.path(name)).unwrap()).unwrap()
}

fn write(stage: &Stage, name: &str, text: &str) -> PathBuf {
    std::fs::write(stage.path(name), text).unwrap();
    stage.path(name)
}

/// The imported documents of an export: bundles that are no part of the graph.
fn imported(file: &Value) -> Vec<Value> {
    let bundles = file["bundle"].as_object().unwrap().iter();
    bundles.filter(|(name, _)| !name.starts_with("graph:")).map(|(_, bundle)| bundle.clone()).collect()
}

/// What a program tells of nodes and edges, without the tree that it rests on.
fn trace(stage: &Stage, server: &Serving, node: &str, way: &str) -> Vec<String> {
    let found = stage.says(server, "bob", &["lineage", "trace", node, way]);
    let nodes = found["nodes"].as_array().unwrap();
    let mut kinds: Vec<String> = nodes.iter().map(|node| node["kind"].as_str().unwrap().to_owned()).collect();
    kinds.sort();
    kinds
}

#[test]
fn a_document_comes_back_and_from_a_second_ledger_too() {
    let (stage, server) = Stage::set();
    let (one, plain) = (write(&stage, "one.json", &everything()), with(r#""entity":{"ex:plain":{}}"#));
    let two = write(&stage, "two.json", &plain);
    let placed = import(&stage, &server, &one);
    assert_eq!(placed.len(), 1);
    import(&stage, &server, &two);
    assert_eq!(import(&stage, &server, &one)[0]["state"], "known", "one document is one import");
    let said = export(&stage, &server, "prov", "whole.json", &[]);
    assert_eq!((&said["documents"], &said["erased"], &said["unreadable"]), (&json!(2), &json!(0), &json!(0)));
    let whole = read(&stage, "whole.json");
    let held: Value = serde_json::from_str(&everything()).unwrap();
    let index = placed[0]["index"].as_str().map_or_else(|| placed[0]["index"].to_string(), str::to_owned);
    let mut own = held.clone();
    let inner = own.as_object_mut().unwrap().remove("bundle").unwrap()["ex:b"].clone();
    assert_eq!(whole["bundle"][format!("doc:{index}")], own);
    // The bundle binds `doc` itself, so its name has another prefix; and it sees `ex` from outside.
    let lifted = &whole["bundle"][format!("doc_1:{index}.1")];
    assert_eq!((&lifted["entity"], &lifted["alternateOf"]), (&inner["entity"], &inner["alternateOf"]));
    assert_eq!(lifted["prefix"], json!({"doc": "urn:doc:", "ex": EX}));
    // Alone it is the bytes that came.
    export(&stage, &server, "prov", "alone.json", &["--document", &index]);
    assert_eq!(std::fs::read_to_string(stage.path("alone.json")).unwrap(), everything());
    let of_nothing = ["lineage", "export", "--format", "prov", "--out", "no.json", "--document", "0"];
    let refused = stage.run(&server, "bob", &of_nothing).output().unwrap();
    assert!(text(&refused).contains("holds no document"), "{}", text(&refused));
    // The verifier takes the event like any other.
    stage.done(&mut stage.run(&server, "bob", &["receipt", &index, "--out", "event.receipt"]));
    let key = stage.dir.root().join("ledger.vkey");
    let verified = stage.done(stage.command().arg("verify").arg("--vkey").arg(key).arg("event.receipt"));
    assert_eq!((&verified[0]["valid"], &verified[0]["kind"]), (&json!(true), &json!("prov.received")));
    // A second ledger takes the file, each document for itself; what goes out there is the same.
    let (other, elsewhere) = Stage::set();
    import(&other, &elsewhere, &stage.path("whole.json"));
    export(&other, &elsewhere, "prov", "again.json", &[]);
    let again = imported(&read(&other, "again.json"));
    imported(&whole).iter().for_each(|document| assert!(again.contains(document), "{document}"));
    let node = format!("artifact:{EX}e1");
    assert_eq!(trace(&other, &elsewhere, &node, "--down"), trace(&stage, &server, &node, "--down"));
    // As of before the second document, it is not there; the graph's own part is the same whoever asks.
    let size = (index.parse::<u64>().unwrap() + 1).to_string();
    let then = export(&stage, &server, "prov", "then.json", &["--as-of", &size]);
    assert_eq!((&then["documents"], &then["as_of"]["size"]), (&json!(1), &json!(size.parse::<u64>().unwrap())));
    assert_eq!(read(&stage, "then.json")["bundle"]["graph:1"], whole["bundle"]["graph:1"]);
    drop((server, elsewhere));
    for folder in [&stage, &other] {
        let report = audit(folder.dir.root());
        assert!(report.is_clean(), "{:#?}", report.findings);
    }
}

#[test]
fn the_rest_of_the_log_is_told_once_each_node_and_edge() {
    let (stage, server) = Stage::set();
    let id = stage.submit(&server);
    stage.says(&server, "bob", &["approve", &id, "--yes", "--reason", "ticket 7"]);
    stage.says(&server, "agent", &["action", "redeem", &id, "export.json"]);
    let report = ["action", "report", &id, "--status", "succeeded", "--output", "dataset:{s3://p}\"x\u{202e}"];
    stage.says(&server, "agent", &report);
    import(&stage, &server, &write(&stage, "one.json", &with(r#""entity":{"ex:report":{}}"#)));
    // Something of the document is used beside it: then it is told once more, for that.
    let line = format!(
        r#"{{"kind":"data.accessed","occurred":"2026-01-05T03:00:00Z","facts":{{"artifacts":[{{"role":"input","name":"{EX}report"}}]}}}}"#
    );
    let before = stage.says(&server, "bob", &["lineage", "stats"]);
    stage.done(stage.run(&server, "adm", &["append"]).arg(write(&stage, "line.jsonl", &line)));
    let said = export(&stage, &server, "prov", "out.json", &[]);
    let stats = stage.says(&server, "bob", &["lineage", "stats"]);
    assert_eq!(before["nodes"]["artifact"], stats["nodes"]["artifact"], "the same artifact");
    let total =
        |what: &str| stats[what].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum::<u64>();
    assert_eq!((&said["nodes"], &said["edges"]), (&json!(total("nodes")), &json!(total("edges"))));
    let file = read(&stage, "out.json");
    let graph = file["bundle"]["graph:1"].as_object().unwrap();
    let elements = ["entity", "activity", "agent"].map(|section| graph[section].as_object().unwrap());
    let named = |id: &Value| elements.iter().any(|section| section.contains_key(id.as_str().unwrap()));
    let mut kinds = std::collections::BTreeMap::<String, u64>::new();
    let relations =
        graph.iter().filter(|(name, _)| !["prefix", "entity", "activity", "agent"].contains(&name.as_str()));
    for record in relations.flat_map(|(_, records)| records.as_object().unwrap().values()) {
        *kinds.entry(record["lin:edge"].as_str().unwrap().to_owned()).or_default() += 1;
        let ends = record.as_object().unwrap().iter().filter(|(name, _)| name.starts_with("prov:"));
        ends.for_each(|(_, end)| assert!(named(end), "{record}"));
    }
    assert_eq!(json!(kinds), stats["edges"]);
    for (kind, count) in stats["nodes"].as_object().unwrap() {
        let keys = elements.iter().flat_map(|section| section.keys());
        let of_kind = keys.filter(|id| id.split_once(':').unwrap().0 == kind).count();
        assert_eq!(json!(of_kind), *count, "{kind}");
    }
    let run = elements[1].values().find(|run| run.get("lin:gate").is_some()).unwrap();
    assert_eq!(run["lin:gate"], "approved_human");
    let dataset = elements[0].values().find(|found| found["lin:namespace"] == "s3://p").unwrap();
    assert_eq!(dataset["lin:name"], "\"x\u{202e}");
    assert!(dataset["lin:urn"].as_str().unwrap().ends_with(":s3%3A%2F%2Fp:%22x%E2%80%AE"), "{dataset}");
}

#[test]
fn documents_stand_in_the_rows_of_the_graph() {
    let (stage, server) = Stage::set();
    let links: Vec<String> = (1..1_500)
        .map(|at| format!(r#""_:{at}":{{"prov:generatedEntity":"ex:e{at}","prov:usedEntity":"ex:e{}"}}"#, at / 2))
        .collect();
    import(
        &stage,
        &server,
        &write(&stage, "large.json", &with(&format!(r#""wasDerivedFrom":{{{}}}"#, links.join(",")))),
    );
    let lines: Vec<String> = (0..520)
        .map(|at| format!(r#"{{"kind":"data.accessed","stream":"a/{at}","occurred":"2026-01-05T03:00:00Z"}}"#))
        .collect();
    let placed =
        stage.done(stage.run(&server, "adm", &["append"]).arg(write(&stage, "lines.jsonl", &lines.join("\n"))));
    assert_eq!(placed.len(), 520, "more than two blocks of entries");
    let told = |server: &Serving| {
        let stats = stage.says(server, "bob", &["lineage", "stats"]);
        (stats, trace(&stage, server, &format!("artifact:{EX}e1400"), "--up"))
    };
    let before = told(&server);
    assert_eq!(before.0["edges"]["derived"], json!(1_499));
    drop(server);
    let report = audit(stage.dir.root());
    assert!(report.is_clean(), "{:#?}", report.findings);
    assert_eq!(told(&Serving::start(&stage.dir)), before, "read from rows it is the same");
}

#[test]
fn an_erased_document_leaves_its_edges_and_no_name() {
    let (stage, server) = Stage::set();
    let placed = import(&stage, &server, &write(&stage, "one.json", &everything()));
    let index = placed[0]["index"].to_string().replace('"', "");
    let called = |letters: &str| {
        let found = stage.says(&server, "bob", &["lineage", "search", letters]);
        found["nodes"].as_array().unwrap().len()
    };
    let stats = || stage.says(&server, "bob", &["lineage", "stats"]);
    let (before, named) = (stats(), called(EX));
    assert_eq!(named, 5, "two entities that were declared, one that was not, an activity, a person");
    assert_eq!(called("urn:doc:"), 1);
    stage.says(&server, "adm", &["erase", &index, "--yes", "--reason", "asked for"]);
    assert_eq!((called(EX), called("urn:doc:")), (0, 0));
    for kind in ["derived", "used", "generated", "same_as"] {
        assert_eq!(stats()["edges"][kind], before["edges"][kind], "{kind}");
    }
    let said = export(&stage, &server, "prov", "out.json", &[]);
    assert_eq!((&said["documents"], &said["erased"]), (&json!(0), &json!(1)));
    let file = std::fs::read_to_string(stage.path("out.json")).unwrap();
    assert!(!file.contains("example.org") && !file.contains("script") && !file.contains("urn:doc:"), "{file}");
    let graph = &read(&stage, "out.json")["bundle"]["graph:1"];
    // Facts are all there is, and they say it.
    for section in ["wasDerivedFrom", "used", "wasGeneratedBy", "alternateOf", "wasAssociatedWith"] {
        let records = graph[section].as_object().unwrap_or_else(|| panic!("{section}: {graph}"));
        assert!(records.values().any(|record| record["lin:pos"]["$"] == index.as_str()), "{section}");
    }
    let alone = ["lineage", "export", "--format", "prov", "--out", "alone.json", "--document", &index];
    assert!(text(&stage.run(&server, "bob", &alone).output().unwrap()).contains("erased"));
    drop(server);
    let report = audit(stage.dir.root());
    assert!(report.is_clean(), "{:#?}", report.findings);
}

#[test]
fn whoever_a_document_names_can_have_it_erased() {
    let (stage, server) = Stage::set();
    let entities: Vec<String> = (0..1_200).map(|at| format!(r#""ex:e{at}":{{}}"#)).collect();
    let person = r#""agent":{"ex:p":{"prov:type":{"$":"prov:Person","type":"xsd:QName"}}}"#;
    let large = with(&format!(r#""entity":{{{}}},{person}"#, entities.join(",")));
    let parts = import(&stage, &server, &write(&stage, "large.json", &large));
    assert_eq!(parts.len(), 2, "the person is in the second part, the body in the first");
    import(&stage, &server, &write(&stage, "small.json", &with(person)));
    import(&stage, &server, &write(&stage, "other.json", &with(r#""entity":{"ex:p":{}}"#)));
    let words = ["erase", "--actor", &format!("person/{EX}p"), "--yes", "--reason", "asked for"];
    let erased = stage.says(&server, "adm", &words);
    assert_eq!(erased["erased"], json!(2), "{erased}");
    let said = export(&stage, &server, "prov", "out.json", &[]);
    assert_eq!((&said["documents"], &said["erased"]), (&json!(1), &json!(2)));
}

#[test]
fn what_is_no_document_is_refused_before_anything_is_sent() {
    let (stage, server) = Stage::set();
    let size = |stage: &Stage| stage.says(&server, "bob", &["lineage", "stats"])["as_of"]["size"].clone();
    let before = size(&stage);
    let long = with(&format!(r#""entity":{{"ex:e":{{"ex:a":"{}"}}}}"#, "v".repeat(1024 * 1024)));
    let rows = [(r#"{"entity":{"ex:e":{}}}"#, "entity.ex:e"), ("[]", "not one JSON object"), (&long, "1017856")];
    for (document, says) in rows {
        let file = write(&stage, "bad.json", document);
        let refused =
            stage.run(&server, "adm", &["lineage", "import", "--format", "prov"]).arg(&file).output().unwrap();
        assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
        assert!(text(&refused).contains(says), "{}", text(&refused));
    }
    assert_eq!(size(&stage), before);
    let odd = ["lineage", "export", "--format", "dot", "--out", "x.dot", "--document", "0"];
    assert_eq!(stage.run(&server, "bob", &odd).output().unwrap().status.code(), Some(2));
}

#[test]
fn a_body_that_is_no_document_spoils_no_file() {
    let (stage, server) = Stage::set();
    let line = r#"{"kind":"prov.received","occurred":"2026-01-05T03:00:00Z","facts":{"artifacts":[{"role":"output","name":"report"}]},"body":{"entity":{"no:e":{}}}}"#;
    let lines = write(&stage, "lines.jsonl", line);
    stage.done(stage.run(&server, "adm", &["append"]).arg(lines));
    import(&stage, &server, &write(&stage, "one.json", &everything()));
    let said = export(&stage, &server, "prov", "out.json", &[]);
    assert_eq!(said["documents"], json!(1), "a statement about a run is no document: {said}");
    let graph = read(&stage, "out.json")["bundle"]["graph:1"].clone();
    assert_eq!(graph["wasGeneratedBy"].as_object().unwrap().len(), 1, "it is a run that made something");
}

#[test]
fn the_whole_graph_is_a_file_of_dot_in_which_names_are_only_names() {
    let (stage, server) = Stage::set();
    import(&stage, &server, &write(&stage, "one.json", &everything()));
    let said = export(&stage, &server, "dot", "whole.dot", &[]);
    let stats = stage.says(&server, "bob", &["lineage", "stats"]);
    let total =
        |what: &str| stats[what].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum::<u64>();
    assert_eq!((&said["nodes"], &said["edges"]), (&json!(total("nodes")), &json!(total("edges"))));
    assert_eq!(said["as_of"], stats["as_of"]);
    let dot = std::fs::read_to_string(stage.path("whole.dot")).unwrap();
    let lines = |mark: &str| dot.lines().filter(|line| line.contains(mark)).count() as u64;
    assert_eq!((lines(" -> "), lines(", shape=")), (total("edges"), total("nodes")));
    assert!(dot.starts_with("digraph lineage {\n") && dot.ends_with("\n}\n"));
    assert!(dot.contains(r#"\"];}<script>\\u{202e}"#), "{dot}");
    assert!(!dot.contains('\u{202e}'));
    for line in dot.lines() {
        let quotes = line.replace("\\\\", "").replace("\\\"", "").matches('"').count();
        assert!(quotes.is_multiple_of(2), "{line}");
    }
    let first = export(&stage, &server, "dot", "then.dot", &["--as-of", "1"]);
    assert!(first["nodes"].as_u64().unwrap() < total("nodes"));
}
