//! What follows from a command: events, or a refusal by rule. It reads the action's state and what the caller passes
//! in, and changes nothing; `apply` does, once it stands in the log. Whatever fails, fails towards "not approved".

mod break_glass;
mod grant;
mod submit;
mod vote;

use crate::approvals::action::Action;
use crate::approvals::command::{BreakGlass, Command};
use crate::approvals::event::{Event, Judgement};
use crate::approvals::people::{Known, People};
use crate::approvals::presentation::{PresentationInput, present};
use bytes::Bytes;
use deedbook_verify::detail::RefusalReason;
use deedbook_verify::facts::{Actor, ActorKind};
use deedbook_verify::requirement::Requirement;
use deedbook_verify::words::{Digest, Micros, Ref};

/// What a decision rests on, besides state and command.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The principals as folded up to the command's index.
    pub people: &'a People,
    /// What the policies say. Obligatory for a new action, which is refused without; for what follows, absent means
    /// that neither policies nor what they read changed since they were last asked.
    pub judged: Option<&'a Judged<'a>>,
    /// Whether the policies about reviewers let this person cast this vote; they only narrow what the rules here let
    /// through. True for every other command, and where no policy speaks of reviewers.
    pub reviewer_permitted: bool,
    /// The action that a submission takes the place of.
    pub superseded: Option<&'a Action>,
    /// Whether the command's actor owes an overdue review of an earlier break-glass.
    pub review_overdue: bool,
    /// The command's received time: the only clock there is.
    pub received: Micros,
    /// The source that signed the command's frame.
    pub signer: Ref,
    /// The stream that the command's facts name. Of a new action, the caller knows that it is the right one.
    pub stream: Ref,
    /// Whether the wall clock is behind the last received time: nothing is issued or redeemed until it caught up.
    pub clock_behind: bool,
}

/// What the policies say of the action now.
#[derive(Clone, Debug)]
pub struct Judged<'a> {
    /// The policy set.
    pub policy: Digest,
    /// Their verdict.
    pub said: Said<'a>,
    /// At a redemption: whether the policies let the action pass with the approval that it really has.
    pub permits: bool,
    /// Everything that the evaluation rested on: the body of `policy.evaluated`.
    pub inputs: Bytes,
}

/// A verdict, with what it takes to act on it.
#[derive(Clone, Copy, Debug)]
pub enum Said<'a> {
    /// It may run.
    Allow,
    /// It may not; every error of an evaluation is this.
    Deny,
    /// It may, once people agree.
    RequireApproval {
        /// What that takes.
        requirement: &'a Requirement,
        /// What they are shown.
        screen: Screen<'a>,
    },
}

/// Where a presentation comes from.
#[derive(Clone, Copy, Debug)]
pub enum Screen<'a> {
    /// It is rendered from this.
    Render(&'a PresentationInput<'a>),
    /// It stands in the log already: replay does not render it again, for names may have been erased since.
    Recorded {
        /// BLAKE3 of its bytes.
        digest: Digest,
        /// Whether nothing was left out.
        complete: bool,
    },
}

/// An event that follows, with its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// What it says.
    pub event: Event,
    /// Its body, where its kind has one: the inputs of an evaluation, the text of a presentation.
    pub body: Option<Bytes>,
}

/// What follows from a command that is not refused, in the order in which it stands behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// In the command's own stream.
    pub effects: Vec<Effect>,
    /// Behind those, in the stream of the action that a submission takes the place of.
    pub superseded: Vec<Effect>,
}

/// A command without effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The rule.
    pub reason: RefusalReason,
    /// What follows all the same, behind the refusal: an evaluation that forbids what was granted, and the end of the
    /// grant. Empty for every reason but `POLICY_TIGHTENED`.
    pub effects: Vec<Effect>,
}

impl From<RefusalReason> for Refused {
    fn from(reason: RefusalReason) -> Refused {
        Refused { reason, effects: Vec::new() }
    }
}

/// Decides a command. A function of its arguments alone.
pub fn decide(action: Option<&Action>, command: &Command, context: &Context<'_>) -> Result<Decided, Refused> {
    let known = action.filter(|action| action.stream == context.stream && action.id == command.request());
    let known = known.ok_or(Refused::from(RefusalReason::RequestUnknown));
    let effects = match command {
        Command::Submit(_) | Command::BreakGlass(BreakGlass { request: None, .. }) if action.is_some() => {
            return Err(RefusalReason::BindingInvalid.into());
        }
        Command::Submit(submit) => return submit::decide(submit, context),
        Command::BreakGlass(glass) if glass.request.is_none() => break_glass::decide_new(&glass.action, context)?,
        Command::BreakGlass(glass) => break_glass::decide_pending(known?, &glass.action, context)?,
        Command::Vote(vote) => vote::decide(known?, vote, context)?,
        Command::Cancel(_) => grant::cancel(known?, context)?,
        Command::Redeem(redeem) => grant::redeem(known?, redeem, context)?,
        Command::RevokeGrant(revoke) => grant::revoke(known?, revoke, context)?,
        Command::Review(review) => break_glass::review(known?, review, context)?,
    };
    Ok(Decided { effects, superseded: Vec::new() })
}

impl From<Event> for Effect {
    fn from(event: Event) -> Effect {
        Effect { event, body: None }
    }
}

impl Judged<'_> {
    /// The evaluation as an event.
    fn effect(&self) -> Effect {
        let judgement = match self.said {
            Said::Allow => Judgement::Allow,
            Said::Deny => Judgement::Deny,
            Said::RequireApproval { requirement, .. } => Judgement::RequireApproval(requirement.clone()),
        };
        Effect { event: Event::Evaluated { policy: self.policy, judgement }, body: Some(self.inputs.clone()) }
    }
}

impl Screen<'_> {
    /// What people are shown, as an event.
    fn effect(self, requirement: &Requirement, expires_at: Micros) -> Effect {
        let (presentation, complete, body) = match self {
            Screen::Render(input) => {
                let rendered = present(input, requirement, expires_at);
                (rendered.digest, rendered.complete, Some(rendered.text))
            }
            Screen::Recorded { digest, complete } => (digest, complete, None),
        };
        Effect { event: Event::Shown { requirement: requirement.digest(), presentation, complete }, body }
    }
}

impl Context<'_> {
    /// A principal that is bound and was not disabled.
    fn in_force(&self, who: Ref) -> Result<&Known, RefusalReason> {
        let principal = self.people.get(who).ok_or(RefusalReason::PrincipalUnknown)?;
        if principal.disabled { Err(RefusalReason::PrincipalDisabled) } else { Ok(principal) }
    }

    /// A person in force.
    fn person(&self, who: Actor) -> Result<&Known, RefusalReason> {
        let principal = self.in_force(who.who)?;
        let human = who.kind == ActorKind::Human && principal.kind == ActorKind::Human;
        if human { Ok(principal) } else { Err(RefusalReason::NonHuman) }
    }

    /// Refuses while the clock is behind: deadlines of what would be issued could not be trusted.
    fn clock_is_right(&self) -> Result<(), RefusalReason> {
        if self.clock_behind { Err(RefusalReason::ClockBehind) } else { Ok(()) }
    }
}
