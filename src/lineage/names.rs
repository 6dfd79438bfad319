//! The names of nodes, as bodies say them. Facts have refs alone; whoever holds the ref key can tell which name belongs to
//! which node. Names are verbatim text from outside: kept as they are, escaped where they are shown, erased with the body.

use super::fold::NodeKey;
use super::kinds::NodeKind;
use super::openlineage::{Event, Name};
use super::prov::Document;
use crate::domain::{DatasetText, dataset_ref, principal_ref, version_ref};
use crate::limits::LINEAGE_NAMES_MAX;
use deedbook_verify::detail::{Detail, PrincipalCommand};
use deedbook_verify::facts::{Actor, ActorKind, Facts, ObjectClass, ObjectRole, Parent};
use deedbook_verify::hash::{Identity, RefKey, request_id};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::Ref;
use serde_json::Value;

/// A node and what it is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeName {
    /// The node.
    pub node: NodeKey,
    /// Namespace, empty where there is none; of a version those of what it is a version of.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// Of a version that was named, which.
    pub version: Option<String>,
}

/// The names that a body says, of nodes that the fold makes of the entry's facts; in the order of the body, at most
/// `LINEAGE_NAMES_MAX`, of a PROV document all. A body that is not what its kind calls for says none.
pub fn names_in(facts: &Facts<'_>, body: &[u8], refs: &RefKey) -> Vec<NodeName> {
    let mut names = Names { refs, found: Vec::new() };
    match facts.kind {
        Kind::OpenlineageReceived => {
            if let Some(event) = Event::read(body) {
                names.event(&event);
            }
        }
        Kind::ActionSubmitted | Kind::BreakglassInvoked => names.action(facts, body),
        Kind::PrincipalBound => names.principal(facts, body),
        Kind::ExecutionReported => names.outputs(body),
        Kind::ProvReceived => names.document(facts, body),
        Kind::Genesis
        | Kind::LedgerSealed
        | Kind::CommandRefused
        | Kind::PolicyEvaluated
        | Kind::ApprovalOpened
        | Kind::PresentationShown
        | Kind::ApprovalEscalated
        | Kind::ApprovalResolved
        | Kind::GrantIssued
        | Kind::GrantRedeemed
        | Kind::GrantRevoked
        | Kind::GrantExpired
        | Kind::ExecutionStarted
        | Kind::ActionBlocked
        | Kind::EvidenceExported
        | Kind::LogRead
        | Kind::VerificationRun
        | Kind::ClockChecked
        | Kind::VoteCast
        | Kind::ApprovalCancelRequested
        | Kind::GrantRedeemRequested
        | Kind::GrantRevokeRequested
        | Kind::BreakglassReviewed
        | Kind::KeyEnrolled
        | Kind::KeyRotated
        | Kind::KeyRevoked
        | Kind::PrincipalLinked
        | Kind::PrincipalDisabled
        | Kind::RoleGranted
        | Kind::RoleRevoked
        | Kind::DelegationSet
        | Kind::PolicyPublished
        | Kind::PolicyRetired
        | Kind::RetentionSet
        | Kind::HoldPlaced
        | Kind::HoldReleased
        | Kind::BodyErased
        | Kind::DataAccessed
        | Kind::ModelInvoked
        | Kind::SourceOpened
        | Kind::SourceHeartbeat
        | Kind::SourceGap
        | Kind::SourceClosed
        | Kind::ReviewCompleted
        | Kind::ExceptionDisposed
        | Kind::ReconciliationCompleted => {}
    }
    names.found
}

struct Names<'a> {
    refs: &'a RefKey,
    found: Vec<NodeName>,
}

