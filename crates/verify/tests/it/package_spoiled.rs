//! Packages that somebody spoiled: each way has its own code, whether or not the manifests were made anew.

use crate::encode::{Key, tag};
use crate::maker::note;
use crate::naive_tree::{H, root};
use crate::package_maker::{BUSY, Memory, code, entries_of, full, put_entries, received, reseal, verify};
use deedbook_verify::package::PackageCode;

type Bend = fn(&mut Memory);

/// Each way to spoil a package on purpose, manifests made anew, and the code that names it.
#[rustfmt::skip]
const SPOILED: &[(&str, PackageCode, Bend)] = &[
    ("the filter was changed", PackageCode::Population, |p| replace(p, "data/question.txt", "filter all", "filter kind = genesis")),
    ("the sample was made larger", PackageCode::Samples, |p| replace(p, "data/question.txt", "sample 3", "sample 4")),
    ("the period was made longer", PackageCode::Result, |p| replace(p, "data/question.txt", "to 2026", "to 2027")),
    ("a line of the question was repeated", PackageCode::Question, |p| replace(p, "data/question.txt", "filter all\n", "filter all\nfilter all\n")),
    ("the question's last line feed went", PackageCode::Question, |p| { p.0.get_mut("data/question.txt").unwrap().pop(); }),
    ("another program made it", PackageCode::Program, |p| replace(p, "data/question.txt", "evidence/1", "evidence/9")),
    ("another ledger was asked", PackageCode::Ledger, |p| {
        let text = String::from_utf8(p.0["data/question.txt"].clone()).unwrap();
        let id = text.lines().nth(2).unwrap().to_owned();
        replace(p, "data/question.txt", &id, &format!("ledger {}", "ab".repeat(32)));
    }),
    ("an entry was withheld", PackageCode::EntriesMissing, |p| edit_entries(p, |entries| { entries.remove(2); })),
    ("the last entry was withheld", PackageCode::EntriesMissing, |p| edit_entries(p, |entries| { entries.pop(); })),
    ("the last record was cut", PackageCode::EntriesCut, |p| { p.0.get_mut("data/entries.bin").unwrap().pop(); }),
    ("an entry was added", PackageCode::EntriesSurplus, |p| edit_entries(p, |entries| entries.push(entries[0].clone()))),
    ("the salt was removed", PackageCode::BodyForm, |p| { p.0.get_mut("data/bodies.bin").unwrap().drain(9..41); }),
    ("the salt was changed", PackageCode::BodyUnopened, |p| p.0.get_mut("data/bodies.bin").unwrap()[12] ^= 1),
    ("the body was changed", PackageCode::BodyUnopened, |p| p.0.get_mut("data/bodies.bin").unwrap()[46] ^= 1),
    ("bodies are there though redacted", PackageCode::BodyRedacted, |p| replace(p, "data/question.txt", "redact none", "redact bodies")),
    ("the start is of another size", PackageCode::StartCheckpoint, |p| { let end = p.0["checkpoints/end.txt"].clone(); p.0.insert("checkpoints/start.txt".into(), end); }),
    ("the end is of another size", PackageCode::EndCheckpoint, |p| { let start = p.0["checkpoints/start.txt"].clone(); p.0.insert("checkpoints/end.txt".into(), start); }),
    ("what stood before was cut", PackageCode::Before, |p| { p.0.get_mut("data/start.bin").unwrap().pop(); }),
    ("the frontier was bent", PackageCode::Frontier, |p| p.0.get_mut("data/start.bin").unwrap()[25 + 6] ^= 1),
    ("a row of the population was changed", PackageCode::Population, |p| replace(p, "data/population.csv", "execution.reported", "data.accessed")),
    ("an exception was taken out", PackageCode::Exceptions, |p| cut_last_line(p, "data/tests/T15/exceptions.csv")),
    ("a verdict was bettered", PackageCode::Result, |p| replace(p, "data/tests/T15/result.json", "\"fail\"", "\"pass\"")),
    ("the summary was bettered", PackageCode::Result, |p| replace(p, "data/package.json", "\"fail\"", "\"pass\"")),
    ("a sample was exchanged", PackageCode::Samples, |p| cut_last_line(p, "data/samples.csv")),
    ("a policy nobody published", PackageCode::Policy, |p| { p.0.insert(format!("data/policies/{}.json", "00".repeat(32)), b"{}".to_vec()); }),
    ("another kind of bag", PackageCode::Bag, |p| replace(p, "bagit.txt", "1.0", "0.97")),
    ("the envelope is no envelope", PackageCode::Custody, |p| { p.0.insert("tagmanifest-sha256.txt.dsse".into(), b"{\"payload\": []}".to_vec()); }),
    ("the envelope signs something else", PackageCode::Custody, |p| { p.0.insert("tagmanifest-sha256.txt.dsse".into(), format!("{{\"payloadType\":\"application/vnd.deedbook.tagmanifest.v1\",\"payload\":\"AAAA\",\"signatures\":[{{\"keyid\":\"{}\",\"sig\":\"AAAA\"}}]}}", "00".repeat(32)).into_bytes()); }),
    ("the receipt of the export is none", PackageCode::Custody, |p| { p.0.insert("custody/exported.tlog-proof".into(), b"x".to_vec()); }),
    ("the record has no receipt", PackageCode::Custody, |p| { p.0.insert("custody/export.json".into(), b"{}".to_vec()); }),
    ("a question without end", PackageCode::TooLarge, |p| p.0.get_mut("data/question.txt").unwrap().resize(2 << 20, b'x')),
    ("a file too many", PackageCode::FileSurplus, |p| { p.0.insert("data/more.csv".into(), b"x".to_vec()); }),
    ("a file too few", PackageCode::FileMissing, |p| { p.0.remove("data/tests/T01/result.json"); }),
    ("a tag file too many", PackageCode::FileSurplus, |p| { p.0.insert("README".into(), b"x".to_vec()); }),
];

