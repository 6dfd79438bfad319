//! Attacks 5 and 7, and a failure of the field: events and the service's own times are dated back, the clock is set
//! back, a time is hashed otherwise than it is stored.

use crate::books::{Books, HOUR_US, START, data_export};
use crate::chain::{Chain, Event, Precision};
use crate::insider;
use crate::rewrite::{honest_chain, rechain, recorded};
use crate::verdict::{Cell, Lab, Row, Verdict, control, ensure};
use bytes::Bytes;
use deedbook::ledger::{Bodies, StoredBody};
use deedbook::record::{FactsBuilder, Position};
use deedbook_verify::entry::Entry;
use deedbook_verify::judge::verify_receipt;
use deedbook_verify::kind::Kind;
use deedbook_verify::note::open_checkpoint;
use deedbook_verify::tree::ConsistencyProof;
use deedbook_verify::words::Micros;

const DAY_US: u64 = 24 * HOUR_US;
/// A difference between two times that nobody takes for a slow network.
const LATE_US: u64 = HOUR_US;

/// The rows of attack 5.
pub async fn dated_back() -> Lab<Vec<Row>> {
    let mut rows = vec![claimed_early().await?];
    rows.extend(recorded_early().await?);
    Ok(rows)
}

/// A producer says that it happened a day ago.
async fn claimed_early() -> Lab<Row> {
    let folder = tempfile::tempdir()?;
    let chain = honest_chain(folder.path())?;
    let early = Event { occurred_ns: (START.0 - DAY_US) * 1_000, ..Event::plain(50) };
    chain.append(&early, recorded(50))?;
    let row = chain.rows()?.pop().ok_or("no row")?;
    let recorded_us = u64::try_from(row.recorded_us)?;
    let naive = late("`recorded_at` of the row", recorded_us.saturating_sub(row.event.occurred_ns / 1_000));

    let books = Books::new()?;
    let ledger = books.open()?;
    let producer = books.enroll(&ledger, "gateway").await?;
    let event = data_export(Micros(START.0 - DAY_US))?.last_seen(ledger.reader().head());
    let placed = ledger.append(producer.sign(Position::Unsequenced, event)?).await?;
    let receipt = ledger.reader().receipt(placed.first_index, Bodies::Without)?;
    let stored = ledger.reader().event(placed.first_index, Bodies::Without)?;
    books.close(ledger)?;
    let verified = control("the receipt", verify_receipt(&receipt, &books.verifier_key))?;
    let facts = Entry::parse(&stored.entry)?.facts;
    let seen = facts.last_seen.ok_or("no last-seen")?;
    ensure("what the producer had seen bounds the event from below", seen.size.0 == placed.first_index.0)?;
    let deedbook = late("receipt, and the checkpoint last seen", verified.received.0 - facts.occurred.0);
    Ok(Row::claimed("5", "a producer dates an event back by a day", naive, deedbook))
}

fn late(judge: &'static str, late_us: u64) -> Cell {
    match late_us > LATE_US {
        true => Cell::new(Verdict::Shown, judge, "recorded long after the claimed time"),
        false => Cell::new(Verdict::Missed, judge, ""),
    }
}

