//! `Subscribe`: catches up, says so, follows. The stream's task holds a position and at most one message that waits for
//! room; a client that reads nothing stops it there, and what is appended meanwhile stays where it is, in the store.

use crate::api::annotate;
use crate::api::convert;
use crate::api::proto::subscribe_response::{CaughtUp, Events, Message, Progress};
use crate::api::proto::{Reason, SubscribeRequest, SubscribeResponse};
use crate::api::reason::Fault;
use crate::api::shared::{Shared, deadline, late, stopping_fault, until_deadline};
use crate::clock::Stopwatch;
use crate::domain::Filter;
use crate::ledger::{Bodies, Portion, ReadError, Reader};
use crate::limits;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Index, TreeSize};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status};

type Answers = mpsc::Sender<Result<SubscribeResponse, Status>>;

/// What one message of events holds.
pub const PORTION: Portion =
    Portion { events_max: limits::STRETCH_EVENTS_MAX, bytes_enough: limits::RANGE_MESSAGE_BYTES };

/// What a subscriber asked for.
struct Wish {
    filter: Filter,
    bodies: Bodies,
    interval: Duration,
    from: Index,
}

/// Starts a subscription.
pub async fn open(
    shared: &Arc<Shared>,
    request: Request<SubscribeRequest>,
) -> Result<Response<ReceiverStream<Result<SubscribeResponse, Status>>>, Fault> {
    let limit = deadline(request.metadata());
    let wish = wish(shared, request.into_inner()).await?;
    let place = shared.enter_subscriber()?;
    let (answers, stream) = mpsc::channel(limits::SUBSCRIBE_RESPONSES_MAX);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let _place = place;
        let end = tokio::select! {
            () = until_deadline(limit) => Err(late()),
            () = shared.stopping() => Err(stopping_fault()),
            () = answers.closed() => Ok(()),
            end = follow(&shared, wish, &answers) => end,
        };
        let status = end.map_err(Status::from);
        annotate::count("Subscribe", status.as_ref().err().map_or(Code::Ok, Status::code));
        if let Err(status) = status {
            // A client that reads nothing must not keep the task, and its place, for as long as it likes.
            let _ = timeout(limits::SHUTDOWN_TIMEOUT, answers.send(Err(status))).await;
        }
    });
    Ok(Response::new(ReceiverStream::new(stream)))
}

async fn wish(shared: &Shared, request: SubscribeRequest) -> Result<Wish, Fault> {
    let filter = convert::filter(&request.filter.unwrap_or_default())?;
    let bodies = convert::bodies(request.view)?;
    let interval = interval(request.progress_interval_ms)?;
    if let Some(seen) = &request.seen {
        check_seen(shared, convert::to_head("seen.root", seen)?).await?;
    }
    let size = shared.ledger.reader().head().size;
    let from = Index(request.from.unwrap_or(size.0));
    if from.0 > size.0 {
        let message = format!("the subscription begins at {from}, the log ends at {size}");
        return Err(Fault::new(Reason::OutsideTree, message).with("tree_size", size));
    }
    Ok(Wish { filter, bodies, interval, from })
}

/// How often progress is told.
pub fn interval(ms: u32) -> Result<Duration, Fault> {
    match ms {
        0 => Ok(Duration::from_millis(limits::PROGRESS_INTERVAL_MS_DEFAULT.into())),
        limits::PROGRESS_INTERVAL_MS_MIN..=limits::PROGRESS_INTERVAL_MS_MAX => Ok(Duration::from_millis(ms.into())),
        _ => {
            let (min, max) = (limits::PROGRESS_INTERVAL_MS_MIN, limits::PROGRESS_INTERVAL_MS_MAX);
            Err(Fault::field("progress_interval_ms", format!("{ms} is outside {min} to {max}")))
        }
    }
}

/// A head that this ledger never had is an alarm on the client's side, whose copy may be the true one.
async fn check_seen(shared: &Shared, seen: TreeHead) -> Result<(), Fault> {
    let had = shared.read(move |reader: &Reader| match reader.head_at(seen.size) {
        Ok(head) => Ok(head == seen),
        Err(ReadError::OutsideTree { .. }) => Ok(false),
        Err(error) => Err(error),
    });
    if had.await? {
        return Ok(());
    }
    let message = format!("this ledger never had the tree of {} entries with root {}", seen.size, seen.root);
    Err(Fault::new(Reason::LastSeenMismatch, message).with("tree_size", shared.ledger.reader().head().size))
}

/// Runs until nobody listens or reading fails.
async fn follow(shared: &Shared, wish: Wish, answers: &Answers) -> Result<(), Fault> {
    let mut growth = shared.ledger.reader().growth();
    let Wish { filter, bodies, interval, from } = wish;
    let (filter, mut position, mut told) = (Arc::new(filter), from, Told::new(interval));
    loop {
        let wanted = Arc::clone(&filter);
        let stretch = shared.stretch(move |reader| reader.stretch(&wanted, position, bodies, PORTION)).await?;
        let (head, caught_up) = (stretch.head, stretch.caught_up());
        position = stretch.position;
        if !stretch.events.is_empty() {
            let events = stretch.events.into_iter().map(convert::stored).collect();
            if !say(answers, Message::Events(Events { events, position: position.0 })).await {
                return Ok(());
            }
        }
        if let Some(message) = told.due(position, head, caught_up)
            && !say(answers, message).await
        {
            return Ok(());
        }
        if !caught_up {
            continue;
        }
        sleep(limits::FOLLOW_REST).await;
        while timeout(told.left(), growth.beyond(TreeSize(position.0))).await.is_err() {
            let Some(message) = told.due(position, head, caught_up) else { continue };
            if !say(answers, message).await {
                return Ok(());
            }
        }
    }
}

/// Whether somebody still listens.
async fn say(answers: &Answers, message: Message) -> bool {
    answers.send(Ok(SubscribeResponse { message: Some(message) })).await.is_ok()
}

/// What a subscriber was told of its progress, and when.
struct Told {
    interval: Duration,
    last: Stopwatch,
    caught_up: bool,
}

impl Told {
    fn new(interval: Duration) -> Told {
        Told { interval, last: Stopwatch::start(), caught_up: false }
    }

    /// How long until progress is due.
    fn left(&self) -> Duration {
        self.interval.saturating_sub(Duration::try_from_secs_f64(self.last.seconds()).unwrap_or_default())
    }

    /// What to say now, if anything.
    fn due(&mut self, position: Index, head: TreeHead, caught_up: bool) -> Option<Message> {
        let (position, head) = (position.0, Some(convert::head(head)));
        let message = if caught_up && !self.caught_up {
            Message::CaughtUp(CaughtUp { position, head })
        } else if self.left().is_zero() {
            Message::Progress(Progress { position, head })
        } else {
            return None;
        };
        self.caught_up |= caught_up;
        self.last = Stopwatch::start();
        Some(message)
    }
}
