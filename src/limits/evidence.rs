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
