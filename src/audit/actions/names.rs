//! Bodies that replay reads, and the names in them. Whether a body opens its commitment is judged elsewhere; one that
//! does not is read here as if it were gone.

use crate::audit::LEDGER;
use crate::audit::report::AuditError;
use crate::record::body::BodyKey;
use crate::store::keys;
use crate::store::{Direction, Store};
use deedbook_verify::entry::Entry;
use deedbook_verify::words::Index;
use std::ops::ControlFlow;

/// A stored entry, and its body if that is still there.
pub(super) struct Stored {
    pub entry: Vec<u8>,
    pub body: Option<Vec<u8>>,
}

/// Reads an entry with its body.
pub(super) fn read(store: &dyn Store, index: Index) -> Result<Option<Stored>, AuditError> {
    let Some(entry) = store.get(keys::entry(LEDGER, index).as_slice())? else { return Ok(None) };
    let body = body(store, index, &entry)?;
    Ok(Some(Stored { entry, body }))
}

/// The body of an entry.
pub(super) fn body(store: &dyn Store, index: Index, entry: &[u8]) -> Result<Option<Vec<u8>>, AuditError> {
    let Ok(entry) = Entry::parse(entry) else { return Ok(None) };
    let Some(commitment) = entry.facts.commitment else { return Ok(None) };
    let Some(key) = store.get(keys::body_key(LEDGER, index).as_slice())? else { return Ok(None) };
    let mut sealed = Vec::new();
    store.scan(&keys::body_blocks(LEDGER, index), Direction::Forward, &mut |_, block| {
        sealed.extend_from_slice(block);
        ControlFlow::Continue(())
    })?;
    let opened = BodyKey::from_stored(&key).and_then(|key| key.open(sealed).ok());
    Ok(opened.filter(|(salt, body)| commitment.opens(salt, body)).map(|(_, body)| body))
}

/// Whether the body of an entry was erased by an entry before this one.
pub(super) fn erased_before(store: &dyn Store, index: Index, before: Index) -> Result<bool, AuditError> {
    let row = store.get(keys::erased(LEDGER, index).as_slice())?;
    let by = row.and_then(|row| row.try_into().ok()).map(u64::from_be_bytes);
    Ok(by.is_some_and(|by| by < before.0))
}

/// The id that the body of a `principal.bound` says.
pub(super) fn id_in(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    Some(body.get("id")?.as_str()?.to_owned())
}
