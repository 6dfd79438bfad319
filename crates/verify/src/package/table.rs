//! The files of one population: every row, the exceptions among them, and the samples that are drawn once the
//! population's hash stands.

use crate::limits::SIGNATURE_THREADS_MAX;
use crate::package::code::{PackageCode, PackageRefusal};
use crate::package::csv::Line;
use crate::package::draw::Seed;

use crate::package::views::{View, Views, Written};
use crate::words::{Hash, Index};
use std::collections::{BTreeMap, BinaryHeap};

/// A population on its way: rows go to the file, and 12 bytes of each stay for the draw.
pub struct Population {
    folder: String,
    view: View,
    strata: BTreeMap<String, u32>,
    /// The stratum of the last row: most rows have that of the one before.
    last: Option<(String, u32)>,
    rows: Vec<(Index, u32)>,
}

/// A population that is written.
pub struct Drawable {
    folder: String,
    written: Written,
    strata: BTreeMap<String, u32>,
    rows: Vec<(Index, u32)>,
}

/// What was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Rows of the population.
    pub rows: u64,
    /// SHA-256 of its file.
    pub population: Hash,
    /// The seed.
    pub seed: Hash,
    /// Rows that were drawn.
    pub drawn: u64,
}

impl Population {
    /// Begins `FOLDER/population.csv` with its head line.
    pub fn create(views: &mut Views<'_>, folder: &str, columns: &[u8]) -> Result<Population, PackageRefusal> {
        let mut view = views.create(&format!("{folder}/population.csv"), PackageCode::Population)?;
        view.write(columns)?;
        Ok(Population { folder: folder.to_owned(), view, strata: BTreeMap::new(), last: None, rows: Vec::new() })
    }

    /// Appends a row.
    pub fn push(&mut self, index: Index, stratum: &str, line: &[u8]) -> Result<(), PackageRefusal> {
        let number = match &self.last {
            Some((last, number)) if last == stratum => *number,
            Some(_) | None => self.number_of(stratum),
        };
        self.rows.push((index, number));
        self.view.write(line)
    }

    fn number_of(&mut self, stratum: &str) -> u32 {
        let next = u32::try_from(self.strata.len()).unwrap_or(u32::MAX);
        let number = *self.strata.entry(stratum.to_owned()).or_insert(next);
        self.last = Some((stratum.to_owned(), number));
        number
    }

    /// Ends the file.
    pub fn close(self, views: &mut Views<'_>) -> Result<Drawable, PackageRefusal> {
        let written = views.close(self.view)?;
        Ok(Drawable { folder: self.folder, written, strata: self.strata, rows: self.rows })
    }
}

/// The head of a file of samples. `status` is for the auditor to fill in, in a copy.
const SAMPLE_COLUMNS: &[u8] = b"rank,index,draw,stratum,status\r\n";

impl Drawable {
    /// Writes `FOLDER/samples.csv`: in each stratum, by name, the rows with the lowest draw values, the lowest first.
    pub fn draw(
        self,
        views: &mut Views<'_>,
        seed: impl FnOnce(&Hash) -> Seed,
        count: u32,
    ) -> Result<Drawn, PackageRefusal> {
        let seed = seed(&self.written.sha256);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let mut lowest = lowest_of(&self.rows, &seed, count);
        let mut view = views.create(&format!("{}/samples.csv", self.folder), PackageCode::Samples)?;
        view.write(SAMPLE_COLUMNS)?;
        let (mut line, mut drawn) = (Line::default(), 0u64);
        for (name, number) in &self.strata {
            let rows = lowest.0.remove(number).map(BinaryHeap::into_sorted_vec).unwrap_or_default();
            for (rank, (draw, index)) in (1u64..).zip(rows) {
                line.clear();
                line.numbers([rank].into_iter());
                line.numbers([index.0].into_iter());
                line.hex(&draw.0);
                line.cell(name);
                line.plain("");
                view.write(line.end())?;
                drawn = drawn.saturating_add(1);
            }
        }
        views.close(view)?;
        let rows = u64::try_from(self.rows.len()).unwrap_or(u64::MAX);
        Ok(Drawn { rows, population: self.written.sha256, seed: seed.value(), drawn })
    }
}

/// The rows with the lowest draw values of each stratum, by its number.
#[derive(Default)]
struct Lowest(BTreeMap<u32, BinaryHeap<(Hash, Index)>>);

impl Lowest {
    fn take(&mut self, stratum: u32, row: (Hash, Index), count: usize) {
        let heap = self.0.entry(stratum).or_default();
        if heap.len() < count {
            heap.push(row);
        } else if heap.peek().is_some_and(|highest| row < *highest) {
            heap.pop();
            heap.push(row);
        }
    }
}

/// Rows that are drawn on a thread of their own: some 20 ms of work.
const ROWS_OF_A_THREAD: usize = 65_536;

/// Draws on all cores: nothing else is left to do then.
fn lowest_of(rows: &[(Index, u32)], seed: &Seed, count: usize) -> Lowest {
    let of = |rows: &[(Index, u32)]| {
        let mut lowest = Lowest::default();
        rows.iter().for_each(|(index, stratum)| lowest.take(*stratum, (seed.draw(*index), *index), count));
        lowest
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(SIGNATURE_THREADS_MAX);
    let each = rows.len().div_ceil(cores).max(ROWS_OF_A_THREAD);
    std::thread::scope(|scope| {
        let threads: Vec<_> = rows.chunks(each).skip(1).map(|rows| scope.spawn(move || of(rows))).collect();
        let mut all = rows.chunks(each).next().map(of).unwrap_or_default();
        for (thread, rows) in threads.into_iter().zip(rows.chunks(each).skip(1)) {
            // What a thread did not bring is drawn here.
            let found = thread.join().unwrap_or_else(|_| of(rows));
            for (stratum, heap) in found.0 {
                heap.into_iter().for_each(|row| all.take(stratum, row, count));
            }
        }
        all
    })
}
