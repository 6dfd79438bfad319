//! Retention and holds in a log: an erasure that they forbid must be followed by its refusal and no other, and one that they
//! let pass by none. A second judge, naive, writes the log; replay must agree with it at every step.

use crate::encode::{Fields, Key, id16, kind, tag};
use crate::erasure::erase;
use crate::governed::{Fold, body};
use crate::ledger::{Draft, Ledger, enroll, event, with};
use crate::naive_tree::sha256;
use crate::replay::replay;
use deedbook_verify::erasure::Standing;
use deedbook_verify::facts::Parent;
use deedbook_verify::hash::request_id;
use deedbook_verify::replay::ReplayRefusal;
use deedbook_verify::words::{EventId, Index, Ref, SubjectId};
use std::collections::BTreeMap;

const DAY_US: u64 = 86_400_000_000;
const DATA_CLASS: u16 = 0x0025;
const HELD: u16 = 10;
const KEPT: u16 = 11;
const NO_HOLD: u16 = 12;
const TOO_MANY: u16 = 13;

fn of_class(mut facts: Fields, class: Option<&str>) -> Fields {
    facts.extend(class.map(|class| (DATA_CLASS, class.as_bytes().to_vec())));
    facts
}

pub fn retention(name: &str, class: Option<&str>, days: u16) -> Fields {
    of_class(body(with(event(0x0140, name), &[(0x0141, &days.to_be_bytes())])), class)
}

pub fn hold(name: &str, class: Option<&str>, ranges: &[(u64, u64)]) -> Fields {
    let held: Vec<u8> =
        ranges.iter().flat_map(|(first, end)| [first.to_be_bytes(), end.to_be_bytes()]).flatten().collect();
    of_class(body(with(event(0x0141, name), &[(0x0142, &held)])), class)
}

pub fn release(name: &str, hold: [u8; 16]) -> Fields {
    body(with(event(0x0142, name), &[(0x0143, &hold)]))
}

/// The id of a hold that the administrator of a naive ledger placed under a name.
pub fn id_of(ledger: &Ledger, name: &str) -> [u8; 16] {
    request_id(&Parent { source: Ref(ledger.admin_source), event_id: EventId(id16(name)) }).0
}

/// Genesis, an enrollment, and statements with bodies at 2, 3 and 4: `personal`, `telemetry`, and of no class.
fn ledger() -> (Ledger, Key) {
    let mut ledger = Ledger::new("ledger.example/keeping");
    let key = Key::named("gateway");
    ledger.command(enroll("enroll", &key.wire(), &id16("gateway")));
    for (name, class) in [("two", Some("personal")), ("three", Some("telemetry")), ("four", None)] {
        let facts = of_class(body(event(kind::DATA_ACCESSED, name)), class);
        ledger.append(Draft::by(&key, id16("gateway"), vec![facts]));
    }
    (ledger, key)
}

/// The last command stands in the log for this reason, and for no other; none: it takes effect.
fn judged(ledger: &Ledger, wanted: Option<u16>, what: &str) -> Ledger {
    let command = ledger.placed.len() - 1;
    for reason in 1..=13 {
        let mut refused = ledger.clone();
        refused.refuse(reason);
        let found = replay(&refused.entries()).err();
        match wanted {
            Some(right) if right == reason => assert_eq!(found, None, "{what}"),
            Some(_) => assert_eq!(found, Some((command + 1, ReplayRefusal::RefusalMissing)), "{what}: {reason}"),
            None => assert_eq!(found, Some((command + 1, ReplayRefusal::RefusalUnfounded)), "{what}: {reason}"),
        }
    }
    let mut ledger = ledger.clone();
    let bare = replay(&ledger.entries()).err();
    match wanted {
        None => assert_eq!(bare, None, "{what}"),
        Some(reason) => {
            assert_eq!(bare, Some((command + 1, ReplayRefusal::RefusalMissing)), "{what}");
            ledger.refuse(reason);
        }
    }
    ledger
}

fn says(ledger: &Ledger, facts: Fields, wanted: Option<u16>, what: &str) -> Ledger {
    let mut ledger = ledger.clone();
    ledger.command(facts);
    judged(&ledger, wanted, what)
}

