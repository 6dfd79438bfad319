//! Posting rows: for one value and one block of 256 entries, a bitmap of the entries that have it. They are a function
//! of the entries alone, so that they can be dropped and rebuilt to the same bytes.

use crate::plant::Bug;
use crate::store::Batch;
use crate::store::keys::{self, Dimension, LedgerNumber, POSTING_BLOCK_ENTRIES, PostingValue};
use deedbook_verify::facts::Facts;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Digest, Index};
use std::collections::BTreeMap;

/// The values of one event, one slot for each dimension.
pub(super) type PostingSet = [Option<(Dimension, PostingValue)>; 5];

/// A bitmap: bit `index mod 256`, the lowest index in the highest bit of the first byte.
pub type Bitmap = [u8; 32];

/// The value under which a kind is found.
pub fn kind_value(kind: Kind) -> PostingValue {
    padded(&kind.number().to_be_bytes())
}

/// The value under which an action type is found: BLAKE3, cut; the word itself stands in the entries.
pub fn action_value(code: &str) -> PostingValue {
    padded(blake3::hash(code.as_bytes()).as_bytes())
}

/// The value under which a policy digest is found: its first half.
pub fn policy_value(digest: &Digest) -> PostingValue {
    padded(digest.as_bytes())
}

/// The value under which an outcome is found.
pub fn outcome_value(number: u8) -> PostingValue {
    padded(&[number])
}

fn padded(bytes: &[u8]) -> PostingValue {
    let mut value = PostingValue::default();
    value.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    value
}

pub(super) fn posting_set(facts: &Facts<'_>) -> PostingSet {
    let outcome = facts.outcome.filter(|_| !Bug::PostingRowDropped.planted());
    [
        Some((Dimension::Kind, kind_value(facts.kind))),
        facts.actor.map(|actor| (Dimension::Actor, actor.who.0)),
        facts.action_type.map(|code| (Dimension::ActionType, action_value(code.as_str()))),
        outcome.map(|outcome| (Dimension::Outcome, outcome_value(outcome.number()))),
        facts.policy_digest.map(|digest| (Dimension::Policy, policy_value(&digest))),
    ]
}

/// The posting values of facts, for those who rebuild or check the rows.
pub fn posting_values(facts: &Facts<'_>) -> impl Iterator<Item = (Dimension, PostingValue)> {
    posting_set(facts).into_iter().flatten()
}

/// Sets the bit of an index.
pub fn set_bit(bitmap: &mut Bitmap, index: Index) {
    let bit = index.0 % POSTING_BLOCK_ENTRIES;
    if let Some(byte) = usize::try_from(bit / 8).ok().and_then(|byte| bitmap.get_mut(byte)) {
        *byte |= 0x80 >> (bit % 8);
    }
}

/// The indexes of a block that a bitmap names, ascending.
pub fn indexes_of(block: u64, bitmap: &Bitmap) -> impl Iterator<Item = Index> {
    let bits = bitmap.iter().zip(0u64..).flat_map(|(byte, at)| {
        let byte = *byte;
        (0..8u64).filter(move |bit| byte & (0x80 >> bit) != 0).map(move |bit| at * 8 + bit)
    });
    let bits: Vec<u64> = bits.collect();
    bits.into_iter().map(move |bit| Index(block.saturating_mul(POSTING_BLOCK_ENTRIES).saturating_add(bit)))
}

#[derive(Clone, Copy, Debug, Default)]
struct Row {
    bitmap: Bitmap,
    dirty: bool,
}

/// The rows of the block that is being filled. Written whole with each commit that touches them.
#[derive(Debug, Default)]
pub(super) struct CurrentBlock {
    block: u64,
    rows: BTreeMap<(Dimension, PostingValue), Row>,
}

impl CurrentBlock {
    /// Takes in an entry; a block that is over is written to `batch` first.
    pub fn add(&mut self, index: Index, set: &PostingSet, ledger: LedgerNumber, batch: &mut Batch) {
        let block = index.0 / POSTING_BLOCK_ENTRIES;
        if block != self.block {
            self.write(ledger, batch);
            self.rows.clear();
            self.block = block;
        }
        for (dimension, value) in set.iter().flatten() {
            let row = self.rows.entry((*dimension, *value)).or_default();
            set_bit(&mut row.bitmap, index);
            row.dirty = true;
        }
    }

    /// Writes every row that changed since the last call.
    pub fn write(&mut self, ledger: LedgerNumber, batch: &mut Batch) {
        for ((dimension, value), row) in &mut self.rows {
            if row.dirty {
                batch.put(keys::posting(ledger, *dimension, value, self.block).as_slice(), &row.bitmap);
                row.dirty = false;
            }
        }
    }
}
