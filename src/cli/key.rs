//! `deedbook key`: key files, and the signed commands that say which keys may sign. Whether a command has effect is
//! decided by the ledger's rules, which this only asks.

use super::client::Client;
use super::errors::Failure;
use super::glass::{self, Declared, ReasonedGlass};
use super::output::Output;
use super::producer::{self, Producer};
use super::{Common, block_on, files, filter};
use crate::api::{self, proto};
use crate::domain;
use crate::record::{self, CosigningKey, FactsBuilder, FrameSigner, Position, SigningKey, entropy};
use bytes::Bytes;
use clap::Subcommand;
use deedbook_verify::facts::{Facts, Parent};
use deedbook_verify::hash::request_id;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{EventId, KeyId, Ref, SubjectId};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What `key` can do.
#[derive(Subcommand, Debug)]
pub enum KeyCommand {
    /// Make a key: FILE (secret, mode 0600) and FILE.pub
    #[command(after_help = "Example:\n  deedbook key new --name gateway-1 --out gateway.key")]
    New {
        /// The key's name, without spaces or `+`
        #[arg(long, value_name = "NAME")]
        name: String,
        /// A witness's key, which cosigns and nothing else
        #[arg(long)]
        witness: bool,
        /// Where the secret is written; never overwrites
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Let a key sign for a source; signed by an administrator
    #[command(
        after_help = "Examples:\n  deedbook key enroll --signer admin.key --source gateway-1 gateway.key.pub\n  \
        deedbook key enroll --signer ann.key --source gateway-1 gateway.key.pub \\\n    \
        --break-glass --incident INC-7 --reason \"the other administrator's key was lost, and has ended\""
    )]
    Enroll {
        /// The source that the key will speak for
        #[arg(long, value_name = "NAME")]
        source: String,
        /// The public key
        #[arg(value_name = "FILE.pub")]
        key: PathBuf,
        #[command(flatten)]
        glass: ReasonedGlass,
    },
    /// List keys
    #[command(after_help = "The log holds no names of sources, only refs. With --signer, each --name shows where the \
        source of that name\nstands.\n\nExamples:\n  deedbook key list --in-force\n  \
        deedbook key list --signer admin.key --name gateway-1 --name gateway-2")]
    List {
        /// Only keys that are in force
        #[arg(long)]
        in_force: bool,
        /// Name the source of this name where it appears; may be repeated, needs --signer
        #[arg(long = "name", value_name = "NAME")]
        names: Vec<String>,
    },
    /// Put a key in the place of another of the same source; signed by the old key or an administrator
    #[command(after_help = "Example:\n  deedbook key rotate --signer gateway.key gateway.key.pub gateway-2.key.pub")]
    Rotate {
        /// The key that ends: its public file, or its key id
        #[arg(value_name = "OLD.pub|KEY-ID")]
        old: String,
        /// The public key that takes its place
        #[arg(value_name = "NEW.pub")]
        new: PathBuf,
        #[command(flatten)]
        glass: ReasonedGlass,
    },
    /// End a key; signed by the key itself or an administrator
    #[command(after_help = "Examples:\n  deedbook key revoke --signer admin.key gateway.key.pub\n  \
        deedbook key revoke --signer ann.key bob.key.pub --break-glass --silent bob --incident INC-7 \\\n    \
        --reason \"lost with the laptop\"")]
    Revoke {
        /// The key that ends: its public file, or its key id
        #[arg(value_name = "FILE.pub|KEY-ID")]
        key: String,
        #[command(flatten)]
        glass: ReasonedGlass,
    },
}

/// Runs one of them.
pub fn run(common: &Common, command: KeyCommand, output: Output) -> Result<(), Failure> {
    match command {
        KeyCommand::New { name, witness, out } => new(&name, witness, &out, output),
        KeyCommand::Enroll { source, key, glass } => block_on(enroll(common, &source, (&key, &glass), output)),
        KeyCommand::List { in_force, names } => block_on(list(common, in_force, &names, output)),
        KeyCommand::Rotate { old, new, glass } => block_on(rotate(common, &old, (&new, &glass), output)),
        KeyCommand::Revoke { key, glass } => block_on(revoke(common, (&key, &glass), output)),
    }
}

