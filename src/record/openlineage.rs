//! Raw OpenLineage events become facts; the body stays the raw bytes, nothing is normalised or written anew. It reads
//! what DESIGN's mapping needs and is blind to all facets.

use super::line::json::{self, Members};
use super::line::time;
use super::line::{Event, FACTS_BYTES_FIXED, LineError, MEDIA_TYPE, keyed_id};
use crate::limits::BODY_BYTES_MAX;
use crate::record::FactsBuilder;
use bytes::Bytes;
use deedbook_verify::facts::{OBJECT_BYTES, Object, ObjectClass, ObjectRole, Outcome};
use deedbook_verify::hash::{Identity, RefKey};
use deedbook_verify::kind::Kind;
use deedbook_verify::limits;
use deedbook_verify::words::Ref;
use serde_json::value::RawValue;

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
    let (objects, omitted) = datasets(&members, refs)?;
    if !objects.is_empty() {
        builder = builder.objects(&objects);
    }
    if omitted > 0 {
        builder = builder.objects_omitted(omitted);
    }
    builder = builder.body(MEDIA_TYPE, Bytes::copy_from_slice(raw));
    let weight_bytes = FACTS_BYTES_FIXED + objects.len() * OBJECT_BYTES + raw.len();
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
            return named(raw, class, class, refs);
        }
    }
    Err(LineError::new("run", "job or dataset is missing", "an OpenLineage event is about one of the three"))
}

/// The datasets in the order of the document, inputs before outputs, up to the bound; and how many came after it.
fn datasets(members: &Members<'_>, refs: &RefKey) -> Result<(Vec<Object>, u32), LineError> {
    let (mut objects, mut omitted) = (Vec::new(), 0u32);
    for (name, role) in [("inputs", ObjectRole::Input), ("outputs", ObjectRole::Output)] {
        let Some(raw) = present(members, name) else { continue };
        for (at, raw) in json::list(raw, name, BODY_BYTES_MAX)?.into_iter().enumerate() {
            if objects.len() >= limits::OBJECTS_MAX {
                omitted = omitted.saturating_add(1);
                continue;
            }
            let what = named(raw, &format!("{name}[{at}]"), "dataset", refs)?;
            objects.push(Object { class: ObjectClass::Dataset, role, what });
        }
    }
    Ok((objects, omitted))
}

fn named(raw: &RawValue, path: &str, class: &str, refs: &RefKey) -> Result<Ref, LineError> {
    let members = json::object(raw, path)?;
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
