//! `deedbook subscription consume`: takes events one by one, writes each out or hands it to a command, and only then
//! settles it. An event whose command fails is parked with the reason; nothing is ever skipped.

use super::client::{self, Client};
use super::errors::Failure;
use super::output::{Output, remark};
use super::show;
use crate::api::proto::consume_request::{Ack, Extend, Message, Open, Park};
use crate::api::proto::consume_response::{Message as Answer, Progress};
use crate::api::{ClientError, proto};
use clap::Args;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::sync::mpsc;

/// Settlements that wait to be sent.
const REQUESTS_WAITING_MAX: usize = 16;
/// How soon `--no-wait` hears that nothing is left.
const NO_WAIT_PROGRESS_MS: u32 = 200;

/// What `consume` takes.
#[derive(Args, Debug)]
#[command(
    after_help = "Each event is settled when its line was written, or when COMMAND, which gets its JSON object on \
    standard input,\nended with status 0; with any other status it is parked. After a crash, events that were not settled \
    come again.\n\nExamples:\n  deedbook subscription consume siem --json\n  \
    deedbook subscription consume siem --run 'curl -sf --data-binary @- https://siem.example/in'"
)]
pub struct ConsumeArguments {
    /// The subscription's name
    #[arg(value_name = "NAME")]
    name: String,
    /// A shell command for each event
    #[arg(long, value_name = "COMMAND")]
    run: Option<String>,
    /// Stop after this many events
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Stop when everything that stands in the log is settled
    #[arg(long)]
    no_wait: bool,
}

/// Consumes until it is interrupted, or as far as the flags say.
pub async fn consume(client: &mut Client, arguments: ConsumeArguments, output: Output) -> Result<(), Failure> {
    let (requests, outgoing) = mpsc::channel(REQUESTS_WAITING_MAX);
    let progress_interval_ms = if arguments.no_wait { NO_WAIT_PROGRESS_MS } else { 0 };
    let view = proto::EventView::Full.into();
    send(&requests, Message::Open(Open { name: arguments.name.clone(), view, progress_interval_ms })).await?;
    let mut answers = client.consume(outgoing).await?;
    let mut left = arguments.limit.unwrap_or(u64::MAX);
    let mut lease = Duration::from_secs(1);
    while left > 0 {
        match answers.recv().await.ok_or_else(client::ended)??.message {
            None | Some(Answer::Settled(_)) => {}
            Some(Answer::Opened(opened)) => lease = Duration::from_millis(opened.lease_ms.into()),
            Some(Answer::Delivery(delivery)) => {
                for event in delivery.events.iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
                    let settled = match &arguments.run {
                        None => show_one(event, output)?,
                        Some(run) => run_one(event, run, &requests, lease).await?,
                    };
                    send(&requests, settled).await?;
                    left = left.saturating_sub(1);
                }
            }
            Some(Answer::Progress(Progress { caught_up, in_flight, .. })) => {
                if arguments.no_wait && caught_up && in_flight == 0 {
                    break;
                }
            }
        }
    }
    // The server writes what was settled before it ends the stream.
    drop(requests);
    while let Some(answer) = answers.recv().await {
        answer?;
    }
    Ok(())
}

async fn send(requests: &mpsc::Sender<proto::ConsumeRequest>, message: Message) -> Result<(), ClientError> {
    requests.send(proto::ConsumeRequest { message: Some(message) }).await.map_err(|_| client::ended())
}

fn show_one(event: &proto::StoredEvent, output: Output) -> Result<Message, Failure> {
    match output.is_json() {
        true => output.value(&show::value(event)?)?,
        false => output.line(&show::line(event)?)?,
    }
    Ok(Message::Ack(Ack { indexes: vec![event.index], through: None }))
}

/// Runs the command for an event, and asks for more time while it runs.
async fn run_one(
    event: &proto::StoredEvent,
    run: &str,
    requests: &mpsc::Sender<proto::ConsumeRequest>,
    lease: Duration,
) -> Result<Message, Failure> {
    let index = event.index;
    let (command, input) = (run.to_owned(), show::value(event)?.to_string());
    let mut running = tokio::task::spawn_blocking(move || run_command(&command, &input));
    let ran = loop {
        // At the start too: what waits behind this event waits for its command.
        send(requests, Message::Extend(Extend {})).await?;
        if let Ok(ran) = tokio::time::timeout(lease / 3, &mut running).await {
            break ran;
        }
    };
    match ran.unwrap_or_else(|error| Err(format!("the command was cut off: {error}"))) {
        Ok(()) => Ok(Message::Ack(Ack { indexes: vec![index], through: None })),
        Err(reason) => {
            remark(&format!("event {index} is parked: {reason}"));
            Ok(Message::Park(Park { index, reason }))
        }
    }
}

/// Runs a shell command with an event on its standard input; why it failed.
fn run_command(command: &str, input: &str) -> Result<(), String> {
    let started = Command::new("sh").args(["-c", command]).stdin(Stdio::piped()).spawn();
    let mut child = started.map_err(|error| format!("the command does not start: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read its input may still succeed.
        let _ = stdin.write_all(format!("{input}\n").as_bytes());
    }
    let status = child.wait().map_err(|error| format!("the command cannot be waited for: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("the command ended with {status}")) }
}
