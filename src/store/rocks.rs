//! RocksDB behind the store traits; the only file that names it.
//!
//! Recovery mode is the tolerant-tail one: a torn tail after a crash is accepted, a damaged record is refused. What no
//! mode notices, a log that was cut or deleted, the head anchor notices.

mod families;
mod stacks;
mod purge;

use crate::plant::Bug;
use crate::store::keys::Key;
use crate::store::order;
use crate::store::{Batch, Direction, KeyRange, Operation, Purged, Rows, Store, StoreError, Visit};
use families::{FAMILIES, Family, cache, split};
use rocksdb::checkpoint::Checkpoint;
use rocksdb::properties::BACKGROUND_ERRORS;
use rocksdb::{
    ColumnFamily, DB, DBRawIterator, DBRecoveryMode, ErrorKind, FlushOptions, Options, ReadOptions, Snapshot,
    WriteBatch, WriteOptions,
};
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const MIB: usize = 1024 * 1024;
/// What a row costs in the engine's batch beside its bytes, at most: kind, family and two lengths.
const BATCH_ROW_BYTES: usize = 12;

/// What a store is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The folder has no store yet.
    Create,
    /// One process reads and writes.
    ReadWrite,
    /// Reads only; changes nothing on disk.
    ReadOnly,
}

/// Device and inode of a folder: what its path led to.
type Identity = (u64, u64);

/// A RocksDB folder.
pub struct RocksStore {
    // Shared with nobody; counted so that `drop` can leave it unclosed.
    db: Arc<DB>,
    path: PathBuf,
    folder: Identity,
    // What an audit reads it reads once: kept blocks would only push each other out.
    keeps_scanned: bool,
    // Commits so far. Every commit writes it into every family: a family that lost files is behind the others.
    commits: AtomicU64,
}

/// All of them, found once for a commit.
struct Families<'a> {
    lookups: &'a ColumnFamily,
    entries: &'a ColumnFamily,
    bodies: &'a ColumnFamily,
    body_keys: &'a ColumnFamily,
}

impl<'a> Families<'a> {
    fn of(&self, family: Family) -> &'a ColumnFamily {
        match family {
            Family::Lookups => self.lookups,
            Family::Entries => self.entries,
            Family::Bodies => self.bodies,
            Family::BodyKeys => self.body_keys,
        }
    }
}

fn synced() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    options
}

fn options(access: Access) -> Options {
    let mut options = Options::default();
    options.create_if_missing(access == Access::Create);
    options.create_missing_column_families(access == Access::Create);
    options.set_error_if_exists(access == Access::Create);
    if !Bug::WalModeDefault.planted() {
        options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    }
    options.set_paranoid_checks(true);
    // All families flush as one: else a log that is cut would leave some of them behind the others.
    options.set_atomic_flush(true);
    // Recycled logs are switched off by RocksDB itself in this mode; said here so that nobody turns them on.
    options.set_recycle_log_file_num(0);
    options.set_max_open_files(crate::limits::STORE_FILES_MAX);
    options.set_max_background_jobs(2);
    options.set_bytes_per_sync(MIB as u64);
    options.set_keep_log_file_num(4);
    options.set_max_log_file_size(4 * MIB);
    options
}

#[allow(clippy::wildcard_enum_match_arm, reason = "the enum is the engine's and grows with it")]
/// Every error is either damage or an unknown outcome; the engine's text tells which file.
fn translate(error: rocksdb::Error) -> StoreError {
    match error.kind() {
        // An invalid argument here is a folder with other column families than these.
        ErrorKind::Corruption | ErrorKind::InvalidArgument => StoreError::Damaged(error.to_string()),
        ErrorKind::IOError if error.to_string().contains("lock") => StoreError::InUse(error.to_string()),
        // The engine's kinds may grow; whatever they say, the outcome of the call is unknown.
        _ => StoreError::Failed(error.to_string()),
    }
}

impl RocksStore {
    /// Insists that a folder has a store; touches nothing.
    pub fn find(path: &Path) -> Result<(), StoreError> {
        match path.join("CURRENT").exists() {
            true => Ok(()),
            false => Err(StoreError::Absent(path.display().to_string())),
        }
    }

    /// Opens a folder.
    pub fn open(path: &Path, access: Access) -> Result<RocksStore, StoreError> {
        if access != Access::Create {
            RocksStore::find(path)?;
            crate::store::framing::check_logs(path)?;
        }
        stacks::keep().map_err(|error| StoreError::Failed(format!("no threads for the engine: {error}")))?;
        let options = options(access);
        let cache = cache();
        let families = FAMILIES.iter().map(|family| family.descriptor(&cache));
        let families = families.collect::<Result<Vec<_>, _>>().map_err(translate)?;
        let db = match access {
            Access::Create | Access::ReadWrite => DB::open_cf_descriptors(&options, path, families),
            Access::ReadOnly => DB::open_cf_descriptors_read_only(&options, path, families, false),
        };
        let db = Arc::new(db.map_err(translate)?);
        let folder = identity(path).map_err(|error| StoreError::Failed(format!("{}: {error}", path.display())))?;
        let keeps_scanned = access != Access::ReadOnly;
        let store = RocksStore { db, path: path.to_owned(), folder, keeps_scanned, commits: AtomicU64::new(0) };
        store.commits.store(store.last_commit()?, Ordering::Relaxed);
        Ok(store)
    }

