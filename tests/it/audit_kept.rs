//! Checkpoints that an auditor kept elsewhere: what the folder alone cannot show, since somebody who can write to it also
//! deletes the stored checkpoints and makes the anchor anew.

use crate::support::{House, close, disk, statement};
use deedbook::audit::{self, AuditPaths, Finding, KeptCheckpoint, Report};
use deedbook::ledger::Ledger;
use deedbook::record::Position;
use deedbook::store::keys::{self, LedgerNumber};
use deedbook::store::{Access, Batch, RocksStore, Store as _};
use deedbook_verify::words::Index;
use std::path::PathBuf;
use std::process::{Command, Output};

/// A closed ledger with a kept checkpoint of each of its sizes from 3 on.
struct Kept {
    house: House,
    notes: Vec<KeptCheckpoint>,
}

fn kept() -> Kept {
    let house = House::build();
    let ledger = house.open();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let [producer] = runtime.block_on(house.enrolled(&ledger, &["gateway"])).try_into().ok().unwrap();
    let mut notes = Vec::new();
    for size in 3..8 {
        let frame = producer.sign(Position::Unsequenced, vec![statement().body("text/plain", "what happened".into())]);
        runtime.block_on(ledger.append(frame)).unwrap();
        notes.push(KeptCheckpoint { name: format!("{size}.checkpoint"), note: ledger.reader().checkpoint().unwrap() });
    }
    close(ledger, &house.dir);
    Kept { house, notes }
}

fn audit(house: &House, kept: &[KeptCheckpoint]) -> Report {
    audit::run(&AuditPaths::of(house.dir.root()), kept, &|_, _| {}).unwrap()
}

fn of_kept(report: &Report) -> Vec<&Finding> {
    report.findings.iter().filter(|finding| finding.check == "kept checkpoint").collect()
}

#[test]
fn the_log_that_was_signed_agrees_with_every_kept_checkpoint() {
    let Kept { house, mut notes } = kept();
    // In no order, one of them twice.
    notes.reverse();
    notes.push(notes[2].clone());
    let report = audit(&house, &notes);
    assert!(report.is_clean(), "{:#?}", report.findings);
    assert_eq!(report.checkpoints_kept, 6);
    assert_eq!(audit(&house, &[]).checkpoints_kept, 0);
}

#[test]
fn another_ledger_or_an_altered_note_is_not_vouched_for_by_the_head_key() {
    let Kept { house, notes } = kept();
    let foreign = kept().notes.remove(1);
    let mut altered = notes[2].clone();
    let at = altered.note.iter().position(|byte| *byte == b'5').unwrap();
    altered.note[at] = b'4';
    let empty = KeptCheckpoint { name: "empty".to_owned(), note: Vec::new() };
    let report = audit(&house, &[foreign, notes[0].clone(), altered, empty]);
    let found = of_kept(&report);
    assert_eq!((found.len(), report.findings.len(), report.checkpoints_kept), (3, 3, 1), "{:#?}", report.findings);
    for (finding, name) in found.iter().zip(["4.checkpoint", "5.checkpoint", "empty"]) {
        assert!(finding.message.ends_with(name), "{finding:?}");
    }
}

/// The whole folder is rolled back to a copy from before the last append, anchor and all.
#[test]
fn a_log_that_ends_before_a_kept_checkpoint_is_found() {
    let house = House::build();
    let ledger = house.open();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let [producer] = runtime.block_on(house.enrolled(&ledger, &["gateway"])).try_into().ok().unwrap();
    let append = |ledger: &Ledger, name: &str| {
        runtime.block_on(ledger.append(producer.sign(Position::Unsequenced, vec![statement()]))).unwrap();
        KeptCheckpoint { name: name.to_owned(), note: ledger.reader().checkpoint().unwrap() }
    };
    let mut notes = vec![append(&ledger, "early"), append(&ledger, "last")];
    close(ledger, &house.dir);
    let old = House::of(disk::copy_of(&house.dir, "old"), house.id);
    let ledger = house.open();
    notes.push(append(&ledger, "late"));
    close(ledger, &house.dir);
    assert!(audit(&house, &notes).is_clean() && audit(&old, &notes[..2]).is_clean());
    let report = audit(&old, &notes);
    let found: Vec<&str> = of_kept(&report).iter().map(|finding| finding.message.as_str()).collect();
    let says = "the log ends before the size of a kept checkpoint: late, size 5; it came to 4";
    assert_eq!((found.as_slice(), report.findings.len(), report.checkpoints_kept), ([says].as_slice(), 1, 2));
}

#[test]
fn what_stands_behind_an_entry_that_cannot_be_judged_is_said_not_to_be_reached() {
    let Kept { house, notes } = kept();
    let store = RocksStore::open(&house.dir.store(), Access::ReadWrite).unwrap();
    let mut batch = Batch::new();
    batch.put(keys::entry(LedgerNumber(1), Index(4)).as_slice(), b"no entry");
    store.commit(&batch).unwrap();
    drop(store);
    let report = audit(&house, &notes);
    let found = of_kept(&report);
    assert_eq!((found.len(), report.checkpoints_kept), (3, 2), "{:#?}", report.findings);
    assert!(found.iter().all(|finding| finding.message.starts_with("the audit did not come to the size")));
}

fn run(house: &House, files: &[PathBuf]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deedbook"));
    command.args(["audit", "--json", "--data"]).arg(house.dir.root());
    for file in files {
        command.arg("--checkpoint").arg(file);
    }
    command.output().unwrap()
}

#[test]
fn the_command_names_every_file_that_it_cannot_read_and_every_checkpoint_that_disagrees() {
    let Kept { house, notes } = kept();
    let folder = disk::scratch();
    let files: Vec<PathBuf> = notes.iter().map(|note| folder.path().join(&note.name)).collect();
    for (file, note) in files.iter().zip(&notes) {
        std::fs::write(file, &note.note).unwrap();
    }
    let fine = run(&house, &files);
    let value: serde_json::Value = serde_json::from_slice(&fine.stdout).unwrap();
    assert_eq!(
        (fine.status.code(), &value["checkpoints_kept"], &value["clean"]),
        (Some(0), &serde_json::json!(5), &serde_json::json!(true))
    );
    let missing = [folder.path().join("no-1"), files[0].clone(), folder.path().join("no-2")];
    let refused = run(&house, &missing);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("no-1") && said.contains("no-2"), "{said}");
    let value: serde_json::Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert!(value["error"]["message"].as_str().unwrap().contains("no-2"), "nothing but the error: {value}");
    let disagreeing = run(&self::kept().house, &files[..2]);
    let value: serde_json::Value = serde_json::from_slice(&disagreeing.stdout).unwrap();
    assert_eq!((disagreeing.status.code(), value["findings"].as_array().map(Vec::len)), (Some(1), Some(2)), "{value}");
}
