//! The disk as the ledger looks at it about once a second: how much is free, and whether the engine's own work on its
//! files failed. It decides whether appends are taken and whether the ledger must stop; it never touches a row.

use crate::ledger::error::AppendError;
use crate::limits;
use crate::store::Store;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the last look found.
pub(super) struct Disk {
    free_bytes: AtomicU64,
    // Failures of background work that a full disk explains: the engine tries again when there is room.
    failures_excused: AtomicU64,
}

impl Disk {
    /// Takes the first look.
    pub fn new(store: &dyn Store) -> Disk {
        let disk = Disk { free_bytes: AtomicU64::new(u64::MAX), failures_excused: AtomicU64::new(0) };
        disk.measure(store);
        disk
    }

    fn measure(&self, store: &dyn Store) -> u64 {
        let free = store.free_bytes().unwrap_or(u64::MAX);
        self.free_bytes.store(free, Ordering::Relaxed);
        free
    }

    /// Looks again. An error is why the ledger must stop: its engine cannot write or merge files, though there is room;
    /// sooner or later commits would wait for that for ever. With the disk low it need not stop: appends are refused
    /// already, and the engine goes on when there is room.
    pub fn look(&self, store: &dyn Store) -> Result<(), String> {
        let low = self.measure(store) < limits::DISK_FREE_BYTES_MIN;
        let failures = store.background_failures().map_err(|error| error.to_string())?;
        if low {
            self.failures_excused.store(failures, Ordering::Relaxed);
        }
        match failures > self.failures_excused.load(Ordering::Relaxed) {
            true => {
                Err(format!("the engine failed to write or merge files, {failures} times; `store/LOG` tells which"))
            }
            false => Ok(()),
        }
    }

    /// Whether there is room for appends.
    pub fn has_room(&self) -> Result<(), AppendError> {
        let free_bytes = self.free_bytes.load(Ordering::Relaxed);
        match free_bytes < limits::DISK_FREE_BYTES_MIN {
            true => Err(AppendError::DiskLow { free_bytes }),
            false => Ok(()),
        }
    }
}
