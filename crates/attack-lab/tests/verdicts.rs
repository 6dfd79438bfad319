//! Every attack is carried out once, and both columns are what the README prints. A verdict that changes, for the better
//! or the worse, is a change of the README.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test says what is wrong by failing; its helpers are no `#[test]` functions, which clippy.toml covers"
)]

use deedbook_attack_lab::print;
use deedbook_attack_lab::verdict::{Row, Verdict};
use std::path::Path;

use Verdict::{FalseAlarm, Missed, Refused, Shown, Stands};

/// Number, chain, Deedbook; in the order of the table.
const EXPECTED: &[(&str, Verdict, Verdict)] = &[
    ("1", Missed, Shown),
    ("1", Missed, Shown),
    ("1", Shown, Shown),
    ("1", Missed, Shown),
    ("1", Missed, Missed),
    ("3", Shown, Shown),
    ("3", Missed, Shown),
    ("3", Missed, Refused),
    ("5", Shown, Shown),
    ("5", Missed, Shown),
    ("5", Shown, Shown),
    ("5", Missed, Refused),
    ("6", Refused, Refused),
    ("6", Missed, Refused),
    ("6", Missed, Refused),
    ("7", Missed, Refused),
    ("7", Missed, Refused),
    ("10", Missed, Refused),
    ("10", Missed, Refused),
    ("10", Shown, Shown),
    ("10", Missed, Missed),
    ("10", Missed, Refused),
    ("12", Missed, Shown),
    ("13", FalseAlarm, Stands),
    ("14", Missed, Shown),
    ("15", Missed, Refused),
    ("16", Missed, Refused),
    ("-", FalseAlarm, Stands),
];

fn rows() -> Vec<Row> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(deedbook_attack_lab::run()).unwrap()
}

#[test]
fn every_attack_comes_to_what_the_readme_says() {
    let rows = rows();
    let found: Vec<_> = rows.iter().map(|row| (row.number, row.chain.verdict, row.deedbook.verdict)).collect();
    assert_eq!(found, EXPECTED, "{}", print::text(&rows));
    let claimed_and_lost: Vec<&Row> = rows.iter().filter(|row| !row.is_kept()).collect();
    assert!(claimed_and_lost.is_empty(), "{claimed_and_lost:#?}");
    the_signature_alone_gives_the_altered_row_away(&rows);
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    let table = print::markdown(&rows);
    assert!(
        readme.contains(&table),
        "README.md, section Attacks, should hold what `attack-lab --markdown` prints:\n{table}"
    );
    let json = print::value(&rows);
    assert_eq!(json["attacks"].as_array().map(Vec::len), Some(rows.len()));
    assert!(json["attacks"][0]["deedbook"]["words"].as_str().is_some_and(|words| !words.is_empty()));
}

/// The insider left nothing else undone; an objection to a careless forgery would prove little.
fn the_signature_alone_gives_the_altered_row_away(rows: &[Row]) {
    assert_eq!(rows[0].deedbook.words, "a signature does not verify");
}
