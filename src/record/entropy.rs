//! The only place that asks for randomness: the operating system's, never a generator of our own.

use thiserror::Error;

/// The operating system gave no randomness; nothing that needs any may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the operating system gave no random bytes; nothing was written")]
pub struct EntropyError;

/// Fills a buffer. One system call, so callers ask once per frame, not once per event.
#[allow(clippy::disallowed_methods, reason = "this is the one place that may")]
pub fn fill(buffer: &mut [u8]) -> Result<(), EntropyError> {
    getrandom::fill(buffer).map_err(|_| EntropyError)
}

/// A random array.
pub fn array<const N: usize>() -> Result<[u8; N], EntropyError> {
    let mut out = [0u8; N];
    fill(&mut out)?;
    Ok(out)
}
