//! Bounds of the fold of the log into the lineage graph, and of what it reads of bodies.

/// Nodes, and links, and traces of actions, that the fold keeps at hand once rows have them: 16,384 of about 40 bytes, in
/// two generations of which the older goes, stay in a core's cache. What was named longer ago is asked of the store.
pub const LINEAGE_TAIL_KEPT_MAX: usize = 16 * 1024;
/// Links of a run or action that stand together. A run that reads, writes and is said to be done by a dozen things has
/// a dozen; 64 of 14 bytes are 900. Those beyond stand in rows of their own.
pub const LINEAGE_LINKS_NEAR_MAX: usize = 64;
/// Entries, and bytes of entries, that the writer hands to the fold together. 64 take it about 150 microseconds, thirty
/// times what it costs to wake a thread; a commit of fewer wakes none.
pub const LINEAGE_PART_ENTRIES: usize = 64;
/// The same in bytes: 64 entries of 1 KiB.
pub const LINEAGE_PART_BYTES: usize = 64 * 1024;
/// Empty parts whose room is kept: as many as the fold may be behind without taking fresh pages.
pub const LINEAGE_PARTS_KEPT_MAX: usize = 16;
/// Column edges that are read of one event. An event of 1 MiB has room for 20,000 of 50 bytes; a wide table has 1,000.
pub const LINEAGE_COLUMNS_MAX: usize = 16 * 1024;
/// Aliases of datasets that are read of one event: as many as it may name datasets.
pub const LINEAGE_ALIASES_MAX: usize = 1_024;
/// Names that are read of one body: datasets and their versions, aliases, and whom it is about.
pub const LINEAGE_NAMES_MAX: usize = 4 * 1_024;
