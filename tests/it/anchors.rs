//! The promise of the head anchor: whatever is done to it, opening serves exactly what was acknowledged or refuses, with
//! the text and the exit code that the operator's page names; and the one way out lets nothing in that a published
//! checkpoint does not vouch for.

use crate::fault_matrix::{Bench, append};
use crate::support::process::{Serving, serve_command};
use crate::support::{House, Producer, cases, disk, patiently, statement};
use crate::support_memory::{World, block_on};
use deedbook::ledger::{DataDir, Ledger, OpenError};
use deedbook::limits::COMMIT_ROWS_KEPT;
use deedbook::record::Position;
use deedbook::store::{AnchorRecord, AnchorSet, FileAnchor, HeadAnchor};
use deedbook_verify::words::{Hash, TreeSize};
use std::path::Path;
use std::process::Command;

#[test]
fn an_anchor_ahead_names_what_is_missing() {
    let world = World::new(9);
    let ledger = world.open();
    let mut bench = Bench::enrolled(&world, &ledger);
    let older = world.next_process();
    append(&world, &ledger, &mut bench, 5);
    append(&world, &ledger, &mut bench, 2);
    ledger.close();
    let newest = world.anchor.record();
    match older.with_record(newest).try_open().err() {
        Some(OpenError::EntriesMissing { anchored_commit: 4, anchored_size, commit: 2, size }) => {
            assert_eq!((anchored_size, size), (TreeSize(9), TreeSize(2)));
        }
        other => panic!("{other:?}"),
    }
    // The other way round, the store is ahead by commits that nobody was told of.
    let behind = world.with_record(older.anchor.record());
    let ledger = behind.open();
    ledger.close();
    assert_eq!(behind.anchor.record(), newest, "opening moved the anchor up");
    bench.judge(&behind);
}

#[test]
fn another_history_is_refused() {
    for (ours, theirs) in [(1, 1), (3, 1), (2, 2)] {
        let base = World::new(9);
        let ledger = base.open();
        let mut bench = Bench::enrolled(&base, &ledger);
        ledger.close();
        let mut grown = [ours, theirs].into_iter().map(|commits| {
            let world = base.next_process();
            let ledger = world.open();
            (0..commits).for_each(|_| append(&world, &ledger, &mut bench, 1));
            ledger.close();
            world
        });
        let (one, other) = (grown.next().unwrap(), grown.next().unwrap());
        let record = other.anchor.record();
        match one.with_record(record).try_open().err() {
            Some(OpenError::HistoryDiffers { commit }) => assert_eq!(commit, record.commit),
            other => panic!("{other:?}"),
        }
    }
}

/// Of the last commits a row is kept; an anchor that stopped before those cannot be compared any more, and is refused.
#[test]
fn an_anchor_older_than_the_kept_commits_is_refused() {
    let world = World::new(9);
    let ledger = world.open();
    let mut bench = Bench::enrolled(&world, &ledger);
    let stopped = world.anchor.record();
    (0..COMMIT_ROWS_KEPT - 1).for_each(|_| append(&world, &ledger, &mut bench, 1));
    let kept = world.with_record(stopped);
    append(&world, &ledger, &mut bench, 1);
    ledger.close();
    kept.open().close();
    match world.with_record(stopped).try_open().err() {
        Some(OpenError::HistoryDiffers { commit }) => assert_eq!(commit, stopped.commit),
        other => panic!("{other:?}"),
    }
}

/// What is done to the anchor file; slots are told by what they hold.
#[derive(Clone, Copy, Debug)]
enum Damage {
    Newest,
    Older,
    Both,
    HalfGone,
    Emptied,
    Removed,
}

