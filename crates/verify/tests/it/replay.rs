//! Replay accepts a good log of several hundred entries and ends at its head; what is cut off or owed is refused.

use crate::encode::{Key, id16, kind, tag};
use crate::ledger::{Draft, Ledger, enroll, event, revoke, rotate, with};
use crate::naive_tree::{root, sha256};
use crate::world::{plain, rich, world};
use deedbook_verify::detail::RefusalReason;
use deedbook_verify::replay::{Replay, ReplayRefusal};
use deedbook_verify::words::{Epoch, Hash, KeyId, Ref, Revision, Sequence, TreeSize};

/// Replays to the end; the refusal comes with the index where it was found.
pub fn replay(entries: &[Vec<u8>]) -> Result<Replay, (usize, ReplayRefusal)> {
    let mut replay = Replay::new();
    for (index, entry) in entries.iter().enumerate() {
        replay.step(entry).map_err(|refusal| (index, refusal))?;
    }
    replay.finish().map_err(|refusal| (entries.len(), refusal))?;
    Ok(replay)
}

/// A producer of the good log.
struct Producer {
    name: String,
    source: [u8; 16],
    key: Key,
    epoch: u32,
    next: u64,
    keys: u32,
}

/// Deterministic dice.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 += 1;
        u64::from_be_bytes(sha256(&[b"dice", &self.0.to_be_bytes()])[..8].try_into().unwrap()) % sides
    }
}

fn producers(ledger: &mut Ledger) -> Vec<Producer> {
    let mut all = Vec::new();
    for name in ["crm", "mcp", "ci", "proxy"] {
        let (key, source) = (Key::named(name), id16(name));
        ledger.command(enroll(&format!("enroll {name}"), &key.wire(), &source));
        all.push(Producer { name: name.to_owned(), source, key, epoch: 1, next: 1, keys: 1 });
    }
    all
}

/// One step of the good log: statements, a gap, a new epoch, a rotation, a refused command.
fn step(ledger: &mut Ledger, from: &mut Producer, dice: &mut Dice, round: usize) {
    let name = format!("{} {round}", from.name);
    match dice.roll(10) {
        0 => {
            let to = from.next + 3;
            let fields = [(tag::GAP_FROM, from.next.to_be_bytes()), (tag::GAP_TO, to.to_be_bytes())];
            let gap = with(event(kind::SOURCE_GAP, &name), &[(fields[0].0, &fields[0].1), (fields[1].0, &fields[1].1)]);
            ledger.append(Draft::by(&from.key, from.source, vec![gap]).at(from.epoch, to));
            from.next = to + 1;
        }
        1 => (from.epoch, from.next) = (from.epoch + 1 + u32::from(dice.roll(2) == 0), 1),
        2 => {
            from.keys += 1;
            let new = Key::named(&format!("{} key {}", from.name, from.keys));
            let facts = rotate(&name, &new.wire(), &from.source, &from.key.id());
            if dice.roll(2) == 0 {
                ledger.command(facts);
            } else {
                ledger.append(Draft::by(&from.key, from.source, vec![facts]));
            }
            from.key = new;
        }
        3 => {
            let facts = revoke(&name, &Key::named("nobody").id());
            ledger.append(Draft::by(&from.key, from.source, vec![facts]).at(from.epoch, from.next));
            from.next += 1;
            ledger.refuse(4);
        }
        4 => {
            ledger.append(Draft::by(&from.key, from.source, vec![plain(&name)]));
        }
        n => {
            let events: Vec<_> = (0..n).map(|i| rich(&format!("{name} {i}"), &format!("stream {}", i % 3))).collect();
            let count = events.len() as u64;
            ledger.append(Draft::by(&from.key, from.source, events).at(from.epoch, from.next));
            from.next += count;
        }
    }
}

