//! The settler: the one thread that writes the rows of persistent subscriptions, beside the writer and never an entry.
//! Consumers settle in groups: what arrives within `SETTLE_GROUP` shares one synced batch, so that they cost the disk
//! at most a hundred syncs a second, however many they are. If we crash before a group is synced, its events are
//! delivered again; nothing else rests on these rows.

use crate::domain::{ParkReason, SubscriptionName};
use crate::ledger::delivery::Settlement;
use crate::ledger::error::{ReadError, StopReason, SubscriptionError};
use crate::ledger::reader::Reader;
use crate::ledger::seats::Seats;
use crate::ledger::subscription::{ParkState, ParkedRow, SubscriptionId, SubscriptionRow};
use crate::ledger::writer::Shared;
use crate::limits;
use crate::store::keys;
use crate::store::{Batch, Direction};
use deedbook_verify::words::Index;
use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::{JoinHandle, Thread};
use tokio::sync::oneshot;

/// Who waits for a change.
pub(super) type Reply<T> = oneshot::Sender<Result<T, SubscriptionError>>;

/// Which parked events are delivered again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replay {
    /// All of them.
    All,
    /// These; each must be parked.
    These(BTreeSet<Index>),
}

/// A change of the rows.
pub(super) enum Change {
    Create { name: SubscriptionName, row: SubscriptionRow, reply: Reply<()> },
    Delete { name: SubscriptionName, reply: Reply<()> },
    Replay { name: SubscriptionName, which: Replay, reply: Reply<usize> },
    Settle { name: SubscriptionName, id: SubscriptionId, settlement: Settlement, reply: Reply<()> },
}

impl Change {
    fn name(&self) -> &SubscriptionName {
        match self {
            Change::Create { name, .. }
            | Change::Delete { name, .. }
            | Change::Replay { name, .. }
            | Change::Settle { name, .. } => name,
        }
    }

    /// Whoever waits may be gone.
    fn refuse(self, error: SubscriptionError) {
        match self {
            Change::Create { reply, .. } | Change::Delete { reply, .. } | Change::Settle { reply, .. } => {
                let _ = reply.send(Err(error));
            }
            Change::Replay { reply, .. } => {
                let _ = reply.send(Err(error));
            }
        }
    }
}

/// The way to the thread.
pub(super) struct Settler {
    /// Who consumes.
    pub seats: Arc<Seats>,
    changes: SyncSender<Change>,
    thread: OnceLock<Thread>,
}

impl Settler {
    /// The way, and its end for the thread.
    pub fn new() -> (Settler, Receiver<Change>) {
        let (changes, inbox) = sync_channel(limits::SETTLE_QUEUE_MAX);
        (Settler { seats: Arc::default(), changes, thread: OnceLock::new() }, inbox)
    }

    /// Asks for a change, and waits until it is durable or refused.
    pub async fn ask<T>(&self, change: impl FnOnce(Reply<T>) -> Change) -> Result<T, SubscriptionError> {
        let (reply, answer) = oneshot::channel();
        // The channel outsizes all who may wait at once; a full one means that the thread is gone.
        self.changes.try_send(change(reply)).map_err(|_| SubscriptionError::Closed)?;
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
        answer.await.unwrap_or(Err(SubscriptionError::Closed))
    }
}

/// Starts the thread. It ends when the ledger stops; what waits then is refused, and is delivered again later.
pub(super) fn spawn(shared: Arc<Shared>, reader: Reader, inbox: Receiver<Change>) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("settler".to_owned()).spawn(move || {
        // Set once: there is one such thread.
        let _ = shared.settler.thread.set(std::thread::current());
        while shared.stopped().is_none() {
            let Ok(first) = inbox.try_recv() else {
                std::thread::park_timeout(limits::SETTLE_IDLE);
                continue;
            };
            std::thread::sleep(limits::SETTLE_GROUP);
            let mut round = Round::new(&shared, &reader);
            for change in std::iter::once(first).chain(inbox.try_iter().take(limits::SETTLE_QUEUE_MAX)) {
                round.stage(change);
            }
            round.commit();
        }
        inbox.try_iter().for_each(|change| change.refuse(SubscriptionError::Closed));
    })
}

/// Who waits for the batch, and what a good answer says.
enum Answer {
    Done(Reply<()>),
    Count(Reply<usize>, usize),
}

impl Answer {
    fn give(self, outcome: Result<(), SubscriptionError>) {
        // Whoever waits may be gone.
        match self {
            Answer::Done(reply) => {
                let _ = reply.send(outcome);
            }
            Answer::Count(reply, count) => {
                let _ = reply.send(outcome.map(|()| count));
            }
        }
    }
}

