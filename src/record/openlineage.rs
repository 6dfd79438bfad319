//! Raw OpenLineage events become facts; the body stays the raw bytes, nothing is normalised or written anew. It reads
//! what DESIGN's mapping needs; of facets it reads the versions of datasets and the parent run alone.

use super::line::json::{self, Members};
use super::line::time;
use super::line::{Event, FACTS_BYTES_FIXED, LineError, MEDIA_TYPE, keyed_id};
use crate::domain::version_ref;
use crate::limits::BODY_BYTES_MAX;
use crate::record::FactsBuilder;
use crate::record::objects::Objects;
use bytes::Bytes;
use deedbook_verify::facts::{OBJECT_BYTES, Object, ObjectClass, ObjectRole, Outcome};
use deedbook_verify::hash::{Identity, RefKey};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::Ref;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Reads one raw event: a run, job or dataset event. `id_key` makes its event id, so that a repeated event is one.
pub fn parse(raw: &[u8], refs: &RefKey, id_key: &[u8; 32]) -> Result<Event, LineError> {
    if raw.len() > BODY_BYTES_MAX {
        let problem = format!("the event has {} bytes, more than the limit of {BODY_BYTES_MAX}", raw.len());
        return Err(LineError::whole(problem, "have the producer send fewer facets"));
    }
    let members = json::document(raw)?;
    let id = keyed_id(id_key, &[raw]);
    let occurred = members.get("eventTime").ok_or_else(|| {
        LineError::new("eventTime", "is missing", "every OpenLineage event carries one; ask its producer")
    })?;
    let moment =
        time::lenient(&json::text(occurred, "eventTime")?).map_err(|defect| LineError::time("eventTime", defect))?;
    let mut builder = FactsBuilder::new(Kind::OpenlineageReceived, id, moment.micros).stream(stream(&members, refs)?);
    if moment.note != 0 {
        builder = builder.occurred_note(moment.note);
    }
    if let Some(raw) = present(&members, "eventType") {
        builder = builder.outcome(outcome(&json::text(raw, "eventType")?));
    }
    let objects = objects(&members, refs)?;
    let weight_bytes = FACTS_BYTES_FIXED + objects.len() * OBJECT_BYTES + raw.len();
    builder = builder.touched(objects).body(MEDIA_TYPE, Bytes::copy_from_slice(raw));
    Ok(Event { id, id_given: false, builder, weight_bytes, gap: None })
}

/// A member that is there and not null.
fn present<'a>(members: &Members<'a>, name: &str) -> Option<&'a RawValue> {
    members.get(name).filter(|raw| raw.get() != "null")
}

fn outcome(event_type: &str) -> Outcome {
    match event_type {
        "START" => Outcome::Started,
        "RUNNING" => Outcome::Running,
        "COMPLETE" => Outcome::Succeeded,
        "FAIL" => Outcome::Failed,
        "ABORT" => Outcome::Aborted,
        _ => Outcome::Other,
    }
}

/// The run, else the job, else the dataset that the event is about.
fn stream(members: &Members<'_>, refs: &RefKey) -> Result<Ref, LineError> {
    if let Some(raw) = present(members, "run") {
        let run = json::object(raw, "run")?;
        let name = run.required("run", "runId")?;
        if !is_uuid(&name) {
            let problem = "is no UUID, so runs could be confused with each other";
            return Err(LineError::new("run.runId", problem, "have the producer send a UUID"));
        }
        return make(refs, "run.runId", Identity { class: "run", namespace: "", name: &name });
    }
    for class in ["job", "dataset"] {
        if let Some(raw) = present(members, class) {
            return named(&json::object(raw, class)?, class, class, refs);
        }
    }
    Err(LineError::new("run", "job or dataset is missing", "an OpenLineage event is about one of the three"))
}

/// The job and the run that it is part of; then the datasets in the order of the document, inputs before outputs, each
/// with its version. A dataset event has its dataset, and nothing else.
fn objects(members: &Members<'_>, refs: &RefKey) -> Result<Objects, LineError> {
    let mut objects = Objects::default();
    let belongs = |class, what| Object { class, role: ObjectRole::Used, what };
    if let Some(raw) = present(members, "job") {
        let job = named(&json::object(raw, "job")?, "job", ObjectClass::Job.name(), refs)?;
        objects.add(&[belongs(ObjectClass::Job, job)]);
    } else if let Some(raw) = present(members, "dataset").filter(|_| present(members, "run").is_none()) {
        objects.add(&dataset(raw, "dataset", ObjectRole::Used, refs)?);
    }
    let parent = present(members, "run").and_then(parent_run);
    let parent = parent.and_then(|name| refs.make(Identity { class: "run", namespace: "", name: &name }));
    if let Some(parent) = parent {
        objects.add(&[belongs(ObjectClass::Run, parent)]);
    }
    for (name, role) in [("inputs", ObjectRole::Input), ("outputs", ObjectRole::Output)] {
        let Some(raw) = present(members, name) else { continue };
        for (at, raw) in json::list(raw, name, BODY_BYTES_MAX)?.into_iter().enumerate() {
            if objects.is_full() {
                objects.omit();
            } else {
                objects.add(&dataset(raw, &format!("{name}[{at}]"), role, refs)?);
            }
        }
    }
    Ok(objects)
}

/// A dataset, and behind it its version if the facet of the specification names one.
fn dataset(raw: &RawValue, path: &str, role: ObjectRole, refs: &RefKey) -> Result<Vec<Object>, LineError> {
    let members = json::object(raw, path)?;
    let what = named(&members, path, ObjectClass::Dataset.name(), refs)?;
    let mut objects = vec![Object { class: ObjectClass::Dataset, role, what }];
    let class = ObjectClass::DatasetVersion;
    let version = present(&members, "facets").and_then(|raw| facet_text(raw, &["version", "datasetVersion"]));
    // One that is longer than a ref can take in is left to the body, like all that facets say.
    if let Some(version) = version.and_then(|version| version_ref(refs, class.name(), what, &version).ok()) {
        objects.push(Object { class, role, what: version });
    }
    Ok(objects)
}

/// The id of the parent run, where it is one that a run event could have.
fn parent_run(run: &RawValue) -> Option<Cow<'_, str>> {
    facet_text(run, &["facets", "parent", "run", "runId"]).filter(|name| is_uuid(name))
}

/// The text at the end of a path into facets. They are of the producer's making: what is odd says nothing.
fn facet_text<'a>(raw: &'a RawValue, path: &[&str]) -> Option<Cow<'a, str>> {
    let inner = path.iter().try_fold(raw, |raw, name| {
        let members = json::object(raw, "").ok()?;
        let deleted = members.get("_deleted").is_some_and(|raw| raw.get() == "true");
        members.get(name).filter(|_| !deleted)
    });
    json::text(inner?, "").ok().filter(|text| !text.is_empty())
}

fn named(members: &Members<'_>, path: &str, class: &str, refs: &RefKey) -> Result<Ref, LineError> {
    let namespace = members.required(path, "namespace")?;
    let name = members.required(path, "name")?;
    make(refs, path, Identity { class, namespace: &namespace, name: &name })
}

fn make(refs: &RefKey, path: &str, identity: Identity<'_>) -> Result<Ref, LineError> {
    let too_long = || LineError::new(path, "holds a name of more than 65535 bytes", "name it by something shorter");
    refs.make(identity).ok_or_else(too_long)
}

/// 8-4-4-4-12 hex digits of either case.
fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let widths = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]);
    widths && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests;
