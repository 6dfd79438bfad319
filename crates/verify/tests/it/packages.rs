//! Evidence packages judged from outside: whole ones hold and are the same twice; every way of bending one is caught, each
//! malformed package by its own code.

use crate::encode::{Key, id16, kind};
use crate::ledger::{Draft, Ledger, enroll, event, with};
use crate::naive_tree::{H, hex, root, sha256};
use crate::package_maker::{
    BUSY, Memory, Plan, code, edges, entries_of, full, put_entries, received, reseal, rows, scaled, seed, verify,
};
use crate::world::plain;
use deedbook_verify::package::{Adding, BodyShown, Filter, Nonce, PackageCode, Question, Redaction, TestId, Verdict};
use deedbook_verify::words::{Micros, TreeSize};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::BTreeSet;
use std::sync::LazyLock;

#[test]
fn any_interval_between_frames_holds_and_gives_the_same_bytes_twice() {
    let ledger = &*BUSY;
    let edges = edges(ledger);
    for (at, begins) in edges.iter().enumerate() {
        // A period behind the interval's first entry takes an entry to be in it.
        for ends in edges.iter().skip(at + 2) {
            let plan = Plan::of(ledger, *begins, *ends);
            let package = plan.write(ledger).unwrap_or_else(|refusal| panic!("{begins}..{ends}: {refusal}"));
            let shown = verify(ledger, &package).unwrap_or_else(|refusal| panic!("{begins}..{ends}: {refusal}"));
            assert_eq!(shown.rendered.counts.entries, (ends - begins) as u64);
            assert_eq!(entries_of(&package), ledger.entries()[*begins..*ends]);
            let from_genesis = shown.not_shown().iter().any(|text| text.contains("revocation"));
            assert_eq!(from_genesis, *begins > 0);
        }
    }
    let plan = Plan::of(ledger, edges[3], edges[12]);
    assert_eq!(plan.write(ledger), plan.write(ledger));
}

#[test]
fn nothing_that_happens_is_evidence_too() {
    let plan = Plan::of(&BUSY, 0, BUSY.placed.len()).asking(|question| {
        question.filter = Filter::parse("kind = prov.received").unwrap();
    });
    let package = plan.write(&BUSY).unwrap();
    let shown = verify(&BUSY, &package).unwrap();
    assert_eq!(shown.rendered.counts.listed, 0);
    assert!(rows(&package, "data/population.csv").is_empty());
    let verdict = |id: TestId| shown.rendered.tests.iter().find(|test| test.0 == id).unwrap().1;
    assert_eq!(verdict(TestId::T00), Verdict::Pass);
    assert_eq!(verdict(TestId::T02), Verdict::NotOperated);
    assert_eq!(verdict(TestId::T05), Verdict::NotOperated);
    assert_eq!(verdict(TestId::T18), Verdict::Indeterminate, "what is not decided is no pass");
    let result = String::from_utf8(package.0["data/tests/T05/result.json"].clone()).unwrap();
    assert!(result.contains("\"verdict\": \"not operated\""), "{result}");
}

#[test]
fn files_for_others_may_come_bit_by_bit() {
    let (plan, plain) = full();
    let package = plan.write_with(&BUSY, |finished| {
        finished.add_from("data/ocsf/events.jsonl", |file| {
            (0..50_000).try_for_each(|number| file.write_all(format!("{{\"n\":{number}}}\n").as_bytes()))
        })?;
        finished.add("data/report.html", b"<p>")?;
        assert!(finished.files().contains_key("data/ocsf/events.jsonl"));
        let refused = finished.add("data/tests/T01/more.csv", b"").unwrap_err();
        assert_eq!(refused.code, PackageCode::FileSurplus);
        Ok(())
    });
    let package = package.unwrap();
    assert_eq!(package.0.len(), plain.0.len() + 2);
    assert_eq!(package.0["data/ocsf/events.jsonl"].iter().filter(|byte| **byte == b'\n').count(), 50_000);
    assert_eq!(verify(&BUSY, &package).unwrap().unjudged, ["data/ocsf/events.jsonl", "data/report.html"]);
    let broken = plan.write_with(&BUSY, |finished| {
        finished.add_from("data/ocsf/events.jsonl", |_| Err(std::io::Error::other("no room")))
    });
    assert_eq!(broken.unwrap_err().code, PackageCode::Unwritten);
}

