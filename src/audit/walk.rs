//! The walk over all entries: each is replayed, looked up through its rows, and its body opened; tiles, postings and
//! checkpoints are derived beside it and compared as soon as they are complete.

use crate::audit::erased::{self, Unfinished};
use crate::audit::report::{AuditError, Report};
use crate::audit::{LEDGER, Progress, derived};
use crate::merkle::{Edge, FullTile, Prover, TileSource};
use crate::record::body::BodyKey;
use crate::store::keys;
use crate::store::{Direction, Store, StoreError};
use deedbook_verify::cosign::has_form;
use deedbook_verify::entry::Entry;
use deedbook_verify::kind::Kind;
use deedbook_verify::note::{Note, VerifierKey, open_checkpoint};
use deedbook_verify::replay::Replay;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Hash, Index, TreeSize};
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// Entries between two calls of the progress callback.
const PROGRESS_ENTRIES: u64 = 4_096;

pub(super) struct Walk<'s> {
    store: &'s dyn Store,
    key: &'s VerifierKey,
    expected: TreeHead,
    replay: Replay,
    edge: Edge,
    postings: derived::PostingBlock,
}

impl<'s> Walk<'s> {
    pub fn new(store: &'s dyn Store, key: &'s VerifierKey, expected: TreeHead) -> Walk<'s> {
        let postings = derived::PostingBlock::default();
        Walk { store, key, expected, replay: Replay::new(), edge: Edge::new(), postings }
    }

    pub fn head(&self) -> TreeHead {
        self.replay.head()
    }

    pub fn replay(&self) -> &Replay {
        &self.replay
    }

    /// Judges every entry in order; ends at the first that replay refuses, since nothing behind it can be judged.
    pub fn entries(&mut self, report: &mut Report, progress: &Progress<'_>) -> Result<(), AuditError> {
        let mut checkpoints = self.stored_checkpoints(report)?;
        let range = keys::between(keys::entry(LEDGER, Index(0)), keys::entry(LEDGER, Index(u64::MAX)));
        let store = self.store;
        let mut unfinished = Unfinished::read(store)?;
        let mut failure = None;
        store.scan(&range, Direction::Forward, &mut |key, bytes| {
            match self.entry(keys::trailing_u64(key), bytes, &mut unfinished, report) {
                Ok(true) => {}
                Ok(false) => return ControlFlow::Break(()),
                Err(error) => {
                    failure = Some(error);
                    return ControlFlow::Break(());
                }
            }
            self.compare_checkpoint(&mut checkpoints, report);
            if report.entries.is_multiple_of(PROGRESS_ENTRIES) {
                progress(report.entries, self.expected.size.0);
            }
            ControlFlow::Continue(())
        })?;
        if let Some(error) = failure {
            return Err(error);
        }
        if let Err(refusal) = self.replay.finish() {
            report.find(None, "end of the log", refusal.to_string());
        }
        if let Some(surplus) = checkpoints.front() {
            report.find(None, "checkpoint", format!("size {} was signed, the log ends before it", surplus.size));
        }
        self.postings.compare(store, report)?;
        unfinished.finish(store, &self.replay, report)?;
        progress(report.entries, self.expected.size.0);
        Ok(())
    }

    /// One entry; false when the walk cannot go on.
    fn entry(
        &mut self,
        key: Option<u64>,
        bytes: &[u8],
        unfinished: &mut Unfinished,
        report: &mut Report,
    ) -> Result<bool, AuditError> {
        let index = Index(self.replay.head_size().0);
        if key != Some(index.0) {
            report.find(Some(index), "entry", "it is missing".to_owned());
            return Ok(false);
        }
        let entry = match self.replay.step(bytes) {
            Ok(entry) => entry,
            Err(refusal) => {
                report.find(Some(index), "replay", refusal.to_string());
                return Ok(false);
            }
        };
        if index == Index(0) {
            report.ledger = self.replay.keys().map(|keys| keys.ledger());
            check_head_key(&entry, self.key, report);
        }
        report.entries = report.entries.saturating_add(1);
        derived::check_lookups(self.store, index, &entry, report)?;
        check_body(self.store, index, &entry, report)?;
        if entry.facts.kind == Kind::BodyErased {
            unfinished.check(self.store, &self.replay, index, report)?;
        }
        self.check_last_seen(index, &entry, report)?;
        let mut full = Vec::new();
        self.edge.push(entry.leaf(), &mut full);
        for tile in &full {
            compare_tile(self.store, tile, report)?;
        }
        self.postings.add(self.store, index, &entry, report)?;
        Ok(true)
    }

    /// A last-seen checkpoint must be one that this ledger had before the entry.
    fn check_last_seen(&self, index: Index, entry: &Entry<'_>, report: &mut Report) -> Result<(), AuditError> {
        let Some(seen) = entry.facts.last_seen else { return Ok(()) };
        let tiles = Tiles { store: self.store, edge: &self.edge };
        let head = Prover::new(&tiles, TreeSize(index.0)).head(seen.size);
        if !head.is_ok_and(|head| head == seen) {
            report.find(Some(index), "last seen", "the ledger never had the checkpoint that it names".to_owned());
        }
        Ok(())
    }

    /// Every stored checkpoint, its signature checked, in ascending order of size.
    fn stored_checkpoints(&self, report: &mut Report) -> Result<VecDeque<TreeHead>, AuditError> {
        let mut heads = VecDeque::new();
        self.store.scan(&keys::checkpoints(LEDGER), Direction::Forward, &mut |key, value| {
            let size = keys::trailing_u64(key);
            let note = value.split_first_chunk::<8>().map_or(value, |(_, note)| note);
            match open_checkpoint(note, self.key) {
                Ok(opened) if Some(opened.checkpoint().head.size.0) == size => {
                    check_cosignatures(note, self.key, report);
                    heads.push_back(opened.checkpoint().head);
                }
                Ok(_) => report.find(None, "checkpoint", "it stands under another size than its own".to_owned()),
                Err(refusal) => report.find(None, "checkpoint", refusal.to_string()),
            }
            ControlFlow::Continue(())
        })?;
        Ok(heads)
    }

    fn compare_checkpoint(&self, checkpoints: &mut VecDeque<TreeHead>, report: &mut Report) {
        let size = self.replay.head_size();
        if checkpoints.front().is_none_or(|next| next.size != size) {
            return;
        }
        if let Some(signed) = checkpoints.pop_front() {
            match signed == self.replay.head() {
                true => report.checkpoints = report.checkpoints.saturating_add(1),
                false => report.find(None, "checkpoint", format!("another root was signed for size {size}")),
            }
        }
    }
}

