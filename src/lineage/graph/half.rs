//! One direction of a segment's edges: for each node that has any, its entries in the order of the log. An entry is the
//! node at the other end with the kind of the edge, in 32 bits, and the index, counted from the segment's first.

use super::ends::Ends;
use super::keys::{Keys, Word};
use super::packed::{Packed, Packing};
use crate::lineage::kinds::EdgeKind;
use crate::lineage::words::{EdgeKinds, Towards};
use std::mem::size_of_val;
use std::ops::Range;

/// The node at the other end, and the kind of the edge in the low five bits.
#[derive(Clone, Copy)]
pub(super) struct Peer(u32);

const KIND_BITS: u32 = 5;
const KIND_MASK: u32 = (1 << KIND_BITS) - 1;

impl Peer {
    pub(super) const fn new(node: u32, kind: EdgeKind) -> Peer {
        Peer(node << KIND_BITS | kind.number() as u32)
    }

    #[inline]
    pub(super) const fn node(self) -> u32 {
        self.0 >> KIND_BITS
    }

    pub(super) fn kind(self) -> Option<EdgeKind> {
        EdgeKind::from_number((self.0 & KIND_MASK) as u8)
    }

    /// Whether its kind is among these.
    #[inline]
    pub(super) const fn is_of(self, kinds: EdgeKinds) -> bool {
        kinds.bits() >> (self.0 & KIND_MASK) & 1 == 1
    }

    /// Whether it follows the log, seen from the node whose entry it is.
    const fn is_onward(self, key: u32, towards: Towards) -> bool {
        match towards {
            Towards::Causes => self.node() < key,
            Towards::Effects => self.node() > key,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Half {
    keys: Keys,
    /// Of the entries of each key.
    ends: Ends,
    peers: Box<[Peer]>,
    /// Beside each entry, whose it is among 64 neighbours.
    owners: Box<[u8]>,
    indexes: Packed,
    /// Of which 64 neighbours some entry does not follow the log, in order.
    against: Box<[u32]>,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.node(), self.0 & KIND_MASK)
    }
}

impl Half {
    /// From (key, peer, index) in the order of the log, which the entries of each key keep.
    pub(super) fn seal(mut entries: Vec<(u32, Peer, u32)>, towards: Towards) -> Half {
        entries.sort_by_key(|(key, _, _)| *key);
        let mut builder = Builder::with_capacity(entries.len());
        for (key, peer, index) in entries {
            builder.key(key);
            builder.peers.push(peer);
            builder.indexes.push(index);
            if !peer.is_onward(key, towards) && builder.against.last() != Some(&(key / 64)) {
                builder.against.push(key / 64);
            }
        }
        builder.finish()
    }

    /// Halves of neighbouring segments as one, each with what its indexes are shifted by.
    pub(super) fn merge(parts: &[(&Half, u32)]) -> Half {
        let mut builder = Builder::with_capacity(parts.iter().map(|(half, _)| half.len()).sum());
        builder.against = parts.iter().flat_map(|(half, _)| half.against.iter().copied()).collect();
        builder.against.sort_unstable();
        builder.against.dedup();
        let mut cursors: Vec<_> =
            parts.iter().map(|(half, shift)| (*half, *shift, half.keys.to_vec(), 0usize)).collect();
        while let Some(key) = cursors.iter().filter_map(|(_, _, keys, place)| keys.get(*place)).min().copied() {
            for (half, shift, keys, place) in &mut cursors {
                if keys.get(*place) == Some(&key) {
                    let range = half.range(*place);
                    *place += 1;
                    if range.is_empty() {
                        continue;
                    }
                    builder.key(key);
                    builder.peers.extend_from_slice(half.peers.get(range.clone()).unwrap_or_default());
                    half.indexes.iter(range).for_each(|index| builder.indexes.push(index + *shift));
                }
            }
        }
        builder.finish()
    }

    /// The place of a node's entries, if it may have any.
    #[inline]
    pub(super) fn place(&self, node: u32) -> Option<usize> {
        self.keys.place(node)
    }

    /// The entries of a node.
    pub(super) fn of(&self, node: u32) -> Entries<'_> {
        let range = self.keys.place(node).map_or(0..0, |place| self.range(place));
        Entries { half: self, range }
    }

    /// Where the entries of 64 neighbours are; `at` is where it stood before.
    #[inline]
    pub(super) fn seek(&self, word: u32, at: &mut Word) {
        self.keys.seek(word, at);
    }

    /// The entries at a place, or those of them before an index.
    #[inline]
    pub(super) fn peers(&self, place: usize, limit: Option<u32>) -> &[Peer] {
        let mut range = self.range(place);
        if let Some(limit) = limit {
            range.end = range.start + self.indexes.below(range.clone(), limit);
        }
        self.peers.get(range).unwrap_or_default()
    }

