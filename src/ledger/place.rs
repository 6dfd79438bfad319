//! Placing a checked frame: what order decides. Nothing is changed before every check has passed, so that a refused
//! frame leaves no trace; what follows from a command is placed directly behind it, in the same batch.

mod import;

pub(super) use import::place_work;
use import::write_own;

use crate::ledger::admit::{CheckedFrame, admit_own};
use crate::ledger::approval::{decide_command, place_following, take_report};
use crate::ledger::commit::{Commit, Placing};
use crate::ledger::erasure;
use crate::ledger::error::{AppendError, KnownEvent};
use crate::ledger::placement::Placement;
use crate::ledger::rows::SourceHead;
use crate::ledger::state::{FrameMemo, PlaceError, State, StateError, Stored};
use crate::plant::Bug;
use crate::record::FactsBuilder;
use crate::store::Store;
use crate::store::keys;
use bytes::Bytes;
use deedbook_verify::detail::{Detail, RefusalReason};
use deedbook_verify::entry::Entry;
use deedbook_verify::erasure::Stood;
use deedbook_verify::facts::{Facts, Parent};
use deedbook_verify::frame::{FrameHeader, FrameRefusal};
use deedbook_verify::governance::{Consequence, Stated as StatedCommand};
use deedbook_verify::hash;
use deedbook_verify::keeping::Day;
use deedbook_verify::kind::Author;
use deedbook_verify::words::{EventId, Index, Micros, Ref, Revision, Sequence, SubjectId};
use foldhash::{HashMap, HashMapExt};
use std::sync::Arc;

/// Places a frame into the commit that is being built, or answers it from what is known.
fn place(
    state: &mut State,
    store: &dyn Store,
    commit: &mut Commit,
    (frame, stored): (&CheckedFrame, &[Stored]),
    wall: Micros,
) -> Result<Placement, PlaceError> {
    if let Some(answer) = answer_known(state, store, frame, stored)? {
        return Ok(answer);
    }
    check_key(state, frame)?;
    let source_head = check_sequence(state, store, frame)?;
    let revisions = check_revisions(state, store, frame, stored)?;
    let base = state.next_index();
    let received = if Bug::SealTimeBackwards.planted() { wall } else { state.received.max(wall) };
    let decision = match &frame.prepared {
        Some(prepared) => Some(decide_command(state, store, frame, prepared, (received, wall))?),
        None => None,
    };
    state.received = received;
    let folded = match &decision {
        Some(decision) => decision.refusal().map_or(Ok(Consequence::Nothing), Err),
        None => fold_command(state, store, frame, base)?,
    };
    let placing = Placing { frame, revisions: &revisions, refused: folded.is_err() };
    let leaves = commit.write_frame(state, placing);
    if frame.kind.author() == Author::Asker {
        state.authority.hear(frame.source, base);
    }
    let refusal = match folded {
        Ok(consequence) => {
            if let Some(erasure) = consequence.erasure() {
                commit.erase(state, erasure.command, &erasure.bodies);
            }
            let received = state.received;
            state.govern(consequence, base, received);
            follow_policies(state, store, frame, base)?;
            None
        }
        Err(reason) => Some(reason),
    };
    if let Some(head) = source_head {
        state.source_heads.insert(frame.source, head);
        commit.touch_source(frame.source, head);
    }
    remember(state, frame, base, &leaves, refusal);
    take_reports(state, store, commit, frame, (base, &revisions))?;
    let followed = match (decision, &frame.prepared) {
        (Some(decision), Some(prepared)) => {
            let at = (base, revisions.first().copied().flatten());
            place_following(state, store, commit, (frame, &prepared.command), at, decision)?
        }
        (_, _) => None,
    };
    match (refusal, followed) {
        (None, _) => {
            let waits = waits_as(state, frame);
            Ok(Placement { first_index: base, count: count_of(frame), leaves, repeated: false, waits })
        }
        (Some(reason), Some(refusal)) => Err(AppendError::Refused { reason, command: base, refusal }.into()),
        (Some(reason), None) => {
            let index = place_refusal(state, store, commit, frame, reason)?;
            Err(AppendError::Refused { reason, command: base, refusal: index }.into())
        }
    }
}

