//! `deedbook action`: ask before acting, redeem what was granted, report what became of it. The exact action is what
//! FILE.json says; this program fills in who asks, for which ledger, and the nonce.

pub mod file;
pub mod step;

use super::approvals::around::{self, Around};
use super::approvals::{self, screen};
use super::client::Client;
use super::errors::{Failure, Status};
use super::output::{Output, remark};
use super::producer::{self, Producer};
use super::{Common, block_on, files};
use crate::api::proto;
use clap::{Args, Subcommand, ValueEnum};
use deedbook_verify::detail::ReviewOutcome;
use deedbook_verify::facts::Outcome;
use deedbook_verify::words::SubjectId;
use file::Asked;

/// What `action` can do.
#[derive(Subcommand, Debug)]
pub enum ActionCommand {
    /// Ask whether an action may run
    #[command(after_help = file::HELP)]
    Submit {
        #[command(flatten)]
        asked: Asked,
        /// Wait until people have decided, and end with 3 unless something was granted
        #[arg(long)]
        wait: bool,
        /// The request whose place this one takes: it ends, its votes do not carry over
        #[arg(long, value_name = "ID")]
        supersedes: Option<String>,
    },
    /// Consume the grant for exactly the action that was approved
    #[command(after_help = "Example:\n  deedbook action redeem 9f2c11 export.json --signer agent.key")]
    Redeem {
        /// The request's id, all 32 digits
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        asked: Asked,
    },
    /// State how an execution ended
    #[command(after_help = "Example:\n  deedbook action report ID --status succeeded --output s3://partner/x.csv")]
    Report {
        /// The request's id
        #[arg(value_name = "ID")]
        id: String,
        /// How it ended
        #[arg(long, value_enum)]
        status: Ended,
        /// A dataset that it wrote; may be given several times
        #[arg(long = "output", value_name = "DATASET")]
        outputs: Vec<String>,
    },
    /// Show an action and everything that became of it
    #[command(after_help = "Example:\n  deedbook action show 9f2c11")]
    Show {
        /// The request's id, or its first digits while it waits
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Say what you think of a break-glass, afterwards
    #[command(
        after_help = "Example:\n  deedbook action review ID --outcome ratified --reason \"it was down\" --signer bob.key"
    )]
    Review {
        /// What you think
        #[arg(long, value_enum)]
        outcome: Reviewed,
        #[command(flatten)]
        reasoned: Reasoned,
    },
    /// Withdraw a request that waits, or give a grant back
    #[command(after_help = "Example:\n  deedbook action cancel ID --reason \"wrong table\"")]
    Cancel(Reasoned),
}

/// How an execution ended.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Ended {
    /// As it should
    Succeeded,
    /// Otherwise
    Failed,
}

/// What a person thinks of a break-glass.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Reviewed {
    /// It was right
    Ratified,
    /// It was wrong
    Repudiated,
}

impl From<Reviewed> for ReviewOutcome {
    fn from(reviewed: Reviewed) -> ReviewOutcome {
        match reviewed {
            Reviewed::Ratified => ReviewOutcome::Ratified,
            Reviewed::Repudiated => ReviewOutcome::Repudiated,
        }
    }
}

impl From<Ended> for Outcome {
    fn from(ended: Ended) -> Outcome {
        match ended {
            Ended::Succeeded => Outcome::Succeeded,
            Ended::Failed => Outcome::Failed,
        }
    }
}

/// What `grant` can do.
#[derive(Subcommand, Debug)]
pub enum GrantCommand {
    /// Take a grant back before it is redeemed
    #[command(after_help = "Example:\n  deedbook grant revoke ID --reason \"the partner called it off\"")]
    Revoke(Reasoned),
}

/// An action and why.
#[derive(Args, Debug)]
pub struct Reasoned {
    /// The request's id
    #[arg(value_name = "ID")]
    id: String,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = words)]
    reason: String,
}

/// What `break-glass` takes.
#[derive(Args, Debug)]
#[command(after_help = "Only people break the glass, with their own key; somebody else must review it afterwards.\n\n\
    Example:\n  deedbook break-glass restore.json --reason \"primary is down\" --incident INC-812 --signer ann.key")]
pub struct BreakGlassArguments {
    #[command(flatten)]
    asked: Asked,
    /// Why it cannot wait
    #[arg(long, value_name = "TEXT", value_parser = words)]
    reason: String,
    /// The incident that it belongs to
    #[arg(long, value_name = "REF", value_parser = words)]
    incident: String,
}

/// A text that says something: the ledger takes a blank one as none.
pub fn words(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("it is blank; write why, in words".to_owned()) } else { Ok(text.to_owned()) }
}

