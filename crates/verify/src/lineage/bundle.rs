//! The form of a bundle: what stands where in its bytes. Nothing is verified here.
//!
//! ```text
//! deedbook.lineage-proof/1␊
//! fields 0x0321 to 0x0325: checkpoint, entries, hashes, nodes, edges
//! ```
//!
//! One bundle has one form: lists ascend, nothing stands there twice, and no byte is left over.

use super::key::NodeKey;
use super::kinds::EdgeKind;
use super::refusal::LineageRefusal;
use crate::bytes::{Defect, Fields, LengthWidth, Malformed, Reader};
use crate::limits;
use crate::receipt::Proven;
use crate::tags;
use crate::words::{Hash, Index};

/// The first line, with its end.
pub const BUNDLE_HEADER: &[u8] = b"deedbook.lineage-proof/1\n";

/// An entry and what shows who signed it.
#[derive(Clone, Debug)]
pub struct BundleEntry<'a> {
    /// Its index.
    pub index: Index,
    /// Its bytes and its frame.
    pub proven: Proven<'a>,
}

/// An edge, by the places of its ends and its entry in the bundle's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BundleEdge {
    /// Place of the entry that makes it.
    pub entry: u32,
    /// Place of the cause.
    pub from: u32,
    /// Place of the effect.
    pub to: u32,
    /// Why one leads to the other.
    pub kind: EdgeKind,
}

/// Wire width of an edge: entry, from, to, kind.
const EDGE_BYTES: usize = 13;

/// A bundle taken apart.
#[derive(Clone, Debug)]
pub struct Bundle<'a> {
    /// The checkpoint, verbatim.
    pub checkpoint: &'a [u8],
    /// Entries, ascending by index.
    pub entries: Vec<BundleEntry<'a>>,
    /// Roots of the largest subtrees of the checkpoint's tree that hold none of them, from left to right.
    pub hashes: Vec<Hash>,
    /// Keys of the answer's nodes, ascending.
    pub nodes: Vec<NodeKey>,
    /// The answer's edges, ascending.
    pub edges: Vec<BundleEdge>,
}

