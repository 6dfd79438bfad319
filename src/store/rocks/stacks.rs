//! Room for the threads that the engine starts while it opens.

use std::sync::{Mutex, PoisonError};

/// Threads that the engine starts while it opens: two pools of one, and a timer; one to spare.
const OPENING_THREADS: usize = 4;
/// The usual stack of a thread that C++ starts.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// Starts as many threads as the engine will, and lets them go. A thread that the engine cannot start while it opens locks
/// it up for ever: it unwinds with its mutex held, and its destructor waits for that. So what is missing is found out
/// here, and the C library keeps these stacks for the engine's own threads.
pub(super) fn keep() -> std::io::Result<()> {
    let gate = Mutex::new(());
    std::thread::scope(|scope| {
        let _closed = gate.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..OPENING_THREADS {
            let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
            thread.spawn_scoped(scope, || drop(gate.lock()))?;
        }
        Ok(())
    })
}
