//! Reading the log: one event, events that match, and the log as it grows. It shows what the server sends and proves
//! nothing; receipts do.

use super::client::Client;
use super::errors::Failure;
use super::output::{Output, remark};
use super::{Common, files, producer, show};
use crate::api::{ClientError, proto};
use crate::clock::Stopwatch;
use crate::domain::{self, StreamName};
use crate::record::line::time;
use crate::record::{self};
use bytes::Bytes;
use clap::Args;
use deedbook_verify::hash::{Identity, RefKey};
use deedbook_verify::words::{Digest, Micros, Ref};
use std::time::Duration;

/// How often `tail` asks whether the log has grown.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// How long `tail` waits for a server that went away.
const AWAY_SECONDS_MAX: f64 = 60.0;
/// The most that the server puts on a page.
const PAGE_SIZE_MAX: u64 = 1_000;
/// Entries that `tail` shows before the new ones.
const TAIL_ENTRIES: u64 = 10;

/// What `tail` takes.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  deedbook tail --from 0")]
pub struct TailArguments {
    /// The first index to show; without it, the last 10 entries
    #[arg(long, value_name = "N")]
    from: Option<u64>,
}

/// Shows entries, and goes on with each new one until it is interrupted.
pub async fn tail(common: &Common, arguments: TailArguments, output: Output) -> Result<(), Failure> {
    let mut client = Client::connect(common).await?;
    let size = head_size(&mut client).await?;
    let mut next = arguments.from.unwrap_or(size.saturating_sub(TAIL_ENTRIES));
    let mut answered = Stopwatch::start();
    loop {
        match follow(&mut client, &mut next, output).await {
            Ok(result) => {
                result?;
                answered = Stopwatch::start();
            }
            Err(error) if error.retryable() && answered.seconds() < AWAY_SECONDS_MAX => {}
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

async fn head_size(client: &mut Client) -> Result<u64, ClientError> {
    Ok(client.ledger().await?.head.map_or(0, |head| head.size))
}

/// Shows what is there from `next` on, and moves it.
async fn follow(client: &mut Client, next: &mut u64, output: Output) -> Result<Result<(), Failure>, ClientError> {
    let size = head_size(client).await?;
    if size <= *next {
        return Ok(Ok(()));
    }
    let view = if output.is_json() { proto::EventView::Full } else { proto::EventView::Basic };
    let mut messages = client.read(*next, size, view).await?;
    while let Some(events) = messages.recv().await {
        for event in events? {
            if let Err(failure) = show_line(&event, output) {
                return Ok(Err(failure));
            }
            *next = event.index.saturating_add(1);
        }
    }
    Ok(Ok(()))
}

fn show_line(event: &proto::StoredEvent, output: Output) -> Result<(), Failure> {
    if output.is_json() { output.value(&show::value(event)?) } else { output.line(&show::line(event)?) }
}

/// What `get` takes.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  deedbook get 17")]
pub struct GetArguments {
    /// The event's index
    #[arg(value_name = "INDEX")]
    index: u64,
}

/// Shows one event with its body.
pub async fn get(common: &Common, arguments: GetArguments, output: Output) -> Result<(), Failure> {
    let event = Client::connect(common).await?.event(arguments.index, proto::EventView::Full).await?;
    if output.is_json() {
        return output.value(&show::value(&event)?);
    }
    output.pairs(&show::pairs(&event)?)
}

/// What `list` takes.
#[derive(Args, Debug)]
#[command(after_help = "A filter on an actor, stream or source takes the ref (32 hex digits) or the name; names need \
    --signer,\nbecause refs are made with the ledger's ref key.\n\nExamples:\n  \
    deedbook list --kind data.accessed --since 2026-01-05T00:00:00Z\n  \
    deedbook list --stream action/7f --signer gateway.key")]
pub struct ListArguments {
    /// Only this kind
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only this actor: a ref, or class/name such as agent/bot or person/ann
    #[arg(long, value_name = "REF|CLASS/NAME")]
    actor: Option<String>,
    /// The namespace of the actor's name
    #[arg(long, value_name = "NAMESPACE", requires = "actor", default_value = "")]
    actor_namespace: String,
    /// Only this stream: a ref, or class/name such as action/7f
    #[arg(long, value_name = "REF|CLASS/NAME")]
    stream: Option<String>,
    /// Only this source: a ref, or its name
    #[arg(long, value_name = "REF|NAME")]
    source: Option<String>,
    /// Only this action type
    #[arg(long, value_name = "CODE")]
    action_type: Option<String>,
    /// Only this outcome
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<String>,
    /// Only this policy
    #[arg(long, value_name = "DIGEST")]
    policy: Option<String>,
    /// Only what the server had at or after this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only what the server had before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// At most this many; 0 for all
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u64,
}

/// Lists what matches, page by page, as of the tree size of the first page.
pub async fn list(common: &Common, arguments: ListArguments, output: Output) -> Result<(), Failure> {
    let mut client = Client::connect(common).await?;
    let limit = if arguments.limit == 0 { u64::MAX } else { arguments.limit };
    let mut request = request(common, &mut client, &arguments).await?;
    let mut shown = 0u64;
    loop {
        request.page_size = i32::try_from(limit.saturating_sub(shown).min(PAGE_SIZE_MAX)).unwrap_or(0);
        let page = client.list(request.clone()).await?;
        shown = shown.saturating_add(u64::try_from(page.events.len()).unwrap_or(0));
        show_page(&page.events, output)?;
        if page.next.is_empty() || shown >= limit {
            if !output.is_json() {
                let rest = if page.next.is_empty() { "" } else { "; more match, see --limit" };
                remark(&format!("{shown} events, as of {} entries{rest}", page.size));
            }
            return Ok(());
        }
        request.page_token = page.next;
    }
}

fn show_page(events: &[proto::StoredEvent], output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return events.iter().try_for_each(|event| output.value(&show::value(event)?));
    }
    let rows: Result<Vec<_>, Failure> = events.iter().map(show::row).collect();
    output.table(show::HEADINGS, &rows?)
}

async fn request(
    common: &Common,
    client: &mut Client,
    arguments: &ListArguments,
) -> Result<proto::ListEventsRequest, Failure> {
    let named = [&arguments.actor, &arguments.stream, &arguments.source];
    let names = named.into_iter().flatten().any(|text| Ref::from_hex(text).is_none());
    let refs = if names { Some(ref_key(common, client).await?) } else { None };
    let stream =
        find(arguments.stream.as_deref(), refs.as_ref(), |text, refs| Ok(StreamName::parse(text)?.to_ref(refs)?))?;
    let source = find(arguments.source.as_deref(), refs.as_ref(), |text, refs| Ok(domain::source_ref(refs, text)?))?;
    let actor = find(arguments.actor.as_deref(), refs.as_ref(), |text, refs| {
        let (class, name) = text.split_once('/').unwrap_or(("", ""));
        let identity = Identity { class, namespace: &arguments.actor_namespace, name };
        let next = "write it like agent/bot or person/ann";
        let made = if name.is_empty() { None } else { refs.make(identity) };
        made.ok_or_else(|| Failure::usage(format!("`--actor {text}` is not class/name"), next))
    })?;
    let policy_digest = match &arguments.policy {
        None => Bytes::new(),
        Some(text) => {
            let digest = Digest::from_hex(text);
            let digest =
                digest.ok_or_else(|| Failure::usage("`--policy` is not 64 hex digits", "write every digit"))?;
            Bytes::copy_from_slice(digest.as_bytes())
        }
    };
    Ok(proto::ListEventsRequest {
        kind: arguments.kind.clone().unwrap_or_default(),
        actor,
        stream,
        source,
        action_type: arguments.action_type.clone().unwrap_or_default(),
        outcome: arguments.outcome.clone().unwrap_or_default(),
        policy_digest,
        received_from_micros: moment("--since", arguments.since.as_deref())?,
        received_to_micros: moment("--until", arguments.until.as_deref())?,
        view: view(common).into(),
        page_size: 0,
        page_token: String::new(),
    })
}

/// Programs get bodies, tables have no room for them.
fn view(common: &Common) -> proto::EventView {
    if common.json { proto::EventView::Full } else { proto::EventView::Basic }
}

/// The ref that a filter names, or nothing.
fn find(
    text: Option<&str>,
    refs: Option<&RefKey>,
    make: impl Fn(&str, &RefKey) -> Result<Ref, Failure>,
) -> Result<Bytes, Failure> {
    let found = match (text, refs) {
        (None, _) => return Ok(Bytes::new()),
        (Some(text), refs) => match (Ref::from_hex(text), refs) {
            (Some(found), _) => found,
            (None, Some(refs)) => make(text, refs)?,
            (None, None) => return Err(Failure::usage(format!("`{text}` is no ref"), "write 32 hex digits")),
        },
    };
    Ok(Bytes::copy_from_slice(found.as_bytes()))
}

/// The ref key kept beside the signer's file, or fetched with it.
async fn ref_key(common: &Common, client: &mut Client) -> Result<RefKey, Failure> {
    let signer = files::signer(common)?;
    let kept = files::ref_path(signer);
    if kept.exists() {
        return Ok(record::load_ref_key(&kept)?);
    }
    Ok(producer::load(client, signer).await?.refs)
}

fn moment(flag: &str, text: Option<&str>) -> Result<Option<u64>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let moment = time::zoned(text)
        .map_err(|defect| Failure::usage(format!("`{flag} {text}` {defect}"), "write it like 2026-01-05T03:00:00Z"))?;
    let Micros(micros) = moment.micros;
    Ok(Some(micros))
}
