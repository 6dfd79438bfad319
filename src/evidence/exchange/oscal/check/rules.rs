//! The rules that a document and its imports decide, without opening any other file.

use super::load::{Document, Imports};
use super::walk::{self, Place};
use super::{Code, Notes};
use std::collections::{BTreeMap, BTreeSet};

/// How something may be observed.
const METHODS: [&str; 4] = ["EXAMINE", "INTERVIEW", "TEST", "UNKNOWN"];

/// What there is to refer to.
#[derive(Default)]
struct Known {
    /// UUIDs by the list that their things stand in.
    by_list: BTreeMap<String, BTreeSet<String>>,
    /// Every UUID.
    all: BTreeSet<String>,
    /// Ids of statements and objectives.
    targets: BTreeSet<String>,
    /// Ids of controls.
    controls: BTreeSet<String>,
    /// Whether a catalog was read.
    catalog: bool,
}

impl Known {
    fn take(&mut self, document: &Document) {
        self.catalog |= document.model == "catalog";
        walk::each(document.model, &document.body, &mut |place| {
            if let Some(uuid) = place.text("uuid") {
                let uuid = uuid.to_ascii_lowercase();
                self.by_list.entry(place.list.to_owned()).or_default().insert(uuid.clone());
                self.all.insert(uuid);
            }
            if let Some(placeholder) = place.text("subject-placeholder-uuid") {
                self.all.insert(placeholder.to_ascii_lowercase());
            }
            match (document.model, place.list, place.text("id")) {
                ("catalog", "parts", Some(id)) => drop(self.targets.insert(id.to_owned())),
                ("catalog", "controls", Some(id)) => drop(self.controls.insert(id.to_owned())),
                (_, _, _) => {}
            }
        });
    }

    fn has(&self, lists: &[&str], uuid: &str) -> bool {
        let uuid = uuid.to_ascii_lowercase();
        lists.iter().any(|list| self.by_list.get(*list).is_some_and(|known| known.contains(&uuid)))
    }
}

/// Checks a document.
pub fn check(document: &Document, imports: &Imports, notes: &mut Notes<'_>) {
    let mut known = Known::default();
    known.take(document);
    imports.documents.iter().for_each(|imported| known.take(imported));
    let mut own = BTreeSet::new();
    let mut asks_catalog = false;
    walk::each(document.model, &document.body, &mut |place| {
        if let Some(uuid) = place.text("uuid")
            && !own.insert(uuid.to_ascii_lowercase())
        {
            notes.problem(Code::UuidTwice, &place.to("uuid"), uuid);
        }
        references(place, &known, imports, notes);
        links(place, &known, notes);
        methods(place, notes);
        times(place, notes);
        asks_catalog |= place.text("target-id").is_some();
        if known.catalog && !imports.cut && document.model != "catalog" {
            targets(place, &known, notes);
        }
    });
    if asks_catalog && (!known.catalog || imports.cut) {
        notes.not_checked("", "targets: the imports lead to no catalog that can be read");
    }
}

/// Every member that names something by its UUID.
fn references(place: &Place<'_>, known: &Known, imports: &Imports, notes: &mut Notes<'_>) {
    let named = place.members.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    let listed = place.texts("party-uuids").map(|uuid| ("party-uuids", uuid));
    for (name, uuid) in named.chain(listed) {
        let (code, lists): (Code, &[&str]) = match (name, place.text("type")) {
            ("observation-uuid", _) => (Code::ObservationUnknown, &["observations"]),
            ("actor-uuid", Some("party")) => (Code::ActorUnknown, &["parties"]),
            ("actor-uuid", Some("assessment-platform")) => (Code::ActorUnknown, &["assessment-platforms"]),
            ("actor-uuid", _) => (Code::ActorUnknown, &["components", "assessment-platforms"]),
            ("subject-placeholder-uuid", _) => continue,
            (name, _) if name.ends_with("-uuid") || name == "party-uuids" => (Code::ReferenceUnknown, &[]),
            (_, _) => continue,
        };
        let is_known = match code == Code::ReferenceUnknown {
            true => known.all.contains(&uuid.to_ascii_lowercase()),
            false => known.has(lists, uuid),
        };
        // What an import that could not be read may hold is not unknown; observations stand in the document itself.
        if !is_known && (!imports.cut || code == Code::ObservationUnknown) {
            notes.problem(code, &place.to(name), uuid);
        }
    }
}

/// Links inside the document, as far as they have the form of a UUID: others name controls.
fn links(place: &Place<'_>, known: &Known, notes: &mut Notes<'_>) {
    let Some(href) = place.text("href") else { return };
    let Some(uuid) = href.strip_prefix('#').filter(|name| is_uuid(name)) else { return };
    if !known.has(&["resources"], uuid) {
        notes.problem(Code::LinkUnknown, &place.to("href"), href);
    }
}

fn is_uuid(text: &str) -> bool {
    let dashes = text.match_indices('-').map(|(at, _)| at).eq([8, 13, 18, 23]);
    text.len() == 36 && dashes && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

fn targets(place: &Place<'_>, known: &Known, notes: &mut Notes<'_>) {
    for (name, ids, code) in [
        ("target-id", &known.targets, Code::TargetUnknown),
        ("objective-id", &known.targets, Code::TargetUnknown),
        ("control-id", &known.controls, Code::ControlUnknown),
    ] {
        if let Some(id) = place.text(name)
            && !ids.contains(id)
        {
            notes.problem(code, &place.to(name), id);
        }
    }
    for id in place.texts("with-ids").filter(|id| !known.controls.contains(*id)) {
        notes.problem(Code::ControlUnknown, &place.to("with-ids"), id);
    }
}

fn methods(place: &Place<'_>, notes: &mut Notes<'_>) {
    if place.list == "observations" {
        for method in place.texts("methods").filter(|method| !METHODS.contains(method)) {
            notes.problem(Code::MethodUnknown, &place.to("methods"), method);
        }
    }
}

fn times(place: &Place<'_>, notes: &mut Notes<'_>) {
    let (Some(start), Some(end)) = (place.text("start"), place.text("end")) else { return };
    match (start.parse::<jiff::Timestamp>(), end.parse::<jiff::Timestamp>()) {
        (Ok(starts), Ok(ends)) if ends < starts => {
            notes.problem(Code::TimeOrder, &place.to("end"), &format!("{start} to {end}"));
        }
        (Ok(_), Ok(_)) => {}
        (Err(_), _) => notes.problem(Code::TimeForm, &place.to("start"), start),
        (_, Err(_)) => notes.problem(Code::TimeForm, &place.to("end"), end),
    }
}
