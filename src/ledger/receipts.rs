//! Builds receipts: everything an auditor needs for one entry, in a tlog-proof file. What it builds is not trusted
//! here either; tests and the CLI hand it to `deedbook_verify`.

use crate::ledger::bodies::{Bodies, StoredBody};
use crate::ledger::error::ReadError;
use crate::ledger::reader::{Reader, StoredEvent};
use crate::merkle::path_of;
use deedbook_verify::entry::Entry;
use deedbook_verify::hash;
use deedbook_verify::note::{encode_base64, open_checkpoint};
use deedbook_verify::receipt::RECEIPT_HEADER;
use deedbook_verify::tags;
use deedbook_verify::words::{Hash, Index, TreeSize};

/// Which of the fields that a receipt says elsewhere stand in the proven entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Subject,
    Genesis,
    Enrollment,
}

impl Reader {
    /// The receipt of an entry under the newest checkpoint, which is signed now if it must be.
    pub fn receipt(&self, index: Index, bodies: Bodies) -> Result<Vec<u8>, ReadError> {
        self.receipt_of(&self.event(index, bodies)?)
    }

    /// The receipt of an event that was read; it discloses the body that was read with it, and no other.
    pub fn receipt_of(&self, event: &StoredEvent) -> Result<Vec<u8>, ReadError> {
        self.receipt_under(event, self.checkpoint()?)
    }

    /// The same under a given checkpoint of this ledger.
    pub fn receipt_under(&self, event: &StoredEvent, note: Vec<u8>) -> Result<Vec<u8>, ReadError> {
        let index = event.index;
        let opened = open_checkpoint(&note, self.verifier_key());
        let opened = opened.map_err(|refusal| ReadError::NoCheckpoint(refusal.to_string()))?;
        let size = opened.checkpoint().head.size;
        let proof = self.inclusion(index, size)?;
        let mut extra = Vec::new();
        field(&mut extra, tags::EXTRA_SUBJECT.number, &self.proven(Part::Subject, index, size)?);
        if index != Index(0) {
            field(&mut extra, tags::EXTRA_GENESIS.number, &self.proven(Part::Genesis, Index(0), size)?);
        }
        if let Some(enrolled) = self.enrollment_of(index, &event.entry)? {
            field(&mut extra, tags::EXTRA_ENROLLMENT.number, &self.proven(Part::Enrollment, enrolled, size)?);
        }
        if let StoredBody::Opened { salt, body } = &event.body {
            field(&mut extra, tags::EXTRA_SALT.number, &salt.0);
            field(&mut extra, tags::EXTRA_BODY.number, body);
        }
        let mut receipt = format!("{RECEIPT_HEADER}\nextra {}\nindex {index}\n", encode_base64(&extra));
        for hash in &proof.path {
            receipt.push_str(&encode_base64(&hash.0));
            receipt.push('\n');
        }
        receipt.push('\n');
        let mut receipt = receipt.into_bytes();
        receipt.extend_from_slice(&note);
        Ok(receipt)
    }

    fn proven(&self, part: Part, index: Index, size: TreeSize) -> Result<Vec<u8>, ReadError> {
        let bytes = self.entry(index)?;
        let entry = parse(&bytes)?;
        let mut out = Vec::new();
        if part == Part::Enrollment {
            field(&mut out, tags::PROVEN_INDEX.number, &index.0.to_be_bytes());
        }
        field(&mut out, tags::PROVEN_ENTRY.number, &bytes);
        let base = base_of(&entry, index);
        if entry.seal.offset != 0 {
            let first = self.entry(base)?;
            let frame = parse(&first)?.seal.frame.ok_or(ReadError::Corrupt("a frame without header".to_owned()))?;
            field(&mut out, tags::PROVEN_FRAME_HEADER.number, frame.header.bytes);
            field(&mut out, tags::PROVEN_SIGNATURES.number, frame.block.bytes);
        }
        put_path(&mut out, tags::PROVEN_FRAME_PATH.number, &self.frame_path(&entry, base)?);
        if part != Part::Subject {
            put_path(&mut out, tags::PROVEN_TREE_PATH.number, &self.inclusion(index, size)?.path);
        }
        Ok(out)
    }

    /// The path of an entry's facts in its frame's tree.
    fn frame_path(&self, entry: &Entry<'_>, base: Index) -> Result<Vec<Hash>, ReadError> {
        let mut leaves = Vec::with_capacity(usize::from(entry.seal.n));
        for index in (base.0..).take(usize::from(entry.seal.n)) {
            leaves.push(hash::leaf(parse(&self.entry(Index(index))?)?.facts.bytes));
        }
        Ok(path_of(&leaves, usize::from(entry.seal.offset)))
    }

    /// Where the signing key was enrolled; none when genesis names it.
    fn enrollment_of(&self, index: Index, bytes: &[u8]) -> Result<Option<Index>, ReadError> {
        let entry = parse(bytes)?;
        let first = self.entry(base_of(&entry, index))?;
        let frame = parse(&first)?.seal.frame.ok_or(ReadError::Corrupt("a frame without header".to_owned()))?;
        let signer = frame.header.signers().last().ok_or(ReadError::Corrupt("a frame without signer".to_owned()))?;
        let keys = self.keys();
        let tenure = keys.tenure(&signer.key_id).ok_or(ReadError::NotFound { what: "signing key" })?;
        Ok((tenure.stated != Index(0)).then_some(tenure.stated))
    }
}

fn base_of(entry: &Entry<'_>, index: Index) -> Index {
    Index(index.0.saturating_sub(u64::from(entry.seal.offset)))
}

fn parse(bytes: &[u8]) -> Result<Entry<'_>, ReadError> {
    Entry::parse(bytes).map_err(|malformed| ReadError::Corrupt(malformed.to_string()))
}

fn put_path(out: &mut Vec<u8>, tag: u16, path: &[Hash]) {
    if !path.is_empty() {
        let bytes: Vec<u8> = path.iter().flat_map(|hash| hash.0).collect();
        field(out, tag, &bytes);
    }
}

/// Tag and u32 length, as `extra` has them; a body of 1 MiB is the longest value.
fn field(out: &mut Vec<u8>, tag: u16, value: &[u8]) {
    out.extend_from_slice(&tag.to_be_bytes());
    out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(value);
}
