//! The other side: an audit table with a hash chain, as a careful team writes it without a transparency log. SHA-256
//! over a JSON form of the columns and the previous hash, integer times in UTC, unique event ids, a write-ahead log with
//! full syncs, and a verifier that also compares with a head that somebody noted down. It does not compare recorded times with
//! each other, since writers on several machines have several clocks. Not a straw man: its weak points are those of the
//! audit logs that it is modelled on.

use rusqlite::{Connection, Row as SqlRow, params};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What precedes the first row.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// How long a connection waits for another one's write.
const BUSY: Duration = Duration::from_secs(10);

/// What the application hands over.
#[derive(Clone, Debug)]
pub struct Event {
    /// Unique.
    pub event_id: String,
    /// When it happened, nanoseconds UTC, as the language's clock gives it.
    pub occurred_ns: u64,
    /// Who did it.
    pub actor: String,
    /// What.
    pub action: String,
    /// Anything else.
    pub detail: String,
    /// Who approved it.
    pub approver: String,
}

impl Event {
    /// An event of no particular content.
    pub fn plain(number: u64) -> Event {
        Event {
            event_id: format!("event-{number}"),
            occurred_ns: (1_767_582_000_000_000 + number) * 1_000,
            actor: "crawler".to_owned(),
            action: "data.export".to_owned(),
            detail: "{}".to_owned(),
            approver: "mia".to_owned(),
        }
    }
}

/// A stored row.
#[derive(Clone, Debug)]
pub struct Stored {
    /// From 1.
    pub id: i64,
    /// The event; its time in microseconds, which is what the column holds.
    pub event: Event,
    /// When the service wrote it, microseconds UTC.
    pub recorded_us: i64,
    /// The hash of the row before.
    pub prev_hash: String,
    /// This row's.
    pub hash: String,
}

/// What is hashed: every column but `approver`, which a later migration added. Old rows had to go on verifying.
#[derive(Serialize)]
struct Hashed<'a> {
    prev_hash: &'a str,
    event_id: &'a str,
    occurred: u64,
    recorded_us: i64,
    actor: &'a str,
    action: &'a str,
    detail: &'a str,
}

/// How the chain treats time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// What is stored is what is hashed.
    AsStored,
    /// The event is hashed as the application holds it, in nanoseconds; the column holds microseconds.
    AsGiven,
}

/// A head that somebody noted down: row and hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The row.
    pub id: i64,
    /// Its hash.
    pub hash: String,
}

/// What the verifier objects to.
#[derive(Debug)]
pub struct Tampered {
    /// The first row that is not as it must be.
    pub id: i64,
    /// Why.
    pub what: &'static str,
}

impl fmt::Display for Tampered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: row {}", self.what, self.id)
    }
}

impl std::error::Error for Tampered {}

/// One connection to the table.
pub struct Chain {
    path: PathBuf,
    /// The database. Whoever has it can do what they like.
    pub database: Connection,
    precision: Precision,
}

impl Chain {
    /// Opens a database, and makes the table if there is none.
    pub fn open(path: &Path, precision: Precision) -> rusqlite::Result<Chain> {
        let database = Connection::open(path)?;
        database.busy_timeout(BUSY)?;
        database.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        database.execute_batch(
            "PRAGMA synchronous = FULL;
             CREATE TABLE IF NOT EXISTS audit_log (
               id INTEGER PRIMARY KEY, event_id TEXT NOT NULL UNIQUE, occurred_us INTEGER NOT NULL,
               recorded_us INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, detail TEXT NOT NULL,
               approver TEXT NOT NULL DEFAULT '', prev_hash TEXT NOT NULL, hash TEXT NOT NULL)",
        )?;
        Ok(Chain { path: path.to_owned(), database, precision })
    }

    /// Another connection to the same database.
    pub fn again(&self) -> rusqlite::Result<Chain> {
        Chain::open(&self.path, self.precision)
    }

