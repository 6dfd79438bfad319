//! What the fold looked up or changed since it last settled. Maps, and which of it rows do not have yet.

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

/// Values by key, and whether rows have them.
#[derive(Clone, Debug)]
pub(super) struct Held<K, V>(HashMap<K, (V, bool)>);

impl<K, V> Default for Held<K, V> {
    fn default() -> Held<K, V> {
        Held(HashMap::default())
    }
}

impl<K: Copy + Eq + Hash + Ord, V: Clone> Held<K, V> {
    pub fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key).map(|(value, _)| value)
    }

    /// Keeps what a row said.
    pub fn remember(&mut self, key: K, value: V) {
        self.0.insert(key, (value, true));
    }

    /// Keeps what rows do not have.
    pub fn put(&mut self, key: K, value: V) {
        self.0.insert(key, (value, false));
    }

    /// What rows do not have, ascending. All of it stays known while it is little.
    fn settle(&mut self) -> Vec<(K, V)> {
        let mut new: Vec<(K, V)> =
            self.0.iter().filter(|(_, (_, settled))| !settled).map(|(key, (value, _))| (*key, value.clone())).collect();
        new.sort_unstable_by_key(|(key, _)| *key);
        if self.0.len() > LINEAGE_TAIL_KEPT_MAX {
            self.0.clear();
        } else {
            self.0.values_mut().for_each(|(_, settled)| *settled = true);
        }
        new
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
