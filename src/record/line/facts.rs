//! The names that `facts` of an event line may hold, and what each becomes. It knows nothing of signatures or frames.

use super::capture::{self, Capture};
use super::json::{self, Members};
use super::{LineContext, LineError, make_ref, time};
use crate::domain::version_ref;
use crate::record::FactsBuilder;
use deedbook_verify::detail::Gap;
use deedbook_verify::facts::{Actor, ActorKind, Code, Object, ObjectClass, ObjectRole, Outcome, Parent};
use deedbook_verify::hash::Identity;
use deedbook_verify::kind::Kind;
use deedbook_verify::limits;
use deedbook_verify::words::{Digest, EventId, Ref, Revision, SubjectId};
use serde_json::value::RawValue;

/// Every fact name, for the test that holds docs/CLI.md against this list.
pub const FACT_NAMES: &[&str] = &[
    "expected_revision",
    "valid_until",
    "actor",
    "on_behalf_of",
    "responsible",
    "action_type",
    "action_digest",
    "policy_digest",
    "outcome",
    "resource_class",
    "data_class",
    "environment",
    "request_id",
    "grant_id",
    "parents",
    "datasets",
    "models",
    "artifacts",
    "jobs",
    "runs",
    "sessions",
    "gap_from",
    "gap_to",
    "gap_since",
    "gap_until",
    "gap_reason",
    "heartbeat_s",
];

/// Puts every fact of the object into the builder.
pub(super) fn apply(
    mut builder: FactsBuilder,
    kind: Kind,
    facts: &Members<'_>,
    context: &LineContext<'_>,
) -> Result<(FactsBuilder, Option<Gap>), LineError> {
    let (mut objects, mut capture) = (Vec::new(), Capture::default());
    for (name, raw) in &facts.0 {
        let path = json::below("facts", name);
        match name.as_ref() {
            "datasets" => add_objects(&mut objects, ObjectClass::Dataset, raw, &path, context)?,
            "models" => add_objects(&mut objects, ObjectClass::Model, raw, &path, context)?,
            "artifacts" => add_objects(&mut objects, ObjectClass::Artifact, raw, &path, context)?,
            "jobs" => add_objects(&mut objects, ObjectClass::Job, raw, &path, context)?,
            "runs" => add_objects(&mut objects, ObjectClass::Run, raw, &path, context)?,
            "sessions" => add_objects(&mut objects, ObjectClass::Session, raw, &path, context)?,
            name if capture::NAMES.contains(&name) => capture.take(name, raw, &path)?,
            name => builder = apply_one(builder, name, raw, &path, context)?,
        }
    }
    if !objects.is_empty() {
        builder = builder.objects(&objects);
    }
    capture.apply(builder, kind)
}

fn apply_one(
    builder: FactsBuilder,
    name: &str,
    raw: &RawValue,
    path: &str,
    context: &LineContext<'_>,
) -> Result<FactsBuilder, LineError> {
    Ok(match name {
        "expected_revision" => builder.expected_revision(Revision(json::number(raw, path)?)),
        "valid_until" => {
            let moment = time::zoned(&json::text(raw, path)?).map_err(|defect| LineError::time(path, defect))?;
            builder.valid_until(moment.micros)
        }
        "actor" => builder.actor(actor(raw, path, context)?),
        "on_behalf_of" => builder.on_behalf_of(&on_behalf_of(raw, path, context)?),
        "responsible" => builder.responsible(identity(raw, path, context)?),
        "action_type" => builder.action_type(&code(raw, path)?),
        "action_digest" => builder.action_digest(hex(raw, path, 32, Digest::from_hex)?),
        "policy_digest" => builder.policy_digest(hex(raw, path, 32, Digest::from_hex)?),
        "outcome" => builder.outcome(word(raw, path, Outcome::from_name, &names(Outcome::ALL, Outcome::name))?),
        "resource_class" => builder.resource_class(&code(raw, path)?),
        "data_class" => builder.data_class(&code(raw, path)?),
        "environment" => builder.environment(&code(raw, path)?),
        "request_id" => builder.request_id(hex(raw, path, 16, SubjectId::from_hex)?),
        "grant_id" => builder.grant_id(hex(raw, path, 16, SubjectId::from_hex)?),
        "parents" => builder.parents(&parents(raw, path, context)?),
        _ => {
            let remedy = format!("use one of: {}", FACT_NAMES.join(", "));
            return Err(LineError::new(path, "is no known fact", remedy));
        }
    })
}

/// What a list of all values of an enumeration reads like in a remedy.
fn names<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> String {
    all.iter().map(|value| name(*value)).collect::<Vec<_>>().join(", ")
}

fn word<T>(raw: &RawValue, path: &str, from: fn(&str) -> Option<T>, known: &str) -> Result<T, LineError> {
    let text = json::text(raw, path)?;
    from(&text).ok_or_else(|| LineError::new(path, "is no registered word", format!("use one of: {known}")))
}

fn code(raw: &RawValue, path: &str) -> Result<String, LineError> {
    let text = json::text(raw, path)?;
    if Code::new(&text).is_some() {
        return Ok(text.into_owned());
    }
    let problem = format!("is no code of at most {} bytes", limits::CODE_BYTES_MAX);
    Err(LineError::new(path, problem, "a code is a small letter followed by a-z 0-9 _ . - (free text goes into body)"))
}

