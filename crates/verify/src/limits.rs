//! Every bound of the formats. A parser stops at a bound before it allocates; nothing here depends on the server.

/// Bytes of one entry. Facts have a u16 length, so the rest of the 32 KiB is the seal's.
pub const ENTRY_BYTES_MAX: usize = 32 * 1024;
/// Bytes of the facts of one event: what an entry leaves when its seal is as long as a seal can be.
pub const FACTS_BYTES_MAX: usize = 30 * 1024;
/// Events in one frame, signed and appended together.
pub const FRAME_EVENTS_MAX: u16 = 1_024;
/// Bytes of facts and bodies of one frame together.
pub const FRAME_BYTES_MAX: usize = 1024 * 1024;
/// Signers that a frame may require.
pub const SIGNERS_MAX: usize = 4;
/// Bytes of one signature: ML-DSA-44 needs 2,420, a WebAuthn assertion less.
pub const SIGNATURE_BYTES_MAX: usize = 4 * 1024;
/// Elements of the on-behalf-of list.
pub const ON_BEHALF_OF_MAX: usize = 16;
/// Elements of the parents list.
pub const PARENTS_MAX: usize = 64;
/// Objects of one event, versions among them; the rest is counted in `objects_omitted`.
pub const OBJECTS_MAX: usize = 1_024;
/// Relations of one part of a document; a document with more has more parts.
pub const RELATIONS_MAX: usize = 1_024;
/// Persons that genesis may name.
pub const PERSONS_MAX: usize = 64;
/// Bodies that one `body.erased` may name: as many as a frame may bring in, so that a commit stays bounded.
pub const ERASED_BODIES_MAX: usize = 1_024;
/// Ranges of entries that one `hold.placed` may name: 16 KiB of its facts.
pub const HELD_RANGES_MAX: usize = 1_024;
/// Holds in force at once.
pub const HOLDS_MAX: usize = 1_024;
/// Ranges of all holds in force together: 1 MiB. An erasure of 1,024 bodies looks into each hold for each of them: with all
/// of both, a million binary searches, some tens of milliseconds.
pub const HELD_RANGES_TOTAL_MAX: usize = 65_536;
/// Data classes with a retention of their own.
pub const RETENTION_RULES_MAX: usize = 1_024;
/// Computed tests that one `verification.run` may name: as many as numbers for them.
pub const TESTS_MAX: usize = 100;
/// Clauses of one requirement.
pub const CLAUSES_MAX: usize = 8;
/// Votes that one resolution rests on, and so the persons that a requirement may ask for.
pub const ASSIGNMENT_MAX: usize = 32;
/// Persons in the conflict set of one request.
pub const CONFLICTS_MAX: usize = 256;
/// Governing commands that wait for a second administrator at once. Each holds its facts: at most 30 MiB together.
pub const GOVERNANCE_WAITING_MAX: usize = 1_024;
/// Microseconds that a governing command waits: 7 days.
pub const GOVERNANCE_TTL_US: u64 = 7 * 24 * 3_600 * 1_000_000;
/// Administrators whom one break-glass command may name as silent: more than govern any ledger, and 1 KiB of facts.
pub const SILENT_MAX: usize = 64;
/// Microseconds for which those named must stay silent before one administrator removes them alone: 14 days. Long enough
/// that whoever is merely away hears of it; short enough that an erasure that the law gives a month for can still be
/// made in time, which takes an administrator who governs.
pub const GOVERNANCE_SILENCE_US: u64 = 2 * GOVERNANCE_TTL_US;
/// Teams that one principal may belong to.
pub const TEAMS_MAX: usize = 16;
/// Bytes of a registered code such as an action type.
pub const CODE_BYTES_MAX: usize = 64;
/// Bytes of a body's media type.
pub const MEDIA_TYPE_BYTES_MAX: usize = 127;
/// Bytes of an origin. C2SP cosigners length-prefix it with one byte.
pub const ORIGIN_BYTES_MAX: usize = 255;
/// Hashes in one Merkle path: a tree of 2^63 leaves needs no more.
pub const PATH_HASHES_MAX: usize = 63;
/// Hashes in a consistency proof (RFC 9162, 2.1.4.2): one more than a path.
pub const CONSISTENCY_HASHES_MAX: usize = PATH_HASHES_MAX + 1;
/// Bytes of a signed note, cosignatures included.
pub const NOTE_BYTES_MAX: usize = 128 * 1024;
/// Signature lines of a note that are looked at; C2SP asks for at least 16.
pub const NOTE_SIGNATURES_MAX: usize = 64;
/// Bytes of a witness policy file.
pub const POLICY_BYTES_MAX: usize = 64 * 1024;
/// Logs, witnesses and groups of a policy, each; C2SP asks for at least 32. All witnesses fit on one note.
pub const POLICY_ITEMS_MAX: usize = 48;
/// Bytes of a receipt file: a body of 1 MiB in base64, three entries and their blocks.
pub const RECEIPT_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of a bundle that proves the edges of a lineage answer: some thousand entries of 1 KiB, or 200 of the largest.
pub const BUNDLE_BYTES_MAX: usize = 6 * 1024 * 1024;
/// Entries of a bundle. Each costs a hash for each level of the tree, and each frame among them a signature: 4,096 are
/// judged in less than a second.
pub const BUNDLE_ENTRIES_MAX: usize = 4_096;
/// Nodes of a bundle.
pub const BUNDLE_NODES_MAX: usize = 10_000;
/// Edges of a bundle.
pub const BUNDLE_EDGES_MAX: usize = 20_000;
/// Runs of one action that a bundle tells apart: as many as a grant may have uses.
pub const BUNDLE_RUNS_OF_ACTION_MAX: usize = 256;

