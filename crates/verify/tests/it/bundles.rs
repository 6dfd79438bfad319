//! Bundles that prove edges, written from FORMAT.md: what one shows, every change of a byte, every form that is none; and
//! proofs of many leaves against the naive tree.

use crate::encode::{id16, seed};
use crate::ledger::Ledger;
use crate::maker::{Proven, field32, note};
use crate::naive_tree::{H, leaf, root, sha256};
use crate::world::{ORIGIN, World, at, world};
use deedbook_verify::bytes::Defect;
use deedbook_verify::kind::Kind;
use deedbook_verify::lineage::{EdgeFault, Gap, LineageRefusal, LineageShown, Standing, root_of_many, verify_lineage};
use deedbook_verify::note::NoteRefusal;
use deedbook_verify::receipt::Check;
use deedbook_verify::tree::ProofRefusal;
use deedbook_verify::words::{Hash, Index, TreeSize};
use std::collections::BTreeSet;

/// The roots of the largest subtrees without any of some leaves, from left to right: by the definition, not the code.
fn others(leaves: &[H], chosen: &BTreeSet<usize>, from: usize) -> Vec<H> {
    let here = from..from + leaves.len();
    if chosen.range(here).next().is_none() {
        return vec![root(leaves)];
    }
    if leaves.len() < 2 {
        return Vec::new();
    }
    let half = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(half);
    [others(left, chosen, from), others(right, chosen, from + half)].concat()
}

/// Kind u8 ‖ 16 bytes.
type Node = [u8; 17];

pub fn node(kind: u8, id: [u8; 16]) -> Node {
    let mut out = [kind; 17];
    out[1..].copy_from_slice(&id);
    out
}

fn half(hash: H) -> [u8; 16] {
    hash[..16].try_into().unwrap()
}

const USED: u8 = 1;
const GENERATED: u8 = 2;
const PERFORMED: u8 = 6;
const ON_BEHALF: u8 = 7;
const PLANNED_BY: u8 = 8;
const PROPOSED: u8 = 9;
const CALLED: u8 = 14;

/// What stands in a bundle, taken apart.
#[derive(Clone)]
pub struct Bundle {
    pub note: String,
    pub entries: Vec<Proven>,
    pub hashes: Vec<H>,
    pub nodes: Vec<Node>,
    /// Index of the entry, from, kind, to.
    pub edges: Vec<(usize, Node, u8, Node)>,
}

impl Bundle {
    pub fn of(ledger: &Ledger, entries: &[usize], edges: &[(usize, Node, u8, Node)]) -> Bundle {
        let leaves = ledger.leaves();
        let chosen: BTreeSet<usize> = entries.iter().copied().chain([0]).collect();
        let proven = |index: &usize| Proven { index: Some(*index as u64), ..Proven::of(ledger, *index) };
        let nodes: BTreeSet<Node> = edges.iter().flat_map(|(_, from, _, to)| [*from, *to]).collect();
        Bundle {
            note: note(ORIGIN, leaves.len() as u64, &root(&leaves), &ledger.head),
            entries: chosen.iter().map(proven).collect(),
            hashes: others(&leaves, &chosen, 0),
            nodes: nodes.into_iter().collect(),
            edges: edges.to_vec(),
        }
    }

    fn edge_bytes(&self) -> Vec<u8> {
        let node = |node: &Node| self.nodes.iter().position(|other| other == node).unwrap();
        let entry = |index: usize| self.entries.iter().position(|other| other.index == Some(index as u64)).unwrap();
        let placed = |(index, from, kind, to): &(usize, Node, u8, Node)| {
            let places = [entry(*index), node(from), node(to)].map(|place| u32::try_from(place).unwrap().to_be_bytes());
            [places.concat(), vec![*kind]].concat()
        };
        let placed: BTreeSet<Vec<u8>> = self.edges.iter().map(placed).collect();
        placed.into_iter().flatten().collect()
    }

