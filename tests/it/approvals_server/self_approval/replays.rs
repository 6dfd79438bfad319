//! Routes of signatures that exist already: votes on other actions, other ledgers, older presentations.

use crate::approvals_server::cast::{evidence, signature};
use crate::approvals_server::desk::Desk;
use deedbook::ledger::AppendError;
use deedbook_verify::frame::FrameRefusal;
use deedbook_verify::vote::{Ballot, Decision};
use deedbook_verify::words::{LedgerId, Micros};

/// Exports need two persons from now on.
const TWO: &str = "@id(\"known\") permit (principal, action, resource);\n@id(\"exports\") @requires_approval @quorum(\"2\")\n\
     forbid (principal, action in Gov::Action::\"exports\", resource)\n\
     unless { context.approval.granted && context.approval.distinct_approvers >= 2 };\n";

pub fn denied(desk: &Desk) {
    let (cast, agent, bob) = (&desk.cast, desk.cast.agent("a1"), desk.cast.person("bob"));
    let wish = cast.wish(&agent, "data.export", &[]);
    let (id, frame) = cast.submission(&agent, &wish, None);
    let first = desk.done(frame.clone());
    let stale = cast.ballot(&desk.seen(id), Decision::Approve);
    desk.done(desk.vote(&bob, id, Decision::Deny));
    desk.refused("the denier", cast.vote(&bob, &stale, desk.head()), "VOTE_FINAL");
    desk.refused("another", cast.vote(&cast.person("carol"), &stale, desk.head()), "TERMINAL");
    let again = desk.done(frame);
    assert_eq!((again.repeated, again.first_index), (true, first.first_index));
    desk.refused("without a grant", desk.redemption(&agent, id), "GRANT_NOT_ISSUED");
    // The very same action by another key is another request, of the same people.
    let gate = desk.gate("second-gate");
    let (second, frame) = cast.submission(&gate, &wish, None);
    desk.done(frame);
    let alice = cast.person("alice");
    desk.refused("the owner", desk.vote(&alice, second, Decision::Approve), "CONFLICT_OWNER");
    let signed = signature(&bob, &stale);
    let moved = Ballot { request: second, ..stale };
    let frame = cast.relayed(&gate, bob.actor(), &moved, &evidence(&bob.key, &signed), desk.head());
    desk.refused("bob's vote on the first", frame, "EVIDENCE_INVALID");
    assert!(desk.seen(second).action.pending().is_some_and(|request| request.votes.is_empty()));
}

pub fn another_action(desk: &Desk) {
    let (cast, bob, agent) = (&desk.cast, desk.cast.person("bob"), desk.cast.agent("a1"));
    let (approved, other) = (desk.export(), desk.export());
    let ballot = cast.ballot(&desk.seen(approved), Decision::Approve);
    let frame = cast.vote(&bob, &ballot, desk.head());
    let first = desk.done(frame.clone());
    let signed = signature(&bob, &ballot);
    let seen = cast.ballot(&desk.seen(other), Decision::Approve);
    for forged in [seen, Ballot { request: other, ..ballot }, Ballot { action: seen.action, ..ballot }] {
        let frame = cast.relayed(&agent, bob.actor(), &forged, &evidence(&bob.key, &signed), desk.head());
        desk.refused("bob's signature elsewhere", frame, "EVIDENCE_INVALID");
    }
    let again = desk.done(frame);
    assert_eq!((again.repeated, again.first_index), (true, first.first_index));
    // Signed by bob himself for this request, naming what another one would run.
    let mixed = Ballot { action: ballot.action, ..seen };
    desk.refused("another digest", cast.vote(&bob, &mixed, desk.head()), "ACTION_DIGEST_MISMATCH");
    // The grant of one is none of the other, nor of anybody else.
    let (granted, other_seen) = (desk.seen(approved), desk.seen(other));
    let wrong = cast.redemption(&agent, &granted, other_seen.action.origin.digest, desk.head());
    desk.refused("another action under the grant", wrong, "ACTION_DIGEST_MISMATCH");
    desk.refused("another source", desk.redemption(&bob, approved), "AUDIENCE_DIFFERS");
    assert!(desk.seen(other).action.approval().is_none());
}

pub fn another_ledger(desk: &Desk) {
    let (cast, bob, agent) = (&desk.cast, desk.cast.person("bob"), desk.cast.agent("a1"));
    let id = desk.export();
    let ballot = cast.ballot(&desk.seen(id), Decision::Approve);
    let denied = Ballot { decision: Decision::Deny, ..ballot };
    let elsewhere = Ballot { ledger: LedgerId([7; 32]), ..ballot };
    let shorter = Ballot { valid_until: Micros(ballot.valid_until.0 - 1), ..ballot };
    for signed in [denied, elsewhere, shorter] {
        let signature = signature(&bob, &signed);
        let frame = cast.relayed(&agent, bob.actor(), &ballot, &evidence(&bob.key, &signature), desk.head());
        desk.refused("what bob never signed", frame, "EVIDENCE_INVALID");
    }
    let mut there = cast.clone();
    there.ledger = LedgerId([7; 32]);
    let size = desk.head();
    let refused = desk.append(there.vote(&bob, &elsewhere, size));
    assert_eq!(refused, Err(AppendError::Frame(FrameRefusal::LedgerDiffers)));
    assert_eq!(desk.head(), size, "what is another ledger's has no place in this one");
    let past = Ballot { valid_until: desk.world.clock.wall(), ..ballot };
    desk.refused("bob's vote of long ago", cast.vote(&bob, &past, desk.head()), "EXPIRED");
}

pub fn older_presentation(desk: &Desk) {
    let (cast, bob, carol) = (&desk.cast, desk.cast.person("bob"), desk.cast.person("carol"));
    let id = desk.export();
    let older = cast.ballot(&desk.seen(id), Decision::Approve);
    desk.done(cast.publication(&cast.person("adm"), TWO));
    // The first vote brings it to light that more is asked by now: it is shown anew, and that vote does not count.
    desk.done(cast.vote(&bob, &older, desk.head()));
    desk.refused("carol saw the older one", cast.vote(&carol, &older, desk.head()), "STALE_PRESENTATION");
    let newer = cast.ballot(&desk.seen(id), Decision::Approve);
    assert_ne!(older.presentation, newer.presentation);
    for mixed in [
        Ballot { presentation: older.presentation, ..newer },
        Ballot { requirement: older.requirement, ..newer },
        Ballot { revision: older.revision, ..newer },
    ] {
        desk.refused("in part the older one", cast.vote(&carol, &mixed, desk.head()), "STALE_PRESENTATION");
    }
    desk.done(cast.vote(&carol, &newer, desk.head()));
    assert!(desk.seen(id).action.pending().is_some(), "one of two");
    desk.refused("the owner completes it", cast.vote(&cast.person("alice"), &newer, desk.head()), "CONFLICT_OWNER");
    desk.done(cast.vote(&bob, &newer, desk.head()));
    assert_eq!(desk.seen(id).action.approval().map(<[_]>::len), Some(2));
}
