//! Who may decide, and what each person counts for.

use super::super::desk::{GATEWAY, MINUTE, Verdict, agent, human, requirement, terms};
use super::super::people::{ADA, BEN, BOT, BOT_TWO, CHAT, CLEO, DAN, DATA, EVE, ONCALL, OWNER, SECURITY};
use super::{house, is_approved, pending, resolution};
use deedbook::approvals::{Command, Event, Resolution};
use deedbook_verify::detail::RefusalReason;
use deedbook_verify::requirement::{Demands, Requirement};
use deedbook_verify::vote::{Decision, EvidenceLevel};
use std::num::NonZeroU32;

pub fn owner_may_deny_not_approve() {
    let (mut desk, id) = pending(requirement(&[], 1));
    assert_eq!(desk.approve(id, OWNER), Err(RefusalReason::ConflictOwner));
    assert_eq!(desk.action(id).unwrap().refusals, 1, "recorded");
    assert!(desk.deny(id, OWNER).is_ok());
    assert_eq!(resolution(&desk, id), Some(Resolution::Denied));
}

pub fn delegates_conflict_both_ways() {
    for link in [(OWNER, ADA), (ADA, OWNER)] {
        let mut desk = house();
        desk.people.at(link.0).delegate = Some(link.1);
        desk.people.at(BEN).delegate = Some(ADA);
        let (id, _) = desk.submit(agent(BOT));
        assert_eq!(desk.approve(id, ADA), Err(RefusalReason::ConflictDelegate));
        assert_eq!(desk.approve(id, BEN), Err(RefusalReason::ConflictDelegate), "transitive");
        assert!(desk.approve(id, CLEO).is_ok());
        assert!(is_approved(&desk, id));
    }
    // Frozen at open: a delegation that ends does not free anybody. Re-expanded at vote: one that begins binds.
    let mut desk = house();
    desk.people.at(OWNER).delegate = Some(ADA);
    let (id, _) = desk.submit(agent(BOT));
    desk.people.at(OWNER).delegate = Some(BEN);
    assert_eq!(desk.approve(id, ADA), Err(RefusalReason::ConflictDelegate));
    assert_eq!(desk.approve(id, BEN), Err(RefusalReason::ConflictDelegate));
}

pub fn agents_never_vote() {
    let (mut desk, id) = pending(requirement(&[], 1));
    let mut vote = desk.ballot(id, BOT_TWO, Decision::Approve);
    assert_eq!(desk.run(BOT_TWO, Command::Vote(vote)), Err(RefusalReason::NonHuman), "said to be human");
    vote.actor = agent(BOT_TWO);
    assert_eq!(desk.run(BOT_TWO, Command::Vote(vote)), Err(RefusalReason::NonHuman));
    vote.decision = Decision::Deny;
    assert_eq!(desk.run(BOT_TWO, Command::Vote(vote)), Err(RefusalReason::NonHuman));
}

pub fn humans_may_swap() {
    let mut desk = house();
    let (of_ada, _) = desk.submit(human(ADA));
    let (of_ben, _) = desk.submit(human(BEN));
    assert_eq!(desk.approve(of_ada, ADA), Err(RefusalReason::ConflictRequester));
    desk.approve(of_ada, BEN).unwrap();
    desk.approve(of_ben, ADA).unwrap();
    assert!(is_approved(&desk, of_ada) && is_approved(&desk, of_ben));
}

pub fn reviewer_leaves() {
    let (mut desk, id) = pending(requirement(&[(DATA, 2)], 2));
    desk.approve(id, ADA).unwrap();
    desk.people.at(ADA).teams.clear();
    desk.approve(id, BEN).unwrap();
    assert_eq!(resolution(&desk, id), None, "a vote stops counting with the membership");
    desk.approve(id, DAN).unwrap();
    assert!(is_approved(&desk, id));
    // Where nobody is left to do it, the request ends.
    let (mut desk, id) = pending(requirement(&[(DATA, 2)], 2));
    desk.approve(id, ADA).unwrap();
    desk.people.at(ADA).teams.clear();
    desk.people.at(BEN).disabled = true;
    desk.approve(id, DAN).unwrap();
    assert_eq!(resolution(&desk, id), Some(Resolution::Unroutable));
}

pub fn reviewer_removed_after() {
    let (mut desk, id) = pending(requirement(&[], 1));
    desk.approve(id, ADA).unwrap();
    desk.people.at(ADA).reviewer = false;
    desk.redeem(id).unwrap();
    let recheck = Demands { recheck_membership: true, ..Demands::default() };
    let mut strict = terms(&[], 1);
    strict.demands = recheck;
    let (mut desk, id) = pending(Requirement::new(strict).unwrap());
    desk.approve(id, ADA).unwrap();
    desk.people.at(ADA).reviewer = false;
    assert_eq!(desk.redeem(id), Err(RefusalReason::NotEligible));
    desk.people.at(ADA).reviewer = true;
    desk.redeem(id).unwrap();
}

