//! Oversight and capture with planted faults: reviews that leave a part out or are nobody's, comparisons that do not agree,
//! erasures that reach back, sources that break their own promise.

use crate::encode::{Fields, id16, seed, tag};
use crate::ledger::event;
use crate::ledger::with;
use crate::package_maker::{Memory, Plan, rows, verify};
use crate::quarter::{HOUR, Office};
use deedbook_verify::package::{TestId, Verdict};
use deedbook_verify::words::Micros;

fn package_of(office: &Office, plan: Plan) -> Memory {
    let package = plan.write(&office.ledger).unwrap_or_else(|refusal| panic!("{refusal}"));
    verify(&office.ledger, &package).unwrap_or_else(|refusal| panic!("{refusal}"));
    package
}

fn codes(package: &Memory, test: &str, file: &str) -> Vec<(usize, String)> {
    let rows = rows(package, &format!("data/tests/{test}/{file}.csv"));
    rows.into_iter().map(|row| (row[1].parse().unwrap(), row[9].clone())).collect()
}

fn found(office: &Office, package: &Memory, test: TestId) -> Verdict {
    let shown = verify(&office.ledger, package).unwrap();
    shown.rendered.tests.iter().find(|row| row.0 == test).unwrap().1
}

/// A statement of oversight by a person, over a window.
pub fn said(office: &Office, kind: u16, who: &str, window: (u64, u64), more: &[(u16, &[u8])]) -> Fields {
    let facts = with(
        event(kind, ""),
        &[
            (0x000b, &[1_u64.to_be_bytes().as_slice(), &office.ledger.id].concat()),
            (0x0010, &[&[1], crate::governed::person(who).as_slice()].concat()),
            (0x0189, &[window.0.to_be_bytes(), window.1.to_be_bytes()].concat()),
        ],
    );
    with(facts, more)
}

pub fn review(office: &mut Office, who: &str, subject: u8, window: (u64, u64)) -> usize {
    let facts = said(office, 0x0220, who, window, &[(0x0180, &[subject]), (0x0181, &[1])]);
    office.by(who, facts)
}

#[test]
fn reviews_cover_the_period_and_are_somebodys() {
    let mut office = Office::new();
    let (start, day) = (office.ledger.received, 24 * HOUR);
    let begin = start - day;
    office.wait(day);
    let access = review(&mut office, "ron", 1, (begin, start + 2 * day));
    let first = review(&mut office, "ron", 2, (begin, start + day / 2));
    // The agent's key is the gateway's; a review that a gateway relays is nobody's own.
    let facts = said(&office, 0x0220, "sam", (begin, start + 2 * day), &[(0x0180, &[2]), (0x0181, &[1])]);
    let relayed = office.gate(facts);
    let package = package_of(&office, office.plan());
    // Carol's role came by one administrator alone.
    let wanted = [(5, "ORPHAN_GRANT".to_owned()), (access, String::new())];
    assert_eq!(codes(&package, "T04", "population"), wanted);
    let reviewed = |package: &Memory| -> Vec<(usize, String)> {
        let rows = rows(package, "data/tests/T13/population.csv");
        let log = rows.into_iter().filter(|row| row[5] == "log");
        log.map(|row| (row[1].parse().unwrap(), row[9].clone())).collect()
    };
    assert_eq!(reviewed(&package), [(first, String::new()), (relayed, "NO_ROLE".to_owned())]);
    let missed = (first, "MISSED_REVIEW".to_owned());
    assert!(
        !codes(&package, "T13", "exceptions").contains(&missed),
        "half a day is left out, and there is time for it"
    );
    office.wait(30 * day);
    beat(&mut office);
    let package = package_of(&office, office.plan());
    assert!(codes(&package, "T13", "exceptions").contains(&missed), "it was due");
    let second = review(&mut office, "sam", 2, (start + day / 4, start + 40 * day));
    let package = package_of(&office, office.plan());
    assert!(!codes(&package, "T13", "exceptions").contains(&missed));
    assert!(reviewed(&package).contains(&(second, String::new())));
    let relayed = rows(&package, "data/tests/T13/population.csv").into_iter().find(|row| row[9] == "NO_ROLE").unwrap();
    assert_eq!((relayed[5].as_str(), relayed[8].as_str()), ("log", "not counted"));
}

