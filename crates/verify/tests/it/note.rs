//! Signed notes: the C2SP example key, agreement both ways with the crate `signed_note`, and one bad note for each
//! rule of C2SP signed-note and tlog-checkpoint.

use crate::encode::{Key, seed};
use crate::maker::{b64, signature_line, vkey};
use crate::naive_tree::hex;
use deedbook_verify::limits;
use deedbook_verify::note::{Checkpoint, NoteRefusal, VerifierKey, decimal, open_checkpoint, signature_line as ours};
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Hash, TreeSize};
use signed_note::{Note, StandardSigner, StandardVerifier, VerifierList};

const NAME: &str = "ledger.example/a";
const C2SP: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

fn key() -> Key {
    Key::named("note key")
}

fn known() -> VerifierKey {
    VerifierKey::parse(&vkey(NAME, &key())).unwrap()
}

fn text(size: &str) -> String {
    format!("{NAME}\n{size}\n{}\n", b64(&[9; 32]))
}

fn signed(text: &str) -> String {
    format!("{text}\n{}", signature_line(NAME, &key(), text))
}

fn published(vkey: &str, note: &str) -> Result<usize, String> {
    let verifier = StandardVerifier::new(vkey).map_err(|error| error.to_string())?;
    let note = Note::from_bytes(note.as_bytes()).map_err(|error| error.to_string())?;
    let (verified, _) = note.verify(&VerifierList::new(vec![Box::new(verifier)])).map_err(|error| error.to_string())?;
    Ok(verified.len())
}

#[test]
fn the_c2sp_example_key_is_read_and_written_back() {
    let key = VerifierKey::parse(C2SP).unwrap();
    assert_eq!((key.name(), hex(&key.note_id())), ("example.com/foo", "530d903a".to_owned()));
    assert_eq!(key.to_string(), C2SP);
    assert_eq!(VerifierKey::parse(&format!(" {C2SP}\n")), Ok(key));
    assert!(StandardVerifier::new(C2SP).is_ok());
    assert_eq!(known().to_string(), vkey(NAME, &self::key()));
}

#[test]
fn notes_that_we_write_open_elsewhere() {
    let head = TreeHead { size: TreeSize(20_852_163), root: Hash([9; 32]) };
    let text = Checkpoint { origin: NAME.to_owned(), head }.to_string();
    let note = format!("{text}\n{}", ours(&known(), &key().sign(text.as_bytes())));
    assert_eq!(note, signed(&self::text("20852163")));
    assert_eq!(published(&known().to_string(), &note), Ok(1));
    let opened = open_checkpoint(note.as_bytes(), &known()).unwrap();
    assert_eq!((opened.checkpoint().head, opened.ignored().len()), (head, 0));
}

#[test]
fn notes_that_others_write_open_here() {
    let typed = [&[1], seed("note key").as_slice()].concat();
    let private = format!("PRIVATE+KEY+{NAME}+{}+{}", hex(&known().note_id()), b64(&typed));
    let signer = StandardSigner::new(&private).unwrap();
    for size in [0, 1, 20_852_163, u64::MAX] {
        let mut note = Note::new(text(&size.to_string()).as_bytes(), &[]).unwrap();
        note.add_sigs(&[&signer]).unwrap();
        let opened = open_checkpoint(&note.to_bytes(), &known()).unwrap();
        assert_eq!(opened.checkpoint().head.size, TreeSize(size));
    }
}

#[test]
fn other_signatures_are_ignored_and_named() {
    let text = text("5");
    let witness = signature_line("witness.example/w", &Key::named("witness"), &text);
    let same_name = signature_line(NAME, &Key::named("another"), &text);
    for note in
        [format!("{}{witness}{same_name}", signed(&text)), format!("{text}\n{witness}{same_name}{}", line(&text))]
    {
        let opened = open_checkpoint(note.as_bytes(), &known()).unwrap();
        assert_eq!(opened.ignored(), ["witness.example/w", NAME]);
        assert_eq!(published(&known().to_string(), &note), Ok(1));
    }
    let sixteen = (0..16).map(|i| signature_line(&format!("w{i}"), &Key::named("w"), &text)).collect::<String>();
    assert!(open_checkpoint(format!("{}{sixteen}", signed(&text)).as_bytes(), &known()).is_ok());
}

fn line(text: &str) -> String {
    signature_line(NAME, &key(), text)
}

/// Replaces once, and insists that there was something to replace.
fn swap(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from:?} is not in the note");
    text.replacen(from, to, 1)
}

