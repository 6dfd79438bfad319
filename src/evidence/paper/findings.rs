//! Everything that the page and the workbook are made of, read back from a package's files. What is long is cut here, with
//! its count kept.

use crate::evidence::paper::html::{Outcome, Prose};
use crate::evidence::paper::rows::TestRow;
use crate::evidence::{ControlRow, Rows, TestResult};
use crate::limits::{REPORT_EXCEPTIONS_MAX, REPORT_INDETERMINATE_MAX};
use deedbook_verify::package::{Basis, FOR_INFORMATION, Folder, LISTING, Rendered, RowVerdict, TestId, Verdict};
use std::io;

/// What `dispositions.csv` has of one that counts.
const COUNTS: &str = "yes";

/// One test.
pub struct Finding {
    /// Which.
    pub id: TestId,
    /// How it came out.
    pub outcome: Outcome,
    /// Its summary.
    pub result: TestResult,
    /// The first exceptions.
    pub exceptions: Vec<TestRow>,
    /// What became of each of these, as far as somebody said it whose word counts.
    pub disposed: Vec<Option<Disposed>>,
    /// The first rows that entries do not decide, as far as a file lists them.
    pub indeterminate: Vec<TestRow>,
    /// The first rows that decide nothing.
    pub not_counted: Vec<TestRow>,
}

/// What somebody said becomes of an exception.
#[derive(Clone)]
pub struct Disposed {
    /// The entry that says it.
    pub index: String,
    /// The word for it.
    pub word: String,
}

/// All of them, with the controls that they speak to.
pub struct Findings<'a> {
    /// What was rendered.
    pub rendered: &'a Rendered,
    /// Every test, by number.
    pub tests: Vec<Finding>,
    /// Every control, in the mapping's order.
    pub controls: Vec<ControlRow>,
}

impl<'a> Findings<'a> {
    /// Of a package whose files are rendered.
    pub fn read(folder: &dyn Folder, rendered: &'a Rendered) -> io::Result<Findings<'a>> {
        let tests = rendered.tests.iter().map(|(id, verdict, ..)| Finding::read(folder, *id, *verdict));
        let mut tests = tests.collect::<io::Result<Vec<Finding>>>()?;
        dispose(folder, &mut tests)?;
        Ok(Findings { rendered, tests, controls: ControlRow::read(folder)? })
    }

    /// One of the tests.
    pub fn test(&self, id: TestId) -> Option<&Finding> {
        self.tests.iter().find(|finding| finding.id == id)
    }
}

impl Finding {
    fn read(folder: &dyn Folder, id: TestId, verdict: Verdict) -> io::Result<Finding> {
        let result = TestResult::read(folder, id)?;
        let outcome = match id.judges() {
            true => Outcome::Judged(verdict),
            false if id == TestId::T18 => Outcome::ByVerifying,
            false => Outcome::ForInformation,
        };
        let mut exceptions = Vec::new();
        TestRow::exceptions(folder, id, |row| {
            exceptions.push(row);
            exceptions.len() < REPORT_EXCEPTIONS_MAX
        })?;
        let indeterminate = first_of(folder, id, (RowVerdict::Indeterminate, result.indeterminate))?;
        let not_counted = first_of(folder, id, (RowVerdict::NotCounted, result.not_counted))?;
        let disposed = vec![None; exceptions.len()];
        Ok(Finding { id, outcome, result, exceptions, disposed, indeterminate, not_counted })
    }
}

/// Finds the first disposition that counts of each exception, as T13 does.
fn dispose(folder: &dyn Folder, tests: &mut [Finding]) -> io::Result<()> {
    let path = "data/dispositions.csv";
    let mut rows = Rows::open(folder, path)?;
    while let Some(row) = rows.read()? {
        let [index, _, _, _, _, _, counts, test, code, at, word] = row else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{path} has other columns")));
        };
        let named = tests.iter_mut().find(|finding| finding.id.name() == test);
        let Some(finding) = named.filter(|_| counts == COUNTS) else { continue };
        let slots = finding.exceptions.iter().zip(&mut finding.disposed);
        for (_, slot) in slots.filter(|(row, _)| row.index == *at && row.code == *code) {
            slot.get_or_insert_with(|| Disposed { index: index.clone(), word: word.clone() });
        }
    }
    Ok(())
}

/// The first rows of a population that came out so, of as many as there are.
fn first_of(folder: &dyn Folder, id: TestId, (verdict, count): (RowVerdict, u64)) -> io::Result<Vec<TestRow>> {
    let (mut rows, wanted) = (Vec::new(), usize::try_from(count).unwrap_or(usize::MAX).min(REPORT_INDETERMINATE_MAX));
    if wanted > 0 {
        TestRow::population(folder, id, |row| {
            if row.verdict == verdict {
                rows.push(row);
            }
            rows.len() < wanted
        })?;
    }
    Ok(rows)
}

impl Finding {
    /// What a pass does not show, as the page says it.
    pub fn not_shown(&self) -> String {
        let name = self.id.name();
        match self.id.basis() {
            Basis::Rows | Basis::Entries => format!("A pass of {name} does not show {}.", Prose(self.id.limits())),
            Basis::Undecided(why) => format!("{name} decides nothing in the package itself: {}.", Prose(why)),
        }
    }
}

impl ControlRow {
    /// How it came out, as the page says it.
    pub fn outcome(&self) -> Outcome {
        match self.verdict {
            Some(verdict) => Outcome::Judged(verdict),
            None if self.word == LISTING => Outcome::Listing,
            None if self.word == FOR_INFORMATION => Outcome::ForInformation,
            None => Outcome::ByVerifying,
        }
    }
}
