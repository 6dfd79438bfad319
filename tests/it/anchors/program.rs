//! The anchor's faults through the program itself: what an operator reads, the exit code, and the one way out.

use super::{Damage, damage};
use crate::support::process::{Serving, serve_command};
use crate::support::{House, Producer, cases, disk, statement};
use crate::support_memory::block_on;
use deedbook::ledger::DataDir;
use deedbook::record::Position;
use std::path::Path;
use std::process::Command;

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

fn rebuild(dir: &DataDir, note: &Path, force: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deedbook"));
    said(command.args(["anchor", "rebuild", "--data"]).arg(dir.root()).arg("--checkpoint").arg(note).args(force))
}

/// Whether the anchor that a fault leaves is sound and refuses the store: then nothing but force replaces it, and what
/// would be forgotten is named before.
fn is_sound_and_refuses(says: &str) -> bool {
    ["history differs", "acknowledged entries are missing"].contains(&says)
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
                    let (code, text) = rebuild(&dir, wrong, &[]);
                    assert!(code == 1 && text.contains("signature"), "{what}: {code} {text}");
                    assert_eq!(std::fs::read(dir.anchor_file()).ok(), before, "{what}: a wrong checkpoint changed it");
                }
            }
        }
        let mut force: &[&str] = &[];
        if says.is_some_and(is_sound_and_refuses) {
            // One that was published before both vouches for either store.
            let (code, text) = rebuild(&dir, &paths[1], &[]);
            let names_it = text.contains("is sound, and rebuilding it would forget commit") && text.contains("--force");
            assert!(code == 3 && names_it && text.contains("head.anchor"), "{what}: {code} {text}");
            assert_eq!(std::fs::read(dir.anchor_file()).ok(), before, "{what}: a sound anchor was replaced");
            force = &["--force"];
        }
        let (code, text) = rebuild(&dir, &paths[0], force);
        if *heals {
            assert_eq!(code, 0, "{what}: {text}");
            Serving::start(&dir).kill();
            assert!(crate::support::audit(dir.root()).is_clean(), "{what}");
        } else {
            assert!(code == 1 && text.contains("acknowledged entries are missing"), "{what}: {code} {text}");
            // An older checkpoint proves less than was published: the operator's word, which the anchor then holds.
            assert_eq!(rebuild(&dir, &paths[1], force).0, 0, "{what}");
        }
        if !force.is_empty() {
            let kept = std::fs::read(dir.anchor().join("head.anchor.replaced")).ok();
            assert_eq!(kept, before, "{what}: the replaced anchor is not kept");
        }
        std::fs::remove_dir_all(dir.root()).unwrap();
    }
    cases("anchor-faults", FAULTS.len() as u64);
}
