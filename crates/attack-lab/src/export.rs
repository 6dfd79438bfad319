//! Attack 12: an auditor asks for an interval, and one entry is left out.

use crate::books::{Books, START, data_export};
use crate::insider;
use crate::rewrite::{honest_chain, rechain};
use crate::verdict::{Cell, Lab, Row, control, ensure};
use deedbook::record::Position;
use deedbook_verify::hash;
use deedbook_verify::note::{Checkpoint, open_checkpoint};
use deedbook_verify::tree::{Frontier, TreeHead};
use deedbook_verify::words::TreeSize;

/// The row of the table.
pub async fn run() -> Lab<Row> {
    let folder = tempfile::tempdir()?;
    let chain = honest_chain(folder.path())?;
    let rows = chain.rows()?;
    let before = rows.get(3).map(|row| row.hash.clone()).ok_or("no row")?;
    control("an honest export", chain.verify_rows(rows.get(4..9).ok_or("no rows")?, &before, 5))?;
    // The exporter works on a copy of the table; the export names the hash before it and is numbered without a gap.
    let mut left = rows;
    left.remove(5);
    rechain(&chain, &left)?;
    let exported = chain.rows()?;
    let naive = chain.verify_rows(exported.get(4..8).ok_or("no rows")?, &before, 5);
    let naive = Cell::shown_by("verifier of the export", naive);

    let books = Books::new()?;
    let ledger = books.open()?;
    let producer = books.enroll(&ledger, "gateway").await?;
    let start = ledger.reader().head();
    for _ in 0..5 {
        ledger.append(producer.sign(Position::Unsequenced, data_export(START)?)?).await?;
    }
    let frontier = ledger.reader().frontier(start.size)?;
    let note = ledger.reader().checkpoint()?;
    books.close(ledger)?;
    let end = open_checkpoint(&note, &books.verifier_key)?.checkpoint().clone();
    let all = insider::entries(&books)?;
    let interval = all.get(usize::try_from(start.size.0)?..).ok_or("no interval")?;
    control("an honest interval", verify_interval(&frontier, start, interval, &end))?;
    let mut left = interval.to_vec();
    left.remove(2);
    let deedbook = Cell::shown_by("interval proof", verify_interval(&frontier, start, &left, &end));
    // Nor does it help to repeat another entry in its place.
    let mut repeated = interval.to_vec();
    repeated.swap_remove(2);
    repeated.push(interval.first().ok_or("no interval")?.clone());
    ensure("a repeated entry does not fill the gap", verify_interval(&frontier, start, &repeated, &end).is_err())?;
    Ok(Row::claimed("12", "an export of an interval leaves one entry out", naive, deedbook))
}

/// The frontier at the start, every entry of the interval, and the checkpoint at its end must agree.
fn verify_interval(
    frontier: &Frontier,
    start: TreeHead,
    entries: &[Vec<u8>],
    end: &Checkpoint,
) -> Result<(), &'static str> {
    let mut tree = frontier.clone();
    if tree.head() != start {
        return Err("the frontier is not that of the start");
    }
    entries.iter().for_each(|bytes| tree.push(hash::leaf(bytes)));
    let TreeHead { size: TreeSize(size), root } = tree.head();
    match (size == end.head.size.0, root == end.head.root) {
        (true, true) => Ok(()),
        (false, _) => Err("the entries do not reach the end checkpoint"),
        (true, false) => Err("the entries lead to another root than the end checkpoint's"),
    }
}
