//! A question in Cedar's terms: request, entities and context, each checked against the schema. What the schema does not
//! declare is left out, because no policy can look at it; what it demands and the question lacks is an error, which is a
//! deny.

use super::evaluate::EvaluationError;
use super::question::{Party, Question};
use super::schema::{ActionShape, EntityShape, Vocabulary};
use crate::domain::DatasetText;
use crate::record::canonical::Json;
use cedar_policy::{Context, Entities, Entity, EntityUid, Request, RestrictedExpression};
use deedbook_verify::facts::ActorKind;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// Votes as policies see them.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Votes {
    /// Persons who agreed and whose votes count.
    pub distinct_approvers: u16,
    /// The teams that they filled the places of.
    pub groups: BTreeSet<String>,
}

/// One question, asked for one party.
pub(super) struct Posed<'a> {
    vocabulary: &'a Vocabulary,
    action: &'a ActionShape,
    principal: EntityUid,
    resource: EntityUid,
    pub entities: Entities,
    /// The context but for the approval.
    context: Vec<(String, RestrictedExpression)>,
}

impl<'a> Posed<'a> {
    /// Builds what both evaluations share.
    pub fn new(vocabulary: &'a Vocabulary, question: &Question, acting: &Party) -> Result<Posed<'a>, EvaluationError> {
        let action = vocabulary.action(&question.action);
        let action = action.ok_or_else(|| EvaluationError::UnknownAction(question.action.clone()))?;
        let mut people = People { vocabulary, known: BTreeMap::new() };
        let principal = people.party(acting)?;
        let resource = people.resource(question)?;
        let entities = people.into_entities()?;
        let context = circumstances(vocabulary, action, question)?;
        Ok(Posed { vocabulary, action, principal, resource, entities, context })
    }

    /// The request with these votes; nothing: nobody agreed.
    pub fn request(&self, votes: Option<&Votes>) -> Result<Request, EvaluationError> {
        let mut pairs = self.context.clone();
        if self.action.context.contains("approval") {
            pairs.push(("approval".to_owned(), approval(self.vocabulary, votes)?));
        }
        let context = Context::from_pairs(pairs).map_err(|error| mismatch(&error))?;
        let (principal, resource) = (self.principal.clone(), self.resource.clone());
        let schema = Some(&self.vocabulary.schema);
        Request::new(principal, self.action.uid.clone(), resource, context, schema).map_err(|error| mismatch(&error))
    }
}

/// Cedar's words, with those of what lies beneath.
pub(super) fn mismatch(error: &dyn std::error::Error) -> EvaluationError {
    let mut words = error.to_string();
    let mut beneath = error.source();
    while let Some(cause) = beneath {
        words = format!("{words}: {cause}");
        beneath = cause.source();
    }
    EvaluationError::Mismatch(words)
}

pub(super) fn entity<'a>(vocabulary: &'a Vocabulary, name: &str) -> Result<&'a EntityShape, EvaluationError> {
    vocabulary.entity(name).ok_or_else(|| EvaluationError::Mismatch(format!("the schema has no entity type `{name}`")))
}

fn approval(vocabulary: &Vocabulary, votes: Option<&Votes>) -> Result<RestrictedExpression, EvaluationError> {
    let team = entity(vocabulary, "Team")?;
    let groups = votes.into_iter().flat_map(|votes| &votes.groups);
    let groups = groups.map(|name| RestrictedExpression::new_entity_uid(team.uid(name)));
    let fields = [
        ("granted".to_owned(), RestrictedExpression::new_bool(votes.is_some())),
        ("distinct_approvers".to_owned(), long(votes.map_or(0, |votes| i64::from(votes.distinct_approvers)))),
        ("groups".to_owned(), RestrictedExpression::new_set(groups)),
    ];
    RestrictedExpression::new_record(fields).map_err(|error| mismatch(&error))
}

pub(super) fn long(number: i64) -> RestrictedExpression {
    RestrictedExpression::new_long(number)
}

