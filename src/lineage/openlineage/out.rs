//! The log as OpenLineage where it did not come in as such: actions with their approvals and executions, accesses to data and
//! calls of models become run events with standard facets. One entry gives the same events whenever it is exported; they
//! claim nothing that the entry does not say. It reads no store, and knows of an action what it is handed.

mod action;
mod event;
mod things;

pub use action::{ActionText, action_of};
pub use things::KnownNames;

use crate::lineage::kinds::NodeKind;
use deedbook_verify::detail::{ApprovalCommand, ApprovalStep, Detail, Resolution, ResolutionCode, Step, Vote};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::{Facts, ObjectClass, Outcome};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Index, LedgerId};
use event::{Job, RunEvent, RunKind};
use serde_json::{Value, json};
use things::Things;

/// What is exported: an entry that took effect, at its place.
#[derive(Clone, Copy)]
pub struct Exported<'a> {
    /// Its place.
    pub index: Index,
    /// The entry.
    pub entry: &'a Entry<'a>,
    /// Its body, unless it has none or it was erased.
    pub body: Option<&'a [u8]>,
    /// The action that it is about, as `action_of` says.
    pub action: Option<&'a ActionText>,
}

/// Makes events of the entries of one ledger.
pub struct Events {
    ledger: LedgerId,
    origin: String,
    /// What things are called, as far as bodies said so before.
    pub names: KnownNames,
}

impl Events {
    /// For a ledger and its origin.
    pub fn new(ledger: LedgerId, origin: &str) -> Events {
        Events { ledger, origin: origin.to_owned(), names: KnownNames::default() }
    }

    /// The events of an entry, in their order; mostly one or none. Governance, deadlines that changed nothing and whatever is
    /// OpenLineage or PROV already give none.
    pub fn of(&self, exported: Exported<'_>) -> Vec<Value> {
        let facts = &exported.entry.facts;
        match (&facts.detail, facts.kind) {
            (Detail::Approval(command), _) => self.of_command(exported, command),
            (Detail::Step(step), _) => self.of_step(exported, step),
            (_, Kind::ExecutionReported | Kind::DataAccessed | Kind::ModelInvoked) => vec![self.of_statement(exported)],
            (_, _) => Vec::new(),
        }
    }

    fn of_command(&self, exported: Exported<'_>, command: &ApprovalCommand<'_>) -> Vec<Value> {
        let Some(action) = exported.action else { return Vec::new() };
        match command {
            // It waits, whatever becomes of it.
            ApprovalCommand::Submitted(_) | ApprovalCommand::BreakglassInvoked(_) => {
                vec![self.of_action(exported, action, "OTHER").reads(self.inputs(action)).actor().into_value()]
            }
            ApprovalCommand::VoteCast(vote) => {
                vec![self.of_approval(exported, action, "RUNNING").facet("deedbook_vote", self.vote(vote)).into_value()]
            }
            ApprovalCommand::CancelRequested(_)
            | ApprovalCommand::RedeemRequested(_)
            | ApprovalCommand::RevokeRequested(_)
            | ApprovalCommand::BreakglassReviewed(_) => Vec::new(),
        }
    }

    fn of_step(&self, exported: Exported<'_>, step: &ApprovalStep<'_>) -> Vec<Value> {
        let Some(action) = exported.action else { return Vec::new() };
        match step.step {
            Step::Opened { .. } => vec![self.of_approval(exported, action, "START").into_value()],
            Step::Resolved { resolution, .. } => self.resolved(exported, action, resolution),
            Step::Blocked { .. } => vec![self.of_action(exported, action, "ABORT").into_value()],
            Step::ExecutionStarted { .. } => {
                let started = self.of_action(exported, action, "START").reads(self.inputs(action));
                let upstream = action.asked.then(|| self.upstream(exported, action));
                vec![started.facet("jobDependencies", upstream.unwrap_or(Value::Null)).into_value()]
            }
            Step::Evaluated { .. }
            | Step::Shown { .. }
            | Step::Escalated { .. }
            | Step::GrantIssued { .. }
            | Step::GrantRedeemed { .. }
            | Step::GrantRevoked { .. }
            | Step::GrantExpired { .. } => Vec::new(),
        }
    }

    /// A decision completes the approval, for or against; what was not approved never starts.
    fn resolved<V>(&self, exported: Exported<'_>, action: &ActionText, resolution: Resolution<V>) -> Vec<Value> {
        let code = resolution.code();
        let (decided, approved) = match code {
            ResolutionCode::Approved | ResolutionCode::BreakGlass => (true, true),
            ResolutionCode::Denied => (true, false),
            ResolutionCode::Expired
            | ResolutionCode::Cancelled
            | ResolutionCode::Superseded
            | ResolutionCode::Invalidated
            | ResolutionCode::Unroutable => (false, false),
        };
        let ends = if decided { "COMPLETE" } else { "ABORT" };
        let facet = json!({"resolution": code.name()});
        let mut events = vec![self.of_approval(exported, action, ends).facet("deedbook_approval", facet).into_value()];
        if !approved {
            events.push(self.of_action(exported, action, "ABORT").into_value());
        }
        events
    }

