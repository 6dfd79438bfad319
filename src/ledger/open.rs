//! Opening: what was recovered is checked against the anchor before anything is signed or answered. The fold is
//! derived from stored rows; what does not add up refuses to open and says what to do.

use crate::clock::Clock;
use crate::domain::ledger_source;
use crate::ledger::approval::ActionStates;
use crate::ledger::authority::{fold_authority, governs, hear};
use crate::ledger::commit::{Before, Commit};
use crate::ledger::dir::DataDir;
use crate::ledger::genesis::FIRST_LEDGER;
use crate::ledger::head::{Head, HeadKey};
use crate::ledger::place::place_own;
use crate::ledger::policies::PolicyBook;
use crate::ledger::postings::{CurrentBlock, posting_set, rows_end};
use crate::ledger::refusal::OpenError;
use crate::ledger::rows::{CommitRow, HeadRow, SourceHead};
use crate::ledger::sequencer::{Sequencer, SequencerKey};
use crate::ledger::state::{GENERATION, PlaceError, Recovered, State, StateError};
use crate::ledger::witnessed::{RecoveredLog, WitnessCheck, check_recollections};
use crate::ledger::writer::Ledger;
use crate::limits;
use crate::merkle::{Edge, TILE_HASHES, root_of_full};
use crate::plant::Bug;
use crate::record::{SigningKey, entropy, load_public, load_ref_key};
use crate::store::keys::{self, STORE_FORMAT};
use crate::store::{
    Access, AnchorError, AnchorRecord, AnchorSet, Batch, Direction, FileAnchor, HeadAnchor, Loaded, RocksStore, Store,
};
use deedbook_verify::detail::Detail;
use deedbook_verify::entry::Entry;
use deedbook_verify::governance::Authority;
use deedbook_verify::hash::{self, RefKey};
use deedbook_verify::tree::Frontier;
use deedbook_verify::words::{EventId, Hash, Index, LedgerId, Micros, Ref, Sequence};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How to open.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Open although the wall clock stands behind the log.
    pub accept_clock: bool,
    /// Further anchors, on other volumes.
    pub anchors: Vec<PathBuf>,
    /// The clock.
    pub clock: Clock,
    /// Witnesses to ask what they saw of this ledger.
    pub witnesses: Option<WitnessCheck>,
}

/// The parts that an open ledger is made of; tests put other backends in.
pub struct Parts {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The anchors.
    pub anchors: AnchorSet,
    /// The clock.
    pub clock: Clock,
    /// Signs checkpoints.
    pub head: HeadKey,
    /// Signs what the ledger makes.
    pub sequencer: SequencerKey,
    /// Makes refs.
    pub ref_key: RefKey,
    /// Open although the wall clock stands behind the log.
    pub accept_clock: bool,
}

impl Ledger {
    /// Opens a data folder.
    pub fn open(dir: &DataDir, options: OpenOptions) -> Result<Ledger, OpenError> {
        RocksStore::find(&dir.store())?;
        load_public(&dir.verifier_key())?;
        // The anchors are locked first: opening the engine already writes, and its own lock file can be deleted.
        let first = FileAnchor::open(&dir.anchor_file())?;
        let mut others: Vec<Box<dyn HeadAnchor>> = Vec::new();
        for path in &options.anchors {
            others.push(Box::new(open_second(path)?));
        }
        let store = RocksStore::open(&dir.store(), Access::ReadWrite)?;
        let parts = Parts {
            store: Arc::new(store),
            anchors: AnchorSet::new(Box::new(first), others),
            clock: options.clock,
            head: HeadKey::new(SigningKey::load(&dir.head_key())?),
            sequencer: SequencerKey::new(SigningKey::load(&dir.sequencer_key())?),
            ref_key: load_ref_key(&dir.ref_key())?,
            accept_clock: options.accept_clock,
        };
        Ledger::from_checked_parts(parts, options.witnesses.as_ref())
    }

    /// Opens a ledger over given parts.
    pub fn from_parts(parts: Parts) -> Result<Ledger, OpenError> {
        Ledger::from_checked_parts(parts, None)
    }

