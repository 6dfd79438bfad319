//! What the ledger may say behind a command, and what time alone may cause: judged by form. Which of these steps had to
//! follow rests on policies and bodies; the folds of `approvals` decide it, with this as their frame.

use crate::detail::{ApprovalStep, Detail, RefusalReason, Resolution, Rules, Step};
use crate::entry::Entry;
use crate::facts::{Facts, Parent};
use crate::governance::Authority;
use crate::hash;
use crate::kind::Kind;
use crate::replay::ReplayRefusal;
use crate::words::SubjectId;

/// What the last command leaves open.
pub(super) enum Follow {
    /// The rules refuse it: its refusal must follow directly, for one of these reasons.
    Owed(Parent, Vec<RefusalReason>),
    /// A command of the approval machines: steps may follow, or a refusal.
    Steps(Steps),
    /// What rests on what is not known here: the ledger may refuse it for one of these reasons, and then nothing changed.
    Undoable(Undoable),
}

/// A command that took effect by the rules, unless it is refused directly behind.
pub(super) struct Undoable {
    pub command: Parent,
    /// A policy set that is none; or bodies that cannot be erased, where this replay does not know what stands there.
    pub reasons: &'static [RefusalReason],
    /// Authority without it.
    pub before: Box<Authority>,
}

/// A command of the approval machines and how many of its steps stand behind it.
pub(super) struct Steps {
    pub command: Parent,
    pub kind: Kind,
    pub next: u16,
    /// Why the evidence of a vote does not hold; then the vote must be refused.
    pub evidence: Option<RefusalReason>,
}

/// What an entry is to the command before it.
pub(super) enum Following {
    /// It has nothing to do with it, and is judged by itself.
    Nothing,
    /// It belongs to it, and leaves this open.
    Belongs(Option<Follow>),
    /// It says that the command before it had no effect after all: authority is as it was.
    Undone(Box<Authority>),
}

impl Follow {
    /// Whether the log may end here.
    pub fn may_end(&self) -> bool {
        match self {
            Follow::Owed(..) => false,
            Follow::Steps(steps) => steps.evidence.is_none(),
            Follow::Undoable(_) => true,
        }
    }

    /// Judges the next entry as far as it follows from the command.
    pub fn next(self, entry: &Entry<'_>) -> Result<Following, ReplayRefusal> {
        let facts = &entry.facts;
        match self {
            Follow::Owed(command, reasons) => match refusal_of(&command, facts)? {
                Some(stated) if reasons.contains(&stated) => Ok(Following::Belongs(None)),
                Some(_) | None => Err(ReplayRefusal::RefusalMissing),
            },
            Follow::Undoable(undoable) => match refusal_of(&undoable.command, facts)? {
                Some(reason) if undoable.reasons.contains(&reason) => Ok(Following::Undone(undoable.before)),
                Some(_) => Err(ReplayRefusal::RefusalUnfounded),
                None => Ok(Following::Nothing),
            },
            Follow::Steps(steps) => steps.next(entry),
        }
    }
}

impl Steps {
    fn next(self, entry: &Entry<'_>) -> Result<Following, ReplayRefusal> {
        let facts = &entry.facts;
        if self.next == 0
            && let Some(reason) = refusal_of(&self.command, facts)?
        {
            let of_evidence = matches!(reason, RefusalReason::EvidenceInvalid | RefusalReason::EvidenceNotBuilt);
            let founded = is_of_approvals(reason) && (!of_evidence || self.evidence == Some(reason));
            if !founded {
                return Err(ReplayRefusal::RefusalUnfounded);
            }
            // What forbids by now also ends the grant, behind the refusal and in its frame.
            let ends_more = reason == RefusalReason::PolicyTightened && entry.seal.n > 1;
            return Ok(Following::Belongs(ends_more.then_some(Follow::Steps(Steps { next: 1, ..self }))));
        }
        if self.evidence.is_some() {
            return Err(ReplayRefusal::RefusalMissing);
        }
        let id = hash::derived_event_id(&self.command, self.next);
        let named = facts.parents().eq([self.command]) && facts.event_id == id && entry.seal.offset == self.next;
        let Detail::Step(step) = &facts.detail else { return self.unrelated() };
        if !named {
            return self.unrelated();
        }
        check_rules(step)?;
        if !fits(self.kind, &step.step) {
            return Err(ReplayRefusal::StepMisplaced);
        }
        let next = self.next.saturating_add(1);
        let more = (next < entry.seal.n).then_some(Follow::Steps(Steps { next, ..self }));
        Ok(Following::Belongs(more))
    }

