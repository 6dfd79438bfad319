//! Lineage in the formats of others, by the program alone: what goes out, comes in elsewhere and goes out again is the same
//! bytes; what cannot go out is said.

use crate::support::process::Serving;
use crate::support::stage::{Stage, text};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Events of a run and its job, one over several lines, with odd spacing, numbers, escapes and times.
const EVENTS: &str = concat!(
    r#"{"eventType":"START","eventTime":"2026-01-05T03:00:00.123456789Z","producer":"https://example.org/jobs","schemaURL":"s","run":{"runId":"00000000-0000-4000-8000-000000000001"},"job":{"namespace":"shop","name":"dAily \u00e9é"},"inputs":[{"namespace":"shop","name":"orders","facets":{"x":{"n":1.0,"m":1e2}}}]}"#,
    "\n{\n  \"eventType\" : \"COMPLETE\",\r\n  \"eventTime\": \"2026-01-05T03:00:01\",\n\n  \"run\": {\"runId\":\"00000000-0000-4000-8000-000000000001\"},\n  \"job\": {\"namespace\":\"shop\",\"name\":\"x}{\"}\n}\n",
    r#"  {"eventTime":"2026-01-05T03:00:02+01:00","job":{"namespace":"shop","name":"daily"}} "#,
    "\n",
    r#"{"eventTime":"2026-01-05T03:00:03Z","dataset":{"namespace":"shop","name":"orders"}}"#,
    "\n",
);

/// What the program says of an export.
fn export(stage: &Stage, server: &Serving, out: &str, more: &[&str]) -> Value {
    stage.says(server, "bob", &[&["lineage", "export", "--format", "openlineage", "--out", out], more].concat())
}

fn import(stage: &Stage, server: &Serving, file: &Path) -> Vec<Value> {
    stage.done(stage.run(server, "adm", &["lineage", "import", "--format", "openlineage"]).arg(file))
}

fn read(stage: &Stage, name: &str) -> String {
    String::from_utf8(std::fs::read(stage.path(name)).unwrap()).unwrap()
}

/// Every event file of others beside the checkout, but the one that must be refused.
fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("shared/fixtures/openlineage");
    let folders = ["marquez", "compatibility-tests/CLL", "compatibility-tests/spark_dataproc_bigquery_shakespare"];
    let more = "compatibility-tests/spark_dataproc_simple_producer_test_complete";
    let entries = folders.iter().chain([&more]).filter_map(|folder| std::fs::read_dir(root.join(folder)).ok());
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "json" || end == "jsonl"));
    files.sort();
    files
}

#[test]
fn what_came_in_goes_out_and_comes_in_elsewhere_byte_for_byte() {
    let (stage, server) = Stage::set();
    std::fs::write(stage.path("in.jsonl"), EVENTS).unwrap();
    assert_eq!(import(&stage, &server, &stage.path("in.jsonl")).len(), 4);
    let said = export(&stage, &server, "one.jsonl", &[]);
    assert_eq!(read(&stage, "one.jsonl"), EVENTS);
    let rest = json!({"received": said["received"], "erased": said["erased"], "unreadable": said["unreadable"]});
    assert_eq!(rest, json!({"received": 4, "erased": 0, "unreadable": 0}));
    let stats = stage.says(&server, "bob", &["lineage", "stats"]);
    assert_eq!(said["as_of"], stats["as_of"], "the root was computed from the entries");
    for file in fixtures() {
        import(&stage, &server, &file);
    }
    export(&stage, &server, "whole.jsonl", &[]);
    let (other, elsewhere) = Stage::set();
    import(&other, &elsewhere, &stage.path("whole.jsonl"));
    export(&other, &elsewhere, "again.jsonl", &[]);
    assert_eq!(read(&other, "again.jsonl"), read(&stage, "whole.jsonl"));
    // As of the first four events, the file is the first one.
    let size = said["as_of"]["size"].to_string();
    assert_eq!(export(&stage, &server, "then.jsonl", &["--as-of", &size]), json_with(&said, "then.jsonl"));
    assert_eq!(read(&stage, "then.jsonl"), EVENTS);
}

fn json_with(said: &Value, out: &str) -> Value {
    let mut said = said.clone();
    said["out"] = Value::from(out);
    said
}

#[test]
fn erased_bodies_are_counted_and_files_are_kept() {
    let (stage, server) = Stage::set();
    std::fs::write(stage.path("in.jsonl"), EVENTS).unwrap();
    let places = import(&stage, &server, &stage.path("in.jsonl"));
    let index = places[0]["index"].to_string();
    stage.says(&server, "adm", &["erase", &index, "--yes", "--reason", "asked for"]);
    let said = export(&stage, &server, "out.jsonl", &[]);
    assert_eq!((&said["received"], &said["erased"]), (&json!(3), &json!(1)));
    assert_eq!(read(&stage, "out.jsonl"), EVENTS.split_once('\n').unwrap().1);
    let words = ["lineage", "export", "--format", "openlineage", "--out", "out.jsonl"];
    let again = stage.run(&server, "bob", &words).output().unwrap();
    assert_eq!(again.status.code(), Some(2), "{}", text(&again));
    let beyond =
        stage.run(&server, "bob", &[&words[..5], &["beyond.jsonl", "--as-of", "9999"]].concat()).output().unwrap();
    assert!(text(&beyond).contains("OUTSIDE_TREE"), "{}", text(&beyond));
    assert!(!stage.path("beyond.jsonl").exists() && !stage.path("beyond.jsonl.partial").exists());
}
