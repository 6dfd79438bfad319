//! A row of a test's population: one thing that was judged, how it came out, and on what that rests.

use crate::entry::Entry;
use crate::kind::{Author, Kind};
use crate::package::computed::TestId;
use crate::package::csv::Line;
use crate::package::question::words;
use crate::vote::EvidenceLevel;
use crate::words::{Digest, EventId, Hash, Index, Micros, Ref};

words! {
    /// How a row came out. What somebody says whose word does not count is shown, and decides nothing: else anybody with a
    /// key could make a test fail.
    RowVerdict {
        Pass = "pass"; NotCounted = "not counted"; Indeterminate = "indeterminate"; Exception = "exception";
    }
}
words! {
    /// Whose word a row rests on, weakest of all that it needs.
    RestsOn {
        Reviewer = "reviewer"; Idp = "idp"; Operator = "operator"; Source = "source"; Ledger = "ledger";
        Governors = "governors";
    }
}
words! {
    /// Why a row is no pass. Names are never reused; EVIDENCE.md says what each means.
    Code {
        NoApproval = "NO_APPROVAL"; Late = "LATE"; SelfApproval = "SELF_APPROVAL"; SamePerson = "SAME_PERSON";
        Conflict = "CONFLICT"; AgentApprover = "AGENT_APPROVER"; NoRole = "NO_ROLE"; Expired = "EXPIRED";
        Withdrawn = "WITHDRAWN"; Reused = "REUSED"; DigestMismatch = "DIGEST_MISMATCH"; WrongPolicy = "WRONG_POLICY";
        TooFew = "TOO_FEW"; WeakEvidence = "WEAK_EVIDENCE"; BadEvidence = "BAD_EVIDENCE";
        BeforeInterval = "BEFORE_INTERVAL"; NotEvaluated = "NOT_EVALUATED"; RanAfterDenial = "RAN_AFTER_DENIAL";
        GovernedAlone = "GOVERNED_ALONE"; ApproverGoverns = "APPROVER_GOVERNS"; NoReview = "NO_REVIEW";
        LateReview = "LATE_REVIEW"; SelfReview = "SELF_REVIEW"; NotDue = "NOT_DUE"; Dangling = "DANGLING";
        NoCompletion = "NO_COMPLETION"; StaleKey = "STALE_KEY"; Skew = "SKEW";
        NoZone = "NO_ZONE"; ClockBehind = "CLOCK_BEHIND"; Blank = "BLANK_FIELD"; Silence = "SILENCE";
        GapDeclared = "GAP_DECLARED"; Unsequenced = "UNSEQUENCED"; OrphanGrant = "ORPHAN_GRANT";
        MissedReview = "MISSED_REVIEW"; Undisposed = "UNDISPOSED"; NotInLog = "NOT_IN_LOG"; NotInRecord = "NOT_IN_RECORD";
        NotCompared = "NOT_COMPARED"; OrphanOutput = "ORPHAN_OUTPUT"; NoLineage = "NO_LINEAGE";
        ObjectsOmitted = "OBJECTS_OMITTED";
    }
}

/// The entry that a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its index.
    pub index: Index,
    /// Its event id.
    pub event_id: EventId,
    /// Its leaf hash.
    pub leaf: Hash,
    /// Its kind.
    pub kind: Kind,
    /// When it happened, as its source says.
    pub occurred: Micros,
    /// When the ledger had it.
    pub received: Micros,
}

impl Subject {
    /// Of an entry.
    pub fn of(index: Index, entry: &Entry<'_>, leaf: Hash) -> Subject {
        let facts = &entry.facts;
        let (event_id, kind, occurred) = (facts.event_id, facts.kind, facts.occurred);
        Subject { index, event_id, leaf, kind, occurred, received: entry.seal.received }
    }
}

/// One row.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// What it is about.
    pub subject: Subject,
    /// The part of the population that samples are drawn from.
    pub stratum: &'a str,
    /// Why it is no pass; none: it is one. The first that was found.
    pub code: Option<(RowVerdict, Code)>,
    /// Other entries that the verdict rests on.
    pub compared: &'a [Index],
    /// The policy set that it was judged by.
    pub policy: Option<Digest>,
    /// The persons that were compared, as refs.
    pub persons: &'a [Ref],
    /// Whose word it rests on.
    pub rests_on: RestsOn,
    /// From when on an exception could be seen: the time to dispose of it begins here.
    pub known: Micros,
}

/// The head of the files of populations and exceptions.
pub const COLUMNS: &[u8] =
    b"test,index,event_id,leaf_hash,kind,stratum,occurred,received,verdict,code,compared,policy,persons,rests_on\r\n";

impl<'a> Row<'a> {
    /// A row that passes so far, resting on nobody but the source.
    pub fn of(subject: Subject, stratum: &'a str) -> Row<'a> {
        let rests_on = match subject.kind.author() {
            Author::Ledger => RestsOn::Ledger,
            Author::Asker | Author::Witness => RestsOn::Source,
        };
        Row {
            subject,
            stratum,
            code: None,
            compared: &[],
            policy: None,
            persons: &[],
            rests_on,
            known: subject.received,
        }
    }

    /// How it came out.
    pub fn verdict(&self) -> RowVerdict {
        self.code.map_or(RowVerdict::Pass, |(verdict, _)| verdict)
    }

    pub(crate) fn render(&self, test: TestId, line: &mut Line) {
        let subject = &self.subject;
        line.clear();
        line.plain(test.name());
        line.numbers([subject.index.0].into_iter());
        line.hex(&subject.event_id.0);
        line.hex(&subject.leaf.0);
        line.plain(subject.kind.name());
        line.cell(self.stratum);
        line.time(subject.occurred);
        line.time(subject.received);
        line.plain(self.verdict().name());
        line.plain(self.code.map_or("", |(_, code)| code.name()));
        line.numbers(self.compared.iter().map(|index| index.0));
        line.hexes(self.policy.iter().map(|policy| policy.0.as_slice()));
        line.hexes(self.persons.iter().map(|person| person.0.as_slice()));
        line.plain(self.rests_on.name());
    }
}

impl From<EvidenceLevel> for RestsOn {
    fn from(level: EvidenceLevel) -> RestsOn {
        match level {
            EvidenceLevel::Operator => RestsOn::Operator,
            EvidenceLevel::Idp => RestsOn::Idp,
            EvidenceLevel::Reviewer => RestsOn::Reviewer,
        }
    }
}
