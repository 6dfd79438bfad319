//! What an operator, or whoever hands a bundle on, could change: an edge, an entry, the checkpoint, the ledger. Each is
//! refused by its own name.

use super::folds::{Answer, Gateway, bundle, everything, never};
use super::parts::Parts;
use crate::approvals_server::desk::Desk;
use crate::lineage_fold::graph::refer;
use crate::support::{Rng, cases, scaled};
use deedbook::ledger::{LineageProofError, ProofEdge};
use deedbook::lineage::fold::NodeKey;
use deedbook::lineage::{EdgeKind, Halt, NodeKind};
use deedbook_verify::kind::Kind;
use deedbook_verify::lineage::{EdgeFault, LineageRefusal, LineageShown, verify_lineage};
use deedbook_verify::note::NoteRefusal;
use deedbook_verify::tree::ProofRefusal;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::Index;
use std::collections::{BTreeMap, BTreeSet};

fn judged(desk: &Desk, bundle: &[u8]) -> Result<LineageShown, LineageRefusal> {
    verify_lineage(bundle, desk.ledger.reader().verifier_key())
}

fn fault(desk: &Desk, bundle: &[u8]) -> EdgeFault {
    match judged(desk, bundle) {
        Err(LineageRefusal::Edge { fault, .. }) => fault,
        other => panic!("{other:?}"),
    }
}

/// The edges of some kinds, with their nodes.
fn part_of(answer: &Answer, keep: impl Fn(&ProofEdge) -> bool) -> Answer {
    let edges: BTreeSet<ProofEdge> = answer.1.iter().copied().filter(keep).collect();
    let ends = edges.iter().flat_map(|edge| [edge.from, edge.to]);
    (ends.map(|key| (key, answer.0[&key])).collect(), edges)
}

#[test]
fn an_edge_that_was_changed_is_not_said() {
    let desk = Desk::governed();
    let (_, answer) = everything(&desk);
    let mut said: BTreeMap<(NodeKey, NodeKey), BTreeSet<EdgeKind>> = BTreeMap::new();
    answer.1.iter().for_each(|edge| _ = said.entry((edge.from, edge.to)).or_default().insert(edge.kind));
    let nodes: Vec<NodeKey> = answer.0.keys().copied().collect();
    let mut rng = Rng::seeded("lineage_forged_edges");
    let (mut refused, mut count) = (0, 0);
    for edge in &answer.1 {
        for change in 0..4 {
            let mut changed = *edge;
            match change {
                0 => changed.from = *rng.pick(&nodes),
                1 => changed.to = *rng.pick(&nodes),
                2 => changed.kind = *rng.pick(EdgeKind::ALL),
                _ => std::mem::swap(&mut changed.from, &mut changed.to),
            }
            let is_known = said.get(&(changed.from, changed.to)).is_some_and(|kinds| kinds.contains(&changed.kind));
            if changed == *edge || changed.from == changed.to || is_known {
                continue;
            }
            count += 1;
            let claimed = (answer.0.clone(), BTreeSet::from([changed]));
            match judged(&desk, &bundle(&desk, &claimed)) {
                Err(LineageRefusal::Edge { .. }) => refused += 1,
                // What an action is about is its effect, or what it is done to: which, rests on what was named before.
                Ok(_) if matches!(changed.kind, EdgeKind::Generated | EdgeKind::OnBehalf) => {}
                other => panic!("{changed:?}: {other:?}"),
            }
        }
    }
    assert!(refused > count * 9 / 10, "{refused} of {count}");
    cases("lineage-forged-edges", count);
}

