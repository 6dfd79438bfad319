//! The steps of an action, each one signed command: submit, redeem, report, cancel, revoke, break the glass.

use super::file::ActionFile;
use crate::api::{self, proto};
use crate::cli::client::{Client, Followed};
use crate::cli::errors::Failure;
use crate::cli::producer::{self, Producer, word};
use crate::domain::DatasetText;
use crate::record::action::{Stated, action_id, action_stream};
use crate::record::binding::{BINDING_MEDIA_TYPE, Binding};
use crate::record::canonical::Json;
use crate::record::objects::Objects;
use crate::record::{FactsBuilder, FrameSigner, Position, entropy};
use bytes::Bytes;
use deedbook_verify::detail::ReviewOutcome;
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::{Actor, ObjectRole, Outcome};
use deedbook_verify::kind::Kind;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{EventId, Hash, SubjectId, TreeSize};
use serde_json::json;

/// The id of an action from an answer.
pub fn id_of(action: &proto::Action) -> Result<SubjectId, Failure> {
    word(&action.request_id, "request_id").map(SubjectId)
}

/// Asks whether an action may run, in the place of another request if one is named.
pub async fn submit(
    client: &mut Client,
    producer: &Producer,
    question: (&Binding, Option<SubjectId>),
) -> Result<proto::Action, Failure> {
    let (_, frame) = asked(producer, question)?;
    Ok(client.submit_action(frame).await?.action("SubmitAction")?)
}

/// The signed question, and the id of the action that it begins.
pub fn asked(
    producer: &Producer,
    (binding, supersedes): (&Binding, Option<SubjectId>),
) -> Result<(SubjectId, proto::Frame), Failure> {
    let event = EventId(entropy::array()?);
    let state = |facts: FactsBuilder, stated: &Stated| match supersedes {
        Some(prior) => stated.state(facts, binding).supersedes(prior),
        None => stated.state(facts, binding),
    };
    let frame = submission(producer, Kind::ActionSubmitted, event, state, binding)?;
    Ok((action_id(producer.source, event), frame))
}

/// Why the glass is broken.
pub struct Emergency {
    /// Why it cannot wait.
    pub reason: String,
    /// The incident that it belongs to.
    pub incident: String,
}

/// Runs an action without waiting for people.
pub async fn break_glass(
    client: &mut Client,
    producer: &Producer,
    binding: &Binding,
    why: &Emergency,
) -> Result<proto::Action, Failure> {
    let event = EventId(entropy::array()?);
    let inner = Json::parse(&binding.to_bytes(), usize::MAX).map_err(super::file::unreadable)?;
    let body = Json::object([
        ("binding", inner),
        ("reason", Json::Text(why.reason.clone())),
        ("incident", Json::Text(why.incident.clone())),
    ]);
    let body = Bytes::from(body.to_bytes());
    let frame = submission(
        producer,
        Kind::BreakglassInvoked,
        event,
        |facts, stated| stated.state(facts, binding).body(BINDING_MEDIA_TYPE, body),
        binding,
    )?;
    Ok(client.break_glass(frame).await?.action("BreakGlass")?)
}

fn submission(
    producer: &Producer,
    kind: Kind,
    event: EventId,
    state: impl FnOnce(FactsBuilder, &Stated) -> FactsBuilder,
    binding: &Binding,
) -> Result<proto::Frame, Failure> {
    let stated = Stated::of(binding, &producer.refs)?;
    let stream = action_stream(&producer.refs, action_id(producer.source, event))?;
    let facts = FactsBuilder::new(kind, event, producer::now()).stream(stream);
    signed(producer, state(facts, &stated))
}

/// Consumes the grant for what the file says now, which must be what was approved.
pub async fn redeem(
    client: &mut Client,
    producer: &Producer,
    id: SubjectId,
    file: &ActionFile,
) -> Result<proto::Action, Failure> {
    let (action, _) = client.request(id).await?;
    let submitted = client.event(action.index, proto::EventView::Full).await?;
    if submitted.body_state() != proto::BodyState::Opened {
        return Err(Failure::failed("what was submitted was erased", "submit the action again"));
    }
    let asked = Entry::parse(&submitted.entry)?.facts.kind;
    let binding = file.in_place_of((asked, &submitted.body))?;
    let grant = granted(&action)?;
    let stated = Stated::of(&binding, &producer.refs)?;
    let seen = last_seen(client).await?;
    let facts = of_grant(producer, Kind::GrantRedeemRequested, id, grant)?;
    let frame = signed(producer, facts.action_digest(stated.digest).actor(stated.actor).last_seen(seen))?;
    Ok(client.redeem_grant(frame).await?.action("RedeemGrant")?)
}

/// States how the execution ended. A statement is never refused; one that changed nothing is told as what it is.
pub async fn report(
    client: &mut Client,
    producer: &Producer,
    id: SubjectId,
    (outcome, outputs): (Outcome, &[String]),
) -> Result<proto::Action, Failure> {
    let (before, _) = client.request(id).await?;
    let actor = actor_of(client, &before).await?;
    let frame = report_frame(producer, (&before, actor), outcome, outputs)?;
    let after = client.report_execution(frame).await?.action("ReportExecution")?;
    // The revision is that of the last entry that changed the action.
    if after.revision != before.revision {
        return Ok(after);
    }
    let why = match before.execution() {
        proto::ExecutionState::Succeeded => "its end was reported before: succeeded".to_owned(),
        proto::ExecutionState::Failed => "its end was reported before: failed".to_owned(),
        proto::ExecutionState::Unspecified => "no execution was started".to_owned(),
        proto::ExecutionState::Started | proto::ExecutionState::Unknown => {
            "only the source that redeemed the grant reports how it ended".to_owned()
        }
    };
    let next = format!("see `deedbook action show {id}`; the report stands in the log as a statement");
    Err(Failure::failed(format!("nothing changed: {why}"), next))
}