impl<'a> Bundle<'a> {
    /// Takes the bytes apart, strictly; at most `BUNDLE_BYTES_MAX` of them.
    pub fn parse(bytes: &'a [u8]) -> Result<Bundle<'a>, LineageRefusal> {
        if bytes.len() > limits::BUNDLE_BYTES_MAX {
            return Err(LineageRefusal::Form(Malformed::new("bundle", Defect::TooLarge(limits::BUNDLE_BYTES_MAX))));
        }
        let fields = bytes.strip_prefix(BUNDLE_HEADER).ok_or(LineageRefusal::NoBundle)?;
        Bundle::parse_fields(fields).map_err(LineageRefusal::Form)
    }

    fn parse_fields(bytes: &'a [u8]) -> Result<Bundle<'a>, Malformed> {
        let mut fields = Fields::new("bundle", LengthWidth::U32, bytes);
        let bundle = Bundle {
            checkpoint: fields.required(tags::BUNDLE_CHECKPOINT)?,
            entries: entries(fields.required(tags::BUNDLE_ENTRIES)?)?,
            hashes: hashes(fields.optional(tags::BUNDLE_HASHES)?)?,
            nodes: nodes(fields.required(tags::BUNDLE_NODES)?)?,
            edges: edges(fields.optional(tags::BUNDLE_EDGES)?)?,
        };
        if !fields.is_spent()? {
            return Err(Malformed::new("bundle", Defect::Trailing));
        }
        let fits = |edge: &BundleEdge| {
            let ends = [(edge.from, bundle.nodes.len()), (edge.to, bundle.nodes.len())];
            let places = ends.into_iter().chain([(edge.entry, bundle.entries.len())]);
            edge.from != edge.to && places.into_iter().all(|(place, count)| place as usize <= count.saturating_sub(1))
        };
        if bundle.edges.iter().all(fits) { Ok(bundle) } else { Err(value(tags::BUNDLE_EDGES)) }
    }

    /// The nodes that an edge joins, and its entry.
    pub fn joined(&self, edge: BundleEdge) -> Option<(NodeKey, NodeKey, &BundleEntry<'a>)> {
        let node = |place: u32| self.nodes.get(usize::try_from(place).ok()?).copied();
        Some((node(edge.from)?, node(edge.to)?, self.entries.get(usize::try_from(edge.entry).ok()?)?))
    }
}

fn value(tag: crate::bytes::Tag) -> Malformed {
    Malformed::new(tag.name, Defect::Value)
}

/// Elements that must ascend, none twice; not empty, for then the field is absent.
fn ascending<T: PartialOrd>(tag: crate::bytes::Tag, list: Vec<T>) -> Result<Vec<T>, Malformed> {
    match list.is_sorted_by(|one, two| one < two) {
        true if !list.is_empty() => Ok(list),
        true | false => Err(value(tag)),
    }
}

/// (u32 length ‖ fields of a proven entry)*
fn entries(bytes: &[u8]) -> Result<Vec<BundleEntry<'_>>, Malformed> {
    let (tag, mut reader, mut entries) = (tags::BUNDLE_ENTRIES, Reader::new(bytes), Vec::new());
    while !reader.is_empty() {
        if entries.len() == limits::BUNDLE_ENTRIES_MAX {
            return Err(Malformed::new(tag.name, Defect::TooLarge(limits::BUNDLE_ENTRIES_MAX)));
        }
        let length = usize::try_from(reader.u32(tag.name)?).map_err(|_| value(tag))?;
        let proven = Proven::parse("entry of the bundle", reader.take(tag.name, length)?)?;
        let index = proven.index.ok_or(Malformed::new(tags::PROVEN_INDEX.name, Defect::Missing))?;
        if !proven.tree_path.is_empty() {
            // The hashes of the bundle prove all entries together.
            return Err(value(tags::PROVEN_TREE_PATH));
        }
        entries.push(BundleEntry { index, proven });
    }
    let ascends = entries.is_sorted_by(|one, two| one.index < two.index);
    if ascends && !entries.is_empty() { Ok(entries) } else { Err(value(tag)) }
}

fn hashes(bytes: Option<&[u8]>) -> Result<Vec<Hash>, Malformed> {
    let Some(bytes) = bytes else { return Ok(Vec::new()) };
    let (chunks, rest) = bytes.as_chunks::<{ Hash::BYTES }>();
    match rest {
        [] if !chunks.is_empty() => Ok(chunks.iter().map(|hash| Hash(*hash)).collect()),
        [] | [_, ..] => Err(Malformed::new(tags::BUNDLE_HASHES.name, Defect::Length(bytes.len()))),
    }
}

fn nodes(bytes: &[u8]) -> Result<Vec<NodeKey>, Malformed> {
    let tag = tags::BUNDLE_NODES;
    let (chunks, rest) = bytes.as_chunks::<{ NodeKey::BYTES }>();
    if !rest.is_empty() || chunks.len() > limits::BUNDLE_NODES_MAX {
        return Err(Malformed::new(tag.name, Defect::Length(bytes.len())));
    }
    let nodes: Option<Vec<NodeKey>> = chunks.iter().map(|bytes| NodeKey::from_bytes(*bytes)).collect();
    ascending(tag, nodes.ok_or(value(tag))?)
}

/// (entry u32 ‖ from u32 ‖ to u32 ‖ kind u8)*
fn edges(bytes: Option<&[u8]>) -> Result<Vec<BundleEdge>, Malformed> {
    let Some(bytes) = bytes else { return Ok(Vec::new()) };
    let tag = tags::BUNDLE_EDGES;
    if bytes.len() > limits::BUNDLE_EDGES_MAX * EDGE_BYTES {
        return Err(Malformed::new(tag.name, Defect::TooLarge(limits::BUNDLE_EDGES_MAX)));
    }
    let (mut reader, mut edges) = (Reader::new(bytes), Vec::new());
    while !reader.is_empty() {
        let (entry, from, to) = (reader.u32(tag.name)?, reader.u32(tag.name)?, reader.u32(tag.name)?);
        let kind = EdgeKind::from_number(reader.u8(tag.name)?).ok_or(value(tag))?;
        edges.push(BundleEdge { entry, from, to, kind });
    }
    ascending(tag, edges)
}