/// Folds what the frame reports about actions.
fn take_reports(
    state: &mut State,
    store: &dyn Store,
    commit: &mut Commit,
    frame: &CheckedFrame,
    (base, revisions): (Index, &[Option<Revision>]),
) -> Result<(), PlaceError> {
    for ((event, revision), index) in frame.events.iter().zip(revisions).zip(base.0..) {
        if let Some(report) = event.report {
            let about = (frame.source, event.event_id, event.stream);
            take_report(state, store, commit, report, about, (Index(index), *revision))?;
        }
    }
    Ok(())
}

fn count_of(frame: &CheckedFrame) -> u16 {
    u16::try_from(frame.events.len()).unwrap_or(u16::MAX)
}

fn remember(
    state: &mut State,
    frame: &CheckedFrame,
    base: Index,
    leaves: &[deedbook_verify::words::Hash],
    refusal: Option<RefusalReason>,
) {
    for event in &frame.events {
        state.bodies.push(Stood { day: Day::of(state.received), ..event.stood });
    }
    // A copy: the frame's own bytes are slices of the message that it came in, which must not be kept alive.
    let header = Bytes::copy_from_slice(&frame.header);
    let memo = FrameMemo { header, leaves: leaves.to_vec(), refusal };
    state.frames.insert_weighing(leaves.len(), base, memo);
}

/// A frame with equal signed bytes gets its first answer; a known event id in any other frame is refused.
fn answer_known(
    state: &State,
    store: &dyn Store,
    frame: &CheckedFrame,
    stored: &[Stored],
) -> Result<Option<Placement>, PlaceError> {
    let mut known = Vec::new();
    for ((event, stored), offset) in frame.events.iter().zip(stored).zip(0u16..) {
        if let Some(index) = state.find(frame.source, event.event_id, stored) {
            known.push(KnownEvent { offset, index });
        }
    }
    if Bug::RetryPlacedAgain.planted() {
        return Ok(None);
    }
    let Some(first) = known.first() else { return Ok(None) };
    if first.offset == 0
        && known.len() == frame.events.len()
        && let Some(memo) = recall(state, store, first.index, frame)?
        && memo.header == frame.header
    {
        let command = first.index;
        return match memo.refusal {
            Some(reason) => {
                let refusal = Index(command.0.saturating_add(1));
                Err(AppendError::Refused { reason, command, refusal }.into())
            }
            None => {
                let (count, waits) = (count_of(frame), waits_as(state, frame));
                Ok(Some(Placement { first_index: command, count, leaves: memo.leaves, repeated: true, waits }))
            }
        };
    }
    Err(AppendError::EventIdKnown(known).into())
}

/// What became of the frame that starts at an index: from memory, else from its stored entries.
fn recall(
    state: &State,
    store: &dyn Store,
    base: Index,
    frame: &CheckedFrame,
) -> Result<Option<FrameMemo>, StateError> {
    if let Some(memo) = state.frames.get(&base) {
        return Ok(Some(memo.clone()));
    }
    let Some(first) = store.get(keys::entry(state.number, base).as_slice())? else { return Ok(None) };
    let Some(sealed) = Entry::parse(&first)?.seal.frame else { return Ok(None) };
    if sealed.header.bytes != frame.header {
        return Ok(None);
    }
    let mut leaves = Vec::with_capacity(frame.events.len());
    for index in (base.0..).take(frame.events.len()) {
        let bytes = store.get(keys::entry(state.number, Index(index)).as_slice())?;
        leaves.extend(bytes.map(|bytes| deedbook_verify::hash::leaf(&bytes)));
    }
    let refusal = match frame.kind.author() {
        Author::Asker => stored_refusal(state, store, base)?,
        Author::Witness | Author::Ledger => None,
    };
    Ok(Some(FrameMemo { header: frame.header.clone(), leaves, refusal }))
}

/// A refused command is followed directly by its refusal.
fn stored_refusal(state: &State, store: &dyn Store, command: Index) -> Result<Option<RefusalReason>, StateError> {
    let behind = Index(command.0.saturating_add(1));
    let Some(bytes) = store.get(keys::entry(state.number, behind).as_slice())? else { return Ok(None) };
    if let Detail::CommandRefused { reason, .. } = Entry::parse(&bytes)?.facts.detail {
        return Ok(Some(reason));
    }
    Ok(None)
}

