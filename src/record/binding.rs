//! The binding of an action: what exactly an agent asks to do, as JSON of one form, and the digest that request, votes,
//! grant and redemption all name. It does not judge whether the action may be done.

use super::canonical::{Json, JsonError};
use super::members::Members;
use crate::limits::{BINDING_BYTES_MAX, BINDING_NAME_BYTES_MAX, BINDING_SOURCES_MAX, SECRET_REF_BYTES_MAX};
use deedbook_verify::detail::Reversibility;
use deedbook_verify::facts::ActorKind;
use deedbook_verify::hash;
use deedbook_verify::limits::{CODE_BYTES_MAX, ON_BEHALF_OF_MAX};
use deedbook_verify::words::{Digest, KeyId};

/// The `schema` of a binding, and what its digest is prefixed with.
pub const BINDING_SCHEMA: &str = "deedbook.action/1";
/// The media type of a binding as a body.
pub const BINDING_MEDIA_TYPE: &str = "application/vnd.deedbook.action+json";

/// 16 random bytes of whoever submits: nobody who sees a digest can find its action by guessing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Nonce(pub [u8; 16]);

impl Nonce {
    /// Parses 32 lower-case hex digits, the only form in a binding.
    pub fn from_hex(text: &str) -> Option<Nonce> {
        let nonce = Nonce(deedbook_verify::words::SubjectId::from_hex(text)?.0);
        (nonce.to_string() == text).then_some(nonce)
    }
}

impl std::fmt::Display for Nonce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Nonce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Nonce(not shown)")
    }
}

/// A person, agent or service by name: `human:alice`, `agent:a1`, `service:ci`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartyName {
    text: String,
    colon: usize,
}

impl PartyName {
    /// Splits `kind:id` at the first colon; teams do not act.
    pub fn parse(text: &str) -> Option<PartyName> {
        let (kind, id) = text.split_once(':')?;
        let acts = matches!(kind, "human" | "agent" | "service");
        let fits = !id.is_empty() && text.len() <= BINDING_NAME_BYTES_MAX;
        (acts && fits).then(|| PartyName { text: text.to_owned(), colon: kind.len() })
    }

    /// Of which kind.
    pub fn kind(&self) -> ActorKind {
        match self.text.get(..self.colon) {
            Some("human") => ActorKind::Human,
            Some("service") => ActorKind::Service,
            Some(_) | None => ActorKind::Agent,
        }
    }

    /// The id, as `principal add --id` takes it.
    pub fn id(&self) -> &str {
        self.text.get(self.colon.saturating_add(1)..).unwrap_or_default()
    }

    /// Kind and id.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// A tool that the action calls, and the digest of the schema that it was offered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// SHA-256 or BLAKE3 of its schema, as whoever offered it states it.
    pub schema_digest: Digest,
}

/// What an agent asks to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Whose data and rules it is about.
    pub tenant: String,
    /// The action's code, such as `data.export`.
    pub action: String,
    /// What it acts on, as `class:name`, such as `dataset:customers`.
    pub resource: String,
    /// Who acts.
    pub agent: PartyName,
    /// The key that this instance of it holds.
    pub agent_key: KeyId,
    /// For whom, from the root to who asked last; empty: for itself.
    pub on_behalf_of: Vec<PartyName>,
    /// By which tool.
    pub tool: Option<Tool>,
    /// Everything the action is called with. A secret is named, not written: `{"$secret_ref":…,"sha256":…}`.
    pub params: Json,
    /// The datasets it reads, each with version or digest behind an `@`.
    pub dataset_sources: Vec<String>,
    /// Where its result goes.
    pub destination: Option<String>,
    /// Whether it can be undone.
    pub reversibility: Reversibility,
    /// Where it runs, a code such as `production`.
    pub environment: String,
    /// Keeps the digest from being guessed.
    pub nonce: Nonce,
}

