//! Which of two requirements asks for more. A pending request never loosens: when policies change, what counts is the
//! strictest of what they said, dimension by dimension.

use deedbook_verify::limits;
use deedbook_verify::requirement::{Clause, Demands, Requirement, Terms};
use deedbook_verify::words::Ref;
use std::collections::BTreeMap;
use std::num::NonZeroU8;

/// The requirement that asks for all that either asks for. Times that were announced (expiry, reminder, escalation)
/// stay those of `held`; a grant lives and serves no longer than both allow; a fallback team stays if both name it.
/// None when together they ask for more than any request can have: nobody could satisfy it.
pub fn strictest(held: &Requirement, said: &Requirement) -> Option<Requirement> {
    let mut clauses: BTreeMap<Ref, NonZeroU8> = BTreeMap::new();
    for clause in held.clauses.iter().chain(&said.clauses) {
        let min = clauses.entry(clause.team).or_insert(clause.persons_min);
        *min = (*min).max(clause.persons_min);
    }
    Requirement::new(Terms {
        distinct_persons_min: held.distinct_persons_min.max(said.distinct_persons_min),
        evidence_floor: held.evidence_floor.max(said.evidence_floor),
        demands: both(held.demands, said.demands),
        risk: held.risk.max(said.risk),
        request_ttl_s: held.request_ttl_s,
        grant_ttl_s: held.grant_ttl_s.min(said.grant_ttl_s),
        uses: held.uses.min(said.uses),
        reminder_s: held.reminder_s,
        escalate_s: held.escalate_s,
        fallback: held.fallback.filter(|team| said.fallback == Some(*team)),
        clauses: clauses.into_iter().map(|(team, persons_min)| Clause { team, persons_min }).collect(),
    })
    .ok()
}

fn both(one: Demands, two: Demands) -> Demands {
    Demands {
        rationale_to_approve: one.rationale_to_approve || two.rationale_to_approve,
        rationale_to_deny: one.rationale_to_deny || two.rationale_to_deny,
        complete_presentation: one.complete_presentation || two.complete_presentation,
        recheck_membership: one.recheck_membership || two.recheck_membership,
    }
}

/// Whether `said` asks for more people, stronger evidence or more of each vote than `held` did. Times and uses do not
/// matter here: what was granted keeps those that it was granted with.
pub fn asks_for_more(said: &Requirement, held: &Requirement) -> bool {
    let Some(together) = strictest(held, said) else { return true };
    let people =
        |terms: &Requirement| (terms.distinct_persons_min, terms.evidence_floor, terms.demands, terms.clauses.clone());
    people(&together) != people(held)
}

const _: () = assert!(limits::CLAUSES_MAX <= limits::ASSIGNMENT_MAX, "one person for each clause can be assigned");
