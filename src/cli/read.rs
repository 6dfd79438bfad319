//! Reading the log: one event, events that match, and the log as it grows. It shows what the server sends and proves
//! nothing; receipts do.

use super::client::{self, Client, Page};
use super::errors::Failure;
use super::filter::{self, FilterArguments};
use super::output::{Output, counted, remark};
use super::{Common, show};
use crate::api::proto::subscribe_response::{CaughtUp, Events, Message, Progress};
use crate::api::{ClientError, proto};
use crate::clock::Stopwatch;
use clap::Args;
use std::time::Duration;

/// How often `tail` and `list` ask for a server that went away.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);
/// How long they wait for a server that went away.
const AWAY_SECONDS_MAX: f64 = 60.0;
/// The most that the server puts on a page.
const PAGE_SIZE_MAX: u64 = 1_000;
/// Entries that `tail` shows before the new ones.
const TAIL_ENTRIES: u64 = 10;

/// What `tail` takes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  deedbook tail --from 0\n  deedbook tail --kind data.accessed --outcome denied")]
pub struct TailArguments {
    /// The first index to look at; without it, the last 10 entries
    #[arg(long, value_name = "N")]
    from: Option<u64>,
    #[command(flatten)]
    filter: FilterArguments,
}

/// Shows entries that match, and goes on with each new one until it is interrupted.
pub async fn tail(common: &Common, arguments: TailArguments, output: Output) -> Result<(), Failure> {
    let mut client = Client::connect(common).await?;
    let filter = filter::filter(common, &mut client, &arguments.filter).await?;
    let size = client.ledger().await?.head.map_or(0, |head| head.size);
    let first = arguments.from.unwrap_or(size.saturating_sub(TAIL_ENTRIES));
    if first > size {
        remark(&format!("the log has {}; index {first} is waited for", counted(size, "entry", "entries")));
    }
    let mut request = proto::SubscribeRequest {
        // An index that the log has not reached yet is waited for.
        from: Some(first.min(size)),
        filter: Some(filter),
        view: view(common).into(),
        ..proto::SubscribeRequest::default()
    };
    let mut answered = Stopwatch::start();
    loop {
        match follow(&mut client, &mut request, first, &mut answered, output).await {
            Ok(result) => return result,
            Err(error) if error.retryable() && answered.seconds() < AWAY_SECONDS_MAX => {}
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}

/// Shows what is sent until the output or the connection ends; the request then says where to go on, and what this
/// side was shown, so that a server with another history is found out.
async fn follow(
    client: &mut Client,
    request: &mut proto::SubscribeRequest,
    first: u64,
    answered: &mut Stopwatch,
    output: Output,
) -> Result<Result<(), Failure>, ClientError> {
    let mut messages = client.subscribe(request.clone()).await?;
    while let Some(message) = messages.recv().await {
        let message = message?.message;
        *answered = Stopwatch::start();
        let (position, head) = match message {
            None => continue,
            Some(Message::Events(Events { events, position })) => {
                for event in events.iter().filter(|event| event.index >= first) {
                    if let Err(failure) = show_line(event, output) {
                        return Ok(Err(failure));
                    }
                }
                (position, None)
            }
            Some(Message::CaughtUp(CaughtUp { position, head }) | Message::Progress(Progress { position, head })) => {
                (position, head)
            }
        };
        request.from = Some(position);
        request.seen = head.or(request.seen.take());
    }
    Err(client::ended())
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
    #[command(flatten)]
    filter: FilterArguments,
    /// At most this many; 0 for all
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u64,
}

/// Lists what matches, page by page, as of the tree size of the first page.
pub async fn list(common: &Common, arguments: ListArguments, output: Output) -> Result<(), Failure> {
    let mut client = Client::connect(common).await?;
    let limit = if arguments.limit == 0 { u64::MAX } else { arguments.limit };
    let filter = filter::filter(common, &mut client, &arguments.filter).await?;
    let mut request = list_request(filter, view(common));
    let mut shown = 0u64;
    loop {
        request.page_size = i32::try_from(limit.saturating_sub(shown).min(PAGE_SIZE_MAX)).unwrap_or(0);
        let page = page(&mut client, &request).await?;
        shown = shown.saturating_add(u64::try_from(page.events.len()).unwrap_or(0));
        show_page(&page.events, output)?;
        if page.next.is_empty() || shown >= limit {
            if !output.is_json() {
                let rest = if page.next.is_empty() { "" } else { "; more match, see --limit" };
                let (events, entries) = (counted(shown, "event", "events"), counted(page.size, "entry", "entries"));
                remark(&format!("{events}, as of {entries}{rest}"));
            }
            return Ok(());
        }
        request.page_token = page.next;
    }
}

/// The next page. Behind the first one, a server that went away is waited for: it answers the same page when it is back.
async fn page(client: &mut Client, request: &proto::ListEventsRequest) -> Result<Page, ClientError> {
    let away = Stopwatch::start();
    loop {
        let is_begun = !request.page_token.is_empty();
        match client.list(request.clone()).await {
            Err(error) if is_begun && error.retryable() && away.seconds() < AWAY_SECONDS_MAX => {}
            answer => return answer,
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}

fn show_page(events: &[proto::StoredEvent], output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return events.iter().try_for_each(|event| output.value(&show::value(event)?));
    }
    let rows: Result<Vec<_>, Failure> = events.iter().map(show::row).collect();
    output.table(show::HEADINGS, &rows?)
}

fn list_request(filter: proto::EventFilter, view: proto::EventView) -> proto::ListEventsRequest {
    proto::ListEventsRequest {
        kind: filter.kind,
        actor: filter.actor,
        stream: filter.stream,
        source: filter.source,
        action_type: filter.action_type,
        outcome: filter.outcome,
        policy_digest: filter.policy_digest,
        received_from_micros: filter.received_from_micros,
        received_to_micros: filter.received_to_micros,
        view: view.into(),
        page_size: 0,
        page_token: String::new(),
    }
}

/// Programs get bodies, tables have no room for them.
fn view(common: &Common) -> proto::EventView {
    if common.json { proto::EventView::Full } else { proto::EventView::Basic }
}
