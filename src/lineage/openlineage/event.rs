//! One event read. What facts needed of it was there when it was appended; whatever else is odd is kept, and noted.

use super::Name;
use super::columns::{ColumnEdge, columns};
use super::json::{self, Members};
use crate::limits::{LINEAGE_ALIASES_MAX, LINEAGE_COLUMNS_MAX};
use deedbook_verify::limits::OBJECTS_MAX;
use serde_json::value::RawValue;

/// What is odd about an event: bits of a u8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notes(u8);

impl Notes {
    /// Its time has no zone, and was read as UTC.
    pub const NO_ZONE: Notes = Notes(1);
    /// Its time is finer than microseconds; the body has it verbatim.
    pub const NANOSECONDS: Notes = Notes(2);
    /// It names no schema.
    pub const NO_SCHEMA: Notes = Notes(4);
    /// More datasets, columns or aliases than are kept here.
    pub const CUT: Notes = Notes(8);
    /// A facet that is read here is not what the specification says.
    pub const ODD_FACET: Notes = Notes(16);
    /// Every note with its name.
    pub const NAMES: [(Notes, &'static str); 5] = [
        (Notes::NO_ZONE, "no_zone"),
        (Notes::NANOSECONDS, "nanoseconds"),
        (Notes::NO_SCHEMA, "no_schema"),
        (Notes::CUT, "cut"),
        (Notes::ODD_FACET, "odd_facet"),
    ];

    /// The number in rows.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Whether all of these are noted.
    pub fn has(self, other: Notes) -> bool {
        self.0 & other.0 == other.0
    }

    /// The names of those that are noted.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Notes::NAMES.into_iter().filter(move |(note, _)| self.has(*note)).map(|(_, name)| name)
    }

    pub(super) fn add(&mut self, other: Notes) {
        self.0 |= other.0;
    }
}

/// What an event says. Lists are cut at their bounds, and that is noted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The run's id.
    pub run: Option<String>,
    /// The parent run's id, whatever its form.
    pub parent: Option<String>,
    /// The job.
    pub job: Option<Name>,
    /// Of an event about a dataset, the dataset.
    pub dataset: Option<Name>,
    /// What was read, as it stands there; at most 1,024.
    pub inputs: Vec<Name>,
    /// What was written; inputs and outputs are together at most 1,024.
    pub outputs: Vec<Name>,
    /// Versions that facets name: the place among inputs, then outputs (or the dataset), and the version.
    pub versions: Vec<(usize, String)>,
    /// Other names of datasets, from their facet `symlinks`: the place as in `versions`, and the name.
    pub aliases: Vec<(usize, Name)>,
    /// Which columns were made from which; at most `LINEAGE_COLUMNS_MAX`.
    pub columns: Vec<ColumnEdge>,
    /// What is odd about it.
    pub notes: Notes,
}

impl Event {
    /// Reads a body; none: it is no JSON object. What it does not understand it leaves out.
    pub fn read(body: &[u8]) -> Option<Event> {
        let members = json::document(body)?;
        let mut event = Event::default();
        event.note_time(members.text("eventTime").as_deref().unwrap_or_default());
        if members.text("schemaURL").is_none() {
            event.notes.add(Notes::NO_SCHEMA);
        }
        let run = members.get("run").and_then(json::object);
        event.run = run.as_ref().and_then(|run| run.text("runId")).map(|id| id.into_owned());
        let parent = run.and_then(|run| run.facet("parent")).and_then(|facet| json::object(facet.get("run")?));
        event.parent = parent.and_then(|run| run.text("runId")).map(|id| id.into_owned());
        event.job = members.get("job").and_then(json::object).as_ref().and_then(name_of);
        for (list, is_output) in [("inputs", false), ("outputs", true)] {
            let list = members.get(list).and_then(json::list).unwrap_or_default();
            list.into_iter().for_each(|raw| event.take_dataset(raw, is_output));
        }
        if event.run.is_none() && event.job.is_none() {
            let dataset = members.get("dataset").and_then(json::object);
            event.dataset = dataset.as_ref().and_then(name_of);
            if let Some(dataset) = dataset.filter(|_| event.dataset.is_some()) {
                event.take_facets(&dataset, 0);
            }
        }
        Some(event)
    }

    /// The name at a place as `versions` and `aliases` count them.
    pub fn name_at(&self, at: usize) -> Option<&Name> {
        self.inputs.iter().chain(&self.outputs).chain(&self.dataset).nth(at)
    }

    fn note_time(&mut self, time: &str) {
        let clock = time.split_once(['T', 't', ' ']).map_or("", |(_, clock)| clock);
        if !clock.contains(['Z', 'z', '+', '-']) {
            self.notes.add(Notes::NO_ZONE);
        }
        let fraction = clock.split_once('.').map_or("", |(_, fraction)| fraction);
        if fraction.bytes().take_while(u8::is_ascii_digit).count() > 6 {
            self.notes.add(Notes::NANOSECONDS);
        }
    }

    fn take_dataset(&mut self, raw: &RawValue, is_output: bool) {
        let Some(members) = json::object(raw) else { return };
        let Some(name) = name_of(&members) else { return };
        let at = self.inputs.len() + self.outputs.len();
        if at >= OBJECTS_MAX {
            return self.notes.add(Notes::CUT);
        }
        if is_output {
            self.outputs.push(name);
        } else {
            self.inputs.push(name);
        }
        self.take_facets(&members, at);
    }

    fn take_facets(&mut self, dataset: &Members<'_>, at: usize) {
        if let Some(version) = dataset.facet("version") {
            match version.text("datasetVersion").filter(|version| !version.is_empty()) {
                Some(version) => self.versions.push((at, version.into_owned())),
                None => self.notes.add(Notes::ODD_FACET),
            }
        }
        if let Some(facet) = dataset.facet("symlinks") {
            let names = facet.get("identifiers").and_then(json::list);
            if names.is_none() {
                self.notes.add(Notes::ODD_FACET);
            }
            for raw in names.unwrap_or_default() {
                match json::object(raw).as_ref().and_then(name_of) {
                    None => self.notes.add(Notes::ODD_FACET),
                    Some(_) if self.aliases.len() >= LINEAGE_ALIASES_MAX => self.notes.add(Notes::CUT),
                    Some(name) => self.aliases.push((at, name)),
                }
            }
        }
        if let Some(facet) = dataset.facet("columnLineage") {
            let room = LINEAGE_COLUMNS_MAX.saturating_sub(self.columns.len());
            let (edges, notes) = columns(&facet, at, room);
            self.columns.extend(edges);
            self.notes.add(notes);
        }
    }
}

/// Namespace and name of a job or dataset.
pub(super) fn name_of(members: &Members<'_>) -> Option<Name> {
    Some(Name { namespace: members.text("namespace")?.into_owned(), name: members.text("name")?.into_owned() })
}
