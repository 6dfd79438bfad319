//! The receipts in `tests/vectors/receipt`: valid ones, and one for each mutation, the file named after it. The files
//! are what the tables make, byte for byte, so that a change of format shows in the diff.

use crate::maker::{Receipt, vkey};
use crate::world::{ORIGIN, World, receipts, world};
use crate::{vectors_operator, vectors_outsider};
use deedbook_verify::judge::verify_receipt;
use deedbook_verify::note::VerifierKey;
use deedbook_verify::receipt::Check;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A mutation: its name, the receipt it starts from, the check that must fail, and a part of the message.
pub struct Row {
    pub name: &'static str,
    pub from: &'static str,
    pub check: Check,
    pub says: &'static str,
    pub make: fn(&World, Receipt) -> Vec<u8>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/receipt")
}

fn rows() -> impl Iterator<Item = &'static Row> {
    vectors_outsider::ROWS.iter().chain(vectors_operator::ROWS)
}

/// Every file of the folder with its bytes.
fn made() -> Vec<(String, Vec<u8>)> {
    let world = world();
    let valid = receipts(&world);
    let of = |name: &str| valid.iter().find(|(found, _)| *found == name).expect(name).1.clone();
    let mut out = vec![("ledger.vkey".to_owned(), (vkey(ORIGIN, &world.ledger.head) + "\n").into_bytes())];
    out.extend(valid.iter().map(|(name, receipt)| (format!("valid-{name}.tlog-proof"), receipt.file())));
    out.extend(rows().map(|row| (format!("{}.tlog-proof", row.name), (row.make)(&world, of(row.from)))));
    out
}

#[test]
fn vectors_are_what_the_tables_make() {
    let update = std::env::var_os("UPDATE_VECTORS").is_some();
    let made = made();
    if update {
        let _ = std::fs::remove_dir_all(folder());
        std::fs::create_dir_all(folder()).unwrap();
        made.iter().for_each(|(name, bytes)| std::fs::write(folder().join(name), bytes).unwrap());
    }
    let files = std::fs::read_dir(folder()).expect("run with UPDATE_VECTORS=1 first");
    let stored: BTreeSet<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    let named: BTreeSet<String> = made.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(stored, named, "files and tables differ");
    assert_eq!(made.len(), named.len(), "two rows have one name");
    for (name, bytes) in made {
        assert!(std::fs::read(folder().join(&name)).unwrap() == bytes, "{name} differs from what its row makes");
    }
}

#[test]
fn every_vector_is_judged_as_its_row_says() {
    let read = |name: &str| std::fs::read(folder().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let key = VerifierKey::parse(&String::from_utf8(read("ledger.vkey")).unwrap()).unwrap();
    for (name, _) in receipts(&world()) {
        let judged = verify_receipt(&read(&format!("valid-{name}.tlog-proof")), &key);
        assert!(judged.is_ok(), "{name}: {judged:?}");
    }
    let mut wrong = Vec::new();
    for row in rows() {
        match verify_receipt(&read(&format!("{}.tlog-proof", row.name)), &key) {
            Ok(_) => wrong.push(format!("{}: accepted", row.name)),
            Err(refusal) if refusal.check != row.check || !refusal.to_string().contains(row.says) => {
                wrong.push(format!("{}: {refusal}", row.name));
            }
            Err(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(rows().count() >= 30);
}

#[test]
fn every_check_is_shown_to_fail() {
    let shown: BTreeSet<&str> = rows().map(|row| row.check.name()).collect();
    assert_eq!(shown.len(), 11, "{shown:?}");
}