    fn fields(&self) -> Vec<(u16, Vec<u8>)> {
        let sized = |proven: &Proven| {
            let bytes = proven.bytes();
            [u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec(), bytes].concat()
        };
        vec![
            (0x0321, self.note.clone().into_bytes()),
            (0x0322, self.entries.iter().flat_map(sized).collect()),
            (0x0323, self.hashes.concat()),
            (0x0324, self.nodes.concat()),
            (0x0325, self.edge_bytes()),
        ]
    }

    pub fn bytes(&self) -> Vec<u8> {
        file(&self.fields())
    }
}

fn file(fields: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut out = b"deedbook.lineage-proof/1\n".to_vec();
    fields.iter().filter(|(_, value)| !value.is_empty()).for_each(|(tag, value)| field32(&mut out, *tag, value));
    out
}

/// The run of the statements of the stream `even`.
fn run() -> Node {
    node(16, id16("even"))
}

fn key(of: &crate::encode::Key) -> Node {
    node(13, half(of.id()))
}

/// What the first statement of five says, and how the key came in that signed it.
pub fn good(world: &World) -> Bundle {
    let first = at::FRAME_OF_FIVE;
    let run = run();
    let unnamed = half(sha256(&[b"deedbook.lineage.version/1\0", &node(1, id16("dataset in"))]));
    let enrolling =
        half(sha256(&[b"deedbook.derived/1\0", &world.ledger.admin_source, &id16("enroll gateway"), &[0xff, 0xff]]));
    let edges = [
        (at::ENROLLED, node(10, world.ledger.admin_source), PROPOSED, node(17, enrolling)),
        (at::ENROLLED, node(17, enrolling), GENERATED, key(&world.gateway)),
        (first, key(&world.gateway), PERFORMED, run),
        (first, node(8, id16("agent")), PERFORMED, run),
        (first, node(10, id16("owner")), ON_BEHALF, run),
        (first, node(7, half(seed("policy"))), PLANNED_BY, run),
        (first, node(2, unnamed), USED, run),
        (first, run, GENERATED, node(20, id16("even"))),
    ];
    // What stands behind the command shows that it was not refused.
    Bundle::of(&world.ledger, &[at::ENROLLED, at::ENROLLED + 1, first], &edges)
}

fn judged(world: &World, bundle: &Bundle) -> Result<LineageShown, LineageRefusal> {
    verify_lineage(&bundle.bytes(), &world.key)
}

#[test]
fn a_bundle_shows_each_edge_as_far_as_it_goes() {
    let world = world();
    let shown = judged(&world, &good(&world)).unwrap();
    let told: Vec<(u64, &str, &str)> =
        shown.edges.iter().map(|edge| (edge.index.0, edge.kind.name(), edge.standing.name())).collect();
    let count = |index, kind, standing| told.iter().filter(|edge| **edge == (index, kind, standing)).count();
    let first = at::FRAME_OF_FIVE as u64;
    // Genesis names the administrator as a person, so the command's source is one.
    assert_eq!((count(1, "proposed", "joined"), count(1, "generated", "derived")), (1, 1), "{told:?}");
    assert_eq!((count(first, "performed", "derived"), count(first, "planned_by", "derived")), (2, 1), "{told:?}");
    assert_eq!((count(first, "on_behalf", "cited"), count(first, "used", "cited")), (1, 1), "{told:?}");
    assert_eq!((count(first, "generated", "derived"), told.len()), (1, 8), "{told:?}");
    let gaps: BTreeSet<Gap> = shown
        .edges
        .iter()
        .filter_map(|edge| match edge.standing {
            Standing::Cited(gap) => Some(gap),
            Standing::Derived | Standing::Joined => None,
        })
        .collect();
    assert_eq!(gaps, BTreeSet::from([Gap::Version, Gap::Principal]));
    assert_eq!((shown.ledger.0, shown.head.size.0 as usize), (world.ledger.id, world.ledger.placed.len()));
    let kinds: Vec<Kind> = shown.entries.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [Kind::Genesis, Kind::KeyEnrolled, Kind::SourceOpened, Kind::ExecutionReported]);
    assert!(shown.limits().iter().any(|limit| limit.contains("left edges and nodes out")), "{:?}", shown.limits());
    // Without what stands behind it, a command may have been refused.
    let alone = Bundle::of(&world.ledger, &[at::ENROLLED, at::FRAME_OF_FIVE], &good(&world).edges);
    let shown = judged(&world, &alone).unwrap();
    assert_eq!(shown.edges[1].standing, Standing::Cited(Gap::Refusal));
    // Who is known of the owner is not here; a node that no entry names is said to be none's.
    assert!(shown.nodes.iter().any(|node| node.named.is_none()) && shown.nodes.iter().any(|node| node.named.is_some()));
}

