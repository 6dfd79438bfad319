//! Authority by index: keys, principals and policies, and what waits for a second administrator. Nobody governs alone:
//! as soon as a ledger has had two administrators, a governing command takes effect only with the vote of another. All
//! of it is folded from commands and votes alone; no entry of the ledger's own is needed, but to say what was refused.

mod keeps;
mod glass;
mod policies;
mod rules;
mod votes;
mod waiting;

pub use glass::{BrokenGlass, Silence};
pub use policies::{Policies, PublishedPolicy};
pub use rules::Change;
pub use votes::governance_requirement;
pub use waiting::{Matter, Waiting};

use crate::authority::KeyHistory;
use crate::detail::{ApprovalCommand, Detail, Genesis, RefusalReason, Roles};
use crate::erasure::{ErasedBodies, Erasure, Stood};
use crate::facts::{Facts, Parent};
use crate::hash;
use crate::keeping::Keeping;
use crate::limits;
use crate::principals::{Governors, Principals};
use crate::words::{Index, KeyId, LedgerId, Micros, Ref, SubjectId};
use rules::{Case, Needs};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A command where it stands: its facts, the key that signed its frame, its index and its received time.
#[derive(Clone, Copy, Debug)]
pub struct Stated<'a> {
    /// What was said.
    pub facts: &'a Facts<'a>,
    /// By which key.
    pub signer: KeyId,
    /// Where.
    pub index: Index,
    /// When, by the ledger's clock.
    pub received: Micros,
}

impl Stated<'_> {
    /// The command by source and event id.
    fn command(&self) -> Parent {
        Parent { source: self.facts.source, event_id: self.facts.event_id }
    }
}

/// A change with those who stand behind it.
#[derive(Clone, Debug)]
pub struct Effect {
    /// What changes.
    pub change: Change,
    /// By whose word.
    pub by: Governors,
}

/// What a command does to authority; `Authority::apply` does it.
#[derive(Clone, Debug)]
pub enum Consequence {
    /// It does not govern: nothing changes here.
    Nothing,
    /// It takes effect.
    Effect(Effect),
    /// It waits for a second administrator.
    Waits(Waiting),
    /// A vote decided what waited: it takes effect, or it was denied.
    Decided(SubjectId, Option<Effect>),
}

impl Consequence {
    /// The bodies that it erases.
    pub fn erasure(&self) -> Option<&Erasure> {
        let effect = match self {
            Consequence::Effect(effect) | Consequence::Decided(_, Some(effect)) => effect,
            Consequence::Nothing | Consequence::Waits(_) | Consequence::Decided(_, None) => return None,
        };
        if let Change::Erase(erasure) = &effect.change { Some(erasure) } else { None }
    }

    /// The request under which it waits, if it does.
    pub fn waits_as(&self) -> Option<SubjectId> {
        match self {
            Consequence::Waits(waiting) => Some(waiting.request),
            Consequence::Nothing | Consequence::Effect(_) | Consequence::Decided(..) => None,
        }
    }

    /// Whether applying it changes anything.
    pub fn changes(&self) -> bool {
        !matches!(self, Consequence::Nothing)
    }
}

/// The fold. A clone is cheap and stays as it is: what changes is copied first.
#[derive(Clone, Debug)]
pub struct Authority {
    keys: Arc<KeyHistory>,
    principals: Arc<Principals>,
    policies: Arc<Policies>,
    keeping: Arc<Keeping>,
    waiting: Arc<BTreeMap<SubjectId, Waiting>>,
    two_administrators: bool,
    glass: BrokenGlass,
}

impl Authority {
    /// Starts with what genesis names. A weak key in genesis makes the ledger unusable.
    pub fn from_genesis(
        ledger: LedgerId,
        ledger_source: Ref,
        genesis: &Genesis<'_>,
    ) -> Result<Authority, RefusalReason> {
        let mut authority = Authority {
            keys: Arc::new(KeyHistory::from_genesis(ledger, ledger_source, genesis)?),
            principals: Arc::new(Principals::from_genesis(genesis)),
            policies: Arc::default(),
            keeping: Arc::default(),
            waiting: Arc::default(),
            two_administrators: false,
            glass: BrokenGlass::default(),
        };
        authority.count_administrators();
        Ok(authority)
    }

    /// The keys, to be kept as they are now.
    pub fn keys(&self) -> &Arc<KeyHistory> {
        &self.keys
    }

    /// The principals, to be kept as they are now.
    pub fn principals(&self) -> &Arc<Principals> {
        &self.principals
    }

    /// The policies in force.
    pub fn policies(&self) -> &Arc<Policies> {
        &self.policies
    }

    /// Retention and holds in force.
    pub fn keeping(&self) -> &Arc<Keeping> {
        &self.keeping
    }

    /// What waits for a second administrator, by request; some of it may have expired.
    pub fn waiting(&self) -> &BTreeMap<SubjectId, Waiting> {
        &self.waiting
    }

