//! `deedbook principal`: who there is and what they may, by signed commands. Whether a command has effect, or waits for a
//! second administrator, is decided by the ledger's rules, which this only asks.

use super::Common;
use super::client::{Change, Client};
use super::errors::Failure;
use super::glass::{self, Declared, ReasonedGlass};
use super::key;
use super::output::{Output, remark};
use super::producer::Producer;
use crate::api::proto;
use crate::domain;
use crate::record::{self, FactsBuilder};
use clap::{Args, Subcommand};
use deedbook_verify::detail::Roles;
use deedbook_verify::facts::{Actor, ActorKind, Facts};
use deedbook_verify::hash::RefKey;
use deedbook_verify::words::{Ref, SubjectId};
use serde_json::json;
use std::path::PathBuf;

/// What `principal` can do.
#[derive(Subcommand, Debug)]
pub enum PrincipalCommand {
    /// Bind a person, an agent, a service or a team; signed by an administrator
    #[command(
        after_help = "Examples:\n  deedbook principal add --signer admin.key --kind human --id ann --key ann.key.pub \
        --role reviewer\n  deedbook principal add --signer admin.key --kind agent --id exporter-1 --responsible ann"
    )]
    Add(AddArguments),
    /// Link an account of a channel to a person
    #[command(after_help = "Example:\n  deedbook principal link --signer admin.key --id ann --channel slack/T0123 \
        --account U0456")]
    Link {
        /// The person
        #[arg(long, value_name = "ID")]
        id: String,
        /// The channel and its tenant
        #[arg(long, value_name = "CHANNEL/TENANT")]
        channel: String,
        /// The account's id there, never an address
        #[arg(long, value_name = "ID")]
        account: String,
        #[command(flatten)]
        glass: ReasonedGlass,
    },
    /// Disable a principal for ever, and end its keys
    #[command(
        after_help = "Where the only other administrator is gone without a word, their silence is waited for:\n14 days, \
        in which whatever they sign ends it. See docs/OPERATIONS.md, \"The other administrator is gone\".\n\n\
        Examples:\n  deedbook principal disable --signer admin.key --kind agent --id exporter-1\n  \
        deedbook principal disable --signer ann.key --kind human --id bob --break-glass --silent bob \\\n    \
        --incident INC-7 --reason \"left without handing over\""
    )]
    Disable(DisableArguments),
    /// Give a role
    #[command(
        after_help = "Examples:\n  deedbook principal grant --signer admin.key --kind human --id ann --role reviewer\n  \
        deedbook principal grant --signer ann.key --kind human --id rita --role administrator --break-glass \\\n    \
        --incident INC-7 --reason \"the other administrator's key has ended\""
    )]
    Grant(RoleArguments),
    /// Take a role
    #[command(
        after_help = "Example:\n  deedbook principal revoke --signer admin.key --kind human --id ann --role reviewer"
    )]
    Revoke(RoleArguments),
    /// Say who decides in your place; signed by yourself
    #[command(after_help = "Examples:\n  deedbook principal delegate --signer ann.key --id ann --to bob\n  \
        deedbook principal delegate --signer ann.key --id ann")]
    Delegate {
        /// Who you are
        #[arg(long, value_name = "ID")]
        id: String,
        /// Who decides in your place; without it nobody does any more
        #[arg(long, value_name = "ID")]
        to: Option<String>,
    },
    /// List principals, and what waits for a second administrator
    #[command(after_help = "Example:\n  deedbook principal list")]
    List,
}

/// Who is bound, and to what.
#[derive(Args, Debug)]
pub struct AddArguments {
    #[command(flatten)]
    who: WhoArguments,
    /// How people call it; stands in the body, and can be erased
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// The person who answers for it; agents and services need one
    #[arg(long, value_name = "PERSON")]
    responsible: Option<String>,
    /// A team that it belongs to; may be repeated
    #[arg(long = "member-of", value_name = "TEAM")]
    teams: Vec<String>,
    /// A role; may be repeated
    #[arg(long = "role", value_name = "ROLE", value_parser = role)]
    roles: Vec<Roles>,
    /// Its public key, which signs for itself
    #[arg(long, value_name = "FILE.pub")]
    key: Option<PathBuf>,
    #[command(flatten)]
    glass: ReasonedGlass,
}

