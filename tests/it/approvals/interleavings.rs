//! Random interleavings of commands, time, changes of people and policies, failed appends and restarts, each judged by
//! `invariants`. A failure prints its seed.

use super::desk::{Desk, GATEWAY, MINUTE, Verdict, agent, human, requirement, terms};
use super::invariants;
use super::people::*;
use crate::support::{Rng, cases, scaled};
use deedbook::approvals::{BreakGlass, Command, is_closed, next_deadline};
use deedbook_verify::facts::Outcome;
use deedbook_verify::requirement::Requirement;
use deedbook_verify::vote::{Decision, EvidenceLevel};
use deedbook_verify::words::{Digest, Micros, Ref, SubjectId};
use std::collections::BTreeMap;
use std::num::{NonZeroU16, NonZeroU32};

const PERSONS: [Ref; 6] = [ADA, BEN, CLEO, DAN, EVE, OWNER];
const TEAMS: [Ref; 3] = [DATA, SECURITY, ONCALL];

#[test]
fn invariants_hold_in_every_order() {
    let mut rng = Rng::seeded("interleavings");
    let runs = scaled(80);
    let (mut ends, mut played) = (BTreeMap::<String, u64>::new(), 0);
    // Some ends are rare: where one has not come by then, the play goes on until it does.
    while played < runs || (ends.len() < 9 && played < 30 * runs) {
        played += 1;
        let mut desk = Desk::new(People::house());
        for _ in 0..80 {
            step(&mut desk, &mut rng);
        }
        invariants::check(&desk);
        for id in desk.ids() {
            let action = desk.action(id).unwrap();
            let end = action.request.as_ref().and_then(|request| request.resolution()).map(|end| end.code().name());
            *ends.entry(end.unwrap_or("no request, or pending").to_owned()).or_default() += 1;
            let deadline = next_deadline(&action);
            assert!(!is_closed(&action) || deadline.is_none(), "time does not touch what is closed");
        }
    }
    println!("{ends:?}");
    assert_eq!(ends.len(), 9, "every way to end occurs: {ends:?}");
    cases("interleavings", played);
}

fn step(desk: &mut Desk, rng: &mut Rng) {
    let ids = desk.ids();
    if ids.is_empty() || rng.percent(8) {
        return submit(desk, rng, &ids);
    }
    // The newer a request, the more there is to do about it.
    let id = ids[ids.len() - 1 - usize::try_from(rng.below(ids.len().min(3) as u64)).unwrap()];
    let before = desk.action(id).map(|action| action.to_bytes());
    let what = rng.below(100);
    let appends = what < 71;
    desk.append_fails = appends && rng.percent(5);
    let fails = desk.append_fails;
    match what {
        0..=44 => vote(desk, rng, id),
        45..=56 => redeem(desk, rng, id),
        57..=59 => drop(desk.cancel(id, *rng.pick(&[GATEWAY, OWNER, BEN]))),
        60..=62 => drop(desk.revoke(id, *rng.pick(&[GATEWAY, ADA, EVE, Ref([0x99; 16])]))),
        63..=66 => break_glass(desk, rng, id),
        67..=70 => drop(desk.review(id, *rng.pick(&PERSONS))),
        71..=74 => {
            let outcome = *rng.pick(&[Outcome::Succeeded, Outcome::Failed, Outcome::Other, Outcome::Running]);
            desk.report(id, *rng.pick(&[GATEWAY, BEN]), outcome);
        }
        75..=84 => time(desk, rng, id),
        85..=89 => policy(desk, rng),
        90..=97 => people(desk, rng),
        _ => desk.clock_behind = rng.percent(50),
    }
    if fails {
        assert!(!desk.append_fails, "a command was decided");
        assert_eq!(desk.action(id).map(|action| action.to_bytes()), before, "I17: nothing came of it");
    }
}

fn submit(desk: &mut Desk, rng: &mut Rng, ids: &[SubjectId]) {
    let actor = *rng.pick(&[agent(BOT), agent(BOT_TWO), human(ADA), human(DAN)]);
    let mut submit = desk.proposal(actor);
    if rng.percent(20) {
        submit.on_behalf_of = vec![*rng.pick(&[CLEO, BENS_ACCOUNT, BOT])];
    }
    if !ids.is_empty() && rng.percent(30) {
        submit.supersedes = Some(*rng.pick(ids));
    }
    let signer = if rng.percent(20) { *rng.pick(&[ADA, CHAT]) } else { GATEWAY };
    drop(desk.run(signer, Command::Submit(submit)));
}

