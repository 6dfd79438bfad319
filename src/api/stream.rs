//! `AppendStream`: one source, one epoch, many frames in flight.
//!
//! Three stages, joined by bounded channels, keep the order of the frames while both cores check signatures:
//! *read* takes the frames that are ready, in small chunks, and gives each chunk to a task of its own; *submit* takes
//! the checked chunks in order and hands their frames to the ledger; *settle* waits for the commits in order and
//! acknowledges several at once. The first fault of any stage travels behind the frames before it and ends the stream,
//! so that these are acknowledged first. Whether a frame may be appended is the ledger's question.

use crate::api::annotate;
use crate::api::chunk::{self, Chunk, Submitted};
use crate::api::convert;
use crate::api::order::Order;
use crate::api::proto::append_stream_request::{Message, Open};
use crate::api::proto::append_stream_response::{Message as Answer, Opened};
use crate::api::proto::{AppendStreamRequest, AppendStreamResponse, Reason};
use crate::api::reason::{Fault, complete};
use crate::api::settle;
use crate::api::shared::{Shared, deadline, late, stopping_fault, until_deadline};
use crate::ledger::Reader;
use crate::limits;
use deedbook_verify::words::{Epoch, Ref, Sequence};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};

/// Where answers go.
pub type Answers = mpsc::Sender<Result<AppendStreamResponse, Status>>;
/// A chunk whose signatures are being checked, or the fault that ended reading.
type Checking = Result<JoinHandle<Chunk>, Status>;

/// What the frames of a stream must agree with.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    /// The opened source.
    pub source: Ref,
    /// The opened epoch.
    pub epoch: Epoch,
}

/// Starts a stream. It answers at once: a client may wait for the first headers before it says Open.
pub fn open(
    shared: &Arc<Shared>,
    request: Request<Streaming<AppendStreamRequest>>,
) -> Result<Response<ReceiverStream<Result<AppendStreamResponse, Status>>>, Fault> {
    let permit = shared.enter_stream()?;
    let limit = deadline(request.metadata());
    let (answers, stream) = mpsc::channel(limits::STREAM_RESPONSES_MAX);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let _permit = permit;
        let end = tokio::select! {
            () = until_deadline(limit) => Err(late().into()),
            end = serve(&shared, request.into_inner(), &answers) => end,
        };
        annotate::count("AppendStream", end.as_ref().err().map_or(Code::Ok, Status::code));
        if let Err(status) = end {
            // A client that is gone needs no status.
            let _ = answers.send(Err(status)).await;
        }
    });
    Ok(Response::new(ReceiverStream::new(stream)))
}

async fn serve(
    shared: &Arc<Shared>,
    mut incoming: Streaming<AppendStreamRequest>,
    answers: &Answers,
) -> Result<(), Status> {
    let opening = async { resolve(shared, expect_open(&mut incoming).await?).await.map_err(Status::from) };
    let opened = timeout(limits::STREAM_OPEN_TIMEOUT, opening).await.map_err(|_| {
        Status::from(Fault::new(Reason::OpenMisplaced, "the stream stayed silent instead of saying Open"))
    })?;
    let (session, last) = opened?;
    let message = Answer::Opened(Opened {
        epoch: session.epoch.0,
        last_durable_sequence: last.0,
        credit_bytes: limits::STREAM_CREDIT_BYTES,
    });
    if answers.send(Ok(AppendStreamResponse { message: Some(message) })).await.is_err() {
        return Ok(());
    }
    let credit = Arc::new(AtomicU64::new(limits::STREAM_CREDIT_BYTES));
    let (to_submit, checking) = mpsc::channel(limits::STREAM_CHUNKS_MAX);
    let (to_settle, submitted) = mpsc::channel(limits::STREAM_TICKETS_MAX);
    let reading = read(Arc::clone(shared), session, incoming, Arc::clone(&credit), to_submit);
    tokio::spawn(reading);
    let (settled, settled_count) = watch::channel(0);
    tokio::spawn(submit(Arc::clone(shared), Order::new(last, settled_count), checking, to_settle));
    settle::settle(submitted, last, settle::Returns { credit: &credit, settled: &settled, answers }).await
}

