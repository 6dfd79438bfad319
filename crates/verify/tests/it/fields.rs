//! Nothing that a test or a fold reads is unsigned: every field of every kind of entry is altered so that its form
//! stays valid, and it is shown which check breaks, in replay and in the receipt; for somebody without keys, and for
//! an operator who holds the head key, rebuilds the tree and makes the seals agree.

use crate::encode::{Fields, id16, kind, tag};
use crate::erasure::erase;
use crate::keeping::{hold, id_of, release, retention};
use crate::ledger::{Draft, Ledger, event, revoke, with};
use crate::naive_tree::root;
use crate::replay::replay;
use crate::world::{World, receipt_at, world};
use deedbook_verify::entry::Entry;
use deedbook_verify::judge::verify_receipt;
use deedbook_verify::tags;
use std::collections::{BTreeMap, BTreeSet};

/// The world, with the kinds that it does not hold yet.
fn all_kinds() -> World {
    let mut world = world();
    let (ledger, key, source) = (&mut world.ledger, world.rotated.clone(), world.gateway_source);
    let gap = [(tag::GAP_FROM, 5_u64.to_be_bytes()), (tag::GAP_TO, 9_u64.to_be_bytes())];
    let blind = [1_u64.to_be_bytes(), 9_u64.to_be_bytes()].concat();
    let why = [(0x0133, [4].as_slice()), (0x0189, &blind)];
    let gap = with(event(kind::SOURCE_GAP, "gap"), &[(gap[0].0, &gap[0].1), (gap[1].0, &gap[1].1), why[0], why[1]]);
    ledger.append(Draft::by(&key, source, vec![gap]).at(2, 9));
    ledger.append(
        Draft::by(&key, source, vec![with(event(kind::SOURCE_HEARTBEAT, "beat"), &[(0x0132, &[0, 0, 0, 9])])])
            .at(2, 10),
    );
    let objects = [[[3, 3].as_slice(), &id16("entity")].concat(), [[7, 3].as_slice(), &id16("activity")].concat()];
    let document = with(
        event(0x0204, "document"),
        &[
            (tag::PARENTS, &[id16("gateway"), id16("first part")].concat()),
            (0x0031, &objects.concat()),
            (0x0148, &[0, 1, 0, 2]),
            (0x0149, &[1, 0, 0, 0, 1]),
        ],
    );
    ledger.append(Draft::by(&key, source, vec![document]).at(2, 11));
    let clock = with(event(kind::CLOCK_CHECKED, "clock"), &[(tag::RULES, &[0, 1]), (0x0102, &7_u64.to_be_bytes())]);
    ledger.append_own(vec![clock]);
    ledger.command(retention("retention", Some("personal"), 2));
    ledger.command(hold("hold", None, &[(1 << 40, u64::MAX)]));
    ledger.command(release("release", id_of(ledger, "hold")));
    ledger.command(erase("erase", &[(3, 2), (7, 1)]));
    ledger.command(revoke("revoke", &key.id()));
    world
}

/// Every alteration that is tried on a field: gone, a bit at either end, another kind.
fn alterations(tag: u16, value: &[u8]) -> Vec<Option<Vec<u8>>> {
    let flip = |at: usize, mask: u8| {
        let mut value = value.to_vec();
        value[at] ^= mask;
        Some(value)
    };
    let last = value.len() - 1;
    let mut out = vec![None, flip(last, 1), flip(last, 2), flip(last, 4), flip(0, 1), flip(last / 2, 1)];
    if tag == tag::KIND {
        out.extend(deedbook_verify::kind::Kind::ALL.iter().map(|kind| Some(kind.number().to_be_bytes().to_vec())));
    }
    out.retain(|altered| altered.as_deref() != Some(value));
    out
}

/// The ledger with one field altered; none when the entry is then no entry.
fn altered(ledger: &Ledger, index: usize, tag: u16, value: Option<Vec<u8>>) -> Option<Ledger> {
    let mut ledger = ledger.clone();
    let placed = &mut ledger.placed[index];
    let half: &mut Fields = if placed.facts.contains_key(&tag) { &mut placed.facts } else { &mut placed.seal };
    match value {
        Some(value) => half.insert(tag, value),
        None => half.remove(&tag),
    };
    Entry::parse(&placed.bytes()).is_ok().then_some(ledger)
}

