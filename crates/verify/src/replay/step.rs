//! The ways to take in the next entry: from its bytes or parsed before, with its signatures judged at once or by somebody
//! else. They judge alike.

use crate::entry::Entry;
use crate::frame::SignatureChecks;
use crate::hash::EntryHashes;
use crate::replay::{Replay, ReplayRefusal};

impl Replay {
    /// Judges the next entry and takes it in. After a refusal the state is not to be used further.
    pub fn step<'e>(&mut self, bytes: &'e [u8]) -> Result<Entry<'e>, ReplayRefusal> {
        let entry = Entry::parse(bytes)?;
        self.step_parsed(&entry)?;
        Ok(entry)
    }

    /// The same for whoever has parsed it already.
    pub fn step_parsed(&mut self, entry: &Entry<'_>) -> Result<(), ReplayRefusal> {
        self.take_in(entry, EntryHashes::of(entry.bytes), |checks| checks.judge())
    }

    /// The same without the arithmetic of signatures, which is handed to `defer` if a frame begins here: it takes much of
    /// the time and needs nothing of this state. The entry, and whatever was folded from it on, is accepted only once
    /// `SignatureChecks::judge` accepted too.
    pub fn step_deferring(
        &mut self,
        entry: &Entry<'_>,
        defer: impl FnOnce(SignatureChecks),
    ) -> Result<(), ReplayRefusal> {
        self.take_in(entry, EntryHashes::of(entry.bytes), |checks| {
            defer(checks);
            Ok(())
        })
    }

    /// The same with hashes that were made before; they must be of these bytes.
    pub fn step_hashed<'e>(
        &mut self,
        bytes: &'e [u8],
        hashes: EntryHashes,
        defer: impl FnOnce(SignatureChecks),
    ) -> Result<Entry<'e>, ReplayRefusal> {
        let entry = Entry::parse(bytes)?;
        self.take_in(&entry, hashes, |checks| {
            defer(checks);
            Ok(())
        })?;
        Ok(entry)
    }
}
