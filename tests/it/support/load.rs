//! Load from producers who outlive the server, and the outside record of what it acknowledged. Whatever happens to the
//! server, the record must be found again in its log, and at the end the log must be the record.

use super::grpc::{append, place};
use super::{House, Producer, Rng, sequenced, statement};
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
use tokio::task::JoinHandle;

/// How many entries below the newest acknowledged one are compared after each life; all of them are at the end.
const RECENT: u64 = 1_000;

/// The outside record: what the server said is durable, by index.
type Record = BTreeMap<u64, (Ref, EventId, Hash)>;

/// How large the bodies are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Below 900 bytes.
    Light,
    /// Half a MiB a frame, so that the engine's memory fills and is flushed within a second.
    Heavy,
}

/// A producer that outlives the server. It has at most one frame unanswered at any time.
struct Writer {
    number: usize,
    producer: Producer,
    rng: Rng,
    sequence: u64,
    unanswered: Option<FrameBytes>,
}

/// What the writers of one life share.
struct Life {
    clients: Clients,
    record: Mutex<Record>,
    weight: Weight,
    acknowledged: AtomicU64,
    bytes: AtomicU64,
    resent: AtomicU64,
    /// By writer.
    refused: Vec<AtomicU64>,
    over: AtomicBool,
}

/// The writers between two lives of the server, and the record.
pub struct Load {
    writers: Vec<Writer>,
    record: Record,
    first: u64,
    /// Frames that were durable before they were answered: a retry got the first answer.
    pub resent: u64,
    /// Frames that were refused because the disk is low.
    pub refused: u64,
}

/// The writers at work.
pub struct Running {
    life: Arc<Life>,
    tasks: Vec<JoinHandle<Writer>>,
    load: Load,
}

impl Life {
    fn refusals(&self) -> Vec<u64> {
        self.refused.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }
}

impl Writer {
    fn next_frame(&mut self, weight: Weight) -> FrameBytes {
        let count = match weight {
            Weight::Light if self.rng.percent(50) => 1,
            Weight::Light => 1 + self.rng.below(50),
            Weight::Heavy => 2,
        };
        let mut events = Vec::new();
        for _ in 0..count {
            let length = match weight {
                Weight::Light => self.rng.below(900),
                Weight::Heavy => 250_000,
            };
            let body = self.rng.bytes(usize::try_from(length).unwrap());
            events.push(statement().body("application/octet-stream", body.into()));
        }
        let numbered = self.rng.percent(80);
        let at = if numbered { sequenced(self.sequence + 1) } else { Position::Unsequenced };
        self.sequence += if numbered { count } else { 0 };
        self.producer.sign(at, events)
    }

    /// First what is unanswered, then new frames, until the server is gone or the life is over.
    async fn run(mut self, life: Arc<Life>) -> Writer {
        let mut sent_before = self.unanswered.is_some();
        while !life.over.load(Ordering::Relaxed) {
            let frame = self.unanswered.take().unwrap_or_else(|| self.next_frame(life.weight));
            match append(&life.clients, &frame).await {
                Ok(answer) => {
                    let repeated = answer.placement.as_ref().unwrap().repeated;
                    assert!(sent_before || !repeated, "a frame that was never sent is known");
                    life.resent.fetch_add(u64::from(repeated), Ordering::Relaxed);
                    self.keep(&life, &frame, &answer);
                    sent_before = false;
                }
                Err(error) if error.reason.as_deref() == Some("DISK_LOW") => {
                    assert_eq!(error.code, "RESOURCE_EXHAUSTED");
                    life.refused[self.number].fetch_add(1, Ordering::Relaxed);
                    self.unanswered = Some(frame);
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(error) => {
                    assert!(is_end(&error), "{error:?}");
                    self.unanswered = Some(frame);
                    break;
                }
            }
        }
        self
    }

    fn keep(&self, life: &Life, frame: &FrameBytes, answer: &AppendResponse) {
        let (first, count) = place(answer);
        assert_eq!(count as usize, frame.events.len());
        let mut record = life.record.lock().unwrap();
        for ((event, leaf), index) in frame.events.iter().zip(&answer.leaf_hashes).zip(first..) {
            let id = Facts::parse(&event.facts).unwrap().event_id;
            let known = record.insert(index, (self.producer.source, id, Hash(leaf[..].try_into().unwrap())));
            assert!(known.is_none(), "index {index} was acknowledged twice");
        }
        let body =
            |event: &deedbook::record::EventBytes| event.salt_and_body.as_ref().map_or(0, |(_, body)| body.len());
        let bytes: usize = frame.events.iter().map(body).sum();
        life.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        life.acknowledged.fetch_add(u64::from(count), Ordering::Relaxed);
    }
}

/// Whether an error is what the end of a server looks like: it is gone, or it says that it stops.
fn is_end(error: &ClientError) -> bool {
    error.retryable() && matches!(error.reason.as_deref(), None | Some("STORAGE_FAILED" | "STOPPING"))
}

/// Bytes that a server sent and nobody read: in its own sockets, and in those of its clients.
fn bytes_on_the_way_from(port: u16) -> u64 {
    let sockets = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let hex = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let bytes = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let is_port = |column: usize| hex(columns[column].rsplit(':').next().unwrap()) == u64::from(port);
        let (unsent, unread) = columns[4].split_once(':').unwrap();
        (if is_port(1) { hex(unsent) } else { 0 }) + if is_port(2) { hex(unread) } else { 0 }
    };
    // A listening socket counts connections there that nobody accepted; those were sent nothing.
    sockets.lines().skip(1).filter(|line| !line.contains(" 0A ")).map(bytes).sum()
}

