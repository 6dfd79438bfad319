//! No input makes the verifier panic: random bytes, and valid artefacts cut, spliced and bent at random, through every
//! parser and every judge. Overflow checks are on in this profile, so that arithmetic counts too.

use crate::ledger::Ledger;
use crate::maker::{cosignature_line, cosigner_vkey, note, vkey};
use crate::world::{World, receipts, world};
use deedbook_verify::cosign::{CosignerKey, has_form};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Facts;
use deedbook_verify::frame::{FrameHeader, SignatureBlock};
use deedbook_verify::judge::{verify_receipt, verify_witnessed};
use deedbook_verify::note::{Checkpoint, Note, VerifierKey, open_checkpoint};
use deedbook_verify::policy::Policy;
use deedbook_verify::receipt::{Extra, ReceiptFile};
use deedbook_verify::replay::Replay;
use deedbook_verify::tree::{ConsistencyProof, Frontier, InclusionProof, TreeHead};
use deedbook_verify::witnessed::open_witnessed;
use deedbook_verify::words::{Hash, Index, TreeSize};
use proptest::prelude::*;
use std::sync::LazyLock;

/// Valid bytes to bend, of every kind of artefact.
struct Artefacts {
    world: World,
    entries: Vec<Vec<u8>>,
    files: Vec<Vec<u8>>,
    all: Vec<Vec<u8>>,
    policy: Policy,
}

static ARTEFACTS: LazyLock<Artefacts> = LazyLock::new(|| {
    let world = world();
    let entries = world.ledger.entries();
    let receipts = receipts(&world);
    let files: Vec<Vec<u8>> = receipts.iter().map(|(_, receipt)| receipt.file()).collect();
    let mut all = [entries.clone(), files.clone()].concat();
    all.extend(receipts.iter().map(|(_, receipt)| receipt.extra()));
    for frame in &world.ledger.frames {
        all.extend([frame.header.bytes(), frame.block.clone()]);
        all.extend(frame.facts.clone());
    }
    all.push(note("a", 5, &[1; 32], &world.ledger.head).into_bytes());
    all.push(vkey("a", &world.ledger.head).into_bytes());
    let witness = crate::encode::Key::named("witness");
    let text = note("a", 5, &[1; 32], &world.ledger.head);
    let cosigned = text.clone()
        + &cosignature_line("w", &witness, 9, text.split_inclusive("\n\n").next().unwrap().trim_end_matches('\n'));
    let (log, cosigner) = (vkey("a", &world.ledger.head), cosigner_vkey("w", &witness));
    let policy =
        format!("log {log}\nwitness one {cosigner} https://w.example/\ngroup g 1 one\nquorum g\n").into_bytes();
    all.extend([cosigned.into_bytes(), policy.clone(), cosigner.into_bytes()]);
    #[cfg(feature = "package")]
    for file in ["data/start.bin", "data/question.txt", "manifest-sha256.txt", "data/bodies.bin"] {
        all.push(crate::package_maker::full().1.0[file].clone());
    }
    let policy = Policy::parse(&policy).unwrap();
    Artefacts { world, entries, files, all, policy }
});

/// Every function that reads bytes of others, with these bytes.
fn feed(bytes: &[u8]) {
    let world = &ARTEFACTS.world;
    if let Ok(facts) = Facts::parse(bytes) {
        let _ = (facts.parents().count(), facts.objects().count(), facts.on_behalf_of().count());
        let _ = format!("{facts:?}");
    }
    if let Ok(entry) = Entry::parse(bytes) {
        let _ = (entry.leaf(), format!("{entry:?}"));
    }
    if let Ok(header) = FrameHeader::parse(bytes) {
        let _ = (header.sole_signer(), header.sequence_at(u16::MAX), header.signers().count());
    }
    if let Ok(block) = SignatureBlock::parse(bytes) {
        let _ = block.signatures().count();
    }
    let _ = (Extra::parse(bytes).is_ok(), ReceiptFile::parse(bytes).is_ok());
    let _ = verify_receipt(bytes, &world.key).map_err(|refusal| refusal.to_string());
    let _ = open_checkpoint(bytes, &world.key).map_err(|refusal| refusal.to_string());
    let _ = verify_witnessed(bytes, &ARTEFACTS.policy).map_err(|refusal| refusal.to_string());
    let _ = open_witnessed(bytes, &ARTEFACTS.policy).map_err(|refusal| refusal.to_string());
    let _ = Note::parse(bytes).map(|note| note.signatures.iter().filter(|line| has_form(line)).count());
    if let Ok(policy) = Policy::parse(bytes).map_err(|refusal| refusal.to_string()) {
        let all: Vec<usize> = (0..policy.witnesses().len()).collect();
        let _ = (policy.is_met_by(&[]), policy.is_met_by(&all), policy.for_log(&world.key));
    }
    let text = String::from_utf8_lossy(bytes);
    let _ = (VerifierKey::parse(&text).is_ok(), Checkpoint::parse(&text).is_ok(), CosignerKey::parse(&text).is_ok());
    let _ = Replay::new().step(bytes).map_err(|refusal| refusal.to_string());
    #[cfg(feature = "package")]
    feed_package(bytes);
}

