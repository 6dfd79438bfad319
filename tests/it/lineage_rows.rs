//! The rows of the graph are a function of the entries: whatever commits they come in, whenever the process ends, and also
//! when they are dropped and derived again.

use crate::support::{Rng, scaled};
use crate::support_memory::{NUMBER, START, World, WritePoint, block_on, event_id, key, scan_all};
use deedbook::ledger::{AppendError, Ledger, StopReason};
use deedbook::limits::{FRAME_EVENTS_MAX, LINEAGE_CHUNK_ENTRIES, LINEAGE_LINKS_NEAR_MAX, STORE_VALUE_BYTES_MAX};
use deedbook::lineage::fold::{
    BLOCK_ENTRIES, BlockFold, BlockRuns, FullBlock, Head, Memory, Placed, Row, is_refusal_of,
};
use deedbook::lineage::{Edge, Gate, Halt, NodeId, NodeKind, Stop, View};
use deedbook::record::{FactsBuilder, Position, SigningKey};
use deedbook::store::{Batch, Fault, Store, keys};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::{Actor, ActorKind, Object, ObjectClass, ObjectRole, Outcome, Parent};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Index, Ref, TreeSize};
use std::collections::BTreeMap;

/// Never ends a query.
struct Never;

impl Stop for Never {
    fn poll(&self) -> Option<Halt> {
        None
    }
}

type Everything = (Vec<Option<NodeKind>>, Vec<Edge>, Vec<Option<(Gate, Index)>>);

/// Every node, edge and gate of a view.
fn everything(view: &View) -> Everything {
    let nodes: Vec<NodeId> = (0..view.node_count()).filter_map(NodeId::new).collect();
    let edges = nodes.iter().flat_map(|node| view.effects(*node)).collect();
    (nodes.iter().map(|node| view.kind(*node)).collect(), edges, nodes.iter().map(|node| view.gate(*node)).collect())
}

type Kept = BTreeMap<Vec<u8>, Vec<u8>>;

fn kept(store: &dyn Store) -> Kept {
    scan_all(store, &keys::lineage_rows(NUMBER)).into_iter().collect()
}

fn drop_rows(store: &dyn Store, dropped: impl Fn(&[u8]) -> bool) {
    let mut batch = Batch::new();
    kept(store).keys().filter(|key| dropped(key)).for_each(|key| batch.delete(key));
    store.commit(&batch).unwrap();
}

/// The rows as they follow from the entries, folded in one go.
fn derived(store: &dyn Store) -> Kept {
    let all = keys::between(keys::entry(NUMBER, Index(0)), keys::entry(NUMBER, Index(u64::MAX)));
    let entries: Vec<Vec<u8>> = scan_all(store, &all).into_iter().map(|(_, entry)| entry).collect();
    let (mut fold, mut memory, mut runs) = (BlockFold::default(), Memory::default(), BlockRuns::default());
    let (mut rows, mut blocks) = (Kept::new(), 0);
    let mut put = |row: Row, value: &[u8]| {
        rows.insert(keys::lineage(NUMBER, row.key().as_slice()).as_slice().to_vec(), value.to_vec());
    };
    for (at, bytes) in entries.iter().enumerate() {
        let (entry, index) = (Entry::parse(bytes).unwrap(), Index(at as u64));
        let behind = entries.get(at + 1).map(|bytes| Entry::parse(bytes).unwrap());
        let refused = behind.is_some_and(|behind| is_refusal_of(&entry.facts, &behind.facts));
        if let Some(run) = fold.take(&mut memory, Placed { index, entry: &entry, refused }).unwrap() {
            memory.ran(Parent { source: entry.facts.source, event_id: entry.facts.event_id }, run);
            runs.push(index, run);
        }
        if let Some(block) = fold.end(index, &mut runs) {
            block.once(STORE_VALUE_BYTES_MAX, &mut put);
            let FullBlock { block, settled, .. } = block;
            memory.take_in(settled);
            blocks = block + 1;
        }
    }
    if blocks > 0 {
        memory.rows(blocks, &mut |row, value| put(row, &value));
    }
    rows
}

