//! `deedbook approvals`: what waits for people, and the screen on which a person decides. It shows what the server
//! renders for every channel; what a vote binds is that rendering's digest, which this program computes itself.

pub mod around;
mod glance;
pub mod screen;
pub mod vote;

use super::client::{self, Client};
use super::errors::Failure;
use super::output::{Output, remark};
use super::{Common, block_on};
use crate::api::proto;
use crate::clock::Stopwatch;
use around::Around;
use clap::Subcommand;
use deedbook_verify::words::SubjectId;
use std::collections::BTreeSet;
use std::time::Duration;

/// How often `watch` looks at the inbox.
const WATCH_INTERVAL: Duration = Duration::from_millis(500);
/// How long `watch` waits for a server that went away.
const AWAY_SECONDS_MAX: f64 = 60.0;
/// Digits of an id from which it may be cut short.
const ID_DIGITS_MIN: usize = 6;

/// What `approvals` can do.
#[derive(Subcommand, Debug)]
pub enum ApprovalsCommand {
    /// List the requests that wait for people
    #[command(after_help = "Example:\n  deedbook approvals list")]
    List,
    /// Show one request as a reviewer sees it
    #[command(after_help = "Example:\n  deedbook approvals show 9f2c11")]
    Show {
        /// The request's id, or its first digits
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Show each request as it comes, until interrupted
    #[command(after_help = "Example:\n  deedbook approvals watch")]
    Watch,
}

/// Runs one of them.
pub fn run(common: &Common, command: ApprovalsCommand, output: Output) -> Result<(), Failure> {
    block_on(async {
        let mut client = Client::connect(common).await?;
        match command {
            ApprovalsCommand::List => list(&mut client, output).await,
            ApprovalsCommand::Show { id } => {
                let id = find(&mut client, &id).await?;
                let (action, presentation) = client.request(id).await?;
                let mut around = Around::of(&mut client, &action, presentation.is_some()).await?;
                if let Some(signer) = &common.signer {
                    around.viewer = glance::Viewer::of(&mut client, signer).await?;
                }
                screen::show(&action, presentation.as_ref(), &around, output)
            }
            ApprovalsCommand::Watch => watch(&mut client, output).await,
        }
    })
}

async fn list(client: &mut Client, output: Output) -> Result<(), Failure> {
    let actions = client.inbox().await?;
    if output.is_json() {
        return actions.iter().try_for_each(|action| output.value(&screen::value(action, None)));
    }
    if actions.is_empty() {
        remark("nothing waits for people");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = actions.iter().map(screen::row).collect();
    output.table(screen::HEADINGS, &rows)
}

/// Shows what waits, then each new request; goes on when the server comes back.
async fn watch(client: &mut Client, output: Output) -> Result<(), Failure> {
    let (mut known, mut answered) = (BTreeSet::new(), Stopwatch::start());
    loop {
        match client.inbox().await {
            Ok(actions) => {
                answered = Stopwatch::start();
                let new = actions.iter().filter(|action| !known.contains(&action.request_id));
                for action in new {
                    if output.is_json() {
                        output.value(&screen::value(action, None))?;
                    } else {
                        output.line(&screen::line(action))?;
                    }
                }
                known = actions.into_iter().map(|action| action.request_id).collect();
            }
            Err(error) if error.retryable() && answered.seconds() < AWAY_SECONDS_MAX => {}
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(WATCH_INTERVAL).await;
    }
}

/// How many have approved, of how many, in words.
pub fn approved(action: &proto::Action) -> String {
    format!("{} approvals", glance::tally(action))
}

/// The request that an id, or the first digits of one, names. Digits alone are looked up among what waits.
pub async fn find(client: &mut Client, text: &str) -> Result<SubjectId, Failure> {
    if let Some(id) = SubjectId::from_hex(text) {
        return Ok(id);
    }
    let digits = text.len() >= ID_DIGITS_MIN && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !digits {
        let next = format!("write 32 hex digits, or at least the first {ID_DIGITS_MIN} of a request that waits");
        return Err(Failure::usage(format!("`{text}` is no request id"), next));
    }
    let wanted = text.to_ascii_lowercase();
    let found: Vec<SubjectId> = client
        .inbox()
        .await?
        .iter()
        .filter_map(|action| action.request_id.as_ref().try_into().ok().map(SubjectId))
        .filter(|id: &SubjectId| id.to_string().starts_with(&wanted))
        .collect();
    match found.as_slice() {
        [id] => Ok(*id),
        [] => Err(Failure::failed(
            format!("no request that waits begins with `{text}`"),
            "look with `deedbook approvals list`; a closed request needs all 32 digits",
        )),
        [..] => Err(Failure::usage(format!("{} requests begin with `{text}`", found.len()), "write more digits")),
    }
}

/// Waits until an action is decided; reconnects while the server is away.
pub async fn wait(client: &mut Client, id: SubjectId) -> Result<proto::Action, Failure> {
    let (mut revision, mut answered) = (0, Stopwatch::start());
    loop {
        let error = match client.wait_decision(id, revision).await {
            Err(error) => error,
            Ok(mut states) => loop {
                match states.recv().await {
                    Some(Ok(action)) => {
                        (revision, answered) = (action.revision, Stopwatch::start());
                        if screen::is_decided(&action) {
                            return Ok(action);
                        }
                    }
                    Some(Err(error)) => break error,
                    None => break client::ended(),
                }
            },
        };
        if !error.retryable() || answered.seconds() > AWAY_SECONDS_MAX {
            return Err(error.into());
        }
        tokio::time::sleep(WATCH_INTERVAL).await;
    }
}
