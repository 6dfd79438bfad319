//! What actions add, from a real ledger's log: who asked and decided, what released what ran, and how each run was gated,
//! as of each position.

use super::graph::{Graph, ends};
use crate::approvals_server::cast::Who;
use crate::approvals_server::desk::Desk;
use crate::approvals_server::fold;
use deedbook::domain::{DatasetText, dataset_ref, version_ref};
use deedbook::lineage::fold::NodeKey;
use deedbook::lineage::{EdgeKind, NodeKind};
use deedbook_verify::detail::{ReviewOutcome, Roles};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::{Facts, ObjectRole, Outcome, Parent};
use deedbook_verify::hash::derived_event_id;
use deedbook_verify::kind::Kind;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::{Ref, SubjectId};

fn log_of(desk: &Desk) -> Vec<Vec<u8>> {
    fold::entries(desk.world.store.as_ref())
}

fn graph_of(desk: &Desk) -> Graph {
    let graph = Graph::of(&log_of(desk));
    graph.edges();
    graph
}

fn who(of: &Who) -> NodeKey {
    NodeKey::actor(of.actor())
}

fn key(of: &Who) -> NodeKey {
    NodeKey::key(of.key.public().id())
}

/// The runs that the ledger started, by the ids of their events.
fn started(desk: &Desk) -> Vec<NodeKey> {
    let log = log_of(desk);
    let entries = log.iter().map(|bytes| Entry::parse(bytes).unwrap());
    let started = entries.filter(|entry| entry.facts.kind == Kind::ExecutionStarted);
    started.map(|entry| NodeKey::new(NodeKind::Run, entry.facts.event_id.0)).collect()
}

fn vote(desk: &Desk, id: SubjectId, at: usize) -> NodeKey {
    let action = desk.seen(id).action;
    let log = log_of(desk);
    let entries = log.iter().map(|bytes| Entry::parse(bytes).unwrap());
    let votes = entries.filter(|entry| entry.facts.kind == Kind::VoteCast && entry.facts.request_id == Some(id));
    NodeKey::vote(action.stream, votes.map(|entry| entry.seal.revision.unwrap()).nth(at).unwrap())
}

#[test]
fn an_export_that_people_approved() {
    let desk = Desk::set();
    let (cast, agent, bob) = (&desk.cast, desk.cast.agent("a1"), desk.cast.person("bob"));
    let id = desk.export();
    let asked = log_of(&desk).len();
    desk.refused("alice answers for it", desk.vote(&cast.person("alice"), id, Decision::Approve), "CONFLICT_OWNER");
    assert_eq!(
        Graph::of(&log_of(&desk)).delta,
        Graph::of(&log_of(&desk)[..asked]).delta,
        "a refused vote adds nothing"
    );
    desk.done(desk.vote(&bob, id, Decision::Approve));
    desk.done(desk.redemption(&agent, id));
    let running = log_of(&desk).len();
    desk.done(cast.report(&agent, &desk.seen(id), Outcome::Succeeded));
    let graph = graph_of(&desk);

    let (action, approval, run) = (NodeKey::action(id), NodeKey::approval(id), started(&desk)[0]);
    let customers = dataset_ref(&cast.refs, "", "customers").unwrap();
    let version = version_ref(&cast.refs, "dataset_version", customers, "v42").unwrap();
    assert_eq!(
        graph.causes(EdgeKind::Proposed, action),
        [who(&agent), NodeKey::new(NodeKind::DatasetVersion, version.0)]
    );
    assert_eq!(graph.causes(EdgeKind::Performed, action), [key(&agent)]);
    assert_eq!(graph.causes(EdgeKind::PlannedBy, action).len(), 1);
    assert_eq!(graph.effects(EdgeKind::Reviewed, action), [approval, vote(&desk, id, 1)]);
    assert_eq!(graph.causes(EdgeKind::Decided, vote(&desk, id, 1)), [who(&bob)]);
    assert_eq!(graph.causes(EdgeKind::Performed, vote(&desk, id, 1)), [key(&bob)]);
    assert_eq!(graph.causes(EdgeKind::Authorized, approval), [vote(&desk, id, 1)]);
    assert_eq!(graph.causes(EdgeKind::Authorized, run), [approval]);
    assert_eq!(graph.causes(EdgeKind::Realised, run), [action]);
    assert_eq!(graph.causes(EdgeKind::Performed, run), [who(&agent), key(&agent)]);
    assert_eq!(graph.causes(EdgeKind::PlannedBy, run), graph.causes(EdgeKind::PlannedBy, action));
    assert_eq!(graph.effects(EdgeKind::Generated, run), [NodeKey::new(NodeKind::Outcome, run.id)]);
    assert_eq!(graph.gate(run), ["approved_human"]);
    assert_eq!(graph.as_of(running as u64).nodes.len(), graph.delta.nodes.len() - 1, "the outcome alone came later");
}

