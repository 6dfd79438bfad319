//! Sets of nodes as bits: one that remembers, one that also hands out its lowest or highest member in constant time, so
//! that a pass takes nodes in the order of the log whatever order it finds them in. No graph here.

use super::words::NodeId;

/// A set of nodes below a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSet {
    words: Vec<u64>,
}

impl NodeSet {
    /// The empty set, for nodes with numbers below `nodes`; others are never in it.
    pub(super) fn below(nodes: u32) -> NodeSet {
        NodeSet { words: vec![0; words_for(nodes)] }
    }

    /// Whether the node is in it.
    pub fn contains(&self, node: NodeId) -> bool {
        self.has(node.number())
    }

    /// How many are in it.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether none is in it.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Its nodes, in the order of the log.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = NodeId> {
        self.ascending().map(NodeId::known)
    }

    #[inline]
    pub(super) fn has(&self, node: u32) -> bool {
        self.words.get(node as usize / 64).is_some_and(|word| word >> (node % 64) & 1 == 1)
    }

    /// Puts a node in; whether it is new.
    #[inline]
    pub(super) fn insert(&mut self, node: u32) -> bool {
        let bit = 1u64 << (node % 64);
        self.words.get_mut(node as usize / 64).is_some_and(|word| {
            let is_new = *word & bit == 0;
            *word |= bit;
            is_new
        })
    }

    /// 1 if it has the node, else 0.
    #[inline]
    pub(super) fn bit(&self, node: u32) -> u64 {
        self.word(node as usize / 64) >> (node % 64) & 1
    }

    /// Puts a node in if `bit` is 1; if it is 0, nothing happens. Nothing has to be foretold for that.
    #[inline]
    pub(super) fn insert_bit(&mut self, node: u32, bit: u64) {
        if let Some(word) = self.words.get_mut(node as usize / 64) {
            *word |= bit << (node % 64);
        }
    }

    /// Takes a node out; whether it was in.
    pub(super) fn remove(&mut self, node: u32) -> bool {
        let bit = 1u64 << (node % 64);
        self.words.get_mut(node as usize / 64).is_some_and(|word| {
            let was_in = *word & bit != 0;
            *word &= !bit;
            was_in
        })
    }

    /// Nodes with numbers below this can be in it, at least.
    pub(super) fn bound(&self) -> u32 {
        (self.words.len() * 64) as u32
    }

    pub(super) fn clear(&mut self) {
        self.words.fill(0);
    }

    /// The bits of 64 nodes.
    #[inline]
    pub(super) fn word(&self, word: usize) -> u64 {
        self.words.get(word).copied().unwrap_or_default()
    }

    /// How many words of 64 nodes it has.
    pub(super) fn words_len(&self) -> usize {
        self.words.len()
    }

    pub(super) fn ascending(&self) -> impl DoubleEndedIterator<Item = u32> {
        self.words.iter().enumerate().flat_map(|(at, word)| Ones(*word).map(move |bit| at as u32 * 64 + bit))
    }
}

/// The ones of a word, from either end.
pub(super) struct Ones(pub(super) u64);

impl Iterator for Ones {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let bit = (self.0 != 0).then(|| self.0.trailing_zeros())?;
        self.0 &= self.0 - 1;
        Some(bit)
    }
}

impl DoubleEndedIterator for Ones {
    fn next_back(&mut self) -> Option<u32> {
        let bit = (self.0 != 0).then(|| 63 - self.0.leading_zeros())?;
        self.0 &= !(1 << bit);
        Some(bit)
    }
}

/// The nodes of a set, numbered from 0 in their order.
pub(super) struct Ranks {
    /// The words of the set, each with how many nodes come before it.
    words: Vec<(u64, u32)>,
    len: u32,
}

impl Ranks {
    pub(super) fn of(set: &NodeSet) -> Ranks {
        let mut len = 0;
        let count = |word: &u64| {
            let before = len;
            len += word.count_ones();
            (*word, before)
        };
        let words = set.words.iter().map(count).collect();
        Ranks { words, len }
    }

    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    /// The rank of a node of the set.
    #[inline]
    pub(super) fn rank(&self, node: u32) -> Option<u32> {
        let (word, before) = self.words.get(node as usize / 64)?;
        let bit = 1u64 << (node % 64);
        (word & bit != 0).then(|| before + (word & (bit - 1)).count_ones())
    }

    /// The node of a rank.
    pub(super) fn node(&self, rank: u32) -> Option<u32> {
        let at = self.words.partition_point(|(_, before)| *before <= rank).checked_sub(1)?;
        let (word, before) = self.words.get(at)?;
        let bit = Ones(*word).nth((rank - before) as usize)?;
        Some(at as u32 * 64 + bit)
    }
}

/// Nodes that wait to be taken. Each level has a bit for every word of the level below that is not empty; 4 levels hold
/// 16 million nodes.
pub(super) struct Agenda {
    levels: Vec<Vec<u64>>,
    end: End,
}

/// Which node is taken first.
#[derive(Clone, Copy)]
pub(super) enum End {
    Lowest,
    Highest,
}

impl Agenda {
    pub(super) fn below(nodes: u32, end: End) -> Agenda {
        let mut levels = vec![vec![0u64; words_for(nodes).max(1)]];
        while let Some(words) = levels.last().map(Vec::len).filter(|words| *words > 1) {
            levels.push(vec![0; words.div_ceil(64)]);
        }
        Agenda { levels, end }
    }

    #[inline]
    pub(super) fn push(&mut self, node: u32) {
        let mut at = node as usize;
        for level in &mut self.levels {
            let (word, bit) = (at / 64, 1u64 << (at % 64));
            let Some(word) = level.get_mut(word) else { return };
            let was_empty = *word == 0;
            *word |= bit;
            if !was_empty {
                return;
            }
            at /= 64;
        }
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<u32> {
        let mut at = 0usize;
        for level in self.levels.iter().rev() {
            let word = *level.get(at)?;
            if word == 0 {
                return None;
            }
            let bit = match self.end {
                End::Lowest => word.trailing_zeros(),
                End::Highest => 63 - word.leading_zeros(),
            };
            at = at * 64 + bit as usize;
        }
        let node = at as u32;
        for level in &mut self.levels {
            let word = level.get_mut(at / 64)?;
            *word &= !(1u64 << (at % 64));
            if *word != 0 {
                break;
            }
            at /= 64;
        }
        Some(node)
    }
}

fn words_for(nodes: u32) -> usize {
    nodes.div_ceil(64) as usize
}