/// Parsers of packages. Whole packages are bent in `packages`.
#[cfg(feature = "package")]
fn feed_package(bytes: &[u8]) {
    use deedbook_verify::package::{Filter, Manifest, Question, Start};
    let text = String::from_utf8_lossy(bytes);
    let _ = Start::parse(bytes).map(|start| assert_eq!(start.to_bytes(), bytes, "one form"));
    let _ = Question::parse(&text).map(|question| assert_eq!(question.to_text(), text, "one form"));
    let _ = Filter::parse(&text).map(|filter| assert_eq!(filter.to_string(), text, "one form"));
    let _ = Manifest::parse("manifest", bytes).map(|manifest| assert_eq!(manifest.to_text(), text, "one form"));
}

/// One bend of some bytes.
#[derive(Clone, Debug)]
enum Bend {
    Set(u16, u8),
    Flip(u16, u8),
    Cut(u16),
    Drop(u16, u8),
    Insert(u16, Vec<u8>),
    Splice(u16, u8, u16),
    Number(u16, u64),
}

fn bends() -> impl Strategy<Value = Vec<Bend>> {
    let bend = prop_oneof![
        (any::<u16>(), any::<u8>()).prop_map(|(at, byte)| Bend::Set(at, byte)),
        (any::<u16>(), 0_u8..8).prop_map(|(at, bit)| Bend::Flip(at, bit)),
        any::<u16>().prop_map(Bend::Cut),
        (any::<u16>(), any::<u8>()).prop_map(|(at, count)| Bend::Drop(at, count)),
        (any::<u16>(), prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(at, bytes)| Bend::Insert(at, bytes)),
        (any::<u16>(), any::<u8>(), any::<u16>()).prop_map(|(at, which, from)| Bend::Splice(at, which, from)),
        (any::<u16>(), prop_oneof![Just(0), Just(u64::MAX), Just(1 << 63)]).prop_map(|(at, n)| Bend::Number(at, n)),
    ];
    prop::collection::vec(bend, 1..5)
}

fn bent(mut bytes: Vec<u8>, bends: &[Bend]) -> Vec<u8> {
    for bend in bends {
        let at = |at: u16| usize::from(at) % (bytes.len() + 1);
        match bend {
            Bend::Set(place, byte) => {
                let place = at(*place);
                bytes.get_mut(place).into_iter().for_each(|to| *to = *byte);
            }
            Bend::Flip(place, bit) => {
                let place = at(*place);
                bytes.get_mut(place).into_iter().for_each(|to| *to ^= 1 << bit);
            }
            Bend::Cut(place) => bytes.truncate(at(*place)),
            Bend::Drop(place, count) => {
                let start = at(*place);
                let end = (start + usize::from(*count)).min(bytes.len());
                bytes.drain(start..end);
            }
            Bend::Insert(place, more) => {
                let place = at(*place);
                bytes.splice(place..place, more.iter().copied());
            }
            Bend::Splice(place, which, from) => {
                let (place, all) = (at(*place), &ARTEFACTS.all);
                let other = &all[usize::from(*which) % all.len()];
                bytes.truncate(place);
                bytes.extend(&other[usize::from(*from) % (other.len() + 1)..]);
            }
            Bend::Number(place, number) => {
                let place = at(*place);
                bytes.iter_mut().skip(place).zip(number.to_be_bytes()).for_each(|(to, byte)| *to = byte);
            }
        }
    }
    bytes
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(4_000))]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600), lead in 0_usize..4) {
        let lead: &[u8] = [&[][..], &[0xfa], &[1, 0, 40, 0xfa], b"c2sp.org/tlog-proof@v1\nextra "][lead];
        feed(&[lead, &bytes].concat());
    }

    #[test]
    fn bent_artefacts(which in any::<usize>(), bends in bends()) {
        let all = &ARTEFACTS.all;
        feed(&bent(all[which % all.len()].clone(), &bends));
    }

    #[test]
    fn bent_extras(which in any::<usize>(), bends in bends()) {
        let receipts = receipts_of();
        let (_, receipt) = &receipts[which % receipts.len()];
        let changed = bent(receipt.extra(), &bends);
        let judged = verify_receipt(&receipt.file_with(&changed), &ARTEFACTS.world.key);
        prop_assert!(judged.is_err() || changed == receipt.extra());
    }

    #[test]
    fn bent_files(which in any::<usize>(), bends in bends()) {
        let files = &ARTEFACTS.files;
        let file = &files[which % files.len()];
        let changed = bent(file.clone(), &bends);
        let judged = verify_receipt(&changed, &ARTEFACTS.world.key);
        prop_assert!(judged.is_err() || changed == *file);
    }
}