/// A ledger that grows at random.
struct Growth {
    world: World,
    ledger: Ledger,
    source: Ref,
    secret: SigningKey,
    next: u64,
    said: Vec<Parent>,
    rng: Rng,
}

impl Growth {
    fn new(nonce: u8, rng: Rng) -> Growth {
        let world = World::new(nonce);
        let (ledger, source, secret) = (world.open(), world.source("gateway"), key("gateway", 9));
        block_on(ledger.append(world.enroll(1, &secret, source))).unwrap();
        Growth { world, ledger, source, secret, next: 10, said: Vec::new(), rng }
    }

    fn named(&self, class: &str, number: u64) -> Ref {
        self.world.source(&format!("{class} {number}"))
    }

    fn object(&mut self, class: ObjectClass, role: ObjectRole, of: u64) -> Object {
        let number = self.rng.below(of);
        Object { class, role, what: self.named(class.name(), number) }
    }

    fn event(&mut self) -> FactsBuilder {
        self.next += 1;
        let kinds = [Kind::DataAccessed, Kind::ModelInvoked, Kind::ExecutionReported, Kind::OpenlineageReceived];
        let kind = *self.rng.pick(&kinds);
        let mut event = FactsBuilder::new(kind, event_id(self.next), START.wall);
        if kind == Kind::OpenlineageReceived || self.rng.percent(50) {
            // Few runs, so that one has more links than stand together; some of them in the stream of a dataset.
            let number = self.rng.below(12);
            event = event.stream(self.named("run", number));
        }
        if kind == Kind::ExecutionReported || self.rng.percent(30) {
            event = event.outcome(*self.rng.pick(&[Outcome::Started, Outcome::Succeeded, Outcome::Failed]));
        }
        if self.rng.percent(60) {
            let number = self.rng.below(5);
            event = event.actor(Actor { kind: ActorKind::Agent, who: self.named("agent", number) });
        }
        let mut objects = Vec::new();
        for _ in 0..self.rng.below(5) {
            let role = *self.rng.pick(&[ObjectRole::Input, ObjectRole::Output, ObjectRole::Used]);
            let class = *self.rng.pick(&[ObjectClass::Dataset, ObjectClass::Model, ObjectClass::Artifact]);
            objects.push(self.object(class, role, 90));
            if let (Some(version), true) = (class.version(), self.rng.percent(40)) {
                objects.push(self.object(version, role, 200));
            }
        }
        if self.rng.percent(20) {
            objects.push(self.object(ObjectClass::Job, ObjectRole::Used, 9));
        }
        if let (Some(parent), true) = (self.said.last().copied(), self.rng.percent(20)) {
            let older = self.rng.pick(&self.said).to_owned();
            event = event.parents(&if older == parent { vec![parent] } else { vec![parent, older] });
        }
        self.said.push(Parent { source: self.source, event_id: event_id(self.next) });
        event.objects(&objects)
    }

    /// Some frames, a command or a restart.
    fn step(&mut self) {
        match self.rng.below(20) {
            0 => self.restart(),
            1 => {
                // A key that is enrolled already: a command that is refused.
                self.next += 1;
                let again = self.world.enroll(self.next, &self.secret, self.source);
                let answer = block_on(self.ledger.append(again));
                assert!(matches!(answer, Err(AppendError::Refused { .. })), "{answer:?}");
            }
            _ => {
                let most = if self.rng.percent(10) { 600 } else { 40 };
                let count = 1 + self.rng.below(most);
                let events = (0..count).map(|_| self.event()).collect();
                let frame = self.world.frame(self.source, &self.secret, Position::Unsequenced, events);
                block_on(self.ledger.append(frame)).unwrap();
            }
        }
    }

    fn size(&self) -> u64 {
        self.ledger.reader().head().size.0
    }

    fn restart(&mut self) {
        self.ledger.close();
        self.world = self.world.next_process();
        self.ledger = self.world.open();
    }

