//! The record framing of the engine's logs, walked before the engine reads them. RocksDB never ends on a record whose
//! type says "recycled" in a log that is not (facebook/rocksdb issue 13333): one flipped bit in a manifest or in the
//! write-ahead log would hang opening for ever. We never recycle logs, so such a type is damage, and is refused here.
//! Everything else is left to the engine, which judges it well.

use crate::store::StoreError;
use std::fs::File;
use std::io::{BufReader, Error, ErrorKind, Read};
use std::path::Path;

/// Records never cross the end of a block; a reader that lost its way goes on at the next one.
const BLOCK_BYTES: usize = 32 * 1024;
/// Masked CRC-32C of type and payload, length, type.
const HEADER_BYTES: usize = 4 + 2 + 1;

/// Whether a type is one of those that only recycled logs have: the four fragments, the size of timestamps, and the
/// facts of the log before.
fn is_recycled(record_type: u8) -> bool {
    matches!(record_type, 5..=8 | 11 | 131)
}

/// Refuses a store folder in which a log has a record of a recycled type where the engine would meet it.
pub(super) fn check_logs(folder: &Path) -> Result<(), StoreError> {
    let failed = |error: Error| StoreError::Failed(format!("{}: {error}", folder.display()));
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("MANIFEST-") || name.ends_with(".log") {
            match first_recycled(&path) {
                Ok(None) => {}
                // A server that runs beside a read-only opening may just have deleted it.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Ok(Some(at)) => {
                    let found =
                        format!("the record at byte {at} of {} has a type that is never written", path.display());
                    return Err(StoreError::Damaged(found));
                }
                Err(error) => return Err(StoreError::Failed(format!("{}: {error}", path.display()))),
            }
        }
    }
    Ok(())
}

/// The offset of the first record with a recycled type.
fn first_recycled(path: &Path) -> Result<Option<u64>, Error> {
    let mut file = BufReader::with_capacity(BLOCK_BYTES, File::open(path)?);
    let mut block = Vec::with_capacity(BLOCK_BYTES);
    let mut start = 0u64;
    loop {
        block.clear();
        if (&mut file).take(BLOCK_BYTES as u64).read_to_end(&mut block)? == 0 {
            return Ok(None);
        }
        if let Some(at) = recycled_in(&block) {
            return Ok(Some(start.saturating_add(at as u64)));
        }
        start = start.saturating_add(block.len() as u64);
    }
}

/// Walks the records of a block until one is damaged: there the engine, too, drops the rest of the block.
pub fn recycled_in(block: &[u8]) -> Option<usize> {
    let mut rest = block;
    while let Some((header, behind)) = rest.split_first_chunk::<HEADER_BYTES>() {
        let [c0, c1, c2, c3, low, high, record_type] = *header;
        if is_recycled(record_type) {
            return Some(block.len().saturating_sub(rest.len()));
        }
        let (payload, next) = behind.split_at_checked(usize::from(low) | (usize::from(high) << 8))?;
        let stored = u32::from(c0) | (u32::from(c1) << 8) | (u32::from(c2) << 16) | (u32::from(c3) << 24);
        let crc = crc32c::crc32c_append(crc32c::crc32c(&[record_type]), payload);
        if stored != crc.rotate_right(15).wrapping_add(0xa282_ead8) {
            return None;
        }
        rest = next;
    }
    None
}
