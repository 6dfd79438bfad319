//! Bounds of evidence: packages as they are written, tests as they run beside the server.

use std::time::Duration;

/// How much earlier than its period an interval begins, where the log is that old, in microseconds. A request waits for a
/// day unless a policy says otherwise; eight days hold those of a week, too. Of one that waited for longer the package says
/// that it cannot tell.
pub const EXPORT_LEAD_US: u64 = 8 * 24 * 3_600 * 1_000_000;
/// Bytes of one part of what stood before an interval.
pub const START_PART_BYTES: usize = 1024 * 1024;
/// Times that a read of the log is taken up again where it broke off, before an export gives up; the wait between doubles
/// from a quarter of a second, so that a minute of outage is survived.
pub const EXPORT_RETRIES_MAX: u32 = 8;
/// Bytes of one row of a package's CSV: some 400, and 8 for each entry that it was compared with, of 8 million at most.
pub const PACKAGE_ROW_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bytes of one `result.json`: some 60 codes, and a note for each thing that was left open.
pub const PACKAGE_RESULT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bars along the days of a package's charts: each a day as long as the interval is a quarter, else several.
pub const CHART_BINS_MAX: u64 = 92;
/// Sources that the chart of a package's report shows; the others are counted.
pub const CHART_SOURCES_MAX: usize = 24;
/// Requests whose beginning is remembered until they end, for the chart of times to decide: 24 bytes each, 48 MiB with the
/// map's room.
pub const CHART_REQUESTS_MAX: usize = 1_000_000;
/// Exceptions of one test that a package's report lists; its CSV has them all.
pub const REPORT_EXCEPTIONS_MAX: usize = 50;
/// Rows of one test that entries do not decide, as a package's report lists them.
pub const REPORT_INDETERMINATE_MAX: usize = 20;
/// Rows of each table of what people stated, as a package's report lists them.
pub const REPORT_STATED_MAX: usize = 50;
/// Entries that a package's report names beside a control, and entries or persons in one cell.
pub const REPORT_NAMED_MAX: usize = 6;
/// Rows of one sheet of a workbook, by its format.
pub const WORKBOOK_ROWS_MAX: u32 = 1_048_576;
/// Characters of one cell of a workbook, by its format.
pub const WORKBOOK_CELL_CHARS_MAX: usize = 32_767;
/// Bytes of one sheet before it is packed: two long ones and two short ones stay below 4 GiB, where offsets in an archive
/// end. A full sheet of exceptions has about 1 GiB.
pub const WORKBOOK_SHEET_BYTES_MAX: u64 = 1_500 * 1024 * 1024;
/// Files that a package's report names with their hashes: 19 tests of four each, the rest, and some policies.
pub const REPORT_FILES_MAX: usize = 120;
/// Bytes of a question: eleven lines, of which the filter is the longest: 16 clauses of 64 values of 64 digits.
pub const PACKAGE_QUESTION_BYTES_MAX: usize = 128 * 1024;

// Runs of the computed tests beside the server.

/// How often they run unless the operator says otherwise, in hours: the strictest cadence that a framework of ours asks for
/// is every three days, and what runs daily is looked at the next morning.
pub const TESTS_EVERY_HOURS_DEFAULT: u16 = 24;
/// How rarely, at most: a week.
pub const TESTS_EVERY_HOURS_MAX: u16 = 168;
/// Days that a run looks back unless the operator says otherwise: a quarter, and the time
/// that a review of access has behind it.
pub const TESTS_OVER_DAYS_DEFAULT: u16 = 120;
/// And at most: a year.
pub const TESTS_OVER_DAYS_MAX: u16 = 366;
/// Entries of one run: what is older than the newest so many is left out, and the run says so. A request and its steps are
/// three entries at least and stay with some 600 bytes, an entry that is an exception with some 500: 250 MB.
pub const TESTS_ENTRIES_MAX: u64 = 500_000;
/// Entries that are read together, between two pauses: some 0.5 MB.
pub const TESTS_BATCH_ENTRIES: u64 = 512;
/// Entries that a run takes in a second while nothing waits for the writer: with a signature each, 0.4 of a core. Half
/// a million take 50 s.
pub const TESTS_ENTRIES_PER_SECOND: u64 = 10_000;
/// The same while something waits: 0.1 of a core.
pub const TESTS_ENTRIES_PER_SECOND_BUSY: u64 = 2_500;
/// How long after its start a server begins a run that is due: whoever starts it has other things to wait for.
pub const TESTS_AFTER_START: Duration = Duration::from_secs(5 * 60);
/// After how long a run is tried again that could not be made, or not be recorded.
pub const TESTS_RETRY: Duration = Duration::from_secs(60 * 60);
/// Between the beginnings of two runs that people ask for.
pub const TESTS_ASKED_PAUSE: Duration = Duration::from_secs(1);
/// How often the thread that makes them looks whether one is due.
pub const TESTS_IDLE: Duration = Duration::from_millis(250);
/// How often whoever waits for a run looks at it.
pub const TESTS_POLL: Duration = Duration::from_millis(250);
/// How long they do: ten times what the largest run takes while the writer is busy.
pub const TESTS_RUN_WAIT_MAX: Duration = Duration::from_secs(2_000);
/// Runs that the history is read back for: over a year of daily ones.
pub const TESTS_HISTORY_MAX: usize = 400;

const _: () = assert!(TESTS_EVERY_HOURS_DEFAULT <= 24 && TESTS_EVERY_HOURS_DEFAULT <= TESTS_EVERY_HOURS_MAX);
const _: () = assert!(TESTS_OVER_DAYS_DEFAULT <= TESTS_OVER_DAYS_MAX);
const _: () = assert!(TESTS_ENTRIES_PER_SECOND_BUSY * 4 <= TESTS_ENTRIES_PER_SECOND, "it gives way");

/// Days that `deedbook controls creep` looks back unless it is told otherwise.
pub const CREEP_OVER_DAYS_DEFAULT: u16 = 90;
/// Requests that it keeps in mind, some 100 bytes each.
pub const CREEP_REQUESTS_MAX: usize = 1_000_000;
/// Persons whose decisions a package's report counts one by one; the CSV has them all.
pub const REPORT_PERSONS_MAX: usize = 12;

/// Agents that OSCAL results name as components; where there are more, they say so.
pub const EXCHANGE_AGENTS_MAX: usize = 1_000;
/// Bytes of an OSCAL document that is checked, held in memory whole; catalogs of NIST have 10 MiB.
pub const OSCAL_DOCUMENT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Documents that lead to one another by their imports: results, plan, system, profiles, catalog.
pub const OSCAL_IMPORTS_MAX: usize = 16;