    fn grow_to(&mut self, size: u64) {
        while self.size() < size {
            self.step();
        }
    }

    fn store(&self) -> &dyn Store {
        self.world.store.as_ref()
    }
}

#[test]
fn rows_follow_from_the_entries_alone() {
    for case in 0..scaled(4) {
        let mut growth = Growth::new(1 + case as u8, Rng::seeded(&format!("rows {case}")));
        growth.grow_to(1_100);
        let (live, wanted) = (kept(growth.store()), derived(growth.store()));
        assert!(live == wanted, "case {case}: {} rows, {} follow from the entries", live.len(), wanted.len());
        growth.ledger.close();
        growth.world.audit_as_files();
        // Dropped altogether, without their head, and all but their head's: each time they are derived again.
        let head = keys::lineage(NUMBER, Row::Head.key().as_slice());
        for dropped in [None, Some(true)] {
            drop_rows(growth.store(), |key| dropped.is_none_or(|is_head| (key == head.as_slice()) == is_head));
            growth.restart();
            assert!(kept(growth.store()) == wanted, "case {case}, dropped {dropped:?}");
        }
        growth.grow_to(1_400);
        assert!(kept(growth.store()) == derived(growth.store()), "case {case}: goes on");
        growth.ledger.close();
    }
}

#[test]
fn a_run_with_many_links_has_rows_beyond_the_first() {
    let mut growth = Growth::new(40, Rng::seeded("many links"));
    let stream = growth.named("run", 0);
    let reads = |growth: &mut Growth, numbers: std::ops::Range<u64>| {
        growth.next += 1;
        let objects: Vec<Object> = numbers
            .map(|number| Object {
                class: ObjectClass::Dataset,
                role: ObjectRole::Input,
                what: growth.named("dataset", number),
            })
            .collect();
        let facts = FactsBuilder::new(Kind::DataAccessed, event_id(growth.next), START.wall).stream(stream);
        let frame =
            growth.world.frame(growth.source, &growth.secret, Position::Unsequenced, vec![facts.objects(&objects)]);
        block_on(growth.ledger.append(frame)).unwrap();
    };
    let many = 3 * LINEAGE_LINKS_NEAR_MAX as u64;
    reads(&mut growth, 0..many / 2);
    growth.grow_to(300);
    growth.restart();
    // What was said before adds nothing, also beyond the first links, also from rows.
    reads(&mut growth, 0..many);
    growth.grow_to(600);
    growth.restart();
    reads(&mut growth, 0..many);
    growth.grow_to(900);
    let rows = kept(growth.store());
    let far = keys::lineage(NUMBER, &[5]);
    let count = rows.keys().filter(|key| key.starts_with(far.as_slice())).count() as u64;
    assert!(count >= many - LINEAGE_LINKS_NEAR_MAX as u64, "{count}");
    assert!(rows == derived(growth.store()));
    let at = growth.ledger.reader().lineage(None, &Never).unwrap();
    assert_eq!(at.head.size, TreeSize(growth.size()));
    growth.ledger.close();
    growth.world.audit_as_files();
}

/// Deriving ends in the middle, at each of its writes, whether the write was kept or lost; the next opening goes on.
#[test]
fn deriving_rows_may_be_cut_off_anywhere() {
    let mut growth = Growth::new(50, Rng::seeded("cut off"));
    while growth.size() < 9_000 {
        let events = (0..u64::from(FRAME_EVENTS_MAX)).map(|_| growth.event()).collect();
        let frame = growth.world.frame(growth.source, &growth.secret, Position::Unsequenced, events);
        block_on(growth.ledger.append(frame)).unwrap();
    }
    growth.ledger.close();
    let wanted = derived(growth.store());
    assert!(kept(growth.store()) == wanted);
    for fault in [Fault::Lost, Fault::Persisted] {
        for skip in 0..3 {
            let world = growth.world.next_process();
            drop_rows(world.store.as_ref(), |_| true);
            world.fail(WritePoint::LineageRows, skip, fault);
            assert!(world.try_open().is_err(), "{fault:?} after {skip}");
            let world = world.next_process();
            let head = world.store.as_ref().get_row(&Row::Head);
            let blocks = head.map_or(0, |bytes| Head::parse(&bytes).unwrap().blocks);
            let chunks = skip + u64::from(fault == Fault::Persisted);
            let full = growth.size() / BLOCK_ENTRIES;
            assert_eq!(blocks, full.min(chunks * LINEAGE_CHUNK_ENTRIES / BLOCK_ENTRIES), "{fault:?} after {skip}");
            let ledger = world.open();
            assert!(kept(world.store.as_ref()) == wanted, "{fault:?} after {skip}");
            ledger.close();
        }
    }
}