#[test]
fn bytes_that_were_changed_show_nothing_else() {
    let desk = Desk::governed();
    let (_, answer) = everything(&desk);
    let answer = part_of(&answer, |edge| matches!(edge.kind, EdgeKind::Authorized | EdgeKind::Decided));
    let bytes = bundle(&desk, &answer);
    let whole = judged(&desk, &bytes).unwrap();
    let mut rng = Rng::seeded("lineage_forged_bytes");
    let flips = scaled(300);
    for _ in 0..flips {
        let mut changed = bytes.clone();
        let at = usize::try_from(rng.below(bytes.len() as u64)).unwrap();
        changed[at] ^= 1 << rng.below(8);
        // Nothing but an edge that the same entries say can come of it.
        if let Ok(shown) = judged(&desk, &changed) {
            assert_eq!((shown.head, shown.entries), (whole.head, whole.entries.clone()), "byte {at}");
            let known = |edge: &deedbook_verify::lineage::ShownEdge| whole.edges.contains(edge);
            assert!(shown.edges.iter().filter(|edge| !known(edge)).count() <= 1, "byte {at}");
        }
    }
    for length in [0, 10, 24, 25, bytes.len() / 2, bytes.len() - 1] {
        assert!(judged(&desk, &bytes[..length]).is_err(), "cut at {length}");
    }
    cases("lineage-forged-bytes", flips);
}

#[test]
fn entries_checkpoints_and_ledgers_are_not_exchanged() {
    let desk = Desk::governed();
    let before = desk.ledger.reader().checkpoint().unwrap();
    let head = desk.head();
    let mut gateway = Gateway::enrolled(&desk);
    gateway.say(vec![gateway.run(Kind::DataAccessed, "late", &["orders@1".to_owned()], &[])]);
    let (_, answer) = everything(&desk);
    let late = part_of(&answer, |edge| edge.kind == EdgeKind::Used);
    let bytes = bundle(&desk, &late);
    assert_eq!(judged(&desk, &bytes).unwrap().edges.len(), 1);
    let parts = Parts::of(&bytes);
    assert_eq!(parts.bytes(), bytes, "the bundle has one form");

    let older = Parts { note: before, ..parts.clone() };
    let refused = judged(&desk, &older.bytes()).unwrap_err();
    assert!(matches!(refused, LineageRefusal::Older { size, .. } if size == head.size), "{refused}");
    assert_eq!(refused.check(), "age");

    let mut swapped = parts.clone();
    let (one, two) = (swapped.entries.len() - 2, swapped.entries.len() - 1);
    let (first, second) = (swapped.entries[one].clone(), swapped.entries[two].clone());
    (swapped.entries[one], swapped.entries[two]) =
        ([&first[..14], &second[14..]].concat(), [&second[..14], &first[14..]].concat());
    assert_eq!(judged(&desk, &swapped.bytes()).unwrap_err(), LineageRefusal::Inclusion(ProofRefusal::RootDiffers));

    let stranger = crate::support_memory::key("other.example/log", 8);
    let refused = verify_lineage(&bytes, stranger.verifier_key()).unwrap_err();
    assert_eq!(refused, LineageRefusal::Checkpoint(NoteRefusal::NoKnownSignature));
    // Another ledger of the same name, head key and age.
    let other = Desk::born(&["adm"], &["rita", "gus"]);
    while other.head().size < desk.head().size {
        let cast = &other.cast;
        let who = cast.person(&format!("p{}", other.head().size));
        other.done(cast.binding_of(&cast.person("adm"), &who, deedbook_verify::detail::Roles::REVIEWER, None));
    }
    let foreign = Parts { note: other.ledger.reader().checkpoint().unwrap(), ..parts.clone() };
    let refused = verify_lineage(&foreign.bytes(), other.ledger.reader().verifier_key()).unwrap_err();
    assert!(matches!(refused, LineageRefusal::Inclusion(_)), "{refused}");

    // Without genesis nobody says whose keys these are; an entry less is another proof.
    let mut rootless = parts.clone();
    rootless.entries.remove(0);
    rootless.edges.clear();
    rootless.nodes.truncate(NodeKey::BYTES);
    assert!(matches!(judged(&desk, &rootless.bytes()).unwrap_err(), LineageRefusal::Inclusion(_)));
    let mut unsigned = parts;
    let last = unsigned.entries.last_mut().unwrap();
    let end = last.len() - 1;
    last[end] ^= 1;
    assert!(judged(&desk, &unsigned.bytes()).is_err());
}

