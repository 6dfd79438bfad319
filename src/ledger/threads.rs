//! The threads of an open ledger, and how they end: when it is closed, when the last handle on it is dropped, and when
//! its store failed. None outlives the ledger, and with the last of them the store is let go.

use crate::clock::Stopwatch;
use crate::ledger::writer::Message;
use crate::limits;
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

/// Owned by the handles on a ledger together.
pub(super) struct Threads {
    // Joined by `close`, so that the folder can be opened again once the last handle is dropped.
    joins: Mutex<Vec<JoinHandle<()>>>,
    writer: SyncSender<Message>,
}

impl Threads {
    pub fn new(joins: Vec<JoinHandle<()>>, writer: SyncSender<Message>) -> Threads {
        Threads { joins: Mutex::new(joins), writer }
    }

    /// Takes over a thread that was started later.
    pub fn adopt(&self, handle: JoinHandle<()>) {
        self.joins.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
    }

    /// Asks the writer to finish what was accepted and to end; the others end after it.
    fn ask(&self) {
        // The channel outsizes the byte budget, so a full one means the writer is gone already.
        let _ = self.writer.try_send(Message::Close);
    }

    /// Blocks until all have ended, for at most `CLOSE_TIMEOUT`.
    pub fn close(&self) {
        self.ask();
        let started = Stopwatch::start();
        let mut joins = self.joins.lock().unwrap_or_else(PoisonError::into_inner);
        while !joins.iter().all(JoinHandle::is_finished) && started.seconds() < limits::CLOSE_TIMEOUT.as_secs_f64() {
            // The signer sleeps between rounds; the others wake by themselves.
            joins.iter().for_each(|thread| thread.thread().unpark());
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        for thread in joins.drain(..).filter(JoinHandle::is_finished) {
            // A thread that panicked has nothing left to say; its panic stands in the log.
            let _ = thread.join();
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.ask();
    }
}
