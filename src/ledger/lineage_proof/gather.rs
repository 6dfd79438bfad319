//! Which entries a bundle needs: those that edges cite, what these rest on, and whoever let their signers in.

use super::{LineageProofError, ProofEdge, base_of, halted, parse, too_many};
use crate::ledger::error::ReadError;
use crate::ledger::reader::Reader;
use crate::limits::LINEAGE_PROOF_STREAM_MAX;
use crate::lineage::fold::NodeKey;
use crate::lineage::{NodeKind, Stop};
use deedbook_verify::detail::{Detail, Resolution, Step};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Facts;
use deedbook_verify::kind::Author;
use deedbook_verify::limits as formats;
use deedbook_verify::words::{EventId, Index, Ref, Revision, TreeSize};
use std::collections::{BTreeMap, BTreeSet};

/// The entries of a bundle as they are found.
pub(super) struct Gather<'r> {
    reader: &'r Reader,
    size: TreeSize,
    stop: &'r dyn Stop,
    nodes: &'r BTreeMap<NodeKey, Index>,
    entries: BTreeMap<Index, Vec<u8>>,
    /// What was said in the streams of actions.
    streams: BTreeMap<Ref, Vec<Said>>,
}

/// An entry of an action's stream that edges may rest on.
#[derive(Clone, Copy)]
struct Said {
    index: Index,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// The policies were asked, or let something pass.
    Policies,
    /// It was let go.
    Release,
    /// A run began.
    Run(EventId),
}