fn hex<T>(raw: &RawValue, path: &str, width: usize, from: fn(&str) -> Option<T>) -> Result<T, LineError> {
    let text = json::text(raw, path)?;
    from(&text).ok_or_else(|| LineError::new(path, format!("is not {} hex digits", width * 2), "write every digit"))
}

fn actor(raw: &RawValue, path: &str, context: &LineContext<'_>) -> Result<Actor, LineError> {
    let members = json::object(raw, path)?;
    members.only(path, &["kind", "id", "namespace"])?;
    let kind_path = json::below(path, "kind");
    let kind_text = members.required(path, "kind")?;
    let kind = ActorKind::from_name(&kind_text).ok_or_else(|| {
        let remedy = format!("use one of: {}", names(ActorKind::ALL, ActorKind::name));
        LineError::new(&kind_path, "is no registered word", remedy)
    })?;
    let class = if kind == ActorKind::Human { "person" } else { kind.name() };
    let name = members.required(path, "id")?;
    let namespace = members.optional(path, "namespace")?.unwrap_or_default();
    Ok(Actor { kind, who: make_ref(context, path, Identity { class, namespace: &namespace, name: &name })? })
}

/// A person, or another principal when `class` says so.
fn identity(raw: &RawValue, path: &str, context: &LineContext<'_>) -> Result<Ref, LineError> {
    let members = json::object(raw, path)?;
    members.only(path, &["class", "namespace", "id"])?;
    let class = members.optional(path, "class")?.unwrap_or("person".into());
    let namespace = members.optional(path, "namespace")?.unwrap_or_default();
    let name = members.required(path, "id")?;
    make_ref(context, path, Identity { class: &class, namespace: &namespace, name: &name })
}

fn on_behalf_of(raw: &RawValue, path: &str, context: &LineContext<'_>) -> Result<Vec<Ref>, LineError> {
    let elements = json::list(raw, path, limits::ON_BEHALF_OF_MAX)?.into_iter().enumerate();
    elements.map(|(at, raw)| identity(raw, &format!("{path}[{at}]"), context)).collect()
}

fn parents(raw: &RawValue, path: &str, context: &LineContext<'_>) -> Result<Vec<Parent>, LineError> {
    let mut parents = Vec::new();
    for (at, raw) in json::list(raw, path, limits::PARENTS_MAX)?.into_iter().enumerate() {
        let path = format!("{path}[{at}]");
        let members = json::object(raw, &path)?;
        members.only(&path, &["source", "event_id"])?;
        let name = members.required(&path, "source")?;
        let source = make_ref(context, &path, Identity { class: "source", namespace: "", name: &name })?;
        let id_path = json::below(&path, "event_id");
        let event_id = EventId::from_hex(&members.required(&path, "event_id")?)
            .ok_or_else(|| LineError::new(&id_path, "is not 32 hex digits", "take the id that `append` printed"))?;
        parents.push(Parent { source, event_id });
    }
    Ok(parents)
}

fn add_objects(
    objects: &mut Vec<Object>,
    class: ObjectClass,
    raw: &RawValue,
    path: &str,
    context: &LineContext<'_>,
) -> Result<(), LineError> {
    let room = limits::OBJECTS_MAX.saturating_sub(objects.len());
    let version_class = class.version();
    for (at, raw) in json::list(raw, path, room)?.into_iter().enumerate() {
        let path = format!("{path}[{at}]");
        let members = json::object(raw, &path)?;
        let role = match class {
            // What an event belongs to plays one part alone.
            ObjectClass::Job
            | ObjectClass::Run
            | ObjectClass::Session
            | ObjectClass::Person
            | ObjectClass::Agent
            | ObjectClass::Service
            | ObjectClass::Team => {
                members.only(&path, &["namespace", "name"])?;
                ObjectRole::Used
            }
            ObjectClass::Dataset
            | ObjectClass::DatasetVersion
            | ObjectClass::Model
            | ObjectClass::ModelVersion
            | ObjectClass::Artifact => {
                let known = ["role", "namespace", "name", "version"];
                members.only(&path, known.get(..3 + usize::from(version_class.is_some())).unwrap_or(&known))?;
                object_role(&members, &path)?
            }
        };
        let namespace = members.optional(&path, "namespace")?.unwrap_or_default();
        let name = members.required(&path, "name")?;
        let what = make_ref(context, &path, Identity { class: class.name(), namespace: &namespace, name: &name })?;
        objects.push(Object { class, role, what });
        if let (Some(class), Some(version)) = (version_class, members.optional(&path, "version")?) {
            let too_long =
                |_| LineError::new(&path, "holds a version of more than 65535 bytes", "write a digest of it");
            let what = version_ref(context.refs, class.name(), what, &version).map_err(too_long)?;
            objects.push(Object { class, role, what });
        }
    }
    if objects.len() > limits::OBJECTS_MAX {
        let problem = format!("makes it more than {} objects, versions among them", limits::OBJECTS_MAX);
        return Err(LineError::new(path, problem, "spread them over several events"));
    }
    Ok(())
}

fn object_role(members: &Members<'_>, path: &str) -> Result<ObjectRole, LineError> {
    ObjectRole::from_name(&members.required(path, "role")?).ok_or_else(|| {
        let remedy = format!("use one of: {}", names(ObjectRole::ALL, ObjectRole::name));
        LineError::new(&json::below(path, "role"), "is no registered word", remedy)
    })
}