/// What a consumer is told once the batch is durable.
enum News {
    Deleted,
    Replayed,
}

/// Changes that share a batch. Each is judged by the stored rows, so no two of one subscription share one.
struct Round<'s> {
    shared: &'s Shared,
    reader: &'s Reader,
    batch: Batch,
    touched: HashSet<SubscriptionName>,
    answers: Vec<Answer>,
    news: Vec<(SubscriptionId, News)>,
}

impl<'s> Round<'s> {
    fn new(shared: &'s Shared, reader: &'s Reader) -> Round<'s> {
        let (batch, touched) = (Batch::new(), HashSet::new());
        Round { shared, reader, batch, touched, answers: Vec::new(), news: Vec::new() }
    }

    fn stage(&mut self, change: Change) {
        if self.touched.contains(change.name()) || matches!(change, Change::Create { .. }) {
            self.commit();
        }
        self.touched.insert(change.name().clone());
        let free_bytes = self.shared.store.free_bytes().unwrap_or(u64::MAX);
        if free_bytes < limits::DISK_FREE_BYTES_MIN && !matches!(change, Change::Delete { .. }) {
            return change.refuse(SubscriptionError::DiskLow { free_bytes });
        }
        let staged = match change {
            Change::Create { name, row, reply } => answer(self.create(&name, &row), reply, Answer::Done),
            Change::Delete { name, reply } => answer(self.delete(&name), reply, Answer::Done),
            Change::Settle { name, id, settlement, reply } => {
                answer(self.settle(&name, id, settlement), reply, Answer::Done)
            }
            Change::Replay { name, which, reply } => match self.replay(&name, &which) {
                Ok(count) => Some(Answer::Count(reply, count)),
                Err(error) => answer(Err(error), reply, |reply| Answer::Count(reply, 0)),
            },
        };
        self.answers.extend(staged);
    }

    fn create(&mut self, name: &SubscriptionName, row: &SubscriptionRow) -> Result<(), SubscriptionError> {
        if self.reader.subscription_row(name)?.is_some() {
            return Err(SubscriptionError::Exists(name.clone()));
        }
        if self.reader.subscription_names()?.len() >= limits::SUBSCRIPTIONS_MAX {
            return Err(SubscriptionError::TooMany);
        }
        self.batch.put(keys::subscription(self.reader.number, name.as_str()).as_slice(), &row.to_bytes());
        Ok(())
    }

    fn delete(&mut self, name: &SubscriptionName) -> Result<(), SubscriptionError> {
        let row = self.stored(name)?;
        for (index, _) in self.reader.parked_rows(row.id)? {
            self.batch.delete(keys::parked(self.reader.number, &row.id.0, index).as_slice());
        }
        self.batch.delete(keys::subscription(self.reader.number, name.as_str()).as_slice());
        self.news.push((row.id, News::Deleted));
        Ok(())
    }

    fn replay(&mut self, name: &SubscriptionName, which: &Replay) -> Result<usize, SubscriptionError> {
        let row = self.stored(name)?;
        let parked = self.reader.parked_rows(row.id)?;
        let chosen: Vec<(Index, ParkedRow)> = match which {
            Replay::All => parked,
            Replay::These(indexes) => {
                let there: BTreeSet<Index> = parked.iter().map(|(index, _)| *index).collect();
                if let Some(missing) = indexes.difference(&there).next() {
                    return Err(SubscriptionError::NotParked(*missing));
                }
                parked.into_iter().filter(|(index, _)| indexes.contains(index)).collect()
            }
        };
        for (index, parked) in &chosen {
            let value = ParkedRow { state: ParkState::Replaying, ..parked.clone() };
            self.batch.put(keys::parked(self.reader.number, &row.id.0, *index).as_slice(), &value.to_bytes());
        }
        self.news.push((row.id, News::Replayed));
        Ok(chosen.len())
    }

    fn settle(
        &mut self,
        name: &SubscriptionName,
        id: SubscriptionId,
        settlement: Settlement,
    ) -> Result<(), SubscriptionError> {
        let row = self.stored(name)?;
        if row.id != id {
            return Err(SubscriptionError::Unknown(name.clone()));
        }
        if !settlement.parked.is_empty() {
            self.park(id, &settlement.parked)?;
        }
        for index in &settlement.released {
            self.batch.delete(keys::parked(self.reader.number, &id.0, *index).as_slice());
        }
        let row = SubscriptionRow { position: settlement.position, ahead: settlement.ahead, ..row };
        self.batch.put(keys::subscription(self.reader.number, name.as_str()).as_slice(), &row.to_bytes());
        Ok(())
    }

    fn park(&mut self, id: SubscriptionId, parked: &[(Index, ParkReason)]) -> Result<(), SubscriptionError> {
        let before = self.reader.parked_rows(id)?;
        let of = |index: &Index| before.iter().find(|(known, _)| known == index).map(|(_, row)| row);
        let new = parked.iter().filter(|(index, _)| of(index).is_none()).count();
        if before.len().saturating_add(new) > limits::PARKED_MAX {
            return Err(SubscriptionError::ParkedTooMany);
        }
        for (index, reason) in parked {
            let row = ParkedRow {
                state: ParkState::Waiting,
                times: of(index).map_or(0, |row| row.times).saturating_add(1),
                parked: self.shared.clock.wall(),
                reason: reason.clone(),
            };
            self.batch.put(keys::parked(self.reader.number, &id.0, *index).as_slice(), &row.to_bytes());
        }
        Ok(())
    }

    fn stored(&self, name: &SubscriptionName) -> Result<SubscriptionRow, SubscriptionError> {
        self.reader.subscription_row(name)?.ok_or_else(|| SubscriptionError::Unknown(name.clone()))
    }

    /// Makes what was staged durable, and answers.
    fn commit(&mut self) {
        self.touched.clear();
        let batch = std::mem::take(&mut self.batch);
        let outcome = match self.shared.stopped() {
            // After any failure nothing more is synced; after closing nothing more is written.
            Some(StopReason::Failed(_)) => Err(SubscriptionError::StorageFailed),
            Some(StopReason::Closed) => Err(SubscriptionError::Closed),
            None if batch.is_empty() => Ok(()),
            // Crash before this returns: all of the group or none of it, and nobody was told.
            None => self.shared.store.commit(&batch).map_err(|error| {
                self.shared.fail(error.to_string());
                SubscriptionError::StorageFailed
            }),
        };
        for (id, news) in std::mem::take(&mut self.news) {
            if outcome.is_ok() {
                self.shared.settler.seats.tell(id, |call| match news {
                    News::Deleted => call.deleted = true,
                    News::Replayed => call.replays = call.replays.wrapping_add(1),
                });
            }
        }
        std::mem::take(&mut self.answers).into_iter().for_each(|answer| answer.give(outcome.clone()));
    }
}

