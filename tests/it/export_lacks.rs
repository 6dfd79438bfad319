//! What `deedbook export` says is missing follows from what its tests found: every code of every test is there, with its rows
//! and a next step, and goes when the step was taken.

use crate::support::process::Serving;
use crate::support::stage::{Stage, text, today};
use deedbook::evidence::TestResult;
use deedbook_verify::package::{Directory, TestId};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The export's words about a period that goes on.
fn export(stage: &Stage, server: &Serving, out: &str) -> std::process::Command {
    let words = ["export", "--framework", "soc2", "--from", "2020-01-01", "--to", "2130-01-01", "--out", out, "--vkey"];
    let mut command = stage.run(server, "adm", &words);
    command.arg(stage.dir.root().join("ledger.vkey"));
    command
}

fn missing(said: &Value) -> Vec<Value> {
    said["missing"].as_array().unwrap().clone()
}

/// The lines that name a test.
fn about<'a>(missing: &'a [Value], test: &str) -> Vec<&'a Value> {
    missing.iter().filter(|lack| lack["tests"].as_array().unwrap().contains(&test.into())).collect()
}

fn append(stage: &Stage, server: &Serving, name: &str, line: &str) {
    std::fs::write(stage.path(name), line).unwrap();
    stage.done(&mut stage.run(server, "adm", &["append", name]));
}

