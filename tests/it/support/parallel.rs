//! Numbered cases on all cores, each from a seed of its own, so that one can be run again alone. A case that never ends
//! is named and ends the run: an opening that hangs is one of the faults that are looked for.

use crate::support::Rng;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

/// A case takes some hundredths of a second.
const CASE_TIMEOUT: Duration = Duration::from_secs(120);

/// Runs `count` cases, hands each its number and its randomness, and gives what they came to, in no order.
pub fn run<T: Send>(what: &str, count: u64, case: impl Fn(u64, &mut Rng) -> T + Sync) -> Vec<T> {
    let base = Rng::seeded(what).next();
    // Cases also wait, for threads of the ledger's own.
    let threads = 2 * std::thread::available_parallelism().map_or(1, usize::from);
    let (next, under_way) = (AtomicU64::new(0), Mutex::new(Vec::<u64>::new()));
    let (done, results) = sync_channel(threads);
    let work = || loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return;
        }
        under_way.lock().unwrap().push(number);
        let result = catch_unwind(AssertUnwindSafe(|| case(number, &mut Rng::from_seed(base ^ number))));
        under_way.lock().unwrap().retain(|other| *other != number);
        done.send((number, result)).unwrap();
    };
    std::thread::scope(|scope| {
        (0..threads).for_each(|_| drop(scope.spawn(work)));
        let mut found = Vec::new();
        while found.len() as u64 != count {
            match results.recv_timeout(CASE_TIMEOUT) {
                Ok((_, Ok(result))) => found.push(result),
                Ok((number, Err(panic))) => {
                    println!("{what}: case {number} of {count} failed");
                    // The others end with what they are at.
                    next.store(count, Ordering::Relaxed);
                    while !under_way.lock().unwrap().is_empty() {
                        let _ = results.recv_timeout(Duration::from_millis(10));
                    }
                    resume_unwind(panic);
                }
                Err(_) => {
                    let stuck = under_way.lock().unwrap().clone();
                    let text = format!("{what}: no case ended in {CASE_TIMEOUT:?}; under way are {stuck:?}\n");
                    std::io::stderr().write_all(text.as_bytes()).unwrap();
                    std::process::abort();
                }
            }
        }
        found
    })
}
