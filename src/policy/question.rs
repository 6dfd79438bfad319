//! What an evaluation rests on, as names and numbers: recorded with the decision in JSON of one form, and evaluated
//! again from there by whoever replays. It asks; `request` turns it into Cedar's terms.

use crate::limits::{
    BINDING_NAME_BYTES_MAX, BINDING_SOURCES_MAX, POLICY_NAME_BYTES_MAX, QUESTION_BYTES_MAX, QUESTION_TEAMS_MAX,
};
use crate::record::binding::{Binding, Nonce, PartyName};
use crate::record::canonical::{Json, JsonError, Whole};
use crate::record::members::Members;
use deedbook_verify::detail::Reversibility;
use deedbook_verify::limits::ON_BEHALF_OF_MAX;
use std::collections::BTreeSet;

/// The `schema` of a recorded question.
pub const QUESTION_SCHEMA: &str = "deedbook.question/1";
/// The classification of what no data class is stated for. It is not `public`.
pub const UNCLASSIFIED: &str = "unclassified";

/// Somebody who acts, or for whom it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Kind and id.
    pub name: PartyName,
    /// The tenant they belong to.
    pub tenant: String,
    /// Who answers for an agent or a service.
    pub responsible: Option<Responsible>,
    /// The names of their teams.
    pub teams: BTreeSet<String>,
    /// The model that an agent runs, if it is known.
    pub model: Option<String>,
    /// How far an agent is trusted, if somebody says.
    pub trust_tier: Option<Whole>,
}

/// The person who answers for an agent or a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Responsible {
    /// Their id.
    pub id: String,
    /// The names of their teams.
    pub teams: BTreeSet<String>,
}

/// What is acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its class, such as `dataset`: the part before the colon.
    pub class: String,
    /// Its name, without version.
    pub name: String,
    /// What stands behind the last `@` of the name.
    pub version: Option<String>,
    /// The tenant it belongs to.
    pub tenant: String,
    /// The data class, or `UNCLASSIFIED`.
    pub classification: String,
}

/// Everything that policies judge an action by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The action's nonce, so that the record's digest cannot be guessed.
    pub nonce: Nonce,
    /// The action's code.
    pub action: String,
    /// Who acts.
    pub principal: Party,
    /// For whom, from the root to who asked last.
    pub on_behalf_of: Vec<Party>,
    /// On what.
    pub resource: Resource,
    /// Where the result goes.
    pub destination: Option<String>,
    /// Where it runs.
    pub environment: String,
    /// Whether it can be undone.
    pub reversibility: Reversibility,
    /// The datasets it reads, as `dataset:name@version`.
    pub dataset_sources: Vec<String>,
    /// What it is called with, for schemas that type the parameters of an action.
    pub params: Json,
}

/// What a question says beyond the action's binding: what the ledger knows of its parties, and the data class that the
/// submission states.
#[derive(Clone, Debug)]
pub struct Known {
    /// Who acts.
    pub principal: Party,
    /// The chain, in the binding's order.
    pub on_behalf_of: Vec<Party>,
    /// The tenant of the resource.
    pub resource_tenant: String,
    /// The data class, if one is stated.
    pub classification: Option<String>,
}

impl Resource {
    /// Splits `class:name@version`; nothing where there is no colon.
    pub fn parse(text: &str, tenant: &str, classification: Option<&str>) -> Option<Resource> {
        let (class, name) = text.split_once(':')?;
        let (name, version) = match name.rsplit_once('@') {
            Some((name, version)) if !name.is_empty() && !version.is_empty() => (name, Some(version.to_owned())),
            _ => (name, None),
        };
        Some(Resource {
            class: class.to_owned(),
            name: name.to_owned(),
            version,
            tenant: tenant.to_owned(),
            classification: classification.unwrap_or(UNCLASSIFIED).to_owned(),
        })
    }
}

