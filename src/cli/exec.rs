//! `deedbook exec`: a gate in front of a command. It asks, waits, redeems, runs, and reports; the command that will run
//! is among the parameters that people approve, and FILE.json is read again before it runs.

use super::action::file::{self, Asked};
use super::action::{self, step};
use super::approvals::{self, screen};
use super::client::Client;
use super::errors::Failure;
use super::output::{Output, remark};
use super::producer::Producer;
use super::{Common, block_on};
use crate::api::proto;
use clap::Args;
use deedbook_verify::facts::Outcome;
use deedbook_verify::words::SubjectId;
use std::process::Command;

/// What `exec` takes.
#[derive(Args, Debug)]
#[command(
    after_help = "The command runs only for exactly the action that was approved, once. Its exit status is ours; \
    3 means refused.\nDEEDBOOK_REQUEST in its environment is the request's id.\n\nExample:\n  \
    deedbook exec export.json --signer agent.key -- ./export.sh --rows 120000"
)]
pub struct ExecArguments {
    #[command(flatten)]
    asked: Asked,
    /// What to run, with its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Gates one command.
pub fn run(common: &Common, arguments: &ExecArguments, output: Output) -> Result<(), Failure> {
    let (program, rest) = arguments.command.split_first().ok_or_else(|| Failure::usage("no command", "add one"))?;
    block_on(async {
        let (mut client, producer) = action::signing(common).await?;
        let id = pass(&mut client, &producer, arguments).await?;
        let file = file::read(&arguments.asked.file)?.with_command(&arguments.command)?;
        step::redeem(&mut client, &producer, id, &file).await?;
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
        let reported = report(&mut client, &producer, id, outcome).await;
        let status = ran.map_err(|error| Failure::failed(format!("{program}: {error}"), "correct the command"))?;
        let action = reported?;
        if output.is_json() {
            output.value(&screen::value(&action, None))?;
        }
        match status.code() {
            Some(0) => Ok(()),
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
    let granted = action.grant.as_ref().is_some_and(|grant| grant.state() == proto::GrantState::Issued);
    if granted {
        return Ok(id);
    }
    let state = screen::state_name(&action);
    Err(Failure::refused(format!("the command did not run: {state}"), format!("see `deedbook action show {id}`")))
}

/// Reports with a few tries: the command has run, and its end belongs into the log.
async fn report(
    client: &mut Client,
    producer: &Producer,
    id: SubjectId,
    outcome: Outcome,
) -> Result<proto::Action, Failure> {
    const TRIES: usize = 5;
    let mut last = None;
    for _ in 0..TRIES {
        match step::report(client, producer, id, outcome, &[]).await {
            Ok(action) => return Ok(action),
            Err(failure) => last = Some(failure),
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    let failure = last.unwrap_or_else(|| Failure::failed("the execution was not reported", ""));
    let next = format!("report it with `deedbook action report {id} --status {}`", outcome.name());
    Err(Failure { next, ..failure })
}
