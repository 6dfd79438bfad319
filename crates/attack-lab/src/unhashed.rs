//! Attack 14: something that an auditor reads is not under the hash.

use crate::books::{Books, START, data_export};
use crate::rewrite::honest_chain;
use crate::verdict::{Cell, Lab, Row, Verdict, control};
use deedbook::ledger::Bodies;
use deedbook::record::Position;
use deedbook_verify::judge::verify_receipt;
use deedbook_verify::note::{VerifierKey, decode_base64, encode_base64};

/// The row of the table.
pub async fn run() -> Lab<Row> {
    let folder = tempfile::tempdir()?;
    let chain = honest_chain(folder.path())?;
    chain.database.execute("UPDATE audit_log SET approver = 'otto' WHERE id = 5", [])?;
    let naive = Cell::shown_by("verifier", chain.verify(None));

    let books = Books::new()?;
    let ledger = books.open()?;
    let producer = books.enroll(&ledger, "gateway").await?;
    let placed = ledger.append(producer.sign(Position::Unsequenced, data_export(START)?)?).await?;
    let receipt = ledger.reader().receipt(placed.first_index, Bodies::With)?;
    books.close(ledger)?;
    control("the receipt", verify_receipt(&receipt, &books.verifier_key))?;
    let deedbook = every_byte(&receipt, &books.verifier_key)?;
    Ok(Row::claimed("14", "a field that was left out of the hash is changed: who approved", naive, deedbook))
}

/// Changes every byte of what a receipt says of entry, frame, keys and body, one by one: all of them must be covered.
fn every_byte(receipt: &[u8], key: &VerifierKey) -> Lab<Cell> {
    let text = std::str::from_utf8(receipt)?;
    let (before, rest) = text.split_once("extra ").ok_or("a receipt without extra")?;
    let (extra, behind) = rest.split_once('\n').ok_or("a receipt without an end")?;
    let mut extra = decode_base64(extra).ok_or("extra is no base64")?;
    let judge = "`deedbook verify`, each byte of the receipt changed in turn";
    let mut words = String::new();
    for at in 0..extra.len() {
        flip(&mut extra, at);
        let changed = format!("{before}extra {}\n{behind}", encode_base64(&extra));
        match verify_receipt(changed.as_bytes(), key) {
            Ok(_) => return Ok(Cell::new(Verdict::Missed, judge, format!("byte {at} is not covered"))),
            Err(_) => words = "none is accepted".to_owned(),
        }
        flip(&mut extra, at);
    }
    Ok(Cell::new(Verdict::Shown, judge, words))
}

fn flip(bytes: &mut [u8], at: usize) {
    bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1);
}
