//! A subscriber from the client's side: what it was sent, with every promise about it checked on the way.

use deedbook::api::proto::subscribe_response::Message;
use deedbook::api::proto::{EventFilter, StoredEvent, SubscribeRequest, SubscribeResponse, TreeHead};
use deedbook::api::{ClientError, Clients};
use deedbook::domain::Filter;
use tonic::Streaming;

/// A filter in its wire form.
pub fn wire(filter: &Filter) -> EventFilter {
    EventFilter {
        kind: filter.kind.map(|kind| kind.name().to_owned()).unwrap_or_default(),
        actor: filter.actor.map(|actor| actor.0.to_vec().into()).unwrap_or_default(),
        stream: filter.stream.map(|stream| stream.0.to_vec().into()).unwrap_or_default(),
        source: filter.source.map(|source| source.0.to_vec().into()).unwrap_or_default(),
        action_type: filter.action_type.clone().unwrap_or_default(),
        outcome: filter.outcome.map(|outcome| outcome.name().to_owned()).unwrap_or_default(),
        policy_digest: filter.policy.map(|policy| policy.0.to_vec().into()).unwrap_or_default(),
        received_from_micros: filter.received.as_ref().map(|times| times.start.0),
        received_to_micros: filter.received.as_ref().map(|times| times.end.0),
    }
}

/// One subscriber.
pub struct Follower {
    pub answers: Streaming<SubscribeResponse>,
    /// Everything that was sent.
    pub events: Vec<StoredEvent>,
    /// Where it would resume.
    pub position: u64,
    /// Set once the server said so.
    pub caught_up: Option<TreeHead>,
    /// The head of the newest message that named one.
    pub head: Option<TreeHead>,
    /// How often progress was told.
    pub progress: u64,
}

impl Follower {
    /// Subscribes; `request.from` must be given.
    pub async fn start(clients: &Clients, request: SubscribeRequest) -> Result<Follower, ClientError> {
        let position = request.from.expect("tests say where they begin");
        let answers = clients.subscription.clone().subscribe(request).await?.into_inner();
        Ok(Follower { answers, events: Vec::new(), position, caught_up: None, head: None, progress: 0 })
    }

    /// Takes the next message; an error or the end of the stream is the answer.
    pub async fn step(&mut self) -> Result<(), ClientError> {
        let before = self.position;
        match self.answers.message().await?.expect("a subscription has no end of its own").message.unwrap() {
            Message::Events(message) => {
                assert!(!message.events.is_empty(), "an empty message");
                for event in message.events {
                    let last = self.events.last().map(|event| event.index);
                    assert!(last.is_none_or(|last| event.index > last), "{} behind {last:?}", event.index);
                    assert!(event.index >= self.position && event.index < message.position, "outside its message");
                    self.events.push(event);
                }
                self.position = message.position;
            }
            Message::CaughtUp(message) => {
                assert_eq!(Some(message.position), message.head.as_ref().map(|head| head.size));
                assert!(self.caught_up.is_none(), "caught up twice");
                self.position = message.position;
                self.head = message.head.clone();
                self.caught_up = message.head;
            }
            Message::Progress(message) => {
                assert!(message.head.as_ref().is_some_and(|head| head.size >= message.position));
                self.position = message.position;
                self.head = message.head;
                self.progress += 1;
            }
        }
        assert!(self.position >= before, "the position went back from {before} to {}", self.position);
        Ok(())
    }

    /// Goes on until everything below an index was sent.
    pub async fn until(&mut self, position: u64) {
        while self.position < position {
            self.step().await.unwrap();
        }
    }
}
