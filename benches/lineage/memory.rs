//! What memory itself gives, beside passes in the same run: where it gets slower with size, so must whatever reads it.

use crate::Dice;

pub struct Words(Vec<u64>);

impl Words {
    /// As many as make so many bytes.
    pub fn of(bytes: usize) -> Words {
        Words((0..bytes as u64 / 8).collect())
    }

    pub fn bytes(&self) -> usize {
        self.0.len() * size_of::<u64>()
    }

    /// Reads all of them once.
    pub fn in_order(&self) -> usize {
        self.0.iter().fold(0, |sum: u64, word| sum.wrapping_add(*word)) as usize
    }

    /// Reads so many of them, here and there; none waits for another.
    pub fn in_no_order(&self, times: u32) -> usize {
        let mut dice = Dice(3);
        let word = |_| self.0.get(dice.below(self.0.len() as u32) as usize).copied().unwrap_or_default();
        (0..times).map(word).fold(0, u64::wrapping_add) as usize
    }
}
