//! Attack 13, which needs no attacker: several writers at once. The chain's append reads the last hash and inserts a
//! row, each its own statement, as applications with a connection pool do; in PostgreSQL a transaction at the default
//! isolation level lets the same happen.

use crate::books::{Books, START, data_export};
use crate::chain::{Chain, Event, Precision};
use crate::rewrite::recorded;
use crate::verdict::{Cell, Lab, Row, control, ensure};
use deedbook::record::Position;
use std::sync::Barrier;

const WRITERS: u64 = 8;
const EACH: u64 = 8;

/// The row of the table.
pub async fn run() -> Lab<Row> {
    let folder = tempfile::tempdir()?;
    let chain = Chain::open(&folder.path().join("chain.db"), Precision::AsStored)?;
    chain.append(&Event::plain(0), recorded(0))?;
    control("one writer", chain.verify(None))?;
    write_at_once(&chain)?;
    ensure("no row was lost", u64::try_from(chain.rows()?.len())? == 1 + WRITERS * EACH)?;
    let naive = Cell::honest_by("verifier", chain.verify(None));

    let books = Books::new()?;
    let ledger = books.open()?;
    let producer = books.enroll(&ledger, "gateway").await?;
    let first = ledger.reader().head().size.0;
    let mut tickets = Vec::new();
    for _ in 0..WRITERS * EACH {
        let frame = producer.sign(Position::Unsequenced, data_export(START)?)?;
        // Each is on its way before any has an answer.
        tickets.push(ledger.submit(ledger.admit(frame)?).await?);
    }
    for ticket in tickets {
        ticket.placement().await?;
    }
    ensure("no event was lost", ledger.reader().head().size.0 == first + WRITERS * EACH)?;
    books.close(ledger)?;
    let deedbook = Cell::honest_by("`deedbook audit`", books.audit());
    Ok(Row::claimed("13", "no attack: eight writers at once (seen in the field)", naive, deedbook))
}

fn write_at_once(chain: &Chain) -> Lab<()> {
    let start = Barrier::new(usize::try_from(WRITERS)?);
    let connections = (0..WRITERS).map(|_| chain.again()).collect::<Result<Vec<Chain>, _>>()?;
    std::thread::scope(|scope| {
        let start = &start;
        let begin = |(chain, writer): (Chain, u64)| scope.spawn(move || write(&chain, writer, start));
        let threads: Vec<_> = connections.into_iter().zip(0..).map(begin).collect();
        for thread in threads {
            thread.join().map_err(|_| "a writer ended early")??;
        }
        Ok(())
    })
}

fn write(chain: &Chain, writer: u64, start: &Barrier) -> rusqlite::Result<()> {
    start.wait();
    (1..=EACH).try_for_each(|number| {
        let number = writer * EACH + number;
        chain.append(&Event::plain(number), recorded(number))
    })
}