pub fn change_of_mind() {
    let (mut desk, id) = pending(requirement(&[], 2));
    desk.approve(id, ADA).unwrap();
    assert_eq!(
        desk.vote(id, ADA, Decision::Abstain),
        Err(RefusalReason::VoteFinal),
        "a denial takes it back, nothing else"
    );
    desk.deny(id, ADA).unwrap();
    assert_eq!(resolution(&desk, id), Some(Resolution::Denied));
    assert_eq!(desk.approve(id, ADA), Err(RefusalReason::VoteFinal));
    let (mut desk, id) = pending(requirement(&[], 1));
    assert_eq!(desk.vote(id, ADA, Decision::Abstain), Ok(Vec::new()));
    desk.approve(id, ADA).unwrap();
    assert!(is_approved(&desk, id), "who abstained may still decide");
}

pub fn partly_then_denied() {
    let (mut desk, id) = pending(requirement(&[], 3));
    desk.approve(id, ADA).unwrap();
    desk.approve(id, BEN).unwrap();
    desk.deny(id, CLEO).unwrap();
    let request = desk.action(id).unwrap().request.unwrap();
    assert_eq!(request.resolution(), Some(&Resolution::Denied));
    assert_eq!(request.votes.len(), 3, "the approvals stay in evidence");
}

pub fn one_person_one_slot() {
    let (mut desk, id) = pending(requirement(&[(SECURITY, 1), (DATA, 1)], 1));
    desk.approve(id, DAN).unwrap();
    assert_eq!(resolution(&desk, id), None, "one person fills one slot");
    desk.approve(id, CLEO).unwrap();
    let Some(Resolution::Approved(votes)) = resolution(&desk, id) else { panic!("not approved") };
    let filled: Vec<_> = votes.iter().map(|vote| (vote.clause, vote.person)).collect();
    assert_eq!(filled, [(Some(0), CLEO), (Some(1), DAN)], "security first, for its ref is the smaller");
}

pub fn one_person_two_channels() {
    let mut chat = terms(&[], 2);
    chat.evidence_floor = EvidenceLevel::Operator;
    let (mut desk, id) = pending(Requirement::new(chat).unwrap());
    desk.approve(id, ADA).unwrap();
    let mut again = desk.ballot(id, ADA, Decision::Approve);
    again.level = EvidenceLevel::Operator;
    assert_eq!(desk.run(CHAT, Command::Vote(again)), Ok(Vec::new()), "idempotent");
    assert_eq!(desk.action(id).unwrap().request.unwrap().votes.len(), 1);
    assert_eq!(resolution(&desk, id), None);
    // A gateway that relays for agents cannot speak for a person, nor can an agent, nor another person.
    let mut forged = desk.ballot(id, BEN, Decision::Approve);
    forged.level = EvidenceLevel::Operator;
    for relay in [GATEWAY, BOT, ADA] {
        assert_eq!(desk.run(relay, Command::Vote(forged)), Err(RefusalReason::EvidenceInvalid));
    }
    desk.run(CHAT, Command::Vote(forged)).unwrap();
    assert!(is_approved(&desk, id));
}

pub fn nobody_left() {
    let mut desk = house();
    desk.policy.says = Verdict::Require(requirement(&[(ONCALL, 2)], 2));
    let (id, events) = desk.submit(agent(BOT));
    assert!(matches!(events.unwrap().last(), Some(Event::Resolved { resolution: Resolution::Unroutable })));
    assert_eq!(desk.approve(id, EVE), Err(RefusalReason::Terminal));
    // With a fallback team it is asked at once.
    let mut with = terms(&[(SECURITY, 2)], 2);
    with.fallback = Some(ONCALL);
    with.escalate_s = NonZeroU32::new(600);
    let with = Requirement::new(with).unwrap();
    let (mut desk, id) = pending(with.clone());
    assert_eq!(desk.approve(id, EVE), Err(RefusalReason::NotEligible), "while the team itself can do it");
    desk.people.at(DAN).disabled = true;
    desk.approve(id, EVE).unwrap();
    desk.approve(id, CLEO).unwrap();
    assert!(is_approved(&desk, id));
    // And after the time that the policy names.
    let (mut desk, id) = pending(with);
    desk.pass(10 * MINUTE);
    assert_eq!(desk.tick().len(), 1);
    desk.approve(id, EVE).unwrap();
    desk.approve(id, CLEO).unwrap();
    assert!(is_approved(&desk, id));
}
