//! What nodes are called, read from bodies as the log is folded. Once a body was erased, the next question reads all names
//! again without it: no answer tells a name whose body was gone when it was asked. Until then the name is in memory.

use crate::limits::LINEAGE_NAMED_MAX;
use crate::lineage::fold::NodeKey;
use crate::lineage::openlineage::{Counts, Event, Tally};
use crate::lineage::{NodeKind, NodeName, names_in};
use deedbook_verify::facts::Facts;
use deedbook_verify::hash::RefKey;
use deedbook_verify::kind::Kind;
use foldhash::HashMap;

/// A name without its node.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Called {
    /// Namespace, or nothing.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// Of a version, which.
    pub version: Option<String>,
}

/// Names by node, the first that was said of each; and how much OpenLineage was counted.
#[derive(Debug, Default)]
pub(super) struct Named {
    first: HashMap<NodeKey, Called>,
    tally: Tally,
    is_full: bool,
}

impl Named {
    /// Whether bodies of a kind say names.
    pub fn reads(kind: Kind) -> bool {
        matches!(
            kind,
            Kind::OpenlineageReceived
                | Kind::ActionSubmitted
                | Kind::BreakglassInvoked
                | Kind::PrincipalBound
                | Kind::ExecutionReported
        )
    }

    /// Takes in what a body says.
    pub fn read(&mut self, facts: &Facts<'_>, body: &[u8], refs: &RefKey) {
        for NodeName { node, namespace, name, version } in names_in(facts, body, refs) {
            if self.first.len() >= LINEAGE_NAMED_MAX {
                self.is_full = true;
                break;
            }
            self.first.entry(node).or_insert(Called { namespace, name, version });
        }
        if facts.kind == Kind::OpenlineageReceived
            && let Some(event) = Event::read(body)
        {
            self.tally.add(&event);
        }
    }

    /// What a node is called, if anything says it.
    pub fn of(&self, node: &NodeKey) -> Option<&Called> {
        self.first.get(node)
    }

    /// How much OpenLineage there is.
    pub fn counts(&self) -> Counts {
        self.tally.counts()
    }

    /// Every node of a kind with a name, in no order.
    pub fn of_kind(&self, kind: NodeKind) -> impl Iterator<Item = (&NodeKey, &Called)> {
        self.first.iter().filter(move |(key, _)| key.kind == kind)
    }

    /// Nodes of a kind, or of all, whose name has these letters in it, large or small; and whether all were looked at. In
    /// no order.
    pub fn search(
        &self,
        kind: Option<NodeKind>,
        letters: &str,
    ) -> (impl Iterator<Item = (&NodeKey, &Called)> + use<'_>, bool) {
        let letters = letters.to_lowercase();
        let found = self.first.iter().filter(move |(key, called)| {
            kind.is_none_or(|kind| key.kind == kind) && called.text().to_lowercase().contains(&letters)
        });
        (found, !self.is_full)
    }
}

impl Called {
    /// As commands take it: `{namespace}name@version`.
    pub fn text(&self) -> String {
        let namespace = if self.namespace.is_empty() { String::new() } else { format!("{{{}}}", self.namespace) };
        let version = self.version.as_ref().map_or_else(String::new, |version| format!("@{version}"));
        format!("{namespace}{}{version}", self.name)
    }
}
