//! Who consumes what: one consumer for each persistent subscription, since a position has one owner. In memory only;
//! after a restart every seat is free. What a consumer must hear of while it sits there is told here too.

use crate::ledger::subscription::SubscriptionId;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// What a consumer is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// How often parked events were set to be delivered again.
    pub replays: u64,
    /// The subscription is gone.
    pub deleted: bool,
}

#[derive(Debug)]
struct Taken {
    calls: watch::Sender<Call>,
    in_flight: Arc<AtomicUsize>,
}

/// The seats of one ledger.
#[derive(Debug, Default)]
pub(super) struct Seats(Mutex<HashMap<SubscriptionId, Taken>>);

impl Seats {
    fn lock(&self) -> MutexGuard<'_, HashMap<SubscriptionId, Taken>> {
        // Nothing that runs under the lock can panic halfway through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the seat; none if somebody has it.
    pub fn take(self: &Arc<Seats>, id: SubscriptionId) -> Option<Seat> {
        let mut seats = self.lock();
        if seats.contains_key(&id) {
            return None;
        }
        let (calls, heard) = watch::channel(Call::default());
        let in_flight = Arc::new(AtomicUsize::new(0));
        seats.insert(id, Taken { calls, in_flight: Arc::clone(&in_flight) });
        drop(seats);
        Some(Seat { seats: Arc::clone(self), id, calls: heard, in_flight })
    }

    /// How many events the consumer has in its hands; none if there is no consumer.
    pub fn in_flight(&self, id: SubscriptionId) -> Option<usize> {
        self.lock().get(&id).map(|taken| taken.in_flight.load(Ordering::Relaxed))
    }

    /// Tells the consumer, if there is one.
    pub fn tell(&self, id: SubscriptionId, change: impl FnOnce(&mut Call)) {
        if let Some(taken) = self.lock().get(&id) {
            taken.calls.send_modify(change);
        }
    }
}

/// A seat that is taken; free again when dropped.
#[derive(Debug)]
pub struct Seat {
    seats: Arc<Seats>,
    id: SubscriptionId,
    calls: watch::Receiver<Call>,
    in_flight: Arc<AtomicUsize>,
}

impl Seat {
    /// The next thing that the consumer must hear. May be given up at any time.
    pub async fn called(&mut self) -> Call {
        if self.calls.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        *self.calls.borrow()
    }

    /// Shows how many events the consumer has in its hands.
    pub fn show_in_flight(&self, count: usize) {
        self.in_flight.store(count, Ordering::Relaxed);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sits_until_it_leaves() {
        let seats = Arc::new(Seats::default());
        let (one, other) = (SubscriptionId([1; 16]), SubscriptionId([2; 16]));
        let seat = seats.take(one).unwrap();
        assert!(seats.take(one).is_none() && seats.take(other).is_some());
        seat.show_in_flight(3);
        assert_eq!((seats.in_flight(one), seats.in_flight(other)), (Some(3), None));
        drop(seat);
        assert!(seats.take(one).is_some());
    }
}