    /// The entries of 64 neighbours, each with whose it is among them. None where one does not follow the log, or there are
    /// many.
    #[inline]
    pub(super) fn lot(&self, word: u32, at: Word) -> Option<Lot<'_>> {
        if self.against.binary_search(&word).is_ok() {
            return None;
        }
        let (first, last) = at.places()?;
        let range = self.ends.range(first).start..self.ends.range(last).end;
        if range.len() > LOT_MAX {
            return None;
        }
        Some(Lot { peers: self.peers.get(range.clone())?, owners: self.owners.get(range)? })
    }

    /// Every node that has entries, with them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, Entries<'_>)> {
        let entries = |(place, key)| (key, Entries { half: self, range: self.range(place) });
        self.keys.to_vec().into_iter().enumerate().map(entries)
    }

    pub(super) fn len(&self) -> usize {
        self.peers.len()
    }

    /// How many entries have an index below a bound.
    pub(super) fn len_below(&self, bound: u32) -> usize {
        self.indexes.iter(0..self.len()).filter(|index| *index < bound).count()
    }

    pub(super) fn bytes(&self) -> usize {
        self.keys.bytes()
            + self.ends.bytes()
            + size_of_val::<[Peer]>(&self.peers)
            + size_of_val::<[u8]>(&self.owners)
            + self.indexes.bytes()
            + size_of_val::<[u32]>(&self.against)
    }

    #[inline]
    fn range(&self, place: usize) -> Range<usize> {
        self.ends.range(place)
    }
}

/// Entries of 64 neighbours that are taken together, at most.
const LOT_MAX: usize = 1_024;

/// The entries of 64 neighbours, all of which follow the log.
pub(in crate::lineage) struct Lot<'h> {
    peers: &'h [Peer],
    owners: &'h [u8],
}

impl Lot<'_> {
    pub(in crate::lineage) fn len(&self) -> usize {
        self.peers.len()
    }

    /// By the nodes that they are found from: which of the 64 that is, the node at the other end, and 1 if the edge is of one
    /// of these kinds, else 0.
    #[inline]
    pub(in crate::lineage) fn edges(&self, kinds: EdgeKinds) -> impl DoubleEndedIterator<Item = (u8, u32, u64)> {
        let entries = self.owners.iter().zip(self.peers);
        entries.map(move |(owner, peer)| (*owner, peer.node(), u64::from(peer.is_of(kinds))))
    }
}

/// The entries of a node, in the order of the log: the other end, and the index.
#[derive(Clone, Debug)]
pub(super) struct Entries<'h> {
    half: &'h Half,
    range: Range<usize>,
}

impl Iterator for Entries<'_> {
    type Item = (Peer, u32);

    fn next(&mut self) -> Option<(Peer, u32)> {
        let at = self.range.next()?;
        self.half.peers.get(at).copied().zip(self.half.indexes.get(at))
    }
}

struct Builder {
    keys: Vec<u32>,
    starts: Vec<u32>,
    peers: Vec<Peer>,
    indexes: Packing,
    against: Vec<u32>,
}

impl Builder {
    fn with_capacity(entries: usize) -> Builder {
        let (peers, indexes) = (Vec::with_capacity(entries), Packing::default());
        Builder { keys: Vec::new(), starts: Vec::new(), peers, indexes, against: Vec::new() }
    }

    /// The entries that follow are this key's; keys never decrease.
    fn key(&mut self, key: u32) {
        if self.keys.last() != Some(&key) {
            self.keys.push(key);
            self.starts.push(self.peers.len() as u32);
        }
    }

    fn finish(self) -> Half {
        let Builder { keys: listed, starts, peers, indexes, against } = self;
        let len = peers.len() as u32;
        let mut ends: Vec<u32> = starts.iter().copied().skip(1).chain([len]).collect();
        let owners = listed.iter().zip(&starts).zip(&ends);
        let owners = owners.flat_map(|((key, start), end)| (*start..*end).map(move |_| (key % 64) as u8)).collect();
        let keys = Keys::of(&listed);
        if let Keys::Dense { first_word, words_len } = keys {
            // A node without entries ends where the one before does.
            let mut next = listed.iter().zip(&ends).peekable();
            let mut last = 0;
            let mut end = |node| {
                last = next.next_if(|(key, _)| **key == node).map_or(last, |(_, end)| *end);
                last
            };
            ends = (first_word * 64..(first_word + words_len) * 64).map(&mut end).collect();
        }
        let (peers, against) = (peers.into_boxed_slice(), against.into_boxed_slice());
        Half { keys, ends: Ends::of(&ends), peers, owners, indexes: indexes.finish(), against }
    }
}
