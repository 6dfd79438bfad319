//! FILE.json: the exact action as a person or program writes it, and the binding that comes of it once this program has
//! filled in who asks, for which ledger, and a nonce.

use crate::cli::client::Client;
use crate::cli::errors::Failure;
use crate::cli::output::read_bounded;
use crate::cli::producer::Producer;
use crate::domain::principal_ref;
use crate::limits::BINDING_BYTES_MAX;
use crate::record::binding::{BINDING_SCHEMA, Binding, Nonce, PartyName};
use crate::record::canonical::{Json, JsonError};
use crate::record::entropy;
use clap::Args;
use deedbook_verify::facts::ActorKind;
use deedbook_verify::kind::Kind;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a help text says of FILE.json.
pub const HELP: &str = "FILE.json says exactly what will run, for people to judge:\n  \
    {\"action\":\"data.export\",\"resource\":\"dataset:customers\",\"params\":{\"rows\":120000},\n   \
    \"dataset_sources\":[\"dataset:customers@v42\"],\"destination\":\"s3://partner/x\",\n   \
    \"reversibility\":\"irreversible\",\"environment\":\"production\"}\n\
    Only action and resource must be there. What is left out counts as irreversible, in production.\n\n\
    Examples:\n  deedbook action submit export.json --signer agent.key --wait\n  \
    deedbook action submit export.json --signer gateway.key --as agent:a1 --on-behalf-of human:alice";

/// Members that FILE.json may have, and what stands for one that is left out.
const MEMBERS: [(&str, Option<&str>); 7] = [
    ("action", None),
    ("resource", None),
    ("params", Some("{}")),
    ("dataset_sources", Some("[]")),
    ("destination", None),
    ("reversibility", Some("\"irreversible\"")),
    ("environment", Some("\"production\"")),
];

/// Who asks for what.
#[derive(Args, Debug)]
pub struct Asked {
    /// What exactly will run
    #[arg(value_name = "FILE.json")]
    pub file: PathBuf,
    /// Who acts, where the signer is a gateway: human:ID, agent:ID or service:ID
    #[arg(long = "as", value_name = "KIND:ID")]
    pub actor: Option<String>,
    /// For whom it acts, from the root on; may be given several times
    #[arg(long, value_name = "KIND:ID")]
    pub on_behalf_of: Vec<String>,
}

/// A file that has been read: the members of a binding that it decides.
#[derive(Clone, Debug)]
pub struct ActionFile(BTreeMap<String, Json>);

/// Reads FILE.json.
pub fn read(path: &Path) -> Result<ActionFile, Failure> {
    let bytes = read_bounded(path, BINDING_BYTES_MAX)?;
    let wrong = |error: JsonError| Failure::usage(format!("{}: {}", path.display(), error), "");
    let mut members = match Json::parse(&bytes, BINDING_BYTES_MAX).map_err(wrong)? {
        Json::Object(members) => members,
        Json::Null | Json::Flag(_) | Json::Number(_) | Json::Text(_) | Json::List(_) => {
            return Err(wrong(JsonError::new("", "the file is no JSON object", "write {\"action\":…,\"resource\":…}")));
        }
    };
    if let Some(unknown) = members.keys().find(|name| !MEMBERS.iter().any(|(known, _)| known == name)) {
        let known: Vec<&str> = MEMBERS.iter().map(|(name, _)| *name).collect();
        let remedy = format!("leave it out; there are {}", known.join(", "));
        return Err(wrong(JsonError::new(unknown, "is no member of an action", remedy)));
    }
    for (name, default) in MEMBERS {
        if let Some(default) = default.filter(|_| !members.contains_key(name)) {
            members.insert(name.to_owned(), Json::parse(default.as_bytes(), default.len()).map_err(wrong)?);
        }
    }
    Ok(ActionFile(members))
}

impl ActionFile {
    /// The same action, with the command line that will run among its parameters, where people see it.
    pub fn with_command(mut self, command: &[String]) -> Result<ActionFile, Failure> {
        let Some(Json::Object(params)) = self.0.get_mut("params") else {
            return Err(Failure::usage("`params` is not an object", "write `{…}`, empty if there are none"));
        };
        let stated = Json::texts(command);
        if params.get("command").is_some_and(|other| *other != stated) {
            let next = "leave `params.command` out of the file, or make it equal";
            return Err(Failure::usage("`params.command` is not the command that is to run", next));
        }
        params.insert("command".to_owned(), stated);
        Ok(self)
    }

