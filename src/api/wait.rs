//! `WaitDecision`: the state of one action, at once and then with every change, until it is closed. A stream that waits
//! holds a place among who waits for its action and nothing else: no snapshot, no position of the log, and no room for
//! answers before there is one.

use crate::api::action;
use crate::api::annotate;
use crate::api::convert;
use crate::api::proto::{WaitDecisionRequest, WaitDecisionResponse};
use crate::api::reason::Fault;
use crate::api::shared::{Shared, deadline, late, stopping_fault, until_deadline};
use crate::limits;
use deedbook_verify::words::{Revision, SubjectId};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status};

type Answer = Result<WaitDecisionResponse, Status>;
// Boxed: a channel sets 32 places aside with its first value, and an answer in each would be 20 KiB for every stream.
type Answers = mpsc::Sender<Box<Answer>>;

/// The answers of one who waits.
pub struct Told(ReceiverStream<Box<Answer>>);

impl Stream for Told {
    type Item = Answer;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Answer>> {
        Pin::new(&mut self.0).poll_next(context).map(|answer| answer.map(|answer| *answer))
    }
}

/// Starts to wait.
pub async fn open(shared: &Arc<Shared>, request: Request<WaitDecisionRequest>) -> Result<Response<Told>, Fault> {
    let limit = deadline(request.metadata());
    let request = request.into_inner();
    let id = SubjectId(convert::array("request_id", &request.request_id)?);
    let after = Revision(request.after_revision);
    let place = shared.enter_waiter()?;
    // An unknown action is refused by the call itself, and not by a stream that seemed to begin.
    action::read(shared, id).await?;
    let (answers, stream) = mpsc::channel(1);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let _place = place;
        let end = tokio::select! {
            () = until_deadline(limit) => Err(late()),
            () = shared.stopping() => Err(stopping_fault()),
            () = answers.closed() => Ok(()),
            end = follow(&shared, id, after, &answers) => end,
        };
        let status = end.map_err(Status::from);
        annotate::count("WaitDecision", status.as_ref().err().map_or(Code::Ok, Status::code));
        if let Err(status) = status {
            // A client that reads nothing must not keep the task, and its place, for as long as it likes.
            let _ = timeout(limits::SHUTDOWN_TIMEOUT, answers.send(Box::new(Err(status)))).await;
        }
    });
    Ok(Response::new(Told(ReceiverStream::new(stream))))
}

/// Tells each state that is newer than the last one told. Who waits enters before it reads, so that no change is missed;
/// changes that come while the client reads slowly are told as one.
async fn follow(shared: &Shared, id: SubjectId, after: Revision, answers: &Answers) -> Result<(), Fault> {
    let mut waiting = shared.ledger.reader().wait_for_action(id);
    let mut told = after;
    loop {
        // In a box of its own, which whoever rests does not hold.
        match Box::pin(tell(shared, id, told, answers)).await? {
            Some(revision) => told = revision,
            None => return Ok(()),
        }
        waiting.changed().await;
    }
}

/// Tells the state if it is newer than what was told; gives what is told by now, or nothing if nothing more can come.
async fn tell(shared: &Shared, id: SubjectId, told: Revision, answers: &Answers) -> Result<Option<Revision>, Fault> {
    let seen = action::read(shared, id).await?;
    if seen.revision() > told {
        let action = Some(action::message(&seen));
        if answers.send(Box::new(Ok(WaitDecisionResponse { action }))).await.is_err() {
            return Ok(None);
        }
    }
    Ok((!seen.is_closed()).then_some(seen.revision().max(told)))
}
