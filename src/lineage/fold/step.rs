//! One entry being folded: nodes found or named, edges added once. What an entry means stands in the files beside.

use super::delta::{Delta, NewEdge, NewGate, NewNode};
use super::key::NodeKey;
use super::known::{Known, Link, LinkKey, Lookup, Trace};
use super::links::NearLink;
use super::{Fold, FoldError};
use crate::lineage::kinds::{EdgeKind, NodeKind};
use crate::lineage::words::{Edge, Gate, NodeId};
use deedbook_verify::words::{Index, KeyId, Ref, SubjectId};

pub(super) struct Step<'a, L> {
    pub fold: &'a mut Fold,
    pub lookup: &'a mut L,
    pub delta: &'a mut Delta,
    pub index: Index,
    /// The run that the entry is about: it is asked for and changed several times, and kept when the entry is folded.
    pub here: Option<Here>,
}

/// What is known of a node while an entry changes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Here {
    pub key: NodeKey,
    pub known: Known,
    pub is_changed: bool,
}

/// A node, and whether this entry is the first to name it: then nothing was said of it before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    pub id: NodeId,
    pub key: NodeKey,
    pub is_new: bool,
    /// `Known::latest`, when it was named here.
    pub latest: Option<NodeId>,
}

impl Named {
    /// A node that was known.
    pub fn known(key: NodeKey, Known { id, latest, .. }: Known) -> Named {
        Named { id, key, is_new: false, latest }
    }
}

/// Kinds under which somebody may be known of whom facts give a ref alone.
const PARTIES: [NodeKind; 5] = [NodeKind::Person, NodeKind::Agent, NodeKind::Service, NodeKind::Team, NodeKind::Source];

