//! The verifier's parsers and judges. Nothing may panic, and nothing may be accepted that nobody signed: the keys of
//! the corpus are gone, so whatever verifies is in the corpus.

use deedbook_verify::entry::{Entry, SealedFrame};
use deedbook_verify::facts::Facts;
use deedbook_verify::frame::{FrameHeader, SignatureBlock};
use deedbook_verify::judge::verify_receipt;
use deedbook_verify::lineage::{Bundle, verify_lineage};
use deedbook_verify::note::{Checkpoint, VerifierKey, open_checkpoint};
use deedbook_verify::policy::Policy;
use deedbook_verify::receipt::{Extra, ReceiptFile};
use deedbook_verify::replay::Replay;
use deedbook_verify::tree::{ConsistencyProof, Frontier, InclusionProof, TreeHead, root_of};
use deedbook_verify::words::{Hash, Index, TreeSize};
use std::collections::BTreeSet;
use std::sync::LazyLock;

pub const RECEIPTS: &[&[u8]] = &[
    include_bytes!("../../../fuzz/corpus/receipt/full"),
    include_bytes!("../../../fuzz/corpus/receipt/redacted"),
    include_bytes!("../../../fuzz/corpus/receipt/genesis"),
    include_bytes!("../../../fuzz/corpus/receipt/key-enrolled"),
    include_bytes!("../../../fuzz/corpus/receipt/middle-of-a-frame"),
    include_bytes!("../../../fuzz/corpus/receipt/under-a-rotated-key"),
    include_bytes!("../../../fuzz/corpus/receipt/command-refused"),
];
const LOG: &[u8] = include_bytes!("../../../fuzz/corpus/replay/world");

/// The ledger that all seeds are of.
pub struct World {
    pub key: VerifierKey,
    pub head: TreeHead,
    pub entries: Vec<Vec<u8>>,
    leaves: Vec<Hash>,
    facts: BTreeSet<Vec<u8>>,
}

pub static WORLD: LazyLock<World> = LazyLock::new(|| {
    let key = VerifierKey::parse(include_str!("../../../fuzz/corpus/note/vkey")).unwrap();
    let entries = parts(LOG);
    let leaves: Vec<Hash> = entries.iter().map(|entry| Entry::parse(entry).unwrap().leaf()).collect();
    let head = TreeHead { size: TreeSize(leaves.len() as u64), root: root_of(leaves.iter().copied()) };
    let facts = entries.iter().map(|entry| Entry::parse(entry).unwrap().facts.bytes.to_vec()).collect();
    World { key, head, entries, leaves, facts }
});

/// (u16 length ‖ bytes)*, up to what is cut off.
pub fn parts(mut rest: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while let Some((length, behind)) = rest.split_first_chunk::<2>() {
        let Some((part, behind)) = behind.split_at_checked(usize::from(u16::from_be_bytes(*length))) else { break };
        found.push(part.to_vec());
        rest = behind;
    }
    found
}

/// Facts and entries: what parses is the bytes that it was parsed from, list by list.
pub fn entry(bytes: &[u8]) {
    let look = |facts: &Facts<'_>| {
        let lists = (facts.parents().count(), facts.objects().count(), facts.on_behalf_of().count());
        assert!(format!("{facts:?}").len() > lists.0);
        assert_eq!(Facts::parse(facts.bytes).map(|again| again.event_id), Ok(facts.event_id));
    };
    if let Ok(facts) = Facts::parse(bytes) {
        assert_eq!(facts.bytes, bytes);
        look(&facts);
    }
    if let Ok(entry) = Entry::parse(bytes) {
        assert_eq!(entry.bytes, bytes);
        look(&entry.facts);
        assert_eq!(entry.seal.offset == 0, entry.seal.frame.is_some());
    }
}

/// u16 length ‖ header ‖ u16 length ‖ block. No key signs anything but what it signed in the corpus.
pub fn frame(bytes: &[u8]) {
    let _ = (FrameHeader::parse(bytes).is_ok(), SignatureBlock::parse(bytes).is_ok());
    let parts = parts(bytes);
    let [header, block] = parts.as_slice() else { return };
    let Ok(sealed) = SealedFrame::parse(header, block) else { return };
    let key = WORLD.key.key();
    let checked = deedbook_verify::frame::check_signatures(&sealed.header, &sealed.block, |_| Some(key));
    let known =
        WORLD.entries.iter().filter_map(|entry| Entry::parse(entry).ok()?.seal.frame.map(|f| f.header.bytes.to_vec()));
    assert!(checked.is_err() || known.into_iter().any(|known| known == *header), "a forged frame");
    assert!(sealed.block.signatures().count() <= deedbook_verify::limits::SIGNERS_MAX);
    let _ = (sealed.header.sequence_at(u16::MAX), sealed.digest());
}

/// Notes, checkpoints, verifier keys: what opens is the corpus' checkpoint, what parses is written back as it was.
pub fn note(bytes: &[u8]) {
    if let Ok(opened) = open_checkpoint(bytes, &WORLD.key) {
        assert_eq!(opened.checkpoint().head, WORLD.head, "a forged checkpoint");
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(key) = VerifierKey::parse(text) {
        assert_eq!(key.to_string(), text.trim());
    }
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        assert_eq!(checkpoint.to_string(), text);
    }
}

