//! `kill -9` of the real server under load, again and again, against an outside record of what it acknowledged: nothing
//! acknowledged is missing, nothing is doubled, it always opens again, and what was not answered is answered when it is
//! sent again.

use crate::support::grpc::{append, place};
use crate::support::process::Serving;
use crate::support::{House, Producer, Rng, scaled, sequenced, statement};
use deedbook::api::proto::{AppendResponse, LookupEventsRequest, ReadEventsRequest};
use deedbook::api::{ClientError, Clients, connect};
use deedbook::record::{FrameBytes, Position};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Facts;
use deedbook_verify::hash::leaf;
use deedbook_verify::words::{EventId, Hash, Ref};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const WRITERS: usize = 8;

/// The outside record: what the server said is durable, by index.
type Record = BTreeMap<u64, (Ref, EventId, Hash)>;

/// A producer that outlives the server. It has at most one frame unanswered at any time.
struct Writer {
    producer: Producer,
    rng: Rng,
    sequence: u64,
    unanswered: Option<FrameBytes>,
}

/// What the writers of one round share.
struct Round {
    clients: Clients,
    record: Mutex<Record>,
    acknowledged: AtomicU64,
    resent: AtomicU64,
    over: AtomicBool,
}

impl Writer {
    fn next_frame(&mut self) -> FrameBytes {
        let count = if self.rng.percent(50) { 1 } else { 1 + self.rng.below(50) };
        let mut events = Vec::new();
        for _ in 0..count {
            let length = usize::try_from(self.rng.below(900)).unwrap();
            events.push(statement().body("application/octet-stream", self.rng.bytes(length).into()));
        }
        let numbered = self.rng.percent(80);
        let at = if numbered { sequenced(self.sequence + 1) } else { Position::Unsequenced };
        self.sequence += if numbered { count } else { 0 };
        self.producer.sign(at, events)
    }

    /// First what is unanswered, then new frames, until the server is gone.
    async fn run(mut self, round: Arc<Round>) -> Writer {
        while !round.over.load(Ordering::Relaxed) {
            let resending = self.unanswered.is_some();
            let frame = self.unanswered.take().unwrap_or_else(|| self.next_frame());
            match append(&round.clients, &frame).await {
                Ok(answer) => {
                    let repeated = answer.placement.as_ref().unwrap().repeated;
                    assert!(resending || !repeated, "a frame that was never sent is known");
                    if repeated {
                        round.resent.fetch_add(1, Ordering::Relaxed);
                    }
                    self.keep(&round, &frame, &answer);
                }
                Err(error) => {
                    assert!(gone(&error), "{error:?}");
                    self.unanswered = Some(frame);
                    break;
                }
            }
        }
        self
    }

    fn keep(&self, round: &Round, frame: &FrameBytes, answer: &AppendResponse) {
        let (first, count) = place(answer);
        assert_eq!(count as usize, frame.events.len());
        let mut record = round.record.lock().unwrap();
        for ((event, leaf), index) in frame.events.iter().zip(&answer.leaf_hashes).zip(first..) {
            let id = Facts::parse(&event.facts).unwrap().event_id;
            let known = record.insert(index, (self.producer.source, id, Hash(leaf[..].try_into().unwrap())));
            assert!(known.is_none(), "index {index} was acknowledged twice");
        }
        round.acknowledged.fetch_add(u64::from(count), Ordering::Relaxed);
    }
}

/// Whether an error is what a killed server looks like.
fn gone(error: &ClientError) -> bool {
    error.retryable() && error.reason.is_none()
}

/// Everything on record is where it was, with the leaf that was acknowledged.
async fn check_record(clients: &Clients, record: &Record) {
    let request = ReadEventsRequest { from: 0, to: None, view: 0 };
    let mut messages = clients.ledger.clone().read_events(request).await.unwrap().into_inner();
    let mut stored = BTreeMap::new();
    while let Some(message) = messages.message().await.unwrap() {
        stored.extend(message.events.into_iter().map(|event| (event.index, event.entry)));
    }
    for (index, (source, id, acknowledged)) in record {
        let entry = stored.get(index).unwrap_or_else(|| panic!("acknowledged entry {index} is missing"));
        let facts = Entry::parse(entry).unwrap().facts;
        assert_eq!((facts.source, facts.event_id, leaf(entry)), (*source, *id, *acknowledged), "at {index}");
    }
}

