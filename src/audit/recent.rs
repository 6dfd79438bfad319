//! What the fold of the graph asks for, as an audit answers it: what was settled from memory, the runs of late events too,
//! and those of earlier ones from their rows, so that memory does not grow by them. The rows may be wrong: then the first
//! wrong one differs from what is folded from right ones, and the sums say so.

use crate::audit::LEDGER;
use crate::limits::AUDIT_LATE_RUNS_MIN;
use crate::lineage::NodeId;
use crate::lineage::fold::{
    BLOCK_ENTRIES, BlockRuns, Known, Link, LinkKey, Links, Lookup, Memory, NodeKey, Row, Settled, Trace,
};
use crate::store::{Store, StoreError, keys};
use deedbook_verify::facts::Parent;
use deedbook_verify::words::{EventId, Index, Ref, SubjectId};
use foldhash::HashMap;

/// What stands before the entry that is folded.
pub(super) struct Before<'s> {
    store: &'s dyn Store,
    memory: Memory,
    late: LateRuns,
    /// The entry that is folded.
    pub at: Index,
}

impl<'s> Before<'s> {
    /// Nothing yet.
    pub fn new(store: &'s dyn Store) -> Before<'s> {
        Before { store, memory: Memory::default(), late: LateRuns::default(), at: Index(0) }
    }

    /// Takes in what the fold hands out.
    pub fn take_in(&mut self, settled: Settled) {
        self.memory.take_in(settled);
    }

    /// Remembers which run an event is of.
    pub fn ran(&mut self, event: Parent, run: NodeId) {
        self.late.insert((event.source, event.event_id), run);
    }

    /// The rows of what is kept beside pages, and what they hold after `blocks` blocks, in no order.
    pub fn rows(&self, blocks: u64, row: &mut dyn FnMut(Row, Vec<u8>)) {
        self.memory.rows(blocks, row);
    }
}

/// Of the latest events that are of a run, at least `AUDIT_LATE_RUNS_MIN` and at most twice as many. One that is not here and
/// is of a run stands in a full block, whose row is stored.
#[derive(Default)]
struct LateRuns {
    young: HashMap<(Ref, EventId), NodeId>,
    old: HashMap<(Ref, EventId), NodeId>,
}

impl LateRuns {
    fn insert(&mut self, event: (Ref, EventId), run: NodeId) {
        if self.young.len() >= AUDIT_LATE_RUNS_MIN {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(event, run);
    }

    fn get(&self, event: &(Ref, EventId)) -> Option<NodeId> {
        self.young.get(event).or_else(|| self.old.get(event)).copied()
    }
}

impl Lookup for Before<'_> {
    type Error = StoreError;

    fn node(&mut self, key: &NodeKey) -> Result<Option<Known>, StoreError> {
        self.memory.node(key).map_err(|never| match never {})
    }

    fn links(&mut self, of: NodeId) -> Result<Option<Links>, StoreError> {
        self.memory.links(of).map_err(|never| match never {})
    }

    fn far_link(&mut self, key: &LinkKey) -> Result<Option<Link>, StoreError> {
        self.memory.far_link(key).map_err(|never| match never {})
    }

    fn trace(&mut self, request: &SubjectId) -> Result<Option<Trace>, StoreError> {
        self.memory.trace(request).map_err(|never| match never {})
    }

    fn run_of(&mut self, event: &Parent) -> Result<Option<NodeId>, StoreError> {
        if let Some(run) = self.late.get(&(event.source, event.event_id)) {
            return Ok(Some(run));
        }
        let row = self.store.get(keys::event_id(LEDGER, &event.source, &event.event_id).as_slice())?;
        let index = row.and_then(|bytes| bytes.as_slice().try_into().ok()).map(u64::from_be_bytes).map(Index);
        // The store knows of entries behind this one too.
        let Some(index) = index.filter(|index| *index < self.at) else { return Ok(None) };
        let row =
            self.store.get(keys::lineage(LEDGER, Row::Runs(index.0 / BLOCK_ENTRIES).key().as_slice()).as_slice())?;
        Ok(row.and_then(|bytes| BlockRuns::parse(&bytes).ok()).and_then(|runs| runs.get(index)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Batch, MemoryStore};

    fn event(number: u64) -> Parent {
        let id = u128::from(number).to_be_bytes();
        Parent { source: Ref([7; 16]), event_id: EventId(id) }
    }

    fn run(number: u64) -> NodeId {
        NodeId::new(u32::try_from(number).unwrap()).unwrap()
    }

    /// Every entry is of the run with its own number. As the writer, rows are there for full blocks alone.
    #[test]
    fn runs_of_late_and_of_early_events_are_found_and_of_none_that_is_still_to_come() {
        let entries = AUDIT_LATE_RUNS_MIN as u64 * 3 + 100;
        let (store, mut rows, mut runs) = (MemoryStore::new(), Batch::new(), BlockRuns::default());
        for index in 0..entries {
            let Parent { source, event_id } = event(index);
            rows.put(keys::event_id(LEDGER, &source, &event_id).as_slice(), &index.to_be_bytes());
            runs.push(Index(index), run(index));
            if (index + 1).is_multiple_of(BLOCK_ENTRIES) {
                let row = Row::Runs(index / BLOCK_ENTRIES);
                rows.put(keys::lineage(LEDGER, row.key().as_slice()).as_slice(), &std::mem::take(&mut runs).to_bytes());
            }
        }
        store.commit(&rows).unwrap();
        let mut before = Before::new(&store);
        for index in 0..entries {
            before.at = Index(index);
            if !index.is_multiple_of(97) {
                before.ran(event(index), run(index));
                continue;
            }
            for asked in [0, index / 2, index.saturating_sub(1), index.saturating_sub(AUDIT_LATE_RUNS_MIN as u64 * 2)] {
                let expected = (asked < index).then(|| run(asked));
                assert_eq!(before.run_of(&event(asked)).unwrap(), expected, "{asked} at {index}");
            }
            assert_eq!(before.run_of(&event(index)).unwrap(), None);
            assert_eq!(before.run_of(&event(entries - 1)).unwrap(), None);
            before.ran(event(index), run(index));
        }
    }
}
