//! Every stored fuzz input through its target, on the toolchain that everybody has, and some thousand changes of each
//! kind, blind but seeded. `make fuzz` searches with coverage; what it finds is stored, and is replayed here for ever.

use crate::fuzz_targets::{TARGETS, Target};
use crate::support::{Rng, cases, parallel, scaled};
use deedbook::record::SigningKey;
use deedbook::store::AnchorRecord;
use deedbook_verify::words::{Hash, TreeSize};
use std::fs;
use std::path::{Path, PathBuf};

const CORPUS_BYTES_MAX: u64 = 200 * 1024;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

fn inputs(target: &Target) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(folder().join(target.name)).unwrap_or_else(|error| panic!("{}: {error}", target.name));
    let mut found: Vec<(String, Vec<u8>)> = files
        .map(|file| file.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect();
    found.sort();
    found
}

/// The seeds of the server's own files; the verifier's come from its tests. `UPDATE_VECTORS=1` writes both anew.
#[test]
fn the_servers_seeds_are_these() {
    let key = SigningKey::from_seed("fives", &[5; 32]).unwrap();
    let record = AnchorRecord { commit: 7, size: TreeSize(19), chain: Hash([3; 32]) };
    let slot = record.to_slot();
    let zeros = slot.iter().rev().take_while(|byte| **byte == 0).count();
    let seeds = [
        ("key-file/secret", key.to_text().as_bytes().to_vec()),
        ("key-file/public", format!("{}\n", key.verifier_key()).into_bytes()),
        ("anchor/slot", slot[..slot.len() - zeros].to_vec()),
    ];
    for (name, bytes) in seeds {
        let path = folder().join(name);
        if std::env::var_os("UPDATE_VECTORS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &bytes).unwrap();
        }
        assert!(fs::read(&path).unwrap() == bytes, "{name} differs from what this makes");
    }
}

#[test]
fn the_corpus_is_replayed() {
    let (mut count, mut bytes) = (0u64, 0u64);
    for target in TARGETS {
        let inputs = inputs(target);
        assert!(!inputs.is_empty(), "{} has no input", target.name);
        for (name, input) in inputs {
            println!("{name}");
            (target.run)(&input);
            count += 1;
            bytes += input.len() as u64;
        }
    }
    let folders = fs::read_dir(folder()).unwrap().count();
    assert_eq!(folders, TARGETS.len(), "a folder of the corpus is nobody's");
    assert!(bytes <= CORPUS_BYTES_MAX, "the corpus has {bytes} bytes");
    cases("fuzz-seeds", count);
}

fn change(bytes: &mut Vec<u8>, lender: &[u8], rng: &mut Rng) {
    let place = |rng: &mut Rng, length: usize| usize::try_from(rng.below(length as u64 + 1)).unwrap();
    let at = place(rng, bytes.len());
    match rng.below(6) {
        0 => bytes.get_mut(at).into_iter().for_each(|byte| *byte = u8::try_from(rng.below(256)).unwrap()),
        1 => bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << rng.below(8)),
        2 => bytes.truncate(at),
        3 => {
            let end = (at + place(rng, 16)).min(bytes.len());
            bytes.drain(at..end);
        }
        4 => {
            let more = place(rng, 16);
            let more = rng.bytes(more);
            bytes.splice(at..at, more);
        }
        _ => {
            let from = place(rng, lender.len());
            bytes.truncate(at);
            bytes.extend_from_slice(&lender[from..]);
        }
    }
}

#[test]
fn changed_inputs() {
    let corpus: Vec<Vec<Vec<u8>>> =
        TARGETS.iter().map(|target| inputs(target).into_iter().map(|(_, input)| input).collect()).collect();
    let count = scaled(200) * TARGETS.len() as u64;
    parallel::run("changed inputs", count, |number, rng| {
        let which = usize::try_from(number).unwrap() % TARGETS.len();
        for _ in 0..10 {
            let mut input = rng.pick(&corpus[which]).clone();
            let lender = rng.pick(&corpus[which]).clone();
            for _ in 0..=rng.below(4) {
                change(&mut input, &lender, rng);
            }
            (TARGETS[which].run)(&input);
        }
    });
    cases("fuzz-changes", count * 10);
}