/// Looks ids up by name: the lookup rows lead to the acknowledged index.
async fn check_lookups(clients: &Clients, record: &Record, rng: &mut Rng) {
    let all: Vec<(&u64, &(Ref, EventId, Hash))> = record.iter().collect();
    for _ in 0..20.min(all.len()) {
        let (index, (source, id, _)) = *rng.pick(&all);
        let (source, id) = (source.0.to_vec().into(), id.0.to_vec().into());
        let request = LookupEventsRequest { source, event_ids: vec![id] };
        let answer = clients.ledger.clone().lookup_events(request).await.unwrap().into_inner();
        assert_eq!(answer.results[0].index, Some(*index));
    }
}

/// One life of the server: load, and a kill at a random moment after something was acknowledged.
async fn live_and_die(
    house: &House,
    writers: Vec<Writer>,
    record: Record,
    rng: &mut Rng,
) -> (Vec<Writer>, Record, u64) {
    let server = Serving::start(&house.dir);
    let clients = connect(&server.address).await.unwrap();
    check_record(&clients, &record).await;
    check_lookups(&clients, &record, rng).await;
    let round = Arc::new(Round {
        clients,
        record: Mutex::new(record),
        acknowledged: AtomicU64::new(0),
        resent: AtomicU64::new(0),
        over: AtomicBool::new(false),
    });
    let tasks: Vec<_> = writers.into_iter().map(|writer| tokio::spawn(writer.run(Arc::clone(&round)))).collect();
    let enough = rng.below(500);
    while round.acknowledged.load(Ordering::Relaxed) <= enough {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_micros(rng.below(3_000))).await;
    server.kill();
    let mut writers = Vec::new();
    for task in tasks {
        writers.push(task.await.unwrap());
    }
    let record = std::mem::take(&mut *round.record.lock().unwrap());
    (writers, record, round.resent.load(Ordering::Relaxed))
}

/// A last life in which every unanswered frame is answered, and nothing else is sent.
async fn settle(house: &House, writers: &mut [Writer], record: Record) -> Record {
    let server = Serving::start(&house.dir);
    let round = Round {
        clients: connect(&server.address).await.unwrap(),
        record: Mutex::new(record),
        acknowledged: AtomicU64::new(0),
        resent: AtomicU64::new(0),
        over: AtomicBool::new(true),
    };
    for writer in writers {
        if let Some(frame) = writer.unanswered.take() {
            let answer = append(&round.clients, &frame).await.unwrap();
            writer.keep(&round, &frame, &answer);
        }
    }
    let record = round.record.lock().unwrap().clone();
    check_record(&round.clients, &record).await;
    server.kill();
    round.record.into_inner().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_or_doubled_by_kill_minus_nine() {
    let mut rng = Rng::seeded("kill");
    let house = House::build();
    let ledger = house.open();
    let names: Vec<String> = (0..WRITERS).map(|number| format!("gateway-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let producers = house.enrolled(&ledger, &names).await;
    let first = ledger.reader().head().size.0;
    house.close(ledger);
    let writer = |producer| Writer { producer, rng: rng.fork(), sequence: 0, unanswered: None };
    let mut writers: Vec<Writer> = producers.into_iter().map(writer).collect();
    let (mut record, mut durable_unheard) = (Record::new(), 0);
    for life in 0..scaled(20) {
        let (survivors, kept, resent) = live_and_die(&house, writers, record, &mut rng).await;
        (writers, record) = (survivors, kept);
        durable_unheard += resent;
        if life % 5 == 4 {
            // As the kill left it, before anything opened it again.
            let report = house.assert_clean();
            assert!(report.entries >= first + record.len() as u64, "acknowledged entries are missing");
        }
    }
    record = settle(&house, &mut writers, record).await;
    println!("{} events acknowledged, {durable_unheard} frames durable before they were answered", record.len());
    let report = house.assert_clean();
    // Every frame that was ever sent is answered now, so the record is the whole log.
    assert!(record.keys().copied().eq(first..report.entries), "the log holds something else than was acknowledged");
}
