//! What the writer places together: a frame that somebody signed, or what came in unsigned.

use crate::ledger::admit::CheckedFrame;
use crate::ledger::import::Import;
use deedbook_verify::words::{EventId, Ref};

/// What is to be placed together.
#[derive(Clone)]
pub(super) enum Work {
    /// A frame that its producer signed.
    Frame(CheckedFrame),
    /// What came in unsigned; the ledger signs for it when it is placed.
    Import(Import),
}

impl Work {
    /// Bytes that it holds while it waits.
    pub fn cost_bytes(&self) -> usize {
        match self {
            Work::Frame(frame) => frame.cost_bytes(),
            Work::Import(import) => import.cost_bytes(),
        }
    }

    /// Who states it.
    pub fn source(&self) -> Ref {
        match self {
            Work::Frame(frame) => frame.source,
            Work::Import(import) => import.source,
        }
    }

    /// Number of events.
    pub fn count(&self) -> usize {
        match self {
            Work::Frame(frame) => frame.count(),
            Work::Import(import) => import.events.len(),
        }
    }

    /// Id and stream of each event, in order.
    pub fn names(&self) -> impl Iterator<Item = (EventId, Option<Ref>)> {
        (0..self.count()).filter_map(|at| match self {
            Work::Frame(frame) => frame.events.get(at).map(|event| (event.event_id, event.stream)),
            Work::Import(import) => import.events.get(at).map(|event| (event.id, event.stream)),
        })
    }
}
