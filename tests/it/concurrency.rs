//! Sixty-four clients at once over gRPC: gapless indexes, one history, every repeat answered as the first time, every
//! refusal the right one; an exact model of what must stand in the log is compared with every entry at the end.

use crate::support::grpc::{Served, append, check, number, place};
use crate::support::{House, Producer, Rng, now, scaled, statement};
use deedbook::api::proto::{AppendResponse, EventView, ReadEventsRequest};
use deedbook::api::{ClientError, Clients};
use deedbook::record::{EventBytes, FactsBuilder, FrameBytes, Position};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Facts;
use deedbook_verify::hash::leaf;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Epoch, Hash, Ref, Revision, Sequence};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

const CLIENTS: usize = 64;

/// What must stand in the log, by index: the event as sent, and the leaf hash that was acknowledged.
type Model = BTreeMap<u64, (EventBytes, Hash)>;

/// What all clients share: streams that several write, and what somebody last knew of them.
struct Street {
    streams: Vec<Ref>,
    seen: Mutex<HashMap<Ref, u64>>,
    model: Mutex<Model>,
}

/// How often each thing happened, so that the test cannot pass by doing nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    events: u64,
    repeats: u64,
    at_once: u64,
    stale: u64,
    known: u64,
    out_of_order: u64,
}

struct Client {
    clients: Clients,
    producer: Producer,
    street: Arc<Street>,
    rng: Rng,
    /// Frames that were acknowledged, and how.
    done: Vec<(FrameBytes, AppendResponse)>,
    /// The last sequence in epoch 1; only every other client numbers its frames.
    sequence: Option<u64>,
    tally: Tally,
}

impl Client {
    async fn run(mut self, events: u64) -> Tally {
        while self.tally.events < events {
            match self.rng.below(100) {
                0..60 => self.fresh((events - self.tally.events).min(80)).await,
                60..75 => self.repeat().await,
                75..82 => self.at_once().await,
                82..92 => self.known_id().await,
                _ => self.out_of_order().await,
            }
        }
        self.tally
    }

    fn position(&self) -> Position {
        match self.sequence {
            Some(last) => Position::Sequenced { epoch: Epoch(1), first: Sequence(last + 1) },
            None => Position::Unsequenced,
        }
    }

    fn event(&mut self) -> FactsBuilder {
        let length = usize::try_from(self.rng.below(500)).unwrap();
        statement().body("application/octet-stream", self.rng.bytes(length).into())
    }

    /// Random events; some belong to shared streams, and of those some say which revision they build on.
    fn events(&mut self, most: u64) -> (Vec<FactsBuilder>, Vec<(usize, Ref, u64)>) {
        let count = if self.rng.percent(40) { 1 } else { 1 + self.rng.below(most) };
        let (mut events, mut expected) = (Vec::new(), Vec::new());
        for offset in 0..usize::try_from(count).unwrap() {
            let mut event = self.event();
            if self.rng.percent(10) {
                let stream = *self.rng.pick(&self.street.streams);
                event = event.stream(stream);
                if offset == 0 && self.rng.percent(70) {
                    let seen = self.street.seen.lock().unwrap().get(&stream).copied().unwrap_or(0);
                    event = event.expected_revision(Revision(seen));
                    expected.push((offset, stream, seen));
                }
            }
            events.push(event);
        }
        (events, expected)
    }

    async fn fresh(&mut self, most: u64) {
        let (events, expected) = self.events(most);
        let frame = self.producer.sign(self.position(), events);
        match append(&self.clients, &frame).await {
            Ok(answer) => {
                assert!(!answer.placement.as_ref().unwrap().repeated);
                self.accept(frame, answer);
                let mut seen = self.street.seen.lock().unwrap();
                for (_, stream, revision) in expected {
                    let known = seen.entry(stream).or_default();
                    *known = (*known).max(revision + 1);
                }
            }
            Err(error) => self.stale(&error, &expected),
        }
    }

    /// Only a stale revision may refuse a fresh frame, and the answer tells how far the stream really is.
    fn stale(&mut self, error: &ClientError, expected: &[(usize, Ref, u64)]) {
        check(error, "ABORTED", "REVISION_DIFFERS");
        let (offset, stream, revision) = expected[0];
        assert_eq!((number(error, "offset"), number(error, "expected")), (offset as u64, revision));
        let actual = number(error, "actual");
        assert!(actual > revision, "{error:?}");
        let mut seen = self.street.seen.lock().unwrap();
        let known = seen.entry(stream).or_default();
        *known = (*known).max(actual);
        self.tally.stale += 1;
    }