impl Binding {
    /// Reads a binding that stands in its one form, as bodies hold it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Binding, JsonError> {
        Binding::from_json(Json::parse_canonical(bytes, BINDING_BYTES_MAX)?)
    }

    /// Reads a binding from JSON of any spelling; `to_bytes` of it is its one form.
    pub fn from_json(json: Json) -> Result<Binding, JsonError> {
        let mut members = Members::of(json, "")?;
        let schema = members.text("schema")?;
        if schema != BINDING_SCHEMA {
            let problem = format!("is {schema:?}, which is no schema of an action");
            return Err(JsonError::new("schema", problem, format!("write {BINDING_SCHEMA:?}")));
        }
        let (agent, agent_key) = agent(members.required("agent")?)?;
        let sources = members.texts("dataset_sources", BINDING_SOURCES_MAX)?;
        let binding = Binding {
            tenant: name(&mut members, "tenant")?,
            action: code(&mut members, "action")?,
            resource: resource(&mut members)?,
            agent,
            agent_key,
            on_behalf_of: chain(&mut members)?,
            tool: members.take("tool").map(tool).transpose()?,
            params: params(members.required("params")?)?,
            dataset_sources: sources
                .into_iter()
                .map(|source| bounded("dataset_sources", source))
                .collect::<Result<_, _>>()?,
            destination: members.text_if_any("destination")?.map(|text| bounded("destination", text)).transpose()?,
            reversibility: reversibility(&mut members)?,
            environment: code(&mut members, "environment")?,
            nonce: nonce(&mut members)?,
        };
        members.end()?;
        let bytes = binding.to_bytes().len();
        if bytes > BINDING_BYTES_MAX {
            let problem = format!("the binding has {bytes} bytes, more than the limit of {BINDING_BYTES_MAX}");
            return Err(JsonError::new("", problem, "keep large parameters elsewhere, and their digests here"));
        }
        Ok(binding)
    }

    /// The one form: RFC 8785.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_json().to_bytes()
    }

    /// SHA-256(`deedbook.action/1` ‖ 0x00 ‖ canonical bytes): what everything later names the action by.
    pub fn digest(&self) -> Digest {
        action_digest(BINDING_SCHEMA, &self.to_bytes())
    }

    fn to_json(&self) -> Json {
        let agent = [("id", Json::text(self.agent.as_str())), ("key", Json::text(self.agent_key.to_string()))];
        let json = Json::object([
            ("schema", Json::text(BINDING_SCHEMA)),
            ("tenant", Json::text(&self.tenant)),
            ("action", Json::text(&self.action)),
            ("resource", Json::text(&self.resource)),
            ("agent", Json::object(agent)),
            ("on_behalf_of", Json::texts(self.on_behalf_of.iter().map(PartyName::as_str))),
            ("params", self.params.clone()),
            ("dataset_sources", Json::texts(&self.dataset_sources)),
            ("reversibility", Json::text(self.reversibility.name())),
            ("environment", Json::text(&self.environment)),
            ("nonce", Json::text(self.nonce.to_string())),
        ]);
        let tool = self.tool.as_ref().map(|tool| {
            let digest = Json::text(tool.schema_digest.to_string());
            Json::object([("name", Json::text(&tool.name)), ("schema_digest", digest)])
        });
        json.with("tool", tool).with("destination", self.destination.as_ref().map(Json::text))
    }
}

/// SHA-256(schema ‖ 0x00 ‖ canonical bytes).
fn action_digest(schema: &str, canonical: &[u8]) -> Digest {
    Digest(hash::digest(&[schema.as_bytes(), &[0], canonical]).0)
}

fn bounded(field: &str, text: String) -> Result<String, JsonError> {
    if text.is_empty() {
        return Err(JsonError::new(field, "holds an empty text", "write a name"));
    }
    if text.len() > BINDING_NAME_BYTES_MAX {
        let problem = format!("holds {} bytes, more than the limit of {BINDING_NAME_BYTES_MAX}", text.len());
        return Err(JsonError::new(field, problem, "write a shorter name"));
    }
    Ok(text)
}

fn name(members: &mut Members, field: &str) -> Result<String, JsonError> {
    bounded(field, members.text(field)?)
}

/// A code as facts hold it: the two must be able to say the same.
fn code(members: &mut Members, field: &str) -> Result<String, JsonError> {
    let text = members.text(field)?;
    let follows = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    let starts = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if starts && text.len() <= CODE_BYTES_MAX && text.bytes().all(follows) {
        return Ok(text);
    }
    let remedy = format!("write at most {CODE_BYTES_MAX} of a-z, 0-9, `_`, `.`, `-`, a letter first");
    Err(JsonError::new(field, format!("is {text:?}, which is no code"), remedy))
}

