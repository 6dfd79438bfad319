//! What the fold of the log into the graph costs: `cargo bench --bench lineage_fold`. Runs of pipelines that start and
//! complete, two datasets read and one written each, in frames of 64; once parsed alone, once parsed and folded. Then how
//! much that is in rows, and what the same events cost when they are appended to a ledger, by calls and through a server: the
//! fold's share of that, which shall be 15 % at most. It measures; that the fold is right is tested elsewhere. It allocates as the program does.

#[path = "lineage_fold/appends.rs"]
mod appends;

use appends::Way;
use deedbook::clock::Clock;
use deedbook::lineage::fold::{BlockFold, BlockRuns, Memory, Placed, Row};
use deedbook::record::seal::{CheckedFacts, SealFields, write_entry};
use deedbook::record::{FactsBuilder, FrameSigner, Position, SigningKey};
use deedbook_verify::entry::{Entry, SealedFrame};
use deedbook_verify::facts::{Facts, Object, ObjectClass, ObjectRole, Outcome};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{EventId, Index, LedgerId, Micros, Ref, Revision};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EVENTS: u64 = 200_000;
const FRAME: u64 = 64;
const DATASETS: u64 = 2_000;
/// Bytes of bodies: what OpenLineage's own clients send has 4,600 in the median, an action's report some hundreds.
const BODIES: [usize; 3] = [4_600, 400, 0];

fn main() -> Result<(), String> {
    let log = log()?;
    let clock = Clock::system();
    let timed = |what: &str, work: &mut dyn FnMut()| {
        let start = clock.read().boot;
        work();
        let micros = clock.read().boot.0.saturating_sub(start.0) as f64 / EVENTS as f64;
        println!("{what}: {micros:.3} µs an entry");
        micros
    };
    let parsed = timed("parsed", &mut || {
        let parsed = log.iter().filter(|entry| Entry::parse(entry).is_ok()).count();
        assert_eq!(parsed as u64, EVENTS);
    });
    let mut folded = Folded::default();
    let both = timed("parsed, folded, and made rows of", &mut || folded = fold(&log));
    let events = EVENTS as f64;
    let Folded { nodes, edges, once, changed, bytes } = folded;
    println!("{:.2} nodes and {:.2} edges an entry", nodes as f64 / events, edges as f64 / events);
    println!(
        "{:.3} rows that are written once, {:.3} that may be written again, {:.1} bytes of keys and values an entry",
        once as f64 / events,
        changed as f64 / events,
        bytes as f64 / events
    );
    shares(both, parsed)
}

/// The fold's part of what appends cost: by its thread, which parses too and asks the store; and by what it took alone, for
/// whoever closes a commit folds what is left of it.
fn shares(both: f64, parsed: f64) -> Result<(), String> {
    let ways = [(Way::Streamed, "streamed to a server"), (Way::Called, "appended by calls")];
    for ((way, how), body) in ways.into_iter().flat_map(|way| BODIES.map(|body| (way, body))) {
        let event = |at| match body {
            0 => facts(at),
            _ => facts(at).body("application/json", vec![b' '; body].into()),
        };
        let appended = appends::measure(way, (if body > 1_000 { EVENTS / 4 } else { EVENTS }, FRAME), event)?;
        let share = |micros: f64| micros / appended.all_threads * 100.0;
        println!(
            "{how} with bodies of {body} bytes: {:.2} µs an entry by the clock, {:.2} of all threads; the fold's thread {:.2} \
             of these ({:.1} %); folding alone took {:.2} ({:.1} %), with parsing {both:.2} ({:.1} %)",
            appended.elapsed,
            appended.all_threads,
            appended.lineage_thread,
            share(appended.lineage_thread),
            both - parsed,
            share(both - parsed),
            share(both),
        );
    }
    Ok(())
}

