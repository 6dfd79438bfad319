//! Entries and bodies that replay reads out of their order, and the names in them. Whether a body opens its commitment is
//! judged elsewhere; one that does not is read here as if it were gone.

use crate::audit::LEDGER;
use crate::audit::report::AuditError;
use crate::record::body::BodyKey;
use crate::store::keys;
use crate::store::{Direction, Store};
use deedbook_verify::entry::Entry;
use deedbook_verify::governance::PublishedPolicy;
use deedbook_verify::words::{Digest, Index};
use std::ops::ControlFlow;

/// A stored entry, and its body if that is still there.
pub(super) struct Stored {
    pub entry: Vec<u8>,
    pub body: Option<Vec<u8>>,
}

/// Where entries and bodies stand: in a store, or in a package.
pub(in crate::audit) trait Shelf {
    /// An entry, if it is there.
    fn entry(&self, index: Index) -> Result<Option<Vec<u8>>, AuditError>;
    /// The body of an entry, if it is there and opens the commitment.
    fn body(&self, index: Index, entry: &[u8]) -> Result<Option<Vec<u8>>, AuditError>;
    /// Whether the body of an entry is known to have been erased by an entry before this one.
    fn erased_before(&self, index: Index, before: Index) -> Result<bool, AuditError>;
    /// The text of a built-in set, where one is kept beside the log.
    fn built_in(&self, digest: Digest) -> Result<Option<Vec<u8>>, AuditError>;
    /// The text of a policy set.
    fn policy(&self, published: &PublishedPolicy) -> Result<Option<Vec<u8>>, AuditError>;
}

/// Reads an entry with its body.
pub(super) fn read(shelf: &dyn Shelf, index: Index) -> Result<Option<Stored>, AuditError> {
    let Some(entry) = shelf.entry(index)? else { return Ok(None) };
    let body = shelf.body(index, &entry)?;
    Ok(Some(Stored { entry, body }))
}

/// A data folder's store.
pub(super) struct InStore<'s>(pub &'s dyn Store);

impl Shelf for InStore<'_> {
    fn entry(&self, index: Index) -> Result<Option<Vec<u8>>, AuditError> {
        Ok(self.0.get(keys::entry(LEDGER, index).as_slice())?)
    }

    fn body(&self, index: Index, entry: &[u8]) -> Result<Option<Vec<u8>>, AuditError> {
        let Ok(entry) = Entry::parse(entry) else { return Ok(None) };
        let Some(commitment) = entry.facts.commitment else { return Ok(None) };
        let Some(key) = self.0.get(keys::body_key(LEDGER, index).as_slice())? else { return Ok(None) };
        let mut sealed = Vec::new();
        self.0.scan(&keys::body_blocks(LEDGER, index), Direction::Forward, &mut |_, block| {
            sealed.extend_from_slice(block);
            ControlFlow::Continue(())
        })?;
        let opened = BodyKey::from_stored(&key).and_then(|key| key.open(sealed).ok());
        Ok(opened.filter(|(salt, body)| commitment.opens(salt, body)).map(|(_, body)| body))
    }

    fn erased_before(&self, index: Index, before: Index) -> Result<bool, AuditError> {
        let row = self.0.get(keys::erased(LEDGER, index).as_slice())?;
        let by = row.and_then(|row| row.try_into().ok()).map(u64::from_be_bytes);
        Ok(by.is_some_and(|by| by < before.0))
    }

    /// The log holds none: programs do.
    fn built_in(&self, _: Digest) -> Result<Option<Vec<u8>>, AuditError> {
        Ok(None)
    }

    /// It is the body of the entry that published the set.
    fn policy(&self, published: &PublishedPolicy) -> Result<Option<Vec<u8>>, AuditError> {
        Ok(read(self, published.stated)?.and_then(|stored| stored.body))
    }
}

/// The id that the body of a `principal.bound` says.
pub(super) fn id_in(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    Some(body.get("id")?.as_str()?.to_owned())
}
