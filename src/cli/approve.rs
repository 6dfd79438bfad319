//! `deedbook approve` and `deny`: shows what waits for a decision, binds exactly that, asks, and signs the vote. What the
//! vote does is decided by the ledger's rules. Commands wait that govern the ledger itself, and requests of actions.

mod matter;

use super::approvals::{self, screen, vote};
use super::client::Client;
use super::errors::Failure;
use super::output::{Output, remark};
use super::producer::{self, Producer};
use super::{Common, action, files, key};
use crate::api::proto;
use clap::Args;
use deedbook_verify::detail::GOVERNANCE_ACTION;
use deedbook_verify::facts::{Actor, ActorKind, Facts};
use deedbook_verify::governance::{Matter, governance_requirement};
use deedbook_verify::key::ED25519;
use deedbook_verify::kind::Kind;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::vote::{Ballot, Decision, Evidence, ReviewerSignature};
use deedbook_verify::words::{Hash, Micros, Revision, SubjectId, TreeSize};
use serde_json::json;
use std::io::{BufRead, IsTerminal};

/// Microseconds for which a vote may still be taken after it was signed: an hour.
const VOTE_VALID_US: u64 = 3_600 * 1_000_000;

/// What a decision takes.
#[derive(Args, Debug)]
pub struct DecisionArguments {
    /// The request's id; of a request of an action, its first digits will do
    #[arg(value_name = "ID")]
    id: String,
    /// Why; stands in the vote's body
    #[arg(long, value_name = "TEXT", value_parser = action::words)]
    reason: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// What `approve` takes.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  deedbook approve --signer bob.key 5f0c9f7d6a3e4b21908f7d6c5b4a3e2d --reason \"known colleague\""
)]
pub struct ApproveArguments {
    #[command(flatten)]
    decision: DecisionArguments,
}

/// What `deny` takes.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  deedbook deny --signer bob.key 5f0c9f7d6a3e4b21908f7d6c5b4a3e2d --reason \"not asked for\""
)]
pub struct DenyArguments {
    #[command(flatten)]
    decision: DecisionArguments,
}

/// Agrees.
pub async fn approve(common: &Common, arguments: ApproveArguments, output: Output) -> Result<(), Failure> {
    decide(common, &arguments.decision, Decision::Approve, output).await
}

/// Refuses.
pub async fn deny(common: &Common, arguments: DenyArguments, output: Output) -> Result<(), Failure> {
    decide(common, &arguments.decision, Decision::Deny, output).await
}

async fn decide(
    common: &Common,
    arguments: &DecisionArguments,
    decision: Decision,
    output: Output,
) -> Result<(), Failure> {
    let signer = files::signer(common)?;
    let mut client = Client::connect(common).await?;
    let producer = producer::load(&mut client, signer).await?;
    let pending = client.pending().await?;
    let named = |command: &proto::PendingCommand| screen::hex(&command.request_id) == arguments.id.to_ascii_lowercase();
    let Some(command) = pending.into_iter().find(named) else {
        return decide_action(&mut client, &producer, arguments, decision, output).await;
    };
    let request = SubjectId(producer::word(&command.request_id, "request_id")?);
    let facts = Facts::parse(&command.facts)?;
    for line in matter::screen(&mut client, &producer, &facts, &command).await? {
        remark(&line);
    }
    confirm(arguments, decision)?;
    let head = client.ledger().await?.head.unwrap_or_default();
    let seen = TreeHead { size: TreeSize(head.size), root: Hash(producer::word(&head.root, "root")?) };
    let frame = governance_vote(&producer, (request, &command.facts), seen, (decision, arguments.reason.as_deref()))?;
    let index = client.append(frame).await?.first_index;
    let text = match decision {
        Decision::Approve => format!("approved at index {index}: it is in effect from there on"),
        Decision::Deny => format!("denied at index {index}: it has no effect"),
        Decision::Abstain => format!("abstained at index {index}"),
    };
    output.either(&text, || {
        json!({"request_id": request.to_string(), "decision": decision.name(), "index": index,
            "command_index": command.index})
    })
}

/// Decides about a request of an action.
async fn decide_action(
    client: &mut Client,
    producer: &Producer,
    arguments: &DecisionArguments,
    decision: Decision,
    output: Output,
) -> Result<(), Failure> {
    let request = approvals::find(client, &arguments.id).await?;
    // How it stands before the vote is no result of it.
    let ballot = vote::show(client, producer, request, decision, output.beside()).await?;
    confirm(arguments, decision)?;
    let action = vote::cast(client, producer, &ballot, arguments.reason.as_deref()).await?;
    if output.is_json() {
        return output.value(&screen::value(&action, None));
    }
    output.line(&format!("{request}\t{}\t{}", screen::state_name(&action), approvals::approved(&action)))
}

fn confirm(arguments: &DecisionArguments, decision: Decision) -> Result<(), Failure> {
    if arguments.yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("nothing was decided: there is no terminal to ask on", "add --yes"));
    }
    remark(&format!("You are about to {} this. Type yes to go on:", decision.name()));
    let mut answer = String::new();
    match std::io::stdin().lock().read_line(&mut answer) {
        Ok(_) if answer.trim() == "yes" => Ok(()),
        Ok(_) | Err(_) => Err(Failure::failed("nothing was decided", "type `yes`, or add --yes")),
    }
}

/// A frame of one vote on a governing command, with the person's own signature as its evidence.
fn governance_vote(
    producer: &Producer,
    (request, command): (SubjectId, &[u8]),
    seen: TreeHead,
    (decision, reason): (Decision, Option<&str>),
) -> Result<proto::Frame, Failure> {
    let matter = Matter::of(command);
    let valid_until = Micros(producer::now().0.saturating_add(VOTE_VALID_US));
    let ballot = Ballot {
        ledger: producer.ledger,
        request,
        revision: Revision(0),
        action: matter.action,
        requirement: governance_requirement(),
        presentation: matter.presentation,
        decision,
        valid_until,
    };
    let signature = producer.key.sign(&ballot.digest().0);
    let key_id = producer.key.public().id();
    let evidence = Evidence::Reviewer(ReviewerSignature { algorithm: ED25519, key_id, bytes: &signature });
    key::command(producer, Kind::VoteCast, |builder| {
        let builder = builder
            .action_type(GOVERNANCE_ACTION)
            .request_id(request)
            .action_digest(ballot.action)
            .requirement_digest(ballot.requirement)
            .presentation_digest(ballot.presentation)
            .request_revision(ballot.revision)
            .decision(decision)
            .evidence(&evidence)
            .actor(Actor { kind: ActorKind::Human, who: producer.source })
            .valid_until(valid_until)
            .last_seen(seen);
        match reason {
            Some(reason) => builder.body("application/json", json!({"reason": reason}).to_string().into()),
            None => builder,
        }
    })
}
