//! T13: the log was reviewed, all of the period, by people whose word counts; and each exception that the other tests find
//! was disposed of in time; so is each part of the log that nobody reviewed. A review by somebody whose word does not count
//! is none: it is shown, it covers nothing, and it fails nothing, so that nobody makes a test fail by stating one.
//! Reviews and dispositions that were stated behind the interval are not seen. What stood in no
//! log cannot have been reviewed, so nothing is asked of the time before genesis; and what is young where the interval ends
//! may still be.

use crate::detail::{Detail, Oversight, Review, ReviewSubject};
use crate::package::code::PackageRefusal;
use crate::package::computed::{Found, Rows, Test, TestId};
use crate::package::exam::{Behind, Seen};
use crate::package::machine::Requests;
use crate::package::row::{Code, Row, RowVerdict, Subject};
use crate::vouched::vouched_by;
use crate::words::{Index, Micros};
use std::collections::BTreeMap;

/// Reviews of one sort, and how much of the period they cover.
pub struct Reviews {
    subject: ReviewSubject,
    windows: Vec<(Micros, Micros)>,
    last: Option<Subject>,
    /// Where others stated that they reviewed something, and up to when.
    of_others: Vec<(Index, Micros)>,
}

impl Reviews {
    /// Of access, or of the log.
    pub fn of(subject: ReviewSubject) -> Reviews {
        Reviews { subject, windows: Vec::new(), last: None, of_others: Vec::new() }
    }

    /// Takes a review in, and makes it a row where it was stated in the period.
    pub fn see(&mut self, seen: &Seen<'_>, rows: &mut Rows) -> Result<(), PackageRefusal> {
        let Detail::Oversight(Oversight::Reviewed(review)) = &seen.entry.facts.detail else { return Ok(()) };
        if review.subject != self.subject {
            return Ok(());
        }
        let Review { window, actor, .. } = review;
        let subject = Subject::of(seen.index, seen.entry, seen.leaf);
        let counts = vouched_by(seen.before.principals(), &seen.entry.facts).is_ok();
        // Nobody reviews what is not there yet, whatever a statement says.
        let until = window.until.min(subject.received);
        if counts {
            self.windows.push((window.from, until));
            self.last = Some(subject);
        } else {
            self.of_others.push((subject.index, until));
        }
        if !seen.in_period {
            return Ok(());
        }
        let code = (!counts).then_some((RowVerdict::NotCounted, Code::NoRole));
        rows.row(&Row { code, persons: &[actor.who], ..Row::of(subject, review.subject.name()) })
    }

    /// The first moment of the period that no review covers: since genesis, and as far as the interval reaches.
    fn missed(&mut self, behind: &Behind<'_>) -> Option<Missed> {
        self.windows.sort_unstable();
        let asked = behind.period.from.max(born(behind));
        let until = behind.period.to.min(behind.last_received);
        let mut covered = asked;
        for (from, to) in &self.windows {
            if *from > covered {
                break;
            }
            covered = covered.max(*to);
        }
        (covered < until).then_some(Missed { since: covered, is_begun: covered > asked })
    }

    /// The last review, where there is one.
    pub fn last(&self) -> Option<Subject> {
        self.last
    }
}

/// A part of the period that was not reviewed.
struct Missed {
    /// From when on.
    since: Micros,
    /// Whether what stands before it in the period was.
    is_begun: bool,
}

const DAY_US: u64 = 24 * 3_600 * 1_000_000;
/// Time for a disposition: 30 days behind the entry at which the exception stands, or behind the day on which what had to
/// be done was due.
const DISPOSAL_US: u64 = 30 * DAY_US;

/// Time for a review, behind what it covers: a month for the log; for access, whose reviews are quarterly, ten days more
/// than a quarter.
fn due_us(subject: ReviewSubject) -> u64 {
    match subject {
        ReviewSubject::Log => 30 * DAY_US,
        ReviewSubject::Access => 100 * DAY_US,
    }
}

/// When the ledger began: genesis let its first keys in, and is known in every interval.
fn born(behind: &Behind<'_>) -> Micros {
    let genesis = behind.let_in.values().find(|subject| subject.index == Index(0));
    genesis.map_or(Micros(0), |genesis| genesis.received)
}

/// Reviews of the log, and what people said of exceptions.
pub struct LogReviews {
    reviews: Reviews,
    /// Test, code in lower case, index.
    disposed: BTreeMap<(u8, String, Index), (Index, Micros)>,
}

impl Default for LogReviews {
    fn default() -> LogReviews {
        LogReviews { reviews: Reviews::of(ReviewSubject::Log), disposed: BTreeMap::new() }
    }
}

impl Test for LogReviews {
    fn id(&self) -> TestId {
        TestId::T13
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        if let Detail::Oversight(Oversight::Disposed(said)) = &seen.entry.facts.detail
            && vouched_by(seen.before.principals(), &seen.entry.facts).is_ok()
        {
            let what = (said.test.number(), said.code.as_str().to_owned(), said.index);
            self.disposed.entry(what).or_insert((seen.index, seen.entry.seal.received));
        }
        self.reviews.see(seen, rows)
    }

    fn finish(&mut self, behind: &Behind<'_>, _: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        uncovered(&mut self.reviews, behind, rows)?;
        let own = rows.found().to_vec();
        for Found { test, subject, code, known } in behind.exceptions.iter().chain(&own) {
            let what = (test.number(), code.name().to_ascii_lowercase(), subject.index);
            let disposed = self.disposed.get(&what);
            let due = Micros(subject.received.max(*known).0.saturating_add(DISPOSAL_US));
            let found = match disposed {
                Some((_, at)) if *at <= due => None,
                None if behind.last_received <= due => Some((RowVerdict::Indeterminate, Code::NotDue)),
                Some(_) | None => Some((RowVerdict::Exception, Code::Undisposed)),
            };
            let compared: Vec<Index> = disposed.iter().map(|(index, _)| *index).collect();
            rows.row(&Row { code: found, compared: &compared, ..Row::of(*subject, test.name()) })?;
        }
        Ok(())
    }
}

/// Where a part of the period was not reviewed, at the last review or at the interval's last entry: an exception once it is
/// due. Before that nothing is decided, unless reviews go on with a period that goes on, too.
pub fn uncovered(reviews: &mut Reviews, behind: &Behind<'_>, rows: &mut Rows) -> Result<(), PackageRefusal> {
    let Some(missed) = reviews.missed(behind) else { return Ok(()) };
    let due = Micros(missed.since.0.saturating_add(due_us(reviews.subject)));
    let goes_on = missed.is_begun && behind.last_received < behind.period.to;
    let (since, by) = (crate::calendar::rfc3339(missed.since), crate::calendar::rfc3339(due));
    let code = if behind.last_received > due {
        rows.note(format!("not reviewed from {since} on; a review was due by {by}"));
        (RowVerdict::Exception, Code::MissedReview)
    } else {
        rows.note(format!("not reviewed from {since} on, as far as this interval shows; a review is due by {by}"));
        if goes_on {
            return Ok(());
        }
        (RowVerdict::Indeterminate, Code::NotDue)
    };
    let subject = reviews.last().unwrap_or(behind.last);
    let of_others = reviews.of_others.iter().filter(|(_, until)| *until > missed.since);
    let compared: Vec<Index> = of_others.map(|(index, _)| *index).collect();
    rows.besides(&Row { code: Some(code), compared: &compared, known: due, ..Row::of(subject, "window") })
}
