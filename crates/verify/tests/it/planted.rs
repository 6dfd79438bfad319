//! A quarter with planted violations, judged row by row: each test finds what was planted for it, and nothing else.

use crate::encode::{Key, id16, kind, seed, tag};
use crate::governed::{declared, founded, grant, key_of, person, publish};
use crate::ledger::{Draft, Ledger, enroll, revoke};
use crate::package_maker::{Memory, Plan, rows, verify};
use crate::quarter::{HOUR, Office};
use deedbook_verify::package::{PackageCode, TestId, Verdict};

/// Index, verdict and code of each row.
fn judged(package: &Memory, test: &str, file: &str) -> Vec<(usize, String, String)> {
    let rows = rows(package, &format!("data/tests/{test}/{file}.csv"));
    rows.into_iter().map(|row| (row[1].parse().unwrap(), row[8].clone(), row[9].clone())).collect()
}

fn population(package: &Memory, test: &str) -> Vec<(usize, String, String)> {
    judged(package, test, "population")
}

fn row(index: usize, verdict: &str, code: &str) -> (usize, String, String) {
    (index, verdict.to_owned(), code.to_owned())
}

fn exception(index: usize, code: &str) -> (usize, String, String) {
    row(index, "exception", code)
}

fn pass(index: usize) -> (usize, String, String) {
    row(index, "pass", "")
}

fn package_of(office: &Office) -> Memory {
    let package = office.plan().write(&office.ledger).unwrap_or_else(|refusal| panic!("{refusal}"));
    verify(&office.ledger, &package).unwrap_or_else(|refusal| panic!("{refusal}"));
    package
}

fn verdict(office: &Office, package: &Memory, test: TestId) -> Verdict {
    let shown = verify(&office.ledger, package).unwrap();
    shown.rendered.tests.iter().find(|row| row.0 == test).unwrap().1
}

#[test]
fn approvals_are_judged_row_by_row() {
    let mut office = Office::new();
    let mut wanted = Vec::new();
    let good = office.approved("good", "ron");
    wanted.push(pass(office.run(&good)));
    office.report(&good);
    for (name, by, code) in [("self", "rita", "SELF_APPROVAL"), ("office", "alice", "NO_ROLE")] {
        let asked = office.approved(name, by);
        wanted.push(exception(office.run(&asked), code));
        office.report(&asked);
    }
    let changed = office.approved("changed", "ron");
    wanted.push(exception(office.run_as(&changed, seed("something else"), None), "DIGEST_MISMATCH"));
    let stale = office.approved("stale policy", "ron");
    wanted.push(exception(office.run_as(&stale, stale.action, Some("policy one")), "WRONG_POLICY"));
    let twice = office.approved("twice", "ron");
    wanted.push(pass(office.run(&twice)));
    wanted.push(exception(office.run(&twice), "REUSED"));
    let mut late = office.ask("late", true);
    wanted.push(exception(office.run(&late), "NO_APPROVAL"));
    let revision = office.vote(&late, "ron", 1);
    let besides = exception(office.resolve(&mut late, 1, &[("ron", revision)]), "LATE");
    let mut denied = office.ask("denied", true);
    office.vote(&denied, "ron", 2);
    office.resolve(&mut denied, 2, &[]);
    wanted.push(exception(office.run(&denied), "NO_APPROVAL"));
    let mut claimed = office.ask("claimed", false);
    claimed.grant.clear();
    wanted.push(exception(office.report(&claimed), "NO_APPROVAL"));
    let expired = office.approved("expired", "ron");
    office.wait(2 * HOUR);
    wanted.push(exception(office.run(&expired), "EXPIRED"));
    let outside = office.statement(0x0200, &[(0x0010, &[&[2], person("agent").as_slice()].concat()), (0x0023, &[3])]);
    wanted.push(row(office.gate(outside), "indeterminate", "NOT_EVALUATED"));
    let package = package_of(&office);
    assert_eq!(population(&package, "T01"), wanted);
    let mut exceptions: Vec<_> = wanted.iter().filter(|row| row.1 == "exception").cloned().chain([besides]).collect();
    exceptions.sort();
    assert_eq!(judged(&package, "T01", "exceptions"), exceptions);
    assert_eq!(verdict(&office, &package, TestId::T01), Verdict::Fail);
    let first = &rows(&package, "data/tests/T01/population.csv")[0];
    let ron = crate::naive_tree::hex(&person("ron"));
    assert_eq!(
        (first[5].as_str(), first[12].as_str(), first[13].as_str()),
        ("dataset.export", ron.as_str(), "reviewer")
    );
    assert_eq!(first[3], crate::package_maker::leaf_hex(&office.ledger.placed[wanted[0].0].bytes()));
}

