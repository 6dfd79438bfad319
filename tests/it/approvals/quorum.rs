//! Quorum against brute force: every way to give slots to persons is tried, for requirements and people at random.

use super::desk::requirement;
use crate::support::{Rng, cases, scaled};
use deedbook::approvals::{Approver, ClauseSet, assign, can_satisfy};
use deedbook_verify::requirement::Requirement;
use deedbook_verify::words::{Ref, Revision};

#[test]
fn brute_force_agrees() {
    let mut rng = Rng::seeded("quorum");
    let count = scaled(3_000);
    let mut satisfied = 0;
    for _ in 0..count {
        let clauses: Vec<(Ref, u8)> =
            (0..rng.below(4)).map(|at| (Ref([u8::try_from(at).unwrap(); 16]), 1 + rng.below(2) as u8)).collect();
        let requirement = requirement(&clauses, 1 + rng.below(4) as u8);
        let approvers: Vec<Approver> = (0..rng.below(6)).map(|at| approver(&mut rng, at, clauses.len())).collect();
        let naive = brute_force(&requirement, &approvers);
        let found = assign(&requirement, &approvers);
        assert_eq!(found.is_some(), naive, "{requirement:?} {approvers:?}");
        assert_eq!(can_satisfy(&requirement, approvers.iter().map(|one| one.clauses)), naive);
        if let Some(votes) = found {
            satisfied += 1;
            check(&requirement, &approvers, &votes);
        }
    }
    assert!(satisfied > count / 10 && satisfied < count, "both answers occur: {satisfied} of {count}");
    cases("quorum", count);
}

fn approver(rng: &mut Rng, at: u64, clauses: usize) -> Approver {
    let may = (0..clauses).filter(|_| rng.percent(50)).collect::<Vec<_>>();
    let person = Ref([100 + u8::try_from(rng.below(3) + at * 3).unwrap(); 16]);
    Approver { person, vote: Revision(at + 4), clauses: ClauseSet::of(may) }
}

/// Tries, slot by slot, everybody who is still free.
fn brute_force(requirement: &Requirement, approvers: &[Approver]) -> bool {
    fn fill(slots: &[usize], free: &[Approver]) -> bool {
        let [slot, rest @ ..] = slots else { return true };
        (0..free.len()).any(|at| {
            let mut others = free.to_vec();
            let one = others.remove(at);
            one.clauses.has(*slot) && fill(rest, &others)
        })
    }
    let mut slots = Vec::new();
    for (at, clause) in requirement.clauses.iter().enumerate() {
        slots.extend(vec![at; usize::from(clause.persons_min.get())]);
    }
    approvers.len() >= usize::from(requirement.distinct_persons_min.get()) && fill(&slots, approvers)
}

/// An assignment can be checked by reading it once.
fn check(requirement: &Requirement, approvers: &[Approver], votes: &[deedbook_verify::detail::Assigned]) {
    let mut persons: Vec<Ref> = votes.iter().map(|vote| vote.person).collect();
    persons.sort();
    persons.dedup();
    assert_eq!(persons.len(), votes.len(), "distinct persons");
    assert!(votes.len() >= usize::from(requirement.distinct_persons_min.get()));
    for vote in votes {
        let approver = approvers.iter().find(|one| one.person == vote.person && one.vote == vote.vote).unwrap();
        assert!(vote.clause.is_none_or(|at| approver.clauses.has(usize::from(at))));
    }
    for (at, clause) in requirement.clauses.iter().enumerate() {
        let filled = votes.iter().filter(|vote| vote.clause.map(usize::from) == Some(at)).count();
        assert_eq!(filled, usize::from(clause.persons_min.get()));
    }
    let ordered = votes.windows(2).all(|two| {
        let key = |vote: &deedbook_verify::detail::Assigned| (vote.clause.unwrap_or(u8::MAX), vote.person);
        key(&two[0]) < key(&two[1])
    });
    assert!(ordered, "as the wire wants it");
}
