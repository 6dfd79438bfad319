//! Hashes in a document, and the files that they are of.

use super::load::{Document, Followed};
use super::walk::{self, Place};
use super::{Code, Known, Notes};
use serde_json::Value;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Algorithms that OSCAL names, and the digits of their values.
const ALGORITHMS: [(&str, usize); 8] = [
    ("SHA-224", 56),
    ("SHA-256", 64),
    ("SHA-384", 96),
    ("SHA-512", 128),
    ("SHA3-224", 56),
    ("SHA3-256", 64),
    ("SHA3-384", 96),
    ("SHA3-512", 128),
];

/// Checks every hash of a document.
pub fn check(document: &Document, known: &Known, notes: &mut Notes<'_>) {
    walk::each(document.model, &document.body, &mut |place| {
        let Some(hashes) = place.members.get("hashes").and_then(Value::as_array) else { return };
        for (at, hash) in hashes.iter().enumerate() {
            let stated = |name: &str| hash.get(name).and_then(Value::as_str).unwrap_or_default();
            let stated = Stated { algorithm: stated("algorithm"), value: stated("value") };
            one(document, (place, at), &stated, known, notes);
        }
    });
}

/// What is stated of a file.
struct Stated<'a> {
    algorithm: &'a str,
    value: &'a str,
}

fn one(
    document: &Document,
    (place, at): (&Place<'_>, usize),
    stated: &Stated<'_>,
    known: &Known,
    notes: &mut Notes<'_>,
) {
    let to = |name: &str| place.to(&format!("hashes/{at}/{name}"));
    let Some((_, digits)) = ALGORITHMS.iter().find(|(name, _)| *name == stated.algorithm) else {
        return notes.problem(Code::HashAlgorithm, &to("algorithm"), stated.algorithm);
    };
    if stated.value.len() != *digits || !stated.value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return notes.problem(Code::HashForm, &to("value"), stated.value);
    }
    let Some(href) = place.text("href") else { return notes.not_checked(place.at, "a hash of nothing that is named") };
    let file = match document.follow(href) {
        Followed::File(file) => file,
        Followed::Elsewhere(why) => return notes.not_checked(&place.to("href"), &format!("{href}: {why}")),
        Followed::Missing(why) => {
            return notes.problem(Code::FileMissing, &place.to("href"), &format!("{href}: {why}"));
        }
    };
    let written = document.in_root(&file).and_then(|path| known.get(&path));
    let found = match (written, stated.algorithm) {
        (Some(written), "SHA-256") => Ok(Some(written.sha256.to_string())),
        (_, "SHA-224") => hash::<Sha224>(&file).map(Some),
        (_, "SHA-256") => hash::<Sha256>(&file).map(Some),
        (_, "SHA-384") => hash::<Sha384>(&file).map(Some),
        (_, "SHA-512") => hash::<Sha512>(&file).map(Some),
        (_, _) => Ok(None),
    };
    match found {
        Err(error) => notes.problem(Code::FileMissing, &place.to("href"), &format!("{href}: {error}")),
        Ok(None) => notes.not_checked(&to("algorithm"), &format!("{href}: this program has no {}", stated.algorithm)),
        Ok(Some(found)) if found.eq_ignore_ascii_case(stated.value) => {}
        Ok(Some(found)) => {
            let found = format!("{href}: {} of the file is {found}, stated is {}", stated.algorithm, stated.value);
            notes.problem(Code::FileHash, &to("value"), &found);
        }
    }
}

/// The hash of a file, in hex.
fn hash<D: Digest>(path: &Path) -> std::io::Result<String> {
    let (mut file, mut hasher, mut buffer) = (File::open(path)?, D::new(), vec![0; 64 * 1024]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
