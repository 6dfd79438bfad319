//! What the entries of a bundle say together: whoever is named as what, versions of what, runs of an action, what followed
//! from what. An edge that its entry does not say by itself is looked for here.

use super::key::NodeKey;
use super::kinds::{EdgeKind, NodeKind};
use super::proven::Shown;
use super::said::{Claim, End, Part, Release, Said, asked_by, is_of_run, said, vote_of};
use super::shown::{Gap, Standing};
use crate::detail::{ApprovalCommand, Detail, Resolution, Step};
use crate::kind::{Author, Kind};
use crate::limits;
use crate::words::{Digest, EventId, Index, Ref, SubjectId};
use std::collections::{BTreeMap, BTreeSet};

/// An index by what identifies things. Only nodes of the answer are remembered.
pub(super) struct Known<'b, 'a> {
    entries: &'b [Shown<'a>],
    events: BTreeMap<(Ref, EventId), usize>,
    requests: BTreeMap<SubjectId, Steps>,
    /// The first entry that names a node by itself.
    named: BTreeMap<NodeKey, Index>,
    /// Versions and what they are of.
    versions: BTreeSet<(NodeKey, NodeKey)>,
}

/// What the ledger said about a request.
#[derive(Default)]
struct Steps {
    policies: Vec<(Index, NodeKey)>,
    releases: Vec<(Index, Digest)>,
    runs: Vec<(Index, NodeKey)>,
}