/// More files than are open at once while the entries are judged.
#[test]
fn files_for_others_are_rendered_at_once_and_each_is_hashed() {
    let (plan, _) = full();
    let text = |number: usize| (0..20_000 * (number % 3)).map(|line| format!("{number} {line}\n")).collect::<String>();
    let paths: Vec<String> = (0..20).map(|number| format!("data/oscal/{number:02}.json")).collect();
    let files = || (0..20).map(|number| (paths[number].as_str(), text(number)));
    let one_by_one =
        plan.write_with(&BUSY, |finished| files().try_for_each(|(path, text)| finished.add(path, text.as_bytes())));
    let at_once = plan.write_with(&BUSY, |finished| {
        let adding = |text: String| -> Adding<'_> { Box::new(move |file| file.write_all(text.as_bytes())) };
        finished.add_beside(files().map(|(path, text)| (path, adding(text))).collect())
    });
    let (one_by_one, at_once) = (one_by_one.unwrap(), at_once.unwrap());
    assert!(one_by_one == at_once, "which thread was faster shows nowhere");
    assert_eq!(verify(&BUSY, &at_once).unwrap().unjudged, paths);
    for path in &paths {
        let mut bent = at_once.clone();
        bent.0.get_mut(path).unwrap().push(b' ');
        assert_eq!(code(&BUSY, &bent), Some(PackageCode::FileHash), "{path}");
    }
    let broken = plan.write_with(&BUSY, |finished| {
        let fails: Adding<'_> = Box::new(|_| Err(std::io::Error::other("no room")));
        let writes: Adding<'_> = Box::new(|file| file.write_all(b"whole"));
        finished.add_beside(vec![("data/report.html", writes), ("data/workbook.xlsx", fails)])
    });
    let refusal = broken.unwrap_err();
    assert_eq!((refusal.code, refusal.file.as_str()), (PackageCode::Unwritten, "data/workbook.xlsx"));
}

#[test]
fn bodies_are_opened_withheld_or_erased_and_counted() {
    let (plan, package) = full();
    let bodies = verify(&BUSY, &package).unwrap().rendered.bodies;
    let opened = plan.bodies.values().filter(|body| matches!(body, BodyShown::Opened { .. })).count() as u64;
    assert!(opened > 0 && bodies.opened == opened && bodies.erased == plan.bodies.len() as u64 - opened);
    assert!(bodies.withheld > 0);
    let redacted = plan.asking(|question| question.redaction = Redaction::Bodies).write(&BUSY).unwrap();
    assert!(!redacted.0.contains_key("data/bodies.bin"));
    assert_eq!(verify(&BUSY, &redacted).unwrap().rendered.bodies.opened, 0);
}

#[test]
fn the_interval_reaches_over_the_edge_of_the_period() {
    let edges = edges(&BUSY);
    let plan =
        Plan::of(&BUSY, edges[4], edges[8]).asking(|question| question.period.from = Micros(received(&BUSY, edges[4])));
    assert_eq!(plan.write(&BUSY).unwrap_err().code, PackageCode::Edge);
    let cut = Plan::of(&BUSY, edges[4], edges[8]);
    assert!(verify(&BUSY, &cut.write(&BUSY).unwrap()).unwrap().rendered.is_cut(), "nothing behind the period");
    let mut reaching = cut.clone();
    reaching.question.period.to = Micros(received(&BUSY, edges[7]));
    assert!(!verify(&BUSY, &reaching.write(&BUSY).unwrap()).unwrap().rendered.is_cut());
    for inside in [edges[4] + 1, edges[4] + 2] {
        if !edges.contains(&inside) {
            let plan = Plan::of(&BUSY, inside, edges[8]);
            assert_eq!(plan.write(&BUSY).unwrap_err().code, PackageCode::Entry, "frames are whole");
        }
    }
}

/// What is done to a list of entries.
type Mutation<'a> = (&'a str, &'a dyn Fn(&mut Vec<Vec<u8>>));

