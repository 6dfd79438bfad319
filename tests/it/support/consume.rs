//! A consumer of a persistent subscription from the client's side.

use deedbook::api::proto::consume_request::{Ack, Extend, Message, Open, Park};
use deedbook::api::proto::consume_response::{Message as Answer, Opened};
use deedbook::api::proto::{
    ConsumeRequest, ConsumeResponse, CreateSubscriptionRequest, EventFilter, EventView, GetSubscriptionRequest,
    StoredEvent, Subscription,
};
use deedbook::api::{ClientError, Clients};
use std::collections::BTreeSet;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

/// Makes a subscription from index 0.
pub async fn create(clients: &Clients, name: &str, filter: EventFilter, lease_ms: u32, in_flight_max: u32) {
    let request = CreateSubscriptionRequest {
        name: name.to_owned(),
        filter: Some(filter),
        from: Some(0),
        lease_ms,
        in_flight_max,
    };
    clients.subscription.clone().create_subscription(request).await.unwrap();
}

/// How a subscription stands.
pub async fn show(clients: &Clients, name: &str) -> Subscription {
    let request = GetSubscriptionRequest { name: name.to_owned() };
    clients.subscription.clone().get_subscription(request).await.unwrap().into_inner().subscription.unwrap()
}

/// What the server said.
#[derive(Debug)]
pub enum Heard {
    /// New events; true if they were parked before.
    Events(bool, Vec<StoredEvent>),
    /// Something is settled durably.
    Settled,
    /// How it stands; true if everything was delivered.
    Progress(bool),
    /// The stream ended well.
    End,
}

/// One consumer.
pub struct Taker {
    requests: Option<mpsc::Sender<ConsumeRequest>>,
    answers: Streaming<ConsumeResponse>,
    pub opened: Opened,
    /// Delivered on this stream and not settled by this side.
    pub held: BTreeSet<u64>,
    /// The highest index of the log that was delivered.
    pub last: Option<u64>,
    /// What the server called settled, ever, on this stream.
    pub durable: BTreeSet<u64>,
    /// The position it stated last.
    pub position: u64,
}

impl Taker {
    /// Opens, and waits until the subscription is this one's.
    pub async fn open(clients: &Clients, name: &str) -> Result<Taker, ClientError> {
        let (requests, outgoing) = mpsc::channel(64);
        let open = Open { name: name.to_owned(), view: EventView::Full.into(), progress_interval_ms: 100 };
        requests.send(ConsumeRequest { message: Some(Message::Open(open)) }).await.unwrap();
        let mut answers = clients.subscription.clone().consume(ReceiverStream::new(outgoing)).await?.into_inner();
        match answers.message().await?.and_then(|answer| answer.message) {
            Some(Answer::Opened(opened)) => Ok(Taker {
                requests: Some(requests),
                answers,
                position: opened.position,
                opened,
                held: BTreeSet::new(),
                last: None,
                durable: BTreeSet::new(),
            }),
            other => panic!("not Opened: {other:?}"),
        }
    }

    /// The next thing that the server says, with what is promised of it checked.
    pub async fn hear(&mut self) -> Result<Heard, ClientError> {
        let Some(answer) = self.answers.message().await? else { return Ok(Heard::End) };
        match answer.message.unwrap() {
            Answer::Opened(_) => panic!("opened twice"),
            Answer::Delivery(delivery) => {
                assert!(!delivery.events.is_empty());
                for event in &delivery.events {
                    if !delivery.replayed {
                        assert!(self.last.is_none_or(|last| event.index > last), "{} out of order", event.index);
                        assert!(event.index >= self.position, "{} was settled", event.index);
                        self.last = Some(event.index);
                    }
                    assert!(self.held.insert(event.index), "{} is in these hands already", event.index);
                }
                assert!(self.held.len() <= self.opened.in_flight_max as usize, "more than may be in flight");
                Ok(Heard::Events(delivery.replayed, delivery.events))
            }
            Answer::Settled(settled) => {
                assert!(settled.position >= self.position);
                self.position = settled.position;
                assert!(settled.indexes.iter().all(|index| !self.held.contains(index)), "settled, and still held");
                self.durable.extend(&settled.indexes);
                Ok(Heard::Settled)
            }
            Answer::Progress(progress) => {
                assert!(progress.position >= self.position);
                Ok(Heard::Progress(progress.caught_up))
            }
        }
    }

    /// Waits for so many events in these hands.
    pub async fn until_held(&mut self, count: usize) {
        while self.held.len() < count {
            self.hear().await.unwrap();
        }
    }

    /// Waits until the server calls an index settled.
    pub async fn until_durable(&mut self, index: u64) {
        while !self.durable.contains(&index) {
            self.hear().await.unwrap();
        }
    }

    async fn send(&self, message: Message) {
        // The server may have ended the stream already; what it says next tells why.
        let _ = self.requests.as_ref().unwrap().send(ConsumeRequest { message: Some(message) }).await;
    }

    pub async fn ack(&mut self, indexes: &[u64]) {
        indexes.iter().for_each(|index| {
            self.held.remove(index);
        });
        self.send(Message::Ack(Ack { indexes: indexes.to_vec(), through: None })).await;
    }

    pub async fn ack_through(&mut self, index: u64) {
        self.held.retain(|held| *held > index);
        self.send(Message::Ack(Ack { indexes: Vec::new(), through: Some(index) })).await;
    }

    pub async fn park(&mut self, index: u64, reason: &str) {
        self.held.remove(&index);
        self.send(Message::Park(Park { index, reason: reason.to_owned() })).await;
    }

    pub async fn extend(&self) {
        self.send(Message::Extend(Extend {})).await;
    }

    /// Says that nothing more comes, and listens to the end; how it ended.
    pub async fn finish(&mut self) -> Option<ClientError> {
        self.requests = None;
        loop {
            match self.hear().await {
                Ok(Heard::End) => return None,
                Ok(_) => {}
                Err(error) => return Some(error),
            }
        }
    }
}
