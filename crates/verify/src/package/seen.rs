//! What a test is shown: an entry with what held around it, and what is known once the interval is over.

use crate::detail::RefusalReason;
use crate::entry::Entry;
use crate::governance::Authority;
use crate::package::computed::Found;
use crate::package::question::Period;
use crate::package::row::Subject;
use crate::words::{Hash, Index, KeyId, Micros};
use std::collections::BTreeMap;

/// An entry as tests see it.
pub struct Seen<'a> {
    /// Where it stands.
    pub index: Index,
    /// The entry.
    pub entry: &'a Entry<'a>,
    /// Its leaf hash.
    pub leaf: Hash,
    /// Who could do what before it.
    pub before: &'a Authority,
    /// And behind it.
    pub after: &'a Authority,
    /// Why it had no effect, if it is a command that was refused.
    pub refused: Option<RefusalReason>,
    /// Whether it was received in the period.
    pub in_period: bool,
    /// Where the interval begins: with genesis, at 0, nothing stands before it.
    pub begins: Index,
}

/// What is known behind the interval.
pub struct Behind<'a> {
    /// The period.
    pub period: Period,
    /// The last entry.
    pub last: Subject,
    /// Its received time.
    pub last_received: Micros,
    /// Who can do what there.
    pub authority: &'a Authority,
    /// The entries that let keys in, as far as they are known.
    pub let_in: &'a BTreeMap<KeyId, Subject>,
    /// Exceptions of the tests that ended before: all others, for T13.
    pub exceptions: &'a [Found],
}

impl Behind<'_> {
    /// Whether something is of the period.
    pub fn judges(&self, subject: &Subject) -> bool {
        self.period.has(subject.received)
    }
}
