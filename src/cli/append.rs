//! `deedbook append`: files of events become signed frames on one stream. Events that stand in the log already are
//! not sent again, so a file can be run as often as one likes; results come in the order of input.

mod input;
mod documents;
mod link;
mod queue;

use super::errors::{Failure, Status};
use super::output::{Output, remark};
use super::producer::{self, Producer};
use super::progress::Progress;
use super::{Common, files};
use crate::api;
use crate::limits::{FRAME_BYTES_MAX, FRAME_EVENTS_MAX};
use crate::record::{FrameBytes, FrameSigner, Position};
use clap::{Args, ValueEnum};
use deedbook_verify::detail::Lost;
use deedbook_verify::words::{Epoch, EventId, Sequence};
pub use input::stands_alone;
use input::{Item, Place, Recipe};
pub use link::Link;
use queue::{Flight, Origin, Queue};
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;

/// Events that are signed together, unless told otherwise.
const FRAME_EVENTS: u16 = 64;
/// Seconds for which a server that is away is waited for, unless told otherwise: an orderly restart takes a few.
pub const AWAY_SECONDS_MAX: u32 = 60;
/// Input that pauses longer is sent as far as it came, so that a followed stream is appended as it grows.
const INPUT_PAUSE: Duration = Duration::from_millis(30);
/// Bytes of events that are taken up together.
const BATCH_BYTES_MAX: usize = 4 * FRAME_BYTES_MAX;

/// What `append` takes.
#[derive(Args, Debug)]
#[command(after_help = "Prints `index TAB event-id` for each event, in the order of input.\n\nExamples:\n  \
    deedbook append --signer gateway.key events.jsonl\n  \
    tail -f openlineage.jsonl | deedbook append --signer gateway.key --format openlineage -")]
pub struct AppendArguments {
    /// How the files are written
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// Events signed together: more is faster, fewer are acknowledged sooner
    #[arg(long, value_name = "N", default_value_t = FRAME_EVENTS,
        value_parser = clap::value_parser!(u16).range(1..=i64::from(FRAME_EVENTS_MAX)))]
    frame: u16,
    /// How long to wait for a server that is not there yet, or went away
    #[arg(long, value_name = "SECONDS", default_value_t = AWAY_SECONDS_MAX)]
    retry_seconds: u32,
    /// Files of events, `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// The formats of event files.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Event lines, see docs/CLI.md
    Jsonl,
    /// OpenLineage events, kept byte for byte
    Openlineage,
    /// One PROV-JSON document a file, kept byte for byte, or a file that `lineage export --format prov` wrote
    Prov,
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// Events that this run appended.
    pub appended: u64,
    /// Events that stood in the log before.
    pub known: u64,
    /// Lines that were identical to earlier ones of the same input.
    pub identical: u64,
    /// Index of the first event of the input.
    pub first_index: u64,
}

/// Appends every event of the files, and says how many there were.
pub async fn run(common: &Common, arguments: AppendArguments, output: Output) -> Result<(), Failure> {
    append(common, arguments, output).await.map(|_| ())
}

/// Appends every event of the files.
pub async fn append(common: &Common, arguments: AppendArguments, output: Output) -> Result<Summary, Failure> {
    let signer = files::signer(common)?;
    let mut client = link::connect(common, arguments.retry_seconds).await?;
    let producer = producer::load(&mut client, signer).await?;
    let size_at_start = client.ledger().await?.head.map_or(0, |head| head.size);
    let link = Link::open(common, client, &producer, arguments.retry_seconds).await?;
    let recipe = Recipe {
        format: arguments.format,
        ledger: producer.ledger,
        refs: producer.refs.clone(),
        id_key: producer.key.event_id_key(),
        source: producer.source,
        occurred: producer::now(),
    };
    let total_bytes = input::total_bytes(&arguments.files);
    let items = input::start(arguments.files, recipe);
    let mut append = Append {
        producer: &producer,
        next_sequence: link.last_durable.saturating_add(1),
        link,
        queue: Queue::default(),
        frame_events: usize::from(arguments.frame),
        size_at_start,
        progress: Progress::start("bytes"),
        total_bytes,
        output,
        summary: Summary::default(),
    };
    let ended = append.take_all(items).await;
    append.progress.finish();
    if !output.is_silent() {
        remark(&append.summary.to_string());
    }
    let summary = append.summary;
    append.link.finish().await;
    ended.map(|()| summary)
}

/// One run of `append`.
struct Append<'a> {
    producer: &'a Producer,
    link: Link<'a>,
    queue: Queue,
    next_sequence: u64,
    frame_events: usize,
    size_at_start: u64,
    progress: Progress,
    total_bytes: u64,
    output: Output,
    summary: Summary,
}

