//! RocksDB behind the store traits; the only file that names it.
//!
//! Recovery mode is the tolerant-tail one: a torn tail after a crash is accepted, a damaged record is refused. What no
//! mode notices, a log that was cut or deleted, the head anchor notices.

use crate::store::{Batch, Direction, KeyRange, Operation, Rows, Store, StoreError, Visit};
use rocksdb::checkpoint::Checkpoint;
use rocksdb::{
    BlockBasedOptions, DB, DBCompressionType, DBRecoveryMode, ErrorKind, FlushOptions, IteratorMode, LruCacheOptions,
    Options, ReadOptions, Snapshot, WriteBatch, WriteOptions,
};
use std::path::{Path, PathBuf};

const MIB: usize = 1024 * 1024;
/// Two memtables of this size may be unflushed: what opening replays from the log at most.
const MEMTABLE_BYTES: usize = 32 * MIB;
/// Data, index and filter blocks together, so that memory has one bound.
const BLOCK_CACHE_BYTES: usize = 96 * MIB;
/// Four shards of 24 MiB. A file's filter is one block of some MiB and must fit into a shard: with the default of 64
/// shards it does not, is never kept, and each lookup reads and checks all of it again.
const BLOCK_CACHE_SHARD_BITS: i32 = 2;
/// Open files; each costs an index and a filter in the cache above.
const OPEN_FILES_MAX: i32 = 512;

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

/// A RocksDB folder.
pub struct RocksStore {
    db: DB,
    path: PathBuf,
}

fn synced() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    options
}

fn options(access: Access) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(&rocksdb::Cache::new_lru_cache_opts(&{
        let mut cache = LruCacheOptions::default();
        cache.set_capacity(BLOCK_CACHE_BYTES);
        cache.set_num_shard_bits(BLOCK_CACHE_SHARD_BITS);
        cache
    }));
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    table.set_bloom_filter(10.0, false);
    table.set_block_size(16 * 1024);
    table.set_format_version(5);
    let mut options = Options::default();
    options.create_if_missing(access == Access::Create);
    options.set_error_if_exists(access == Access::Create);
    options.set_wal_recovery_mode(DBRecoveryMode::TolerateCorruptedTailRecords);
    options.set_paranoid_checks(true);
    // Recycled logs are switched off by RocksDB itself in this mode; said here so that nobody turns them on.
    options.set_recycle_log_file_num(0);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_write_buffer_size(MEMTABLE_BYTES);
    options.set_max_write_buffer_number(3);
    options.set_memtable_whole_key_filtering(true);
    options.set_memtable_prefix_bloom_ratio(0.05);
    options.set_max_open_files(OPEN_FILES_MAX);
    options.set_max_background_jobs(2);
    options.set_bytes_per_sync(MIB as u64);
    options.set_block_based_table_factory(&table);
    options.set_keep_log_file_num(4);
    options.set_max_log_file_size(4 * MIB);
    options
}

#[allow(clippy::wildcard_enum_match_arm, reason = "the enum is the engine's and grows with it")]
/// Every error is either damage or an unknown outcome; the engine's text tells which file.
fn translate(error: rocksdb::Error) -> StoreError {
    match error.kind() {
        ErrorKind::Corruption => StoreError::Damaged(error.to_string()),
        ErrorKind::IOError if error.to_string().contains("lock") => StoreError::InUse(error.to_string()),
        // The engine's kinds may grow; whatever they say, the outcome of the call is unknown.
        _ => StoreError::Failed(error.to_string()),
    }
}

impl RocksStore {
    /// Opens a folder.
    pub fn open(path: &Path, access: Access) -> Result<RocksStore, StoreError> {
        if access != Access::Create && !path.join("CURRENT").exists() {
            return Err(StoreError::Absent(path.display().to_string()));
        }
        if access != Access::Create {
            crate::store::framing::check_logs(path)?;
        }
        let options = options(access);
        let db = match access {
            Access::Create | Access::ReadWrite => DB::open(&options, path),
            Access::ReadOnly => DB::open_for_read_only(&options, path, false),
        };
        Ok(RocksStore { db: db.map_err(translate)?, path: path.to_owned() })
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

fn visit_all<I>(rows: I, visit: &mut Visit<'_>) -> Result<(), StoreError>
where
    I: Iterator<Item = Result<(Box<[u8]>, Box<[u8]>), rocksdb::Error>>,
{
    for row in rows {
        let (key, value) = row.map_err(translate)?;
        if visit(&key, &value).is_break() {
            break;
        }
    }
    Ok(())
}

fn mode(direction: Direction) -> IteratorMode<'static> {
    match direction {
        Direction::Forward => IteratorMode::Start,
        Direction::Backward => IteratorMode::End,
    }
}

impl Rows for RocksStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.db.get(key).map_err(translate)
    }

    fn scan(&self, range: &KeyRange, direction: Direction, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        visit_all(self.db.iterator_opt(mode(direction), read_options(range)), visit)
    }
}

struct RocksSnapshot<'a>(Snapshot<'a>);

impl Rows for RocksSnapshot<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(key).map_err(translate)
    }

    fn scan(&self, range: &KeyRange, direction: Direction, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        visit_all(self.0.iterator_opt(mode(direction), read_options(range)), visit)
    }
}

impl Store for RocksStore {
    fn snapshot(&self) -> Box<dyn Rows + '_> {
        Box::new(RocksSnapshot(self.db.snapshot()))
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut writes = WriteBatch::default();
        for operation in batch.operations() {
            match operation {
                Operation::Put { key, value } => writes.put(key, value),
                Operation::Delete { key } => writes.delete(key),
            }
        }
        self.db.write_opt(writes, &synced()).map_err(translate)
    }

    fn checkpoint(&self, folder: &Path) -> Result<(), StoreError> {
        Checkpoint::new(&self.db).and_then(|checkpoint| checkpoint.create_checkpoint(folder)).map_err(translate)
    }

    fn flush(&self) -> Result<(), StoreError> {
        let mut options = FlushOptions::default();
        options.set_wait(true);
        self.db.flush_opt(&options).map_err(translate)
    }

    fn verify(&self) -> Result<(), StoreError> {
        let everything = KeyRange { from: Vec::new(), to: Vec::new() };
        let mut options = read_options(&everything);
        options.fill_cache(false);
        visit_all(self.db.iterator_opt(IteratorMode::Start, options), &mut |_, _| std::ops::ControlFlow::Continue(()))
    }

    fn free_bytes(&self) -> Option<u64> {
        let volume = rustix::fs::statvfs(&self.path).ok()?;
        volume.f_bavail.checked_mul(volume.f_frsize)
    }
}
