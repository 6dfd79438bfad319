//! The writer, and the handle through which everybody appends.
//!
//! The writer thread owns the fold and builds a commit from whatever waits; the committer thread makes the commit
//! before it durable meanwhile. If we crash while building, nothing happened. If we crash while syncing, opening finds
//! either all of the commit or none, and the producers' retries find out which. After the anchor moved, the commit is
//! acknowledged for ever; only then do readers see it and producers hear of it.

use crate::clock::{Clock, Reading};
use crate::ledger::admit::{AdmissionView, CheckedFrame, admit};
use crate::ledger::approval::{Preparer, Waiters, place_due};
use crate::ledger::building::Building;
use crate::ledger::committer::{Committer, Handover, Producer, Turn};
use crate::ledger::disk::Disk;
use crate::ledger::error::{AppendError, StopReason};
use crate::ledger::graph::Lineage;
use crate::ledger::head::Head;
use crate::ledger::names::KnownIds;
use crate::ledger::place::place_work;
use crate::ledger::placement::{Answer, Ticket};
use crate::ledger::purge;
use crate::ledger::reader::Reader;
use crate::ledger::runs::Runs;
use crate::ledger::settler::Settler;
use crate::ledger::state::{PlaceError, Published, State};
use crate::ledger::status::is_adrift;
use crate::ledger::threads::Threads;
use crate::ledger::work::Work;
use crate::limits;
use crate::record::FrameBytes;
use crate::store::{AnchorSet, Store};
use deedbook_verify::facts::Facts;
use deedbook_verify::hash::RefKey;
use deedbook_verify::kind::Author;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::Index;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvError, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot, watch};

pub(super) struct Job {
    work: Work,
    producer: Producer,
}

pub(super) enum Message {
    /// Frames that arrived together, in their order.
    Jobs(Vec<Job>),
    CommitterIdle,
    Failed,
    Close,
}

/// What all handles share.
pub(super) struct Shared {
    pub store: Arc<dyn Store>,
    /// Replaced by the committer alone. Followers wait on it, so that showing a state and waking them are one step.
    pub published: watch::Sender<Arc<Published>>,
    pub clock: Clock,
    pub ref_key: RefKey,
    /// Makes the ids of events that come in unsigned.
    pub import_id_key: [u8; 32],
    pub anchors: usize,
    pub opened: Reading,
    pub wake_eraser: purge::Wake,
    /// The way to the thread that writes rows of persistent subscriptions.
    pub settler: Settler,
    /// What principals are called, as far as it was asked.
    pub ids: KnownIds,
    /// The lineage graph, once somebody asked for it.
    pub lineage: Lineage,
    /// Who waits for actions to change.
    pub waiters: Arc<Waiters>,
    /// How the computed tests stand that run beside the log.
    pub runs: Runs,
    turn: Turn,
    pub room: Arc<Semaphore>,
    messages: SyncSender<Message>,
    stop: watch::Sender<Option<StopReason>>,
    pub disk: Disk,
}

impl Shared {
    /// The state that readers see.
    pub fn published(&self) -> Arc<Published> {
        Arc::clone(&self.published.borrow())
    }

    /// Marks the ledger as failed, and wakes the writer, so that it drops what waits; the first reason wins.
    pub fn fail(&self, reason: String) {
        if self.end(StopReason::Failed(reason.clone())) {
            tracing::error!(%reason, "the store failed: stopping; restart, opening recovers what was durable");
        }
        // The channel outsizes the byte budget; a full one means that the writer is gone already.
        let _ = self.messages.try_send(Message::Failed);
    }

    /// Says why the ledger stops, unless something else was said before; every thread that waits for work then ends.
    fn end(&self, why: StopReason) -> bool {
        let first = self.stop.send_if_modified(|stop| {
            let first = stop.is_none();
            stop.get_or_insert(why);
            first
        });
        self.wake_eraser.wake();
        first
    }

