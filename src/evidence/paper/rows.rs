//! Rows of a test as its files have them: what a page or a chart names of them.

use crate::evidence::Rows;
use deedbook_verify::package::{Basis, Folder, RowVerdict, TestId};
use std::io;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestRow {
    /// The entry that it is about.
    pub index: String,
    /// Its kind.
    pub kind: String,
    /// The part of the population that samples are drawn from.
    pub stratum: String,
    /// When the ledger had it.
    pub received: String,
    /// How it came out.
    pub verdict: RowVerdict,
    /// Why it is no pass.
    pub code: String,
    /// Entries that it was compared with.
    pub compared: Vec<String>,
    /// Persons that were compared, as refs.
    pub persons: Vec<String>,
    /// Whose word it rests on.
    pub rests_on: String,
}

impl TestRow {
    /// Each row of a population, in the order of its file, for as long as the answer is yes.
    pub fn population(folder: &dyn Folder, id: TestId, each: impl FnMut(TestRow) -> bool) -> io::Result<()> {
        match id.basis() {
            Basis::Rows => read(folder, &format!("data/tests/{}/population.csv", id.name()), each),
            Basis::Entries | Basis::Undecided(_) => Ok(()),
        }
    }

    /// Each exception.
    pub fn exceptions(folder: &dyn Folder, id: TestId, each: impl FnMut(TestRow) -> bool) -> io::Result<()> {
        match id.basis() {
            Basis::Rows | Basis::Entries => read(folder, &format!("data/tests/{}/exceptions.csv", id.name()), each),
            Basis::Undecided(_) => Ok(()),
        }
    }
}

fn read(folder: &dyn Folder, path: &str, mut each: impl FnMut(TestRow) -> bool) -> io::Result<()> {
    let mut rows = Rows::open(folder, path)?;
    while let Some(row) = rows.read()? {
        let columns = || io::Error::new(io::ErrorKind::InvalidData, format!("{path} has other columns"));
        let [_, index, _, _, kind, stratum, _, received, verdict, code, compared, _, persons, rests_on] = row else {
            return Err(columns());
        };
        let verdict = RowVerdict::from_name(verdict).ok_or_else(columns)?;
        let words = |cell: &str| cell.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let (compared, persons) = (words(compared), words(persons));
        let [index, kind, stratum, received, code, rests_on] =
            [index, kind, stratum, received, code, rests_on].map(String::clone);
        if !each(TestRow { index, kind, stratum, received, verdict, code, compared, persons, rests_on }) {
            break;
        }
    }
    Ok(())
}