async fn expect_open(incoming: &mut Streaming<AppendStreamRequest>) -> Result<Open, Status> {
    match incoming.message().await.map_err(complete)? {
        Some(AppendStreamRequest { message: Some(Message::Open(open)) }) => Ok(open),
        Some(_) | None => Err(Fault::new(Reason::OpenMisplaced, "the first message of a stream is Open").into()),
    }
}

/// The epoch that the stream writes in, and its last durable sequence.
async fn resolve(shared: &Shared, open: Open) -> Result<(Session, Sequence), Fault> {
    let source = Ref(convert::array("open.source", &open.source)?);
    let known = shared.read(move |reader: &Reader| reader.source_head(source)).await?;
    let known = known.map(|head| (head.epoch, head.sequence));
    let (epoch, last) = match (open.epoch, known) {
        (0, Some((epoch, last))) if epoch.0 > 0 => (epoch, last),
        (0, _) => (Epoch(1), Sequence(0)),
        (asked, Some((epoch, last))) if asked == epoch.0 => (epoch, last),
        (asked, Some((last, _))) if asked < last.0 => {
            let message = format!("epoch {asked} is over, the source's last is {last}");
            return Err(Fault::new(Reason::EpochNotNew, message).with("last_epoch", last));
        }
        (asked, _) => (Epoch(asked), Sequence(0)),
    };
    Ok((Session { source, epoch }, last))
}

/// Stage one. It ends with the client's half of the stream, with a fault, or when nobody listens any more.
async fn read(
    shared: Arc<Shared>,
    session: Session,
    mut incoming: Streaming<AppendStreamRequest>,
    credit: Arc<AtomicU64>,
    to_submit: mpsc::Sender<Checking>,
) {
    let stopping = shared.stopping();
    tokio::pin!(stopping);
    loop {
        let ready = tokio::select! {
            biased;
            () = to_submit.closed() => return,
            () = &mut stopping => chunk::Ready::ended(stopping_fault().into()),
            ready = chunk::ready(&mut incoming) => ready,
        };
        let cost = ready.frames.iter().map(chunk::cost).fold(0, u64::saturating_add);
        // Only this stage takes credit, so that a check before the subtraction is enough.
        if credit.load(Ordering::Acquire) < cost {
            let message = format!("more than {} bytes are under way", limits::STREAM_CREDIT_BYTES);
            let fault = Fault::new(Reason::CreditExceeded, message).with("credit_bytes", limits::STREAM_CREDIT_BYTES);
            let _ = to_submit.send(Err(fault.into())).await;
            return;
        }
        credit.fetch_sub(cost, Ordering::AcqRel);
        if !ready.frames.is_empty() {
            let Ok(place) = to_submit.reserve().await else { return };
            let ledger = shared.ledger.clone();
            // A task for each chunk, not for each frame: the runtime spreads them over the cores.
            place.send(Ok(tokio::spawn(async move { chunk::check(&ledger, session, ready.frames) })));
        }
        match ready.end {
            None => {}
            Some(Ok(())) => return,
            Some(Err(status)) => {
                let _ = to_submit.send(Err(status)).await;
                return;
            }
        }
    }
}

/// Stage two: the only caller of `submit` for this stream, so that the ledger sees the frames in their order.
async fn submit(
    shared: Arc<Shared>,
    mut order: Order,
    mut checking: mpsc::Receiver<Checking>,
    to_settle: mpsc::Sender<Result<Submitted, Status>>,
) {
    while let Some(chunk) = checking.recv().await {
        let end = match chunk {
            Err(status) => Some(status),
            Ok(task) => match task.await {
                Err(_) => Some(Fault::new(Reason::Internal, "a check of signatures ended early").into()),
                Ok(chunk) => chunk.submit(&shared.ledger, &mut order, &to_settle).await.err(),
            },
        };
        if let Some(status) = end {
            // Dropping the receiver behind this drops what was sent later, unexamined.
            let _ = to_settle.send(Err(status)).await;
            return;
        }
    }
}
