//! Every bound of the server, in one place, units last. The formats' own bounds stand in `deedbook_verify::limits`.

mod approvals;
mod evidence;
mod fold;
mod lineage;
mod pictures;

use deedbook_verify::limits as formats;
use std::time::Duration;

pub use approvals::*;
pub use deedbook_verify::limits::{
    BUNDLE_EDGES_MAX, BUNDLE_NODES_MAX, ENTRY_BYTES_MAX, FACTS_BYTES_MAX, FRAME_BYTES_MAX, FRAME_EVENTS_MAX,
    OBJECTS_MAX, RECEIPT_BYTES_MAX,
};
pub use evidence::*;
pub use fold::*;
pub use lineage::*;
pub use pictures::*;

// Store.

/// Bytes of one key of the store.
pub const STORE_KEY_BYTES_MAX: usize = 1024;
/// Bytes of one value of the store; larger bodies are split into blocks.
pub const STORE_VALUE_BYTES_MAX: usize = 64 * 1024;
/// Appends stop below this much free disk, so that opening, reading and exporting go on.
pub const DISK_FREE_BYTES_MIN: u64 = 256 * 1024 * 1024;
/// How often the free disk is looked at.
pub const DISK_CHECK_INTERVAL_MS: u64 = 1_000;
/// Commit rows kept, so that a store ahead of its anchor can be checked against it.
pub const COMMIT_ROWS_KEPT: u64 = 4_096;

/// Files that the engine keeps open; each costs an index and a filter in its cache.
pub const STORE_FILES_MAX: i32 = 512;

// Audit.

/// Entries that the scan of an audit hands on together: 0.5 ms of the walk's work.
pub const AUDIT_BATCH_ENTRIES: usize = 256;
/// Bytes of them, one entry on top.
pub const AUDIT_BATCH_BYTES: usize = 128 * 1024;
/// Batches that wait for the walk, or for the fold of the graph: bytes, and 1 KiB for each parsed entry, so 6 MiB.
pub const AUDIT_BATCHES_WAITING: usize = 16;
/// Entries that a walk hands on together: their commitments, 48 bytes each, and the signatures of their frames. In frames
/// of one event that is 4,096 checks of about 600 bytes, so 2.6 MB.
pub const AUDIT_PART_ENTRIES: u64 = 4_096;
/// Parts that wait between two threads of an audit. With those at work, 11 parts of 2.6 MB are 29 MB at most.
pub const AUDIT_PARTS_WAITING: usize = 4;
/// Signatures of one part that one thread checks, at least: 128 take 7 ms, a thread is started in 0.1.
pub const AUDIT_CHECKS_PER_THREAD_MIN: usize = 128;
/// Late events whose runs an audit holds, at least; twice as many are 8 MB.
pub const AUDIT_LATE_RUNS_MIN: usize = 65_536;
/// Bytes that an audit reads of a package's files at once, while it looks where each record stands.
pub const PACKAGE_READ_BYTES: usize = 256 * 1024;
/// Checkpoints that an audit is given to compare with; a note is at most 128 KiB, and is held until it is opened.
pub const AUDIT_CHECKPOINTS_MAX: usize = 1_000;

// Erasure.

/// Erasures that are finished together: 64 of 1,024 bodies each share one flush and one compaction.
pub const PURGE_COMMANDS_MAX: usize = 64;
/// Rows that one batch of finishing an erasure deletes: 4,096 keys of 15 bytes.
pub const PURGE_BATCH_ROWS_MAX: usize = 4_096;
/// How often the store's folder is looked at for files that the engine is about to delete: for a second.
pub const PURGE_LOOKS_MAX: usize = 200;
/// Pause between two looks.
pub const PURGE_LOOK_PAUSE: Duration = Duration::from_millis(5);
/// How long finishing an erasure rests when the engine keeps an old file, at first; each time twice as long.
pub const PURGE_PAUSE_FIRST: Duration = Duration::from_millis(50);
/// The longest rest: a compaction of other rows may take minutes.
pub const PURGE_PAUSE_MAX: Duration = Duration::from_secs(10);
/// Tries in a row at opening before it fails: about two and a half minutes.
pub const PURGE_OPENING_TRIES_MAX: usize = 20;
/// Pending erasures that an answer names; the rest is counted.
pub const PENDING_ERASURES_NAMED_MAX: usize = 1_000;

// Writer.