    fn from_checked_parts(parts: Parts, witnesses: Option<&WitnessCheck>) -> Result<Ledger, OpenError> {
        let store = parts.store.as_ref();
        let (head, commit) = stored_head(store)?;
        check_anchors(store, &parts.anchors, &head, &commit)?;
        // Re-persist what may have lived in the page cache alone, then move the anchor; only now may we sign or answer.
        store.flush()?;
        let anchor = AnchorRecord { commit: head.commit, size: head.head.size, chain: commit.chain };
        parts.anchors.advance(&anchor, &anchor)?;
        let source = ledger_source(&parts.ref_key).map_err(|error| OpenError::Damaged(error.to_string()))?;
        let recovered = recover(store, source, &parts, &head, anchor)?;
        crate::ledger::purge::finish_all(store, FIRST_LEDGER).map_err(not_finished)?;
        let last = store.get(keys::source_head(FIRST_LEDGER, &source).as_slice())?;
        let last = last.ok_or(OpenError::Damaged("the ledger's own source head is missing".to_owned()))?;
        let last = SourceHead::parse(&last).map_err(|error| OpenError::Damaged(error.to_string()))?;
        let sequencer = Sequencer::new(parts.sequencer, recovered.id, source, Sequence(last.sequence.0));
        let mut state = State::new(recovered, sequencer);
        // Before anything is appended or signed: what a witness saw may not be contradicted.
        let log = RecoveredLog { store, number: FIRST_LEDGER, edge: &state.edge, size: state.tree.size() };
        let witnessing = witnesses.map(|check| check_recollections(&log, check)).transpose()?;
        check_clock(&mut state, store, &parts.anchors, &parts.clock, parts.accept_clock)?;
        let mut head = Head::load(parts.head, store, FIRST_LEDGER)?;
        if let Some(witnessing) = witnessing {
            head = head.witnessed_by(witnessing, store, FIRST_LEDGER)?;
        }
        if head.last_size().is_some_and(|size| size > state.tree.size()) {
            return Err(OpenError::Damaged("a checkpoint beyond the log was signed".to_owned()));
        }
        let id_key = required(store, keys::import_id_key(FIRST_LEDGER), "the id key of imports")?;
        let id_key = id_key.try_into().map_err(|_| damaged("the id key of imports has another length than 32"))?;
        let secrets = (parts.ref_key, id_key);
        Ledger::start(state, parts.store, parts.anchors, parts.clock, head, secrets).map_err(OpenError::Thread)
    }
}

/// A further anchor; one that is not there may stand on a volume that is not mounted, and is never made here.
fn open_second(path: &Path) -> Result<FileAnchor, OpenError> {
    FileAnchor::open(path).map_err(|error| {
        let missing = matches!(error, AnchorError::Missing(_));
        if missing { OpenError::SecondAnchorMissing(path.to_owned()) } else { OpenError::Anchor(error) }
    })
}

pub(super) fn damaged(what: impl std::fmt::Display) -> OpenError {
    OpenError::Damaged(what.to_string())
}

fn not_finished(error: StateError) -> OpenError {
    match error {
        StateError::Store(error) => OpenError::Store(error),
        StateError::Malformed(_) | StateError::Read(_) => damaged(error),
    }
}

pub(super) fn required(store: &dyn Store, key: keys::Key, what: &'static str) -> Result<Vec<u8>, OpenError> {
    store.get(key.as_slice())?.ok_or_else(|| damaged(format!("{what} is missing")))
}

pub(super) fn stored_head(store: &dyn Store) -> Result<(HeadRow, CommitRow), OpenError> {
    if required(store, keys::format(), "the format row")? != [STORE_FORMAT] {
        return Err(damaged(format!("the store has another format than {STORE_FORMAT}; open it with its own version")));
    }
    let head = HeadRow::parse(&required(store, keys::head(FIRST_LEDGER), "the head row")?).map_err(damaged)?;
    let commit = required(store, keys::commit(head.commit), "the last commit row")?;
    Ok((head, CommitRow::parse(&commit).map_err(damaged)?))
}