/// And those that keep the old manifests, or bend the manifests themselves.
#[rustfmt::skip]
const UNSEALED: &[(&str, PackageCode, Bend)] = &[
    ("an unjudged byte", PackageCode::FileHash, |p| { p.0.get_mut("bag-info.txt").unwrap()[0] ^= 1; }),
    ("the question alone", PackageCode::FileHash, |p| replace(p, "data/question.txt", "sample 3", "sample 4")),
    ("a file nobody names", PackageCode::FileSurplus, |p| { p.0.insert("data/more".into(), Vec::new()); }),
    ("carriage returns", PackageCode::ManifestCrlf, |p| {
        let text = String::from_utf8(p.0["manifest-sha256.txt"].clone()).unwrap().replace('\n', "\r\n");
        p.0.insert("manifest-sha256.txt".into(), text.into_bytes());
    }),
    ("a bag entry twice", PackageCode::ManifestTwice, |p| {
        let manifest = p.0.get_mut("manifest-sha256.txt").unwrap();
        let line = manifest.split_inclusive(|byte| *byte == b'\n').next().unwrap().to_vec();
        manifest.splice(0..0, line);
    }),
    ("a manifest out of order", PackageCode::ManifestForm, |p| {
        let text = String::from_utf8(p.0["manifest-sha256.txt"].clone()).unwrap();
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        lines.swap(0, 1);
        let swapped = lines.concat().into_bytes();
        p.0.insert("manifest-sha256.txt".into(), swapped);
    }),
    ("a path out of the folder", PackageCode::ManifestForm, |p| {
        let line = format!("{}  data/../../etc/passwd\n", "00".repeat(32));
        p.0.get_mut("manifest-sha256.txt").unwrap().extend(line.bytes());
    }),
    ("no manifest", PackageCode::FileMissing, |p| { p.0.remove("manifest-sha256.txt"); }),
    ("no second manifest", PackageCode::FileMissing, |p| { p.0.remove("tagmanifest-sha256.txt"); }),
    ("an empty folder", PackageCode::FileMissing, |p| p.0.clear()),
];

