//! The fold, block by block: what entries add is handed out when their block is full, as rows. Whoever writes rows,
//! derives them again or judges them goes through here, so that the same entries give the same rows.

use super::delta::{Delta, Settled};
use super::known::{Carry, Lookup};
use super::page::{BLOCK_ENTRIES, BlockRuns, to_page};
use super::rows::{Head, Row};
use super::{Fold, FoldError, Placed};
use crate::lineage::words::NodeId;
use deedbook_verify::words::Index;

/// The fold and the block that is being filled.
#[derive(Clone, Debug, Default)]
pub struct BlockFold {
    fold: Fold,
    delta: Delta,
}

/// A block that is full.
#[derive(Clone, Debug)]
pub struct FullBlock {
    /// Its number.
    pub block: u64,
    /// Its page, all parts in a row.
    pub page: Vec<u8>,
    /// The runs of its entries.
    pub runs: BlockRuns,
    /// What else is new or changed.
    pub settled: Settled,
}

impl BlockFold {
    /// Goes on behind full blocks.
    pub fn resume(head: Head) -> BlockFold {
        BlockFold { fold: Fold::resume(head.nodes_count, head.carry), ..BlockFold::default() }
    }

    /// What the block that is being filled added so far.
    pub fn delta(&self) -> &Delta {
        &self.delta
    }

    /// Folds the next entry; returns the run that it is of, for `end`.
    pub fn take<L: Lookup>(
        &mut self,
        lookup: &mut L,
        placed: Placed<'_>,
    ) -> Result<Option<NodeId>, FoldError<L::Error>> {
        self.fold.take(lookup, placed, &mut self.delta)
    }

    /// The block that ends with this entry, if one does, with the runs of its entries. To be asked behind each entry, also
    /// those that cannot be read.
    pub fn end(&mut self, index: Index, runs: &mut BlockRuns) -> Option<FullBlock> {
        if index.0 % BLOCK_ENTRIES != BLOCK_ENTRIES - 1 {
            return None;
        }
        let page = to_page(&self.delta);
        self.delta.clear();
        let (runs, settled) = (std::mem::take(runs), self.fold.settle());
        Some(FullBlock { block: index.0 / BLOCK_ENTRIES, page, runs, settled })
    }

    /// What was settled before this was called the last time is in rows, and need not be kept at hand.
    pub fn let_go(&mut self) {
        self.fold.let_go();
    }
}

impl FullBlock {
    /// Its rows that are never written again: page and runs. A part of a page has at most `part_bytes`.
    pub fn once(&self, part_bytes: usize, row: &mut dyn FnMut(Row, &[u8])) {
        for (bytes, part) in self.page.chunks(part_bytes.max(1)).zip(0u16..) {
            row(Row::Page { block: self.block, part }, bytes);
        }
        row(Row::Runs(self.block), &self.runs.to_bytes());
    }

    /// Its rows that later blocks write again.
    pub fn changed(&self, row: &mut dyn FnMut(Row, &[u8])) {
        let Settled { nodes_count, carry, nodes, links, far, traces } = &self.settled;
        nodes.iter().for_each(|(key, known)| row(Row::Node(*key), &known.to_bytes()));
        links.iter().for_each(|(of, links)| row(Row::Links(*of), &links.to_bytes()));
        far.iter().for_each(|(key, link)| row(Row::Link(*key), &link.to_bytes()));
        traces.iter().for_each(|(request, trace)| row(Row::Trace(*request), &trace.to_bytes()));
        let (nodes_count, carry): (u32, Carry) = (*nodes_count, *carry);
        row(Row::Head, &Head { blocks: self.block.saturating_add(1), nodes_count, carry }.to_bytes());
    }
}
