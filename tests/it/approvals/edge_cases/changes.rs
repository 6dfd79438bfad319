//! Actions, policies and what is shown change between the steps.

use super::super::desk::{GATEWAY, Verdict, agent, human, requirement, terms};
use super::super::people::{ADA, BEN, BOT, BOT_TWO, CLEO, DAN, DATA, OWNER, SECURITY};
use super::{allowing, grant_state, house, is_approved, pending, resolution};
use deedbook::approvals::{Command, Event, GrantState, Resolution};
use deedbook_verify::detail::RefusalReason;
use deedbook_verify::requirement::Requirement;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::{Digest, Ref};

pub fn changed_after_approval() {
    let (mut desk, id) = pending(requirement(&[], 1));
    desk.approve(id, ADA).unwrap();
    let mut redeem = desk.redemption(id);
    redeem.action = Digest([9; 32]);
    assert_eq!(desk.run(GATEWAY, Command::Redeem(redeem)), Err(RefusalReason::ActionDigestMismatch));
    assert!(matches!(grant_state(&desk, id), Some(GrantState::Issued { .. })), "untouched");
    let events = desk.redeem(id).unwrap();
    assert!(matches!(events.as_slice(), [Event::GrantRedeemed { .. }, Event::ExecutionStarted]));
}

pub fn changed_while_pending() {
    let (mut desk, id) = pending(requirement(&[], 2));
    desk.approve(id, ADA).unwrap();
    let mut next = desk.proposal(agent(BOT));
    next.supersedes = Some(id);
    let next_id = next.id;
    desk.run(GATEWAY, Command::Submit(next)).unwrap();
    assert_eq!(resolution(&desk, id), Some(Resolution::Superseded(next_id)));
    desk.approve(next_id, BEN).unwrap();
    assert_eq!(resolution(&desk, next_id), None, "the old vote does not carry over");
    assert_eq!(desk.approve(id, BEN), Err(RefusalReason::Terminal));
    // What expired before stays expired.
    let (late, _) = desk.submit(agent(BOT));
    desk.now = desk.action(late).unwrap().request.unwrap().expires_at;
    let mut next = desk.proposal(agent(BOT));
    next.supersedes = Some(late);
    desk.run(GATEWAY, Command::Submit(next)).unwrap();
    desk.tick();
    assert_eq!(resolution(&desk, late), Some(Resolution::Expired));
    // Nobody else may do it.
    let (other, _) = desk.submit(agent(BOT));
    let mut theirs = desk.proposal(agent(BOT_TWO));
    theirs.supersedes = Some(other);
    assert_eq!(desk.run(Ref([0x99; 16]), Command::Submit(theirs)), Err(RefusalReason::NotYours));
}

pub fn reviewer_edits() {
    let (mut desk, id) = pending(requirement(&[], 1));
    let mut edit = desk.proposal(human(ADA));
    edit.supersedes = Some(id);
    let edited = edit.id;
    desk.run(ADA, Command::Submit(edit)).unwrap();
    assert_eq!(desk.approve(edited, ADA), Err(RefusalReason::ConflictRequester));
    assert_eq!(desk.approve(edited, OWNER), Err(RefusalReason::ConflictOwner), "the first author is not freed");
    desk.approve(edited, BEN).unwrap();
    assert!(is_approved(&desk, edited));
}

pub fn policy_same() {
    let (mut desk, id) = pending(requirement(&[], 2));
    desk.approve(id, ADA).unwrap();
    desk.new_policy(Verdict::Require(requirement(&[], 2)));
    let events = desk.approve(id, BEN).unwrap();
    assert!(matches!(events.as_slice(), [Event::Evaluated { .. }, Event::Resolved { .. }, Event::GrantIssued { .. }]));
}

pub fn policy_stricter() {
    let (mut desk, id) = pending(requirement(&[], 1));
    desk.new_policy(Verdict::Require(requirement(&[(SECURITY, 1)], 2)));
    let old = desk.ballot(id, BEN, Decision::Approve);
    let events = desk.approve(id, ADA).unwrap();
    assert!(matches!(events.as_slice(), [Event::Evaluated { .. }, Event::Shown { .. }]), "raised and shown anew");
    assert_eq!(desk.run(BEN, Command::Vote(old)), Err(RefusalReason::StalePresentation));
    desk.approve(id, CLEO).unwrap();
    assert_eq!(resolution(&desk, id), None);
    desk.approve(id, DAN).unwrap();
    assert!(is_approved(&desk, id));
    let (mut desk, id) = pending(requirement(&[], 1));
    desk.new_policy(Verdict::Require(requirement(&[], 2)));
    desk.approve(id, ADA).unwrap();
    desk.approve(id, BEN).unwrap();
    assert_eq!(resolution(&desk, id), None, "what bound the old presentation stopped counting");
    desk.approve(id, ADA).unwrap();
    assert!(is_approved(&desk, id), "and may be cast again");
}

