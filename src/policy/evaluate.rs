//! Evaluation: once with no approval, then, where only conditional forbids stand in the way, with every approval there
//! could be. An error of any kind is a deny. It reads no clock and keeps nothing: the same question has the same answer.

use super::annotation::Ask;
use super::merge;
use super::question::{Party, Question};
use super::request::{Posed, Votes};
use super::set::PolicySet;
use cedar_policy::{AuthorizationError, Authorizer, Decision, Entities, PolicyId, Request};
use deedbook_verify::detail::Verdict;
use deedbook_verify::requirement::Requirement;
use std::collections::BTreeSet;

/// Why an evaluation could not be carried out. Each denies.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// No such action in the schema.
    #[error("action `{0}` is not in the schema of the policy set; ask for one that is, or publish a schema with it")]
    UnknownAction(String),
    /// No entity type for the resource's class.
    #[error("resources of class `{0}` are not in the schema of the policy set; publish a schema with them")]
    UnknownClass(String),
    /// The question lacks what the schema demands, or says it in another type.
    #[error("the action does not fit the schema of the policy set: {0}")]
    Mismatch(String),
    /// A policy failed while it was evaluated: an attribute that is not there, a number too large.
    #[error("policy `{policy}` failed: {problem}")]
    Policy {
        /// Its id.
        policy: String,
        /// Cedar's words.
        problem: String,
    },
    /// All that is asked for together fits no requirement: more than 8 teams, or 32 persons.
    #[error("the policies together ask for more teams or persons than one request can hold")]
    TooMuchAsked,
}

/// The verdict, and with it what only that verdict has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It may be done at once.
    Allow,
    /// It may not be done, whoever agrees.
    Deny,
    /// It may be done when this is met.
    RequireApproval(Requirement),
}

/// What policies say to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The verdict.
    pub outcome: Outcome,
    /// Ids of the policies that determined it, sorted. A deny without any is the default: nothing permits it.
    pub reasons: Vec<String>,
    /// What those policies advise, in the order of their ids.
    pub advice: Vec<String>,
    /// Why it could not be evaluated in full; then the outcome is a deny.
    pub errors: Vec<EvaluationError>,
}

/// Why a grant is not redeemed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Ids of the policies that forbid it, sorted; none: nothing permits it.
    pub reasons: Vec<String>,
    /// What went wrong.
    pub errors: Vec<EvaluationError>,
}

impl Evaluation {
    /// The verdict alone.
    pub fn verdict(&self) -> Verdict {
        match self.outcome {
            Outcome::Allow => Verdict::Allow,
            Outcome::Deny => Verdict::Deny,
            Outcome::RequireApproval(_) => Verdict::RequireApproval,
        }
    }

    /// What must be met before it may be done.
    pub fn requirement(&self) -> Option<&Requirement> {
        match &self.outcome {
            Outcome::RequireApproval(requirement) => Some(requirement),
            Outcome::Allow | Outcome::Deny => None,
        }
    }
}

/// What one evaluation, for one party, found.
pub(super) struct Found {
    verdict: Verdict,
    reasons: BTreeSet<String>,
    errors: Vec<EvaluationError>,
}

impl Found {
    pub fn failed(error: EvaluationError) -> Found {
        Found { verdict: Verdict::Deny, reasons: BTreeSet::new(), errors: vec![error] }
    }

    /// Nothing but an allow permits.
    pub fn into_permission(self) -> Result<(), Denial> {
        match self.verdict {
            Verdict::Allow => Ok(()),
            Verdict::Deny | Verdict::RequireApproval => {
                Err(Denial { reasons: self.reasons.into_iter().collect(), errors: self.errors })
            }
        }
    }

    /// Both must allow, so the worse verdict counts, with all reasons for it.
    fn unite(self, other: Found) -> Found {
        let verdict = worse(self.verdict, other.verdict);
        let mut united = Found { verdict, reasons: BTreeSet::new(), errors: Vec::new() };
        for found in [self, other] {
            if found.verdict == verdict {
                united.reasons.extend(found.reasons);
            }
            united.errors.extend(found.errors);
        }
        united
    }
}

fn worse(one: Verdict, other: Verdict) -> Verdict {
    match (one, other) {
        (Verdict::Deny, _) | (_, Verdict::Deny) => Verdict::Deny,
        (Verdict::RequireApproval, _) | (_, Verdict::RequireApproval) => Verdict::RequireApproval,
        (Verdict::Allow, Verdict::Allow) => Verdict::Allow,
    }
}

impl PolicySet {
    /// Judges an action that is submitted. Where it is done on behalf of others, the root of the chain must be allowed
    /// to do it too: it is asked for both, the worse verdict counts, and what is required is united.
    pub fn evaluate(&self, question: &Question) -> Evaluation {
        let mut found = self.evaluate_for(question, &question.principal);
        if let Some(root) = question.on_behalf_of.first() {
            found = found.unite(self.evaluate_for(question, root));
        }
        let outcome = match found.verdict {
            Verdict::Allow => Ok(Outcome::Allow),
            Verdict::Deny => Ok(Outcome::Deny),
            Verdict::RequireApproval => self.united(&found.reasons).map(Outcome::RequireApproval),
        };
        let outcome = outcome.unwrap_or_else(|error| {
            found.errors.push(error);
            Outcome::Deny
        });
        let advice = found.reasons.iter().filter_map(|id| self.advice.get(id).cloned()).collect();
        Evaluation { outcome, reasons: found.reasons.into_iter().collect(), advice, errors: found.errors }
    }

