//! One direction of a segment's edges: for each node that has any, its entries in the order of the log. An entry is the
//! node at the other end with the kind of the edge, in 32 bits, and the index, counted from the segment's first.

use super::packed::{Packed, Packing};
use crate::lineage::kinds::EdgeKind;
use crate::lineage::words::EdgeKinds;
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
}

/// 64 neighbours: which of them are keys, and how many keys come before; all of them, if it is dense.
#[derive(Clone, Copy, Default)]
pub(super) struct Word {
    bits: u64,
    before: usize,
    is_dense: bool,
}

impl Word {
    pub(super) fn is_empty(self) -> bool {
        self.bits == 0
    }

    /// The place of one of them among the keys.
    #[inline]
    pub(super) fn place(self, node: u32) -> Option<usize> {
        if self.is_dense {
            return Some(self.before + (node % 64) as usize);
        }
        let bit = 1u64 << (node % 64);
        (self.bits & bit != 0).then(|| self.before + (self.bits & (bit - 1)).count_ones() as usize)
    }
}

#[derive(Debug, Default)]
pub(super) struct Half {
    keys: Keys,
    /// Where the entries of each key start, and where the last ones end.
    starts: Box<[u32]>,
    peers: Box<[Peer]>,
    indexes: Packed,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.node(), self.0 & KIND_MASK)
    }
}

/// Which nodes have entries, in whichever form takes less room.
#[derive(Debug)]
enum Keys {
    /// In order, for binary search.
    Listed(Box<[u32]>),
    /// A bit for each node from `first_word * 64` on, and how many bits come before each word.
    Marked { first_word: u32, words: Box<[u64]>, before: Box<[u32]> },
    /// All nodes from `first_word * 64` on, so many words of them: some without entries.
    Dense { first_word: u32, words_len: u32 },
}

/// Keys among 64 neighbours from which on places for all of them take as much room as bits, about.
const DENSE: usize = 60;

impl Default for Keys {
    fn default() -> Keys {
        Keys::Listed(Box::default())
    }
}

impl Keys {
    fn of(keys: &[u32]) -> Keys {
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Keys::default() };
        let first_word = first / 64;
        let words_len = (last / 64 - first_word + 1) as usize;
        if keys.len() < 3 * words_len {
            return Keys::Listed(keys.into());
        }
        if keys.len() >= DENSE * words_len {
            return Keys::Dense { first_word, words_len: words_len as u32 };
        }
        let mut words = vec![0u64; words_len].into_boxed_slice();
        for key in keys {
            if let Some(word) = words.get_mut((key / 64 - first_word) as usize) {
                *word |= 1 << (key % 64);
            }
        }
        let count = |sum: &mut u32, word: &u64| {
            let before = *sum;
            *sum += word.count_ones();
            Some(before)
        };
        let before = words.iter().scan(0, count).collect();
        Keys::Marked { first_word, words, before }
    }

    /// Its place among the keys.
    #[inline]
    fn place(&self, node: u32) -> Option<usize> {
        match self {
            Keys::Listed(keys) => {
                let is_within = keys.first()? <= &node && &node <= keys.last()?;
                if is_within { keys.binary_search(&node).ok() } else { None }
            }
            Keys::Marked { first_word, words, before } => {
                let at = (node / 64).checked_sub(*first_word)? as usize;
                let (word, before) = (words.get(at)?, before.get(at)?);
                let bit = 1u64 << (node % 64);
                (word & bit != 0).then(|| (before + (word & (bit - 1)).count_ones()) as usize)
            }
            Keys::Dense { first_word, .. } => node.checked_sub(first_word * 64).map(|place| place as usize),
        }
    }

    /// Stands at 64 neighbours, from wherever it stood.
    fn seek(&self, word: u32, at: &mut Word) {
        match self {
            Keys::Listed(keys) => {
                let (first, last) = (word * 64, word * 64 + 63);
                let key = |place: usize| keys.get(place).copied();
                // Passes go one way, so that each key is stepped over once.
                while key(at.before).is_some_and(|key| key < first) {
                    at.before += 1;
                }
                while at.before.checked_sub(1).and_then(key).is_some_and(|key| key >= first) {
                    at.before -= 1;
                }
                let here = keys.iter().skip(at.before).take_while(|key| **key <= last);
                at.bits = here.fold(0, |bits, key| bits | 1 << (key % 64));
            }
            Keys::Marked { first_word, words, before } => {
                let place = word.checked_sub(*first_word).map(|place| place as usize);
                let here = place.and_then(|place| words.get(place).zip(before.get(place)));
                (at.bits, at.before) = here.map_or((0, 0), |(bits, before)| (*bits, *before as usize));
            }
            Keys::Dense { first_word, words_len } => {
                let place = word.checked_sub(*first_word).filter(|place| place < words_len);
                let bits = if place.is_some() { u64::MAX } else { 0 };
                let before = place.unwrap_or_default() as usize * 64;
                *at = Word { bits, before, is_dense: place.is_some() };
            }
        }
    }

    fn to_vec(&self) -> Vec<u32> {
        match self {
            Keys::Listed(keys) => keys.to_vec(),
            Keys::Marked { first_word, words, .. } => {
                let ones = |(at, word): (usize, &u64)| {
                    let (word, base) = (*word, (first_word + at as u32) * 64);
                    (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| base + bit)
                };
                words.iter().enumerate().flat_map(ones).collect()
            }
            Keys::Dense { first_word, words_len } => (first_word * 64..(first_word + words_len) * 64).collect(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Keys::Listed(keys) => size_of_val::<[u32]>(keys),
            Keys::Marked { words, before, .. } => size_of_val::<[u64]>(words) + size_of_val::<[u32]>(before),
            Keys::Dense { .. } => 0,
        }
    }
}

