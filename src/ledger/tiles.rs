//! The log as static resources (C2SP tlog-tiles): signed checkpoints, tiles, entry bundles. Nothing here signs, except
//! for a ledger that never signed yet, and nothing shows what the newest signed checkpoint does not cover.

use crate::ledger::bodies::Bodies;
use crate::ledger::error::ReadError;
use crate::ledger::reader::Reader;
use crate::merkle::{TileLevel, TilePath, TileSource, TileSpan};
use crate::plant::Bug;
use crate::store::keys;
use crate::store::{Direction, KeyRange};
use deedbook_verify::note::open_checkpoint;
use deedbook_verify::words::{Index, TreeSize};
use std::ops::ControlFlow;

/// A checkpoint that was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// Its size.
    pub size: TreeSize,
    /// The note.
    pub note: Vec<u8>,
}

/// What is kept of the checkpoint of some size: the newest ones are, and of older ones the first of each hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptCheckpoint {
    /// The note.
    Kept(Vec<u8>),
    /// No note; the nearest sizes of which there is one.
    NotKept {
        /// The largest below.
        below: Option<TreeSize>,
        /// The smallest above.
        above: Option<TreeSize>,
    },
}

impl Reader {
    /// The newest checkpoint that was signed; at most the signing interval behind the head. Reading it never makes the
    /// ledger write, so that no crowd of readers sets the pace of signing.
    pub fn signed_checkpoint(&self) -> Result<SignedCheckpoint, ReadError> {
        if let Some(signed) = self.newest_signed() {
            return Ok(signed);
        }
        let note = self.checkpoint()?;
        let opened = open_checkpoint(&note, self.verifier_key());
        let opened = opened.map_err(|refusal| ReadError::NoCheckpoint(refusal.to_string()))?;
        let size = opened.checkpoint().head.size;
        Ok(SignedCheckpoint { size, note })
    }

    /// The checkpoint of a size, if it is kept.
    pub fn kept_checkpoint(&self, size: TreeSize) -> Result<KeptCheckpoint, ReadError> {
        if let Some(note) = self.checkpoint_row(size)? {
            return Ok(KeptCheckpoint::Kept(note));
        }
        let all = keys::checkpoints(self.number);
        let here = keys::checkpoint(self.number, size).as_slice().to_vec();
        let below = KeyRange { from: all.from, to: here.clone() };
        let above = KeyRange { from: here, to: all.to };
        Ok(KeptCheckpoint::NotKept {
            below: self.first_size(&below, Direction::Backward)?,
            above: self.first_size(&above, Direction::Forward)?,
        })
    }

    fn first_size(&self, range: &KeyRange, direction: Direction) -> Result<Option<TreeSize>, ReadError> {
        let mut size = None;
        self.shared.store.scan(range, direction, &mut |key, _| {
            size = keys::trailing_u64(key).map(TreeSize);
            ControlFlow::Break(())
        })?;
        Ok(size)
    }

    /// The bytes of a tile: `span.width` hashes of 32 bytes. A partial one is the beginning of what is there now.
    pub fn tile(&self, level: TileLevel, span: TileSpan) -> Result<Vec<u8>, ReadError> {
        self.check_signed(TilePath::Hashes { level, span })?;
        let published = self.shared.published();
        let hashes = self.tiles(&published).tile(level.number(), span.number)?.unwrap_or_default();
        let width = if Bug::PartialTileWhole.planted() { hashes.len() } else { span.width.items() };
        let hashes = hashes.get(..width).ok_or_else(|| {
            ReadError::Corrupt(format!("tile {} of level {} is missing or short", span.number, level.number()))
        })?;
        Ok(hashes.iter().flat_map(|hash| hash.0).collect())
    }

    /// The bytes of an entry bundle: `span.width` entries, each behind its length (u16).
    pub fn entry_bundle(&self, span: TileSpan) -> Result<Vec<u8>, ReadError> {
        let size = self.check_signed(TilePath::Entries(span))?;
        let (Some(from), Some(to)) = (span.first(), span.end()) else { return Err(ReadError::OutsideTree { size }) };
        let late = u64::from(Bug::BundleShifted.planted());
        let (from, to) = (Index(from.0.saturating_add(late)), Index(to.0.saturating_add(late)));
        let (mut bundle, mut items) = (Vec::new(), 0);
        self.range(from, to, Bodies::Without, &mut |event| {
            let Ok(length) = u16::try_from(event.entry.len()) else { return ControlFlow::Break(()) };
            bundle.extend_from_slice(&length.to_be_bytes());
            bundle.extend_from_slice(&event.entry);
            items += 1;
            ControlFlow::Continue(())
        })?;
        match items == span.width.items() {
            true => Ok(bundle),
            false => Err(ReadError::Corrupt(format!("item {items} of entry bundle {span} is missing or too long"))),
        }
    }

    /// The newest signed size, if it implies what the path names.
    fn check_signed(&self, path: TilePath) -> Result<TreeSize, ReadError> {
        let size = self.signed_checkpoint()?.size;
        if path.is_within(size) { Ok(size) } else { Err(ReadError::OutsideTree { size }) }
    }
}
