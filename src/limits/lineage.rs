//! Bounds of the lineage graph and of its queries. What a graph costs in all is a budget that its owner is given.

use deedbook_verify::limits as formats;

/// Nodes of one graph. An entry of its adjacency is a node and the kind of an edge in 32 bits, 27 and 5: at 36 bytes a
/// node with its edges, 134 million nodes are 4.8 GB.
pub const LINEAGE_NODES_MAX: u32 = 1 << 27;
/// Edges, and nodes, and gates, that wait unsorted to be sealed: 16,384 edges of 24 bytes are 400 KB, and are sorted in
/// 2 ms.
pub const LINEAGE_PENDING_MAX: usize = 16 * 1024;
/// Nodes and edges of segments that whoever appends merges itself: 65,536 take 2 ms. Larger merges are handed out.
pub const LINEAGE_MERGE_INLINE_MAX: usize = 64 * 1024;
/// Nodes of a query, and edges, between two looks at the clock: 4,096 of each, of at most 200 ns, are 1.6 ms.
pub const LINEAGE_POLL_STEPS: u32 = 4_096;
/// Paths that one answer names.
pub const LINEAGE_PATHS_MAX: usize = 1_000;
/// Edges that one answer names, of all its paths together or of a difference: 100,000 of 24 bytes are 2.4 MB.
pub const LINEAGE_EDGES_MAX: usize = 100_000;
/// What the server's graph takes unless somebody says otherwise, and the keys of its nodes as much again: 1 GiB is 45
/// million edges, and 17 million nodes.
pub const LINEAGE_BYTES_DEFAULT: usize = 1 << 30;
/// The most that may be said for that, in MiB: as many edges as 2^27 nodes may have some three of each.
pub const LINEAGE_MIB_MAX: usize = 16 * 1024;
/// About what the key of a node takes: 17 bytes in the order of nodes, 24 and their share of a table by key.
pub const LINEAGE_KEY_BYTES: usize = 60;
/// Nodes whose names are remembered: a million of about 200 bytes.
pub const LINEAGE_NAMED_MAX: usize = 1 << 20;
/// Rows that are dropped in one batch before they are derived again: 65,536 of some 20 bytes.
pub const LINEAGE_DROPPED_ROWS_MAX: usize = 64 * 1024;
/// Entries whose pages are read, or which are folded again, between two looks at the clock: 4,096 of some microseconds.
pub const LINEAGE_CHUNK_ENTRIES: u64 = 4_096;
/// How long somebody rests who waits for another to read pages.
pub const LINEAGE_LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(1);
/// Entries whose names are looked for at once: 65,536 indexes of 8 bytes, for each of five kinds.
pub const LINEAGE_NAMING_ENTRIES: u64 = 64 * 1024;
/// Nodes that one search names.
pub const LINEAGE_FOUND_MAX: usize = 200;
/// Nodes that one answer over the wire names: with 200 bytes each, 2 MB.
pub const LINEAGE_ANSWER_NODES_MAX: usize = 10_000;
/// Nodes that one question may start from.
pub const LINEAGE_STARTS_MAX: usize = 1_000;
/// How long a question may take.
pub const LINEAGE_QUERY_MAX: std::time::Duration = std::time::Duration::from_secs(25);
/// Nodes that one query looks at unless it says less: 20 million take about a second.
pub const LINEAGE_VISITED_MAX: u64 = 20_000_000;
/// Entries of an action's stream that a proof looks through for what an edge rests on: several of each use of its grant.
pub const LINEAGE_PROOF_STREAM_MAX: u64 = 4_096;
/// Entries that an answer reads to say who did what; each is one look-up of some microseconds.
pub const LINEAGE_PARTS_READ_MAX: usize = 2_000;
/// Causes of a run that are looked at for its job or action, which are named before what it read; and of a request for the
/// vote that denied it.
pub const LINEAGE_JOB_LOOKS_MAX: usize = 64;

/// Entities, activities and agents that one PROV document names: the 18 bytes of each in facts are 300 KB, in 16 events.
pub const PROV_THINGS_MAX: usize = 16 * 1024;
/// Records of one PROV document. A relation of a derivation is three edges of 5 bytes: 500 KB of facts at most, where each
/// part is full; where each edge has things of its own, 192 events of 30 KB.
pub const PROV_RECORDS_MAX: usize = 32 * 1024;
/// Bundles of one PROV document.
pub const PROV_BUNDLES_MAX: usize = 1_024;
/// Prefixes that a PROV document binds, and each of its bundles: a name that is written out in full is held against each.
pub const PROV_PREFIXES_MAX: usize = 1_024;
/// Bytes that the prefixes of a document are in its bundles, each of which takes them along when it stands by itself.
pub const PROV_INHERITED_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Values of one attribute of a PROV record.
pub const PROV_VALUES_MAX: usize = 16 * 1024;
/// Bytes of one name in a PROV document, its prefix written out.
pub const PROV_NAME_BYTES_MAX: usize = 4 * 1024;
/// Bytes of one bundle of an exported graph, about: a quarter of what may be imported as a document.
pub const PROV_BUNDLE_BYTES: usize = 256 * 1024;
/// Bytes of one PROV-JSON file that is imported, which may hold many documents: it is read whole, and once more in parts.
pub const PROV_FILE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Nodes of one page of the graph, with the edges that lead to them.
pub const LINEAGE_PAGE_NODES_MAX: usize = 1_000;
/// Edges of one page of the graph: 20,000 of 30 bytes are 600 KB.
pub const LINEAGE_PAGE_EDGES_MAX: usize = 20_000;

const _: () = assert!(LINEAGE_ANSWER_NODES_MAX <= formats::BUNDLE_NODES_MAX, "every answer's nodes can be proved");
const _: () =
    assert!(super::GRANT_USES_MAX as usize <= formats::BUNDLE_RUNS_OF_ACTION_MAX, "and every run of an action");
const _: () = assert!(super::RESPONSE_BYTES_MAX > formats::BUNDLE_BYTES_MAX + 64 * 1024, "a bundle is one message");
const _: () = assert!(LINEAGE_NODES_MAX.checked_mul(1 << 5).is_none(), "an id and five bits fill 32");
const _: () = assert!((LINEAGE_NODES_MAX as u64 - 1) << 5 | 31 == u32::MAX as u64, "and no more");
const _: () = assert!(LINEAGE_MERGE_INLINE_MAX >= 2 * LINEAGE_PENDING_MAX, "what was just sealed can be merged");

/// Names of things that an export of the log remembers: 200 bytes each, so 13 MB.
pub const LINEAGE_OUT_NAMES_MAX: usize = 65_536;
/// Actions of which an export remembers what their first entries said: 400 bytes each, and 64 KiB for one whose binding names
/// as much as it may, so 32 MiB at most. Of others these entries are read again, in a millisecond.
pub const LINEAGE_OUT_ACTIONS_MAX: usize = 512;
