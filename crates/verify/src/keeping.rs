//! Which bodies must stay for now: retention by data class, and holds, folded from commands. An erasure asks here before
//! it takes effect. Who may set and release them is decided by `governance`.

pub use crate::detail::HeldRange;

use crate::detail::{HeldEntries, RefusalReason};
use crate::erasure::Stood;
use crate::facts::Code;
use crate::limits;
use crate::plant::Bug;
use crate::words::{Index, Micros, SubjectId};
use std::collections::BTreeMap;

/// Microseconds of a day.
const DAY_US: u64 = 24 * 3_600 * 1_000_000;

/// A day of UTC, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub u32);

impl Day {
    /// The day in which a moment lies.
    pub fn of(at: Micros) -> Day {
        // All of u64 in microseconds is 213,503,983 days.
        Day(u32::try_from(at.0 / DAY_US).unwrap_or(u32::MAX))
    }
}

/// A data class as retention compares it: the first 16 bytes of BLAKE3 of its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataClass([u8; 16]);

impl DataClass {
    /// Of a code.
    pub fn of(code: Code<'_>) -> DataClass {
        let mut class = [0; 16];
        class.iter_mut().zip(blake3::hash(code.as_str().as_bytes()).as_bytes()).for_each(|(to, from)| *to = *from);
        DataClass(class)
    }
}

/// For how long bodies of a class are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The class; none: every body whose class has no rule of its own.
    pub class: Option<Box<str>>,
    /// Whole days, at least 1 but for a class that is kept for no time although others are.
    pub days: u16,
    /// The command that set it.
    pub stated: Index,
    /// The entry by which it is in force: the same, or the vote by which a second administrator agreed.
    pub from: Index,
}

/// Bodies that must not go until it is released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Bodies of this class alone; none: of any.
    pub class: Option<Box<str>>,
    /// The entries, ascending, none touching the one before.
    pub held: Vec<HeldRange>,
    /// The command that placed it.
    pub stated: Index,
    /// The entry by which it is in force: the same, or the vote by which a second administrator agreed.
    pub from: Index,
    only: Option<DataClass>,
}

impl Hold {
    pub(crate) fn new(class: Option<Code<'_>>, held: HeldEntries<'_>, stated: Index, from: Index) -> Hold {
        let (named, only) = (class.map(|class| class.as_str().into()), class.map(DataClass::of));
        Hold { class: named, held: held.ranges().collect(), stated, from, only }
    }

    fn covers(&self, index: Index, class: Option<DataClass>) -> bool {
        let before = self.held.partition_point(|range| range.first <= index);
        let range = before.checked_sub(1).and_then(|at| self.held.get(at));
        let named = range.is_some_and(|range| index < range.end || range.end == HeldRange::NO_END);
        named && (self.only.is_none() || self.only == class)
    }
}

/// Retention and holds in force.
#[derive(Clone, Debug, Default)]
pub struct Keeping {
    retention: BTreeMap<Option<DataClass>, Retention>,
    holds: BTreeMap<SubjectId, Hold>,
}

impl Keeping {
    /// The rules in force: that for all others first.
    pub fn retention(&self) -> impl Iterator<Item = &Retention> {
        self.retention.values()
    }

    /// The holds in force, by the request id of the command that placed each.
    pub fn holds(&self) -> impl Iterator<Item = (SubjectId, &Hold)> {
        self.holds.iter().map(|(id, hold)| (*id, hold))
    }

    /// Whether a body that stands there may go now; else why not.
    pub fn lets_go(&self, index: Index, stood: &Stood, now: Micros) -> Result<(), RefusalReason> {
        if self.holds.values().any(|hold| hold.covers(index, stood.class)) && !Bug::HoldUnread.planted() {
            return Err(RefusalReason::BodyHeld);
        }
        let own = stood.class.and_then(|class| self.retention.get(&Some(class)));
        let days = own.or_else(|| self.retention.get(&None)).map_or(0, |rule| rule.days);
        // Kept through the last moment of the day that is so many days behind its own.
        let kept_through = stood.day.0.saturating_add(u32::from(days));
        let kept = days > 0 && Day::of(now).0 <= kept_through;
        if kept && !Bug::RetentionUnread.planted() { Err(RefusalReason::RetentionNotPassed) } else { Ok(()) }
    }

    /// Whether a rule for a class finds room.
    pub(crate) fn takes_class(&self, class: Option<Code<'_>>) -> Result<(), RefusalReason> {
        let known = self.retention.contains_key(&class.map(DataClass::of));
        let room = known || self.retention.len() < limits::RETENTION_RULES_MAX;
        if room { Ok(()) } else { Err(RefusalReason::TooManyRules) }
    }

    /// Whether a further hold finds room.
    pub(crate) fn takes_hold(&self, held: HeldEntries<'_>) -> Result<(), RefusalReason> {
        let ranges = self.holds.values().map(|hold| hold.held.len()).sum::<usize>();
        let room = self.holds.len() < limits::HOLDS_MAX
            && ranges.saturating_add(held.ranges().count()) <= limits::HELD_RANGES_TOTAL_MAX;
        if room { Ok(()) } else { Err(RefusalReason::TooManyRules) }
    }

    /// Whether there is such a hold.
    pub(crate) fn has_hold(&self, hold: SubjectId) -> Result<(), RefusalReason> {
        if self.holds.contains_key(&hold) { Ok(()) } else { Err(RefusalReason::HoldUnknown) }
    }

    pub(crate) fn retain(&mut self, rule: Retention) {
        let class = rule.class.as_deref().and_then(Code::new).map(DataClass::of);
        // The rule for all others is gone at 0 days; a class at 0 days is an exception from it.
        if class.is_none() && rule.days == 0 {
            self.retention.remove(&None);
        } else {
            self.retention.insert(class, rule);
        }
    }

    pub(crate) fn place(&mut self, id: SubjectId, hold: Hold) {
        self.holds.insert(id, hold);
    }

    pub(crate) fn release(&mut self, id: SubjectId) {
        self.holds.remove(&id);
    }
}
