//! What a document is, and what is none: by field, limit and remedy.

use deedbook::limits::{BODY_BYTES_MAX, PROV_BUNDLES_MAX, PROV_NAME_BYTES_MAX, PROV_RECORDS_MAX, PROV_THINGS_MAX};
use deedbook::lineage::prov::{Class, Document, Thing};
use deedbook::record::line::LineError;

fn refusal(text: &str) -> LineError {
    Document::read(text.as_bytes()).map(|_| ()).expect_err(text)
}

fn things(text: &str) -> Vec<Thing> {
    let mut things =
        Document::read(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}")).things().list().to_vec();
    things.sort();
    things
}

fn thing(class: Class, iri: &str) -> Thing {
    Thing { class, iri: iri.to_owned() }
}

/// A document that binds `ex`.
fn with(sections: &str) -> String {
    format!(r#"{{"prefix":{{"ex":"http://example.org/"}},{sections}}}"#)
}

#[test]
fn names_are_iris_whatever_their_prefix() {
    let entity = |iri: &str| vec![thing(Class::Artifact, iri)];
    let rows = [
        (with(r#""entity":{"ex:e":{}}"#), "http://example.org/e"),
        (r#"{"prefix":{"default":"http://d/"},"entity":{"e":{}}}"#.to_owned(), "http://d/e"),
        (r#"{"prefix":{"a":"http://d/"},"entity":{"a:x/y:z":{}}}"#.to_owned(), "http://d/x/y:z"),
        (with(r#""entity":{"http://example.org/e":{}}"#), "http://example.org/e"),
        (r#"{"entity":{"prov:e":{}}}"#.to_owned(), "http://www.w3.org/ns/prov#e"),
        (with(r#""bundle":{"ex:b":{"prefix":{"ex":"http://inner/"},"entity":{"ex:e":{}}}}"#), "http://inner/e"),
        (with(r#""bundle":{"ex:b":{"entity":{"ex:e":{}}}}"#), "http://example.org/e"),
    ];
    for (text, iri) in rows {
        assert_eq!(things(&text), entity(iri), "{text}");
    }
    let two = r#"{"prefix":{"a":"http://d/","b":"http://d/x/"},"entity":{"a:x/e":{},"b:e":{}}}"#;
    assert_eq!(things(two), entity("http://d/x/e"), "one IRI is one thing");
}

#[test]
fn agents_are_what_their_type_says() {
    let typed = |value: &str| with(&format!(r#""agent":{{"ex:a":{{"prov:type":{value}}}}}"#));
    let rows = [
        (r#"{"$":"prov:Person","type":"xsd:QName"}"#, Class::Person),
        (r#"{"$":"prov:Person","type":"prov:QUALIFIED_NAME"}"#, Class::Person),
        (r#"["ex:Odd",{"$":"prov:Organization","type":"xsd:QName"}]"#, Class::Team),
        (r#""prov:SoftwareAgent""#, Class::Agent),
        (r#"{"$":"ex:Person","type":"xsd:QName"}"#, Class::Agent),
        (r#"5"#, Class::Agent),
    ];
    for (value, class) in rows {
        assert_eq!(things(&typed(value)), [thing(class, "http://example.org/a")], "{value}");
    }
    // It was said to be a person further down, and in a bundle.
    let late = with(
        r#""wasAttributedTo":{"_:1":{"prov:agent":"ex:a"}},
        "bundle":{"ex:b":{"agent":{"ex:a":{"prov:type":{"$":"prov:Person","type":"xsd:QName"}}}}}"#,
    );
    assert_eq!(things(&late), [thing(Class::Person, "http://example.org/a")]);
}

#[test]
fn what_is_no_document_is_refused_by_field() {
    let rows = [
        ("[]", ""),
        ("{\"entity\":{}", ""),
        (r#"{"entity":[]}"#, "entity"),
        (r#"{"entity":{},"entity":{}}"#, "entity"),
        (r#"{"prefix":{"ex":1}}"#, "prefix.ex"),
        (r#"{"prefix":{"ex":""}}"#, "prefix.ex"),
        (r#"{"prefix":{"ex":"http://x/","ex":"http://y/"}}"#, "prefix.ex"),
        (r#"{"wasEndedby":{}}"#, "wasEndedby"),
        (r#"{"entities":{}}"#, "entities"),
        (r#"{"entity":{"ex:e":{}}}"#, "entity.ex:e"),
        (r#"{"entity":{"e":{}}}"#, "entity.e"),
        (r#"{"entity":{"":{}}}"#, "entity."),
        (r#"{"entity":{"_:e":{}}}"#, "entity._:e"),
        (&with(r#""entity":{"ex:e":{},"ex:e":{}}"#), "entity.ex:e"),
        (&with(r#""entity":{"ex:e":7}"#), "entity.ex:e"),
        (&with(r#""entity":{"ex:e":[7]}"#), "entity.ex:e"),
        (&with(r#""entity":{"ex:e":{"no:a":1}}"#), "entity.ex:e.no:a"),
        (&with(r#""entity":{"ex:e":{"ex:a":null}}"#), "entity.ex:e.ex:a"),
        (&with(r#""entity":{"ex:e":{"ex:a":[[1]]}}"#), "entity.ex:e.ex:a"),
        (&with(r#""entity":{"ex:e":{"ex:a":{"type":"xsd:int"}}}"#), "entity.ex:e.ex:a"),
        (&with(r#""entity":{"ex:e":{"ex:a":{"$":{}}}}"#), "entity.ex:e.ex:a"),
        (&with(r#""entity":{"ex:e":{"ex:a":{"$":"1","kind":"x"}}}"#), "entity.ex:e.ex:a.kind"),
        (&with(r#""entity":{"ex:e":{"ex:a":{"$":"1","$":"2"}}}"#), "entity.ex:e.ex:a.$"),
        (&with(r#""activity":{"ex:a":{"prov:startTime":7}}"#), "activity.ex:a.prov:startTime"),
        (&with(r#""used":{"_:u":{"prov:entity":"no:e"}}"#), "used._:u.prov:entity"),
        (&with(r#""used":{"_:u":{"prov:entity":5}}"#), "used._:u.prov:entity"),
        (&with(r#""used":{"_:u":{"prov:entity":["ex:a","ex:b"]}}"#), "used._:u.prov:entity"),
        (&with(r#""used":{"_:u":{"prov:agent":["ex:a","ex:b"]}}"#), "used._:u.prov:agent"),
        (&with(r#""hadMember":{"_:m":{"prov:entity":[]}}"#), "hadMember._:m.prov:entity"),
        (&with(r#""bundle":{"b":{}}"#), "bundle.b"),
        (&with(r#""bundle":{"ex:b":{"bundle":{}}}"#), "bundle.ex:b.bundle"),
        (&with(r#""bundle":{"ex:b":{"entity":{"no:e":{}}}}"#), "bundle.ex:b.entity.no:e"),
        (&with(r#""bundle":{"ex:b":{"thing":{}}}"#), "bundle.ex:b.thing"),
    ];
    for (text, field) in rows {
        let refused = refusal(text);
        assert_eq!(refused.field, field, "{text}: {refused}");
        assert!(!refused.problem.is_empty() && !refused.remedy.is_empty(), "{refused:?}");
    }
}

#[test]
fn beyond_a_bound_the_bound_is_named() {
    let entities = |count: usize| (0..count).map(|at| format!(r#""ex:{at}":{{}}"#)).collect::<Vec<_>>().join(",");
    let things = with(&format!(r#""entity":{{{}}}"#, entities(PROV_THINGS_MAX + 1)));
    let records = vec!["{}"; PROV_RECORDS_MAX + 1].join(",");
    let records = with(&format!(r#""used":{{"_:1":[{records}]}}"#));
    let bundles = with(&format!(r#""bundle":{{{}}}"#, entities(PROV_BUNDLES_MAX + 1)));
    let name = with(&format!(r#""entity":{{"ex:{}":{{}}}}"#, "n".repeat(PROV_NAME_BYTES_MAX)));
    let whole = with(&format!(r#""entity":{{"ex:e":{{"ex:a":"{}"}}}}"#, "v".repeat(BODY_BYTES_MAX)));
    let bounds = [PROV_THINGS_MAX, PROV_RECORDS_MAX, PROV_BUNDLES_MAX, PROV_NAME_BYTES_MAX, BODY_BYTES_MAX];
    for (text, bound) in [things, records, bundles, name, whole].iter().zip(bounds) {
        let refused = refusal(text);
        assert!(refused.problem.contains(&bound.to_string()), "{refused}");
    }
    let fits = with(&format!(r#""entity":{{{}}}"#, entities(PROV_THINGS_MAX)));
    assert_eq!(self::things(&fits).len(), PROV_THINGS_MAX);
    // Deep and wide text ends early, whatever stands in it.
    let deep = with(&format!(r#""entity":{{"ex:e":{{"ex:a":{}1{}}}}}"#, "[".repeat(100_000), "]".repeat(100_000)));
    assert!(Document::read(deep.as_bytes()).is_err());
}
