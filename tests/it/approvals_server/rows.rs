//! Opening finds again exactly what the writer had. Random commands by everybody, time, policies and delegation, with the
//! next process at random moments; after each the rows are compared with a fold of the log, and what time still does in
//! the end shows that no deadline was lost on the way.

use super::cast::{Cast, Who};
use super::desk::Desk;
use super::fold;
use crate::support::{Rng, cases, parallel, scaled};
use deedbook::approvals::next_deadline;
use deedbook::ledger::{AppendError, SeenAction};
use deedbook::record::binding::Binding;
use deedbook_verify::detail::{ReviewOutcome, Roles};
use deedbook_verify::facts::Outcome;
use deedbook_verify::kind::Kind;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::SubjectId;

const STEPS: u64 = 60;
const SECOND: u64 = 1_000_000;
const HOUR: u64 = 3_600 * SECOND;

const KNOWN: &str = "@id(\"known\") permit (principal, action, resource);\n";
const LIFTED: &str =
    "forbid (principal, action in Gov::Action::\"exports\", resource)\n unless { context.approval.granted";

/// What may be published: one person, soon over; two, with reminders and a fallback; three uses; forbidden.
fn policies() -> [String; 4] {
    [
        format!(
            "{KNOWN}@id(\"x\") @requires_approval @quorum(\"1\") @ttl(\"PT10M\") @grant_ttl(\"PT2M\") {LIFTED} }};"
        ),
        format!(
            "{KNOWN}@id(\"x\") @requires_approval @quorum(\"2\") @ttl(\"PT1H\") @remind(\"PT10M\") @escalate(\"PT25M\") \
             @fallback(\"oncall\") @recheck {LIFTED} && context.approval.distinct_approvers >= 2 }};"
        ),
        format!("{KNOWN}@id(\"x\") @requires_approval @uses(\"3\") @grant_ttl(\"PT30M\") {LIFTED} }};"),
        format!("{KNOWN}@id(\"never\") forbid (principal, action == Gov::Action::\"data.share\", resource);"),
    ]
}

struct Play {
    desk: Desk,
    rng: Rng,
    wishes: Vec<(SubjectId, Binding)>,
    refused: u64,
    done: u64,
}

impl Cast {
    fn everybody(&self) -> Vec<Who> {
        let mut all: Vec<Who> = ["adm", "rita", "alice", "bob", "carol"].map(|id| self.person(id)).into();
        all.push(self.agent("a1"));
        all
    }
}

impl Play {
    fn begin(rng: &mut Rng) -> Play {
        let desk = Desk::set();
        let (adm, team) = (desk.cast.person("adm"), desk.cast.team("oncall"));
        let facts = desk.cast.facts(Kind::PrincipalBound).principal(team.actor()).body("application/json", "{}".into());
        desk.done(desk.cast.sign(&adm, facts));
        Play { desk, rng: rng.fork(), wishes: Vec::new(), refused: 0, done: 0 }
    }

    fn somebody(&mut self) -> Who {
        let mut all = self.desk.cast.everybody();
        all.swap_remove(usize::try_from(self.rng.below(all.len() as u64)).unwrap())
    }

    /// An action that was tried, there or not.
    fn some_id(&mut self) -> Option<SubjectId> {
        (!self.wishes.is_empty()).then(|| self.rng.pick(&self.wishes).0)
    }

    fn some_action(&mut self) -> Option<SeenAction> {
        let id = self.some_id()?;
        self.desk.ledger.reader().action(id).unwrap()
    }

    fn send(&mut self, frame: deedbook::record::FrameBytes) {
        match self.desk.append(frame) {
            Ok(_) => self.done += 1,
            Err(AppendError::Refused { .. }) => self.refused += 1,
            Err(other) => panic!("{other:?}"),
        }
    }

    fn step(&mut self) {
        match self.rng.below(100) {
            0..25 => self.ask(),
            25..50 => self.vote(),
            50..58 => self.redeem(),
            58..70 => self.other(),
            70..75 => self.glass(),
            75..80 => self.govern(),
            80..92 => self.time(),
            _ => self.next_process(),
        }
    }

    fn ask(&mut self) {
        let what = *self.rng.pick(&["data.export", "data.export", "data.share", "data.read", "data.teleport"]);
        let (agent, bob) = (self.desk.cast.agent("a1"), self.desk.cast.person("bob"));
        let by = if self.rng.percent(80) { &agent } else { &bob };
        let whom = if self.rng.percent(20) { vec![&bob] } else { Vec::new() };
        let wish = self.desk.cast.wish(by, what, &whom);
        let supersedes = if self.rng.percent(25) { self.some_id() } else { None };
        let (id, frame) = self.desk.cast.submission(by, &wish, supersedes);
        self.wishes.push((id, wish));
        self.send(frame);
    }

    fn vote(&mut self) {
        let Some(seen) = self.some_action() else { return };
        let who = self.somebody();
        let decision = *self.rng.pick(&[
            Decision::Approve,
            Decision::Approve,
            Decision::Approve,
            Decision::Deny,
            Decision::Abstain,
        ]);
        let mut ballot = self.desk.cast.ballot(&seen, decision);
        if self.rng.percent(10) {
            ballot.revision.0 += self.rng.below(3);
        }
        self.send(self.desk.cast.vote(&who, &ballot, self.desk.head()));
    }

