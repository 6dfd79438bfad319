//! The small trace that the fold keeps of actions, held against the fold of approvals: whatever people, agents, policies and
//! time did at random, both tell the same of every run and every grant.

use super::graph::Graph;
use super::positions::check_positions;
use crate::approvals_server::fold::fold;
use crate::approvals_server::rows::random_log;
use crate::support::{cases, parallel, scaled};
use deedbook::approvals::{Action, ExecutionState, GrantState, Resolution};
use deedbook::lineage::fold::NodeKey;
use deedbook::lineage::{EdgeKind, NodeKind};
use deedbook_verify::words::{EventId, SubjectId};

fn run_node(id: EventId) -> NodeKey {
    NodeKey::new(NodeKind::Run, id.0)
}

/// What released a run, as approvals tell it.
fn released_by(action: &Action) -> &'static [&'static str] {
    match action.request.as_ref().and_then(|request| request.resolution()) {
        None => &["approved_auto", "not_required"],
        Some(Resolution::Approved(_)) => &["approved_human"],
        Some(Resolution::BreakGlass) => &["break_glass"],
        Some(other) => panic!("{other:?} released it"),
    }
}

fn check(graph: &Graph, id: SubjectId, action: &Action) {
    let (node, approval) = (NodeKey::action(id), NodeKey::approval(id));
    for run in &action.executions {
        let key = run_node(run.id);
        assert_eq!(graph.causes(EdgeKind::Realised, key), [node]);
        assert_eq!(graph.gate(key), released_by(action));
        assert_eq!(graph.causes(EdgeKind::Authorized, key), [approval]);
        let outcome = NodeKey::new(NodeKind::Outcome, key.id);
        let has_ended = graph.effects(EdgeKind::Generated, key).contains(&outcome);
        assert_eq!(has_ended, matches!(run.state, ExecutionState::Succeeded | ExecutionState::Failed), "{run:?}");
    }
    let state = action.grant.map(|grant| grant.state);
    let gate = graph.gate(approval);
    assert_eq!(gate.contains(&"revoked_before"), state == Some(GrantState::Revoked));
    assert_eq!(gate.contains(&"expired"), state == Some(GrantState::Expired));
    assert!(!gate.contains(&"self_approved"), "no rule lets it pass");
    if let Some(votes) = action.approval() {
        assert_eq!(graph.causes(EdgeKind::Authorized, approval).len(), votes.len());
    }
}

#[test]
fn both_folds_tell_the_same_of_every_action() {
    let runs = scaled(6);
    let counts = parallel::run("lineage against approvals", runs, |_, rng| {
        let log = random_log(rng, 60);
        let (graph, actions) = (Graph::of(&log), fold(&log));
        graph.edges();
        actions.iter().for_each(|(id, action)| check(&graph, *id, action));
        check_positions(&log, rng);
        actions.values().map(|action| action.executions.len() as u64).sum::<u64>()
    });
    assert!(counts.iter().sum::<u64>() >= runs / 2, "few runs were started: {counts:?}");
    cases("lineage-fold", runs);
}
