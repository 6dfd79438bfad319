//! `WaitDecision`: the state of one action, at once and then with every change, until it is closed. A stream that waits
//! holds a place among who waits for its action and nothing else: no snapshot, no position of the log.

use crate::api::action;
use crate::api::annotate;
use crate::api::convert;
use crate::api::proto::{WaitDecisionRequest, WaitDecisionResponse};
use crate::api::reason::Fault;
use crate::api::shared::{Shared, deadline, late, stopping_fault, until_deadline};
use crate::limits;
use deedbook_verify::words::{Revision, SubjectId};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status};

type Answers = mpsc::Sender<Result<WaitDecisionResponse, Status>>;

/// Starts to wait.
pub async fn open(
    shared: &Arc<Shared>,
    request: Request<WaitDecisionRequest>,
) -> Result<Response<ReceiverStream<Result<WaitDecisionResponse, Status>>>, Fault> {
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
            let _ = timeout(limits::SHUTDOWN_TIMEOUT, answers.send(Err(status))).await;
        }
    });
    Ok(Response::new(ReceiverStream::new(stream)))
}

/// Tells each state that is newer than the last one told. Who waits enters before it reads, so that no change is missed;
/// changes that come while the client reads slowly are told as one.
async fn follow(shared: &Shared, id: SubjectId, after: Revision, answers: &Answers) -> Result<(), Fault> {
    let mut waiting = shared.ledger.reader().wait_for_action(id);
    let mut told = after;
    loop {
        let seen = action::read(shared, id).await?;
        let closed = seen.is_closed();
        if seen.revision() > told {
            told = seen.revision();
            let action = Some(action::message(&seen));
            if answers.send(Ok(WaitDecisionResponse { action })).await.is_err() {
                return Ok(());
            }
        }
        if closed {
            return Ok(());
        }
        waiting.changed().await;
    }
}
