//! Attack 16: text that takes the reader's terminal over when it is shown. Judged are the characters that would reach
//! the terminal, not what one terminal makes of them.

use crate::books::{Books, START, data_export, event_id};
use crate::chain::Event;
use crate::rewrite::{honest_chain, recorded};
use crate::verdict::{Cell, Lab, Row, Verdict, ensure};
use bytes::Bytes;
use deedbook::domain::escape_line;
use deedbook::ledger::{Bodies, StoredBody};
use deedbook::record::{FactsBuilder, Position};
use deedbook_verify::kind::Kind;

/// Clears the screen, writes over the line above, turns the reading direction.
const POISON: &str = "\u{1b}[2J\u{1b}[1A approved by mia \u{202e}\r";

/// The row of the table.
pub async fn run() -> Lab<Row> {
    let folder = tempfile::tempdir()?;
    let chain = honest_chain(folder.path())?;
    chain.append(&Event { action: POISON.to_owned(), ..Event::plain(80) }, recorded(80))?;
    let row = chain.rows()?.pop().ok_or("no row")?;
    let naive = judged("rows as text", &format!("{} {} {}", row.id, row.event.actor, row.event.action));

    let books = Books::new()?;
    let ledger = books.open()?;
    let producer = books.enroll(&ledger, "gateway").await?;
    // Facts hold registered codes and no free text, so nothing of the kind can stand there.
    let poisoned = producer.sign(Position::Unsequenced, data_export(START)?.action_type(POISON));
    ensure("facts take no such text", poisoned.is_err())?;
    let event = FactsBuilder::new(Kind::ExecutionReported, event_id()?, START);
    let event = event.body("text/plain", Bytes::from_static(POISON.as_bytes()));
    let placed = ledger.append(producer.sign(Position::Unsequenced, event)?).await?;
    let stored = ledger.reader().event(placed.first_index, Bodies::With)?;
    books.close(ledger)?;
    let StoredBody::Opened { body, .. } = stored.body else { return Err("control: the body is gone".into()) };
    ensure("the body is what was sent", body == POISON.as_bytes())?;
    let deedbook = judged("text as the command line shows it", &escape_line(&String::from_utf8_lossy(&body)));
    Ok(Row::claimed("16", "text that moves the cursor and turns the reading direction", naive, deedbook))
}

fn judged(judge: &'static str, shown: &str) -> Cell {
    match shown.chars().find(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(c)) {
        Some(found) => Cell::new(Verdict::Missed, judge, format!("U+{:04X} reaches the terminal", u32::from(found))),
        None => Cell::new(Verdict::Refused, judge, "escaped"),
    }
}
