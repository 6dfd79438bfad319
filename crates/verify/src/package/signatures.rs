//! Signatures of an interval, verified on all cores while the entries are read on: they take most of the time and need
//! nothing of what stands before them. What was folded in the meantime counts once all of them held.

use crate::frame::SignatureChecks;
use crate::limits;
use crate::package::code::{PackageCode, PackageRefusal};
use crate::words::Index;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

type Check = (Index, SignatureChecks);

/// Frames that are handed over together: waking a thread costs as much as a part of a signature.
const HANDFUL: usize = 16;

/// The threads, and the first frame that failed so far.
pub struct Signatures {
    sender: SyncSender<Vec<Check>>,
    /// Frames that are not handed over yet.
    gathered: Vec<Check>,
    threads: Vec<JoinHandle<()>>,
    failed: Arc<Mutex<Option<Index>>>,
    /// Frames that were handed over.
    pub count: u64,
}

impl Signatures {
    /// One thread for each core.
    pub fn start() -> Signatures {
        let (sender, receiver) = sync_channel::<Vec<Check>>(limits::SIGNATURES_WAITING_MAX / HANDFUL);
        let (receiver, failed) = (Arc::new(Mutex::new(receiver)), Arc::new(Mutex::new(None)));
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = (0..cores.min(limits::SIGNATURE_THREADS_MAX)).map(|_| {
            let (receiver, failed) = (Arc::clone(&receiver), Arc::clone(&failed));
            thread::spawn(move || verify(&receiver, &failed))
        });
        Signatures { threads: threads.collect(), sender, gathered: Vec::new(), failed, count: 0 }
    }

    /// Hands over a frame that begins at an index; waits while too many wait.
    pub fn check(&mut self, index: Index, checks: SignatureChecks) {
        self.count = self.count.saturating_add(1);
        self.gathered.push((index, checks));
        if self.gathered.len() >= HANDFUL {
            // The threads end only behind the sender.
            let _ = self.sender.send(std::mem::take(&mut self.gathered));
        }
    }

    /// Waits for all of them. Error: the first frame, by index, whose signature does not verify.
    pub fn finish(self, file: &str) -> Result<u64, PackageRefusal> {
        let _ = self.sender.send(self.gathered);
        drop(self.sender);
        let unended = self.threads.into_iter().filter_map(|thread| thread.join().err()).count();
        let failed = *self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let refuse = |found: &dyn std::fmt::Display| Err(PackageRefusal::new(PackageCode::Signature, file, found));
        match failed {
            Some(index) => refuse(&format_args!("the frame at entry {index}")),
            None if unended > 0 => refuse(&"a thread ended without a verdict"),
            None => Ok(self.count),
        }
    }
}

fn verify(receiver: &Mutex<Receiver<Vec<Check>>>, failed: &Mutex<Option<Index>>) {
    loop {
        let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(handful) = next else { return };
        for (index, checks) in handful {
            if checks.judge().is_err() {
                let mut first = failed.lock().unwrap_or_else(PoisonError::into_inner);
                *first = Some(first.map_or(index, |first| first.min(index)));
            }
        }
    }
}
