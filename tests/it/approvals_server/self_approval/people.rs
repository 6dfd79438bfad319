//! Routes of people: roles, accounts, delegation, administration, break-glass.

use crate::approvals_server::cast::{Cast, Who, evidence, key_of, signature};
use crate::approvals_server::desk::Desk;
use deedbook::domain::account_ref;
use deedbook::ledger::Placement;
use deedbook::record::FactsBuilder;
use deedbook::record::binding::Binding;
use deedbook_verify::detail::{ReviewOutcome, Roles};
use deedbook_verify::facts::{Actor, ActorKind};
use deedbook_verify::kind::Kind;
use deedbook_verify::vote::{Decision, Evidence};
use deedbook_verify::words::{Ref, SubjectId};

impl Desk {
    fn no(&self, who: &str, id: SubjectId, reason: &str) {
        self.refused(who, self.vote(&self.cast.person(who), id, Decision::Approve), reason);
        assert!(self.seen(id).action.approval().is_none(), "{who}");
    }

    fn admin(&self, kind: Kind, who: &Who, roles: Roles) -> Placement {
        self.done(self.cast.about(&self.cast.person("adm"), kind, who, |facts| facts.roles(roles)))
    }

    fn delegates(&self, from: &str, to: Option<&str>) {
        let (who, to) = (self.cast.person(from), to.map(|to| self.cast.person(to).source));
        let frame = self.cast.about(&who, Kind::DelegationSet, &who, |facts| match to {
            Some(to) => facts.delegate(to),
            None => facts,
        });
        self.done(frame);
    }

    /// A source that is an account of somebody's, with a key that signs for it.
    fn account(&self, of: &str, name: &str) -> Who {
        let (adm, account) = (self.cast.person("adm"), account_ref(&self.cast.refs, "slack/T1", name).unwrap());
        self.done(self.cast.about(&adm, Kind::PrincipalLinked, &self.cast.person(of), |facts| linked(facts, account)));
        let who = Who { id: name.to_owned(), kind: ActorKind::Human, source: account, key: key_of(name) };
        self.done(self.cast.enrollment(&adm, &who.key, account));
        who
    }

    /// A source that is nobody's.
    pub fn gate(&self, name: &str) -> Who {
        let gate = self.cast.gateway(name);
        self.done(self.cast.enrollment(&self.cast.person("adm"), &gate.key, gate.source));
        gate
    }
}

fn linked(facts: FactsBuilder, account: Ref) -> FactsBuilder {
    facts.account(account).body("application/json", "{}".into())
}

fn export(cast: &Cast, actor: &Who) -> Binding {
    cast.wish(actor, "data.export", &[])
}

pub fn requester(desk: &Desk) {
    let alice = desk.cast.person("alice");
    let id = desk.submit(&alice, &export(&desk.cast, &alice));
    desk.no("alice", id, "CONFLICT_REQUESTER");
}

pub fn owner(desk: &Desk) {
    let id = desk.export();
    desk.no("alice", id, "CONFLICT_OWNER");
}

pub fn agent(desk: &Desk) {
    let (id, agent) = (desk.export(), desk.cast.agent("a1"));
    let as_person = Actor { kind: ActorKind::Human, who: agent.source };
    for actor in [agent.actor(), as_person] {
        let ballot = desk.cast.ballot(&desk.seen(id), Decision::Approve);
        let signed = signature(&agent, &ballot);
        let rests_on = evidence(&agent.key, &signed);
        desk.refused("agent", desk.cast.relayed(&agent, actor, &ballot, &rests_on, desk.head()), "NON_HUMAN");
    }
}

pub fn account(desk: &Desk) {
    let phone = desk.account("alice", "alice-phone");
    let id = desk.export();
    desk.refused("account", desk.vote(&phone, id, Decision::Approve), "PRINCIPAL_UNKNOWN");
    // It may send what alice signed, which is alice's vote.
    let alice = desk.cast.person("alice");
    let ballot = desk.cast.ballot(&desk.seen(id), Decision::Approve);
    let signed = signature(&alice, &ballot);
    let frame = desk.cast.relayed(&phone, alice.actor(), &ballot, &evidence(&alice.key, &signed), desk.head());
    desk.refused("sent by an account", frame, "CONFLICT_OWNER");
}

pub fn asked_by_account(desk: &Desk) {
    let phone = desk.account("bob", "bob-phone");
    let (_, frame) = desk.cast.submission(&phone, &export(&desk.cast, &desk.cast.agent("a1")), None);
    desk.refused("an account asks for another's agent", frame, "NOT_YOURS");
    let id = desk.submit(&phone, &export(&desk.cast, &desk.cast.person("bob")));
    desk.no("bob", id, "CONFLICT_REQUESTER");
    // Linked only after it asked: the people count as they stand when somebody votes.
    let gate = desk.gate("carol-laptop");
    let id = desk.submit(&gate, &export(&desk.cast, &desk.cast.agent("a1")));
    let link = |facts| linked(facts, gate.source);
    desk.done(desk.cast.about(&desk.cast.person("adm"), Kind::PrincipalLinked, &desk.cast.person("carol"), link));
    desk.no("carol", id, "CONFLICT_ACCOUNT");
}