    /// Lets the writer hand over the next commit, and wakes it if it waits for that.
    pub fn committer_idle(&self) {
        if self.turn.give_back() {
            let _ = self.messages.try_send(Message::CommitterIdle);
        }
    }

    /// Why the ledger stopped, if it did.
    pub fn stopped(&self) -> Option<StopReason> {
        self.stop.borrow().clone()
    }
}

/// A handle on an open ledger; clones are cheap.
#[derive(Clone)]
pub struct Ledger {
    pub(super) shared: Arc<Shared>,
    pub(super) reader: Reader,
    // Joined by `close`, so that the folder can be opened again once the last handle is dropped.
    pub(super) threads: Arc<Threads>,
}

impl Ledger {
    /// Starts the writer and committer threads over a recovered state.
    pub(super) fn start(
        state: State,
        store: Arc<dyn Store>,
        anchors: AnchorSet,
        clock: Clock,
        head: Head,
        (ref_key, import_id_key): (RefKey, [u8; 32]),
    ) -> std::io::Result<Ledger> {
        let (messages, inbox) = sync_channel(limits::QUEUE_JOBS_MAX);
        let (settler, changes) = Settler::new();
        let shared = Arc::new(Shared {
            store: Arc::clone(&store),
            published: watch::Sender::new(Arc::new(state.published())),
            opened: clock.read(),
            clock,
            ref_key,
            import_id_key,
            anchors: anchors.len(),
            wake_eraser: purge::Wake::default(),
            settler,
            ids: KnownIds::default(),
            lineage: Lineage::default(),
            waiters: Arc::new(Waiters::default()),
            runs: Runs::default(),
            turn: Turn::default(),
            room: Arc::new(Semaphore::new(limits::QUEUE_BYTES_MAX)),
            messages,
            stop: watch::Sender::new(None),
            disk: Disk::new(store.as_ref()),
        });
        let reader = Reader::new(Arc::clone(&shared), head, state.number);
        let (commits, to_sync) = sync_channel::<Handover>(1);
        let committer = Arc::new(Committer::new(Arc::clone(&shared), anchors));
        let backlog = VecDeque::new();
        let number = state.number;
        let folder = state.lineage.spawn(Arc::clone(&shared.store))?;
        let writer = Writer { state, shared: Arc::clone(&shared), committer: Arc::clone(&committer), commits, backlog };
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let threads = vec![
            thread("committer").spawn(move || committer.run(&to_sync))?,
            thread("writer").spawn(move || writer.run(&inbox))?,
            folder,
            crate::ledger::head::spawn_signer(reader.clone(), Arc::clone(&shared))?,
            purge::spawn(Arc::clone(&shared), number)?,
            crate::ledger::settler::spawn(Arc::clone(&shared), reader.clone(), changes)?,
        ];
        let threads = Threads::new(threads, shared.messages.clone());
        Ok(Ledger { shared, reader, threads: Arc::new(threads) })
    }

    /// Checks everything about a frame that needs no order. About 40 microseconds for the signature, and the hashing.
    pub fn admit(&self, frame: FrameBytes) -> Result<CheckedFrame, AppendError> {
        self.shared.disk.has_room()?;
        let published = self.shared.published();
        let head_at = |seen: &TreeHead| self.reader.had_head(seen);
        let base = Index(published.head.size.0);
        let find = |source, id| self.reader.find(source, id).map_err(|_| AppendError::StorageFailed);
        let (authority, refs) = (&published.authority, &self.shared.ref_key);
        let body = frame.events.first().and_then(|event| Some(event.salt_and_body.as_ref()?.1.clone()));
        let view = AdmissionView { authority, refs, base, head_at: &head_at, find: &find };
        let mut checked = admit(&view, frame)?;
        if let Some(event) = checked.events.first().filter(|_| checked.kind.author() == Author::Asker) {
            let facts = Facts::parse(&event.facts)?;
            let preparer = Preparer { reader: &self.reader, published: &published };
            checked.prepared = preparer.prepare(&facts, body.as_deref())?.map(Box::new);
        }
        Ok(checked)
    }