/// Witness policies: more cosignatures never satisfy less.
pub fn policy(bytes: &[u8]) {
    match Policy::parse(bytes) {
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
        Ok(policy) => {
            let all: Vec<usize> = (0..policy.witnesses().len()).collect();
            let mut met = policy.is_met_by(&[]);
            for count in 1..=all.len() {
                let now = policy.is_met_by(&all[..count]);
                assert!(now || !met, "{count} cosignatures satisfy less than {}", count - 1);
                met = now;
            }
        }
    }
}

/// Bundles of lineage: what is accepted has entries of the corpus' ledger alone, and edges that these say.
pub fn lineage(bytes: &[u8]) {
    if let Ok(bundle) = Bundle::parse(bytes) {
        assert!(bundle.edges.iter().all(|edge| bundle.joined(*edge).is_some()));
    }
    let Ok(shown) = verify_lineage(bytes, &WORLD.key) else { return };
    assert_eq!(shown.head, WORLD.head, "a forged checkpoint");
    for edge in &shown.edges {
        assert!(shown.entries.iter().any(|entry| entry.index == edge.index), "an edge of no entry");
        assert!(shown.nodes.iter().filter(|node| node.key == edge.from || node.key == edge.to).count() == 2);
    }
}

/// Whole receipt files.
pub fn receipt(bytes: &[u8]) {
    if let Ok(file) = ReceiptFile::parse(bytes) {
        let _ = Extra::parse(&file.extra).is_ok();
    }
    judge_receipt(bytes);
}

/// What verifies proves an entry that stands in the ledger, where it stands.
pub fn judge_receipt(bytes: &[u8]) {
    match verify_receipt(bytes, &WORLD.key) {
        Err(refusal) => assert!(refusal.to_string().starts_with("check `")),
        Ok(verified) => {
            assert_eq!(verified.head, WORLD.head, "a forged head");
            let file = ReceiptFile::parse(bytes).unwrap();
            let proven = Extra::parse(&file.extra).unwrap().subject;
            let at = usize::try_from(verified.index.0).unwrap();
            assert_eq!(WORLD.entries[at], proven.entry, "a forged entry");
        }
    }
}

/// Proofs: kind ‖ two numbers ‖ hashes, about the ledger's own leaves and its head, which a checkpoint fixes.
pub fn proof(bytes: &[u8]) {
    let Some((numbers, rest)) = bytes.split_first_chunk::<17>() else { return };
    let number = |at: usize| u64::from_be_bytes(numbers[at..at + 8].try_into().unwrap());
    let (one, two) = (number(1), number(9));
    let path: Vec<Hash> = rest.chunks_exact(32).map(|chunk| Hash(chunk.try_into().unwrap())).collect();
    let world = &*WORLD;
    let leaf_at = |at: u64| world.leaves[usize::try_from(at % world.head.size.0).unwrap()];
    match numbers[0] % 3 {
        0 => {
            let leaf = leaf_at(two);
            let proof = InclusionProof { index: Index(one), size: world.head.size, path };
            if proof.verify(&leaf, &world.head.root).is_ok() {
                assert_eq!(leaf_at(one), leaf, "a forged path");
            }
        }
        1 => {
            let size = two % (world.head.size.0 + 1);
            let leaves = world.leaves.iter().take(usize::try_from(size).unwrap()).copied();
            let old = TreeHead { size: TreeSize(one), root: root_of(leaves) };
            if (ConsistencyProof { old, new: world.head, path }).verify().is_ok() {
                assert_eq!(size, one, "a forged consistency proof");
            }
        }
        _ => {
            let Ok(mut frontier) = Frontier::from_parts(TreeSize(one), path) else { return };
            frontier.push(leaf_at(two));
            assert_eq!(frontier.size().0, one.saturating_add(1));
            let _ = frontier.head();
        }
    }
}

/// A whole log: (u16 length ‖ entry)*.
pub fn replay(bytes: &[u8]) {
    replay_entries(&parts(bytes));
}

/// Every whole frame that is taken behind the ledger's own genesis was signed: its facts stand in the ledger. The facts
/// of a frame are compared with its signed root when its last entry is there.
pub fn replay_entries(entries: &[Vec<u8>]) {
    let (mut replay, mut frame) = (Replay::new(), Vec::new());
    for entry in entries {
        match replay.step(entry) {
            Err(refusal) => {
                assert!(!refusal.to_string().is_empty());
                return;
            }
            Ok(taken) => {
                frame.push(taken.facts.bytes);
                if taken.seal.offset.checked_add(1) == Some(taken.seal.n) {
                    let ours = replay.keys().is_some_and(|keys| keys.ledger().0 == WORLD.leaves[0].0);
                    assert!(!ours || frame.iter().all(|facts| WORLD.facts.contains(*facts)), "a forged entry");
                    frame.clear();
                }
            }
        }
    }
    let _ = (replay.finish().is_ok(), replay.head());
}