fn new(name: &str, witness: bool, out: &Path, output: Output) -> Result<(), Failure> {
    let id = if witness {
        let key = CosigningKey::generate(name)?;
        key.store(out)?;
        key.cosigner_key().key().id()
    } else {
        let key = SigningKey::generate(name)?;
        key.store(out)?;
        key.public().id()
    };
    let public = record::keys::public_path(out);
    let text = format!("made {} (secret) and {}\nkey id {id}", out.display(), public.display());
    let value = || {
        json!({"key_id": id.to_string(), "secret_file": out.display().to_string(),
            "public_file": public.display().to_string()})
    };
    output.either(&text, value)
}

async fn enroll(
    common: &Common,
    source: &str,
    (key, glass): (&Path, &ReasonedGlass),
    output: Output,
) -> Result<(), Failure> {
    let public = record::load_public(key)?;
    let (mut client, producer) = governor(common).await?;
    let declared = glass.declared(&producer.refs)?;
    let source = domain::source_ref(&producer.refs, source)?;
    let grant = |builder: FactsBuilder| builder.key_grant(public.key(), source);
    let placement = client.enroll_key(governing(&producer, Kind::KeyEnrolled, declared.as_ref(), grant)?).await?;
    report(output, &placement, (&public.key().id(), "enrolled"), declared.as_ref())
}

/// Sends the command that lets a key sign for a source.
pub async fn enroll_key(
    client: &mut Client,
    producer: &Producer,
    key: &deedbook_verify::key::PublicKey,
    source: &str,
) -> Result<proto::Placement, Failure> {
    let source = domain::source_ref(&producer.refs, source)?;
    let frame = command(producer, Kind::KeyEnrolled, |builder| builder.key_grant(key, source))?;
    Ok(client.enroll_key(frame).await?)
}

async fn rotate(
    common: &Common,
    old: &str,
    (new, glass): (&Path, &ReasonedGlass),
    output: Output,
) -> Result<(), Failure> {
    let old = key_id(old)?;
    let public = record::load_public(new)?;
    let (mut client, producer) = governor(common).await?;
    let keys = client.keys(Bytes::new(), false).await?;
    let source = keys
        .iter()
        .find(|key| key.key_id == old.as_bytes()[..])
        .ok_or_else(|| Failure::refused(format!("the ledger knows no key {old}"), "look at `deedbook key list`"))?;
    let source = producer::word(&source.source, "source").map(Ref)?;
    let grant = |builder: FactsBuilder| builder.key_grant(public.key(), source).subject_key_id(old);
    let declared = glass.declared(&producer.refs)?;
    let frame = governing(&producer, Kind::KeyRotated, declared.as_ref(), grant)?;
    let placement = client.rotate_key(frame).await?;
    report(output, &placement, (&public.key().id(), "rotated in"), declared.as_ref())
}

async fn revoke(common: &Common, (key, glass): (&str, &ReasonedGlass), output: Output) -> Result<(), Failure> {
    let key = key_id(key)?;
    let (mut client, producer) = governor(common).await?;
    let declared = glass.declared(&producer.refs)?;
    let ends = |builder: FactsBuilder| builder.subject_key_id(key);
    let placement = client.revoke_key(governing(&producer, Kind::KeyRevoked, declared.as_ref(), ends)?).await?;
    report(output, &placement, (&key, "revoked"), declared.as_ref())
}

