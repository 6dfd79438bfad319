//! What people stated, and what the ledger refused, as tables for people: reviews, dispositions, refused commands. They hold
//! all of the interval, since what was stated before the period counts in it, too. No verdict is theirs: the tests judge.

use crate::detail::{ApprovalCommand, Detail, Disposal, Oversight, PostReview, RefusalReason, Review};
use crate::facts::Facts;
use crate::package::code::{PackageCode, PackageRefusal};
use crate::package::csv::Line;
use crate::package::exam::Seen;
use crate::package::views::{View, Views};
use crate::vouched::vouched_by;
use crate::words::Ref;

/// Reviews of access, of the log, and of break-glass actions.
const REVIEWS_FILE: &str = "data/reviews.csv";
const REVIEWS: &[u8] =
    b"index,event_id,leaf_hash,received,in_period,person,counts,subject,from,until,tree_size,request,result\r\n";
/// What becomes of exceptions.
const DISPOSITIONS_FILE: &str = "data/dispositions.csv";
const DISPOSITIONS: &[u8] =
    b"index,event_id,leaf_hash,received,in_period,person,counts,test,code,exception,disposition\r\n";
/// Commands that had no effect.
const REFUSALS_FILE: &str = "data/refusals.csv";
const REFUSALS: &[u8] =
    b"index,event_id,leaf_hash,received,in_period,kind,source,actor,request,word,reason,refused_at\r\n";

/// The subject of a review that answers for a break-glass action.
const BREAK_GLASS: &str = "break_glass";
/// What stands under `counts` where it does.
const COUNTS: &str = "yes";

/// The tables on their way.
pub struct Stated {
    reviews: View,
    dispositions: View,
    refusals: View,
    line: Line,
}

impl Stated {
    /// Begins them with their heads.
    pub fn create(views: &mut Views<'_>) -> Result<Stated, PackageRefusal> {
        let mut begin = |path: &str, columns: &[u8]| -> Result<View, PackageRefusal> {
            let mut view = views.create(path, PackageCode::Result)?;
            view.write(columns)?;
            Ok(view)
        };
        Ok(Stated {
            reviews: begin(REVIEWS_FILE, REVIEWS)?,
            dispositions: begin(DISPOSITIONS_FILE, DISPOSITIONS)?,
            refusals: begin(REFUSALS_FILE, REFUSALS)?,
            line: Line::default(),
        })
    }

    /// The next entry.
    pub fn see(&mut self, seen: &Seen<'_>) -> Result<(), PackageRefusal> {
        if let Detail::Oversight(Oversight::Reviewed(review)) = &seen.entry.facts.detail {
            self.review(seen, review)?;
        } else if let Detail::Oversight(Oversight::Disposed(said)) = &seen.entry.facts.detail {
            self.disposal(seen, said)?;
        } else if let Detail::Approval(ApprovalCommand::BreakglassReviewed(review)) = &seen.entry.facts.detail {
            self.post_review(seen, review)?;
        }
        match seen.refused {
            Some(reason) => self.refusal(seen, reason),
            None => Ok(()),
        }
    }

    /// Ends them.
    pub fn close(self, views: &mut Views<'_>) -> Result<(), PackageRefusal> {
        for view in [self.reviews, self.dispositions, self.refusals] {
            views.close(view)?;
        }
        Ok(())
    }

    fn review(&mut self, seen: &Seen<'_>, review: &Review) -> Result<(), PackageRefusal> {
        self.begin(seen);
        self.person(review.actor.who, &counts(seen));
        let line = &mut self.line;
        line.plain(review.subject.name());
        line.time(review.window.from);
        line.time(review.window.until);
        line.numbers([review.reviewed.size.0].into_iter());
        line.plain("");
        line.plain(review.result.name());
        self.reviews.write(line.end())
    }

    fn post_review(&mut self, seen: &Seen<'_>, review: &PostReview) -> Result<(), PackageRefusal> {
        self.begin(seen);
        let counts = seen.refused.map_or(COUNTS.to_owned(), |reason| format!("refused: {}", reason.name()));
        self.person(review.actor.who, &counts);
        let line = &mut self.line;
        line.plain(BREAK_GLASS);
        (0..3).for_each(|_| line.plain(""));
        line.hex(&review.of.request.0);
        line.plain(review.outcome.name());
        self.reviews.write(line.end())
    }

    fn disposal(&mut self, seen: &Seen<'_>, said: &Disposal<'_>) -> Result<(), PackageRefusal> {
        self.begin(seen);
        self.person(said.actor.who, &counts(seen));
        let line = &mut self.line;
        line.plain(&said.test.to_string());
        line.cell(&said.code.as_str().to_ascii_uppercase());
        line.numbers([said.index.0].into_iter());
        line.plain(said.disposition.name());
        self.dispositions.write(line.end())
    }

    fn refusal(&mut self, seen: &Seen<'_>, reason: RefusalReason) -> Result<(), PackageRefusal> {
        let facts = &seen.entry.facts;
        self.begin(seen);
        let line = &mut self.line;
        line.plain(facts.kind.name());
        line.hex(&facts.source.0);
        line.hexes(facts.actor.iter().map(|actor| actor.who.0.as_slice()));
        line.hexes(facts.request_id.iter().map(|request| request.0.as_slice()));
        line.plain(word(facts));
        line.plain(reason.name());
        // A refusal stands directly behind its command.
        line.numbers([seen.index.0.saturating_add(1)].into_iter());
        self.refusals.write(line.end())
    }

    /// The cells with which each row begins.
    fn begin(&mut self, seen: &Seen<'_>) {
        let line = &mut self.line;
        line.clear();
        line.numbers([seen.index.0].into_iter());
        line.hex(&seen.entry.facts.event_id.0);
        line.hex(&seen.leaf.0);
        line.time(seen.entry.seal.received);
        line.plain(if seen.in_period { "yes" } else { "no" });
    }

    fn person(&mut self, who: Ref, counts: &str) {
        self.line.hex(&who.0);
        self.line.cell(counts);
    }
}

/// Whether a statement of oversight counts, or why not.
fn counts(seen: &Seen<'_>) -> String {
    match vouched_by(seen.before.principals(), &seen.entry.facts) {
        Ok(_) => COUNTS.to_owned(),
        Err(why) => format!("no: {why}"),
    }
}

/// What somebody decided by a command, where it is a decision.
fn word(facts: &Facts<'_>) -> &'static str {
    if let Detail::Approval(ApprovalCommand::VoteCast(vote)) = &facts.detail {
        vote.decision.name()
    } else if let Detail::Approval(ApprovalCommand::BreakglassReviewed(review)) = &facts.detail {
        review.outcome.name()
    } else {
        ""
    }
}