    /// A frame that began with a step of this command holds nothing else.
    fn unrelated(&self) -> Result<Following, ReplayRefusal> {
        if self.next == 0 { Ok(Following::Nothing) } else { Err(ReplayRefusal::StepMisplaced) }
    }
}

/// The reason, if the facts say that this command was refused. A refusal of another command is none.
fn refusal_of(command: &Parent, facts: &Facts<'_>) -> Result<Option<RefusalReason>, ReplayRefusal> {
    let Detail::CommandRefused { rules, reason } = facts.detail else { return Ok(None) };
    if rules != Rules::CURRENT {
        return Err(ReplayRefusal::Rules);
    }
    let named = facts.parents().eq([*command]) && facts.event_id == hash::derived_event_id(command, 0);
    if named { Ok(Some(reason)) } else { Err(ReplayRefusal::RefusalMissing) }
}

fn check_rules(step: &ApprovalStep<'_>) -> Result<(), ReplayRefusal> {
    if step.rules == Rules::CURRENT { Ok(()) } else { Err(ReplayRefusal::Rules) }
}

/// A step that follows from no command: its deadline must be stated, have passed, and give it its id.
pub(super) fn check_timed(entry: &Entry<'_>, step: &ApprovalStep<'_>) -> Result<(), ReplayRefusal> {
    check_rules(step)?;
    let facts = &entry.facts;
    let subject = match step.step {
        Step::Resolved { resolution: Resolution::Expired, .. } | Step::Escalated { .. } => Some(step.of.request),
        Step::GrantExpired { grant, .. } => Some(grant),
        Step::Resolved { .. }
        | Step::Evaluated { .. }
        | Step::Opened { .. }
        | Step::Shown { .. }
        | Step::GrantIssued { .. }
        | Step::GrantRedeemed { .. }
        | Step::ExecutionStarted { .. }
        | Step::GrantRevoked { .. }
        | Step::Blocked { .. } => None,
    };
    let due = |subject: SubjectId| {
        facts.valid_until.is_some_and(|deadline| {
            entry.seal.received >= deadline
                && facts.event_id == hash::timed_event_id(&subject, facts.kind, deadline)
                && facts.parents().count() == 1
        })
    };
    if subject.is_some_and(due) { Ok(()) } else { Err(ReplayRefusal::StepMisplaced) }
}

/// Whether a step may follow from a command of that kind.
fn fits(command: Kind, step: &Step<'_>) -> bool {
    use Kind::{
        ActionSubmitted, ApprovalCancelRequested, BreakglassInvoked, GrantRedeemRequested, GrantRevokeRequested,
        VoteCast,
    };
    let from: &[Kind] = match step {
        Step::Evaluated { .. } => &[ActionSubmitted, VoteCast, GrantRedeemRequested, BreakglassInvoked],
        Step::Opened { .. } => &[ActionSubmitted, VoteCast, BreakglassInvoked],
        Step::Shown { .. } => &[ActionSubmitted, VoteCast, BreakglassInvoked],
        Step::Resolved { .. } => &[ActionSubmitted, VoteCast, ApprovalCancelRequested, BreakglassInvoked],
        Step::GrantIssued { .. } => &[ActionSubmitted, VoteCast, BreakglassInvoked],
        Step::GrantRedeemed { .. } | Step::ExecutionStarted { .. } => &[GrantRedeemRequested],
        Step::GrantRevoked { .. } => {
            &[ActionSubmitted, VoteCast, ApprovalCancelRequested, GrantRedeemRequested, GrantRevokeRequested]
        }
        Step::Blocked { .. } => &[ActionSubmitted],
        Step::Escalated { .. } | Step::GrantExpired { .. } => &[],
    };
    from.contains(&command)
}

/// The reasons for which commands of the approval machines are refused.
pub fn is_of_approvals(reason: RefusalReason) -> bool {
    !matches!(
        reason,
        RefusalReason::NotAdministrator
            | RefusalReason::WeakKey
            | RefusalReason::KeyKnown
            | RefusalReason::KeyUnknown
            | RefusalReason::LastAdministrator
            | RefusalReason::LedgerKey
            | RefusalReason::BodyAhead
            | RefusalReason::NoBody
            | RefusalReason::BodyPermanent
            | RefusalReason::BodyHeld
            | RefusalReason::RetentionNotPassed
            | RefusalReason::HoldUnknown
            | RefusalReason::TooManyRules
            | RefusalReason::PrincipalKnown
            | RefusalReason::SecondPersonMissing
            | RefusalReason::GlassNotNeeded
            | RefusalReason::NotAlone
            | RefusalReason::RemovalOnly
            | RefusalReason::TooEarly
            | RefusalReason::NotSilent
    )
}
