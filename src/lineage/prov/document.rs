//! One PROV-JSON document, read and judged whole: `{"prefix": …, SECTION: {ID: {ATTRIBUTE: VALUE}}, "bundle": {ID: …}}`.
//! Bundles hold no bundles. Members that stand twice are refused, for nobody knows which one counts.

use super::graph::{Element, Kin, Things};
use super::scope::Scope;
use super::shapes::{self, ELEMENTS, NAMING, Role, Shape, TIMES};
use super::value;
use crate::limits::{BODY_BYTES_MAX, PROV_BUNDLES_MAX, PROV_INHERITED_BYTES_MAX, PROV_RECORDS_MAX};
use crate::record::line::LineError;
use crate::record::line::json::{self, Members};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A document that was read.
pub struct Document<'a> {
    pub(super) members: Members<'a>,
    pub(super) scope: Scope<'a>,
    pub(super) bundles: Vec<Bundle<'a>>,
    things: Things,
}

/// A bundle of a document.
pub(super) struct Bundle<'a> {
    pub id: Cow<'a, str>,
    pub members: Members<'a>,
    pub scope: Scope<'a>,
}

impl<'a> Document<'a> {
    /// Reads a document of at most `BODY_BYTES_MAX` bytes.
    pub fn read(bytes: &'a [u8]) -> Result<Document<'a>, LineError> {
        if bytes.len() > BODY_BYTES_MAX {
            let problem = format!("the document has {} bytes, more than the limit of {BODY_BYTES_MAX}", bytes.len());
            return Err(LineError::whole(problem, "split it into several documents"));
        }
        let members = json::document(bytes)?;
        let mut reading = Reading { things: Things::default(), records: 0 };
        let scope = Scope::read(&members, "", None)?;
        let bundles = bundles(&members, &scope)?;
        let contents = || std::iter::once((String::new(), &members, &scope)).chain(bundles.iter().map(Bundle::content));
        contents().try_for_each(|(path, members, scope)| reading.elements(members, &path, scope))?;
        reading.things.settle()?;
        contents().try_for_each(|(path, members, scope)| reading.relations(members, &path, scope))?;
        let things = reading.things;
        Ok(Document { members, scope, bundles, things })
    }

    /// What it names and says leads to what.
    pub fn things(&self) -> &Things {
        &self.things
    }
}

impl<'a> Bundle<'a> {
    fn content(&self) -> (String, &Members<'a>, &Scope<'a>) {
        (json::below("bundle", &self.id), &self.members, &self.scope)
    }
}

fn bundles<'a>(members: &Members<'a>, outer: &Scope<'a>) -> Result<Vec<Bundle<'a>>, LineError> {
    let Some(raw) = members.get("bundle") else { return Ok(Vec::new()) };
    let named = json::object(raw, "bundle")?.0;
    if named.len() > PROV_BUNDLES_MAX {
        let problem = format!("holds {} bundles, more than the limit of {PROV_BUNDLES_MAX}", named.len());
        return Err(LineError::new("bundle", problem, "split the document"));
    }
    let inherited_bytes = outer.own_bytes().saturating_mul(named.len());
    if inherited_bytes > PROV_INHERITED_BYTES_MAX {
        let problem = format!(
            "holds {} bundles that take the document's prefixes along, {inherited_bytes} bytes and more than the limit of \
             {PROV_INHERITED_BYTES_MAX}",
            named.len()
        );
        return Err(LineError::new("bundle", problem, "bind prefixes where they are needed"));
    }
    named.into_iter().map(|(id, raw)| bundle(id, raw, outer)).collect()
}

fn bundle<'a>(id: Cow<'a, str>, raw: &'a RawValue, outer: &Scope<'a>) -> Result<Bundle<'a>, LineError> {
    let path = json::below("bundle", &id);
    let members = json::object(raw, &path)?;
    let scope = Scope::read(&members, &path, Some(outer))?;
    scope.iri(&id, &path)?;
    if members.get("bundle").is_some() {
        let problem = "is a bundle in a bundle";
        return Err(LineError::new(&json::below(&path, "bundle"), problem, "move it out, beside the other"));
    }
    Ok(Bundle { id, members, scope })
}

/// A record: its attributes, and where it stands.
struct Record<'a> {
    id: Cow<'a, str>,
    attributes: Members<'a>,
    path: String,
}

struct Reading {
    things: Things,
    records: usize,
}

