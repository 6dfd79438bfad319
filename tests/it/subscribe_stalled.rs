//! A subscriber that stalls: whatever is appended meanwhile, it holds a few messages and nothing of the store, and then
//! reads everything without a gap. What is counted is what the store was asked for: a row that was never read cannot be
//! held anywhere.

use crate::support::grpc::append;
use crate::support::{House, Producer, close, event_id, now, sequenced};
use deedbook::api::connect;
use deedbook::api::proto::SubscribeRequest;
use deedbook::api::proto::subscribe_response::Message;
use deedbook::api::proto::subscription_service_client::SubscriptionServiceClient;
use deedbook::app::Server;
use deedbook::clock::Clock;
use deedbook::ledger::{HeadKey, Ledger, Parts, SequencerKey};
use deedbook::limits;
use deedbook::record::{FactsBuilder, SigningKey, load_ref_key};
use deedbook::store::keys::{Key, RowTag};
use deedbook::store::{
    Access, AnchorSet, Batch, Direction, FileAnchor, KeyRange, Purged, RocksStore, Rows, Store, StoreError, Visit,
};
use deedbook_verify::hash::leaf;
use deedbook_verify::kind::Kind;
use deedbook_verify::tree::Frontier;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tonic::transport::Endpoint;

/// What readers hold of a store, and what they ever took from it.
#[derive(Default)]
struct Counts {
    scans_open: AtomicU64,
    snapshots_open: AtomicU64,
    entry_bytes_scanned: AtomicU64,
}

/// RocksDB, with its readers counted.
struct Counting {
    rows: RocksStore,
    counts: Arc<Counts>,
}

impl Rows for Counting {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.rows.get(key)
    }

    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.rows.get_many(keys)
    }

    fn scan(&self, range: &KeyRange, direction: Direction, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.counts.scans_open.fetch_add(1, Ordering::SeqCst);
        let scanned = self.rows.scan(range, direction, &mut |key, value| {
            if key.first() == Some(&(RowTag::Entry as u8)) {
                self.counts.entry_bytes_scanned.fetch_add(value.len() as u64, Ordering::SeqCst);
            }
            visit(key, value)
        });
        self.counts.scans_open.fetch_sub(1, Ordering::SeqCst);
        scanned
    }
}

struct CountedSnapshot<'a> {
    rows: Box<dyn Rows + 'a>,
    counts: Arc<Counts>,
}

impl Rows for CountedSnapshot<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.rows.get(key)
    }

    fn scan(&self, range: &KeyRange, direction: Direction, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.rows.scan(range, direction, visit)
    }
}

impl Drop for CountedSnapshot<'_> {
    fn drop(&mut self) {
        self.counts.snapshots_open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Store for Counting {
    fn snapshot(&self) -> Box<dyn Rows + '_> {
        self.counts.snapshots_open.fetch_add(1, Ordering::SeqCst);
        Box::new(CountedSnapshot { rows: self.rows.snapshot(), counts: Arc::clone(&self.counts) })
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        self.rows.commit(batch)
    }

    fn checkpoint(&self, folder: &Path) -> Result<(), StoreError> {
        self.rows.checkpoint(folder)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.rows.flush()
    }

    fn purge(&self, range: &KeyRange) -> Result<Purged, StoreError> {
        self.rows.purge(range)
    }

    fn verify(&self) -> Result<(), StoreError> {
        self.rows.verify()
    }

    fn free_bytes(&self) -> Option<u64> {
        self.rows.free_bytes()
    }
}

/// The house's ledger over the counting store.
fn open_counting(house: &House) -> (Ledger, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    let rows = RocksStore::open(&house.dir.store(), Access::ReadWrite).unwrap();
    let parts = Parts {
        store: Arc::new(Counting { rows, counts: Arc::clone(&counts) }),
        anchors: AnchorSet::new(Box::new(FileAnchor::open(&house.dir.anchor_file()).unwrap()), Vec::new()),
        clock: Clock::system(),
        head: HeadKey::new(SigningKey::load(&house.dir.head_key()).unwrap()),
        sequencer: SequencerKey::new(SigningKey::load(&house.dir.sequencer_key()).unwrap()),
        ref_key: load_ref_key(&house.dir.ref_key()).unwrap(),
        accept_clock: false,
    };
    (Ledger::from_parts(parts).unwrap(), counts)
}

