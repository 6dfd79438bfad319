//! Writes that fail, lost or kept, while an action is asked, decided, redeemed, or ended by time: the next process finds all
//! of it or none, and a grant that was redeemed is never redeemable again. And a disk that is full.

use crate::approvals_server::desk::Desk;
use crate::support::volume::{FileSystem, Volume, missing_for_volumes};
use crate::support::{cases, not_run};
use crate::support_memory::{WritePoint, block_on};
use deedbook::approvals::{GrantState, RequestState};
use deedbook::ledger::{AppendError, StopReason};
use deedbook::limits::DISK_FREE_BYTES_MIN;
use deedbook::record::FrameBytes;
use deedbook::store::Fault;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::SubjectId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Submit,
    Allowed,
    Vote,
    Deny,
    Redeem,
    Revoke,
    BreakGlass,
    Expire,
}

const ACTS: [Act; 8] =
    [Act::Submit, Act::Allowed, Act::Vote, Act::Deny, Act::Redeem, Act::Revoke, Act::BreakGlass, Act::Expire];

/// The command, and the action that it is about; none: time does it.
fn command(desk: &Desk, act: Act) -> (SubjectId, Option<FrameBytes>) {
    let (cast, agent, bob) = (&desk.cast, desk.cast.agent("a1"), desk.cast.person("bob"));
    let approved = || {
        let id = desk.export();
        desk.done(desk.vote(&bob, id, Decision::Approve));
        id
    };
    match act {
        Act::Submit | Act::Allowed => {
            let what = if act == Act::Submit { "data.export" } else { "data.read" };
            let (id, frame) = cast.submission(&agent, &cast.wish(&agent, what, &[]), None);
            (id, Some(frame))
        }
        Act::Vote | Act::Deny => {
            let (id, decision) = (desk.export(), if act == Act::Vote { Decision::Approve } else { Decision::Deny });
            (id, Some(desk.vote(&bob, id, decision)))
        }
        Act::Redeem => {
            let id = approved();
            (id, Some(desk.redemption(&agent, id)))
        }
        Act::Revoke => {
            let id = approved();
            (id, Some(cast.revocation(&bob, &desk.seen(id))))
        }
        Act::BreakGlass => {
            let (id, frame) = cast.glass(&bob, &cast.wish(&bob, "data.export", &[]), None);
            (id, Some(frame))
        }
        Act::Expire => (desk.export(), None),
    }
}

/// Lets time end the request; the writer comes by on its own.
fn expire(desk: &Desk, id: SubjectId) {
    let expires = desk.seen(id).action.request.unwrap().expires_at;
    desk.pass(expires.0.saturating_sub(desk.world.clock.wall().0));
}

fn is_expired(desk: &Desk, id: SubjectId) -> bool {
    desk.seen(id).action.request.is_some_and(|request| request.state != RequestState::Pending)
}

#[test]
fn whatever_write_fails_the_next_process_finds_all_of_an_act_or_none() {
    let mut count = 0;
    for act in ACTS {
        for point in [WritePoint::StoreCommit, WritePoint::AnchorAdvance] {
            for fault in [Fault::Lost, Fault::Persisted] {
                case(act, point, fault);
                count += 1;
            }
        }
    }
    cases("approval-writes", count);
}

fn case(act: Act, point: WritePoint, fault: Fault) {
    let what = format!("{act:?} {point:?} {fault:?}");
    let desk = Desk::set();
    let (id, frame) = command(&desk, act);
    let before = desk.ledger.reader().action(id).unwrap().map(|seen| seen.action);
    desk.world.fail(point, 0, fault);
    match &frame {
        Some(frame) => assert_eq!(desk.append(frame.clone()), Err(AppendError::StorageFailed), "{what}"),
        None => expire(&desk, id),
    }
    assert!(matches!(block_on(desk.ledger.stopped()), StopReason::Failed(_)), "{what}");
    // Once the anchor is asked to move, the batch is durable.
    let kept = point == WritePoint::AnchorAdvance || fault == Fault::Persisted;
    let desk = desk.reopened();
    desk.folds();
    let after = desk.ledger.reader().action(id).unwrap().map(|seen| seen.action);
    if frame.is_some() {
        assert_eq!(after != before, kept, "{what}");
    }
    if let Some(frame) = &frame {
        let placed = desk.done(frame.clone());
        assert_eq!(placed.repeated, kept, "{what}");
    } else {
        desk.until(id, |seen| {
            seen.action.request.as_ref().is_some_and(|request| request.state != RequestState::Pending)
        });
    }
    let desk = desk.reopened();
    settled(&desk, act, id, &what);
    desk.judge();
    desk.ledger.close();
}