    fn accept(&mut self, frame: FrameBytes, answer: AppendResponse) {
        let (first, count) = place(&answer);
        assert_eq!((count as usize, answer.leaf_hashes.len()), (frame.events.len(), frame.events.len()));
        let mut model = self.street.model.lock().unwrap();
        for ((event, leaf), index) in frame.events.iter().zip(&answer.leaf_hashes).zip(first..) {
            let taken = model.insert(index, (event.clone(), Hash(leaf[..].try_into().unwrap())));
            assert!(taken.is_none(), "index {index} was given twice");
        }
        drop(model);
        self.tally.events += frame.events.len() as u64;
        self.sequence = self.sequence.map(|last| last + frame.events.len() as u64);
        self.done.push((frame, answer));
    }

    fn assert_first_answer(again: &AppendResponse, first: &AppendResponse) {
        assert_eq!((place(again), &again.leaf_hashes), (place(first), &first.leaf_hashes));
    }

    async fn repeat(&mut self) {
        if self.done.is_empty() {
            return;
        }
        let (frame, first) = self.rng.pick(&self.done).clone();
        let again = append(&self.clients, &frame).await.unwrap();
        assert!(again.placement.as_ref().unwrap().repeated);
        Client::assert_first_answer(&again, &first);
        self.tally.repeats += 1;
    }

    /// The same fresh frame by three calls at once: one of them is the first.
    async fn at_once(&mut self) {
        let events = vec![self.event(), self.event()];
        let frame = self.producer.sign(self.position(), events);
        let send = || append(&self.clients, &frame);
        let (one, two, three) = tokio::join!(send(), send(), send());
        let answers = [one.unwrap(), two.unwrap(), three.unwrap()];
        let fresh: Vec<&AppendResponse> =
            answers.iter().filter(|answer| !answer.placement.as_ref().unwrap().repeated).collect();
        assert_eq!(fresh.len(), 1, "{answers:?}");
        answers.iter().for_each(|answer| Client::assert_first_answer(answer, fresh[0]));
        let first = fresh[0].clone();
        self.accept(frame, first);
        self.tally.at_once += 1;
    }

    /// A new frame that holds an event id used before, at a random place.
    async fn known_id(&mut self) {
        if self.done.is_empty() {
            return;
        }
        let (old, answer) = self.rng.pick(&self.done).clone();
        let offset = usize::try_from(self.rng.below(old.events.len() as u64)).unwrap();
        let id = Facts::parse(&old.events[offset].facts).unwrap().event_id;
        let mut events: Vec<FactsBuilder> = (0..self.rng.below(4)).map(|_| statement()).collect();
        let at = events.len();
        events.push(FactsBuilder::new(Kind::DataAccessed, id, now()));
        events.push(self.event());
        let frame = self.producer.sign(self.position(), events);
        let error = append(&self.clients, &frame).await.unwrap_err();
        check(&error, "ALREADY_EXISTS", "EVENT_ID_KNOWN");
        let named = (number(&error, "known"), number(&error, "offsets"), number(&error, "indexes"));
        assert_eq!(named, (1, at as u64, place(&answer).0 + offset as u64));
        self.tally.known += 1;
    }

    async fn out_of_order(&mut self) {
        let Some(last) = self.sequence else { return };
        let ahead = Position::Sequenced { epoch: Epoch(1), first: Sequence(last + 2 + self.rng.below(5)) };
        let error = append(&self.clients, &self.producer.plain(ahead, 2)).await.unwrap_err();
        check(&error, "FAILED_PRECONDITION", "SEQUENCE_DIFFERS");
        assert_eq!((number(&error, "epoch"), number(&error, "last_sequence")), (1, last));
        self.tally.out_of_order += 1;
    }
}

