//! What each test is called and asks, and what it does not show: the words of its result file. No judgement.

use crate::package::question::words;

words! {
    /// How a test came out; the worst wins: fail, indeterminate, not operated, pass.
    Verdict { Pass = "pass"; NotOperated = "not operated"; Indeterminate = "indeterminate"; Fail = "fail"; }
}

impl Verdict {
    /// The greater, the worse.
    pub fn rank(self) -> u8 {
        match self {
            Verdict::Pass => 0,
            Verdict::NotOperated => 1,
            Verdict::Indeterminate => 2,
            Verdict::Fail => 3,
        }
    }
}

/// What a control says that no test speaks to: its population is entries to be read, and nothing is judged.
pub const LISTING: &str = "listing";
/// What T17 says, and a control that rests on it alone: it judges nobody, and counts as no pass.
pub const FOR_INFORMATION: &str = "for information";
/// What T18 says, and a control that rests on it alone: whoever verifies the package performs it.
pub const BY_VERIFYING: &str = "by verifying";

/// What a test's population is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// It has rows of its own, each in its population file.
    Rows,
    /// Entries of the interval, each: `entries.bin` is the population, and exceptions alone are listed.
    Entries,
    /// This program cannot decide it; why.
    Undecided(&'static str),
}

macro_rules! tests {
    ($($variant:ident = $name:literal, $basis:expr, $title:literal, $asks:literal, $limits:literal;)+) => {
        /// A test. The numbers are those of EVIDENCE.md.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "each test says what it is in `title`")]
        pub enum TestId { $($variant),+ }

        impl TestId {
            /// Every test.
            pub const ALL: &'static [TestId] = &[$(TestId::$variant),+];

            /// Its name in files.
            pub fn name(self) -> &'static str {
                match self { $(TestId::$variant => $name),+ }
            }

            /// Its number.
            pub fn number(self) -> u8 {
                self.name().trim_start_matches('T').parse().unwrap_or(u8::MAX)
            }

            /// The test with this name.
            pub fn from_name(name: &str) -> Option<TestId> {
                match name { $($name => Some(TestId::$variant),)+ _ => None }
            }

            /// Whether a control's verdict rests on it. T17 informs, and T18 is performed by whoever verifies: a package in
            /// which it fails has no verdicts at all.
            pub fn judges(self) -> bool {
                !matches!(self, TestId::T17 | TestId::T18)
            }

            /// The word that stands where others have a verdict.
            pub fn word(self, verdict: Verdict) -> &'static str {
                if self == TestId::T17 {
                    FOR_INFORMATION
                } else if self == TestId::T18 {
                    BY_VERIFYING
                } else {
                    verdict.name()
                }
            }

            /// What its population is.
            pub fn basis(self) -> Basis {
                match self { $(TestId::$variant => $basis),+ }
            }

            /// What it is about.
            pub fn title(self) -> &'static str {
                match self { $(TestId::$variant => $title),+ }
            }

            /// What each row has to hold.
            pub fn asks(self) -> &'static str {
                match self { $(TestId::$variant => $asks),+ }
            }

            /// What a pass does not show.
            pub fn limits(self) -> &'static str {
                match self { $(TestId::$variant => $limits),+ }
            }
        }
    };
}