impl Names<'_> {
    fn put(&mut self, node: NodeKey, namespace: &str, name: &str, version: Option<&str>) {
        if self.found.len() < LINEAGE_NAMES_MAX {
            let (namespace, name, version) = (namespace.to_owned(), name.to_owned(), version.map(str::to_owned));
            self.found.push(NodeName { node, namespace, name, version });
        }
    }

    fn put_ref(&mut self, kind: NodeKind, class: &str, named: &Name) {
        let Name { namespace, name } = named;
        if let Some(Ref(id)) = self.refs.make(Identity { class, namespace, name }) {
            self.put(NodeKey::new(kind, id), namespace, name, None);
        }
    }

    fn dataset(&mut self, named: &Name, version: Option<&str>) {
        let Name { namespace, name } = named;
        let Ok(dataset) = dataset_ref(self.refs, namespace, name) else { return };
        self.put(NodeKey::object(ObjectClass::Dataset, dataset), namespace, name, None);
        let class = ObjectClass::DatasetVersion;
        let stated = version.and_then(|version| version_ref(self.refs, class.name(), dataset, version).ok());
        if let Some(stated) = stated {
            self.put(NodeKey::object(class, stated), namespace, name, version);
        }
    }

    /// Job, runs, datasets with their versions, and the other names of datasets, which are names of the same node.
    fn event(&mut self, event: &Event) {
        let run = |id: &Option<String>| id.clone().map(|name| Name { namespace: String::new(), name });
        run(&event.run).iter().chain(&run(&event.parent)).for_each(|run| self.put_ref(NodeKind::Run, "run", run));
        event.job.iter().for_each(|job| self.put_ref(NodeKind::Job, "job", job));
        let datasets = event.inputs.iter().chain(&event.outputs).chain(&event.dataset);
        for (at, dataset) in datasets.enumerate() {
            let version = event.versions.iter().find(|(of, _)| *of == at).map(|(_, version)| version.as_str());
            self.dataset(dataset, version);
        }
        for (at, alias) in &event.aliases {
            let of = event.name_at(*at).and_then(|of| dataset_ref(self.refs, &of.namespace, &of.name).ok());
            if let Some(of) = of {
                self.put(NodeKey::object(ObjectClass::Dataset, of), &alias.namespace, &alias.name, None);
            }
        }
    }

    /// What an action is called by, who acts for whom, and what it reads, from its binding.
    fn action(&mut self, facts: &Facts<'_>, body: &[u8]) {
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return };
        let binding = body.get("binding").unwrap_or(&body);
        let text = |name: &str| binding.get(name).and_then(Value::as_str);
        if let (None, Some(action), Some(resource)) = (facts.request_id, text("action"), text("resource")) {
            let id = request_id(&Parent { source: facts.source, event_id: facts.event_id });
            self.put(NodeKey::action(id), action, resource, None);
        }
        let agent = binding.get("agent").and_then(|agent| agent.get("id")).and_then(Value::as_str);
        let listed = |name: &str| binding.get(name).and_then(Value::as_array).into_iter().flatten();
        for party in agent.into_iter().chain(listed("on_behalf_of").filter_map(Value::as_str)) {
            self.party(party);
        }
        listed("dataset_sources").filter_map(Value::as_str).for_each(|source| self.dataset_text(source));
    }

    /// What a reported execution wrote, as `outputs`.
    fn outputs(&mut self, body: &[u8]) {
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return };
        let outputs = body.get("outputs").and_then(Value::as_array).into_iter().flatten();
        outputs.filter_map(Value::as_str).for_each(|output| self.dataset_text(output));
    }

    /// A dataset and the version that a text names.
    fn dataset_text(&mut self, text: &str) {
        let text = DatasetText::parse(text);
        let Ok(objects) = text.objects(ObjectRole::Input, self.refs) else { return };
        for object in objects {
            let version = text.version.filter(|_| object.class == ObjectClass::DatasetVersion);
            self.put(NodeKey::object(object.class, object.what), text.namespace, text.name, version);
        }
    }

    /// All that a document names, also in its further parts, which have no body of their own.
    fn document(&mut self, facts: &Facts<'_>, body: &[u8]) {
        let Detail::Document(_) = &facts.detail else { return };
        let Ok(document) = Document::read(body) else { return };
        for thing in document.things().list() {
            if let Some(what) = thing.to_ref(self.refs) {
                let (node, name) = (NodeKey::object(thing.class.object(), what), thing.iri.clone());
                // There are `PROV_THINGS_MAX` at most, or it would not have been read.
                self.found.push(NodeName { node, namespace: String::new(), name, version: None });
            }
        }
    }

    /// `human:ID`, `agent:ID` or `service:ID`.
    fn party(&mut self, text: &str) {
        let Some((kind, id)) = text.split_once(':') else { return };
        let Some(kind) = ActorKind::from_name(kind) else { return };
        if let Ok(who) = principal_ref(self.refs, kind, id) {
            self.put(NodeKey::actor(Actor { kind, who }), "", id, None);
        }
    }

    /// A principal's id, and the name that it goes by, if its binding says one.
    fn principal(&mut self, facts: &Facts<'_>, body: &[u8]) {
        let Detail::Principal(PrincipalCommand::Bound(binding)) = &facts.detail else { return };
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return };
        for name in ["id", "name"] {
            if let Some(name) = body.get(name).and_then(Value::as_str) {
                self.put(NodeKey::actor(binding.who), "", name, None);
            }
        }
    }
}