    /// The binding of an action, from the kind and the body of the command that asked, with what this file says in the
    /// place of what it said then. A break-glass holds its binding beside why the glass was broken.
    pub fn in_place_of(&self, (kind, body): (Kind, &[u8])) -> Result<Binding, Failure> {
        let no_object = || unreadable(JsonError::new("", "the binding is no object", ""));
        // Twice the bound of a binding, as the ledger reads it: reason and incident stand beside it.
        let body = Json::parse(body, BINDING_BYTES_MAX.saturating_mul(2)).map_err(unreadable)?;
        let Json::Object(mut members) = body else { return Err(no_object()) };
        if kind == Kind::BreakglassInvoked {
            let Some(Json::Object(binding)) = members.remove("binding") else { return Err(no_object()) };
            members = binding;
        }
        for (name, _) in MEMBERS {
            members.remove(name);
        }
        members.extend(self.0.clone());
        Binding::from_json(Json::Object(members)).map_err(wrong_file)
    }
}

/// The binding: the file, and who asks, for which ledger.
pub async fn binding(
    client: &mut Client,
    producer: &Producer,
    asked: &Asked,
    file: ActionFile,
) -> Result<Binding, Failure> {
    let origin = client.ledger().await?.origin;
    let agent = match &asked.actor {
        Some(text) => party("--as", text)?,
        None => own_name(client, producer).await?,
    };
    let chain: Vec<PartyName> =
        asked.on_behalf_of.iter().map(|text| party("--on-behalf-of", text)).collect::<Result<_, _>>()?;
    let key = Json::Text(producer.key.public().id().to_string());
    let mut members = file.0;
    let mut fill = |name: &str, value: Json| drop(members.insert(name.to_owned(), value));
    fill("schema", Json::Text(BINDING_SCHEMA.to_owned()));
    fill("tenant", Json::Text(origin));
    fill("agent", Json::object([("id", Json::Text(agent.as_str().to_owned())), ("key", key)]));
    fill("on_behalf_of", Json::texts(chain.iter().map(PartyName::as_str)));
    fill("nonce", Json::Text(Nonce(entropy::array()?).to_string()));
    Binding::from_json(Json::Object(members)).map_err(wrong_file)
}

/// The name under which the signer itself was bound. Genesis states refs and no names: a person of genesis is found by the
/// name of their key, if their ref was made of it.
async fn own_name(client: &mut Client, producer: &Producer) -> Result<PartyName, Failure> {
    let (principals, _) = client.principals().await?;
    let mine = principals.iter().find(|principal| principal.r#ref == producer.source.as_bytes());
    let unknown = || {
        let next = "bind it with `deedbook principal add --kind agent --id ID --responsible PERSON --key FILE.pub`, or \
                    name who acts with `--as agent:ID`";
        Failure::usage("the signer is bound as nobody who could act", next)
    };
    let mine = mine.ok_or_else(unknown)?;
    if mine.kind == ActorKind::Human.name() && mine.id.is_empty() {
        let name = producer.key.name();
        let own = principal_ref(&producer.refs, ActorKind::Human, name).is_ok_and(|made| made == producer.source);
        let named = PartyName::parse(&format!("human:{name}")).filter(|_| own);
        let message = "the log holds no name of the signer, and that of its key is another";
        return named.ok_or_else(|| Failure::usage(message, "name who acts with `--as human:ID`"));
    }
    PartyName::parse(&format!("{}:{}", mine.kind, mine.id)).ok_or_else(unknown)
}

fn party(flag: &str, text: &str) -> Result<PartyName, Failure> {
    PartyName::parse(text).ok_or_else(|| {
        Failure::usage(format!("`{flag} {text}` names nobody who acts"), "write human:ID, agent:ID or service:ID")
    })
}

fn wrong_file(error: JsonError) -> Failure {
    Failure::usage(format!("the action is not well-formed: {error}"), "")
}

/// A binding of the log that cannot be read.
pub fn unreadable(error: JsonError) -> Failure {
    Failure::failed(format!("the submitted action cannot be read: {error}"), "compare program versions")
}
