//! What the writer knows: the fold of everything that it built, durable or not. Owned by the writer thread alone.

use crate::approvals::People;
use crate::ledger::approval::ActionStates;
use crate::ledger::erasure::NewestBodies;
use crate::ledger::error::{AppendError, ReadError};
use crate::ledger::graph::{FoldBeside, Growing, Tail};
use crate::ledger::policies::PolicyBook;
use crate::ledger::postings::CurrentBlock;
use crate::ledger::recent::Recent;
use crate::ledger::rows::{SourceHead, parse_u64};
use crate::ledger::sequencer::Sequencer;
use crate::ledger::work::Work;
use crate::limits;
use crate::merkle::Edge;
use crate::plant::Bug;
use crate::policy::PolicySet;
use crate::store::keys::{self, LedgerNumber};
use crate::store::{AnchorRecord, Store, StoreError};
use bytes::Bytes;
use deedbook_verify::bytes::Malformed;
use deedbook_verify::detail::RefusalReason;
use deedbook_verify::governance::{Authority, Consequence};
use deedbook_verify::tree::{Frontier, TreeHead};
use deedbook_verify::words::{EventId, Hash, Index, LedgerId, Micros, Ref, Revision};
use foldhash::{HashMap, HashMapExt};
use std::sync::Arc;

/// Keys of a generation of `Recent`: more than can be built and not yet durable. At most three commits are in flight
/// (one built, one handed over, one syncing), each with its last frame whole and a refusal for each command. An erased
/// body counts as an event.
pub(super) const GENERATION: usize = limits::HEAD_CACHE_ENTRIES_MAX / 2;
const _: () = assert!(GENERATION > 3 * 2 * (limits::COMMIT_EVENTS_MAX + limits::FRAME_EVENTS_MAX as usize));

/// What readers see: replaced as a whole after each commit is durable.
#[derive(Clone, Debug)]
pub(super) struct Published {
    pub head: TreeHead,
    pub edge: Edge,
    pub authority: Authority,
    /// The policy set by which actions are judged.
    pub policy: Arc<PolicySet>,
    /// The principals as the folds read them.
    pub people: Arc<People>,
    /// How many bodies were erased since opening.
    pub erasures: u64,
    /// What the entries behind the last full block added to the lineage graph.
    pub lineage: Tail,
}

/// What became of a frame, kept so that a repeat gets the first answer.
#[derive(Clone, Debug)]
pub(super) struct FrameMemo {
    pub header: Bytes,
    pub leaves: Vec<Hash>,
    pub refusal: Option<RefusalReason>,
}

/// What the store said of one event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    /// Where its id stands.
    pub index: Option<Index>,
    /// The last revision of its stream, 0 for a new one; none if it has no stream, or one that was remembered.
    pub head: Option<Revision>,
}

/// The writer's fold.
pub(super) struct State {
    pub number: LedgerNumber,
    pub id: LedgerId,
    pub tree: Frontier,
    pub edge: Edge,
    pub received: Micros,
    pub authority: Authority,
    pub policies: PolicyBook,
    pub anchor: AnchorRecord,
    pub postings: CurrentBlock,
    pub sequencer: Sequencer,
    pub event_ids: Recent<(Ref, EventId), Index>,
    pub frames: Recent<Index, FrameMemo>,
    pub stream_heads: Recent<Ref, Revision>,
    pub source_heads: Recent<Ref, SourceHead>,
    pub bodies: NewestBodies,
    pub erased: Recent<Index, ()>,
    /// The principals as the folds read them; made anew with every change of theirs.
    pub people: Arc<People>,
    pub actions: ActionStates,
    /// How many bodies were erased since opening.
    pub erasures: u64,
    pub lineage: FoldBeside,
}

/// What opening found out.
pub(super) struct Recovered {
    pub number: LedgerNumber,
    pub id: LedgerId,
    pub tree: Frontier,
    pub edge: Edge,
    pub received: Micros,
    pub authority: Authority,
    pub policies: PolicyBook,
    pub anchor: AnchorRecord,
    pub postings: CurrentBlock,
    pub actions: ActionStates,
    pub lineage: Growing,
}

impl State {
    pub fn new(recovered: Recovered, sequencer: Sequencer) -> State {
        State {
            number: recovered.number,
            id: recovered.id,
            bodies: NewestBodies::new(Index(recovered.tree.size().0), GENERATION),
            erased: Recent::new(GENERATION),
            actions: recovered.actions,
            erasures: 0,
            lineage: FoldBeside::new(recovered.lineage, recovered.number),
            tree: recovered.tree,
            edge: recovered.edge,
            received: recovered.received,
            people: Arc::new(People::of(recovered.authority.principals())),
            authority: recovered.authority,
            policies: recovered.policies,
            anchor: recovered.anchor,
            postings: recovered.postings,
            sequencer,
            event_ids: Recent::new(GENERATION),
            frames: Recent::new(GENERATION),
            stream_heads: Recent::new(GENERATION),
            source_heads: Recent::new(GENERATION),
        }
    }

    /// The index that the next entry gets.
    pub fn next_index(&self) -> Index {
        Index(self.tree.size().0)
    }