#[test]
fn an_honest_office_passes() {
    let mut office = Office::new();
    let asked = office.approved("honest", "ron");
    office.run(&asked);
    office.report(&asked);
    let package = package_of(&office);
    for test in [TestId::T00, TestId::T01, TestId::T07, TestId::T11, TestId::T15] {
        assert_eq!(verdict(&office, &package, test), Verdict::Pass, "{}", test.name());
    }
    assert_eq!(verdict(&office, &package, TestId::T02), Verdict::NotOperated);
}

#[test]
fn what_was_denied_must_not_run() {
    let mut office = Office::new();
    let mut wanted = Vec::new();
    for (name, runs) in [("stays", false), ("runs", true)] {
        let mut asked = office.ask(name, true);
        office.vote(&asked, "ron", 2);
        let ended = office.resolve(&mut asked, 2, &[]);
        wanted.push(if runs { exception(ended, "RAN_AFTER_DENIAL") } else { pass(ended) });
        if runs {
            office.run(&asked);
        }
    }
    assert_eq!(population(&package_of(&office), "T02"), wanted);
}

#[test]
fn duties_roles_keys_and_policies_in_one_hand_are_found() {
    let mut office = Office::new();
    let asked = office.approved("by the administrator", "alice");
    office.approved("by a reviewer", "ron");
    let package = package_of(&office);
    // Genesis, the gate's key, the agent, two policies, carol.
    let alone = |index| exception(index, "GOVERNED_ALONE");
    assert_eq!(population(&package, "T06"), [alone(3), alone(4)]);
    assert_eq!(population(&package, "T04"), [exception(5, "ORPHAN_GRANT")]);
    assert_eq!(population(&package, "T08")[0], alone(1));
    let approval = |index: usize| office.ledger.placed[index].facts[&tag::KIND] == [0, 8];
    let resolved: Vec<usize> = (asked.index..office.ledger.placed.len()).filter(|index| approval(*index)).collect();
    let wanted = [alone(3), alone(4), exception(resolved[0], "APPROVER_GOVERNS"), pass(resolved[1])];
    assert_eq!(population(&package, "T03"), wanted);
}

#[test]
fn two_administrators_are_enough() {
    let mut ledger = founded(&[("alice", 1), ("bob", 1), ("rita", 2)]);
    let text = b"policy".to_vec();
    let digest = *blake3::hash(&text).as_bytes();
    let mut facts = publish("policy");
    facts.insert(0x0022, digest.to_vec());
    ledger.append(Draft::by(&key_of("alice"), person("alice"), vec![facts]));
    let command = crate::encode::facts(&ledger.placed[1].facts);
    let until = ledger.received + HOUR;
    let vote = crate::governed::ballot(&ledger.id, &command, until, (person("bob"), &key_of("bob")), 1);
    ledger.append(Draft::by(&key_of("bob"), person("bob"), vec![vote]));
    let mut plan = Plan::of(&ledger, 0, ledger.placed.len());
    plan.policies.insert(deedbook_verify::words::Digest(digest), text.clone());
    let package = plan.write(&ledger).unwrap();
    verify(&ledger, &package).unwrap();
    assert_eq!(population(&package, "T06"), [pass(2)], "at the vote that put it in force");
    assert_eq!(package.0[&format!("data/policies/{}.json", crate::naive_tree::hex(&digest))], text);
    plan.policies.clear();
    assert_eq!(plan.write(&ledger).unwrap_err().code, PackageCode::Policy);
    plan.policies.insert(deedbook_verify::words::Digest(digest), b"another text".to_vec());
    assert_eq!(plan.write(&ledger).unwrap_err().code, PackageCode::Policy);
}

