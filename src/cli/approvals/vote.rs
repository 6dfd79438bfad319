//! A person's vote on a request of an action: shows what the server renders for every channel, binds exactly that, and
//! signs it. What the vote does is decided by the ledger's rules.

use super::around::Around;
use super::glance::Viewer;
use super::screen;
use crate::api::proto;
use crate::cli::action::step;
use crate::cli::client::Client;
use crate::cli::errors::Failure;
use crate::cli::output::Output;
use crate::cli::producer::{self, Producer, word};
use crate::record::action::action_stream;
use crate::record::{FactsBuilder, entropy};
use deedbook_verify::key::ED25519;
use deedbook_verify::kind::Kind;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::vote::{Ballot, Decision, Evidence, ReviewerSignature};
use deedbook_verify::words::{Digest, EventId, Micros, Revision, SubjectId};
use serde_json::json;

/// How long a signed vote may be taken by the ledger, in microseconds.
const VOTE_VALID_US: u64 = 5 * 60 * 1_000_000;

/// Shows a request, and gives what a vote on it must bind.
pub async fn show(
    client: &mut Client,
    producer: &Producer,
    request: SubjectId,
    decision: Decision,
    output: Output,
) -> Result<Ballot, Failure> {
    let (action, presentation) = client.request(request).await.map_err(|error| {
        if error.code != "NOT_FOUND" {
            return Failure::from(error);
        }
        let message = format!("nothing waits under {request}: it was decided, has expired, or never was");
        Failure::refused(message, "see `deedbook approvals list` and `deedbook principal list`")
    })?;
    let mut around = Around::of(client, &action, presentation.is_some()).await?;
    around.viewer = Viewer::behind(client, producer.source.as_bytes()).await?;
    screen::show(&action, presentation.as_ref(), &around, output)?;
    let (Some(presentation), Some(requirement)) = (presentation, &action.requirement) else {
        let message = format!("nothing waits for people: {}", screen::state_name(&action));
        return Err(Failure::refused(message, "see `deedbook approvals list`"));
    };
    // What was shown is what is bound, whatever the server says its digest is.
    let digest = Digest(*blake3::hash(&presentation.text).as_bytes());
    if digest.0 != presentation.digest[..] {
        return Err(Failure::failed(
            "the server's digest is not that of what it shows",
            "do not vote; tell the operator",
        ));
    }
    Ok(Ballot {
        ledger: producer.ledger,
        request,
        revision: Revision(presentation.revision),
        action: Digest(word(&action.action_digest, "action_digest")?),
        requirement: Digest(word(&requirement.digest, "requirement.digest")?),
        presentation: digest,
        decision,
        valid_until: Micros(producer::now().0.saturating_add(VOTE_VALID_US)),
    })
}

/// Signs and sends the vote.
pub async fn cast(
    client: &mut Client,
    producer: &Producer,
    ballot: &Ballot,
    reason: Option<&str>,
) -> Result<proto::Action, Failure> {
    let frame = frame(producer, ballot, reason, step::last_seen(client).await?)?;
    Ok(client.cast_vote(frame).await?.action("CastVote")?)
}

/// A signed vote of somebody who had seen this head.
pub fn frame(
    producer: &Producer,
    ballot: &Ballot,
    reason: Option<&str>,
    seen: TreeHead,
) -> Result<proto::Frame, Failure> {
    let signature = producer.key.sign(ballot.digest().as_bytes());
    let key_id = producer.key.public().id();
    let evidence = Evidence::Reviewer(ReviewerSignature { algorithm: ED25519, key_id, bytes: &signature });
    let facts = FactsBuilder::new(Kind::VoteCast, EventId(entropy::array()?), producer::now())
        .stream(action_stream(&producer.refs, ballot.request)?)
        .request_id(ballot.request)
        .action_digest(ballot.action)
        .requirement_digest(ballot.requirement)
        .presentation_digest(ballot.presentation)
        .request_revision(ballot.revision)
        .decision(ballot.decision)
        .evidence(&evidence)
        .actor(step::person(producer))
        .valid_until(ballot.valid_until)
        .last_seen(seen);
    let facts = match reason {
        Some(reason) => facts.body("application/json", json!({"reason": reason}).to_string().into()),
        None => facts,
    };
    step::signed(producer, facts)
}
