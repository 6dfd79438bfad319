//! Attack 6: somebody who listened on the wire sends again what was sent once.

use crate::books::{Books, START, data_export, event_id};
use crate::chain::Event;
use crate::rewrite::{honest_chain, recorded};
use crate::verdict::{Cell, Lab, Row, Verdict};
use bytes::Bytes;
use deedbook::record::{EventBytes, FrameBytes, Position};
use deedbook_verify::facts::Facts;

/// The rows of the table.
pub async fn run() -> Lab<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let chain = honest_chain(folder.path())?;
    let heard = Event::plain(3);
    let same = Cell::refused_by("unique event id", chain.append(&heard, recorded(60)));
    // Nothing ties the id to the rest of the event.
    let renamed = Event { event_id: "event-60".to_owned(), ..heard };
    chain.append(&renamed, recorded(60))?;
    let fresh = Cell::refused_by("verifier", chain.verify(None));
    let foreign = honest_chain(tempfile::tempdir()?.path())?;
    foreign.append(&renamed, recorded(61))?;
    let elsewhere = Cell::refused_by("verifier", foreign.verify(None));

    let books = Books::new()?;
    let ledger = books.open()?;
    let producer = books.enroll(&ledger, "gateway").await?;
    let frame = producer.sign(Position::Unsequenced, data_export(START)?)?;
    ledger.append(frame.clone()).await?;
    let size = ledger.reader().head().size;
    let again = ledger.append(frame.clone()).await?;
    let deedbook_same = match again.repeated && ledger.reader().head().size == size {
        true => Cell::new(Verdict::Refused, "append", "the first answer again, nothing appended"),
        false => Cell::new(Verdict::Missed, "append", ""),
    };
    let forged = with_another_id(&frame)?;
    let deedbook_fresh = Cell::refused_by("append", ledger.append(forged).await);
    books.close(ledger)?;

    let others = Books::new()?;
    let ledger = others.open()?;
    others.enroll(&ledger, "gateway").await?;
    let deedbook_elsewhere = Cell::refused_by("append", ledger.append(frame).await);
    others.close(ledger)?;
    Ok(vec![
        Row::claimed("6", "an event that was overheard is sent again", same, deedbook_same),
        Row::claimed("6", "the same under a fresh event id", fresh, deedbook_fresh),
        Row::claimed("6", "the same to another log of the same company", elsewhere, deedbook_elsewhere),
    ])
}

/// The frame with another event id, as far as somebody without the producer's key can make it.
fn with_another_id(frame: &FrameBytes) -> Lab<FrameBytes> {
    let event = frame.events.first().ok_or("an empty frame")?;
    let old = Facts::parse(&event.facts)?.event_id.0;
    let facts = crate::insider::substitute(&event.facts, &old, &event_id()?.0)?;
    let root = |facts: &[u8]| deedbook_verify::hash::leaf(facts).0;
    let header = crate::insider::substitute(&frame.header, &root(&event.facts), &root(&facts))?;
    let event = EventBytes { facts: Bytes::from(facts), salt_and_body: event.salt_and_body.clone() };
    Ok(FrameBytes { header: Bytes::from(header), signatures: frame.signatures.clone(), events: vec![event] })
}
