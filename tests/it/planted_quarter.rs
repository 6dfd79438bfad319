//! A quarter of a real ledger with planted violations, judged row by row. What the server refuses by rule is attempted, and
//! leaves nothing but its refusal; the same harm is then done in the way in which it can happen: a gateway that runs what
//! nobody released, glass that is broken, an administrator alone, sources that fall silent, records that disagree. Codes
//! that no ledger of this server can have are judged on forged entries: `crates/verify/tests/it/planted*.rs`.

mod acts;
mod pack;

use crate::approvals_server::cast::Who;
use acts::{HOUR, Stage, Wanted};
use deedbook::audit::Unread;
use deedbook_verify::detail::ReviewOutcome;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::{Digest, Index, SubjectId};
use std::collections::BTreeSet;

const DAY: u64 = 24 * HOUR;

/// Approvals: what is attempted against them is refused, and done behind their back.
fn approvals(stage: &Stage) -> Wanted {
    let (desk, (bob, carol, alice, agent)) = (&stage.desk, stage.people());
    // Alice answers for the agent, and approves nothing of its. Bob does, and it runs as it was asked.
    let good = desk.export();
    desk.refused("her own agent", desk.vote(&alice, good, Decision::Approve), "CONFLICT_OWNER");
    desk.done(desk.vote(&bob, good, Decision::Approve));
    let changed = desk.cast.redemption(&agent, &desk.seen(good), Digest([7; 32]), desk.head());
    desk.refused("other parameters", changed, "ACTION_DIGEST_MISMATCH");
    desk.done(desk.redemption(&agent, good));
    stage.reports(&agent, good, true, false);
    // So the gateway runs other parameters without asking anybody.
    let unasked = stage.unasked_export();
    // What waits runs, and is approved behind its run; what was denied runs.
    let late = desk.export();
    let ran_early = stage.claims(late);
    let approved = desk.done(desk.vote(&bob, late, Decision::Approve)).first_index;
    let denied = desk.export();
    let no = desk.done(desk.vote(&carol, denied, Decision::Deny)).first_index;
    let ran_denied = stage.claims(denied);
    vec![
        ("T01", unasked.0, "NOT_EVALUATED"),
        ("T14", unasked.0, "NO_APPROVAL"),
        ("T01", ran_early.0, "NO_APPROVAL"),
        ("T14", ran_early.0, "NO_APPROVAL"),
        ("T01", approved.0 + 1, "LATE"),
        ("T02", no.0 + 1, "RAN_AFTER_DENIAL"),
        ("T01", ran_denied.0, "NO_APPROVAL"),
        ("T14", ran_denied.0, "NO_APPROVAL"),
    ]
}

/// Exports that say nothing, too little, or wrote from nowhere; and one of which nobody says how it ended.
fn exports(stage: &Stage) -> Wanted {
    let (desk, (bob, _, _, agent)) = (&stage.desk, stage.people());
    let mut wanted = Vec::new();
    let kinds = [(false, false, "NO_LINEAGE"), (true, false, "ORPHAN_OUTPUT"), (true, true, "OBJECTS_OMITTED")];
    for (touched, omitted, code) in kinds {
        let id = desk.submit(&agent, &stage.wish_from_nowhere());
        desk.done(desk.vote(&bob, id, Decision::Approve));
        wanted.push(("T14", stage.starts(&agent, id).0, code));
        stage.reports(&agent, id, touched, omitted);
    }
    let id = desk.export();
    desk.done(desk.vote(&bob, id, Decision::Approve));
    wanted.push(("T14", stage.starts(&agent, id).0, "NO_LINEAGE"));
    wanted.push(("T07", desk.seen(id).action.origin.index.0, "NO_COMPLETION"));
    wanted
}

/// Breaks the glass, runs, and says so; the request, and where it stands.
fn breaks(stage: &Stage, who: &Who) -> (SubjectId, Index) {
    let desk = &stage.desk;
    let (id, frame) = desk.cast.glass(who, &desk.cast.wish(who, "data.export", &[]), None);
    let broken = desk.done(frame).first_index;
    stage.starts(who, id);
    stage.reports(who, id, true, false);
    (id, broken)
}

/// Glass that is reviewed in time, too late, and by nobody.
fn glass(stage: &Stage) -> Wanted {
    let (desk, (bob, carol, ..)) = (&stage.desk, stage.people());
    let (timely, _) = breaks(stage, &bob);
    desk.refused("of one's own", desk.cast.review(&bob, timely, ReviewOutcome::Ratified), "CONFLICT_REQUESTER");
    desk.pass(HOUR);
    desk.done(desk.cast.review(&carol, timely, ReviewOutcome::Ratified));
    let (late, late_at) = breaks(stage, &bob);
    let (_, never_at) = breaks(stage, &desk.cast.person("rita"));
    desk.pass(73 * HOUR);
    desk.done(desk.cast.review(&carol, late, ReviewOutcome::Repudiated));
    vec![("T05", late_at.0, "LATE_REVIEW"), ("T05", never_at.0, "NO_REVIEW")]
}

