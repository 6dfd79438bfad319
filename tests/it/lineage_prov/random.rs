//! Random documents: their facts make the graph that a second reading, written here, says; in a file beside others they
//! come back as they were.

use super::graph::{EX, agent, edges, entity, run, say};
use crate::lineage_fold::graph::{Said, Statements};
use crate::support::{Rng, cases, parallel, scaled};
use deedbook::lineage::EdgeKind;
use deedbook::lineage::prov::{self, Document, Export};
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Hash, LedgerId, TreeSize};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const SECTIONS: [(&str, [&str; 3]); 15] = [
    ("wasGeneratedBy", ["entity e", "activity a", ""]),
    ("used", ["activity a", "entity e", ""]),
    ("wasInformedBy", ["informed a", "informant a", ""]),
    ("wasStartedBy", ["activity a", "trigger e", "starter a"]),
    ("wasEndedBy", ["activity a", "trigger e", "ender a"]),
    ("wasInvalidatedBy", ["entity e", "activity a", ""]),
    ("wasDerivedFrom", ["generatedEntity e", "usedEntity e", "activity a"]),
    ("wasAttributedTo", ["entity e", "agent g", ""]),
    ("wasAssociatedWith", ["activity a", "agent g", "plan e"]),
    ("actedOnBehalfOf", ["delegate g", "responsible g", "activity a"]),
    ("wasInfluencedBy", ["influencee e", "influencer e", ""]),
    ("specializationOf", ["specificEntity e", "generalEntity e", ""]),
    ("alternateOf", ["alternate1 e", "alternate2 e", ""]),
    ("hadMember", ["collection e", "entity e", ""]),
    ("mentionOf", ["specificEntity e", "generalEntity e", ""]),
];

/// A second reading of the table in docs/LINEAGE.md.
fn expected(section: &str, ends: &[Option<String>; 3], said: &mut BTreeSet<Said>) {
    use EdgeKind::*;
    let mut add = |kind, from, to| {
        if from != to {
            said.insert((kind, from, to));
        }
    };
    match (section, ends) {
        ("wasGeneratedBy", [Some(e), Some(a), _]) => add(Generated, run(a), entity(e)),
        ("used", [Some(a), Some(e), _]) => add(Used, entity(e), run(a)),
        ("wasInformedBy", [Some(to), Some(from), _]) => add(Called, run(from), run(to)),
        ("wasStartedBy", [Some(a), trigger, starter]) => {
            trigger.iter().for_each(|e| add(Used, entity(e), run(a)));
            starter.iter().for_each(|by| add(Called, run(by), run(a)));
        }
        ("wasEndedBy", [Some(a), trigger, ender]) => {
            trigger.iter().for_each(|e| add(Influenced, entity(e), run(a)));
            ender.iter().for_each(|by| add(Influenced, run(by), run(a)));
        }
        ("wasInvalidatedBy", [Some(e), Some(a), _]) => add(Revoked, run(a), entity(e)),
        ("wasDerivedFrom", [made, used, by]) => {
            used.iter().zip(made).for_each(|(from, to)| add(Derived, entity(from), entity(to)));
            used.iter().zip(by).for_each(|(e, a)| add(Used, entity(e), run(a)));
            by.iter().zip(made).for_each(|(a, e)| add(Generated, run(a), entity(e)));
        }
        ("wasAttributedTo", [Some(e), Some(g), _]) => add(Performed, agent(g), entity(e)),
        ("wasAssociatedWith", [Some(a), by, plan]) => {
            by.iter().for_each(|g| add(Performed, agent(g), run(a)));
            plan.iter().for_each(|e| add(PlannedBy, entity(e), run(a)));
        }
        ("actedOnBehalfOf", [_, Some(for_whom), Some(a)]) => add(OnBehalf, agent(for_whom), run(a)),
        ("actedOnBehalfOf", [Some(by), Some(for_whom), None]) => add(OnBehalf, agent(for_whom), agent(by)),
        ("wasInfluencedBy", [Some(to), Some(from), _]) => add(Influenced, entity(from), entity(to)),
        ("specializationOf" | "mentionOf", [Some(e), Some(of), _]) => add(VersionOf, entity(e), entity(of)),
        ("alternateOf", [Some(one), Some(two), _]) => add(SameAs, entity(one), entity(two)),
        ("hadMember", [Some(all), Some(one), _]) => add(PartOf, entity(one), entity(all)),
        _ => {}
    }
}

