//! Bundles that prove the edges of a lineage answer: their entries, the entries that those rest on, and one proof that all
//! of them are in a signed tree. What it gathers is not trusted here either: whether an entry says an edge, and whether it
//! was signed, `deedbook_verify::lineage` judges.

mod gather;

use crate::ledger::error::ReadError;
use crate::ledger::reader::Reader;
use crate::lineage::fold::NodeKey;
use crate::lineage::{EdgeKind, Halt, Stop};
use crate::merkle::path_of;
use deedbook_verify::entry::Entry;
use deedbook_verify::limits as formats;
use deedbook_verify::lineage::BUNDLE_HEADER;
use deedbook_verify::note::open_checkpoint;
use deedbook_verify::tags;
use deedbook_verify::words::{Hash, Index};
use gather::Gather;
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// Why there is no bundle.
#[derive(Debug, Error)]
pub enum LineageProofError {
    /// It would hold more than it may.
    #[error("a bundle holds {max} {what} at most, and this answer needs more")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How many.
        max: usize,
    },
    /// An edge joins a node that is not among the nodes.
    #[error("an edge of entry {0} joins a node that is not named")]
    NodeMissing(Index),
    /// Nobody waits for it any more, or its time is over.
    #[error("the proof was not finished in time")]
    Halted(Halt),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// An edge of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProofEdge {
    /// The entry that made it.
    pub index: Index,
    /// The cause.
    pub from: NodeKey,
    /// The effect.
    pub to: NodeKey,
    /// Why one leads to the other.
    pub kind: EdgeKind,
}

impl Reader {
    /// The bundle of an answer: its nodes, each with the entry that names it first, and its edges. Blocking: it reads some
    /// entries for each edge, and all facts of their frames.
    pub fn lineage_proof(
        &self,
        nodes: &BTreeMap<NodeKey, Index>,
        edges: &BTreeSet<ProofEdge>,
        stop: &dyn Stop,
    ) -> Result<Vec<u8>, LineageProofError> {
        too_many("nodes", nodes.len(), formats::BUNDLE_NODES_MAX)?;
        too_many("edges", edges.len(), formats::BUNDLE_EDGES_MAX)?;
        if let Some(edge) = edges.iter().find(|edge| !nodes.contains_key(&edge.from) || !nodes.contains_key(&edge.to)) {
            return Err(LineageProofError::NodeMissing(edge.index));
        }
        let note = self.checkpoint()?;
        let opened = open_checkpoint(&note, self.verifier_key());
        let opened = opened.map_err(|refusal| ReadError::NoCheckpoint(refusal.to_string()))?;
        let size = opened.checkpoint().head.size;
        let entries = Gather::new(self, size, nodes, stop).all(edges)?;
        let indexes: Vec<Index> = entries.keys().copied().collect();
        let hashes = self.inclusions(&indexes, size)?;
        let mut out = BUNDLE_HEADER.to_vec();
        field(&mut out, tags::BUNDLE_CHECKPOINT.number, &note);
        field(&mut out, tags::BUNDLE_ENTRIES.number, &self.proven_entries(&entries, stop)?);
        list(&mut out, tags::BUNDLE_HASHES.number, hashes.iter().flat_map(|hash| hash.0).collect());
        list(&mut out, tags::BUNDLE_NODES.number, nodes.keys().flat_map(|key| key.to_bytes()).collect());
        list(&mut out, tags::BUNDLE_EDGES.number, edge_bytes(edges, &indexes, nodes));
        too_many("bytes", out.len(), formats::BUNDLE_BYTES_MAX)?;
        Ok(out)
    }

