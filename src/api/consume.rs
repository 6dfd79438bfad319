//! `Consume`: one consumer of a persistent subscription, from Open to the end of its stream. The session does what is
//! under way; here each thing that happens gets its answer. However it ends, what the client settled is made durable
//! before the seat is free.

use crate::api::annotate;
use crate::api::convert;
use crate::api::proto::consume_request::{Ack, Message, Open, Park};
use crate::api::proto::consume_response::{Message as Answer, Opened};
use crate::api::proto::{ConsumeRequest, ConsumeResponse, Reason};
use crate::api::reason::{Fault, complete};
use crate::api::session::{Answers, Session, Step, lease_ended};
use crate::api::shared::{Shared, deadline, late, stopping_fault, until_deadline};
use crate::api::subscribe::interval;
use crate::domain::{ParkReason, SubscriptionName};
use crate::ledger::{NotInFlight, SubscriptionError};
use crate::limits;
use deedbook_verify::words::Index;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};

/// Starts a session. It answers at once: a client may wait for the first headers before it says Open.
pub fn open(
    shared: &Arc<Shared>,
    request: Request<Streaming<ConsumeRequest>>,
) -> Result<Response<ReceiverStream<Result<ConsumeResponse, Status>>>, Fault> {
    let place = shared.enter_subscriber()?;
    let limit = deadline(request.metadata());
    let (answers, stream) = mpsc::channel(limits::SUBSCRIBE_RESPONSES_MAX);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let _place = place;
        let end = match start(&shared, request.into_inner(), &answers).await {
            Err(status) => Err(status),
            Ok(mut session) => {
                let end = tokio::select! {
                    () = until_deadline(limit) => Err(late().into()),
                    () = shared.stopping() => Err(stopping_fault().into()),
                    end = run(&mut session) => end,
                };
                // A client that reads nothing must not keep the seat for as long as it likes.
                let finished = timeout(limits::SHUTDOWN_TIMEOUT, session.finish()).await;
                end.and(finished.unwrap_or(Ok(())).map_err(Status::from))
            }
        };
        annotate::count("Consume", end.as_ref().err().map_or(Code::Ok, Status::code));
        if let Err(status) = end {
            let _ = timeout(limits::SHUTDOWN_TIMEOUT, answers.send(Err(status))).await;
        }
    });
    Ok(Response::new(ReceiverStream::new(stream)))
}

/// Hears Open, takes the seat, says Opened.
async fn start(
    shared: &Arc<Shared>,
    mut incoming: Streaming<ConsumeRequest>,
    answers: &Answers,
) -> Result<Session, Status> {
    let first = timeout(limits::STREAM_OPEN_TIMEOUT, incoming.message()).await;
    let silent = |_| Fault::new(Reason::OpenMisplaced, "the stream stayed silent instead of saying Open");
    let open = match first.map_err(silent).map_err(Status::from)?.map_err(complete)? {
        Some(ConsumeRequest { message: Some(Message::Open(open)) }) => open,
        Some(_) | None => return Err(open_misplaced().into()),
    };
    let Open { name, view, progress_interval_ms } = open;
    let name = convert::subscription_name(&name)?;
    let wishes = (convert::bodies(view)?, interval(progress_interval_ms)?);
    let consumer = take_seat(shared, name).await?;
    let terms = consumer.spec.terms;
    let opened = Answer::Opened(Opened {
        position: consumer.books.position().0,
        lease_ms: terms.lease_ms,
        in_flight_max: terms.in_flight_max.into(),
    });
    let mut session = Session::new(Arc::clone(shared), consumer, wishes, (incoming, answers.clone()));
    session.say(opened);
    Ok(session)
}

async fn take_seat(shared: &Shared, name: SubscriptionName) -> Result<crate::ledger::Consumer, Fault> {
    let ledger = shared.ledger.clone();
    let taken = tokio::task::spawn_blocking(move || ledger.consume(name)).await;
    taken.map_err(|_| Fault::new(Reason::Internal, "a read ended early"))?.map_err(Fault::from)
}

fn open_misplaced() -> Fault {
    Fault::new(Reason::OpenMisplaced, "the first message is Open, and only the first")
}

/// Runs until the client ends the stream, or something ends it for the client.
async fn run(session: &mut Session) -> Result<(), Status> {
    loop {
        match session.step().await {
            Step::Heard(None) | Step::Gone => return Ok(()),
            Step::Heard(Some(request)) => {
                hear(session, request)?;
                session.settle(false);
            }

            Step::Broken(status) => return Err(status),
            Step::Read(given) => session.hand_out(given?),
            Step::Written(Ok(())) => session.settled(),
            Step::Written(Err(SubscriptionError::Unknown(name))) => return Err(deleted(&name).into()),
            Step::Written(Err(error)) => return Err(Fault::from(error).into()),
            Step::Look => session.read(),
            Step::Replay => session.look_for_replays(),
            Step::Deleted => return Err(deleted(&session.consumer.name).into()),
            Step::LeaseEnded => return Err(lease_ended(session.consumer.spec.terms.lease_ms).into()),
            Step::Due => {
                session.settle(true);
                session.tell_progress();
            }
            Step::Sent => {}
        }
    }
}

fn deleted(name: &SubscriptionName) -> Fault {
    Fault::from(SubscriptionError::Unknown(name.clone()))
}

/// What the client says of its events.
fn hear(session: &mut Session, request: ConsumeRequest) -> Result<(), Fault> {
    match request.message {
        None | Some(Message::Open(_)) => Err(open_misplaced()),
        Some(Message::Ack(ack)) => acknowledge(session, &ack),
        Some(Message::Park(Park { index, reason })) => {
            let reason = ParkReason::new(&reason).map_err(|error| Fault::field("park.reason", error.to_string()))?;
            session.consumer.books.park(Index(index), reason).map_err(not_in_flight)
        }
        Some(Message::Extend(_)) => {
            session.extend();
            Ok(())
        }
    }
}

fn acknowledge(session: &mut Session, ack: &Ack) -> Result<(), Fault> {
    if ack.indexes.len() > limits::ACK_INDEXES_MAX {
        let problem = format!("{} indexes; at most {} are possible", ack.indexes.len(), limits::ACK_INDEXES_MAX);
        return Err(Fault::field("ack.indexes", problem));
    }
    let books = &mut session.consumer.books;
    if let Some(through) = ack.through {
        books.acknowledge_through(Index(through)).map_err(not_in_flight)?;
    }
    ack.indexes.iter().try_for_each(|index| books.acknowledge(Index(*index)).map_err(not_in_flight))
}

fn not_in_flight(NotInFlight(index): NotInFlight) -> Fault {
    Fault::new(Reason::NotInFlight, format!("the event at index {index} is not in this consumer's hands"))
        .with("index", index)
}