fn receipts_of() -> &'static [(&'static str, crate::maker::Receipt)] {
    static RECEIPTS: LazyLock<Vec<(&'static str, crate::maker::Receipt)>> =
        LazyLock::new(|| receipts(&ARTEFACTS.world));
    &RECEIPTS
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn bent_logs(at in any::<usize>(), bends in bends()) {
        let mut entries = ARTEFACTS.entries.clone();
        let at = at % entries.len();
        entries[at] = bent(entries[at].clone(), &bends);
        let same = entries[at] == ARTEFACTS.entries[at];
        let head = crate::replay::replay(&entries).map(|replay| replay.head().root.0).ok();
        prop_assert!(same || head != Some(root_of_world()), "entry {at} may be exchanged");
    }

    #[test]
    fn steps_after_a_refusal(steps in prop::collection::vec((any::<usize>(), bends()), 1..20)) {
        let mut replay = Replay::new();
        let entries = &ARTEFACTS.entries;
        let _ = replay.step(&entries[0]).is_ok();
        for (which, bends) in steps {
            let entry = entries[which % entries.len()].clone();
            let _ = (replay.step(&entry).is_ok(), replay.step(&bent(entry, &bends)).is_ok());
            let _ = (replay.finish().is_ok(), replay.head());
        }
    }

    #[test]
    fn proofs_of_any_shape(sizes in any::<(u64, u64)>(), path in prop::collection::vec(any::<[u8; 32]>(), 0..80)) {
        let path: Vec<Hash> = path.into_iter().map(Hash).collect();
        let head = |size| TreeHead { size: TreeSize(size), root: Hash([1; 32]) };
        for (a, b) in [sizes, (sizes.0, u64::MAX), (0, sizes.1), (u64::MAX, u64::MAX), (1 << 63, u64::MAX)] {
            let _ = InclusionProof { index: Index(a), size: TreeSize(b), path: path.clone() }.root(&Hash([1; 32]));
            let _ = ConsistencyProof { old: head(a), new: head(b), path: path.clone() }.verify();
            if let Ok(mut frontier) = Frontier::from_parts(TreeSize(a), path.clone()) {
                frontier.push(Hash([2; 32]));
                let _ = frontier.head();
            }
        }
    }
}

fn root_of_world() -> [u8; 32] {
    let ledger: &Ledger = &ARTEFACTS.world.ledger;
    static ROOT: LazyLock<[u8; 32]> = LazyLock::new(|| crate::naive_tree::root(&ARTEFACTS.world.ledger.leaves()));
    assert!(!ledger.placed.is_empty());
    *ROOT
}

#[test]
fn frontiers_at_the_end_of_the_number_range_do_not_overflow() {
    let roots = vec![Hash([3; 32]); 63];
    let mut frontier = Frontier::from_parts(TreeSize(u64::MAX >> 1), roots).unwrap();
    frontier.push(Hash([4; 32]));
    assert_eq!((frontier.size(), frontier.roots().len()), (TreeSize(1 << 63), 1));
}