#[test]
fn a_held_body_stays_until_the_hold_is_released() {
    let (ledger, _) = ledger();
    let held = says(&ledger, hold("case 9", None, &[(3, 4), (9, u64::MAX)]), None, "a hold");
    let held = says(&held, erase("held", &[(2, 2)]), Some(HELD), "one of two is held");
    let held = says(&held, erase("not held", &[(2, 1)]), None, "the other is not");
    let held = says(&held, erase("beyond", &[(2, 1), (4, 1)]), None, "what went before holds nothing up");
    let held = says(&held, hold("case 10", Some("telemetry"), &[(0, u64::MAX)]), None, "a second hold");
    let gone = says(&held, release("one", id_of(&held, "case 9")), None, "a release");
    let gone = says(&gone, erase("still", &[(3, 1)]), Some(HELD), "the other hold covers its class");
    let gone = says(&gone, release("again", id_of(&held, "case 9")), Some(NO_HOLD), "nothing is released twice");
    let gone = says(&gone, release("unknown", [7; 16]), Some(NO_HOLD), "no such hold");
    let gone = says(&gone, release("two", id_of(&held, "case 10")), None, "the second release");
    let gone = says(&gone, erase("at last", &[(3, 1)]), None, "nothing holds it any more");
    let replayed = replay(&gone.entries()).unwrap();
    assert_eq!((2..5).filter(|at| replayed.bodies().get(Index(*at)) == Some(Standing::Erased)).count(), 3);
}

#[test]
fn a_hold_without_an_end_covers_what_is_written_later() {
    let (ledger, key) = ledger();
    let end = ledger.placed.len() as u64;
    let held = says(&ledger, hold("from now on", Some("personal"), &[(end, u64::MAX)]), None, "a hold");
    let held = says(&held, erase("before", &[(2, 1)]), None, "before the hold's range");
    let mut held = held;
    let at = held.placed.len() as u64;
    for (name, class) in [("later", "personal"), ("other", "telemetry")] {
        let facts = of_class(body(event(kind::DATA_ACCESSED, name)), Some(class));
        held.append(Draft::by(&key, id16("gateway"), vec![facts]));
    }
    let held = says(&held, erase("held", &[(at, 1)]), Some(HELD), "in the range and of the class");
    says(&held, erase("free", &[(at + 1, 1)]), None, "of another class");
}

#[test]
fn retention_passes_with_the_day() {
    let (ledger, _) = ledger();
    let set = says(&ledger, retention("personal", Some("personal"), 2), None, "a rule");
    let set = says(&set, retention("all", None, 1), None, "a rule for the rest");
    let set = says(&set, retention("telemetry", Some("telemetry"), 0), None, "an exception from it");
    let set = says(&set, erase("exempt", &[(3, 1)]), None, "telemetry need not be kept");
    let set = says(&set, erase("kept", &[(2, 1)]), Some(KEPT), "on the same day");
    let mut set = says(&set, erase("kept too", &[(4, 1)]), Some(KEPT), "by the rule for the rest");
    // The entries were received on 2026-01-05 at 03:00; a command is a millisecond later than its predecessor.
    let midnight = |days: u64| (1_767_582_000_000_000 / DAY_US + 1 + days) * DAY_US;
    set.received = midnight(1) - 1_001;
    let set = says(&set, erase("last moment", &[(4, 1)]), Some(KEPT), "the last millisecond of the day behind");
    let set = says(&set, retention("all 2", None, 0), None, "the rule goes");
    let mut set = says(&set, erase("free", &[(4, 1)]), None, "no rule is left for it");
    set.received = midnight(2) - 2_001;
    let set = says(&set, erase("nearly", &[(2, 1)]), Some(KEPT), "two days are not over");
    says(&set, erase("over", &[(2, 1)]), None, "the third day begins");
}

#[test]
fn only_administrators_keep_and_both_directions_need_two() {
    let mut fold = Fold::of_two();
    let rows: [(&str, Fields); 2] = [("retention", retention("r", None, 9)), ("hold", hold("h", None, &[(1, 2)]))];
    for (what, facts) in rows {
        assert_eq!(fold.clone().by("rita", facts.clone()), Err("NOT_ADMINISTRATOR"), "{what}");
        let (index, waits) = fold.by("alice", facts).unwrap();
        assert!(waits, "{what}");
        assert_eq!(fold.clone().vote("alice", index, 1), Err("CONFLICT_REQUESTER"), "{what}");
        fold.vote("bob", index, 1).unwrap();
    }
    assert_eq!(fold.authority.keeping().retention().next().map(|rule| rule.days), Some(9));
    let (id, from) = fold.authority.keeping().holds().map(|(id, hold)| (id, hold.from)).next().unwrap();
    assert!(from > Index(1), "it stands from the vote on");
    assert!(fold.by("alice", release("x", id.0)).unwrap().1, "a release waits too");
    assert_eq!(fold.by("alice", release("y", [1; 16])), Err("HOLD_UNKNOWN"));
}