    fn redeem(&mut self) {
        let Some(seen) = self.some_action() else { return };
        let by = if self.rng.percent(80) { self.desk.cast.agent("a1") } else { self.somebody() };
        let mut digest = seen.action.origin.digest;
        digest.0[0] ^= u8::from(self.rng.percent(10));
        self.send(self.desk.cast.redemption(&by, &seen, digest, self.desk.head()));
    }

    fn other(&mut self) {
        let Some(seen) = self.some_action() else { return };
        let (who, cast) = (self.somebody(), self.desk.cast.clone());
        let outcome = *self.rng.pick(&[Outcome::Succeeded, Outcome::Failed, Outcome::Other, Outcome::Started]);
        let review = *self.rng.pick(&[ReviewOutcome::Ratified, ReviewOutcome::Repudiated]);
        let frame = match self.rng.below(5) {
            0 => cast.cancellation(&who, seen.action.id),
            1 => cast.revocation(&who, &seen),
            2 => cast.report(&who, &seen, outcome),
            3 => cast.review(&who, seen.action.id, review),
            // Anything else that somebody puts into the action's stream.
            _ => cast.sign(&who, cast.facts(Kind::DataAccessed).stream(seen.action.stream)),
        };
        self.send(frame);
    }

    fn glass(&mut self) {
        let who = if self.rng.percent(80) { self.desk.cast.person("bob") } else { self.somebody() };
        let pending = self.rng.percent(50).then(|| self.wishes.last().cloned()).flatten();
        let (id, wish) = match pending {
            Some((id, wish)) => (Some(id), wish),
            None => (None, self.desk.cast.wish(&who, "data.export", &[])),
        };
        let (begun, frame) = self.desk.cast.glass(&who, &wish, id);
        self.wishes.push((begun, wish));
        self.send(frame);
    }

    fn govern(&mut self) {
        let (cast, adm) = (self.desk.cast.clone(), self.desk.cast.person("adm"));
        let (bob, carol) = (cast.person("bob"), cast.person("carol"));
        let frame = match self.rng.below(5) {
            0..3 => cast.publication(&adm, self.rng.pick::<String>(&policies())),
            3 => cast.about(&bob, Kind::DelegationSet, &bob, |facts| facts.delegate(carol.source)),
            _ => {
                let kind = if self.rng.percent(50) { Kind::RoleRevoked } else { Kind::RoleGranted };
                cast.about(&adm, kind, &carol, |facts| facts.roles(Roles::REVIEWER))
            }
        };
        self.send(frame);
    }

    fn time(&mut self) {
        let now = self.desk.world.clock.wall().0;
        let next = self.some_action().and_then(|seen| next_deadline(&seen.action));
        let micros = match (self.rng.below(4), next) {
            (0 | 1, Some(deadline)) => deadline.0.saturating_sub(now).saturating_sub(self.rng.below(2)),
            (2, _) => self.rng.below(5 * 60 * SECOND),
            (_, _) => self.rng.below(HOUR),
        };
        self.desk.pass(micros);
        if self.rng.percent(10) {
            self.desk.pass(80 * HOUR);
        }
    }

    /// The writer of this process is gone, and the next one finds what it had.
    fn next_process(&mut self) {
        let world = {
            self.desk.ledger.close();
            self.desk.folds();
            self.desk.world.next_process()
        };
        if self.rng.percent(30) {
            self.desk.pass(self.rng.below(HOUR));
        }
        self.desk = Desk { ledger: world.open(), world, cast: self.desk.cast.clone() };
    }

    /// In the end time does to each action all that it can, whichever process set the deadlines.
    fn end(mut self) -> (u64, u64) {
        self.next_process();
        while let Some(last) = self.last_deadline() {
            self.desk.pass(last.saturating_sub(self.desk.world.clock.wall().0));
            self.until_nothing_is_due();
        }
        self.desk.ledger.close();
        self.desk.judge();
        (self.done, self.refused)
    }

    fn last_deadline(&self) -> Option<u64> {
        let reader = self.desk.ledger.reader();
        let seen = self.wishes.iter().filter_map(|(id, _)| reader.action(*id).unwrap());
        seen.filter_map(|seen| next_deadline(&seen.action)).map(|at| at.0).max()
    }

    fn until_nothing_is_due(&self) {
        let now = self.desk.world.clock.wall();
        for (id, _) in &self.wishes {
            if self.desk.ledger.reader().action(*id).unwrap().is_some() {
                self.desk.until(*id, |seen| next_deadline(&seen.action).is_none_or(|next| next > now));
            }
        }
    }
}

/// A ledger after so many random steps, between which grants are sought and used.
pub fn random_desk(rng: &mut Rng, steps: u64) -> Desk {
    let mut play = Play::begin(rng);
    for _ in 0..steps {
        play.step();
        play.vote();
        play.redeem();
    }
    play.desk
}

/// What such a ledger holds.
pub fn random_log(rng: &mut Rng, steps: u64) -> Vec<Vec<u8>> {
    let desk = random_desk(rng, steps);
    desk.ledger.close();
    fold::entries(desk.world.store.as_ref())
}

#[test]
fn the_next_process_finds_what_the_writer_had() {
    let runs = scaled(8);
    let counts = parallel::run("approval rows", runs, |_, rng| {
        let mut play = Play::begin(rng);
        (0..STEPS).for_each(|_| play.step());
        play.end()
    });
    let (done, refused) = counts.iter().fold((0, 0), |all, run| (all.0 + run.0, all.1 + run.1));
    println!("{done} commands done, {refused} refused by rule");
    assert!(done > runs * 10 && refused > runs * 2, "{done} done, {refused} refused");
    cases("approval-rows", runs);
}