/// Reviews and comparisons of strangers are shown. They cover nothing, and no verdict is another one for them.
#[test]
fn what_strangers_state_neither_helps_nor_harms() {
    let day = 24 * HOUR;
    let told = |strangers: bool, reviewed: bool| {
        let mut office = Office::new();
        office.enroll("probe");
        let begin = office.ledger.received - day;
        office.wait(day);
        let from = Micros(office.ledger.received);
        office.wait(HOUR);
        let now = office.ledger.received;
        for subject in [1, 2].into_iter().filter(|_| strangers) {
            let facts = said(&office, 0x0220, "sam", (begin, now), &[(0x0180, &[subject]), (0x0181, &[1])]);
            office.gate(facts);
        }
        if strangers {
            let counts: Vec<u8> = [9_u64, 9, 0, 3].into_iter().flat_map(u64::to_be_bytes).collect();
            let record = [id16("a list").as_slice(), &seed("list")].concat();
            let more: [(u16, &[u8]); 4] =
                [(0x0185, &id16("probe")), (0x0186, &record), (0x0187, &counts), (0x0188, &seed("differences"))];
            let facts = said(&office, 0x0222, "ron", (begin, now), &more);
            office.gate(facts);
        }
        for subject in [1, 2].into_iter().filter(|_| reviewed) {
            review(&mut office, "ron", subject, (begin, now));
        }
        beat(&mut office);
        // What the beginning of the office breaks is not looked at: one alone governed there.
        let mut plan = office.plan();
        plan.question.period.from = from;
        let early = package_of(&office, plan);
        if !reviewed {
            office.wait(101 * day);
            beat(&mut office);
        }
        let mut plan = office.plan();
        plan.question.period.from = from;
        (early, package_of(&office, plan), office)
    };
    for reviewed in [true, false] {
        let ((_, plain, one), (early, package, two)) = (told(false, reviewed), told(true, reviewed));
        for test in [TestId::T04, TestId::T13, TestId::T16] {
            let name = test.name();
            let shown = rows(&package, &format!("data/tests/{name}/population.csv"));
            let shown: Vec<_> = shown.iter().filter(|row| row[9] == "NO_ROLE").collect();
            assert!(shown.len() == 1 && shown[0][8] == "not counted", "{name}: {shown:?}");
            assert!(counted(&package, name, "NO_ROLE"), "{name}");
            assert_eq!(found(&one, &plain, test), found(&two, &package, test), "{name}, reviewed: {reviewed}");
            if test != TestId::T16 {
                assert_ne!(found(&two, &early, test), Verdict::Fail, "{name}: nothing is due yet");
                let missed = codes(&package, name, "exceptions").iter().any(|(_, code)| code == "MISSED_REVIEW");
                assert_eq!(missed, !reviewed, "{name}");
            }
        }
        let missed = rows(&package, "data/tests/T13/exceptions.csv").into_iter().find(|row| row[9] == "MISSED_REVIEW");
        let of_stranger = rows(&package, "data/tests/T13/population.csv").into_iter().find(|row| row[9] == "NO_ROLE");
        // Where nobody's review counts, the one that does not is named.
        assert_eq!(missed.map(|row| row[10].clone()), of_stranger.filter(|_| !reviewed).map(|row| row[1].clone()));
    }
}

/// A review that was missed is an exception that somebody answers for, from the day on which it was due.
#[test]
fn a_missed_review_is_disposed_of_in_time_or_too_late() {
    let day = 24 * HOUR;
    let row_of = |waits: u64| {
        let mut office = Office::new();
        let born = crate::package_maker::received(&office.ledger, 0);
        office.wait(day);
        let now = office.ledger.received;
        let last = review(&mut office, "ron", 2, (born - 1, now));
        // It is due 30 days behind the review; so many days later somebody says why there is none.
        office.wait((30 + waits) * day);
        let facts = disposal(&office, (13, last as u64, "missed_review"));
        let said_at = office.by("ron", facts);
        let package = package_of(&office, office.plan());
        let row = rows(&package, "data/tests/T13/population.csv").into_iter().find(|row| row[5] == "T13").unwrap();
        assert_eq!((row[1].as_str(), row[10].as_str()), (last.to_string().as_str(), said_at.to_string().as_str()));
        row[9].clone()
    };
    assert_eq!((row_of(29), row_of(31)), (String::new(), "UNDISPOSED".to_owned()));
}

/// What somebody says of an exception: test, index, code.
pub fn disposal(office: &Office, (test, index, code): (u8, u64, &str)) -> Fields {
    let exception = [[test].as_slice(), &index.to_be_bytes()].concat();
    let more: [(u16, &[u8]); 3] = [(0x0182, &exception), (0x0183, code.as_bytes()), (0x0184, &[1])];
    let mut facts = said(office, 0x0221, "ron", (1, 2), &more);
    [0x0189, 0x000b].iter().for_each(|tag| drop(facts.remove(tag)));
    facts.extend(crate::governed::body(Fields::new()));
    facts
}

fn beat(office: &mut Office) {
    let beat = office.statement(0x0201, &[]);
    office.gate(beat);
}