/// Runs one of the actions.
pub fn run(common: &Common, command: ActionCommand, output: Output) -> Result<(), Failure> {
    block_on(async {
        if let ActionCommand::Show { id } = &command {
            let mut client = Client::connect(common).await?;
            let id = approvals::find(&mut client, id).await?;
            let (action, presentation) = client.request(id).await?;
            let around = Around::of(&mut client, &action, presentation.is_some()).await?;
            return screen::show(&action, presentation.as_ref(), &around, output);
        }
        let (mut client, producer) = signing(common).await?;
        let action = match &command {
            ActionCommand::Submit { asked, wait, supersedes } => {
                let prior = match supersedes {
                    Some(id) => Some(approvals::find(&mut client, id).await?),
                    None => None,
                };
                let action = submit(&mut client, &producer, (asked, prior), *wait).await?;
                if *wait && !screen::is_granted(&action) {
                    told(&action, output)?;
                    remark(&format!("deedbook: not granted: {}", around::why_not(&mut client, &action).await));
                    return Err(Failure::silent(Status::Refused));
                }
                if action.verdict() == proto::PolicyVerdict::Deny {
                    remark(&around::why_not(&mut client, &action).await);
                }
                action
            }
            ActionCommand::Redeem { id, asked } => {
                let id = approvals::find(&mut client, id).await?;
                step::redeem(&mut client, &producer, id, &file::read(&asked.file)?).await?
            }
            ActionCommand::Report { id, status, outputs } => {
                let id = approvals::find(&mut client, id).await?;
                step::report(&mut client, &producer, id, ((*status).into(), outputs)).await?
            }
            ActionCommand::Review { outcome, reasoned } => {
                let id = approvals::find(&mut client, &reasoned.id).await?;
                step::review(&mut client, &producer, id, ((*outcome).into(), &reasoned.reason)).await?
            }
            ActionCommand::Cancel(reasoned) => {
                let id = approvals::find(&mut client, &reasoned.id).await?;
                step::cancel(&mut client, &producer, id, &reasoned.reason).await?
            }
            ActionCommand::Show { .. } => return Ok(()),
        };
        told(&action, output)
    })
}

/// Takes a grant back.
pub fn grant(common: &Common, command: GrantCommand, output: Output) -> Result<(), Failure> {
    let GrantCommand::Revoke(reasoned) = command;
    block_on(async {
        let (mut client, producer) = signing(common).await?;
        let id = approvals::find(&mut client, &reasoned.id).await?;
        told(&step::revoke(&mut client, &producer, id, &reasoned.reason).await?, output)
    })
}

/// Breaks the glass.
pub fn break_glass(common: &Common, arguments: BreakGlassArguments, output: Output) -> Result<(), Failure> {
    block_on(async {
        let (mut client, producer) = signing(common).await?;
        let file = file::read(&arguments.asked.file)?;
        let binding = file::binding(&mut client, &producer, &arguments.asked, file).await?;
        let why = step::Emergency { reason: arguments.reason, incident: arguments.incident };
        told(&step::break_glass(&mut client, &producer, &binding, &why).await?, output)
    })
}

/// A connection, and the key that signs.
pub async fn signing(common: &Common) -> Result<(Client, Producer), Failure> {
    let signer = files::signer(common)?;
    let mut client = Client::connect(common).await?;
    let producer = producer::load(&mut client, signer).await?;
    Ok((client, producer))
}

async fn submit(
    client: &mut Client,
    producer: &Producer,
    (asked, supersedes): (&Asked, Option<SubjectId>),
    wait: bool,
) -> Result<proto::Action, Failure> {
    let file = file::read(&asked.file)?;
    let binding = file::binding(client, producer, asked, file).await?;
    let action = step::submit(client, producer, (&binding, supersedes)).await?;
    if !wait || screen::is_decided(&action) {
        return Ok(action);
    }
    let id = step::id_of(&action)?;
    remark(&format!("{id} waits for people: `deedbook approvals show {id}`"));
    approvals::wait(client, id).await
}

/// Says how an action stands: its id, what policy says of it, what people decided, how it runs; one line.
fn told(action: &proto::Action, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(&screen::value(action, None));
    }
    let (id, outcome, state) = (screen::hex(&action.request_id), screen::outcome(action), screen::state_name(action));
    let mut words = vec![id, outcome.to_owned()];
    words.extend(Some(state).filter(|state| state != outcome));
    words.extend(screen::execution_name(action).map(str::to_owned));
    output.line(&words.join("\t"))
}
