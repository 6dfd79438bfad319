//! What a block of entries added to the graph, as bytes: nodes, edges and gates in the order of the log. As of a position
//! is a bound on pages and, in the last one, on the entry within the block.

use super::delta::{Delta, NewEdge, NewGate, NewNode};
use super::key::NodeKey;
use super::rows::{gate, node, put_node, value};
use crate::lineage::kinds::EdgeKind;
use crate::lineage::words::{Edge, NodeId};
use deedbook_verify::bytes::{Malformed, Reader};
use deedbook_verify::words::Index;

/// Entries in a block.
pub const BLOCK_ENTRIES: u64 = 256;

const WHAT: &str = "lineage page";
const INFERRED: u8 = 0x80;

/// The first entry of a block.
pub fn block_start(block: u64) -> Index {
    Index(block.saturating_mul(BLOCK_ENTRIES))
}

/// As a page: number of the first node u32 ‖ how many nodes, edges, gates u32 each ‖ nodes (kind u8 ‖ 16 bytes ‖ entry
/// u8) ‖ edges (from u32 ‖ to u32 ‖ kind u8, its highest bit for inferred ‖ entry u8) ‖ gates (node u32 ‖ gate u16 ‖ entry
/// u8), where the entry is counted from the first of the block.
pub fn to_page(delta: &Delta) -> Vec<u8> {
    let Delta { nodes, edges, gates } = delta;
    let mut out = Vec::with_capacity(16 + nodes.len() * 18 + edges.len() * 10 + gates.len() * 7);
    let first = nodes.first().map_or(0, |node| node.id.number());
    let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    for number in [first, count(nodes.len()), count(edges.len()), count(gates.len())] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    for node in nodes {
        out.extend_from_slice(&node.key.to_bytes());
        out.push(entry_of(node.index));
    }
    edges.iter().for_each(|edge| out.extend_from_slice(&edge_bytes(edge)));
    for NewGate { node, gate, index } in gates {
        put_node(&mut out, *node);
        out.extend_from_slice(&gate.bits().to_be_bytes());
        out.push(entry_of(*index));
    }
    out
}

/// At once: there are three for each entry, and their parts are short.
fn edge_bytes(NewEdge { edge, inferred }: &NewEdge) -> [u8; 10] {
    let ([a, b, c, d], [e, f, g, h]) = (edge.from.number().to_be_bytes(), edge.to.number().to_be_bytes());
    let kind = edge.kind.number() | if *inferred { INFERRED } else { 0 };
    [a, b, c, d, e, f, g, h, kind, entry_of(edge.index)]
}

/// What a page says that a block added.
pub fn from_page(block: u64, bytes: &[u8]) -> Result<Delta, Malformed> {
    let mut reader = Reader::new(bytes);
    let [first, nodes, edges, gates] = [reader.u32(WHAT)?, reader.u32(WHAT)?, reader.u32(WHAT)?, reader.u32(WHAT)?];
    let start = block_start(block);
    let at = |entry: u8| Index(start.0.saturating_add(u64::from(entry)));
    let mut delta = Delta::default();
    for offset in 0..nodes {
        let id = first.checked_add(offset).and_then(NodeId::new).ok_or_else(|| value(WHAT))?;
        let key = NodeKey::from_bytes(reader.array(WHAT)?).ok_or_else(|| value(WHAT))?;
        delta.nodes.push(NewNode { id, key, index: at(reader.u8(WHAT)?) });
    }
    for _ in 0..edges {
        let (from, to, kind) = (node(&mut reader, WHAT)?, node(&mut reader, WHAT)?, reader.u8(WHAT)?);
        let inferred = kind & INFERRED != 0;
        let kind = EdgeKind::from_number(kind & !INFERRED).ok_or_else(|| value(WHAT))?;
        delta.edges.push(NewEdge { edge: Edge { index: at(reader.u8(WHAT)?), from, to, kind }, inferred });
    }
    for _ in 0..gates {
        let (node, gate) = (node(&mut reader, WHAT)?, gate(&mut reader, WHAT)?);
        delta.gates.push(NewGate { node, gate, index: at(reader.u8(WHAT)?) });
    }
    reader.finish(WHAT)?;
    Ok(delta)
}

/// Which entry of its block.
pub(super) fn entry_of(index: Index) -> u8 {
    u8::try_from(index.0 % BLOCK_ENTRIES).unwrap_or(u8::MAX)
}

/// The run of each entry of a block that is of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockRuns(Vec<(u8, NodeId)>);

impl BlockRuns {
    /// Adds that of the next entry.
    pub fn push(&mut self, index: Index, run: NodeId) {
        self.0.push((entry_of(index), run));
    }

    /// The run of an entry.
    pub fn get(&self, index: Index) -> Option<NodeId> {
        let at = self.0.binary_search_by_key(&entry_of(index), |(entry, _)| *entry).ok()?;
        self.0.get(at).map(|(_, run)| *run)
    }

    /// As they stand in their row: of each entry u8 ‖ run u32, ascending.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.0.len() * 5);
        for (entry, run) in &self.0 {
            out.push(*entry);
            put_node(&mut out, *run);
        }
        out
    }

    /// From their row.
    pub fn parse(bytes: &[u8]) -> Result<BlockRuns, Malformed> {
        let what = "lineage runs";
        let (mut reader, mut runs) = (Reader::new(bytes), Vec::<(u8, NodeId)>::new());
        while !reader.is_empty() {
            let (entry, run) = (reader.u8(what)?, node(&mut reader, what)?);
            if runs.last().is_some_and(|(last, _)| *last >= entry) {
                return Err(value(what));
            }
            runs.push((entry, run));
        }
        Ok(BlockRuns(runs))
    }
}