/// Bytes of frames that wait for the writer or for their sync; beyond it callers wait.
pub const QUEUE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Messages in the writer's channel. Each job holds at least `QUEUE_BYTES_PER_JOB_MIN` of the byte budget, so that
/// a flood of tiny frames is bounded by the same budget and the channel never fills first.
pub const QUEUE_JOBS_MAX: usize = QUEUE_BYTES_MAX / QUEUE_BYTES_PER_JOB_MIN + 16;
/// What a job costs at least in the byte budget: its bookkeeping.
pub const QUEUE_BYTES_PER_JOB_MIN: usize = 1024;
/// Events in one commit. 2,048 events of 1 KiB are 2 MiB, which syncs in about a millisecond, and half of a stream's
/// credit, so that checking, building and syncing overlap.
pub const COMMIT_EVENTS_MAX: usize = 2_048;
/// Events whose ids and streams are looked up together, a last frame on top.
pub const LOOK_UP_EVENTS_MAX: usize = 1_024;
/// Bytes in one commit.
pub const COMMIT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Room that a batch keeps for the next one: what a commit of full size needs. Three batches are in use at most: one
/// syncs, one is full, one is built.
pub const BATCH_KEPT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Empty batches that are kept.
pub const BATCHES_KEPT_MAX: usize = 2;
/// Change of the wall clock against the boot-time clock beyond which commits pause.
pub const CLOCK_DRIFT_MS_MAX: u64 = 5_000;
/// Sources and streams whose heads the writer keeps in memory between commits.
pub const HEAD_CACHE_ENTRIES_MAX: usize = 65_536;
/// Ids of principals that are remembered between readings of bodies: about 100 bytes each.
pub const KNOWN_IDS_MAX: usize = 16_384;
/// How far the wall clock may stand behind the last received time at opening.
pub const CLOCK_BEHIND_MS_MAX: u64 = 5_000;
/// Keys that a ledger may know, ended ones included: they are held in memory.
pub const KEYS_MAX: usize = 100_000;

// Checkpoints.

/// The head signer signs the newest anchored size at most this often.
pub const CHECKPOINT_INTERVAL_MS: u64 = 100;
/// Newest checkpoints kept; of older ones the first of each hour stays.
pub const CHECKPOINTS_KEPT: usize = 10_000;

// Proofs.

/// Tiles above the leaves that are kept in memory: 2,048 of 8 KiB are 16 MiB, those of 134 million entries. A ledger of 5
/// million has 76, 0.6 MiB.
pub const UPPER_TILES_MAX: usize = 2_048;

/// How long closing waits for the writer to drain.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);

// Actions.

/// Levels of a JSON document that is hashed or recorded; readers and writers recurse this deep.
pub const JSON_DEPTH_MAX: usize = 32;
/// Bytes of an action's binding in canonical form: a reviewer is to read it, and it is a body beside its facts.
pub const BINDING_BYTES_MAX: usize = 64 * 1024;
/// Bytes of one name in a binding: tenant, resource, party, source, destination.
pub const BINDING_NAME_BYTES_MAX: usize = 1_024;
/// Datasets that a binding names as read; facts hold as many refs.
pub const BINDING_SOURCES_MAX: usize = 256;
/// Bytes of the name of a secret.
pub const SECRET_REF_BYTES_MAX: usize = 1_024;

// Policies.

