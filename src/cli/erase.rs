//! `deedbook erase`: names bodies, by index or by whom their facts name, and asks the server to erase them. What may be
//! erased is decided by the ledger's rules; entries and proofs stay as they are.

use super::client::Client;
use super::errors::{Failure, Status};
use super::glass::{self, Declared, GlassArguments};
use super::output::{Output, counted, remark};
use super::producer::Producer;
use super::progress::Progress;
use super::{Common, filter, key};
use crate::api::proto;
use crate::clock::Stopwatch;
use clap::Args;
use deedbook_verify::detail::Detail;
use deedbook_verify::entry::Entry;
use deedbook_verify::erasure::is_erasable;
use deedbook_verify::facts::{Facts, ObjectClass};
use deedbook_verify::kind::Kind;
use deedbook_verify::limits::ERASED_BODIES_MAX;
use deedbook_verify::words::{EventId, Index, Ref};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, IsTerminal};
use std::time::Duration;

/// Indexes that one pass over the log collects: 8 MB. Behind them, it erases, then goes on.
const COLLECTED_MAX: usize = 1_000_000;
/// How long to wait until the server has removed the keys from its files.
const FINISH_SECONDS_MAX: f64 = 10.0;
/// How often it is asked.
const FINISH_POLL: Duration = Duration::from_millis(50);

/// What `erase` takes.
#[derive(Args, Debug)]
#[command(
    after_help = "Only bodies go: entries, signatures and proofs stay, and receipts verify as redacted. The reason \
    stands\nin the log for ever, so let it name nobody. With --actor, every body goes whose facts name the actor as\n\
    who acted, on whose behalf, who is responsible, or whom a document names.\n\nExamples:\n  \
    deedbook erase --signer admin.key --reason \"request 118\" 17 23\n  \
    deedbook erase --signer admin.key --reason \"request 118\" --actor person/ann"
)]
pub struct EraseArguments {
    /// Indexes of the events whose bodies go
    #[arg(value_name = "INDEX", required_unless_present = "actor", conflicts_with = "actor")]
    indexes: Vec<u64>,
    /// Every body whose facts name this one: a ref, or class/name such as person/ann
    #[arg(long, value_name = "REF|CLASS/NAME")]
    actor: Option<String>,
    /// The namespace of the actor's name
    #[arg(long, value_name = "NAMESPACE", requires = "actor", default_value = "")]
    actor_namespace: String,
    /// Why; everybody can read it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    glass: GlassArguments,
}

/// What was done so far.
#[derive(Default)]
struct Tally {
    /// Bodies that a command named.
    named: u64,
    /// Bodies found that were erased before.
    erased_before: u64,
    /// Bodies found of kinds that stay.
    permanent: u64,
    /// Where the commands stand.
    commands: Vec<u64>,
    /// Those that wait for a second administrator.
    waits: Vec<String>,
    /// What is declared with each.
    declared: Option<Declared>,
}

/// Erases.
pub async fn run(common: &Common, arguments: EraseArguments, output: Output) -> Result<(), Failure> {
    if arguments.reason.trim().is_empty() {
        return Err(Failure::usage("the reason is empty", "say why with --reason, such as the number of a request"));
    }
    let (mut client, producer) = key::governor(common).await?;
    let size = client.ledger().await?.head.map_or(0, |head| head.size);
    let mut tally =
        Tally { declared: arguments.glass.declared(&arguments.reason, &producer.refs)?, ..Tally::default() };
    let erased = match &arguments.actor {
        None => erase_named(&mut client, &producer, &arguments, &mut tally).await,
        Some(text) => {
            let who = filter::actor(text, &arguments.actor_namespace, &producer.refs)?;
            erase_all_of(&mut client, &producer, &arguments, (who, size), &mut tally).await
        }
    };
    if let Err(failure) = erased {
        // A command alone erases all of its bodies or none.
        let done = match tally.named {
            0 => "nothing was erased".to_owned(),
            named => format!("before that, {} were erased", counted(named, "body", "bodies")),
        };
        return Err(Failure { message: format!("{}; {done}", failure.message), ..failure });
    }
    let finished = wait_until_finished(&mut client, &tally.commands).await?;
    show(&tally, size, finished, output)
}

