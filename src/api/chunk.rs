//! Chunks of a stream's frames: what is ready is taken together and checked together. A chunk knows its frames'
//! sequences and cost, and nothing of acknowledgements.

use crate::api::convert;
use crate::api::order::Order;
use crate::api::proto::append_stream_request::Message;
use crate::api::proto::{AppendStreamRequest, Frame, Reason};
use crate::api::reason::{Fault, complete};
use crate::api::stream::Session;
use crate::clock::Stopwatch;
use crate::ledger::{CheckedFrame, Ledger, Ticket};
use crate::limits;
use deedbook_verify::frame::FrameHeader;
use deedbook_verify::words::Sequence;
use prost::Message as _;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;
use tokio_stream::Stream as _;
use tonic::{Status, Streaming};

/// What could be taken from the socket without waiting, and whether it was the end.
#[derive(Debug, Default)]
pub struct Ready {
    /// The frames, in order.
    pub frames: Vec<Frame>,
    /// Set when nothing follows: the client's end, or why the stream ends.
    pub end: Option<Result<(), Status>>,
}

impl Ready {
    /// Nothing but an end.
    pub fn ended(status: Status) -> Ready {
        Ready { frames: Vec::new(), end: Some(Err(status)) }
    }

    /// Takes messages until a chunk is full or none is ready; whether the chunk can go.
    fn fill(&mut self, incoming: &mut Streaming<AppendStreamRequest>, context: &mut Context<'_>) -> bool {
        let mut bytes = 0u64;
        while self.frames.len() < limits::STREAM_CHUNK_FRAMES_MAX && bytes < limits::STREAM_CHUNK_BYTES_MAX {
            let end = match Pin::new(&mut *incoming).poll_next(context) {
                Poll::Pending => return !self.frames.is_empty(),
                Poll::Ready(Some(Ok(AppendStreamRequest { message: Some(Message::Frame(frame)) }))) => {
                    bytes = bytes.saturating_add(cost(&frame));
                    self.frames.push(frame);
                    continue;
                }
                Poll::Ready(Some(Ok(_))) => {
                    let message = "only the first message is Open; each other holds a frame";
                    Err(Fault::new(Reason::OpenMisplaced, message).into())
                }
                Poll::Ready(Some(Err(status))) => Err(broken(status)),
                Poll::Ready(None) => Ok(()),
            };
            self.end = Some(end);
            return true;
        }
        true
    }
}

/// Why nothing more can be read. A connection that broke is the client's end, and no failure of ours.
pub fn broken(status: Status) -> Status {
    match std::error::Error::source(&status) {
        Some(_) => Fault::new(Reason::Cancelled, "the client's connection ended").into(),
        None => complete(status),
    }
}

/// Waits for a frame and takes what is ready behind it.
pub async fn ready(incoming: &mut Streaming<AppendStreamRequest>) -> Ready {
    let mut ready = Ready::default();
    poll_fn(|context| if ready.fill(incoming, context) { Poll::Ready(()) } else { Poll::Pending }).await;
    ready
}

/// What a frame costs in credit: its serialized size.
pub fn cost(frame: &Frame) -> u64 {
    u64::try_from(frame.encoded_len()).unwrap_or(u64::MAX)
}

/// A frame that the ledger admitted.
struct Admitted {
    frame: CheckedFrame,
    first: Sequence,
    last: Sequence,
    cost: u64,
}

/// A frame that waits for its commit.
pub struct Submitted {
    /// Resolves when the frame is durable, or refused.
    pub ticket: Ticket,
    /// Sequence of its first event.
    pub first: Sequence,
    /// Sequence of its last event.
    pub last: Sequence,
    /// Credit that its acknowledgement returns.
    pub cost: u64,
    /// Runs since it was submitted.
    pub watch: Stopwatch,
}

/// Checked frames up to the first that was refused.
pub struct Chunk {
    admitted: Vec<Admitted>,
    fault: Option<Fault>,
}

/// Checks signatures and commitments, one frame after the other. Runs as long as `STREAM_CHUNK_BYTES_MAX` allows, about
/// a millisecond, which a runtime of few threads can bear.
pub fn check(ledger: &Ledger, session: Session, frames: Vec<Frame>) -> Chunk {
    let mut chunk = Chunk { admitted: Vec::with_capacity(frames.len()), fault: None };
    for frame in frames {
        match admit(ledger, session, frame) {
            Ok(admitted) => chunk.admitted.push(admitted),
            Err(fault) => {
                chunk.fault = Some(fault);
                break;
            }
        }
    }
    chunk
}

fn admit(ledger: &Ledger, session: Session, frame: Frame) -> Result<Admitted, Fault> {
    let cost = cost(&frame);
    let header = FrameHeader::parse(&frame.header)?;
    if header.source != session.source || header.epoch != session.epoch {
        let message = format!(
            "a frame of source {} and epoch {} on the stream of source {} and epoch {}",
            header.source, header.epoch, session.source, session.epoch
        );
        return Err(Fault::new(Reason::StreamDiffers, message).with("field", "frame.header"));
    }
    let first = header.first_sequence;
    let last = header.sequence_at(header.n.saturating_sub(1));
    Ok(Admitted { frame: ledger.admit(convert::frame(frame)?)?, first, last, cost })
}

impl Chunk {
    /// Hands the frames to the ledger in order, and their tickets on. An error ends the stream.
    pub async fn submit(
        self,
        ledger: &Ledger,
        order: &mut Order,
        to_settle: &mpsc::Sender<Result<Submitted, Status>>,
    ) -> Result<(), Status> {
        let gone = || Status::from(Fault::new(Reason::Cancelled, "nobody waits for the answers"));
        let mut run = Vec::with_capacity(self.admitted.len());
        for admitted in self.admitted {
            if !order.flows(admitted.first) {
                hand_over(ledger, std::mem::take(&mut run), to_settle).await?;
            }
            if !order.turn(admitted.first, admitted.last).await {
                return Err(gone());
            }
            run.push(admitted);
        }
        hand_over(ledger, run, to_settle).await?;
        self.fault.map_or(Ok(()), |fault| Err(fault.into()))
    }
}

/// Frames that need not wait for one another go to the ledger together.
async fn hand_over(
    ledger: &Ledger,
    run: Vec<Admitted>,
    to_settle: &mpsc::Sender<Result<Submitted, Status>>,
) -> Result<(), Status> {
    if run.is_empty() {
        return Ok(());
    }
    let watch = Stopwatch::start();
    let mut frames = Vec::with_capacity(run.len());
    let places: Vec<_> = run
        .into_iter()
        .map(|admitted| {
            frames.push(admitted.frame);
            (admitted.first, admitted.last, admitted.cost)
        })
        .collect();
    let tickets = ledger.submit_all(frames).await.map_err(|error| Status::from(Fault::from(error)))?;
    for (ticket, (first, last, cost)) in tickets.into_iter().zip(places) {
        let submitted = Submitted { ticket, first, last, cost, watch };
        if to_settle.send(Ok(submitted)).await.is_err() {
            return Err(Fault::new(Reason::Cancelled, "nobody waits for the answers").into());
        }
    }
    Ok(())
}