fn good_log() -> (Ledger, Vec<Producer>) {
    let mut ledger = Ledger::new("ledger.example/long");
    let mut all = producers(&mut ledger);
    let mut dice = Dice(0);
    for round in 0..120 {
        let which = usize::try_from(dice.roll(4)).unwrap();
        step(&mut ledger, &mut all[which], &mut dice, round);
    }
    let clock = with(event(kind::CLOCK_CHECKED, "clock"), &[(tag::RULES, &[0, 1]), (0x0102, &7_u64.to_be_bytes())]);
    ledger.append_own(vec![clock]);
    ledger.command(revoke("revoke the last key of crm", &all[0].key.id()));
    ledger.command(revoke("nobody would govern", &ledger.admin.id()));
    ledger.refuse(5);
    (ledger, all)
}

#[test]
fn a_good_log_is_accepted_with_its_head() {
    let (ledger, producers) = good_log();
    assert!(ledger.placed.len() > 400, "{}", ledger.placed.len());
    let replay = replay(&ledger.entries()).unwrap_or_else(|(index, refusal)| panic!("{index}: {refusal}"));
    assert_eq!(replay.head().size, TreeSize(ledger.placed.len() as u64));
    assert_eq!(replay.head().root, Hash(root(&ledger.leaves())));
    for producer in &producers {
        let mut stated = ledger.placed.iter().filter(|placed| {
            placed.facts[&tag::SOURCE] == producer.source && placed.facts[&tag::EPOCH] == producer.epoch.to_be_bytes()
        });
        if let Some(last) = stated.next_back() {
            let sequence = u64::from_be_bytes(last.facts[&tag::SEQUENCE].clone().try_into().unwrap());
            let found = replay.sources()[&Ref(producer.source)];
            assert_eq!(found, (Epoch(producer.epoch), Sequence(sequence)), "{}", producer.name);
        }
        let tenure = replay.keys().unwrap().tenure(&KeyId(producer.key.id())).unwrap();
        assert_eq!(tenure.until.is_some(), producer.name == "crm");
    }
    for (stream, revision) in &ledger.revisions {
        let stream = Ref(stream.clone().try_into().unwrap());
        assert_eq!(replay.streams()[&stream], Revision(*revision));
    }
}

#[test]
fn every_prefix_ends_whole_or_is_refused() {
    let world = world();
    let entries = world.ledger.entries();
    for size in 1..=entries.len() {
        let placed = world.ledger.placed.get(size);
        let inside = placed.is_some_and(|placed| placed.offset != 0);
        let owing = placed.is_some_and(|placed| placed.facts[&tag::KIND] == kind::COMMAND_REFUSED.to_be_bytes());
        let wanted = match (inside, owing) {
            (true, _) => Some((size, ReplayRefusal::FrameOrder)),
            (_, true) => Some((size, ReplayRefusal::RefusalMissing)),
            _ => None,
        };
        assert_eq!(replay(&entries[..size]).err(), wanted, "{size}");
    }
}

#[test]
fn entries_dropped_swapped_or_doubled_are_refused() {
    let entries = world().ledger.entries();
    for at in 0..entries.len() {
        let mut doubled = entries.clone();
        doubled.insert(at, entries[at].clone());
        assert!(replay(&doubled).is_err(), "{at} doubled");
        let mut dropped = entries.clone();
        dropped.remove(at);
        // A whole unsequenced frame at the end of its streams leaves no trace but in the root.
        let head = replay(&dropped).map(|replay| replay.head().root).ok();
        assert_ne!(head, Some(replay(&entries).unwrap().head().root), "{at} dropped");
        for other in at + 1..entries.len() {
            let mut swapped = entries.clone();
            swapped.swap(at, other);
            let head = replay(&swapped).map(|replay| replay.head().root).ok();
            assert_ne!(head, Some(replay(&entries).unwrap().head().root), "{at} and {other} swapped");
        }
    }
}

#[test]
fn reasons_have_the_numbers_of_the_format() {
    let numbers: Vec<u16> = RefusalReason::ALL.iter().map(|reason| reason.number()).collect();
    assert_eq!(numbers, (1..=13).chain(20..=61).collect::<Vec<u16>>());
}
