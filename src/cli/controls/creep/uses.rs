//! What agents did, taken from entries one by one. Memory grows with agents, action types, datasets, and 40 bytes for each
//! request.

use crate::cli::errors::Failure;
use crate::limits::CREEP_REQUESTS_MAX;
use deedbook_verify::detail::{Custody, Detail};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::{Facts, ObjectClass, Parent};
use deedbook_verify::hash::request_id;
use deedbook_verify::kind::{Author, Kind};
use deedbook_verify::replay::governs;
use deedbook_verify::words::{Index, KeyId, Micros, Ref, SubjectId};
use std::collections::{BTreeMap, HashMap};

/// How often something was used, and when last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// How often.
    pub count: u64,
    /// When last, by received time.
    pub last: Option<Micros>,
}

impl Use {
    fn hit(&mut self, at: Micros) {
        self.count = self.count.saturating_add(1);
        self.last = Some(at);
    }
}

/// What became of the requests of one action type.
#[derive(Clone, Copy, Debug, Default)]
pub struct ActionUse {
    /// Requests in the period.
    pub asked: u64,
    /// Grants in the period.
    pub granted: u64,
    /// Runs that were released in the period.
    pub ran: Use,
    /// The newest evaluation, also from before the period.
    pub evaluated: Option<Index>,
}

/// An agent or a service.
pub struct Agent {
    /// Which of the two.
    pub kind: String,
    /// What its binding calls it; empty where that was erased.
    pub id: String,
    /// Its roles.
    pub roles: BTreeMap<String, Use>,
    /// Its keys in force.
    pub keys: BTreeMap<KeyId, Use>,
    /// Action types that it asked for.
    pub actions: BTreeMap<String, ActionUse>,
    /// Datasets that it is said to have touched in the period.
    pub datasets: BTreeMap<Ref, Use>,
}

impl Agent {
    /// One that did nothing yet.
    pub fn new(kind: String, id: String, roles: BTreeMap<String, Use>, keys: BTreeMap<KeyId, Use>) -> Agent {
        Agent { kind, id, roles, keys, actions: BTreeMap::new(), datasets: BTreeMap::new() }
    }

    fn acted_as(&mut self, role: &str, at: Micros) {
        if let Some(used) = self.roles.get_mut(role) {
            used.hit(at);
        }
    }
}

/// All of them, and whose request is which.
#[derive(Default)]
pub struct Agents {
    /// By ref.
    pub by_ref: BTreeMap<Ref, Agent>,
    requests: HashMap<SubjectId, (Ref, String)>,
}

impl Agents {
    /// Takes an entry in; entries come in the order of the log.
    pub fn take_in(&mut self, index: Index, entry: &Entry<'_>, (from, until): (Micros, Micros)) -> Result<(), Failure> {
        let (facts, received) = (&entry.facts, entry.seal.received);
        let in_period = from <= received && received < until;
        if matches!(facts.kind, Kind::ActionSubmitted | Kind::BreakglassInvoked) {
            self.asked(facts, in_period)?;
        }
        if let Some(action) = facts.request_id.and_then(|request| self.action(request)) {
            if facts.kind == Kind::PolicyEvaluated {
                action.evaluated = Some(index);
            } else if facts.kind == Kind::GrantIssued {
                action.granted = action.granted.saturating_add(u64::from(in_period));
            } else if facts.kind == Kind::ExecutionStarted && in_period {
                action.ran.hit(received);
            }
        }
        if in_period {
            self.acted(entry, received);
        }
        Ok(())
    }

    fn asked(&mut self, facts: &Facts<'_>, in_period: bool) -> Result<(), Failure> {
        let (Some(actor), Some(action_type)) = (facts.actor, facts.action_type) else { return Ok(()) };
        let Some(agent) = self.by_ref.get_mut(&actor.who) else { return Ok(()) };
        if self.requests.len() >= CREEP_REQUESTS_MAX {
            let message = format!("the period holds more than {CREEP_REQUESTS_MAX} requests of agents");
            return Err(Failure::failed(message, "choose a shorter one"));
        }
        let asked = agent.actions.entry(action_type.as_str().to_owned()).or_default();
        asked.asked = asked.asked.saturating_add(u64::from(in_period));
        let own = request_id(&Parent { source: facts.source, event_id: facts.event_id });
        let request = facts.request_id.unwrap_or(own);
        self.requests.insert(request, (actor.who, action_type.as_str().to_owned()));
        Ok(())
    }

    fn action(&mut self, request: SubjectId) -> Option<&mut ActionUse> {
        let (who, action_type) = self.requests.get(&request)?;
        self.by_ref.get_mut(who)?.actions.get_mut(action_type)
    }

    /// What an entry of the period says of roles, keys and datasets.
    fn acted(&mut self, entry: &Entry<'_>, at: Micros) {
        let facts = &entry.facts;
        if let Some(agent) = self.by_ref.get_mut(&facts.source) {
            let signers = entry.seal.frame.iter().flat_map(|frame| frame.header.signers());
            for signer in signers {
                if let Some(used) = agent.keys.get_mut(&signer.key_id) {
                    used.hit(at);
                }
            }
            match facts.author() {
                Author::Witness => agent.acted_as("producer", at),
                Author::Asker if facts.kind == Kind::VoteCast => agent.acted_as("reviewer", at),
                Author::Asker if governs(facts) => agent.acted_as("administrator", at),
                Author::Asker | Author::Ledger => {}
            }
        }
        let Some(agent) = facts.actor.and_then(|actor| self.by_ref.get_mut(&actor.who)) else { return };
        if let Detail::Custody { custody, .. } = &facts.detail {
            match custody {
                Custody::Read(_) => agent.acted_as("auditor", at),
                Custody::Exported(_) => agent.acted_as("exporter", at),
                Custody::Verified(_) => {}
            }
        }
        if matches!(facts.kind, Kind::DataAccessed | Kind::ModelInvoked | Kind::ExecutionReported) {
            for object in
                facts.objects().filter(|it| matches!(it.class, ObjectClass::Dataset | ObjectClass::DatasetVersion))
            {
                agent.datasets.entry(object.what).or_default().hit(at);
            }
        }
    }
}