/// Admission judged by a published state; keys may have ended since.
fn check_key(state: &State, frame: &CheckedFrame) -> Result<(), PlaceError> {
    let header = FrameHeader::parse(&frame.header).map_err(StateError::from)?;
    let signer = header.signers().last().ok_or(AppendError::Frame(FrameRefusal::RoleDiffers))?;
    match state.authority.keys().key_for(&header, signer, state.next_index()) {
        Some(_) => Ok(()),
        None if Bug::KeyNotRechecked.planted() => Ok(()),
        None => Err(AppendError::Frame(FrameRefusal::KeyNotInForce(signer.key_id)).into()),
    }
}

/// The source's head after this frame, or none if the frame is not numbered.
fn check_sequence(
    state: &mut State,
    store: &dyn Store,
    frame: &CheckedFrame,
) -> Result<Option<SourceHead>, PlaceError> {
    if frame.epoch.0 == 0 {
        return Ok(None);
    }
    let last = state.source_head(store, frame.source)?;
    let first = frame.events.first().ok_or(AppendError::Frame(FrameRefusal::CountDiffers))?;
    let facts = Facts::parse(&first.facts).map_err(StateError::from)?;
    let reused = Bug::SequenceReused.planted() && last.is_some_and(|head| head.sequence == frame.first_sequence);
    if !reused && !deedbook_verify::replay::follows(last.map(|head| (head.epoch, head.sequence)), &facts) {
        let refusal = match last {
            Some(head) if frame.epoch < head.epoch => AppendError::EpochNotNew { last: head.epoch },
            Some(head) if frame.epoch == head.epoch => {
                AppendError::SequenceDiffers { epoch: head.epoch, last: head.sequence }
            }
            Some(_) | None => AppendError::SequenceDiffers { epoch: frame.epoch, last: Sequence(0) },
        };
        return Err(refusal.into());
    }
    let behind_first = u64::from(count_of(frame)).saturating_sub(1);
    let sequence = Sequence(frame.first_sequence.0.saturating_add(behind_first));
    Ok(Some(SourceHead { epoch: frame.epoch, sequence }))
}

/// The revision of each event; earlier events of the same frame count.
fn check_revisions(
    state: &mut State,
    store: &dyn Store,
    frame: &CheckedFrame,
    stored: &[Stored],
) -> Result<Vec<Option<Revision>>, PlaceError> {
    let mut heads: HashMap<Ref, Revision> = HashMap::new();
    let mut revisions = Vec::with_capacity(frame.events.len());
    for ((event, stored), offset) in frame.events.iter().zip(stored).zip(0u16..) {
        let Some(stream) = event.stream else {
            revisions.push(None);
            continue;
        };
        let last = match heads.get(&stream) {
            Some(revision) => *revision,
            None => state.stream_head(store, stream, stored)?,
        };
        if let Some(expected) = event.expected
            && expected != last
        {
            return Err(AppendError::RevisionDiffers { offset, expected, actual: last }.into());
        }
        let reused = Bug::RevisionReused.planted() && last.0 > 0;
        let revision = if reused { last } else { Revision(last.0.saturating_add(1)) };
        heads.insert(stream, revision);
        revisions.push(Some(revision));
    }
    Ok(revisions)
}

/// The request under which the frame's command waits for a second administrator now.
fn waits_as(state: &State, frame: &CheckedFrame) -> Option<SubjectId> {
    let command = frame.events.first().filter(|_| frame.kind.author() == Author::Asker)?;
    let request = hash::request_id(&Parent { source: frame.source, event_id: command.event_id });
    state.authority.waiting().contains_key(&request).then_some(request)
}

