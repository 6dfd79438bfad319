//! What several policies ask of one approval, united: the strictest of each. No policy's demand is loosened by another's.

use super::annotation::Ask;
use super::evaluate::EvaluationError;
use crate::limits::{GRANT_TTL_S_DEFAULT, REQUEST_TTL_S_DEFAULT};
use deedbook_verify::requirement::{Clause, Demands, Requirement, Risk, Terms};
use deedbook_verify::vote::EvidenceLevel;
use deedbook_verify::words::Ref;
use std::collections::BTreeMap;
use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};

/// Unites what these policies ask, which come in the order of their ids. A team's persons: the most; distinct persons:
/// the most; deadlines and uses: the least; risk, evidence and duties: the most. The fallback is that of the policy that
/// escalates first, the first id where two do.
pub(super) fn requirement(asks: &[&Ask], teams: &BTreeMap<String, Ref>) -> Result<Requirement, EvaluationError> {
    let mut clauses: BTreeMap<Ref, NonZeroU8> = BTreeMap::new();
    for ask in asks {
        // Where one team is named, the whole quorum is its own; of several teams each sends one at least.
        let persons = if ask.teams.len() == 1 { ask.quorum } else { NonZeroU8::MIN };
        for team in &ask.teams {
            let team = *teams.get(team).ok_or(EvaluationError::TooMuchAsked)?;
            let known = clauses.entry(team).or_insert(persons);
            *known = persons.max(*known);
        }
    }
    let least = |of: fn(&Ask) -> Option<NonZeroU32>| asks.iter().filter_map(|ask| of(ask)).min();
    let any = |of: fn(&Ask) -> bool| asks.iter().any(|ask| of(ask));
    let seconds = |value: u32| NonZeroU32::new(value).unwrap_or(NonZeroU32::MIN);
    let request_ttl_s = least(|ask| ask.request_ttl_s).unwrap_or(seconds(REQUEST_TTL_S_DEFAULT));
    let before = |deadline: Option<NonZeroU32>| deadline.filter(|deadline| *deadline < request_ttl_s);
    let fallback = asks.iter().filter(|ask| ask.fallback.is_some());
    let fallback = fallback.min_by_key(|ask| ask.escalate_s.map_or(u32::MAX, NonZeroU32::get));
    let terms = Terms {
        distinct_persons_min: asks.iter().map(|ask| ask.quorum).max().unwrap_or(NonZeroU8::MIN),
        evidence_floor: asks.iter().filter_map(|ask| ask.evidence).max().unwrap_or(EvidenceLevel::Operator),
        demands: Demands {
            rationale_to_approve: any(|ask| ask.rationale_to_approve),
            rationale_to_deny: any(|ask| ask.rationale_to_deny),
            complete_presentation: any(|ask| ask.complete),
            recheck_membership: any(|ask| ask.recheck),
        },
        risk: asks.iter().filter_map(|ask| ask.risk).max().or(Risk::new(0)).ok_or(EvaluationError::TooMuchAsked)?,
        request_ttl_s,
        grant_ttl_s: least(|ask| ask.grant_ttl_s).unwrap_or(seconds(GRANT_TTL_S_DEFAULT)),
        uses: asks.iter().map(|ask| ask.uses.unwrap_or(NonZeroU16::MIN)).min().unwrap_or(NonZeroU16::MIN),
        reminder_s: before(least(|ask| ask.reminder_s)),
        escalate_s: before(least(|ask| ask.escalate_s)),
        fallback: fallback.and_then(|ask| teams.get(ask.fallback.as_ref()?).copied()),
        clauses: clauses.into_iter().map(|(team, persons_min)| Clause { team, persons_min }).collect(),
    };
    Requirement::new(terms).map_err(|_| EvaluationError::TooMuchAsked)
}