#[test]
fn an_action_that_policy_allows_and_one_that_it_blocks() {
    let desk = Desk::set();
    let (cast, agent) = (&desk.cast, desk.cast.agent("a1"));
    let allowed = desk.submit(&agent, &cast.wish(&agent, "data.read", &[]));
    desk.done(desk.redemption(&agent, allowed));
    let graph = graph_of(&desk);
    let (approval, run) = (NodeKey::approval(allowed), started(&desk)[0]);
    assert_eq!(graph.causes(EdgeKind::PlannedBy, approval), graph.causes(EdgeKind::PlannedBy, run));
    assert_eq!(graph.gate(run), ["approved_auto", "not_required"]);
    let unknown = desk.submit(&agent, &cast.wish(&agent, "reactor.melt", &[]));
    let graph = graph_of(&desk);
    assert_eq!(graph.effects(EdgeKind::Reviewed, NodeKey::action(unknown)), [NodeKey::approval(unknown)]);
    assert!(graph.gate(NodeKey::approval(unknown)).is_empty());
}

#[test]
fn a_grant_that_was_revoked_and_what_ran_all_the_same() {
    let desk = Desk::set();
    let (cast, agent, adm) = (&desk.cast, desk.cast.agent("a1"), desk.cast.person("adm"));
    let id = desk.export();
    desk.done(desk.vote(&cast.person("bob"), id, Decision::Approve));
    let approved = log_of(&desk).len();
    desk.done(cast.revocation(&adm, &desk.seen(id)));
    desk.done(cast.report(&agent, &desk.seen(id), Outcome::Succeeded));
    let graph = graph_of(&desk);
    let (action, approval) = (NodeKey::action(id), NodeKey::approval(id));
    assert_eq!(graph.causes(EdgeKind::Revoked, approval), [who(&adm)]);
    assert_eq!(graph.gate(approval), ["approved_human", "revoked_before"]);
    assert_eq!(graph.gate_before(approval, approved as u64), ["approved_human"], "what was approved then stays so");
    let run = graph.effects(EdgeKind::Realised, action)[0];
    assert_eq!(graph.gate(run), ["revoked_before", "missing"]);
    assert!(graph.causes(EdgeKind::Authorized, run).is_empty());
}

/// Whoever calls a stream as a run that a grant released speaks of a run of their own, that nobody approved.
#[test]
fn nobody_else_speaks_of_a_run_that_a_grant_released() {
    let desk = Desk::set();
    let (cast, agent, adm) = (&desk.cast, desk.cast.agent("a1"), desk.cast.person("adm"));
    let gateway = cast.gateway("pipelines");
    desk.done(cast.enrollment(&adm, &gateway.key, gateway.source));
    let writes = |stream: Ref, name: &str| {
        let output = DatasetText::parse(name).objects(ObjectRole::Output, &cast.refs).unwrap();
        cast.sign(&gateway, cast.facts(Kind::DataAccessed).stream(stream).objects(&output))
    };
    let approved = || {
        let id = desk.export();
        desk.done(desk.vote(&cast.person("bob"), id, Decision::Approve));
        id
    };
    let version = |name: &str| {
        let object = DatasetText::parse(name).objects(ObjectRole::Output, &cast.refs).unwrap()[1];
        NodeKey::object(object.class, object.what)
    };
    desk.done(desk.redemption(&agent, approved()));
    let run = started(&desk)[0];
    desk.done(writes(Ref(run.id), "forged@1"));
    let graph = graph_of(&desk);
    let by = graph.causes(EdgeKind::Generated, version("forged@1"));
    assert!(by.len() == 1 && by[0].kind == NodeKind::Run && by[0] != run, "{by:?}");
    assert!(graph.effects(EdgeKind::Generated, run).is_empty() && graph.gate(by[0]).is_empty());
    assert_eq!(graph.gate(run), ["approved_human"]);
    // Spoken of in advance, by somebody who knew how the agent would number its redemption: then it does not count as approved.
    let redemption = desk.redemption(&agent, approved());
    let asked = Facts::parse(&redemption.events[0].facts).unwrap();
    let parent = Parent { source: asked.source, event_id: asked.event_id };
    for ordinal in 0..8 {
        desk.done(writes(Ref(derived_event_id(&parent, ordinal).0), "early@1"));
    }
    desk.done(redemption);
    let graph = graph_of(&desk);
    assert_eq!(graph.gate(started(&desk)[1]), ["approved_human", "mismatch"]);
    desk.judge();
}