impl<L: Lookup> Step<'_, L> {
    /// A node that was named before.
    pub fn find(&mut self, key: NodeKey) -> Result<Option<Known>, FoldError<L::Error>> {
        if let Some(here) = self.here.filter(|here| here.key == key) {
            return Ok(Some(here.known));
        }
        if let Some(known) = self.fold.tail.nodes.get(&key) {
            return Ok(Some(*known));
        }
        let known = self.lookup.node(&key).map_err(FoldError::Lookup)?;
        if let Some(known) = known {
            self.fold.tail.nodes.remember(key, known);
        }
        Ok(known)
    }

    /// A node, named now if it never was.
    pub fn name(&mut self, key: NodeKey) -> Result<Named, FoldError<L::Error>> {
        match self.find(key)? {
            Some(known) => Ok(Named::known(key, known)),
            None => self.name_new(key),
        }
    }

    /// A node that is known not to have been named.
    pub fn name_new(&mut self, key: NodeKey) -> Result<Named, FoldError<L::Error>> {
        let id = self.number(key)?;
        self.fold.tail.nodes.put(key, Known { id, latest: None, gate: Gate::NONE, has_outcome: false });
        Ok(Named { id, key, is_new: true, latest: None })
    }

    /// The same, of the run that the entry is about.
    pub fn name_here(&mut self, key: NodeKey) -> Result<Named, FoldError<L::Error>> {
        let id = self.number(key)?;
        self.here = Some(Here {
            key,
            known: Known { id, latest: None, gate: Gate::NONE, has_outcome: false },
            is_changed: true,
        });
        Ok(Named { id, key, is_new: true, latest: None })
    }

    /// The number of a node that is named now, and that nobody will ask for.
    pub fn number(&mut self, key: NodeKey) -> Result<NodeId, FoldError<L::Error>> {
        let id = NodeId::new(self.fold.nodes).ok_or(FoldError::Full)?;
        self.fold.nodes = self.fold.nodes.saturating_add(1);
        self.delta.nodes.push(NewNode { id, key, index: self.index });
        Ok(id)
    }

    /// The entry is folded.
    pub fn finish(self) {
        if let Some(Here { key, known, is_changed: true }) = self.here {
            self.fold.tail.nodes.put(key, known);
        }
    }

    /// Changes what is known of a node.
    pub fn change(&mut self, key: NodeKey, change: impl FnOnce(&mut Known)) -> Result<(), FoldError<L::Error>> {
        let Some(before) = self.find(key)? else { return Ok(()) };
        let mut known = before;
        change(&mut known);
        match &mut self.here {
            _ if known == before => {}
            Some(here) if here.key == key => (here.known, here.is_changed) = (known, true),
            Some(_) | None => self.fold.tail.nodes.put(key, known),
        }
        Ok(())
    }

    /// Says what is known about an approval from here on.
    pub fn set_gate(&mut self, key: NodeKey, add: Gate) -> Result<(), FoldError<L::Error>> {
        let Some(known) = self.find(key)? else { return Ok(()) };
        let gate = known.gate | add;
        if gate != known.gate {
            self.change(key, |known| known.gate = gate)?;
            self.delta.gates.push(NewGate { node: known.id, gate, index: self.index });
        }
        Ok(())
    }

    /// Adds an edge that no other entry can have added. Nothing leads to itself.
    pub fn edge(&mut self, from: NodeId, to: NodeId, kind: EdgeKind) {
        self.add(from, to, kind, false);
    }

    /// The same, of a version that the entry did not name.
    pub fn add(&mut self, from: NodeId, to: NodeId, kind: EdgeKind, inferred: bool) {
        if from != to {
            self.delta.edges.push(NewEdge { edge: Edge { index: self.index, from, to, kind }, inferred });
        }
    }

    /// What was said of something before.
    pub fn link(&mut self, of: Named, kind: EdgeKind, to: NodeId) -> Result<Option<Link>, FoldError<L::Error>> {
        let found = match self.fold.tail.links.get(&of.id) {
            Some(near) => (near.get(kind, to), near.is_full()),
            None if of.is_new => return Ok(None),
            None => {
                let near = self.lookup.links(of.id).map_err(FoldError::Lookup)?.unwrap_or_default();
                let found = (near.get(kind, to), near.is_full());
                self.fold.tail.links.remember(of.id, near);
                found
            }
        };
        if let (Some(_), _) | (None, false) = found {
            return Ok(found.0);
        }
        let key = LinkKey { of: of.id, kind, to };
        if let Some(link) = self.fold.tail.far.get(&key) {
            return Ok(Some(*link));
        }
        if of.is_new {
            return Ok(None);
        }
        let link = self.lookup.far_link(&key).map_err(FoldError::Lookup)?;
        if let Some(link) = link {
            self.fold.tail.far.remember(key, link);
        }
        Ok(link)
    }

    /// Says it from here on. Whether it was said before must have been asked.
    pub fn put_link(&mut self, of: Named, kind: EdgeKind, to: NodeId, link: Link) {
        if !self.fold.tail.links.edit(of.id, |links| links.push(NearLink { kind, to, link })) {
            self.fold.tail.far.put(LinkKey { of: of.id, kind, to }, link);
        }
    }

    /// Adds `cause → of`, unless it was said before; whether it did.
    pub fn caused_once(&mut self, cause: NodeId, of: Named, kind: EdgeKind) -> Result<bool, FoldError<L::Error>> {
        let is_new = self.link(of, kind, cause)?.is_none();
        if is_new {
            self.put_link(of, kind, cause, Link { node: cause, before: None });
            self.edge(cause, of.id, kind);
        }
        Ok(is_new)
    }

    /// Adds `of → effect`, unless it was said before.
    pub fn leads_once(&mut self, of: Named, effect: NodeId, kind: EdgeKind) -> Result<(), FoldError<L::Error>> {
        if self.link(of, kind, effect)?.is_none() {
            self.put_link(of, kind, effect, Link { node: effect, before: None });
            self.edge(of.id, effect, kind);
        }
        Ok(())
    }

    /// What is kept of an action.
    pub fn trace(&mut self, request: SubjectId) -> Result<Option<Trace>, FoldError<L::Error>> {
        if let Some(trace) = self.fold.tail.traces.get(&request) {
            return Ok(Some(trace.clone()));
        }
        let trace = self.lookup.trace(&request).map_err(FoldError::Lookup)?;
        if let Some(trace) = &trace {
            self.fold.tail.traces.remember(request, trace.clone());
        }
        Ok(trace)
    }

    /// Somebody of whom only the ref is known, under the kind that they were named by.
    pub fn known_party(&mut self, who: Ref) -> Result<Option<Named>, FoldError<L::Error>> {
        for kind in PARTIES {
            let key = NodeKey::new(kind, who.0);
            if let Some(known) = self.find(key)? {
                return Ok(Some(Named::known(key, known)));
            }
        }
        Ok(None)
    }

    /// The same; a person if nobody is known under that ref.
    pub fn party(&mut self, who: Ref) -> Result<Named, FoldError<L::Error>> {
        match self.known_party(who)? {
            Some(named) => Ok(named),
            None => self.name_new(NodeKey::new(NodeKind::Person, who.0)),
        }
    }

    /// The key that signed, named now if it never was; none for what the ledger signs.
    pub fn signer(&mut self, signer: Option<KeyId>) -> Result<Option<NodeId>, FoldError<L::Error>> {
        let Some(key) = signer else { return Ok(None) };
        if let Some((_, node)) = self.fold.last_signer.filter(|(last, _)| *last == key) {
            return Ok(Some(node));
        }
        let node = self.name(NodeKey::key(key))?.id;
        self.fold.last_signer = Some((key, node));
        Ok(Some(node))
    }
}