/// What must be so in the end, whichever write failed: the act was done once.
fn settled(desk: &Desk, act: Act, id: SubjectId, what: &str) {
    let (agent, bob, carol) = (desk.cast.agent("a1"), desk.cast.person("bob"), desk.cast.person("carol"));
    let action = desk.seen(id).action;
    let grant = action.grant.map(|grant| grant.state);
    match act {
        Act::Submit => assert!(action.pending().is_some(), "{what}"),
        Act::Vote => assert!(action.approval().is_some() && grant.is_some(), "{what}"),
        Act::Deny => {
            assert!(grant.is_none(), "{what}");
            desk.refused(what, desk.vote(&carol, id, Decision::Approve), "TERMINAL");
        }
        Act::Redeem => {
            assert_eq!((grant, action.executions.len()), (Some(GrantState::Redeemed), 1), "{what}");
            desk.refused(what, desk.redemption(&agent, id), "ALREADY_REDEEMED");
        }
        Act::Allowed | Act::BreakGlass => {
            let by = if act == Act::Allowed { &agent } else { &bob };
            desk.done(desk.redemption(by, id));
            desk.refused(what, desk.redemption(by, id), "ALREADY_REDEEMED");
            assert_eq!(desk.seen(id).action.executions.len(), 1, "{what}");
        }
        Act::Revoke => {
            assert_eq!(grant, Some(GrantState::Revoked), "{what}");
            desk.refused(what, desk.redemption(&agent, id), "TERMINAL");
        }
        Act::Expire => {
            assert!(is_expired(desk, id) && grant.is_none(), "{what}");
            desk.refused(what, desk.vote(&carol, id, Decision::Approve), "EXPIRED");
        }
    }
}

/// Reads that fail are no absence: neither of an action nor of what was decided about it.
#[test]
fn a_read_that_fails_approves_nothing() {
    let desk = Desk::set();
    let bob = desk.cast.person("bob");
    let id = desk.export();
    let vote = desk.vote(&bob, id, Decision::Approve);
    // The next process remembers nothing, and has to ask the store.
    let desk = desk.reopened();
    let size = desk.head();
    desk.world.fail_reads_of(&[]);
    assert_eq!(desk.append(vote.clone()), Err(AppendError::StorageFailed));
    let desk = desk.reopened();
    assert_eq!(desk.head(), size);
    desk.assert_not_approved(id, "after the failed read");
    desk.done(vote);
    desk.judge();
    desk.ledger.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_approves_nothing_and_loses_nothing() {
    if let Some(why) = missing_for_volumes() {
        return not_run("full disks", &why);
    }
    let volume = Volume::make(FileSystem::Ext4);
    let track = crate::approvals_server::track::Track::set_in(volume.path()).await;
    let (agent, voter) = (track.cast.agent("a1"), track.voters().remove(0));
    let (pending, approved) = (track.export().await, track.export().await);
    track.done(track.vote(&voter, approved, Decision::Approve)).await;
    let (seen, head) = (track.seen(approved), track.served.ledger.reader().head());
    let redemption = track.cast.redemption(&agent, &seen, seen.action.origin.digest, head);
    let (_, asked) = track.cast.submission(&agent, &track.cast.wish(&agent, "data.read", &[]), None);
    let frames = [track.vote(&voter, pending, Decision::Approve), redemption, asked];
    volume.take("ballast", volume.free_bytes() - DISK_FREE_BYTES_MIN / 2);
    // The free disk is looked at now and then.
    while track.served.ledger.status().ready {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let size = track.served.ledger.reader().head();
    for frame in &frames {
        let refused = track.served.ledger.append(frame.clone()).await;
        assert!(matches!(refused, Err(AppendError::DiskLow { .. })), "{refused:?}");
    }
    assert_eq!(track.served.ledger.reader().head(), size);
    assert!(track.seen(pending).action.pending().is_some() && track.seen(approved).action.executions.is_empty());
    volume.give_back("ballast");
    while !track.served.ledger.status().ready {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for frame in frames {
        track.done(frame).await;
    }
    track.judge().await;
}
