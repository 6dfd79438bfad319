//! The seeds from which fuzzing starts, in `fuzz/corpus`: bytes of the world's ledger, of every kind that the verifier
//! reads. They are what this makes, byte for byte; `UPDATE_VECTORS=1 cargo test -p deedbook-verify` writes them anew.
//! Inputs that fuzzing once found stand beside them under names of their own.

use crate::maker::{Receipt, note, vkey};
use crate::naive_tree::root;
use crate::policy::example;
use crate::world::{ORIGIN, World, at, receipts, world};
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus")
}

/// u16 length ‖ bytes.
fn prefixed(parts: &[Vec<u8>]) -> Vec<u8> {
    let part = |part: &Vec<u8>| [&u16::try_from(part.len()).unwrap().to_be_bytes(), part.as_slice()].concat();
    parts.iter().flat_map(part).collect()
}

fn made() -> Vec<(String, Vec<u8>)> {
    let World { ledger, key: _, .. } = &world();
    let entries = ledger.entries();
    let mut out = Vec::new();
    for index in [0, at::ENROLLED, at::FRAME_OF_FIVE, at::MIDDLE, at::ROTATED, at::REFUSED_COMMAND, at::REFUSAL] {
        out.push((format!("entry/world-{index}"), entries[index].clone()));
    }
    let rich = &ledger.frames[ledger.placed[at::FULL].frame];
    out.push(("entry/facts".to_owned(), rich.facts[0].clone()));
    for (name, frame) in [("genesis", &ledger.frames[0]), ("two", rich)] {
        out.push((format!("frame/{name}"), prefixed(&[frame.header.bytes(), frame.block.clone()])));
    }
    let checkpoint = note(ORIGIN, entries.len() as u64, &root(&ledger.leaves()), &ledger.head);
    out.push(("note/checkpoint".to_owned(), checkpoint.into_bytes()));
    out.push(("note/vkey".to_owned(), vkey(ORIGIN, &ledger.head).into_bytes()));
    let all: Vec<(&str, Receipt)> = receipts(&world());
    out.extend(all.iter().map(|(name, receipt)| (format!("receipt/{name}"), receipt.file())));
    out.push(("lineage/world".to_owned(), crate::bundles::good(&world()).bytes()));
    out.push(("policy/specification".to_owned(), example().into_bytes()));
    out.push(("replay/world".to_owned(), prefixed(&entries)));
    #[cfg(feature = "package")]
    out.extend(of_packages(ledger));
    out
}

/// A package of an interval in the midst of the world's log: the files that everything else of it is rendered from.
#[cfg(feature = "package")]
fn of_packages(ledger: &crate::ledger::Ledger) -> Vec<(String, Vec<u8>)> {
    use crate::package_maker::{Plan, start};
    use deedbook_verify::{hash::Salt, package::BodyShown};
    let (begins, ends) = (at::ROTATED, ledger.placed.len());
    let mut plan = Plan::of(ledger, begins, ends);
    let (salt, bytes) = crate::world::body("full");
    plan.bodies.insert(at::FULL as u64, BodyShown::Opened { salt: Salt(salt), bytes });
    let package = plan.write(ledger).unwrap();
    let note = |size: usize| note(ORIGIN, size as u64, &root(&ledger.leaves()[..size]), &ledger.head).into_bytes();
    let file = |name: &str, path: &str| (format!("{name}/world"), package.0[path].clone());
    vec![
        file("package-question", "data/question.txt"),
        file("package-manifest", "manifest-sha256.txt"),
        file("package-bodies", "data/bodies.bin"),
        ("package-start/world".to_owned(), start(ledger, begins).to_bytes()),
        ("package-recipe/notes".to_owned(), prefixed(&[note(begins), note(ends)])),
    ]
}

#[test]
fn the_corpus_starts_from_these() {
    let update = std::env::var_os("UPDATE_VECTORS").is_some();
    for (name, bytes) in made() {
        let path = folder().join(&name);
        if update {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &bytes).unwrap();
        }
        let stored = std::fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}; run with UPDATE_VECTORS=1"));
        assert!(stored == bytes, "{name} differs from what this makes");
    }
}