async fn erase_named(
    client: &mut Client,
    producer: &Producer,
    arguments: &EraseArguments,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let named: BTreeSet<u64> = arguments.indexes.iter().copied().collect();
    let size = client.ledger().await?.head.map_or(0, |head| head.size);
    let (mut indexes, mut unfit) = (Vec::new(), Vec::new());
    for index in named {
        if index >= size {
            unfit.push(format!("{index} is not in the log yet, which has {}", counted(size, "entry", "entries")));
            indexes.push(index);
            continue;
        }
        match client.event(index, proto::EventView::Basic).await?.body_state() {
            proto::BodyState::Erased => tally.erased_before = tally.erased_before.saturating_add(1),
            proto::BodyState::None => {
                unfit.push(format!("{index} has no body"));
                indexes.push(index);
            }
            proto::BodyState::Unspecified | proto::BodyState::Withheld | proto::BodyState::Opened => {
                indexes.push(index)
            }
        }
    }
    if indexes.is_empty() {
        return Ok(());
    }
    confirm(arguments, &bodies(indexes.len()))?;
    // The rule is the ledger's to apply, and its refusal goes on record; which index it was about is seen here.
    erase(client, producer, &arguments.reason, &indexes, tally).await.map_err(|failure| {
        match failure.status == Status::Refused && !unfit.is_empty() {
            true => Failure { message: format!("{}: {}", failure.message, unfit.join(", ")), ..failure },
            false => failure,
        }
    })
}

fn bodies(count: usize) -> String {
    counted(u64::try_from(count).unwrap_or(u64::MAX), "body", "bodies")
}

/// Walks over the whole log, since facts name persons in more fields than there are lookups for.
async fn erase_all_of(
    client: &mut Client,
    producer: &Producer,
    arguments: &EraseArguments,
    (who, size): (Ref, u64),
    tally: &mut Tally,
) -> Result<(), Failure> {
    let mut progress = Progress::start("entries read");
    let (mut from, mut documents) = (0, Documents::new());
    while from < size {
        let mut found = Vec::new();
        from = collect(client, who, from..size, (&mut found, &mut documents, tally), &mut progress).await?;
        progress.finish();
        let more = if from < size { "at least " } else { "" };
        if tally.commands.is_empty() {
            let count = found.len();
            let (found, entries) = (bodies(count), counted(size, "entry", "entries"));
            remark(&format!("found {more}{found} to erase, naming {who}, as of {entries}"));
            if count == 0 {
                continue;
            }
            confirm(arguments, &format!("{more}{}", bodies(count)))?;
        }
        erase(client, producer, &arguments.reason, &found, tally).await?;
    }
    Ok(())
}

/// Indexes of the bodies that could be erased and whose facts name somebody, among the first `size` entries.
pub async fn named_bodies(
    client: &mut Client,
    who: Ref,
    size: u64,
    progress: &mut Progress,
) -> Result<Vec<u64>, Failure> {
    let (mut found, mut documents, mut from) = (Vec::new(), Documents::new(), 0);
    while from < size {
        let mut part = Vec::new();
        let into = (&mut part, &mut documents, &mut Tally::default());
        from = collect(client, who, from..size, into, progress).await?;
        found.append(&mut part);
    }
    Ok(found)
}

/// Documents of several parts, by the source and id of the first, which alone has a body.
type Documents = BTreeMap<(Ref, EventId), u64>;

/// The indexes of a range whose bodies go, until it ends or enough are found; answers where to go on.
async fn collect(
    client: &mut Client,
    who: Ref,
    range: std::ops::Range<u64>,
    (found, documents, tally): (&mut Vec<u64>, &mut Documents, &mut Tally),
    progress: &mut Progress,
) -> Result<u64, Failure> {
    let mut next = range.start;
    let mut messages = client.read(range.clone(), proto::EventView::Basic).await?;
    while next < range.end && found.len() < COLLECTED_MAX {
        let events = messages.recv().await.ok_or_else(super::client::ended)??;
        for event in events {
            let facts = Entry::parse(&event.entry)?.facts;
            next = event.index.saturating_add(1);
            let event_of = (facts.source, facts.event_id);
            match (&facts.detail, facts.parents().next()) {
                (Detail::Document(part), Some(first)) if part.part > 0 && names(&facts, who) => {
                    found.extend(documents.remove(&(first.source, first.event_id)));
                }
                (Detail::Document(part), None) if part.parts > 1 && event.body_state() != proto::BodyState::Erased => {
                    documents.insert(event_of, event.index);
                }
                _ => {}
            }
            if facts.commitment.is_none() || !names(&facts, who) {
                continue;
            }
            documents.remove(&event_of);
            match (event.body_state(), is_erasable(facts.kind)) {
                (proto::BodyState::Erased, _) => tally.erased_before = tally.erased_before.saturating_add(1),
                (_, false) => tally.permanent = tally.permanent.saturating_add(1),
                (_, true) => found.push(event.index),
            }
        }
        progress.set(next, range.end);
    }
    Ok(next)
}