/// What replay says of the altered ledger, or that only the root gives it away.
fn judge_log(altered: &Ledger, good: &Ledger) -> String {
    match replay(&altered.entries()) {
        Err((_, refusal)) => refusal.to_string(),
        Ok(replay) => {
            assert_ne!(replay.head().root.0, root(&good.leaves()), "two logs of one root");
            "root".to_owned()
        }
    }
}

/// What stands in the way of a receipt: the check's name.
fn judge_receipt(world: &World, file: &[u8]) -> Option<&'static str> {
    verify_receipt(file, &world.key).err().map(|refusal| refusal.check.name())
}

/// Which checks broke, by the name of the field.
type Breaks = BTreeMap<&'static str, BTreeSet<String>>;

fn name(tag: u16) -> &'static str {
    tags::ALL.iter().find(|known| known.number == tag).expect("a tag of the format").name
}

fn alter_field(world: &World, index: usize, tag: u16, in_log: &mut Breaks) {
    let good = &world.ledger;
    let (is_fact, value) = match good.placed[index].facts.get(&tag) {
        Some(value) => (true, value),
        None => (false, &good.placed[index].seal[&tag]),
    };
    for alteration in alterations(tag, value) {
        let at = format!("{} of index {index}: {alteration:?}", name(tag));
        let Some(ledger) = altered(good, index, tag, alteration) else {
            in_log.entry(name(tag)).or_default().insert("form".to_owned());
            continue;
        };
        let broken = judge_log(&ledger, good);
        assert!(!is_fact || broken != "root", "replay accepts {at}");
        in_log.entry(name(tag)).or_default().insert(broken);
        let mut receipt = receipt_at(world, good, index);
        receipt.subject.entry = ledger.placed[index].bytes();
        assert!(judge_receipt(world, &receipt.file()).is_some(), "a receipt accepts {at}");
        // The operator signs a checkpoint over the altered tree.
        let own_word = tag == tag::RECEIVED || tag == tag::REVISION;
        let rebuilt = receipt_at(world, &ledger, index);
        assert_eq!(judge_receipt(world, &rebuilt.file()).is_none(), own_word, "the operator and {at}");
        if is_fact {
            let mut resealed = ledger;
            resealed.reseal(resealed.placed[index].frame, &[]);
            assert!(replay(&resealed.entries()).is_err(), "replay accepts {at}, resealed");
            let receipt = receipt_at(world, &resealed, index);
            assert!(judge_receipt(world, &receipt.file()).is_some(), "a receipt accepts {at}, resealed");
        }
    }
}

#[test]
fn every_field_is_bound_by_a_signature_or_a_hash() {
    let world = all_kinds();
    let mut breaks = Breaks::new();
    for (index, placed) in world.ledger.placed.iter().enumerate() {
        placed.facts.keys().chain(placed.seal.keys()).for_each(|&tag| alter_field(&world, index, tag, &mut breaks));
    }
    for (field, expected) in TABLE {
        let found = &breaks[field];
        assert!(found.contains(*expected), "{field} breaks {found:?}, not {expected:?}");
    }
    let listed: BTreeSet<&str> = TABLE.iter().map(|(field, _)| *field).collect();
    assert_eq!(listed, breaks.keys().copied().collect(), "fields that occur, and fields of the table");
}

const FRAME_ROOT: &str = "the facts do not hash to the frame's root";
const REVISION: &str = "the stream revision is not the next or not the expected one";
const REFUSAL: &str = "a command that the rules refuse is not followed by its refusal";
const SEQUENCE: &str = "the sequence does not follow the last of its source";
const FRAME_ORDER: &str = "the entry is not the next one of its frame";
const FORM: &str = "form";