fn resource(members: &mut Members) -> Result<String, JsonError> {
    let text = name(members, "resource")?;
    match text.split_once(':') {
        Some((class, rest)) if !class.is_empty() && !rest.is_empty() => Ok(text),
        _ => Err(JsonError::new("resource", "is not `class:name`", "write it like `dataset:customers`")),
    }
}

fn party(field: &str, text: &str) -> Result<PartyName, JsonError> {
    let remedy = "write `human:ID`, `agent:ID` or `service:ID`";
    PartyName::parse(text)
        .ok_or_else(|| JsonError::new(field, format!("is {text:?}, which names nobody who acts"), remedy))
}

fn agent(json: Json) -> Result<(PartyName, KeyId), JsonError> {
    let mut members = Members::of(json, "agent")?;
    let id = party("agent.id", &members.text("id")?)?;
    let key = hex(&members.text("key")?).ok_or_else(|| not_hex("agent.key"))?;
    members.end()?;
    Ok((id, KeyId(key)))
}

fn chain(members: &mut Members) -> Result<Vec<PartyName>, JsonError> {
    let names = members.texts("on_behalf_of", ON_BEHALF_OF_MAX)?;
    names.iter().map(|text| party("on_behalf_of", text)).collect()
}

fn tool(json: Json) -> Result<Tool, JsonError> {
    let mut members = Members::of(json, "tool")?;
    let name = bounded("tool.name", members.text("name")?)?;
    let schema_digest = hex(&members.text("schema_digest")?).ok_or_else(|| not_hex("tool.schema_digest"))?;
    members.end()?;
    Ok(Tool { name, schema_digest: Digest(schema_digest) })
}

fn reversibility(members: &mut Members) -> Result<Reversibility, JsonError> {
    let text = members.text("reversibility")?;
    let remedy = "write reversible, compensable or irreversible";
    Reversibility::from_name(&text).ok_or_else(|| JsonError::new("reversibility", format!("is {text:?}"), remedy))
}

fn nonce(members: &mut Members) -> Result<Nonce, JsonError> {
    let text = members.text("nonce")?;
    Nonce::from_hex(&text).ok_or_else(|| {
        JsonError::new("nonce", "is not 32 lower-case hex digits", "take 16 random bytes for each action")
    })
}

/// 64 lower-case hex digits, so that one value has one spelling.
fn hex(text: &str) -> Option<[u8; 32]> {
    Digest::from_hex(text).filter(|digest| digest.to_string() == text).map(|digest| digest.0)
}

fn not_hex(field: &str) -> JsonError {
    JsonError::new(field, "is not 64 lower-case hex digits", "write the 32 bytes in hex")
}

/// Parameters are an object; what stands for a secret has exactly a name and a digest.
fn params(json: Json) -> Result<Json, JsonError> {
    let Json::Object(members) = &json else {
        return Err(JsonError::new("params", "is not an object", "write `{…}`, empty if there are none"));
    };
    let mut open: Vec<&Json> = members.values().collect();
    while let Some(value) = open.pop() {
        match value {
            Json::Object(members) if members.contains_key("$secret_ref") => secret(value.clone())?,
            Json::Object(members) => open.extend(members.values()),
            Json::List(values) => open.extend(values),
            Json::Null | Json::Flag(_) | Json::Number(_) | Json::Text(_) => {}
        }
    }
    Ok(json)
}

