//! What comes late, twice, or at the same time.

use super::super::desk::{Desk, GATEWAY, MINUTE, agent, requirement};
use super::super::people::{ADA, BEN, BOT, CLEO, OWNER};
use super::{allowing, grant_state, is_approved, pending, resolution};
use deedbook::approvals::{Command, ExecutionState, GrantState, Resolution};
use deedbook_verify::detail::RefusalReason;
use deedbook_verify::facts::Outcome;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::{Micros, Ref};

pub fn second_redemption() {
    let (mut desk, id) = pending(requirement(&[], 1));
    desk.approve(id, ADA).unwrap();
    desk.redeem(id).unwrap();
    assert_eq!(desk.redeem(id), Err(RefusalReason::AlreadyRedeemed));
    assert_eq!(desk.action(id).unwrap().executions.len(), 1);
}

pub fn crash_after_redemption() {
    let (mut desk, id) = pending(requirement(&[], 1));
    desk.approve(id, ADA).unwrap();
    desk.redeem(id).unwrap();
    let state = |desk: &Desk| desk.action(id).unwrap().executions[0].state;
    assert_eq!(state(&desk), ExecutionState::Started);
    desk.report(id, Ref([0x99; 16]), Outcome::Succeeded);
    assert_eq!(state(&desk), ExecutionState::Started, "only whoever may run it reports");
    desk.report(id, GATEWAY, Outcome::Other);
    assert_eq!(state(&desk), ExecutionState::Unknown);
    desk.report(id, GATEWAY, Outcome::Failed);
    desk.report(id, GATEWAY, Outcome::Succeeded);
    assert_eq!(state(&desk), ExecutionState::Failed, "reconciled once, then for ever");
    assert_eq!(desk.redeem(id), Err(RefusalReason::AlreadyRedeemed), "never issued again by itself");
}

pub fn late_click() {
    let (mut desk, id) = pending(requirement(&[], 1));
    let expires_at = desk.action(id).unwrap().request.unwrap().expires_at;
    desk.now = Micros(expires_at.0 - 1);
    let mut vote = desk.ballot(id, ADA, Decision::Approve);
    vote.valid_until = Micros(expires_at.0 + MINUTE);
    desk.now = expires_at;
    assert_eq!(desk.run(ADA, Command::Vote(vote)), Err(RefusalReason::Expired), "equal is expired, without a timer");
    assert_eq!(resolution(&desk, id), None);
    desk.tick();
    assert_eq!(resolution(&desk, id), Some(Resolution::Expired));
    assert_eq!(desk.run(ADA, Command::Vote(vote)), Err(RefusalReason::Expired));
    assert_eq!(desk.action(id).unwrap().refusals, 2);
    // A vote whose own time has passed is late too.
    let (mut desk, id) = pending(requirement(&[], 1));
    let vote = desk.ballot(id, ADA, Decision::Approve);
    desk.now = vote.valid_until;
    assert_eq!(desk.run(ADA, Command::Vote(vote)), Err(RefusalReason::Expired));
}

pub fn late_denial() {
    let (mut desk, id) = pending(requirement(&[], 1));
    desk.approve(id, ADA).unwrap();
    assert_eq!(desk.deny(id, BEN), Err(RefusalReason::Terminal), "an objection, on record");
    assert!(is_approved(&desk, id));
    desk.revoke(id, BEN).unwrap();
    assert_eq!(grant_state(&desk, id), Some(GrantState::Revoked));
    assert_eq!(desk.redeem(id), Err(RefusalReason::Terminal));
    assert!(is_approved(&desk, id), "revocation never rewinds the request");
}

pub fn two_approvals_at_once() {
    let (mut desk, id) = pending(requirement(&[], 2));
    let (of_ada, of_ben, of_cleo) = (
        desk.ballot(id, ADA, Decision::Approve),
        desk.ballot(id, BEN, Decision::Approve),
        desk.ballot(id, CLEO, Decision::Approve),
    );
    desk.run(ADA, Command::Vote(of_ada)).unwrap();
    desk.run(BEN, Command::Vote(of_ben)).unwrap();
    assert!(is_approved(&desk, id), "a vote does not go stale because another was counted");
    assert_eq!(desk.run(CLEO, Command::Vote(of_cleo)), Err(RefusalReason::Terminal), "late, and on record");
}

pub fn approve_and_deny_at_once() {
    for deny_first in [true, false] {
        let (mut desk, id) = pending(requirement(&[], 1));
        let (approve, deny) = (desk.ballot(id, ADA, Decision::Approve), desk.ballot(id, BEN, Decision::Deny));
        let order = if deny_first { [(BEN, deny), (ADA, approve)] } else { [(ADA, approve), (BEN, deny)] };
        assert!(desk.run(order[0].0, Command::Vote(order[0].1)).is_ok());
        assert_eq!(desk.run(order[1].0, Command::Vote(order[1].1)), Err(RefusalReason::Terminal));
        assert_eq!(is_approved(&desk, id), !deny_first);
    }
}

pub fn cancel_with_clicks() {
    let (mut desk, id) = pending(requirement(&[], 1));
    let click = desk.ballot(id, ADA, Decision::Approve);
    assert_eq!(desk.cancel(id, BEN), Err(RefusalReason::NotYours));
    desk.cancel(id, OWNER).unwrap();
    assert_eq!(resolution(&desk, id), Some(Resolution::Cancelled));
    assert_eq!(desk.run(ADA, Command::Vote(click)), Err(RefusalReason::Terminal));
    let (mut desk, id) = pending(requirement(&[], 1));
    desk.approve(id, ADA).unwrap();
    desk.cancel(id, GATEWAY).unwrap();
    assert_eq!(grant_state(&desk, id), Some(GrantState::Revoked), "the click was first: the grant ends instead");
    assert_eq!(desk.cancel(id, GATEWAY), Err(RefusalReason::Terminal));
}

pub fn silence_changes_nothing() {
    let (mut desk, id) = pending(requirement(&[], 1));
    let before = desk.action(id);
    desk.pass(MINUTE);
    assert!(desk.tick().is_empty());
    assert_eq!(desk.action(id), before);
}

pub fn server_time_decides() {
    let (mut desk, id) = pending(requirement(&[], 1));
    desk.clock_behind = true;
    assert_eq!(desk.approve(id, ADA), Err(RefusalReason::ClockBehind), "nothing is issued");
    desk.clock_behind = false;
    desk.approve(id, ADA).unwrap();
    desk.clock_behind = true;
    assert_eq!(desk.redeem(id), Err(RefusalReason::ClockBehind), "nothing is redeemed");
    desk.clock_behind = false;
    desk.now = desk.action(id).unwrap().grant.unwrap().valid_until;
    assert_eq!(desk.redeem(id), Err(RefusalReason::Expired), "equal is expired, without a timer");
    desk.tick();
    assert_eq!(grant_state(&desk, id), Some(GrantState::Expired));
    let mut desk = allowing();
    desk.clock_behind = true;
    assert_eq!(desk.submit(agent(BOT)).1, Err(RefusalReason::ClockBehind));
}