impl<'r> Gather<'r> {
    pub fn new(
        reader: &'r Reader,
        size: TreeSize,
        nodes: &'r BTreeMap<NodeKey, Index>,
        stop: &'r dyn Stop,
    ) -> Gather<'r> {
        Gather { reader, size, stop, nodes, entries: BTreeMap::new(), streams: BTreeMap::new() }
    }

    /// All entries that these edges and nodes need.
    pub fn all(mut self, edges: &BTreeSet<ProofEdge>) -> Result<BTreeMap<Index, Vec<u8>>, LineageProofError> {
        let indexes: BTreeSet<Index> = edges.iter().map(|edge| edge.index).collect();
        let beyond = indexes.iter().chain(self.nodes.values()).find(|index| index.0 >= self.size.0);
        if beyond.is_some() {
            return Err(ReadError::OutsideTree { size: self.size }.into());
        }
        self.put(Index(0))?;
        // Whoever is named there by kind is known as that.
        for index in self.nodes.values() {
            self.put(*index)?;
        }
        for index in indexes {
            self.put(index)?;
            let bytes = self.entries.get(&index).cloned().unwrap_or_default();
            self.rests_on(index, &parse(&bytes)?)?;
        }
        self.enrollments()?;
        Ok(self.entries)
    }

    /// An entry, if the checkpoint covers it.
    fn put(&mut self, index: Index) -> Result<(), LineageProofError> {
        if index.0 < self.size.0 && !self.entries.contains_key(&index) {
            halted(self.stop)?;
            too_many("entries", self.entries.len().saturating_add(1), formats::BUNDLE_ENTRIES_MAX)?;
            self.entries.insert(index, self.reader.entry(index)?);
        }
        Ok(())
    }

    /// What an entry's edges rest on beside it.
    fn rests_on(&mut self, index: Index, entry: &Entry<'_>) -> Result<(), LineageProofError> {
        let facts = &entry.facts;
        for parent in facts.parents() {
            if let Some(found) = self.reader.find(parent.source, parent.event_id)?.filter(|found| *found < index) {
                self.put(found)?;
            }
        }
        if facts.kind.author() == Author::Asker {
            // Whether it was refused stands directly behind.
            self.put(Index(index.0.saturating_add(1)))?;
        }
        match &facts.detail {
            Detail::Step(step) => {
                let stream = step.of.stream;
                self.latest(stream, index, What::Policies)?;
                match &step.step {
                    Step::ExecutionStarted { .. } => {
                        self.latest(stream, index, What::Release)?;
                        self.votes_of_releases(stream, index)
                    }
                    Step::Resolved { resolution: Resolution::Approved(votes), .. } => {
                        let revisions: Vec<Revision> = votes.iter().map(|vote| vote.vote).collect();
                        self.votes(stream, &revisions)
                    }
                    Step::Resolved { .. }
                    | Step::Evaluated { .. }
                    | Step::Opened { .. }
                    | Step::Shown { .. }
                    | Step::Escalated { .. }
                    | Step::GrantIssued { .. }
                    | Step::GrantRedeemed { .. }
                    | Step::GrantRevoked { .. }
                    | Step::GrantExpired { .. }
                    | Step::Blocked { .. } => Ok(()),
                }
            }
            Detail::None => self.runs(index, facts),
            Detail::Genesis(_)
            | Detail::KeyEnrolled(_)
            | Detail::KeyRotated { .. }
            | Detail::KeyRevoked { .. }
            | Detail::BodyErased(_)
            | Detail::Imported { .. }
            | Detail::Document(_)
            | Detail::Approval(_)
            | Detail::Principal(_)
            | Detail::Policy(_)
            | Detail::CommandRefused { .. }
            | Detail::Keeping(_)
            | Detail::HeartbeatPromised { .. }
            | Detail::SourceGap(_)
            | Detail::Custody { .. }
            | Detail::Oversight(_)
            | Detail::ClockChecked { .. } => Ok(()),
        }
    }

    /// A statement in an action's stream may be of a run that the ledger started: those that the answer names.
    fn runs(&mut self, index: Index, facts: &Facts<'_>) -> Result<(), LineageProofError> {
        let (Some(stream), Some(_)) = (facts.stream, facts.request_id) else { return Ok(()) };
        let mut runs = Vec::new();
        for said in self.stream(stream)?.iter().filter(|said| said.index < index) {
            if let What::Run(event) = said.what {
                runs.push((said.index, NodeKey::new(NodeKind::Run, event.0)));
            }
        }
        for (started, _) in runs.into_iter().filter(|(_, run)| self.nodes.contains_key(run)) {
            self.put(started)?;
        }
        Ok(())
    }

    /// The last of what was said of a kind in a stream, up to an entry.
    fn latest(&mut self, stream: Ref, index: Index, what: What) -> Result<(), LineageProofError> {
        let said = self.stream(stream)?;
        let last = said.iter().rev().find(|said| said.index <= index && said.what == what).map(|said| said.index);
        last.map_or(Ok(()), |last| self.put(last))
    }

    /// The votes of the approval by which something was let go.
    fn votes_of_releases(&mut self, stream: Ref, before: Index) -> Result<(), LineageProofError> {
        let released = |said: &&Said| said.what == What::Release && said.index < before;
        let releases: Vec<Index> = self.stream(stream)?.iter().filter(released).map(|said| said.index).collect();
        for index in releases {
            self.put(index)?;
            let bytes = self.reader.entry(index)?;
            if let Detail::Step(step) = parse(&bytes)?.facts.detail
                && let Step::Resolved { resolution: Resolution::Approved(votes), .. } = step.step
            {
                let revisions: Vec<Revision> = votes.iter().map(|vote| vote.vote).collect();
                self.votes(stream, &revisions)?;
            }
        }
        Ok(())
    }

    fn votes(&mut self, stream: Ref, revisions: &[Revision]) -> Result<(), LineageProofError> {
        for revision in revisions {
            if let Some(index) = self.reader.in_stream(&stream, *revision)? {
                self.put(index)?;
                // A vote is a command.
                self.put(Index(index.0.saturating_add(1)))?;
            }
        }
        Ok(())
    }

    /// What was said in an action's stream, in the order of the log.
    fn stream(&mut self, stream: Ref) -> Result<&[Said], LineageProofError> {
        if !self.streams.contains_key(&stream) {
            let mut said = Vec::new();
            for revision in (1..=LINEAGE_PROOF_STREAM_MAX).map(Revision) {
                halted(self.stop)?;
                let Some(index) = self.reader.in_stream(&stream, revision)? else { break };
                let bytes = self.reader.entry(index)?;
                said.extend(what(&parse(&bytes)?).map(|what| Said { index, what }));
            }
            self.streams.insert(stream, said);
        }
        Ok(self.streams.get(&stream).map(Vec::as_slice).unwrap_or_default())
    }

    /// The entries that let in the keys by which the others, and these themselves, are signed.
    fn enrollments(&mut self) -> Result<(), LineageProofError> {
        let keys = self.reader.keys();
        let (mut bases, mut todo) = (BTreeSet::new(), self.entries.keys().copied().collect::<Vec<Index>>());
        while let Some(index) = todo.pop() {
            let bytes = self.reader.entry(index)?;
            let base = base_of(&parse(&bytes)?, index);
            if !bases.insert(base) {
                continue;
            }
            halted(self.stop)?;
            let first = self.reader.entry(base)?;
            let signer = parse(&first)?.seal.frame.and_then(|frame| frame.header.signers().last());
            let tenure = signer.and_then(|signer| keys.tenure(&signer.key_id));
            let stated = tenure.ok_or(ReadError::NotFound { what: "signing key" })?.stated;
            if stated != Index(0) && !self.entries.contains_key(&stated) {
                self.put(stated)?;
                todo.push(stated);
            }
        }
        Ok(())
    }
}

/// What edges may rest on of an entry in an action's stream.
fn what(entry: &Entry<'_>) -> Option<What> {
    let Detail::Step(step) = &entry.facts.detail else { return None };
    match &step.step {
        Step::Evaluated { .. } | Step::GrantRedeemed { .. } => Some(What::Policies),
        Step::Resolved { resolution: Resolution::Approved(_) | Resolution::BreakGlass, .. }
        | Step::GrantIssued { .. } => Some(What::Release),
        Step::ExecutionStarted { .. } => Some(What::Run(entry.facts.event_id)),
        Step::Resolved { .. }
        | Step::Opened { .. }
        | Step::Shown { .. }
        | Step::Escalated { .. }
        | Step::GrantRevoked { .. }
        | Step::GrantExpired { .. }
        | Step::Blocked { .. } => None,
    }
}