/// P2 of the promises: less than was acknowledged is never served, nor another history than any anchor knows.
pub(super) fn check_anchors(
    store: &dyn Store,
    anchors: &AnchorSet,
    head: &HeadRow,
    commit: &CommitRow,
) -> Result<(), OpenError> {
    let loaded = anchors.load_all()?;
    if Bug::AnchorUnread.planted() {
        return Ok(());
    }
    for (anchor, Loaded { record, .. }) in &loaded {
        check_anchor(store, (anchor, record), head, commit)?;
    }
    // A damaged slot may have held the commit behind the good one: only something newer than the good one will do, or
    // a sound member, since a commit is acknowledged when all of them hold it.
    let newest = loaded.iter().map(|(_, loaded)| loaded.record.commit).max();
    let doubtful = loaded.iter().all(|(_, loaded)| loaded.one_slot_damaged) && newest == Some(head.commit);
    if doubtful && !Bug::SlotDamageUnread.planted() {
        let places: Vec<&str> = loaded.iter().map(|(place, _)| place.as_str()).collect();
        return Err(OpenError::AnchorDoubtful { anchor: places.join(", "), commit: head.commit });
    }
    Ok(())
}

/// Whether a store goes on from what one anchor knows.
pub(super) fn check_anchor(
    store: &dyn Store,
    (anchor, record): (&str, &AnchorRecord),
    head: &HeadRow,
    commit: &CommitRow,
) -> Result<(), OpenError> {
    if record.commit > head.commit {
        return Err(OpenError::EntriesMissing {
            anchor: anchor.to_owned(),
            anchored_commit: record.commit,
            anchored_size: record.size,
            commit: head.commit,
            size: head.head.size,
        });
    }
    let chain = match record.commit == head.commit {
        true => Some(commit.chain),
        false => match store.get(keys::commit(record.commit).as_slice())? {
            Some(row) => Some(CommitRow::parse(&row).map_err(damaged)?.chain),
            None => None,
        },
    };
    match chain == Some(record.chain) {
        true => Ok(()),
        false => Err(OpenError::HistoryDiffers { anchor: anchor.to_owned(), commit: record.commit }),
    }
}

/// The fold as the rows give it, checked against the stored root.
fn recover(
    store: &dyn Store,
    source: Ref,
    parts: &Parts,
    head: &HeadRow,
    anchor: AnchorRecord,
) -> Result<Recovered, OpenError> {
    let size = head.head.size.0;
    let genesis = required(store, keys::entry(FIRST_LEDGER, Index(0)), "genesis")?;
    let entry = Entry::parse(&genesis).map_err(damaged)?;
    let id = LedgerId(entry.leaf().0);
    let Detail::Genesis(genesis) = &entry.facts.detail else { return Err(damaged("index 0 is no genesis")) };
    if genesis.head_key.bytes != parts.head.verifier_key().key().to_wire()
        || genesis.sequencer_key.id() != parts.sequencer.id()
        || genesis.ref_key_digest != parts.ref_key.digest()
        || entry.facts.source != source
    {
        return Err(damaged("the keys in `keys/` are not those that genesis names; put the ledger's own keys back"));
    }
    let mut authority = Authority::from_genesis(id, source, genesis).map_err(|reason| damaged(reason.name()))?;
    let tail = rows_end(head.head.size).0;
    let (edge, postings, mut commands) = recover_tail(store, size, tail)?;
    fold_authority(store, &mut authority, &mut commands)?;
    hear(store, &mut authority, head.head.size)?;
    let policies = PolicyBook::recover(store, FIRST_LEDGER, &authority, &parts.ref_key)?;
    let tree = tree_of(&edge, size)?;
    if tree.root() != head.head.root {
        return Err(damaged("tiles and entries do not hash to the stored root"));
    }
    let actions = ActionStates::load(store, FIRST_LEDGER, GENERATION)?;
    let lineage = crate::ledger::graph::recover(store, size)?;
    let (number, received) = (FIRST_LEDGER, head.received);
    Ok(Recovered { number, id, tree, edge, received, authority, policies, anchor, postings, actions, lineage })
}