async fn list(common: &Common, in_force: bool, names: &[String], output: Output) -> Result<(), Failure> {
    let mut client = Client::connect(common).await?;
    let mut named = BTreeMap::new();
    if !names.is_empty() {
        let refs = filter::ref_key(common, &mut client).await?;
        for name in names {
            named.insert(domain::source_ref(&refs, name)?.0, name.as_str());
        }
    }
    let keys = client.keys(Bytes::new(), in_force).await?;
    let mut rows = Vec::new();
    for key in &keys {
        let id = KeyId(producer::word(&key.key_id, "key_id")?);
        let source = Ref(producer::word(&key.source, "source")?);
        let role = match key.role() {
            proto::KeyRole::Source if key.administrator => "administrator",
            proto::KeyRole::Source => "source",
            proto::KeyRole::Head => "head",
            proto::KeyRole::Sequencer => "sequencer",
            proto::KeyRole::Unspecified => "unknown",
        };
        let name = named.get(&source.0).copied();
        if output.is_json() {
            output
                .value(&json!({"key_id": id.to_string(), "source": source.to_string(), "name": name, "role": role,
                "enrolled_index": key.enrolled_index, "ended_index": key.ended_index}))?;
        }
        let ended = key.ended_index.map_or_else(String::new, |index| index.to_string());
        let (name, enrolled) = (name.unwrap_or_default().to_owned(), key.enrolled_index.to_string());
        rows.push(vec![id.to_string(), source.to_string(), name, role.to_owned(), enrolled, ended]);
    }
    if output.is_json() {
        return Ok(());
    }
    output.table(&["key id", "source", "name", "signs as", "enrolled", "ended"], &rows)
}

/// The one who signs the command.
pub async fn governor(common: &Common) -> Result<(Client, Producer), Failure> {
    let signer = files::signer(common)?;
    let mut client = Client::connect(common).await?;
    let producer = producer::load(&mut client, signer).await?;
    Ok((client, producer))
}

/// A frame of one command.
pub fn command(
    producer: &Producer,
    kind: Kind,
    state: impl FnOnce(FactsBuilder) -> FactsBuilder,
) -> Result<proto::Frame, Failure> {
    governing(producer, kind, None, state)
}

/// The same, with what is declared of it.
pub fn governing(
    producer: &Producer,
    kind: Kind,
    declared: Option<&Declared>,
    state: impl FnOnce(FactsBuilder) -> FactsBuilder,
) -> Result<proto::Frame, Failure> {
    let builder = FactsBuilder::new(kind, EventId(entropy::array()?), producer::now());
    let facts = glass::state(state(builder), declared)?;
    let signer = FrameSigner { ledger: producer.ledger, source: producer.source, key: &producer.key };
    Ok(api::to_frame(signer.sign(Position::Unsequenced, vec![facts])?))
}

/// The request under which a frame's command may wait, and what a hold is called by.
pub fn request_of(frame: &proto::Frame) -> Result<SubjectId, Failure> {
    let facts = frame.events.first().map(|event| event.facts.as_ref()).unwrap_or_default();
    let facts = Facts::parse(facts).map_err(|error| Failure::failed(error.to_string(), ""))?;
    Ok(request_id(&Parent { source: facts.source, event_id: facts.event_id }))
}

/// A key by the id it was given as, or by its public file.
fn key_id(text: &str) -> Result<KeyId, Failure> {
    match KeyId::from_hex(text) {
        Some(id) => Ok(id),
        None => Ok(record::load_public(Path::new(text))?.key().id()),
    }
}

fn report(
    output: Output,
    placement: &proto::Placement,
    (key, what): (&KeyId, &str),
    declared: Option<&Declared>,
) -> Result<(), Failure> {
    let index = placement.first_index;
    let text = match waits_as(placement) {
        None => format!("key {key} {what} at index {index}{}", glass::told(declared)),
        Some(request) => format!("key {key}: not yet {what}; {}", glass::waiting_for(&request, declared)),
    };
    let request = waits_as(placement);
    output.either(
        &text,
        || json!({"key_id": key.to_string(), "index": index, "waits_as": request, "break_glass": declared.is_some()}),
    )
}

/// The request under which a command waits for a second administrator, if it does.
pub fn waits_as(placement: &proto::Placement) -> Option<String> {
    let id = placement.waits_as.as_ref().try_into().ok().map(SubjectId);
    id.map(|id| id.to_string())
}