#[test]
fn no_byte_can_be_changed() {
    let world = world();
    let bundle = good(&world);
    let bytes = bundle.bytes();
    let whole = verify_lineage(&bytes, &world.key).unwrap();
    let edges_from = bytes.len() - bundle.edge_bytes().len() - 6;
    let (mut refused, mut others) = (0, 0);
    for at in 0..bytes.len() {
        for change in [1, 0x80, 0x10] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            match verify_lineage(&changed, &world.key) {
                Err(_) => refused += 1,
                // An edge may become another that the same entry says; the rest is as it was.
                Ok(shown) => {
                    let new = shown.edges.iter().filter(|edge| !whole.edges.contains(edge)).count();
                    assert!(new == 1, "byte {at} ^ {change}: {:?}", shown.edges);
                    assert_eq!((&shown.entries, shown.head), (&whole.entries, whole.head));
                    others += 1;
                }
            }
        }
        assert!(verify_lineage(&bytes[at + 1..], &world.key).is_err(), "byte {at}");
        // Cut where its last field begins, it is a bundle of nodes alone.
        let cut = verify_lineage(&bytes[..at], &world.key);
        assert!(cut.is_err() || (at == edges_from && cut.is_ok_and(|shown| shown.edges.is_empty())), "byte {at}");
    }
    assert!(others <= 4, "{others} changes gave another edge that holds, {refused} were refused");
}

#[test]
fn what_an_entry_does_not_say_is_refused_and_named() {
    let world = world();
    let (first, run) = (at::FRAME_OF_FIVE, run());
    let fault = |index: usize, from: Node, kind: u8, to: Node| {
        let bundle = Bundle::of(
            &world.ledger,
            &[at::ENROLLED, at::REFUSED_COMMAND, at::REFUSAL, at::ROTATED, index],
            &[(index, from, kind, to)],
        );
        match judged(&world, &bundle) {
            Err(LineageRefusal::Edge { fault, index: named, .. }) => {
                assert_eq!(named, Index(index as u64));
                Some(fault)
            }
            Ok(_) => None,
            Err(other) => panic!("{other}"),
        }
    };
    let agent = node(8, id16("agent"));
    assert_eq!(fault(first, agent, PERFORMED, run), None);
    assert_eq!(fault(first, run, PERFORMED, agent), Some(EdgeFault::NotSaid));
    assert_eq!(fault(first, node(10, id16("agent")), PERFORMED, run), Some(EdgeFault::NotSaid));
    assert_eq!(fault(first, agent, PERFORMED, node(16, id16("odd"))), Some(EdgeFault::NotSaid));
    assert_eq!(fault(first, agent, USED, run), Some(EdgeFault::NotSaid));
    // The parent is named; the entry that says which run it is of is not there.
    assert_eq!(fault(first, node(16, id16("parent")), CALLED, run), Some(EdgeFault::OtherMissing));
    // A version of another dataset.
    let version = half(sha256(&[b"deedbook.lineage.version/1\0", &node(1, id16("another"))]));
    assert_eq!(fault(first, node(2, version), USED, run), Some(EdgeFault::OtherMissing));
    // A command that was refused directly behind.
    let asked = half(sha256(&[
        b"deedbook.derived/1\0",
        &world.gateway_source,
        &id16("not by an administrator"),
        &[0xff, 0xff],
    ]));
    let signer = key(&world.rotated);
    assert_eq!(fault(at::REFUSED_COMMAND, signer, PERFORMED, node(17, asked)), Some(EdgeFault::Refused));
}

