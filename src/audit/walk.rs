//! The walk over all entries: each is replayed; tiles are derived beside it and compared as soon as they
//! are complete, the other derived rows are summed, and signatures and commitments handed on to those who judge them.

use crate::audit::actions::{Actions, States};
use crate::audit::checkpoints::Checkpoints;
use crate::audit::derived::PostingBlock;
use crate::audit::erased::Unfinished;
use crate::audit::report::{AuditError, Report};
use crate::audit::scan::{Scanned, ScannedRow};
use crate::audit::signatures::{Part, Signatures};
use crate::audit::sums::{Sums, Table};
use crate::audit::{LEDGER, Progress};
use crate::limits::AUDIT_PART_ENTRIES;
use crate::merkle::{Edge, FullTile, Prover, TileSource};
use crate::store::keys;
use crate::store::{Store, StoreError};
use deedbook_verify::entry::Entry;
use deedbook_verify::hash::RefKey;
use deedbook_verify::note::VerifierKey;
use deedbook_verify::replay::{Replay, ReplayRefusal};
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Hash, Index, TreeSize};
use std::sync::mpsc::{Receiver, SyncSender};

/// Entries between two calls of the progress callback.
const PROGRESS_ENTRIES: u64 = 4_096;

pub(super) struct Walk<'s> {
    store: &'s dyn Store,
    key: &'s VerifierKey,
    expected: TreeHead,
    replay: Replay,
    edge: Edge,
    postings: PostingBlock,
    sums: Sums,
    unfinished: Unfinished,
    actions: Actions<'s>,
    signatures: Signatures,
    part: Part,
    parts: SyncSender<Part>,
}

impl<'s> Walk<'s> {
    /// Sums rows onto `sums`, and hands on through `parts` what others judge. That no id stands twice is shown by the event-id
    /// rows: a key of the store cannot name two entries.
    pub fn new(
        store: &'s dyn Store,
        (key, refs): (&'s VerifierKey, Option<RefKey>),
        expected: TreeHead,
        sums: Sums,
        (signatures, parts): (Signatures, SyncSender<Part>),
    ) -> Result<Walk<'s>, AuditError> {
        Ok(Walk {
            store,
            key,
            expected,
            replay: Replay::without_ids(),
            edge: Edge::new(),
            postings: PostingBlock::default(),
            sums,
            unfinished: Unfinished::read(store)?,
            actions: Actions::new(store, refs, key.name()),
            signatures,
            part: Part::at(Index(0)),
            parts,
        })
    }

