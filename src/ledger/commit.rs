//! One commit: the rows of all frames that are placed while the commit before it syncs. Everything that follows from
//! the entries (tiles, postings, heads, the commit chain) is in the same batch, so none of it can be behind.

use crate::ledger::admit::{CheckedEvent, CheckedFrame};
use crate::ledger::rows::{CommitRow, HeadRow, SourceHead, commit_chain};
use crate::ledger::state::{Published, State, StateError};
use crate::limits;
use crate::merkle::FullTile;
use crate::plant::Bug;
use crate::record::seal::{CheckedFacts, SealFields, write_entry};
use crate::store::keys;
use crate::store::{AnchorRecord, Batch, Store};
use deedbook_verify::hash;
use deedbook_verify::words::{Hash, Index, Ref, Revision, SubjectId, TreeSize};
use foldhash::HashMap;

/// A commit in the making. Owned by the writer thread.
#[derive(Default)]
pub(super) struct Commit {
    batch: Batch,
    events: usize,
    erased: usize,
    tiles: Vec<FullTile>,
    streams: HashMap<Ref, Revision>,
    sources: HashMap<Ref, SourceHead>,
    actions: Vec<SubjectId>,
}

/// What became of the commits before one that is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// All of them are durable.
    Durable,
    /// The last one syncs.
    Syncing,
}

/// A frame that was judged, and is written now.
pub(super) struct Placing<'p> {
    pub frame: &'p CheckedFrame,
    /// The revision that each event gets in its stream.
    pub revisions: &'p [Option<Revision>],
    /// Whether it is a command behind which its refusal is written.
    pub refused: bool,
}

/// A commit that is ready to be made durable.
pub(super) struct FinishedCommit {
    pub batch: Batch,
    pub events: usize,
    /// Whether keys of bodies are to leave the store's files.
    pub erases: bool,
    /// Actions that changed; who waits for them is told.
    pub actions: Vec<SubjectId>,
    pub published: Published,
    pub anchor_from: AnchorRecord,
    pub anchor_to: AnchorRecord,
}

impl Commit {
    /// An empty commit in an empty batch.
    pub fn within(batch: Batch) -> Commit {
        Commit { batch, ..Commit::default() }
    }

    /// Whether nothing was placed.
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// Whether another frame may be placed; a frame is never split, so the bounds are passed by one frame at most.
    pub fn has_room(&self) -> bool {
        self.events.saturating_add(self.erased) < limits::COMMIT_EVENTS_MAX
            && self.batch.bytes() < limits::COMMIT_BYTES_MAX
    }

    /// Writes the source's head with this commit.
    pub fn touch_source(&mut self, source: Ref, head: SourceHead) {
        self.sources.insert(source, head);
    }

    /// Puts a row that follows from the entries of this commit.
    pub fn put_row(&mut self, key: keys::Key, value: &[u8]) {
        self.batch.put(key.as_slice(), value);
    }

    /// Deletes a row that does not follow from the entries any more.
    pub fn delete_row(&mut self, key: keys::Key) {
        self.batch.delete(key.as_slice());
    }

    /// An action changed.
    pub fn touch_action(&mut self, id: SubjectId) {
        self.actions.push(id);
    }

    /// Writes all rows of a frame but those of the graph, and grows the tree; returns the leaf hashes.
    pub fn write_frame(&mut self, state: &mut State, placing: Placing<'_>) -> Vec<Hash> {
        let Placing { frame, revisions, refused } = placing;
        let n = u16::try_from(frame.events.len()).unwrap_or(u16::MAX);
        let mut leaves = Vec::with_capacity(frame.events.len());
        for ((event, revision), offset) in frame.events.iter().zip(revisions).zip(0u16..) {
            let seal = SealFields {
                received: state.received,
                revision: *revision,
                frame_digest: frame.digest,
                offset,
                n,
                frame: (&frame.header, &frame.signatures),
            };
            let index = state.next_index();
            let leaf = self.write_entry(state, (index, event, refused), &seal);
            self.write_body(state, index, event);
            self.write_lookups(state, index, frame.source, event, *revision);
            state.tree.push(leaf);
            state.edge.push(leaf, &mut self.tiles);
            leaves.push(leaf);
        }
        self.events = self.events.saturating_add(frame.events.len());
        leaves
    }

    /// Deletes the keys of bodies, notes which erasure did it, and that their files hold them still. All of it is in the
    /// batch of the command: there is no erasure without its command, and none that is forgotten.
    pub fn erase(&mut self, state: &mut State, command: Index, bodies: &[Index]) {
        for index in bodies {
            // The key may have been put by this very batch: changes apply in their order.
            if !Bug::ErasedKeyKept.planted() {
                self.batch.delete(keys::body_key(state.number, *index).as_slice());
            }
            self.batch.put(keys::erased(state.number, *index).as_slice(), &command.0.to_be_bytes());
            state.bodies.erase(*index);
            state.erased.insert(*index, ());
            state.erasures = state.erasures.saturating_add(1);
        }
        if !bodies.is_empty() {
            self.batch.put(keys::pending(state.number, command).as_slice(), &[]);
        }
        self.erased = self.erased.saturating_add(bodies.len());
    }