fn secret(json: Json) -> Result<(), JsonError> {
    let mut members = Members::of(json, "params")?;
    let name = members.text("$secret_ref")?;
    if name.is_empty() || name.len() > SECRET_REF_BYTES_MAX {
        let problem = format!("has {} bytes; 1 to {SECRET_REF_BYTES_MAX} are possible", name.len());
        return Err(JsonError::new("params.$secret_ref", problem, "name the secret as its keeper does"));
    }
    hex(&members.text("sha256")?).ok_or_else(|| not_hex("params.sha256"))?;
    members.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// approvals.md, 2.10: the text, its plain SHA-256 and the one with the prefix.
    const VECTOR: &str = r#"{"action":"data.export","agent":"agent:a1","dataset_sources":["dataset:customers@v42"],"nonce":"01J0000000000000000000000A","on_behalf_of":["user:alice"],"params":{"destination":"s3://partner-bucket/x","format":"csv","rows":120000},"resource":"dataset:customers","schema":"gov.action-binding/1","tenant":"acme"}"#;

    #[test]
    fn published_vector_of_canonical_form_and_prefix() {
        let shuffled = VECTOR
            .replace(r#"{"action":"data.export","#, "{\n ")
            .replace(r#""tenant":"acme"}"#, r#""tenant" : "\u0061cme" , "action":"data.export" }"#);
        let json = Json::parse(shuffled.as_bytes(), BINDING_BYTES_MAX).unwrap();
        assert_eq!(String::from_utf8(json.to_bytes()).unwrap(), VECTOR);
        let plain = hash::digest(&[VECTOR.as_bytes()]).to_string();
        assert_eq!(plain, "38e851c45866f3a38d1f14f121a112e48800f2936eebee45c7fa88fd59c651cf");
        let prefixed = action_digest("gov.action-binding/1", &json.to_bytes()).to_string();
        assert_eq!(prefixed, "a52be8d892c0ae4c6bacdf745333989e3c37b5aaafcf8a41dcdd1d1bf8393b18");
    }

    fn sample() -> String {
        let key = "ab".repeat(32);
        let nonce = "0123456789abcdef".repeat(2);
        format!(
            r#"{{"action":"data.export","agent":{{"id":"agent:a1","key":"{key}"}},"dataset_sources":["dataset:customers@v42"],"destination":"s3://partner/x","environment":"production","nonce":"{nonce}","on_behalf_of":["human:alice"],"params":{{"rows":120000,"token":{{"$secret_ref":"vault:t","sha256":"{key}"}}}},"resource":"dataset:customers","reversibility":"irreversible","schema":"deedbook.action/1","tenant":"acme","tool":{{"name":"export","schema_digest":"{key}"}}}}"#
        )
    }

    #[test]
    fn a_binding_has_one_form_and_every_byte_counts() {
        let text = sample();
        let binding = Binding::from_bytes(text.as_bytes()).unwrap();
        assert_eq!(binding.to_bytes(), text.as_bytes());
        assert_eq!((binding.agent.kind(), binding.agent.id()), (ActorKind::Agent, "a1"));
        let spaced = text.replace(":{", ": {");
        assert!(Binding::from_bytes(spaced.as_bytes()).is_err());
        let loose = Binding::from_json(Json::parse(spaced.as_bytes(), BINDING_BYTES_MAX).unwrap()).unwrap();
        assert_eq!(loose.digest(), binding.digest());
        let changed = text.replace("120000", "120001");
        assert_ne!(Binding::from_bytes(changed.as_bytes()).unwrap().digest(), binding.digest());
    }

    #[test]
    fn what_a_binding_must_not_say() {
        let check = |from: &str, to: &str, field: &str| {
            let text = sample();
            assert!(text.contains(from), "{from}");
            let json = Json::parse(text.replace(from, to).as_bytes(), 2 * BINDING_BYTES_MAX);
            let error = json.and_then(Binding::from_json).unwrap_err();
            assert_eq!(error.field, field, "{to}: {error}");
        };
        check("deedbook.action/1", "gov.action-binding/1", "schema");
        check("data.export", "Data Export", "action");
        check("dataset:customers\",\"rev", "customers\",\"rev", "resource");
        check("agent:a1", "team:a1", "agent.id");
        check("human:alice", "alice", "on_behalf_of");
        check("irreversible", "undoable", "reversibility");
        check("0123456789abcdef", "0123456789ABCDEF", "nonce");
        check("\"tenant\":\"acme\"", "\"tenant\":\"\"", "tenant");
        check("\"tenant\":\"acme\"", "\"tenant\":\"acme\",\"extra\":1", "extra");
        check("\"vault:t\"", "\"vault:t\",\"value\":\"hunter2\"", "params.value");
        check("\"$secret_ref\":\"vault:t\",\"sha256\"", "\"$secret_ref\":\"vault:t\",\"sha255\"", "params.sha256");
        check("120000", "1.5", "");
        check("\"rows\":120000", &format!("\"rows\":\"{}\"", "x".repeat(BINDING_BYTES_MAX)), "");
    }
}
