//! The append stream: opened, kept full within the server's credit, and opened again after a lost connection with the
//! unacknowledged frames byte for byte. It knows nothing of files.

use super::queue::Queue;
use crate::api::ClientError as Trouble;
use crate::api::proto;
use crate::api::proto::append_stream_request::{Message as Request, Open};
use crate::api::proto::append_stream_response::{Message as Response, Opened};
use crate::cli::Common;
use crate::cli::client::{self, Client};
use crate::cli::errors::Failure;
use crate::cli::output::remark;
use crate::cli::producer::Producer;
use crate::cli::progress::Progress;
use crate::clock::Stopwatch;
use crate::record::FactsBuilder;
use deedbook_verify::entry::Entry;
use deedbook_verify::hash::Salt;
use deedbook_verify::limits;
use std::time::Duration;
use tokio::sync::mpsc;

/// The first pause before another try.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// How long the server may take to end a stream.
const FINISH_MAX: Duration = Duration::from_secs(1);

/// An open stream.
struct Wire {
    requests: mpsc::Sender<proto::AppendStreamRequest>,
    replies: mpsc::Receiver<Result<proto::AppendStreamResponse, Trouble>>,
}

/// The stream of one source and epoch, over as many connections as it takes.
pub struct Link<'a> {
    common: &'a Common,
    producer: &'a Producer,
    client: Client,
    wire: Wire,
    /// The epoch that frames name.
    pub epoch: u32,
    /// The last sequence that was durable when the stream was opened first.
    pub last_durable: u64,
    credit_bytes: u64,
    retry_seconds: f64,
}

/// Connects to a server that answers, which may only be starting.
pub async fn connect(common: &Common, retry_seconds: u32) -> Result<Client, Failure> {
    let mut patience = Patience::new(f64::from(retry_seconds));
    // What a person sees while they wait is a remark: there is nothing to count yet.
    let mut progress = Progress::start("bytes");
    loop {
        let trouble = match Client::open(&common.server).await {
            Ok(mut client) => match client.ledger().await {
                Ok(_) => return Ok(client),
                Err(trouble) => trouble,
            },
            Err(trouble) => trouble,
        };
        if !trouble.retryable() {
            return Err(trouble.into());
        }
        patience.pause(trouble, &mut progress).await?;
    }
}

