//! What every file says of the package: which ledger, which root, which question, which program. Taken once, when the
//! payload is proved.

use super::uuid::{Space, URIS};
use deedbook_verify::calendar::rfc3339;
use deedbook_verify::package::{Finished, Mapping, PROGRAM, Rendered, TestId, Verdict};
use deedbook_verify::words::Micros;

/// The namespace of our own properties in documents of others.
pub const NAMESPACE: &str = "urn:deedbook:evidence:1";

/// What is said of the package.
pub struct About {
    /// What it says itself.
    pub rendered: Rendered,
    /// The framework's controls.
    pub mapping: Mapping,
    /// The space of all ids in its documents.
    pub space: Space,
}

impl About {
    /// Of a package whose payload is rendered.
    pub fn of(finished: &Finished<'_>) -> About {
        let rendered = finished.rendered().clone();
        let (question, root) = (&rendered.question, rendered.root);
        let asked = deedbook_verify::hash::digest(&[question.to_text().as_bytes()]);
        let space = URIS.within(&format!("{NAMESPACE}:{}:{root}:{asked}", question.ledger));
        let mapping = Mapping::of(question.framework);
        About { rendered, mapping, space }
    }

    /// A test's title, verdict, rows and exceptions, for each test.
    pub fn tests(&self) -> impl Iterator<Item = (TestId, Verdict, u64, u64)> {
        self.rendered.tests.iter().copied()
    }

    /// The verdict of a control; none: no test speaks to it, or whoever verifies performs that.
    pub fn verdict(&self, control: &str) -> Option<Verdict> {
        self.rendered.controls.iter().find(|(id, _)| id == control).map(|(_, verdict)| *verdict)
    }

    /// The first moment of the period.
    pub fn begins(&self) -> String {
        rfc3339(self.rendered.question.period.from)
    }

    /// The moment at which what is judged ends: the period's end, or the last entry's where the log ends before.
    pub fn ends(&self) -> String {
        let period = self.rendered.question.period;
        rfc3339(if self.rendered.is_cut() { self.last().max(period.from) } else { period.to })
    }

    /// When the last entry was received: nothing here is newer.
    pub fn last(&self) -> Micros {
        self.rendered.reach.1
    }

    /// One sentence that ties any other document to the package.
    pub fn tied(&self) -> String {
        let Rendered { question, root, .. } = &self.rendered;
        format!(
            "Ledger {}, interval [{}, {}), Merkle root {root} at size {}, program {PROGRAM}. Check it with `deedbook-verify \
             package`.",
            question.ledger, question.begins, question.ends, question.ends
        )
    }
}