pub(super) fn text(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

/// The attributes of the context that the schema declares for this action.
fn circumstances(
    vocabulary: &Vocabulary,
    action: &ActionShape,
    question: &Question,
) -> Result<Vec<(String, RestrictedExpression)>, EvaluationError> {
    let mut pairs = Vec::new();
    let mut add = |name: &str, value: RestrictedExpression| {
        if action.context.contains(name) {
            pairs.push((name.to_owned(), value));
        }
    };
    add("destination_external", RestrictedExpression::new_bool(question.destination_external()));
    add("environment", text(&question.environment));
    add("reversibility", text(question.reversibility.name()));
    add("delegation_depth", long(i64::try_from(question.on_behalf_of.len()).unwrap_or(i64::MAX)));
    if let Some(destination) = &question.destination {
        add("destination", text(destination));
    }
    if let Some(rows) = question.row_estimate() {
        add("row_estimate", long(rows));
    }
    if action.context.contains("lineage_sources") {
        let dataset = entity(vocabulary, "Dataset")?;
        let sources = question.dataset_sources.iter().map(|source| dataset.uid(dataset_name(source)));
        add("lineage_sources", RestrictedExpression::new_set(sources.map(RestrictedExpression::new_entity_uid)));
    }
    if action.context.contains("on_behalf_of") {
        let user = entity(vocabulary, "User")?;
        let people = question.on_behalf_of.iter().filter(|party| party.name.kind() == ActorKind::Human);
        let people = people.map(|party| RestrictedExpression::new_entity_uid(user.uid(party.name.id())));
        add("on_behalf_of", RestrictedExpression::new_set(people));
    }
    if action.context.contains("params") {
        add("params", value(&question.params)?);
    }
    Ok(pairs)
}

/// `dataset:customers@v42` is the entity `customers`, as the resource of that name would be.
fn dataset_name(source: &str) -> &str {
    DatasetText::parse(source).full
}

/// Parameters as they are: no text of an agent's is taken for an entity or a function.
fn value(json: &Json) -> Result<RestrictedExpression, EvaluationError> {
    match json {
        Json::Null => {
            Err(EvaluationError::Mismatch("the parameters hold `null`, which Cedar does not know".to_owned()))
        }
        Json::Flag(flag) => Ok(RestrictedExpression::new_bool(*flag)),
        Json::Number(number) => Ok(long(number.get())),
        Json::Text(string) => Ok(text(string)),
        Json::List(list) => {
            let values: Result<Vec<RestrictedExpression>, EvaluationError> = list.iter().map(value).collect();
            values.map(RestrictedExpression::new_set)
        }
        Json::Object(members) => {
            let members = members.iter().map(|(name, json)| Ok((name.clone(), value(json)?)));
            let members: Result<Vec<(String, RestrictedExpression)>, EvaluationError> = members.collect();
            RestrictedExpression::new_record(members?).map_err(|error| mismatch(&error))
        }
    }
}

/// The entities that a question brings, each once: the agent may act on itself.
pub(super) struct People<'a> {
    pub vocabulary: &'a Vocabulary,
    pub known: BTreeMap<String, Entity>,
}

impl People<'_> {
    /// All of them, checked against the schema.
    pub fn into_entities(self) -> Result<Entities, EvaluationError> {
        let entities = Entities::from_entities(self.known.into_values(), Some(&self.vocabulary.schema));
        entities.map_err(|error| mismatch(&error))
    }

    /// Adds somebody, and who answers for them.
    pub fn party(&mut self, party: &Party) -> Result<EntityUid, EvaluationError> {
        let kind = match party.name.kind() {
            ActorKind::Human => "User",
            ActorKind::Service => "Service",
            ActorKind::Agent | ActorKind::Team => "Agent",
        };
        let mut says = vec![("tenant", text(&party.tenant)), ("active", RestrictedExpression::new_bool(true))];
        if let Some(responsible) = &party.responsible {
            let owner = vec![("tenant", text(&party.tenant)), ("active", RestrictedExpression::new_bool(true))];
            let owner = self.add("User", &responsible.id, &responsible.teams, owner)?;
            says.push(("owner", RestrictedExpression::new_entity_uid(owner)));
        }
        says.extend(party.model.as_ref().map(|model| ("model", text(model))));
        says.extend(party.trust_tier.map(|tier| ("trust_tier", long(tier.get()))));
        self.add(kind, party.name.id(), &party.teams, says)
    }

    fn resource(&mut self, question: &Question) -> Result<EntityUid, EvaluationError> {
        let resource = &question.resource;
        let kind = type_of(&resource.class);
        if self.vocabulary.entity(&kind).is_none() {
            return Err(EvaluationError::UnknownClass(resource.class.clone()));
        }
        let mut says = vec![
            ("tenant", text(&resource.tenant)),
            ("classification", text(&resource.classification)),
            ("active", RestrictedExpression::new_bool(true)),
        ];
        says.extend(resource.version.as_ref().map(|version| ("version", text(version))));
        self.add(&kind, &resource.name, &BTreeSet::new(), says)
    }

    /// Adds an entity with those attributes that its type declares; one that is known stays as it is.
    pub fn add(
        &mut self,
        kind: &str,
        id: &str,
        teams: &BTreeSet<String>,
        says: Vec<(&str, RestrictedExpression)>,
    ) -> Result<EntityUid, EvaluationError> {
        let shape = entity(self.vocabulary, kind)?;
        let uid = shape.uid(id);
        let place = uid.to_string();
        if self.known.contains_key(&place) {
            return Ok(uid);
        }
        let declared = says.into_iter().filter(|(name, _)| shape.attributes.contains(*name));
        let attributes: HashMap<String, RestrictedExpression> =
            declared.map(|(name, value)| (name.to_owned(), value)).collect();
        let mut parents = HashSet::new();
        if !teams.is_empty() {
            let team = entity(self.vocabulary, "Team")?;
            parents.extend(teams.iter().map(|name| team.uid(name)));
        }
        let made = Entity::new(uid.clone(), attributes, parents);
        self.known.insert(place, made.map_err(|error| mismatch(&error))?);
        Ok(uid)
    }
}

/// The entity type of a resource's class: `dataset` is `Dataset`, and a person is a `User`.
fn type_of(class: &str) -> String {
    if class == "human" {
        return "User".to_owned();
    }
    let mut rest = class.chars();
    rest.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + rest.as_str())
}
