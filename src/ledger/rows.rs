//! The small fixed rows of the store: heads and commits. Fixed widths, so that a torn or foreign value is refused.

use deedbook_verify::bytes::{Malformed, Reader};
use deedbook_verify::hash;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Epoch, Hash, LedgerId, Micros, Sequence, TreeSize};

/// Where a ledger stands: 56 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadRow {
    /// Size and root.
    pub head: TreeHead,
    /// Received time of the last entry.
    pub received: Micros,
    /// The commit that wrote this row.
    pub commit: u64,
}

impl HeadRow {
    /// The stored bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        [
            self.head.size.0.to_be_bytes().as_slice(),
            self.head.root.as_bytes(),
            &self.received.0.to_be_bytes(),
            &self.commit.to_be_bytes(),
        ]
        .concat()
    }

    /// Reads stored bytes.
    pub fn parse(bytes: &[u8]) -> Result<HeadRow, Malformed> {
        let mut reader = Reader::new(bytes);
        let row = HeadRow {
            head: TreeHead { size: TreeSize(reader.u64("head row")?), root: Hash(reader.array("head row")?) },
            received: Micros(reader.u64("head row")?),
            commit: reader.u64("head row")?,
        };
        reader.finish("head row")?;
        Ok(row)
    }
}

/// One commit: 32 bytes of chain and 72 for each ledger that it touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitRow {
    /// The chain up to and with this commit.
    pub chain: Hash,
    /// What it touched.
    pub touched: Vec<(LedgerId, TreeHead)>,
}

impl CommitRow {
    /// The stored bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.chain.0.to_vec();
        self.touched.iter().for_each(|touched| out.extend_from_slice(&touched_bytes(touched)));
        out
    }

    /// Reads stored bytes.
    pub fn parse(bytes: &[u8]) -> Result<CommitRow, Malformed> {
        let mut reader = Reader::new(bytes);
        let chain = Hash(reader.array("commit row")?);
        let mut touched = Vec::new();
        while !reader.is_empty() {
            let ledger = LedgerId(reader.array("commit row")?);
            let size = TreeSize(reader.u64("commit row")?);
            touched.push((ledger, TreeHead { size, root: Hash(reader.array("commit row")?) }));
        }
        Ok(CommitRow { chain, touched })
    }
}

fn touched_bytes((ledger, head): &(LedgerId, TreeHead)) -> Vec<u8> {
    [ledger.as_bytes(), &head.size.0.to_be_bytes(), head.root.as_bytes()].concat()
}

/// chain = SHA-256(previous ‖ commit number ‖ each touched (ledger id, size, root)).
pub fn commit_chain(previous: &Hash, commit: u64, touched: &[(LedgerId, TreeHead)]) -> Hash {
    let touched: Vec<u8> = touched.iter().flat_map(touched_bytes).collect();
    hash::digest(&[previous.as_bytes(), &commit.to_be_bytes(), &touched])
}

/// A source's last epoch and sequence: 12 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceHead {
    /// The epoch.
    pub epoch: Epoch,
    /// The sequence in it.
    pub sequence: Sequence,
}

impl SourceHead {
    /// The stored bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.epoch.0.to_be_bytes().as_slice(), &self.sequence.0.to_be_bytes()].concat()
    }

    /// Reads stored bytes.
    pub fn parse(bytes: &[u8]) -> Result<SourceHead, Malformed> {
        let mut reader = Reader::new(bytes);
        let head =
            SourceHead { epoch: Epoch(reader.u32("source head")?), sequence: Sequence(reader.u64("source head")?) };
        reader.finish("source head")?;
        Ok(head)
    }
}

/// Reads a stored u64.
pub fn parse_u64(bytes: &[u8]) -> Result<u64, Malformed> {
    let mut reader = Reader::new(bytes);
    let value = reader.u64("number row")?;
    reader.finish("number row")?;
    Ok(value)
}
