//! A document of somebody else's, by what its facts say: things, and relations among them. Names, times and everything
//! that is odd about it stand in its body, on which nothing rests here.
//!
//! Whoever signed for it answers for all of it: the signing key has a `performed` edge to each run that the document names
//! for the first time or says more of, and to each other effect that no run of it leads to. So whatever a key that is not
//! to be trusted said is found behind it.

use super::FoldError;
use super::key::NodeKey;
use super::known::Lookup;
use super::step::{Named, Step};
use crate::lineage::kinds::{EdgeKind, NodeKind};
use crate::lineage::words::{Gate, NodeId};
use deedbook_verify::detail::{Detail, Document, Relation, RelationKind};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Facts;
use std::collections::BTreeSet;

impl<L: Lookup> Step<'_, L> {
    /// A part of a document; without parts it is a statement about one run, like others.
    pub fn prov(&mut self, entry: &Entry<'_>) -> Result<Option<NodeId>, FoldError<L::Error>> {
        if let Detail::Document(document) = &entry.facts.detail {
            self.document(&entry.facts, document).map(|()| None)
        } else {
            self.statement(entry).map(Some)
        }
    }

    /// Names the things in the order of the facts, and adds the relations that were not said before.
    fn document(&mut self, facts: &Facts<'_>, document: &Document<'_>) -> Result<(), FoldError<L::Error>> {
        let signer = self.signer(self.fold.carry.signer)?;
        let mut things: Vec<Option<Named>> = Vec::with_capacity(facts.objects_count());
        for object in facts.objects() {
            things.push(self.document_thing(NodeKey::object(object.class, object.what))?);
        }
        let is_new_run = |thing: &&Named| thing.is_new && thing.key.kind == NodeKind::Run;
        let mut stated: BTreeSet<(NodeId, NodeKey)> =
            things.iter().flatten().filter(is_new_run).map(|run| (run.id, run.key)).collect();
        for Relation { kind, cause, effect } in document.relations() {
            let thing = |place: u16| things.get(usize::from(place)).copied().flatten();
            let Some((cause, effect)) = thing(cause).zip(thing(effect)) else { continue };
            let kind = edge_kind(kind);
            if !self.caused_once(cause.id, effect, kind)? || !kind.is_flow() {
                continue;
            }
            let runs = [cause, effect].into_iter().filter(|end| end.key.kind == NodeKind::Run);
            stated.extend(runs.map(|run| (run.id, run.key)));
            if cause.key.kind != NodeKind::Run {
                stated.insert((effect.id, effect.key));
            }
        }
        let Some(signer) = signer else { return Ok(()) };
        for (id, key) in stated {
            let thing = Named { id, key, is_new: false, latest: None };
            if !self.caused_once(signer, thing, EdgeKind::Performed)? {
                // Said before; this entry says more of it, and its key answers for that too.
                self.edge(signer, id, EdgeKind::Performed);
            }
        }
        Ok(())
    }

    /// A thing that a document names. None: a run of whose approval something is known, for what was released is not for
    /// documents to say; facts that name one were made for that.
    fn document_thing(&mut self, key: NodeKey) -> Result<Option<Named>, FoldError<L::Error>> {
        Ok(match self.find(key)? {
            Some(known) if known.gate != Gate::NONE => None,
            Some(known) => Some(Named::known(key, known)),
            None => Some(self.name_new(key)?),
        })
    }
}

/// The edge that a relation is.
fn edge_kind(kind: RelationKind) -> EdgeKind {
    match kind {
        RelationKind::Used => EdgeKind::Used,
        RelationKind::Generated => EdgeKind::Generated,
        RelationKind::Derived => EdgeKind::Derived,
        RelationKind::VersionOf => EdgeKind::VersionOf,
        RelationKind::Performed => EdgeKind::Performed,
        RelationKind::OnBehalf => EdgeKind::OnBehalf,
        RelationKind::PlannedBy => EdgeKind::PlannedBy,
        RelationKind::Called => EdgeKind::Called,
        RelationKind::PartOf => EdgeKind::PartOf,
        RelationKind::Revoked => EdgeKind::Revoked,
        RelationKind::SameAs => EdgeKind::SameAs,
        RelationKind::Influenced => EdgeKind::Influenced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_have_the_numbers_and_names_of_edges() {
        for kind in RelationKind::ALL {
            let edge = edge_kind(*kind);
            assert_eq!((edge.number(), edge.name()), (kind.number(), kind.name()));
        }
    }
}