    /// Judges every entry in order; ends at the first that replay refuses, since nothing behind it can be judged.
    pub fn run(
        mut self,
        entries: Receiver<Scanned>,
        mut checkpoints: Checkpoints,
        report: &mut Report,
        progress: &Progress<'_>,
    ) -> Result<Walked, AuditError> {
        checkpoints.compare(&self.replay, report);
        let mut whole = true;
        'batches: for batch in entries {
            for row in batch?.rows() {
                if !self.entry(row, report)? {
                    whole = false;
                    break 'batches;
                }
                checkpoints.compare(&self.replay, report);
                if report.entries.is_multiple_of(PROGRESS_ENTRIES) {
                    progress(report.entries, self.expected.size.0);
                }
            }
        }
        if let Err(refusal) = self.replay.finish() {
            report.find(None, "end of the log", refusal.to_string());
        }
        checkpoints.finish(self.replay.head_size(), whole, report);
        self.hand_on_part();
        let Walk { replay, mut sums, unfinished, actions, .. } = self;
        let actions = actions.finish(&mut sums, report)?;
        unfinished.finish(self.store, &replay, report)?;
        sum_heads(&replay, &mut sums);
        progress(report.entries, self.expected.size.0);
        Ok(Walked { replay, actions, sums, whole })
    }

    /// One entry; false when the walk cannot go on.
    fn entry(&mut self, row: &ScannedRow<'_>, report: &mut Report) -> Result<bool, AuditError> {
        let index = Index(self.replay.head_size().0);
        if row.index != Some(index.0) {
            report.find(Some(index), "entry", "it is missing".to_owned());
            return Ok(false);
        }
        let entry = match self.step(row) {
            Ok(entry) => entry,
            Err(refusal) => {
                report.find(Some(index), "replay", refusal.to_string());
                return Ok(false);
            }
        };
        if index == Index(0) {
            report.ledger = self.replay.keys().map(|keys| keys.ledger());
            check_head_key(entry, self.key, report);
            self.actions.check_ref_key(entry, report);
        }
        report.entries = report.entries.saturating_add(1);
        if let Some(authority) = self.replay.authority() {
            report.note_glass(authority.broken_glass());
        }
        report.entry_bytes = report.entry_bytes.saturating_add(entry.bytes.len() as u64);
        self.sum_lookups(index, entry);
        self.postings.add(index, entry, &mut self.sums);
        self.actions.entry((index, entry.bytes), entry, &self.replay, report)?;
        let goes_on = self.hand_on(index, entry);
        if let Some(command) = self.replay.erased_by() {
            self.unfinished.check(self.store, &self.replay, command, report)?;
        }
        self.check_last_seen(index, entry, report)?;
        // Replay has hashed every node; the tiles are some of them.
        let completed = self.replay.leaf().into_iter().chain(self.replay.completed().iter().copied());
        for (hash, level) in completed.zip(0..) {
            if let Some(tile) = self.edge.place(level, hash) {
                compare_tile(self.store, &tile, report)?;
            }
        }
        Ok(goes_on)
    }

    fn step<'r, 'b>(&mut self, row: &'r ScannedRow<'b>) -> Result<&'r Entry<'b>, ReplayRefusal> {
        let entry = row.entry.as_ref().map_err(|malformed| *malformed)?;
        match self.signatures {
            Signatures::AtOnce => self.replay.step_parsed(entry)?,
            Signatures::Beside => self.replay.step_deferring(entry, |checks| self.part.checks.push(checks))?,
        }
        Ok(entry)
    }

    /// The event-id row and the stream row of an entry.
    fn sum_lookups(&mut self, index: Index, entry: &Entry<'_>) {
        let (facts, at) = (&entry.facts, index.0.to_be_bytes());
        self.sums.add(Table::EventIds, keys::event_id(LEDGER, &facts.source, &facts.event_id).as_slice(), &at);
        if let (Some(stream), Some(revision)) = (facts.stream, entry.seal.revision) {
            self.sums.add(Table::Streams, keys::stream(LEDGER, &stream, revision).as_slice(), &at);
        }
    }

    /// False when nobody takes parts any more.
    fn hand_on(&mut self, index: Index, entry: &Entry<'_>) -> bool {
        let chunk = &mut self.part.chunk;
        chunk.stated.extend(entry.facts.commitment.map(|commitment| (index, commitment)));
        chunk.to = Index(index.0.saturating_add(1));
        chunk.to.0.saturating_sub(chunk.from.0) < AUDIT_PART_ENTRIES || self.hand_on_part()
    }

    /// Nobody takes a part only when a signature or the reading of bodies failed, which their own results say.
    fn hand_on_part(&mut self) -> bool {
        let next = Part::at(self.part.chunk.to);
        self.parts.send(std::mem::replace(&mut self.part, next)).is_ok()
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
}

/// What a walk arrived at.
pub(super) struct Walked {
    /// The state behind the last entry.
    pub replay: Replay,
    /// The actions that they are about.
    pub actions: States,
    /// The rows that follow from the entries.
    pub sums: Sums,
    /// Whether it came to the last entry.
    pub whole: bool,
}

/// The heads of streams and sources that replay arrived at.
fn sum_heads(replay: &Replay, sums: &mut Sums) {
    for (stream, revision) in replay.streams() {
        sums.add(Table::StreamHeads, keys::stream_head(LEDGER, stream).as_slice(), &revision.0.to_be_bytes());
    }
    for (source, (epoch, sequence)) in replay.sources() {
        let head = [epoch.0.to_be_bytes().as_slice(), &sequence.0.to_be_bytes()].concat();
        sums.add(Table::SourceHeads, keys::source_head(LEDGER, source).as_slice(), &head);
    }
}

fn check_head_key(genesis: &Entry<'_>, key: &VerifierKey, report: &mut Report) {
    let deedbook_verify::detail::Detail::Genesis(genesis) = &genesis.facts.detail else { return };
    if genesis.head_key.bytes != key.key().to_wire() || genesis.origin != key.name() {
        report.find(Some(Index(0)), "verifier key", "genesis names another head key or origin".to_owned());
    }
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