impl Question {
    /// The question that a submission asks. Nothing where the binding's resource is no `class:name`, which no binding
    /// that was read from bytes has.
    pub fn new(binding: &Binding, known: Known) -> Option<Question> {
        let resource = Resource::parse(&binding.resource, &known.resource_tenant, known.classification.as_deref())?;
        Some(Question {
            nonce: binding.nonce,
            action: binding.action.clone(),
            principal: known.principal,
            on_behalf_of: known.on_behalf_of,
            resource,
            destination: binding.destination.clone(),
            environment: binding.environment.clone(),
            reversibility: binding.reversibility,
            dataset_sources: binding.dataset_sources.clone(),
            params: binding.params.clone(),
        })
    }

    /// Rows that the action touches, as its parameters say: `row_estimate`, else `rows`.
    pub fn row_estimate(&self) -> Option<i64> {
        let Json::Object(params) = &self.params else { return None };
        let stated = params.get("row_estimate").or_else(|| params.get("rows"))?;
        match stated {
            Json::Number(rows) => Some(rows.get()),
            Json::Null | Json::Flag(_) | Json::Text(_) | Json::List(_) | Json::Object(_) => None,
        }
    }

    /// Whether the result leaves the tenant: every destination that is no resource of its own, by its name.
    pub fn destination_external(&self) -> bool {
        let within = ["dataset:", "system:"];
        self.destination.as_ref().is_some_and(|place| !within.iter().any(|class| place.starts_with(class)))
    }

    /// The recorded form: RFC 8785. `from_bytes` gives the question again.
    pub fn to_bytes(&self) -> Vec<u8> {
        let resource = Json::object([
            ("class", Json::text(&self.resource.class)),
            ("name", Json::text(&self.resource.name)),
            ("tenant", Json::text(&self.resource.tenant)),
            ("classification", Json::text(&self.resource.classification)),
        ]);
        let json = Json::object([
            ("schema", Json::text(QUESTION_SCHEMA)),
            ("nonce", Json::text(self.nonce.to_string())),
            ("action", Json::text(&self.action)),
            ("principal", self.principal.to_json()),
            ("on_behalf_of", Json::List(self.on_behalf_of.iter().map(Party::to_json).collect())),
            ("resource", resource.with("version", self.resource.version.as_ref().map(Json::text))),
            ("environment", Json::text(&self.environment)),
            ("reversibility", Json::text(self.reversibility.name())),
            ("dataset_sources", Json::texts(&self.dataset_sources)),
            ("params", self.params.clone()),
        ]);
        json.with("destination", self.destination.as_ref().map(Json::text)).to_bytes()
    }

    /// Reads a recorded question.
    pub fn from_bytes(bytes: &[u8]) -> Result<Question, JsonError> {
        let question = Question::from_json(Json::parse(bytes, QUESTION_BYTES_MAX)?)?;
        if question.to_bytes() == bytes {
            return Ok(question);
        }
        Err(JsonError::new(
            "",
            "the question does not stand in its canonical form",
            "take the bytes as they were recorded",
        ))
    }

    /// Reads a question of any spelling, for trying policies out.
    pub fn from_json(json: Json) -> Result<Question, JsonError> {
        let mut members = Members::of(json, "")?;
        let schema = members.text("schema")?;
        if schema != QUESTION_SCHEMA {
            let problem = format!("is {schema:?}, which is no schema of a question");
            return Err(JsonError::new("schema", problem, format!("write {QUESTION_SCHEMA:?}")));
        }
        let chain = members.list("on_behalf_of", ON_BEHALF_OF_MAX)?;
        let reversibility = members.text("reversibility")?;
        let nonce = members.text("nonce")?;
        let question = Question {
            nonce: Nonce::from_hex(&nonce).ok_or_else(|| {
                JsonError::new("nonce", "is not 32 lower-case hex digits", "write the action's nonce")
            })?,
            action: members.text("action")?,
            principal: Party::from_json(members.required("principal")?, "principal")?,
            on_behalf_of: chain
                .into_iter()
                .map(|json| Party::from_json(json, "on_behalf_of"))
                .collect::<Result<_, _>>()?,
            resource: resource(members.required("resource")?)?,
            destination: members.text_if_any("destination")?,
            environment: members.text("environment")?,
            reversibility: Reversibility::from_name(&reversibility).ok_or_else(|| {
                JsonError::new(
                    "reversibility",
                    format!("is {reversibility:?}"),
                    "write reversible, compensable or irreversible",
                )
            })?,
            dataset_sources: members.texts("dataset_sources", BINDING_SOURCES_MAX)?,
            params: members.required("params")?,
        };
        members.end()?;
        Ok(question)
    }
}