/// Some relations as sections, and the edges that they are.
fn sections(rng: &mut Rng, said: &mut BTreeSet<Said>, prefix: &str) -> Map<String, Value> {
    let mut out = Map::new();
    for number in 0..rng.below(12) {
        let (section, ends) = rng.pick(&SECTIONS);
        let mut attributes = Map::new();
        let chosen = ends.map(|end| {
            let (name, kin) = end.split_once(' ').filter(|_| rng.percent(85))?;
            let local = format!("{kin}{}", rng.below(5));
            attributes.insert(format!("prov:{name}"), Value::from(format!("{prefix}:{local}")));
            Some(local)
        });
        if rng.percent(30) {
            let odd = ["\u{202e}", "\"", "\\", "<", "é", "\u{7f}", "日"][usize::try_from(rng.below(7)).unwrap()];
            attributes.insert(format!("{prefix}:note"), json!([odd, {"$": odd, "lang": "en"}, rng.below(9), true]));
        }
        expected(section, &chosen, said);
        let records = out.entry(*section).or_insert_with(|| json!({})).as_object_mut().unwrap();
        records.insert(format!("_:{number}"), Value::Object(attributes));
    }
    out
}

/// A document, some of it in bundles that bind the same or other prefixes, and its edges.
fn document(rng: &mut Rng) -> (Value, BTreeSet<Said>) {
    let mut said = BTreeSet::new();
    let prefix = *rng.pick(&["ex", "doc", "doc_1", "lin", "graph"]);
    let mut members = sections(rng, &mut said, prefix);
    members.insert("prefix".to_owned(), json!({prefix: EX, "more": "urn:more:"}));
    let mut bundles = Map::new();
    for number in 0..rng.below(3) {
        let inner = *rng.pick(&[prefix, "doc", "in"]);
        let mut bundle = sections(rng, &mut said, inner);
        if inner != prefix || rng.percent(50) {
            bundle.insert("prefix".to_owned(), json!({inner: EX}));
        }
        bundles.insert(format!("{prefix}:b{number}"), Value::Object(bundle));
    }
    if !bundles.is_empty() || rng.percent(10) {
        members.insert("bundle".to_owned(), Value::Object(bundles));
    }
    (Value::Object(members), said)
}

fn write(rng: &mut Rng, document: &Value) -> String {
    if rng.percent(50) { document.to_string() } else { serde_json::to_string_pretty(document).unwrap() }
}

#[test]
fn a_random_document_is_the_graph_that_it_means() {
    let count = scaled(300);
    parallel::run("PROV documents", count, |_, rng| {
        let (mut log, mut all) = (Statements::new("gateway"), BTreeSet::new());
        for _ in 0..3 {
            let (document, said) = document(rng);
            say(&mut log, &write(rng, &document));
            all.extend(said);
            assert_eq!(edges(&log.graph()), all, "{document}");
        }
    });
    cases("prov-graphs", count * 3);
}

/// A document without the prefixes of its bundles, which may be written out where they were seen from outside.
fn content(document: &Value) -> (Value, Vec<(String, Value)>) {
    let mut own = document.clone();
    let bundles = own.as_object_mut().unwrap().remove("bundle");
    let bundles = bundles.iter().flat_map(|bundles| bundles.as_object().unwrap().clone());
    let stripped = |(name, mut bundle): (String, Value)| {
        bundle.as_object_mut().unwrap().remove("prefix");
        (name, bundle)
    };
    (own, bundles.map(stripped).collect())
}

#[test]
fn documents_in_one_file_come_back_as_they_were() {
    let count = scaled(300);
    parallel::run("PROV files", count, |_, rng| {
        let documents: Vec<Value> = (0..=rng.below(4)).map(|_| document(rng).0).collect();
        let texts: Vec<String> = documents.iter().map(|document| write(rng, document)).collect();
        let file = |texts: &[String]| {
            let mut export = Export::new(LedgerId([1; 32]), TreeHead { size: TreeSize(9), root: Hash([3; 32]) });
            let write = |(index, text): (u64, &String)| {
                let read = Document::read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
                export.document(index, &prov::lifted(&read, text.as_bytes()))
            };
            let bundles: String = (7..).zip(texts).map(write).collect();
            bundles + &export.close()
        };
        let one = file(&texts);
        let back = prov::documents_of(one.as_bytes()).unwrap().expect("it is an export");
        let back: Vec<String> = back.into_iter().map(|text| String::from_utf8(text).unwrap()).collect();
        assert_eq!(back.len(), texts.len());
        for (text, back) in texts.iter().zip(&back) {
            let (before, after): (Value, Value) =
                (serde_json::from_str(text).unwrap(), serde_json::from_str(back).unwrap());
            assert_eq!(content(&after), content(&before));
            assert!(before.get("bundle").is_some() || text == back, "without bundles it is the same bytes");
            let things = |text: &str| {
                let read = Document::read(text.as_bytes()).unwrap();
                let mut things = read.things().list().to_vec();
                things.sort();
                (things, read.things().links_count())
            };
            assert_eq!(things(back), things(text));
        }
        assert_eq!(file(&back), one, "what came back goes out the same");
    });
    cases("prov-files", count);
}