/// What stands beside the ledger's own signature must have the form of cosignatures.
fn check_cosignatures(note: &[u8], key: &VerifierKey, report: &mut Report) {
    let Ok(note) = Note::parse(note) else { return };
    for line in note.signatures.iter().filter(|line| !line.is_by(key)) {
        match has_form(line) {
            true => report.cosignatures = report.cosignatures.saturating_add(1),
            false => report.find(None, "checkpoint", format!("the line of {} is no cosignature", line.name)),
        }
    }
}

fn check_head_key(genesis: &Entry<'_>, key: &VerifierKey, report: &mut Report) {
    let deedbook_verify::detail::Detail::Genesis(genesis) = &genesis.facts.detail else { return };
    if genesis.head_key.bytes != key.key().to_wire() || genesis.origin != key.name() {
        report.find(Some(Index(0)), "verifier key", "genesis names another head key or origin".to_owned());
    }
}

fn check_body(store: &dyn Store, index: Index, entry: &Entry<'_>, report: &mut Report) -> Result<(), AuditError> {
    let Some(commitment) = entry.facts.commitment else { return Ok(()) };
    let Some(key) = store.get(keys::body_key(LEDGER, index).as_slice())? else {
        if !erased::is_said(store, index)? {
            report.find(Some(index), "body", "its key is missing, and nothing erased it".to_owned());
        }
        return Ok(());
    };
    let mut sealed = store.get(keys::body(LEDGER, index, 0).as_slice())?.unwrap_or_default();
    for block in 1..=u16::MAX {
        if sealed.len() % crate::limits::STORE_VALUE_BYTES_MAX != 0 {
            break;
        }
        match store.get(keys::body(LEDGER, index, block).as_slice())? {
            Some(more) => sealed.extend_from_slice(&more),
            None => break,
        }
    }
    let opened = BodyKey::from_stored(&key).and_then(|key| key.open(sealed).ok());
    match opened {
        Some((salt, body)) if commitment.opens(&salt, &body) => {
            report.bodies_opened = report.bodies_opened.saturating_add(1);
        }
        Some(_) | None => report.find(Some(index), "body", "it does not open its commitment".to_owned()),
    }
    Ok(())
}

fn compare_tile(store: &dyn Store, tile: &FullTile, report: &mut Report) -> Result<(), AuditError> {
    let bytes: Vec<u8> = tile.hashes.iter().flat_map(|hash| hash.0).collect();
    if store.get(keys::tile(LEDGER, tile.level, tile.number).as_slice())? != Some(bytes) {
        let message = format!("tile {} of level {} differs from the entries", tile.number, tile.level);
        report.find(None, "tile", message);
    }
    Ok(())
}

/// Tiles as far as the walk has come: the stored full ones were compared already.
struct Tiles<'a> {
    store: &'a dyn Store,
    edge: &'a Edge,
}

impl TileSource for Tiles<'_> {
    type Error = StoreError;

    fn tile(&self, level: u8, number: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        if let Some(partial) = self.edge.partial(level, number) {
            return Ok(Some(partial.to_vec()));
        }
        let bytes = self.store.get(keys::tile(LEDGER, level, number).as_slice())?;
        Ok(bytes.map(|bytes| bytes.chunks_exact(32).filter_map(|chunk| chunk.try_into().ok().map(Hash)).collect()))
    }
}
