//! `deedbook reconcile`: what a source stated in a period, beside a list that somebody else keeps. Keys are compared, the
//! result is stated by whoever signs. It judges neither side: which one is right is for people to find out.

mod list;
mod match_keys;

use super::action::step;
use super::client::Client;
use super::errors::Failure;
use super::output::{Output, counted, remark, write_new};
use super::progress::Progress;
use super::{Common, filter, key, review};
use crate::api::proto;
use crate::domain::record_ref;
use crate::limits::{RECONCILE_LISTED_BYTES_MAX, RECONCILE_SLACK_US};
use clap::{Args, ValueEnum};
use deedbook_verify::detail::{Compared, Window};
use deedbook_verify::hash::RefKey;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Digest, Micros, Ref};
use list::Listed;
use match_keys::{By, Side, difference_lines, own};
use serde_json::json;
use std::path::PathBuf;

/// What `reconcile` takes.
#[derive(Args, Debug)]
#[command(
    after_help = "The list has a key and a time in each row. Events of the source and rows of the list are taken by \
    the time\nat which things happened; a key is missing on one side when nothing there has it within the tolerance \
    around\nthe period. The result is stated whatever it is; --out keeps every difference.\n\nExamples:\n  \
    deedbook reconcile --signer rita.key --source gateway-1 --from 2026-01-05 --to 2026-01-05 cloudtrail.csv \\\n      \
    --key eventID --time eventTime --by body:event_id\n  \
    deedbook reconcile --signer rita.key --source ci --from 2026-01-01 --to 2026-01-31 deploys.jsonl --out diff.txt"
)]
pub struct ReconcileArguments {
    /// The source whose events are compared: a ref, at least its first 8 digits, or its name
    #[arg(long, value_name = "REF|NAME")]
    source: String,
    /// The first day, or the first moment (RFC 3339); by the time at which things happened
    #[arg(long, value_name = "DAY|TIME")]
    from: String,
    /// The last day, which belongs to it, or the first moment behind it
    #[arg(long, value_name = "DAY|TIME")]
    to: String,
    /// The column or member that holds the key
    #[arg(long, value_name = "NAME", default_value = "key")]
    key: String,
    /// The column or member that holds the time (RFC 3339)
    #[arg(long, value_name = "NAME", default_value = "time")]
    time: String,
    /// What a key is on our side: event-id, stream (class/name), or body:MEMBER
    #[arg(long, value_name = "WHAT", default_value = "event-id", value_parser = match_keys::by)]
    by: By,
    /// Only events of this kind; without it every statement but those about sources and reviews
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: Option<Kind>,
    /// How far apart in time the two sides may have the same key
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    tolerance_s: u32,
    /// What the outside record is called; without it the file's name
    #[arg(long, value_name = "NAME")]
    record: Option<String>,
    /// How the list is written; without it what the file's name says
    #[arg(long, value_enum)]
    format: Option<ListFormat>,
    /// Where every difference is written; never overwrites
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The outside list
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// How an outside list is written.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFormat {
    /// Comma-separated, RFC 4180, the first row naming the columns
    Csv,
    /// One JSON object a line
    Jsonl,
}

fn kind(text: &str) -> Result<Kind, String> {
    Kind::from_name(text).ok_or_else(|| "there is no such kind; see docs/FORMAT.md".to_owned())
}

/// Compares, and states the result.
pub async fn run(common: &Common, arguments: ReconcileArguments, output: Output) -> Result<(), Failure> {
    let window = filter::period(&arguments.from, &arguments.to)?;
    let bytes = list::read(&arguments.file)?;
    let (mut client, producer) = key::governor(common).await?;
    let source = filter::source(&mut client, &arguments.source, Some(&producer.refs)).await?;
    review::warn_unless_counted(&mut client, &producer).await?;
    let around = around(window, arguments.tolerance_s);
    let there = outside(&arguments, &bytes, (window, around), &producer.refs)?;
    let read_to = step::last_seen(&mut client).await?;
    let here = inside(&mut client, &arguments, source, (window, around)).await?;
    let (only_here, only_there) = (here.missing_in(&there), there.missing_in(&here));
    let counts = Compared {
        here: here.counted(),
        there: there.counted(),
        only_here: u64::try_from(only_here.len()).unwrap_or(u64::MAX),
        only_there: u64::try_from(only_there.len()).unwrap_or(u64::MAX),
    };
    let differences = difference_lines(&only_here, &only_there);
    if let Some(path) = &arguments.out {
        write_new(path, &differences)?;
    }
    let name = match &arguments.record {
        Some(name) => name.clone(),
        None => arguments.file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
    };
    let outside = record_ref(&producer.refs, "", &name)?;
    let digests = (keyed(&producer.refs, &bytes), keyed(&producer.refs, &differences));
    let listed = differences.get(..differences.len().min(RECONCILE_LISTED_BYTES_MAX)).unwrap_or_default();
    let body = json!({"record": name, "key": arguments.key, "time": arguments.time, "by": arguments.by.to_string(),
        "kind": arguments.kind.map(Kind::name), "tolerance_s": arguments.tolerance_s, "unread": here.unread,
        "differences": String::from_utf8_lossy(listed), "differences_bytes": differences.len()});
    let facts = review::begun(Kind::ReconciliationCompleted, &producer)?
        .reconciled(source, outside, digests.0)
        .compared(counts, digests.1)
        .window(window)
        .last_seen(read_to)
        .body("application/json", body.to_string().into());
    let index = client.append(step::signed(&producer, facts)?).await?.first_index;
    show(index, &counts, (&here, &there), output)
}