/// One administrator governs alone, lets a key in, and approves.
fn governance(stage: &mut Stage) -> Wanted {
    let published = stage.publish();
    let (desk, agent, adm) = (&stage.desk, stage.people().3, stage.desk.cast.person("adm"));
    let gate = desk.cast.gateway("gate-two");
    let enrolled = desk.done(desk.cast.enrollment(&adm, &gate.key, gate.source)).first_index;
    let promoted = stage.promotes();
    let id = desk.export();
    let vote = desk.done(desk.vote(&adm, id, Decision::Approve)).first_index;
    desk.done(desk.redemption(&agent, id));
    stage.reports(&agent, id, true, false);
    vec![
        ("T06", published.0, "GOVERNED_ALONE"),
        ("T03", published.0, "GOVERNED_ALONE"),
        ("T08", enrolled.0, "GOVERNED_ALONE"),
        ("T04", promoted.0, "ORPHAN_GRANT"),
        ("T03", vote.0 + 1, "APPROVER_GOVERNS"),
    ]
}

/// Rows of the other tests' exceptions that nobody disposed of, as T13 has to have them.
fn undisposed(judged: &pack::Judged) -> BTreeSet<(String, u64)> {
    let of = |(test, found): (&String, &Vec<pack::Found>)| {
        // That access was not reviewed shows on the hundredth day, and there are thirty more.
        let fresh = |row: &&pack::Found| test == "T04" && row.code == "MISSED_REVIEW";
        let exceptions = found.iter().filter(|row| row.exception && row.code != "UNDISPOSED" && !fresh(row));
        exceptions.map(|row| (test.clone(), row.index)).collect::<Vec<_>>()
    };
    // One was: the policies of one alone, in T06.
    judged.found.iter().filter(|(test, _)| test.as_str() != "T06").flat_map(of).collect()
}

#[test]
fn a_quarter_is_judged_row_by_row() {
    let mut stage = Stage::set();
    // More than a year before: whoever has had a key since then has an old one at the end.
    stage.desk.pass(400 * DAY);
    let early = stage.early();
    let begins = stage.checkpoint();
    stage.fills();
    let from = stage.desk.cast.clock.wall();
    let mut wanted = vec![("T01", stage.starts(&stage.people().3, early).0, "BEFORE_INTERVAL")];
    wanted.extend(approvals(&stage));
    stage.desk.pass(DAY);
    wanted.extend(exports(&stage));
    stage.desk.pass(2 * DAY);
    wanted.extend(glass(&stage));
    stage.desk.pass(DAY);
    wanted.extend(governance(&mut stage));
    wanted.extend(stage.sources());
    wanted.extend(stage.oversight(from));
    // A review of access is due a hundred days behind what it covers.
    stage.desk.pass(101 * DAY);
    wanted.extend(stage.fresh());
    let judged = pack::judge(&stage, &begins, from);
    for (test, found) in &judged.found {
        let wanted: BTreeSet<(u64, &str)> =
            wanted.iter().filter(|(of, ..)| of == test).map(|(_, index, code)| (*index, *code)).collect();
        // Keys of before the interval are old; that nobody disposed of exceptions is looked at below.
        let looked_at = |row: &&pack::Found| row.code != "STALE_KEY" && row.code != "UNDISPOSED";
        let found: BTreeSet<(u64, &str)> =
            found.iter().filter(looked_at).map(|row| (row.index, row.code.as_str())).collect();
        assert_eq!(found, wanted, "{test}");
    }
    let old: Vec<u64> = judged.found["T08"].iter().filter(|row| row.code == "STALE_KEY").map(|row| row.index).collect();
    assert!(!old.is_empty() && old.iter().all(|index| *index < begins.0.0), "{old:?}");
    let of_nobody = judged.found["T13"].iter().filter(|row| row.code == "UNDISPOSED");
    let of_nobody: BTreeSet<(String, u64)> = of_nobody.map(|row| (row.stratum.clone(), row.index)).collect();
    assert_eq!(of_nobody, undisposed(&judged));
    // The policies said what the log says they said, as far as the interval tells.
    assert_eq!(judged.report.findings, Vec::new());
    assert!(judged.report.evaluations > 15, "{}", judged.report.evaluations);
    assert_eq!(judged.report.unread.keys().copied().collect::<Vec<_>>(), [Unread::BeforeInterval]);
    says_of_its_own(&judged.events);
    stage.desk.judge();
}

/// What kinds without a class in OCSF say stands in their events.
fn says_of_its_own(events: &[serde_json::Value]) {
    let stated = |kind: &str, what: &str| -> Vec<serde_json::Value> {
        let of_kind = events.iter().filter(|event| event["metadata"]["event_code"] == kind);
        of_kind.map(|event| event["unmapped"]["stated"][what].clone()).collect()
    };
    let disposed = stated("exception.disposed", "disposition");
    assert!(!disposed.is_empty());
    assert!(disposed.iter().all(|said| said["test"] == "T06" && said["code"] == "GOVERNED_ALONE"), "{disposed:?}");
    let compared = stated("reconciliation.completed", "reconciliation");
    let alone: Vec<_> = compared.iter().map(|said| (said["only_here"].as_u64(), said["only_there"].as_u64())).collect();
    assert_eq!(alone, [(Some(1), Some(0)), (Some(0), Some(1)), (Some(0), Some(0))]);
    let refused: Vec<_> = events.iter().filter(|event| event["unmapped"]["refused"]["refused_at"].is_u64()).collect();
    assert!(refused.len() >= 3 && refused.iter().all(|event| event["status_id"] == 2), "{refused:?}");
}
