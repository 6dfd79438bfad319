//! What somebody can do to a receipt who holds no key at all.

use crate::encode::{Key, tag};
use crate::ledger::Ledger;
use crate::maker::{Proven, Receipt, b64, field32, note};
use crate::vectors::Row;
use crate::world::{ORIGIN, World, at};
use deedbook_verify::receipt::Check;

/// Alters parts, and makes the file.
fn edit(mut receipt: Receipt, change: impl FnOnce(&mut Receipt)) -> Vec<u8> {
    let before = receipt.clone();
    change(&mut receipt);
    assert!(receipt != before, "the mutation changes nothing");
    receipt.file()
}

/// Replaces once in the text of the file.
fn text(receipt: &Receipt, from: &str, to: &str) -> Vec<u8> {
    let file = String::from_utf8(receipt.file()).unwrap();
    assert!(file.contains(from), "{from:?} is not in the file");
    file.replacen(from, to, 1).into_bytes()
}

fn appended(receipt: &Receipt, tail: &[u8]) -> Vec<u8> {
    receipt.file_with(&[receipt.extra().as_slice(), tail].concat())
}

fn field(tag: u16, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    field32(&mut out, tag, value);
    out
}

/// Flips a bit of a field of the subject's entry, in facts or seal.
fn flip_field(world: &World, receipt: Receipt, tag: u16) -> Vec<u8> {
    let mut placed = world.ledger.placed[usize::try_from(receipt.index).unwrap()].clone();
    let half = if placed.facts.contains_key(&tag) { &mut placed.facts } else { &mut placed.seal };
    *half.get_mut(&tag).unwrap().last_mut().unwrap() ^= 1;
    edit(receipt, |receipt| receipt.subject.entry = placed.bytes())
}

fn genesis(receipt: &mut Receipt) -> &mut Proven {
    receipt.genesis.as_mut().unwrap()
}

fn enrollment(receipt: &mut Receipt) -> &mut Proven {
    receipt.enrollment.as_mut().unwrap()
}

fn older(world: &World, size: usize) -> String {
    let leaves = &world.ledger.leaves()[..size];
    note(ORIGIN, size as u64, &crate::naive_tree::root(leaves), &world.ledger.head)
}

fn enrolled_at(world: &World, index: usize) -> Option<Proven> {
    let proven = Proven::of(&world.ledger, index).with_tree(index, &world.ledger.leaves());
    Some(Proven { index: Some(index as u64), ..proven })
}

macro_rules! rows {
    ($($name:literal, $from:literal, $check:ident, $says:literal, $make:expr;)+) => {
        pub const ROWS: &[Row] =
            &[$(Row { name: $name, from: $from, check: Check::$check, says: $says, make: $make }),+];
    };
}

const ROOT: fn(&mut [u8; 32]) = |hash| hash[31] ^= 1;