/// Events that are new, with the cells that their indexes will fill.
type Fresh = Vec<(Item, queue::Cell)>;

impl AppendArguments {
    /// What `append` takes unless it is told otherwise.
    pub fn new(format: Format, file: PathBuf) -> AppendArguments {
        AppendArguments { format, frame: FRAME_EVENTS, retry_seconds: AWAY_SECONDS_MAX, files: vec![file] }
    }
}

impl Append<'_> {
    async fn take_all(&mut self, mut items: mpsc::Receiver<Result<Item, Failure>>) -> Result<(), Failure> {
        loop {
            let (batch, end) = self.next_batch(&mut items).await?;
            let read_bytes = batch.last().map_or(0, |item| item.read_bytes);
            let (mut fresh, failure) = self.sort_out(batch).await?;
            let end = failure.map(Err).or(end);
            let mut unsent = 0;
            if let Some(Err(_)) = &end {
                // Nothing of the frame in which a malformed line stands is sent.
                unsent = fresh.len() % self.frame_events;
                fresh.truncate(fresh.len().saturating_sub(unsent));
            }
            self.send(fresh).await?;
            self.progress.set(read_bytes, self.total_bytes);
            if let Some(end) = end {
                let end = end.map_err(|failure| failure.with_unsent(unsent));
                while !self.queue.is_idle() {
                    self.link.receive(&mut self.queue, &mut self.progress).await?;
                    self.link.send_all(&mut self.queue, &mut self.progress).await?;
                    self.print_due()?;
                }
                self.print_due()?;
                return end;
            }
        }
    }

    /// Collects events until there is a good number, or the input pauses, ends or fails. Acknowledgements are taken
    /// meanwhile.
    async fn next_batch(
        &mut self,
        items: &mut mpsc::Receiver<Result<Item, Failure>>,
    ) -> Result<(Vec<Item>, Option<Result<(), Failure>>), Failure> {
        let whole_frames = (usize::from(FRAME_EVENTS_MAX) / self.frame_events).max(1) * self.frame_events;
        let (mut batch, mut bytes) = (Vec::new(), 0usize);
        while batch.len() < whole_frames && bytes < BATCH_BYTES_MAX {
            tokio::select! {
                biased;
                item = items.recv() => match item {
                    Some(Ok(item)) => {
                        bytes = bytes.saturating_add(item.event.weight_bytes);
                        batch.push(item);
                    }
                    Some(Err(failure)) => return Ok((batch, Some(Err(failure)))),
                    None => return Ok((batch, Some(Ok(())))),
                },
                reply = self.link.reply(), if !self.queue.is_idle() => {
                    self.link.take(reply, &mut self.queue, &mut self.progress).await?;
                    self.link.send_all(&mut self.queue, &mut self.progress).await?;
                    self.print_due()?;
                }
                () = tokio::time::sleep(INPUT_PAUSE), if !batch.is_empty() => break,
            }
        }
        Ok((batch, None))
    }

    /// Parts events that are new from those that stand in the log or came before in this input, up to the first whose
    /// id belongs to another event.
    async fn sort_out(&mut self, batch: Vec<Item>) -> Result<(Fresh, Option<Failure>), Failure> {
        let ids: Vec<EventId> = batch.iter().map(|item| item.event.id).collect();
        let found = self.link.lookup(&ids, &mut self.progress).await?;
        let (mut fresh, mut failure) = (Vec::new(), None);
        for (item, found) in batch.into_iter().zip(found) {
            let id = item.event.id;
            let content =
                item.event.builder.content().map_err(|error| Failure::from(error).at(&item.place.to_string()));
            let content = match content {
                Ok(content) => content,
                Err(malformed) => {
                    failure = Some(malformed);
                    break;
                }
            };
            if let Some(pending) = self.queue.pending(&id) {
                if pending.content != content {
                    failure = Some(taken(&item, "an earlier event of this input"));
                    break;
                }
                self.queue.result(id, Origin::Identical, pending.cell);
            } else if let Some(index) = found {
                if item.event.id_given && !self.link.states(index, &item.event.builder, &mut self.progress).await? {
                    failure = Some(taken(&item, &format!("the event at index {index}")));
                    break;
                }
                let origin = if index < self.size_at_start { Origin::Known } else { Origin::Identical };
                self.queue.result(id, origin, queue::known(index));
            } else {
                let cell = self.queue.promise(id, content);
                fresh.push((item, cell));
            }
        }
        self.print_due()?;
        Ok((fresh, failure))
    }

    /// Cuts events into frames, signs and sends them.
    async fn send(&mut self, fresh: Fresh) -> Result<(), Failure> {
        let (mut frame, mut bytes): (Fresh, usize) = (Vec::new(), 0);
        for (item, cell) in fresh {
            let weight = item.event.weight_bytes;
            let full = frame.len() >= self.frame_events || bytes.saturating_add(weight) > FRAME_BYTES_MAX;
            if full || item.event.gap.is_some() {
                self.send_frame(std::mem::take(&mut frame)).await?;
                bytes = 0;
            }
            if let Some(gap) = item.event.gap {
                gap.lost.map_or(Ok(()), |lost| self.step_over(lost, &item.place))?;
                self.send_frame(vec![(item, cell)]).await?;
                continue;
            }
            bytes = bytes.saturating_add(weight);
            frame.push((item, cell));
        }
        self.send_frame(frame).await
    }

    /// Lost numbers begin where the source stands; the gap takes the sequence behind them.
    fn step_over(&mut self, lost: Lost, place: &Place) -> Result<(), Failure> {
        if lost.from.0 != self.next_sequence {
            let next = format!("write gap_from {}, one after the last event of this source", self.next_sequence);
            return Err(Failure::failed(format!("{place}: `facts.gap_from` is {}", lost.from), next));
        }
        self.next_sequence = lost.to.0;
        Ok(())
    }

    async fn send_frame(&mut self, events: Fresh) -> Result<(), Failure> {
        let Some((first_item, _)) = events.first() else { return Ok(()) };
        let place = first_item.place.clone();
        let first = self.next_sequence;
        let at = Position::Sequenced { epoch: Epoch(self.link.epoch), first: Sequence(first) };
        let (mut builders, mut waiting) = (Vec::with_capacity(events.len()), Vec::with_capacity(events.len()));
        for (item, cell) in events {
            waiting.push((item.event.id, cell, item.place));
            builders.push(item.event.builder);
        }
        let signer =
            FrameSigner { ledger: self.producer.ledger, source: self.producer.source, key: &self.producer.key };
        let signed = signer.sign(at, builders).map_err(|error| Failure::from(error).at(&place.to_string()))?;
        let cost_bytes = cost_bytes(&signed);
        let frame = api::to_frame(signed);
        self.next_sequence = first.saturating_add(u64::try_from(waiting.len()).unwrap_or(u64::MAX));
        self.queue.push(Flight { first, frame, cost_bytes, events: waiting });
        self.link.send_all(&mut self.queue, &mut self.progress).await?;
        self.print_due()
    }

    /// Prints every result whose turn it is.
    fn print_due(&mut self) -> Result<(), Failure> {
        let mut text = String::new();
        while let Some((index, placed)) = self.queue.next_result() {
            let summary = &mut self.summary;
            if summary.appended + summary.known + summary.identical == 0 {
                summary.first_index = index.0;
            }
            let (state, count) = match placed.origin {
                Origin::Appended => ("appended", &mut summary.appended),
                Origin::Identical => ("identical", &mut summary.identical),
                Origin::Known => ("known", &mut summary.known),
            };
            *count = count.saturating_add(1);
            if self.output.is_json() {
                let value = json!({"index": index.0, "event_id": placed.id.to_string(), "state": state});
                text.push_str(&format!("{value}\n"));
            } else {
                text.push_str(&format!("{index}\t{}\n", placed.id));
            }
        }
        if text.is_empty() {
            return Ok(());
        }
        self.output.bytes(text.as_bytes()).map_err(|failure| match failure.status {
            Status::Done => {
                let next = "run the same command again: nothing is appended twice";
                Failure::failed("nobody reads the indexes any more; the rest of the input was not sent", next)
            }
            Status::Failed | Status::Usage | Status::Refused | Status::Storage | Status::OfCommand(_) => failure,
        })
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let noun = if self.appended == 1 { "event" } else { "events" };
        write!(f, "{} {noun} appended", self.appended)?;
        if self.known > 0 {
            write!(f, ", {} stood in the log already", self.known)?;
        }
        if self.identical > 0 {
            write!(f, ", {} identical to earlier ones of this input", self.identical)?;
        }
        Ok(())
    }
}

/// Two events with one id: the second would be lost without a word.
fn taken(item: &Item, by: &str) -> Failure {
    let next = "give this event an id of its own, or leave `id` out, then run the same command again";
    Failure::failed(format!("{}: `id` {} belongs to {by}, which says something else", item.place, item.event.id), next)
}

/// An upper bound of the frame's size as a message: lengths and tags take at most 6 bytes each.
fn cost_bytes(frame: &FrameBytes) -> u64 {
    let events = frame.events.len().saturating_mul(32 + 4 * 6);
    let bytes = frame.payload_bytes() + frame.header.len() + frame.signatures.len() + events + 3 * 6;
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