/// Who acts, as the command says that began the action: a report says it again, so that it can be read by itself.
pub async fn actor_of(client: &mut Client, action: &proto::Action) -> Result<Option<Actor>, Failure> {
    let submitted = client.event(action.index, proto::EventView::Basic).await?;
    Ok(Entry::parse(&submitted.entry)?.facts.actor)
}

/// A signed report of how the execution of an action ended. The same frame may be sent again: it is one event.
pub fn report_frame(
    producer: &Producer,
    (action, actor): (&proto::Action, Option<Actor>),
    outcome: Outcome,
    outputs: &[String],
) -> Result<proto::Frame, Failure> {
    let mut objects = Objects::default();
    for output in outputs {
        objects.add(&DatasetText::parse(output).objects(ObjectRole::Output, &producer.refs)?);
    }
    let facts = of_grant(producer, Kind::ExecutionReported, id_of(action)?, granted(action)?)?;
    let facts = facts.action_type(&action.action_type).outcome(outcome).touched(objects);
    let facts = match actor {
        Some(actor) => facts.actor(actor),
        None => facts,
    };
    match outputs {
        [] => signed(producer, facts),
        // Facts have refs alone; what they are called stands in the body, and can be erased.
        named => signed(producer, facts.body("application/json", json!({"outputs": named}).to_string().into())),
    }
}

/// Withdraws a request, or gives back what it was granted.
pub async fn cancel(
    client: &mut Client,
    producer: &Producer,
    id: SubjectId,
    reason: &str,
) -> Result<proto::Action, Failure> {
    Ok(client.cancel_request(withdrawal(producer, id, reason)?).await?.action("CancelRequest")?)
}

/// The signed command that withdraws a request.
pub fn withdrawal(producer: &Producer, id: SubjectId, reason: &str) -> Result<proto::Frame, Failure> {
    signed(producer, because(of_request(producer, Kind::ApprovalCancelRequested, id)?, reason))
}

/// Says what a person thinks of a break-glass.
pub async fn review(
    client: &mut Client,
    producer: &Producer,
    id: SubjectId,
    (outcome, reason): (ReviewOutcome, &str),
) -> Result<proto::Action, Failure> {
    let facts = of_request(producer, Kind::BreakglassReviewed, id)?.actor(person(producer)).review(outcome);
    let answer = client.decide_post_review(signed(producer, because(facts, reason))?).await?;
    Ok(answer.action("DecidePostReview")?)
}

/// Takes a grant back.
pub async fn revoke(
    client: &mut Client,
    producer: &Producer,
    id: SubjectId,
    reason: &str,
) -> Result<proto::Action, Failure> {
    let (action, _) = client.request(id).await?;
    let facts = of_grant(producer, Kind::GrantRevokeRequested, id, granted(&action)?)?;
    let answer: Followed = client.revoke_grant(signed(producer, because(facts, reason))?).await?;
    Ok(answer.action("RevokeGrant")?)
}

fn of_request(producer: &Producer, kind: Kind, id: SubjectId) -> Result<FactsBuilder, Failure> {
    let stream = action_stream(&producer.refs, id)?;
    Ok(FactsBuilder::new(kind, EventId(entropy::array()?), producer::now()).stream(stream).request_id(id))
}

fn of_grant(producer: &Producer, kind: Kind, id: SubjectId, grant: SubjectId) -> Result<FactsBuilder, Failure> {
    Ok(of_request(producer, kind, id)?.grant_id(grant))
}

fn because(facts: FactsBuilder, reason: &str) -> FactsBuilder {
    facts.body("application/json", json!({"reason": reason}).to_string().into())
}

fn granted(action: &proto::Action) -> Result<SubjectId, Failure> {
    match &action.grant {
        Some(grant) => word(&grant.id, "grant.id").map(SubjectId),
        None => Err(Failure::refused("nothing was granted", "see `deedbook action show ID`")),
    }
}

/// The newest head, as this program saw it; it bounds the command's age from below.
pub async fn last_seen(client: &mut Client) -> Result<TreeHead, Failure> {
    let head = client.ledger().await?.head.unwrap_or_default();
    Ok(TreeHead { size: TreeSize(head.size), root: Hash(word(&head.root, "head.root")?) })
}

/// A frame of one event.
pub fn signed(producer: &Producer, facts: FactsBuilder) -> Result<proto::Frame, Failure> {
    let signer = FrameSigner { ledger: producer.ledger, source: producer.source, key: &producer.key };
    Ok(api::to_frame(signer.sign(Position::Unsequenced, vec![facts])?))
}

/// Whoever is bound as a person under the signer's own source.
pub fn person(producer: &Producer) -> Actor {
    Actor { kind: deedbook_verify::facts::ActorKind::Human, who: producer.source }
}