/// Bytes of a policy set's text: a thousand policies of 500 bytes.
pub const POLICY_TEXT_BYTES_MAX: usize = 512 * 1024;
/// Bytes of a schema's text.
pub const POLICY_SCHEMA_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a policy set as it is recorded: text and schema in JSON, which is a body.
pub const POLICY_SOURCE_BYTES_MAX: usize = 896 * 1024;
/// Policies of a set; a thousand are evaluated within a millisecond.
pub const POLICIES_MAX: usize = 1_024;
/// Policies that the slices of a set, one for each action, may hold together: a thousand that are about any of 64 actions.
pub const POLICY_SLICED_MAX: usize = 65_536;
/// Bytes of one policy, so that the recursion of parser and validator is bounded.
pub const POLICY_BYTES_MAX: usize = 8 * 1024;
/// Brackets within brackets in one policy, each `if` counted as one: each takes nine levels of Cedar's grammar.
pub const POLICY_DEPTH_MAX: usize = 16;
/// Operators of one policy. Cedar recurses for each of a chain; of the 2 MiB that a thread has it takes about 4 KiB an
/// operator, and between 400 and 1,000 of them end the process.
pub const POLICY_OPERATORS_MAX: usize = 96;
/// Bytes of a policy's id, a team's name, or a line of advice.
pub const POLICY_NAME_BYTES_MAX: usize = 256;
/// The longest deadline that a policy may set, in seconds: 90 days.
pub const POLICY_TTL_S_MAX: u32 = 90 * 24 * 3_600;
/// How long a request is open when no policy says: a day, for reviewers sleep.
pub const REQUEST_TTL_S_DEFAULT: u32 = 24 * 3_600;
/// How long a grant may be redeemed when no policy says: 15 minutes, since an agent waits for it.
pub const GRANT_TTL_S_DEFAULT: u32 = 15 * 60;
/// Published sets that a list names.
pub const POLICIES_LISTED_MAX: usize = 1_000;
/// Defects that a refused publication names; the rest is counted.
pub const POLICY_LINTS_MAX: usize = 100;
/// Bytes of one recorded question: a binding's parameters, the names of its parties and their teams.
pub const QUESTION_BYTES_MAX: usize = 256 * 1024;
/// Teams of one party that a question names.
pub const QUESTION_TEAMS_MAX: usize = 64;
/// Questions that one what-if answers.
pub const WHAT_IF_QUESTIONS_MAX: usize = 10_000;

// API.

/// Bytes of one request message. A frame of 1 MiB and its envelope fit; a larger frame is named by its own error.
pub const REQUEST_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Bytes of one response message that clients take: a receipt, or a page with the largest body.
pub const RESPONSE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of events that one page or message of a range collects before it is sent; one event may exceed it.
pub const RANGE_MESSAGE_BYTES: usize = 256 * 1024;
/// Bodies that a reader of a range has read ahead.
pub const BODIES_AHEAD_MAX: u64 = 64;
/// Bytes of them, and one body more: half a message of a range.
pub const BODIES_AHEAD_BYTES_MAX: usize = 128 * 1024;
/// Erasures that a reader of a range knows ahead.
pub const ERASED_AHEAD_MAX: usize = 1_024;
/// Bytes of events on one page of a list; one event may exceed it.
pub const PAGE_BYTES: usize = 1024 * 1024;
/// Items on a page when the caller names no number.
pub const PAGE_SIZE_DEFAULT: usize = 100;
/// Items on a page at most.
pub const PAGE_SIZE_MAX: usize = 1_000;
/// Event ids in one lookup.
pub const LOOKUP_IDS_MAX: usize = 1_024;
/// Bytes of a message that an error carries, before what is unsafe to show is escaped. A client takes 16 KiB of headers,
/// in which an escape takes 10 bytes for 2, and the message stands twice, the second time in base64.
pub const ERROR_MESSAGE_BYTES_MAX: usize = 1_024;
/// Indexes that an error names before it only counts.
pub const ERROR_INDEXES_MAX: usize = 64;
/// Unary calls at work at once; further ones wait until their deadline.
pub const CALLS_MAX: usize = 512;
/// Streams, appending or reading, that one server holds open. 256 append streams may hold 1 GiB of frames.
pub const STREAMS_MAX: usize = 256;
/// gRPC connections at once; further ones wait to be accepted. Streams and subscribers come one on each, as a rule, and
/// none of them shall keep the others from asking.
pub const CONNECTIONS_MAX: usize = STREAMS_MAX + SUBSCRIBERS_MAX + CALLS_MAX;
/// Requests under way on one connection. 128 of the largest messages are 256 MiB.
pub const CONNECTION_STREAMS_MAX: u32 = 128;
/// How long accepting rests after a failure, such as no more file descriptors.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Bytes of frames that an append stream may have under way; four of the largest frames.
pub const STREAM_CREDIT_BYTES: u64 = 4 * 1024 * 1024;
/// Frames whose signatures one task checks: 16 are 0.6 ms, enough to pay for the task and short enough to share cores.
pub const STREAM_CHUNK_FRAMES_MAX: usize = 16;
/// Bytes of frames that one task checks.
pub const STREAM_CHUNK_BYTES_MAX: u64 = 128 * 1024;
/// Chunks of one stream that are checked at once or wait for their turn.
pub const STREAM_CHUNKS_MAX: usize = 8;
/// Frames of one stream that wait for their commit.
pub const STREAM_TICKETS_MAX: usize = 4_096;
/// Placements in one acknowledgement.
pub const ACK_PLACEMENTS_MAX: usize = 1_024;
/// Messages that wait for a slow client of a stream.
pub const STREAM_RESPONSES_MAX: usize = 16;
/// How long a new stream may wait before it says Open.
pub const STREAM_OPEN_TIMEOUT: Duration = Duration::from_secs(10);
/// Deadline of unary calls that name none, and the longest that is honoured.
pub const CALL_TIMEOUT_MAX: Duration = Duration::from_secs(60);
/// How far the stated time of a signed request may be from the server's.
pub const REQUEST_TIME_WINDOW_MS: u64 = 5 * 60 * 1_000;
/// HTTP/2 flow control of one stream.
pub const HTTP2_STREAM_WINDOW_BYTES: u32 = 4 * 1024 * 1024;
/// HTTP/2 flow control of one connection.
pub const HTTP2_CONNECTION_WINDOW_BYTES: u32 = 16 * 1024 * 1024;
/// What a connection holds back for one turn of the runtime, so that small writes leave together; more is sent at once.
pub const CORKED_BYTES_MAX: usize = 4 * 1024;
/// Idle connections are asked for a sign of life this often, and closed without one.
pub const HTTP2_KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// How long that sign may take.
pub const HTTP2_KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client waits for a connection, and then for its first answer.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How often health looks at the ledger.
pub const HEALTH_INTERVAL: Duration = Duration::from_millis(250);
/// How soon a client may repeat what was refused for a passing reason.
pub const RETRY_DELAY: Duration = Duration::from_secs(1);
/// How long stopping waits for calls under way.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