    /// Queues a frame, waiting for room in the byte budget; calls from one task keep their order.
    pub async fn submit(&self, frame: CheckedFrame) -> Result<Ticket, AppendError> {
        self.submit_all(vec![frame]).await?.pop().ok_or(AppendError::Closed)
    }

    /// Queues frames together, in their order: the writer is woken once.
    pub async fn submit_all(&self, frames: Vec<CheckedFrame>) -> Result<Vec<Ticket>, AppendError> {
        self.queue_all(frames.into_iter().map(Work::Frame).collect()).await
    }

    /// The same for whatever is to be placed.
    pub(super) async fn queue_all(&self, works: Vec<Work>) -> Result<Vec<Ticket>, AppendError> {
        let total: usize = works.iter().map(Work::cost_bytes).fold(0, usize::saturating_add);
        let permits = u32::try_from(total.min(limits::QUEUE_BYTES_MAX)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.shared.room).acquire_many_owned(permits).await;
        let mut room = room.map_err(|_| AppendError::Closed)?;
        let (mut jobs, mut tickets) = (Vec::with_capacity(works.len()), Vec::with_capacity(works.len()));
        for work in works {
            let (reply, ticket) = oneshot::channel();
            let share = room.split(work.cost_bytes().min(room.num_permits())).ok_or(AppendError::Closed)?;
            jobs.push(Job { work, producer: Producer { reply, _room: share } });
            tickets.push(Ticket(ticket));
        }
        if self.shared.stopped().is_some() {
            return Err(AppendError::Closed);
        }
        match self.shared.messages.try_send(Message::Jobs(jobs)) {
            Ok(()) => Ok(tickets),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(AppendError::Closed),
        }
    }

    /// Admits, queues and waits: the whole way of one frame.
    pub async fn append(&self, frame: FrameBytes) -> Answer {
        for _ in 0..limits::PREPARE_TRIES_MAX {
            let checked = self.admit(frame.clone())?;
            match self.submit(checked).await?.placement().await {
                // Policies or principals changed between the evaluation and the command's turn: it is evaluated anew.
                Err(AppendError::BasisMoved) => {}
                answer => return answer,
            }
        }
        Err(AppendError::BasisMoved)
    }

    /// Reads.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Resolves when the writer has stopped.
    pub async fn stopped(&self) -> StopReason {
        let mut stop = self.shared.stop.subscribe();
        let reason = stop.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        reason.unwrap_or(StopReason::Closed)
    }

    /// Makes everything that was accepted durable, then stops. Blocks for at most `CLOSE_TIMEOUT`.
    pub fn close(&self) {
        self.threads.close();
    }
}

/// The thread that owns the fold.
struct Writer {
    state: State,
    shared: Arc<Shared>,
    committer: Arc<Committer>,
    commits: SyncSender<Handover>,
    // Bounded by the byte budget: every job in it holds its share.
    backlog: VecDeque<Job>,
}

impl Writer {
    fn run(mut self, inbox: &Receiver<Message>) {
        let (mut building, mut closing) = (Building::default(), false);
        while let Ok(first) = self.wait(inbox) {
            let mut messages = 0usize;
            for message in first.into_iter().chain(std::iter::from_fn(|| inbox.try_recv().ok())) {
                messages = messages.saturating_add(1);
                match message {
                    Message::Jobs(jobs) => self.backlog.extend(jobs),
                    Message::CommitterIdle => {}
                    Message::Close => closing = true,
                    Message::Failed => return,
                }
            }
            let mut alone = messages == 1 && self.backlog.len() == 1 && building.is_empty();
            loop {
                if let Err(error) = self.place_backlog(&mut building) {
                    return self.shared.fail(error);
                }
                // Asked with every wait: whoever waits unasked for the turn is never woken.
                let has_turn = !building.is_empty() && self.shared.turn.is_free();
                let (store, committer) = (self.shared.store.as_ref(), self.committer.as_ref());
                let handover = match has_turn {
                    true => building.next(&mut self.state, store, committer).map(Some),
                    false => match building.close_full(&mut self.state, store, committer) {
                        Ok(true) => continue,
                        Ok(false) => Ok(None),
                        Err(error) => Err(error),
                    },
                };
                let handover = match handover {
                    Ok(Some(handover)) => handover,
                    Ok(None) => break,
                    Err(error) => return self.shared.fail(error.to_string()),
                };
                if !(if alone { self.committer.settle(handover) } else { self.hand_over(handover) }) {
                    return;
                }
                // Room again: what did not fit goes into the next commit while this one syncs.
                alone = false;
            }
            if closing && building.is_empty() && self.backlog.is_empty() && self.shared.turn.is_free() {
                self.shared.end(StopReason::Closed);
                return;
            }
        }
    }

