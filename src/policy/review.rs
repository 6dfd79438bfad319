//! Policies about reviewers: whether this person may cast this vote. They only narrow what the ledger's own rules let
//! through, conflicts and teams among them; a set that does not speak of reviewers narrows nothing.

use super::evaluate::{Denial, EvaluationError, Found};
use super::question::Party;
use super::request::{People, entity, long, mismatch, text};
use super::set::PolicySet;
use cedar_policy::{ActionConstraint, Context, Policy, Request, RestrictedExpression};
use deedbook_verify::requirement::Risk;
use deedbook_verify::vote::EvidenceLevel;
use std::collections::{BTreeMap, BTreeSet};

const APPROVE: &str = "review.approve";
const DENY: &str = "review.deny";

/// Whether an action is no agent's, but a person's decision about one.
pub(super) fn is_review(action: &str) -> bool {
    action == APPROVE || action == DENY
}

/// A vote that somebody wants to cast.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// Who; policies are typed for persons, and anybody else is refused.
    pub reviewer: Party,
    /// Whether they approve; otherwise they deny.
    pub approves: bool,
    /// The request's id.
    pub request: String,
    /// The tenant it belongs to.
    pub tenant: String,
    /// The names of the teams that its requirement asks.
    pub reviewer_groups: BTreeSet<String>,
    /// The ids of the persons in its conflict set.
    pub conflicted: BTreeSet<String>,
    /// Its risk.
    pub risk: Risk,
    /// The evidence of the vote.
    pub evidence: EvidenceLevel,
}

/// Whether a policy names an action of reviewers.
pub(super) fn names(policy: &Policy) -> bool {
    let named = match policy.action_constraint() {
        ActionConstraint::Any => Vec::new(),
        ActionConstraint::In(actions) => actions,
        ActionConstraint::Eq(action) => vec![action],
    };
    named.iter().any(|action| [APPROVE, DENY].contains(&AsRef::<str>::as_ref(action.id())))
}

impl PolicySet {
    /// Whether any policy speaks of reviewers; else every vote is let through.
    pub fn speaks_of_reviews(&self) -> bool {
        self.speaks_of_reviews
    }

    /// Judges a vote before it counts. Every error refuses it.
    pub fn review(&self, review: &Review) -> Result<(), Denial> {
        if !self.speaks_of_reviews {
            return Ok(());
        }
        self.try_review(review).unwrap_or_else(Found::failed).into_permission()
    }

    fn try_review(&self, review: &Review) -> Result<Found, EvaluationError> {
        let name = if review.approves { APPROVE } else { DENY };
        let action = self.vocabulary.action(name).ok_or_else(|| EvaluationError::UnknownAction(name.to_owned()))?;
        let (team, user) = (entity(&self.vocabulary, "Team")?, entity(&self.vocabulary, "User")?);
        let groups = review.reviewer_groups.iter().map(|name| RestrictedExpression::new_entity_uid(team.uid(name)));
        let conflicted = review.conflicted.iter().map(|id| RestrictedExpression::new_entity_uid(user.uid(id)));
        let says = vec![
            ("tenant", text(&review.tenant)),
            ("reviewer_groups", RestrictedExpression::new_set(groups)),
            ("conflicted", RestrictedExpression::new_set(conflicted)),
            ("risk", long(i64::from(review.risk.percent()))),
        ];
        let mut people = People { vocabulary: &self.vocabulary, known: BTreeMap::new() };
        let reviewer = people.party(&review.reviewer)?;
        let request = people.add("Request", &review.request, &BTreeSet::new(), says)?;
        let assurance = ("assurance".to_owned(), long(i64::from(review.evidence.number())));
        let context = Context::from_pairs([assurance]).map_err(|error| mismatch(&error))?;
        let asked = Request::new(reviewer, action.uid.clone(), request, context, Some(&self.vocabulary.schema));
        Ok(self.decide(&asked.map_err(|error| mismatch(&error))?, &people.into_entities()?))
    }
}
