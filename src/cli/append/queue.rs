//! What is under way: frames that the server has not acknowledged, and results that wait for their turn, so that
//! output comes in the order of input. It sends nothing and prints nothing.

use super::input::Place;
use crate::api::proto;
use deedbook_verify::words::{EventId, Hash, Index};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};

/// Where an event stands, as soon as it is known; shared by identical lines.
pub type Cell = Arc<OnceLock<Index>>;

/// A signed frame that is not acknowledged yet.
pub struct Flight {
    /// Sequence of its first event.
    pub first: u64,
    /// Its bytes, to be sent again as they are.
    pub frame: proto::Frame,
    /// What it costs in credit, at most.
    pub cost_bytes: u64,
    /// Its events: id, cell, place in the input.
    pub events: Vec<(EventId, Cell, Place)>,
}

impl Flight {
    /// Sequence of its last event.
    pub fn last(&self) -> u64 {
        let count = u64::try_from(self.events.len()).unwrap_or(u64::MAX);
        self.first.saturating_add(count).saturating_sub(1)
    }
}

/// How an event got its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This run appended it.
    Appended,
    /// An identical line of this input came before it.
    Identical,
    /// It stood in the log before this run.
    Known,
}

/// A result that is due for output.
pub struct Placed {
    /// The event id.
    pub id: EventId,
    /// How it got its index.
    pub origin: Origin,
    cell: Cell,
}

/// Frames under way and results in order.
#[derive(Default)]
pub struct Queue {
    flights: VecDeque<Flight>,
    sent: usize,
    sent_bytes: u64,
    results: VecDeque<Placed>,
    pending: HashMap<EventId, Pending>,
}

/// An event that is under way.
#[derive(Clone)]
pub struct Pending {
    /// Will hold its index.
    pub cell: Cell,
    /// What it states.
    pub content: Hash,
}

impl Queue {
    /// An event that is under way.
    pub fn pending(&self, id: &EventId) -> Option<Pending> {
        self.pending.get(id).cloned()
    }

    /// Takes up an event that will be sent.
    pub fn promise(&mut self, id: EventId, content: Hash) -> Cell {
        let cell = Cell::default();
        self.pending.insert(id, Pending { cell: Arc::clone(&cell), content });
        self.result(id, Origin::Appended, Arc::clone(&cell));
        cell
    }

    /// Adds a result at the end of the output.
    pub fn result(&mut self, id: EventId, origin: Origin, cell: Cell) {
        self.results.push_back(Placed { id, origin, cell });
    }

    /// Adds a frame behind the others.
    pub fn push(&mut self, flight: Flight) {
        self.flights.push_back(flight);
    }

    /// The next frame to send, if the credit allows it; one frame alone is always allowed.
    pub fn sendable(&self, credit_bytes: u64) -> Option<&proto::Frame> {
        let flight = self.flights.get(self.sent)?;
        (self.sent == 0 || self.sent_bytes.saturating_add(flight.cost_bytes) <= credit_bytes).then_some(&flight.frame)
    }

    /// The frame that `sendable` gave is on its way.
    pub fn mark_sent(&mut self) {
        let cost = self.flights.get(self.sent).map_or(0, |flight| flight.cost_bytes);
        self.sent_bytes = self.sent_bytes.saturating_add(cost);
        self.sent = self.sent.saturating_add(1);
    }

    /// The connection is gone: every frame must be sent again.
    pub fn rewind(&mut self) {
        self.sent = 0;
        self.sent_bytes = 0;
    }

    /// Whether a frame waits to be sent.
    pub fn has_unsent(&self) -> bool {
        self.sent < self.flights.len()
    }

    /// Whether nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.flights.is_empty()
    }

    /// The oldest frame under way.
    pub fn oldest(&self) -> Option<&Flight> {
        self.flights.front()
    }

    /// The oldest frame stands at this index; none when no frame of that sequence is under way.
    pub fn settle(&mut self, first_sequence: u64, first_index: u64) -> Option<()> {
        let flight = self.flights.pop_front_if(|flight| flight.first == first_sequence)?;
        if self.sent > 0 {
            self.sent = self.sent.saturating_sub(1);
            self.sent_bytes = self.sent_bytes.saturating_sub(flight.cost_bytes);
        }
        for ((id, cell, _), index) in flight.events.into_iter().zip(first_index..) {
            // A cell is set once; a second answer for the same event says the same.
            let _ = cell.set(Index(index));
            self.pending.remove(&id);
        }
        Some(())
    }

    /// The next result whose index is known, in the order of input.
    pub fn next_result(&mut self) -> Option<(Index, Placed)> {
        let index = *self.results.front()?.cell.get()?;
        self.results.pop_front().map(|result| (index, result))
    }
}

/// A cell that is known from the start.
pub fn known(index: u64) -> Cell {
    Arc::new(OnceLock::from(Index(index)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flight(queue: &mut Queue, first: u64, ids: &[u8]) {
        let place = || crate::cli::append::input::test_place();
        let events = ids
            .iter()
            .map(|id| (EventId([*id; 16]), queue.promise(EventId([*id; 16]), Hash([*id; 32])), place()))
            .collect();
        queue.push(Flight { first, frame: proto::Frame::default(), cost_bytes: 10, events });
    }

    #[test]
    fn results_come_in_the_order_of_input() {
        let mut queue = Queue::default();
        flight(&mut queue, 1, &[1, 2]);
        queue.result(EventId([9; 16]), Origin::Known, known(5));
        flight(&mut queue, 3, &[3]);
        let again = queue.pending(&EventId([1; 16])).unwrap();
        queue.result(EventId([1; 16]), Origin::Identical, again.cell);
        assert!(queue.next_result().is_none());
        assert!(queue.settle(3, 70).is_none(), "acknowledgements come in order");
        queue.settle(1, 60).unwrap();
        let indexes = |queue: &mut Queue| -> Vec<u64> {
            std::iter::from_fn(|| queue.next_result()).map(|(index, _)| index.0).collect()
        };
        assert_eq!(indexes(&mut queue), [60, 61, 5]);
        queue.settle(3, 70).unwrap();
        assert_eq!(indexes(&mut queue), [70, 60]);
        assert!(queue.is_idle());
    }

    #[test]
    fn credit_bounds_what_is_under_way() {
        let mut queue = Queue::default();
        (0..3).for_each(|at| flight(&mut queue, u64::from(at) + 1, &[at]));
        assert!(queue.sendable(0).is_some(), "one frame is always allowed");
        queue.mark_sent();
        assert!(queue.sendable(19).is_none());
        assert!(queue.sendable(20).is_some());
        queue.mark_sent();
        queue.settle(1, 0).unwrap();
        assert!(queue.sendable(20).is_some());
        queue.rewind();
        assert_eq!(queue.oldest().map(Flight::last), Some(2));
        assert!(queue.has_unsent());
    }
}
