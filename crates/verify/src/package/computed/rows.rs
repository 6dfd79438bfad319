//! Where a test puts its rows, and what they add up to.

use crate::package::code::{PackageCode, PackageRefusal};
use crate::package::computed::{Basis, TestId, Verdict};
use crate::package::csv::Line;
use crate::package::row::{COLUMNS, Code, Row, RowVerdict, Subject};
use crate::package::table::{Drawable, Population};
use crate::package::views::{View, Views};
use crate::words::Micros;
use std::collections::BTreeMap;

/// What the rows of a test add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows of the population.
    pub rows: u64,
    /// Exceptions, those besides the population's rows among them.
    pub exceptions: u64,
    /// Rows that entries do not decide.
    pub indeterminate: u64,
    /// Rows of the population that decide nothing: somebody said something whose word does not count.
    pub not_counted: u64,
    /// How often each code was given.
    pub codes: BTreeMap<&'static str, u64>,
    /// On whose word the rows rest.
    pub rests_on: BTreeMap<&'static str, u64>,
}

/// An exception, for whoever asks what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Which test found it.
    pub test: TestId,
    /// The entry at which it stands.
    pub subject: Subject,
    /// Its code.
    pub code: Code,
    /// From when on it could be seen.
    pub known: Micros,
}

/// The rows of one test on their way.
pub struct Rows {
    id: TestId,
    population: Option<Population>,
    exceptions: View,
    line: Line,
    tally: Tally,
    notes: Vec<String>,
    found: Vec<Found>,
    /// Whether something that the test asks is not decided for any row.
    open: bool,
    /// A table of the test's own, by the name of its file.
    table: Option<(&'static str, Vec<u8>)>,
}

impl Rows {
    /// Begins the files of a test.
    pub fn create(views: &mut Views<'_>, id: TestId) -> Result<Rows, PackageRefusal> {
        let folder = folder(id);
        let population = match id.basis() {
            Basis::Rows => Some(Population::create(views, &folder, COLUMNS)?),
            Basis::Entries | Basis::Undecided(_) => None,
        };
        let mut exceptions = views.create(&format!("{folder}/exceptions.csv"), PackageCode::Exceptions)?;
        exceptions.write(COLUMNS)?;
        let (line, tally, notes) = (Line::default(), Tally::default(), Vec::new());
        Ok(Rows { id, population, exceptions, line, tally, notes, found: Vec::new(), open: false, table: None })
    }

    /// A row of the population.
    pub fn row(&mut self, row: &Row<'_>) -> Result<(), PackageRefusal> {
        self.tally.rows = self.tally.rows.saturating_add(1);
        add(&mut self.tally.rests_on, row.rests_on.name());
        row.render(self.id, &mut self.line);
        if let Some(population) = &mut self.population {
            population.push(row.subject.index, row.stratum, self.line.end())?;
        }
        self.judged(row)
    }

    /// An entry of the population that passes, where the entries are the population.
    pub fn counted(&mut self) {
        self.tally.rows = self.tally.rows.saturating_add(1);
    }

    /// An exception that is no row of the population.
    pub fn besides(&mut self, row: &Row<'_>) -> Result<(), PackageRefusal> {
        self.judged(row)
    }

    /// Something that whoever reads the result should know.
    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Something that the test asks cannot be decided from these entries at all: no pass.
    pub fn leaves_open(&mut self, note: &str) {
        self.open = true;
        self.notes.push(note.to_owned());
    }

    /// A table besides population and exceptions; it stays in memory until the test ends.
    pub fn table(&mut self, file: &'static str, bytes: Vec<u8>) {
        self.table = Some((file, bytes));
    }

    fn judged(&mut self, row: &Row<'_>) -> Result<(), PackageRefusal> {
        let Some((verdict, code)) = row.code else { return Ok(()) };
        add(&mut self.tally.codes, code.name());
        match verdict {
            RowVerdict::Pass => {}
            RowVerdict::NotCounted => self.tally.not_counted = self.tally.not_counted.saturating_add(1),
            RowVerdict::Indeterminate => self.tally.indeterminate = self.tally.indeterminate.saturating_add(1),
            RowVerdict::Exception => {
                self.tally.exceptions = self.tally.exceptions.saturating_add(1);
                self.found.push(Found { test: self.id, subject: row.subject, code, known: row.known });
                row.render(self.id, &mut self.line);
                self.exceptions.write(self.line.end())?;
            }
        }
        Ok(())
    }

    /// Every exception so far.
    pub fn found(&self) -> &[Found] {
        &self.found
    }

    /// Ends the files, but for the samples.
    pub fn close(self, views: &mut Views<'_>) -> Result<Closed, PackageRefusal> {
        let population = self.population.map(|population| population.close(views)).transpose()?;
        views.close(self.exceptions)?;
        if let Some((file, bytes)) = self.table {
            views.whole(&format!("{}/{file}", folder(self.id)), PackageCode::Result, &bytes)?;
        }
        Ok(Closed { id: self.id, population, tally: self.tally, notes: self.notes, open: self.open })
    }
}

/// A test whose rows are written.
pub struct Closed {
    /// Which.
    pub id: TestId,
    /// Its population, for the draw.
    pub population: Option<Drawable>,
    /// What the rows add up to.
    pub tally: Tally,
    /// What there is to know.
    pub notes: Vec<String>,
    open: bool,
}

impl Closed {
    /// How it came out.
    pub fn verdict(&self) -> Verdict {
        let tally = &self.tally;
        match (tally.exceptions, tally.indeterminate, tally.rows.saturating_sub(tally.not_counted)) {
            (1.., _, _) => Verdict::Fail,
            (0, 1.., _) => Verdict::Indeterminate,
            (0, 0, _) if self.open => Verdict::Indeterminate,
            (0, 0, 0) => Verdict::NotOperated,
            (0, 0, 1..) => Verdict::Pass,
        }
    }
}

/// The folder of a test.
pub fn folder(id: TestId) -> String {
    format!("data/tests/{}", id.name())
}

fn add(counts: &mut BTreeMap<&'static str, u64>, name: &'static str) {
    let count = counts.entry(name).or_default();
    *count = count.saturating_add(1);
}
