//! What the fold changed since it last settled, and what it looked up lately. Maps; it knows no rows.

use super::delta::Settled;
use super::key::NodeKey;
use super::known::{Carry, Known, Link, LinkKey, Trace};
use super::links::Links;
use crate::limits::LINEAGE_TAIL_KEPT_MAX;
use crate::lineage::words::NodeId;
use deedbook_verify::words::SubjectId;
use foldhash::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

#[derive(Clone, Debug, Default)]
pub(super) struct Tail {
    pub nodes: Held<NodeKey, Known>,
    pub links: Fronted<NodeId, Links>,
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
    /// What is kept. It belongs to the newer generation from here on, so that what is asked for often stays.
    pub fn get(&mut self, key: &K) -> Option<&V> {
        let slot = match self.newer.entry(*key) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(place) => place.insert(self.older.remove(key)?),
        };
        Some(&slot.value)
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

    fn take(&mut self, key: &K) -> Option<Slot<V>> {
        self.newer.remove(key).or_else(|| self.older.remove(key))
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

/// The same, with what was asked for last apart, and whether there is anything: an entry asks and changes the links of
/// one run several times.
#[derive(Clone, Debug)]
pub(super) struct Fronted<K, V> {
    front: Option<(K, Option<Slot<V>>)>,
    held: Held<K, V>,
}

impl<K, V> Default for Fronted<K, V> {
    fn default() -> Fronted<K, V> {
        Fronted { front: None, held: Held::default() }
    }
}

impl<K: Copy + Eq + Hash + Ord, V: Clone + Default> Fronted<K, V> {
    pub fn get(&mut self, key: &K) -> Option<&V> {
        self.bring(*key).0.as_ref().map(|slot| &slot.value)
    }

    /// Keeps what a row says.
    pub fn remember(&mut self, key: K, value: V) {
        *self.bring(key).0 = Some(Slot { value, is_settled: true });
    }

    /// Changes what is kept, or what is there where nothing is kept, to something that rows do not have. What `change`
    /// returns says whether it did.
    pub fn edit(&mut self, key: K, change: impl FnOnce(&mut V) -> bool) -> bool {
        let (slot, unsettled) = self.bring(key);
        let slot = slot.get_or_insert_with(|| Slot { value: V::default(), is_settled: true });
        let changed = change(&mut slot.value);
        if changed && slot.is_settled {
            slot.is_settled = false;
            unsettled.push(key);
        }
        changed
    }

    /// Forgets what nobody will ask for again; it gets no row.
    pub fn forget(&mut self, key: K) {
        *self.bring(key).0 = None;
    }

    /// Its slot, which may be empty, and the keys of those that rows do not have.
    fn bring(&mut self, key: K) -> (&mut Option<Slot<V>>, &mut Vec<K>) {
        if self.front.as_ref().is_none_or(|(front, _)| *front != key) {
            self.put_back();
        }
        let Fronted { front, held } = self;
        let (_, slot) = front.get_or_insert_with(|| (key, held.take(&key)));
        (slot, &mut held.unsettled)
    }

    fn put_back(&mut self) {
        if let Some((key, Some(slot))) = self.front.take() {
            self.held.newer.insert(key, slot);
        }
    }

    fn settle(&mut self) -> Vec<(K, V)> {
        self.put_back();
        self.held.settle()
    }

    fn let_go(&mut self) {
        self.put_back();
        self.held.let_go();
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
