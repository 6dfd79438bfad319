//! The summaries that a package's files hold: what each test found, what each control came to. Read, not judged.

use crate::evidence::rows::Rows;
use crate::limits::PACKAGE_RESULT_BYTES_MAX;
use deedbook_verify::package::{Folder, TestId, Verdict};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{self, Read};

/// `data/tests/T01/result.json` and its like.
#[derive(Clone, Debug, Deserialize)]
pub struct TestResult {
    /// The test's name.
    pub test: String,
    /// The word of its verdict.
    pub verdict: String,
    /// Why nothing is decided, where nothing is.
    pub undecided: Option<String>,
    /// Rows of the population.
    #[serde(default)]
    pub rows: u64,
    /// Exceptions.
    #[serde(default)]
    pub exceptions: u64,
    /// Rows that entries do not decide.
    #[serde(default)]
    pub indeterminate: u64,
    /// Rows that decide nothing, as somebody said them whose word does not count.
    #[serde(default)]
    pub not_counted: u64,
    /// How often each code was given.
    #[serde(default)]
    pub codes: BTreeMap<String, u64>,
    /// On whose word the rows rest.
    #[serde(default)]
    pub rests_on: BTreeMap<String, u64>,
    /// What there is to know.
    #[serde(default)]
    pub notes: Vec<String>,
    /// SHA-256 of the population's file.
    pub population_sha256: Option<String>,
    /// Rows that were drawn.
    pub drawn: Option<u64>,
}

impl TestResult {
    /// Of a test.
    pub fn read(folder: &dyn Folder, id: TestId) -> io::Result<TestResult> {
        let path = format!("data/tests/{}/result.json", id.name());
        let mut text = Vec::new();
        let bound = u64::try_from(PACKAGE_RESULT_BYTES_MAX).unwrap_or(u64::MAX);
        folder.open(&path)?.take(bound).read_to_end(&mut text)?;
        serde_json::from_slice(&text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

/// A row of `data/controls.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlRow {
    /// What the framework calls it.
    pub id: String,
    /// The worst verdict of its tests; none: no test of the package speaks to it.
    pub verdict: Option<Verdict>,
    /// The word in the file.
    pub word: String,
    /// The tests that speak to it.
    pub tests: Vec<TestId>,
    /// What it is about.
    pub asks: String,
    /// What its population is.
    pub population: String,
    /// When it passes.
    pub passes_when: String,
}

impl ControlRow {
    /// All of them, in the order of the file.
    pub fn read(folder: &dyn Folder) -> io::Result<Vec<ControlRow>> {
        let mut rows = Rows::open(folder, "data/controls.csv")?;
        let mut all = Vec::new();
        while let Some(row) = rows.read()? {
            let Ok([id, word, tests, asks, population, passes_when]) = <[String; 6]>::try_from(row.to_vec()) else {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "data/controls.csv has other columns"));
            };
            let tests = tests.split(' ').filter_map(TestId::from_name).collect();
            let verdict = Verdict::from_name(&word);
            all.push(ControlRow { id, verdict, word, tests, asks, population, passes_when });
        }
        Ok(all)
    }
}
