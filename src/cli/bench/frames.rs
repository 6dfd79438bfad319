//! Frames that are signed before the clock starts: action events with bodies of about 400 bytes.

use crate::api::{proto, to_frame};
use crate::cli::errors::Failure;
use crate::cli::producer::Producer;
use crate::record::{FactsBuilder, FrameSigner, Position, entropy};
use bytes::Bytes;
use deedbook_verify::facts::{Actor, ActorKind, Outcome};
use deedbook_verify::hash::Identity;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Epoch, EventId, Ref, Sequence};

/// Frames ready to be sent.
pub struct Prepared {
    /// In the order of their sequences.
    pub frames: Vec<proto::Frame>,
    /// Events in all of them.
    pub events: u64,
}

/// What most runs report. No gate released it, so each is an exception of the tests of exports.
pub const EXPORT: &str = "dataset.export";
/// What a gateway reports that keeps no gate: nothing asks who released it.
pub const READ: &str = "dataset.read";

/// What to prepare.
#[derive(Clone, Copy)]
pub struct Plan {
    /// Events in all.
    pub events: u64,
    /// Events in each frame.
    pub frame_events: u16,
    /// Whether they are numbered, from this sequence on in epoch 1.
    pub first: Option<Sequence>,
    /// The type of their actions.
    pub action_type: &'static str,
}

/// Builds and signs.
pub fn prepare(producer: &Producer, plan: Plan) -> Result<Prepared, Failure> {
    let signer = FrameSigner { ledger: producer.ledger, source: producer.source, key: &producer.key };
    let size = u64::from(plan.frame_events);
    let mut frames = Vec::new();
    let mut done = 0;
    while done < plan.events {
        let at = match plan.first {
            None => Position::Unsequenced,
            Some(first) => Position::Sequenced { epoch: Epoch(1), first: Sequence(first.0 + done) },
        };
        let events =
            (done..done + size).map(|number| event(producer, number, plan.action_type)).collect::<Result<_, _>>()?;
        let frame = signer.sign(at, events);
        frames.push(to_frame(frame.map_err(|error| Failure::failed(error.to_string(), "report this"))?));
        done += size;
    }
    Ok(Prepared { frames, events: done })
}

fn event(producer: &Producer, number: u64, action_type: &'static str) -> Result<FactsBuilder, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::failed(error.to_string(), "try again");
    let id = EventId(entropy::array().map_err(|error| failed(&error))?);
    let reference = |class: &str, name: &str| -> Result<Ref, Failure> {
        let identity = Identity { class, namespace: "", name };
        producer.refs.make(identity).ok_or_else(|| failed(&"a name is too long"))
    };
    let stream = reference("action", &(number / 4).to_string())?;
    let who = reference("agent", &format!("agent-{}", number % 50))?;
    let body = format!(
        "{{\"action\":\"{action_type}\",\"number\":{number},\"destination\":\"s3://exports/{id}\",\"note\":\"{}\"}}",
        "x".repeat(300)
    );
    Ok(FactsBuilder::new(Kind::ExecutionReported, id, crate::cli::producer::now())
        .stream(stream)
        .actor(Actor { kind: ActorKind::Agent, who })
        .action_type(action_type)
        .outcome(Outcome::Succeeded)
        .body("application/json", Bytes::from(body)))
}