/// A principal by kind and id.
#[derive(Args, Debug)]
pub struct WhoArguments {
    /// human, agent, service or team
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: ActorKind,
    /// Its id in this ledger
    #[arg(long, value_name = "ID")]
    id: String,
}

/// A principal that ends.
#[derive(Args, Debug)]
pub struct DisableArguments {
    #[command(flatten)]
    who: WhoArguments,
    #[command(flatten)]
    glass: ReasonedGlass,
}

/// A principal and roles.
#[derive(Args, Debug)]
pub struct RoleArguments {
    #[command(flatten)]
    who: WhoArguments,
    /// administrator, reviewer, producer, auditor or exporter; may be repeated
    #[arg(long = "role", value_name = "ROLE", value_parser = role, required = true)]
    roles: Vec<Roles>,
    #[command(flatten)]
    glass: ReasonedGlass,
}

fn kind(text: &str) -> Result<ActorKind, String> {
    ActorKind::from_name(text).ok_or_else(|| "use human, agent, service or team".to_owned())
}

fn role(text: &str) -> Result<Roles, String> {
    Roles::from_name(text).ok_or_else(|| "use administrator, reviewer, producer, auditor or exporter".to_owned())
}

fn all(roles: &[Roles]) -> Roles {
    roles.iter().fold(Roles::NONE, |all, role| all.with(*role))
}

impl WhoArguments {
    fn actor(&self, refs: &RefKey) -> Result<Actor, Failure> {
        Ok(Actor { kind: self.kind, who: domain::principal_ref(refs, self.kind, &self.id)? })
    }
}

fn human(id: &str) -> WhoArguments {
    WhoArguments { kind: ActorKind::Human, id: id.to_owned() }
}

/// Runs one of them.
pub async fn run(common: &Common, command: PrincipalCommand, output: Output) -> Result<(), Failure> {
    match command {
        PrincipalCommand::Add(arguments) => add(common, &arguments, output).await,
        PrincipalCommand::Link { id, channel, account, glass } => {
            let state = |builder: FactsBuilder, refs: &RefKey| {
                let body = json!({"channel": channel, "account": account}).to_string();
                let account = domain::account_ref(refs, &channel, &account)?;
                Ok(builder.account(account).body("application/json", body.into()))
            };
            change(common, Change::Link, (&human(&id), &glass), state, output).await
        }
        PrincipalCommand::Disable(DisableArguments { who, glass }) => {
            change(common, Change::Disable, (&who, &glass), |builder, _| Ok(builder), output).await
        }
        PrincipalCommand::Grant(arguments) => {
            let state = |builder: FactsBuilder, _: &RefKey| Ok(builder.roles(all(&arguments.roles)));
            change(common, Change::Grant, (&arguments.who, &arguments.glass), state, output).await
        }
        PrincipalCommand::Revoke(arguments) => {
            let state = |builder: FactsBuilder, _: &RefKey| Ok(builder.roles(all(&arguments.roles)));
            change(common, Change::Revoke, (&arguments.who, &arguments.glass), state, output).await
        }
        PrincipalCommand::Delegate { id, to } => {
            let state = |builder: FactsBuilder, refs: &RefKey| match &to {
                Some(to) => Ok(builder.delegate(domain::person_ref(refs, "", to)?)),
                None => Ok(builder),
            };
            change(common, Change::Delegate, (&human(&id), &ReasonedGlass::default()), state, output).await
        }
        PrincipalCommand::List => list(common, output).await,
    }
}