fn replace(package: &mut Memory, path: &str, old: &str, new: &str) {
    let text = String::from_utf8(package.0[path].clone()).unwrap();
    assert!(text.contains(old), "{path} has no {old:?}");
    package.0.insert(path.into(), text.replacen(old, new, 1).into_bytes());
}

fn edit_entries(package: &mut Memory, edit: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let mut entries = entries_of(package);
    edit(&mut entries);
    put_entries(package, &entries);
}

fn cut_last_line(package: &mut Memory, path: &str) {
    let text = String::from_utf8(package.0[path].clone()).unwrap();
    let cut = text.trim_end_matches("\r\n").rfind("\r\n").expect("more than a head line") + 2;
    package.0.insert(path.into(), text.as_bytes()[..cut].to_vec());
}

#[test]
fn each_malformed_package_has_its_own_code() {
    let (_, good) = full();
    assert_eq!(code(&BUSY, &good), None);
    let sealed = SPOILED.iter().map(|row| (row, true)).chain(UNSEALED.iter().map(|row| (row, false)));
    for ((what, wanted, bend), anew) in sealed {
        let mut package = good.clone();
        bend(&mut package);
        if anew {
            reseal(&mut package);
        }
        let found = verify(&BUSY, &package).expect_err(what);
        assert_eq!(found.code, *wanted, "{what}: {found}");
    }
}

#[test]
fn what_nobody_signed_still_leads_elsewhere() {
    let (plan, good) = full();
    // The received time of the last entry is the ledger's own word: no rule is broken by a later one.
    let last = plan.question.ends.0 as usize - 1;
    let mut altered = BUSY.clone();
    let (frame, later) = (altered.placed[last].frame, (received(&BUSY, last) + 1).to_be_bytes().to_vec());
    let of_frame = altered.placed.iter_mut().filter(|placed| placed.frame == frame);
    of_frame.for_each(|placed| drop(placed.seal.insert(tag::RECEIVED, later.clone())));
    let mut package = good.clone();
    let begins = plan.question.begins.0 as usize;
    put_entries(&mut package, &altered.entries()[begins..=last]);
    assert_eq!(code(&BUSY, &package), Some(PackageCode::Root));
    // A signature that does not verify, in a frame that the ledger took in.
    let mut forged = BUSY.clone();
    let signature = forged.frames[frame].block.len() - 1;
    forged.frames[frame].block[signature] ^= 1;
    forged.reseal(frame, &[]);
    put_entries(&mut package, &forged.entries()[begins..=last]);
    // The tree is another one too; whoever signs that one as well is still found out.
    let leaves = forged.leaves();
    package.0.insert(
        "checkpoints/end.txt".into(),
        note(&BUSY.name, last as u64 + 1, &root(&leaves[..=last]), &BUSY.head).into_bytes(),
    );
    reseal(&mut package);
    assert_eq!(code(&BUSY, &package), Some(PackageCode::Signature));
}

#[test]
fn a_checkpoint_of_another_log_or_tree_is_none() {
    let (plan, good) = full();
    let size = plan.question.ends.0;
    let of = |name: &str, root: &H, key: &Key| {
        let mut package = good.clone();
        package.0.insert("checkpoints/end.txt".into(), note(name, size, root, key).into_bytes());
        reseal(&mut package);
        code(&BUSY, &package)
    };
    let true_root = root(&BUSY.leaves()[..size as usize]);
    assert_eq!(of(&BUSY.name, &true_root, &BUSY.head), None);
    assert_eq!(of("ledger.example/other", &true_root, &BUSY.head), Some(PackageCode::EndCheckpoint));
    assert_eq!(of(&BUSY.name, &true_root, &Key::named("other head")), Some(PackageCode::EndCheckpoint));
    assert_eq!(of(&BUSY.name, &[7; 32], &BUSY.head), Some(PackageCode::Root));
    let mut other = good.clone();
    let start = plan.question.begins.0;
    other.0.insert("checkpoints/start.txt".into(), note(&BUSY.name, start, &[7; 32], &BUSY.head).into_bytes());
    reseal(&mut other);
    assert_eq!(code(&BUSY, &other), Some(PackageCode::Frontier));
}
