//! Placing whatever waits, and frames of the ledger's own. For what came in unsigned such a frame is signed here, when its
//! place is known.

use super::{check_revisions, count_of, own_frame_failed, place, remember};
use crate::ledger::admit::CheckedFrame;
use crate::ledger::commit::{Commit, Placing};
use crate::ledger::error::{AppendError, KnownEvent};
use crate::ledger::import::Import;
use crate::ledger::placement::Placement;
use crate::ledger::rows::SourceHead;
use crate::ledger::state::{PlaceError, State, Stored};
use crate::ledger::work::Work;
use crate::plant::Bug;
use crate::store::Store;
use deedbook_verify::words::{Micros, Revision, Sequence};

/// Places work into the commit that is being built, or answers it from what is known.
pub(in crate::ledger) fn place_work(
    state: &mut State,
    store: &dyn Store,
    commit: &mut Commit,
    (work, stored): (&Work, &[Stored]),
    wall: Micros,
) -> Result<Placement, PlaceError> {
    match work {
        Work::Frame(frame) => place(state, store, commit, (frame, stored), wall),
        Work::Import(import) => place_import(state, store, commit, (import, stored), wall),
    }
}

/// Signs and places what came in unsigned, unless some of it stands in the log already. Crash before the commit is
/// durable: it did not come in, and whoever sent it was not told otherwise.
fn place_import(
    state: &mut State,
    store: &dyn Store,
    commit: &mut Commit,
    (import, stored): (&Import, &[Stored]),
    wall: Micros,
) -> Result<Placement, PlaceError> {
    let ids = import.events.iter().zip(stored).zip(0u16..);
    let known: Vec<KnownEvent> = ids
        .filter_map(|((event, stored), offset)| {
            state.find(import.source, event.id, stored).map(|index| KnownEvent { offset, index })
        })
        .collect();
    if !known.is_empty() && !Bug::ImportPlacedAgain.planted() {
        return Err(AppendError::EventIdKnown(known).into());
    }
    // Nothing is placed yet, so a frame that cannot be made is refused; it took no number.
    let own = state.sequencer.frame(import.builders()).map_err(|error| AppendError::OwnFrame(error.to_string()))?;
    let own = import.checked(own).map_err(|error| own_frame_failed(&error))?;
    let revisions = check_revisions(state, store, &own, stored)?;
    state.received = state.received.max(wall);
    Ok(write_own(state, commit, (&own, &revisions)))
}

/// Writes a frame of the ledger's whose revisions are known.
pub(super) fn write_own(
    state: &mut State,
    commit: &mut Commit,
    (own, revisions): (&CheckedFrame, &[Option<Revision>]),
) -> Placement {
    let first_index = state.next_index();
    let leaves = commit.write_frame(state, Placing { frame: own, revisions, refused: false });
    let behind_first = u64::from(count_of(own)).saturating_sub(1);
    let sequence = Sequence(own.first_sequence.0.saturating_add(behind_first));
    let head = SourceHead { epoch: own.epoch, sequence };
    state.source_heads.insert(own.source, head);
    commit.touch_source(own.source, head);
    remember(state, own, first_index, &leaves, None);
    Placement { first_index, count: count_of(own), leaves, repeated: false, waits: None }
}
