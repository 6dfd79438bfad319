//! Attack 10: the newest part is lost or taken away, up to all of it, and the service is started again.

use crate::books::{Books, START, data_export};
use crate::chain::{Chain, Event, Pin, Precision};
use crate::rewrite::{honest_chain, recorded};
use crate::verdict::{Cell, Lab, Row, control, ensure};
use deedbook::record::Position;
use deedbook_verify::note::open_checkpoint;
use deedbook_verify::tree::ConsistencyProof;
use std::fs;
use std::path::Path;

/// The rows of the table.
pub async fn run() -> Lab<Vec<Row>> {
    let (folder, emptied) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let (chain, noted) = cut_chain(folder.path())?;
    let naive = || Cell::shown_by("verifier", chain.verify(None));
    let naive_noted = Cell::shown_by("verifier", chain.verify(Some(&noted)));
    let naive_new = Cell::refused_by("start, then verifier", started_over(emptied.path()));
    let (books, old, kept) = grown().await?;

    let store_alone = old.copy("store-alone")?;
    fs::copy(books.dir.anchor_file(), store_alone.dir.anchor_file())?;
    let store_alone = Cell::refused_by("start", store_alone.opened_with(vec![])?);

    let machine = old.copy("machine")?;
    let second = machine.opened_with(vec![books.dir.anchor_file()])?;
    let second = Cell::refused_by("start, with an anchor elsewhere", second);

    let ledger = control("a whole copy opens where nobody knows better", old.open())?;
    let note = ledger.reader().checkpoint()?;
    old.close(ledger)?;
    let new = open_checkpoint(&note, &old.verifier_key)?.checkpoint().head;
    let head = control("the kept checkpoint", open_checkpoint(&kept, &books.verifier_key))?.checkpoint().head;
    let proof = ConsistencyProof { old: head, new, path: Vec::new() };
    ensure("no checkpoint of the copy is consistent with the kept one", proof.verify().is_err())?;
    control("the audit of what was not rolled back", books.audit_with(&kept))?;
    let kept = Cell::shown_by("`deedbook audit --checkpoint`", old.audit_with(&kept));
    let alone = Cell::shown_by("`deedbook audit`", old.audit());

    let empty = books.copy("empty")?;
    fs::remove_dir_all(empty.dir.store())?;
    let empty = Cell::refused_by("start", empty.opened_with(vec![])?);
    Ok(vec![
        Row::claimed(
            "10",
            "the newest rows are deleted, or the database restored from an old backup",
            naive(),
            store_alone,
        ),
        Row::claimed("10", "the whole machine goes back to an old backup; an anchor stands elsewhere", naive(), second),
        Row::claimed("10", "the whole machine goes back; the auditor kept the last head", naive_noted, kept),
        Row::unclaimed("10", "the whole machine goes back; nobody kept anything", naive(), alone),
        Row::claimed("10", "the database is gone, and the service starts over", naive_new, empty),
    ])
}

/// A chain without its last three rows, and the head that it had.
fn cut_chain(folder: &Path) -> Lab<(Chain, Pin)> {
    let chain = honest_chain(folder)?;
    let noted = chain.head()?;
    chain.database.execute("DELETE FROM audit_log WHERE id > 7", [])?;
    Ok((chain, noted))
}

/// The service makes a table where there is none, and goes on.
fn started_over(folder: &Path) -> Lab<()> {
    drop(honest_chain(folder)?);
    for name in ["chain.db", "chain.db-wal", "chain.db-shm"] {
        let _gone_already = fs::remove_file(folder.join(name));
    }
    let chain = Chain::open(&folder.join("chain.db"), Precision::AsStored)?;
    chain.append(&Event::plain(70), recorded(70))?;
    chain.verify(None)
}

/// A ledger, a copy of its folder from before its last events, and its newest published checkpoint.
async fn grown() -> Lab<(Books, Books, Vec<u8>)> {
    let books = Books::new()?;
    let ledger = books.open()?;
    let producer = books.enroll(&ledger, "gateway").await?;
    books.close(ledger)?;
    let old = books.copy("old")?;
    let ledger = books.open()?;
    for _ in 0..3 {
        ledger.append(producer.sign(Position::Unsequenced, data_export(START)?)?).await?;
    }
    let note = ledger.reader().checkpoint()?;
    books.close(ledger)?;
    Ok((books, old, note))
}