fn show(index: u64, counts: &Compared, (here, there): (&Side, &Side), output: Output) -> Result<(), Failure> {
    if here.unread > 0 {
        remark(&format!("{} of ours had no key that could be read", counted(here.unread, "event", "events")));
    }
    if there.repeated > 0 {
        remark(&format!("{} of the list repeat a key", counted(there.repeated, "row", "rows")));
    }
    let Compared { here, there, only_here, only_there } = *counts;
    let verdict = if only_here == 0 && only_there == 0 { "they agree" } else { "THEY DIFFER" };
    let text = format!(
        "{verdict}: {} here, {} there, {only_here} only here, {only_there} only there; stated at index {index}",
        counted(here, "key", "keys"),
        counted(there, "key", "keys"),
    );
    output.either(
        &text,
        || json!({"index": index, "here": here, "there": there, "only_here": only_here, "only_there": only_there}),
    )
}

/// The period and the tolerance around it.
fn around(window: Window, tolerance_s: u32) -> Window {
    let tolerance = u64::from(tolerance_s).saturating_mul(1_000_000);
    let from = Micros(window.from.0.saturating_sub(tolerance));
    Window { from, until: Micros(window.until.0.saturating_add(tolerance)) }
}

/// BLAKE3 keyed with the ref key: it confirms a guess to those alone who hold that key.
fn keyed(refs: &RefKey, bytes: &[u8]) -> Digest {
    Digest(*blake3::keyed_hash(&refs.0, bytes).as_bytes())
}

/// The keys of the outside list.
fn outside(
    arguments: &ReconcileArguments,
    bytes: &[u8],
    (window, around): (Window, Window),
    refs: &RefKey,
) -> Result<Side, Failure> {
    let name = arguments.file.display().to_string();
    let by_name = match arguments.file.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => ListFormat::Csv,
        Some(_) | None => ListFormat::Jsonl,
    };
    let format = arguments.format.unwrap_or(by_name);
    let mut side = Side::default();
    list::rows(bytes, format, (&arguments.key, &arguments.time), |row: Listed<'_>| {
        let key = arguments.by.outside_key(&row.key, refs)?;
        side.take(key, row.time, (window, around));
        Ok(())
    })
    .map_err(|problem| Failure::usage(format!("{name}: {problem}"), "correct the list, or name its columns"))?;
    Ok(side)
}

/// The keys of our own events.
async fn inside(
    client: &mut Client,
    arguments: &ReconcileArguments,
    source: Ref,
    (window, around): (Window, Window),
) -> Result<Side, Failure> {
    let mut request = proto::ListEventsRequest {
        source: source.0.to_vec().into(),
        kind: arguments.kind.map(Kind::name).unwrap_or_default().to_owned(),
        // What happened later than it was received has a clock that is far ahead; a day of that is borne with.
        received_from_micros: Some(around.from.0.saturating_sub(RECONCILE_SLACK_US)),
        view: if arguments.by.reads_bodies() { proto::EventView::Full } else { proto::EventView::Basic }.into(),
        page_size: PAGE_SIZE,
        ..Default::default()
    };
    let (mut side, mut progress, mut read) = (Side::default(), Progress::start("events read"), 0u64);
    loop {
        let page = client.list(request.clone()).await?;
        for event in &page.events {
            own(event, &arguments.by, arguments.kind)?.into_iter().for_each(|own| match own.key {
                Some(key) => side.take(key, own.time, (window, around)),
                None if window.holds(own.time) => side.unread = side.unread.saturating_add(1),
                None => {}
            });
        }
        read = read.saturating_add(u64::try_from(page.events.len()).unwrap_or(0));
        progress.set(read, page.size);
        if page.next.is_empty() {
            progress.finish();
            return Ok(side);
        }
        request.page_token = page.next;
    }
}

/// Events on a page.
const PAGE_SIZE: i32 = 1_000;
