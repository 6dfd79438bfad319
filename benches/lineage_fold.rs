//! What the fold of the log into the graph costs: `cargo bench --bench lineage_fold`. Runs of pipelines that start and
//! complete, two datasets read and one written each, in frames of 64; once parsed alone, once parsed and folded. Then how
//! much the fold hands out for rows, block by block, as ADR 0016 would write them. It measures; that the fold is right is
//! tested elsewhere.

use deedbook::clock::Clock;
use deedbook::lineage::NodeId;
use deedbook::lineage::fold::{Delta, Fold, Known, Link, LinkKey, Lookup, NodeKey, Settled, Trace, take_log};
use deedbook::record::seal::{CheckedFacts, SealFields, write_entry};
use deedbook::record::{FactsBuilder, FrameSigner, Position, SigningKey};
use deedbook_verify::entry::{Entry, SealedFrame};
use deedbook_verify::facts::{Facts, Object, ObjectClass, ObjectRole, Outcome, Parent};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{EventId, Index, LedgerId, Micros, Ref, Revision, SubjectId};
use std::collections::HashMap;
use std::convert::Infallible;

const EVENTS: u64 = 200_000;
const FRAME: u64 = 64;
const BLOCK: usize = 256;
const DATASETS: u64 = 2_000;

fn main() -> Result<(), String> {
    let log = log()?;
    let clock = Clock::system();
    let timed = |what: &str, work: &mut dyn FnMut()| {
        let start = clock.read().boot;
        work();
        let micros = clock.read().boot.0.saturating_sub(start.0) as f64;
        println!("{what}: {:.3} µs an entry", micros / EVENTS as f64);
    };
    timed("parsed", &mut || {
        let parsed = log.iter().filter(|entry| Entry::parse(entry).is_ok()).count();
        assert_eq!(parsed as u64, EVENTS);
    });
    let (mut graph, mut rows) = (Delta::default(), Rows::default());
    timed("parsed and folded", &mut || graph = folded(&log, &mut Rows::default()).0);
    let settled = folded(&log, &mut rows).1;
    let events = EVENTS as f64;
    let (nodes, edges) = (graph.nodes.len() as f64 / events, graph.edges.len() as f64 / events);
    println!("{nodes:.2} nodes and {edges:.2} edges an entry");
    let [node_rows, links, traces] = settled.map(|count| count as f64 / events);
    println!(
        "{node_rows:.2} nodes new or changed, {links:.2} links, {traces:.2} traces an entry, in blocks of {BLOCK}"
    );
    println!(
        "{:.2} nodes, {:.2} links were asked for an entry",
        rows.asked[0] as f64 / events,
        rows.asked[1] as f64 / events
    );
    Ok(())
}

/// Folds block by block, each handed out to rows; returns the graph, and how many nodes, links and traces were handed out.
fn folded(log: &[Vec<u8>], rows: &mut Rows) -> (Delta, [usize; 3]) {
    let (mut fold, mut delta, mut counts) = (Fold::default(), Delta::default(), [0; 3]);
    for (block, number) in log.chunks(BLOCK).zip(0u64..) {
        let first = Index(number * BLOCK as u64);
        let entries = block.iter().map(Vec::as_slice);
        let Ok(()) = take_log(&mut fold, rows, first, entries, &mut delta, |_, _, _, _| {}) else { break };
        let Settled { nodes, links, traces, .. } = fold.settle();
        for (count, added) in counts.iter_mut().zip([nodes.len(), links.len(), traces.len()]) {
            *count += added;
        }
        rows.nodes.extend(nodes);
        rows.links.extend(links);
    }
    (delta, counts)
}

/// Rows as maps, and how many nodes and links were asked for.
#[derive(Default)]
struct Rows {
    nodes: HashMap<NodeKey, Known>,
    links: HashMap<LinkKey, Link>,
    asked: [u64; 2],
}

impl Lookup for Rows {
    type Error = Infallible;

    fn node(&mut self, key: &NodeKey) -> Result<Option<Known>, Infallible> {
        self.asked[0] += 1;
        Ok(self.nodes.get(key).copied())
    }

    fn link(&mut self, key: &LinkKey) -> Result<Option<Link>, Infallible> {
        self.asked[1] += 1;
        Ok(self.links.get(key).copied())
    }

    fn trace(&mut self, _: &SubjectId) -> Result<Option<Trace>, Infallible> {
        Ok(None)
    }

    fn run_of(&mut self, _: &Parent) -> Result<Option<NodeId>, Infallible> {
        Ok(None)
    }
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
