//! One producer's whole way: what was appended is read back byte for byte, found by every filter, and proven to people
//! who trust nothing but a key; and none of it changes when the ledger is opened again.

use crate::support::{House, Palette, Producer, Rng, scaled, sequenced};
use deedbook::domain::Filter;
use deedbook::ledger::{Bodies, Ledger, Placement, Reader, StoredBody, StoredEvent};
use deedbook::limits;
use deedbook::record::{EventBytes, FrameBytes, Position};
use deedbook_verify::entry::Entry;
use deedbook_verify::hash::leaf;
use deedbook_verify::judge::{BodyState, verify_receipt};
use deedbook_verify::note::open_checkpoint;
use deedbook_verify::tree::{Frontier, TreeHead};
use deedbook_verify::words::{Hash, Index, Micros, TreeSize};
use std::ops::ControlFlow;
use std::time::Duration;
use tokio::time::timeout;

const FRAME_EVENTS: usize = 256;

/// Everything that was acknowledged, in log order from `first` on.
struct Log {
    first: u64,
    events: Vec<(EventBytes, Hash)>,
    heads: Vec<TreeHead>,
}

impl Log {
    fn take(&mut self, frame: &FrameBytes, placed: &Placement) {
        assert_eq!((placed.first_index.0, placed.repeated), (self.first + self.events.len() as u64, false));
        assert_eq!((usize::from(placed.count), placed.leaves.len()), (frame.events.len(), frame.events.len()));
        self.events.extend(frame.events.iter().cloned().zip(placed.leaves.iter().copied()));
    }