#[test]
fn parts_of_other_bundles_and_ledgers_are_refused() {
    let world = world();
    let bundle = good(&world);
    let with = |change: &dyn Fn(&mut Bundle)| {
        let mut changed = bundle.clone();
        change(&mut changed);
        judged(&world, &changed).unwrap_err()
    };
    let leaves = world.ledger.leaves();
    let older = |bundle: &mut Bundle| bundle.note = note(ORIGIN, 3, &root(&leaves[..3]), &world.ledger.head);
    assert_eq!(with(&older), LineageRefusal::Older { index: Index(at::FRAME_OF_FIVE as u64), size: TreeSize(3) });
    let elsewhere =
        |bundle: &mut Bundle| bundle.note = note(ORIGIN, leaves.len() as u64, &seed("root"), &world.ledger.head);
    assert_eq!(with(&elsewhere), LineageRefusal::Inclusion(ProofRefusal::RootDiffers));
    let forged = |bundle: &mut Bundle| bundle.note = note(ORIGIN, leaves.len() as u64, &root(&leaves), &world.gateway);
    assert!(matches!(with(&forged), LineageRefusal::Checkpoint(NoteRefusal::NoKnownSignature)));
    let swapped = |bundle: &mut Bundle| bundle.entries[2].entry = bundle.entries[1].entry.clone();
    assert_eq!(with(&swapped), LineageRefusal::Inclusion(ProofRefusal::RootDiffers));
    let unframed = |bundle: &mut Bundle| bundle.entries[3].frame_path.clear();
    let refused = with(&unframed);
    assert!(matches!(&refused, LineageRefusal::Entry { refusal, .. } if refusal.check == Check::Frame), "{refused}");
    let unknown = Bundle::of(&world.ledger, &[at::FRAME_OF_FIVE], &bundle.edges[2..]);
    let refused = judged(&world, &unknown).unwrap_err();
    assert!(
        matches!(&refused, LineageRefusal::Entry { refusal, .. } if refusal.check == Check::Enrollment),
        "{refused}"
    );
    let surplus = |bundle: &mut Bundle| bundle.hashes.push(seed("one more"));
    assert_eq!(with(&surplus), LineageRefusal::Inclusion(ProofRefusal::PathLength));
    let fewer = |bundle: &mut Bundle| _ = bundle.hashes.pop();
    assert_eq!(with(&fewer), LineageRefusal::Inclusion(ProofRefusal::PathLength));
    let mut rootless = Bundle { entries: bundle.entries[1..].to_vec(), edges: Vec::new(), ..bundle.clone() };
    let chosen: BTreeSet<usize> = rootless.entries.iter().map(|entry| entry.index.unwrap() as usize).collect();
    rootless.hashes = others(&leaves, &chosen, 0);
    assert_eq!(judged(&world, &rootless).unwrap_err(), LineageRefusal::NoGenesis);
}