impl AddArguments {
    /// A person who may decide, with a key of their own.
    pub fn reviewer(id: &str, key: PathBuf) -> AddArguments {
        let (teams, roles) = (Vec::new(), vec![Roles::REVIEWER]);
        AddArguments {
            who: human(id),
            name: None,
            responsible: None,
            teams,
            roles,
            key: Some(key),
            glass: ReasonedGlass::default(),
        }
    }

    /// An agent that asks for itself, and the person who answers for it.
    pub fn agent(id: &str, responsible: &str, key: PathBuf) -> AddArguments {
        let who = WhoArguments { kind: ActorKind::Agent, id: id.to_owned() };
        let (teams, roles) = (Vec::new(), Vec::new());
        AddArguments {
            who,
            name: None,
            responsible: Some(responsible.to_owned()),
            teams,
            roles,
            key: Some(key),
            glass: ReasonedGlass::default(),
        }
    }
}

/// Binds a principal, unless it was bound before.
pub async fn bind_once(client: &mut Client, administrator: &Producer, arguments: &AddArguments) -> Result<(), Failure> {
    let who = arguments.who.actor(&administrator.refs)?.who;
    let (principals, _) = client.principals().await?;
    if !principals.iter().any(|known| known.r#ref == who.as_bytes()[..]) {
        send(client, administrator, (Change::Bind, None), &arguments.who, stated(arguments)?).await?;
    }
    Ok(())
}

async fn add(common: &Common, arguments: &AddArguments, output: Output) -> Result<(), Failure> {
    change(common, Change::Bind, (&arguments.who, &arguments.glass), stated(arguments)?, output).await
}

/// What the command that binds says beside whom.
fn stated(
    arguments: &AddArguments,
) -> Result<impl FnOnce(FactsBuilder, &RefKey) -> Result<FactsBuilder, Failure> + '_, Failure> {
    let key = arguments.key.as_ref().map(|path| record::load_public(path)).transpose()?;
    Ok(move |builder: FactsBuilder, refs: &RefKey| {
        let mut body = json!({"id": arguments.who.id});
        if let (Some(name), Some(members)) = (&arguments.name, body.as_object_mut()) {
            members.insert("name".to_owned(), json!(name));
        }
        let mut builder = builder.roles(all(&arguments.roles)).body("application/json", body.to_string().into());
        if let Some(person) = &arguments.responsible {
            builder = builder.responsible(domain::person_ref(refs, "", person)?);
        }
        if let Some(key) = &key {
            builder = builder.subject_key(key.key());
        }
        let team = |team: &String| domain::principal_ref(refs, ActorKind::Team, team);
        let teams: Result<Vec<Ref>, _> = arguments.teams.iter().map(team).collect();
        Ok(builder.teams(&teams?))
    })
}

/// Sends a command about somebody, and says what became of it.
async fn change(
    common: &Common,
    change: Change,
    (who, glass): (&WhoArguments, &ReasonedGlass),
    state: impl FnOnce(FactsBuilder, &RefKey) -> Result<FactsBuilder, Failure>,
    output: Output,
) -> Result<(), Failure> {
    let (mut client, producer) = key::governor(common).await?;
    let declared = glass.declared(&producer.refs)?;
    let declared = declared.as_ref();
    let (actor, placement) = send(&mut client, &producer, (change, declared), who, state).await?;
    let (index, waits) = (placement.first_index, key::waits_as(&placement));
    let done = match &waits {
        None => format!("{} at index {index}{}", change.kind().name(), glass::told(declared)),
        Some(request) => glass::waiting_for(request, declared),
    };
    output.either(&format!("{} {} ({}): {done}", who.kind.name(), who.id, actor.who), || {
        json!({"kind": who.kind.name(), "id": who.id, "ref": actor.who.to_string(), "index": index, "waits_as": waits,
            "break_glass": declared.is_some()})
    })
}