proptest! {
    #![proptest_config(ProptestConfig { cases: scaled(60), rng_seed: RngSeed::Fixed(seed()), ..ProptestConfig::default() })]

    /// Intervals times what can be done to entries: all of it is caught, with manifests that agree.
    #[test]
    fn entries_that_are_dropped_doubled_swapped_bent_or_cut_are_caught(
        begins in 0usize..20, length in 3usize..12, at in any::<prop::sample::Index>(), byte in any::<prop::sample::Index>(), bit in 0u8..8,
    ) {
        let edges = edges(&BUSY);
        let (from, to) = (edges[begins], edges[(begins + length).min(edges.len() - 1)]);
        let good = Plan::of(&BUSY, from, to).write(&BUSY).unwrap();
        let entries = entries_of(&good);
        let at = at.index(entries.len() - 1);
        let mutations: [Mutation<'_>; 5] = [
            ("drop", &|entries| { entries.remove(at); }),
            ("duplicate", &|entries| { let entry = entries[at].clone(); entries.insert(at, entry); }),
            ("swap", &|entries| entries.swap(at, at + 1)),
            ("edit", &|entries| { let place = byte.index(entries[at].len()); entries[at][place] ^= 1 << bit; }),
            ("truncate", &|entries| entries.truncate(at)),
        ];
        for (what, mutate) in mutations {
            let mut package = good.clone();
            let mut bent = entries.clone();
            mutate(&mut bent);
            put_entries(&mut package, &bent);
            prop_assert!(code(&BUSY, &package).is_some(), "{what} at {at} of {from}..{to}");
        }
        println!("cases: intervals {}", mutations.len());
    }

    /// Any byte of any file: caught whether the manifests are made anew or not; and nothing panics.
    #[test]
    fn no_byte_of_a_package_can_be_changed(
        file in any::<prop::sample::Index>(), byte in any::<prop::sample::Index>(), bit in 0u8..8, anew in any::<bool>(),
    ) {
        static FULL: LazyLock<Memory> = LazyLock::new(|| full().1);
        let mut package = FULL.clone();
        let path = file.get(&package.0.keys().cloned().collect::<Vec<_>>()).clone();
        let bytes = package.0.get_mut(&path).unwrap();
        let place = byte.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let manifests = ["manifest-sha256.txt", "tagmanifest-sha256.txt", "bag-info.txt"];
        if anew && !manifests.contains(&path.as_str()) {
            reseal(&mut package);
        }
        prop_assert!(code(&BUSY, &package).is_some(), "{path} byte {place}");
        println!("cases: bytes 1");
    }
}

#[test]
fn samples_are_drawn_again_by_hand() {
    let nonce = "00112233445566778899aabbccddeeff";
    let plan = Plan::of(&BUSY, 0, BUSY.placed.len()).asking(|question| question.nonce = Nonce::from_hex(nonce));
    let package = plan.write(&BUSY).unwrap();
    let population = sha256(&[&package.0["data/population.csv"]]);
    let seed = sha256(&[b"sample/v1", &root(&BUSY.leaves()), &population, &crate::naive_tree::unhex(nonce)]);
    let hmac = |message: &[u8]| -> H {
        let pad = |with: u8| -> Vec<u8> { (0..64).map(|at| seed.get(at).copied().unwrap_or(0) ^ with).collect() };
        sha256(&[&pad(0x5c), &sha256(&[&pad(0x36), message])])
    };
    let mut wanted = Vec::new();
    let listed = rows(&package, "data/population.csv");
    let kinds: BTreeSet<&String> = listed.iter().map(|row| &row[3]).collect();
    for kind in kinds {
        let of_kind = listed.iter().filter(|row| row[3] == *kind).map(|row| row[0].parse::<u64>().unwrap());
        let mut draws: Vec<(H, u64)> = of_kind.map(|index| (hmac(&index.to_be_bytes()), index)).collect();
        draws.sort_unstable();
        for (rank, (draw, index)) in draws.iter().take(3).enumerate() {
            wanted.push(vec![(rank + 1).to_string(), index.to_string(), hex(draw), kind.clone(), String::new()]);
        }
    }
    assert_eq!(rows(&package, "data/samples.csv"), wanted);
    let larger = plan.asking(|question| question.sample = 5).write(&BUSY).unwrap();
    let kept: BTreeSet<_> = rows(&larger, "data/samples.csv").into_iter().collect();
    assert!(wanted.iter().all(|row| kept.contains(row)), "a larger sample keeps the smaller one");
}

