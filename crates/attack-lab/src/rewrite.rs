//! Attack 1: history is rewritten, by an insider with the database, then by an operator with every key of the service.
//! Producers' keys are not the operator's.

use crate::books::{Books, data_export};
use crate::chain::{Chain, Event, GENESIS, Precision, Stored};
use crate::insider;
use crate::verdict::{Cell, Lab, Row, Verdict, control, ensure};
use crate::witness::Witness;
use deedbook::record::{FrameBytes, Position};
use deedbook_verify::note::open_checkpoint;
use deedbook_verify::replay::{Replay, ReplayRefusal};
use deedbook_verify::tree::{ConsistencyProof, TreeHead};
use deedbook_verify::witnessed::open_witnessed;
use deedbook_verify::words::{Epoch, Sequence};
use rusqlite::params;

/// The rows of the table.
pub async fn run() -> Lab<Vec<Row>> {
    Ok(vec![altered().await?, dropped_from_a_sequence().await?].into_iter().chain(rebuilt().await?).collect())
}

/// A chain of ten rows that verifies.
pub fn honest_chain(folder: &std::path::Path) -> Lab<Chain> {
    let chain = Chain::open(&folder.join("chain.db"), Precision::AsStored)?;
    for number in 0..10 {
        chain.append(&Event::plain(number), recorded(number))?;
    }
    control("an honest chain", chain.verify(None))?;
    Ok(chain)
}

/// When the service wrote the row of an event.
pub fn recorded(number: u64) -> i64 {
    i64::try_from(Event::plain(number).occurred_ns / 1_000 + 5_000).unwrap_or(i64::MAX)
}

/// The insider's tool: numbers all rows and hashes them anew.
pub fn rechain(chain: &Chain, rows: &[Stored]) -> Lab<()> {
    chain.database.execute("DELETE FROM audit_log", [])?;
    let mut prev_hash = GENESIS.to_owned();
    for (row, id) in rows.iter().zip(1_i64..) {
        chain.append(&row.event, row.recorded_us)?;
        let hash = chain.hash(&prev_hash, &row.event, row.recorded_us);
        let update = "UPDATE audit_log SET id = ?1, prev_hash = ?2, hash = ?3 WHERE event_id = ?4";
        chain.database.execute(update, params![id, prev_hash, hash, row.event.event_id])?;
        prev_hash = hash;
    }
    Ok(())
}

async fn altered() -> Lab<Row> {
    let folder = tempfile::tempdir()?;
    let chain = honest_chain(folder.path())?;
    let mut rows = chain.rows()?;
    rows.iter_mut().skip(4).take(1).for_each(|row| row.event.action = "data.backup".to_owned());
    rechain(&chain, &rows)?;
    let naive = Cell::shown_by("verifier", chain.verify(None));

    let books = Books::new()?;
    let ledger = books.open()?;
    let producer = books.enroll(&ledger, "gateway").await?;
    for _ in 0..3 {
        ledger.append(producer.sign(Position::Unsequenced, data_export(crate::books::START)?)?).await?;
    }
    ledger.reader().checkpoint()?;
    books.close(ledger)?;
    control("the audit of an honest ledger", books.audit())?;
    let mut entries = insider::entries(&books)?;
    let honest = entries.clone();
    for bytes in entries.iter_mut().skip(3).take(1) {
        *bytes = insider::with_facts(bytes, b"data.export", b"data.backup")?;
    }
    ensure("the insider changed the log", insider::root(&honest) != insider::root(&entries))?;
    insider::rewrite(&books, &entries)?;
    let deedbook = Cell::shown_by("`deedbook audit`", books.audit());
    // What the insider's tool touched and did not change is in order: the audit objects to the change alone.
    insider::rewrite(&books, &honest)?;
    control("the audit after a rewriting that changes nothing", books.audit())?;
    Ok(Row::claimed("1", "a row altered, all hashes computed anew; has the database, no key", naive, deedbook))
}

/// The operator takes one event out of a numbered source, with all keys of the service; nobody kept anything.
async fn dropped_from_a_sequence() -> Lab<Row> {
    let folder = tempfile::tempdir()?;
    let chain = honest_chain(folder.path())?;
    let mut rows = chain.rows()?;
    rows.remove(4);
    rechain(&chain, &rows)?;
    let naive = Cell::shown_by("verifier", chain.verify(None));

    let books = Books::new()?;
    let ledger = books.open()?;
    let producer = books.enroll(&ledger, "gateway").await?;
    for number in 1..=3 {
        let at = Position::Sequenced { epoch: Epoch(1), first: Sequence(number) };
        ledger.append(producer.sign(at, data_export(crate::books::START)?)?).await?;
    }
    books.close(ledger)?;
    let mut entries = insider::entries(&books)?;
    control("the replay of an honest ledger", replay(&entries))?;
    entries.remove(3);
    let deedbook = Cell::shown_by("replay, as in `deedbook audit`", replay(&entries));
    Ok(Row::claimed(
        "1",
        "an event amid a numbered source left out, history built anew; has every key of the operator",
        naive,
        deedbook,
    ))
}

