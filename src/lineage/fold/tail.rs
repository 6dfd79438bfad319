//! What the fold changed since it last settled, and what it looked up lately. Maps; it knows no rows.

use super::delta::Settled;
use super::key::NodeKey;
use super::known::{Carry, Known, Link, LinkKey, Trace};
use super::links::Links;
use crate::limits::LINEAGE_TAIL_KEPT_MAX;
use crate::lineage::words::NodeId;
use deedbook_verify::words::SubjectId;
use foldhash::HashMap;
use std::hash::Hash;

#[derive(Clone, Debug, Default)]
pub(super) struct Tail {
    pub nodes: Held<NodeKey, Known>,
    pub links: Held<NodeId, Links>,
    pub far: Held<LinkKey, Link>,
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

    /// Changes what is kept, or what is there where nothing is kept, to something that rows do not have. What `change`
    /// returns says whether it did.
    pub fn edit(&mut self, key: K, change: impl FnOnce(&mut V) -> bool) -> bool
    where
        V: Default,
    {
        let older = &mut self.older;
        let slot = self
            .newer
            .entry(key)
            .or_insert_with(|| older.remove(&key).unwrap_or_else(|| Slot { value: V::default(), is_settled: true }));
        let changed = change(&mut slot.value);
        if changed && slot.is_settled {
            slot.is_settled = false;
            self.unsettled.push(key);
        }
        changed
    }

    /// Forgets what nobody will ask for again; it gets no row.
    pub fn forget(&mut self, key: &K) {
        self.newer.remove(key);
    }

    /// What rows do not have, ascending; from here on it is known like what a row says.
    fn settle(&mut self) -> Vec<(K, V)> {
        let mut settled = Vec::with_capacity(self.unsettled.len());
        for key in self.unsettled.drain(..) {
            if let Some(slot) = self.newer.get_mut(&key) {
                slot.is_settled = true;
                settled.push((key, slot.value.clone()));
            }
        }
        settled.sort_unstable_by_key(|(key, _)| *key);
        settled
    }

    /// Lets the older generation go, if the newer is full.
    fn let_go(&mut self) {
        if self.newer.len() < LINEAGE_TAIL_KEPT_MAX / 2 {
            return;
        }
        std::mem::swap(&mut self.newer, &mut self.older);
        self.newer.clear();
        for key in &self.unsettled {
            if let Some(slot) = self.older.remove(key) {
                self.newer.insert(*key, slot);
            }
        }
    }
}

impl Tail {
    pub fn settle(&mut self, nodes_count: u32, carry: Carry) -> Settled {
        Settled {
            nodes_count,
            carry,
            nodes: self.nodes.settle(),
            links: self.links.settle(),
            far: self.far.settle(),
            traces: self.traces.settle(),
        }
    }

    pub fn let_go(&mut self) {
        self.nodes.let_go();
        self.links.let_go();
        self.far.let_go();
        self.traces.let_go();
    }
}