    fn write_entry(
        &mut self,
        state: &mut State,
        (index, event, refused): (Index, &CheckedEvent, bool),
        seal: &SealFields<'_>,
    ) -> Hash {
        let key = keys::entry(state.number, index);
        let entry = self.batch.put_with(key.as_slice(), |out| {
            if let Some(facts) = CheckedFacts::admitted(&event.facts) {
                write_entry(out, facts, seal);
            }
        });
        debug_assert!(entry.len() <= limits::ENTRY_BYTES_MAX, "admission bounds facts and blocks");
        state.lineage.push(index, entry, refused);
        hash::leaf(entry)
    }

    fn write_body(&mut self, state: &State, index: Index, event: &CheckedEvent) {
        let Some(body) = &event.body else { return };
        for (block, number) in body.bytes.chunks(limits::STORE_VALUE_BYTES_MAX).zip(0u16..) {
            self.batch.put(keys::body(state.number, index, number).as_slice(), block);
        }
        self.batch.put(keys::body_key(state.number, index).as_slice(), body.key.as_bytes());
    }

    fn write_lookups(
        &mut self,
        state: &mut State,
        index: Index,
        source: Ref,
        event: &CheckedEvent,
        revision: Option<Revision>,
    ) {
        let at = index.0.to_be_bytes();
        state.event_ids.insert((source, event.event_id), index);
        if !Bug::EventIdRowDropped.planted() {
            self.batch.scatter(keys::event_id(state.number, &source, &event.event_id).as_slice(), &at);
        }
        if let (Some(stream), Some(revision)) = (event.stream, revision) {
            self.batch.scatter(keys::stream(state.number, &stream, revision).as_slice(), &at);
            self.streams.insert(stream, revision);
            state.stream_heads.insert(stream, revision);
        }
        state.postings.add(index, &event.postings, state.number, &mut self.batch);
    }

    /// Closes the batch with everything that follows from its entries. After an error nothing is to be built any more.
    pub fn finish(
        mut self,
        state: &mut State,
        store: &dyn Store,
        before: Before,
    ) -> Result<FinishedCommit, StateError> {
        let number = state.number;
        for (stream, revision) in &self.streams {
            self.batch.scatter(keys::stream_head(number, stream).as_slice(), &revision.0.to_be_bytes());
        }
        for (source, head) in &self.sources {
            self.batch.put(keys::source_head(number, source).as_slice(), &head.to_bytes());
        }
        for tile in self.tiles.iter().filter(|_| !Bug::TileDropped.planted()) {
            let bytes: Vec<u8> = tile.hashes.iter().flat_map(|hash| hash.0).collect();
            self.batch.put(keys::tile(number, tile.level, tile.number).as_slice(), &bytes);
        }
        state.lineage.close(store, &mut self.batch, before)?;
        let published = state.published();
        let anchor_from = state.anchor;
        let commit = anchor_from.commit.saturating_add(1);
        let touched = vec![(state.id, published.head)];
        let chain = commit_chain(&anchor_from.chain, commit, &touched);
        let head = HeadRow { head: published.head, received: state.received, commit };
        self.batch.put(keys::head(number).as_slice(), &head.to_bytes());
        self.batch.put(keys::commit(commit).as_slice(), &CommitRow { chain, touched }.to_bytes());
        if let Some(old) = commit.checked_sub(limits::COMMIT_ROWS_KEPT) {
            self.batch.delete(keys::commit(old).as_slice());
        }
        let anchor_to = AnchorRecord { commit, size: TreeSize(published.head.size.0), chain };
        state.anchor = anchor_to;
        self.batch.sort_scattered();
        let (events, erases) = (self.events, self.erased > 0);
        let (batch, actions) = (self.batch, self.actions);
        Ok(FinishedCommit { batch, events, erases, actions, published, anchor_from, anchor_to })
    }
}

impl Commit {
    /// The rows that only the first commit of a store writes.
    pub fn put_founding_rows(&mut self, ledger: deedbook_verify::words::LedgerId, format: u8, import_id_key: [u8; 32]) {
        let number = crate::ledger::genesis::FIRST_LEDGER;
        self.batch.put(keys::format().as_slice(), &[format]);
        self.batch.put(keys::ledger(&ledger).as_slice(), &number.0.to_be_bytes());
        self.batch.put(keys::import_id_key(number).as_slice(), &import_id_key);
    }
}
