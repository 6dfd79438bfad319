//! Inputs that are changes of valid artefacts: the parts of a receipt, the entries of a log. Byte soup hardly ever gets
//! past the first check; a recipe starts where everything is right.

use super::verifier::{RECEIPTS, WORLD, judge_receipt, replay_entries};
use deedbook_verify::note::encode_base64;
use deedbook_verify::receipt::{RECEIPT_HEADER, ReceiptFile};
use deedbook_verify::words::Hash;

/// A change: operation, place, argument. Six bytes each.
pub struct Change {
    pub operation: u8,
    pub place: usize,
    pub argument: u16,
    pub byte: u8,
}

pub fn changes(bytes: &[u8]) -> impl Iterator<Item = Change> + '_ {
    bytes.chunks_exact(6).take(12).map(|chunk| Change {
        operation: chunk[0],
        place: usize::from(u16::from_be_bytes([chunk[1], chunk[2]])),
        argument: u16::from_be_bytes([chunk[3], chunk[4]]),
        byte: chunk[5],
    })
}

/// Bends bytes in one of eight ways; `other` lends what is spliced in.
pub fn bend(bytes: &mut Vec<u8>, other: &[u8], change: &Change) {
    let at = change.place % (bytes.len() + 1);
    let end = (at + usize::from(change.argument % 64)).min(bytes.len());
    match change.operation % 8 {
        0 => bytes.get_mut(at).into_iter().for_each(|byte| *byte = change.byte),
        1 => bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << (change.byte % 8)),
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..end)),
        4 => drop(bytes.splice(at..at, std::iter::repeat_n(change.byte, usize::from(change.argument % 64)))),
        5 => {
            let copied: Vec<u8> = bytes[at..end].to_vec();
            bytes.splice(end..end, copied);
        }
        6 => {
            let from = usize::from(change.argument) % (other.len() + 1);
            let lent = other[from..].iter().copied().take(usize::from(change.byte));
            let lent: Vec<u8> = lent.collect();
            bytes.splice(at..end, lent);
        }
        _ => {
            let number = [0, u64::MAX, 1 << 63, u64::from(change.argument)][usize::from(change.byte % 4)];
            bytes.iter_mut().skip(at).zip(number.to_be_bytes()).for_each(|(to, byte)| *to = byte);
        }
    }
}

/// First byte: which receipt; second: which lends. Then changes of `extra`, index, path and note.
pub fn receipt(recipe: &[u8]) {
    let Some(([which, lender], rest)) = recipe.split_first_chunk::<2>() else { return };
    let pick = |which: u8| ReceiptFile::parse(RECEIPTS[usize::from(which) % RECEIPTS.len()]).unwrap();
    let (mut file, other) = (pick(*which), pick(*lender));
    let mut note = file.note.as_bytes().to_vec();
    for change in changes(rest) {
        match change.operation / 8 % 8 {
            0 => file.index.0 = file.index.0.wrapping_add(u64::from(change.argument)),
            1 => {
                let at = change.place % (file.path.len() + 1);
                match change.byte % 4 {
                    0 => file.path.insert(at, Hash([change.byte; 32])),
                    1 if at < file.path.len() => drop(file.path.remove(at)),
                    2 => file.path.clone_from(&other.path),
                    _ => file.path.get_mut(at).into_iter().for_each(|hash| hash.0[0] ^= change.byte | 1),
                }
            }
            2 => bend(&mut note, other.note.as_bytes(), &change),
            _ => bend(&mut file.extra, &other.extra, &change),
        }
    }
    let mut text = format!("{RECEIPT_HEADER}\nextra {}\nindex {}\n", encode_base64(&file.extra), file.index);
    file.path.iter().for_each(|hash| text.push_str(&format!("{}\n", encode_base64(&hash.0))));
    judge_receipt(&[text.as_bytes(), b"\n", &note].concat());
}

/// Changes of the ledger's own log: entries bent, dropped, doubled, moved, exchanged.
pub fn replay(recipe: &[u8]) {
    let mut entries = WORLD.entries.clone();
    for change in changes(recipe) {
        let count = entries.len();
        if count == 0 {
            break;
        }
        let (at, other) = (change.place % count, usize::from(change.argument) % count);
        match change.operation / 8 % 6 {
            0 => drop(entries.remove(at)),
            1 => entries.insert(other, entries[at].clone()),
            2 => entries.swap(at, other),
            3 => entries.truncate(at + 1),
            _ => {
                let lent = entries[other].clone();
                let inside = Change { place: usize::from(change.argument), argument: change.argument / 7, ..change };
                bend(&mut entries[at], &lent, &inside);
            }
        }
    }
    replay_entries(&entries);
}