const _: () =
    assert!(BUNDLE_BYTES_MAX > NOTE_BYTES_MAX + BUNDLE_NODES_MAX * 17 + BUNDLE_EDGES_MAX * 13 + 4 * 1024 * 1024);
const _: () = assert!(FACTS_BYTES_MAX <= u16::MAX as usize, "facts carry a u16 length");
const _: () = assert!(
    FACTS_BYTES_MAX > OBJECTS_MAX * 18 + PARENTS_MAX * 32 + ON_BEHALF_OF_MAX * 16 + 4 * 1024,
    "an event with every list full still fits"
);
const _: () = assert!(
    FACTS_BYTES_MAX > OBJECTS_MAX * 18 + RELATIONS_MAX * 5 + PARENTS_MAX * 32 + ON_BEHALF_OF_MAX * 16 + 4 * 1024,
    "a part of a document with every list full fits"
);
const _: () = assert!(
    FACTS_BYTES_MAX > ERASED_BODIES_MAX * 10 + PARENTS_MAX * 32 + ON_BEHALF_OF_MAX * 16 + 4 * 1024,
    "an erasure of single bodies fits"
);
const _: () = assert!(
    FACTS_BYTES_MAX > HELD_RANGES_MAX * 16 + PARENTS_MAX * 32 + ON_BEHALF_OF_MAX * 16 + 4 * 1024,
    "a hold with every range fits"
);
const _: () = assert!(
    CONFLICTS_MAX * 17 + ASSIGNMENT_MAX * 25 + 40 + CLAUSES_MAX * 17 < OBJECTS_MAX * 18,
    "a request with every list of its own full is smaller than an event with every object"
);
const _: () = assert!(
    ENTRY_BYTES_MAX - FACTS_BYTES_MAX - 3 > 512,
    "a seal of one Ed25519 signature fits behind facts of any admitted length"
);
const _: () = assert!(POLICY_ITEMS_MAX < NOTE_SIGNATURES_MAX, "the log and every witness can sign one note");
const _: () = assert!(RECEIPT_BYTES_MAX > FRAME_BYTES_MAX * 4 / 3 + 4 * ENTRY_BYTES_MAX * 4 / 3 + NOTE_BYTES_MAX);

/// Clauses of a package's filter.
#[cfg(feature = "package")]
pub const FILTER_CLAUSES_MAX: usize = 16;
/// Values of one clause of a filter.
#[cfg(feature = "package")]
pub const FILTER_VALUES_MAX: usize = 64;
/// Bytes of the small files of a package that are read whole: question, notes, tag files.
#[cfg(feature = "package")]
pub const PACKAGE_TEXT_BYTES_MAX: usize = NOTE_BYTES_MAX;
/// Bytes of a package's manifest: 100 bytes a line, for as many files as a package may have.
#[cfg(feature = "package")]
pub const MANIFEST_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Files of a package: 19 tests of four files each, and the policies of a period.
#[cfg(feature = "package")]
pub const PACKAGE_FILES_MAX: usize = 20_000;
/// Bytes of what stood before an interval: 200,000 governing entries of 320 bytes, held in memory while they are judged.
#[cfg(feature = "package")]
pub const BEFORE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of one policy set: more than `policy.published` can bring.
#[cfg(feature = "package")]
pub const POLICY_TEXT_BYTES_MAX: usize = FRAME_BYTES_MAX;
/// Bytes of one disclosed body.
#[cfg(feature = "package")]
pub const BODY_BYTES_MAX: usize = FRAME_BYTES_MAX;
/// Signatures that wait for a thread; each holds some 300 bytes.
#[cfg(feature = "package")]
pub const SIGNATURES_WAITING_MAX: usize = 1_024;
/// Threads that verify signatures.
#[cfg(feature = "package")]
pub const SIGNATURE_THREADS_MAX: usize = 8;
/// Bytes of the DSSE envelope around a package's second manifest, and of the record of its export: the manifest names six
/// files at most, 150 bytes each, in base64; twelvefold.
#[cfg(feature = "package")]
pub const ENVELOPE_BYTES_MAX: usize = 16 * 1024;

/// Values in values of these: an envelope has three.
#[cfg(feature = "package")]
pub const MEMBERS_DEPTH_MAX: usize = 4;

/// Chunks of 64 KiB of rendered files that wait to be hashed: 4 MiB.
#[cfg(feature = "package")]
pub const CHUNKS_WAITING_MAX: usize = 64;
/// Files that are whole, or parts of them, that wait for the disk. Each keeps its file open.
#[cfg(feature = "package")]
pub const SYNCS_WAITING_MAX: usize = 64;
/// Bytes of a file that is being written before the disk is told to begin: a tenth of a second of a fast one.
#[cfg(feature = "package")]
pub const UNSYNCED_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Unjudged files that are open at once while entries are judged; a package has a dozen.
#[cfg(feature = "package")]
pub const FILES_BESIDE_MAX: usize = 16;
/// Blocks of 256 KiB of entries that wait to be judged: 4 MiB.
#[cfg(feature = "package")]
pub const BLOCKS_WAITING_MAX: usize = 16;
