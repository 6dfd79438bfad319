//! Bounds of evidence packages as they are written.

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
