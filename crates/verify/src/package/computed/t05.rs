//! T05: what broke the glass was reviewed, by somebody else, in time.

use crate::package::code::PackageRefusal;
use crate::package::computed::{Rows, Test, TestId};
use crate::package::exam::{Behind, Seen};
use crate::package::machine::{Requests, Reviewed};
use crate::package::row::{Code, Row, RowVerdict};
use crate::words::{Index, Micros, Ref};

/// Time for a review: 72 hours behind the break-glass, as in the rules of approvals.
const REVIEW_US: u64 = 72 * 3_600 * 1_000_000;

/// Break-glass actions, judged once all of the interval is known.
pub struct BreakGlass;

impl Test for BreakGlass {
    fn id(&self) -> TestId {
        TestId::T05
    }

    fn see(&mut self, _: &Seen<'_>, _: &Requests, _: &mut Rows) -> Result<(), PackageRefusal> {
        Ok(())
    }

    fn finish(&mut self, behind: &Behind<'_>, requests: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        for request in requests.in_order() {
            let Some(broke) = request.broke_glass.filter(|broke| behind.judges(broke)) else { continue };
            let due = Micros(broke.received.0.saturating_add(REVIEW_US));
            let others: Vec<&Reviewed> =
                request.reviews.iter().filter(|review| !request.involved.contains(&review.person)).collect();
            let (first, own) = (others.first(), !request.reviews.is_empty());
            let code = match first {
                Some(review) if review.received <= due => None,
                Some(_) => Some((RowVerdict::Exception, Code::LateReview)),
                None if own => Some((RowVerdict::Exception, Code::SelfReview)),
                None if behind.last_received > due => Some((RowVerdict::Exception, Code::NoReview)),
                None => Some((RowVerdict::Indeterminate, Code::NotDue)),
            };
            let persons: Vec<Ref> = request.reviews.iter().map(|review| review.person).collect();
            let compared: Vec<Index> = request.reviews.iter().map(|review| review.index).collect();
            let stratum = first.map_or("not reviewed", |review| review.outcome.name());
            rows.row(&Row { code, compared: &compared, persons: &persons, known: due, ..Row::of(broke, stratum) })?;
        }
        Ok(())
    }
}