/// Nobody puts a request in another's name, so that they alone could not decide it.
pub fn asked_for_others(desk: &Desk) {
    let cast = &desk.cast;
    let (bob, adm, agent) = (cast.person("bob"), cast.person("adm"), cast.agent("a1"));
    let other = cast.agent("second-of-alice");
    desk.done(cast.binding_of(&adm, &other, Roles::NONE, Some(&cast.person("alice"))));
    for (what, by, whom) in [
        ("a person for another", &bob, cast.person("carol")),
        ("a person for another's agent", &bob, cast.agent("a1")),
        ("an administrator for somebody's agent", &adm, cast.agent("a1")),
        ("an agent for a person", &agent, cast.person("carol")),
        ("an agent for the person who answers for it", &agent, cast.person("alice")),
        ("an agent for another of the same person's", &agent, cast.agent("second-of-alice")),
    ] {
        let (_, frame) = cast.submission(by, &export(cast, &whom), None);
        desk.refused(what, frame, "NOT_YOURS");
    }
    // Whoever answers for an agent asks for it, and a gateway for anybody; neither becomes able to decide by it.
    let id = desk.submit(&cast.person("alice"), &export(cast, &agent));
    desk.no("alice", id, "CONFLICT_OWNER");
    let id = desk.submit(&desk.gate("relay-of-anybody"), &export(cast, &agent));
    desk.no("alice", id, "CONFLICT_OWNER");
    assert!(desk.shown(id).contains("asked for it by\tsource "), "{}", desk.shown(id));
}

pub fn delegate(desk: &Desk) {
    desk.delegates("alice", Some("carol"));
    let id = desk.export();
    desk.no("carol", id, "CONFLICT_DELEGATE");
    desk.delegates("alice", None);
    // Frozen when it was opened.
    desk.no("carol", id, "CONFLICT_DELEGATE");
}

pub fn delegator(desk: &Desk) {
    let id = desk.export();
    desk.delegates("bob", Some("alice"));
    desk.no("bob", id, "CONFLICT_DELEGATE");
    desk.delegates("bob", None);
}

pub fn chain_of_delegates(desk: &Desk) {
    desk.delegates("bob", Some("carol"));
    desk.delegates("carol", Some("alice"));
    let id = desk.export();
    desk.no("bob", id, "CONFLICT_DELEGATE");
    desk.no("carol", id, "CONFLICT_DELEGATE");
    desk.delegates("bob", None);
    desk.delegates("carol", None);
}

pub fn on_behalf(desk: &Desk) {
    let (agent, bob) = (desk.cast.agent("a1"), desk.cast.person("bob"));
    let id = desk.submit(&agent, &desk.cast.wish(&agent, "data.export", &[&bob]));
    desk.no("bob", id, "CONFLICT_PRINCIPAL");
}

pub fn bound_alone(desk: &Desk) {
    let adm = desk.cast.person("adm");
    let id = desk.submit(&adm, &export(&desk.cast, &adm));
    for puppet in ["alice", "bob", "carol"] {
        desk.no(puppet, id, "CONFLICT_BINDER");
    }
    desk.no("adm", id, "CONFLICT_REQUESTER");
}

pub fn gateway(desk: &Desk) {
    let (gate, relay, adm) = (desk.gate("gate"), desk.cast.service("relay"), desk.cast.person("adm"));
    desk.done(desk.cast.binding_of(&adm, &relay, Roles::NONE, Some(&desk.cast.person("carol"))));
    let id = desk.export();
    let ballot = desk.cast.ballot(&desk.seen(id), Decision::Approve);
    for person in ["alice", "bob", "rita"] {
        let person = desk.cast.person(person);
        for by in [&gate, &relay, &desk.cast.agent("a1")] {
            let cast = |evidence: &Evidence<'_>| desk.cast.relayed(by, person.actor(), &ballot, evidence, desk.head());
            desk.refused("operator", cast(&Evidence::Operator), "EVIDENCE_NOT_BUILT");
            desk.refused("idp", cast(&Evidence::Idp), "EVIDENCE_NOT_BUILT");
            let signed = signature(by, &ballot);
            let own = evidence(&by.key, &signed);
            desk.refused("its own signature", cast(&own), "EVIDENCE_INVALID");
            let named = evidence(&person.key, &signed);
            desk.refused("its own signature as theirs", cast(&named), "EVIDENCE_INVALID");
        }
    }
    assert!(desk.seen(id).action.pending().is_some_and(|request| request.votes.is_empty()));
}