#[test]
fn a_bundle_has_one_form() {
    let world = world();
    let bundle = good(&world);
    let fields = bundle.fields();
    let refused = |fields: &[(u16, Vec<u8>)]| {
        let refusal = verify_lineage(&file(fields), &world.key).unwrap_err();
        let LineageRefusal::Form(malformed) = refusal else { panic!("{refusal}") };
        (malformed.what, malformed.defect)
    };
    let with = |place: usize, change: &dyn Fn(&mut Vec<u8>)| {
        let mut fields = fields.clone();
        change(&mut fields[place].1);
        refused(&fields)
    };
    let swap = |width: usize| move |value: &mut Vec<u8>| value[..2 * width].rotate_left(width);
    let twice = |width: usize| move |value: &mut Vec<u8>| *value = [&value[..width], value.as_slice()].concat();
    assert_eq!(with(3, &swap(17)), ("nodes", Defect::Value));
    assert_eq!(with(3, &twice(17)), ("nodes", Defect::Value));
    assert_eq!(with(4, &swap(13)), ("edges", Defect::Value));
    assert_eq!(with(4, &twice(13)), ("edges", Defect::Value));
    assert_eq!(with(4, &|value| value[12] = 0), ("edges", Defect::Value));
    assert_eq!(with(4, &|value| value[..4].fill(0xff)), ("edges", Defect::Value));
    assert_eq!(with(4, &|value| _ = value.pop()), ("edges", Defect::Truncated));
    assert_eq!(with(3, &|value| value[0] = 99), ("nodes", Defect::Value));
    let width = fields[2].1.len();
    assert_eq!(with(2, &|value| _ = value.pop()), ("hashes", Defect::Length(width - 1)));
    let mut placed = bundle.clone();
    placed.entries[1].tree_path = vec![seed("path")];
    assert_eq!(refused(&placed.fields()), ("tree_path", Defect::Value));
    let mut nameless = bundle.clone();
    nameless.entries[2].index = None;
    assert_eq!(refused(&[&nameless_fields(&nameless, &fields)[..], &[]].concat()), ("index", Defect::Missing));
    let mut more = fields.clone();
    more.push((0x8326, vec![1]));
    assert_eq!(refused(&more), ("bundle", Defect::Trailing));
    for place in [0, 1, 3] {
        let mut fewer = fields.clone();
        let (_, name) = (fewer.remove(place), ["checkpoint", "entries", "hashes", "nodes"][place]);
        assert_eq!(refused(&fewer), (name, Defect::Missing));
    }
    assert_eq!(verify_lineage(b"c2sp.org/tlog-proof@v1\n", &world.key).unwrap_err(), LineageRefusal::NoBundle);
    let large = vec![b'd'; deedbook_verify::limits::BUNDLE_BYTES_MAX + 1];
    assert!(matches!(verify_lineage(&large, &world.key).unwrap_err(), LineageRefusal::Form(_)));
}

/// The fields of a bundle whose edges cannot be placed any more.
fn nameless_fields(bundle: &Bundle, fields: &[(u16, Vec<u8>)]) -> Vec<(u16, Vec<u8>)> {
    let entries = Bundle { edges: Vec::new(), ..bundle.clone() }.fields().swap_remove(1);
    let mut fields = fields.to_vec();
    fields[1] = entries;
    fields
}

#[test]
fn many_leaves_have_one_proof_in_every_small_tree() {
    for size in 1..=9usize {
        let leaves: Vec<H> = (0..size).map(|at| leaf(&[u8::try_from(at).unwrap()])).collect();
        for set in 1..1usize << size {
            let chosen: BTreeSet<usize> = (0..size).filter(|at| set >> at & 1 == 1).collect();
            let hashes: Vec<Hash> = others(&leaves, &chosen, 0).into_iter().map(Hash).collect();
            let of: Vec<(Index, Hash)> = chosen.iter().map(|at| (Index(*at as u64), Hash(leaves[*at]))).collect();
            let size = TreeSize(size as u64);
            assert_eq!(root_of_many(size, &of, &hashes), Ok(Hash(root(&leaves))), "{chosen:?}");
            let more = [hashes.as_slice(), &[Hash([1; 32])]].concat();
            assert_eq!(root_of_many(size, &of, &more), Err(ProofRefusal::PathLength));
            if let Some((_, fewer)) = hashes.split_last() {
                assert_eq!(root_of_many(size, &of, fewer), Err(ProofRefusal::PathLength));
            }
        }
    }
    let one = [(Index(u64::MAX - 1), Hash([7; 32]))];
    assert_eq!(root_of_many(TreeSize(u64::MAX), &one, &[]), Err(ProofRefusal::PathLength));
    assert!(root_of_many(TreeSize(u64::MAX), &one, &[Hash([7; 32]); 63]).is_ok());
    for wrong in [vec![], vec![(Index(3), Hash([0; 32]))], vec![(Index(1), Hash([0; 32])), (Index(1), Hash([0; 32]))]] {
        assert_eq!(root_of_many(TreeSize(3), &wrong, &[]), Err(ProofRefusal::OutsideTree));
    }
}