/// Whether the result of a test counts something under a code.
fn counted(package: &Memory, test: &str, code: &str) -> bool {
    let files = &package.0;
    let result = String::from_utf8(files[&format!("data/tests/{test}/result.json")].clone()).unwrap();
    result.contains(&format!("\"{code}\": "))
}

#[test]
fn no_review_is_due_before_a_month_or_a_quarter_of_the_ledger_are_over() {
    let mut office = Office::new();
    let (genesis, day) = (crate::package_maker::received(&office.ledger, 0), 24 * HOUR);
    // A quarter of which the ledger saw the last days.
    let quarter = |office: &Office, open: bool| {
        let mut plan = office.plan();
        plan.question.period.from.0 = genesis - 80 * day;
        plan.question.period.to = Micros(office.ledger.received + if open { 10 * day } else { 0 });
        package_of(office, plan)
    };
    office.wait(10 * day);
    beat(&mut office);
    for test in ["T04", "T13"] {
        let package = quarter(&office, false);
        assert!(codes(&package, test, "exceptions").iter().all(|(_, code)| code != "MISSED_REVIEW"), "{test}");
        assert!(counted(&package, test, "NOT_DUE"), "{test}");
    }
    assert_eq!(found(&office, &quarter(&office, false), TestId::T13), Verdict::Indeterminate);
    // What lies ahead of a review was not reviewed, whatever it says.
    let mut ahead = Office::new();
    ahead.wait(10 * day);
    let (born, now) = (crate::package_maker::received(&ahead.ledger, 0), ahead.ledger.received);
    review(&mut ahead, "ron", 2, (born - 1, now + 400 * day));
    ahead.wait(40 * day);
    beat(&mut ahead);
    assert!(counted(&package_of(&ahead, ahead.plan()), "T13", "MISSED_REVIEW"), "nobody reviewed the last 40 days");
    // From genesis on it was reviewed: what is younger is not due, and while the period goes on it leaves nothing open.
    let now = office.ledger.received;
    review(&mut office, "ron", 1, (genesis - 1, now));
    office.wait(day);
    beat(&mut office);
    assert!(counted(&quarter(&office, false), "T04", "NOT_DUE"));
    assert!(!counted(&quarter(&office, true), "T04", "NOT_DUE"));
    office.wait(20 * day);
    beat(&mut office);
    let package = quarter(&office, true);
    assert!(!counted(&package, "T04", "MISSED_REVIEW"), "access is reviewed by quarters");
    assert!(counted(&package, "T13", "MISSED_REVIEW"), "nobody reviewed the log for 31 days");
    office.wait(80 * day);
    beat(&mut office);
    assert!(counted(&quarter(&office, true), "T04", "MISSED_REVIEW"), "110 days behind the only review");
}

#[test]
fn exceptions_are_disposed_of_in_time() {
    let mut office = Office::new();
    // Two policies by one alone, at 3 and 4: T06 and T03 find both. One of the four is disposed of.
    let facts = disposal(&office, (6, 3, "governed_alone"));
    let said_at = office.by("ron", facts);
    let rows_of = |package: &Memory| -> Vec<(String, String, String)> {
        let rows = rows(package, "data/tests/T13/population.csv");
        let of = rows.into_iter().filter(|row| ["T03", "T06"].contains(&row[5].as_str()));
        of.map(|row| (row[5].clone(), row[9].clone(), row[10].clone())).collect()
    };
    let wanted = |open: &str| {
        let row = |test: &str, code: &str, at: String| (test.to_owned(), code.to_owned(), at);
        let none = String::new;
        vec![
            row("T03", open, none()),
            row("T03", open, none()),
            row("T06", "", said_at.to_string()),
            row("T06", open, none()),
        ]
    };
    assert_eq!(rows_of(&package_of(&office, office.plan())), wanted("NOT_DUE"));
    office.wait(31 * 24 * HOUR);
    let beat = office.statement(0x0201, &[]);
    office.gate(beat);
    let package = package_of(&office, office.plan());
    assert_eq!(rows_of(&package), wanted("UNDISPOSED"));
    assert!(codes(&package, "T13", "exceptions").contains(&(4, "UNDISPOSED".to_owned())));
}

