//! Which rows stand together in the engine's files. Rows that are written in the order of their keys (entries, bodies,
//! body keys) each have a column family: their files never overlap, so merging moves them without a rewrite. All else
//! is looked up by hashes and shares one. The split is private to this backend; one write-ahead log keeps commits whole.

use crate::store::KeyRange;
use crate::store::keys::RowTag;
use rocksdb::{BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType, LruCacheOptions, Options};

const MIB: usize = 1024 * 1024;
/// Of each family; two may be unflushed: what opening replays from the log at most. With all families and what the
/// allocator holds back between one memtable and the next, they are most of what a server has resident under load.
const MEMTABLE_BYTES: usize = 24 * MIB;

/// Data, index and filter blocks of all families together, so that memory has one bound. By arithmetic, filters of 5
/// million entries take some 20 MiB of it and indexes 10.
const BLOCK_CACHE_BYTES: usize = 48 * MIB;
/// Four shards of 12 MiB. A file's filter is one block of some MiB and must fit into a shard: with the default of 64
/// shards it does not, is never kept, and each lookup reads and checks all of it again.
const BLOCK_CACHE_SHARD_BITS: i32 = 2;

/// Files of lookups that are merged at once: 240 MiB, about as much as the first level that is rewritten for them.
const LOOKUP_FILES_MERGED: i32 = 10;

/// Where the last row of a kind went into the memtable, the search for the next one of that kind (tag and ledger number,
/// 5 bytes) begins. A commit's rows come sorted, so that they are near; each would be searched from the top otherwise.
const SORTED_INSERTS: &str = "memtable_insert_with_hint_prefix_extractor=capped:5";

/// A column family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Everything that has no family of its own.
    Lookups,
    Entries,
    Bodies,
    /// Apart from the bodies, so that erasing rewrites few bytes and copies can leave them out.
    BodyKeys,
}

/// Every family.
pub(super) const FAMILIES: [Family; 4] = [Family::Lookups, Family::Entries, Family::Bodies, Family::BodyKeys];

/// The key space in order: each part ends where the next begins, the last one nowhere.
const PARTS: [(Family, &[u8]); 5] = [
    (Family::Lookups, &[]),
    (Family::Entries, &[RowTag::Entry as u8]),
    (Family::Bodies, &[RowTag::Body as u8]),
    (Family::BodyKeys, &[RowTag::BodyKey as u8]),
    (Family::Lookups, &[RowTag::EventId as u8]),
];

impl Family {
    /// The family of a key.
    pub fn of(key: &[u8]) -> Family {
        const ENTRY: u8 = RowTag::Entry as u8;
        const BODY: u8 = RowTag::Body as u8;
        const BODY_KEY: u8 = RowTag::BodyKey as u8;
        match key.first() {
            Some(&ENTRY) => Family::Entries,
            Some(&BODY) => Family::Bodies,
            Some(&BODY_KEY) => Family::BodyKeys,
            Some(_) | None => Family::Lookups,
        }
    }

    /// Where it keeps the number of the last commit: under a key that belongs to another family, so that no row of its
    /// own is hidden and no scan comes by. Behind all rows where rows ascend: before them, each file would span the
    /// family from its beginning, and merging would rewrite all of it.
    pub fn mark(self) -> &'static [u8] {
        match self {
            Family::Lookups => &[RowTag::Entry as u8],
            Family::Entries | Family::Bodies | Family::BodyKeys => &[0xff],
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            // RocksDB insists on this one.
            Family::Lookups => "default",
            Family::Entries => "entries",
            Family::Bodies => "bodies",
            Family::BodyKeys => "body-keys",
        }
    }

    /// Its options. An error of the engine here is a setting that it does not know.
    pub fn descriptor(self, cache: &Cache) -> Result<ColumnFamilyDescriptor, rocksdb::Error> {
        let mut table = BlockBasedOptions::default();
        table.set_block_cache(cache);
        table.set_cache_index_and_filter_blocks(true);
        table.set_pin_l0_filter_and_index_blocks_in_cache(true);
        table.set_block_size(16 * 1024);
        table.set_format_version(5);
        let mut options = match self {
            Family::Lookups => Options::default().get_options_from_string(SORTED_INSERTS)?,
            Family::Entries | Family::Bodies | Family::BodyKeys => Options::default(),
        };
        options.set_write_buffer_size(MEMTABLE_BYTES);
        options.set_max_write_buffer_number(3);
        match self {
            Family::Lookups => {
                // Merging rewrites the whole first level, so it waits for more files; each has a filter in memory.
                options.set_level_zero_file_num_compaction_trigger(LOOKUP_FILES_MERGED);
                table.set_bloom_filter(10.0, false);
                options.set_memtable_whole_key_filtering(true);
                options.set_memtable_prefix_bloom_ratio(0.05);
            }
            Family::Entries | Family::Bodies | Family::BodyKeys => {}
        }
        // Encrypted bytes and keys do not compress, and entries and lookups are mostly digests and refs. LZ4 took a sixth of
        // the processor's time of an append for a tenth of the disk.
        options.set_compression_type(DBCompressionType::None);
        options.set_block_based_table_factory(&table);
        Ok(ColumnFamilyDescriptor::new(self.name(), options))
    }
}

/// The cache that all families share.
pub(super) fn cache() -> Cache {
    let mut options = LruCacheOptions::default();
    options.set_capacity(BLOCK_CACHE_BYTES);
    options.set_num_shard_bits(BLOCK_CACHE_SHARD_BITS);
    Cache::new_lru_cache_opts(&options)
}

/// The parts of a range, one family each, in the order of their keys.
pub(super) fn split(range: &KeyRange) -> Vec<(Family, KeyRange)> {
    let ends = PARTS.iter().skip(1).map(|(_, from)| *from).chain([[].as_slice()]);
    let mut parts = Vec::with_capacity(1);
    for ((family, start), end) in PARTS.iter().zip(ends) {
        let from = range.from.as_slice().max(*start);
        let to = match (range.to.as_slice(), end) {
            ([], end) => end,
            (to, []) => to,
            (to, end) => to.min(end),
        };
        if to.is_empty() || from < to {
            parts.push((*family, KeyRange { from: from.to_vec(), to: to.to_vec() }));
        }
    }
    parts
}
