//! What people stated and what the ledger refused, as tables of a package: who, what, over which window, and whether it counts.

use crate::governed::person;
use crate::naive_tree::hex;
use crate::package_maker::{Memory, reseal, rows, verify};
use crate::planted_oversight::{disposal, review, said};
use crate::quarter::{HOUR, Office};
use deedbook_verify::package::{PackageCode, TestId};

/// As it stands on the wire.
const NOT_ELIGIBLE: u16 = 20;

fn columns(package: &Memory, file: &str, from: usize) -> Vec<Vec<String>> {
    rows(package, &format!("data/{file}.csv")).into_iter().map(|row| row[from..].to_vec()).collect()
}

fn texts(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

#[test]
fn statements_stand_in_tables_with_their_words_and_windows() {
    let mut office = Office::new();
    let day = 24 * HOUR;
    office.wait(10 * day);
    let now = office.ledger.received;
    let log = review(&mut office, "ron", 2, (now - 9 * day, now - day));
    let relayed = said(&office, 0x0220, "sam", (now - day, now), &[(0x0180, &[1]), (0x0181, &[2])]);
    let relayed = office.gate(relayed);
    let answer = disposal(&office, (6, 3, "governed_alone"));
    let answer = office.by("ron", answer);
    let broken = office.break_glass("fire", "rita");
    let looked_at = office.review(&broken, "sam");
    // A vote that is refused has no effect, and says the same as one that counts.
    let asked = office.ask("export", false);
    office.vote(&asked, "ron", 1);
    let vote = office.ledger.placed.len() - 1;
    let refused_at = office.ledger.refuse(NOT_ELIGIBLE);
    let revision = office.vote(&asked, "sam", 1);
    let counted = office.ledger.placed.len() - 1;
    office.resolve(&mut asked.clone(), 1, &[("sam", revision)]);
    let plan = office.plan();
    let package = plan.write(&office.ledger).unwrap_or_else(|refusal| panic!("{refusal}"));
    let shown = verify(&office.ledger, &package).unwrap_or_else(|refusal| panic!("{refusal}"));
    let time = |micros: u64| deedbook_verify::calendar::rfc3339(deedbook_verify::words::Micros(micros));
    let who = |name: &str| hex(&person(name));
    let (from, until) = (time(now - 9 * day), time(now - day));
    let wanted = [
        texts(&["yes", &who("ron"), "yes", "log", &from, &until, "1", "", "nothing_found"]),
        texts(&[
            "yes",
            &who("sam"),
            "no: it is not signed by the person's own key",
            "access",
            &until,
            &time(now),
            "1",
            "",
            "findings",
        ]),
        texts(&["yes", &who("sam"), "yes", "break_glass", "", "", "", &hex(&broken.request), "ratified"]),
    ];
    assert_eq!(columns(&package, "reviews", 4), wanted);
    let at = |file: &str| -> Vec<usize> {
        rows(&package, &format!("data/{file}.csv")).iter().map(|row| row[0].parse().unwrap()).collect()
    };
    assert_eq!(at("reviews"), [log, relayed, looked_at]);
    assert_eq!(at("dispositions"), [answer]);
    let wanted = texts(&[&who("ron"), "yes", "T06", "GOVERNED_ALONE", "3", "accepted"]);
    assert_eq!(columns(&package, "dispositions", 5), [wanted]);
    assert_eq!(at("refusals"), [vote]);
    let wanted = texts(&[
        "vote.cast",
        &who("ron"),
        &who("ron"),
        &hex(&asked.request),
        "approve",
        "NOT_ELIGIBLE",
        &refused_at.to_string(),
    ]);
    assert_eq!(columns(&package, "refusals", 5), [wanted]);
    // The listing tells the two votes apart, and T17 knows one.
    let listed = |index: usize| {
        let rows = rows(&package, "data/population.csv");
        rows.into_iter().find(|row| row[0] == index.to_string()).unwrap().pop().unwrap()
    };
    assert_eq!((listed(vote), listed(counted)), ("NOT_ELIGIBLE".to_owned(), String::new()));
    let decisions = shown.rendered.tests.iter().find(|row| row.0 == TestId::T17).unwrap().2;
    assert_eq!(decisions, 1);
}

#[test]
fn a_table_with_another_word_in_it_is_refused() {
    let mut office = Office::new();
    let now = office.ledger.received;
    review(&mut office, "ron", 2, (now - HOUR, now));
    let answer = disposal(&office, (6, 3, "governed_alone"));
    office.by("ron", answer);
    let asked = office.ask("export", false);
    office.vote(&asked, "ron", 2);
    office.ledger.refuse(NOT_ELIGIBLE);
    let package = office.plan().write(&office.ledger).unwrap();
    for (file, word, other) in [
        ("data/reviews.csv", "nothing_found", "findings"),
        ("data/dispositions.csv", "accepted", "remediated"),
        ("data/refusals.csv", "deny", "approve"),
    ] {
        let mut bent = Memory(package.0.clone());
        let text = String::from_utf8(bent.0[file].clone()).unwrap();
        assert!(text.contains(word), "{text}");
        bent.0.insert(file.to_owned(), text.replace(word, other).into_bytes());
        reseal(&mut bent);
        let refusal = verify(&office.ledger, &bent).unwrap_err();
        assert_eq!((refusal.code, refusal.file.as_str()), (PackageCode::Result, file));
    }
}