impl<'b, 'a> Known<'b, 'a> {
    pub fn of(entries: &'b [Shown<'a>], nodes: &BTreeSet<NodeKey>) -> Known<'b, 'a> {
        let mut known = Known {
            entries,
            events: BTreeMap::new(),
            requests: BTreeMap::new(),
            named: BTreeMap::new(),
            versions: BTreeSet::new(),
        };
        for (place, shown) in entries.iter().enumerate() {
            let facts = &shown.entry.facts;
            known.events.insert((facts.source, facts.event_id), place);
            known.step(shown);
        }
        for shown in entries {
            for (said, _) in known.said(shown) {
                known.take(shown.index, &said, nodes);
            }
        }
        known
    }

    fn step(&mut self, shown: &Shown<'_>) {
        let Detail::Step(step) = &shown.entry.facts.detail else { return };
        let steps = self.requests.entry(step.of.request).or_default();
        let index = shown.index;
        match &step.step {
            Step::Evaluated { policy, .. } | Step::GrantRedeemed { policy, .. } => {
                steps.policies.push((index, NodeKey::policy(*policy)));
            }
            Step::Resolved { action, resolution: Resolution::Approved(_) | Resolution::BreakGlass }
            | Step::GrantIssued { action, .. } => steps.releases.push((index, *action)),
            Step::ExecutionStarted { .. } if steps.runs.len() < limits::BUNDLE_RUNS_OF_ACTION_MAX => {
                let run = NodeKey::new(NodeKind::Run, shown.entry.facts.event_id.0);
                steps.runs.push((index, run));
            }
            Step::ExecutionStarted { .. }
            | Step::Blocked { .. }
            | Step::Resolved { .. }
            | Step::Opened { .. }
            | Step::Shown { .. }
            | Step::Escalated { .. }
            | Step::GrantRevoked { .. }
            | Step::GrantExpired { .. } => {}
        }
    }

    fn take(&mut self, index: Index, said: &Said, nodes: &BTreeSet<NodeKey>) {
        let ends = said.claims.iter().flat_map(|claim| [claim.from, claim.to]);
        let exact = ends.filter_map(|end| if let End::Is(node) = end { Some(node) } else { None });
        for node in exact.chain(said.names.iter().copied()).filter(|node| nodes.contains(node)) {
            self.named.entry(node).or_insert(index);
        }
        for claim in said.claims.iter().filter(|claim| claim.kind == EdgeKind::VersionOf) {
            if let (End::Is(version), End::Is(of)) = (claim.from, claim.to)
                && nodes.contains(&version)
            {
                self.versions.insert((version, of));
            }
        }
    }

    /// The first entry that names a node by itself.
    pub fn named(&self, node: NodeKey) -> Option<Index> {
        self.named.get(&node).copied()
    }

    /// What an entry says, for each run that it may be of, and how well that is shown.
    pub fn said(&self, shown: &Shown<'_>) -> Vec<(Said, Standing)> {
        let facts = &shown.entry.facts;
        let own = NodeKey::stated_run(facts);
        let mut all = vec![(said(&shown.entry, shown.producer, own), Standing::Derived)];
        if facts.kind.author() == Author::Witness && is_of_run(facts) {
            let runs = self.runs_of(facts.request_id, shown.index);
            all.extend(runs.map(|run| (said(&shown.entry, shown.producer, run), Standing::Joined)));
            if facts.stream.is_some() {
                let event = NodeKey::event(NodeKind::Run, facts);
                all.push((said(&shown.entry, shown.producer, event), Standing::Cited(Gap::Run)));
            }
        }
        all
    }

    /// Runs of an action that the ledger had started before an entry.
    fn runs_of(&self, request: Option<SubjectId>, before: Index) -> impl Iterator<Item = NodeKey> {
        let steps = request.and_then(|request| self.requests.get(&request));
        let runs = steps.into_iter().flat_map(|steps| &steps.runs);
        runs.filter(move |(index, _)| *index < before).map(|(_, run)| *run)
    }

    /// Whether an entry's claim is this edge, and how well that is shown. None: it is another.
    pub fn matches(&self, at: Index, claim: &Claim, from: NodeKey, to: NodeKey) -> Option<Standing> {
        let (from, to) = (self.end(at, claim.from, from)?, self.end(at, claim.to, to)?);
        let released = match claim.rests {
            Some(Release { request, action }) => {
                let steps = self.requests.get(&request)?;
                let mut releases = steps.releases.iter();
                releases.find(|(index, released)| *index < at && *released == action)?;
                Standing::Joined
            }
            None => Standing::Derived,
        };
        Some(from.and(to).and(released))
    }

    /// Whether a claim could be this edge, if an entry were there that is not.
    pub fn may_match(&self, at: Index, claim: &Claim, from: NodeKey, to: NodeKey) -> bool {
        let may = |end, node: NodeKey| match end {
            End::VersionOf(NodeKey { kind: NodeKind::Dataset, .. }) => node.kind == NodeKind::DatasetVersion,
            End::VersionOf(_) => node.kind == NodeKind::ModelVersion,
            End::PolicyOf(_) => node.kind == NodeKind::PolicyVersion,
            End::Parent(_, Part::Run) => node.kind == NodeKind::Run,
            End::Parent(_, Part::Vote) => node.kind == NodeKind::Vote,
            End::Parent(_, Part::Signer) => node.kind == NodeKind::Key,
            End::Parent(_, Part::Actor) => is_somebody(node),
            End::Parent(_, Part::Subject) => {
                is_somebody(node) || matches!(node.kind, NodeKind::Action | NodeKind::Vote | NodeKind::Key)
            }
            End::Is(_) | End::Party(_) => self.end(at, end, node).is_some(),
        };
        may(claim.from, from) && may(claim.to, to)
    }

    fn end(&self, at: Index, end: End, node: NodeKey) -> Option<Standing> {
        match end {
            End::Is(is) => (is == node).then_some(Standing::Derived),
            End::Party(who) => self.party(at, who, node),
            End::VersionOf(thing) => {
                let is_first = NodeKey::unnamed_version(thing, None) == Some(node);
                (is_first || self.versions.contains(&(node, thing))).then_some(Standing::Cited(Gap::Version))
            }
            End::PolicyOf(request) => {
                let mut policies = self.requests.get(&request)?.policies.iter();
                policies.find(|(index, policy)| *index <= at && *policy == node).map(|_| Standing::Joined)
            }
            End::Parent(parent, part) => {
                let place = self.events.get(&(parent.source, parent.event_id))?;
                let shown = self.entries.get(*place).filter(|shown| shown.index < at)?;
                self.part(shown, part, node)
            }
        }
    }

    fn party(&self, at: Index, who: Ref, node: NodeKey) -> Option<Standing> {
        if !is_somebody(node) || node.id != who.0 {
            return None;
        }
        let is_shown = self.named(node).is_some_and(|index| index <= at);
        Some(if is_shown { Standing::Joined } else { Standing::Cited(Gap::Principal) })
    }

    fn part(&self, shown: &Shown<'_>, part: Part, node: NodeKey) -> Option<Standing> {
        let facts = &shown.entry.facts;
        let is = |is: Option<NodeKey>| (is == Some(node)).then_some(Standing::Joined);
        match part {
            Part::Run => self.run(shown, node).then_some(Standing::Joined),
            Part::Vote if matches!(facts.kind, Kind::VoteCast | Kind::BreakglassReviewed) => {
                is(Some(vote_of(&shown.entry)))
            }
            Part::Vote => None,
            Part::Actor => is(facts.actor.map(NodeKey::actor)),
            Part::Signer => is(shown.producer.map(NodeKey::key)),
            Part::Subject => self.subject(shown, node),
        }
    }

    /// Whether an event is of a run.
    fn run(&self, shown: &Shown<'_>, node: NodeKey) -> bool {
        let facts = &shown.entry.facts;
        if facts.kind == Kind::ExecutionStarted {
            return node == NodeKey::new(NodeKind::Run, facts.event_id.0);
        }
        let is_of_run = facts.kind.author() == Author::Witness && is_of_run(facts);
        let is_own = node == NodeKey::stated_run(facts) || node == NodeKey::event(NodeKind::Run, facts);
        is_of_run && (is_own || self.runs_of(facts.request_id, shown.index).any(|run| run == node))
    }

    /// Whether a command stands for a node: the action or vote that it makes, else who asks.
    fn subject(&self, shown: &Shown<'_>, node: NodeKey) -> Option<Standing> {
        let facts = &shown.entry.facts;
        let is = |is: NodeKey| (is == node).then_some(Standing::Joined);
        let Detail::Approval(command) = &facts.detail else {
            return if facts.kind.author() == Author::Asker { is(NodeKey::action(asked_by(facts))) } else { None };
        };
        match command {
            ApprovalCommand::Submitted(_) => is(NodeKey::action(asked_by(facts))),
            ApprovalCommand::BreakglassInvoked(submission) => match facts.request_id {
                None => is(NodeKey::action(asked_by(facts))),
                Some(_) => is(NodeKey::actor(submission.actor)),
            },
            ApprovalCommand::VoteCast(_) | ApprovalCommand::BreakglassReviewed(_) => is(vote_of(&shown.entry)),
            ApprovalCommand::RedeemRequested(redemption) => is(NodeKey::actor(redemption.actor)),
            ApprovalCommand::CancelRequested(_) | ApprovalCommand::RevokeRequested(_) => match facts.actor {
                Some(actor) => is(NodeKey::actor(actor)),
                // Who is known under the source's ref; else the key.
                None => self.party(shown.index, facts.source, node).or_else(|| is(NodeKey::key(shown.producer?))),
            },
        }
    }
}

/// Whether a node is of a kind under which somebody may be known of whom facts give a ref alone.
fn is_somebody(node: NodeKey) -> bool {
    matches!(node.kind, NodeKind::Person | NodeKind::Agent | NodeKind::Service | NodeKind::Team | NodeKind::Source)
}
