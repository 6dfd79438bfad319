//! What sources state of runs: executions, accesses to data, calls of models, OpenLineage and PROV. A stream is one run,
//! whatever is said of it and how often; what has no stream is a run of its own.

use super::FoldError;
use super::key::NodeKey;
use super::known::{Known, Link, Lookup, Started, Trace};
use super::step::{Here, Named, Step};
use crate::lineage::kinds::{EdgeKind, NodeKind};
use crate::lineage::words::{Gate, NodeId};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::{Facts, ObjectClass, ObjectRole, Outcome};
use deedbook_verify::kind::Kind;
use deedbook_verify::lineage::touched;
use deedbook_verify::words::SubjectId;

impl<L: Lookup> Step<'_, L> {
    /// A statement about a run. Whatever belongs to an action's grant is of the run that redeemed it.
    pub fn statement(&mut self, entry: &Entry<'_>) -> Result<NodeId, FoldError<L::Error>> {
        let facts = &entry.facts;
        let mut trace = self.own_trace(facts)?;
        let started = trace.as_ref().and_then(|(_, trace)| started_run(facts, trace));
        let named = match (started, facts.stream) {
            (Some(started), _) => Some(self.known_run(NodeKey::new(NodeKind::Run, started.event.0))?),
            // What a grant released is for its own source to speak of, whatever others call their streams.
            (None, Some(stream)) => Some(self.known_run(NodeKey::new(NodeKind::Run, stream.0))?)
                .filter(|(_, known)| !known.is_some_and(|known| known.gate.has_any(Gate::RELEASED))),
            (None, None) => None,
        };
        // Nobody can have named an event's own run before, nor will anybody again but by the event.
        let (key, known) = named.unwrap_or_else(|| (NodeKey::event(NodeKind::Run, facts), None));
        let before = (self.delta.edges.len(), self.delta.gates.len());
        let (run, known) = self.stated(facts, key, known)?;
        if facts.kind == Kind::ExecutionReported {
            self.reported(facts, run, &mut trace, started)?;
        }
        if (self.delta.edges.len(), self.delta.gates.len()) != before {
            // Whoever says more of a run answers for that too, as of this entry.
            known.into_iter().for_each(|performer| self.edge(performer, run.id, EdgeKind::Performed));
        }
        if named.is_none() {
            self.here = None;
            self.fold.tail.links.forget(run.id);
        }
        Ok(run.id)
    }

    fn known_run(&mut self, key: NodeKey) -> Result<(NodeKey, Option<Known>), FoldError<L::Error>> {
        Ok((key, self.find(key)?))
    }

    /// How an execution went, and whether a grant released it.
    fn reported(
        &mut self,
        facts: &Facts<'_>,
        run: Named,
        trace: &mut Option<(SubjectId, Trace)>,
        started: Option<Started>,
    ) -> Result<(), FoldError<L::Error>> {
        match (&*trace, started) {
            (Some((_, trace)), Some(_)) if facts.action_digest.is_some_and(|digest| digest != trace.digest) => {
                self.set_gate(run.key, Gate::MISMATCH)?;
            }
            (Some(_), Some(_)) => {}
            (Some((_, trace)), None) => {
                self.caused_once(trace.action, run, EdgeKind::Realised)?;
                let ended = [Gate::EXPIRED, Gate::REVOKED_BEFORE].into_iter().filter(|flag| trace.gate.has(*flag));
                self.set_gate(run.key, ended.fold(Gate::MISSING, |all, flag| all | flag))?;
            }
            (None, _) => self.set_gate(run.key, Gate::MISSING)?,
        }
        let has_ended =
            matches!(facts.outcome, Some(Outcome::Succeeded | Outcome::Failed | Outcome::Aborted | Outcome::Denied));
        if has_ended {
            if !self.find(run.key)?.is_some_and(|run| run.has_outcome) {
                let outcome = self.number(NodeKey::new(NodeKind::Outcome, run.key.id))?;
                self.edge(run.id, outcome, EdgeKind::Generated);
                self.change(run.key, |run| run.has_outcome = true)?;
            }
            if let (Some((request, trace)), Some(started)) = (trace, started) {
                trace.open.retain(|open| open.run != started.run);
                self.fold.tail.traces.put(*request, trace.clone());
            }
        }
        Ok(())
    }

    /// The action that a statement is about, if it stands in the action's stream.
    fn own_trace(&mut self, facts: &Facts<'_>) -> Result<Option<(SubjectId, Trace)>, FoldError<L::Error>> {
        let Some(request) = facts.request_id else { return Ok(None) };
        let trace = self.trace(request)?.filter(|trace| facts.stream == Some(trace.stream));
        Ok(trace.map(|trace| (request, trace)))
    }

    /// An OpenLineage event. One that is about a dataset names it, and is no run; one that is about a job stands for the
    /// run that nobody numbered.
    pub fn openlineage(&mut self, entry: &Entry<'_>) -> Result<Option<NodeId>, FoldError<L::Error>> {
        let facts = &entry.facts;
        let is_subject =
            |class| facts.objects().any(|object| object.class == class && Some(object.what) == facts.stream);
        if is_subject(ObjectClass::Dataset) {
            for touched in touched(facts) {
                self.thing(&touched)?;
            }
            return Ok(None);
        }
        self.statement(entry).map(Some)
    }

    /// The run that facts are about, named behind its causes, with all that they say of it; and those who performed it as
    /// an entry before this one said.
    fn stated(
        &mut self,
        facts: &Facts<'_>,
        key: NodeKey,
        known: Option<Known>,
    ) -> Result<(Named, Vec<NodeId>), FoldError<L::Error>> {
        let by = self.begin(key, known);
        let signer = self.signer(self.fold.carry.signer)?;
        let mut causes: Vec<(NodeId, EdgeKind)> = Vec::new();
        if let Some(actor) = facts.actor {
            causes.push((self.name(NodeKey::actor(actor))?.id, EdgeKind::Performed));
        }
        for whom in facts.on_behalf_of().chain(facts.responsible) {
            causes.push((self.party(whom)?.id, EdgeKind::OnBehalf));
        }
        if let Some(policy) = facts.policy_digest {
            causes.push((self.name(NodeKey::policy(policy))?.id, EdgeKind::PlannedBy));
        }
        let mut wholes = Vec::new();
        for object in facts.objects() {
            match object.class {
                ObjectClass::Job => {
                    causes.push((self.name(NodeKey::object(object.class, object.what))?.id, EdgeKind::PlannedBy));
                }
                ObjectClass::Run | ObjectClass::Session => {
                    wholes.push(self.name(NodeKey::object(object.class, object.what))?.id);
                }
                ObjectClass::Dataset
                | ObjectClass::Model
                | ObjectClass::Artifact
                | ObjectClass::DatasetVersion
                | ObjectClass::ModelVersion
                | ObjectClass::Person
                | ObjectClass::Agent
                | ObjectClass::Service
                | ObjectClass::Team => {}
            }
        }
        for parent in facts.parents() {
            if let Some(parent) = self.lookup.run_of(&parent).map_err(FoldError::Lookup)? {
                causes.push((parent, EdgeKind::Called));
            }
        }
        let mut reads = Vec::new();
        for touched in touched(facts).filter(|touched| touched.role != ObjectRole::Output) {
            reads.extend(self.reads(&touched, by, EdgeKind::Used)?);
        }
        let run = match (by, self.fold.tail.nodes.get(&key)) {
            (Some(by), _) => by,
            // Its own objects named it, as the parent of itself.
            (None, Some(known)) => Named { is_new: true, ..Named::known(key, *known) },
            (None, None) => self.name_here(key)?,
        };
        let mut performers = self.signed(run, signer)?;
        for (cause, kind) in causes {
            if !self.caused_once(cause, run, kind)? && kind == EdgeKind::Performed {
                performers.push(cause);
            }
        }
        for whole in wholes {
            self.leads_once(run, whole, EdgeKind::PartOf)?;
        }
        for read in reads {
            self.read(read, run, EdgeKind::Used)?;
        }
        for touched in touched(facts).filter(|touched| touched.role == ObjectRole::Output) {
            self.write(&touched, run)?;
        }
        Ok((run, performers))
    }

    /// The run is at hand from here on, if it was named before.
    fn begin(&mut self, key: NodeKey, known: Option<Known>) -> Option<Named> {
        self.here = known.map(|known| Here { key, known, is_changed: false });
        known.map(|known| Named::known(key, known))
    }

    /// That a key signed for a run; the key, if that was said before. Most runs have one key, and their node says which.
    fn signed(&mut self, run: Named, signer: Option<NodeId>) -> Result<Vec<NodeId>, FoldError<L::Error>> {
        let Some(signer) = signer else { return Ok(Vec::new()) };
        if run.latest == Some(signer) {
            return Ok(vec![signer]);
        }
        self.change(run.key, |known| known.latest = Some(signer))?;
        let Some(last) = run.latest else {
            self.edge(signer, run.id, EdgeKind::Performed);
            return Ok(Vec::new());
        };
        // From the second key on it takes links to know which there were.
        if self.link(run, EdgeKind::Performed, last)?.is_none() {
            self.put_link(run, EdgeKind::Performed, last, Link { node: last, before: None });
        }
        let is_new = self.caused_once(signer, run, EdgeKind::Performed)?;
        Ok(if is_new { Vec::new() } else { vec![signer] })
    }
}

/// The run that a statement is of: the one that it names, else the oldest that nobody reported the end of, else the last.
/// Only the source that may redeem the grant speaks of its runs.
fn started_run(facts: &Facts<'_>, trace: &Trace) -> Option<Started> {
    let (grant, audience) = trace.grant?;
    if facts.source != audience || facts.grant_id.is_some_and(|named| named != grant) {
        return None;
    }
    let known = || trace.open.iter().chain(&trace.last);
    let named = facts.parents().find_map(|parent| known().find(|started| started.event == parent.event_id));
    named.or(trace.open.first()).or(trace.last.as_ref()).copied()
}
