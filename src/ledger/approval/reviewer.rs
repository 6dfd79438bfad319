//! Whether the policies about reviewers let a person cast a vote: asked on the caller's task, from the action as it stood
//! there; the writer sends the vote back if another requirement is asked by then.

use crate::approvals::{Action, CastVote, Request};
use crate::ledger::approval::prepare::Preparer;
use crate::ledger::error::AppendError;
use crate::policy::{Party, Review};
use crate::record::binding::PartyName;
use deedbook_verify::facts::ActorKind;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::{Digest, Ref};

/// What the policies say of a vote, and the requirement that it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ledger) struct Reviewed {
    /// The requirement of the request.
    pub requirement: Digest,
    /// Whether they let it through.
    pub permitted: bool,
}

impl Preparer<'_> {
    /// Asks the policies about reviewers; none: no policy speaks of them, or nobody is asked for a vote.
    pub(super) fn review(&self, vote: &CastVote) -> Result<Option<Reviewed>, AppendError> {
        let set = &self.published.policy;
        if !set.speaks_of_reviews() || vote.decision == Decision::Abstain {
            return Ok(None);
        }
        let Some(action) = self.action(vote.request)? else { return Ok(None) };
        let Some(request) = action.pending() else { return Ok(None) };
        let requirement = request.requirement_digest;
        let permitted = self.review_of(&action, request, vote).is_some_and(|review| set.review(&review).is_ok());
        Ok(Some(Reviewed { requirement, permitted }))
    }

    fn review_of(&self, action: &Action, request: &Request, vote: &CastVote) -> Option<Review> {
        let set = &self.published.policy;
        let teams: Vec<Ref> = request.requirement.clauses.iter().map(|clause| clause.team).collect();
        let id = |who: Ref| self.reader.id_of(who).map_or_else(|| who.to_string(), |id| id.to_string());
        let person = vote.actor.who;
        let name = format!("{}:{}", ActorKind::Human.name(), id(person));
        let mut reviewer = Party::named(PartyName::parse(&name)?, self.reader.origin());
        reviewer.teams = set.team_names(&self.published.people.get(person)?.teams);
        Some(Review {
            reviewer,
            approves: vote.decision == Decision::Approve,
            request: action.id.to_string(),
            tenant: self.reader.origin().to_owned(),
            reviewer_groups: set.team_names(&teams),
            conflicted: request.conflicts.iter().map(|conflict| id(conflict.person)).collect(),
            risk: request.requirement.risk,
            evidence: vote.level,
        })
    }
}
