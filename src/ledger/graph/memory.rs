//! What the fold of lineage knows of earlier entries, in memory. It is derived from the log and nothing rests on it.

use crate::lineage::NodeId;
use crate::lineage::fold::{Known, Link, LinkKey, Lookup, NodeKey, Settled, Trace};
use deedbook_verify::facts::Parent;
use deedbook_verify::words::{EventId, Ref, SubjectId};
use foldhash::HashMap;
use std::convert::Infallible;

/// About what a value takes beside its own bytes: its share of a table that is half full.
const TABLE_SHARE_BYTES: usize = 16;

/// Maps of what was settled, and the runs of events.
#[derive(Debug, Default)]
pub(super) struct Memory {
    nodes: HashMap<NodeKey, Known>,
    links: HashMap<LinkKey, Link>,
    traces: HashMap<SubjectId, Trace>,
    runs: HashMap<(Ref, EventId), NodeId>,
}

impl Memory {
    /// Takes in what the fold hands out.
    pub fn take_in(&mut self, settled: Settled) {
        self.nodes.extend(settled.nodes);
        self.links.extend(settled.links);
        self.traces.extend(settled.traces);
    }

    /// Remembers which run an event is of.
    pub fn ran(&mut self, event: Parent, run: NodeId) {
        self.runs.insert((event.source, event.event_id), run);
    }

    /// The node with a key.
    pub fn id(&self, key: &NodeKey) -> Option<NodeId> {
        self.nodes.get(key).map(|known| known.id)
    }

    /// What it takes, in bytes, about.
    pub fn bytes(&self) -> usize {
        let nodes = self.nodes.len() * (size_of::<(NodeKey, Known)>() + TABLE_SHARE_BYTES);
        let links = self.links.len() * (size_of::<(LinkKey, Link)>() + TABLE_SHARE_BYTES);
        let traces = self.traces.len() * (size_of::<(SubjectId, Trace)>() + TABLE_SHARE_BYTES);
        let runs = self.runs.len() * (size_of::<((Ref, EventId), NodeId)>() + TABLE_SHARE_BYTES);
        nodes + links + traces + runs
    }
}

impl Lookup for Memory {
    type Error = Infallible;

    fn node(&mut self, key: &NodeKey) -> Result<Option<Known>, Infallible> {
        Ok(self.nodes.get(key).copied())
    }

    fn link(&mut self, key: &LinkKey) -> Result<Option<Link>, Infallible> {
        Ok(self.links.get(key).copied())
    }

    fn trace(&mut self, request: &SubjectId) -> Result<Option<Trace>, Infallible> {
        Ok(self.traces.get(request).cloned())
    }

    fn run_of(&mut self, event: &Parent) -> Result<Option<NodeId>, Infallible> {
        Ok(self.runs.get(&(event.source, event.event_id)).copied())
    }
}
