//! The edge cases of the approvals' specification, row for row: what people, agents and policies do to each other.
//! Not here, because other parts decide them: accounts of chat services (whoever relays), chains of actions and
//! authority that narrows along a delegation (policies), approval of a policy change (the verifier's governance).

mod changes;
mod glass;
mod moments;
mod reviewers;

use super::desk::{Desk, Verdict, agent};
use super::people::{BOT, People};
use deedbook::approvals::{Event, GrantState, RequestState, Resolution};
use deedbook_verify::requirement::Requirement;
use deedbook_verify::words::SubjectId;

/// A row of the table, and what shows it.
type Row = (&'static str, fn());

const ROWS: &[Row] = &[
    ("Reviewer is the agent's owner", reviewers::owner_may_deny_not_approve),
    ("Reviewer is requester's delegate, or requester is reviewer's", reviewers::delegates_conflict_both_ways),
    ("Two agents approve each other", reviewers::agents_never_vote),
    ("Two humans swap approvals", reviewers::humans_may_swap),
    ("Params changed after approval", changes::changed_after_approval),
    ("Params changed while pending", changes::changed_while_pending),
    ("Reviewer edits params (approve with changes)", changes::reviewer_edits),
    ("Replay of a grant", moments::second_redemption),
    ("Crash after GrantRedeemed before effect", moments::crash_after_redemption),
    ("Expired, click arrives late", moments::late_click),
    ("Late deny after approval", moments::late_denial),
    ("Policy changed while pending: same", changes::policy_same),
    ("Policy changed while pending: stricter", changes::policy_stricter),
    ("Policy changed while pending: forbid", changes::policy_forbids),
    ("Policy changed while pending: looser", changes::policy_looser),
    ("Policy tightened after approval, before redeem", changes::policy_tightened),
    ("Entity data changed (dataset reclassified, lineage source added)", changes::entities_changed),
    ("Reviewer leaves group before quorum", reviewers::reviewer_leaves),
    ("Reviewer removed after APPROVED", reviewers::reviewer_removed_after),
    ("Concurrent approve + approve", moments::two_approvals_at_once),
    ("Concurrent approve + deny", moments::approve_and_deny_at_once),
    ("Conflicting votes same person", reviewers::change_of_mind),
    ("Quorum partly met then denied", reviewers::partly_then_denied),
    ("One person in several groups", reviewers::one_person_one_slot),
    ("Same person, two channels", reviewers::one_person_two_channels),
    ("Requester cancels with clicks in flight", moments::cancel_with_clicks),
    ("Agent disconnects", moments::silence_changes_nothing),
    ("Card shows v3 requirement, request is v4", changes::stale_card),
    ("Payload too big to show", changes::incomplete_presentation),
    ("Reviewer group empty after exclusions", reviewers::nobody_left),
    ("Clock skew", moments::server_time_decides),
    ("Break-glass while pending", glass::glass_while_pending),
    ("Break-glass by the owner", glass::glass_by_owner),
];

#[test]
fn the_table_row_for_row() {
    for (row, shows) in ROWS {
        println!("{row}");
        shows();
    }
}

fn house() -> Desk {
    Desk::new(People::house())
}

/// A desk whose policies ask for this, and a request of an agent.
fn pending(says: Requirement) -> (Desk, SubjectId) {
    let mut desk = house();
    desk.policy.says = Verdict::Require(says);
    let (id, events) = desk.submit(agent(BOT));
    assert!(matches!(events.unwrap().as_slice(), [Event::Evaluated { .. }, Event::Opened { .. }, Event::Shown { .. }]));
    (desk, id)
}

fn resolution(desk: &Desk, id: SubjectId) -> Option<Resolution> {
    match desk.action(id).unwrap().request?.state {
        RequestState::Pending => None,
        RequestState::Resolved(resolved) => Some(resolved.resolution),
    }
}

fn grant_state(desk: &Desk, id: SubjectId) -> Option<GrantState> {
    desk.action(id).unwrap().grant.map(|grant| grant.state)
}

fn is_approved(desk: &Desk, id: SubjectId) -> bool {
    matches!(resolution(desk, id), Some(Resolution::Approved(_)))
}

fn allowing() -> Desk {
    let mut desk = house();
    desk.policy.says = Verdict::Allow;
    desk
}