#[test]
fn a_vote_that_was_refused_decides_nothing() {
    let desk = Desk::set();
    let id = desk.export();
    let alice = desk.cast.person("alice");
    let at = Index(desk.head().size.0);
    desk.refused("she answers for it", desk.vote(&alice, id, Decision::Approve), "CONFLICT_OWNER");
    let entry = desk.ledger.reader().event(at, deedbook::ledger::Bodies::Without).unwrap().entry;
    let revision = deedbook_verify::entry::Entry::parse(&entry).unwrap().seal.revision.unwrap();
    let (person, vote) = (NodeKey::actor(alice.actor()), NodeKey::vote(desk.seen(id).action.stream, revision));
    let edge = ProofEdge { index: at, from: person, to: vote, kind: EdgeKind::Decided };
    let claimed = (BTreeMap::from([(person, at), (vote, at)]), BTreeSet::from([edge]));
    assert_eq!(fault(&desk, &bundle(&desk, &claimed)), EdgeFault::Refused);
}

#[test]
fn a_run_is_authorized_by_what_stands_there() {
    let desk = Desk::governed();
    let (_, answer) = everything(&desk);
    let released = part_of(&answer, |edge| edge.kind == EdgeKind::Authorized && edge.to.kind == NodeKind::Run);
    let shown = judged(&desk, &bundle(&desk, &released)).unwrap();
    assert_eq!(shown.count(|standing| standing == deedbook_verify::lineage::Standing::Joined), shown.edges.len());
    // The votes by which it was approved are there too, and whoever follows them.
    let kinds: Vec<Kind> = shown.entries.iter().map(|entry| entry.kind).collect();
    for kind in [Kind::VoteCast, Kind::ApprovalResolved, Kind::ExecutionStarted, Kind::PrincipalBound] {
        assert!(kinds.contains(&kind), "{kind:?}");
    }
    // An entry that says who let its signer in is missed as such.
    let parts = Parts::of(&bundle(&desk, &released));
    let bound = shown.entries.iter().find(|entry| entry.kind == Kind::PrincipalBound).unwrap();
    let mut changed = parts.clone();
    let place = changed.place(bound.index);
    changed.entries[place][7] ^= 1;
    assert!(judged(&desk, &changed.bytes()).is_err());
}

#[test]
fn a_proof_has_its_bounds_and_ends_when_nobody_waits() {
    let desk = Desk::governed();
    let (_, (nodes, edges)) = everything(&desk);
    let reader = desk.ledger.reader();
    let gone = || Some(Halt::Cancelled);
    let ended = reader.lineage_proof(&nodes, &edges, &gone).unwrap_err();
    assert!(matches!(ended, LineageProofError::Halted(Halt::Cancelled)), "{ended}");
    let size = desk.head().size.0;
    let beyond: BTreeMap<NodeKey, Index> = nodes.keys().map(|key| (*key, Index(size))).collect();
    let refused = reader.lineage_proof(&beyond, &BTreeSet::new(), &never).unwrap_err();
    assert!(matches!(refused, LineageProofError::Read(deedbook::ledger::ReadError::OutsideTree { .. })), "{refused}");
    let few: BTreeMap<NodeKey, Index> = nodes.iter().take(1).map(|(key, at)| (*key, *at)).collect();
    let refused = reader.lineage_proof(&few, &edges, &never).unwrap_err();
    assert!(matches!(refused, LineageProofError::NodeMissing(_)), "{refused}");
    let name = |number: u32| NodeKey::new(NodeKind::Dataset, refer("dataset", &number.to_string()).0);
    let many: BTreeMap<NodeKey, Index> = (0..10_001).map(|number| (name(number), Index(0))).collect();
    let refused = reader.lineage_proof(&many, &BTreeSet::new(), &never).unwrap_err();
    assert!(matches!(refused, LineageProofError::TooLarge { what: "nodes", max: 10_000 }), "{refused}");
}