    /// What readers will see once everything built so far is durable.
    pub fn published(&self) -> Published {
        Published {
            head: self.tree.head(),
            edge: self.edge.clone(),
            authority: self.authority.clone(),
            policy: Arc::clone(self.policies.in_force()),
            people: Arc::clone(&self.people),
            erasures: self.erasures,
            lineage: self.lineage.tail(),
        }
    }

    /// Asks the store about all events of some frames together. The answers hold for frames that are placed next:
    /// what was built meanwhile is remembered here, and asked first.
    pub fn look_up(&self, store: &dyn Store, works: &[&Work]) -> Result<Vec<Vec<Stored>>, StateError> {
        let mut keys = Vec::new();
        for work in works {
            let source = work.source();
            keys.extend(work.names().map(|(id, _)| keys::event_id(self.number, &source, &id)));
        }
        let ids = keys.len();
        // Each stream is asked for once, however many events it has here.
        let mut asked: HashMap<Ref, usize> = HashMap::new();
        for stream in works.iter().flat_map(|work| work.names()).filter_map(|(_, stream)| self.unknown(stream)) {
            asked.entry(stream).or_insert_with(|| {
                keys.push(keys::stream_head(self.number, &stream));
                keys.len().saturating_sub(1)
            });
        }
        let rows = match store.get_many(&keys) {
            Err(_) if Bug::FailedReadIsAbsence.planted() => vec![None; keys.len()],
            rows => rows?,
        };
        let number = |row: &Option<Vec<u8>>| row.as_deref().map(parse_u64).transpose();
        let (mut indexes, mut found) = (rows.iter().take(ids), Vec::with_capacity(works.len()));
        for work in works {
            let mut events = Vec::with_capacity(work.count());
            for ((_, stream), row) in work.names().zip(indexes.by_ref()) {
                let head = match stream.and_then(|stream| asked.get(&stream)) {
                    Some(at) => Some(Revision(rows.get(*at).map(number).transpose()?.flatten().unwrap_or(0))),
                    None => None,
                };
                events.push(Stored { index: number(row)?.map(Index), head });
            }
            found.push(events);
        }
        Ok(found)
    }

    /// An event's stream, unless its last revision is remembered.
    fn unknown(&self, stream: Option<Ref>) -> Option<Ref> {
        stream.filter(|stream| self.stream_heads.get(stream).is_none())
    }

    /// Where an event id stands, built or stored.
    pub fn find(&self, source: Ref, id: EventId, stored: &Stored) -> Option<Index> {
        self.event_ids.get(&(source, id)).copied().or(stored.index)
    }

    /// Takes a decision about authority in; the folds read the principals as it leaves them.
    pub fn govern(&mut self, consequence: Consequence, at: Index, received: Micros) {
        let before = self.authority.principals().revision();
        self.authority.apply(consequence, at, received);
        if self.authority.principals().revision() != before {
            self.people = Arc::new(People::of(self.authority.principals()));
        }
    }

    /// The last revision of a stream, remembered or stored; 0 for a new one.
    pub fn stream_revision(&self, store: &dyn Store, stream: Ref) -> Result<Revision, StateError> {
        self.stream_head(store, stream, &Stored { index: None, head: None })
    }

    /// The last revision of a stream, 0 for a new one.
    pub fn stream_head(&self, store: &dyn Store, stream: Ref, stored: &Stored) -> Result<Revision, StateError> {
        if let Some(revision) = self.stream_heads.get(&stream).copied().or(stored.head) {
            return Ok(revision);
        }
        let stored = store.get(keys::stream_head(self.number, &stream).as_slice())?;
        Ok(Revision(stored.map(|bytes| parse_u64(&bytes)).transpose()?.unwrap_or(0)))
    }

    /// The last epoch and sequence of a source, if it ever numbered anything.
    pub fn source_head(&mut self, store: &dyn Store, source: Ref) -> Result<Option<SourceHead>, StateError> {
        if let Some(head) = self.source_heads.get(&source) {
            return Ok(Some(*head));
        }
        let stored = store.get(keys::source_head(self.number, &source).as_slice())?;
        Ok(stored.map(|bytes| SourceHead::parse(&bytes)).transpose()?)
    }
}

/// Why the writer could not decide: the store is not usable any more, and the process must stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StateError {
    Store(StoreError),
    Malformed(Malformed),
    Read(ReadError),
}

impl From<StoreError> for StateError {
    fn from(error: StoreError) -> StateError {
        StateError::Store(error)
    }
}

impl From<Malformed> for StateError {
    fn from(error: Malformed) -> StateError {
        StateError::Malformed(error)
    }
}

impl From<ReadError> for StateError {
    fn from(error: ReadError) -> StateError {
        StateError::Read(error)
    }
}

impl std::fmt::Display for StateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StateError::Store(error) => write!(f, "{error}"),
            StateError::Malformed(error) => write!(f, "{error}"),
            StateError::Read(error) => write!(f, "{error}"),
        }
    }
}

/// Why a frame was not placed: refused, or the writer must stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PlaceError {
    Refused(AppendError),
    Fatal(StateError),
}

impl From<AppendError> for PlaceError {
    fn from(error: AppendError) -> PlaceError {
        PlaceError::Refused(error)
    }
}

impl From<StateError> for PlaceError {
    fn from(error: StateError) -> PlaceError {
        PlaceError::Fatal(error)
    }
}
