//! What the writer built and the store may not hold yet, and a cache beyond that: a map of two generations. A value
//! leaves when as many newer ones came as a generation holds, and by then its commit is long durable.

use foldhash::{HashMap, HashMapExt};
use std::hash::Hash;

/// A bounded map that forgets its oldest half.
#[derive(Debug)]
pub struct Recent<K, V> {
    new: HashMap<K, V>,
    old: HashMap<K, V>,
    generation_max: usize,
    weight: usize,
}

impl<K: Eq + Hash, V> Recent<K, V> {
    /// Holds at least the last values that weigh `generation_max` together.
    pub fn new(generation_max: usize) -> Recent<K, V> {
        Recent { new: HashMap::new(), old: HashMap::new(), generation_max, weight: 0 }
    }

    /// Sets a key whose value weighs 1.
    pub fn insert(&mut self, key: K, value: V) {
        self.insert_weighing(1, key, value);
    }

    /// Sets a key whose value stands for `weight` events.
    pub fn insert_weighing(&mut self, weight: usize, key: K, value: V) {
        if self.weight >= self.generation_max {
            // The oldest go, their room is used again.
            std::mem::swap(&mut self.new, &mut self.old);
            self.new.clear();
            self.weight = 0;
        }
        self.weight = self.weight.saturating_add(weight);
        self.new.insert(key, value);
    }

    /// The value, if it was inserted not too long ago.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.new.get(key).or_else(|| self.old.get(key))
    }
}
