//! Files on their way to the disk. Syncing waits for the device, so a thread of its own does it while others go on
//! rendering, from the first megabytes of a file on; `settle` says whether all of it stands. It writes nothing itself.

use crate::limits;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// What the thread is told.
enum Order {
    /// Part of a file was written.
    Begin(Arc<File>),
    /// All of it was; this is its path.
    End(Arc<File>, String),
    /// Say what failed since the last time.
    Settle(SyncSender<io::Result<()>>),
}

/// The thread.
pub struct Syncing {
    orders: SyncSender<Order>,
}

/// Where files hand themselves over.
pub struct Orders(SyncSender<Order>);

impl Syncing {
    /// Starts it; it ends with the last of its files.
    pub fn start() -> Syncing {
        let (orders, received) = sync_channel(limits::SYNCS_WAITING_MAX);
        thread::spawn(move || serve(&received));
        Syncing { orders }
    }

    /// For one file.
    pub fn orders(&self) -> Orders {
        Orders(self.orders.clone())
    }

    /// Waits until every file that was handed over is on the disk. Error: the first that could not be brought there.
    pub fn settle(&self) -> io::Result<()> {
        let (answer, answered) = sync_channel(1);
        let _ = self.orders.send(Order::Settle(answer));
        answered.recv().unwrap_or_else(|_| Err(ended()))
    }
}

impl Orders {
    /// Lets the disk begin; what comes while it is busy goes with the next.
    pub fn begin(&self, file: &Arc<File>) {
        let _ = self.0.try_send(Order::Begin(Arc::clone(file)));
    }

    /// Hands over a file that is whole.
    pub fn end(&self, file: Arc<File>, path: String) -> io::Result<()> {
        self.0.send(Order::End(file, path)).map_err(|_| ended())
    }
}

/// A failure is told once, by the call that meets it: none may be forgotten.
fn serve(orders: &Receiver<Order>) {
    let mut failed: Option<io::Error> = None;
    while let Ok(order) = orders.recv() {
        let result = match order {
            Order::Begin(file) => file.sync_data(),
            Order::End(file, path) => {
                file.sync_all().map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))
            }
            Order::Settle(answer) => {
                // Whoever asked waits for it.
                let _ = answer.send(failed.take().map_or(Ok(()), Err));
                Ok(())
            }
        };
        if let Err(error) = result {
            failed.get_or_insert(error);
        }
    }
}

fn ended() -> io::Error {
    io::Error::other("the thread that syncs files ended")
}