#[test]
fn a_run_keeps_what_held_when_it_began() {
    let desk = Desk::set();
    let (cast, agent) = (&desk.cast, desk.cast.agent("a1"));
    let id = desk.export();
    desk.done(desk.vote(&cast.person("bob"), id, Decision::Approve));
    desk.done(desk.redemption(&agent, id));
    let other = desk.export();
    desk.done(desk.vote(&cast.person("bob"), other, Decision::Approve));
    desk.done(cast.cancellation(&agent, other));
    let graph = graph_of(&desk);
    assert_eq!(graph.gate(started(&desk)[0]), ["approved_human"]);
    assert_eq!(graph.gate(NodeKey::approval(other)), ["approved_human", "revoked_before"]);
    assert_eq!(graph.causes(EdgeKind::Revoked, NodeKey::approval(other)), [who(&agent)]);
}

#[test]
fn a_grant_that_expired() {
    let desk = Desk::set();
    let id = desk.export();
    desk.done(desk.vote(&desk.cast.person("bob"), id, Decision::Approve));
    desk.pass(40 * 24 * 3_600 * 1_000_000);
    desk.until(id, |seen| seen.action.grant.is_some_and(|grant| !grant.is_issued()));
    let graph = graph_of(&desk);
    assert_eq!(graph.gate(NodeKey::approval(id)), ["approved_human", "expired"]);
    assert!(graph.causes(EdgeKind::Revoked, NodeKey::approval(id)).is_empty(), "time ended it, and nobody");
}

#[test]
fn break_glass_and_what_was_said_of_it() {
    let desk = Desk::set();
    let (cast, bob, carol) = (&desk.cast, desk.cast.person("bob"), desk.cast.person("carol"));
    let (id, frame) = cast.glass(&bob, &cast.wish(&bob, "data.export", &[]), None);
    desk.done(frame);
    desk.done(desk.redemption(&bob, id));
    let pending = desk.export();
    let (_, frame) = cast.glass(&carol, &binding_of(&desk, pending), Some(pending));
    desk.done(frame);
    desk.done(cast.review(&carol, id, ReviewOutcome::Repudiated));
    let graph = graph_of(&desk);
    let approval = NodeKey::approval(id);
    assert_eq!(graph.causes(EdgeKind::Decided, approval), [who(&bob)]);
    assert_eq!(graph.gate(started(&desk)[0]), ["break_glass"]);
    assert_eq!(graph.causes(EdgeKind::Authorized, started(&desk)[0]), [approval]);
    let review = graph.causes(EdgeKind::Revoked, approval)[0];
    assert_eq!((review.kind, graph.causes(EdgeKind::Decided, review)), (NodeKind::Vote, vec![who(&carol)]));
    assert_eq!(graph.causes(EdgeKind::Decided, NodeKey::approval(pending)), [who(&carol)]);
    assert_eq!(graph.gate(NodeKey::approval(pending)), ["break_glass"]);
}

/// The binding that an action states, from its body.
fn binding_of(desk: &Desk, id: SubjectId) -> deedbook::record::binding::Binding {
    let index = desk.seen(id).action.origin.index;
    let stored = desk.ledger.reader().event(index, deedbook::ledger::Bodies::With).unwrap();
    let deedbook::ledger::StoredBody::Opened { body, .. } = stored.body else { panic!("its body was erased") };
    deedbook::record::binding::Binding::from_bytes(&body).unwrap()
}