/// What a command does to keys, principals, policies and bodies, or why it does nothing. Nothing is changed yet.
fn fold_command(
    state: &State,
    store: &dyn Store,
    frame: &CheckedFrame,
    base: Index,
) -> Result<Result<Consequence, RefusalReason>, StateError> {
    if frame.kind.author() != Author::Asker {
        return Ok(Ok(Consequence::Nothing));
    }
    let Some(event) = frame.events.first() else { return Ok(Ok(Consequence::Nothing)) };
    let facts = Facts::parse(&event.facts)?;
    let stated = StatedCommand { facts: &facts, signer: frame.signer, index: base, received: state.received };
    let decided = state.authority.decide(&stated, |bodies| erasure::standings(state, store, bodies))?;
    // Only a sound set is placed as published: replay takes the refusal, and its own fold knows nothing of Cedar.
    let defective = frame.offered.as_ref().is_some_and(|offered| offered.set.is_none());
    Ok(decided.and_then(|consequence| if defective { Err(RefusalReason::PolicyInvalid) } else { Ok(consequence) }))
}

/// Puts the policy set in force that a command or vote has brought about.
fn follow_policies(state: &mut State, store: &dyn Store, frame: &CheckedFrame, base: Index) -> Result<(), StateError> {
    if let Some(offered) = &frame.offered {
        state.policies.remember(base, offered);
    }
    let placed = frame.offered.as_ref().and_then(|offered| Some((base, offered.set.as_ref()?)));
    let named = Arc::clone(state.authority.policies());
    state.policies.follow(store, state.number, &named, placed)
}

fn place_refusal(
    state: &mut State,
    store: &dyn Store,
    commit: &mut Commit,
    frame: &CheckedFrame,
    reason: RefusalReason,
) -> Result<Index, PlaceError> {
    let command = frame.events.first().map(|event| Parent { source: frame.source, event_id: event.event_id });
    let command = command.ok_or(AppendError::Frame(FrameRefusal::CountDiffers))?;
    let received = state.received;
    let own = state.sequencer.refusal(command, reason, received);
    let own = own.map_err(|error| own_frame_failed(&error))?;
    place_own(state, store, commit, own)
}

/// The command stands in the batch already: without its refusal the log would be invalid, so this is fatal.
fn own_frame_failed(error: &dyn std::fmt::Display) -> PlaceError {
    PlaceError::Fatal(StateError::Store(crate::store::StoreError::Failed(format!(
        "the ledger could not make its own frame: {error}"
    ))))
}

/// Where the events of a frame stand that the ledger made.
pub(super) struct OwnPlaces {
    /// The first one's index.
    pub first: Index,
    events: Vec<(EventId, Option<Revision>)>,
}

impl OwnPlaces {
    /// Index, event id and revision of each.
    pub fn iter(&self) -> impl Iterator<Item = (Index, EventId, Option<Revision>)> + '_ {
        (self.first.0..).map(Index).zip(&self.events).map(|(index, (id, revision))| (index, *id, *revision))
    }
}

/// Signs and places events that the ledger makes.
pub(super) fn place_own_events(
    state: &mut State,
    store: &dyn Store,
    commit: &mut Commit,
    events: Vec<FactsBuilder>,
) -> Result<OwnPlaces, PlaceError> {
    let ids: Vec<EventId> = events.iter().map(FactsBuilder::event_id).collect();
    let frame = state.sequencer.frame(events).map_err(|error| own_frame_failed(&error))?;
    let (first, revisions) = place_own_frame(state, store, commit, frame)?;
    Ok(OwnPlaces { first, events: ids.into_iter().zip(revisions).collect() })
}

/// Places a frame that the ledger made itself; its events follow the last revisions of their streams.
pub(super) fn place_own(
    state: &mut State,
    store: &dyn Store,
    commit: &mut Commit,
    frame: crate::record::FrameBytes,
) -> Result<Index, PlaceError> {
    Ok(place_own_frame(state, store, commit, frame)?.0)
}

fn place_own_frame(
    state: &mut State,
    store: &dyn Store,
    commit: &mut Commit,
    frame: crate::record::FrameBytes,
) -> Result<(Index, Vec<Option<Revision>>), PlaceError> {
    let own = admit_own(frame).map_err(|error| own_frame_failed(&error))?;
    let unknown = Stored { index: None, head: None };
    let revisions = check_revisions(state, store, &own, &vec![unknown; own.events.len()])?;
    let placed = write_own(state, commit, (&own, &revisions));
    Ok((placed.first_index, revisions))
}