/// Notes whose signature is sound for their text, as far as there is one: the form alone is wrong.
fn ill_formed() -> Vec<(&'static str, String, NoteRefusal)> {
    use NoteRefusal::*;
    let good = text("5");
    let root = b64(&[9; 32]);
    let sized = |size: &str| signed(&text(size));
    vec![
        ("empty", String::new(), Separator),
        ("text-only", good.clone(), Separator),
        ("no-signature", format!("{good}\n"), Separator),
        ("no-blank-line", format!("{good}{}", line(&good)), Separator),
        ("tab-in-text", signed(&swap(&good, "a\n", "a\t\n")), Text),
        ("nul-in-text", signed(&swap(&good, "a\n", "a\0\n")), Text),
        ("crlf", signed(&swap(&good, "a\n", "a\r\n")), Text),
        ("crlf-after-signature", swap(&signed(&good), "=\n", "=\r\n"), Text),
        ("no-final-newline", signed(&good).trim_end().to_owned(), Separator),
        ("blank-line-after-signature", signed(&good) + "\n", Separator),
        ("hyphen-for-em-dash", swap(&signed(&good), "\u{2014}", "-"), SignatureLine),
        ("en-dash-for-em-dash", swap(&signed(&good), "\u{2014}", "\u{2013}"), SignatureLine),
        ("no-space-after-em-dash", swap(&signed(&good), "\u{2014} ", "\u{2014}"), SignatureLine),
        (
            "two-spaces-before-signature",
            swap(&signed(&good), "\u{2014} ledger.example/a ", "\u{2014} ledger.example/a  "),
            SignatureLine,
        ),
        ("plus-in-key-name", swap(&signed(&good), "\u{2014} ledger", "\u{2014} led+ger"), SignatureLine),
        ("space-after-signature", signed(&good).trim_end().to_owned() + " \n", SignatureLine),
        ("text-below-signature", signed(&good) + "not a signature\n", SignatureLine),
        ("signature-of-three-bytes", format!("{good}\n\u{2014} {NAME} {}\n", b64(&[1, 2, 3])), SignatureLine),
        ("signature-of-no-bytes", format!("{good}\n\u{2014} {NAME} {}\n", b64(&known().note_id())), SignatureLine),
        ("unpadded-base64-signature", format!("{good}\n\u{2014} w {}\n", "AAAAAAA"), SignatureLine),
        ("trailing-bits-in-base64", format!("{good}\n\u{2014} w {}\n", "AAAAAAB="), SignatureLine),
        ("size-with-leading-zero", sized("05"), Checkpoint),
        ("size-negative", sized("-5"), Checkpoint),
        ("size-with-plus", sized("+5"), Checkpoint),
        ("size-empty", sized(""), Checkpoint),
        ("size-in-hex", sized("0x5"), Checkpoint),
        ("size-with-space", sized("5 "), Checkpoint),
        ("size-beyond-u64", sized("18446744073709551616"), Checkpoint),
        ("size-in-other-digits", sized("\u{0665}"), Checkpoint),
        ("extension-line", signed(&(good.clone() + "extension\n")), Checkpoint),
        ("blank-line-in-text", signed(&swap(&good, "\n5", "\n\n5")), Checkpoint),
        ("root-missing", signed(&format!("{NAME}\n5\n")), Checkpoint),
        ("root-unpadded", signed(&swap(&good, "=", "")), Checkpoint),
        ("root-with-trailing-bits", signed(&swap(&good, "k=\n", "l=\n")), Checkpoint),
        ("root-of-31-bytes", signed(&swap(&good, &root, &b64(&[9; 31]))), Checkpoint),
        ("root-of-33-bytes", signed(&swap(&good, &root, &b64(&[9; 33]))), Checkpoint),
        ("origin-empty", signed(&swap(&good, NAME, "")), Checkpoint),
        ("origin-of-another", signed(&swap(&good, NAME, "ledger.example/b")), OriginDiffers),
        ("origin-with-space", signed(&swap(&good, NAME, "ledger.example/a ")), Checkpoint),
    ]
}

