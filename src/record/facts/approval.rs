//! The own fields of principals, policies and approvals, for the builder of facts. What they add up to is judged by the
//! verifier's parser when the facts are encoded, like everything else.

use crate::record::FactsBuilder;
use deedbook_verify::detail::{
    Assigned, Conflict, Escalation, Judgement, Resolution, Reversibility, ReviewOutcome, Roles, Verdict,
};
use deedbook_verify::facts::Actor;
use deedbook_verify::key::PublicKey;
use deedbook_verify::requirement::{Requirement, RequirementBytes};
use deedbook_verify::tags;
use deedbook_verify::vote::{Decision, Evidence};
use deedbook_verify::words::{Digest, Ref, Revision, SubjectId};
use std::num::NonZeroU16;

impl FactsBuilder {
    /// The principal that a command is about.
    pub fn principal(self, who: Actor) -> FactsBuilder {
        self.put(tags::PRINCIPAL, [[who.kind.number()].as_slice(), who.who.as_bytes()].concat())
    }

    /// The teams that it belongs to, in any order, each taken once.
    pub fn teams(self, teams: &[Ref]) -> FactsBuilder {
        let mut teams = teams.to_vec();
        teams.sort_unstable();
        teams.dedup();
        self.put_list(tags::TEAMS, teams.iter().flat_map(|team| team.0).collect())
    }

    /// Its roles; an empty set is left out.
    pub fn roles(self, roles: Roles) -> FactsBuilder {
        if roles == Roles::NONE { self } else { self.put(tags::ROLES, [roles.bits()]) }
    }

    /// Its key.
    pub fn subject_key(self, key: &PublicKey) -> FactsBuilder {
        self.put(tags::SUBJECT_KEY, key.to_wire())
    }

    /// The account that is linked to a person.
    pub fn account(self, account: Ref) -> FactsBuilder {
        self.put(tags::ACCOUNT, account.0)
    }

    /// Who decides in the person's place.
    pub fn delegate(self, delegate: Ref) -> FactsBuilder {
        self.put(tags::DELEGATE, delegate.0)
    }

    /// Whether the action can be undone.
    pub fn reversibility(self, reversibility: Reversibility) -> FactsBuilder {
        self.put(tags::REVERSIBILITY, [reversibility.number()])
    }

    /// The request that this one takes the place of.
    pub fn supersedes(self, request: SubjectId) -> FactsBuilder {
        self.put(tags::SUPERSEDES, request.0)
    }

    /// What the policies say, with the requirement if they want an approval.
    pub fn judgement(self, judgement: Judgement<'_>) -> FactsBuilder {
        let builder = self.put(tags::VERDICT, [judgement.verdict().number()]);
        match judgement {
            Judgement::RequireApproval(requirement) => builder.requirement_bytes(requirement),
            Judgement::Allow | Judgement::Deny => builder,
        }
    }

    /// That the policies want an approval, and what it takes.
    pub fn approval_required(self, requirement: &Requirement) -> FactsBuilder {
        self.put(tags::VERDICT, [Verdict::RequireApproval.number()]).requirement(requirement)
    }

    /// What an approval takes.
    pub fn requirement(self, requirement: &Requirement) -> FactsBuilder {
        self.put(tags::REQUIREMENT, requirement.to_bytes())
    }

    /// What an approval takes, as facts hold it.
    pub fn requirement_bytes(self, requirement: RequirementBytes<'_>) -> FactsBuilder {
        self.put(tags::REQUIREMENT, requirement.as_bytes())
    }

    /// BLAKE3 of the requirement.
    pub fn requirement_digest(self, digest: Digest) -> FactsBuilder {
        self.put(tags::REQUIREMENT_DIGEST, digest.0)
    }

    /// Who may not approve: in any order, the first reason of each person counts.
    pub fn conflicts(self, conflicts: &[Conflict]) -> FactsBuilder {
        let mut conflicts = conflicts.to_vec();
        conflicts.sort_by_key(|conflict| conflict.person);
        conflicts.dedup_by_key(|conflict| conflict.person);
        self.put_list(tags::CONFLICTS, conflicts.into_iter().flat_map(Conflict::to_bytes).collect())
    }

    /// BLAKE3 of what was shown.
    pub fn presentation_digest(self, digest: Digest) -> FactsBuilder {
        self.put(tags::PRESENTATION_DIGEST, digest.0)
    }

    /// Whether what was shown left nothing out.
    pub fn complete(self, complete: bool) -> FactsBuilder {
        self.put(tags::COMPLETE, [u8::from(complete)])
    }

    /// The revision of the action's stream that the voter saw; 0 for a governance request.
    pub fn request_revision(self, revision: Revision) -> FactsBuilder {
        self.put(tags::REQUEST_REVISION, revision.0.to_be_bytes())
    }

    /// What the voter decided.
    pub fn decision(self, decision: Decision) -> FactsBuilder {
        self.put(tags::DECISION, [decision.number()])
    }

    /// What the vote rests on.
    pub fn evidence(self, evidence: &Evidence<'_>) -> FactsBuilder {
        self.put(tags::EVIDENCE, evidence.to_bytes())
    }

    /// How a request ended; the votes that approved it in any order.
    pub fn resolution(self, resolution: &Resolution<Vec<Assigned>>) -> FactsBuilder {
        let builder = self.put(tags::RESOLUTION, [resolution.code().number()]);
        match resolution {
            Resolution::Superseded(by) => builder.put(tags::SUCCESSOR, by.0),
            Resolution::Approved(votes) => {
                let mut votes: Vec<Vec<u8>> = votes.iter().map(|vote| vote.to_bytes()).collect();
                votes.sort_unstable();
                builder.put_list(tags::ASSIGNMENT, votes.concat())
            }
            Resolution::Denied
            | Resolution::Expired
            | Resolution::Cancelled
            | Resolution::Invalidated
            | Resolution::Unroutable
            | Resolution::BreakGlass => builder,
        }
    }

    /// The source that may redeem a grant, and how often.
    pub fn audience(self, audience: Ref, uses: NonZeroU16) -> FactsBuilder {
        self.put(tags::AUDIENCE, audience.0).put(tags::USES, uses.get().to_be_bytes())
    }

    /// What was done about a deadline that passed.
    pub fn escalation(self, escalation: Escalation) -> FactsBuilder {
        self.put(tags::ESCALATION, [escalation.number()])
    }

    /// What a person said of a break-glass action.
    pub fn review(self, outcome: ReviewOutcome) -> FactsBuilder {
        self.put(tags::REVIEW, [outcome.number()])
    }
}