    /// Insists that the path still leads to the folder that was opened. The engine makes and deletes files by path: if
    /// the folder was moved and a copy stands in its place, it would do that to the copy, which may have an owner.
    fn check_folder(&self) -> Result<(), StoreError> {
        match identity(&self.path) {
            Ok(found) if found == self.folder => Ok(()),
            Ok(_) => Err(StoreError::Replaced(self.path.display().to_string())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(StoreError::Replaced(self.path.display().to_string()))
            }
            Err(error) => Err(StoreError::Failed(format!("{}: {error}", self.path.display()))),
        }
    }

    /// The number of the last commit, in which all families must agree. A damaged manifest can lose the newest files
    /// of some families without an error of the engine.
    fn last_commit(&self) -> Result<u64, StoreError> {
        let mut last = None;
        for family in FAMILIES {
            let mark = self.db.get_cf(self.family(family)?, family.mark()).map_err(translate)?;
            let mark = mark.map_or(Some([0; 8]), |bytes| bytes.try_into().ok());
            if mark.is_none() || last.is_some_and(|last| last != mark) {
                let name = family.name();
                return Err(StoreError::Damaged(format!("column family {name:?} is not at the commit of the others")));
            }
            last = Some(mark);
        }
        Ok(last.flatten().map_or(0, u64::from_be_bytes))
    }

    fn family(&self, family: Family) -> Result<&ColumnFamily, StoreError> {
        let missing = || StoreError::Damaged(format!("column family {:?} is missing", family.name()));
        self.db.cf_handle(family.name()).ok_or_else(missing)
    }

    fn families(&self) -> Result<Families<'_>, StoreError> {
        Ok(Families {
            lookups: self.family(Family::Lookups)?,
            entries: self.family(Family::Entries)?,
            bodies: self.family(Family::Bodies)?,
            body_keys: self.family(Family::BodyKeys)?,
        })
    }

    fn scan_with<'a>(
        &'a self,
        range: &KeyRange,
        direction: Direction,
        visit: &mut Visit<'_>,
        iterator: &dyn Fn(&'a ColumnFamily, ReadOptions) -> DBRawIterator<'a>,
    ) -> Result<(), StoreError> {
        let mut parts = split(range);
        if direction == Direction::Backward {
            parts.reverse();
        }
        for (family, range) in parts {
            let mut options = read_options(&range);
            options.fill_cache(self.keeps_scanned);
            let rows = iterator(self.family(family)?, options);
            if visit_all(rows, direction, visit)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

fn identity(folder: &Path) -> std::io::Result<Identity> {
    let found = std::fs::metadata(folder)?;
    Ok((found.dev(), found.ino()))
}

impl Drop for RocksStore {
    /// Closing deletes files that the engine does not know, by path; in a folder that is not ours any more it must not.
    /// Nor is a store closed whose background work failed: the engine may be trying again, and closing under it ends in
    /// an abort. What is left open ends with the process.
    fn drop(&mut self) {
        if self.check_folder().is_err() || self.background_failures() != Ok(0) {
            std::mem::forget(Arc::clone(&self.db));
        }
    }
}

fn read_options(range: &KeyRange) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_verify_checksums(true);
    options.set_iterate_lower_bound(range.from.clone());
    if !range.to.is_empty() {
        options.set_iterate_upper_bound(range.to.clone());
    }
    options
}

fn visit_all(
    mut rows: DBRawIterator<'_>,
    direction: Direction,
    visit: &mut Visit<'_>,
) -> Result<ControlFlow<()>, StoreError> {
    match direction {
        Direction::Forward => rows.seek_to_first(),
        Direction::Backward => rows.seek_to_last(),
    }
    while let Some((key, value)) = rows.item() {
        if visit(key, value).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        match direction {
            Direction::Forward => rows.next(),
            Direction::Backward => rows.prev(),
        }
    }
    rows.status().map_err(translate)?;
    Ok(ControlFlow::Continue(()))
}

impl Rows for RocksStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.get_cf(self.family(Family::of(key))?, key).map_err(translate)
    }

    /// Keys of one family are looked up together: the engine then waits for their filters and blocks at once.
    fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let Some(first) = keys.first() else { return Ok(Vec::new()) };
        let family = Family::of(first.as_slice());
        if keys.iter().any(|key| Family::of(key.as_slice()) != family) {
            return keys.iter().map(|key| self.get(key.as_slice())).collect();
        }
        let order = order::ascending(keys.iter().map(Key::as_slice));
        let sorted = order.iter().filter_map(|at| keys.get(*at));
        let found = self.db.batched_multi_get_cf(self.family(family)?, sorted, true);
        let mut rows = vec![None; keys.len()];
        for (row, at) in found.into_iter().zip(&order) {
            if let (Some(value), Some(place)) = (row.map_err(translate)?, rows.get_mut(*at)) {
                *place = Some(value.to_vec());
            }
        }
        Ok(rows)
    }

    fn scan(&self, range: &KeyRange, direction: Direction, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.scan_with(range, direction, visit, &|family, options| self.db.raw_iterator_cf_opt(family, options))
    }
}