    /// Each entry with its frame, as `extra` of a receipt has it.
    fn proven_entries(
        &self,
        entries: &BTreeMap<Index, Vec<u8>>,
        stop: &dyn Stop,
    ) -> Result<Vec<u8>, LineageProofError> {
        let (mut out, mut frame) = (Vec::new(), None::<(Index, Vec<Hash>)>);
        for (index, bytes) in entries {
            halted(stop)?;
            let entry = parse(bytes)?;
            let base = base_of(&entry, *index);
            let leaves = match frame.take() {
                Some((held, leaves)) if held == base => leaves,
                Some(_) | None => self.frame_leaves(&entry, base)?,
            };
            let mut proven = Vec::new();
            field(&mut proven, tags::PROVEN_INDEX.number, &index.0.to_be_bytes());
            field(&mut proven, tags::PROVEN_ENTRY.number, bytes);
            if entry.seal.offset != 0 {
                let first = self.entry(base)?;
                let sealed = parse(&first)?.seal.frame;
                let sealed = sealed.ok_or_else(|| ReadError::Corrupt("a frame without header".to_owned()))?;
                field(&mut proven, tags::PROVEN_FRAME_HEADER.number, sealed.header.bytes);
                field(&mut proven, tags::PROVEN_SIGNATURES.number, sealed.block.bytes);
            }
            let path = path_of(&leaves, usize::from(entry.seal.offset));
            list(&mut proven, tags::PROVEN_FRAME_PATH.number, path.iter().flat_map(|hash| hash.0).collect());
            out.extend(u32::try_from(proven.len()).unwrap_or(u32::MAX).to_be_bytes());
            out.extend(proven);
            too_many("bytes", out.len(), formats::BUNDLE_BYTES_MAX)?;
            frame = Some((base, leaves));
        }
        Ok(out)
    }

    fn frame_leaves(&self, entry: &Entry<'_>, base: Index) -> Result<Vec<Hash>, ReadError> {
        let mut leaves = Vec::with_capacity(usize::from(entry.seal.n));
        for index in (base.0..).take(usize::from(entry.seal.n)) {
            leaves.push(deedbook_verify::hash::leaf(parse(&self.entry(Index(index))?)?.facts.bytes));
        }
        Ok(leaves)
    }
}

/// Edges by their places, ascending.
fn edge_bytes(edges: &BTreeSet<ProofEdge>, indexes: &[Index], nodes: &BTreeMap<NodeKey, Index>) -> Vec<u8> {
    let place = |found: Result<usize, usize>| found.ok().and_then(|place| u32::try_from(place).ok());
    let keys: Vec<NodeKey> = nodes.keys().copied().collect();
    let placed = edges.iter().filter_map(|edge| {
        let entry = place(indexes.binary_search(&edge.index))?;
        let (from, to) = (place(keys.binary_search(&edge.from))?, place(keys.binary_search(&edge.to))?);
        Some((entry, from, to, edge.kind.number()))
    });
    let placed: BTreeSet<(u32, u32, u32, u8)> = placed.collect();
    let bytes = |(entry, from, to, kind): (u32, u32, u32, u8)| {
        [entry, from, to].into_iter().flat_map(u32::to_be_bytes).chain([kind])
    };
    placed.into_iter().flat_map(bytes).collect()
}

fn halted(stop: &dyn Stop) -> Result<(), LineageProofError> {
    stop.poll().map_or(Ok(()), |halt| Err(LineageProofError::Halted(halt)))
}

fn too_many(what: &'static str, count: usize, max: usize) -> Result<(), LineageProofError> {
    if count > max { Err(LineageProofError::TooLarge { what, max }) } else { Ok(()) }
}

fn base_of(entry: &Entry<'_>, index: Index) -> Index {
    Index(index.0.saturating_sub(u64::from(entry.seal.offset)))
}

fn parse(bytes: &[u8]) -> Result<Entry<'_>, ReadError> {
    Entry::parse(bytes).map_err(|malformed| ReadError::Corrupt(malformed.to_string()))
}

/// A field that is absent when it is empty.
fn list(out: &mut Vec<u8>, tag: u16, value: Vec<u8>) {
    if !value.is_empty() {
        field(out, tag, &value);
    }
}

/// Tag and u32 length, as receipts and bundles have them.
fn field(out: &mut Vec<u8>, tag: u16, value: &[u8]) {
    out.extend_from_slice(&tag.to_be_bytes());
    out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(value);
}