// Subscriptions.

/// Subscribers and consumers at once. They stay for days, so they have places of their own beside `STREAMS_MAX`.
pub const SUBSCRIBERS_MAX: usize = 256;
/// Messages of events that wait for a slow subscriber. With the one that waits for room behind them and
/// `RANGE_MESSAGE_BYTES` in each, a subscriber that reads nothing holds 768 KiB, and an event more in each message
/// where bodies are large; 256 of them hold 192 MiB. What follows stays in the store.
pub const SUBSCRIBE_RESPONSES_MAX: usize = 2;
/// Entries that one step of a subscription looks through, matching or not: 64 blocks of postings. Where the rows decide
/// that is under a millisecond, and 0.1 s where each entry has to be read.
pub const STRETCH_ENTRIES_MAX: u64 = 16_384;
/// Events in one message of a subscription.
pub const STRETCH_EVENTS_MAX: usize = 1_024;
/// Steps of subscriptions that read the store at once; others wait, so that a herd that catches up leaves the cores
/// to those who append.
pub const STRETCHES_AT_ONCE_MAX: usize = 4;
/// How long a follower rests between two looks. One that waits is woken at once; under load it is woken 50 times a
/// second instead of once for each commit. To wake 256 at once takes the committer 0.6 ms, so 30 ms of each second.
pub const FOLLOW_REST: Duration = Duration::from_millis(20);
/// How often a subscriber hears of its progress when it names no interval.
pub const PROGRESS_INTERVAL_MS_DEFAULT: u32 = 5_000;
/// The shortest such interval.
pub const PROGRESS_INTERVAL_MS_MIN: u32 = 100;
/// The longest such interval; longer silence is taken for a dead connection by what stands between.
pub const PROGRESS_INTERVAL_MS_MAX: u32 = 60_000;

