//! One flipped bit, in every kind of file that Deedbook writes.

use super::folder::{Closed, Held, Verdict};
use crate::support::{Rng, cases, parallel, scaled};
use deedbook::ledger::Bodies;
use deedbook::record::{SigningKey, load_public, load_ref_key};
use deedbook_verify::judge::verify_receipt;
use deedbook_verify::note::open_checkpoint;
use deedbook_verify::words::Index;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    Log,
    Table,
    Manifest,
    Current,
    Options,
    Identity,
    Diary,
    Anchor,
    SecretKey,
    PublicKey,
    Receipt,
    Checkpoint,
}

/// Kind, its share of a thousand cases, and how many of a hundred must be noticed. What is not noticed must have been
/// harmless, whatever the kind. The engine neither needs nor reads its options, its identity and its diary.
const SHARES: &[(FileKind, u64, u64)] = &[
    (FileKind::Log, 260, 99),
    (FileKind::Table, 260, 85),
    (FileKind::Manifest, 110, 95),
    (FileKind::Current, 30, 90),
    (FileKind::Options, 30, 0),
    (FileKind::Identity, 15, 0),
    (FileKind::Diary, 15, 0),
    (FileKind::Anchor, 80, 100),
    (FileKind::SecretKey, 60, 90),
    (FileKind::PublicKey, 30, 90),
    (FileKind::Receipt, 60, 100),
    (FileKind::Checkpoint, 50, 100),
];

impl FileKind {
    pub fn of(path: &Path) -> Option<FileKind> {
        let name = path.file_name()?.to_str()?;
        Some(match name {
            "CURRENT" => FileKind::Current,
            "IDENTITY" => FileKind::Identity,
            _ if name.starts_with("LOG") => FileKind::Diary,
            _ if name.starts_with("MANIFEST") => FileKind::Manifest,
            _ if name.starts_with("OPTIONS") => FileKind::Options,
            _ if name.ends_with(".log") => FileKind::Log,
            _ if name.ends_with(".sst") => FileKind::Table,
            _ if name.ends_with(".anchor") => FileKind::Anchor,
            _ if name.ends_with(".vkey") || name.ends_with(".pub") => FileKind::PublicKey,
            _ if name.ends_with(".key") => FileKind::SecretKey,
            _ => return None,
        })
    }
}

/// A folder, and what was handed out of it.
struct Subject {
    closed: Closed,
    files: BTreeMap<FileKind, Vec<PathBuf>>,
    handed_out: BTreeMap<FileKind, Vec<Vec<u8>>>,
}

impl Subject {
    fn build() -> Subject {
        let closed = Closed::build(120);
        let mut files = BTreeMap::<FileKind, Vec<PathBuf>>::new();
        for file in closed.files() {
            let kind = FileKind::of(&file).unwrap_or_else(|| panic!("a file of no known kind: {}", file.display()));
            files.entry(kind).or_default().push(file);
        }
        let copy = closed.copy();
        let held = Held::open(&copy.dir);
        let reader = held.ledger.reader();
        let receipt = |(index, bodies)| reader.receipt(Index(index), bodies).unwrap();
        let places = [(0, Bodies::With), (1, Bodies::With), (50, Bodies::With), (119, Bodies::Without)];
        let receipts = places.map(receipt).to_vec();
        let checkpoints = vec![reader.checkpoint().unwrap()];
        let handed_out = [(FileKind::Receipt, receipts), (FileKind::Checkpoint, checkpoints)].into();
        drop(reader);
        held.close();
        Subject { closed, files, handed_out }
    }

    /// Flips one bit in a file of this kind, and judges.
    fn case(&self, kind: FileKind, rng: &mut Rng) -> Verdict {
        if let Some(files) = self.handed_out.get(&kind) {
            let mut bytes = rng.pick(files).clone();
            let at = flip(&mut bytes, rng);
            let key = &self.closed.verifier_key;
            let receipt = kind == FileKind::Receipt;
            let noticed =
                if receipt { verify_receipt(&bytes, key).is_err() } else { open_checkpoint(&bytes, key).is_err() };
            assert!(noticed, "{kind:?} with {at} holds: {}", String::from_utf8_lossy(&bytes));
            return Verdict::ReadRefuses;
        }
        let file = rng.pick(&self.files[&kind]);
        let copy = self.closed.copy();
        let path = copy.dir.root().join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        let what = format!("{} with {}", file.display(), flip(&mut bytes, rng));
        std::fs::write(&path, bytes).unwrap();
        let is_key = matches!(kind, FileKind::SecretKey | FileKind::PublicKey);
        if is_key { self.judge_key(&copy, file, &what) } else { copy.judge(&what) }
    }

    /// A key file is noticed when it is loaded; what loads must be the key that it was.
    fn judge_key(&self, copy: &Closed, file: &Path, what: &str) -> Verdict {
        let (ours, theirs) = (copy.dir.root().join(file), self.closed.dir.root().join(file));
        let loaded = if file.ends_with("ref.key") {
            load_ref_key(&ours).ok().map(|key| key.0 == load_ref_key(&theirs).unwrap().0)
        } else if FileKind::of(file) == Some(FileKind::SecretKey) {
            let key = SigningKey::load(&ours).ok();
            key.map(|key| *key.verifier_key() == *SigningKey::load(&theirs).unwrap().verifier_key())
        } else {
            load_public(&ours).ok().map(|key| key == load_public(&theirs).unwrap())
        };
        let opens = copy.open().map(|ledger| ledger.close()).is_ok();
        // The server needs neither the administrator's key nor the public halves.
        let needed = !file.ends_with("admin.key") && file.extension().is_none_or(|ending| ending != "pub");
        match loaded {
            Some(true) => {
                assert!(opens, "{what}: the same key does not open");
                Verdict::Harmless
            }
            None | Some(false) if needed => {
                assert!(!opens, "{what}: opens with another key");
                Verdict::OpenRefuses
            }
            None | Some(false) => {
                assert_eq!(loaded, None, "{what}: loads as another key");
                Verdict::ReadRefuses
            }
        }
    }
}

fn flip(bytes: &mut [u8], rng: &mut Rng) -> String {
    let (at, bit) = (usize::try_from(rng.below(bytes.len() as u64)).unwrap(), rng.below(8));
    bytes[at] ^= 1 << bit;
    format!("bit {bit} of byte {at} of {} flipped", bytes.len())
}

/// Kinds by case number, each with its share of every thousand.
fn kind_of(number: u64) -> FileKind {
    let mut place = number * 617 % 1_000;
    for (kind, share, _) in SHARES {
        if place < *share {
            return *kind;
        }
        place -= share;
    }
    panic!("the shares are less than a thousand")
}

#[test]
fn flipped_bits() {
    let subject = Subject::build();
    let count = scaled(1_000);
    let verdicts = parallel::run("flipped bits", count, |number, rng| {
        let kind = kind_of(number);
        (kind, subject.case(kind, rng))
    });
    let mut table = BTreeMap::<FileKind, BTreeMap<Verdict, u64>>::new();
    for (kind, verdict) in verdicts {
        *table.entry(kind).or_default().entry(verdict).or_default() += 1;
    }
    for (kind, share, percent) in SHARES {
        let found = &table[kind];
        println!("flips in {kind:?}: {found:?}");
        let all: u64 = found.values().sum();
        let noticed = all - found.get(&Verdict::Harmless).unwrap_or(&0);
        assert_eq!(all * 1_000, share * count, "{kind:?}");
        assert!(noticed * 100 >= all * percent, "{kind:?}: {noticed} of {all} noticed, wanted {percent} in 100");
    }
    cases("flips", count);
}
