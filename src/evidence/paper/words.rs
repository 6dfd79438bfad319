//! What codes and levels mean, in a sentence for somebody who reads them for the first time. EVIDENCE.md says it in full.

use deedbook_verify::package::{Code, RestsOn};

/// Why a row is no pass.
pub fn meaning(code: &str) -> &'static str {
    let Some(code) = Code::from_name(code) else { return "docs/EVIDENCE.md says what it means" };
    match code {
        Code::NoApproval => "it ran, and nobody had approved it",
        Code::Late => "approved after it had run",
        Code::SelfApproval => "approved by somebody who asked, acts, answers for it, or is acted for",
        Code::SamePerson => "one person counted twice",
        Code::Conflict => "approved by somebody whom the request says to be in conflict",
        Code::AgentApprover => "approved by somebody who is no person",
        Code::NoRole => "done by somebody without the role for it",
        Code::Expired => "its time had passed",
        Code::Withdrawn => "it had been taken back",
        Code::Reused => "a grant for one run was used again",
        Code::DigestMismatch => "what ran is not what was approved",
        Code::WrongPolicy => "decided by a policy set that was not in force",
        Code::TooFew => "fewer persons approved than the policy asks for",
        Code::WeakEvidence => "a vote rests on less than the policy demands",
        Code::BadEvidence => "the evidence of a vote does not hold",
        Code::BeforeInterval => "what it rests on stands before this interval",
        Code::NotEvaluated => "a run was reported, and no policy had been asked",
        Code::RanAfterDenial => "it ran although it had been denied or had lapsed",
        Code::GovernedAlone => "one administrator decided it alone",
        Code::ApproverGoverns => "an administrator's vote counted in an approval",
        Code::NoReview => "nobody reviewed it in time",
        Code::LateReview => "reviewed too late",
        Code::SelfReview => "reviewed by somebody who had a part in it",
        Code::NotDue => "its time is not over yet",
        Code::Dangling => "the request never ended",
        Code::NoCompletion => "nobody reported how the run ended",
        Code::StaleKey => "the key is older than it may be",
        Code::Skew => "the producer's time is far from the ledger's",
        Code::NoZone => "the time states no zone",
        Code::ClockBehind => "the wall clock stood behind the log",
        Code::Blank => "a fact that must be there is missing",
        Code::Silence => "not heard of for longer than it promised",
        Code::GapDeclared => "the source declared that it lost events",
        Code::Unsequenced => "the source does not number its events, so that a loss would not show",
        Code::OrphanGrant => "one administrator gave the role alone",
        Code::MissedReview => "a part of the period was not reviewed",
        Code::Undisposed => "nobody said in time what is done about the exception",
        Code::NotInLog => "the outside record has what the log has not",
        Code::NotInRecord => "the log has what the outside record has not",
        Code::OrphanOutput => "it wrote, and neither request nor reports name what it read",
        Code::NoLineage => "nothing says what it wrote",
        Code::ObjectsOmitted => "facts left out some of what it touched",
        Code::NotCompared => "the source was compared with no outside record",
    }
}

/// On whose word a row rests.
pub fn word_of(level: &str) -> &'static str {
    match RestsOn::from_name(level) {
        Some(RestsOn::Reviewer) => "the person's own signature",
        Some(RestsOn::Idp) => "an identity provider's token",
        Some(RestsOn::Operator) => "the operator of the service, who alone attests it",
        Some(RestsOn::Source) => "the producer's signature",
        Some(RestsOn::Governors) => "administrators' signatures",
        Some(RestsOn::Ledger) => "the ledger's own statement, which an audit replays",
        None => "docs/EVIDENCE.md says whose",
    }
}
