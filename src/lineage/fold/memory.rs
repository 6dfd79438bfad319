//! What was settled, in memory: for whoever folds a log without a store. It is derived from the log and nothing rests on
//! it.

use super::delta::Settled;
use super::key::NodeKey;
use super::known::{Carry, Known, Link, LinkKey, Lookup, Trace};
use super::links::Links;
use super::rows::Row;
use crate::lineage::words::NodeId;
use deedbook_verify::facts::Parent;
use deedbook_verify::words::{EventId, Ref, SubjectId};
use foldhash::HashMap;
use std::convert::Infallible;

/// Maps of what was settled, and the runs of events.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    nodes: HashMap<NodeKey, Known>,
    links: HashMap<NodeId, Links>,
    far: HashMap<LinkKey, Link>,
    traces: HashMap<SubjectId, Trace>,
    runs: HashMap<(Ref, EventId), NodeId>,
    settled: Option<(u32, Carry)>,
}

impl Memory {
    /// Takes in what the fold hands out.
    pub fn take_in(&mut self, settled: Settled) {
        self.nodes.extend(settled.nodes);
        self.links.extend(settled.links);
        self.far.extend(settled.far);
        self.traces.extend(settled.traces);
        self.settled = Some((settled.nodes_count, settled.carry));
    }

    /// Remembers which run an event is of.
    pub fn ran(&mut self, event: Parent, run: NodeId) {
        self.runs.insert((event.source, event.event_id), run);
    }

    /// The rows of what is kept beside pages, and what they hold after `blocks` blocks, in no order.
    pub fn rows(&self, blocks: u64, row: &mut dyn FnMut(Row, Vec<u8>)) {
        self.nodes.iter().for_each(|(key, known)| row(Row::Node(*key), known.to_bytes()));
        self.links.iter().for_each(|(of, links)| row(Row::Links(*of), links.to_bytes()));
        self.far.iter().for_each(|(key, link)| row(Row::Link(*key), link.to_bytes()));
        self.traces.iter().for_each(|(request, trace)| row(Row::Trace(*request), trace.to_bytes()));
        if let Some((nodes_count, carry)) = self.settled {
            row(Row::Head, super::rows::Head { blocks, nodes_count, carry }.to_bytes());
        }
    }
}

impl Lookup for Memory {
    type Error = Infallible;

    fn node(&mut self, key: &NodeKey) -> Result<Option<Known>, Infallible> {
        Ok(self.nodes.get(key).copied())
    }

    fn links(&mut self, of: NodeId) -> Result<Option<Links>, Infallible> {
        Ok(self.links.get(&of).cloned())
    }

    fn far_link(&mut self, key: &LinkKey) -> Result<Option<Link>, Infallible> {
        Ok(self.far.get(key).copied())
    }

    fn trace(&mut self, request: &SubjectId) -> Result<Option<Trace>, Infallible> {
        Ok(self.traces.get(request).cloned())
    }

    fn run_of(&mut self, event: &Parent) -> Result<Option<NodeId>, Infallible> {
        Ok(self.runs.get(&(event.source, event.event_id)).copied())
    }
}