impl Reading {
    /// Declares the entities, activities and agents.
    fn elements(&mut self, members: &Members<'_>, path: &str, scope: &Scope<'_>) -> Result<(), LineError> {
        for (section, raw) in &members.0 {
            let kin = match section.as_ref() {
                "entity" => Kin::Entity,
                "activity" => Kin::Activity,
                "agent" => Kin::Agent,
                _ => continue,
            };
            for record in self.records(section, raw, path)? {
                let iri = scope.iri(&record.id, &record.path)?;
                let mut element = Element::new(kin);
                for (name, raw) in &record.attributes.0 {
                    let is_type = name == "prov:type" && kin == Kin::Agent;
                    let mut typed = |text: Cow<'_, str>| {
                        if let Some(class) = scope.resolve(&text).filter(|_| is_type) {
                            element.typed(&class);
                        }
                    };
                    attribute(name, raw, &record.path, scope, &mut typed)?;
                }
                self.things.declare(iri, element, &record.path)?;
            }
        }
        Ok(())
    }

    /// Takes in the relations, once everything that is declared is known.
    fn relations(&mut self, members: &Members<'_>, path: &str, scope: &Scope<'_>) -> Result<(), LineError> {
        for (section, raw) in &members.0 {
            match (shapes::of_section(section), section.as_ref()) {
                (Some(shape), _) => {
                    for record in self.records(section, raw, path)? {
                        self.relation(shape, &record, scope)?;
                    }
                }
                (None, "prefix" | "bundle") => {}
                (None, name) if ELEMENTS.contains(&name) => {}
                (None, name) => {
                    let known = shapes::RELATIONS.iter().map(|shape| shape.section);
                    let known: Vec<&str> = ["prefix", "bundle"].into_iter().chain(ELEMENTS).chain(known).collect();
                    let remedy = format!("PROV-JSON has {}", known.join(", "));
                    return Err(LineError::new(&json::below(path, name), "is no section of PROV-JSON", remedy));
                }
            }
        }
        Ok(())
    }

    /// The records of a section: under one id stands one, or a list of several.
    fn records<'a>(&mut self, section: &str, raw: &'a RawValue, path: &str) -> Result<Vec<Record<'a>>, LineError> {
        let path = json::below(path, section);
        let mut records = Vec::new();
        for (id, raw) in json::object(raw, &path)?.0 {
            let path = json::below(&path, &id);
            let is_list = raw.get().starts_with('[');
            let listed = if is_list { json::list(raw, &path, PROV_RECORDS_MAX)? } else { vec![raw] };
            self.records = self.records.saturating_add(listed.len());
            if self.records > PROV_RECORDS_MAX {
                let problem = format!("makes it more than {PROV_RECORDS_MAX} records");
                return Err(LineError::new(&path, problem, "split the document"));
            }
            for raw in listed {
                let (id, attributes) = (id.clone(), json::object(raw, &path)?);
                records.push(Record { id, attributes, path: path.clone() });
            }
        }
        Ok(records)
    }

    fn relation(&mut self, shape: &Shape, record: &Record<'_>, scope: &Scope<'_>) -> Result<(), LineError> {
        let mut ends: Vec<(&str, Role, Vec<String>)> = Vec::new();
        for (name, raw) in &record.attributes.0 {
            let path = json::below(&record.path, name);
            match shape.ends.iter().find(|(end, _)| end == name) {
                Some((_, Role::Aside)) => {
                    json::text(raw, &path)?;
                }
                Some((end, role)) => {
                    let several = shape.several == Some(*end);
                    ends.push((end, *role, value::names(raw, &path, scope, several)?));
                }
                None => attribute(name, raw, &record.path, scope, &mut |_| {})?,
            }
        }
        for (_, role, iris) in &ends {
            iris.iter().try_for_each(|iri| self.things.mention(iri, *role, &record.path))?;
        }
        let named = |wanted: &str| ends.iter().find(|(end, ..)| *end == wanted).map(|(_, role, iris)| (*role, iris));
        for (kind, cause, effect) in shape.edges {
            let Some((cause, effect)) = named(cause).zip(named(effect)) else { continue };
            for from in cause.1 {
                for to in effect.1 {
                    self.things.link(*kind, (cause.0, from), (effect.0, to));
                }
            }
            if shape.one_edge {
                break;
            }
        }
        Ok(())
    }
}

/// Checks an attribute that is no end of a relation, and calls with each text of its value.
fn attribute<'a>(
    name: &str,
    raw: &'a RawValue,
    path: &str,
    scope: &Scope<'_>,
    take: &mut dyn FnMut(Cow<'a, str>),
) -> Result<(), LineError> {
    let path = json::below(path, name);
    if NAMING.contains(&name) {
        return value::names(raw, &path, scope, false).map(|_| ());
    }
    if TIMES.contains(&name) && !raw.get().starts_with(['"', '{']) {
        return Err(LineError::new(&path, "is no time", "write it as text, such as \"2026-01-05T03:00:00Z\""));
    }
    scope.iri(name, &path)?;
    value::each(raw, &path, take)
}
