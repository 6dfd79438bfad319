//! Clocks that jump. While the wall clock disagrees with the time since boot nothing is taken at all; a server that was
//! started with a clock behind its log takes commands, and grants nothing until the clock has caught up.

use crate::approvals_server::desk::Desk;
use crate::support_memory::START;
use deedbook::clock::Reading;
use deedbook::ledger::{AppendError, Ledger};
use deedbook::limits::{ALLOWED_GRANT_TTL_S, CLOCK_DRIFT_MS_MAX};
use deedbook_verify::vote::{Ballot, Decision};
use deedbook_verify::words::Micros;

const SECOND: u64 = 1_000_000;

impl Desk {
    /// Somebody sets the wall clock.
    fn set_wall(&self, wall: u64) {
        self.world.clock.set(Reading { wall: Micros(wall), boot: self.world.clock.read().boot });
    }
}

#[test]
fn a_clock_that_jumps_approves_nothing_and_expires_nothing() {
    let desk = Desk::set();
    let (agent, bob, carol) = (desk.cast.agent("a1"), desk.cast.person("bob"), desk.cast.person("carol"));
    let (pending, approved) = (desk.export(), desk.export());
    desk.done(desk.vote(&bob, approved, Decision::Approve));
    let (vote, redemption) = (desk.vote(&carol, pending, Decision::Approve), desk.redemption(&agent, approved));
    let (_, asked) = desk.cast.submission(&agent, &desk.cast.wish(&agent, "data.read", &[]), None);
    let size = desk.head();
    let wall = desk.world.clock.wall().0;
    let jump = (CLOCK_DRIFT_MS_MAX + 1) * 1_000;
    for set in [wall + jump, wall + 30 * 24 * 3_600 * SECOND, wall - jump, wall - 24 * 3_600 * SECOND] {
        desk.set_wall(set);
        for frame in [&vote, &redemption, &asked] {
            assert!(matches!(desk.append(frame.clone()), Err(AppendError::ClockDrift { .. })), "set to {set}");
        }
        // Deadlines rest like everything else: nothing was written, and nothing has expired.
        std::thread::sleep(std::time::Duration::from_millis(30));
        assert_eq!(desk.head(), size, "set to {set}");
    }
    desk.set_wall(wall);
    desk.done(vote);
    desk.done(redemption);
    desk.done(asked);
    desk.judge();
    desk.ledger.close();
}

#[test]
fn behind_its_log_a_server_grants_and_releases_nothing() {
    let desk = Desk::set();
    let (agent, bob, carol) = (desk.cast.agent("a1"), desk.cast.person("bob"), desk.cast.person("carol"));
    desk.pass(60 * SECOND);
    let (pending, approved) = (desk.export(), desk.export());
    desk.done(desk.vote(&bob, approved, Decision::Approve));
    desk.ledger.close();
    let world = desk.world.next_process();
    let ahead = world.clock.read();
    // The machine comes up with its clock a minute behind, and its operator accepts that.
    world.clock.set(Reading { wall: START.wall, boot: Micros(1) });
    assert!(world.try_open().is_err());
    let ledger = Ledger::from_parts(world.parts(Box::new(world.anchor.clone()), true)).unwrap();
    let desk = Desk { ledger, world, cast: desk.cast };
    // Votes stay valid for an hour of the log's time.
    let ballot = desk.cast.ballot(&desk.seen(pending), Decision::Approve);
    let ballot = Ballot { valid_until: Micros(ahead.wall.0 + 3_600 * SECOND), ..ballot };
    let vote = || desk.cast.vote(&carol, &ballot, desk.head());
    desk.refused("a vote", vote(), "CLOCK_BEHIND");
    desk.refused("a redemption", desk.redemption(&agent, approved), "CLOCK_BEHIND");
    let ask = |what| desk.cast.submission(&agent, &desk.cast.wish(&agent, what, &[]), None);
    let (id, frame) = ask("data.read");
    desk.refused("what policy allows", frame, "CLOCK_BEHIND");
    desk.assert_not_approved(id, "asked");
    desk.refused(
        "break-glass",
        desk.cast.glass(&bob, &desk.cast.wish(&bob, "data.export", &[]), None).1,
        "CLOCK_BEHIND",
    );
    desk.assert_not_approved(pending, "voted on");
    desk.judge();
    // To deny, to withdraw and to ask needs no clock.
    let (denied, frame) = ask("data.export");
    desk.done(frame);
    desk.done(desk.cast.cancellation(&agent, denied));
    // The clock catches up.
    desk.pass(60 * SECOND);
    desk.done(vote());
    desk.done(desk.redemption(&agent, approved));
    desk.judge();
    desk.ledger.close();
}

/// A deadline that is reached has passed, to the microsecond, whether or not the timer was there first.
#[test]
fn a_decision_at_the_deadline_is_late() {
    for early in [1, 0] {
        let desk = Desk::set();
        let (agent, bob) = (desk.cast.agent("a1"), desk.cast.person("bob"));
        let (id, granted) = (desk.export(), desk.submit(&agent, &desk.cast.wish(&agent, "data.read", &[])));
        let grant = desk.seen(granted).action.grant.unwrap();
        assert_eq!(grant.valid_until.0, desk.world.clock.wall().0 + u64::from(ALLOWED_GRANT_TTL_S) * SECOND);
        desk.pass(grant.valid_until.0 - desk.world.clock.wall().0 - early);
        let redeemed = desk.redemption(&agent, granted);
        if early == 1 {
            drop(desk.done(redeemed))
        } else {
            desk.refused("at the moment", redeemed, "EXPIRED")
        }
        let expires = desk.seen(id).action.request.unwrap().expires_at;
        desk.pass(expires.0 - desk.world.clock.wall().0 - early);
        let vote = desk.vote(&bob, id, Decision::Approve);
        if early == 1 {
            drop(desk.done(vote))
        } else {
            desk.refused("at the moment", vote, "EXPIRED")
        }
        desk.judge();
        desk.ledger.close();
    }
}