impl Load {
    /// Enrolls so many producers at a house that nobody serves.
    pub async fn enroll(house: &House, writers: usize, rng: &mut Rng) -> Load {
        let ledger = house.open();
        let names: Vec<String> = (0..writers).map(|number| format!("gateway-{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let producers = house.enrolled(&ledger, &names).await;
        let first = ledger.reader().head().size.0;
        house.close(ledger);
        let mut writer =
            |(number, producer)| Writer { number, producer, rng: rng.fork(), sequence: 0, unanswered: None };
        let writers = producers.into_iter().enumerate().map(&mut writer).collect();
        Load { writers, record: Record::new(), first, resent: 0, refused: 0 }
    }

    /// Events on record.
    pub fn acknowledged(&self) -> u64 {
        self.record.len() as u64
    }

    fn life(&mut self, clients: Clients, weight: Weight) -> Life {
        Life {
            clients,
            record: Mutex::new(std::mem::take(&mut self.record)),
            weight,
            acknowledged: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            resent: AtomicU64::new(0),
            refused: self.writers.iter().map(|_| AtomicU64::new(0)).collect(),
            over: AtomicBool::new(false),
        }
    }

    fn after(&mut self, life: &Life) {
        self.record = std::mem::take(&mut *life.record.lock().unwrap());
        self.resent += life.resent.load(Ordering::Relaxed);
        self.refused += life.refusals().iter().sum::<u64>();
    }

    /// Checks what the server still knows, then lets all writers write to it.
    pub async fn start(mut self, address: &str, weight: Weight, rng: &mut Rng) -> Running {
        let clients = connect(address).await.unwrap();
        let newest = self.record.last_key_value().map_or(0, |(index, _)| *index);
        self.check(&clients, newest.saturating_sub(RECENT)).await;
        self.check_lookups(&clients, rng).await;
        let life = Arc::new(self.life(clients, weight));
        let writers = std::mem::take(&mut self.writers);
        let tasks = writers.into_iter().map(|writer| tokio::spawn(writer.run(Arc::clone(&life)))).collect();
        Running { life, tasks, load: self }
    }

    /// Everything on record from an index on is where it was, with the leaf that was acknowledged.
    async fn check(&self, clients: &Clients, from: u64) {
        let request = ReadEventsRequest { from, to: None, view: 0 };
        let mut messages = clients.ledger.clone().read_events(request).await.unwrap().into_inner();
        let mut stored = BTreeMap::new();
        while let Some(message) = messages.message().await.unwrap() {
            stored.extend(message.events.into_iter().map(|event| (event.index, event.entry)));
        }
        for (index, (source, id, acknowledged)) in self.record.range(from..) {
            let entry = stored.get(index).unwrap_or_else(|| panic!("acknowledged entry {index} is missing"));
            let facts = Entry::parse(entry).unwrap().facts;
            assert_eq!((facts.source, facts.event_id, leaf(entry)), (*source, *id, *acknowledged), "at {index}");
        }
    }

    /// Looks ids up by name: the lookup rows lead to the acknowledged index.
    async fn check_lookups(&self, clients: &Clients, rng: &mut Rng) {
        let Some((newest, _)) = self.record.last_key_value() else { return };
        for _ in 0..10 {
            let Some((index, (source, id, _))) = self.record.range(rng.below(newest + 1)..).next() else { continue };
            let (source, id) = (source.0.to_vec().into(), id.0.to_vec().into());
            let request = LookupEventsRequest { source, event_ids: vec![id] };
            let answer = clients.ledger.clone().lookup_events(request).await.unwrap().into_inner();
            assert_eq!(answer.results[0].index, Some(*index));
        }
    }

    /// A last life: every unanswered frame is answered, nothing else is sent, and the whole record is compared.
    pub async fn settle(&mut self, address: &str) {
        let life = self.life(connect(address).await.unwrap(), Weight::Light);
        for writer in &mut self.writers {
            if let Some(frame) = writer.unanswered.take() {
                let answer = append(&life.clients, &frame).await.unwrap();
                life.resent.fetch_add(u64::from(answer.placement.as_ref().unwrap().repeated), Ordering::Relaxed);
                writer.keep(&life, &frame, &answer);
            }
        }
        self.after(&life);
        self.check(&life.clients, 0).await;
    }

    /// A folder that nobody serves, as some end left it: clean, with everything on record.
    pub fn assert_kept(&self, house: &House) {
        let report = house.assert_clean();
        assert!(report.entries >= self.first + self.acknowledged(), "acknowledged entries are missing");
    }

    /// After `settle`, when nobody serves the folder: every frame that was ever sent is answered, so the record is the
    /// whole log.
    pub fn assert_whole(&self, house: &House) {
        let report = house.assert_clean();
        let whole = self.record.keys().copied().eq(self.first..report.entries);
        assert!(whole, "the log holds something else than was acknowledged");
    }
}

impl Running {
    /// Events acknowledged in this life.
    pub fn acknowledged(&self) -> u64 {
        self.life.acknowledged.load(Ordering::Relaxed)
    }

    /// Bytes of bodies acknowledged in this life.
    pub fn bytes(&self) -> u64 {
        self.life.bytes.load(Ordering::Relaxed)
    }

    /// Frames refused in this life because the disk is low.
    pub fn refused(&self) -> u64 {
        self.life.refusals().iter().sum()
    }

    /// Waits until every writer is refused once more. Each has one frame unanswered at most, so that no other answer is
    /// under way then.
    pub async fn until_all_are_refused(&self) {
        let before = self.life.refusals();
        let all = |running: &Running| running.life.refusals().iter().zip(&before).all(|(now, before)| now > before);
        self.until("a refusal of every writer", all).await;
    }

    /// Clients of the server under load.
    pub fn clients(&self) -> Clients {
        self.life.clients.clone()
    }

    /// Waits until a condition holds; if all writers have ended, it never will.
    pub async fn until(&self, what: &str, holds: impl Fn(&Running) -> bool) {
        let waited = deedbook::clock::Stopwatch::start();
        while !holds(self) {
            assert!(self.is_served(), "the server ended before {what}");
            assert!(waited.seconds() < 60.0, "no {what} within a minute");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Whether anybody still gets answers.
    pub fn is_served(&self) -> bool {
        !self.tasks.iter().all(JoinHandle::is_finished)
    }

    /// Waits until the server is gone by itself.
    pub async fn until_gone(&self) {
        let waited = deedbook::clock::Stopwatch::start();
        while self.is_served() {
            assert!(waited.seconds() < 60.0, "the server goes on");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until this side has taken all that a frozen server had sent: nothing of it lies in a socket any more, so that
    /// the end of the connections cannot swallow it.
    pub async fn until_all_is_taken(&self, address: &str) {
        let port = address.rsplit(':').next().unwrap().parse().unwrap();
        self.until("an empty socket", |_| bytes_on_the_way_from(port) == 0).await;
    }

    /// Waits for the writers, whose server is gone or is to be asked no more.
    pub async fn end(self) -> Load {
        let Running { life, tasks, mut load } = self;
        life.over.store(true, Ordering::Relaxed);
        for task in tasks {
            load.writers.push(task.await.unwrap());
        }
        load.after(&life);
        load
    }
}