pub fn policy_forbids() {
    let (mut desk, id) = pending(requirement(&[], 1));
    desk.new_policy(Verdict::Deny);
    desk.approve(id, ADA).unwrap();
    assert_eq!(resolution(&desk, id), Some(Resolution::Invalidated));
    assert_eq!(grant_state(&desk, id), None);
    // So does an agent that was disabled meanwhile.
    let (mut desk, id) = pending(requirement(&[], 1));
    desk.people.at(BOT).disabled = true;
    desk.approve(id, ADA).unwrap();
    assert_eq!(resolution(&desk, id), Some(Resolution::Invalidated));
}

pub fn policy_looser() {
    let (mut desk, id) = pending(requirement(&[(SECURITY, 1)], 2));
    for says in [Verdict::Require(requirement(&[], 1)), Verdict::Allow] {
        desk.new_policy(says);
        let request = desk.action(id).unwrap().request.unwrap();
        desk.approve(id, ADA).unwrap_err();
        desk.approve(id, DAN).unwrap();
        assert_eq!(desk.action(id).unwrap().request.unwrap().requirement, request.requirement, "the old one holds");
        assert_eq!(resolution(&desk, id), None);
    }
    desk.approve(id, CLEO).unwrap();
    assert!(is_approved(&desk, id));
}

pub fn policy_tightened() {
    for says in [Verdict::Deny, Verdict::Require(requirement(&[(SECURITY, 1)], 2))] {
        let (mut desk, id) = pending(requirement(&[], 1));
        desk.approve(id, ADA).unwrap();
        desk.new_policy(says);
        assert_eq!(desk.redeem(id), Err(RefusalReason::PolicyTightened));
        assert_eq!(grant_state(&desk, id), Some(GrantState::Revoked));
        assert_eq!(desk.redeem(id), Err(RefusalReason::Terminal));
    }
    // The policies' own word on the real approval counts, whatever the folds think of the requirement.
    let (mut desk, id) = pending(requirement(&[], 1));
    desk.approve(id, ADA).unwrap();
    desk.policy.permits = false;
    assert_eq!(desk.redeem(id), Err(RefusalReason::PolicyTightened));
    // What was allowed without asking anybody is not, once somebody must be asked.
    let mut desk = allowing();
    let (id, _) = desk.submit(agent(BOT));
    desk.new_policy(Verdict::Require(requirement(&[], 1)));
    assert_eq!(desk.redeem(id), Err(RefusalReason::PolicyTightened));
}

pub fn entities_changed() {
    // The same path: the caller asks the policies again whenever what they read has changed.
    let (mut desk, id) = pending(requirement(&[], 1));
    desk.new_policy(Verdict::Require(requirement(&[(DATA, 1)], 1)));
    let events = desk.approve(id, ADA).unwrap();
    assert!(matches!(events.as_slice(), [Event::Evaluated { .. }, Event::Shown { .. }]));
}

pub fn stale_card() {
    let (mut desk, id) = pending(requirement(&[], 2));
    let current = desk.ballot(id, ADA, Decision::Approve);
    let mut other = current;
    other.requirement = Digest([3; 32]);
    assert_eq!(desk.run(ADA, Command::Vote(other)), Err(RefusalReason::StalePresentation));
    let mut other = current;
    other.presentation = Digest([3; 32]);
    assert_eq!(desk.run(ADA, Command::Vote(other)), Err(RefusalReason::StalePresentation));
    let mut other = current;
    other.revision.0 += 100;
    assert_eq!(desk.run(ADA, Command::Vote(other)), Err(RefusalReason::StalePresentation), "from the future");
    let mut other = current;
    other.action = Digest([3; 32]);
    assert_eq!(desk.run(ADA, Command::Vote(other)), Err(RefusalReason::ActionDigestMismatch));
    desk.run(ADA, Command::Vote(current)).unwrap();
}

pub fn incomplete_presentation() {
    let mut strict = terms(&[], 1);
    strict.demands.complete_presentation = true;
    let strict = Requirement::new(strict).unwrap();
    let (mut desk, id) = pending(strict.clone());
    desk.approve(id, ADA).unwrap();
    assert!(is_approved(&desk, id), "nothing was left out");
    let mut desk = house();
    desk.policy.says = Verdict::Require(strict);
    desk.binding = format!(r#"{{"params":{{"rows":[{}0]}}}}"#, "1000,".repeat(100_000));
    let (id, _) = desk.submit(agent(BOT));
    assert_eq!(desk.approve(id, ADA), Err(RefusalReason::PresentationIncomplete));
    desk.deny(id, ADA).unwrap();
    assert_eq!(resolution(&desk, id), Some(Resolution::Denied));
}