fn damage(path: &Path, damage: Damage, newest_commit: u64) {
    let mut bytes = std::fs::read(path).unwrap();
    let newest = usize::try_from(newest_commit % 2).unwrap() * 4096;
    match damage {
        Damage::Newest => bytes[newest + 20] ^= 1,
        Damage::Older => bytes[4096 - newest + 4000] ^= 0x80,
        Damage::Both => [20, 4096 + 70].into_iter().for_each(|at| bytes[at] ^= 4),
        Damage::HalfGone => bytes.truncate(4096),
        Damage::Emptied => bytes.clear(),
        Damage::Removed => return std::fs::remove_file(path).unwrap(),
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn damaged_slots() {
    // (damage, commits by which the store is ahead of the anchor, what opening says)
    let table: &[(Damage, u64, &str)] = &[
        (Damage::Newest, 0, "opens"),
        (Damage::Older, 0, "may not be the last acknowledged one"),
        (Damage::Older, 1, "opens"),
        (Damage::Newest, 1, "opens"),
        (Damage::Both, 0, "both slots of the head anchor"),
        (Damage::Both, 1, "both slots of the head anchor"),
        (Damage::Emptied, 0, "both slots of the head anchor"),
        (Damage::HalfGone, 0, "may not be the last acknowledged one"),
        (Damage::HalfGone, 1, "opens"),
        (Damage::Removed, 0, "is missing"),
    ];
    for (what, ahead, says) in table {
        let (folder, world) = (tempfile::tempdir().unwrap(), World::new(9));
        let path = folder.path().join("head.anchor");
        FileAnchor::create(&path, &world.anchor.record()).unwrap();
        let open = |world: &World| -> Result<Ledger, OpenError> {
            Ledger::from_parts(world.parts(Box::new(FileAnchor::open(&path)?), false))
        };
        let ledger = open(&world).unwrap();
        let mut bench = Bench::enrolled(&world, &ledger);
        // Commits 3 and 4: the newest record stands in slot 0, the only one that `HalfGone` leaves.
        (0..2).for_each(|_| append(&world, &ledger, &mut bench, 1));
        ledger.close();
        let record = FileAnchor::peek(&path).unwrap().record;
        let world = world.with_record(record);
        let ledger = world.open();
        (0..*ahead).for_each(|_| append(&world, &ledger, &mut bench, 1));
        ledger.close();
        damage(&path, *what, record.commit);
        let world = world.next_process();
        let answer = open(&world).map(|ledger| ledger.close());
        let said = answer.err().map_or("opens".to_owned(), |error| error.to_string());
        assert!(said.contains(says), "{what:?} with the store {ahead} ahead: {said}");
        if *says == "opens" {
            open(&world.next_process()).unwrap_or_else(|error| panic!("a second time: {error}")).close();
            bench.judge(&world);
        }
    }
}

/// What a member of the set can be like when the store is at commit 5.
const MEMBERS: &[(&str, Option<&str>)] = &[
    ("sound", None),
    ("one commit behind", None),
    ("at genesis", None),
    (
        "ahead",
        Some("acknowledged entries are missing: the anchor knows commit 9 with 99 entries, the store has commit"),
    ),
    ("of another ledger", Some("history differs from the anchor's at commit")),
    ("its newest slot damaged", None),
    ("its older slot damaged", Some("may not be the last acknowledged one")),
    ("both slots damaged", Some("both slots of the head anchor")),
    ("emptied", Some("both slots of the head anchor")),
    ("missing", Some("is missing; if it was lost, run `deedbook anchor rebuild")),
];

/// Makes the file of a member; `last` is the store's newest commit.
fn make(path: &Path, state: &str, history: &[AnchorRecord]) {
    let (last, before) = (history[history.len() - 1], history[history.len() - 2]);
    let create = |record: &AnchorRecord| drop(FileAnchor::create(path, record).unwrap());
    let two = |newest: &AnchorRecord, older: &AnchorRecord| {
        create(older);
        patiently(|| Ok(FileAnchor::open(path)?)).unwrap().advance(older, newest).unwrap();
    };
    match state {
        "sound" => two(&last, &before),
        "one commit behind" => create(&before),
        "at genesis" => create(&history[0]),
        "ahead" => create(&AnchorRecord { commit: 9, size: TreeSize(99), ..last }),
        "of another ledger" => create(&AnchorRecord { chain: Hash([9; 32]), ..last }),
        "its newest slot damaged" => {
            two(&last, &before);
            damage(path, Damage::Newest, last.commit);
        }
        "its older slot damaged" => {
            two(&last, &before);
            damage(path, Damage::Older, last.commit);
        }
        "both slots damaged" => {
            create(&last);
            damage(path, Damage::Both, last.commit);
        }
        "emptied" => {
            create(&last);
            damage(path, Damage::Emptied, last.commit);
        }
        "missing" => {}
        other => panic!("no such member: {other}"),
    }
}

/// Two members, each in every state: what one of them refuses the set refuses; a doubtful slot is no matter beside a
/// sound member, since a commit is acknowledged when both hold it. Afterwards both stand at the last commit, undamaged.
#[test]
fn every_pair_of_members() {
    let world = World::new(9);
    let mut history = vec![world.anchor.record()];
    let ledger = world.open();
    let mut bench = Bench::enrolled(&world, &ledger);
    history.push(world.anchor.record());
    for _ in 0..3 {
        append(&world, &ledger, &mut bench, 2);
        history.push(world.anchor.record());
    }
    ledger.close();
    let folder = tempfile::tempdir().unwrap();
    let mut pairs = 0u64;
    for (first, first_says) in MEMBERS {
        for (second, second_says) in MEMBERS {
            let paths = ["one", "two"].map(|name| folder.path().join(format!("{pairs}.{name}")));
            make(&paths[0], first, &history);
            make(&paths[1], second, &history);
            let world = world.next_process();
            let opened = || -> Result<Ledger, OpenError> {
                let members = AnchorSet::new(
                    Box::new(FileAnchor::open(&paths[0])?),
                    vec![Box::new(FileAnchor::open(&paths[1])?)],
                );
                let mut parts = world.parts(Box::new(world.anchor.clone()), false);
                parts.anchors = members;
                Ledger::from_parts(parts)
            };
            let doubtful = |state: &str| state == "its older slot damaged";
            let newest_gone = |state: &str| state == "its newest slot damaged";
            let wanted: Vec<&str> = match (doubtful(first), doubtful(second)) {
                // Beside a sound member, or one whose damage is of the same kind but which proves nothing newer.
                (true, false) => {
                    second_says.iter().copied().chain(newest_gone(second).then_some("may not be")).collect()
                }
                (false, true) => first_says.iter().copied().chain(newest_gone(first).then_some("may not be")).collect(),
                (true, true) => vec!["may not be the last acknowledged one"],
                (false, false) => [first_says, second_says].into_iter().flatten().copied().collect(),
            };
            match patiently(opened) {
                Ok(ledger) => {
                    assert!(wanted.is_empty(), "{first}, {second}: opens, wanted {wanted:?}");
                    ledger.close();
                    for path in &paths {
                        let loaded = FileAnchor::peek(path).unwrap();
                        assert_eq!((loaded.record, loaded.one_slot_damaged), (history[history.len() - 1], false));
                    }
                }
                Err(error) => {
                    let said = error.to_string();
                    assert!(wanted.iter().any(|wanted| said.contains(wanted)), "{first}, {second}: {said}");
                }
            }
            pairs += 1;
        }
    }
    cases("anchor-pairs", pairs);
}

/// Makes a ledger of five commits, and closes it.
fn on_disk(house: &House) {
    let ledger = house.open();
    let producer = block_on(house.enrolled(&ledger, &["gateway"])).remove(0);
    for _ in 0..3 {
        block_on(ledger.append(producer.plain(Position::Unsequenced, 2))).unwrap();
    }
    house.close(ledger);
}

/// The program's last word: exit code, and what stands on its error stream.
fn said(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn rebuild(dir: &DataDir, note: &Path) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deedbook"));
    said(command.args(["anchor", "rebuild", "--data"]).arg(dir.root()).arg("--checkpoint").arg(note))
}

/// What is done to a folder, what `serve` says (none: it serves), and whether the newest checkpoint is the way out.
type Fault = (&'static str, fn(&DataDir, &DataDir), Option<&'static str>, bool);

const FAULTS: &[Fault] = &[
    ("untouched", |_, _| (), None, true),
    ("missing", |dir, _| std::fs::remove_file(dir.anchor_file()).unwrap(), Some("is missing; if it was lost"), true),
    ("folder missing", |dir, _| std::fs::remove_dir_all(dir.anchor()).unwrap(), Some("is missing; if it was"), true),
    ("emptied", |dir, _| disk::cut(&dir.anchor_file(), 0), Some("both slots of the head anchor"), true),
    ("cut inside its first slot", |dir, _| disk::cut(&dir.anchor_file(), 100), Some("both slots"), true),
    ("both slots flipped", |dir, _| damage(&dir.anchor_file(), Damage::Both, 5), Some("both slots"), true),
    ("newest slot flipped", |dir, _| damage(&dir.anchor_file(), Damage::Newest, 5), None, true),
    ("older slot flipped", |dir, _| damage(&dir.anchor_file(), Damage::Older, 5), Some("may not be the last"), true),
    ("of another ledger", |dir, other| put(&other.anchor_file(), dir), Some("history differs"), true),
    (
        "of another, longer ledger",
        |dir, other| {
            lengthen(other);
            put(&other.anchor_file(), dir);
        },
        Some("acknowledged entries are missing"),
        true,
    ),
    ("stale", |dir, _| put(&dir.root().join("stale.anchor"), dir), None, true),
    (
        "store rolled back under it",
        |dir, _| {
            std::fs::remove_dir_all(dir.store()).unwrap();
            disk::copy(&dir.root().join("older.store"), &dir.store());
        },
        Some("acknowledged entries are missing"),
        false,
    ),
];

/// Another anchor in the place of a folder's own.
fn put(anchor: &Path, dir: &DataDir) {
    std::fs::copy(anchor, dir.anchor_file()).unwrap();
}

/// Three commits more, by the administrator.
fn lengthen(dir: &DataDir) {
    let ledger = crate::support::open(dir).unwrap();
    let key = deedbook::record::SigningKey::load(&dir.admin_key()).unwrap();
    let source = deedbook::domain::person_ref(ledger.reader().ref_key(), "", key.name()).unwrap();
    let admin = Producer { key, source, ledger: ledger.reader().ledger_id() };
    for _ in 0..3 {
        block_on(ledger.append(admin.one(statement()))).unwrap();
    }
    crate::support::close(ledger, dir);
}

/// The program itself: text, exit code, and the way out. `serve` that refuses ends with 1, so that a supervisor which
/// restarts after 70 does not go round in circles; a wrong checkpoint is refused with 1 and changes nothing.
#[test]
fn the_program_refuses_and_rebuilds() {
    let (house, other) = (House::build(), House::build());
    on_disk(&other);
    // The store and the anchor as they were two commits earlier stand beside it.
    let ledger = house.open();
    let producer = block_on(house.enrolled(&ledger, &["gateway"])).remove(0);
    block_on(ledger.append(producer.plain(Position::Unsequenced, 2))).unwrap();
    let old_note = ledger.reader().checkpoint().unwrap();
    house.close(ledger);
    disk::copy(&house.dir.store(), &house.dir.root().join("older.store"));
    std::fs::copy(house.dir.anchor_file(), house.dir.root().join("stale.anchor")).unwrap();
    let ledger = house.open();
    for _ in 0..2 {
        block_on(ledger.append(producer.plain(Position::Unsequenced, 2))).unwrap();
    }
    let note = ledger.reader().checkpoint().unwrap();
    house.close(ledger);
    let notes = tempfile::tempdir().unwrap();
    let paths = ["newest", "old", "forged", "foreign"].map(|name| notes.path().join(name));
    let mut forged = note.clone();
    let digit = forged.len() - 20;
    forged[digit] = if forged[digit] == b'A' { b'B' } else { b'A' };
    let foreign = other.open();
    for (path, bytes) in paths.iter().zip([&note, &old_note, &forged, &foreign.reader().checkpoint().unwrap()]) {
        std::fs::write(path, bytes).unwrap();
    }
    other.close(foreign);
    for (number, (what, harm, says, heals)) in FAULTS.iter().enumerate() {
        let dir = disk::copy_of(&house.dir, &format!("case {number}"));
        harm(&dir, &other.dir);
        let before = std::fs::read(dir.anchor_file()).ok();
        match says {
            None => Serving::start(&dir).kill(),
            Some(says) => {
                let (code, text) = said(&mut serve_command(&dir));
                assert!(code == 1 && text.contains(says), "{what}: {code} {text}");
                for wrong in &paths[2..] {
                    let (code, text) = rebuild(&dir, wrong);
                    assert!(code == 1 && text.contains("signature"), "{what}: {code} {text}");
                    assert_eq!(std::fs::read(dir.anchor_file()).ok(), before, "{what}: a wrong checkpoint changed it");
                }
            }
        }
        let (code, text) = rebuild(&dir, &paths[0]);
        if *heals {
            assert_eq!(code, 0, "{what}: {text}");
            Serving::start(&dir).kill();
            assert!(crate::support::audit(dir.root()).is_clean(), "{what}");
        } else {
            assert!(code == 1 && text.contains("acknowledged entries are missing"), "{what}: {code} {text}");
            // An older checkpoint proves less than was published: the operator's word, which the anchor then holds.
            assert_eq!(rebuild(&dir, &paths[1]).0, 0, "{what}");
        }
        std::fs::remove_dir_all(dir.root()).unwrap();
    }
    cases("anchor-faults", FAULTS.len() as u64);
}
