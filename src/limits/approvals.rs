//! Bounds of actions, of what people are asked about them, and of the time they have.

use super::STORE_VALUE_BYTES_MAX;
use deedbook_verify::limits as formats;
use std::time::Duration;

/// How long a grant lasts that the policies gave without asking anybody: the time to begin, not to run.
pub const ALLOWED_GRANT_TTL_S: u32 = 5 * 60;
/// The longest that a grant by break-glass lasts.
pub const BREAK_GLASS_GRANT_TTL_S: u32 = 15 * 60;
/// How long a break-glass may go without its review before it is overdue: a long weekend.
pub const POST_REVIEW_S: u32 = 72 * 60 * 60;
/// Uses of one grant. Each leaves an execution of 25 bytes in the action's row.
pub const GRANT_USES_MAX: u16 = 256;
/// Approvals that the fold of one request keeps, 34 bytes each: eight times what any requirement can ask for.
pub const APPROVALS_KEPT_MAX: usize = 256;
/// Bytes of an action's row: 257 votes, 256 conflicts, an execution for each use of the grant, 32 assigned votes, and
/// 1 KiB for the rest.
pub const ACTION_ROW_BYTES_MAX: usize =
    (APPROVALS_KEPT_MAX + 1) * 34 + formats::CONFLICTS_MAX * 17 + GRANT_USES_MAX as usize * 25 + 32 * 25 + 1024;
/// Bytes of a presentation: a binding in rows, each with its path, and all the rest; less than a frame.
pub const PRESENTATION_BYTES_MAX: usize = 256 * 1024;
/// What it keeps of that to say what it left out.
pub const PRESENTATION_OMITTED_BYTES_MAX: usize = 8 * 1024;
/// Characters of one value in a presentation.
pub const PRESENTATION_VALUE_CHARS_MAX: usize = 32_768;
/// Earlier like actions in a presentation.
pub const PRESENTATION_EARLIER_MAX: usize = 5;
/// Sources of data that are shown by name; a name has at most 1,024 bytes, so that they fit into an eighth of the page.
pub const PRESENTATION_SOURCES_MAX: usize = 12;
/// Things that an action reads whose way here is looked at.
pub const PRESENTATION_READS_MAX: usize = 16;
/// Entries that are looked at for the class of one source.
pub const PRESENTATION_CLASS_ENTRIES_MAX: usize = 16;
/// Things that are followed on from what an action reads and where it goes, to count what came of them: the nearest, so that
/// asking takes no longer the more came of them.
pub const PRESENTATION_REACH_NODES_MAX: u64 = 4_096;
/// How long lineage is asked while an action is submitted that people will be shown: what it does not answer by then is said
/// to be missing. Small graphs answer in microseconds, ten million edges in some tens of milliseconds.
pub const PRESENTATION_FLOW_MAX: std::time::Duration = std::time::Duration::from_millis(250);
/// Newest entries among which like actions are looked for: 256 posting rows of each condition.
pub const EARLIER_ENTRIES_LOOKED_AT: u64 = 65_536;
/// How many of these are looked at first; then twice as many before them, and so on: 8 steps at most.
pub const EARLIER_ENTRIES_FIRST: u64 = 256;
/// Actions that time will change: open requests, grants, reviews that are owed. 24 bytes of memory each.
pub const ACTIONS_OPEN_MAX: usize = 1_000_000;
/// How often a command is evaluated anew because policies or principals changed before its turn came.
pub const PREPARE_TRIES_MAX: usize = 4;
/// The shortest sleep of the writer before a deadline: how late an expiry is told at most, on an idle server.
pub const DEADLINE_WAIT_MIN: Duration = Duration::from_millis(10);
/// The longest: a wall clock that was set is noticed after this.
pub const DEADLINE_WAIT_MAX: Duration = Duration::from_secs(1);
/// Streams that wait for a decision. Each holds a task, a place in a map, and what HTTP/2 and gRPC keep of a call, 8 KiB of
/// it for encoding: 11 KiB, so that all of them hold 176 MiB.
pub const WAITERS_MAX: usize = 16_384;

const _: () = assert!(ACTION_ROW_BYTES_MAX <= STORE_VALUE_BYTES_MAX, "an action is one value");
const _: () = assert!(APPROVALS_KEPT_MAX >= 8 * formats::ASSIGNMENT_MAX, "what completes a quorum is kept");
const _: () = assert!(PRESENTATION_OMITTED_BYTES_MAX * 4 <= PRESENTATION_BYTES_MAX, "most of it says what will run");