tests! {
    T00 = "T00", Basis::Entries, "integrity and completeness",
        "both checkpoints are signed by the given key; the frontier folds to the first; every entry, appended, lands exactly on the second; received times never decrease; every frame is signed under a key in force at its index; every entry follows the rules of the log",
        "that an event which never reached the log did not happen; and, for an interval that does not begin with genesis, that no governing entry before it was left out";
    T01 = "T01", Basis::Rows, "approval before execution",
        "each run whose action needed an approval, by what the policies said, had one: earlier, by as many distinct persons as were asked for, people with the role, none of them involved, in time, not withdrawn or used up, of exactly what ran, and under a policy set in force",
        "that the policies say what they should, and that the evaluations follow from their texts: `deedbook audit` replays those; that what ran did what it said";
    T02 = "T02", Basis::Rows, "what was denied never ran",
        "no request that was denied, expired, cancelled or blocked has a run behind that",
        "runs that nobody reported";
    T03 = "T03", Basis::Rows, "segregation of duties",
        "nobody put a policy in force alone; nobody who counted in an approval governs the log or was involved; nobody reviewed a break-glass action of their own",
        "that two keys are two persons";
    T04 = "T04", Basis::Rows, "access lifecycle",
        "each role was given by two; access was reviewed for all of the period since genesis, at the latest 100 days behind; nobody acts with an ended key or as a disabled principal, which the log's rules refuse",
        "that access went when somebody left: no entry says when";
    T05 = "T05", Basis::Rows, "break-glass",
        "each break-glass action was reviewed within 72 hours by somebody who had no part in it",
        "what the stated reason is worth; it stands in the body";
    T06 = "T06", Basis::Rows, "policy change",
        "each policy set that came into force or went had two administrators behind it, before it took effect",
        "that a change was tested: facts name no test";
    T07 = "T07", Basis::Rows, "every request ends",
        "each request ended by its deadline, and each run was reported to have ended within 24 hours",
        "that reports of runs are true";
    T08 = "T08", Basis::Rows, "keys",
        "each key was let in by two or by its own holder's rotation, and no key in force at the end is older than 365 days",
        "that holders keep their keys; the ledger's own two keys are not rotated and not judged here";
    T09 = "T09", Basis::Rows, "access to the log",
        "each read of evidence by an auditor, exporter or administrator, each package taken out by an exporter or administrator",
        "reads over ways on which nobody shows who they are; that auditors never write";
    T10 = "T10", Basis::Rows, "capture",
        "each source that opened itself gave a sign of life as often as it promised, or every hour, until it closed, and lost nothing",
        "events that a source never sent; sources that never opened themselves";
    T11 = "T11", Basis::Entries, "time",
        "each producer's time is within an hour of the ledger's and states its zone; the wall clock never stood behind the log",
        "that either clock is right: order is certain, times are stated";
    T12 = "T12", Basis::Rows, "retention",
        "nothing was erased before its time or under a hold, as far as what stood there is in the interval; an erasure against the rules is refused by the log",
        "that rules of retention are long enough, and that copies elsewhere are gone";
    T13 = "T13", Basis::Rows, "review",
        "the log was reviewed for all of the period since genesis, at the latest 30 days behind, by people who may; and each exception of the other tests, and each part of the log that was not reviewed in time, was disposed of within 30 days",
        "how thorough a review was, or how good a reason; what was stated behind the interval is not seen";
    T14 = "T14", Basis::Rows, "data movement",
        "each export of data, by its action type, was released as T01 asks, by policies in force that were asked about this very destination, which the action's digest covers; and whatever its run wrote has an origin that it read",
        "which destination it was, and that the policies tell destinations apart: the one stands in the body, the other in the policies' texts; that data went where the action says, and nowhere else; exports under another action type";
    T15 = "T15", Basis::Entries, "record content",
        "each report of a run, of data or of a model says what, when, where, by which source, with which outcome, and who acted",
        "that what it says is true";
    T16 = "T16", Basis::Rows, "reconciliation",
        "each source that opened itself was compared with a record that others keep, by people who may, and no key is on one side alone",
        "that the other record is complete, and that the comparison was made as it says: the lists are not in the package";
    T17 = "T17", Basis::Rows, "quality of oversight",
        "for information, and no control rests on it: how long people took to decide on what they were shown, and how often they said no; approvers.csv has it by person",
        "what people thought: a quick vote can be a good one, and a slow one can be none";
    T18 = "T18", Basis::Undecided("whoever verifies the package performs it: every view is rendered again and compared"), "re-performance",
        "the same interval and question give the same bytes",
        "nothing is decided in the package itself";
}
