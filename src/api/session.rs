//! One consumer's session: what it was given, what it says, and what is under way for it. Each step waits for the next
//! thing that happens, whichever comes first, so that a client that does not read can still acknowledge, and one that
//! does not acknowledge still loses its lease.

use crate::api::proto::consume_response::{Delivery, Message, Progress, Settled};
use crate::api::proto::{ConsumeRequest, ConsumeResponse, Reason};
use crate::api::reason::Fault;
use crate::api::shared::Shared;
use crate::api::subscribe::PORTION;
use crate::api::{chunk, convert};
use crate::ledger::{Bodies, Consumer, Given, Growth, Portion, Settlement, SubscriptionError, Wanted};
use crate::limits;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Index, TreeSize};
use std::collections::VecDeque;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, Sleep, interval, sleep};
use tonic::{Status, Streaming};

/// Where answers go.
pub type Answers = mpsc::Sender<Result<ConsumeResponse, Status>>;
type Work<T> = Option<Pin<Box<dyn Future<Output = T> + Send>>>;

/// What happened.
pub enum Step {
    /// The client said something; none at its clean end.
    Heard(Option<ConsumeRequest>),
    /// The connection or a message of it is broken.
    Broken(Status),
    /// The store was read.
    Read(Result<Given, Fault>),
    /// A settlement is durable, or refused.
    Written(Result<(), SubscriptionError>),
    /// There is something new to look at, or room for it.
    Look,
    /// Parked events are to be delivered again.
    Replay,
    /// The subscription is gone.
    Deleted,
    /// The oldest lease is over.
    LeaseEnded,
    /// Progress is due.
    Due,
    /// The oldest message of the outbox was sent.
    Sent,
    /// Nobody listens.
    Gone,
}

/// The state of a session.
pub struct Session {
    shared: Arc<Shared>,
    pub consumer: Consumer,
    bodies: Bodies,
    incoming: Streaming<ConsumeRequest>,
    answers: Answers,
    // At most one delivery, one settlement and one progress at a time.
    outbox: VecDeque<Message>,
    growth: Growth,
    reading: Work<Result<Given, Fault>>,
    writing: Work<Result<(), SubscriptionError>>,
    /// What the settlement under way will have made durable.
    settling: Settled,
    progress: Interval,
    rest: Pin<Box<Sleep>>,
    head: TreeHead,
    replays: bool,
    told_caught_up: bool,
}

impl Session {
    pub fn new(
        shared: Arc<Shared>,
        consumer: Consumer,
        (bodies, every): (Bodies, Duration),
        (incoming, answers): (Streaming<ConsumeRequest>, Answers),
    ) -> Session {
        let reader = shared.ledger.reader();
        let mut progress = interval(every);
        progress.set_missed_tick_behavior(MissedTickBehavior::Delay);
        progress.reset();
        Session {
            consumer,
            bodies,
            incoming,
            answers,
            outbox: VecDeque::new(),
            growth: reader.growth(),
            reading: None,
            writing: None,
            settling: Settled::default(),
            progress,
            rest: Box::pin(sleep(Duration::ZERO)),
            head: reader.head(),
            replays: true,
            told_caught_up: false,
            shared,
        }
    }

    /// Waits for the next thing that happens.
    pub async fn step(&mut self) -> Step {
        let lease = self.lease_left();
        let (replays, wants) = (self.replays, self.wants());
        let cursor = TreeSize(self.consumer.books.cursor().0);
        let Session { incoming, reading, writing, answers, outbox, growth, consumer, rest, progress, .. } = self;
        let look = async {
            if !wants {
                pending::<()>().await;
            }
            if !replays {
                growth.beyond(cursor).await;
                rest.as_mut().await;
            }
        };
        tokio::select! {
            biased;
            () = answers.closed() => Step::Gone,
            // Before the call: a settlement that was written before a replay is heard of before it.
            outcome = done(writing) => Step::Written(outcome),
            call = consumer.seat.called() => if call.deleted { Step::Deleted } else { Step::Replay },
            heard = incoming.message() => match heard {
                Ok(message) => Step::Heard(message),
                Err(status) => Step::Broken(chunk::broken(status)),
            },
            () = wait(lease) => Step::LeaseEnded,
            given = done(reading) => Step::Read(given),
            permit = answers.reserve(), if !outbox.is_empty() => match (permit, outbox.pop_front()) {
                (Ok(permit), Some(message)) => {
                    permit.send(Ok(ConsumeResponse { message: Some(message) }));
                    Step::Sent
                }
                (Ok(_), None) => Step::Sent,
                (Err(_), _) => Step::Gone,
            },
            _ = progress.tick() => Step::Due,
            () = look => Step::Look,
        }
    }

    /// Whether there is room for more, here and at the client.
    fn wants(&self) -> bool {
        self.reading.is_none() && self.outbox.is_empty() && self.consumer.books.room() > 0
    }

    fn lease_left(&self) -> Option<Duration> {
        let ends = self.consumer.books.lease_ends()?;
        Some(Duration::from_micros(ends.0.saturating_sub(self.shared.clock.read().boot.0)))
    }

    /// The lease of everything in flight begins anew.
    pub fn extend(&mut self) {
        self.consumer.books.extend(self.shared.clock.read().boot);
    }