/// The partial tiles of every level, the postings of the block that is being filled, and its key commands.
fn recover_tail(store: &dyn Store, size: u64, tail: u64) -> Result<(Edge, CurrentBlock, Vec<Index>), OpenError> {
    // Fewer entries than a block, so nothing is written.
    let (mut leaves, mut postings, mut unwritten) = (Vec::new(), CurrentBlock::default(), Batch::new());
    let mut commands = Vec::new();
    let range = keys::between(keys::entry(FIRST_LEDGER, Index(tail)), keys::entry(FIRST_LEDGER, Index(size)));
    let mut broken = None;
    store.scan(&range, Direction::Forward, &mut |key, value| match (keys::trailing_u64(key), Entry::parse(value)) {
        (Some(index), Ok(entry)) => {
            postings.add(Index(index), &posting_set(&entry.facts), FIRST_LEDGER, &mut unwritten);
            commands.extend(governs(&entry.facts).then_some(Index(index)));
            leaves.push(hash::leaf(value));
            ControlFlow::Continue(())
        }
        (_, parsed) => {
            broken = Some(parsed.err().map_or("an entry's key".to_owned(), |error| error.to_string()));
            ControlFlow::Break(())
        }
    })?;
    if let Some(what) = broken {
        return Err(damaged(what));
    }
    if u64::try_from(leaves.len()) != Ok(size - tail) {
        return Err(damaged("entries of the last tile are missing"));
    }
    let mut edge = Edge::new();
    let mut below = tail / TILE_HASHES as u64;
    edge.restore_level(below, leaves);
    let mut level = 0u8;
    while below > 0 {
        let above = below / TILE_HASHES as u64;
        let mut partial = Vec::new();
        for number in above * TILE_HASHES as u64..below {
            partial.push(root_of_full(&stored_tile(store, level, number)?));
        }
        edge.restore_level(above, partial);
        below = above;
        level = level.saturating_add(1);
    }
    Ok((edge, postings, commands))
}

fn stored_tile(store: &dyn Store, level: u8, number: u64) -> Result<Vec<Hash>, OpenError> {
    let bytes = required(store, keys::tile(FIRST_LEDGER, level, number), "a full tile")?;
    let hashes: Vec<Hash> = bytes.chunks_exact(32).filter_map(|chunk| chunk.try_into().ok().map(Hash)).collect();
    if hashes.len() == TILE_HASHES { Ok(hashes) } else { Err(damaged("a full tile is short")) }
}

/// The frontier from the edge: each level's partial hashes are consecutive subtrees of 256^level leaves.
fn tree_of(edge: &Edge, size: u64) -> Result<Frontier, OpenError> {
    let mut roots = Vec::new();
    for bit in (0..u64::BITS).rev().filter(|bit| size >> bit & 1 == 1) {
        let level = u8::try_from(bit / 8).map_err(damaged)?;
        let first = (size >> bit << bit ^ 1 << bit) >> (8 * u32::from(level));
        let start = usize::try_from(first % TILE_HASHES as u64).map_err(damaged)?;
        let tile = edge.partial(level, first / TILE_HASHES as u64);
        let run = tile.and_then(|tile| tile.get(start..start + (1 << (bit % 8))));
        roots.push(root_of_full(run.ok_or_else(|| damaged("a tile of the edge is short"))?));
    }
    let size = deedbook_verify::words::TreeSize(size);
    Frontier::from_parts(size, roots).map_err(damaged)
}

/// A wall clock behind the log would make deadlines and times lie; opening then needs the operator's word, on record.
fn check_clock(
    state: &mut State,
    store: &dyn Store,
    anchors: &AnchorSet,
    clock: &Clock,
    accept: bool,
) -> Result<(), OpenError> {
    let wall = clock.wall();
    let behind_ms = state.received.0.saturating_sub(wall.0) / 1_000;
    if behind_ms <= limits::CLOCK_BEHIND_MS_MAX {
        return Ok(());
    }
    if !accept {
        return Err(OpenError::ClockBehind { behind_ms });
    }
    let id = EventId(entropy::array().map_err(damaged)?);
    let received = state.received;
    let frame = state.sequencer.clock_checked(id, Micros(wall.0), received).map_err(damaged)?;
    let mut commit = Commit::default();
    place_own(state, store, &mut commit, frame).map_err(|error| match error {
        PlaceError::Refused(refusal) => OpenError::Append(refusal),
        PlaceError::Fatal(error) => damaged(error),
    })?;
    let finished = commit.finish(state, store, Before::Durable).map_err(damaged)?;
    store.commit(&finished.batch)?;
    anchors.advance(&finished.anchor_from, &finished.anchor_to)?;
    Ok(())
}