/// What waits is judged again when the second administrator agrees: a hold that came between counts.
#[test]
fn a_hold_placed_between_asking_and_agreeing_counts() {
    let mut fold = Fold::of_two();
    let (erasure, _) = fold.by("alice", erase("asked", &[(0, 1)])).unwrap();
    fold.both(hold("case", None, &[(0, 9)])).unwrap();
    assert_eq!(fold.vote("bob", erasure, 1), Err("BODY_HELD"));
    let (id, _) = fold.authority.keeping().holds().next().unwrap();
    fold.both(release("over", id.0)).unwrap();
    fold.both(retention("kept", None, 1)).unwrap();
    assert_eq!(fold.vote("bob", erasure, 1), Err("RETENTION_NOT_PASSED"));
    fold.wait_us(2 * DAY_US);
    assert!(fold.vote("bob", erasure, 1).is_ok());
}

#[test]
fn holds_and_rules_have_bounds() {
    let mut fold = Fold::new(&[("alice", 1)]);
    for number in 0..1_024 {
        fold.by("alice", hold(&format!("hold {number}"), None, &[(number, number + 1)])).unwrap();
        fold.by("alice", retention(&format!("rule {number}"), Some(&format!("c{number}")), 1)).unwrap();
    }
    assert_eq!(fold.by("alice", hold("one more", None, &[(0, 1)])), Err("TOO_MANY_RULES"));
    assert_eq!(fold.by("alice", retention("one more", Some("d"), 1)), Err("TOO_MANY_RULES"));
    assert!(fold.by("alice", retention("known", Some("c7"), 2)).is_ok(), "a known class takes no room");
    let mut fold = Fold::new(&[("alice", 1)]);
    let all: Vec<(u64, u64)> = (0..1_024).map(|at| (at * 2, at * 2 + 1)).collect();
    for number in 0..64 {
        fold.by("alice", hold(&format!("hold {number}"), None, &all)).unwrap();
    }
    assert_eq!(fold.by("alice", hold("one more", None, &[(0, 1)])), Err("TOO_MANY_RULES"));
    assert_eq!(TOO_MANY, deedbook_verify::detail::RefusalReason::TooManyRules.number());
}

/// What the rules say, entry by entry, without any index.
#[derive(Clone, Default)]
struct Naive {
    bodies: Vec<Option<NaiveBody>>,
    rules: BTreeMap<Class, u16>,
    holds: BTreeMap<[u8; 16], NaiveHold>,
}

type Class = Option<&'static str>;
/// Class, received time, whether it was erased.
type NaiveBody = (Class, u64, bool);
type NaiveHold = (Class, Vec<(u64, u64)>);

impl Naive {
    fn erases(&mut self, named: &[u64], now: u64) -> Option<u16> {
        for index in named {
            let Some((class, received, erased)) = self.bodies[usize::try_from(*index).unwrap()] else { return Some(8) };
            if erased {
                continue;
            }
            let covers = |(only, ranges): &(Option<&str>, Vec<(u64, u64)>)| {
                (only.is_none() || *only == class) && ranges.iter().any(|(first, end)| (*first..*end).contains(index))
            };
            if self.holds.values().any(covers) {
                return Some(HELD);
            }
            let own = class.and_then(|class| self.rules.get(&Some(class)));
            let days = u64::from(own.or(self.rules.get(&None)).copied().unwrap_or(0));
            if days > 0 && now / DAY_US < received / DAY_US + days + 1 {
                return Some(KEPT);
            }
        }
        for index in named {
            self.bodies[usize::try_from(*index).unwrap()].as_mut().unwrap().2 = true;
        }
        None
    }
}

