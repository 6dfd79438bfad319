//! What an append costs with all that belongs to it, by the processor's time of each thread: admission, order, rows, syncing, the
//! engine's own work, and the fold beside it, whose thread is `lineage`. Frames are signed before. Once by calls within this
//! process, and once as a server has it that a producer streams to; the producer's own thread, `client`, is not counted.

use deedbook::api::proto::append_stream_request::{Message, Open};
use deedbook::api::proto::append_stream_response::Message as Answer;
use deedbook::api::proto::{AppendStreamRequest, Frame};
use deedbook::api::{GrpcServer, connect, frame_cost, to_frame};
use deedbook::clock::{Clock, Stopwatch};
use deedbook::domain::{person_ref, source_ref};
use deedbook::ledger::{DataDir, Ledger, OpenOptions, init};
use deedbook::record::{FactsBuilder, FrameBytes, FrameSigner, Position, SigningKey, entropy, load_ref_key};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Epoch, EventId, Ref, Sequence};
use std::collections::VecDeque;
use std::fmt::Display;
use std::path::Path;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Frames that are under way at once.
const WINDOW: usize = 256;

/// How frames reach the ledger.
#[derive(Clone, Copy)]
pub enum Way {
    Called,
    Streamed,
}

/// For each entry, in microseconds.
pub struct Appended {
    pub elapsed: f64,
    pub all_threads: f64,
    pub lineage_thread: f64,
}

/// Appends frames of so many events, each made from its number, to a new ledger on disk.
pub fn measure(way: Way, (events, frame): (u64, u64), event: impl Fn(u64) -> FactsBuilder) -> Result<Appended, String> {
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
        signer.sign(Position::Sequenced { epoch: Epoch(1), first: Sequence(first + 1) }, events).map_err(text)
    });
    let frames = frames.collect::<Result<Vec<_>, _>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(text)?;
    runtime.block_on(ledger.append(enrollment)).map_err(text)?;
    let (elapsed, spent) = match way {
        Way::Called => {
            let (before, clock) = (Spent::read()?, Stopwatch::start());
            runtime.block_on(append(&ledger, frames))?;
            (clock.seconds(), Spent::read()?.since(&before))
        }
        Way::Streamed => streamed(&ledger, source, frames)?,
    };
    ledger.close();
    let each = |nanos: u64| nanos as f64 / 1e3 / events as f64;
    Ok(Appended {
        elapsed: elapsed * 1e6 / events as f64,
        all_threads: each(spent.all),
        lineage_thread: each(spent.lineage),
    })
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

/// Serves the ledger to one producer; the seconds that its frames took, and what the server's threads did meanwhile.
fn streamed(ledger: &Ledger, source: Ref, frames: Vec<FrameBytes>) -> Result<(f64, Spent), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(text)?;
    let anywhere = ([127, 0, 0, 1], 0).into();
    let server = runtime.block_on(GrpcServer::start(ledger.clone(), Clock::system(), anywhere)).map_err(text)?;
    let address = format!("http://{}", server.address());
    let frames = frames.into_iter().map(to_frame).collect();
    let client = std::thread::Builder::new().name("client".to_owned()).spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(text)?;
        runtime.block_on(stream(&address, source, frames))
    });
    let spent = client.map_err(text)?.join().map_err(|_| "the producer broke off")??;
    runtime.block_on(server.stop());
    Ok(spent)
}

async fn stream(address: &str, source: Ref, frames: Vec<Frame>) -> Result<(f64, Spent), String> {
    let mut ledger = connect(address).await.map_err(text)?.ledger;
    let (outgoing, requests) = mpsc::channel(WINDOW);
    let request = |message| AppendStreamRequest { message: Some(message) };
    let open = Open { source: source.as_bytes().to_vec().into(), epoch: 1 };
    outgoing.send(request(Message::Open(open))).await.map_err(text)?;
    let mut answers = ledger.append_stream(ReceiverStream::new(requests)).await.map_err(text)?.into_inner();
    let mut credit = 0;
    let (before, clock) = (Spent::read()?, Stopwatch::start());
    for frame in frames {
        let cost = frame_cost(&frame);
        while credit < cost {
            credit += match answers.message().await.map_err(text)?.and_then(|answer| answer.message) {
                Some(Answer::Opened(opened)) => opened.credit_bytes,
                Some(Answer::Ack(ack)) => ack.credit_bytes,
                None => return Err("the server closed the stream".to_owned()),
            };
        }
        credit -= cost;
        outgoing.send(request(Message::Frame(frame))).await.map_err(text)?;
    }
    drop(outgoing);
    // The server ends the stream once all frames are settled.
    while answers.message().await.map_err(text)?.is_some() {}
    Ok((clock.seconds(), Spent::read()?.since(&before)))
}

/// Nanoseconds that threads of this process ran, but a producer's.
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
            match name.trim() {
                "client" => continue,
                "lineage" => spent.lineage += nanos,
                _ => {}
            }
            spent.all += nanos;
        }
        Ok(spent)
    }

    fn since(&self, before: &Spent) -> Spent {
        Spent { all: self.all.saturating_sub(before.all), lineage: self.lineage.saturating_sub(before.lineage) }
    }
}

fn read(task: &Path, file: &str) -> Option<String> {
    std::fs::read_to_string(task.join(file)).ok()
}

fn text(error: impl Display) -> String {
    error.to_string()
}
