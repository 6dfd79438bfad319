//! A list of numbers that are near to their neighbours, mostly: blocks of 64, each with its lowest, and by how much the
//! others exceed it in two bytes, or in four where that is not enough.

use std::mem::size_of_val;
use std::ops::Range;

#[derive(Debug, Default)]
pub(super) struct Packed {
    blocks: Box<[Block]>,
    narrow: Box<[u16]>,
    wide: Box<[u32]>,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    lowest: u32,
    /// Where its differences start among the narrow ones, or the wide ones.
    at: u32,
    is_wide: bool,
}

const BLOCK: usize = 64;

/// Makes a list.
#[derive(Default)]
pub(super) struct Packing {
    blocks: Vec<Block>,
    narrow: Vec<u16>,
    wide: Vec<u32>,
    open: Vec<u32>,
}

impl Packing {
    pub(super) fn push(&mut self, number: u32) {
        self.open.push(number);
        if self.open.len() == BLOCK {
            self.close();
        }
    }

    fn close(&mut self) {
        let (Some(lowest), Some(highest)) = (self.open.iter().min().copied(), self.open.iter().max()) else { return };
        let is_wide = highest - lowest > u32::from(u16::MAX);
        let at = if is_wide { self.wide.len() } else { self.narrow.len() } as u32;
        self.blocks.push(Block { lowest, at, is_wide });
        let above = self.open.drain(..).map(|number| number - lowest);
        if is_wide {
            self.wide.extend(above);
        } else {
            self.narrow.extend(above.map(|above| above as u16));
        }
    }

    pub(super) fn finish(mut self) -> Packed {
        self.close();
        Packed {
            blocks: self.blocks.into_boxed_slice(),
            narrow: self.narrow.into_boxed_slice(),
            wide: self.wide.into_boxed_slice(),
        }
    }
}

impl Packed {
    pub(super) fn get(&self, at: usize) -> Option<u32> {
        let block = self.blocks.get(at / BLOCK)?;
        let place = block.at as usize + at % BLOCK;
        let above = if block.is_wide { *self.wide.get(place)? } else { u32::from(*self.narrow.get(place)?) };
        Some(block.lowest + above)
    }

    /// The numbers of a range, as far as there are any.
    pub(super) fn iter(&self, range: Range<usize>) -> impl Iterator<Item = u32> {
        range.filter_map(|at| self.get(at))
    }

    /// How many of a range, in which they ascend, are below a bound.
    pub(super) fn below(&self, range: Range<usize>, bound: u32) -> usize {
        let (mut low, mut high) = (range.start, range.end);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.get(middle).is_some_and(|number| number < bound) { low = middle + 1 } else { high = middle }
        }
        low - range.start
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val::<[Block]>(&self.blocks) + size_of_val::<[u16]>(&self.narrow) + size_of_val::<[u32]>(&self.wide)
    }
}