#[test]
fn what_one_governs_by_break_glass_is_found() {
    let mut ledger = founded(&[("alice", 1), ("bob", 1), ("rita", 2)]);
    let text = b"policy".to_vec();
    let digest = *blake3::hash(&text).as_bytes();
    let mut published = publish("policy");
    published.insert(0x0022, digest.to_vec());
    let gate = Key::named("gate");
    ledger.append(Draft::by(&key_of("bob"), person("bob"), vec![revoke("own", &key_of("bob").id())]));
    for facts in [published, enroll("gate", &gate.wire(), &id16("gate")), grant("rita", 1)] {
        ledger.append(Draft::by(&key_of("alice"), person("alice"), vec![declared(facts, &[])]));
    }
    let mut plan = Plan::of(&ledger, 0, ledger.placed.len());
    plan.policies.insert(deedbook_verify::words::Digest(digest), text);
    let package = plan.write(&ledger).unwrap();
    verify(&ledger, &package).unwrap();
    assert_eq!(population(&package, "T06"), [exception(2, "GOVERNED_ALONE")]);
    assert_eq!(population(&package, "T08")[0], exception(3, "GOVERNED_ALONE"));
    assert_eq!(population(&package, "T04"), [exception(4, "ORPHAN_GRANT")]);
}

#[test]
fn a_swapped_policy_file_is_named() {
    let office = Office::new();
    let mut package = package_of(&office);
    let paths: Vec<String> = package.0.keys().filter(|path| path.starts_with("data/policies/")).cloned().collect();
    let [one, two] = [&paths[0], &paths[1]].map(|path| package.0[path].clone());
    package.0.insert(paths[0].clone(), two);
    package.0.insert(paths[1].clone(), one);
    crate::package_maker::reseal(&mut package);
    assert_eq!(verify(&office.ledger, &package).unwrap_err().code, PackageCode::Policy);
}

#[test]
fn break_glass_is_reviewed_by_another_in_time() {
    let mut office = Office::new();
    let mut wanted = Vec::new();
    for (name, by, after, code) in [
        ("in time", Some("sam"), HOUR, None),
        ("too late", Some("sam"), 73 * HOUR, Some("LATE_REVIEW")),
        ("by oneself", Some("ron"), HOUR, Some("SELF_REVIEW")),
        ("by nobody", None, 73 * HOUR, Some("NO_REVIEW")),
    ] {
        let asked = office.break_glass(name, "ron");
        office.wait(after);
        if let Some(by) = by {
            office.review(&asked, by);
        }
        wanted.push(code.map_or(pass(asked.index), |code| exception(asked.index, code)));
    }
    let fresh = office.break_glass("just now", "ron");
    wanted.push(row(fresh.index, "indeterminate", "NOT_DUE"));
    let package = package_of(&office);
    assert_eq!(population(&package, "T05"), wanted);
    assert!(population(&package, "T01").is_empty(), "T05 judges them");
    let reviews: Vec<String> = population(&package, "T03").into_iter().skip(2).map(|row| row.2).collect();
    assert_eq!(reviews, ["", "", "SELF_REVIEW"]);
}

#[test]
fn requests_and_runs_come_to_an_end() {
    let mut office = Office::new();
    let ended = office.approved("ended", "ron");
    office.run(&ended);
    office.report(&ended);
    let unreported = office.approved("unreported", "ron");
    office.run(&unreported);
    let forgotten = office.ask("forgotten", false);
    office.wait(25 * HOUR);
    let waiting = office.ask("waiting", false);
    let wanted = [
        pass(ended.index),
        exception(unreported.index, "NO_COMPLETION"),
        exception(forgotten.index, "DANGLING"),
        row(waiting.index, "indeterminate", "NOT_DUE"),
    ];
    assert_eq!(population(&package_of(&office), "T07"), wanted);
}

#[test]
fn silent_and_lossy_sources_are_found() {
    let mut office = Office::new();
    ["steady", "mute", "lossy"].iter().for_each(|name| office.enroll(name));
    for name in ["steady", "mute", "lossy"] {
        let opened = office.statement(kind::SOURCE_OPENED, &[]);
        office.source(name, 1, opened);
    }
    office.wait(HOUR / 2);
    let beat = office.statement(kind::SOURCE_HEARTBEAT, &[]);
    office.source("steady", 2, beat);
    let gap = [(tag::GAP_FROM, 2_u64.to_be_bytes()), (tag::GAP_TO, 9_u64.to_be_bytes())];
    let gap = office.statement(kind::SOURCE_GAP, &[(gap[0].0, &gap[0].1), (gap[1].0, &gap[1].1)]);
    office.source("lossy", 9, gap);
    office.wait(HOUR / 2 + HOUR / 4);
    let late = office.statement(kind::SOURCE_HEARTBEAT, &[]);
    let late = office.source("mute", 2, late);
    for (name, sequence) in [("steady", 3), ("mute", 3), ("lossy", 10)] {
        let closed = office.statement(0x0213, &[]);
        office.source(name, sequence, closed);
    }
    office.wait(5 * HOUR);
    office.gate(office.statement(kind::DATA_ACCESSED, &[(0x0010, &[&[1; 17][..]].concat()), (0x0023, &[3])]));
    let package = package_of(&office);
    let mut sources = rows(&package, "data/tests/T10/population.csv");
    sources.sort_by_key(|row| row[1].parse::<usize>().unwrap());
    let found: Vec<(String, &str)> = sources.iter().map(|row| (row[12].clone(), row[9].as_str())).collect();
    let hex = |name: &str| crate::naive_tree::hex(&id16(name));
    assert_eq!(found, [(hex("steady"), ""), (hex("mute"), "SILENCE"), (hex("lossy"), "GAP_DECLARED")]);
    assert_eq!(judged(&package, "T10", "exceptions")[0], exception(late, "SILENCE"));
}

