//! Governance by break-glass: what one administrator does where no other can agree, and how administrators are removed
//! who stay silent. It never lets one of two go on alone at once: whoever can sign has to be silent for weeks first.

use crate::detail::{BreakGlass, RefusalReason, Roles};
use crate::governance::rules::{Change, Needs};
use crate::governance::{Authority, Consequence, Effect, Stated, Waiting};
use crate::hash;
use crate::limits;
use crate::plant::Bug;
use crate::principals::Governors;
use crate::words::{Index, Micros, Ref};

/// What was ever governed by break-glass: how often, and where it took effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BrokenGlass {
    /// How many commands took effect so.
    pub commands: u64,
    /// By which entry the first of them did.
    pub first: Option<Index>,
    /// By which entry the last of them did.
    pub last: Option<Index>,
}

impl BrokenGlass {
    pub(super) fn note(&mut self, at: Index) {
        self.commands = self.commands.saturating_add(1);
        self.first = self.first.or(Some(at));
        self.last = Some(at);
    }
}

/// What keeps a removal from taking effect by its asker's word alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// From when on the asker may carry it out.
    pub until: Micros,
    /// The first command by somebody whom it names as silent. It stays void from then on, for others to decide.
    pub broken_at: Option<Index>,
}

impl Authority {
    /// The administrators besides one who could sign at this state.
    fn others(&self, asker: Ref) -> impl Iterator<Item = Ref> {
        self.administrators().filter(move |who| *who != asker)
    }

    /// Decides a command that its rules let pass and that is declared as break-glass.
    pub(super) fn break_glass(
        &self,
        stated: &Stated<'_>,
        asker: Ref,
        declared: BreakGlass<'_>,
        (needs, change): (Needs, Change),
    ) -> Result<Consequence, RefusalReason> {
        if needs == Needs::One || !self.needs_two() {
            return Err(RefusalReason::GlassNotNeeded);
        }
        if !self.others(asker).eq(declared.silent()) && !Bug::GlassUnguarded.planted() {
            return Err(RefusalReason::NotAlone);
        }
        if declared.is_alone() {
            return Ok(Consequence::Effect(Effect { change, by: Governors::BreakGlass(asker) }));
        }
        if !self.removes_one_of(&change, declared) {
            return Err(RefusalReason::RemovalOnly);
        }
        self.has_room(stated.received)?;
        let until = Micros(stated.received.0.saturating_add(limits::GOVERNANCE_SILENCE_US));
        let silence = Silence { until, broken_at: None };
        Ok(Consequence::Waits(Waiting::new(hash::request_id(&stated.command()), stated, asker, Some(silence))))
    }

    /// Whether a change takes from somebody who stays silent what they govern with, and does nothing else.
    fn removes_one_of(&self, change: &Change, declared: BreakGlass<'_>) -> bool {
        let removed = match change {
            Change::End(key) => self.keys().tenure(key).map(|tenure| tenure.source),
            Change::Disable(who) => Some(*who),
            Change::Roles(who, roles) => (!roles.has(Roles::ADMINISTRATOR)).then_some(*who),
            Change::LetIn { .. }
            | Change::Bind(..)
            | Change::Link(..)
            | Change::Delegate(..)
            | Change::Publish(..)
            | Change::Retire(_)
            | Change::Retain(_)
            | Change::Place(..)
            | Change::Release(_)
            | Change::Erase(_) => None,
        };
        removed.is_some_and(|removed| declared.silent().any(|silent| silent == removed))
    }

    /// Whether the asker of a removal may carry it out alone: everybody who could have agreed was named, and has been
    /// silent for as long as it takes.
    pub(super) fn were_silent(&self, waiting: &Waiting, now: Micros) -> Result<(), RefusalReason> {
        let Some(silence) = waiting.silence else { return Err(RefusalReason::ConflictRequester) };
        if silence.broken_at.is_some() {
            return Err(RefusalReason::NotSilent);
        }
        if now < silence.until && !Bug::SilenceUncounted.planted() {
            return Err(RefusalReason::TooEarly);
        }
        if self.others(waiting.asker).all(|who| waiting.names_as_silent(who)) {
            Ok(())
        } else {
            Err(RefusalReason::NotAlone)
        }
    }

    /// Takes note that a source signed a command, taken or refused: who does so is not silent.
    pub fn hear(&mut self, source: Ref, at: Index) {
        let concerns = |waiting: &Waiting| waiting.is_unbroken() && waiting.names_as_silent(source);
        if self.waiting.values().any(concerns) {
            let all = std::sync::Arc::make_mut(&mut self.waiting);
            all.values_mut().filter(|waiting| concerns(waiting)).for_each(|waiting| waiting.break_silence(at));
        }
    }

    /// What was governed by break-glass so far.
    pub fn broken_glass(&self) -> BrokenGlass {
        self.glass
    }
}