fn replay(entries: &[Vec<u8>]) -> Result<(), ReplayRefusal> {
    let mut replay = Replay::new();
    for bytes in entries {
        replay.step(bytes)?;
    }
    replay.finish()
}

/// A history and the one that its operator would like better.
pub struct TwoHistories {
    /// The published one: its newest checkpoint.
    pub note: Vec<u8>,
    /// What the checkpoint says.
    pub head: TreeHead,
    /// The other one's books, closed.
    pub other: Books,
    /// Its newest checkpoint, of the same size.
    pub other_note: Vec<u8>,
    /// What that says.
    pub other_head: TreeHead,
    /// What the other ledger's prover offers as proof that it extends the published one.
    pub path: Vec<deedbook_verify::words::Hash>,
}

/// Appends three frames, publishes, goes back to a copy from before, and appends two of them and another.
pub async fn two_histories() -> Lab<TwoHistories> {
    let books = Books::new()?;
    let ledger = books.open()?;
    let producer = books.enroll(&ledger, "gateway").await?;
    books.close(ledger)?;
    let other = books.copy("other")?;
    let mut frames = Vec::new();
    for _ in 0..4 {
        frames.push(producer.sign(Position::Unsequenced, data_export(crate::books::START)?)?);
    }
    let (note, head) = grow(&books, frames.iter().take(3)).await?;
    let (other_note, other_head) = grow(&other, frames.iter().skip(1)).await?;
    let ledger = other.open()?;
    let path = ledger.reader().consistency(head.size, other_head.size)?.path;
    other.close(ledger)?;
    ensure("two histories of one size", head.size == other_head.size && head.root != other_head.root)?;
    Ok(TwoHistories { note, head, other, other_note, other_head, path })
}

async fn grow(books: &Books, frames: impl Iterator<Item = &FrameBytes>) -> Lab<(Vec<u8>, TreeHead)> {
    let ledger = books.open()?;
    for frame in frames {
        ledger.append(frame.clone()).await?;
    }
    let note = ledger.reader().checkpoint()?;
    books.close(ledger)?;
    control("the audit of what the operator serves", books.audit())?;
    let head = open_checkpoint(&note, &books.verifier_key)?.checkpoint().head;
    Ok((note, head))
}

/// The operator builds another history with all keys of the service, and shows that from now on.
async fn rebuilt() -> Lab<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let chain = honest_chain(folder.path())?;
    let noted = chain.head()?;
    control("the head that was noted down", chain.verify(Some(&noted)))?;
    let mut rows = chain.rows()?;
    rows.remove(4);
    rechain(&chain, &rows)?;
    chain.append(&Event::plain(99), recorded(99))?;

    let histories = two_histories().await?;
    let TwoHistories { head, other_head, .. } = histories;
    let kept = ConsistencyProof { old: head, new: other_head, path: histories.path.clone() };
    let kept = Cell::shown_by("`deedbook consistency` with the kept checkpoint", kept.verify());

    let witness = Witness::of(&histories.other)?;
    let cosigned = witness.first(&histories.note)?;
    control("a cosigned checkpoint", open_witnessed(&cosigned, &witness.policy))?;
    let asked = witness.ask(head.size, &histories.path, &histories.other_note);
    let shown = asked.as_deref().unwrap_or(&histories.other_note);
    let witnessed = Cell::shown_by("`deedbook-verify --policy`", open_witnessed(shown, &witness.policy));
    let alone = match histories.other.audit() {
        Ok(()) => Cell::new(Verdict::Missed, "`deedbook audit`", ""),
        Err(finding) => Cell::new(Verdict::Shown, "`deedbook audit`", finding),
    };
    let unaided = || Cell::shown_by("verifier", chain.verify(None));
    Ok(vec![
        Row::claimed(
            "1",
            "history built anew without one event; has every key of the operator; the auditor kept the last head",
            Cell::shown_by("verifier", chain.verify(Some(&noted))),
            kept,
        ),
        Row::claimed(
            "1",
            "the same; the auditor kept nothing, but asks for a witness's cosignature",
            unaided(),
            witnessed,
        ),
        Row::unclaimed("1", "the same; nobody kept anything, no witness, no sequence", unaided(), alone),
    ])
}
