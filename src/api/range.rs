//! `ReadEvents`: a range of the log in messages of bounded size. A slow reader holds one batch, never a thread or a
//! snapshot.

use crate::api::annotate;
use crate::api::convert;
use crate::api::proto::{ReadEventsRequest, ReadEventsResponse, Reason, StoredEvent};
use crate::api::reason::Fault;
use crate::api::shared::{Shared, deadline, late, stopping_fault, until_deadline};
use crate::ledger::{Bodies, ReadError, Reader};
use crate::limits;
use deedbook_verify::words::Index;
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status};

type Answers = mpsc::Sender<Result<ReadEventsResponse, Status>>;

/// Starts a read.
pub fn open(
    shared: &Arc<Shared>,
    request: Request<ReadEventsRequest>,
) -> Result<Response<ReceiverStream<Result<ReadEventsResponse, Status>>>, Fault> {
    let limit = deadline(request.metadata());
    let request = request.into_inner();
    let bodies = convert::bodies(request.view)?;
    let size = shared.ledger.reader().head().size;
    let to = request.to.unwrap_or(size.0);
    if to > size.0 {
        let message = format!("the range ends at {to}, the log at {size}");
        return Err(Fault::new(Reason::OutsideTree, message).with("tree_size", size));
    }
    if request.from > to {
        return Err(Fault::field("from", format!("{} is behind the range's end, {to}", request.from)));
    }
    let permit = shared.enter_stream()?;
    let (answers, stream) = mpsc::channel(limits::STREAM_RESPONSES_MAX);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let _permit = permit;
        let end = tokio::select! {
            () = until_deadline(limit) => Err(late()),
            () = shared.stopping() => Err(stopping_fault()),
            () = answers.closed() => Ok(()),
            end = send(&shared, Index(request.from), Index(to), bodies, &answers) => end,
        };
        let status = end.map_err(Status::from);
        annotate::count("ReadEvents", status.as_ref().err().map_or(Code::Ok, Status::code));
        if let Err(status) = status {
            // A client that is gone needs no status.
            let _ = answers.send(Err(status)).await;
        }
    });
    Ok(Response::new(ReceiverStream::new(stream)))
}

async fn send(shared: &Shared, from: Index, to: Index, bodies: Bodies, answers: &Answers) -> Result<(), Fault> {
    let mut next = from;
    while next < to {
        let events = shared.read(move |reader: &Reader| batch(reader, next, to, bodies)).await?;
        match events.last() {
            Some(last) => next = Index(last.index.saturating_add(1)),
            None => return Err(Fault::new(Reason::Corrupt, format!("the entry at index {next} is missing"))),
        }
        if answers.send(Ok(ReadEventsResponse { events })).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn batch(reader: &Reader, from: Index, to: Index, bodies: Bodies) -> Result<Vec<StoredEvent>, ReadError> {
    let mut events = Vec::new();
    let mut bytes = 0usize;
    reader.range(from, to, bodies, &mut |event| {
        let event = convert::stored(event);
        bytes = bytes.saturating_add(convert::stored_bytes(&event));
        events.push(event);
        if bytes >= limits::RANGE_MESSAGE_BYTES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(events)
}
