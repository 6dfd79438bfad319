//! Nodes as people ask for them and read of them.

use super::names::{Called, names_of};
use super::{LineageError, State};
use crate::domain::{DatasetText, NameError, class_ref, principal_ref, source_ref, version_ref};
use crate::ledger::reader::Reader;
use crate::limits::{LINEAGE_FOUND_MAX, LINEAGE_POLL_STEPS};
use crate::lineage::fold::NodeKey;
use crate::lineage::{Answer, Cut, Halt, NodeId, NodeKind, Stop};
use deedbook_verify::facts::{Actor, ActorKind, ObjectClass};
use deedbook_verify::hash::RefKey;
use deedbook_verify::words::Ref;
use std::collections::BinaryHeap;

/// How a node is asked for: `KIND:NAME`, where NAME is what a body calls it, with its namespace in braces in front and
/// its version behind an `@`; or `KIND:` and the hex digits of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeText {
    /// Its kind.
    pub kind: NodeKind,
    /// The rest.
    pub name: String,
}

/// A node, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeAbout {
    /// What tells it from all others.
    pub key: NodeKey,
    /// What it is called, if a body says so that was not erased.
    pub called: Option<Called>,
}

impl NodeText {
    /// Takes a text apart; none: it names no kind.
    pub fn parse(text: &str) -> Option<NodeText> {
        let (kind, name) = text.split_once(':')?;
        Some(NodeText { kind: NodeKind::from_name(kind)?, name: name.to_owned() })
    }

    fn text(&self) -> String {
        format!("{}:{}", self.kind.name(), self.name)
    }

    /// What it may mean, the likeliest first: an `@` may belong to the name, or a version stand behind it.
    fn readings(&self) -> impl Iterator<Item = NodeText> {
        let has_mark = || DatasetText::parse(&self.name).version.is_some();
        let version = NodeKey::version_of(self.kind).filter(|_| has_mark());
        std::iter::once(self.kind).chain(version).map(|kind| NodeText { kind, name: self.name.clone() })
    }

    /// The key whose digits it is: those of its 16 bytes, with or without those of its kind in front.
    fn by_digits(&self) -> Option<NodeKey> {
        let kind = format!("{:02x}", self.kind.number());
        let digits = match self.name.len() {
            32 => self.name.as_str(),
            _ => self.name.strip_prefix(&kind).filter(|digits| digits.len() == 32)?,
        };
        Some(NodeKey::new(self.kind, u128::from_str_radix(digits, 16).ok()?.to_be_bytes()))
    }

    /// The key that the name would have, by the ref that is made of it.
    fn by_ref(&self, refs: &RefKey) -> Option<NodeKey> {
        let key = |what: Result<Ref, NameError>| Some(NodeKey::new(self.kind, what.ok()?.0));
        let thing = |class: ObjectClass| {
            let DatasetText { namespace, name, .. } = DatasetText::parse_name(&self.name);
            key(class_ref(refs, class.name(), namespace, name))
        };
        let version = |of: ObjectClass, class: ObjectClass| {
            let DatasetText { namespace, name, version, .. } = DatasetText::parse(&self.name);
            let of = class_ref(refs, of.name(), namespace, name).ok()?;
            key(version_ref(refs, class.name(), of, version?))
        };
        let actor = |kind| Some(NodeKey::actor(Actor { kind, who: principal_ref(refs, kind, &self.name).ok()? }));
        match self.kind {
            NodeKind::Dataset => thing(ObjectClass::Dataset),
            NodeKind::DatasetVersion => version(ObjectClass::Dataset, ObjectClass::DatasetVersion),
            NodeKind::Model => thing(ObjectClass::Model),
            NodeKind::ModelVersion => version(ObjectClass::Model, ObjectClass::ModelVersion),
            NodeKind::Artifact => thing(ObjectClass::Artifact),
            NodeKind::Job => thing(ObjectClass::Job),
            NodeKind::Session => thing(ObjectClass::Session),
            NodeKind::Run => thing(ObjectClass::Run),
            NodeKind::Agent => actor(ActorKind::Agent),
            NodeKind::Service => actor(ActorKind::Service),
            NodeKind::Person => actor(ActorKind::Human),
            NodeKind::Team => actor(ActorKind::Team),
            NodeKind::Source => key(source_ref(refs, &self.name)),
            NodeKind::Policy
            | NodeKind::PolicyVersion
            | NodeKind::Key
            | NodeKind::Action
            | NodeKind::Vote
            | NodeKind::Approval
            | NodeKind::Outcome => None,
        }
    }
}

impl NodeAbout {
    /// As it can be asked for again.
    pub fn text(&self) -> String {
        let NodeAbout { key, called } = self;
        called.as_ref().map_or_else(|| hex_text(key), |called| format!("{}:{}", key.kind.name(), called.text()))
    }
}

fn hex_text(key: &NodeKey) -> String {
    format!("{}:{}", key.kind.name(), format_args!("{:032x}", u128::from_be_bytes(key.id)))
}