/// What is answered when the batch is durable; a refusal is answered at once.
fn answer<T>(
    outcome: Result<(), SubscriptionError>,
    reply: Reply<T>,
    then: impl FnOnce(Reply<T>) -> Answer,
) -> Option<Answer> {
    match outcome {
        Ok(()) => Some(then(reply)),
        Err(error) => {
            // Whoever waits may be gone.
            let _ = reply.send(Err(error));
            None
        }
    }
}

impl Reader {
    /// The row of a name, if there is one.
    pub(super) fn subscription_row(&self, name: &SubscriptionName) -> Result<Option<SubscriptionRow>, ReadError> {
        let row = self.shared.store.get(keys::subscription(self.number, name.as_str()).as_slice())?;
        let parse = |bytes: Vec<u8>| SubscriptionRow::parse(&bytes);
        row.map(parse).transpose().map_err(|error| ReadError::Corrupt(error.to_string()))
    }

    /// Every name, in order.
    pub(super) fn subscription_names(&self) -> Result<Vec<SubscriptionName>, ReadError> {
        let (range, mut names, mut broken) = (keys::subscriptions(self.number), Vec::new(), None);
        self.shared.store.scan(&range, Direction::Forward, &mut |key, _| {
            let name = key.get(range.from.len()..).and_then(|name| std::str::from_utf8(name).ok());
            match name.map(SubscriptionName::parse) {
                Some(Ok(name)) => names.push(name),
                Some(Err(_)) | None => broken = Some(ReadError::Corrupt("the name of a subscription".to_owned())),
            }
            ControlFlow::Continue(())
        })?;
        broken.map_or(Ok(names), Err)
    }

    /// What a subscription has parked, by index; at most `PARKED_MAX`.
    pub(super) fn parked_rows(&self, id: SubscriptionId) -> Result<Vec<(Index, ParkedRow)>, ReadError> {
        let (mut rows, mut broken) = (Vec::new(), None);
        let range = keys::parked_of(self.number, &id.0);
        self.shared.store.scan(&range, Direction::Forward, &mut |key, value| {
            match (keys::trailing_u64(key), ParkedRow::parse(value)) {
                (Some(index), Ok(row)) => rows.push((Index(index), row)),
                (_, parsed) => {
                    let what = parsed.err().map_or("the key of a parked event".to_owned(), |error| error.to_string());
                    broken = Some(ReadError::Corrupt(what));
                }
            }
            ControlFlow::Continue(())
        })?;
        broken.map_or(Ok(rows), Err)
    }
}