    fn size(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    /// Checkpoints only ever grow, and each one is signed for a head that the log has.
    fn take_checkpoint(&mut self, house: &House, reader: &Reader) {
        let note = reader.checkpoint().unwrap();
        let head = open_checkpoint(&note, &house.verifier_key).unwrap().checkpoint().head;
        assert!(self.heads.last().is_none_or(|last| last.size <= head.size), "{head:?} after {:?}", self.heads.last());
        assert_eq!((head.size.0, head), (self.size(), reader.head()));
        self.heads.push(head);
    }
}

/// Appends random frames: single calls, and many under way at once.
async fn grow(house: &House, ledger: &Ledger, producer: &Producer, log: &mut Log, rng: &mut Rng, events: u64) {
    let palette = Palette::of(house);
    let target = log.size() + events;
    let mut sequence = ledger.reader().source_head(producer.source).unwrap().map_or(1, |head| head.sequence.0 + 1);
    while log.size() < target {
        let mut frames = Vec::new();
        for _ in 0..=rng.below(6) {
            let count = if rng.percent(30) { 1 } else { 1 + rng.below(60) };
            let events = (0..count).map(|_| palette.event(rng)).collect();
            let at = if rng.percent(50) { sequenced(sequence) } else { Position::Unsequenced };
            sequence += if at == Position::Unsequenced { 0 } else { count };
            frames.push(producer.sign(at, events));
        }
        let mut tickets = Vec::new();
        for frame in &frames {
            tickets.push(ledger.submit(ledger.admit(frame.clone()).unwrap()).await.unwrap());
        }
        for (frame, ticket) in frames.iter().zip(tickets) {
            log.take(frame, &ticket.placement().await.unwrap());
        }
        log.take_checkpoint(house, &ledger.reader());
        let again = rng.pick(&frames).clone();
        let placed = ledger.append(again.clone()).await.unwrap();
        let at = usize::try_from(placed.first_index.0 - log.first).unwrap();
        assert!(placed.repeated && log.events[at].0.facts == again.events[0].facts);
    }
}

fn opened(event: &StoredEvent) -> Option<(&[u8; 32], &[u8])> {
    match &event.body {
        StoredBody::Opened { salt, body } => Some((&salt.0, body)),
        StoredBody::None | StoredBody::Withheld | StoredBody::Erased { .. } => None,
    }
}

fn check_event(stored: &StoredEvent, sent: &(EventBytes, Hash), producer: &Producer, reader: &Reader) {
    let entry = Entry::parse(&stored.entry).unwrap();
    assert_eq!(entry.facts.bytes, &sent.0.facts[..], "at {}", stored.index);
    assert_eq!(leaf(&stored.entry), sent.1, "at {}", stored.index);
    let body = sent.0.salt_and_body.as_ref().map(|(salt, body)| (&salt.0, &body[..]));
    assert_eq!(opened(stored), body, "at {}", stored.index);
    assert_eq!(reader.find(producer.source, entry.facts.event_id).unwrap(), Some(stored.index));
}

fn check_reads(log: &Log, producer: &Producer, reader: &Reader, rng: &mut Rng) {
    let mut next = log.first;
    let (from, to) = (Index(log.first), Index(u64::MAX));
    let mut visit = |stored: StoredEvent| {
        assert_eq!(stored.index.0, next);
        check_event(&stored, &log.events[usize::try_from(next - log.first).unwrap()], producer, reader);
        next += 1;
        ControlFlow::Continue(())
    };
    reader.range(from, to, Bodies::With, &mut visit).unwrap();
    assert_eq!(next, log.size());
    for _ in 0..100 {
        let at = rng.below(log.events.len() as u64);
        let stored = reader.event(Index(log.first + at), Bodies::With).unwrap();
        check_event(&stored, &log.events[usize::try_from(at).unwrap()], producer, reader);
        let plain = reader.event(stored.index, Bodies::Without).unwrap();
        assert!(plain.entry == stored.entry && opened(&plain).is_none());
    }
    assert!(reader.event(Index(log.size()), Bodies::With).is_err());
}

/// What a filter must find, by looking at every entry.
pub fn naive(entries: &[Vec<u8>], filter: &Filter) -> Vec<Index> {
    let meets = |bytes: &Vec<u8>| {
        let Entry { facts, seal, .. } = Entry::parse(bytes).unwrap();
        filter.kind.is_none_or(|kind| kind == facts.kind)
            && filter.actor.is_none_or(|who| facts.actor.is_some_and(|actor| actor.who == who))
            && filter.stream.is_none_or(|stream| facts.stream == Some(stream))
            && filter.source.is_none_or(|source| facts.source == source)
            && filter.action_type.as_deref().is_none_or(|code| facts.action_type.is_some_and(|c| c.as_str() == code))
            && filter.outcome.is_none_or(|outcome| facts.outcome == Some(outcome))
            && filter.policy.is_none_or(|policy| facts.policy_digest == Some(policy))
            && filter.received.as_ref().is_none_or(|times| times.contains(&seal.received))
    };
    (0u64..).zip(entries).filter(|(_, bytes)| meets(bytes)).map(|(index, _)| Index(index)).collect()
}

pub fn random_filter(palette: &Palette, producer: &Producer, entries: &[Vec<u8>], rng: &mut Rng) -> Filter {
    let received = |rng: &mut Rng| Entry::parse(rng.pick::<Vec<u8>>(entries)).unwrap().seal.received;
    let mut filter = Filter::default();
    for _ in 0..=rng.below(3) {
        match rng.below(8) {
            0 => filter.kind = Some(*rng.pick(&palette.kinds)),
            1 => filter.actor = Some(*rng.pick(&palette.actors)),
            2 => filter.stream = Some(*rng.pick(&palette.streams)),
            3 => filter.source = Some(producer.source),
            4 => filter.action_type = Some((*rng.pick(&palette.actions)).to_owned()),
            5 => filter.outcome = Some(*rng.pick(&palette.outcomes)),
            6 => filter.policy = Some(*rng.pick(&palette.policies)),
            _ => {
                let (one, two) = (received(rng), received(rng));
                filter.received = Some(one.min(two)..Micros(one.max(two).0 + rng.below(2)));
            }
        }
    }
    filter
}

fn check_lists(house: &House, producer: &Producer, reader: &Reader, rng: &mut Rng) {
    let mut entries = Vec::new();
    let mut visit = |stored: StoredEvent| {
        entries.push(stored.entry);
        ControlFlow::Continue(())
    };
    reader.range(Index(0), Index(u64::MAX), Bodies::Without, &mut visit).unwrap();
    let palette = Palette::of(house);
    let mut found = 0;
    for _ in 0..scaled(60) {
        let filter = random_filter(&palette, producer, &entries, rng);
        let at = TreeSize(rng.below(entries.len() as u64 + 1).max(entries.len() as u64 / 2));
        let wanted: Vec<Index> = naive(&entries, &filter).into_iter().filter(|index| index.0 < at.0).collect();
        // In pages of some size, each from behind the last index of the one before.
        let limit = usize::try_from(1 + rng.below(400)).unwrap();
        let (mut listed, mut from) = (Vec::new(), Index(0));
        loop {
            let page = reader.list(&filter, from, at, limit).unwrap();
            assert!(page.len() <= limit, "{filter:?}");
            let Some(last) = page.last() else { break };
            from = Index(last.0 + 1);
            listed.extend(page);
        }
        assert_eq!(listed, wanted, "{filter:?} below {at}");
        found += listed.len();
    }
    assert!(found > 500, "the filters are not such that they find nothing: {found}");
}

fn check_proofs(house: &House, log: &Log, reader: &Reader, rng: &mut Rng) {
    for _ in 0..scaled(40) {
        let index = Index(rng.below(log.size()));
        for bodies in [Bodies::With, Bodies::Without] {
            let verified = verify_receipt(&reader.receipt(index, bodies).unwrap(), &house.verifier_key);
            let verified = verified.unwrap_or_else(|refusal| panic!("receipt {index}: {refusal}"));
            assert_eq!((verified.ledger, verified.index, verified.head), (house.id, index, reader.head()));
            let sent = index.0.checked_sub(log.first).map(|at| &log.events[usize::try_from(at).unwrap()].0);
            let body = sent.and_then(|sent| sent.salt_and_body.as_ref()).map(|(_, body)| body.len());
            let wanted = match (body, bodies) {
                (None, _) => BodyState::None,
                (Some(bytes), Bodies::With) => BodyState::Disclosed(bytes),
                (Some(_), Bodies::Without) => BodyState::Redacted,
            };
            assert_eq!(verified.body, wanted, "receipt {index}");
        }
    }
    let mut sizes: Vec<u64> = (0..12).map(|_| rng.below(log.size() + 1)).collect();
    sizes.extend([0, 1, 2, 255, 256, 257, 512, log.size() - 1, log.size()]);
    let heads: Vec<TreeHead> = sizes.iter().map(|size| reader.head_at(TreeSize(*size)).unwrap()).collect();
    for old in heads.iter().chain(&log.heads) {
        for new in heads.iter().filter(|new| old.size <= new.size) {
            let proof = reader.consistency(old.size, new.size).unwrap();
            assert_eq!((proof.old, proof.new), (*old, *new));
            proof.verify().unwrap_or_else(|refusal| panic!("{} to {}: {refusal}", old.size, new.size));
        }
    }
    for pair in heads.chunks_exact(2) {
        let (from, to) = if pair[0].size <= pair[1].size { (pair[0], pair[1]) } else { (pair[1], pair[0]) };
        check_interval(reader, from, to);
    }
    assert!(reader.consistency(TreeSize(1), TreeSize(log.size() + 1)).is_err());
}

/// The frontier before a range, and every entry of it, lead to the head behind it.
fn check_interval(reader: &Reader, from: TreeHead, to: TreeHead) {
    let given = reader.frontier(from.size).unwrap();
    let mut frontier = Frontier::from_parts(from.size, given.roots().to_vec()).unwrap();
    assert_eq!(frontier.head(), from);
    let mut visit = |stored: StoredEvent| {
        frontier.push(leaf(&stored.entry));
        ControlFlow::Continue(())
    };
    reader.range(Index(from.size.0), Index(to.size.0), Bodies::Without, &mut visit).unwrap();
    assert_eq!(frontier.head(), to);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_stays_readable_findable_and_provable() {
    let mut rng = Rng::seeded("spine");
    let house = House::build();
    let ledger = house.open();
    let producer = house.enrolled(&ledger, &["gateway"]).await.remove(0);
    let mut log = Log { first: ledger.reader().head().size.0, events: Vec::new(), heads: Vec::new() };
    grow(&house, &ledger, &producer, &mut log, &mut rng, scaled(1_600)).await;
    check_reads(&log, &producer, &ledger.reader(), &mut rng);
    check_lists(&house, &producer, &ledger.reader(), &mut rng);
    check_proofs(&house, &log, &ledger.reader(), &mut rng);
    let mut last = ledger.reader().head();
    house.close(ledger);
    for _ in 0..3 {
        assert_eq!(house.assert_clean().head, Some(last));
        let ledger = house.open();
        assert_eq!(ledger.reader().head(), last);
        log.take_checkpoint(&house, &ledger.reader());
        check_reads(&log, &producer, &ledger.reader(), &mut rng);
        check_lists(&house, &producer, &ledger.reader(), &mut rng);
        let more = 1 + rng.below(300);
        grow(&house, &ledger, &producer, &mut log, &mut rng, more).await;
        check_proofs(&house, &log, &ledger.reader(), &mut rng);
        last = ledger.reader().head();
        house.close(ledger);
    }
    let report = house.assert_clean();
    let bodies = log.events.iter().filter(|(sent, _)| sent.salt_and_body.is_some()).count() as u64;
    assert_eq!((report.entries, report.bodies_opened), (log.size(), bodies));
}

/// A burst of more than one commit with nothing behind it: whoever hands a commit over must also hear when it is done.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_larger_than_a_commit_is_answered() {
    let house = House::build();
    let ledger = house.open();
    let producer = house.enrolled(&ledger, &["gateway"]).await.remove(0);
    for frames in [1, 2, 3 * limits::COMMIT_EVENTS_MAX / FRAME_EVENTS] {
        let burst = (0..frames).map(|_| ledger.admit(producer.plain(Position::Unsequenced, FRAME_EVENTS)).unwrap());
        let first = ledger.reader().head().size;
        let tickets = ledger.submit_all(burst.collect()).await.unwrap();
        for (ticket, number) in tickets.into_iter().zip(0u64..) {
            let placed = timeout(Duration::from_secs(60), ticket.placement()).await.expect("no answer").unwrap();
            assert_eq!(placed.first_index.0, first.0 + number * FRAME_EVENTS as u64);
        }
    }
    house.close(ledger);
    house.assert_clean();
}
