//! The verdict on a bundle: which edges its entries say, how well each is shown, and what no bundle shows.

use super::bundle::Bundle;
use super::key::NodeKey;
use super::kinds::EdgeKind;
use super::known::Known;
use super::proven::{Shown, entries};
use super::refusal::{EdgeFault, LineageRefusal};
use crate::detail::Detail;
use crate::facts::Parent;
use crate::judge::Opened;
use crate::kind::{Author, Kind};
use crate::note::{NoteRefusal, VerifierKey};
use crate::policy::Policy;
use crate::tree::TreeHead;
use crate::verdict::{Enroller, Witnessing};
use crate::words::{Index, KeyId, LedgerId, Micros};
use std::collections::BTreeSet;

/// How well an edge is shown by the entries of a bundle; the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It follows from its entry alone, and from the signature on its frame.
    Derived,
    /// It follows from its entry and others of the bundle.
    Joined,
    /// Its entry is about these nodes; that it is just this edge rests on what is not in the bundle.
    Cited(Gap),
}

/// What an edge rests on that no bundle holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// Which version of a dataset or model was the latest when it was read without naming one.
    Version,
    /// As what kind somebody was known, whom the entry names by their ref.
    Principal,
    /// That a command was not refused directly behind.
    Refusal,
    /// That a stream is called as a run that a grant released, so that a statement in it is of a run of its own.
    Run,
}

impl Standing {
    /// The weaker of two.
    #[must_use]
    pub fn and(self, other: Standing) -> Standing {
        self.max(other)
    }

    /// The name in JSON and tables.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Derived => "derived",
            Standing::Joined => "joined",
            Standing::Cited(_) => "cited",
        }
    }
}

impl Gap {
    /// Why an edge is cited and not derived.
    pub fn why(self) -> &'static str {
        match self {
            Gap::Version => "the entry names no version; that this one was the latest rests on all entries before",
            Gap::Principal => "the entry names somebody by their ref; as what kind they are known is not in the bundle",
            Gap::Run => "a statement in a stream; that a released run has its name is not in the bundle",
            Gap::Refusal => "a command; whether it was refused directly behind is not in the bundle",
        }
    }
}

/// An edge of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownEdge {
    /// The cause.
    pub from: NodeKey,
    /// Why one leads to the other.
    pub kind: EdgeKind,
    /// The effect.
    pub to: NodeKey,
    /// The entry that makes it.
    pub index: Index,
    /// What kind of entry that is.
    pub said_by: Kind,
    /// Who says so: whoever signs for a source, or the ledger itself.
    pub author: Author,
    /// How well it is shown.
    pub standing: Standing,
}

/// A node of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownNode {
    /// Its key.
    pub key: NodeKey,
    /// The first entry of the bundle that names it by itself.
    pub named: Option<Index>,
}

/// An entry of the bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownEntry {
    /// Its place.
    pub index: Index,
    /// What it is.
    pub kind: Kind,
    /// When the server had it.
    pub received: Micros,
    /// The key that signed its frame.
    pub signer: KeyId,
    /// Who let that key in.
    pub enroller: Enroller,
}

/// What a bundle proves. Only `verify_lineage` and `verify_lineage_witnessed` make one.
#[derive(Clone, Debug)]
pub struct LineageShown {
    /// The ledger: leaf hash of its genesis.
    pub ledger: LedgerId,
    /// The checkpoint's tree.
    pub head: TreeHead,
    /// Every entry, in the order of the log.
    pub entries: Vec<ShownEntry>,
    /// Every node, by key.
    pub nodes: Vec<ShownNode>,
    /// Every edge, in the order of the log.
    pub edges: Vec<ShownEdge>,
    /// Who witnessed the tree.
    pub witnessing: Witnessing,
    /// Signature lines that were not looked at.
    pub ignored: Vec<String>,
}

/// Verifies a bundle with nothing but the ledger's verifier key.
pub fn verify_lineage(bytes: &[u8], key: &VerifierKey) -> Result<LineageShown, LineageRefusal> {
    judge(bytes, |note| Opened::by_key(note, key))
}

/// Verifies a bundle under a policy: the log's signature, and the quorum of its witnesses.
pub fn verify_lineage_witnessed(bytes: &[u8], policy: &Policy) -> Result<LineageShown, LineageRefusal> {
    judge(bytes, |note| Opened::by_policy(note, policy))
}

fn judge(
    bytes: &[u8],
    open: impl FnOnce(&[u8]) -> Result<Opened, NoteRefusal>,
) -> Result<LineageShown, LineageRefusal> {
    let bundle = Bundle::parse(bytes)?;
    let opened = open(bundle.checkpoint).map_err(LineageRefusal::Checkpoint)?;
    let (authority, entries) = entries(&bundle, &opened)?;
    let answer: BTreeSet<NodeKey> = bundle.nodes.iter().copied().collect();
    let known = Known::of(&entries, &answer);
    let edges = edges(&bundle, &entries, &known)?;
    let nodes = bundle.nodes.iter().map(|key| ShownNode { key: *key, named: known.named(*key) }).collect();
    let told = |shown: &Shown<'_>| ShownEntry {
        index: shown.index,
        kind: shown.entry.facts.kind,
        received: shown.entry.seal.received,
        signer: shown.signer,
        enroller: shown.enroller,
    };
    Ok(LineageShown {
        ledger: authority.keys().ledger(),
        head: opened.head,
        entries: entries.iter().map(told).collect(),
        nodes,
        edges,
        witnessing: opened.witnessing,
        ignored: opened.ignored,
    })
}

