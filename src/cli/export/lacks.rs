//! What keeps the controls of a package from passing, read from its results: which tests, by which codes, and what would
//! help. It judges nothing, and names no more than the results do.

use super::advice;
use crate::cli::errors::Failure;
use crate::cli::output::{Output, counted};
use crate::evidence::TestResult;
use deedbook_verify::package::{Code, Directory, Mapping, Rendered, TestId, Verdict};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Lines that a person still reads; the report has all of it.
const LINES_MAX: usize = 3;

/// One thing to do, and what it would mend.
struct Lack {
    /// What its rows come to.
    verdict: Verdict,
    tests: BTreeSet<TestId>,
    codes: BTreeSet<&'static str>,
    /// Rows that would pass.
    rows: u64,
    /// Controls that do not pass and rest on one of the tests.
    controls: usize,
}

/// By what would help, and what it would help against.
pub struct Lacks {
    found: Vec<(&'static str, Lack)>,
    /// Of controls: how many have which verdict.
    counts: BTreeMap<u8, (Verdict, usize)>,
    is_empty_period: bool,
}

impl Lacks {
    /// Of the package in this folder, which has just been rendered.
    pub fn read(folder: &Path, rendered: &Rendered) -> Result<Lacks, Failure> {
        let files = Directory(folder.to_owned());
        let mut found: BTreeMap<(&'static str, u8), Lack> = BTreeMap::new();
        let mut add = |id: TestId, (verdict, code, rows): (Verdict, Option<Code>, u64), help: &'static str| {
            let lack = found.entry((help, verdict.rank())).or_insert_with(|| Lack {
                verdict,
                tests: BTreeSet::new(),
                codes: BTreeSet::new(),
                rows: 0,
                controls: 0,
            });
            lack.tests.insert(id);
            lack.codes.extend(code.map(Code::name));
            lack.rows = lack.rows.saturating_add(rows);
        };
        for (id, verdict, _, _) in rendered.tests.iter().filter(|(id, ..)| id.judges()) {
            let result = TestResult::read(&files, *id).map_err(|error| Failure::file(folder, &error))?;
            for (name, count) in &result.codes {
                let advised = Code::from_name(name).and_then(|code| Some((code, advice::of(*id, code)?)));
                if let Some((code, (verdict, help))) = advised {
                    add(*id, (verdict, Some(code), *count), help);
                }
            }
            if *verdict == Verdict::NotOperated {
                advice::of_nothing(*id).into_iter().for_each(|help| add(*id, (*verdict, None, 0), help));
            }
        }
        let mut found: Vec<(&'static str, Lack)> = found.into_iter().map(|((help, _), lack)| (help, lack)).collect();
        let open = open(rendered);
        for (_, lack) in &mut found {
            lack.controls = open.iter().filter(|tests| !tests.is_disjoint(&lack.tests)).count();
        }
        found.sort_by_key(|(_, lack)| (std::cmp::Reverse((lack.verdict.rank(), lack.controls)), lack.tests.clone()));
        let mut counts = BTreeMap::new();
        for (_, verdict) in &rendered.controls {
            counts.entry(verdict.rank()).or_insert((*verdict, 0usize)).1 += 1;
        }
        Ok(Lacks { found, counts, is_empty_period: rendered.counts.in_period == 0 })
    }

    /// In a few lines.
    pub fn show(&self, output: Output) -> Result<(), Failure> {
        let counts = self.counts.values().rev().map(|(verdict, count)| format!("{count} {}", verdict.name()));
        let counts = counts.collect::<Vec<String>>().join(", ");
        if self.is_empty_period {
            return output
                .line(&format!("controls: {counts}: the log has no entry of this period, so nothing was tested"));
        }
        let mark = if self.found.is_empty() { "" } else { "; what would make more of them pass:" };
        output.line(&format!("controls: {counts}{mark}"))?;
        for (help, lack) in self.found.iter().take(LINES_MAX) {
            output.line(&format!("  {}: {help}", lack.what()))?;
        }
        match self.found.len().saturating_sub(LINES_MAX) {
            0 => Ok(()),
            more => output
                .line(&format!("  and {more} more: `--json` names them all, the report says what each test found")),
        }
    }

    /// All of them, for programs.
    pub fn value(&self) -> Value {
        let one = |(help, lack): &(&'static str, Lack)| {
            json!({"verdict": lack.verdict.name(), "tests": lack.tests.iter().map(|test| test.name()).collect::<Vec<_>>(),
                "codes": lack.codes, "rows": lack.rows, "controls": lack.controls, "next": help})
        };
        self.found.iter().map(one).collect()
    }
}

impl Lack {
    /// Such as `T04 T08 fail by 6 rows, GOVERNED_ALONE ORPHAN_GRANT`.
    fn what(&self) -> String {
        let words = |all: Vec<&str>| all.join(" ");
        let tests = words(self.tests.iter().map(|test| test.name()).collect());
        let rows = counted(self.rows, "row", "rows");
        let codes = words(self.codes.iter().copied().collect());
        match (self.verdict, self.tests.len()) {
            (Verdict::NotOperated | Verdict::Pass, _) => format!("{tests} not operated"),
            (Verdict::Indeterminate, _) => format!("{tests} open by {rows}, {codes}"),
            (Verdict::Fail, 1) => format!("{tests} fails by {rows}, {codes}"),
            (Verdict::Fail, _) => format!("{tests} fail by {rows}, {codes}"),
        }
    }
}

/// The tests of each control that does not pass.
fn open(rendered: &Rendered) -> Vec<BTreeSet<TestId>> {
    let passes = |id: &str| rendered.controls.iter().any(|(known, verdict)| known == id && *verdict == Verdict::Pass);
    let mapping = Mapping::of(rendered.question.framework);
    let open = mapping.controls.iter().filter(|control| !passes(control.id));
    open.map(|control| control.tests.iter().copied().collect()).collect()
}