impl Party {
    /// Somebody of whom no more than name and tenant is known.
    pub fn named(name: PartyName, tenant: &str) -> Party {
        let tenant = tenant.to_owned();
        Party { name, tenant, responsible: None, teams: BTreeSet::new(), model: None, trust_tier: None }
    }

    fn to_json(&self) -> Json {
        let known = [
            ("name", Json::text(self.name.as_str())),
            ("tenant", Json::text(&self.tenant)),
            ("teams", Json::texts(&self.teams)),
        ];
        Json::object(known)
            .with("responsible", self.responsible.as_ref().map(Responsible::to_json))
            .with("model", self.model.as_ref().map(Json::text))
            .with("trust_tier", self.trust_tier.map(Json::Number))
    }

    fn from_json(json: Json, path: &str) -> Result<Party, JsonError> {
        let mut members = Members::of(json, path)?;
        let name = members.text("name")?;
        let teams = teams(&mut members)?;
        let responsible = members.take("responsible");
        let party = Party {
            name: PartyName::parse(&name).ok_or_else(|| {
                let problem = format!("is {name:?}, which names nobody who acts");
                JsonError::new(&members.path("name"), problem, "write `human:ID`, `agent:ID` or `service:ID`")
            })?,
            tenant: members.text("tenant")?,
            responsible: responsible
                .map(|json| Responsible::from_json(json, &members.path("responsible")))
                .transpose()?,
            teams,
            model: members.text_if_any("model")?,
            trust_tier: members.number_if_any("trust_tier")?,
        };
        members.end()?;
        Ok(party)
    }
}

impl Responsible {
    fn to_json(&self) -> Json {
        Json::object([("id", Json::text(&self.id)), ("teams", Json::texts(&self.teams))])
    }

    fn from_json(json: Json, path: &str) -> Result<Responsible, JsonError> {
        let mut members = Members::of(json, path)?;
        let responsible = Responsible { id: members.text("id")?, teams: teams(&mut members)? };
        members.end()?;
        Ok(responsible)
    }
}

fn teams(members: &mut Members) -> Result<BTreeSet<String>, JsonError> {
    let teams = members.texts("teams", QUESTION_TEAMS_MAX)?;
    if teams.iter().any(|team| team.is_empty() || team.len() > POLICY_NAME_BYTES_MAX) {
        return Err(JsonError::new(&members.path("teams"), "holds a name that no team has", "name teams by their ids"));
    }
    Ok(teams.into_iter().collect())
}

fn resource(json: Json) -> Result<Resource, JsonError> {
    let mut members = Members::of(json, "resource")?;
    let resource = Resource {
        class: members.text("class")?,
        name: members.text("name")?,
        version: members.text_if_any("version")?,
        tenant: members.text("tenant")?,
        classification: members.text("classification")?,
    };
    members.end()?;
    let longest = resource.class.len().max(resource.name.len());
    if longest > BINDING_NAME_BYTES_MAX {
        let problem = format!("holds {longest} bytes, more than the limit of {BINDING_NAME_BYTES_MAX}");
        return Err(JsonError::new("resource", problem, "write a shorter name"));
    }
    Ok(resource)
}