/// Edges stand by their entries, so that what an entry says is worked out once.
fn edges(bundle: &Bundle<'_>, entries: &[Shown<'_>], known: &Known<'_, '_>) -> Result<Vec<ShownEdge>, LineageRefusal> {
    let mut all = Vec::with_capacity(bundle.edges.len());
    for of_entry in bundle.edges.chunk_by(|one, two| one.entry == two.entry) {
        let place = of_entry.first().and_then(|edge| usize::try_from(edge.entry).ok());
        let Some(shown) = place.and_then(|place| entries.get(place)) else { continue };
        let (index, said_by, author) = (shown.index, shown.entry.facts.kind, shown.entry.facts.author());
        let said = known.said(shown);
        let behind = place.and_then(|place| entries.get(place.saturating_add(1)));
        let outcome = of_command(shown, behind);
        for edge in of_entry {
            let Some((from, to, _)) = bundle.joined(*edge) else { continue };
            let kind = edge.kind;
            let refuse = |fault| LineageRefusal::Edge { index, from, kind, to, fault };
            let outcome = outcome.map_err(refuse)?;
            let of_kind = || {
                let claims = said.iter().flat_map(|(said, how)| said.claims.iter().map(move |claim| (claim, *how)));
                claims.filter(|(claim, _)| claim.kind == kind)
            };
            let matched = of_kind()
                .filter_map(|(claim, how)| known.matches(index, claim, from, to).map(|matched| matched.and(how)));
            let standing = matched.min().ok_or_else(|| {
                let may = of_kind().any(|(claim, _)| known.may_match(index, claim, from, to));
                refuse(if may { EdgeFault::OtherMissing } else { EdgeFault::NotSaid })
            })?;
            let standing = standing.and(outcome);
            all.push(ShownEdge { from, kind, to, index, said_by, author, standing });
        }
    }
    Ok(all)
}

/// What is shown of a command's fate; of all else there is no doubt.
fn of_command(shown: &Shown<'_>, behind: Option<&Shown<'_>>) -> Result<Standing, EdgeFault> {
    let facts = &shown.entry.facts;
    if facts.kind.author() != Author::Asker {
        return Ok(Standing::Derived);
    }
    let Some(behind) = behind.filter(|behind| Some(behind.index.0) == shown.index.0.checked_add(1)) else {
        return Ok(Standing::Cited(Gap::Refusal));
    };
    let command = Parent { source: facts.source, event_id: facts.event_id };
    let is_refusal = matches!(behind.entry.facts.detail, Detail::CommandRefused { .. });
    match is_refusal && behind.entry.facts.parents().eq([command]) {
        true => Err(EdgeFault::Refused),
        false => Ok(Standing::Derived),
    }
}

impl LineageShown {
    /// What this bundle cannot show, in words.
    pub fn limits(&self) -> Vec<&'static str> {
        let mut limits = vec![
            "not shown: that the answer is whole; whoever made the bundle can have left edges and nodes out",
            "not shown: what nodes are called; names stand in bodies",
            "not shown: whether a signing key was revoked since, but where one of these edges says so",
        ];
        limits.push(match &self.witnessing {
            Witnessing::NotAsked => "not shown: whether others were shown another tree (no witness policy was given)",
            Witnessing::Met(cosigned) if cosigned.is_empty() => {
                "not shown: whether others were shown another tree (the policy asks for no witness)"
            }
            Witnessing::Met(_) => "not shown: that the witnesses are independent of the ledger's operator",
        });
        let by_ledger =
            |author| move |edge: &ShownEdge| edge.author == Author::Ledger && (edge.said_by.author() == author);
        if self.edges.iter().any(by_ledger(Author::Ledger)) {
            limits.push("edges said by the ledger are stated by it, not replayed: `deedbook audit` replays them");
        }
        if self.edges.iter().any(by_ledger(Author::Witness)) {
            limits.push(
                "some edges are of events that came in unsigned: the ledger attests that they did, no producer does",
            );
        }
        if self
            .entries
            .iter()
            .any(|entry| matches!(entry.enroller, Enroller::NotShown(_) | Enroller::SecondNotShown(_)))
        {
            limits.push("of some signing keys the enrolling authority is not shown");
        }
        limits
    }

    /// How many edges stand how.
    pub fn count(&self, standing: impl Fn(Standing) -> bool) -> usize {
        self.edges.iter().filter(|edge| standing(edge.standing)).count()
    }
}