/// What a log came to.
#[derive(Default)]
struct Folded {
    nodes: usize,
    edges: usize,
    once: u64,
    changed: u64,
    bytes: usize,
}

/// Folds as the writer does, with rows in memory.
fn fold(log: &[Vec<u8>]) -> Folded {
    let (mut fold, mut memory, mut runs) = (BlockFold::default(), Memory::default(), BlockRuns::default());
    let mut folded = Folded::default();
    for (bytes, index) in log.iter().zip((0u64..).map(Index)) {
        let Ok(entry) = Entry::parse(bytes) else { break };
        let Ok(run) = fold.take(&mut memory, Placed { index, entry: &entry, refused: false }) else { break };
        run.into_iter().for_each(|run| runs.push(index, run));
        let (nodes, edges) = (fold.delta().nodes.len(), fold.delta().edges.len());
        let Some(block) = fold.end(index, &mut runs) else { continue };
        (folded.nodes, folded.edges) = (folded.nodes + nodes, folded.edges + edges);
        let mut size = |row: Row, value: &[u8]| folded.bytes += row.key().as_slice().len() + value.len();
        block.once(64 * 1024, &mut |row, value| {
            size(row, value);
            folded.once += 1;
        });
        block.changed(&mut |row, value| {
            size(row, value);
            folded.changed += 1;
        });
        memory.take_in(block.settled);
        fold.let_go();
    }
    folded
}

fn refer(class: u8, number: u64) -> Ref {
    let mut id = [class; 16];
    id.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
    Ref(id)
}

/// A START and, 32 events later, a COMPLETE of each run.
fn facts(at: u64) -> FactsBuilder {
    let (run, outcome) = match at % FRAME < FRAME / 2 {
        true => (at, Outcome::Started),
        false => (at - FRAME / 2, Outcome::Succeeded),
    };
    let object = |class, role, what| Object { class, role, what };
    let dataset = |role, number: u64| object(ObjectClass::Dataset, role, refer(1, number % DATASETS));
    let objects = [
        object(ObjectClass::Job, ObjectRole::Used, refer(2, run % 500)),
        dataset(ObjectRole::Input, run * 7),
        dataset(ObjectRole::Input, run * 13 + 1),
        dataset(ObjectRole::Output, run * 11 + 2),
    ];
    let mut id = [0; 16];
    id.iter_mut().zip(at.to_be_bytes()).for_each(|(to, from)| *to = from);
    let facts = FactsBuilder::new(Kind::OpenlineageReceived, EventId(id), Micros(at));
    facts.stream(refer(3, run)).outcome(outcome).objects(&objects)
}

fn log() -> Result<Vec<Vec<u8>>, String> {
    let key = SigningKey::from_seed("bench", &[7; 32]).map_err(|error| error.to_string())?;
    let signer = FrameSigner { ledger: LedgerId([1; 32]), source: Ref([9; 16]), key: &key };
    let mut log = Vec::new();
    for first in (0..EVENTS).step_by(FRAME as usize) {
        let events = (first..EVENTS.min(first + FRAME)).map(facts).collect();
        let frame = signer.sign(Position::Unsequenced, events).map_err(|error| error.to_string())?;
        let sealed = SealedFrame::parse(&frame.header, &frame.signatures).map_err(|error| error.to_string())?;
        let n = frame.events.len() as u16;
        for (event, offset) in frame.events.iter().zip(0u16..) {
            let facts = Facts::parse(&event.facts).map_err(|error| error.to_string())?;
            let revision = if u64::from(offset) < FRAME / 2 { Revision(1) } else { Revision(2) };
            let seal = SealFields {
                received: Micros(1),
                revision: Some(revision),
                frame_digest: sealed.digest(),
                offset,
                n,
                frame: (&frame.header, &frame.signatures),
            };
            let mut entry = Vec::new();
            write_entry(&mut entry, CheckedFacts::of(&facts), &seal);
            log.push(entry);
        }
    }
    Ok(log)
}