    /// What a source states: of an action's execution, or of a run of its own.
    fn of_statement(&self, exported: Exported<'_>) -> Value {
        let facts = &exported.entry.facts;
        let own = exported.action.filter(|action| action.is_reported_by(facts));
        let event = match own {
            Some(action) => self.of_action(exported, action, event_type(facts)),
            None => {
                let id = facts.stream.map_or(facts.event_id.0, |stream| stream.0);
                let name = facts.action_type.map_or(facts.kind.name(), |code| code.as_str());
                let job = self.stated_job(facts).unwrap_or_else(|| self.own_job(name.to_owned()));
                RunEvent::new(self, exported, (RunKind::Stated, id), job, event_type(facts))
            }
        };
        let things = Things::of(facts, exported.body, &self.names, &self.namespace());
        event.actor().session().reads(things.inputs).writes(things.outputs).into_value()
    }

    /// The job that facts name, where a body said what it is called.
    fn stated_job(&self, facts: &Facts<'_>) -> Option<Job> {
        let job = facts.objects().find(|object| object.class == ObjectClass::Job)?;
        let known = self.names.of_object(job.class, job.what)?;
        Some(Job { namespace: known.namespace.clone(), name: known.name.clone() })
    }

    fn of_action<'e>(&'e self, exported: Exported<'e>, action: &ActionText, event_type: &'static str) -> RunEvent<'e> {
        let job = self.action_job(action);
        let event = RunEvent::new(self, exported, (RunKind::Action, action.request.0), job, event_type);
        event.facet("deedbook_action", json!({"request": action.request.to_string(), "action": action.code}))
    }

    fn of_approval<'e>(
        &'e self,
        exported: Exported<'e>,
        action: &ActionText,
        event_type: &'static str,
    ) -> RunEvent<'e> {
        let job = self.approval_job(action);
        let event = RunEvent::new(self, exported, (RunKind::Approval, action.request.0), job, event_type);
        event.facet("deedbook_action", json!({"request": action.request.to_string(), "action": action.code}))
    }

    /// The approval that had to succeed before the action could start.
    fn upstream(&self, exported: Exported<'_>, action: &ActionText) -> Value {
        let approval = self.of_approval(exported, action, "OTHER");
        json!({"upstream": [{"job": approval.job().value(), "run": {"runId": approval.run_id()},
            "dependency_type": "DIRECT_INVOCATION", "sequence_trigger_rule": "FINISH_TO_START",
            "status_trigger_rule": "EXECUTE_ON_SUCCESS"}]})
    }

    fn vote(&self, vote: &Vote<'_>) -> Value {
        let person = self.names.of_actor(vote.actor).map(|known| known.name.clone());
        json!({"decision": vote.decision.name(), "person": vote.actor.who.to_string(), "name": person})
    }

    fn inputs(&self, action: &ActionText) -> Vec<things::Thing> {
        match &action.inputs {
            Some(named) => named.clone(),
            None => Things::of_objects(&action.objects, &self.names, &self.namespace()).inputs,
        }
    }

    /// An agent's job is the pair of agent and action, as whoever schedules it would name it.
    fn action_job(&self, action: &ActionText) -> Job {
        match &action.agent {
            Some((tenant, agent)) => {
                Job { namespace: format!("agent://{tenant}"), name: format!("{agent}.{}", action.code) }
            }
            None => self.own_job(format!("{}.{}", action.actor.who, action.code)),
        }
    }

    fn approval_job(&self, action: &ActionText) -> Job {
        self.own_job(format!("approval/{}", action.code))
    }

    fn own_job(&self, name: String) -> Job {
        Job { namespace: self.namespace(), name }
    }

    /// The namespace of what has no name of its own.
    fn namespace(&self) -> String {
        format!("deedbook://{}", self.origin)
    }
}

fn event_type(facts: &Facts<'_>) -> &'static str {
    match facts.outcome {
        Some(Outcome::Started) => "START",
        Some(Outcome::Running) => "RUNNING",
        Some(Outcome::Succeeded) => "COMPLETE",
        Some(Outcome::Failed) => "FAIL",
        Some(Outcome::Aborted | Outcome::Denied) => "ABORT",
        Some(Outcome::Allowed | Outcome::Other) | None => "OTHER",
    }
}

/// Which nodes have names that events show.
fn is_shown(kind: NodeKind) -> bool {
    matches!(
        kind,
        NodeKind::Dataset
            | NodeKind::DatasetVersion
            | NodeKind::Model
            | NodeKind::ModelVersion
            | NodeKind::Artifact
            | NodeKind::Agent
            | NodeKind::Service
            | NodeKind::Person
            | NodeKind::Job
    )
}
