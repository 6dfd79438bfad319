//! Whether the policies about reviewers let a vote be cast, asked again. What they are told stands in the entries but for
//! names; where one was erased since, what the log says is taken.

use crate::approvals::{CastVote, Command};
use crate::audit::actions::asked::Asked;
use crate::audit::actions::judged::Judge;
use crate::audit::report::AuditError;
use crate::policy::{Party, Review};
use crate::record::binding::PartyName;
use deedbook_verify::detail::RefusalReason;
use deedbook_verify::facts::ActorKind;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::Ref;
use std::collections::BTreeSet;

impl Judge<'_> {
    /// Whether the vote is let through; everything but a vote is.
    pub(super) fn permitted(&mut self, asked: &Asked) -> Result<bool, AuditError> {
        let Command::Vote(vote) = &asked.command else { return Ok(true) };
        if vote.decision == Decision::Abstain {
            return Ok(true);
        }
        let recorded = asked.refusal() != Some(RefusalReason::PolicyDenied);
        let Some(set) = self.set_in_force(asked)? else { return Ok(recorded) };
        if !set.speaks_of_reviews() {
            return Ok(true);
        }
        let teams = |teams: &[Ref]| set.team_names(teams);
        Ok(self.review_of(asked, vote, &teams)?.map_or(recorded, |review| set.review(&review).is_ok()))
    }

    /// What the policies are told; none: nobody is asked any more, or a name is gone.
    fn review_of(
        &self,
        asked: &Asked,
        vote: &CastVote,
        names_of: &dyn Fn(&[Ref]) -> BTreeSet<String>,
    ) -> Result<Option<Review>, AuditError> {
        let Some(action) = &asked.known.before else { return Ok(None) };
        let Some(request) = action.pending() else { return Ok(None) };
        let Some(id) = self.known_id(asked, vote.actor.who)? else { return Ok(None) };
        let Some(name) = PartyName::parse(&format!("{}:{id}", ActorKind::Human.name())) else { return Ok(None) };
        let mut conflicted = BTreeSet::new();
        for conflict in &request.conflicts {
            match self.known_id(asked, conflict.person)? {
                Some(id) => conflicted.insert(id),
                // Somebody who was never bound is told by the ref; a bound person's name that is gone is no answer.
                None if asked.known.principals.get(conflict.person).is_none() => {
                    conflicted.insert(conflict.person.to_string())
                }
                None => return Ok(None),
            };
        }
        let teams: Vec<Ref> = request.requirement.clauses.iter().map(|clause| clause.team).collect();
        let mut reviewer = Party::named(name, self.origin());
        reviewer.teams = asked.known.people.get(vote.actor.who).map(|known| names_of(&known.teams)).unwrap_or_default();
        Ok(Some(Review {
            reviewer,
            approves: vote.decision == Decision::Approve,
            request: action.id.to_string(),
            tenant: self.origin().to_owned(),
            reviewer_groups: names_of(&teams),
            conflicted,
            risk: request.requirement.risk,
            evidence: vote.level,
        }))
    }
}