impl Reader {
    /// The node that a text asks for, as far as the graph was folded last.
    pub fn node_of(&self, text: &NodeText, stop: &dyn Stop) -> Result<NodeId, LineageError> {
        let state = self.graph();
        if let Some(node) = text.by_digits().and_then(|key| state.ids.get(&key)) {
            return Ok(*node);
        }
        // A whole name is found by its ref, also where no body says it; only a part of one is looked for among all names.
        let whole = text.readings().find_map(|text| state.ids.get(&text.by_ref(self.ref_key())?).copied());
        if let Some(node) = whole {
            return Ok(node);
        }
        for reading in text.readings() {
            match state.node_called(&reading, stop) {
                Err(LineageError::NodeUnknown(_)) => {}
                found => return found,
            }
        }
        Err(LineageError::NodeUnknown(text.text()))
    }

    /// Nodes for people, in the order given; numbers that are no nodes are left out.
    pub fn describe(&self, nodes: impl IntoIterator<Item = NodeId>) -> Vec<(NodeId, NodeAbout)> {
        let state = self.graph();
        nodes.into_iter().filter_map(|node| Some((node, state.about(node)?))).collect()
    }

    /// Nodes of a kind, or of all, that have these letters in their names, large or small, by name; the first
    /// `LINEAGE_FOUND_MAX` of those that there was time to look at.
    pub fn search_nodes(&self, kind: Option<NodeKind>, letters: &str, stop: &dyn Stop) -> Answer<Vec<NodeId>> {
        let (state, letters) = (self.graph(), letters.to_lowercase());
        let (mut found, mut visited, mut cut) = (BinaryHeap::new(), 0u64, None);
        let mut look = Polled::new(stop);
        for (key, called) in state.named.all() {
            if let Some(halt) = look.step() {
                cut = Some(halt.into());
                break;
            }
            visited = visited.saturating_add(1);
            let fits = kind.is_none_or(|kind| key.kind == kind);
            if fits && called.text().to_lowercase().contains(&letters) {
                found.push((called, *key));
            }
            if found.len() > LINEAGE_FOUND_MAX {
                found.pop();
                cut = Some(Cut::Answer);
            }
        }
        let sorted = found.into_sorted_vec();
        let value = sorted.iter().filter_map(|(_, key)| state.ids.get(key).copied()).collect();
        Answer { value, cut: cut.or(state.named.is_full().then_some(Cut::Answer)), visited }
    }
}

impl State {
    fn about(&self, node: NodeId) -> Option<NodeAbout> {
        let key = *self.keys.get(usize::try_from(node.number()).ok()?)?;
        Some(NodeAbout { key, called: self.named.of(&key).cloned() })
    }

    /// The one node of a kind that a body calls so, with its namespace and version or by the name alone.
    fn node_called(&self, text: &NodeText, stop: &dyn Stop) -> Result<NodeId, LineageError> {
        let (mut exact, mut loose) = (Vec::new(), Vec::new());
        let mut look = Polled::new(stop);
        let halted = |halt| LineageError::Halted { text: text.text(), halt };
        for name in names_of(&text.name) {
            look.step().map_or(Ok(()), |halt| Err(halted(halt)))?;
            for (key, called) in self.named.called(name).filter(|(key, _)| key.kind == text.kind) {
                look.step().map_or(Ok(()), |halt| Err(halted(halt)))?;
                let found = if called.text() == text.name { &mut exact } else { &mut loose };
                if called.text() == text.name || called.name == text.name {
                    found.extend(self.ids.get(key).copied());
                }
            }
        }
        // A name with the marks of a namespace or a version in it may have been come to twice.
        for found in [&mut exact, &mut loose] {
            found.sort_unstable();
            found.dedup();
        }
        match (exact.as_slice(), loose.as_slice()) {
            ([node], _) | ([], [node]) => Ok(*node),
            ([], []) => Err(LineageError::NodeUnknown(text.text())),
            (several, others) => {
                let several = if several.is_empty() { others } else { several };
                let nodes = several.iter().take(8).filter_map(|node| self.about(*node));
                // One name of several nodes: their keys tell them apart.
                let keyed = |about: NodeAbout| if exact.is_empty() { about.text() } else { hex_text(&about.key) };
                Err(LineageError::NodeAmbiguous { text: text.text(), nodes: nodes.map(keyed).collect() })
            }
        }
    }
}

/// Asks whether to stop now and then.
struct Polled<'s> {
    stop: &'s dyn Stop,
    steps_left: u32,
}

impl<'s> Polled<'s> {
    fn new(stop: &'s dyn Stop) -> Polled<'s> {
        Polled { stop, steps_left: 0 }
    }

    /// Another name is looked at.
    fn step(&mut self) -> Option<Halt> {
        match self.steps_left.checked_sub(1) {
            Some(left) => {
                self.steps_left = left;
                None
            }
            None => {
                self.steps_left = LINEAGE_POLL_STEPS;
                self.stop.poll()
            }
        }
    }
}