impl Half {
    /// From (key, peer, index) in the order of the log, which the entries of each key keep.
    pub(super) fn seal(mut entries: Vec<(u32, Peer, u32)>) -> Half {
        entries.sort_by_key(|(key, _, _)| *key);
        let mut builder = Builder::with_capacity(entries.len());
        for (key, peer, index) in entries {
            builder.key(key);
            builder.peers.push(peer);
            builder.indexes.push(index);
        }
        builder.finish()
    }

    /// Halves of neighbouring segments as one, each with what its indexes are shifted by.
    pub(super) fn merge(parts: &[(&Half, u32)]) -> Half {
        let mut builder = Builder::with_capacity(parts.iter().map(|(half, _)| half.len()).sum());
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

    /// The entries of a node.
    pub(super) fn of(&self, node: u32) -> Entries<'_> {
        let range = self.keys.place(node).map_or(0..0, |place| self.range(place));
        Entries { half: self, range }
    }

    /// Where the entries of 64 neighbours are; `at` is where it stood before.
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
            + size_of_val::<[u32]>(&self.starts)
            + size_of_val::<[Peer]>(&self.peers)
            + self.indexes.bytes()
    }

    #[inline]
    fn range(&self, place: usize) -> Range<usize> {
        match self.starts.get(place..).and_then(|starts| starts.first_chunk()) {
            Some([start, end]) => *start as usize..*end as usize,
            None => 0..0,
        }
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
}

impl Builder {
    fn with_capacity(entries: usize) -> Builder {
        let (peers, indexes) = (Vec::with_capacity(entries), Packing::default());
        Builder { keys: Vec::new(), starts: Vec::new(), peers, indexes }
    }

    /// The entries that follow are this key's; keys never decrease.
    fn key(&mut self, key: u32) {
        if self.keys.last() != Some(&key) {
            self.keys.push(key);
            self.starts.push(self.peers.len() as u32);
        }
    }

    fn finish(self) -> Half {
        let Builder { keys: listed, mut starts, peers, indexes } = self;
        let end = peers.len() as u32;
        starts.push(end);
        let keys = Keys::of(&listed);
        if let Keys::Dense { first_word, words_len } = keys {
            // A node without entries starts where the next one does.
            let mut next = listed.iter().zip(&starts).peekable();
            let all = first_word * 64..(first_word + words_len) * 64;
            let start = |node| {
                while next.next_if(|(key, _)| **key < node).is_some() {}
                next.peek().map_or(end, |(_, start)| **start)
            };
            starts = all.map(start).chain([end]).collect();
        }
        let (starts, peers) = (starts.into_boxed_slice(), peers.into_boxed_slice());
        Half { keys, starts, peers, indexes: indexes.finish() }
    }
}