#[test]
fn comparisons_agree_or_say_on_which_side_something_is_alone() {
    let mut office = Office::new();
    office.enroll("probe");
    office.enroll("other");
    for name in ["probe", "other"] {
        let opened = office.statement(0x0210, &[]);
        office.source(name, 1, opened);
    }
    let opened_other = office.ledger.placed.len() - 1;
    let day = (office.ledger.received - 24 * HOUR, office.ledger.received);
    let compared = |office: &mut Office, only: (u64, u64)| {
        let counts: Vec<u8> = [10, 10, only.0, only.1].into_iter().flat_map(u64::to_be_bytes).collect();
        let record = [id16("gateway counter").as_slice(), &seed("list")].concat();
        let more: [(u16, &[u8]); 4] =
            [(0x0185, &id16("probe")), (0x0186, &record), (0x0187, &counts), (0x0188, &seed("differences"))];
        let facts = said(office, 0x0222, "ron", day, &more);
        office.by("ron", facts)
    };
    let equal = compared(&mut office, (0, 0));
    let there = compared(&mut office, (0, 3));
    let here = compared(&mut office, (2, 0));
    let package = package_of(&office, office.plan());
    let row = |index: usize, code: &str| (index, code.to_owned());
    let wanted =
        [row(equal, ""), row(there, "NOT_IN_LOG"), row(here, "NOT_IN_RECORD"), row(opened_other, "NOT_COMPARED")];
    assert_eq!(codes(&package, "T16", "population"), wanted);
}

#[test]
fn erasures_that_reach_back_before_the_interval_are_not_decided() {
    let mut office = Office::new();
    let mut early = office.statement(0x0201, &[]);
    early.extend(crate::governed::body(Fields::new()));
    let early = office.gate(early);
    let begins = office.ledger.placed.len();
    office.wait(HOUR);
    let mut within = office.statement(0x0201, &[]);
    within.extend(crate::governed::body(Fields::new()));
    let within = office.gate(within);
    let [one, two] = [early, within].map(|index| {
        let mut facts = crate::erasure::erase("", &[(index as u64, 1)]);
        facts.remove(&tag::EVENT_ID);
        office.by("alice", facts)
    });
    let mut plan = Plan::of(&office.ledger, begins, office.ledger.placed.len());
    plan.policies = office.texts.clone();
    let package = package_of(&office, plan);
    let wanted = [(one, "BEFORE_INTERVAL".to_owned()), (two, String::new())];
    assert_eq!(codes(&package, "T12", "population"), wanted);
    let whole = package_of(&office, office.plan());
    assert_eq!(found(&office, &whole, TestId::T12), Verdict::Pass);
}

#[test]
fn evidence_is_read_and_taken_out_by_those_who_may() {
    let mut office = Office::new();
    let read = |office: &mut Office, name: &str| {
        let facts = office.statement(
            0x0010,
            &[
                (tag::RULES, &[0, 1]),
                (0x0010, &[&[1], crate::governed::person(name).as_slice()].concat()),
                (0x0190, &[0_u64.to_be_bytes(), 1_u64.to_be_bytes()].concat()),
                (0x0191, &[0; 8]),
            ],
        );
        office.ledger.append_own(vec![facts])
    };
    let [alice, ron, nobody] = ["alice", "ron", "nobody"].map(|name| read(&mut office, name));
    let package = package_of(&office, office.plan());
    let none = |index: usize| (index, "NO_ROLE".to_owned());
    assert_eq!(codes(&package, "T09", "population"), [(alice, String::new()), none(ron), none(nobody)]);
}

#[test]
fn a_source_is_held_to_its_own_promise() {
    let mut office = Office::new();
    office.enroll("busy");
    let opened = office.statement(0x0210, &[(0x0132, &60_u32.to_be_bytes())]);
    office.source("busy", 1, opened);
    office.wait(HOUR / 30);
    let beat = office.statement(0x0211, &[]);
    let late = office.source("busy", 2, beat);
    let closed = office.statement(0x0213, &[]);
    office.source("busy", 3, closed);
    let package = package_of(&office, office.plan());
    assert_eq!(codes(&package, "T10", "exceptions")[0], (late, "SILENCE".to_owned()), "two minutes, one was promised");
}

/// Who never opened itself is in no population; the results name it, so that nobody takes its silence for a pass.
#[test]
fn sources_that_never_opened_themselves_are_named() {
    let mut office = Office::new();
    ["idle", "busy"].iter().for_each(|name| office.enroll(name));
    let opened = office.statement(0x0210, &[]);
    office.source("busy", 1, opened);
    beat(&mut office);
    let package = package_of(&office, office.plan());
    let notes = |test: &str| String::from_utf8(package.0[&format!("data/tests/{test}/result.json")].clone()).unwrap();
    let [gate, idle] = ["gate", "idle"].map(|name| crate::naive_tree::hex(&id16(name)));
    let (capture, compared) = (notes("T10"), notes("T16"));
    assert!(capture.contains(&format!("never opened themselves: 1 ({gate});")), "{capture}");
    assert!(capture.contains(&format!("stated nothing at all: 1 ({idle});")), "{capture}");
    assert!(compared.contains(&format!("were compared with nothing: 1 ({gate});")), "{compared}");
}
