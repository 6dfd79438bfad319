//! Principals by index: people, agents, services and teams with their roles, teams, accounts and deputies, folded from
//! genesis and commands. Who may change them is decided by `governance`; this module only knows what follows.

use crate::detail::{Genesis, Roles};
use crate::facts::ActorKind;
use crate::words::{Index, Ref};
use std::collections::BTreeMap;

/// Who stands behind a change: whoever signed it, and whoever agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Governors {
    /// Genesis names it.
    Genesis,
    /// One administrator alone.
    One(Ref),
    /// One administrator alone, where it takes two and no other could agree or spoke.
    BreakGlass(Ref),
    /// The one who asked and the one who agreed.
    Two([Ref; 2]),
}

impl Governors {
    /// The persons.
    pub fn persons(&self) -> &[Ref] {
        match self {
            Governors::Genesis => &[],
            Governors::One(person) | Governors::BreakGlass(person) => std::slice::from_ref(person),
            Governors::Two(persons) => persons,
        }
    }

    /// The person who stands behind it alone, if one does.
    pub fn alone(&self) -> Option<Ref> {
        match self {
            Governors::One(person) | Governors::BreakGlass(person) => Some(*person),
            Governors::Genesis | Governors::Two(_) => None,
        }
    }
}

/// One principal as folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Human, agent, service or team.
    pub kind: ActorKind,
    /// The person who answers for it.
    pub responsible: Option<Ref>,
    /// Its roles.
    pub roles: Roles,
    /// The teams it belongs to, ascending.
    pub teams: Vec<Ref>,
    /// The accounts linked to it, in the order of the links.
    pub accounts: Vec<Ref>,
    /// The entry that names it: genesis or a command.
    pub stated: Index,
    /// The entry by which it is bound: the same, or the vote by which a second administrator agreed.
    pub bound_at: Index,
    /// Who bound it; where a key of theirs was let in by break-glass since, who let it in.
    pub bound_by: Governors,
    /// The entry that disabled it.
    pub disabled_at: Option<Index>,
    /// The person who decides in its place.
    pub delegate: Option<Ref>,
    /// The last entry by which something about it was changed by break-glass.
    pub glass_at: Option<Index>,
}

impl Principal {
    /// Whether it still acts.
    pub fn is_enabled(&self) -> bool {
        self.disabled_at.is_none()
    }

    /// Whether it is an enabled human.
    pub fn is_person(&self) -> bool {
        self.kind == ActorKind::Human && self.is_enabled()
    }

    /// Whether it is enabled and has the role.
    pub fn holds(&self, role: Roles) -> bool {
        self.is_enabled() && self.roles.has(role)
    }
}

/// Every principal that the ledger ever knew. A ref is bound once, and never again after it was disabled.
#[derive(Clone, Debug, Default)]
pub struct Principals {
    by_ref: BTreeMap<Ref, Principal>,
    accounts: BTreeMap<Ref, Ref>,
    revision: u64,
}

impl Principals {
    /// The persons of genesis, with their roles.
    pub fn from_genesis(genesis: &Genesis<'_>) -> Principals {
        let mut principals = Principals::default();
        for person in genesis.persons() {
            let founder = Principal {
                kind: ActorKind::Human,
                responsible: None,
                roles: person.roles,
                teams: Vec::new(),
                accounts: Vec::new(),
                stated: Index(0),
                bound_at: Index(0),
                bound_by: Governors::Genesis,
                disabled_at: None,
                delegate: None,
                glass_at: None,
            };
            // Two keys of one person are one person, with the roles of both.
            let known = principals.by_ref.entry(person.who).or_insert(founder);
            known.roles = known.roles.with(person.roles);
        }
        principals
    }

    /// One principal, disabled ones included.
    pub fn get(&self, who: Ref) -> Option<&Principal> {
        self.by_ref.get(&who)
    }

    /// The principal to whom an account is linked.
    pub fn of_account(&self, account: Ref) -> Option<Ref> {
        self.accounts.get(&account).copied()
    }

    /// All of them, by ref, disabled ones included.
    pub fn iter(&self) -> impl Iterator<Item = (Ref, &Principal)> {
        self.by_ref.iter().map(|(who, principal)| (*who, principal))
    }

