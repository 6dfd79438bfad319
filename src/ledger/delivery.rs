//! What one consumer was given and what became of it: a pure fold, without clock or store. What is settled is what was
//! acknowledged or parked; the position is the first index that is not. Whether that is durable is the settler's part.

use crate::domain::ParkReason;
use crate::ledger::subscription::{SubscriptionRow, Terms};
use crate::plant::Bug;
use deedbook_verify::words::{Index, Micros};
use std::collections::{BTreeMap, BTreeSet};

/// The event is not in the consumer's hands: it was never delivered on this stream, or was settled before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotInFlight(pub Index);

/// What is to be made durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Everything below is settled.
    pub position: Index,
    /// What is settled at or behind the position.
    pub ahead: BTreeSet<Index>,
    /// What is put aside.
    pub parked: Vec<(Index, ParkReason)>,
    /// What was put aside and is done now.
    pub released: Vec<Index>,
    /// What the consumer settled since the last settlement.
    pub settled: Vec<Index>,
}

/// The books of one consumer.
#[derive(Clone, Debug)]
pub struct Delivery {
    terms: Terms,
    /// Behind everything that was looked at.
    cursor: Index,
    /// Handed out and not settled, with the time of it. The position follows from these.
    fresh: BTreeMap<Index, Micros>,
    /// The same for parked events that are delivered again.
    again: BTreeMap<Index, Micros>,
    /// Parked events that were settled again, whose rows do not say so yet.
    leaving: BTreeSet<Index>,
    /// Settled at or behind the position.
    ahead: BTreeSet<Index>,
    parked: Vec<(Index, ParkReason)>,
    released: Vec<Index>,
    settled: Vec<Index>,
    /// The position that was written last.
    written: Index,
}

impl Delivery {
    /// Goes on where the row says.
    pub fn of(row: &SubscriptionRow) -> Delivery {
        Delivery {
            terms: row.spec.terms,
            cursor: Index(row.position.0.saturating_add(u64::from(Bug::SubscriptionSkipsOne.planted()))),
            fresh: BTreeMap::new(),
            again: BTreeMap::new(),
            leaving: BTreeSet::new(),
            ahead: row.ahead.clone(),
            parked: Vec::new(),
            released: Vec::new(),
            settled: Vec::new(),
            written: row.position,
        }
    }

    /// Where the next look at the log begins.
    pub fn cursor(&self) -> Index {
        self.cursor
    }

    /// The first index that is not settled.
    pub fn position(&self) -> Index {
        self.fresh.keys().next().copied().unwrap_or(self.cursor)
    }

    /// Events in the consumer's hands.
    pub fn in_flight(&self) -> usize {
        self.fresh.len().saturating_add(self.again.len())
    }

    /// How many more may be handed out. What is settled behind an unsettled event takes room too, so that the row stays
    /// as small as the number in flight.
    pub fn room(&self) -> usize {
        usize::from(self.terms.in_flight_max).saturating_sub(self.in_flight().saturating_add(self.ahead.len()))
    }

    /// What is settled at or behind the position: not to be handed out again.
    pub fn ahead(&self) -> &BTreeSet<Index> {
        &self.ahead
    }

    /// Parked events that are not to be handed out again, whatever their rows say still.
    pub fn held(&self) -> BTreeSet<Index> {
        self.again.keys().chain(&self.leaving).copied().collect()
    }

    /// The log was looked at up to `cursor`, and these events of it are handed out.
    pub fn hand_out(&mut self, events: impl IntoIterator<Item = Index>, cursor: Index, now: Micros) {
        self.fresh.extend(events.into_iter().map(|index| (index, now)));
        self.cursor = cursor;
        self.prune();
    }

    /// These parked events are handed out again.
    pub fn hand_again(&mut self, events: impl IntoIterator<Item = Index>, now: Micros) {
        self.again.extend(events.into_iter().map(|index| (index, now)));
    }

    /// The consumer is done with an event. Said twice, it means the same.
    pub fn acknowledge(&mut self, index: Index) -> Result<(), NotInFlight> {
        if self.again.remove(&index).is_some() {
            self.leaving.insert(index);
            self.released.push(index);
            self.settled.push(index);
        } else if self.fresh.remove(&index).is_some() {
            self.settle(index);
        } else if index >= self.cursor {
            return Err(NotInFlight(index));
        }
        Ok(())
    }

    /// The consumer is done with every event of the log up to an index; parked ones are settled one by one.
    pub fn acknowledge_through(&mut self, index: Index) -> Result<(), NotInFlight> {
        if index >= self.cursor && !Bug::AckAheadTaken.planted() {
            return Err(NotInFlight(index));
        }
        let done: Vec<Index> = self.fresh.range(..=index).map(|(index, _)| *index).collect();
        for index in done {
            self.fresh.remove(&index);
            self.settle(index);
        }
        Ok(())
    }

    /// The consumer puts an event aside.
    pub fn park(&mut self, index: Index, reason: ParkReason) -> Result<(), NotInFlight> {
        if self.again.remove(&index).is_some() {
            self.leaving.insert(index);
            self.settled.push(index);
        } else if self.fresh.remove(&index).is_some() {
            self.settle(index);
        } else {
            return Err(NotInFlight(index));
        }
        self.parked.push((index, reason));
        Ok(())
    }

    fn settle(&mut self, index: Index) {
        self.ahead.insert(index);
        self.settled.push(index);
        self.prune();
    }

    /// What is settled below the position needs no mention.
    fn prune(&mut self) {
        self.ahead = self.ahead.split_off(&self.position());
    }