/// Whether facts name somebody in a field where a person can stand.
fn names(facts: &Facts<'_>, who: Ref) -> bool {
    facts.actor.is_some_and(|actor| actor.who == who)
        || facts.responsible == Some(who)
        || facts.on_behalf_of().any(|other| other == who)
        || facts.objects().any(|object| object.what == who && is_party(object.class))
}

fn is_party(class: ObjectClass) -> bool {
    match class {
        ObjectClass::Person | ObjectClass::Agent | ObjectClass::Service | ObjectClass::Team => true,
        ObjectClass::Dataset
        | ObjectClass::DatasetVersion
        | ObjectClass::Model
        | ObjectClass::ModelVersion
        | ObjectClass::Artifact
        | ObjectClass::Job
        | ObjectClass::Run
        | ObjectClass::Session => false,
    }
}

/// Sends as many commands as it takes.
async fn erase(
    client: &mut Client,
    producer: &Producer,
    reason: &str,
    indexes: &[u64],
    tally: &mut Tally,
) -> Result<(), Failure> {
    let total = u64::try_from(indexes.len()).unwrap_or(u64::MAX);
    let mut progress = Progress::start("bodies erased");
    let mut done = 0u64;
    for batch in indexes.chunks(ERASED_BODIES_MAX) {
        let body = json!({"reason": reason}).to_string();
        let frame = key::governing(producer, Kind::BodyErased, tally.declared.as_ref(), |builder| {
            builder.erased_bodies(batch.iter().copied().map(Index)).body("application/json", body.into())
        })?;
        let placement = client.erase(frame).await?;
        tally.commands.push(placement.first_index);
        tally.waits.extend(key::waits_as(&placement));
        let count = u64::try_from(batch.len()).unwrap_or(0);
        tally.named = tally.named.saturating_add(count);
        done = done.saturating_add(count);
        progress.set(done, total);
    }
    Ok(())
}

/// Asks a person at a terminal; a program is not asked.
fn confirm(arguments: &EraseArguments, what: &str) -> Result<(), Failure> {
    if arguments.yes || !std::io::stdin().is_terminal() {
        return Ok(());
    }
    remark(&format!("{what} will be erased for ever, for the reason \"{}\". Type yes to go on:", arguments.reason));
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    match read {
        Ok(_) if answer.trim() == "yes" => Ok(()),
        Ok(_) | Err(_) => Err(Failure::failed("nothing was erased", "type `yes`, or add --yes")),
    }
}

/// Whether the server says in time that no file holds the keys any more.
async fn wait_until_finished(client: &mut Client, commands: &[u64]) -> Result<bool, Failure> {
    let waited = Stopwatch::start();
    while !commands.is_empty() {
        let pending = client.pending_erasures().await?;
        if !pending.iter().any(|index| commands.binary_search(index).is_ok()) {
            return Ok(true);
        }
        if waited.seconds() > FINISH_SECONDS_MAX {
            return Ok(false);
        }
        tokio::time::sleep(FINISH_POLL).await;
    }
    Ok(true)
}

fn show(tally: &Tally, size: u64, finished: bool, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        let erased = if tally.waits.is_empty() { tally.named } else { 0 };
        return output.value(&json!({"erased": erased, "erased_before": tally.erased_before,
            "permanent": tally.permanent, "commands": tally.commands, "finished": finished && tally.waits.is_empty(), "tree_size": size,
            "waits_as": tally.waits, "break_glass": tally.declared.is_some()}));
    }
    if !tally.waits.is_empty() {
        output.line(&format!("nothing is erased yet: {} asked for", counted(tally.named, "body is", "bodies are")))?;
        return tally
            .waits
            .iter()
            .try_for_each(|request| output.line(&glass::waiting_for(request, tally.declared.as_ref())));
    }
    let commands = match tally.commands.as_slice() {
        [] => "nothing to erase".to_owned(),
        [index] => format!("erased {} by the command at index {index}", counted(tally.named, "body", "bodies")),
        [first, .., last] => {
            let erased = counted(tally.named, "body", "bodies");
            format!("erased {erased} by {} commands, indexes {first} to {last}", tally.commands.len())
        }
    };
    output.line(&(commands + glass::told(tally.declared.as_ref())))?;
    if tally.erased_before > 0 {
        remark(&format!("{} erased before", counted(tally.erased_before, "body was", "bodies were")));
    }
    if tally.permanent > 0 {
        let stay = counted(tally.permanent, "body stays", "bodies stay");
        remark(&format!("{stay}, being of keys, roles, policies or erasures"));
    }
    if !tally.commands.is_empty() {
        remark(match finished {
            true => "no file of the store holds their keys any more; copies and backups are yours to erase",
            false => "the server is still removing the keys from its files; it goes on by itself, after a restart too",
        });
    }
    Ok(())
}