/// Notes of good form whose signature does not hold.
fn ill_signed() -> Vec<(&'static str, String, NoteRefusal)> {
    use NoteRefusal::*;
    let good = text("5");
    let signature = key().sign(good.as_bytes());
    let blob = |id: &[u8], signature: &[u8]| format!("{good}\n\u{2014} {NAME} {}\n", b64(&[id, signature].concat()));
    let id = known().note_id();
    let mut flipped = signature;
    flipped[40] ^= 1;
    let many = signature_line("w", &Key::named("w"), &good).repeat(limits::NOTE_SIGNATURES_MAX);
    vec![
        ("size-changed", swap(&signed(&good), "\n5\n", "\n6\n"), SignatureInvalid),
        ("wrong-key-hash", blob(&[id[0] ^ 1, id[1], id[2], id[3]], &signature), NoKnownSignature),
        ("wrong-key-name", swap(&signed(&good), "\u{2014} ledger", "\u{2014} lodger"), NoKnownSignature),
        ("signature-bit-flipped", blob(&id, &flipped), SignatureInvalid),
        ("signature-truncated", blob(&id, &signature[..63]), SignatureInvalid),
        ("signature-extended", blob(&id, &[signature.as_slice(), &[0]].concat()), SignatureInvalid),
        ("signature-with-s-plus-order", blob(&id, &plus_order(signature)), SignatureInvalid),
        ("signature-of-another-key", blob(&id, &Key::named("other").sign(good.as_bytes())), SignatureInvalid),
        ("signature-without-final-newline", blob(&id, &key().sign(good.trim_end().as_bytes())), SignatureInvalid),
        ("known-signature-twice", signed(&good) + &line(&good), SignatureInvalid),
        ("known-signature-good-then-bad", signed(&good) + &line("other\n"), SignatureInvalid),
        ("too-many-signatures", signed(&good) + &many, TooLarge),
        ("too-large", signed(&format!("{good}{}\n", "x".repeat(limits::NOTE_BYTES_MAX))), TooLarge),
    ]
}

/// The same signature with the group order added to s: malleable, and refused by strict verification.
fn plus_order(mut signature: [u8; 64]) -> [u8; 64] {
    let order = crate::naive_tree::unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut carry = 0;
    for (byte, add) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (sum.to_le_bytes_low(), sum >> 8);
    }
    signature
}

trait LowByte {
    fn to_le_bytes_low(self) -> u8;
}

impl LowByte for u16 {
    fn to_le_bytes_low(self) -> u8 {
        u8::try_from(self & 0xff).unwrap()
    }
}

#[test]
fn bad_notes_are_refused_by_rule() {
    for (name, note, refusal) in ill_formed().into_iter().chain(ill_signed()) {
        assert_eq!(open_checkpoint(note.as_bytes(), &known()).err(), Some(refusal), "{name}:\n{note}");
    }
    assert_eq!(open_checkpoint(&[0xff, b'\n'], &known()).err(), Some(NoteRefusal::Text));
}

#[test]
fn nothing_opens_here_that_the_published_crate_refuses() {
    let extension = ["extension-line", "blank-line-in-text"];
    for (name, note, refusal) in ill_formed().into_iter().chain(ill_signed()) {
        let theirs = published(&known().to_string(), &note);
        let checkpoint = matches!(refusal, NoteRefusal::Checkpoint | NoteRefusal::OriginDiffers);
        // What is a note, though no checkpoint of ours, must open there: it shows that the vector is wrong in one way.
        assert!(!checkpoint || theirs.is_ok() || extension.contains(&name), "{name}: {theirs:?}");
    }
}

#[test]
fn bad_verifier_keys_are_refused() {
    let key = b64(&[&[1], key().point().as_slice()].concat());
    let id = hex(&known().note_id());
    let weak = Key::named("unused");
    let small_order = |point: [u8; 32]| {
        let typed = [&[1], point.as_slice()].concat();
        let id = crate::naive_tree::sha256(&[NAME.as_bytes(), b"\n", &typed]);
        format!("{NAME}+{}+{}", hex(&id[..4]), b64(&typed))
    };
    assert!(VerifierKey::parse(&small_order(weak.point())).is_ok());
    let mut one = [0; 32];
    one[0] = 1;
    for (name, text) in [
        ("empty", String::new()),
        ("name-only", NAME.to_owned()),
        ("no-key", format!("{NAME}+{id}")),
        ("wrong-hash", format!("{NAME}+00000000+{key}")),
        ("upper-case-hash", format!("{NAME}+{}+{key}", id.to_uppercase())),
        ("hash-of-another-name", format!("{NAME}b+{id}+{key}")),
        ("empty-name", format!("+{id}+{key}")),
        ("space-in-name", format!("a b+{id}+{key}")),
        ("type-of-ecdsa", format!("{NAME}+{id}+{}", b64(&[2; 33]))),
        ("short-key", format!("{NAME}+{id}+{}", b64(&[1; 32]))),
        ("padded-though-whole", format!("{NAME}+{id}+{key}=")),
        ("trailing", format!("{NAME}+{id}+{key}+more")),
        ("key-of-order-one", small_order(one)),
        ("key-of-order-four", small_order([0; 32])),
        ("no-point", small_order([2; 32])),
    ] {
        assert_eq!(VerifierKey::parse(&text).err(), Some(NoteRefusal::VerifierKey), "{name}: {text}");
    }
}

#[test]
fn decimals_have_one_form() {
    for (text, value) in [("0", Some(0)), ("10", Some(10)), ("00", None), ("", None), ("+1", None), ("1 ", None)] {
        assert_eq!(decimal(text), value, "{text:?}");
    }
}
