//! Principals for tests of the folds, as plain data that a test changes at will.

use deedbook::approvals;
use deedbook_verify::detail::Roles;
use deedbook_verify::facts::ActorKind;
use deedbook_verify::words::Ref;
use std::collections::BTreeMap;

pub const DATA: Ref = Ref([0xd0; 16]);
pub const SECURITY: Ref = Ref([0x5e; 16]);
pub const ONCALL: Ref = Ref([0x0c; 16]);

pub const ADA: Ref = Ref([0xa1; 16]);
pub const BEN: Ref = Ref([0xb1; 16]);
pub const CLEO: Ref = Ref([0xc1; 16]);
pub const DAN: Ref = Ref([0xd1; 16]);
pub const EVE: Ref = Ref([0xe1; 16]);
/// Answers for the agents; a reviewer too.
pub const OWNER: Ref = Ref([0x01; 16]);
pub const BOT: Ref = Ref([0xb0; 16]);
pub const BOT_TWO: Ref = Ref([0xb2; 16]);
/// A chat service that relays votes.
pub const CHAT: Ref = Ref([0xc4; 16]);
pub const BENS_ACCOUNT: Ref = Ref([0xbc; 16]);

/// One principal.
#[derive(Clone, Debug)]
pub struct Who {
    pub kind: ActorKind,
    pub responsible: Option<Ref>,
    pub reviewer: bool,
    pub administrator: bool,
    pub teams: Vec<Ref>,
    pub accounts: Vec<Ref>,
    pub bound_by: Vec<Ref>,
    pub disabled: bool,
    pub delegate: Option<Ref>,
}

#[derive(Clone, Debug, Default)]
pub struct People(pub BTreeMap<Ref, Who>);

impl People {
    /// Six reviewers in two teams, one of them the owner of two agents, and a chat service.
    pub fn house() -> People {
        let mut people = People::default();
        for (who, teams) in [
            (ADA, vec![DATA]),
            (BEN, vec![DATA]),
            (CLEO, vec![SECURITY]),
            (DAN, vec![DATA, SECURITY]),
            (EVE, vec![ONCALL]),
            (OWNER, vec![DATA, SECURITY]),
        ] {
            people.0.insert(who, Who { teams, reviewer: true, ..Who::new(ActorKind::Human) });
        }
        people.at(BEN).accounts = vec![BENS_ACCOUNT];
        for agent in [BOT, BOT_TWO] {
            people.0.insert(agent, Who { responsible: Some(OWNER), ..Who::new(ActorKind::Agent) });
        }
        people.0.insert(CHAT, Who { responsible: Some(EVE), ..Who::new(ActorKind::Service) });
        people
    }

    pub fn at(&mut self, who: Ref) -> &mut Who {
        self.0.get_mut(&who).unwrap()
    }

    pub fn known(&self) -> approvals::People {
        let all = self.0.iter().map(|(who, of)| {
            let (reviewer, administrator) = (of.reviewer.then_some(Roles::REVIEWER), of.administrator);
            let roles = reviewer.into_iter().chain(administrator.then_some(Roles::ADMINISTRATOR));
            let known = approvals::Known {
                kind: of.kind,
                responsible: of.responsible,
                roles: roles.fold(Roles::NONE, Roles::with),
                teams: of.teams.clone(),
                accounts: of.accounts.clone(),
                bound_by: of.bound_by.clone(),
                disabled: of.disabled,
                delegate: of.delegate,
            };
            (*who, known)
        });
        all.collect()
    }
}

impl Who {
    pub fn new(kind: ActorKind) -> Who {
        Who {
            kind,
            responsible: None,
            reviewer: false,
            administrator: false,
            teams: Vec::new(),
            accounts: Vec::new(),
            bound_by: Vec::new(),
            disabled: false,
            delegate: None,
        }
    }
}
