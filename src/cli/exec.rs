//! `deedbook exec`: a gate in front of a command. It asks, waits, redeems, runs, and reports; the command that will run
//! is among the parameters that people approve, and FILE.json is read again before it runs.

use super::action::file::{self, Asked};
use super::action::{self, step};
use super::append::AWAY_SECONDS_MAX;
use super::approvals::{self, around, screen};
use super::client::Client;
use super::errors::Failure;
use super::output::{Output, remark};
use super::producer::Producer;
use super::{Common, block_on};
use crate::api::proto;
use crate::clock::Stopwatch;
use crate::domain::DatasetText;
use clap::Args;
use deedbook_verify::facts::{Actor, ObjectRole, Outcome};
use deedbook_verify::hash::RefKey;
use deedbook_verify::words::SubjectId;
use std::process::Command;
use std::time::Duration;

/// How often the report is tried while the server is away.
const REPORT_INTERVAL: Duration = Duration::from_millis(500);

/// What `exec` takes.
#[derive(Args, Debug)]
#[command(
    after_help = "The command runs only for exactly the action that was approved, once. Its exit status is ours; \
    3 means refused.\nDEEDBOOK_REQUEST in its environment is the request's id.\n\nExample:\n  \
    deedbook exec export.json --signer agent.key --output s3://partner/orders.csv -- ./export.sh --rows 120000"
)]
pub struct ExecArguments {
    #[command(flatten)]
    asked: Asked,
    /// A dataset that the command writes; may be given several times. Reported when it succeeded
    #[arg(long = "output", value_name = "DATASET", value_parser = dataset)]
    outputs: Vec<String>,
    /// What to run, with its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// A dataset that can be reported: nothing runs before it is known to be one.
fn dataset(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("it is blank; write it like orders@42".to_owned());
    }
    let nobody = RefKey([0; 32]);
    match DatasetText::parse(text).objects(ObjectRole::Output, &nobody) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("{error}; write it like orders@42 or {{postgres://db:5432}}shop.orders")),
    }
}

/// Gates one command.
pub fn run(common: &Common, arguments: &ExecArguments, output: Output) -> Result<(), Failure> {
    let (program, rest) = arguments.command.split_first().ok_or_else(|| Failure::usage("no command", "add one"))?;
    block_on(async {
        let (mut client, producer) = action::signing(common).await?;
        let id = pass(&mut client, &producer, arguments).await?;
        let file = file::read(&arguments.asked.file)?.with_command(&arguments.command)?;
        let (asked, _) = client.request(id).await?;
        let actor = step::actor_of(&mut client, &asked).await?;
        let action = step::redeem(&mut client, &producer, id, &file).await?;
        let mut command = Command::new(program);
        command.args(rest).env("DEEDBOOK_REQUEST", id.to_string());
        // Beside the connection, which must answer the server's pings for as long as the command runs.
        let ran = tokio::task::spawn_blocking(move || command.status()).await;
        let ran = ran.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        // Redeemed is started: what became of it is reported, also if it could not be run at all.
        let outcome = match &ran {
            Ok(status) if status.success() => Outcome::Succeeded,
            Ok(_) | Err(_) => Outcome::Failed,
        };
        // What a command that failed has written, only whoever ran it can say.
        let outputs = if outcome == Outcome::Succeeded { arguments.outputs.as_slice() } else { &[] };
        let ended = Ended { outcome, outputs };
        let reported = report(&mut client, &producer, (&action, actor), &ended).await;
        let reported = reported.map_err(|failure| remark(&undelivered(failure, id, &ended))).ok();
        let status = ran.map_err(|error| Failure::failed(format!("{program}: {error}"), "correct the command"))?;
        let told = match reported {
            Some(action) if output.is_json() => output.value(&screen::value(&action, None)),
            Some(_) | None => Ok(()),
        };
        match status.code() {
            Some(0) => told,
            Some(code) => Err(Failure::of_command(code)),
            None => Err(Failure::failed(format!("{program} was ended by a signal"), "see what ended it")),
        }
    })
}

/// Asks, and waits for people where people decide. Everything but a grant is a refusal.
async fn pass(client: &mut Client, producer: &Producer, arguments: &ExecArguments) -> Result<SubjectId, Failure> {
    let file = file::read(&arguments.asked.file)?.with_command(&arguments.command)?;
    let binding = file::binding(client, producer, &arguments.asked, file).await?;
    let mut action = step::submit(client, producer, (&binding, None)).await?;
    let id = step::id_of(&action)?;
    if !screen::is_decided(&action) {
        remark(&format!("{id} waits for people: `deedbook approvals show {id}`"));
        action = approvals::wait(client, id).await?;
    }
    if screen::is_granted(&action) {
        return Ok(id);
    }
    let why = around::why_not(client, &action).await;
    Err(Failure::refused(format!("the command did not run: {why}"), format!("see `deedbook action show {id}`")))
}

/// How the command ended.
struct Ended<'a> {
    outcome: Outcome,
    /// What it wrote.
    outputs: &'a [String],
}

/// Reports, and tries again while the server is away: the command has run, and its end belongs into the log. It is the
/// same frame every time, so that a report whose answer was lost is not made twice.
async fn report(
    client: &mut Client,
    producer: &Producer,
    about: (&proto::Action, Option<Actor>),
    ended: &Ended<'_>,
) -> Result<proto::Action, Failure> {
    let frame = step::report_frame(producer, about, ended.outcome, ended.outputs)?;
    let (since, bound) = (Stopwatch::start(), f64::from(AWAY_SECONDS_MAX));
    let mut told = false;
    loop {
        let left = Duration::from_secs_f64((bound - since.seconds()).max(0.0));
        let trouble = match tokio::time::timeout(left, client.report_execution(frame.clone())).await {
            Ok(Ok(answer)) => return Ok(answer.action("ReportExecution")?),
            Ok(Err(trouble)) if !trouble.retryable() => return Err(trouble.into()),
            Ok(Err(trouble)) => trouble.to_string(),
            Err(_) => "the server does not answer".to_owned(),
        };
        if since.seconds() + REPORT_INTERVAL.as_secs_f64() >= bound {
            return Err(Failure::failed(format!("gave up after {:.0} s: {trouble}", since.seconds()), ""));
        }
        if !std::mem::replace(&mut told, true) {
            remark(&format!("the command has run; {trouble}; reporting again for up to {AWAY_SECONDS_MAX} s"));
        }
        tokio::time::sleep(REPORT_INTERVAL).await;
    }
}

/// What a person must know and type when the log does not have the end of what ran.
fn undelivered(failure: Failure, id: SubjectId, ended: &Ended<'_>) -> String {
    let quoted = |output: &String| format!(" --output '{}'", output.replace('\'', "'\\''"));
    let outputs: String = ended.outputs.iter().map(quoted).collect();
    format!(
        "deedbook: the command has run, and how it ended was not reported: {}\nnext: `deedbook action report {id} \
         --status {}{outputs}`, by the same signer",
        failure.message,
        ended.outcome.name()
    )
}
