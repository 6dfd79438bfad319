//! One run event of OpenLineage 2-0-2: what every event of ours carries, and the facets that are added to it. Standard
//! facets are named by the specification's schemas; ours begin with `deedbook_`.

use super::things::Thing;
use super::{Events, Exported};
use crate::record::line::time;
use deedbook_verify::facts::ObjectClass;
use serde_json::{Map, Value, json};
use std::fmt::Write;

const SCHEMA: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
const PRODUCER: &str = "urn:deedbook:export:1";

/// What an id is of: two things of one id are two runs.
#[derive(Clone, Copy, Debug)]
pub enum RunKind {
    /// An action, from asking to its end.
    Action,
    /// What people were asked about an action.
    Approval,
    /// Whatever a source states things about.
    Stated,
    /// What runs belong to.
    Session,
}

/// A job's name.
#[derive(Clone, Debug)]
pub struct Job {
    pub namespace: String,
    pub name: String,
}

impl Job {
    /// As events name it.
    pub fn value(&self) -> Value {
        json!({"namespace": self.namespace, "name": self.name})
    }
}

/// An event in the making.
pub struct RunEvent<'e> {
    events: &'e Events,
    exported: Exported<'e>,
    event_type: &'static str,
    run: String,
    job: Job,
    facets: Map<String, Value>,
    inputs: Vec<Value>,
    outputs: Vec<Value>,
}

impl<'e> RunEvent<'e> {
    /// Begins one, with the facet that says which entry it is.
    pub fn new(
        events: &'e Events,
        exported: Exported<'e>,
        (kind, id): (RunKind, [u8; 16]),
        job: Job,
        event_type: &'static str,
    ) -> RunEvent<'e> {
        let run = run_id(events, kind, id);
        let (inputs, outputs) = (Vec::new(), Vec::new());
        let event = RunEvent { events, exported, event_type, run, job, facets: Map::new(), inputs, outputs };
        let Exported { index, entry, .. } = exported;
        event.facet(
            "deedbook_entry",
            json!({"ledger": events.ledger.to_string(), "index": index.0, "kind": entry.facts.kind.name(),
                "leaf": entry.leaf().to_string(), "source": entry.facts.source.to_string(),
                "event_id": entry.facts.event_id.to_string(), "received": time::show(entry.seal.received)}),
        )
    }

    /// The run's id.
    pub fn run_id(&self) -> &str {
        &self.run
    }

    /// The job.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// Adds a facet of the run; null adds none.
    pub fn facet(mut self, name: &str, value: Value) -> RunEvent<'e> {
        if !value.is_null() {
            let schema = match name {
                "jobDependencies" => "JobDependenciesRunFacet",
                "parent" => "ParentRunFacet",
                own => own,
            };
            self.facets.insert(name.to_owned(), facet(schema, value));
        }
        self
    }

    /// Says who acted, for whom, and who answers for it, as far as facts say.
    pub fn actor(self) -> RunEvent<'e> {
        let facts = &self.exported.entry.facts;
        let Some(actor) = facts.actor else { return self };
        let name = self.events.names.of_actor(actor).map(|known| known.name.clone());
        let for_whom: Vec<String> = facts.on_behalf_of().map(|who| who.to_string()).collect();
        let responsible = facts.responsible.map(|who| who.to_string());
        let value = json!({"kind": actor.kind.name(), "ref": actor.who.to_string(), "name": name,
            "on_behalf_of": for_whom, "responsible": responsible});
        self.facet("deedbook_actor", value)
    }

    /// Says which session it belongs to: the first that facts name.
    pub fn session(self) -> RunEvent<'e> {
        let session = self.exported.entry.facts.objects().find(|object| object.class == ObjectClass::Session);
        let Some(session) = session else { return self };
        let run = run_id(self.events, RunKind::Session, session.what.0);
        let job = self.events.own_job("session".to_owned()).value();
        self.facet("parent", json!({"run": {"runId": run}, "job": job}))
    }

    /// Adds inputs.
    pub fn reads(mut self, things: Vec<Thing>) -> RunEvent<'e> {
        self.inputs.extend(things.into_iter().map(Thing::value));
        self
    }

    /// Adds outputs.
    pub fn writes(mut self, things: Vec<Thing>) -> RunEvent<'e> {
        self.outputs.extend(things.into_iter().map(Thing::value));
        self
    }

    /// The event.
    pub fn into_value(self) -> Value {
        json!({"eventType": self.event_type, "eventTime": time::show(self.exported.entry.facts.occurred),
            "run": {"runId": self.run, "facets": self.facets}, "job": self.job.value(),
            "inputs": self.inputs, "outputs": self.outputs, "producer": PRODUCER, "schemaURL": SCHEMA})
    }
}

/// A facet's members behind the two that each has.
pub fn facet(schema: &str, value: Value) -> Value {
    let url = match schema {
        "JobDependenciesRunFacet" => "1-0-1/JobDependenciesRunFacet.json#/$defs/JobDependenciesRunFacet",
        "ParentRunFacet" => "1-2-0/ParentRunFacet.json#/$defs/ParentRunFacet",
        "DatasetVersionDatasetFacet" => "1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet",
        "DatasetTypeDatasetFacet" => "1-0-1/DatasetTypeDatasetFacet.json#/$defs/DatasetTypeDatasetFacet",
        _ => "",
    };
    let url = match url {
        "" => format!("urn:deedbook:facet:{schema}:1"),
        url => format!("https://openlineage.io/spec/facets/{url}"),
    };
    let mut members = Map::new();
    members.insert("_producer".to_owned(), Value::from(PRODUCER));
    members.insert("_schemaURL".to_owned(), Value::from(url));
    if let Value::Object(value) = value {
        members.extend(value);
    }
    Value::Object(members)
}

/// A UUID of version 8 (RFC 9562) that follows from ledger, kind and id.
fn run_id(events: &Events, kind: RunKind, id: [u8; 16]) -> String {
    let kind = match kind {
        RunKind::Action => 1,
        RunKind::Approval => 2,
        RunKind::Stated => 3,
        RunKind::Session => 4,
    };
    let mut hasher = blake3::Hasher::new_derive_key("deedbook openlineage run 1");
    hasher.update(events.ledger.as_bytes()).update(&[kind]).update(&id);
    let mut text = String::with_capacity(36);
    for (at, byte) in hasher.finalize().as_bytes().iter().take(16).enumerate() {
        let byte = match at {
            6 => byte & 0x0f | 0x80,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