    /// Reads the last hash, and inserts a row behind it.
    pub fn append(&self, event: &Event, recorded_us: i64) -> rusqlite::Result<()> {
        let last = self.database.query_row("SELECT hash FROM audit_log ORDER BY id DESC LIMIT 1", [], |row| row.get(0));
        let prev_hash = match last {
            Err(rusqlite::Error::QueryReturnedNoRows) => GENESIS.to_owned(),
            last => last?,
        };
        let hash = self.hash(&prev_hash, event, recorded_us);
        self.database.execute(
            "INSERT INTO audit_log (event_id, occurred_us, recorded_us, actor, action, detail, approver, prev_hash, hash)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                event.event_id,
                i64::try_from(event.occurred_ns / 1_000).unwrap_or(i64::MAX),
                recorded_us,
                event.actor,
                event.action,
                event.detail,
                event.approver,
                prev_hash,
                hash
            ],
        )?;
        Ok(())
    }

    /// The hash of a row.
    pub fn hash(&self, prev_hash: &str, event: &Event, recorded_us: i64) -> String {
        let occurred = match self.precision {
            Precision::AsStored => event.occurred_ns / 1_000,
            Precision::AsGiven => event.occurred_ns,
        };
        let Event { event_id, actor, action, detail, .. } = event;
        let hashed = Hashed { prev_hash, event_id, occurred, recorded_us, actor, action, detail };
        // Strings and integers always have a JSON form.
        hex(&Sha256::digest(serde_json::to_vec(&hashed).unwrap_or_default()))
    }

    /// All rows in order.
    pub fn rows(&self) -> rusqlite::Result<Vec<Stored>> {
        let mut statement = self.database.prepare(
            "SELECT id, event_id, occurred_us, actor, action, detail, approver, recorded_us, prev_hash, hash
             FROM audit_log ORDER BY id",
        )?;
        statement.query_map([], stored)?.collect()
    }

    /// The newest row, to note down.
    pub fn head(&self) -> rusqlite::Result<Pin> {
        let last = "SELECT id, hash FROM audit_log ORDER BY id DESC LIMIT 1";
        self.database.query_row(last, [], |row| Ok(Pin { id: row.get(0)?, hash: row.get(1)? }))
    }

    /// The verifier: recomputes every hash from genesis on, and looks for a head that was noted down.
    pub fn verify(&self, noted: Option<&Pin>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let rows = self.rows()?;
        self.verify_rows(&rows, GENESIS, 1)?;
        match noted {
            Some(pin) if !rows.iter().any(|row| row.id == pin.id && row.hash == pin.hash) => {
                Err(Tampered { id: pin.id, what: "the head that was noted down is gone" }.into())
            }
            _ => Ok(()),
        }
    }

    /// Rows that follow each other from a hash and an id on: what an export says of itself.
    pub fn verify_rows(&self, rows: &[Stored], before: &str, first_id: i64) -> Result<(), Tampered> {
        let mut prev_hash = before;
        for (row, id) in rows.iter().zip(first_id..) {
            let tampered = |what| Tampered { id: row.id, what };
            if row.id != id {
                return Err(tampered("a row is missing"));
            }
            if row.prev_hash != prev_hash {
                return Err(tampered("the previous hash is another"));
            }
            if row.hash != self.hash(prev_hash, &row.event, row.recorded_us) {
                return Err(tampered("the hash is not the row's"));
            }
            prev_hash = &row.hash;
        }
        Ok(())
    }
}

fn stored(row: &SqlRow<'_>) -> rusqlite::Result<Stored> {
    let occurred_us: i64 = row.get(2)?;
    Ok(Stored {
        id: row.get(0)?,
        event: Event {
            event_id: row.get(1)?,
            occurred_ns: u64::try_from(occurred_us).unwrap_or(0).saturating_mul(1_000),
            actor: row.get(3)?,
            action: row.get(4)?,
            detail: row.get(5)?,
            approver: row.get(6)?,
        },
        recorded_us: row.get(7)?,
        prev_hash: row.get(8)?,
        hash: row.get(9)?,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
