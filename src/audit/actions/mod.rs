//! The approval machines, replayed: every command is decided again from what stands before it, every evaluation made
//! again from what it recorded, and what the ledger says that followed must be exactly what follows. The fold goes on
//! with what the log says, so that one divergence is one finding.

mod asked;
mod compared;
mod judged;
pub(super) mod names;
mod reviewer;
mod sets;
mod states;

use crate::approvals::{Command, Event, People, Recorded, What, apply};
use crate::audit::report::{AuditError, REF_KEY_CHECK, Report, Unread};
use crate::audit::sums::Sums;
use crate::store::Store;
use asked::Asked;
use compared::{Place, timed_facts};
use deedbook_verify::detail::{ApprovalStep, Detail, RefusalReason};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Facts;
use deedbook_verify::hash::RefKey;
use deedbook_verify::kind::Kind;
use deedbook_verify::replay::Replay;
use deedbook_verify::words::{Index, Revision, SubjectId};
use judged::Judge;
use names::{InStore, Shelf};
pub(super) use states::States;
use std::rc::Rc;
use std::sync::Arc;

/// The check's name in findings.
const CHECK: &str = "approval replay";

/// The fold of all actions, and the command whose consequences are arriving. Memory grows by some 300 bytes with every
/// action.
pub(super) struct Actions<'s> {
    states: States,
    judge: Judge<'s>,
    begins: Index,
    people: Option<(u64, Arc<People>)>,
    asked: Option<Asked>,
}

