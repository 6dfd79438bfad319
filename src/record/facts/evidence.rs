//! The own fields of sources, reviews, dispositions, reconciliations, retention and holds, for the builder of facts. What
//! they add up to is judged by the verifier's parser when the facts are encoded, like everything else.

use crate::record::FactsBuilder;
use deedbook_verify::detail::{
    Compared, Disposition, Gap, HeldRange, Interval, ReviewResult, ReviewSubject, TestNumber, TestResult, Window,
};
use deedbook_verify::facts::Code;
use deedbook_verify::tags;
use deedbook_verify::words::{Digest, Index, Ref, SubjectId};
use std::num::NonZeroU32;

impl FactsBuilder {
    /// For how long the source is silent at most, from here on.
    pub fn heartbeat_s(self, seconds: NonZeroU32) -> FactsBuilder {
        self.put(tags::HEARTBEAT_S, seconds.get().to_be_bytes())
    }

    /// What the source lost, or when it saw nothing, and why.
    pub fn gap(mut self, gap: &Gap) -> FactsBuilder {
        if let Some(lost) = gap.lost {
            self = self.put(tags::GAP_FROM, lost.from.0.to_be_bytes()).put(tags::GAP_TO, lost.to.0.to_be_bytes());
        }
        if let Some(reason) = gap.reason {
            self = self.put(tags::GAP_REASON, [reason.number()]);
        }
        match gap.blind {
            Some(window) => self.window(window),
            None => self,
        }
    }

    /// The period that it is about.
    pub fn window(self, window: Window) -> FactsBuilder {
        self.put(tags::WINDOW, window.to_bytes())
    }

    /// What was reviewed, and what was found.
    pub fn reviewed(self, subject: ReviewSubject, result: ReviewResult) -> FactsBuilder {
        self.put(tags::REVIEW_SUBJECT, [subject.number()]).put(tags::REVIEW_RESULT, [result.number()])
    }

    /// The exception that is disposed of: its test, its code, the entry at which it stands.
    pub fn exception(self, test: TestNumber, code: Code<'_>, index: Index) -> FactsBuilder {
        self.put(tags::EXCEPTION, [[test.number()].as_slice(), &index.0.to_be_bytes()].concat())
            .put(tags::EXCEPTION_CODE, code.as_str())
    }

    /// What becomes of it.
    pub fn disposition(self, disposition: Disposition) -> FactsBuilder {
        self.put(tags::DISPOSITION, [disposition.number()])
    }

    /// The source whose events were compared, and with what: the outside record's ref and its list's digest.
    pub fn reconciled(self, source: Ref, outside: Ref, digest: Digest) -> FactsBuilder {
        self.put(tags::RECONCILED_SOURCE, source.0)
            .put(tags::OUTSIDE_RECORD, [outside.as_bytes(), digest.as_bytes()].concat())
    }

    /// How many keys were compared, and the digest of those that stand on one side alone.
    pub fn compared(self, counts: Compared, differences: Digest) -> FactsBuilder {
        self.put(tags::COMPARED, counts.to_bytes()).put(tags::DIFFERENCES_DIGEST, differences.0)
    }

    /// For how many whole days bodies are kept; 0: not by this rule.
    pub fn retention_days(self, days: u16) -> FactsBuilder {
        self.put(tags::RETENTION_DAYS, days.to_be_bytes())
    }

    /// The entries whose bodies are held: ascending, none touching the one before; at most `HELD_RANGES_MAX`.
    pub fn held_entries(self, ranges: &[HeldRange]) -> FactsBuilder {
        self.put_list(tags::HELD_ENTRIES, ranges.iter().flat_map(|range| range.to_bytes()).collect())
    }

    /// The entries that it is about.
    pub fn interval(self, interval: Interval) -> FactsBuilder {
        self.put(tags::INTERVAL, interval.to_bytes())
    }

    /// How many bodies were disclosed.
    pub fn disclosed(self, bodies: u64) -> FactsBuilder {
        self.put(tags::DISCLOSED, bodies.to_be_bytes())
    }

    /// The question that a package answers, and the package's manifest.
    pub fn exported(self, question: Digest, package: Digest) -> FactsBuilder {
        self.put(tags::QUESTION_DIGEST, question.0).put(tags::PACKAGE_DIGEST, package.0)
    }

    /// The program that ran the tests, and how each stands, ascending.
    pub fn verified(self, program: Digest, results: &[TestResult]) -> FactsBuilder {
        self.put(tags::PROGRAM_DIGEST, program.0)
            .put_list(tags::TEST_RESULTS, results.iter().flat_map(|result| result.to_bytes()).collect())
    }

    /// The hold that is released.
    pub fn hold(self, hold: SubjectId) -> FactsBuilder {
        self.put(tags::HOLD, hold.0)
    }
}
