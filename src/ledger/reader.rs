//! Reads. After an ack every read sees the entry; what a reader sees never shrinks. Blocking: callers choose the thread.

use crate::ledger::ahead::Ahead;
use crate::ledger::bodies::{self, Beside, Bodies, StoredBody};
use crate::ledger::error::{AppendError, ReadError, StopReason};
use crate::ledger::head::Head;
use crate::ledger::rows::{SourceHead, parse_u64};
use crate::ledger::state::Published;
use crate::ledger::tiles::SignedCheckpoint;
use crate::ledger::upper::UpperTiles;
use crate::ledger::witnessed::Witnessing;
use crate::ledger::writer::Shared;
use crate::merkle::{Prover, ProverError, TileSource};
use crate::policy::PolicySet;
use crate::store::keys::{self, LedgerNumber};
use crate::store::{Direction, StoreError};
use deedbook_verify::authority::KeyHistory;
use deedbook_verify::cosign::Cosignature;
use deedbook_verify::governance::Authority;
use deedbook_verify::hash::RefKey;
use deedbook_verify::note::VerifierKey;
use deedbook_verify::tree::{ConsistencyProof, Frontier, InclusionProof, TreeHead};
use deedbook_verify::words::{EventId, Hash, Index, LedgerId, Ref, Revision, TreeSize};
use std::ops::ControlFlow;
use std::sync::Arc;

/// An event as it stands in the log.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// Its place.
    pub index: Index,
    /// The leaf's bytes.
    pub entry: Vec<u8>,
    /// Its body.
    pub body: StoredBody,
    /// Where its refusal stands, if it is a command that a rule refused.
    pub refused: Option<Index>,
}

