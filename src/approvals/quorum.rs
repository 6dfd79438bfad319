//! Quorum: votes satisfy a requirement when distinct persons fill every slot of its clauses, and enough distinct persons
//! approved at all. Who may fill what is decided by `panel`.

use deedbook_verify::detail::Assigned;
use deedbook_verify::limits;
use deedbook_verify::requirement::Requirement;
use deedbook_verify::words::{Ref, Revision};

/// The clauses that a person may fill: bit i stands for clause i. Empty is legal: where a requirement has no clause,
/// or not one of the person's, they count as a distinct person only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClauseSet(u8);

const _: () = assert!(limits::CLAUSES_MAX == u8::BITS as usize, "a clause is a bit of a ClauseSet");

impl ClauseSet {
    /// No clause.
    pub const NONE: ClauseSet = ClauseSet(0);

    /// The clauses at these positions; positions beyond the bound are none.
    pub fn of(positions: impl IntoIterator<Item = usize>) -> ClauseSet {
        let bit = |at: usize| u32::try_from(at).ok().and_then(|at| 1u8.checked_shl(at)).unwrap_or(0);
        ClauseSet(positions.into_iter().fold(0, |set, at| set | bit(at)))
    }

    /// Whether the clause at this position is in it.
    pub fn has(self, at: usize) -> bool {
        self.0 & ClauseSet::of([at]).0 != 0
    }

    /// Whether no clause is in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A person whose approval counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approver {
    /// Who.
    pub person: Ref,
    /// The vote's revision.
    pub vote: Revision,
    /// What it may fill.
    pub clauses: ClauseSet,
}

/// Whether persons with these clauses could satisfy the requirement, if all of them approved: Hall's condition, over
/// every set of clauses. The cost is one step for each person and 256 for each of at most 256 kinds of persons.
pub fn can_satisfy(requirement: &Requirement, persons: impl IntoIterator<Item = ClauseSet>) -> bool {
    let mut kinds = [0u64; 256];
    let mut total = 0u64;
    for ClauseSet(kind) in persons {
        total = total.saturating_add(1);
        if let Some(count) = kinds.get_mut(usize::from(kind)) {
            *count = count.saturating_add(1);
        }
    }
    let demand = |set: ClauseSet| -> u64 {
        let wanted = requirement.clauses.iter().enumerate().filter(|(at, _)| set.has(*at));
        wanted.map(|(_, clause)| u64::from(clause.persons_min.get())).sum()
    };
    let supply = |set: ClauseSet| -> u64 {
        (0..=u8::MAX).zip(&kinds).filter(|(kind, _)| kind & set.0 != 0).map(|(_, count)| count).sum()
    };
    let every = ClauseSet::of(0..requirement.clauses.len()).0;
    total >= u64::from(requirement.distinct_persons_min.get())
        && (0..=every).map(ClauseSet).all(|set| supply(set) >= demand(set))
}

/// The votes that satisfy a requirement, or none. A function of the order of the approvers alone: slots are filled in
/// the order of the clauses, each by the earliest vote that leaves the others possible; then the earliest further votes
/// until enough distinct persons approved. At most `ASSIGNMENT_MAX` votes, by clause and person, those
/// without a clause last.
pub fn assign(requirement: &Requirement, approvers: &[Approver]) -> Option<Vec<Assigned>> {
    let clauses = requirement.clauses.iter().enumerate();
    let wanted: Vec<usize> =
        clauses.flat_map(|(at, clause)| std::iter::repeat_n(at, usize::from(clause.persons_min.get()))).collect();
    let mut matching = Matching { wanted: &wanted, approvers, taken: vec![None; approvers.len()] };
    for slot in 0..wanted.len() {
        if !matching.fill(slot, &mut vec![false; approvers.len()]) {
            return None;
        }
    }
    let mut slots: Vec<Assigned> = Vec::with_capacity(wanted.len());
    let mut spare = Vec::new();
    for (approver, slot) in approvers.iter().zip(&matching.taken) {
        let clause = slot.and_then(|slot| wanted.get(slot)).and_then(|at| u8::try_from(*at).ok());
        let filled = Assigned { clause, person: approver.person, vote: approver.vote };
        if clause.is_some() { slots.push(filled) } else { spare.push(filled) }
    }
    let missing = usize::from(requirement.distinct_persons_min.get()).saturating_sub(slots.len());
    if spare.len() < missing {
        return None;
    }
    slots.extend(spare.into_iter().take(missing));
    slots.sort_by_key(|slot| (slot.clause.is_none(), slot.clause, slot.person));
    Some(slots)
}

/// A matching in the making: of the approvers to the slots that are wanted.
struct Matching<'a> {
    /// The clause of each slot.
    wanted: &'a [usize],
    approvers: &'a [Approver],
    /// The slot that each approver fills.
    taken: Vec<Option<usize>>,
}

impl Matching<'_> {
    /// Finds somebody for a slot, moving others if need be. Recursion is as deep as there are slots, at most 32.
    fn fill(&mut self, slot: usize, seen: &mut [bool]) -> bool {
        let Some(clause) = self.wanted.get(slot) else { return false };
        for (at, approver) in self.approvers.iter().enumerate() {
            let fresh =
                approver.clauses.has(*clause) && seen.get_mut(at).is_some_and(|seen| !std::mem::replace(seen, true));
            if !fresh {
                continue;
            }
            let holder = self.taken.get(at).copied().flatten();
            if holder.is_none_or(|holder| self.fill(holder, seen)) {
                if let Some(taken) = self.taken.get_mut(at) {
                    *taken = Some(slot);
                }
                return true;
            }
        }
        false
    }
}