async fn fill(ledger: &Ledger, producer: &Producer, events: u64) {
    let mut tickets = Vec::new();
    for first in (1..=events).step_by(1_000) {
        let event = |_| FactsBuilder::new(Kind::ModelInvoked, event_id(), now());
        let frame = producer.sign(sequenced(first), (0..1_000).map(event).collect());
        tickets.push(ledger.submit(ledger.admit(frame).unwrap()).await.unwrap());
    }
    for ticket in tickets {
        ticket.placement().await.unwrap();
    }
}

/// What a stalled client can hold at most: messages of the server, HTTP/2's send buffer, its own window, and two
/// messages that are on their way from one to the next.
const STALLED_BYTES_MAX: u64 = (limits::SUBSCRIBE_RESPONSES_MAX as u64 + 3)
    * (limits::RANGE_MESSAGE_BYTES as u64 + 1_024)
    + 400 * 1_024
    + CLIENT_WINDOW_BYTES as u64;
const CLIENT_WINDOW_BYTES: u32 = 65_535;
/// What is appended meanwhile.
const EVENTS: u64 = 100_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_subscriber_holds_little_and_misses_nothing() {
    let house = House::build();
    let (ledger, counts) = open_counting(&house);
    let any = "127.0.0.1:0".parse().unwrap();
    let server = Server::start(ledger.clone(), any, any).await.unwrap();
    let address = server.addresses().grpc.to_string();
    let producer = house.enrolled(&ledger, &["gateway"]).await.remove(0);
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let endpoint = endpoint.initial_stream_window_size(CLIENT_WINDOW_BYTES);
    let channel = endpoint.initial_connection_window_size(CLIENT_WINDOW_BYTES).connect().await.unwrap();
    let mut client = SubscriptionServiceClient::new(channel).max_decoding_message_size(limits::RESPONSE_BYTES_MAX);
    let request = SubscribeRequest { from: Some(0), progress_interval_ms: 100, ..Default::default() };
    let mut stalled = client.subscribe(request).await.unwrap().into_inner();
    let scanned_before = counts.entry_bytes_scanned.load(Ordering::SeqCst);
    fill(&ledger, &producer, EVENTS).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    // It is stalled now, and would be for as long as it likes: nothing of the store is open, nothing more is read.
    let scanned = counts.entry_bytes_scanned.load(Ordering::SeqCst) - scanned_before;
    assert!(scanned > 0 && scanned <= STALLED_BYTES_MAX, "{scanned} bytes were read for nobody");
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(4)).await;
        assert_eq!(counts.scans_open.load(Ordering::SeqCst), 0, "an iterator is held for a client that reads nothing");
        assert_eq!(counts.snapshots_open.load(Ordering::SeqCst), 0);
    }
    assert_eq!(counts.entry_bytes_scanned.load(Ordering::SeqCst) - scanned_before, scanned);
    // Others go on: one more append, while it stalls.
    let clients = connect(&address).await.unwrap();
    append(&clients, &producer.plain(sequenced(EVENTS + 1), 1)).await.unwrap();
    // And it misses nothing: what it reads in the end hashes to the tree.
    let (head, mut tree, mut read) = (ledger.reader().head(), Frontier::new(), 0);
    while tree.size() < head.size {
        if let Message::Events(message) = stalled.message().await.unwrap().unwrap().message.unwrap() {
            for event in message.events {
                assert_eq!(event.index, tree.size().0, "a gap");
                tree.push(leaf(&event.entry));
                read += event.entry.len() as u64;
            }
        }
    }
    assert_eq!(tree.head(), head);
    println!("{scanned} of {read} bytes were read while it stalled; the bound is {STALLED_BYTES_MAX}");
    assert!(read > 4 * STALLED_BYTES_MAX, "the log is too small to show anything");
    drop((stalled, client, clients));
    server.stop().await;
    close(ledger, &house.dir);
    house.assert_clean();
}
