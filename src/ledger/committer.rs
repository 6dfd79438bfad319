//! The committer: makes what the writer built durable, moves the anchor, shows it to readers and answers producers, in
//! that order. If we crash while it syncs, opening finds either all of the commit or none. It never looks at a frame.

use crate::ledger::commit::FinishedCommit;
use crate::ledger::error::{AppendError, StopReason};
use crate::ledger::placement::Answer;
use crate::ledger::writer::Shared;
use crate::limits;
use crate::plant::Bug;
use crate::store::{AnchorSet, Batch};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// Who waits for an answer.
pub(super) struct Producer {
    pub reply: oneshot::Sender<Answer>,
    // Returned to the byte budget when the answer is given.
    pub _room: OwnedSemaphorePermit,
}

impl Producer {
    /// A producer that went away has its answer in the log.
    pub fn answer(self, answer: Answer) {
        let _ = self.reply.send(answer);
    }
}

/// Answers that wait for a commit to become durable.
pub(super) type Answers = Vec<(Producer, Answer)>;

/// What the writer hands over: a commit, unless all of its answers are refusals and repeats, and the answers.
pub(super) type Handover = (Option<FinishedCommit>, Answers);

/// The thread that makes commits durable, one after the other.
pub(super) struct Committer {
    shared: Arc<Shared>,
    anchors: AnchorSet,
    // Empty batches with the room of commits that are durable; two at most, as many as the writer has in hands.
    spare: Mutex<Vec<Batch>>,
}

impl Committer {
    pub fn new(shared: Arc<Shared>, anchors: AnchorSet) -> Committer {
        Committer { shared, anchors, spare: Mutex::default() }
    }

    /// An empty batch for the next commit.
    pub fn spare_batch(&self) -> Batch {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Runs until the writer ends or a commit fails.
    pub fn run(&self, commits: &Receiver<Handover>) {
        while let Ok((commit, answers)) = commits.recv() {
            let Some(answers) = self.commit(commit, answers) else { return };
            // The next commit is handed over before the answers are, so that the disk does not wait for them.
            self.shared.committer_idle();
            answers.into_iter().for_each(|(producer, answer)| producer.answer(answer));
        }
    }

    /// Does the same on the writer's own thread, for a frame that came alone: waking another thread would cost it more
    /// than the writer has to do meanwhile. False if the commit failed.
    pub fn settle(&self, (commit, answers): Handover) -> bool {
        let Some(answers) = self.commit(commit, answers) else { return false };
        answers.into_iter().for_each(|(producer, answer)| producer.answer(answer));
        true
    }

    /// The answers, if they may be given.
    fn commit(&self, commit: Option<FinishedCommit>, mut answers: Answers) -> Option<Answers> {
        if Bug::AckBeforeSync.planted() {
            answers.drain(..).for_each(|(producer, answer)| producer.answer(answer));
        }
        // After any failure, even one of the head signer, nothing more is synced: a later success would prove nothing.
        let durable = match self.shared.stopped() {
            Some(StopReason::Failed(reason)) => Err(reason),
            Some(StopReason::Closed) | None => commit.map_or(Ok(()), |commit| self.make_durable(commit)),
        };
        let Err(reason) = durable else { return Some(answers) };
        self.shared.fail(reason);
        answers.into_iter().for_each(|(producer, _)| producer.answer(Err(AppendError::StorageFailed)));
        None
    }

    fn make_durable(&self, mut commit: FinishedCommit) -> Result<(), String> {
        let started = crate::clock::Stopwatch::start();
        // Crash before this returns: all of the batch is found at opening, or none; nobody was told.
        if Bug::PublishBeforeSync.planted() {
            self.shared.published.send_replace(Arc::new(commit.published.clone()));
        }
        self.shared.store.commit(&commit.batch).map_err(|error| error.to_string())?;
        // Crash here: the store is one commit ahead of the anchor, which opening checks and accepts.
        if !Bug::AnchorLeftBehind.planted() {
            self.anchors.advance(&commit.anchor_from, &commit.anchor_to).map_err(|error| error.to_string())?;
        }
        // Crash here: durable and anchored, unanswered; retries are answered from the event-id rows.
        metrics::histogram!("deedbook_commit_seconds").record(started.seconds());
        metrics::counter!("deedbook_events_appended_total").increment(u64::try_from(commit.events).unwrap_or(0));
        // Shows the commit to readers and wakes who follows. Without followers this is nine uncontended locks, at most
        // a microsecond beside a sync of 200. A follower that is not waiting, because it reads, sends, rests or is
        // stalled, is not woken and costs nothing here; it finds the new size when it looks next.
        self.shared.published.send_replace(Arc::new(commit.published));
        self.shared.waiters.changed(&commit.actions);
        if commit.erases {
            self.shared.wake_eraser.erased();
        }
        commit.batch.clear();
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < limits::BATCHES_KEPT_MAX {
            spare.push(commit.batch);
        }
        Ok(())
    }
}

/// Whose turn it is: the committer's from the hand-over of a commit until it is durable. A wake-up is sent only when
/// the writer asked for one; each side writes its own flag before it reads the other's, so that none is lost.
pub(super) struct Turn {
    free: AtomicBool,
    wanted: AtomicBool,
}

impl Default for Turn {
    fn default() -> Turn {
        Turn { free: AtomicBool::new(true), wanted: AtomicBool::new(false) }
    }
}

impl Turn {
    /// Whether a commit may be handed over. If not, the writer is told when it may.
    pub fn is_free(&self) -> bool {
        self.wanted.store(true, Ordering::SeqCst);
        self.free.load(Ordering::SeqCst)
    }

    /// The committer has the turn.
    pub fn take(&self) {
        self.free.store(false, Ordering::SeqCst);
        self.wanted.store(false, Ordering::SeqCst);
    }

    /// The committer is done; whether the writer waits to hear of it.
    pub fn give_back(&self) -> bool {
        self.free.store(true, Ordering::SeqCst);
        self.wanted.swap(false, Ordering::SeqCst)
    }
}
