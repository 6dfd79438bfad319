//! The people who may decide a request, as the principals stand now: who is eligible for which clause, who is in
//! conflict, whether they could satisfy the requirement at all, and whether the votes so far do.

use crate::approvals::action::{Request, Vote};
use crate::approvals::conflicts::ConflictSet;
use crate::approvals::people::{Known, People};
use crate::approvals::quorum::{Approver, ClauseSet, assign, can_satisfy};
use deedbook_verify::detail::{Assigned, RefusalReason, Roles};
use deedbook_verify::requirement::Requirement;
use deedbook_verify::words::Ref;

/// The people of one request.
pub struct Panel<'a> {
    requirement: &'a Requirement,
    conflicts: ConflictSet,
    people: &'a People,
    /// Whether members of the fallback team fill any clause.
    fallback: bool,
}

impl<'a> Panel<'a> {
    /// The fallback team counts once the request is escalated, and wherever nobody could satisfy the requirement
    /// without it.
    pub fn new(requirement: &'a Requirement, conflicts: ConflictSet, people: &'a People, escalated: bool) -> Panel<'a> {
        let mut panel = Panel { requirement, conflicts, people, fallback: false };
        panel.fallback = requirement.fallback.is_some() && (escalated || !panel.can_satisfy());
        panel
    }

    /// What a person may fill, conflicts aside; none: they are not asked.
    pub fn eligible(&self, person: Ref) -> Option<ClauseSet> {
        self.clauses_of(self.people.get(person)?)
    }

    /// Why a person may not approve.
    pub fn conflict(&self, person: Ref) -> Option<RefusalReason> {
        self.conflicts.refusal(person)
    }

    /// Whether enough eligible people are free of conflict.
    pub fn can_satisfy(&self) -> bool {
        let free = self.people.reviewers().filter(|(person, _)| self.conflicts.reason(*person).is_none());
        can_satisfy(self.requirement, free.filter_map(|(_, known)| self.clauses_of(known)))
    }

    /// The approvals that count: of eligible people without conflict, with evidence enough, on what is shown now.
    /// `further` is one that the fold may not have kept.
    pub fn satisfied(&self, request: &Request, further: Option<Vote>) -> Option<Vec<Assigned>> {
        let kept = request.current_approvals().filter(|vote| further.is_none_or(|other| other.person != vote.person));
        let counted = kept.copied().chain(further).filter(|vote| {
            vote.level >= self.requirement.evidence_floor && self.conflicts.reason(vote.person).is_none()
        });
        let approvers: Vec<Approver> = counted
            .filter_map(|vote| {
                let clauses = self.eligible(vote.person)?;
                Some(Approver { person: vote.person, vote: vote.revision, clauses })
            })
            .collect();
        assign(self.requirement, &approvers)
    }

    fn clauses_of(&self, known: &Known) -> Option<ClauseSet> {
        if !known.holds(Roles::REVIEWER) {
            return None;
        }
        let substitute = self.fallback && self.requirement.fallback.is_some_and(|team| known.teams.contains(&team));
        let clauses = self.requirement.clauses.iter().enumerate();
        let mine = clauses.filter(|(_, clause)| substitute || known.teams.contains(&clause.team));
        let set = ClauseSet::of(mine.map(|(at, _)| at));
        (self.requirement.clauses.is_empty() || !set.is_empty()).then_some(set)
    }
}