    /// The lease of everything in flight begins anew.
    pub fn extend(&mut self, now: Micros) {
        self.fresh.values_mut().chain(self.again.values_mut()).for_each(|time| *time = now);
    }

    /// When the first lease ends; none if nothing is in flight.
    pub fn lease_ends(&self) -> Option<Micros> {
        let first = self.fresh.values().chain(self.again.values()).min()?;
        Some(Micros(first.0.saturating_add(u64::from(self.terms.lease_ms).saturating_mul(1_000))))
    }

    /// Whether the consumer settled something that nobody was asked to write.
    pub fn has_settled(&self) -> bool {
        !self.settled.is_empty()
    }

    /// Whether the position moved since it was written.
    pub fn has_moved(&self) -> bool {
        self.position() != self.written
    }

    /// A settlement is durable: the rows of these events say what became of them.
    pub fn written(&mut self, settled: impl IntoIterator<Item = Index>) {
        settled.into_iter().for_each(|index| {
            self.leaving.remove(&index);
        });
    }

    /// What is to be written now.
    pub fn settlement(&mut self) -> Settlement {
        self.written = self.position();
        Settlement {
            position: self.position(),
            ahead: self.ahead.clone(),
            parked: std::mem::take(&mut self.parked),
            released: std::mem::take(&mut self.released),
            settled: std::mem::take(&mut self.settled),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Filter;
    use crate::ledger::subscription::{SubscriptionId, SubscriptionSpec};

    fn row(in_flight_max: u16) -> SubscriptionRow {
        let terms = Terms { lease_ms: 10, in_flight_max };
        let spec = SubscriptionSpec { filter: Filter::default(), start: Index(0), terms };
        let id = SubscriptionId([0; 16]);
        SubscriptionRow { id, created: Micros(0), spec, position: Index(5), ahead: [Index(7)].into() }
    }

    fn of(indexes: &[u64]) -> Vec<Index> {
        indexes.iter().copied().map(Index).collect()
    }

    #[test]
    fn the_position_is_the_first_that_is_not_settled() {
        let mut books = Delivery::of(&row(10));
        assert_eq!(books.ahead(), &[Index(7)].into());
        books.hand_out(of(&[5, 9, 12]), Index(20), Micros(0));
        assert_eq!((books.position(), books.in_flight(), books.room()), (Index(5), 3, 6));
        books.acknowledge(Index(12)).unwrap();
        assert_eq!((books.position(), books.room()), (Index(5), 6), "12 waits for 5 and 9");
        books.acknowledge(Index(5)).unwrap();
        let written = books.settlement();
        assert_eq!((written.position, written.settled), (Index(9), of(&[12, 5])));
        assert_eq!(written.ahead, [Index(12)].into(), "7 is below the position now");
        books.acknowledge(Index(9)).unwrap();
        assert_eq!(books.settlement().position, Index(20), "nothing else matched up to there");
        assert_eq!((books.room(), books.has_moved()), (10, false));
    }

    #[test]
    fn through_settles_all_below_and_twice_is_once() {
        let mut books = Delivery::of(&row(10));
        books.hand_out(of(&[5, 9, 12]), Index(20), Micros(0));
        assert_eq!(books.acknowledge_through(Index(20)), Err(NotInFlight(Index(20))), "nobody has seen 20 yet");
        books.acknowledge_through(Index(10)).unwrap();
        books.acknowledge(Index(9)).unwrap();
        assert_eq!(books.acknowledge(Index(21)), Err(NotInFlight(Index(21))));
        assert_eq!(books.settlement().settled, of(&[5, 9]));
    }

    #[test]
    fn parked_events_are_settled_and_come_again() {
        let mut books = Delivery::of(&row(10));
        let why = || ParkReason::new("why").unwrap();
        books.hand_out(of(&[5, 9]), Index(20), Micros(0));
        books.park(Index(5), why()).unwrap();
        assert_eq!(books.park(Index(5), why()), Err(NotInFlight(Index(5))));
        let written = books.settlement();
        assert_eq!((written.position, written.parked), (Index(9), vec![(Index(5), why())]));
        books.hand_again(of(&[5, 3]), Micros(1));
        assert_eq!((books.position(), books.in_flight()), (Index(9), 3));
        books.acknowledge(Index(5)).unwrap();
        books.park(Index(3), why()).unwrap();
        let written = books.settlement();
        assert_eq!((written.released, written.parked), (of(&[5]), vec![(Index(3), why())]));
        assert_eq!(books.held(), [Index(3), Index(5)].into(), "until their rows are written");
        books.written(written.settled);
        assert!(books.held().is_empty());
    }

    #[test]
    fn the_oldest_lease_counts_and_can_be_extended() {
        let mut books = Delivery::of(&row(2));
        assert_eq!(books.lease_ends(), None);
        books.hand_out(of(&[5]), Index(6), Micros(1_000));
        books.hand_again(of(&[2]), Micros(500));
        assert_eq!(books.lease_ends(), Some(Micros(10_500)));
        books.extend(Micros(3_000));
        assert_eq!(books.lease_ends(), Some(Micros(13_000)));
    }

    #[test]
    fn an_unsettled_first_event_bounds_what_is_settled_behind_it() {
        let mut books = Delivery::of(&SubscriptionRow { ahead: BTreeSet::new(), ..row(4) });
        let mut next = 5;
        while books.room() > 0 {
            books.hand_out([Index(next)], Index(next + 1), Micros(0));
            if next > 5 {
                books.acknowledge(Index(next)).unwrap();
            }
            next += 1;
        }
        assert_eq!((books.position(), books.settlement().ahead.len()), (Index(5), 3));
    }
}