fn vote(desk: &mut Desk, rng: &mut Rng, id: SubjectId) {
    let person = *rng.pick(&[ADA, BEN, CLEO, DAN, EVE, OWNER, BOT, Ref([0x98; 16])]);
    let decision = match rng.below(20) {
        0 => Decision::Deny,
        1 => Decision::Abstain,
        _ => Decision::Approve,
    };
    let mut vote = desk.ballot(id, person, decision);
    match rng.below(20) {
        0 => vote.presentation = Digest([8; 32]),
        1 => vote.action = Digest([8; 32]),
        2 => vote.valid_until = desk.now,
        3 => vote.revision.0 = vote.revision.0.saturating_sub(rng.below(6)),
        4 | 5 => vote.level = EvidenceLevel::Operator,
        _ => {}
    }
    let signer = if rng.percent(20) { CHAT } else { person };
    drop(desk.run(signer, Command::Vote(vote)));
}

fn redeem(desk: &mut Desk, rng: &mut Rng, id: SubjectId) {
    let mut redeem = desk.redemption(id);
    match rng.below(10) {
        0 => redeem.action = Digest([8; 32]),
        1 => redeem.grant = SubjectId([8; 16]),
        2 => redeem.actor = agent(BOT_TWO),
        _ => {}
    }
    let audience = desk.action(id).and_then(|action| action.grant).map_or(GATEWAY, |grant| grant.audience);
    let signer = if rng.percent(10) { CHAT } else { audience };
    drop(desk.run(signer, Command::Redeem(redeem)));
}

fn break_glass(desk: &mut Desk, rng: &mut Rng, id: SubjectId) {
    let person = *rng.pick(&PERSONS);
    let mut action = desk.proposal(human(person));
    let request = rng.percent(70).then_some(id);
    if let Some(id) = request {
        let origin = desk.action(id).unwrap().origin;
        (action.id, action.stream, action.digest) = (id, Ref(id.0), origin.digest);
    }
    let signer = if rng.percent(90) { person } else { GATEWAY };
    drop(desk.run(signer, Command::BreakGlass(BreakGlass { action, request })));
}

/// Time passes: a little, to the very moment of a deadline, or far beyond; the timer works, late or not at all.
fn time(desk: &mut Desk, rng: &mut Rng, id: SubjectId) {
    match rng.below(4) {
        0 => desk.pass(rng.below(3 * MINUTE)),
        1 => desk.pass(if rng.percent(10) { 80 * 60 * MINUTE } else { 10 * MINUTE }),
        _ => {
            let deadline = desk.action(id).as_ref().and_then(next_deadline).unwrap_or(desk.now);
            desk.now = Micros(desk.now.0.max(deadline.0.saturating_sub(rng.below(2))));
        }
    }
    if rng.percent(70) {
        let due = desk.tick();
        assert!(due.iter().all(|due| due.deadline <= desk.now));
        for id in desk.ids() {
            let next = next_deadline(&desk.action(id).unwrap());
            assert!(next.is_none_or(|next| next > desk.now), "the timer has nothing left to do");
        }
    }
}

fn policy(desk: &mut Desk, rng: &mut Rng) {
    let says = match rng.below(10) {
        0 => Verdict::Deny,
        1 => Verdict::Allow,
        2..=4 => Verdict::Require(requirement(&[], 1 + rng.below(3) as u8)),
        _ => Verdict::Require(some_requirement(rng)),
    };
    desk.new_policy(says);
    desk.policy.permits = rng.percent(95);
}

fn some_requirement(rng: &mut Rng) -> Requirement {
    let persons: [u8; 9] = [0, 0, 0, 0, 0, 0, 1, 1, 2];
    let mut clauses: Vec<(Ref, u8)> =
        TEAMS.iter().map(|team| (*team, *rng.pick(&persons))).filter(|(_, min)| *min > 0).collect();
    clauses.sort();
    if rng.percent(50) {
        return requirement(&clauses, 1 + rng.below(2) as u8);
    }
    let mut said = terms(&clauses, 1 + rng.below(3) as u8);
    said.reminder_s = NonZeroU32::new(rng.below(3) as u32 * 300);
    said.escalate_s = NonZeroU32::new(rng.below(2) as u32 * 600);
    said.fallback = rng.percent(50).then_some(ONCALL);
    said.uses = NonZeroU16::MIN;
    said.demands.recheck_membership = rng.percent(30);
    if rng.percent(30) {
        said.evidence_floor = EvidenceLevel::Operator;
    }
    Requirement::new(said).unwrap()
}

fn people(desk: &mut Desk, rng: &mut Rng) {
    let who = *rng.pick(&PERSONS);
    let person = desk.people.at(who);
    match rng.below(6) {
        0 => person.delegate = rng.percent(50).then(|| *rng.pick(&PERSONS)),
        1 => person.teams = TEAMS.iter().copied().filter(|_| rng.percent(60)).collect(),
        2 => person.reviewer = rng.percent(80),
        3 => person.bound_by = if rng.percent(40) { vec![*rng.pick(&PERSONS)] } else { vec![ADA, BEN] },
        4 => person.disabled = rng.percent(20),
        _ => person.administrator = rng.percent(50),
    }
}
