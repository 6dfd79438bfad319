//! What genesis and the commands that govern say: who there is, whose keys, which policies.

use super::key::NodeKey;
use super::kinds::{EdgeKind, NodeKind};
use super::said::{End, Said, asked_by};
use crate::detail::{Detail, Genesis, KeyGrant, PolicyCommand, PrincipalCommand};
use crate::facts::Facts;
use crate::words::{KeyId, Ref};

impl Said {
    pub(super) fn genesis(&mut self, facts: &Facts<'_>, genesis: &Genesis<'_>) {
        let ledger = NodeKey::new(NodeKind::Source, facts.source.0);
        for key in [genesis.head_key, genesis.sequencer_key] {
            self.is(EdgeKind::OnBehalf, ledger, NodeKey::key(key.id()));
        }
        for person in genesis.persons() {
            self.is(EdgeKind::OnBehalf, NodeKey::new(NodeKind::Person, person.who.0), NodeKey::key(person.key.id()));
        }
    }

    pub(super) fn governs(&mut self, facts: &Facts<'_>, signer: Option<KeyId>) {
        let action = NodeKey::action(asked_by(facts));
        let asker = facts.actor.map_or(End::Party(facts.source), |actor| End::Is(NodeKey::actor(actor)));
        self.add(EdgeKind::Proposed, asker, End::Is(action));
        self.signed(signer, action);
        match &facts.detail {
            Detail::KeyEnrolled(grant) => self.enrolled(grant, action),
            Detail::KeyRotated { grant, replaces } => {
                self.enrolled(grant, action);
                self.is(EdgeKind::Previous, NodeKey::key(*replaces), NodeKey::key(grant.key.id()));
            }
            Detail::KeyRevoked { key_id } => self.is(EdgeKind::Revoked, action, NodeKey::key(*key_id)),
            Detail::Principal(command) => self.principal(command, action),
            Detail::Policy(PolicyCommand::Published { stream, policy }) => {
                let text = NodeKey::policy(*policy);
                self.is(EdgeKind::VersionOf, text, NodeKey::new(NodeKind::Policy, stream.0));
                self.brings(action, text);
            }
            Detail::Policy(PolicyCommand::Retired { policy, .. }) => {
                self.is(EdgeKind::Revoked, action, NodeKey::policy(*policy));
            }
            Detail::BodyErased(_)
            | Detail::Imported { .. }
            | Detail::Document(_)
            | Detail::None
            | Detail::Genesis(_)
            | Detail::Approval(_)
            | Detail::Step(_)
            | Detail::CommandRefused { .. }
            | Detail::Keeping(_)
            | Detail::HeartbeatPromised { .. }
            | Detail::SourceGap(_)
            | Detail::Custody { .. }
            | Detail::Oversight(_)
            | Detail::ClockChecked { .. } => {}
        }
    }

    /// What an action is about: its effect if nobody named it before, else what it is done to.
    fn brings(&mut self, action: NodeKey, what: NodeKey) {
        self.is(EdgeKind::Generated, action, what);
        self.is(EdgeKind::OnBehalf, what, action);
    }

    fn enrolled(&mut self, grant: &KeyGrant<'_>, action: NodeKey) {
        let key = NodeKey::key(grant.key.id());
        self.add(EdgeKind::OnBehalf, End::Party(grant.source), End::Is(key));
        self.brings(action, key);
    }

    fn principal(&mut self, command: &PrincipalCommand<'_>, action: NodeKey) {
        let who = NodeKey::actor(command.who());
        match command {
            PrincipalCommand::Bound(binding) => {
                self.brings(action, who);
                if let Some(person) = binding.responsible {
                    self.add(EdgeKind::OnBehalf, End::Party(person), End::Is(who));
                }
                for team in binding.teams() {
                    self.is(EdgeKind::PartOf, who, NodeKey::new(NodeKind::Team, team.0));
                }
                if let Some(key) = binding.key {
                    let key = NodeKey::key(key.id());
                    self.is(EdgeKind::OnBehalf, who, key);
                    self.brings(action, key);
                }
            }
            PrincipalCommand::Disabled { .. } => self.is(EdgeKind::Revoked, action, who),
            PrincipalCommand::Delegated { delegate, .. } => {
                self.is(EdgeKind::OnBehalf, who, action);
                if let Some(Ref(person)) = delegate {
                    self.is(EdgeKind::OnBehalf, NodeKey::new(NodeKind::Person, *person), action);
                }
            }
            PrincipalCommand::Linked { .. } | PrincipalCommand::Granted { .. } | PrincipalCommand::Revoked { .. } => {
                self.is(EdgeKind::OnBehalf, who, action);
            }
        }
    }
}