rows! {
    "header-of-version-2", "full", Form, "line 1", |_, r| text(&r, "proof@v1", "proof@v2");
    "crlf", "full", Form, "line 1", |_, r| text(&r, "@v1\n", "@v1\r\n");
    "not-utf-8", "full", Form, "line 1", |_, r| [r.file().as_slice(), &[0xff]].concat();
    "space-before-header", "full", Form, "line 1", |_, r| text(&r, "c2sp", " c2sp");
    "extra-line-missing", "full", Form, "line 2", |_, r| text(&r, &format!("extra {}\n", b64(&r.extra())), "");
    "extra-line-twice", "full", Form, "line 3",
        |_, r| { let line = format!("extra {}\n", b64(&r.extra())); text(&r, &line, &line.repeat(2)) };
    "extra-with-a-space", "full", Form, "line 2", |_, r| text(&r, "extra ", "extra  ");
    "extra-in-url-safe-base64", "full", Form, "line 2", |_, r| {
        let line = b64(&r.extra());
        text(&r, &line, &line.replace('+', "-").replace('/', "_"))
    };
    "index-with-leading-zero", "full", Form, "line 3", |_, r| text(&r, "index ", "index 0");
    "index-negative", "full", Form, "line 3", |_, r| text(&r, "index ", "index -");
    "path-line-of-31-bytes", "full", Form, "line 4", |_, r| text(&r, &b64(&r.path[0]), &b64(&r.path[0][..31]));
    "path-of-64-hashes", "full", Form, "line 67", |_, r| edit(r, |r| r.path = vec![[0; 32]; 64]);
    "blank-line-missing", "full", Form, "line 9", |_, r| text(&r, "\n\n", "\n");
    "extra-empty", "full", Extra, "subject: is missing", |_, r| r.file_with(&[]);
    "extra-truncated", "full", Extra, "end too early", |_, r| r.file_with(&r.extra()[..r.extra().len() - 1]);
    "extra-trailing-byte", "full", Extra, "end too early", |_, r| appended(&r, &[0]);
    "unknown-field-in-extra", "full", Extra, "bytes follow", |_, r| appended(&r, &field(0x8306, b"x"));
    "unknown-critical-field-in-extra", "full", Extra, "bytes follow", |_, r| appended(&r, &field(0x0306, b"x"));
    "field-of-extra-twice", "full", Extra, "ascending order", |_, r| appended(&r, &field(0x0305, b"x"));
    "unknown-field-before-subject", "full", Extra, "critical tag 0x0300",
        |_, r| r.file_with(&[field(0x0300, b"x"), r.extra()].concat());
    "subject-with-index", "full", Extra, "does not belong", |_, r| edit(r, |r| r.subject.index = Some(r.index));
    "subject-with-tree-path", "full", Extra, "does not belong",
        |_, r| edit(r, |r| r.subject.tree_path.clone_from(&r.path));
    "genesis-with-index", "full", Extra, "index of genesis", |_, r| edit(r, |r| genesis(r).index = Some(0));
    "salt-missing", "full", Extra, "bytes follow", |_, r| edit(r, |r| r.salt = None);
    "body-missing", "full", Extra, "body: is missing", |_, r| edit(r, |r| r.body = None);
    "salt-of-31-bytes", "full", Extra, "31 bytes", |_, r| edit(r, |r| { let _ = r.salt.as_mut().unwrap().pop(); });
    "note-root-changed", "full", Checkpoint, "does not verify", |w, r| edit(r, |r| {
        let root = b64(&crate::naive_tree::root(&w.ledger.leaves()));
        r.note = r.note.replacen(&root, &b64(&[7; 32]), 1);
    });
    "note-size-changed", "full", Checkpoint, "does not verify",
        |_, r| edit(r, |r| r.note = r.note.replacen("\n19\n", "\n20\n", 1));
    "note-origin-changed", "full", Checkpoint, "does not verify",
        |_, r| edit(r, |r| r.note = r.note.replacen("/a", "/b", 1));
    "note-extension-line-added", "full", Checkpoint, "does not verify",
        |_, r| edit(r, |r| r.note = r.note.replacen("\n\n", "\nmore\n\n", 1));
    "note-signature-missing", "full", Checkpoint, "no signatures",
        |_, r| edit(r, |r| r.note.truncate(r.note.find('\u{2014}').unwrap()));
    "note-signature-twice", "full", Checkpoint, "does not verify", |_, r| edit(r, |r| {
        let line = r.note[r.note.find('\u{2014}').unwrap()..].to_owned();
        r.note += &line;
    });
    "note-of-another-key", "full", Checkpoint, "no signature by the given key", |w, r| edit(r, |r| {
        let leaves = w.ledger.leaves();
        r.note = note(ORIGIN, leaves.len() as u64, &crate::naive_tree::root(&leaves), &Key::named("another head"));
    });
    "entry-truncated", "full", Entry, "end too early", |_, r| edit(r, |r| { let _ = r.subject.entry.pop(); });
    "entry-trailing-byte", "full", Entry, "end too early", |_, r| edit(r, |r| r.subject.entry.push(0));
    "entry-trailing-field", "full", Inclusion, "another root",
        |_, r| edit(r, |r| r.subject.entry.extend([0x82, 0, 0, 0]));
    "entry-of-version-2", "full", Entry, "entry version", |_, r| edit(r, |r| r.subject.entry[0] = 2);
    "entry-is-bare-facts", "full", Entry, "entry version",
        |_, r| edit(r, |r| { let _ = r.subject.entry.drain(..3); });
    "entry-facts-bit-flipped", "full", Inclusion, "another root", |w, r| flip_field(w, r, tag::OCCURRED);
    "entry-commitment-bit-flipped", "full", Inclusion, "another root", |w, r| flip_field(w, r, tag::COMMITMENT);
    "entry-received-bit-flipped", "full", Inclusion, "another root", |w, r| flip_field(w, r, tag::RECEIVED);
    "entry-revision-bit-flipped", "full", Inclusion, "another root", |w, r| flip_field(w, r, tag::REVISION);
    "entry-of-another-index", "full", Inclusion, "another root",
        |w, r| edit(r, |r| r.subject = Proven::of(&w.ledger, at::MIDDLE));
    "index-plus-one", "full", Inclusion, "another root", |_, r| edit(r, |r| r.index += 1);
    "index-of-another-length", "full", Inclusion, "wrong number", |_, r| edit(r, |r| r.index = 17);
    "index-outside-tree", "full", Inclusion, "outside the tree", |_, r| edit(r, |r| r.index = 19);
    "path-hash-bit-flipped", "full", Inclusion, "another root", |_, r| edit(r, |r| ROOT(&mut r.path[2]));
    "path-truncated", "full", Inclusion, "wrong number", |_, r| edit(r, |r| { let _ = r.path.pop(); });
    "path-extended", "full", Inclusion, "wrong number", |_, r| edit(r, |r| r.path.push([0; 32]));
    "path-reversed", "full", Inclusion, "another root", |_, r| edit(r, |r| r.path.reverse());
    "note-of-a-smaller-tree", "full", Inclusion, "", |w, r| edit(r, |r| r.note = older(w, 17));
    "note-of-a-tree-before-the-entry", "full", Inclusion, "outside the tree",
        |w, r| edit(r, |r| r.note = older(w, at::FULL));
    "genesis-missing", "full", Genesis, "genesis is missing", |_, r| edit(r, |r| r.genesis = None);
    "genesis-surplus", "genesis", Genesis, "does not belong",
        |w, r| edit(r, |r| r.genesis = Some(Proven::of(&w.ledger, 0).with_tree(0, &w.ledger.leaves())));
    "genesis-of-another-ledger", "full", Genesis, "another root",
        |_, r| edit(r, |r| genesis(r).entry = Ledger::new("ledger.example/b").placed[0].bytes());
    "genesis-is-another-entry", "full", Genesis, "another root",
        |w, r| edit(r, |r| genesis(r).entry = w.ledger.placed[1].bytes());
    "genesis-path-truncated", "full", Genesis, "wrong number",
        |_, r| edit(r, |r| { let _ = genesis(r).tree_path.pop(); });
    "genesis-with-second-frame-header", "full", Genesis, "second frame header", |w, r| edit(r, |r| {
        let frame = &w.ledger.frames[0];
        genesis(r).frame = Some((frame.header.bytes(), frame.block.clone()));
    });
    "genesis-with-frame-path", "full", Genesis, "wrong number",
        |_, r| edit(r, |r| genesis(r).frame_path = vec![[0; 32]]);
    "frame-path-truncated", "middle-of-a-frame", Frame, "wrong number",
        |_, r| edit(r, |r| { let _ = r.subject.frame_path.pop(); });
    "frame-path-bit-flipped", "middle-of-a-frame", Frame, "another root",
        |_, r| edit(r, |r| ROOT(&mut r.subject.frame_path[0]));
    "frame-header-missing", "middle-of-a-frame", Frame, "frame header is missing",
        |_, r| edit(r, |r| r.subject.frame = None);
    "frame-header-surplus", "full", Frame, "second frame header", |w, r| edit(r, |r| {
        let frame = &w.ledger.frames[w.ledger.placed[at::FULL].frame];
        r.subject.frame = Some((frame.header.bytes(), frame.block.clone()));
    });
    "frame-header-bit-flipped", "middle-of-a-frame", Frame, "frame digest",
        |_, r| edit(r, |r| r.subject.frame.as_mut().unwrap().0[40] ^= 1);
    "frame-signature-bit-flipped", "middle-of-a-frame", Frame, "frame digest",
        |_, r| edit(r, |r| r.subject.frame.as_mut().unwrap().1[60] ^= 1);
    "frame-header-trailing-byte", "middle-of-a-frame", Frame, "frame header: bytes follow",
        |_, r| edit(r, |r| r.subject.frame.as_mut().unwrap().0.push(0));
    "frame-of-another-entry", "middle-of-a-frame", Frame, "frame digest", |w, r| edit(r, |r| {
        let frame = &w.ledger.frames[w.ledger.placed[at::FULL].frame];
        r.subject.frame = Some((frame.header.bytes(), frame.block.clone()));
    });
    "enrollment-missing", "redacted", Enrollment, "is missing", |_, r| edit(r, |r| r.enrollment = None);
    "enrollment-surplus", "full", Enrollment, "does not belong",
        |w, r| edit(r, |r| r.enrollment = enrolled_at(w, at::ENROLLED));
    "enrollment-index-missing", "redacted", Enrollment, "index of the enrollment",
        |_, r| edit(r, |r| enrollment(r).index = None);
    "enrollment-index-plus-one", "redacted", Enrollment, "another root",
        |_, r| edit(r, |r| enrollment(r).index = Some(2));
    "enrollment-path-truncated", "redacted", Enrollment, "wrong number",
        |_, r| edit(r, |r| { let _ = enrollment(r).tree_path.pop(); });
    "enrollment-of-another-key", "redacted", Enrollment, "order of enrollment",
        |w, r| edit(r, |r| r.enrollment = enrolled_at(w, at::REFUSED_COMMAND));
    "enrollment-of-the-key-before", "under-a-rotated-key", Enrollment, "enrolled key or source",
        |w, r| edit(r, |r| r.enrollment = enrolled_at(w, at::ENROLLED));
    "enrollment-is-a-statement", "redacted", Enrollment, "kind of the enrollment",
        |w, r| edit(r, |r| r.enrollment = enrolled_at(w, 2));
    "body-changed", "full", Body, "commitment", |_, r| edit(r, |r| r.body.as_mut().unwrap()[3] ^= 1);
    "body-emptied", "full", Body, "commitment", |_, r| edit(r, |r| r.body = Some(Vec::new()));
    "body-of-another-entry", "full", Body, "commitment", |_, r| edit(r, |r| {
        let (salt, body) = crate::world::body("five 2");
        (r.salt, r.body) = (Some(salt.to_vec()), Some(body));
    });
    "salt-changed", "full", Body, "commitment", |_, r| edit(r, |r| r.salt.as_mut().unwrap()[0] ^= 1);
    "body-where-there-is-none", "key-enrolled", Body, "does not belong", |_, r| edit(r, |r| {
        (r.salt, r.body) = (Some(vec![0; 32]), Some(Vec::new()));
    });
}
