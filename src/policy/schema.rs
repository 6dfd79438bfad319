//! The schema of a policy set, and which attributes it declares: a question says more than an own schema may know, and
//! what the schema does not name no policy can look at.

use super::lint::{Lint, Rule};
use super::scan::line_of;
use cedar_policy::{EntityId, EntityTypeName, EntityUid, Schema, schema_str_to_json_with_resolved_types};
use miette::Diagnostic as _;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What policies may speak about where no own schema is published.
pub const BUILT_IN_SCHEMA: &str = include_str!("gov.cedarschema");

/// The namespace that questions are asked in.
pub(super) const NAMESPACE: &str = "Gov";
/// Levels of named types within named types that are followed.
const ALIASES_MAX: usize = 16;

/// A parsed schema with the attributes that it declares.
#[derive(Clone, Debug)]
pub(super) struct Vocabulary {
    pub schema: Schema,
    /// By name of the type, without namespace.
    entities: BTreeMap<String, EntityShape>,
    /// By name. A group, which applies to nothing, is none.
    actions: BTreeMap<String, ActionShape>,
}

/// What the schema says of an entity type.
#[derive(Clone, Debug)]
pub(super) struct EntityShape {
    pub type_name: EntityTypeName,
    /// What an entity may say.
    pub attributes: BTreeSet<String>,
}

/// What the schema says of an action.
#[derive(Clone, Debug)]
pub(super) struct ActionShape {
    pub uid: EntityUid,
    /// What its context may say.
    pub context: BTreeSet<String>,
}

impl Vocabulary {
    /// Parses a schema in Cedar's own notation. Warnings are refused like errors: they are names that hide others.
    pub fn parse(text: &str) -> Result<Vocabulary, Lint> {
        let invalid =
            |problem: String| Lint::set(Rule::Schema, problem, "mend the schema as Cedar's schema notation says");
        let (schema, mut warnings) = Schema::from_cedarschema_str(text).map_err(|error| {
            let offset = error.labels().and_then(|mut labels| labels.next()).map(|label| label.offset());
            let lint = invalid(format!("the schema cannot be read: {error}"));
            match offset {
                Some(offset) => lint.at(line_of(text, offset)),
                None => lint,
            }
        })?;
        if let Some(warning) = warnings.next() {
            return Err(invalid(format!("the schema is not clear: {warning}")));
        }
        let (json, _) = schema_str_to_json_with_resolved_types(text)
            .map_err(|error| invalid(format!("the schema cannot be resolved: {error}")))?;
        let Some(namespace) = json.get(NAMESPACE) else {
            return Err(invalid(format!("the schema has no namespace `{NAMESPACE}`")));
        };
        let vocabulary = entities(namespace).zip(actions(namespace));
        let (entities, actions) =
            vocabulary.ok_or_else(|| invalid("the schema holds a name that is none".to_owned()))?;
        if actions.is_empty() {
            return Err(invalid("the schema has no action that applies to anything".to_owned()));
        }
        Ok(Vocabulary { schema, entities, actions })
    }

    /// What the schema says of an action.
    pub fn action(&self, name: &str) -> Option<&ActionShape> {
        self.actions.get(name)
    }

    /// Every action that applies to anything.
    pub fn actions(&self) -> impl Iterator<Item = (&String, &ActionShape)> {
        self.actions.iter()
    }

    /// What the schema says of an entity type, by its name without namespace.
    pub fn entity(&self, name: &str) -> Option<&EntityShape> {
        self.entities.get(name)
    }
}

impl EntityShape {
    /// An entity of this type.
    pub fn uid(&self, id: &str) -> EntityUid {
        EntityUid::from_type_name_and_id(self.type_name.clone(), EntityId::new(id))
    }
}

fn members<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.get(name).and_then(Value::as_object).into_iter().flatten()
}

/// A name of the namespace as Cedar writes it. Names that the parser took are names; anything else is nothing.
fn type_name(name: &str) -> Option<EntityTypeName> {
    format!("{NAMESPACE}::{name}").parse().ok()
}

fn entities(namespace: &Value) -> Option<BTreeMap<String, EntityShape>> {
    let shapes = members(namespace, "entityTypes").map(|(name, entity)| {
        let attributes = entity.get("shape").map_or_else(BTreeSet::new, |shape| attributes(namespace, shape));
        Some((name.clone(), EntityShape { type_name: type_name(name)?, attributes }))
    });
    shapes.collect()
}

fn actions(namespace: &Value) -> Option<BTreeMap<String, ActionShape>> {
    let kind = type_name("Action")?;
    let applied = members(namespace, "actions").filter_map(|(name, action)| Some((name, action.get("appliesTo")?)));
    let applied = applied.filter(|(_, applies)| lists(applies, "principalTypes") && lists(applies, "resourceTypes"));
    let shapes = applied.map(|(name, applies)| {
        let context = applies.get("context").map_or_else(BTreeSet::new, |context| attributes(namespace, context));
        let uid = EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(name));
        (name.clone(), ActionShape { uid, context })
    });
    Some(shapes.collect())
}

fn lists(applies: &Value, name: &str) -> bool {
    applies.get(name).and_then(Value::as_array).is_some_and(|types| !types.is_empty())
}

/// The attributes of a record type, through the names of common types.
fn attributes<'a>(namespace: &'a Value, mut shape: &'a Value) -> BTreeSet<String> {
    for _ in 0..ALIASES_MAX {
        if shape.get("attributes").is_some() {
            return members(shape, "attributes").map(|(name, _)| name.clone()).collect();
        }
        let name = shape.get("type").and_then(Value::as_str).and_then(|name| name.strip_prefix("Gov::"));
        let named = name.and_then(|name| namespace.get("commonTypes")?.get(name));
        match named {
            Some(next) => shape = next,
            None => break,
        }
    }
    BTreeSet::new()
}