/// Every entry of the log against the model: the sent bytes, the acknowledged leaf, the body, and the revision that
/// counting each stream gives.
async fn compare(clients: &Clients, first: u64, model: &Model) {
    let request = ReadEventsRequest { from: first, to: None, view: EventView::Full.into() };
    let mut messages = clients.ledger.clone().read_events(request).await.unwrap().into_inner();
    let mut revisions: HashMap<Ref, u64> = HashMap::new();
    let mut expected = model.iter();
    while let Some(message) = messages.message().await.unwrap() {
        for stored in message.events {
            let (index, (sent, acknowledged)) = expected.next().expect("the log holds more than was acknowledged");
            assert_eq!(stored.index, *index);
            let entry = Entry::parse(&stored.entry).unwrap();
            assert!(entry.facts.bytes == &sent.facts[..] && leaf(&stored.entry) == *acknowledged, "at {index}");
            let (salt, body) = sent.salt_and_body.as_ref().map_or((&[][..], &[][..]), |(salt, body)| (&salt.0, body));
            assert!(stored.salt == salt && stored.body == body, "at {index}");
            let revision = entry.facts.stream.map(|stream| {
                let revision = revisions.entry(stream).or_default();
                *revision += 1;
                Revision(*revision)
            });
            assert_eq!(entry.seal.revision, revision, "at {index}");
            let built_on = entry.facts.expected_revision.map(|expected| Revision(expected.0 + 1));
            assert!(built_on.is_none() || built_on == revision, "at {index}");
        }
    }
    assert_eq!(expected.next().map(|(index, _)| index), None, "acknowledged, and not in the log");
}

/// Lets clients write at once, `events` each at least, and compares the log with what they were told.
async fn write(house: &House, served: &Served, rng: &mut Rng, (names, events): (&[String], u64)) -> Tally {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let producers = house.enrolled(&served.ledger, &names).await;
    let first = served.ledger.reader().head().size.0;
    let streams = (0..8).map(|number| house.stream(&format!("shared by {}/{number}", names[0]))).collect();
    let street = Arc::new(Street { streams, seen: Mutex::default(), model: Mutex::default() });
    let connections = [served.clients().await, served.clients().await, served.clients().await];
    let mut tasks = Vec::new();
    for (number, producer) in producers.into_iter().enumerate() {
        let client = Client {
            clients: connections[number % connections.len()].clone(),
            producer,
            street: Arc::clone(&street),
            rng: rng.fork(),
            done: Vec::new(),
            sequence: (number % 2 == 0).then_some(0),
            tally: Tally::default(),
        };
        tasks.push(tokio::spawn(client.run(events)));
    }
    let mut total = Tally::default();
    for task in tasks {
        let tally = task.await.unwrap();
        assert!(tally.events >= events);
        total.events += tally.events;
        total.repeats += tally.repeats;
        total.at_once += tally.at_once;
        total.stale += tally.stale;
        total.known += tally.known;
        total.out_of_order += tally.out_of_order;
    }
    println!("{total:?}");
    let model = std::mem::take(&mut *street.model.lock().unwrap());
    assert_eq!((model.len() as u64, model.keys().next()), (total.events, Some(&first)));
    assert_eq!(served.ledger.reader().head().size.0, first + total.events);
    compare(&connections[0], first, &model).await;
    total
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}-{number}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_clients_write_one_gapless_history() {
    let mut rng = Rng::seeded("concurrency");
    let house = House::build();
    let served = Served::start(&house).await;
    let total = write(&house, &served, &mut rng, (&names("client", CLIENTS), scaled(1_000))).await;
    let each = [total.repeats, total.at_once, total.stale, total.known, total.out_of_order];
    assert!(each.iter().all(|count| *count > 20), "{total:?}");
    let entries = served.ledger.reader().head().size.0;
    served.stop().await;
    assert_eq!(house.assert_clean().entries, entries);
}

/// A frame that comes alone is committed on the writer's own thread, others are handed over: few clients at once lead
/// from one to the other and back all the time.
#[tokio::test(flavor = "multi_thread")]
async fn one_client_two_and_three_write_one_gapless_history() {
    let mut rng = Rng::seeded("concurrency of few");
    let house = House::build();
    let served = Served::start(&house).await;
    for count in [1, 2, 3, 1] {
        let names = names(&format!("of-{count}-from-{}", served.ledger.reader().head().size.0), count);
        write(&house, &served, &mut rng, (&names, scaled(1_000))).await;
    }
    let entries = served.ledger.reader().head().size.0;
    served.stop().await;
    assert_eq!(house.assert_clean().entries, entries);
}