#[test]
fn times_and_blank_fields_are_found() {
    let mut office = Office::new();
    let actor = [&[2], person("agent").as_slice()].concat();
    let gate =
        |office: &mut Office, facts| office.ledger.append(Draft::by(&Key::named("gate"), id16("gate"), vec![facts]));
    let mut skewed = office.statement(kind::DATA_ACCESSED, &[(0x0010, &actor), (0x0023, &[3])]);
    skewed.insert(tag::OCCURRED, (office.ledger.received - 2 * HOUR).to_be_bytes().to_vec());
    let skewed = gate(&mut office, skewed);
    let zoneless = office.statement(kind::DATA_ACCESSED, &[(0x0010, &actor), (0x0023, &[3]), (0x0009, &[1])]);
    let zoneless = gate(&mut office, zoneless);
    let blank = office.statement(kind::DATA_ACCESSED, &[(0x0010, &actor)]);
    let blank = gate(&mut office, blank);
    // Who acts stands in the command of the request that a record names; without either nobody does.
    let of_request = office.statement(kind::DATA_ACCESSED, &[(0x0023, &[3]), (0x0027, &id16("request"))]);
    gate(&mut office, of_request);
    let nobody = office.statement(kind::DATA_ACCESSED, &[(0x0023, &[3])]);
    let nobody = gate(&mut office, nobody);
    let package = package_of(&office);
    let found = judged(&package, "T11", "exceptions");
    // Genesis' own time is the ledger's; its commands are stated when they are received.
    assert_eq!(found, [exception(skewed, "SKEW"), exception(zoneless, "NO_ZONE")]);
    assert_eq!(
        judged(&package, "T15", "exceptions"),
        [exception(blank, "BLANK_FIELD"), exception(nobody, "BLANK_FIELD")]
    );
}

#[test]
fn a_missing_event_spoils_the_package() {
    let mut office = Office::new();
    office.enroll("probe");
    for sequence in 1..4 {
        let beat = office.statement(kind::SOURCE_HEARTBEAT, &[]);
        office.source("probe", sequence, beat);
    }
    let mut ledger: Ledger = office.ledger.clone();
    ledger.placed.remove(ledger.placed.len() - 2);
    let plan = Plan { policies: office.texts.clone(), ..Plan::of(&ledger, 0, ledger.placed.len()) };
    // Even whoever holds the head key, and signs a tree without it, is found out.
    assert_eq!(plan.write(&ledger).unwrap_err().code, PackageCode::Entry);
}

#[test]
fn what_began_before_the_interval_is_no_pass() {
    let mut office = Office::new();
    let early = office.approved("early", "ron");
    let begins = office.ledger.placed.len();
    office.wait(HOUR / 100);
    let within = office.approved("within", "ron");
    let (one, two) = (office.run(&early), office.run(&within));
    office.report(&within);
    let mut plan = Plan::of(&office.ledger, begins, office.ledger.placed.len());
    plan.policies = office.texts.clone();
    let package = plan.write(&office.ledger).unwrap();
    let shown = verify(&office.ledger, &package).unwrap();
    assert_eq!(population(&package, "T01"), [row(one, "indeterminate", "BEFORE_INTERVAL"), pass(two)]);
    assert_eq!(shown.rendered.tests.iter().find(|row| row.0 == TestId::T01).unwrap().1, Verdict::Indeterminate);
    assert_eq!(shown.rendered.policies, 1, "the one in force; the one before it is gone");
}
