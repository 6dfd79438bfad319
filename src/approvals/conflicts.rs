//! Who may not approve an action: everybody who asked for it, answers for it or gains from it, whoever such a person
//! lent their decision to or borrowed one from, and whoever such a person alone let in. No role is exempt.

use crate::approvals::action::Action;
use crate::approvals::people::People;
use deedbook_verify::detail::{Conflict, ConflictReason, RefusalReason};
use deedbook_verify::facts::{Actor, ActorKind};
use deedbook_verify::words::Ref;
use std::collections::BTreeMap;

/// Whom a command names.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a> {
    /// The source that signed it.
    pub source: Ref,
    /// Who acts.
    pub actor: Actor,
    /// Who answers for the actor, as the command states it.
    pub responsible: Option<Ref>,
    /// For whom, in order.
    pub on_behalf_of: &'a [Ref],
}

/// Persons in conflict, each with the first reason that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConflictSet(BTreeMap<Ref, ConflictReason>);

impl ConflictSet {
    /// Why this person may not approve; none: they may.
    pub fn reason(&self, person: Ref) -> Option<ConflictReason> {
        self.0.get(&person).copied()
    }

    /// The same, as the answer to whoever tries.
    pub fn refusal(&self, person: Ref) -> Option<RefusalReason> {
        self.reason(person).map(|reason| match reason {
            ConflictReason::Requester => RefusalReason::ConflictRequester,
            ConflictReason::Owner => RefusalReason::ConflictOwner,
            ConflictReason::Principal => RefusalReason::ConflictPrincipal,
            ConflictReason::Delegate => RefusalReason::ConflictDelegate,
            ConflictReason::Binder => RefusalReason::ConflictBinder,
            ConflictReason::Account => RefusalReason::ConflictAccount,
        })
    }

    /// By person, ascending.
    pub fn to_list(&self) -> Vec<Conflict> {
        self.0.iter().map(|(person, reason)| Conflict { person: *person, reason: *reason }).collect()
    }

    /// The set of an action, as the principals stand now, on top of what was frozen when its request was opened.
    pub fn of(action: &Action, people: &People) -> ConflictSet {
        let mut set = ConflictSet::default();
        if let Some(review) = action.post_review {
            set.add(review.invoker, ConflictReason::Requester);
        }
        set.add_frozen(action);
        set.add_chain(action.origin.chain(), people);
        set.close(people);
        set
    }

    /// The set of an action that is being submitted. Whoever the superseded one held is in it too: whoever edits a
    /// proposal does not free its first author.
    pub fn of_submission(chain: Chain<'_>, superseded: Option<&Action>, people: &People) -> ConflictSet {
        let mut set = ConflictSet::default();
        set.add_chain(chain, people);
        if let Some(superseded) = superseded {
            set.add_frozen(superseded);
            set.add_chain(superseded.origin.chain(), people);
        }
        set.close(people);
        set
    }

    /// Everybody that the command names, or that stands behind whom it names.
    fn add_chain(&mut self, chain: Chain<'_>, people: &People) {
        self.add_party(chain.actor.who, ConflictReason::Requester, people);
        // A source that is nobody's is a gateway, not a person; one that is somebody's account speaks for them.
        match people.get(chain.source) {
            Some(_) => self.add_party(chain.source, ConflictReason::Requester, people),
            None => self.add_holders(chain.source, people),
        }
        if let Some(responsible) = chain.responsible {
            self.add(responsible, ConflictReason::Owner);
        }
        for whom in chain.on_behalf_of {
            self.add_party(*whom, ConflictReason::Principal, people);
        }
    }

    fn add_frozen(&mut self, action: &Action) {
        for conflict in action.request.iter().flat_map(|request| &request.conflicts) {
            self.add(conflict.person, conflict.reason);
        }
    }

    fn add(&mut self, person: Ref, reason: ConflictReason) -> bool {
        let before = self.0.len();
        self.0.entry(person).or_insert(reason);
        self.0.len() > before
    }

    /// Adds who stands behind a ref of the chain: a person themselves, the person who answers for an agent or a
    /// service, the person whose account it is. A ref that nobody is bound to is taken for a person.
    fn add_party(&mut self, who: Ref, as_person: ConflictReason, people: &People) {
        match people.get(who) {
            Some(principal) if principal.kind == ActorKind::Human => {
                self.add(who, as_person);
            }
            Some(principal) => {
                if let Some(person) = principal.responsible {
                    self.add(person, ConflictReason::Owner);
                }
            }
            None => {
                self.add(who, as_person);
                self.add_holders(who, people);
            }
        }
    }

    /// Adds the persons whose account it is.
    fn add_holders(&mut self, account: Ref, people: &People) {
        for person in people.holders(account) {
            self.add(*person, ConflictReason::Account);
        }
    }

    /// Follows delegation both ways, and single-handed binding, until nobody is added. Each round adds somebody or is
    /// the last.
    fn close(&mut self, people: &People) {
        loop {
            let mut grew = false;
            for (person, known) in people.linked() {
                let held = self.0.contains_key(&person);
                if let Some(delegate) = known.delegate {
                    if held {
                        grew |= self.add(delegate, ConflictReason::Delegate);
                    } else if self.0.contains_key(&delegate) {
                        grew |= self.add(person, ConflictReason::Delegate);
                    }
                }
                if let [binder] = known.bound_by.as_slice()
                    && self.0.contains_key(binder)
                {
                    grew |= self.add(person, ConflictReason::Binder);
                }
            }
            if !grew {
                return;
            }
        }
    }
}
