//! Which nodes of a segment have edges in one direction, and the place of each among them; alone, or 64 neighbours at once. No
//! edges here.

use std::mem::size_of_val;

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

    /// The first and the last place of any of them.
    #[inline]
    pub(super) fn places(self) -> Option<(usize, usize)> {
        let last = (self.bits.count_ones() as usize).checked_sub(1)?;
        Some((self.before, self.before + last))
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

/// Which nodes have entries, in whichever form takes less room.
#[derive(Debug)]
pub(super) enum Keys {
    /// In order, for binary search.
    Listed(Listed),
    /// A bit for each node from `first_word * 64` on, and how many bits come before each word.
    Marked { first_word: u32, words: Box<[u64]>, before: Box<[u32]> },
    /// All nodes from `first_word * 64` on, so many words of them: some without entries.
    Dense { first_word: u32, words_len: u32 },
}

/// Few keys among many nodes.
#[derive(Debug, Default)]
pub(super) struct Listed {
    keys: Box<[u32]>,
    /// A bit for each key, where its hash says: eight of nine nodes that are none are known by one look, for a walk asks every
    /// segment about each node.
    marks: Box<[u64]>,
}

/// Keys for a word of marks.
const MARKED: usize = 8;

impl Listed {
    fn of(keys: &[u32]) -> Listed {
        let mut marks = vec![0; keys.len().div_ceil(MARKED)].into_boxed_slice();
        for key in keys {
            let (word, bit) = mark(marks.len(), *key);
            if let Some(word) = marks.get_mut(word) {
                *word |= bit;
            }
        }
        Listed { keys: keys.into(), marks }
    }

    #[inline]
    fn place(&self, node: u32) -> Option<usize> {
        let (word, bit) = mark(self.marks.len(), node);
        if self.marks.get(word)? & bit == 0 {
            return None;
        }
        self.keys.binary_search(&node).ok()
    }
}

/// Which bit of which of so many words is a node's.
fn mark(words: usize, node: u32) -> (usize, u64) {
    // Neighbours come far from each other (Knuth, "Sorting and Searching", 6.4).
    let hash = node.wrapping_mul(0x9e37_79b1);
    (((u64::from(hash) * words as u64) >> 32) as usize, 1 << (hash % 64))
}

/// Keys that are stepped over before they are searched.
const STEPS_NEAR: usize = 64;

/// Keys among 64 neighbours from which on all of them get places: that takes 80 bytes instead of 52, and whoever looks for a
/// place need not wait for bits.
const DENSE: usize = 32;

impl Default for Keys {
    fn default() -> Keys {
        Keys::Listed(Listed::default())
    }
}

impl Keys {
    pub(super) fn of(keys: &[u32]) -> Keys {
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Keys::default() };
        let first_word = first / 64;
        let words_len = (last / 64 - first_word + 1) as usize;
        if keys.len() < 3 * words_len {
            return Keys::Listed(Listed::of(keys));
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
    pub(super) fn place(&self, node: u32) -> Option<usize> {
        match self {
            Keys::Listed(listed) => listed.place(node),
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
    pub(super) fn seek(&self, word: u32, at: &mut Word) {
        match self {
            Keys::Listed(Listed { keys, .. }) => {
                let (first, last) = (word * 64, word * 64 + 63);
                let key = |place: usize| keys.get(place).copied();
                // Passes go one way, and keys are stepped over; walks jump.
                let is_far = |steps: usize| {
                    let (behind, ahead) = (at.before.checked_sub(steps + 1), at.before.checked_add(steps));
                    behind.and_then(key).is_some_and(|key| key >= first)
                        || ahead.and_then(key).is_some_and(|key| key < first)
                };
                if is_far(STEPS_NEAR) {
                    at.before = keys.partition_point(|key| *key < first);
                }
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

    pub(super) fn to_vec(&self) -> Vec<u32> {
        match self {
            Keys::Listed(Listed { keys, .. }) => keys.to_vec(),
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

    pub(super) fn bytes(&self) -> usize {
        match self {
            Keys::Listed(Listed { keys, marks }) => size_of_val::<[u32]>(keys) + size_of_val::<[u64]>(marks),
            Keys::Marked { words, before, .. } => size_of_val::<[u64]>(words) + size_of_val::<[u32]>(before),
            Keys::Dense { .. } => 0,
        }
    }
}