/// A handle for reading; clones are cheap.
#[derive(Clone)]
pub struct Reader {
    pub(super) shared: Arc<Shared>,
    pub(super) number: LedgerNumber,
    head: Head,
    upper: UpperTiles,
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>, head: Head, number: LedgerNumber) -> Reader {
        Reader { shared, number, head, upper: UpperTiles::new() }
    }

    /// The ledger's id.
    pub fn ledger_id(&self) -> LedgerId {
        self.keys().ledger()
    }

    /// The ledger's name.
    pub fn origin(&self) -> &str {
        self.head.verifier_key().name()
    }

    /// What auditors are given.
    pub fn verifier_key(&self) -> &VerifierKey {
        self.head.verifier_key()
    }

    /// The published size and root.
    pub fn head(&self) -> TreeHead {
        self.shared.published().head
    }

    /// The keys as of the published size.
    pub fn keys(&self) -> Arc<KeyHistory> {
        Arc::clone(self.shared.published().authority.keys())
    }

    /// Keys, principals, policies and what waits for a second administrator, as of the published size. Cheap to take.
    pub fn authority(&self) -> Authority {
        self.shared.published().authority.clone()
    }

    /// The policy set in force, as of the published size.
    pub fn policy(&self) -> Arc<PolicySet> {
        Arc::clone(&self.shared.published().policy)
    }

    /// The source ref of what the ledger makes.
    pub fn ledger_source(&self) -> Ref {
        self.keys().ledger_source()
    }

    /// The key of all pseudonyms.
    pub fn ref_key(&self) -> &RefKey {
        &self.shared.ref_key
    }

    /// The last epoch and sequence of a source.
    pub fn source_head(&self, source: Ref) -> Result<Option<SourceHead>, ReadError> {
        let row = self.shared.store.get(keys::source_head(self.number, &source).as_slice())?;
        row.map(|bytes| SourceHead::parse(&bytes).map_err(corrupt)).transpose()
    }

    /// Where an event id stands.
    pub fn find(&self, source: Ref, event_id: EventId) -> Result<Option<Index>, ReadError> {
        let row = self.shared.store.get(keys::event_id(self.number, &source, &event_id).as_slice())?;
        let index = row.map(|bytes| parse_u64(&bytes).map_err(corrupt)).transpose()?.map(Index);
        Ok(index.filter(|index| index.0 < self.head().size.0))
    }

    pub(super) fn entry(&self, index: Index) -> Result<Vec<u8>, ReadError> {
        let size = self.head().size;
        if index.0 >= size.0 {
            return Err(ReadError::OutsideTree { size });
        }
        let row = self.shared.store.get(keys::entry(self.number, index).as_slice())?;
        row.ok_or_else(|| ReadError::Corrupt(format!("entry {index} is missing")))
    }

    /// One event.
    pub fn event(&self, index: Index, bodies: Bodies) -> Result<StoredEvent, ReadError> {
        let entry = self.entry(index)?;
        let Beside { body, refused } = self.beside(index, &entry, bodies)?;
        Ok(StoredEvent { index, entry, body, refused })
    }

    pub(super) fn beside(&self, index: Index, entry: &[u8], bodies: Bodies) -> Result<Beside, ReadError> {
        bodies::read(self.shared.store.as_ref(), self.number, (index, entry), bodies, None)
    }

    /// The erasures whose keys may still lie in files of the store, oldest first: at most `count_max` of them.
    pub fn pending_erasures(&self, count_max: usize) -> Result<Vec<Index>, ReadError> {
        crate::ledger::purge::pending(self.shared.store.as_ref(), self.number, count_max).map_err(corrupt)
    }

    /// Visits the events of `[from, to)` in order, up to the published size.
    pub fn range(
        &self,
        from: Index,
        to: Index,
        bodies: Bodies,
        visit: &mut dyn FnMut(StoredEvent) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let to = to.min(Index(self.head().size.0));
        let range = keys::between(keys::entry(self.number, from), keys::entry(self.number, to));
        let (mut next, mut failure, mut enough) = (from, None, false);
        let store = self.shared.store.as_ref();
        let mut ahead = Ahead::new(store, self.number, from, to);
        store.scan(&range, Direction::Forward, &mut |key, entry| {
            if keys::trailing_u64(key) != Some(next.0) {
                failure = Some(ReadError::Corrupt(format!("entry {next} is missing")));
                return ControlFlow::Break(());
            }
            let index = next;
            next = Index(index.0.saturating_add(1));
            match bodies::read(store, self.number, (index, entry), bodies, Some(&mut ahead)) {
                Ok(Beside { body, refused }) => {
                    let flow = visit(StoredEvent { index, entry: entry.to_vec(), body, refused });
                    enough = flow.is_break();
                    flow
                }
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        if failure.is_none() && !enough && next < to {
            failure = Some(ReadError::Corrupt(format!("entry {next} is missing")));
        }
        failure.map_or(Ok(()), Err)
    }

    /// The newest signed checkpoint; signs at once if the head has moved. Its row is a write like any other: if it
    /// fails, the ledger stops, and nothing is tried again.
    pub fn checkpoint(&self) -> Result<Vec<u8>, ReadError> {
        if let Some(StopReason::Failed(reason)) = self.shared.stopped() {
            return Err(ReadError::NoCheckpoint(reason));
        }
        let head = self.head();
        let now = self.shared.clock.wall();
        let signed = self.head.checkpoint(head, now, self.shared.store.as_ref(), self.number);
        signed.inspect_err(|error| self.shared.fail(error.to_string()))
    }

    /// What is known of the witnesses, if there is a policy.
    pub(super) fn witnessing(&self) -> Option<&Witnessing> {
        self.head.witnessing()
    }

    /// Stores a cosignature; a row like any other, and as final when it fails.
    pub(super) fn store_cosignature(&self, cosignature: &Cosignature) -> Result<Option<Vec<u8>>, ReadError> {
        if let Some(reason) = self.shared.stopped() {
            return Err(ReadError::NoCheckpoint(format!("{reason:?}")));
        }
        let added = self.head.add_cosignature(cosignature, self.shared.store.as_ref(), self.number);
        added.inspect_err(|error| self.shared.fail(error.to_string()))
    }

    fn prove<T>(
        &self,
        size: TreeSize,
        ask: impl FnOnce(&mut Prover<'_, Tiles<'_>>) -> Result<T, ProverError<StoreError>>,
    ) -> Result<T, ReadError> {
        let published = self.shared.published();
        if size > published.head.size {
            return Err(ReadError::OutsideTree { size: published.head.size });
        }
        let tiles = self.tiles(&published);
        ask(&mut Prover::new(&tiles, size)).map_err(|error| match error {
            ProverError::OutsideTree(size) => ReadError::OutsideTree { size },
            ProverError::TileMissing { .. } => ReadError::Corrupt(error.to_string()),
            ProverError::Source(error) => ReadError::Storage(error),
        })
    }

    /// The tiles of a published state.
    pub(super) fn tiles<'a>(&'a self, published: &'a Published) -> Tiles<'a> {
        Tiles { shared: &self.shared, published, number: self.number, upper: &self.upper }
    }

    /// The newest checkpoint that was signed, if any was.
    pub(super) fn newest_signed(&self) -> Option<SignedCheckpoint> {
        self.head.newest()
    }

    /// The stored checkpoint of a size.
    pub(super) fn checkpoint_row(&self, size: TreeSize) -> Result<Option<Vec<u8>>, ReadError> {
        self.head.stored(size, self.shared.store.as_ref(), self.number)
    }

    /// Proves an entry in the tree of a size.
    pub fn inclusion(&self, index: Index, size: TreeSize) -> Result<InclusionProof, ReadError> {
        self.prove(size, |prover| prover.inclusion(index))
    }

    /// Proves several entries together, ascending by index.
    pub(super) fn inclusions(&self, indexes: &[Index], size: TreeSize) -> Result<Vec<Hash>, ReadError> {
        self.prove(size, |prover| prover.inclusions(indexes))
    }

    /// Where a revision of a stream stands.
    pub(super) fn in_stream(&self, stream: &Ref, revision: Revision) -> Result<Option<Index>, ReadError> {
        let row = self.shared.store.get(keys::stream(self.number, stream, revision).as_slice())?;
        let index = row.map(|bytes| parse_u64(&bytes).map_err(corrupt)).transpose()?.map(Index);
        Ok(index.filter(|index| index.0 < self.head().size.0))
    }

    /// Proves that the tree of the second size extends the first.
    pub fn consistency(&self, old: TreeSize, new: TreeSize) -> Result<ConsistencyProof, ReadError> {
        self.prove(new, |prover| prover.consistency(old))
    }

    /// The frontier at a size; with every entry behind it and a later head, an interval proof.
    pub fn frontier(&self, size: TreeSize) -> Result<Frontier, ReadError> {
        self.prove(size, |prover| prover.frontier(size))
    }

    /// Size and root of an earlier tree.
    pub fn head_at(&self, size: TreeSize) -> Result<TreeHead, ReadError> {
        self.prove(size, |prover| prover.head(size))
    }

    /// Whether this ledger ever had this head; a published checkpoint that it never had is an alarm.
    pub(super) fn had_head(&self, seen: &TreeHead) -> Result<bool, AppendError> {
        match self.head_at(seen.size) {
            Ok(head) if head == *seen => Ok(true),
            Ok(_) | Err(ReadError::OutsideTree { .. }) => {
                tracing::error!(size = seen.size.0, root = %seen.root, "a producer saw a checkpoint that is not ours");
                metrics::counter!("deedbook_last_seen_mismatches_total").increment(1);
                Ok(false)
            }
            Err(
                ReadError::NotFound { .. }
                | ReadError::Corrupt(_)
                | ReadError::Storage(_)
                | ReadError::NoCheckpoint(_)
                | ReadError::CheckpointNotKept { .. }
                | ReadError::NoWitnessPolicy
                | ReadError::NotWitnessed { .. },
            ) => Err(AppendError::StorageFailed),
        }
    }
}

fn corrupt(error: impl std::fmt::Display) -> ReadError {
    ReadError::Corrupt(error.to_string())
}

/// Tiles of a published state: partial ones from its edge, full ones from memory or the store.
pub(super) struct Tiles<'a> {
    shared: &'a Shared,
    published: &'a Published,
    number: LedgerNumber,
    upper: &'a UpperTiles,
}

impl TileSource for Tiles<'_> {
    type Error = StoreError;

    fn tile(&self, level: u8, number: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        if let Some(partial) = self.published.edge.partial(level, number) {
            return Ok(Some(partial.to_vec()));
        }
        self.upper.get((level, number), || {
            let bytes = self.shared.store.get(keys::tile(self.number, level, number).as_slice())?;
            Ok(bytes.map(|bytes| bytes.chunks_exact(32).filter_map(|chunk| chunk.try_into().ok().map(Hash)).collect()))
        })
    }
}
