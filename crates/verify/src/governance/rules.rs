//! What each governing command needs and does. The rules stand in FORMAT.md in the same order.

use crate::authority::Tenure;
use crate::detail::{Binding, Detail, KeyGrant, PolicyCommand, PrincipalCommand, RefusalReason, Roles};
use crate::erasure::{self, ErasedBodies, Erasure, Stood};
use crate::facts::{Actor, ActorKind, Facts};
use crate::governance::{Authority, Effect, PublishedPolicy};
use crate::keeping::{Hold, Retention};
use crate::key::PublicKey;
use crate::principals::{Governors, Principal};
use crate::words::{Index, KeyId, Micros, Ref, SubjectId};
use std::sync::Arc;

/// A change of authority, or of bodies, that the rules let pass.
#[derive(Clone, Debug)]
pub enum Change {
    /// A key is let in, perhaps in the place of another.
    LetIn {
        /// The key.
        key: PublicKey,
        /// The source that it signs for.
        source: Ref,
        /// The entry that names it.
        stated: Index,
        /// The key that ends.
        replaces: Option<KeyId>,
    },
    /// A key ends.
    End(KeyId),
    /// A principal begins, perhaps with a key.
    Bind(Ref, Box<Principal>, Option<PublicKey>),
    /// An account becomes a person's.
    Link(Ref, Ref),
    /// A principal ends, and its keys with it.
    Disable(Ref),
    /// A principal has these roles from now on.
    Roles(Ref, Roles),
    /// Somebody decides in a person's place, or nobody.
    Delegate(Ref, Option<Ref>),
    /// A policy set comes into force in a stream.
    Publish(Ref, PublishedPolicy),
    /// No policy set is in force in a stream any more.
    Retire(Ref),
    /// Bodies of a class are kept for so long.
    Retain(Retention),
    /// Bodies are held under an id.
    Place(SubjectId, Hold),
    /// A hold ends.
    Release(SubjectId),
    /// Bodies are erased.
    Erase(Erasure),
}

/// Whether one administrator is enough for a command, once there were two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    One,
    Two,
}

/// A command with everybody who stands behind it.
pub(super) struct Case<'a> {
    pub facts: &'a Facts<'a>,
    pub signer: KeyId,
    pub asker: Ref,
    pub governors: Governors,
    /// Where it stands.
    pub stated: Index,
    /// Where it would take effect.
    pub at: Index,
    /// When.
    pub now: Micros,
}

pub(super) type Ruling = Result<(Needs, Change), RefusalReason>;