#[test]
fn who_denies_supersedes_and_votes_in_vain() {
    let desk = Desk::set();
    let (cast, agent) = (&desk.cast, desk.cast.agent("a1"));
    let (bob, carol) = (cast.person("bob"), cast.person("carol"));
    let old = desk.export();
    let (new, frame) = cast.submission(&agent, &cast.wish(&agent, "data.export", &[]), Some(old));
    desk.done(frame);
    desk.done(desk.vote(&bob, new, Decision::Abstain));
    desk.done(desk.vote(&carol, new, Decision::Deny));
    let graph = graph_of(&desk);
    assert_eq!(graph.causes(EdgeKind::Superseded, NodeKey::action(new)), [NodeKey::action(old)]);
    assert_eq!(
        graph.causes(EdgeKind::Authorized, NodeKey::approval(new)),
        [vote(&desk, new, 1)],
        "the vote that decided"
    );
    let reviewed = [NodeKey::approval(new), vote(&desk, new, 0), vote(&desk, new, 1)];
    assert_eq!(graph.effects(EdgeKind::Reviewed, NodeKey::action(new)), reviewed);
    assert!(graph.gate(NodeKey::approval(new)).is_empty() && graph.gate(NodeKey::approval(old)).is_empty());
}

#[test]
fn who_there_is_and_by_whose_word() {
    let desk = Desk::set();
    let cast = &desk.cast;
    let (adm, alice, gateway) = (cast.person("adm"), cast.person("alice"), cast.gateway("gate"));
    let placed = desk.done(cast.enrollment(&adm, &gateway.key, gateway.source));
    let other = cast.person("other-key").key;
    let rotation = cast.facts(Kind::KeyRotated).key_grant(other.public(), gateway.source);
    desk.done(cast.sign(&adm, rotation.subject_key_id(gateway.key.public().id())));
    desk.done(cast.sign(&adm, cast.facts(Kind::KeyRevoked).subject_key_id(other.public().id())));
    desk.done(cast.about(&adm, Kind::RoleGranted, &alice, |facts| facts.roles(Roles::AUDITOR)));
    desk.done(cast.about(&adm, Kind::PrincipalDisabled, &cast.agent("a1"), |facts| facts));
    desk.done(cast.publication(&adm, "@id(\"all\") permit (principal, action, resource);"));
    let graph = graph_of(&desk);
    let source = NodeKey::new(NodeKind::Source, gateway.source.0);
    assert_eq!(graph.causes(EdgeKind::OnBehalf, key(&gateway)), [source]);
    let actions = graph.nodes(NodeKind::Action);
    let enrollment = actions[actions.len() - 6];
    assert_eq!(graph.effects(EdgeKind::Generated, enrollment), [key(&gateway)]);
    assert_eq!(
        (graph.causes(EdgeKind::Proposed, enrollment), graph.causes(EdgeKind::Performed, enrollment)),
        (vec![who(&adm)], vec![key(&adm)])
    );
    let next = NodeKey::key(other.public().id());
    assert_eq!(graph.causes(EdgeKind::Previous, next), [key(&gateway)]);
    assert_eq!(graph.causes(EdgeKind::Revoked, next).len(), 1);
    assert_eq!(graph.causes(EdgeKind::OnBehalf, who(&cast.agent("a1"))), [who(&alice)]);
    assert_eq!(graph.causes(EdgeKind::Revoked, who(&cast.agent("a1"))).len(), 1);
    assert_eq!(
        graph.effects(EdgeKind::VersionOf, graph.nodes(NodeKind::PolicyVersion)[0]),
        graph.nodes(NodeKind::Policy)
    );
    let log = log_of(&desk);
    assert_eq!(ends(&log).len(), log.len() + 1, "nothing was refused");
    let named = Parent {
        source: adm.source,
        event_id: Entry::parse(&log[usize::try_from(placed.first_index.0).unwrap()]).unwrap().facts.event_id,
    };
    assert_eq!(enrollment, NodeKey::action(deedbook_verify::hash::request_id(&named)));
}