    /// Puts a message behind those that wait.
    pub fn say(&mut self, message: Message) {
        self.outbox.push_back(message);
    }

    /// Parked events may wait to be delivered again.
    pub fn look_for_replays(&mut self) {
        self.replays = true;
    }

    /// Starts to read what comes next.
    pub fn read(&mut self) {
        // Taken before the rows are read: whoever asks for a replay from here on is heard by the next read.
        let look = std::mem::take(&mut self.replays);
        let books = &self.consumer.books;
        let portion = Portion { events_max: books.room().min(PORTION.events_max), ..PORTION };
        let wanted = Wanted {
            id: self.consumer.id,
            spec: self.consumer.spec.clone(),
            cursor: books.cursor(),
            again: look.then(|| books.held()),
            ahead: books.ahead().clone(),
            bodies: self.bodies,
            portion,
        };
        let shared = Arc::clone(&self.shared);
        self.reading = Some(Box::pin(async move { shared.stretch(move |reader| reader.give(&wanted)).await }));
    }

    /// Hands out what was read.
    pub fn hand_out(&mut self, given: Given) {
        let now = self.shared.clock.read().boot;
        let (events, replayed) = match given {
            Given::Again { events, more } => {
                self.replays |= more;
                self.consumer.books.hand_again(events.iter().map(|event| event.index), now);
                (events, true)
            }
            Given::Fresh(stretch) => {
                self.head = stretch.head;
                self.consumer.books.hand_out(stretch.events.iter().map(|event| event.index), stretch.position, now);
                if stretch.caught_up() {
                    self.rest = Box::pin(sleep(limits::FOLLOW_REST));
                }
                (stretch.events, false)
            }
        };
        self.show_in_flight();
        if !events.is_empty() {
            let events = events.into_iter().map(convert::stored).collect();
            self.say(Message::Delivery(Delivery { events, replayed }));
        }
        if !self.told_caught_up && self.is_caught_up() {
            self.told_caught_up = true;
            self.tell_progress();
        }
    }

    fn is_caught_up(&self) -> bool {
        self.consumer.books.cursor() >= Index(self.head.size.0)
    }

    /// Tells how far it came, unless the client has not taken the last message yet.
    pub fn tell_progress(&mut self) {
        if self.outbox.iter().any(|message| matches!(message, Message::Progress(_))) {
            return;
        }
        let in_flight = u32::try_from(self.consumer.books.in_flight()).unwrap_or(u32::MAX);
        let (position, head) = (self.consumer.books.position().0, Some(convert::head(self.head)));
        self.say(Message::Progress(Progress { position, head, caught_up: self.is_caught_up(), in_flight }));
    }

    fn show_in_flight(&self) {
        self.consumer.seat.show_in_flight(self.consumer.books.in_flight());
    }

    /// Writes what was settled, unless a settlement is under way: what is settled meanwhile goes into the next one.
    /// `moved` writes a position that moved without any event too.
    pub fn settle(&mut self, moved: bool) {
        self.show_in_flight();
        let books = &mut self.consumer.books;
        if self.writing.is_some() || !(books.has_settled() || moved && books.has_moved()) {
            return;
        }
        let settlement: Settlement = books.settlement();
        self.settling = Settled {
            position: settlement.position.0,
            indexes: settlement.settled.iter().map(|index| index.0).collect(),
        };
        let (ledger, name, id) = (self.shared.ledger.clone(), self.consumer.name.clone(), self.consumer.id);
        self.writing = Some(Box::pin(async move { ledger.settle(name, id, settlement).await }));
    }

    /// Tells what became durable, and writes what was settled meanwhile.
    pub fn settled(&mut self) {
        let settled = std::mem::take(&mut self.settling);
        self.consumer.books.written(settled.indexes.iter().copied().map(Index));
        match self.outbox.back_mut() {
            _ if settled.indexes.is_empty() => {}
            Some(Message::Settled(waiting)) => {
                waiting.position = settled.position;
                waiting.indexes.extend(settled.indexes);
            }
            Some(_) | None => self.say(Message::Settled(settled)),
        }
        self.settle(false);
    }

    /// Makes everything durable that the client settled, and tells it what it will still listen to.
    pub async fn finish(mut self) -> Result<(), Fault> {
        self.reading = None;
        self.outbox.retain(|message| matches!(message, Message::Settled(_)));
        self.settle(true);
        while self.writing.is_some() {
            done(&mut self.writing).await?;
            self.settled();
            self.settle(true);
        }
        for message in self.outbox.drain(..) {
            let answer = Ok(ConsumeResponse { message: Some(message) });
            if self.answers.send(answer).await.is_err() {
                break;
            }
        }
        Ok(())
    }
}

/// Waits for work under way, and takes its result; for ever if there is none.
async fn done<T>(work: &mut Work<T>) -> T {
    match work {
        None => pending().await,
        Some(future) => {
            let output = future.await;
            *work = None;
            output
        }
    }
}

async fn wait(time: Option<Duration>) {
    match time {
        None => pending().await,
        Some(time) => sleep(time).await,
    }
}

/// The fault that ends a session whose lease is over.
pub fn lease_ended(lease_ms: u32) -> Fault {
    let message = format!("an event was not settled within {lease_ms} ms; it will be delivered again");
    Fault::new(Reason::LeaseEnded, message).with("lease_ms", lease_ms)
}