impl<'s> Actions<'s> {
    /// Before the first entry. Without the ref key, nothing that rests on a name is judged: the policies above all.
    pub fn new(store: &'s dyn Store, refs: Option<RefKey>, origin: &str) -> Actions<'s> {
        Actions::on(Rc::new(InStore(store)), refs, origin, Index(0))
    }

    /// Before the first entry of an interval that begins at an index. Above 0, actions from before it are not known, and
    /// what is about them is counted, not judged.
    pub fn on(shelf: Rc<dyn Shelf + 's>, refs: Option<RefKey>, origin: &str, begins: Index) -> Actions<'s> {
        let judge = Judge::new(shelf, refs, origin);
        Actions { states: States::default(), judge, begins, people: None, asked: None }
    }

    /// The ref key must be the one that genesis names.
    pub fn check_ref_key(&mut self, genesis: &Entry<'_>, report: &mut Report) {
        let Detail::Genesis(genesis) = &genesis.facts.detail else { return };
        if !self.judge.knows(&genesis.ref_key_digest) {
            report.find(Some(Index(0)), REF_KEY_CHECK, "genesis names another one".to_owned());
        }
    }

    /// Takes in an entry that replay has accepted.
    pub fn entry(
        &mut self,
        (index, bytes): (Index, &[u8]),
        entry: &Entry<'_>,
        replay: &Replay,
        report: &mut Report,
    ) -> Result<(), AuditError> {
        if self.asked.as_mut().is_some_and(|asked| asked.takes(index, bytes, entry)) {
            return Ok(());
        }
        self.settle(report)?;
        let facts = &entry.facts;
        match &facts.detail {
            Detail::Step(step) => self.timed(index, entry, step, replay, report),
            Detail::Approval(_) => {
                if let Some(command) = Command::from_facts(facts) {
                    self.ask((index, bytes), entry, command, replay);
                }
            }
            Detail::None if facts.kind == Kind::ExecutionReported => self.report(index, entry, report),
            Detail::None
            | Detail::Document(_)
            | Detail::Genesis(_)
            | Detail::KeyEnrolled(_)
            | Detail::KeyRotated { .. }
            | Detail::KeyRevoked { .. }
            | Detail::BodyErased(_)
            | Detail::Principal(_)
            | Detail::Policy(_)
            | Detail::CommandRefused { .. }
            | Detail::Keeping(_)
            | Detail::HeartbeatPromised { .. }
            | Detail::SourceGap(_)
            | Detail::Custody { .. }
            | Detail::Oversight(_)
            | Detail::Imported { .. }
            | Detail::ClockChecked { .. } => {}
        }
        Ok(())
    }

    /// Judges the last command.
    pub fn end(&mut self, report: &mut Report) -> Result<(), AuditError> {
        self.settle(report)?;
        report.actions = self.states.len();
        Ok(())
    }

    /// The same, and sums the rows that all actions call for.
    pub fn finish(mut self, sums: &mut Sums, report: &mut Report) -> Result<States, AuditError> {
        self.end(report)?;
        self.states.sum(sums);
        Ok(self.states)
    }

    /// A command arrives: what it is decided on is kept until all that followed has arrived too.
    fn ask(&mut self, at: (Index, &[u8]), entry: &Entry<'_>, command: Command, replay: &Replay) {
        let Some(authority) = replay.authority() else { return };
        let revision = authority.principals().revision();
        let people = match &self.people {
            Some((known, people)) if *known == revision => Arc::clone(people),
            Some(_) | None => Arc::new(People::of(authority.principals())),
        };
        self.people = Some((revision, Arc::clone(&people)));
        let own = entry.facts.stream.zip(entry.seal.revision);
        let before = self.states.current(command.request(), own, replay);
        let superseded = command.supersedes().and_then(|id| self.states.current(id, own, replay));
        let owes = command.glass_breaker().is_some_and(|person| self.states.owes_review(person));
        let names = (!judged::begins(&command)).then_some(command.request()).into_iter().chain(command.supersedes());
        let early = self.begins.0 > 0 && names.into_iter().any(|id| self.states.get(id).is_none());
        let policies = Arc::clone(authority.policies());
        let principals = Arc::clone(authority.principals());
        self.asked = Some(Asked::new(
            at,
            entry,
            command,
            asked::Known { people, principals, policies, before, superseded, owes, early },
        ));
    }

    /// All that followed from the last command has arrived: it is decided again, compared, and folded as it stands.
    fn settle(&mut self, report: &mut Report) -> Result<(), AuditError> {
        let Some(mut asked) = self.asked.take() else { return Ok(()) };
        // An overdue review from before the interval is no more known than an action from there.
        let owed = self.begins.0 > 0 && !asked.known.owes && asked.refusal() == Some(RefusalReason::ReviewOverdue);
        if asked.known.early || owed {
            report.unread(asked.index, Unread::BeforeInterval);
            return Ok(());
        }
        let unread = report.evaluations_unread;
        self.judge.hear_reason(&mut asked)?;
        let decided = self.judge.decide(&asked, report)?;
        self.judge.check_shown(&asked, report)?;
        compared::compare(&asked, &decided, report);
        // What the folds were asked with the log's own word for what policies said is compared, and not decided.
        if report.evaluations_unread == unread {
            report.commands_decided = report.commands_decided.saturating_add(1);
        }
        self.fold(&asked, report);
        Ok(())
    }

    /// Folds a command and its consequences as the log has them.
    fn fold(&mut self, asked: &Asked, report: &mut Report) {
        let begun = match asked.begun() {
            Ok(begun) => begun,
            Err(misplaced) => return report.find(Some(asked.index), CHECK, misplaced.to_string()),
        };
        let (mut action, mut prior) = (begun, asked.known.superseded.clone());
        let mut prior_changed = false;
        for (index, bytes) in &asked.followed {
            let Ok(entry) = Entry::parse(bytes) else { continue };
            let (Detail::Step(step), Ok(Some(event))) = (&entry.facts.detail, Event::from_facts(&entry.facts)) else {
                continue;
            };
            let own = step.of.request == asked.command.request();
            prior_changed |= !own;
            let of = if own { &mut action } else { &mut prior };
            match apply(of.take(), recorded(*index, &entry, What::Event(&event))) {
                Ok(after) => *of = Some(after),
                Err(misplaced) => report.find(Some(*index), CHECK, misplaced.to_string()),
            }
        }
        action.into_iter().chain(prior.filter(|_| prior_changed)).for_each(|after| self.states.put(&after));
    }

    /// What time alone caused: it must be what is due first.
    fn timed(
        &mut self,
        index: Index,
        entry: &Entry<'_>,
        step: &ApprovalStep<'_>,
        replay: &Replay,
        report: &mut Report,
    ) {
        let own = entry.facts.stream.zip(entry.seal.revision);
        let Some(before) = self.states.current(step.of.request, own, replay) else {
            if self.begins.0 > 0 {
                return report.unread(index, Unread::BeforeInterval);
            }
            return report.find(Some(index), CHECK, "it is about an action that is not there".to_owned());
        };
        let ledger = entry.facts.source;
        let expected = timed_facts(&before, Place { ledger, received: entry.seal.received });
        if !expected.is_some_and(|facts| compared::matches(facts, &entry.facts)) {
            report.find(Some(index), CHECK, "time does not cause this at this moment".to_owned());
        }
        if let Ok(Some(event)) = Event::from_facts(&entry.facts) {
            self.take((index, entry), before, What::Event(&event), report);
        }
    }

    /// What a source says of an execution.
    fn report(&mut self, index: Index, entry: &Entry<'_>, report: &mut Report) {
        let facts = &entry.facts;
        let Some(before) = facts.request_id.and_then(|request| self.states.get(request)) else { return };
        if facts.stream != Some(before.stream) {
            return;
        }
        let named = facts.parents().next().map(|parent| parent.event_id);
        let execution = named.filter(|named| before.executions.iter().any(|run| run.id == *named));
        let what = What::Report { outcome: facts.outcome, grant: facts.grant_id, execution };
        self.take((index, entry), before, what, report);
    }

    fn take(
        &mut self,
        (index, entry): (Index, &Entry<'_>),
        before: crate::approvals::Action,
        what: What<'_>,
        report: &mut Report,
    ) {
        match apply(Some(before.clone()), recorded(index, entry, what)) {
            // A report without effect leaves no trace in the rows.
            Ok(after) if matches!(what, What::Report { .. }) && after.says_what(&before) => {}
            Ok(after) => self.states.put(&after),
            Err(misplaced) => report.find(Some(index), CHECK, misplaced.to_string()),
        }
    }
}

/// An entry of an action's stream, at its place.
fn recorded<'a>(index: Index, entry: &Entry<'_>, what: What<'a>) -> Recorded<'a> {
    let Facts { source, event_id, .. } = entry.facts;
    let revision = entry.seal.revision.unwrap_or(Revision(0));
    Recorded { what, source, event: event_id, revision, index, received: entry.seal.received }
}

/// The name of an action in a finding.
fn action_name(id: SubjectId) -> String {
    format!("action {id}")
}