    /// Whether the ledger ever had two administrators at once: from then on nobody governs alone.
    pub fn needs_two(&self) -> bool {
        self.two_administrators
    }

    /// Whether this source is that of an administrator who is not disabled.
    pub fn is_administrator(&self, source: Ref) -> bool {
        self.principals.has_role(source, Roles::ADMINISTRATOR)
    }

    /// The administrators who can sign: not disabled, with a key in force.
    fn administrators(&self) -> impl Iterator<Item = Ref> {
        let signs = |who: &Ref| self.keys.live_of(*who).next().is_some();
        self.principals.with_role(Roles::ADMINISTRATOR).filter(signs)
    }

    fn count_administrators(&mut self) {
        self.two_administrators = self.two_administrators || self.administrators().nth(1).is_some();
    }

    /// Decides a command as the authority stands before it. `standings` is asked if bodies are to be erased, and answers
    /// for every named index, in order. Nothing is changed; commands that do not govern have no consequence here.
    pub fn decide<E>(
        &self,
        stated: &Stated<'_>,
        standings: impl FnOnce(ErasedBodies<'_>) -> Result<Vec<Stood>, E>,
    ) -> Result<Result<Consequence, RefusalReason>, E> {
        match &stated.facts.detail {
            Detail::Approval(ApprovalCommand::VoteCast(vote)) if vote.stream.is_none() => {
                self.decide_vote(stated, vote, standings)
            }
            Detail::KeyEnrolled(_)
            | Detail::KeyRotated { .. }
            | Detail::KeyRevoked { .. }
            | Detail::BodyErased(_)
            | Detail::Principal(_)
            | Detail::Keeping(_)
            | Detail::Policy(_) => self.decide_command(stated, standings),
            Detail::None
            | Detail::Document(_)
            | Detail::Genesis(_)
            | Detail::Approval(_)
            | Detail::Step(_)
            | Detail::CommandRefused { .. }
            | Detail::HeartbeatPromised { .. }
            | Detail::SourceGap(_)
            | Detail::Custody { .. }
            | Detail::Oversight(_)
            | Detail::Imported { .. }
            | Detail::ClockChecked { .. } => Ok(Ok(Consequence::Nothing)),
        }
    }

    fn decide_command<E>(
        &self,
        stated: &Stated<'_>,
        standings: impl FnOnce(ErasedBodies<'_>) -> Result<Vec<Stood>, E>,
    ) -> Result<Result<Consequence, RefusalReason>, E> {
        let Some(asker) = self.keys.tenure(&stated.signer).map(|tenure| tenure.source) else {
            return Ok(Err(RefusalReason::KeyUnknown));
        };
        let governors = match stated.facts.break_glass {
            Some(_) => Governors::BreakGlass(asker),
            None => self.principals.governors(asker, None),
        };
        let case = Case {
            facts: stated.facts,
            signer: stated.signer,
            asker,
            governors,
            stated: stated.index,
            at: stated.index,
            now: stated.received,
        };
        let judged = self.judge(&case, standings)?;
        Ok(judged.and_then(|(needs, change)| match (stated.facts.break_glass, needs) {
            (Some(declared), _) => self.break_glass(stated, asker, declared, (needs, change)),
            (None, Needs::Two) if self.two_administrators => self.wait(stated, asker).map(Consequence::Waits),
            (None, Needs::One | Needs::Two) => Ok(Consequence::Effect(Effect { change, by: governors })),
        }))
    }

    /// Whether the command may wait: somebody must be there who could agree, and there must be room.
    fn wait(&self, stated: &Stated<'_>, asker: Ref) -> Result<Waiting, RefusalReason> {
        if !self.administrators().any(|other| self.may_agree(asker, other).is_ok()) {
            return Err(RefusalReason::SecondPersonMissing);
        }
        self.has_room(stated.received)?;
        Ok(Waiting::new(hash::request_id(&stated.command()), stated, asker, None))
    }

    fn has_room(&self, now: Micros) -> Result<(), RefusalReason> {
        let live = self.waiting.values().filter(|waiting| !waiting.is_over(now)).count();
        if live < limits::GOVERNANCE_WAITING_MAX { Ok(()) } else { Err(RefusalReason::TooManyPending) }
    }

    /// Takes a decision in. It must be this state's own.
    pub fn apply(&mut self, consequence: Consequence, at: Index, received: Micros) {
        match consequence {
            Consequence::Nothing => {}
            Consequence::Effect(effect) => self.change(effect, at),
            Consequence::Waits(waiting) => {
                let all = Arc::make_mut(&mut self.waiting);
                if all.len() >= limits::GOVERNANCE_WAITING_MAX {
                    all.retain(|_, waiting| !waiting.is_over(received));
                }
                all.insert(waiting.request, waiting);
            }
            Consequence::Decided(request, effect) => {
                Arc::make_mut(&mut self.waiting).remove(&request);
                if let Some(effect) = effect {
                    self.change(effect, at);
                }
            }
        }
    }
}