/// Persistent subscriptions of one ledger.
pub const SUBSCRIPTIONS_MAX: usize = 64;
/// Bytes of a subscription's name: with tag and ledger number it stays a key of the store.
pub const SUBSCRIPTION_NAME_BYTES_MAX: usize = 40;
/// Events in a consumer's hands, and events settled behind an unsettled one. The row names the latter with 8 bytes
/// each, 8 KiB in all, and is rewritten with each settlement.
pub const IN_FLIGHT_MAX: u16 = 1_000;
/// Events in a consumer's hands when nobody names a number.
pub const IN_FLIGHT_DEFAULT: u16 = 100;
/// The shortest lease.
pub const LEASE_MS_MIN: u32 = 100;
/// The longest lease: how long a dead consumer can hold a subscription.
pub const LEASE_MS_MAX: u32 = 600_000;
/// The lease when nobody names one.
pub const LEASE_MS_DEFAULT: u32 = 30_000;
/// Events that one subscription has put aside; they are read whole for a list.
pub const PARKED_MAX: usize = 1_000;
/// Bytes of the reason for which an event is put aside.
pub const PARK_REASON_BYTES_MAX: usize = 1_024;
/// Indexes in one acknowledgement.
pub const ACK_INDEXES_MAX: usize = 1_000;
/// How long settlements gather before they share one sync: at most 100 syncs a second beside the commits.
pub const SETTLE_GROUP: Duration = Duration::from_millis(10);
/// How often the settler looks up when nobody wakes it, so that it hears of the end.
pub const SETTLE_IDLE: Duration = Duration::from_millis(500);
/// Changes of subscriptions that wait: one of each consumer and of each call under way.
pub const SETTLE_QUEUE_MAX: usize = CALLS_MAX + SUBSCRIBERS_MAX;

// Witnesses.

/// Proof lines of an `add-checkpoint` request (C2SP tlog-witness).
pub const WITNESS_PROOF_LINES_MAX: usize = 63;
/// Bytes of a request to a witness, and of its answer: the largest note, 64 lines of 45 bytes and the old size.
pub const WITNESS_BODY_BYTES_MAX: usize = formats::NOTE_BYTES_MAX + 4 * 1024;
/// How long a witness may take to answer. It syncs a disk meanwhile; opening waits once for all of them together.
pub const WITNESS_TIMEOUT: Duration = Duration::from_secs(5);
/// A witness is asked to cosign at most this often.
pub const WITNESS_INTERVAL: Duration = Duration::from_secs(1);
/// The longest pause between attempts at a witness that does not cosign; it doubles from the interval.
pub const WITNESS_BACKOFF_MAX: Duration = Duration::from_secs(60);
/// An unchanged checkpoint is cosigned anew this often, so that a quiet ledger is seen to be alive.
pub const WITNESS_REFRESH: Duration = Duration::from_secs(60);
/// Sizes that a witness may name within one attempt: its first word, and one that it cosigned for us meanwhile.
pub const WITNESS_TRIES_MAX: usize = 3;
/// Characters of a witness's odd answer that are shown.
pub const WITNESS_WORDS_MAX: usize = 200;
/// Readiness warns when the newest checkpoint that meets the quorum is older: five refreshes were missed.
pub const WITNESSED_AGE_MS_MAX: u64 = 5 * 60 * 1_000;
/// How long a caller who wants a witnessed checkpoint waits: two intervals, two answers at their slowest, and some.
pub const WITNESSED_WAIT_MAX: Duration = Duration::from_secs(15);

// HTTP.

/// Bytes of a request body; all paths but those of OpenLineage are GETs.
pub const HTTP_BODY_BYTES_MAX: usize = 4 * 1024;
/// How long an answer may take.
pub const HTTP_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections at once; further ones wait to be accepted.
pub const HTTP_CONNECTIONS_MAX: usize = 256;
/// How long a connection may be silent in the middle of a request or between two.
pub const HTTP_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes of answers under way, from the read to the last byte sent: 7 of the largest bundles, or 400 of 160 KiB.
pub const HTTP_ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What a checkpoint or a tile takes of that: the longest note, and no less, so that at most 256 reads are under way.
pub const HTTP_PAGE_BYTES_MAX: u32 = 256 * 1024;
/// What an entry bundle takes of it: 256 of the longest entries, each behind its length.
pub const HTTP_BUNDLE_BYTES_MAX: u32 = 256 * (32 * 1024 + 2);

/// Bytes of a post of OpenLineage events, as it is sent and once it is inflated: three of the largest events.
pub const OPENLINEAGE_POST_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Events of one post; as many as a frame holds.
pub const OPENLINEAGE_BATCH_EVENTS_MAX: usize = 1_024;
/// Posts that are read and appended at once; others wait for a place. Each holds what was sent, what it inflates to, and
/// its events as they will be stored: 16 of 12 MiB are 192 MiB at most.
pub const OPENLINEAGE_POSTS_MAX: usize = 16;

/// File descriptors of a server: the engine's, a connection each, and 64 for logs, locks, anchors and the runtime.
pub const FILES_NEEDED: u64 =
    STORE_FILES_MAX.unsigned_abs() as u64 + CONNECTIONS_MAX as u64 + HTTP_CONNECTIONS_MAX as u64 + 64;

