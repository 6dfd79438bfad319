//! Break-glass, and the review that it owes.

use super::super::desk::{Desk, GATEWAY, MINUTE, Verdict, agent, digest_of, human, requirement};
use super::super::people::{ADA, BEN, BOT, CLEO, DAN, OWNER};
use super::{house, pending};
use deedbook::approvals::{BreakGlass, Command, Resolution, ReviewState, Submit};
use deedbook_verify::detail::RefusalReason;
use deedbook_verify::words::{Ref, SubjectId};

fn glass(desk: &Desk, id: SubjectId, who: Ref) -> Command {
    let origin = desk.action(id).unwrap().origin;
    let mut action = desk_proposal(id, who);
    action.digest = origin.digest;
    Command::BreakGlass(BreakGlass { action, request: Some(id) })
}

fn desk_proposal(id: SubjectId, who: Ref) -> Submit {
    let mut action = house().proposal(human(who));
    action.id = id;
    action.stream = Ref(id.0);
    action.digest = digest_of(id);
    action
}

pub fn glass_while_pending() {
    let (mut desk, id) = pending(requirement(&[], 2));
    desk.approve(id, ADA).unwrap();
    let command = glass(&desk, id, BEN);
    assert_eq!(desk.run(GATEWAY, command.clone()), Err(RefusalReason::AssuranceTooLow), "by the person's own key");
    desk.run(BEN, command).unwrap();
    let action = desk.action(id).unwrap();
    assert_eq!(action.request.as_ref().unwrap().resolution(), Some(&Resolution::BreakGlass));
    assert_eq!(action.request.as_ref().unwrap().votes.len(), 1, "pending votes are kept");
    assert_eq!(action.post_review.unwrap().state, ReviewState::Open);
    desk.redeem(id).unwrap();
    assert_eq!(desk.review(id, BEN), Err(RefusalReason::ConflictRequester));
    desk.pass(72 * 60 * MINUTE);
    desk.tick();
    assert_eq!(desk.action(id).unwrap().overdue_review(), Some(BEN));
    let (next, _) = desk.submit(agent(BOT));
    let command = glass(&desk, next, BEN);
    assert_eq!(desk.run(BEN, command.clone()), Err(RefusalReason::ReviewOverdue));
    desk.review(id, CLEO).unwrap();
    assert_eq!(desk.review(id, DAN), Err(RefusalReason::PostReviewClosed));
    desk.run(BEN, command).unwrap();
}

pub fn glass_by_owner() {
    let (mut desk, id) = pending(requirement(&[], 1));
    let command = glass(&desk, id, OWNER);
    desk.run(OWNER, command).unwrap();
    assert_eq!(desk.review(id, OWNER), Err(RefusalReason::ConflictRequester));
    desk.people.at(DAN).delegate = Some(OWNER);
    assert_eq!(desk.review(id, DAN), Err(RefusalReason::ConflictDelegate));
    desk.review(id, CLEO).unwrap();
    // Not by an agent, not by somebody without a role, not against a policy that forbids, not against an ended request.
    let (mut desk, id) = pending(requirement(&[], 1));
    let mut by_agent = desk_proposal(id, BOT);
    by_agent.actor = agent(BOT);
    let by_agent = Command::BreakGlass(BreakGlass { action: by_agent, request: Some(id) });
    assert_eq!(desk.run(BOT, by_agent), Err(RefusalReason::NonHuman));
    desk.people.at(ADA).reviewer = false;
    let command = glass(&desk, id, ADA);
    assert_eq!(desk.run(ADA, command), Err(RefusalReason::NotEligible));
    desk.new_policy(Verdict::Deny);
    let command = glass(&desk, id, BEN);
    assert_eq!(desk.run(BEN, command.clone()), Err(RefusalReason::PolicyDenied));
    desk.new_policy(Verdict::Allow);
    desk.cancel(id, OWNER).unwrap();
    assert_eq!(desk.run(BEN, command), Err(RefusalReason::Terminal));
    // Of an action that is new, too.
    let new = desk.proposal(human(CLEO));
    let id = new.id;
    let command = Command::BreakGlass(BreakGlass { action: new, request: None });
    desk.run(CLEO, command).unwrap();
    desk.redeem(id).unwrap();
    assert_eq!(desk.review(id, CLEO), Err(RefusalReason::ConflictRequester));
    desk.review(id, DAN).unwrap();
}
