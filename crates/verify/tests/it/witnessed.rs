//! Checkpoints and receipts under a policy: enough witnesses, a broken one, unknown ones, and what the verdict says.

use crate::encode::Key;
use crate::maker::{cosignature_line, cosigner_vkey, note, signature_line, vkey};
use crate::world::{World, receipts, world};
use deedbook_verify::judge::{Witnessing, verify_receipt, verify_witnessed};
use deedbook_verify::limits;
use deedbook_verify::note::{NoteRefusal, open_checkpoint};
use deedbook_verify::policy::Policy;
use deedbook_verify::receipt::{Check, Finding};
use deedbook_verify::witnessed::open_witnessed;
use deedbook_verify::words::Seconds;

const NAMES: [&str; 3] = ["north.example/w", "south.example/w", "east.example/w"];

/// Two of three witnesses, for the world's ledger.
fn policy(world: &World, quorum: &str) -> Policy {
    let mut text = format!("log {}\n", vkey(&world.ledger.name, &world.ledger.head));
    for (short, name) in ["north", "south", "east"].iter().zip(NAMES) {
        text += &format!("witness {short} {}\n", cosigner_vkey(name, &Key::named(name)));
    }
    text += &format!("group two 2 north south east\nquorum {quorum}\n");
    Policy::parse(text.as_bytes()).unwrap()
}

fn text_of(note: &str) -> String {
    note.split_once("\n\n").unwrap().0.to_owned() + "\n"
}

/// A checkpoint of the world's ledger, cosigned by these.
fn cosigned(world: &World, names: &[&str]) -> String {
    let bare = note(&world.ledger.name, 5, &[1; 32], &world.ledger.head);
    let text = text_of(&bare);
    names.iter().fold(bare, |note, name| note + &cosignature_line(name, &Key::named(name), 77, &text))
}

#[test]
fn the_quorum_decides() {
    let world = world();
    let policy = policy(&world, "two");
    for (names, met) in
        [(&NAMES[..], true), (&NAMES[..2], true), (&NAMES[1..], true), (&NAMES[..1], false), (&[], false)]
    {
        let opened = open_witnessed(cosigned(&world, names).as_bytes(), &policy);
        let refusal = NoteRefusal::QuorumNotMet { cosigned: names.len(), witnesses: 3 };
        assert_eq!(opened.as_ref().err(), (!met).then_some(&refusal), "{names:?}");
        if let Ok(opened) = opened {
            let found: Vec<&str> = opened.cosigned().iter().map(|by| by.key_name.as_str()).collect();
            assert_eq!(found, names);
            assert!(opened.cosigned().iter().all(|by| by.time == Seconds(77)));
        }
    }
    let lines = cosigned(&world, &NAMES);
    assert_eq!(open_checkpoint(lines.as_bytes(), &world.key).unwrap().ignored(), NAMES);
}

/// Notes that a policy must refuse although enough witnesses cosigned.
#[test]
fn a_broken_line_of_a_known_key_refuses_the_whole_note() {
    use NoteRefusal::*;
    let world = world();
    let policy = policy(&world, "two");
    let good = cosigned(&world, &NAMES[..2]);
    let text = text_of(&good);
    let head = |text: &str| signature_line(&world.ledger.name, &world.ledger.head, text);
    let stolen = cosignature_line(NAMES[2], &Key::named("somebody else"), 5, &text);
    let id = |line: &str| line.rsplit(' ').next().unwrap()[..5].to_owned();
    let east = cosignature_line(NAMES[2], &Key::named(NAMES[2]), 5, &text);
    for (name, note, refusal) in [
        (
            "third-cosignature-of-another-size",
            good.clone() + &cosignature_line(NAMES[2], &Key::named(NAMES[2]), 5, &text.replacen('5', "6", 1)),
            CosignatureInvalid,
        ),
        (
            "third-cosignature-at-time-zero",
            good.clone() + &cosignature_line(NAMES[2], &Key::named(NAMES[2]), 0, &text),
            CosignatureInvalid,
        ),
        (
            "witness-twice",
            good.clone() + &cosignature_line(NAMES[0], &Key::named(NAMES[0]), 78, &text),
            CosignatureInvalid,
        ),
        ("log-twice", good.clone() + &head(&text), SignatureInvalid),
        ("log-signature-of-another-text", text.clone() + "\n" + &head("other\n") + &east, SignatureInvalid),
        (
            "log-signature-missing",
            text.clone() + "\n" + good.split_once("\n\n").unwrap().1.split_once('\n').unwrap().1,
            NoKnownSignature,
        ),
        ("line-malformed", good.clone() + "\u{2014} east.example/w\n", SignatureLine),
        ("too-many-lines", good.clone() + &stolen.repeat(limits::NOTE_SIGNATURES_MAX), TooLarge),
    ] {
        assert_eq!(open_witnessed(note.as_bytes(), &policy).err(), Some(refusal), "{name}");
    }
    // A line under a known name, but not its key: unknown, and listed as such.
    assert_ne!(id(&stolen), id(&east));
    let opened = open_witnessed((good + &stolen).as_bytes(), &policy).unwrap();
    assert_eq!((opened.cosigned().len(), opened.ignored()), (2, &[NAMES[2].to_owned()][..]));
}

