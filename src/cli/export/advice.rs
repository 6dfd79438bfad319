//! What helps against what a test found, or against its finding nothing: the next step as a command, where there is one. What
//! it says of a code is advice for people; what the code means, the verifier decides.

use deedbook_verify::package::{Code, TestId, Verdict};

/// Where only people can tell.
const LOOK: &str =
    "look into the rows of data/tests/TEST/exceptions.csv, then say what becomes of them: `deedbook exception dispose`";
const SECOND: &str = "one administrator decided alone; begin a ledger with two (`deedbook init --admin A.pub --admin B.pub`), or \
                      bind a second: `deedbook principal add --kind human --id ID --role administrator --key FILE.pub`";
const ASK_FIRST: &str =
    "agents ran without asking; let them ask first: `deedbook exec FILE.json -- COMMAND`, or `deedbook action submit`";
const REVIEW_LOG: &str = "the log is to be reviewed, every 30 days: `deedbook review log --from DAY --to DAY --signer FILE`, and \
                          exceptions to be decided: `deedbook exception dispose`";
const REVIEW_ACCESS: &str =
    "who has access is to be reviewed, each quarter: `deedbook review access --from DAY --to DAY --signer FILE`";
const RECONCILE: &str = "compare what sources stated with a record that somebody else keeps: `deedbook reconcile`";
const PEOPLE: &str = "no person decided about a run; an agent asks with `deedbook action submit`, and somebody decides who neither \
                      asks nor answers for it: `deedbook principal add --kind human --id ID --role reviewer --key FILE.pub`";
const REVIEW_GLASS: &str =
    "breaking the glass is to be reviewed by another person within 72 hours: `deedbook action review ID`";
const NAME_DATA: &str =
    "exports do not say what they read and wrote; name `dataset_sources` in the action, `--output` when it ended";
const REVIEWERS: &str = "an administrator's vote counted; leave decisions about runs to people who do not govern: \
             `deedbook principal add --kind human --id ID --role reviewer --key FILE.pub`";
const EXPORTERS: &str =
    "who read or exported has no role for it: `deedbook principal grant --kind human --id ID --role exporter`";
const WAITING: &str = "requests wait for people, or runs for their reports: `deedbook approvals list`, `deedbook action report ID`; \
             another reviewer is bound with `deedbook principal add --kind human --id ID --role reviewer --key FILE.pub`";
const REPORT: &str = "nobody reported how runs ended: `deedbook action report ID`, or `deedbook exec`, which reports";
const ROTATE: &str = "keys are older than a year: `deedbook key rotate OLD.pub NEW.pub`";
const CLOCKS: &str =
    "`occurred` is more than an hour from when the ledger had it; send events as they happen, by a clock that is right";
const ZONES: &str = "times have no zone; let producers write one";
const SERVER_CLOCK: &str = "the server's clock stood behind the log; keep it right, docs/OPERATIONS.md says how";
const WHO_AND_HOW: &str = "events do not say who acted or how it ended; state `actor` and `outcome` in their facts";
const HEARTBEATS: &str =
    "sources were silent for longer than they promised: `deedbook source heartbeat`, or `close` when they end";
const NUMBERS: &str =
    "sources do not number their events, so that a loss would not show; `deedbook append` numbers them";
const GAPS: &str =
    "sources said that they saw nothing for a while; hold that against a record of somebody else: `deedbook reconcile`";
const OBJECTS: &str = "facts left out some of what was touched; state it in several events";
const EARLIER: &str = "what they rest on stands before the interval; export from an earlier --from";

/// What rows of this code come to, and what helps against them; nothing where they do not count.
pub fn of(test: TestId, code: Code) -> Option<(Verdict, &'static str)> {
    let (fail, open) = (|help| Some((Verdict::Fail, help)), |help| Some((Verdict::Indeterminate, help)));
    match (code, test) {
        (Code::GovernedAlone | Code::OrphanGrant, _) => fail(SECOND),
        (Code::ApproverGoverns, _) => fail(REVIEWERS),
        (Code::NoApproval, _) => fail(ASK_FIRST),
        (Code::NotEvaluated, _) => open(ASK_FIRST),
        (Code::NoRole, TestId::T09) => fail(EXPORTERS),
        (Code::NoRole, TestId::T04 | TestId::T13 | TestId::T16) => None,
        (Code::MissedReview, TestId::T04) => fail(REVIEW_ACCESS),
        (Code::NotDue, TestId::T04) => open(REVIEW_ACCESS),
        (Code::MissedReview | Code::Undisposed, _) => fail(REVIEW_LOG),
        (Code::NotDue, TestId::T13) => open(REVIEW_LOG),
        (Code::NotDue, TestId::T05) => open(REVIEW_GLASS),
        (Code::NoReview | Code::LateReview, _) => fail(REVIEW_GLASS),
        (Code::NotDue, _) => open(WAITING),
        (Code::NoCompletion, _) => fail(REPORT),
        (Code::StaleKey, _) => fail(ROTATE),
        (Code::Skew, _) => fail(CLOCKS),
        (Code::NoZone, _) => fail(ZONES),
        (Code::ClockBehind, _) => fail(SERVER_CLOCK),
        (Code::Blank, _) => fail(WHO_AND_HOW),
        (Code::Silence, _) => fail(HEARTBEATS),
        (Code::Unsequenced, _) => open(NUMBERS),
        (Code::GapDeclared, _) => open(GAPS),
        (Code::NotCompared, _) => open(RECONCILE),
        (Code::NoLineage, _) => open(NAME_DATA),
        (Code::OrphanOutput, _) => fail(NAME_DATA),
        (Code::ObjectsOmitted, _) => open(OBJECTS),
        (Code::BeforeInterval, _) => open(EARLIER),
        (
            Code::Late
            | Code::SelfApproval
            | Code::SamePerson
            | Code::Conflict
            | Code::AgentApprover
            | Code::NoRole
            | Code::Expired
            | Code::Withdrawn
            | Code::Reused
            | Code::DigestMismatch
            | Code::WrongPolicy
            | Code::TooFew
            | Code::WeakEvidence
            | Code::BadEvidence
            | Code::RanAfterDenial
            | Code::SelfReview
            | Code::Dangling
            | Code::NotInLog
            | Code::NotInRecord,
            _,
        ) => fail(LOOK),
    }
}

/// What helps where a test had nothing to judge; nothing, where that is no lack.
pub fn of_nothing(test: TestId) -> Option<&'static str> {
    match test {
        TestId::T01 | TestId::T03 | TestId::T07 | TestId::T14 => Some(PEOPLE),
        TestId::T04 => Some(REVIEW_ACCESS),
        TestId::T09 => {
            Some("nobody is on record for reading or exporting: `deedbook export --signer FILE` by an exporter")
        }
        TestId::T10 => Some("no source said that it is there: `deedbook source open --heartbeat-s N --signer FILE`"),
        TestId::T11 | TestId::T15 => Some("nothing was stated about what agents did: `deedbook append`"),
        TestId::T13 => Some(REVIEW_LOG),
        TestId::T16 => Some(RECONCILE),
        // What was not denied, broken, changed or erased is no lack; and keys are there in every ledger.
        TestId::T00
        | TestId::T02
        | TestId::T05
        | TestId::T06
        | TestId::T08
        | TestId::T12
        | TestId::T17
        | TestId::T18 => None,
    }
}