/// An insider with the database dates the service's own time of the last event back, and computes everything anew.
async fn recorded_early() -> Lab<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let chain = honest_chain(folder.path())?;
    let noted = chain.head()?;
    let mut rows = chain.rows()?;
    rows.iter_mut().skip(9).for_each(|row| row.recorded_us -= i64::try_from(DAY_US).unwrap_or(0));
    rechain(&chain, &rows)?;
    let naive = Cell::shown_by("verifier", chain.verify(None));
    let naive_noted = Cell::shown_by("verifier", chain.verify(Some(&noted)));

    let books = Books::new()?;
    let ledger = books.open()?;
    let producer = books.enroll(&ledger, "gateway").await?;
    books.set_clock(START.0 + HOUR_US, 2 * HOUR_US);
    ledger.append(producer.sign(Position::Unsequenced, data_export(START)?)?).await?;
    let note = ledger.reader().checkpoint()?;
    books.close(ledger)?;
    control("the audit of an honest ledger", books.audit_with(&note))?;
    let old = control("the kept checkpoint", open_checkpoint(&note, &books.verifier_key))?.checkpoint().head;

    let elsewhere = books.dir.root().with_file_name("elsewhere.anchor");
    std::fs::copy(books.dir.anchor_file(), &elsewhere)?;
    let mut entries = insider::entries(&books)?;
    let last = entries.pop().ok_or("no entries")?;
    entries.push(insider::with_received(&last, START.0 - DAY_US)?);
    insider::rewrite(&books, &entries)?;
    let deedbook = Cell::shown_by("`deedbook audit`", books.audit());
    // To the time of the entry before: within what the order allows.
    entries.pop();
    entries.push(insider::with_received(&last, START.0)?);
    insider::rewrite(&books, &entries)?;
    ensure("within the order, the rows agree with each other", books.audit().is_ok())?;
    let anchored = Cell::refused_by("start, with an anchor elsewhere", books.opened_with(vec![elsewhere])?);
    let kept = Cell::shown_by("`deedbook audit --checkpoint`", books.audit_with(&note));
    // The server takes the folder, and signs the other history; so two checkpoints show it too.
    let ledger = books.open()?;
    let proof = ledger.reader().consistency(old.size, old.size)?;
    let new = open_checkpoint(&ledger.reader().checkpoint()?, &books.verifier_key)?.checkpoint().head;
    books.close(ledger)?;
    let proof = ConsistencyProof { old, new, path: proof.path };
    ensure("the new checkpoint is not consistent with the kept one", proof.verify().is_err())?;
    Ok(vec![
        Row::claimed(
            "5",
            "the service's own time of an event dated back by a day; has the database, no key",
            naive.clone(),
            deedbook,
        ),
        Row::claimed(
            "5",
            "the same, to no earlier than the event before, checkpoints deleted, anchor anew; the auditor kept the last head",
            naive_noted,
            kept,
        ),
        Row::claimed("5", "the same, to no earlier than the event before; an anchor stands elsewhere", naive, anchored),
    ])
}

/// Somebody sets the host's clock back by an hour.
pub async fn clock_set_back() -> Lab<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let chain = honest_chain(folder.path())?;
    chain.append(&Event::plain(50), recorded(9) - i64::try_from(HOUR_US)?)?;
    let naive = || Cell::shown_by("verifier", chain.verify(None));

    let books = Books::new()?;
    let ledger = books.open()?;
    let producer = books.enroll(&ledger, "gateway").await?;
    let frame = producer.sign(Position::Unsequenced, data_export(START)?)?;
    books.set_clock(START.0 - HOUR_US, HOUR_US + 1);
    let running = Cell::refused_by("append", ledger.append(frame.clone()).await);
    books.set_clock(START.0 + 1, HOUR_US + 1);
    control("an append once the clock is back", ledger.append(frame).await)?;
    books.close(ledger)?;
    books.set_clock(START.0 - HOUR_US, HOUR_US + 2);
    let stopped = Cell::refused_by("start", books.opened_with(vec![])?);
    Ok(vec![
        Row::claimed("7", "the host's clock is set back by an hour while it runs", naive(), running),
        Row::claimed("7", "the host's clock is set back by an hour while it is stopped", naive(), stopped),
    ])
}

/// Nobody attacks. Times come in nanoseconds and are stored in microseconds.
pub async fn stored_otherwise() -> Lab<Row> {
    let folder = tempfile::tempdir()?;
    let chain = Chain::open(&folder.path().join("chain.db"), Precision::AsGiven)?;
    let event = Event { occurred_ns: START.0 * 1_000 + 789, ..Event::plain(1) };
    chain.append(&event, recorded(1))?;
    let naive = Cell::honest_by("verifier", chain.verify(None));

    let text = Bytes::from_static(b"{\"when\":\"2026-01-05T03:00:00.123456789Z\", \"n\":1.0e0}");
    let books = Books::new()?;
    let ledger = books.open()?;
    let producer = books.enroll(&ledger, "gateway").await?;
    let event = FactsBuilder::new(Kind::DataAccessed, crate::books::event_id()?, START);
    let event = event.body("application/json", text.clone());
    let placed = ledger.append(producer.sign(Position::Unsequenced, event)?).await?;
    books.close(ledger)?;
    let ledger = books.open()?;
    let stored = ledger.reader().event(placed.first_index, Bodies::With)?;
    books.close(ledger)?;
    let same = matches!(stored.body, StoredBody::Opened { body, .. } if body == text);
    ensure("the body is what was sent", same)?;
    let deedbook = Cell::honest_by("`deedbook audit`", books.audit());
    Ok(Row::claimed(
        "-",
        "no attack: times hashed in nanoseconds, stored in microseconds (seen in the field)",
        naive,
        deedbook,
    ))
}