pub fn administrator(desk: &Desk) {
    let (cast, adm, rita) = (&desk.cast, desk.cast.person("adm"), desk.cast.person("rita"));
    desk.done(cast.binding_of(&adm, &cast.agent("a2"), Roles::NONE, Some(&adm)));
    let agent = cast.agent("a2");
    let id = desk.submit(&agent, &export(cast, &agent));
    desk.no("adm", id, "CONFLICT_OWNER");
    desk.admin(Kind::RoleGranted, &adm, Roles::REVIEWER);
    desk.no("adm", id, "CONFLICT_OWNER");
    // A person made up for the occasion.
    desk.done(cast.binding_of(&adm, &cast.person("puppet"), Roles::REVIEWER, None));
    desk.no("puppet", id, "CONFLICT_BINDER");
    // To speak as rita, whom genesis named: by another key, with and without her role, and by hers rotated.
    let other = key_of("other-key");
    let enroll = || cast.enrollment(&adm, &other, rita.source);
    desk.refused("a key for rita", enroll(), "NOT_ADMINISTRATOR");
    let rotation = cast.sign(
        &adm,
        cast.facts(Kind::KeyRotated).key_grant(other.public(), rita.source).subject_key_id(rita.key.public().id()),
    );
    desk.refused("rita's key rotated", rotation, "NOT_ADMINISTRATOR");
    desk.admin(Kind::RoleRevoked, &rita, Roles::REVIEWER);
    desk.refused("a key for rita without a role", enroll(), "NOT_ADMINISTRATOR");
    desk.admin(Kind::RoleGranted, &rita, Roles::REVIEWER);
    desk.refused("rita bound again", cast.binding_of(&adm, &rita, Roles::REVIEWER, None), "PRINCIPAL_KNOWN");
    let lend = cast.about(&adm, Kind::DelegationSet, &rita, |facts| facts.delegate(adm.source));
    desk.refused("rita lends to adm", lend, "NOT_YOURS");
    // To stop answering for the agent.
    let rebound = cast.binding_of(&adm, &agent, Roles::NONE, Some(&cast.person("bob")));
    desk.refused("another owner", rebound, "PRINCIPAL_KNOWN");
    desk.admin(Kind::RoleRevoked, &adm, Roles::REVIEWER);
    let end = cast.about(&adm, Kind::PrincipalDisabled, &adm, |facts| facts);
    desk.refused("the owner disabled", end, "LAST_ADMINISTRATOR");
    desk.no("adm", id, "CONFLICT_OWNER");
    assert!(desk.seen(id).action.pending().is_some_and(|request| request.votes.is_empty()));
}

pub fn broken_glass(desk: &Desk) {
    let (cast, bob, agent) = (&desk.cast, desk.cast.person("bob"), desk.cast.agent("a1"));
    desk.refused("an agent", cast.glass(&agent, &export(cast, &agent), None).1, "NON_HUMAN");
    let (id, frame) = cast.glass(&bob, &export(cast, &bob), None);
    desk.done(frame);
    let own = |who: &str, reason: &str| {
        desk.refused(who, cast.review(&cast.person(who), id, ReviewOutcome::Ratified), reason);
    };
    own("bob", "CONFLICT_REQUESTER");
    desk.delegates("carol", Some("bob"));
    own("carol", "CONFLICT_DELEGATE");
    desk.delegates("carol", None);
    own("adm", "NOT_ELIGIBLE");
    // Of a request that waits: neither whoever breaks it nor whoever asked reviews.
    let wish = export(cast, &agent);
    let pending = desk.submit(&agent, &wish);
    desk.done(cast.glass(&bob, &wish, Some(pending)).1);
    for (who, reason) in [("bob", "CONFLICT_REQUESTER"), ("alice", "CONFLICT_OWNER")] {
        desk.refused(who, cast.review(&cast.person(who), pending, ReviewOutcome::Ratified), reason);
    }
    let by_gate = Who { source: desk.gate("glass-gate").source, key: key_of("glass-gate"), ..cast.person("bob") };
    let (_, frame) = cast.glass(&by_gate, &export(cast, &bob), None);
    desk.refused("a gateway for bob", frame, "ASSURANCE_TOO_LOW");
    desk.done(cast.review(&cast.person("rita"), id, ReviewOutcome::Ratified));
    desk.refused("twice", cast.review(&cast.person("rita"), id, ReviewOutcome::Ratified), "POST_REVIEW_CLOSED");
    desk.done(cast.review(&cast.person("rita"), pending, ReviewOutcome::Repudiated));
}

pub fn superseded(desk: &Desk) {
    let (cast, agent, bob) = (&desk.cast, desk.cast.agent("a1"), desk.cast.person("bob"));
    let prior = desk.export();
    let gate = desk.gate("other-gate");
    let (_, frame) = cast.submission(&gate, &export(cast, &agent), Some(prior));
    desk.refused("a stranger", frame, "NOT_YOURS");
    assert!(desk.seen(prior).action.pending().is_some());
    // Who proposes something else instead may not agree to it, and frees nobody who asked before.
    let (id, frame) = cast.submission(&bob, &export(cast, &bob), Some(prior));
    desk.done(frame);
    desk.no("bob", id, "CONFLICT_REQUESTER");
    desk.no("alice", id, "CONFLICT_OWNER");
    desk.no("carol", prior, "TERMINAL");
}
