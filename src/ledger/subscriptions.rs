//! Persistent subscriptions as callers see them: made, looked at, consumed, deleted. One consumer at a time; it goes on
//! where the stored position says, and what was not settled durably is delivered again. The rows are written by the
//! settler alone.

use crate::domain::SubscriptionName;
use crate::ledger::bodies::Bodies;
use crate::ledger::delivery::{Delivery, Settlement};
use crate::ledger::error::{ReadError, SubscriptionError};
use crate::ledger::follow::{Portion, Stretch};
use crate::ledger::reader::{Reader, StoredEvent};
use crate::ledger::seats::Seat;
use crate::ledger::settler::{Change, Replay};
use crate::ledger::subscription::{ParkState, ParkedRow, SubscriptionId, SubscriptionRow, SubscriptionSpec};
use crate::ledger::writer::Ledger;
use crate::record::entropy;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::Index;
use std::collections::BTreeSet;

/// How a subscription stands.
#[derive(Clone, Debug)]
pub struct SubscriptionStatus {
    /// Its name.
    pub name: SubscriptionName,
    /// What is stored of it.
    pub row: SubscriptionRow,
    /// Events that are parked.
    pub parked: usize,
    /// Events in the hands of its consumer; none if nobody consumes it.
    pub in_flight: Option<usize>,
    /// The tree that it is compared with.
    pub head: TreeHead,
}

/// What a consumer is given next.
#[derive(Clone, Debug)]
pub enum Given {
    /// Parked events, once more, and whether there may be others.
    Again {
        /// The events.
        events: Vec<StoredEvent>,
        /// More wait.
        more: bool,
    },
    /// The next part of the log.
    Fresh(Stretch),
}

/// What a consumer wants next.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The subscription.
    pub id: SubscriptionId,
    /// What it follows.
    pub spec: SubscriptionSpec,
    /// Where its next look at the log begins.
    pub cursor: Index,
    /// Whether parked events may wait to be delivered again, and which of them the consumer holds already.
    pub again: Option<BTreeSet<Index>>,
    /// What was settled by an earlier consumer.
    pub ahead: BTreeSet<Index>,
    /// Whether bodies are wanted.
    pub bodies: Bodies,
    /// How much at most.
    pub portion: Portion,
}

/// The one who consumes a subscription; the seat is free again when this is dropped.
pub struct Consumer {
    /// The subscription's name.
    pub name: SubscriptionName,
    /// Which one of that name.
    pub id: SubscriptionId,
    /// What is followed.
    pub spec: SubscriptionSpec,
    /// What was handed out, and what became of it.
    pub books: Delivery,
    /// Tells what must be heard.
    pub seat: Seat,
}

impl Ledger {
    /// Makes a subscription; durable when this returns.
    pub async fn create_subscription(
        &self,
        name: SubscriptionName,
        spec: SubscriptionSpec,
    ) -> Result<(), SubscriptionError> {
        let size = self.reader.head().size;
        if spec.start.0 > size.0 {
            return Err(ReadError::OutsideTree { size }.into());
        }
        let row = SubscriptionRow {
            id: SubscriptionId(entropy::array()?),
            created: self.shared.clock.wall(),
            position: spec.start,
            spec,
            ahead: BTreeSet::new(),
        };
        self.shared.settler.ask(|reply| Change::Create { name, row, reply }).await
    }

    /// Deletes a subscription and what it parked; its consumer is told.
    pub async fn delete_subscription(&self, name: SubscriptionName) -> Result<(), SubscriptionError> {
        self.shared.settler.ask(|reply| Change::Delete { name, reply }).await
    }

    /// Lets parked events be delivered again; how many.
    pub async fn replay_parked(&self, name: SubscriptionName, which: Replay) -> Result<usize, SubscriptionError> {
        self.shared.settler.ask(|reply| Change::Replay { name, which, reply }).await
    }

    /// Takes the consumer's seat.
    pub fn consume(&self, name: SubscriptionName) -> Result<Consumer, SubscriptionError> {
        let unknown = || SubscriptionError::Unknown(name.clone());
        let id = self.reader.subscription_row(&name)?.ok_or_else(unknown)?.id;
        let Some(seat) = self.shared.settler.seats.take(id) else {
            let lease_ms = self.reader.subscription_row(&name)?.ok_or_else(unknown)?.spec.terms.lease_ms;
            return Err(SubscriptionError::Consumed { name, lease_ms });
        };
        // Read with the seat in hand: the consumer before may have settled something at the last moment.
        let row = self.reader.subscription_row(&name)?.filter(|row| row.id == id).ok_or_else(unknown)?;
        Ok(Consumer { id, books: Delivery::of(&row), spec: row.spec, seat, name })
    }

    /// Makes a settlement of a consumer durable.
    pub async fn settle(
        &self,
        name: SubscriptionName,
        id: SubscriptionId,
        settlement: Settlement,
    ) -> Result<(), SubscriptionError> {
        self.shared.settler.ask(|reply| Change::Settle { name, id, settlement, reply }).await
    }
}

impl Reader {
    /// How a subscription stands.
    pub fn subscription(&self, name: &SubscriptionName) -> Result<SubscriptionStatus, SubscriptionError> {
        let row = self.subscription_row(name)?.ok_or_else(|| SubscriptionError::Unknown(name.clone()))?;
        Ok(SubscriptionStatus {
            name: name.clone(),
            parked: self.parked_rows(row.id)?.len(),
            in_flight: self.shared.settler.seats.in_flight(row.id),
            head: self.head(),
            row,
        })
    }

    /// Every subscription, by name.
    pub fn subscriptions(&self) -> Result<Vec<SubscriptionStatus>, SubscriptionError> {
        let mut found = Vec::new();
        for name in self.subscription_names()? {
            match self.subscription(&name) {
                Ok(status) => found.push(status),
                // Deleted since its name was read.
                Err(SubscriptionError::Unknown(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// What a subscription has parked, from an index on.
    pub fn parked(
        &self,
        name: &SubscriptionName,
        from: Index,
        limit: usize,
    ) -> Result<Vec<(Index, ParkedRow)>, SubscriptionError> {
        let row = self.subscription_row(name)?.ok_or_else(|| SubscriptionError::Unknown(name.clone()))?;
        let rows = self.parked_rows(row.id)?;
        Ok(rows.into_iter().filter(|(index, _)| *index >= from).take(limit).collect())
    }

    /// What a consumer is given next: parked events first, if any wait to be delivered again.
    pub fn give(&self, wanted: &Wanted) -> Result<Given, ReadError> {
        if let Some(held) = &wanted.again {
            let rows = self.parked_rows(wanted.id)?.into_iter();
            let mut waiting = rows
                .filter(|(index, row)| row.state == ParkState::Replaying && !held.contains(index))
                .map(|(index, _)| index);
            let (mut events, mut bytes) = (Vec::new(), 0usize);
            while events.len() < wanted.portion.events_max && bytes < wanted.portion.bytes_enough {
                let Some(index) = waiting.next() else { break };
                let event = self.event(index, wanted.bodies)?;
                bytes = bytes.saturating_add(event.bytes());
                events.push(event);
            }
            if !events.is_empty() {
                return Ok(Given::Again { events, more: waiting.next().is_some() });
            }
        }
        let mut stretch = self.stretch(&wanted.spec.filter, wanted.cursor, wanted.bodies, wanted.portion)?;
        stretch.events.retain(|event| !wanted.ahead.contains(&event.index));
        Ok(Given::Fresh(stretch))
    }
}