    /// The next message; none: a deadline has come. While the clock is adrift deadlines rest like everything else.
    fn wait(&self, inbox: &Receiver<Message>) -> Result<Option<Message>, RecvError> {
        let Some((deadline, _)) = self.state.actions.deadlines.first() else { return inbox.recv().map(Some) };
        let left = Duration::from_micros(deadline.0.saturating_sub(self.shared.clock.wall().0));
        match inbox.recv_timeout(left.clamp(limits::DEADLINE_WAIT_MIN, limits::DEADLINE_WAIT_MAX)) {
            Ok(message) => Ok(Some(message)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(RecvError),
        }
    }

    /// Gives a commit to the committer; false if it is gone.
    fn hand_over(&self, handover: Handover) -> bool {
        self.shared.turn.take();
        self.commits.send(handover).is_ok()
    }

    /// Places what waits while there is room. Refusals wait for the commit too: they may rest on frames in it.
    fn place_backlog(&mut self, building: &mut Building) -> Result<(), String> {
        let Building { commit, answers, .. } = building;
        if self.backlog.is_empty() && self.state.actions.deadlines.len() == 0 {
            return Ok(());
        }
        let reading = self.shared.clock.read();
        let drift_ms = reading.drift_ms_since(&self.shared.opened);
        if !is_adrift(drift_ms) {
            let store = self.shared.store.as_ref();
            place_due(&mut self.state, store, commit, reading.wall).map_err(|error| match error {
                PlaceError::Fatal(error) => error.to_string(),
                PlaceError::Refused(refusal) => refusal.to_string(),
            })?;
        }
        while commit.has_room() && !self.backlog.is_empty() {
            let jobs = self.next_jobs();
            if is_adrift(drift_ms) {
                answers.extend(jobs.into_iter().map(|job| (job.producer, Err(AppendError::ClockDrift { drift_ms }))));
                continue;
            }
            let works: Vec<&Work> = jobs.iter().map(|job| &job.work).collect();
            let store = self.shared.store.as_ref();
            let stored = self.state.look_up(store, &works).map_err(|error| error.to_string())?;
            let mut looked_up = jobs.into_iter().zip(stored);
            while commit.has_room()
                && let Some((Job { work, producer }, stored)) = looked_up.next()
            {
                match place_work(&mut self.state, store, commit, (&work, &stored), reading.wall) {
                    Ok(placement) => answers.push((producer, Ok(placement))),
                    Err(PlaceError::Refused(refusal)) => answers.push((producer, Err(refusal))),
                    Err(PlaceError::Fatal(error)) => return Err(error.to_string()),
                }
            }
            looked_up.rev().for_each(|(job, _)| self.backlog.push_front(job));
        }
        Ok(())
    }

    /// The next jobs of the backlog, as many as are looked up together.
    fn next_jobs(&mut self) -> Vec<Job> {
        let (mut jobs, mut events) = (Vec::new(), 0usize);
        while events < limits::LOOK_UP_EVENTS_MAX {
            let Some(job) = self.backlog.pop_front() else { break };
            events = events.saturating_add(job.work.count());
            jobs.push(job);
        }
        jobs
    }
}
