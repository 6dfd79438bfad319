//! The policy module judged from outside: the published table of outcomes, every rule of publication, and what must hold
//! for any set and any question.

mod lints;
mod properties;
mod table;

use super::{Lint, Party, PolicySet, Question, Resource, Source};
use crate::record::binding::{Nonce, PartyName};
use crate::record::canonical::{Json, Whole};
use deedbook_verify::detail::Reversibility;
use deedbook_verify::words::Ref;
use std::collections::{BTreeMap, BTreeSet};

fn team_ref(name: &str) -> Ref {
    let digest = blake3::hash(name.as_bytes());
    Ref(digest.as_bytes()[..16].try_into().unwrap())
}

fn publish(text: &str) -> Result<PolicySet, Vec<Lint>> {
    publish_with(text, None)
}

fn publish_with(text: &str, schema: Option<&str>) -> Result<PolicySet, Vec<Lint>> {
    let source = Source { text: text.to_owned(), schema: schema.map(str::to_owned) };
    PolicySet::publish(&source, &|name| Ok(team_ref(name)))
}

fn set(text: &str) -> PolicySet {
    publish(text).unwrap_or_else(|lints| panic!("{}", lints.iter().map(Lint::to_string).collect::<Vec<_>>().join("\n")))
}

fn party(name: &str) -> Party {
    Party::named(PartyName::parse(name).unwrap(), "acme")
}

/// An agent of acme exports `rows` rows of customers to `destination`.
fn export(rows: Option<u32>, destination: &str, classification: &str) -> Question {
    let rows = rows.map(|rows| ("rows".to_owned(), Json::Number(Whole::from(rows))));
    Question {
        nonce: Nonce([7; 16]),
        action: "data.export".to_owned(),
        principal: party("agent:a1"),
        on_behalf_of: Vec::new(),
        resource: Resource::parse("dataset:customers@v42", "acme", Some(classification)).unwrap(),
        destination: Some(destination.to_owned()),
        environment: "production".to_owned(),
        reversibility: Reversibility::Irreversible,
        dataset_sources: vec!["dataset:customers@v42".to_owned()],
        params: Json::Object(rows.into_iter().collect::<BTreeMap<String, Json>>()),
    }
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}
