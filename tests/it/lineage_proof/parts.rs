//! A bundle taken apart as FORMAT.md says, so that a test can change a part and put it together again.

use deedbook_verify::lineage::BUNDLE_HEADER;
use deedbook_verify::words::Index;

/// Fields by tag, and the entries of one of them.
#[derive(Clone)]
pub struct Parts {
    pub note: Vec<u8>,
    pub entries: Vec<Vec<u8>>,
    pub hashes: Vec<u8>,
    pub nodes: Vec<u8>,
    pub edges: Vec<[u8; 13]>,
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    usize::try_from(u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())).unwrap()
}

impl Parts {
    pub fn of(bundle: &[u8]) -> Parts {
        let mut rest = bundle.strip_prefix(BUNDLE_HEADER).unwrap();
        let mut fields = std::collections::BTreeMap::new();
        while !rest.is_empty() {
            let (tag, length) = (u16::from_be_bytes(rest[..2].try_into().unwrap()), u32_at(rest, 2));
            fields.insert(tag, rest[6..6 + length].to_vec());
            rest = &rest[6 + length..];
        }
        let mut take = |tag| fields.remove(&tag).unwrap_or_default();
        let (note, all, hashes, nodes, edges) = (take(0x321), take(0x322), take(0x323), take(0x324), take(0x325));
        let (mut entries, mut at) = (Vec::new(), 0);
        while at < all.len() {
            let length = u32_at(&all, at);
            entries.push(all[at + 4..at + 4 + length].to_vec());
            at += 4 + length;
        }
        let edges = edges.chunks_exact(13).map(|edge| edge.try_into().unwrap()).collect();
        Parts { note, entries, hashes, nodes, edges }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let sized = |bytes: &Vec<u8>| [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes.as_slice()].concat();
        let entries: Vec<u8> = self.entries.iter().flat_map(sized).collect();
        let fields = [&self.note, &entries, &self.hashes, &self.nodes, &self.edges.concat()];
        let mut out = BUNDLE_HEADER.to_vec();
        for (tag, value) in (0x321_u16..).zip(fields) {
            if !value.is_empty() {
                out.extend(tag.to_be_bytes());
                out.extend(sized(value));
            }
        }
        out
    }

    /// The place of an entry, by its index; it is the first field of each.
    pub fn place(&self, index: Index) -> usize {
        self.entries.iter().position(|entry| entry[6..14] == index.0.to_be_bytes()).unwrap()
    }
}
