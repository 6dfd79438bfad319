//! Where lists end that stand one behind the other, in little room, for whoever reads one waits for memory: in blocks of 16,
//! each with where its first list starts, and in a byte each how far behind that the lists end. No edges here.

use std::mem::size_of_val;
use std::ops::Range;

/// Lists of a block.
const BLOCK: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Ends {
    blocks: Box<[Block]>,
    /// The ends in those blocks that hold more than a byte counts, by number of the block.
    wide: Box<[(u32, [u32; BLOCK])]>,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    start: u32,
    /// They never decrease but in a block that is wide.
    ends: [u8; BLOCK],
}

/// What stands for the ends of a wide block.
const WIDE: [u8; BLOCK] = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

impl Ends {
    /// Of lists in their order.
    pub(super) fn of(ends: &[u32]) -> Ends {
        let (mut blocks, mut wide, mut start) = (Vec::with_capacity(ends.len().div_ceil(BLOCK)), Vec::new(), 0);
        for lists in ends.chunks(BLOCK) {
            let end = lists.last().copied().unwrap_or(start);
            let mut all = [end; BLOCK];
            all.iter_mut().zip(lists).for_each(|(slot, end)| *slot = *end);
            let later = all.map(|end| end - start);
            let narrow = later.map(|end| u8::try_from(end).ok());
            let is_wide = narrow.contains(&None);
            if is_wide {
                wide.push((blocks.len() as u32, later));
            }
            blocks.push(Block { start, ends: if is_wide { WIDE } else { narrow.map(Option::unwrap_or_default) } });
            start = end;
        }
        Ends { blocks: blocks.into_boxed_slice(), wide: wide.into_boxed_slice() }
    }

    /// Where a list is, an empty one behind the last.
    #[inline]
    pub(super) fn range(&self, list: usize) -> Range<usize> {
        let Some(block) = self.blocks.get(list / BLOCK) else { return 0..0 };
        if block.ends.first() > block.ends.last() {
            return self.wide_range(list, block.start);
        }
        let at = list % BLOCK;
        let end = |at: usize| usize::from(block.ends.get(at).copied().unwrap_or_default());
        // Without a branch.
        let start = end(at.saturating_sub(1)) * usize::from(at > 0);
        block.start as usize + start..block.start as usize + end(at)
    }

    #[cold]
    fn wide_range(&self, list: usize, start: u32) -> Range<usize> {
        let (number, at) = ((list / BLOCK) as u32, list % BLOCK);
        let block = self.wide.binary_search_by_key(&number, |(number, _)| *number).ok();
        let ends = block.and_then(|block| self.wide.get(block)).map_or([0; BLOCK], |(_, ends)| *ends);
        let end = |at: usize| (start + ends.get(at).copied().unwrap_or_default()) as usize;
        at.checked_sub(1).map_or(start as usize, end)..end(at)
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val::<[Block]>(&self.blocks) + size_of_val::<[(u32, [u32; BLOCK])]>(&self.wide)
    }
}