impl Authority {
    pub(super) fn judge<E>(
        &self,
        case: &Case<'_>,
        standings: impl FnOnce(ErasedBodies<'_>) -> Result<Vec<Stood>, E>,
    ) -> Result<Ruling, E> {
        Ok(match &case.facts.detail {
            Detail::BodyErased(bodies) => {
                if let Err(reason) = self.governs(case) {
                    return Ok(Err(reason));
                }
                let judged = erasure::judge(case.stated, *bodies, (&self.keeping, case.now), || standings(*bodies))?;
                judged.map(|bodies| (Needs::Two, Change::Erase(Erasure { command: case.stated, bodies })))
            }
            Detail::KeyEnrolled(grant) => self.enroll(case, grant),
            Detail::KeyRotated { grant, replaces } => self.rotate(case, grant, replaces),
            Detail::KeyRevoked { key_id } => self.revoke(case, key_id),
            Detail::Principal(command) => self.principal(case, command),
            Detail::Policy(command) => self.policy(case, *command),
            Detail::Keeping(command) => self.keep(case, command),
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
            | Detail::ClockChecked { .. } => Err(RefusalReason::RequestUnknown),
        })
    }

    pub(super) fn governs(&self, case: &Case<'_>) -> Result<(), RefusalReason> {
        if self.is_administrator(case.asker) { Ok(()) } else { Err(RefusalReason::NotAdministrator) }
    }

    /// One administrator alone adds no key to a person with a role: nobody speaks for another unseen. Nor to a person
    /// whom others vouched for: the role could be taken before, and given back behind the key.
    fn may_add_key(&self, source: Ref) -> Result<(), RefusalReason> {
        let own = self.principals.get(source).is_some_and(|principal| {
            let alone = matches!(principal.bound_by, Governors::One(_) | Governors::BreakGlass(_));
            let vouched = principal.kind == ActorKind::Human && !alone;
            vouched || principal.roles != Roles::NONE
        });
        if own && !self.needs_two() { Err(RefusalReason::NotAdministrator) } else { Ok(()) }
    }

    fn enroll(&self, case: &Case<'_>, grant: &KeyGrant<'_>) -> Ruling {
        self.governs(case)?;
        if grant.source == self.keys.ledger_source() {
            return Err(RefusalReason::LedgerKey);
        }
        if self.principals.get(grant.source).is_some_and(|principal| !principal.is_enabled()) {
            return Err(RefusalReason::PrincipalDisabled);
        }
        self.may_add_key(grant.source)?;
        let key = self.keys.check_new(grant.key, grant.source)?;
        Ok((Needs::Two, Change::LetIn { key, source: grant.source, stated: case.stated, replaces: None }))
    }

    /// A holder rotates their own key alone; an administrator anybody's who has no role, and with a second one anybody's.
    fn rotate(&self, case: &Case<'_>, grant: &KeyGrant<'_>, replaces: &KeyId) -> Ruling {
        let old = self.keys.live(replaces)?;
        let own = case.signer == *replaces;
        if !own {
            self.governs(case)?;
            self.may_add_key(old.source)?;
        }
        if old.source != grant.source {
            return Err(RefusalReason::KeyUnknown);
        }
        let key = self.keys.check_new(grant.key, grant.source)?;
        let change = Change::LetIn { key, source: grant.source, stated: case.stated, replaces: Some(*replaces) };
        Ok((if own { Needs::One } else { Needs::Two }, change))
    }

    fn revoke(&self, case: &Case<'_>, key_id: &KeyId) -> Ruling {
        let target = self.keys.live(key_id)?;
        let own = case.signer == *key_id;
        if !own {
            self.governs(case)?;
        }
        let governed = |other: &(&KeyId, &Tenure)| other.0 != key_id && self.is_administrator(other.1.source);
        let others = self.administrators().any(|who| self.keys.live_of(who).any(|key| governed(&key)));
        if self.is_administrator(target.source) && !others {
            return Err(RefusalReason::LastAdministrator);
        }
        let alone = own || !self.is_guarded(target.source);
        Ok((if alone { Needs::One } else { Needs::Two }, Change::End(*key_id)))
    }

    /// Whether somebody governs or reviews: what is done to them by others needs two.
    fn is_guarded(&self, who: Ref) -> bool {
        self.principals.get(who).is_some_and(|principal| principal.roles.meets(Roles::HUMAN_ONLY))
    }

    fn principal(&self, case: &Case<'_>, command: &PrincipalCommand<'_>) -> Ruling {
        if let PrincipalCommand::Delegated { who, delegate } = command {
            return self.delegate(case, *who, *delegate);
        }
        self.governs(case)?;
        match command {
            PrincipalCommand::Bound(binding) => self.bind(case, binding),
            PrincipalCommand::Linked { who, account } => {
                self.human(*who)?;
                let known = self.principals.of_account(*account).is_some();
                if known {
                    Err(RefusalReason::PrincipalKnown)
                } else {
                    Ok((Needs::Two, Change::Link(who.who, *account)))
                }
            }
            PrincipalCommand::Disabled { who } => {
                self.enabled(*who)?;
                self.leaves_an_administrator(who.who)?;
                Ok((self.guard(who.who), Change::Disable(who.who)))
            }
            PrincipalCommand::Granted { who, roles } => {
                let principal = self.enabled(*who)?;
                self.may_hold(principal.kind, *roles, self.keys.live_of(who.who).next().is_some())?;
                Ok((Needs::Two, Change::Roles(who.who, principal.roles.with(*roles))))
            }
            PrincipalCommand::Revoked { who, roles } => {
                let principal = self.enabled(*who)?;
                if roles.meets(Roles::ADMINISTRATOR) {
                    self.leaves_an_administrator(who.who)?;
                }
                Ok((self.guard(who.who), Change::Roles(who.who, principal.roles.without(*roles))))
            }
            PrincipalCommand::Delegated { who, delegate } => self.delegate(case, *who, *delegate),
        }
    }

    fn guard(&self, who: Ref) -> Needs {
        if self.is_guarded(who) { Needs::Two } else { Needs::One }
    }

    /// Somebody must be left who can sign for the ledger's government.
    fn leaves_an_administrator(&self, without: Ref) -> Result<(), RefusalReason> {
        let others = self.administrators().any(|who| who != without);
        if self.is_administrator(without) && !others { Err(RefusalReason::LastAdministrator) } else { Ok(()) }
    }

    /// The principal as it stands, of the kind that the command says.
    fn enabled(&self, who: Actor) -> Result<&Principal, RefusalReason> {
        let principal = self.principals.get(who.who).filter(|principal| principal.kind == who.kind);
        let principal = principal.ok_or(RefusalReason::PrincipalUnknown)?;
        if principal.is_enabled() { Ok(principal) } else { Err(RefusalReason::PrincipalDisabled) }
    }

    fn human(&self, who: Actor) -> Result<&Principal, RefusalReason> {
        let principal = self.enabled(who)?;
        if principal.kind == ActorKind::Human { Ok(principal) } else { Err(RefusalReason::NonHuman) }
    }

    /// Only people govern and review, and whoever governs has a key to sign with.
    fn may_hold(&self, kind: ActorKind, roles: Roles, has_key: bool) -> Result<(), RefusalReason> {
        if roles.meets(Roles::HUMAN_ONLY) && kind != ActorKind::Human {
            return Err(RefusalReason::NonHuman);
        }
        if roles.meets(Roles::ADMINISTRATOR) && !has_key { Err(RefusalReason::KeyUnknown) } else { Ok(()) }
    }

    fn bind(&self, case: &Case<'_>, binding: &Binding<'_>) -> Ruling {
        let who = binding.who;
        if who.who == self.keys.ledger_source() {
            return Err(RefusalReason::LedgerKey);
        }
        if self.principals.get(who.who).is_some() {
            return Err(RefusalReason::PrincipalKnown);
        }
        // A key that was let in for this ref before would speak for a person whom nobody had vouched for.
        if self.keys.live_of(who.who).next().is_some() {
            return Err(RefusalReason::KeyKnown);
        }
        let person = |who: Ref| self.principals.get(who).is_some_and(Principal::is_person);
        let acts = matches!(who.kind, ActorKind::Agent | ActorKind::Service);
        if binding.responsible.map_or(acts, |responsible| !person(responsible)) {
            return Err(RefusalReason::ResponsibleMissing);
        }
        let team =
            |team: Ref| self.principals.get(team).is_some_and(|it| it.kind == ActorKind::Team && it.is_enabled());
        if !binding.teams().all(team) {
            return Err(RefusalReason::PrincipalUnknown);
        }
        let key = binding.key.map(|key| self.keys.check_new(key, who.who)).transpose()?;
        let roles = binding.roles.unwrap_or(Roles::NONE);
        self.may_hold(who.kind, roles, key.is_some())?;
        let principal = Principal {
            kind: who.kind,
            responsible: binding.responsible,
            roles,
            teams: binding.teams().collect(),
            accounts: Vec::new(),
            stated: case.stated,
            bound_at: case.at,
            bound_by: case.governors,
            disabled_at: None,
            delegate: None,
            glass_at: None,
        };
        Ok((Needs::Two, Change::Bind(who.who, Box::new(principal), key)))
    }

    /// People say themselves who decides in their place.
    fn delegate(&self, case: &Case<'_>, who: Actor, delegate: Option<Ref>) -> Ruling {
        if case.asker != who.who {
            return Err(RefusalReason::NotYours);
        }
        self.human(who)?;
        if let Some(other) = delegate {
            if other == who.who {
                return Err(RefusalReason::ConflictDelegate);
            }
            let kind = self.principals.get(other).ok_or(RefusalReason::PrincipalUnknown)?.kind;
            self.human(Actor { kind, who: other })?;
        }
        Ok((Needs::One, Change::Delegate(who.who, delegate)))
    }

    fn policy(&self, case: &Case<'_>, command: PolicyCommand) -> Ruling {
        self.governs(case)?;
        match command {
            PolicyCommand::Published { stream, policy } => {
                let published =
                    PublishedPolicy { policy, stated: case.stated, from: case.at, published_by: case.governors };
                Ok((Needs::Two, Change::Publish(stream, published)))
            }
            PolicyCommand::Retired { stream, policy } => match self.policies.get(stream) {
                Some(published) if published.policy == policy => Ok((Needs::Two, Change::Retire(stream))),
                Some(_) | None => Err(RefusalReason::PolicyInvalid),
            },
        }
    }

    /// Does what the rules let pass, at the index where it takes effect.
    pub(super) fn change(&mut self, effect: Effect, at: Index) {
        let about = self.subject(&effect.change);
        let lets_in = matches!(effect.change, Change::LetIn { .. });
        self.make(effect.change, at);
        if let Governors::BreakGlass(breaker) = effect.by {
            self.glass.note(at);
            if let Some(who) = about {
                let rekeyed = lets_in && who != breaker;
                Arc::make_mut(&mut self.principals).note_glass(who, at, rekeyed.then_some(breaker));
            }
        }
        self.count_administrators();
    }

    /// Whom a change is about: a source or a principal.
    fn subject(&self, change: &Change) -> Option<Ref> {
        match change {
            Change::LetIn { source: who, .. }
            | Change::Bind(who, ..)
            | Change::Link(who, _)
            | Change::Disable(who)
            | Change::Roles(who, _)
            | Change::Delegate(who, _) => Some(*who),
            Change::End(key) => self.keys.tenure(key).map(|tenure| tenure.source),
            Change::Publish(..) | Change::Retire(_) | Change::Erase(_) => None,
            Change::Retain(_) | Change::Place(..) | Change::Release(_) => None,
        }
    }

    fn make(&mut self, change: Change, at: Index) {
        match change {
            Change::LetIn { key, source, stated, replaces } => {
                let keys = Arc::make_mut(&mut self.keys);
                keys.let_in(key, source, stated, at);
                replaces.iter().for_each(|old| keys.end(old, at));
            }
            Change::End(key) => Arc::make_mut(&mut self.keys).end(&key, at),
            Change::Bind(who, principal, key) => {
                if let Some(key) = key {
                    Arc::make_mut(&mut self.keys).let_in(key, who, principal.stated, at);
                }
                Arc::make_mut(&mut self.principals).bind(who, *principal);
            }
            Change::Link(who, account) => Arc::make_mut(&mut self.principals).link(who, account),
            Change::Disable(who) => {
                let ended: Vec<KeyId> = self.keys.live_of(who).map(|(id, _)| *id).collect();
                let keys = Arc::make_mut(&mut self.keys);
                ended.iter().for_each(|id| keys.end(id, at));
                Arc::make_mut(&mut self.principals).disable(who, at);
            }
            Change::Roles(who, roles) => Arc::make_mut(&mut self.principals).set_roles(who, roles),
            Change::Delegate(who, delegate) => Arc::make_mut(&mut self.principals).delegate(who, delegate),
            Change::Publish(stream, policy) => Arc::make_mut(&mut self.policies).publish(stream, policy),
            Change::Retire(stream) => Arc::make_mut(&mut self.policies).retire(stream),
            Change::Retain(rule) => Arc::make_mut(&mut self.keeping).retain(rule),
            Change::Place(id, hold) => Arc::make_mut(&mut self.keeping).place(id, hold),
            Change::Release(id) => Arc::make_mut(&mut self.keeping).release(id),
            Change::Erase(_) => {}
        }
    }
}
