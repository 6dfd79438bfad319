//! Exports with planted faults, and how people decided: T14 and T17, row by row.

use crate::encode::{id16, seed};
use crate::governed::person;
use crate::ledger::with;
use crate::naive_tree::hex;
use crate::package_maker::{Memory, Plan, rows, verify};
use crate::quarter::{Asked, HOUR, Office};
use deedbook_verify::package::{TestId, Verdict};

fn package_of(office: &Office, plan: Plan) -> Memory {
    let package = plan.write(&office.ledger).unwrap_or_else(|refusal| panic!("{refusal}"));
    verify(&office.ledger, &package).unwrap_or_else(|refusal| panic!("{refusal}"));
    package
}

fn judged(package: &Memory, test: &str) -> Vec<(usize, String)> {
    let rows = rows(package, &format!("data/tests/{test}/population.csv"));
    rows.into_iter().map(|row| (row[1].parse().unwrap(), row[9].clone())).collect()
}

fn verdict(office: &Office, package: &Memory, test: TestId) -> Verdict {
    let shown = verify(&office.ledger, package).unwrap();
    shown.rendered.tests.iter().find(|row| row.0 == test).unwrap().1
}

const INPUT: [u8; 2] = [1, 1];
const OUTPUT: [u8; 2] = [1, 2];

fn objects(all: &[([u8; 2], &str)]) -> Vec<u8> {
    all.iter().flat_map(|(role, name)| [role.as_slice(), &id16(name)].concat()).collect()
}

/// The gateway reports what a run read and wrote.
fn report(office: &mut Office, asked: &Asked, touched: &[([u8; 2], &str)], more: &[(u16, &[u8])]) -> usize {
    let actor = [&[2], person("agent").as_slice()].concat();
    let mut facts =
        office.statement(0x0200, &[(0x0010, &actor), (0x0023, &[3]), (0x0027, &asked.request), (0x0028, &asked.grant)]);
    if !touched.is_empty() {
        facts = with(facts, &[(0x0031, &objects(touched))]);
    }
    office.gate(with(facts, more))
}

#[test]
fn exports_are_approved_and_have_an_origin() {
    let mut office = Office::new();
    let pair = [(INPUT, "customers"), (OUTPUT, "extract")];
    let mut wanted = Vec::new();
    let mut run = |office: &mut Office, name: &str, by: &str, touched: &[([u8; 2], &str)], code: &str| {
        let asked = office.approved(name, by);
        wanted.push((office.run(&asked), code.to_owned()));
        report(office, &asked, touched, &[]);
    };
    run(&mut office, "good", "ron", &pair, "");
    run(&mut office, "self", "rita", &pair, "SELF_APPROVAL");
    run(&mut office, "orphan", "ron", &pair[1..], "ORPHAN_OUTPUT");
    run(&mut office, "silent", "ron", &[], "NO_LINEAGE");
    let cut = office.approved("cut", "ron");
    wanted.push((office.run(&cut), "OBJECTS_OMITTED".to_owned()));
    report(&mut office, &cut, &pair[1..], &[(0x0032, &7_u32.to_be_bytes())]);
    let elsewhere = office.approved("elsewhere", "ron");
    wanted.push((office.run_as(&elsewhere, seed("another destination"), None), "DIGEST_MISMATCH".to_owned()));
    report(&mut office, &elsewhere, &pair, &[]);
    // Whoever did not redeem the grant says nothing of its run.
    let borrowed = office.approved("borrowed", "ron");
    wanted.push((office.run(&borrowed), "NO_LINEAGE".to_owned()));
    let facts = office.statement(0x0200, &[(0x0027, &borrowed.request), (0x0031, &objects(&pair))]);
    office.by("ron", facts);
    // No gate released it.
    let facts = office.statement(0x0201, &[(0x0020, b"data.export"), (0x0031, &objects(&pair))]);
    wanted.push((office.gate(facts), "NO_APPROVAL".to_owned()));
    let facts = office.statement(0x0201, &[(0x0020, b"data.exported"), (0x0031, &objects(&pair))]);
    office.gate(facts);
    let glass = office.break_glass("by glass", "ron");
    let started = (glass.index..office.ledger.placed.len())
        .find(|index| office.ledger.placed[*index].facts[&1] == [0, 0x0d])
        .unwrap();
    wanted.push((started, "NO_LINEAGE".to_owned()));
    let package = package_of(&office, office.plan());
    assert_eq!(judged(&package, "T14"), wanted);
    assert_eq!(verdict(&office, &package, TestId::T14), Verdict::Fail);
    let control = rows(&package, "data/controls.csv").into_iter().find(|row| row[0] == "CC6.7").unwrap();
    assert_eq!(control[1], "fail");
}

#[test]
fn an_honest_export_passes_and_what_began_before_is_open() {
    let mut office = Office::new();
    let early = office.approved("early", "ron");
    let begins = office.ledger.placed.len();
    office.wait(HOUR / 100);
    let asked = office.approved("within", "ron");
    office.run(&asked);
    report(&mut office, &asked, &[(INPUT, "customers"), (OUTPUT, "extract")], &[]);
    let package = package_of(&office, office.plan());
    assert_eq!(verdict(&office, &package, TestId::T14), Verdict::Pass);
    office.run(&early);
    let mut plan = Plan::of(&office.ledger, begins, office.ledger.placed.len());
    plan.policies = office.texts.clone();
    let package = package_of(&office, plan);
    assert_eq!(judged(&package, "T14").len(), 1);
    assert_eq!(verdict(&office, &package, TestId::T14), Verdict::Indeterminate, "whether the other was an export");
}

#[test]
fn how_people_decide_is_counted_by_person() {
    let mut office = Office::new();
    const SECOND: u64 = 1_000_000;
    for (name, by, after, decision) in
        [("a", "ron", 4, 1), ("b", "ron", 40, 1), ("c", "ron", 90, 2), ("d", "sam", 5, 2), ("e", "sam", 700, 3)]
    {
        let asked = office.ask(name, false);
        // What is less than a second counts, too; the ledger takes a thousandth to receive.
        office.wait(after * SECOND + 7);
        office.vote(&asked, by, decision);
    }
    let package = package_of(&office, office.plan());
    let mut table = rows(&package, "data/tests/T17/approvers.csv");
    table.sort_by_key(|row| row[0] != hex(&person("ron")));
    let row = |name: &str, rest: &[&str]| {
        let person = hex(&person(name));
        [person.as_str()].iter().chain(rest).map(|cell| (*cell).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(table[0], row("ron", &["2", "1", "0", "333", "1", "4.001007", "40.001007", "90.001007"]));
    assert_eq!(table[1], row("sam", &["0", "1", "1", "1000", "0", "5.001007", "5.001007", "700.001007"]));
    let strata: Vec<String> =
        rows(&package, "data/tests/T17/population.csv").into_iter().map(|row| row[5].clone()).collect();
    assert_eq!(strata, ["approve", "approve", "deny", "deny", "abstain"]);
    assert_eq!(verdict(&office, &package, TestId::T17), Verdict::Pass);
    let of_act = office.plan().asking(|question| question.framework = deedbook_verify::package::Framework::EuAiAct);
    let act = package_of(&office, of_act);
    let control = rows(&act, "data/controls.csv").into_iter().find(|row| row[0] == "Art.14(4)(b)").unwrap();
    assert_eq!(control[1], "for information", "nobody is judged by it");
}
