//! What events of an action say of it: who acts, what it does, what it reads. Read from its first command, and kept by
//! whoever exports, for as many actions as there is room.

use super::things::Thing;
use crate::domain::DatasetText;
use deedbook_verify::detail::{ApprovalCommand, Detail, Step};
use deedbook_verify::facts::{Actor, Facts, Object, Parent};
use deedbook_verify::hash::request_id;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Ref, SubjectId};
use serde_json::Value;

/// An action, as its events tell of it.
#[derive(Clone, Debug)]
pub struct ActionText {
    /// Its id.
    pub request: SubjectId,
    /// Its stream.
    pub stream: Ref,
    /// The source that asked, which alone may redeem.
    pub source: Ref,
    /// Who acts.
    pub actor: Actor,
    /// What is done, as a code.
    pub code: String,
    /// Whose data it is about, and the agent's name; none once the body was erased.
    pub agent: Option<(String, String)>,
    /// What it reads, by name; none once the body was erased.
    pub inputs: Option<Vec<Thing>>,
    /// What it reads, by ref.
    pub objects: Vec<Object>,
    /// Whether people were asked.
    pub asked: bool,
}

/// The action that an entry is about, and the stream of it in which more can be read. None: it is about none.
pub fn action_of(facts: &Facts<'_>) -> Option<(SubjectId, Ref)> {
    let stream = facts.stream?;
    match &facts.detail {
        Detail::Approval(ApprovalCommand::Submitted(_) | ApprovalCommand::BreakglassInvoked(_)) => {
            let own = request_id(&Parent { source: facts.source, event_id: facts.event_id });
            Some((facts.request_id.unwrap_or(own), stream))
        }
        Detail::Approval(_) | Detail::Step(_) => Some((facts.request_id?, stream)),
        Detail::None if facts.kind == Kind::ExecutionReported => Some((facts.request_id?, stream)),
        Detail::None
        | Detail::Genesis(_)
        | Detail::KeyEnrolled(_)
        | Detail::KeyRotated { .. }
        | Detail::KeyRevoked { .. }
        | Detail::BodyErased(_)
        | Detail::Principal(_)
        | Detail::Policy(_)
        | Detail::CommandRefused { .. }
        | Detail::Keeping(_)
        | Detail::HeartbeatPromised { .. }
        | Detail::SourceGap(_)
        | Detail::Custody { .. }
        | Detail::Oversight(_)
        | Detail::Imported { .. }
        | Detail::Document(_)
        | Detail::ClockChecked { .. } => None,
    }
}

impl ActionText {
    /// Reads it off the command that begins an action; none: the facts are another event.
    pub fn of(facts: &Facts<'_>, body: Option<&[u8]>) -> Option<ActionText> {
        let (
            Detail::Approval(ApprovalCommand::Submitted(submission) | ApprovalCommand::BreakglassInvoked(submission)),
            None,
        ) = (&facts.detail, facts.request_id)
        else {
            return None;
        };
        let body = body.and_then(|body| serde_json::from_slice::<Value>(body).ok());
        let binding = body.as_ref().map(|body| body.get("binding").unwrap_or(body));
        let text = |name: &str| binding?.get(name)?.as_str();
        let agent = binding.and_then(|binding| binding.get("agent")?.get("id")?.as_str());
        let agent = agent.map(|agent| agent.split_once(':').map_or(agent, |(_, id)| id));
        let sources = binding.and_then(|binding| binding.get("dataset_sources")?.as_array());
        let read = |source: &Value| source.as_str().map(|text| Thing::of_text(&DatasetText::parse(text)));
        Some(ActionText {
            request: request_id(&Parent { source: facts.source, event_id: facts.event_id }),
            stream: submission.stream,
            source: facts.source,
            actor: submission.actor,
            code: submission.action_type.as_str().to_owned(),
            agent: text("tenant").zip(agent).map(|(tenant, agent)| (tenant.to_owned(), agent.to_owned())),
            inputs: binding.map(|_| sources.into_iter().flatten().filter_map(read).collect()),
            objects: facts.objects().collect(),
            asked: false,
        })
    }

    /// Takes up what a later entry of its stream says of it.
    pub fn note(&mut self, facts: &Facts<'_>) {
        if let Detail::Step(step) = &facts.detail
            && let Step::Opened { .. } = step.step
        {
            self.asked = true;
        }
    }

    /// Whether a statement is of its execution: in its stream, by the source that may redeem.
    pub fn is_reported_by(&self, facts: &Facts<'_>) -> bool {
        facts.stream == Some(self.stream) && facts.source == self.source
    }
}
