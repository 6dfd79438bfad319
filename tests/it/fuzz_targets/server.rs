//! What the server and its tools read beside the verifier's formats: key files, event lines, OpenLineage, and the two
//! kinds of files that opening looks into before anything is trusted.

use deedbook::limits::{LINEAGE_COLUMNS_MAX, OBJECTS_MAX};
use deedbook::lineage::openlineage::{Event, Tally};
use deedbook::lineage::prov::{self, Export, Origin};
use deedbook::merkle::TilePath;
use deedbook::record::{FrameSigner, Position, SigningKey, line, openlineage};
use deedbook::store::{AnchorRecord, SLOT_BYTES, recycled_in};
use deedbook_verify::hash::RefKey;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Hash, LedgerId, Micros, Ref, TreeSize};
use std::sync::LazyLock;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_seed("fuzz", &[5; 32]).unwrap());

/// What parses is written back as it was.
pub fn key_file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(key) = SigningKey::parse(text) {
        assert_eq!(key.to_text().trim(), text.trim());
        assert!(!format!("{key:?}").contains(text.trim()), "a secret is shown");
    }
}

fn sign(event: line::Event) {
    let signer = FrameSigner { ledger: LedgerId([1; 32]), source: Ref([2; 16]), key: &KEY };
    // What a line may say and a frame may not hold is refused by name; nothing else goes wrong.
    match signer.sign(Position::Unsequenced, vec![event.builder]) {
        Ok(frame) => {
            let facts = deedbook_verify::facts::Facts::parse(&frame.events[0].facts).unwrap();
            assert_eq!(facts.event_id, event.id);
            assert!(
                frame.payload_bytes() <= event.weight_bytes,
                "{} weigh {}",
                frame.payload_bytes(),
                event.weight_bytes
            );
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// One event line.
pub fn line(bytes: &[u8]) {
    let context = line::LineContext { ledger: LedgerId([1; 32]), refs: &RefKey([7; 32]), id_key: &[9; 32] };
    match line::parse(bytes, &context) {
        Ok(event) => sign(event),
        Err(error) => assert!(!error.problem.is_empty() && !error.remedy.is_empty(), "{error:?}"),
    }
}

/// One OpenLineage event: its facts, and what is read of its body, each within its bounds and by the names of the other.
pub fn openlineage(bytes: &[u8]) {
    if let Some(event) = Event::read(bytes) {
        assert!(event.inputs.len() + event.outputs.len() <= OBJECTS_MAX && event.columns.len() <= LINEAGE_COLUMNS_MAX);
        assert!(event.columns.iter().all(|edge| event.name_at(edge.dataset).is_some()));
        Tally::default().add(&event);
    }
    match openlineage::parse(bytes, &RefKey([7; 32]), &[9; 32]) {
        Ok(event) => sign(event),
        Err(error) => assert!(!error.problem.is_empty() && !error.remedy.is_empty(), "{error:?}"),
    }
}

/// A PROV-JSON document: its events, and how it stands beside others in a file, from which it comes back.
pub fn prov(bytes: &[u8]) {
    let (refs, id_key, source, occurred) = (&RefKey([7; 32]), &[9; 32], Ref([2; 16]), Micros(5));
    match prov::events(bytes, Origin { refs, id_key, source, occurred }) {
        Ok(events) => events.into_iter().for_each(sign),
        Err(error) => assert!(!error.problem.is_empty() && !error.remedy.is_empty(), "{error:?}"),
    }
    if let Ok(documents) = prov::documents_of(bytes) {
        documents.iter().flatten().for_each(|document| assert!(document.len() <= 2 * bytes.len() + 64));
    }
    let Ok(document) = prov::Document::read(bytes) else { return };
    let mut export = Export::new(LedgerId([1; 32]), TreeHead { size: TreeSize(1), root: Hash([3; 32]) });
    let file = export.document(0, &prov::lifted(&document, bytes)) + &export.close();
    let back = prov::documents_of(file.as_bytes()).unwrap().unwrap();
    let [back] = back.as_slice() else { panic!("{} documents come back", back.len()) };
    let again = prov::Document::read(back).unwrap();
    assert_eq!(again.things().list().len(), document.things().list().len());
    assert_eq!(again.things().links_count(), document.things().links_count());
}

/// A block of the engine's log: what is found lies in it, at a record's start.
pub fn framing(bytes: &[u8]) {
    if let Some(at) = recycled_in(bytes) {
        assert!(at + 7 <= bytes.len());
        assert_eq!(recycled_in(&bytes[at..]), Some(0));
    }
}

/// An anchor's slot: what is sound is so to the last byte.
pub fn anchor(bytes: &[u8]) {
    let mut slot = bytes.to_vec();
    // Most of a slot is zeros; inputs need not spell them out.
    slot.resize(SLOT_BYTES, 0);
    for slot in [bytes, &slot] {
        if let Some(record) = AnchorRecord::from_slot(slot) {
            assert_eq!(record.to_slot().as_slice(), slot);
        }
    }
}

/// The path of a tile has one spelling; every size can be asked whether it has it.
pub fn tile_path(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(path) = TilePath::parse(text) else { return };
    assert_eq!(path.to_string(), text);
    let within = [0, 1, 255, 1 << 32, u64::MAX].map(|size| path.is_within(TreeSize(size)));
    assert!(within.is_sorted(), "a larger tree has less: {within:?}");
}