#[test]
fn any_listed_log_will_do_but_only_for_its_own_origin() {
    let world = world();
    let listed = |name: &str, key: &str| format!("log {}\n", vkey(name, &Key::named(key)));
    let logs = listed("log.example/a", "a") + &listed("log.example/a", "a again") + &listed("log.example/b", "b");
    let policy = Policy::parse((logs + "quorum none\n").as_bytes()).unwrap();
    let signed = |origin: &str, name: &str, key: &str| {
        let text = text_of(&note(origin, 5, &[1; 32], &world.ledger.head));
        format!("{text}\n{}", signature_line(name, &Key::named(key), &text))
    };
    for (origin, name, key, wanted) in [
        ("log.example/a", "log.example/a", "a", None),
        ("log.example/a", "log.example/a", "a again", None),
        ("log.example/b", "log.example/b", "b", None),
        ("log.example/a", "log.example/b", "b", Some(NoteRefusal::OriginDiffers)),
        ("log.example/a", "log.example/a", "c", Some(NoteRefusal::NoKnownSignature)),
    ] {
        let opened = open_witnessed(signed(origin, name, key).as_bytes(), &policy);
        assert_eq!(opened.err(), wanted, "{origin} by {name}, {key}");
    }
}

#[test]
fn receipts_say_who_witnessed_and_what_is_not_shown() {
    let world = world();
    let (_, mut receipt) = receipts(&world).remove(0);
    let policy = policy(&world, "two");
    let bare = verify_witnessed(&receipt.file(), &policy).unwrap_err();
    let refusal = NoteRefusal::QuorumNotMet { cosigned: 0, witnesses: 3 };
    assert_eq!((bare.check, bare.found), (Check::Checkpoint, Finding::Note(refusal)));
    let text = text_of(&receipt.note);
    for name in [NAMES[0], NAMES[2], "unknown.example/w"] {
        receipt.note += &cosignature_line(name, &Key::named(name), 1_790_000_000, &text);
    }
    let verified = verify_witnessed(&receipt.file(), &policy).unwrap();
    let Witnessing::Met(by) = &verified.witnessing else { panic!("{verified:?}") };
    assert_eq!(by.iter().map(|by| by.witness.as_str()).collect::<Vec<_>>(), ["north", "east"]);
    assert_eq!(verified.ignored, ["unknown.example/w"]);
    assert!(verified.limits().contains(&"not shown: that the witnesses are independent of the ledger's operator"));
    let unasked = verify_receipt(&receipt.file(), &world.key).unwrap();
    assert_eq!((unasked.witnessing, unasked.ignored.len()), (Witnessing::NotAsked, 3));
    let none = verify_witnessed(&receipt.file(), &self::policy(&world, "none")).unwrap();
    assert!(matches!(none.witnessing, Witnessing::Met(by) if by.len() == 2));
}

#[test]
fn the_program_counts_witnesses_too() {
    let world = world();
    let folder = std::env::temp_dir().join(format!("deedbook-verify-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.join(name), bytes).unwrap();
        folder.join(name)
    };
    let (_, mut receipt) = receipts(&world).remove(0);
    let text = text_of(&receipt.note);
    receipt.note += &cosignature_line(NAMES[1], &Key::named(NAMES[1]), 1_790_000_000, &text);
    let receipt = write("receipt", &receipt.file());
    let log = format!("log {}\n", vkey(&world.ledger.name, &world.ledger.head));
    let witness = format!("witness \u{202e}south {}\n", cosigner_vkey(NAMES[1], &Key::named(NAMES[1])));
    let met = write("met", format!("{log}{witness}quorum \u{202e}south\n").as_bytes());
    let absent = format!("witness x {}\nquorum x\n", cosigner_vkey(NAMES[0], &Key::named(NAMES[0])));
    let unmet = write("unmet", (log.clone() + &absent).as_bytes());
    let broken = write("broken", (log + "quorum nobody\n").as_bytes());
    let other = write("other.vkey", vkey("other.example", &Key::named("other")).as_bytes());
    let missing = folder.join("missing.tlog-proof");
    let run = |arguments: &[&std::ffi::OsStr]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_deedbook-verify"));
        let output = command.arg("receipt").args(arguments).arg(&receipt).output().unwrap();
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    let (policy, key) = ("--policy".as_ref(), "--vkey".as_ref());
    for (arguments, code, says) in [
        (
            vec![policy, met.as_os_str()],
            0,
            "witness  \\u{202e}south (south.example/w) at 2026-09-21T14:13:20.000000Z, by its own clock",
        ),
        (vec![policy, met.as_os_str()], 0, "Z, by the server's clock"),
        (vec![policy, unmet.as_os_str()], 1, "quorum is not met: 0 of its 1 witnesses"),
        (vec![policy, broken.as_os_str()], 2, "line 2: the name is not defined"),
        (vec![policy, met.as_os_str(), key, other.as_os_str()], 2, "does not list the key"),
        (vec![], 2, "is missing"),
        // A file that cannot be read is named, the others are judged, and what is not valid weighs more.
        (vec![policy, met.as_os_str(), missing.as_os_str()], 2, "missing.tlog-proof: "),
        (vec![policy, met.as_os_str(), missing.as_os_str()], 2, "at 2026-09-21T14:13:20.000000Z"),
        (vec![policy, unmet.as_os_str(), missing.as_os_str()], 1, "missing.tlog-proof: "),
    ] {
        let (found, said) = run(&arguments);
        assert!(found == Some(code) && said.contains(says), "{arguments:?}: {found:?} {said}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