/// Every field that can occur, with the checks of replay that break first for some alteration of it.
#[rustfmt::skip]
const TABLE: &[(&str, &str)] = &[
    ("event_id", FRAME_ROOT),
    ("occurred", FRAME_ROOT),
    ("occurred_note", FRAME_ROOT),
    ("valid_until", FRAME_ROOT),
    ("last_seen", FRAME_ROOT),
    ("actor", FRAME_ROOT),
    ("on_behalf_of", FRAME_ROOT),
    ("responsible", FRAME_ROOT),
    ("action_type", FRAME_ROOT),
    ("action_digest", FRAME_ROOT),
    ("policy_digest", FRAME_ROOT),
    ("outcome", FRAME_ROOT),
    ("resource_class", FRAME_ROOT),
    ("data_class", FRAME_ROOT),
    ("environment", FRAME_ROOT),
    ("request_id", FRAME_ROOT),
    ("grant_id", FRAME_ROOT),
    ("parents", FRAME_ROOT),
    ("objects", FRAME_ROOT),
    ("objects_omitted", FRAME_ROOT),
    ("media_type", FRAME_ROOT),
    ("commitment", FRAME_ROOT),
    ("document_part", FRAME_ROOT),
    ("document_part", FORM),
    ("relations", FRAME_ROOT),
    ("relations", FORM),
    ("wall_clock", FRAME_ROOT),
    ("nonce", FRAME_ROOT),
    ("origin", FRAME_ROOT),
    ("persons", FRAME_ROOT),
    ("predecessor", FRAME_ROOT),
    ("ref_key_digest", FRAME_ROOT),
    ("subject_key", FRAME_ROOT),
    ("subject_source", FRAME_ROOT),
    ("subject_key_id", FRAME_ROOT),
    ("kind", FRAME_ROOT),
    ("kind", "this kind may not be authored by this signer"),
    ("kind", "a command or gap must stand alone in its frame"),
    ("source", "facts and frame name different sources"),
    ("epoch", "facts and frame name different epochs"),
    ("sequence", "facts state a sequence that is not their place in the frame"),
    ("stream", REVISION),
    ("expected_revision", REVISION),
    ("revision", REVISION),
    ("rules", "the entry was made by rules that this program does not have"),
    ("reason", REFUSAL),
    ("event_id", REFUSAL),
    ("parents", REFUSAL),
    ("head_key", "genesis must be index 0, sound, and nowhere else"),
    ("sequencer_key", "genesis must be index 0, sound, and nowhere else"),
    ("erased_bodies", FRAME_ROOT),
    ("erased_bodies", FORM),
    ("retention_days", FRAME_ROOT),
    ("held_entries", FRAME_ROOT),
    ("held_entries", FORM),
    ("hold", FRAME_ROOT),
    ("gap_from", SEQUENCE),
    ("gap_to", SEQUENCE),
    ("gap_reason", FRAME_ROOT),
    ("heartbeat_s", FRAME_ROOT),
    ("window", FRAME_ROOT),
    ("window", FORM),
    ("received", "the received time decreases"),
    ("received", FRAME_ORDER),
    ("received", "root"),
    ("frame_digest", FRAME_ORDER),
    ("offset", FRAME_ORDER),
    ("frame_size", FRAME_ORDER),
    ("frame_digest", FORM),
    ("offset", FORM),
    ("frame_size", FORM),
    ("frame_header", FORM),
    ("signatures", FORM),
];

#[test]
fn what_every_kind_could_hold_was_altered() {
    let world = all_kinds();
    let held: BTreeSet<u16> =
        world.ledger.placed.iter().flat_map(|placed| placed.facts.keys().chain(placed.seal.keys())).copied().collect();
    // Those of kinds that replay has no fold for are judged by `approval_facts` and `evidence_facts`.
    let folded = |number: u16| number < 0x0300 && !(0x0150..0x0200).contains(&number);
    let known = tags::ALL.iter().filter(|tag| folded(tag.number));
    let missing: Vec<&str> = known.filter(|tag| !held.contains(&tag.number)).map(|tag| tag.name).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn a_field_added_or_given_to_another_kind_is_refused() {
    let world = all_kinds();
    let good = &world.ledger;
    for index in 0..good.placed.len() {
        for added in [0x0008_u16, 0x0042, 0x8042, 0x0101, 0x0122, 0x013f, 0x813f, 0x0208, 0x8208] {
            let mut ledger = good.clone();
            let placed = &mut ledger.placed[index];
            let half = if added & 0x0f00 == 0x0200 { &mut placed.seal } else { &mut placed.facts };
            if half.insert(added, vec![0, 1]).is_some() {
                continue;
            }
            let replayed = replay(&ledger.entries());
            let unsigned_seal = added == 0x8208;
            let head = replayed.as_ref().map(|replay| replay.head().root.0).ok();
            assert!(unsigned_seal || replayed.is_err(), "tag {added:#06x} at {index}");
            assert_ne!(head, Some(root(&good.leaves())), "tag {added:#06x} at {index}");
        }
    }
}
