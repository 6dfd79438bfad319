//! The promise of the head anchor: whatever is done to it, opening serves exactly what was acknowledged or refuses, with
//! the text and the exit code that the operator's page names; and the one way out lets nothing in that a published
//! checkpoint does not vouch for.

mod program;

use crate::fault_matrix::{Bench, append};
use crate::support::{cases, patiently};
use crate::support_memory::World;
use deedbook::ledger::{Ledger, OpenError};
use deedbook::limits::COMMIT_ROWS_KEPT;
use deedbook::store::{AnchorRecord, AnchorSet, FileAnchor, HeadAnchor};
use deedbook_verify::words::{Hash, TreeSize};
use std::path::Path;

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
        Some(OpenError::EntriesMissing { anchored_commit: 4, anchored_size, commit: 2, size, .. }) => {
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
            Some(OpenError::HistoryDiffers { commit, .. }) => assert_eq!(commit, record.commit),
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
        Some(OpenError::HistoryDiffers { commit, .. }) => assert_eq!(commit, stopped.commit),
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
    ("ahead", Some("knows commit 9 with 99 entries, the store has commit")),
    ("of another ledger", Some("history differs from that of the anchor")),
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