impl<'a> Link<'a> {
    /// Opens the stream where the source stands.
    pub async fn open(
        common: &'a Common,
        mut client: Client,
        producer: &'a Producer,
        retry_seconds: u32,
    ) -> Result<Link<'a>, Failure> {
        let (wire, opened) = open_wire(&mut client, producer, 0).await?;
        Ok(Link {
            common,
            producer,
            client,
            wire,
            epoch: opened.epoch,
            last_durable: opened.last_durable_sequence,
            credit_bytes: opened.credit_bytes,
            retry_seconds: f64::from(retry_seconds),
        })
    }

    /// Tells where events of this source stand, one answer for each id.
    pub async fn lookup(
        &mut self,
        ids: &[deedbook_verify::words::EventId],
        progress: &mut Progress,
    ) -> Result<Vec<Option<u64>>, Failure> {
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(usize::from(limits::FRAME_EVENTS_MAX)) {
            found.extend(self.lookup_chunk(ids, progress).await?);
        }
        Ok(found)
    }

    async fn lookup_chunk(
        &mut self,
        ids: &[deedbook_verify::words::EventId],
        progress: &mut Progress,
    ) -> Result<Vec<Option<u64>>, Failure> {
        let mut patience = Patience::new(self.retry_seconds);
        loop {
            match self.client.lookup(self.producer.source, ids).await {
                Err(trouble) if trouble.retryable() => patience.pause(trouble, progress).await?,
                answer => return Ok(answer?),
            }
        }
    }

    /// Whether the event at an index states what these facts do.
    pub async fn states(&mut self, index: u64, facts: &FactsBuilder, progress: &mut Progress) -> Result<bool, Failure> {
        let mut patience = Patience::new(self.retry_seconds);
        loop {
            let stored = match self.client.event(index, proto::EventView::Full).await {
                Err(trouble) if trouble.retryable() => {
                    patience.pause(trouble, progress).await?;
                    continue;
                }
                answer => answer?,
            };
            let unreadable =
                |_| Failure::failed(format!("the entry at index {index} is damaged"), "run `deedbook audit`");
            let entry = Entry::parse(&stored.entry).map_err(unreadable)?;
            // Without a body there is no salt, and none is used.
            let salt = Salt(stored.salt.as_ref().try_into().unwrap_or([0; 32]));
            return Ok(facts.matches(&entry.facts, salt));
        }
    }

    /// Sends what the credit allows, and waits until every frame is on its way.
    pub async fn send_all(&mut self, queue: &mut Queue, progress: &mut Progress) -> Result<(), Failure> {
        while queue.has_unsent() {
            let Some(frame) = queue.sendable(self.credit_bytes) else {
                self.receive(queue, progress).await?;
                continue;
            };
            let message = proto::AppendStreamRequest { message: Some(Request::Frame(frame.clone())) };
            let reply = tokio::select! {
                room = self.wire.requests.reserve() => match room {
                    Ok(room) => {
                        room.send(message);
                        queue.mark_sent();
                        continue;
                    }
                    // The stream has ended; its replies say why.
                    Err(_) => self.wire.replies.recv().await,
                },
                reply = self.wire.replies.recv() => reply,
            };
            self.take(reply, queue, progress).await?;
        }
        Ok(())
    }

    /// Waits for one reply and takes it; safe to drop while it waits.
    pub async fn receive(&mut self, queue: &mut Queue, progress: &mut Progress) -> Result<(), Failure> {
        let reply = self.reply().await;
        self.take(reply, queue, progress).await
    }

    /// Ends the stream when everything is acknowledged, and lets the server end its half.
    pub async fn finish(mut self) {
        drop(self.wire.requests);
        let drained = async { while self.wire.replies.recv().await.is_some() {} };
        // Whatever keeps the server, nothing depends on it any more.
        let _ = tokio::time::timeout(FINISH_MAX, drained).await;
    }

    /// The next reply; none when the stream has ended. Safe to drop while it waits.
    pub async fn reply(&mut self) -> Option<Result<proto::AppendStreamResponse, Trouble>> {
        self.wire.replies.recv().await
    }

    /// Takes a reply: an acknowledgement, the end of the connection, or a refusal.
    pub async fn take(
        &mut self,
        reply: Option<Result<proto::AppendStreamResponse, Trouble>>,
        queue: &mut Queue,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        match reply {
            Some(Ok(reply)) => acknowledge(reply, queue),
            Some(Err(trouble)) if !trouble.retryable() => Err(refusal(trouble, queue)),
            Some(Err(trouble)) => self.reopen(trouble, queue, progress).await,
            None => self.reopen(client::ended(), queue, progress).await,
        }
    }

    /// Opens the stream again, finds out what the server kept, and has the rest sent again.
    async fn reopen(&mut self, trouble: Trouble, queue: &mut Queue, progress: &mut Progress) -> Result<(), Failure> {
        queue.rewind();
        let mut patience = Patience::new(self.retry_seconds);
        let mut trouble = trouble;
        loop {
            patience.pause(trouble, progress).await?;
            match self.try_reopen(queue).await {
                Ok(Ok(())) => {
                    progress.say("");
                    return Ok(());
                }
                Ok(Err(failure)) => return Err(failure),
                Err(again) if again.retryable() => trouble = again,
                Err(fatal) => return Err(fatal.into()),
            }
        }
    }

    async fn try_reopen(&mut self, queue: &mut Queue) -> Result<Result<(), Failure>, Trouble> {
        let mut client = Client::open(&self.common.server).await?;
        let ledger = client.ledger().await?;
        if ledger.ledger_id != self.producer.ledger.as_bytes()[..] {
            let next = "point --server at the ledger that the append began with, and run the same command again";
            return Ok(Err(Failure::failed("another ledger answers at this address now", next)));
        }
        let (wire, opened) = open_wire(&mut client, self.producer, self.epoch).await?;
        (self.client, self.wire, self.credit_bytes) = (client, wire, opened.credit_bytes);
        // Frames that became durable although their acknowledgement was lost are found by their event ids.
        while let Some(flight) = queue.oldest().filter(|flight| flight.last() <= opened.last_durable_sequence) {
            let first = flight.first;
            let Some((id, ..)) = flight.events.first() else { break };
            let found = self.client.lookup(self.producer.source, &[*id]).await?;
            let Some(Some(index)) = found.first().copied() else { return Ok(Err(elsewhere())) };
            if queue.settle(first, index).is_none() {
                return Ok(Err(elsewhere()));
            }
        }
        match queue.oldest() {
            Some(flight) if flight.first <= opened.last_durable_sequence => Ok(Err(elsewhere())),
            _ => Ok(Ok(())),
        }
    }
}