struct RocksSnapshot<'a> {
    store: &'a RocksStore,
    snapshot: Snapshot<'a>,
}

impl Rows for RocksSnapshot<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.snapshot.get_cf(self.store.family(Family::of(key))?, key).map_err(translate)
    }

    fn scan(&self, range: &KeyRange, direction: Direction, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        let iterator = |family, options| self.snapshot.raw_iterator_cf_opt(family, options);
        self.store.scan_with(range, direction, visit, &iterator)
    }
}

impl Store for RocksStore {
    fn snapshot(&self) -> Box<dyn Rows + '_> {
        Box::new(RocksSnapshot { store: self, snapshot: self.db.snapshot() })
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        self.check_folder()?;
        let bytes = batch.bytes().saturating_add(batch.len().saturating_mul(BATCH_ROW_BYTES));
        let mut writes = WriteBatch::with_capacity_bytes(bytes);
        let families = self.families()?;
        let family = |key| families.of(Family::of(key));
        for operation in batch.operations() {
            match operation {
                Operation::Put { key, value } => writes.put_cf(family(key), key, value),
                Operation::Delete { key } => writes.delete_cf(family(key), key),
            }
        }
        let number = self.commits.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        for family in FAMILIES {
            writes.put_cf(families.of(family), family.mark(), number.to_be_bytes());
        }
        self.db.write_opt(writes, &synced()).map_err(translate)
    }

    fn checkpoint(&self, folder: &Path) -> Result<(), StoreError> {
        Checkpoint::new(&self.db).and_then(|checkpoint| checkpoint.create_checkpoint(folder)).map_err(translate)
    }

    fn flush(&self) -> Result<(), StoreError> {
        let mut options = FlushOptions::default();
        options.set_wait(true);
        let families = self.families()?;
        self.db.flush_cfs_opt(&FAMILIES.map(|family| families.of(family)), &options).map_err(translate)
    }

    fn purge(&self, range: &KeyRange) -> Result<Purged, StoreError> {
        self.purge_range(range)
    }

    fn verify(&self) -> Result<(), StoreError> {
        let everything = KeyRange { from: Vec::new(), to: Vec::new() };
        let iterator = |family, mut options: ReadOptions| {
            options.fill_cache(false);
            self.db.raw_iterator_cf_opt(family, options)
        };
        self.scan_with(&everything, Direction::Forward, &mut |_, _| ControlFlow::Continue(()), &iterator)
    }

    fn background_failures(&self) -> Result<u64, StoreError> {
        Ok(self.db.property_int_value(BACKGROUND_ERRORS).map_err(translate)?.unwrap_or(0))
    }

    fn free_bytes(&self) -> Option<u64> {
        let volume = rustix::fs::statvfs(&self.path).ok()?;
        volume.f_bavail.checked_mul(volume.f_frsize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_behind_the_others_is_refused() {
        for behind in FAMILIES {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("store");
            let store = RocksStore::open(&path, Access::Create).unwrap();
            let mut batch = Batch::new();
            batch.put(b"key", b"value");
            store.commit(&batch).unwrap();
            drop(store);
            let store = RocksStore::open(&path, Access::ReadWrite).unwrap();
            store.db.delete_cf(store.family(behind).unwrap(), behind.mark()).unwrap();
            drop(store);
            for access in [Access::ReadWrite, Access::ReadOnly] {
                let refused = RocksStore::open(&path, access).err();
                assert!(matches!(refused, Some(StoreError::Damaged(_))), "{behind:?} {access:?}: {refused:?}");
            }
        }
    }

    #[test]
    fn a_folder_without_the_families_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        drop(DB::open_default(folder.path()).unwrap());
        let refused = RocksStore::open(folder.path(), Access::ReadWrite).err();
        assert!(matches!(&refused, Some(StoreError::Damaged(said)) if said.contains("entries")), "{refused:?}");
    }
}
