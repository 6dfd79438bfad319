//! Who there is and what governs: genesis, keys, principals, roles, policies, erasures. Each command is an action, which
//! a second administrator may have to agree to; what it brings into being is its effect.

use super::FoldError;
use super::key::NodeKey;
use super::known::Lookup;
use super::step::{Named, Step};
use crate::lineage::kinds::{EdgeKind, NodeKind};
use crate::lineage::words::NodeId;
use deedbook_verify::detail::{Detail, KeyGrant, PolicyCommand, PrincipalCommand};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Parent;
use deedbook_verify::hash::request_id;
use deedbook_verify::words::{Digest, KeyId, Ref};

impl<L: Lookup> Step<'_, L> {
    /// The first persons, the ledger as a source, and their keys.
    pub fn genesis(&mut self, entry: &Entry<'_>) -> Result<(), FoldError<L::Error>> {
        let Detail::Genesis(genesis) = &entry.facts.detail else { return Ok(()) };
        let ledger = self.name(NodeKey::new(NodeKind::Source, entry.facts.source.0))?;
        for key in [genesis.head_key, genesis.sequencer_key] {
            self.holds(ledger.id, key.id(), None)?;
        }
        for person in genesis.persons() {
            let who = self.name(NodeKey::new(NodeKind::Person, person.who.0))?;
            self.holds(who.id, person.key.id(), None)?;
        }
        Ok(())
    }

    /// A command that governs: the action, and what comes of it. Returns the action.
    pub fn governs(&mut self, entry: &Entry<'_>) -> Result<NodeId, FoldError<L::Error>> {
        let facts = &entry.facts;
        let asker = match facts.actor {
            Some(actor) => Some(self.name(NodeKey::actor(actor))?.id),
            None => self.known_party(facts.source)?.map(|party| party.id),
        };
        let signer = self.signer(self.fold.carry.signer)?;
        let id = request_id(&Parent { source: facts.source, event_id: facts.event_id });
        let action = self.name(NodeKey::action(id))?;
        if let Some(asker) = asker {
            self.caused_once(asker, action, EdgeKind::Proposed)?;
        }
        if let Some(signer) = signer {
            self.caused_once(signer, action, EdgeKind::Performed)?;
        }
        match &facts.detail {
            Detail::KeyEnrolled(grant) => self.enrolled(grant, action)?,
            Detail::KeyRotated { grant, replaces } => {
                let old = self.name(NodeKey::key(*replaces))?;
                self.enrolled(grant, action)?;
                let new = self.name(NodeKey::key(grant.key.id()))?;
                // Who holds the old key may have made the new one.
                self.caused_once(old.id, new, EdgeKind::Previous)?;
            }
            Detail::KeyRevoked { key_id } => self.ends(NodeKey::key(*key_id), action)?,
            Detail::Principal(command) => self.principal(command, action)?,
            Detail::Policy(command) => self.policy(*command, action)?,
            Detail::BodyErased(_)
            | Detail::None
            | Detail::Document(_)
            | Detail::Genesis(_)
            | Detail::Approval(_)
            | Detail::Step(_)
            | Detail::CommandRefused { .. }
            | Detail::Keeping(_)
            | Detail::HeartbeatPromised { .. }
            | Detail::SourceGap(_)
            | Detail::Custody { .. }
            | Detail::Oversight(_)
            | Detail::Imported { .. }
            | Detail::ClockChecked { .. } => {}
        }
        Ok(action.id)
    }

    fn enrolled(&mut self, grant: &KeyGrant<'_>, action: Named) -> Result<(), FoldError<L::Error>> {
        let owner = match self.known_party(grant.source)? {
            Some(owner) => owner,
            None => self.name_new(NodeKey::new(NodeKind::Source, grant.source.0))?,
        };
        self.holds(owner.id, grant.key.id(), Some(action))
    }

    /// Somebody holds a key, by an action if it was not so from the beginning.
    fn holds(&mut self, owner: NodeId, key: KeyId, by: Option<Named>) -> Result<(), FoldError<L::Error>> {
        let key = self.name(NodeKey::key(key))?;
        self.caused_once(owner, key, EdgeKind::OnBehalf)?;
        if let Some(action) = by {
            self.brings(action, key)?;
        }
        Ok(())
    }

    /// What an action is about: its effect if nobody named it before, else what it is done to.
    fn brings(&mut self, action: Named, what: Named) -> Result<(), FoldError<L::Error>> {
        if what.is_new {
            self.leads_once(action, what.id, EdgeKind::Generated)
        } else {
            self.caused_once(what.id, action, EdgeKind::OnBehalf).map(|_| ())
        }
    }

    fn ends(&mut self, what: NodeKey, action: Named) -> Result<(), FoldError<L::Error>> {
        match self.find(what)? {
            Some(known) => self.leads_once(action, known.id, EdgeKind::Revoked),
            None => Ok(()),
        }
    }

    fn principal(&mut self, command: &PrincipalCommand<'_>, action: Named) -> Result<(), FoldError<L::Error>> {
        let key = NodeKey::actor(command.who());
        match command {
            PrincipalCommand::Bound(binding) => {
                let answers = match binding.responsible {
                    Some(person) => Some(self.party(person)?.id),
                    None => None,
                };
                let who = self.name(key)?;
                self.brings(action, who)?;
                if let Some(person) = answers {
                    self.caused_once(person, who, EdgeKind::OnBehalf)?;
                }
                for team in binding.teams() {
                    let team = self.name(NodeKey::new(NodeKind::Team, team.0))?;
                    self.leads_once(who, team.id, EdgeKind::PartOf)?;
                }
                match binding.key {
                    Some(key) => self.holds(who.id, key.id(), Some(action)),
                    None => Ok(()),
                }
            }
            PrincipalCommand::Disabled { .. } => self.ends(key, action),
            PrincipalCommand::Delegated { delegate, .. } => {
                self.about(key, action)?;
                match delegate {
                    Some(Ref(person)) => self.about(NodeKey::new(NodeKind::Person, *person), action),
                    None => Ok(()),
                }
            }
            PrincipalCommand::Linked { .. } | PrincipalCommand::Granted { .. } | PrincipalCommand::Revoked { .. } => {
                self.about(key, action)
            }
        }
    }

    fn about(&mut self, who: NodeKey, action: Named) -> Result<(), FoldError<L::Error>> {
        let who = self.name(who)?;
        self.caused_once(who.id, action, EdgeKind::OnBehalf).map(|_| ())
    }

    fn policy(&mut self, command: PolicyCommand, action: Named) -> Result<(), FoldError<L::Error>> {
        match command {
            PolicyCommand::Published { stream, policy } => {
                let set = self.name(NodeKey::new(NodeKind::Policy, stream.0))?;
                let text = self.name(NodeKey::policy(policy))?;
                self.leads_once(text, set.id, EdgeKind::VersionOf)?;
                self.change(set.key, |known| known.latest = Some(text.id))?;
                self.brings(action, text)
            }
            PolicyCommand::Retired { policy: Digest(policy), .. } => self.ends(NodeKey::policy(Digest(policy)), action),
        }
    }
}