    /// Judges a redemption: with the votes that were cast, policies must allow it, for the agent and for the root of
    /// the chain.
    pub fn permits(&self, question: &Question, votes: &Votes) -> Result<(), Denial> {
        let mut found = self.redeem_for(question, &question.principal, votes);
        if let Some(root) = question.on_behalf_of.first() {
            found = found.unite(self.redeem_for(question, root, votes));
        }
        found.into_permission()
    }

    fn evaluate_for(&self, question: &Question, party: &Party) -> Found {
        self.try_evaluate_for(question, party).unwrap_or_else(Found::failed)
    }

    fn try_evaluate_for(&self, question: &Question, party: &Party) -> Result<Found, EvaluationError> {
        let posed = Posed::new(&self.vocabulary, question, party)?;
        let without = self.ask(&posed, None)?;
        let conditional = !without.reasons.is_empty() && without.reasons.iter().all(|id| self.asks.contains_key(id));
        if without.verdict == Verdict::Allow || !without.errors.is_empty() || !conditional {
            return Ok(without);
        }
        let with = self.ask_again(&posed, &without.reasons)?;
        let verdict = match with.verdict {
            Verdict::Allow => Verdict::RequireApproval,
            Verdict::Deny | Verdict::RequireApproval => Verdict::Deny,
        };
        Ok(Found { verdict, reasons: without.reasons, errors: with.errors })
    }

    /// The second evaluation, with everything granted. A forbid that did not apply without an approval does not apply
    /// with one: `form` lets none through that votes could tighten. So the permits are asked, and those that applied.
    fn ask_again(&self, posed: &Posed<'_>, applied: &BTreeSet<String>) -> Result<Found, EvaluationError> {
        let request = posed.request(Some(&self.maximal))?;
        let Some(slice) = self.slice_for(&request) else { return Ok(self.decide(&request, &posed.entities)) };
        let applied = applied.iter().filter_map(|id| self.policies.policy(&PolicyId::new(id)).cloned());
        let Ok(applied) = cedar_policy::PolicySet::from_policies(applied) else {
            return Ok(self.decide(&request, &posed.entities));
        };
        let permitted = judge(&request, &slice.permits, &posed.entities);
        let forbidden = judge(&request, &applied, &posed.entities);
        let stands = forbidden.reasons.is_empty() && forbidden.errors.is_empty();
        let verdict = if stands { permitted.verdict } else { Verdict::Deny };
        let errors = [permitted.errors, forbidden.errors].concat();
        Ok(Found { verdict, reasons: forbidden.reasons, errors })
    }

    fn redeem_for(&self, question: &Question, party: &Party, votes: &Votes) -> Found {
        let posed = Posed::new(&self.vocabulary, question, party);
        posed.and_then(|posed| self.ask(&posed, Some(votes))).unwrap_or_else(Found::failed)
    }

    fn ask(&self, posed: &Posed<'_>, votes: Option<&Votes>) -> Result<Found, EvaluationError> {
        Ok(self.decide(&posed.request(votes)?, &posed.entities))
    }

    pub(super) fn decide(&self, request: &Request, entities: &Entities) -> Found {
        judge(request, self.policies_for(request), entities)
    }

    fn united(&self, reasons: &BTreeSet<String>) -> Result<Requirement, EvaluationError> {
        let asks: Vec<&Ask> = reasons.iter().filter_map(|id| self.asks.get(id)).collect();
        merge::requirement(&asks, &self.teams)
    }
}

/// One call of Cedar. Its own verdict passes over policies that fail; here they deny.
fn judge(request: &Request, policies: &cedar_policy::PolicySet, entities: &Entities) -> Found {
    let response = Authorizer::new().is_authorized(request, policies, entities);
    let reasons = response.diagnostics().reason().map(|id| AsRef::<str>::as_ref(id).to_owned()).collect();
    let mut errors: Vec<EvaluationError> = response.diagnostics().errors().map(failure).collect();
    errors.sort_by_key(EvaluationError::to_string);
    let verdict = match response.decision() {
        Decision::Allow if errors.is_empty() => Verdict::Allow,
        Decision::Allow | Decision::Deny => Verdict::Deny,
    };
    Found { verdict, reasons, errors }
}

fn failure(error: &AuthorizationError) -> EvaluationError {
    match error {
        AuthorizationError::PolicyEvaluationError(error) => EvaluationError::Policy {
            policy: AsRef::<str>::as_ref(error.policy_id()).to_owned(),
            problem: error.inner().to_string(),
        },
    }
}
