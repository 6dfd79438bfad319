//! One log, one graph: folded whole or from any position on, as it was then or as of then, in whatever order statements
//! with versions arrive.

use super::graph::{Graph, Statements, ends, random_statements};
use crate::approvals_server::desk::Desk;
use crate::approvals_server::fold;
use crate::support::{Rng, scaled};

/// A ledger's own log with everything that approvals and governance leave in it.
fn governed_log() -> Vec<Vec<u8>> {
    let desk = Desk::governed();
    desk.judge();
    fold::entries(desk.world.store.as_ref())
}

pub fn check_positions(log: &[Vec<u8>], rng: &mut Rng) {
    let whole = Graph::of(log);
    whole.edges();
    let ends = ends(log);
    // All of a short log; of a long one some, or it would take the square of its length.
    let some = if ends.len() <= 100 { ends.clone() } else { (0..100).map(|_| *rng.pick(&ends)).collect() };
    for end in some {
        let prefix = Graph::of(&log[..end]);
        assert_eq!(prefix.delta, whole.as_of(end as u64), "as it was at {end}, and as of it");
    }
    for _ in 0..scaled(20) {
        let mut parts = Graph::default();
        let mut cuts: Vec<usize> = (0..1 + rng.below(4)).map(|_| *rng.pick(&ends)).collect();
        cuts.push(log.len());
        cuts.sort_unstable();
        for cut in cuts.iter().copied() {
            parts.take(&log[usize::try_from(parts.size).unwrap()..cut]);
            parts.reopen();
        }
        assert_eq!(parts.delta, whole.delta, "cut at {cuts:?}");
    }
}

#[test]
fn a_governed_log_folds_to_one_graph_from_any_position() {
    check_positions(&governed_log(), &mut Rng::seeded("a governed log"));
}

#[test]
fn statements_fold_to_one_graph_from_any_position() {
    let mut rng = Rng::seeded("statements");
    for _ in 0..scaled(5) {
        check_positions(&random_statements(&mut rng, 60, false).log, &mut rng);
    }
}

#[test]
fn statements_with_versions_make_the_same_edges_in_any_order() {
    let mut rng = Rng::seeded("shuffled statements");
    for _ in 0..scaled(20) {
        let Statements { mut log, .. } = random_statements(&mut rng, 40, true);
        let sorted = Graph::of(&log);
        for at in (1..log.len()).rev() {
            log.swap(at, usize::try_from(rng.below(at as u64 + 1)).unwrap());
        }
        let shuffled = Graph::of(&log);
        assert_eq!(shuffled.edges(), sorted.edges());
        assert_eq!((shuffled.inferred(), shuffled.delta.nodes.len()), (0, sorted.delta.nodes.len()));
    }
}

#[test]
fn what_cannot_be_read_adds_nothing() {
    let mut rng = Rng::seeded("unread entries");
    let Statements { log, .. } = random_statements(&mut rng, 20, true);
    let mut mixed = log.clone();
    // A kind that a later version knows: its number stands directly behind mark, tag and length.
    let mut later = log[3].clone();
    later[8..10].copy_from_slice(&[0x0f, 0xff]);
    mixed.insert(9, later);
    mixed.insert(4, rng.bytes(300));
    mixed.insert(4, Vec::new());
    assert_eq!(Graph::of(&mixed).edges(), Graph::of(&log).edges());
}