/// Somebody else used the numbers that our frames were signed with.
fn elsewhere() -> Failure {
    Failure::failed(
        "another program appends as the same source",
        "let one program at a time append for a source, then run the same command again: nothing is appended twice",
    )
}

async fn open_wire(client: &mut Client, producer: &Producer, epoch: u32) -> Result<(Wire, Opened), Trouble> {
    let (requests, outgoing) = mpsc::channel(16);
    let open = Open { source: producer.source.0.to_vec().into(), epoch };
    let open = proto::AppendStreamRequest { message: Some(Request::Open(open)) };
    requests.send(open).await.map_err(|_| client::ended())?;
    let mut replies = client.append_stream(outgoing).await?;
    match replies.recv().await {
        Some(Ok(proto::AppendStreamResponse { message: Some(Response::Opened(opened)) })) => {
            Ok((Wire { requests, replies }, opened))
        }
        Some(Err(trouble)) => Err(trouble),
        Some(Ok(_)) | None => Err(client::ended()),
    }
}

fn acknowledge(reply: proto::AppendStreamResponse, queue: &mut Queue) -> Result<(), Failure> {
    let Some(Response::Ack(ack)) = reply.message else { return Ok(()) };
    for placement in ack.placements {
        if !placement.refusal_reason.is_empty() {
            let message = format!("refused by rule: {}", placement.refusal_reason);
            return Err(Failure::refused(message, format!("see `deedbook get {}`", placement.refusal_index)));
        }
        if queue.settle(placement.first_sequence, placement.first_index).is_none() {
            return Err(Failure::failed(
                format!("the server acknowledged sequence {}, which is not next", placement.first_sequence),
                "compare the versions of server and client, then run the same command again",
            ));
        }
    }
    Ok(())
}

/// A frame was not appended: it is the oldest one under way. Names the event when the server did.
fn refusal(trouble: Trouble, queue: &Queue) -> Failure {
    let offset = client::offset(&trouble).unwrap_or(0);
    let place = queue.oldest().and_then(|flight| flight.events.get(offset)).map(|(_, _, place)| place.to_string());
    let failure = Failure::from(trouble);
    match place {
        Some(place) => failure.at(&place),
        None => failure,
    }
}

/// Exponential pauses within a bound.
struct Patience {
    since: Stopwatch,
    seconds_max: f64,
    pause: Duration,
}

impl Patience {
    fn new(seconds_max: f64) -> Patience {
        Patience { since: Stopwatch::start(), seconds_max, pause: PAUSE_FIRST }
    }

    async fn pause(&mut self, trouble: Trouble, progress: &mut Progress) -> Result<(), Failure> {
        let waited = self.since.seconds();
        if waited + self.pause.as_secs_f64() > self.seconds_max {
            let failure = Failure::from(trouble).at(&format!("gave up after {waited:.0} s"));
            let next = "run the same command again when the server is back: what was appended is not appended twice";
            return Err(Failure { next: next.to_owned(), ..failure });
        }
        if self.pause == PAUSE_FIRST && !progress.is_visible() {
            remark(&format!("{trouble}; trying again for up to {:.0} s", self.seconds_max));
        }
        progress.say(&format!("the server is away; trying again, {waited:.0} of {:.0} s", self.seconds_max));
        tokio::time::sleep(self.pause).await;
        self.pause = self.pause.saturating_mul(2).min(PAUSE_MAX);
        Ok(())
    }
}