#[test]
fn what_is_missing_is_what_the_tests_found() {
    let (stage, server) = Stage::set();
    // Years ago by its own clock, and nobody says who acted.
    let line = r#"{"kind":"data.accessed","occurred":"2026-01-05T03:00:00Z","facts":{"outcome":"succeeded"}}"#;
    append(&stage, &server, "blank.jsonl", line);
    let said = stage.done(&mut export(&stage, &server, "one")).remove(0);
    let missing = missing(&said);
    let (mut found, mut told) = (BTreeMap::new(), BTreeMap::new());
    for id in TestId::ALL.iter().filter(|id| id.judges()) {
        for (code, rows) in TestResult::read(&Directory(stage.path("one")), *id).unwrap().codes {
            *found.entry(code).or_insert(0) += rows;
        }
    }
    let (mut codes, mut rows) = (BTreeSet::new(), 0);
    for lack in &missing {
        assert!(!lack["next"].as_str().unwrap().is_empty() && lack["controls"].as_u64().is_some(), "{lack}");
        rows += lack["rows"].as_u64().unwrap();
        codes.extend(lack["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()));
        for test in lack["tests"].as_array().unwrap() {
            told.entry(test.as_str().unwrap().to_owned()).or_insert_with(Vec::new).push(lack["verdict"].clone());
        }
    }
    assert_eq!(codes, found.keys().cloned().collect(), "{missing:?}");
    assert_eq!(rows, found.values().sum::<u64>(), "{missing:?}");
    for code in ["ORPHAN_GRANT", "GOVERNED_ALONE", "SKEW", "BLANK_FIELD", "NOT_DUE"] {
        assert!(codes.contains(code), "{code}: {codes:?}");
    }
    // The worst first; what failed is said to, and no test that passes is there.
    let verdicts: Vec<&str> = missing.iter().map(|lack| lack["verdict"].as_str().unwrap()).collect();
    let rank = |word: &&str| ["fail", "indeterminate", "not operated"].iter().position(|known| known == word).unwrap();
    assert!(verdicts.is_sorted_by_key(rank), "{verdicts:?}");
    for test in said["tests"].as_array().unwrap() {
        let (name, verdict) = (test["test"].as_str().unwrap(), &test["verdict"]);
        match verdict.as_str().unwrap() {
            "fail" | "indeterminate" => assert!(told[name].contains(verdict), "{name}: {told:?}"),
            "pass" => assert!(!told.contains_key(name), "{name}: {told:?}"),
            _ => {}
        }
    }
    // Nothing was erased or broken, which is no lack; nobody asked, and no source is there, which are.
    assert!(about(&missing, "T12").is_empty() && about(&missing, "T05").is_empty(), "{missing:?}");
    assert!(about(&missing, "T01")[0]["next"].as_str().unwrap().contains("--role reviewer"), "{missing:?}");
    assert!(about(&missing, "T10")[0]["next"].as_str().unwrap().contains("source open"), "{missing:?}");
}

/// A review by somebody without a role decides nothing, so nothing is missing because of it.
#[test]
fn a_statement_that_does_not_count_is_nothing_that_fails() {
    let (stage, server) = Stage::set();
    let day = today();
    let before = missing(&stage.done(&mut export(&stage, &server, "before")).remove(0));
    stage.says(&server, "agent", &["review", "access", "--from", &day, "--to", &day]);
    let after = missing(&stage.done(&mut export(&stage, &server, "after")).remove(0));
    let shown = TestResult::read(&Directory(stage.path("after")), TestId::T04).unwrap().codes;
    assert!(shown.keys().any(|code| code == "NO_ROLE"), "the package shows it: {shown:?}");
    let of_access = |lacks: &[Value]| about(lacks, "T04").iter().map(|lack| lack["codes"].clone()).collect::<Vec<_>>();
    assert_eq!(of_access(&after), of_access(&before), "{after:?}");
}

#[test]
fn what_was_done_is_missing_no_more() {
    let (stage, server) = Stage::set();
    let day = today();
    let before = missing(&stage.done(&mut export(&stage, &server, "before")).remove(0));
    let says = |lacks: &[Value], word: &str| lacks.iter().any(|lack| lack["next"].as_str().unwrap().contains(word));
    let id = stage.submit(&server);
    stage.says(&server, "bob", &["approve", &id, "--yes", "--reason", "ticket 7"]);
    stage.says(&server, "agent", &["action", "redeem", &id, "export.json"]);
    let output = ["--output", "dataset:partner-orders"];
    stage.says(&server, "agent", &[&["action", "report", &id, "--status", "succeeded"][..], &output].concat());
    stage.says(&server, "agent", &["source", "open", "--heartbeat-s", "600"]);
    stage.says(&server, "adm", &["review", "access", "--from", &day, "--to", &day]);
    let after = missing(&stage.done(&mut export(&stage, &server, "after")).remove(0));
    for word in ["action submit", "source open", "review access"] {
        assert!(says(&before, word) && !says(&after, word), "{word}: {before:?}\n{after:?}");
    }
    // One administrator is still one, whatever else was done.
    assert!(says(&after, "--admin"), "{after:?}");
}

#[test]
fn people_read_a_few_lines_of_it() {
    let (stage, server) = Stage::set();
    let mut plain = std::process::Command::new(env!("CARGO_BIN_EXE_deedbook"));
    let words: Vec<_> = export(&stage, &server, "one").get_args().map(|word| word.to_owned()).collect();
    plain.current_dir(stage.home.path()).args(words.into_iter().filter(|word| word != "--json"));
    let output = plain.output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let said = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = said.lines().skip_while(|line| !line.starts_with("controls: ")).collect();
    assert!(lines[0].contains(" fail, ") && lines[0].ends_with("what would make more of them pass:"), "{said}");
    assert!(lines[1].starts_with("  T04 T08 fail by ") && lines[1].contains("GOVERNED_ALONE ORPHAN_GRANT"), "{said}");
    let shown = lines.iter().filter(|line| line.starts_with("  T")).count();
    assert!(shown == 3 && lines[4].starts_with("  and ") && lines[5].starts_with("read it: "), "{said}");
    // A period in which nothing happened has one line, and no advice about what did not happen in it.
    let mut empty =
        stage.run(&server, "adm", &["export", "--framework", "soc2", "--from", "2020-01-01", "--to", "2020-01-31"]);
    empty.args(["--out", "empty", "--vkey"]).arg(stage.dir.root().join("ledger.vkey"));
    let words: Vec<_> = empty.get_args().map(|word| word.to_owned()).collect();
    let mut plain = std::process::Command::new(env!("CARGO_BIN_EXE_deedbook"));
    plain.current_dir(stage.home.path()).args(words.into_iter().filter(|word| word != "--json"));
    let said = String::from_utf8(plain.output().unwrap().stdout).unwrap();
    assert!(said.contains("no entry of this period") && !said.contains("\n  T"), "{said}");
}