#[test]
fn filters_have_one_form_and_take_what_they_say() {
    for text in [
        "all",
        "kind = execution.reported",
        "kind != genesis and author in asker,ledger",
        "actor_kind = agent and action_type in dataset.export,a.b and outcome = succeeded and environment = prod",
        &format!("source = {0} and object = {0} and request = {0} and policy_digest = {0}{0}", "0f".repeat(16)),
    ] {
        assert_eq!(Filter::parse(text).map(|filter| filter.to_string()).as_deref(), Ok(text));
    }
    for text in [
        "",
        "kind",
        "kind =",
        "kind = ",
        "kind = nothing",
        "kind == genesis",
        "kind =  genesis",
        "All",
        "all ",
        "kind = genesis and",
        "kind = genesis or kind = genesis",
        "kind in genesis,",
        "wrong = genesis",
        "outcome = denied2",
        &format!("source = {}", "0F".repeat(16)),
        "action_type = A",
        "kind = genesis\n",
    ] {
        assert!(Filter::parse(text).is_err(), "{text:?}");
    }
    let taken = |filter: &str| {
        let plan =
            Plan::of(&BUSY, 0, BUSY.placed.len()).asking(|question| question.filter = Filter::parse(filter).unwrap());
        rows(&plan.write(&BUSY).unwrap(), "data/population.csv")
            .into_iter()
            .map(|row| row[3].clone())
            .collect::<Vec<_>>()
    };
    let all = taken("all");
    assert_eq!(all.len(), BUSY.placed.len());
    assert_eq!(taken("kind = key.rotated"), ["key.rotated"]);
    let [is, is_not] =
        ["action_type = dataset.export", "action_type != dataset.export"].map(|filter| taken(filter).len());
    assert!(is > 0 && is + is_not == all.len());
    assert_eq!(taken("author = ledger"), ["genesis", "command.refused"]);
    assert_eq!(taken("data_class = pii").len(), is);
}

#[test]
fn questions_have_one_form() {
    let question = Plan::of(&BUSY, 0, 5).question;
    let text = question.to_text();
    assert_eq!(Question::parse(&text), Ok(question.clone()));
    for (old, new) in [
        ("interval 0 5", "interval 00 5"),
        ("interval 0 5", "interval 5 5"),
        ("sample 3", "sample 10001"),
        ("nonce none", "nonce 0011"),
        ("redact none", "redact some"),
        ("framework soc2", "framework soc1"),
        ("from ", "from  "),
        ("deedbook.package/1", "deedbook.package/2"),
    ] {
        assert!(text.contains(old));
        assert!(Question::parse(&text.replacen(old, new, 1)).is_err(), "{new}");
    }
    let empty = Question { ends: TreeSize(0), ..question };
    assert!(Question::parse(&empty.to_text()).is_err());
}

#[test]
fn what_stood_before_is_judged() {
    let edges = edges(&BUSY);
    let begins = edges[12];
    let plan = Plan::of(&BUSY, begins, edges[16]);
    let shown = |change: &dyn Fn(&mut deedbook_verify::package::Start)| {
        let mut package = plan.write(&BUSY).unwrap();
        let mut start = crate::package_maker::start(&BUSY, begins);
        change(&mut start);
        package.0.insert("data/start.bin".into(), start.to_bytes());
        reseal(&mut package);
        code(&BUSY, &package)
    };
    assert_eq!(shown(&|_| ()), None);
    assert_eq!(shown(&|start| drop(start.entries.remove(1))), Some(PackageCode::Before), "the enrollment");
    assert_eq!(shown(&|start| drop(start.entries.pop())), Some(PackageCode::Before));
    assert_eq!(shown(&|start| start.entries.swap(0, 1)), Some(PackageCode::Before));
    assert_eq!(shown(&|start| start.entries[1].1[40] ^= 1), Some(PackageCode::Before));
    // What stands behind a command is judged by nothing but the tree.
    assert_eq!(shown(&|start| start.entries[2].1[20] ^= 1), Some(PackageCode::Before));
    assert_eq!(shown(&|start| start.hashes.truncate(start.hashes.len() - 1)), Some(PackageCode::Before));
    assert_eq!(shown(&|start| start.frontier.swap(0, 1)), Some(PackageCode::Frontier));
    // The command in vain and its refusal stand there; without the refusal it would have taken effect.
    let vain = crate::package_maker::start(&BUSY, begins).entries.len();
    assert!(vain >= 4, "genesis, enrollment and neighbours, a refused command and its refusal: {vain}");
}

#[test]
fn a_key_that_was_not_let_in_by_then_signs_nothing() {
    let mut ledger = Ledger::new("ledger.example/late");
    let (gate, source) = (Key::named("late gate"), id16("late gate"));
    ledger.command(with(event(kind::DATA_ACCESSED, "first"), &[]));
    ledger.append(Draft::by(&gate, source, vec![plain("too early")]));
    ledger.command(enroll("let in", &gate.wire(), &source));
    let refusal = Plan::of(&ledger, 0, ledger.placed.len()).write(&ledger).unwrap_err();
    assert_eq!(refusal.code, PackageCode::Entry, "{refusal}");
    let plan = Plan::of(&ledger, 1, ledger.placed.len());
    assert_eq!(plan.write(&ledger).unwrap_err().code, PackageCode::Entry);
}