    /// All from a ref on, in ascending order: the pages of a list.
    pub fn iter_from(&self, first: Ref) -> impl Iterator<Item = (Ref, &Principal)> {
        self.by_ref.range(first..).map(|(who, principal)| (*who, principal))
    }

    /// How many there are, disabled ones included.
    pub fn len(&self) -> usize {
        self.by_ref.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_ref.is_empty()
    }

    /// How many changes were folded: two states of one ledger are the same if their revisions are.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether somebody is an enabled human with the role.
    pub fn has_role(&self, who: Ref, role: Roles) -> bool {
        self.get(who).is_some_and(|principal| principal.is_person() && principal.roles.has(role))
    }

    /// The enabled humans with a role.
    pub fn with_role(&self, role: Roles) -> impl Iterator<Item = Ref> {
        self.iter().filter(move |(_, principal)| principal.is_person() && principal.roles.has(role)).map(|(who, _)| who)
    }

    /// The enabled principals of a team.
    pub fn members(&self, team: Ref) -> impl Iterator<Item = (Ref, &Principal)> {
        self.iter().filter(move |(_, principal)| principal.is_enabled() && principal.teams.contains(&team))
    }

    /// The person who alone stands behind somebody: whoever bound them alone, and so on up to genesis or two persons.
    pub fn origin(&self, who: Ref) -> Ref {
        let mut origin = who;
        for _ in 0..self.by_ref.len() {
            match self.bound_alone_by(origin) {
                Some(binder) => origin = binder,
                None => return origin,
            }
        }
        // Everybody is bound by somebody bound before, so only a key that was let in by break-glass closes a circle: all
        // on it are one person, known by the least of them.
        let (mut least, mut next) = (origin, self.bound_alone_by(origin));
        while let Some(other) = next.filter(|other| *other != origin) {
            least = least.min(other);
            next = self.bound_alone_by(other);
        }
        least
    }

    fn bound_alone_by(&self, who: Ref) -> Option<Ref> {
        self.get(who).and_then(|principal| principal.bound_by.alone()).filter(|binder| *binder != who)
    }

    /// Two governors, or one where the other was made up by the same person.
    pub(crate) fn governors(&self, asker: Ref, agreed: Option<Ref>) -> Governors {
        match agreed {
            None => Governors::One(asker),
            Some(other) if self.origin(asker) == self.origin(other) => Governors::One(self.origin(asker)),
            Some(other) => Governors::Two([asker, other]),
        }
    }

    pub(crate) fn bind(&mut self, who: Ref, principal: Principal) {
        self.by_ref.insert(who, principal);
        self.changed();
    }

    pub(crate) fn link(&mut self, who: Ref, account: Ref) {
        self.accounts.insert(account, who);
        self.change(who, |principal| principal.accounts.push(account));
    }

    pub(crate) fn disable(&mut self, who: Ref, at: Index) {
        self.change(who, |principal| principal.disabled_at = Some(at));
    }

    pub(crate) fn set_roles(&mut self, who: Ref, roles: Roles) {
        self.change(who, |principal| principal.roles = roles);
    }

    pub(crate) fn delegate(&mut self, who: Ref, delegate: Option<Ref>) {
        self.change(who, |principal| principal.delegate = delegate);
    }

    /// Something about somebody was changed by break-glass. Whoever lets a key in alone could hold it, so the person
    /// counts as bound by them from then on.
    pub(crate) fn note_glass(&mut self, who: Ref, at: Index, rekeyed_by: Option<Ref>) {
        self.change(who, |principal| {
            principal.glass_at = Some(at);
            if let Some(breaker) = rekeyed_by {
                principal.bound_by = Governors::BreakGlass(breaker);
            }
        });
    }

    fn change(&mut self, who: Ref, change: impl FnOnce(&mut Principal)) {
        if let Some(principal) = self.by_ref.get_mut(&who) {
            change(principal);
            self.changed();
        }
    }

    fn changed(&mut self) {
        self.revision = self.revision.saturating_add(1);
    }
}