/// Sends a command about somebody.
async fn send(
    client: &mut Client,
    producer: &Producer,
    (change, declared): (Change, Option<&Declared>),
    who: &WhoArguments,
    state: impl FnOnce(FactsBuilder, &RefKey) -> Result<FactsBuilder, Failure>,
) -> Result<(Actor, proto::Placement), Failure> {
    let actor = who.actor(&producer.refs)?;
    let mut failed = None;
    let frame = key::governing(producer, change.kind(), declared, |builder| {
        let plain = builder.principal(actor);
        state(plain.clone(), &producer.refs).unwrap_or_else(|failure| {
            failed = Some(failure);
            plain
        })
    });
    match failed {
        Some(failure) => Err(failure),
        None => Ok((actor, client.principal(change, frame?).await?)),
    }
}

async fn list(common: &Common, output: Output) -> Result<(), Failure> {
    let mut client = Client::connect(common).await?;
    let (principals, needs_two) = client.principals().await?;
    let broken = client.governance().await?.broken_glass;
    let pending = client.pending().await?;
    let hex = |bytes: &[u8]| bytes.try_into().map_or_else(|_| String::new(), |who| Ref(who).to_string());
    let mut rows = Vec::new();
    for found in &principals {
        let all = |refs: &[bytes::Bytes]| refs.iter().map(|who| hex(who)).collect::<Vec<String>>();
        if output.is_json() {
            output.value(&json!({"ref": hex(&found.r#ref), "kind": found.kind, "id": found.id, "name": found.name,
                "responsible": hex(&found.responsible), "roles": found.roles, "teams": all(&found.teams),
                "accounts": all(&found.accounts), "stated_index": found.stated_index,
                "bound_index": found.bound_index, "bound_by": all(&found.bound_by),
                "disabled_index": found.disabled_index, "delegate": hex(&found.delegate),
                "bound_by_break_glass": found.bound_by_break_glass, "break_glass_index": found.break_glass_index}))?;
        }
        let bound_by = match found.bound_by.len() {
            0 => "genesis",
            1 if found.bound_by_break_glass => "one alone, by break-glass",
            1 => "one alone",
            _ => "two",
        };
        let disabled = found.disabled_index.map(|index| format!("disabled at {index}"));
        let glass = found.break_glass_index.map(|index| format!("changed by break-glass at {index}"));
        let state = disabled.into_iter().chain(glass).collect::<Vec<String>>().join("; ");
        rows.push(vec![
            if found.id.is_empty() { hex(&found.r#ref) } else { found.id.clone() },
            found.kind.clone(),
            found.roles.join(", "),
            bound_by.to_owned(),
            state,
        ]);
    }
    if !output.is_json() {
        output.table(&["id or ref", "kind", "roles", "bound by", ""], &rows)?;
        if !needs_two {
            remark("one administrator governs alone: bind a second one, who has a key of their own");
        }
        if let Some(broken) = &broken {
            output.line(&glass::history(broken))?;
        }
    } else if let Some(broken) = &broken {
        output.value(&json!({"broken_glass": glass::value(broken)}))?;
    }
    for command in &pending {
        let kind = Facts::parse(&command.facts)?.kind.name();
        let asker = hex(&command.asker);
        let request =
            command.request_id.as_ref().try_into().map_or_else(|_| String::new(), |id| SubjectId(id).to_string());
        let text = match glass::silence(command) {
            Some(silence) => format!("{kind} at index {}, asked by {asker} as {request}: {silence}", command.index),
            None => {
                format!("{kind} at index {}, asked by {asker}: {}", command.index, glass::waiting_for(&request, None))
            }
        };
        output.either(&text, || {
            json!({"waits_as": request, "kind": kind, "index": command.index, "asker": asker,
                "silent": command.silent.iter().map(|who| hex(who)).collect::<Vec<_>>(),
                "silent_until": glass::until(command), "broken_index": command.broken_index})
        })?;
    }
    Ok(())
}
