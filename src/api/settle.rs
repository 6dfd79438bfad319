//! The last stage of an append stream: waits for commits in order and acknowledges several frames with one message.
//! It knows no frame, only tickets.

use crate::api::append::Meters;
use crate::api::chunk::Submitted;
use crate::api::convert;
use crate::api::proto::append_stream_response::{Ack, Message as Answer};
use crate::api::proto::{AppendStreamResponse, StreamPlacement};
use crate::api::reason::{Fault, reason_name};
use crate::api::status::refusal;
use crate::api::stream::Answers;
use crate::ledger::{AppendError, Placement};
use crate::limits;
use deedbook_verify::words::Sequence;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use tokio::sync::{mpsc, watch};
use tonic::Status;

/// Acknowledges until the frames end, and says how they ended. What is durable is acknowledged before a fault is told.
pub async fn settle(
    mut submitted: mpsc::Receiver<Result<Submitted, Status>>,
    last: Sequence,
    returns: Returns<'_>,
) -> Result<(), Status> {
    let meters = Meters::new();
    let mut pending = Acks { through: last, placements: Vec::new(), cost: 0 };
    while let Some(item) = submitted.recv().await {
        let frame = match item {
            Ok(frame) => frame,
            Err(status) => {
                pending.send(returns).await?;
                return Err(status);
            }
        };
        let Submitted { ticket, first, last, cost, watch } = frame;
        let mut placement = pin!(ticket.placement());
        let outcome = match soon(placement.as_mut()).await {
            Some(outcome) => outcome,
            None => {
                // The next commit is still under way: what is durable goes out now.
                pending.send(returns).await?;
                placement.await
            }
        };
        if let Ok(placement) = &outcome {
            meters.placed(placement);
        }
        match acknowledge(first, outcome) {
            Ok(placement) => {
                pending.add(placement, last, cost);
                returns.settled.send_modify(|count| *count = count.saturating_add(1));
            }
            Err(status) => {
                pending.send(returns).await?;
                return Err(status);
            }
        }
        meters.answered(watch);
        if submitted.is_empty() || pending.placements.len() >= limits::ACK_PLACEMENTS_MAX {
            pending.send(returns).await?;
        }
    }
    Ok(())
}

/// What goes back when a frame is settled.
#[derive(Clone, Copy)]
pub struct Returns<'a> {
    /// Credit, to the reading stage.
    pub credit: &'a AtomicU64,
    /// The number of settled frames, to the submitting stage.
    pub settled: &'a watch::Sender<u64>,
    /// Acknowledgements, to the client.
    pub answers: &'a Answers,
}

/// What is acknowledged with the next message.
struct Acks {
    through: Sequence,
    placements: Vec<StreamPlacement>,
    cost: u64,
}

impl Acks {
    fn add(&mut self, placement: StreamPlacement, last: Sequence, cost: u64) {
        self.through = self.through.max(last);
        self.placements.push(placement);
        self.cost = self.cost.saturating_add(cost);
    }

    /// Credit is returned before the client hears of it, so that it can never be refused for using it.
    async fn send(&mut self, returns: Returns<'_>) -> Result<(), Status> {
        if self.placements.is_empty() {
            return Ok(());
        }
        let (placements, cost) = (std::mem::take(&mut self.placements), std::mem::take(&mut self.cost));
        returns.credit.fetch_add(cost, Ordering::AcqRel);
        let ack = Ack { through_sequence: self.through.0, placements, credit_bytes: cost };
        let answer = AppendStreamResponse { message: Some(Answer::Ack(ack)) };
        returns.answers.send(Ok(answer)).await.map_err(|_| Status::cancelled("the client is gone"))
    }
}

/// A command that was refused by rule was appended too: it is acknowledged with its refusal, and the stream goes on.
fn acknowledge(first: Sequence, outcome: Result<Placement, AppendError>) -> Result<StreamPlacement, Status> {
    match outcome {
        Ok(placement) => Ok(StreamPlacement {
            first_sequence: first.0,
            first_index: placement.first_index.0,
            count: u32::from(placement.count),
            last_leaf_hash: placement.leaves.last().map(convert::hash).unwrap_or_default(),
            repeated: placement.repeated,
            ..StreamPlacement::default()
        }),
        Err(AppendError::Refused { reason, command, refusal: at }) => Ok(StreamPlacement {
            first_sequence: first.0,
            first_index: command.0,
            count: 1,
            refusal_reason: reason_name(refusal(reason)).to_owned(),
            refusal_index: at.0,
            ..StreamPlacement::default()
        }),
        Err(error) => Err(Fault::from(error).into()),
    }
}

/// The outcome if it is there, or there as soon as the other tasks had a turn: one commit resolves many tickets, one
/// after the other, and they shall share a message.
async fn soon<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    for _ in 0..2 {
        let polled = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}
