//! What time causes is caused once, in its order, by whichever process is there: reminders, escalation, expiry, reviews
//! that are overdue. It is told too when the moment passed while nobody served.

use super::desk::Desk;
use crate::support_memory::scan_all;
use deedbook::store::keys;
use deedbook_verify::detail::{Detail, ReviewOutcome, Step};
use deedbook_verify::entry::Entry;
use deedbook_verify::kind::Kind;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::{Micros, SubjectId};

const MINUTE: u64 = 60_000_000;
const HOUR: u64 = 60 * MINUTE;

/// An hour to decide, a reminder every ten minutes, the fallback team after 25.
const SLOW: &str = "@id(\"known\") permit (principal, action, resource);\n@id(\"slow\") @requires_approval @ttl(\"PT1H\")\n\
     @remind(\"PT10M\") @escalate(\"PT25M\") @fallback(\"oncall\") @grant_ttl(\"PT5M\")\n\
     forbid (principal, action in Gov::Action::\"exports\", resource) unless { context.approval.granted };\n";

/// What time caused in an action: what, at which deadline, and when it was said.
fn caused(desk: &Desk, id: SubjectId) -> Vec<(&'static str, Micros, Micros)> {
    let log = super::fold::entries(desk.world.store.as_ref());
    let entries = log.iter().map(|bytes| Entry::parse(bytes).unwrap());
    let of = |entry: &Entry<'_>| {
        let received = entry.seal.received;
        match &entry.facts.detail {
            Detail::Step(step) if step.of.request == id => match step.step {
                Step::Escalated { escalation, deadline } => Some((escalation.name(), deadline, received)),
                Step::GrantExpired { deadline, .. } => Some(("grant", deadline, received)),
                Step::Resolved { .. } if entry.facts.valid_until.is_some() => {
                    Some(("expired", entry.facts.valid_until.unwrap(), received))
                }
                _ => None,
            },
            _ => None,
        }
    };
    entries.filter_map(|entry| of(&entry)).collect()
}

fn set() -> Desk {
    let desk = Desk::set();
    let (adm, team) = (desk.cast.person("adm"), desk.cast.team("oncall"));
    let facts = desk.cast.facts(Kind::PrincipalBound).principal(team.actor()).body("application/json", "{}".into());
    desk.done(desk.cast.sign(&adm, facts));
    desk.done(desk.cast.publication(&adm, SLOW));
    desk
}

/// Nobody serves for so long.
fn down(desk: Desk, micros: u64) -> Desk {
    desk.ledger.close();
    desk.pass(micros);
    desk.reopened()
}

fn until_caused(desk: &Desk, id: SubjectId, names: &[&str]) {
    let known = |desk: &Desk| caused(desk, id).iter().map(|(name, ..)| *name).collect::<Vec<_>>();
    for _ in 0..5_000 {
        if known(desk).len() >= names.len() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert_eq!(known(desk), names);
    let told = caused(desk, id);
    assert!(told.iter().all(|(_, deadline, received)| received >= deadline), "{told:?}");
}

#[test]
fn what_passed_while_nobody_served_is_told_by_the_next_process() {
    let desk = set();
    let id = desk.export();
    let opened = desk.world.clock.wall().0;
    // The first reminder was due at 10 minutes, and one stands for all that were missed.
    let desk = down(desk, 23 * MINUTE);
    until_caused(&desk, id, &["reminder"]);
    assert_eq!(caused(&desk, id)[0].1.0, opened + 20 * MINUTE);
    let desk = down(desk, 3 * MINUTE);
    until_caused(&desk, id, &["reminder", "escalated"]);
    assert!(desk.seen(id).action.request.unwrap().escalated);
    // It expires while nobody is there; whoever decides then is late, whoever of the two the writer sees first.
    let vote = desk.vote(&desk.cast.person("bob"), id, Decision::Approve);
    let desk = down(desk, 2 * HOUR);
    desk.refused("a late vote", vote, "EXPIRED");
    until_caused(&desk, id, &["reminder", "escalated", "expired"]);
    assert_eq!(caused(&desk, id)[2].1.0, opened + HOUR);
    desk.judge();
    let desk = down(desk, 30 * 24 * HOUR);
    until_caused(&desk, id, &["reminder", "escalated", "expired"]);
    desk.judge();
    desk.ledger.close();
}

#[test]
fn a_running_server_tells_each_deadline_once() {
    let desk = set();
    let (id, other) = (desk.export(), desk.export());
    for (minutes, names) in [
        (10, &["reminder"][..]),
        (10, &["reminder", "reminder"]),
        (5, &["reminder", "reminder", "escalated"]),
        (35, &["reminder", "reminder", "escalated", "expired"]),
    ] {
        desk.pass(minutes * MINUTE);
        until_caused(&desk, id, names);
        if minutes == 5 {
            desk.done(desk.vote(&desk.cast.person("bob"), other, Decision::Approve));
        }
    }
    until_caused(&desk, other, &["reminder", "reminder", "escalated", "grant"]);
    desk.refused("late", desk.redemption(&desk.cast.agent("a1"), other), "EXPIRED");
    desk.judge();
    desk.ledger.close();
}

#[test]
fn a_review_that_is_owed_is_owed_to_the_next_process_too() {
    let desk = set();
    let (cast, bob, rita) = (desk.cast.clone(), desk.cast.person("bob"), desk.cast.person("rita"));
    let wish = || cast.wish(&bob, "data.export", &[]);
    let (id, frame) = cast.glass(&bob, &wish(), None);
    desk.done(frame);
    let desk = down(desk, 71 * HOUR);
    desk.until(id, |seen| seen.action.grant.is_some_and(|grant| !grant.is_issued()));
    let (second, frame) = cast.glass(&bob, &wish(), None);
    desk.done(frame);
    let desk = down(desk, 2 * HOUR);
    until_caused(&desk, id, &["grant", "review_overdue"]);
    let desk = down(desk, MINUTE);
    // The rows say who owes it, and no process lets them break the glass again.
    let rows = scan_all(desk.world.store.as_ref(), &keys::overdue_rows(crate::support_memory::NUMBER));
    assert_eq!(rows.len(), 1);
    desk.refused("bob owes a review", cast.glass(&bob, &wish(), None).1, "REVIEW_OVERDUE");
    desk.done(cast.glass(&rita, &cast.wish(&rita, "data.export", &[]), None).1);
    // A review that comes late is a review.
    desk.done(cast.review(&rita, id, ReviewOutcome::Ratified));
    desk.done(cast.glass(&bob, &wish(), None).1);
    desk.done(cast.review(&rita, second, ReviewOutcome::Repudiated));
    desk.judge();
    desk.ledger.close();
}
