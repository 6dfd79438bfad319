//! `deedbook demo` tells the story that a newcomer is promised: what it shows is read line by line, as a program would.

use deedbook::record::load_public;
use deedbook_verify::package::{Directory, Verdict, verify_package};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

fn demo(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deedbook"));
    // What stands in a newcomer's environment does not change the story.
    command.env("DEEDBOOK_SIGNER", "/nowhere").env("DEEDBOOK_SERVER", "http://127.0.0.1:1");
    command.arg("demo").args(words).current_dir(folder).env("TMPDIR", folder).output().unwrap()
}

/// What a line says: a command that was run, with its exit status and what it printed.
struct Shown {
    command: String,
    exit: i64,
    printed: String,
}

fn commands(output: &Output) -> Vec<Shown> {
    let lines = std::str::from_utf8(&output.stdout).unwrap().lines();
    let values = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    values
        .filter(|value| value.get("command").is_some())
        .map(|value| Shown {
            command: text(&value["command"]),
            exit: value["exit"].as_i64().unwrap(),
            printed: text(&value["printed"]),
        })
        .collect()
}

#[test]
fn it_tells_the_whole_story_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(folder.path(), &["--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let shown = commands(&output);
    let story = [
        ("deedbook init", 0, "made ledger"),
        ("deedbook policy publish", 0, "published"),
        ("deedbook action submit export.json", 0, "\trequire_approval\topen"),
        ("deedbook approvals list", 0, "0 of 2"),
        ("deedbook approvals show", 0, "ann (owner)"),
        ("ann.key", 3, "CONFLICT_OWNER"),
        ("bob.key", 0, "\topen"),
        ("bob.key", 0, "\topen"),
        ("carol.key", 0, "\tapproved"),
        ("changed.json", 3, "ACTION_DIGEST_MISMATCH"),
        ("deedbook action redeem", 0, "\tapproved\tstarted"),
        ("deedbook action report", 0, "\tapproved\tsucceeded"),
        ("deedbook action redeem", 3, "ALREADY_REDEEMED"),
        ("deedbook list --stream action/", 0, "execution.started"),
        ("deedbook append --format openlineage", 0, "events appended"),
        ("deedbook append", 0, "events appended"),
        ("deedbook append", 0, "0 events appended"),
        ("deedbook verify", 0, "vote.cast"),
        ("deedbook verify", 1, "NOT VALID"),
        ("deedbook export --framework soc2", 0, "its export is on record"),
        ("deedbook audit", 0, "audit: clean"),
        ("deedbook audit", 1, "FINDING"),
        ("deedbook audit", 1, "FINDING"),
    ];
    let mut rest = shown.iter();
    for (command, exit, printed) in story {
        let told =
            |shown: &Shown| shown.command.contains(command) && shown.exit == exit && shown.printed.contains(printed);
        assert!(rest.any(told), "the story does not show `{command}` end with {exit} and say `{printed}` at its place");
    }
    assert_eq!(shown.iter().filter(|shown| shown.exit == 3).count(), 3);
    // It leaves the package behind and the key to judge it under, and nothing else.
    let names = |folder: &Path| -> BTreeSet<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let left: Vec<String> = names(folder.path()).into_iter().collect();
    let [left] = left.as_slice() else { panic!("{left:?}") };
    let left = folder.path().join(left);
    assert_eq!(names(&left), BTreeSet::from(["ledger.vkey".to_owned(), "soc2".to_owned()]));
    let shown =
        verify_package(&Directory(left.join("soc2")), &load_public(&left.join("ledger.vkey")).unwrap()).unwrap();
    assert!(shown.rendered.counts.entries > 20);
    let passes = |wanted: &str| {
        shown.rendered.tests.iter().any(|(id, verdict, ..)| id.name() == wanted && *verdict == Verdict::Pass)
    };
    assert!(passes("T11") && passes("T15"), "its own events say when and by whom: {:?}", shown.rendered.tests);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let page = said.lines().rev().find(|line| line.contains("begin to read it at")).unwrap();
    let page: Value = serde_json::from_str(page).unwrap();
    assert!(Path::new(page["result"].as_str().unwrap().rsplit(' ').next().unwrap()).is_file(), "{page}");
}

#[test]
fn a_person_reads_commands_and_what_they_print() {
    let folder = tempfile::tempdir().unwrap();
    let output = demo(folder.path(), &["--keep", "kept"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let approved = said.split("Two different persons approve").nth(1).unwrap();
    let typed = approved.lines().find(|line| line.starts_with("   $ deedbook approve ")).unwrap();
    assert!(typed.ends_with("--signer bob.key"), "{typed}");
    assert!(said.contains("\n   exit status 3\n") && said.contains("one administrator alone"), "{said}");
    for kept in ["kept/vote.tlog-proof", "kept/partner/orders.csv", "kept/ledger/ledger.vkey"] {
        assert!(folder.path().join(kept).exists(), "{kept}");
    }
}

#[test]
fn a_story_that_cannot_be_told_says_so() {
    let folder = tempfile::tempdir().unwrap();
    // A step that fails is the last one.
    let ledger = folder.path().join("kept/ledger");
    std::fs::create_dir_all(&ledger).unwrap();
    std::fs::write(ledger.join("letter"), "").unwrap();
    let output = demo(folder.path(), &["--json", "--keep", "kept"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(commands(&output).len(), 1);
    assert!(String::from_utf8_lossy(&output.stderr).contains("the demo broke: `deedbook init"), "{output:?}");
    let output = demo(folder.path(), &["--openlineage", "absent.jsonl"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("absent.jsonl"));
}
