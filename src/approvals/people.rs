//! The principals as the folds read them: a copy, indexed by what decisions ask, made anew whenever a principal changes.
//! Who is a principal, and who may say so, is decided by the verifier.

use deedbook_verify::detail::Roles;
use deedbook_verify::facts::ActorKind;
use deedbook_verify::principals::{Principal, Principals};
use deedbook_verify::words::Ref;
use std::collections::BTreeMap;

/// A principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Human, agent, service or team.
    pub kind: ActorKind,
    /// The person who answers for it.
    pub responsible: Option<Ref>,
    /// Its roles.
    pub roles: Roles,
    /// Its teams.
    pub teams: Vec<Ref>,
    /// Its accounts with channels.
    pub accounts: Vec<Ref>,
    /// Who bound it: nobody where genesis did, else one or two governors.
    pub bound_by: Vec<Ref>,
    /// Whether it was disabled.
    pub disabled: bool,
    /// Who decides in its place, if it said so.
    pub delegate: Option<Ref>,
}

/// All principals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    known: BTreeMap<Ref, Known>,
    /// Persons in force with the role reviewer.
    reviewers: Vec<Ref>,
    /// Persons who delegate, or whom one person alone bound.
    linked: Vec<Ref>,
    /// The persons of each account; honest ledgers know one.
    accounts: BTreeMap<Ref, Vec<Ref>>,
}

impl FromIterator<(Ref, Known)> for People {
    fn from_iter<I: IntoIterator<Item = (Ref, Known)>>(principals: I) -> People {
        let known: BTreeMap<Ref, Known> = principals.into_iter().collect();
        let mut people = People::default();
        for (who, principal) in &known {
            if principal.holds(Roles::REVIEWER) {
                people.reviewers.push(*who);
            }
            let alone = principal.bound_by.len() == 1;
            if principal.kind == ActorKind::Human && (principal.delegate.is_some() || alone) {
                people.linked.push(*who);
            }
            for account in &principal.accounts {
                people.accounts.entry(*account).or_default().push(*who);
            }
        }
        People { known, ..people }
    }
}

impl People {
    /// The principals as the verifier folded them.
    pub fn of(principals: &Principals) -> People {
        let known = |principal: &Principal| Known {
            kind: principal.kind,
            responsible: principal.responsible,
            roles: principal.roles,
            teams: principal.teams.clone(),
            accounts: principal.accounts.clone(),
            bound_by: principal.bound_by.persons().to_vec(),
            disabled: !principal.is_enabled(),
            delegate: principal.delegate,
        };
        principals.iter().map(|(who, principal)| (who, known(principal))).collect()
    }

    /// A principal, in force or not.
    pub fn get(&self, who: Ref) -> Option<&Known> {
        self.known.get(&who)
    }

    /// Persons in force with the role reviewer.
    pub fn reviewers(&self) -> impl Iterator<Item = (Ref, &Known)> {
        self.reviewers.iter().filter_map(|who| Some((*who, self.known.get(who)?)))
    }

    /// Persons who delegate, or whom one person alone bound.
    pub(super) fn linked(&self) -> impl Iterator<Item = (Ref, &Known)> {
        self.linked.iter().filter_map(|who| Some((*who, self.known.get(who)?)))
    }

    /// Whose account it is.
    pub(super) fn holders(&self, account: Ref) -> &[Ref] {
        self.accounts.get(&account).map_or(&[], Vec::as_slice)
    }
}

impl Known {
    /// Whether it is a person in force with a role.
    pub fn holds(&self, role: Roles) -> bool {
        self.kind == ActorKind::Human && !self.disabled && self.roles.has(role)
    }
}