trait GetRow {
    fn get_row(&self, row: &Row) -> Option<Vec<u8>>;
}

impl<S: Store + ?Sized> GetRow for S {
    fn get_row(&self, row: &Row) -> Option<Vec<u8>> {
        self.get(keys::lineage(NUMBER, row.key().as_slice()).as_slice()).unwrap()
    }
}

/// Answers are those of the whole graph while the last block is being filled, after a restart, and as of then.
#[test]
fn the_last_block_is_in_every_answer() {
    let mut growth = Growth::new(60, Rng::seeded("last block"));
    let mut seen = BTreeMap::new();
    while growth.size() < 800 {
        growth.step();
        let at = growth.ledger.reader().lineage(None, &Never).unwrap();
        seen.insert(at.head.size, everything(&at.view));
    }
    growth.restart();
    for (size, counts) in seen {
        let at = growth.ledger.reader().lineage(Some(size), &Never).unwrap();
        assert!((at.head.size, everything(&at.view)) == (size, counts), "as of {size}");
    }

    growth.ledger.close();
}

/// What the fold cannot read ends the ledger, also where it folds beside the writer; nobody was told that it came in.
#[test]
fn a_fold_that_cannot_read_ends_the_ledger() {
    for count in [3, u64::from(FRAME_EVENTS_MAX)] {
        let mut growth = Growth::new(55, Rng::seeded("cannot read"));
        growth.grow_to(300);
        growth.restart();
        growth.world.fail_reads_of(keys::lineage(NUMBER, &[]).as_slice());
        let (size, mut events) = (growth.size(), (1..count).map(|_| growth.event()).collect::<Vec<_>>());
        // What nobody named is asked of the store, whatever the fold has at hand.
        let nobodys = growth.named("run", 1_000_000);
        events.push(growth.event().stream(nobodys));
        let frame = growth.world.frame(growth.source, &growth.secret, Position::Unsequenced, events);
        let answer = block_on(growth.ledger.append(frame.clone()));
        assert!(matches!(answer, Err(AppendError::StorageFailed | AppendError::Closed)), "{count}: {answer:?}");
        assert!(matches!(block_on(growth.ledger.stopped()), StopReason::Failed(_)));
        growth.restart();
        assert_eq!(growth.size(), size, "{count}");
        block_on(growth.ledger.append(frame)).unwrap();
        assert!(kept(growth.store()) == derived(growth.store()), "{count}");
        growth.ledger.close();
        growth.world.audit_as_files();
    }
}

/// A graph that has no room says so, and what to do; with more room it answers, for its rows are whole.
#[test]
fn a_graph_beyond_its_budget_says_so() {
    let mut growth = Growth::new(70, Rng::seeded("budget"));
    growth.grow_to(800);
    let reader = growth.ledger.reader();
    let whole = everything(&reader.lineage(None, &Never).unwrap().view);
    for bytes_max in [1_000, 20_000] {
        growth.ledger.lineage_within(bytes_max);
        let error = reader.lineage(None, &Never).unwrap_err().to_string();
        assert!(error.contains(&format!("{bytes_max} bytes")) && error.contains("--lineage-mib"), "{error}");
    }
    growth.ledger.lineage_within(1 << 20);
    assert!(everything(&reader.lineage(None, &Never).unwrap().view) == whole);
    growth.ledger.close();
}
