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

/// Values by key, in two generations; and the keys of those that rows do not have yet, all in the newer one.
#[derive(Clone, Debug)]
pub(super) struct Held<K, V> {
    newer: HashMap<K, Slot<V>>,
    older: HashMap<K, Slot<V>>,
    unsettled: Vec<K>,
}

#[derive(Clone, Debug)]
struct Slot<V> {
    value: V,
    is_settled: bool,
}

impl<K, V> Default for Held<K, V> {
    fn default() -> Held<K, V> {
        Held { newer: HashMap::default(), older: HashMap::default(), unsettled: Vec::new() }
    }
}

impl<K: Copy + Eq + Hash + Ord, V: Clone> Held<K, V> {
    pub fn get(&self, key: &K) -> Option<&V> {
        self.newer.get(key).or_else(|| self.older.get(key)).map(|slot| &slot.value)
    }

    /// Keeps what a row says.
    pub fn remember(&mut self, key: K, value: V) {
        self.newer.insert(key, Slot { value, is_settled: true });
    }

    /// Keeps what rows do not have.
    pub fn put(&mut self, key: K, value: V) {
        let before = self.newer.insert(key, Slot { value, is_settled: false });
        if before.is_none_or(|slot| slot.is_settled) {
            self.unsettled.push(key);
        }
    }

    /// What rows do not have, ascending; it stays known like what a row says, until two generations have passed.
    fn settle(&mut self) -> Vec<(K, V)> {
        let mut settled = Vec::with_capacity(self.unsettled.len());
        for key in self.unsettled.drain(..) {
            if let Some(slot) = self.newer.get_mut(&key) {
                slot.is_settled = true;
                settled.push((key, slot.value.clone()));
            }
        }
        settled.sort_unstable_by_key(|(key, _)| *key);
        if self.newer.len() >= LINEAGE_TAIL_KEPT_MAX / 2 {
            std::mem::swap(&mut self.newer, &mut self.older);
            self.newer.clear();
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
