//! The rows of one commit, kept in one arena: no allocation per row, and the same bytes for every backend.

use crate::limits;
use crate::store::order;
use std::ops::Range;

/// One change, borrowed from the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    /// Sets a key.
    Put {
        /// The key.
        key: &'a [u8],
        /// Its new value.
        value: &'a [u8],
    },
    /// Removes a key.
    Delete {
        /// The key.
        key: &'a [u8],
    },
}

#[derive(Clone, Debug)]
struct Span {
    key: Range<usize>,
    value: Option<Range<usize>>,
}

/// Changes in the order in which they apply: those put, then those scattered.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    arena: Vec<u8>,
    spans: Vec<Span>,
    scattered: Vec<Span>,
    // The order of the scattered ones, once they are sorted.
    order: Vec<usize>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Batch {
        Batch::default()
    }

    /// Forgets the changes and keeps their room, so that the next batch takes no fresh pages; unless it is so much that
    /// one large commit would hold it for ever.
    pub fn clear(&mut self) {
        if self.arena.capacity() > limits::BATCH_KEPT_BYTES_MAX {
            *self = Batch::new();
        }
        self.arena.clear();
        self.spans.clear();
        self.scattered.clear();
        self.order.clear();
    }

    /// Sets a key.
    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        let key = self.append(key);
        let value = self.append(value);
        self.spans.push(Span { key, value: Some(value) });
    }

    /// Sets a key to what `write` appends, and returns those bytes.
    pub fn put_with(&mut self, key: &[u8], write: impl FnOnce(&mut Vec<u8>)) -> &[u8] {
        let key = self.append(key);
        let start = self.arena.len();
        write(&mut self.arena);
        let value = start..self.arena.len();
        self.spans.push(Span { key, value: Some(value.clone()) });
        self.arena.get(value).unwrap_or(&[])
    }

    /// Removes a key.
    pub fn delete(&mut self, key: &[u8]) {
        let key = self.append(key);
        self.spans.push(Span { key, value: None });
    }

    /// Makes the changes of another batch too, behind those that are here and in their order.
    pub fn append_all(&mut self, other: &Batch) {
        let start = self.arena.len();
        self.arena.extend_from_slice(&other.arena);
        let shift = |range: &Range<usize>| range.start.saturating_add(start)..range.end.saturating_add(start);
        let moved = |span: &Span| Span { key: shift(&span.key), value: span.value.as_ref().map(shift) };
        self.spans.extend(other.spans.iter().map(moved));
        self.scattered.extend(other.scattered.iter().map(moved));
    }

    fn append(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.arena.len();
        self.arena.extend_from_slice(bytes);
        start..self.arena.len()
    }

    /// Sets a key that has no order among its neighbours, such as a hash. Never one that is also put.
    pub fn scatter(&mut self, key: &[u8], value: &[u8]) {
        let key = self.append(key);
        let value = self.append(value);
        self.scattered.push(Span { key, value: Some(value) });
    }

    /// Puts the scattered changes in the order of their keys; those of one key keep theirs. An engine inserts
    /// neighbours into its memtable without searching for each, which halves what they cost there.
    pub fn sort_scattered(&mut self) {
        let arena = &self.arena;
        let keys = self.scattered.iter().map(|span| arena.get(span.key.clone()).unwrap_or_default());
        self.order = order::ascending(keys);
    }

    /// The changes, in order.
    pub fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        let sorted = self.order.iter().filter_map(|at| self.scattered.get(*at));
        let unsorted = self.scattered.iter().skip(self.order.len());
        self.spans.iter().chain(sorted).chain(unsorted).filter_map(|span| {
            let key = self.arena.get(span.key.clone())?;
            match &span.value {
                None => Some(Operation::Delete { key }),
                Some(value) => Some(Operation::Put { key, value: self.arena.get(value.clone())? }),
            }
        })
    }

    /// Bytes of keys and values.
    pub fn bytes(&self) -> usize {
        self.arena.len()
    }

    /// Number of changes.
    pub fn len(&self) -> usize {
        self.spans.len().saturating_add(self.scattered.len())
    }

    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty() && self.scattered.is_empty()
    }
}
