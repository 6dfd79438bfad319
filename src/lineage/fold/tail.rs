//! What the fold changed since it last settled, and what it looked up lately. Maps; it knows no rows.

use super::delta::Settled;
use super::key::NodeKey;
use super::known::{Carry, Known, Link, LinkKey, Trace};
use crate::limits::LINEAGE_TAIL_KEPT_MAX;
use deedbook_verify::words::SubjectId;
use foldhash::HashMap;
use std::hash::Hash;

#[derive(Clone, Debug, Default)]
pub(super) struct Tail {
    pub nodes: Held<NodeKey, Known>,
    pub links: Held<LinkKey, Link>,
    pub traces: Held<SubjectId, Trace>,
}

/// Values by key: those that rows do not have yet, and of the others the newest, in two generations.
#[derive(Clone, Debug)]
pub(super) struct Held<K, V> {
    new: HashMap<K, V>,
    kept: HashMap<K, V>,
    older: HashMap<K, V>,
}

impl<K, V> Default for Held<K, V> {
    fn default() -> Held<K, V> {
        Held { new: HashMap::default(), kept: HashMap::default(), older: HashMap::default() }
    }
}

impl<K: Copy + Eq + Hash + Ord, V: Clone> Held<K, V> {
    pub fn get(&self, key: &K) -> Option<&V> {
        self.new.get(key).or_else(|| self.kept.get(key)).or_else(|| self.older.get(key))
    }

    /// Keeps what a row says.
    pub fn remember(&mut self, key: K, value: V) {
        if self.kept.len() >= LINEAGE_TAIL_KEPT_MAX / 2 {
            std::mem::swap(&mut self.kept, &mut self.older);
            self.kept.clear();
        }
        self.kept.insert(key, value);
    }

    /// Keeps what rows do not have.
    pub fn put(&mut self, key: K, value: V) {
        self.new.insert(key, value);
    }

    /// What rows do not have, ascending; it stays known like what a row says.
    fn settle(&mut self) -> Vec<(K, V)> {
        let mut settled: Vec<(K, V)> = self.new.drain().collect();
        settled.sort_unstable_by_key(|(key, _)| *key);
        for (key, value) in &settled {
            self.remember(*key, value.clone());
        }
        settled
    }
}

impl Tail {
    pub fn settle(&mut self, nodes_count: u32, carry: Carry) -> Settled {
        Settled {
            nodes_count,
            carry,
            nodes: self.nodes.settle(),
            links: self.links.settle(),
            traces: self.traces.settle(),
        }
    }
}
