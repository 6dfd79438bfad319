//! What an append costs with all that belongs to it, by the processor's time of each thread: admission, order, rows, syncing, the
//! engine's own work, and the fold beside it, whose thread is `lineage`. Frames are signed before, and no network is in it, so
//! the fold's share is larger here than a server's.

use deedbook::clock::{Clock, Stopwatch};
use deedbook::domain::{person_ref, source_ref};
use deedbook::ledger::{DataDir, Ledger, OpenOptions, init};
use deedbook::record::{FactsBuilder, FrameBytes, FrameSigner, Position, SigningKey, entropy, load_ref_key};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::EventId;
use std::collections::VecDeque;
use std::fmt::Display;
use std::path::Path;

/// Frames that are under way at once.
const WINDOW: usize = 256;

/// For each entry, in microseconds.
pub struct Appended {
    pub elapsed: f64,
    pub all_threads: f64,
    pub lineage_thread: f64,
}

/// Appends frames of so many events, each made from its number, to a new ledger on disk.
pub fn measure(events: u64, frame: u64, event: impl Fn(u64) -> FactsBuilder) -> Result<Appended, String> {
    let folder = tempfile::tempdir().map_err(text)?;
    let dir = DataDir::new(folder.path().join("data"));
    let ledger_id = init(&dir, "bench.example/log", &[], &Clock::system()).map_err(text)?.ledger;
    let refs = load_ref_key(&dir.ref_key()).map_err(text)?;
    let admin = SigningKey::load(&dir.admin_key()).map_err(text)?;
    let key = SigningKey::generate("bench").map_err(text)?;
    let source = source_ref(&refs, "bench").map_err(text)?;
    let person = person_ref(&refs, "", admin.name()).map_err(text)?;
    let ledger = Ledger::open(&dir, OpenOptions::default()).map_err(text)?;
    let id = EventId(entropy::array().map_err(text)?);
    let facts = FactsBuilder::new(Kind::KeyEnrolled, id, Clock::system().wall()).key_grant(key.public(), source);
    let admin = FrameSigner { ledger: ledger_id, source: person, key: &admin };
    let enrollment = admin.sign(Position::Unsequenced, vec![facts]).map_err(text)?;
    let signer = FrameSigner { ledger: ledger_id, source, key: &key };
    let frames = (0..events).step_by(frame as usize).map(|first| {
        let events = (first..events.min(first + frame)).map(&event).collect();
        signer.sign(Position::Unsequenced, events).map_err(text)
    });
    let frames = frames.collect::<Result<Vec<_>, _>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(text)?;
    let appended = runtime.block_on(async {
        ledger.append(enrollment).await.map_err(text)?;
        let (before, clock) = (Spent::read()?, Stopwatch::start());
        append(&ledger, frames).await?;
        let (elapsed, after) = (clock.seconds() * 1e6, Spent::read()?);
        let each = |nanos: u64| nanos as f64 / 1e3 / events as f64;
        Ok::<_, String>(Appended {
            elapsed: elapsed / events as f64,
            all_threads: each(after.all.saturating_sub(before.all)),
            lineage_thread: each(after.lineage.saturating_sub(before.lineage)),
        })
    });
    ledger.close();
    appended
}

async fn append(ledger: &Ledger, frames: Vec<FrameBytes>) -> Result<(), String> {
    let mut tickets = VecDeque::new();
    for frame in frames {
        let checked = ledger.admit(frame).map_err(text)?;
        tickets.push_back(ledger.submit(checked).await.map_err(text)?);
        if tickets.len() < WINDOW {
            continue;
        }
        if let Some(oldest) = tickets.pop_front() {
            oldest.placement().await.map_err(text)?;
        }
    }
    for ticket in tickets {
        ticket.placement().await.map_err(text)?;
    }
    Ok(())
}

/// Nanoseconds that threads of this process ran.
struct Spent {
    all: u64,
    lineage: u64,
}

impl Spent {
    fn read() -> Result<Spent, String> {
        let mut spent = Spent { all: 0, lineage: 0 };
        for task in std::fs::read_dir("/proc/self/task").map_err(text)? {
            let task = task.map_err(text)?.path();
            // A thread may have ended since it was listed.
            let (Some(name), Some(times)) = (read(&task, "comm"), read(&task, "schedstat")) else { continue };
            let nanos: u64 = times.split(' ').next().and_then(|nanos| nanos.parse().ok()).ok_or("no schedstat")?;
            spent.all += nanos;
            spent.lineage += if name.trim() == "lineage" { nanos } else { 0 };
        }
        Ok(spent)
    }
}

fn read(task: &Path, file: &str) -> Option<String> {
    std::fs::read_to_string(task.join(file)).ok()
}

fn text(error: impl Display) -> String {
    error.to_string()
}
