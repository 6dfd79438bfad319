//! Posting rows: for one value and one block of 256 entries, a bitmap of the entries that have it. They are a function
//! of the entries alone, so that they can be dropped and rebuilt to the same bytes. A block's rows are written once, by
//! the commit that fills the block; whoever lists looks at the entries behind the last full block themselves.

use crate::plant::Bug;
use crate::store::Batch;
use crate::store::keys::{self, Dimension, LedgerNumber, POSTING_BLOCK_ENTRIES, PostingValue};
use deedbook_verify::facts::Facts;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Digest, Index, TreeSize};
use foldhash::HashMap;

/// The values of one event, one slot for each dimension.
pub(super) type PostingSet = [Option<(Dimension, PostingValue)>; 6];

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
        Some((Dimension::Source, facts.source.0)),
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

/// The index behind the last full block of a tree: rows answer for what stands before it.
pub fn rows_end(size: TreeSize) -> Index {
    Index(size.0 - size.0 % POSTING_BLOCK_ENTRIES)
}

/// The bitmaps of the block that is being filled. In memory only; opening takes its entries in again.
#[derive(Debug, Default)]
pub(super) struct CurrentBlock {
    rows: HashMap<(Dimension, PostingValue), Bitmap>,
}

impl CurrentBlock {
    /// Takes in an entry; the last one of a block writes the block's rows to `batch`.
    pub fn add(&mut self, index: Index, set: &PostingSet, ledger: LedgerNumber, batch: &mut Batch) {
        for (dimension, value) in set.iter().flatten() {
            set_bit(self.rows.entry((*dimension, *value)).or_default(), index);
        }
        if index.0 % POSTING_BLOCK_ENTRIES == POSTING_BLOCK_ENTRIES - 1 {
            let block = index.0 / POSTING_BLOCK_ENTRIES;
            for ((dimension, value), bitmap) in self.rows.drain() {
                batch.scatter(keys::posting(ledger, dimension, &value, block).as_slice(), &bitmap);
            }
        }
    }
}
