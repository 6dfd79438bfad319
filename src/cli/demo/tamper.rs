//! How the demo does harm: one changed byte in a receipt, one flipped byte in a store. It is used on the demo's own
//! folder alone.

use crate::cli::errors::Failure;
use crate::store::keys::{self, LedgerNumber};
use crate::store::{Access, Batch, RocksStore, Rows, Store, StoreError};
use deedbook_verify::words::Index;
use std::path::{Path, PathBuf};

/// A receipt with one letter of its proof data exchanged.
pub fn receipt(receipt: &[u8]) -> Vec<u8> {
    let mut changed = receipt.to_vec();
    let middle = receipt.iter().position(|byte| *byte == b'\n').unwrap_or(0).saturating_add(200);
    if let Some(byte) = changed.get_mut(middle) {
        *byte = if *byte == b'A' { b'B' } else { b'A' };
    }
    changed
}

/// Rewrites one entry with the engine's own means, so that all of its checksums are right: a single bit of the event id.
pub fn entry(folder: &Path, index: Index, event_id: &[u8]) -> Result<(), StoreError> {
    let store = RocksStore::open(folder, Access::ReadWrite)?;
    // The one ledger of a folder has this number.
    let key = keys::entry(LedgerNumber(1), index);
    let mut bytes = store.get(key.as_slice())?.unwrap_or_default();
    let at = bytes.windows(event_id.len().max(1)).position(|window| window == event_id);
    if let Some(byte) = at.and_then(|at| bytes.get_mut(at)) {
        *byte ^= 0x01;
    }
    let mut batch = Batch::new();
    batch.put(key.as_slice(), &bytes);
    store.commit(&batch)
}

/// Flips one byte of a stored entry, found by its bytes. Returns the file, and where in it.
pub fn store(folder: &Path, entry: &[u8]) -> Result<Option<(PathBuf, usize)>, Failure> {
    let mut files = Vec::new();
    for found in std::fs::read_dir(folder).map_err(|error| Failure::file(folder, &error))? {
        files.push(found.map_err(|error| Failure::file(folder, &error))?.path());
    }
    // Table files before logs: a log may be the obsolete copy of a table.
    let rank = |path: &PathBuf| match path.extension().and_then(|ending| ending.to_str()) {
        Some("sst") => 0,
        Some("log") => 1,
        _ => 2,
    };
    files.retain(|path| rank(path) < 2);
    files.sort_by_key(|path| (rank(path), path.clone()));
    for path in files {
        let mut bytes = std::fs::read(&path).map_err(|error| Failure::file(&path, &error))?;
        let Some(at) = bytes.windows(entry.len().max(1)).position(|window| window == entry) else { continue };
        let Some(byte) = bytes.get_mut(at) else { continue };
        *byte ^= 0x01;
        std::fs::write(&path, &bytes).map_err(|error| Failure::file(&path, &error))?;
        return Ok(Some((path, at)));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_changes() {
        let text = format!("head\n{}", "A".repeat(400));
        let changed = receipt(text.as_bytes());
        assert_eq!(changed.iter().zip(text.bytes()).filter(|(one, other)| **one != *other).count(), 1);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("1.log"), b"xx-entry-xx").unwrap();
        let (path, at) = store(folder.path(), b"entry").unwrap().unwrap();
        assert_eq!((at, std::fs::read(path).unwrap()), (3, b"xx-dntry-xx".to_vec()));
        assert!(store(folder.path(), b"absent").unwrap().is_none());
    }
}
