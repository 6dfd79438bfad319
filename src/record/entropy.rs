//! The only place that asks for randomness: the operating system's, never a generator of our own.

use std::cell::RefCell;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

/// The operating system gave no randomness; nothing that needs any may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the operating system gave no random bytes; nothing was written")]
pub struct EntropyError;

/// Random bytes that a thread fetched and has not handed out yet: one system call for 32 body keys. What is handed out
/// is wiped here, so that a copy of this memory tells nothing of earlier keys.
const POOL_BYTES: usize = 1024;

struct Pool {
    bytes: Zeroizing<[u8; POOL_BYTES]>,
    used: usize,
}

thread_local! {
    static POOL: RefCell<Pool> = RefCell::new(Pool { bytes: Zeroizing::new([0; POOL_BYTES]), used: POOL_BYTES });
}

/// Fills a buffer. Small ones come from the thread's pool; large ones cost one system call.
pub fn fill(buffer: &mut [u8]) -> Result<(), EntropyError> {
    if buffer.len() > POOL_BYTES / 4 {
        return fetch(buffer);
    }
    POOL.with_borrow_mut(|pool| {
        if pool.bytes.len() - pool.used < buffer.len() {
            // Spent until all of it is fresh: after a failure nothing of it is handed out.
            pool.used = POOL_BYTES;
            fetch(pool.bytes.as_mut_slice())?;
            pool.used = 0;
        }
        let end = pool.used.saturating_add(buffer.len());
        let taken = pool.bytes.get_mut(pool.used..end).ok_or(EntropyError)?;
        buffer.copy_from_slice(taken);
        taken.zeroize();
        pool.used = end;
        Ok(())
    })
}

#[allow(clippy::disallowed_methods, reason = "this is the one place that may")]
fn fetch(buffer: &mut [u8]) -> Result<(), EntropyError> {
    getrandom::fill(buffer).map_err(|_| EntropyError)
}

/// A random array.
pub fn array<const N: usize>() -> Result<[u8; N], EntropyError> {
    let mut out = [0u8; N];
    fill(&mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn nothing_is_handed_out_twice() {
        let mut seen = HashSet::new();
        for _ in 0..1_000 {
            assert!(seen.insert(array::<16>().unwrap()));
        }
        let mut large = [0u8; POOL_BYTES];
        fill(&mut large).unwrap();
        assert!(large.chunks(16).all(|chunk| seen.insert(chunk.try_into().unwrap())));
    }

    #[test]
    fn what_is_handed_out_is_wiped() {
        let taken = array::<16>().unwrap();
        POOL.with_borrow(|pool| {
            assert!(pool.bytes.windows(16).all(|window| window != taken));
            assert!(pool.bytes.get(..pool.used).is_some_and(|used| used.iter().all(|byte| *byte == 0)));
        });
    }
}