// Event lines.

/// Bytes of one body: what a frame holds beside the longest facts.
pub const BODY_BYTES_MAX: usize = formats::FRAME_BYTES_MAX - formats::FACTS_BYTES_MAX;
/// Bytes of one event line: the largest body, and as much room for facts as they can take in JSON.
pub const LINE_BYTES_MAX: usize = formats::FRAME_BYTES_MAX + 256 * 1024;

/// Bytes of an outside list that is compared with the log: it is read whole, with its keys about twice that.
pub const RECONCILE_LIST_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Bytes of differences that stand in the body of a reconciliation; each may take six as JSON.
pub const RECONCILE_LISTED_BYTES_MAX: usize = 128 * 1024;
/// How far ahead of the server a source's clock may be for its events to be compared: a day, in microseconds.
pub const RECONCILE_SLACK_US: u64 = 86_400_000_000;
const _: () = assert!(POLICY_SOURCE_BYTES_MAX <= BODY_BYTES_MAX && QUESTION_BYTES_MAX <= BODY_BYTES_MAX);
const _: () = assert!(BINDING_BYTES_MAX * 2 <= QUESTION_BYTES_MAX, "a question repeats the binding's parameters");
const _: () = assert!(WITNESS_BODY_BYTES_MAX > formats::NOTE_BYTES_MAX + WITNESS_PROOF_LINES_MAX * 45 + 25);
const _: () = assert!(WITNESSED_WAIT_MAX.as_secs() > 2 * (WITNESS_TIMEOUT.as_secs() + WITNESS_INTERVAL.as_secs()));
const _: () = assert!(WITNESSED_AGE_MS_MAX as u128 >= 5 * WITNESS_REFRESH.as_millis());
const _: () = assert!(
    (1 + formats::POLICY_ITEMS_MAX) * (formats::ORIGIN_BYTES_MAX + 128) + formats::ORIGIN_BYTES_MAX + 128
        < STORE_VALUE_BYTES_MAX,
    "a checkpoint with every cosignature is one value"
);
const _: () = assert!(COMMIT_BYTES_MAX >= 2 * formats::FRAME_BYTES_MAX, "a commit always takes at least one frame");
const _: () = assert!(COMMIT_EVENTS_MAX >= formats::FRAME_EVENTS_MAX as usize, "a frame is never split");
const _: () = assert!(QUEUE_BYTES_MAX >= 4 * formats::FRAME_BYTES_MAX, "the largest frame can always be admitted");
const _: () = assert!(formats::ENTRY_BYTES_MAX <= STORE_VALUE_BYTES_MAX, "an entry is one value");
const _: () = assert!(REQUEST_BYTES_MAX > formats::FRAME_BYTES_MAX + FRAME_EVENTS_MAX as usize * 64 + 64 * 1024);
const _: () =
    assert!(RESPONSE_BYTES_MAX > RECEIPT_BYTES_MAX && RESPONSE_BYTES_MAX > 2 * PAGE_BYTES + REQUEST_BYTES_MAX);
const _: () = assert!(256 + 8 * IN_FLIGHT_MAX as usize <= STORE_VALUE_BYTES_MAX, "a subscription is one value");
const _: () = assert!(STREAM_CREDIT_BYTES >= 2 * REQUEST_BYTES_MAX as u64, "the largest frame fits in the credit");
const _: () = assert!(OPENLINEAGE_POST_BYTES_MAX > BODY_BYTES_MAX, "the largest event can be posted");
const _: () = assert!(QUEUE_BYTES_MAX >= 2 * OPENLINEAGE_POST_BYTES_MAX, "a post fits into the writer's queue");
const _: () = assert!(HTTP_PAGE_BYTES_MAX as usize > formats::NOTE_BYTES_MAX, "a note is one page");
const _: () = assert!(HTTP_BUNDLE_BYTES_MAX as usize >= 256 * (ENTRY_BYTES_MAX + 2), "a bundle is one page");
const _: () = assert!(HTTP_ANSWER_BYTES_MAX > HTTP_BUNDLE_BYTES_MAX as usize, "the largest page can be answered");
const _: () = assert!(BODY_BYTES_MAX > 6 * RECONCILE_LISTED_BYTES_MAX + 64 * 1024, "a reconciliation's body fits");
