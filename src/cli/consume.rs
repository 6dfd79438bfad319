//! `deedbook subscription consume`: takes events one by one, writes each out or hands it to a command, and only then
//! settles it. An event whose command fails is parked with the reason; nothing is ever skipped.

use super::client::{self, Client};
use super::errors::Failure;
use super::output::{Output, remark};
use super::show;
use crate::api::proto::consume_request::{Ack, Extend, Message, Open, Park};
use crate::api::proto::consume_response::{Delivery, Message as Answer, Progress};
use crate::api::{ClientError, proto};
use crate::clock::Stopwatch;
use crate::domain::SubscriptionName;
use clap::Args;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::sync::mpsc;

/// Settlements that wait to be sent.
const REQUESTS_WAITING_MAX: usize = 16;
/// How soon `--no-wait` hears that nothing is left.
const NO_WAIT_PROGRESS_MS: u32 = 200;
/// The first pause before a server that went away is asked again.
const PAUSE_FIRST: Duration = Duration::from_millis(200);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How long a server that went away is waited for: an orderly restart takes seconds.
const AWAY_SECONDS_MAX: f64 = 60.0;

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
    #[arg(value_name = "NAME", value_parser = SubscriptionName::parse)]
    name: SubscriptionName,
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

/// What one connection came to.
enum Session {
    /// As far as the flags say, and everything settled is durable.
    Done,
    /// The server went away, or the seat was lost with the connection.
    Lost(ClientError),
}

/// What is kept from one connection to the next.
struct Consumption<'a> {
    arguments: &'a ConsumeArguments,
    output: Output,
    left: u64,
    /// When the server was last there.
    answered: Stopwatch,
    /// Whether it was, on this connection.
    heard: bool,
    /// Whether it ever was: only then is it waited for.
    opened: bool,
}

/// Consumes until it is interrupted, or as far as the flags say. A server that goes away is waited for, within a bound.
pub async fn consume(client: &mut Client, arguments: &ConsumeArguments, output: Output) -> Result<(), Failure> {
    let left = arguments.limit.unwrap_or(u64::MAX);
    let mut consumption =
        Consumption { arguments, output, left, answered: Stopwatch::start(), heard: false, opened: false };
    let mut pause = PAUSE_FIRST;
    loop {
        let lost = match consumption.session(client).await? {
            Session::Done => return Ok(()),
            Session::Lost(error) => error,
        };
        if std::mem::take(&mut consumption.heard) {
            pause = PAUSE_FIRST;
        }
        let away = consumption.answered.seconds();
        if !consumption.opened || away + pause.as_secs_f64() > AWAY_SECONDS_MAX {
            let failure = Failure::from(lost);
            let next = "run the same command again when the server is back; what was not settled durably comes again";
            let next = if consumption.opened { next.to_owned() } else { failure.next };
            return Err(Failure { next, ..failure });
        }
        if pause == PAUSE_FIRST {
            remark(&format!("{lost}; trying again for up to {AWAY_SECONDS_MAX:.0} s"));
        }
        tokio::time::sleep(pause).await;
        pause = pause.saturating_mul(2).min(PAUSE_MAX);
    }
}

/// Whether another connection may do better: the server is away, or has not noticed yet that ours broke.
fn is_passing(error: &ClientError) -> bool {
    error.retryable() || error.reason.as_deref() == Some("ALREADY_CONSUMED")
}

impl Consumption<'_> {
    /// One connection, from its opening until it ends.
    async fn session(&mut self, client: &mut Client) -> Result<Session, Failure> {
        match self.deliver(client).await {
            Ok(()) => Ok(Session::Done),
            Err(Ended::By(failure)) => Err(failure),
            Err(Ended::Wire(error)) if is_passing(&error) => Ok(Session::Lost(error)),
            Err(Ended::Wire(error)) => Err(error.into()),
        }
    }

    async fn deliver(&mut self, client: &mut Client) -> Result<(), Ended> {
        let (requests, outgoing) = mpsc::channel(REQUESTS_WAITING_MAX);
        let progress_interval_ms = if self.arguments.no_wait { NO_WAIT_PROGRESS_MS } else { 0 };
        let (name, view) = (self.arguments.name.to_string(), proto::EventView::Full.into());
        send(&requests, Message::Open(Open { name, view, progress_interval_ms })).await?;
        let mut answers = client.consume(outgoing).await?;
        let mut lease = Duration::from_secs(1);
        let mut caught_up = false;
        while !caught_up && (self.left > 0 || !self.opened) {
            let answer = answers.recv().await.ok_or_else(client::ended)??;
            (self.answered, self.heard) = (Stopwatch::start(), true);
            match answer.message {
                None | Some(Answer::Settled(_)) => {}
                Some(Answer::Opened(opened)) => {
                    self.opened = true;
                    lease = Duration::from_millis(opened.lease_ms.into());
                }
                Some(Answer::Delivery(delivery)) => self.settle(delivery, &requests, lease).await?,
                Some(Answer::Progress(Progress { caught_up: all, in_flight, .. })) => {
                    caught_up = self.arguments.no_wait && all && in_flight == 0;
                }
            }
        }
        // The server writes what was settled before it ends the stream.
        drop(requests);
        while let Some(answer) = answers.recv().await {
            if let Err(error) = answer {
                // Nothing is left to be asked for, so that nobody would find out again what was not settled.
                return Err(if self.left == 0 { Ended::By(unsettled(error)) } else { error.into() });
            }
        }
        Ok(())
    }

    /// Hands on the events of a delivery, one by one, and settles each.
    async fn settle(
        &mut self,
        delivery: Delivery,
        requests: &mpsc::Sender<proto::ConsumeRequest>,
        lease: Duration,
    ) -> Result<(), Ended> {
        for event in delivery.events.iter().take(usize::try_from(self.left).unwrap_or(usize::MAX)) {
            let settled = match &self.arguments.run {
                None => show_one(event, self.output)?,
                Some(run) => run_one(event, run, requests, lease).await?,
            };
            self.left = self.left.saturating_sub(1);
            self.answered = Stopwatch::start();
            send(requests, settled).await?;
        }
        Ok(())
    }
}

fn unsettled(error: ClientError) -> Failure {
    let next = "run the same command again: what was not settled durably comes again";
    Failure { next: next.to_owned(), ..Failure::from(error) }
}

/// Why a connection ended before its time.
enum Ended {
    /// Ours: an output or a command.
    By(Failure),
    /// Between us and the server.
    Wire(ClientError),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Ended {
        Ended::By(failure)
    }
}

impl From<ClientError> for Ended {
    fn from(error: ClientError) -> Ended {
        Ended::Wire(error)
    }
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
) -> Result<Message, Ended> {
    let index = event.index;
    let (command, input) = (run.to_owned(), show::value(event)?.to_string());
    let mut running = tokio::task::spawn_blocking(move || run_command(&command, &input));
    let mut lost = None;
    let ran = loop {
        // At the start too: what waits behind this event waits for its command. A command whose server went away is
        // waited for all the same: its event comes again, and shall not meet it running.
        if lost.is_none() {
            lost = send(requests, Message::Extend(Extend {})).await.err();
        }
        if let Ok(ran) = tokio::time::timeout(lease / 3, &mut running).await {
            break ran;
        }
    };
    if let Some(error) = lost {
        return Err(error.into());
    }
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