/// An erasure of a range, and what the naive rules say to it.
fn erases(ledger: &mut Ledger, naive: &mut Naive, name: &str, range: std::ops::Range<u64>) -> Option<u16> {
    let named: Vec<u64> = range.clone().collect();
    ledger.command(erase(name, &[(range.start, u16::try_from(named.len()).unwrap())]));
    // A body of an erasure stays for ever: 9.
    let permanent = |at: &u64| ledger.placed[usize::try_from(*at).unwrap()].facts[&tag::KIND] == [1, 0x43];
    let stops = named.iter().position(permanent);
    let mut trial = naive.clone();
    let verdict = trial.erases(&named[..stops.unwrap_or(named.len())], ledger.received).or(stops.map(|_| 9));
    if verdict.is_none() {
        *naive = trial;
    }
    naive.bodies.push(Some((None, ledger.received, false)));
    verdict
}

#[test]
fn a_random_history_is_judged_as_the_naive_rules_say() {
    const CLASSES: [Option<&str>; 3] = [None, Some("personal"), Some("telemetry")];
    let rounds: u64 = std::env::var("DEEDBOOK_TEST_SCALE").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let (mut refused, mut erased) = (0, 0);
    for round in 0..4 * rounds {
        let mut dice = Dice(round * 1_000_000);
        let (mut ledger, key) = (Ledger::new("ledger.example/random"), Key::named("gateway"));
        ledger.command(enroll("enroll", &key.wire(), &id16("gateway")));
        let mut naive = Naive { bodies: vec![None, None], ..Naive::default() };
        for step in 0..120 {
            let name = format!("{round} {step}");
            let size = ledger.placed.len() as u64;
            ledger.received += dice.roll(DAY_US / 3);
            let class = CLASSES[usize::try_from(dice.roll(3)).unwrap()];
            let wanted = match dice.roll(10) {
                0 => {
                    let days = u16::try_from(dice.roll(4)).unwrap();
                    ledger.command(retention(&name, class, days));
                    naive.bodies.push(Some((class, ledger.received, false)));
                    naive.rules.insert(class, days);
                    None
                }
                1 => {
                    let first = dice.roll(size);
                    let ranges = [
                        (first, first + 1 + dice.roll(6)),
                        (first + 9, [first + 12, u64::MAX][usize::from(dice.roll(4) == 0)]),
                    ];
                    ledger.command(hold(&name, class, &ranges));
                    naive.bodies.push(Some((class, ledger.received, false)));
                    naive.holds.insert(id_of(&ledger, &name), (class, ranges.to_vec()));
                    None
                }
                2 | 3 => {
                    let id = naive.holds.keys().next().copied().unwrap_or([9; 16]);
                    ledger.command(release(&name, id));
                    naive.bodies.push(Some((None, ledger.received, false)));
                    if naive.holds.remove(&id).is_some() { None } else { Some(NO_HOLD) }
                }
                4..=6 => {
                    let first = dice.roll(size);
                    let verdict = erases(&mut ledger, &mut naive, &name, first..(first + 1 + dice.roll(3)).min(size));
                    erased += usize::from(verdict.is_none());
                    verdict
                }
                _ => {
                    let facts = of_class(body(event(kind::DATA_ACCESSED, &name)), class);
                    ledger.append(Draft::by(&key, id16("gateway"), vec![facts]));
                    naive.bodies.push(Some((class, ledger.received, false)));
                    continue;
                }
            };
            if let Some(reason) = wanted {
                ledger.refuse(reason);
                naive.bodies.push(None);
                refused += 1;
            }
        }
        assert_eq!(replay(&ledger.entries()).err(), None, "round {round}");
    }
    assert!(refused > 40 && erased > 20, "{refused} refused, {erased} erased");
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 += 1;
        u64::from_be_bytes(sha256(&[b"keeping", &self.0.to_be_bytes()])[..8].try_into().unwrap()) % sides
    }
}

#[test]
fn the_id_of_a_hold_is_the_request_of_its_command() {
    let (ledger, _) = ledger();
    let held = says(&ledger, hold("case", None, &[(2, 3)]), None, "a hold");
    let replayed = replay(&held.entries()).unwrap();
    let (id, found) = replayed.authority().unwrap().keeping().holds().next().unwrap();
    assert_eq!(id, SubjectId(id_of(&held, "case")));
    assert_eq!((found.stated, found.from), (Index(5), Index(5)));
}
